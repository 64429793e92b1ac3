/*
 * An HTTP/1.1 server, on libmicrohttpd (the only place that includes it).
 *
 * Connections come from TCP and unix sockets, with or without TLS (OpenSSL). All of the server runs
 * on one thread of its own: so do all callbacks, and none may block it. Nothing that a client does
 * or leaves undone holds it: each part of a request has its limit in bytes and in time.
 *
 * The process ignores SIGPIPE: OpenSSL writes to a socket as to a file.
 *
 * Order: create, listen (once or several times), start, stop, destroy.
 *
 * Thread: create to start from one thread; stop and destroy from any that is not the server's.
 */
#ifndef GOFER_API_HTTP_SERVER_H_
#define GOFER_API_HTTP_SERVER_H_

#include "api/http/exchange.h"
#include "api/tls/files.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_HTTP_CONNECTIONS_MAX_DEFAULT = 8192,
    GF_HTTP_ADDRESS_CONNECTIONS_MAX_DEFAULT = 0, /* no limit */
    GF_HTTP_HEAD_BYTES_MAX_DEFAULT =
        8 * 1024, /* request line and headers: 431. An idle stream has it in memory */
    GF_HTTP_BODIES_BYTES_MAX_DEFAULT = 256 * 1024 * 1024,    /* of all that are on their way in */
    GF_HTTP_RESPONSES_BYTES_MAX_DEFAULT = 256 * 1024 * 1024, /* of all that wait to be taken */
    GF_HTTP_HEAD_MS_MAX_DEFAULT = 10 * 1000,      /* from its first byte to the end of the head */
    GF_HTTP_BODY_MS_MAX_DEFAULT = 60 * 1000,      /* from the head to the end of the body */
    GF_HTTP_IDLE_MS_MAX_DEFAULT = 60 * 1000,      /* of a connection between requests */
    GF_HTTP_STALL_MS_MAX_DEFAULT = 30 * 1000,     /* of a client that takes nothing of what waits */
    GF_HTTP_HANDSHAKE_MS_MAX_DEFAULT = 10 * 1000, /* of TLS */
    GF_HTTP_LISTENERS_MAX = 16,
};

struct gf_http_server;

/* Who serves. Called on the server's thread; must not block. */
struct gf_http_handler {
    /*
     * The head of a request is here. The handler calls gf_http_read_body, or responds at once (the
     * connection ends with the response where a body has not come yet).
     */
    void (*head)(struct gf_http_exchange *exchange, void *ctx);
    /*
     * The whole body, borrowed until `done`; or, with error, that it will not come: larger than
     * allowed (GF_RESOURCE_EXHAUSTED), late (GF_DEADLINE_EXCEEDED), or too much with all others
     * that are on their way (GF_UNAVAILABLE). Now or later the handler responds. After
     * gf_http_read_body, unless the client went away.
     */
    void (*body)(struct gf_http_exchange *exchange, struct gf_str body,
                 const struct gf_error *error, void *ctx);
    /* gf_http_wake was called, once or several times. */
    void (*woken)(struct gf_http_exchange *exchange, void *ctx);
    /*
     * The next bytes of a streamed response (gf_http_respond_stream), into out, at most size_max.
     * *out_size 0 with MORE: nothing now, and gf_http_wake will be called.
     */
    enum gf_http_more (*read)(struct gf_http_exchange *exchange, char *out, size_t size_max,
                              size_t *out_size, void *ctx);
    /* The client went away, or the server stops, before the response was sent whole; at most once.
     * `done` follows when the handler has called gf_http_abandon, or has responded before. A stream
     * counts as responded when `read` has given END or BROKEN: until then what feeds it may still
     * use the exchange. `read` is not called any more. A client that sends no more while it waits
     * for a response, or reads a stream, counts as one that went away. Without this callback an
     * exchange is abandoned at once. */
    void (*gone)(struct gf_http_exchange *exchange, void *ctx);
    /* The last of an exchange, which the handler was told of by `head`: nothing of it is used
     * afterwards. */
    void (*done)(struct gf_http_exchange *exchange, void *ctx);
};

/* Zero in any field means its default. */
struct gf_http_server_options {
    const char *name;               /* of the thread; required; static storage */
    struct gf_http_handler handler; /* head, body and done are required */
    void *ctx;
    /*
     * Beyond it who asks for nothing makes room for those that come: connections that are only seen
     * off, heads that come slowly, idle ones, other heads and handshakes; the oldest first.
     * Where there is none of these, new ones are closed at once.
     */
    size_t connections_max;
    size_t descriptors_max;       /* the same for what they take: of TLS three each; 0: no limit */
    _Atomic int64_t *descriptors; /* how many those are is added here; NULL: nowhere */
    size_t address_connections_max; /* of one address; this machine has no such limit */
    size_t head_bytes_max;
    /* Beyond these the oldest make room: bodies that have not come whole, for which `body` has
     * GF_UNAVAILABLE; whole responses that their clients have not taken, which are cut. */
    size_t bodies_bytes_max;
    size_t responses_bytes_max;
    int64_t head_ms_max;
    int64_t body_ms_max;
    int64_t idle_ms_max;
    int64_t stall_ms_max;
    int64_t handshake_ms_max;
};

/* Owned by the caller. Code: GF_RESOURCE_EXHAUSTED. */
enum gf_code gf_http_server_create(const struct gf_http_server_options *options,
                                   struct gf_http_server **out_server,
                                   struct gf_error *err) GF_MUST_USE;

/* Listens, as gf_rpc_server_listen does, with the same addresses, codes and *out_port. Connections
 * are taken from start on. */
enum gf_code gf_http_server_listen(struct gf_http_server *server, const char *address,
                                   const struct gf_tls_files *tls, int *out_port,
                                   struct gf_error *err) GF_MUST_USE;

/* As gf_rpc_server_reload_tls. */
enum gf_code gf_http_server_reload_tls(struct gf_http_server *server, size_t *out_count,
                                       struct gf_error *err) GF_MUST_USE;

/* Starts the thread, and takes connections. Code: GF_RESOURCE_EXHAUSTED. */
enum gf_code gf_http_server_start(struct gf_http_server *server, struct gf_error *err) GF_MUST_USE;

/*
 * Takes no more connections; requests in progress have up to grace_ms, then their exchanges are
 * told `gone`. Blocks until `done` was called for each. Stopping one that does not run does
 * nothing.
 */
void gf_http_server_stop(struct gf_http_server *server, int64_t grace_ms);

/* Stops (without grace) and frees. Accepts NULL. */
void gf_http_server_destroy(struct gf_http_server *server);

/* What there was since the start, and is now. */
struct gf_http_stats {
    uint64_t connections_total;
    uint64_t connections_refused_total; /* by a limit */
    uint64_t handshakes_failed_total;
    uint64_t requests_total;
    uint64_t malformed_total; /* requests that were refused before the handler saw them */
    uint64_t timeouts_total;  /* of heads, bodies, stalls */
    int64_t connections;
    int64_t requests;   /* in progress */
    int64_t body_bytes; /* on their way in */
};
/* Thread: any. */
void gf_http_server_stats(const struct gf_http_server *server, struct gf_http_stats *out);

#endif /* GOFER_API_HTTP_SERVER_H_ */
