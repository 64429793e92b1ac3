/*
 * A gRPC server: services on TCP and unix sockets, with or without TLS.
 *
 * Order: create, add services, listen (once or several times), start, stop, destroy. A server that
 * was not started may be destroyed at once. One server has one interceptor: listeners that are
 * trusted differently belong to servers of their own.
 *
 * Connections are taken while the process has few enough descriptors: fewer than
 * GF_RPC_CONNECTIONS_MAX, and than three quarters of RLIMIT_NOFILE, so that files can be opened
 * whatever strangers do. Other machines have three quarters of these. Those beyond are closed at
 * once.
 *
 * Never fork after gf_rpc_server_create (posix_spawn of another program is fine): gRPC runs
 * threads.
 *
 * Thread: create to start from one thread; stop and destroy from any thread that is not the
 * server's.
 */
#ifndef GOFER_API_RPC_SERVER_H_
#define GOFER_API_RPC_SERVER_H_

#include "api/rpc/call.h"
#include "api/rpc/method.h"
#include "api/tls/files.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_RPC_THREADS_DEFAULT = 2, /* one alone starves the others' cancellations in a busy stream */
    GF_RPC_THREADS_MAX = 64,
    GF_RPC_RECEIVE_BYTES_MAX_DEFAULT = 4 * 1024 * 1024,
    GF_RPC_SEND_BYTES_MAX = 64 * 1024 * 1024, /* one message, on either side */
    GF_RPC_DECODED_BYTES_MAX_DEFAULT = 32 * 1024 * 1024,
    GF_RPC_ARENA_BYTES_MAX_DEFAULT = 128 * 1024 * 1024,
    GF_RPC_SEND_QUEUE_BYTES_MAX_DEFAULT = 256 * 1024,
    GF_RPC_METADATA_BYTES_MAX_DEFAULT = 16 * 1024,
    GF_RPC_CALLS_MAX_DEFAULT = 10000,
    GF_RPC_UNREAD_BYTES_MAX_DEFAULT = 128 * 1024 * 1024,
    GF_RPC_REQUEST_MS_MAX_DEFAULT = 60 * 1000,
    GF_RPC_KEEPALIVE_MS_DEFAULT = 30 * 1000,
    GF_RPC_KEEPALIVE_TIMEOUT_MS_DEFAULT = 10 * 1000,
    GF_RPC_CONNECTIONS_MAX = 4096, /* of all servers, with other descriptors; more are closed */
    GF_RPC_HANDSHAKE_MS_MAX = 20 * 1000,
    GF_RPC_IDLE_MS_MAX = 10 * 60 * 1000, /* of a connection without calls, which is closed then */
    GF_RPC_HELD_REFUSALS_MAX = 1024,     /* at once by one server; more are answered at once */
};

/*
 * Descriptors of connections that are not gRPC's. Whoever has such counts them here, so that they
 * do not count among GF_RPC_CONNECTIONS_MAX, and has a limit of them. Thread: any.
 */
_Atomic int64_t *gf_rpc_other_descriptors(void);

/* Of how many descriptors connections of all kinds may be: three quarters of RLIMIT_NOFILE, as it
 * is now. Thread: any. */
size_t gf_rpc_descriptors_max(void);

struct gf_rpc_server;

/*
 * Sees every call of a method that was added before its handler, also where that is empty, and
 * either returns GF_OK (after gf_rpc_call_set_principal, if it likes) or fills err, which ends the
 * call with it. It uses the call's method, metadata, peer, deadline and arena and does not end the
 * call itself.
 *
 * Thread: the server's, several at a time; must not block.
 */
typedef enum gf_code gf_rpc_interceptor(struct gf_rpc_call *call, void *ctx, struct gf_error *err);

/*
 * Sees every request before its handler, and refuses it as an interceptor does. Unary and server
 * streams: the decoded request, before `start`, so that the handler never hears of a refused call.
 * Client and bidi streams: each decoded message, before `message`; a refusal ends the call with the
 * error, and the handler is told by `cancelled`, as of a client that went away. `request` is
 * borrowed for as long as the handler has it.
 *
 * Thread: as of the interceptor.
 */
typedef enum gf_code gf_rpc_authorizer(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                       void *ctx, struct gf_error *err);

/*
 * The last of a call that the interceptor has seen, refused or not: after `done`, where the handler
 * has heard of it. For what the interceptor keeps of open calls.
 *
 * Thread: as of the interceptor.
 */
typedef void gf_rpc_ended(struct gf_rpc_call *call, void *ctx);

/*
 * For the interceptor and the authorizer: holds the refusal that they return back for delay_ms, to
 * slow down who tries many. No thread waits for it. A client that goes away, or the stop of the
 * server, ends it earlier; beyond GF_RPC_HELD_REFUSALS_MAX refusals leave at once. Without effect
 * where the call is let in, and once its handler has started.
 */
void gf_rpc_call_delay_refusal(struct gf_rpc_call *call, int64_t delay_ms);

/*
 * For the interceptor: what this call says holds secrets. Its requests as received and decoded, its
 * responses as sent, and the arena of the call are overwritten as soon as they are not needed any
 * more. (What the kernel and TLS have buffered of them is out of reach.)
 */
void gf_rpc_call_set_secret(struct gf_rpc_call *call);

/*
 * For the interceptor: requests of this call have so many bytes at most, where that is less than
 * what the server takes. Larger ones: RESOURCE_EXHAUSTED, reason REQUEST_TOO_LARGE, before they are
 * decoded.
 */
void gf_rpc_call_limit_requests(struct gf_rpc_call *call, size_t bytes_max);

/* Zero in any field means its default. */
struct gf_rpc_server_opts {
    size_t thread_count;         /* at most GF_RPC_THREADS_MAX */
    size_t receive_bytes_max;    /* of one message; larger ones: RESOURCE_EXHAUSTED */
    size_t decoded_bytes_max;    /* of one message in memory; larger: RESOURCE_EXHAUSTED */
    size_t arena_bytes_max;      /* of one call's arena, the decoded request not included */
    size_t send_queue_bytes_max; /* of one call's messages that wait for the client */
    size_t metadata_bytes_max;   /* of one call; more: RESOURCE_EXHAUSTED, 4 times: disconnected */
    size_t unread_bytes_max;     /* of all requests on their way in; above it some are reset */
    size_t calls_max;            /* in progress on the whole server; more: RESOURCE_EXHAUSTED */
    int64_t request_ms_max;      /* until the request of a call is here; later: DEADLINE_EXCEEDED */
    int64_t keepalive_ms;        /* idle time before a ping to the client; < 0: no pings */
    int64_t keepalive_timeout_ms;    /* without an answer to the ping the connection is closed */
    gf_rpc_interceptor *interceptor; /* NULL: every call is let through */
    gf_rpc_authorizer *authorizer;   /* NULL: every request is let through */
    gf_rpc_ended *ended;             /* NULL: nobody wants to know */
    void *interceptor_ctx;           /* of all three; borrowed until destroy */
};

/*
 * Owned by the caller; opts may be NULL.
 * Code: GF_INVALID_ARGUMENT (an option out of its range).
 */
enum gf_code gf_rpc_server_create(const struct gf_rpc_server_opts *opts,
                                  struct gf_rpc_server **out_server,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Adds a service: handlers has service->method_count slots in the order of its methods. Copied:
 * handlers; borrowed until destroy: service, ctx and what the slots' `typed` point to. Adding a
 * service twice is a programmer's error (asserted).
 */
void gf_rpc_server_add_service(struct gf_rpc_server *server, const struct gf_rpc_service *service,
                               const struct gf_rpc_handler *handlers, void *ctx);

/*
 * Listens on "host:port" (port 0: a free one; "[::1]:8080" for IPv6) or "unix:/path" (under 108
 * bytes; a socket that nobody listens on is replaced). tls may be NULL, and is borrowed for the
 * call. *out_port, if not NULL, is the port that was bound, 0 for unix sockets. Connections are
 * accepted from start on.
 *
 * Codes: GF_INVALID_ARGUMENT (malformed address, unknown host, unusable TLS files),
 * GF_FAILED_PRECONDITION (address in use, or no such address here), GF_PERMISSION_DENIED.
 */
enum gf_code gf_rpc_server_listen(struct gf_rpc_server *server, const char *address,
                                  const struct gf_tls_files *tls, int *out_port,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Reads the files of all listeners with TLS now, whether they look new or not. *out_count is how
 * many listeners have TLS. Where one cannot be used the old one stays, the others are read
 * nevertheless, and err is the first error. Code: GF_INVALID_ARGUMENT. Thread: any; blocks.
 */
enum gf_code gf_rpc_server_reload_tls(struct gf_rpc_server *server, size_t *out_count,
                                      struct gf_error *err) GF_MUST_USE;

/* Starts to serve. */
void gf_rpc_server_start(struct gf_rpc_server *server);

/*
 * Stops: refuses new calls at once, lets those in progress end for up to grace_ms, then cancels
 * what is left and waits until every handler has ended its calls and `done` has run. Blocks until
 * then. Stopping a server that does not run does nothing. Streams without an end hold the grace
 * period open: end them before. Who carries calls into the server (carried.h) has stopped before.
 */
void gf_rpc_server_stop(struct gf_rpc_server *server, int64_t grace_ms);

/* Frees the server, which is stopped (or is stopped now, without grace). Accepts NULL. */
void gf_rpc_server_destroy(struct gf_rpc_server *server);

/*
 * Figures of a server since its start. Those that are read at once need not fit together to the
 * last call: what has begun less what has ended is about what is in progress. Messages of a call
 * are counted when it is over, and now and then before.
 */
enum {
    GF_RPC_CODE_COUNT = GF_UNAUTHENTICATED + 1
};

struct gf_rpc_server_stats {
    size_t calls_in_progress;
    size_t calls_max;
    size_t held_refusals; /* of GF_RPC_HELD_REFUSALS_MAX */
    /* Of all servers of the process: */
    uint64_t connections_taken;
    uint64_t connections_refused; /* for want of descriptors, see above */
};

/* Of the calls of one method and one transport. */
struct gf_rpc_method_stats {
    uint64_t begun;
    uint64_t ended[GF_RPC_CODE_COUNT]; /* by the code of their status */
    uint64_t received_messages;
    uint64_t received_bytes; /* of messages, as on the wire */
    uint64_t sent_messages;
    uint64_t sent_bytes;
    struct gf_histogram_snapshot durations; /* of those that ended: from headers to end */
};

/* Thread: any, while the server is there. */
void gf_rpc_server_stats(const struct gf_rpc_server *server, struct gf_rpc_server_stats *out);

/*
 * The methods of the server, in the order in which they were added, and the last one (NULL) for all
 * calls of methods that it has not: index is below gf_rpc_server_method_count. Before the start all
 * figures are 0. Thread: any, once all services were added.
 */
size_t gf_rpc_server_method_count(const struct gf_rpc_server *server);
const struct gf_rpc_method *gf_rpc_server_method_at(const struct gf_rpc_server *server,
                                                    size_t index);
void gf_rpc_server_method_stats(const struct gf_rpc_server *server, size_t index,
                                enum gf_rpc_transport transport, struct gf_rpc_method_stats *out);

/* Calls in progress now. Thread: any. */
size_t gf_rpc_server_call_count(const struct gf_rpc_server *server);

#endif /* GOFER_API_RPC_SERVER_H_ */
