/*
 * The inside of the HTTP server. For api/http alone.
 *
 *     server.c      creation, start and stop, the loop around libmicrohttpd, wakes
 *     address.c     addresses of clients, and how many connections each has
 *     listener.c    sockets that are listened on; connections that are taken from them
 *     certificate.c what TLS listeners show, and its change
 *     connection.c  a connection from its arrival to its end: its limits of time, its client's end
 *     exchange.c    a request from its head to `done`
 *     exchange_info.c what handlers may ask about it
 *     head.c        whether a head is one that everybody reads the same way
 *     body.c        the body that comes in
 *     response.c    what goes out
 *     pump.c        TLS between a client and libmicrohttpd
 *
 * Thread: the server's (its reactor's), unless something else is said.
 */
#ifndef GOFER_API_HTTP_SERVER_INTERNAL_H_
#define GOFER_API_HTTP_SERVER_INTERNAL_H_

#include "api/http/exchange.h"
#include "api/http/server.h"
#include "api/tls/source.h"
#include "base/list.h"
#include "base/map.h"
#include "base/reactor.h"
#include "base/sync.h"
#include "base/vec.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    GF_HTTP__EXCHANGE_MAGIC = 0x67666878,
    GF_HTTP__PEER_BYTES_MAX = 72, /* "ipv6:[...]:65535" and the final NUL */
    GF_HTTP__ADDRESS_BYTES = 16,
    GF_HTTP__ARENA_BYTES_MAX = 16 * 1024 * 1024,
};

/* How far a connection with TLS has come. Each has its list in the server. */
enum gf_http__pump_stage {
    GF_HTTP__HANDSHAKE,
    GF_HTTP__MOVING, /* libmicrohttpd has it as a connection */
    GF_HTTP__LEFT,   /* libmicrohttpd is done with it: what is left is sent, and the client seen off
                      */
    GF_HTTP__PUMP_STAGES,
};

/* What a connection is waiting for. Each has its limit of time, and its list in the server. */
enum gf_http__phase {
    GF_HTTP__IDLE,    /* for a request */
    GF_HTTP__HEAD,    /* for the rest of a head */
    GF_HTTP__BODY,    /* for the rest of a body */
    GF_HTTP__SENDING, /* for its client to take what is there */
    GF_HTTP__LINGER,  /* for its client to see the end of it */
    GF_HTTP__HANDLER, /* for us: without a limit */
    GF_HTTP__PHASES,
};

struct gf_http__connection {
    struct gf_http_server *server;
    struct gf_list_link link; /* in the list of its phase */
    enum gf_http__phase phase;
    int64_t phase_ns; /* when it began */
    int64_t deadline_ns;
    uint64_t phase_round;  /* of the reactor, at its begin */
    uint64_t progress;     /* see gf_http__connection_progress; when sending began, or was seen */
    unsigned unread_count; /* see gf_http__connections_unstick */
    int fd;                /* libmicrohttpd's */
    struct gf_watch watch;
    struct gf_http_exchange *exchange; /* NULL between requests */
    bool peer_closed;                  /* its client sends no more */
    bool cut;                          /* to be closed without a further byte */
    bool is_tls;
    bool is_local;
    bool has_address;
    unsigned char address[GF_HTTP__ADDRESS_BYTES];
    char peer[GF_HTTP__PEER_BYTES_MAX];
};

enum gf_http__response_kind {
    GF_HTTP__NO_RESPONSE,
    GF_HTTP__WHOLE,
    GF_HTTP__FILE,
    GF_HTTP__STREAM,
};

/* How far a request has come. */
enum gf_http__stage {
    GF_HTTP__TARGET,    /* its first line is here; the handler does not know of it */
    GF_HTTP__IN_HEAD,   /* in the handler's `head` */
    GF_HTTP__READING,   /* its body comes */
    GF_HTTP__WAITING,   /* all of it is here, and no response is */
    GF_HTTP__ANSWERING, /* the response is libmicrohttpd's */
    GF_HTTP__LATE,      /* was answered before its body was here; the rest is dropped */
    GF_HTTP__DETACHED,  /* of no connection any more */
};

struct gf_http_exchange {
    uint32_t magic;
    struct gf_http_server *server;
    struct gf_http__connection *connection; /* NULL when detached */
    struct MHD_Connection *mhd;             /* the same */
    struct gf_list_link link;               /* in the server's, from `head` on */
    enum gf_http__stage stage;

    /* The head: a copy of all of it, and views into that. */
    char *target; /* as sent */
    char *head;   /* NULL until it is checked; wiped in the end */
    size_t head_size;
    struct gf_str method;
    struct gf_str path;
    struct gf_str query;
    struct gf_str peer;
    char peer_text[GF_HTTP__PEER_BYTES_MAX];
    struct gf_http__header *headers;
    size_t header_count;
    bool is_tls;
    bool is_local;
    bool is_old; /* HTTP/1.0 */
    bool has_body;
    bool is_chunked;
    bool expects_continue;
    uint64_t content_length; /* 0 where chunked */
    const char *sent_head;   /* in libmicrohttpd's memory, to be wiped there */

    /* The body. */
    char *body;
    size_t body_size;
    size_t body_capacity;
    size_t body_bytes_max;
    size_t late_bytes; /* that came after the answer, and were dropped */
    bool read_wanted;  /* gf_http_read_body was called */
    bool body_told;    /* the handler knows of its end, good or bad */

    /* The response. */
    enum gf_http__response_kind kind;
    int status;
    struct MHD_Response *response; /* ours until it is queued */
    struct gf_str late_body;       /* of a whole one, for answers that libmicrohttpd cannot give */
    size_t response_bytes;         /* what it counts among the server's */
    bool stream_ended;             /* `read` gave END or BROKEN */
    bool stream_waits;             /* `read` had nothing */

    bool suspended;
    bool told_gone;
    bool abandoned;
    unsigned busy; /* callbacks of the handler that are running */

    bool wake_queued; /* guarded by the server's wake_mutex, as the link */
    struct gf_list_link wake_link;

    struct gf_timer timer;
    struct gf_arena arena;
    void *data;
};

struct gf_http__header {
    struct gf_str name;
    struct gf_str value;
};

/* An address of a socket, of whatever kind. */
union gf_http__address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
    struct sockaddr_storage storage;
};

/* What the sockets of one address show to their clients. */
struct gf_http__certificate {
    struct gf_tls_source *source;
    SSL_CTX *context; /* of what the source gave last */
};

/* A socket that is listened on. */
struct gf_http__listener {
    struct gf_http_server *server;
    int fd;
    struct gf_watch watch;
    struct gf_timer pause; /* runs while it takes nothing for want of descriptors */
    char *path;            /* of a unix socket, owned; NULL for others */
    bool is_local;
    bool is_wildcard;                         /* whether a connection is local is its own matter */
    struct gf_http__certificate *certificate; /* the server's; NULL: no TLS */
};

struct gf_http_server {
    struct gf_http_server_options options; /* with the defaults filled in */
    struct gf_reactor *reactor;
    struct MHD_Daemon *daemon;
    struct gf_watch mhd_watch;
    struct gf_timer mhd_timer; /* runs libmicrohttpd again */
    struct gf_timer tick;      /* looks for what is late; runs while there are connections */
    int64_t tick_ns;
    uint64_t progress; /* counts what libmicrohttpd has told us */
    bool in_mhd;
    bool revisit; /* it has closed something that it would forget */

    GF_VEC(struct gf_http__listener *) listeners;
    struct gf_http__connection *adding; /* is being given to libmicrohttpd */
    struct gf_list connections[GF_HTTP__PHASES];
    size_t connection_count;
    struct gf_list pumps[GF_HTTP__PUMP_STAGES];
    size_t pump_counts[GF_HTTP__PUMP_STAGES];
    size_t descriptor_count; /* of connections and pumps */
    size_t response_bytes;   /* of whole responses that were not taken */
    GF_VEC(struct gf_http__certificate *) certificates;
    struct gf_map addresses; /* address -> struct address_count of address.c */

    struct gf_list exchanges;
    bool running;
    bool stopping; /* takes no more connections */
    bool ending;   /* all exchanges were told that they are gone */
    struct gf_latch idle;

    struct gf_mutex wake_mutex; /* guards what follows */
    struct gf_list wakes;

    struct {
        _Atomic uint64_t connections_total;
        _Atomic uint64_t connections_refused_total;
        _Atomic uint64_t handshakes_failed_total;
        _Atomic uint64_t requests_total;
        _Atomic uint64_t malformed_total;
        _Atomic uint64_t timeouts_total;
        _Atomic int64_t connections;
        _Atomic int64_t requests;
        _Atomic int64_t body_bytes;
    } stats;
};

/* ---- server.c ---- */

/* Has libmicrohttpd go on soon: something was resumed, or added. */
void gf_http__server_kick(struct gf_http_server *server);
/* So many descriptors more, or less. */
void gf_http__server_count_descriptors(struct gf_http_server *server, int count);
/* An exchange or a connection less. */
void gf_http__server_check_idle(struct gf_http_server *server);

/* ---- address.c ---- */

/* Puts the IPv4 address in the place of the IPv6 one that stands for it. */
void gf_http__address_unmap(union gf_http__address *address);
bool gf_http__address_is_loopback(const union gf_http__address *address);
bool gf_http__address_is_wildcard(const union gf_http__address *address);
/* In the form of gf_rpc_call_peer. */
void gf_http__address_format(const union gf_http__address *address,
                             char out[GF_HTTP__PEER_BYTES_MAX]);
/* Who counts as one: an address of IPv4, or the net of one of IPv6, all of which one host may
 * have. */
void gf_http__address_key(const union gf_http__address *address,
                          unsigned char out[GF_HTTP__ADDRESS_BYTES]);
/* A connection more from there; false: it has as many as it may. And one less. */
bool gf_http__address_take(struct gf_http_server *server, const unsigned char *key);
void gf_http__address_release(struct gf_http_server *server, const unsigned char *key);

/* ---- listener.c ---- */

/* Begins to take connections; stops to, and closes. */
void gf_http__listener_start(struct gf_http__listener *listener);
void gf_http__listener_destroy(struct gf_http__listener *listener);

/* ---- certificate.c ---- */

/* Reads the files for the first time. Owned by the caller. Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_http__certificate_create(const struct gf_tls_files *files,
                                         struct gf_http__certificate **out_certificate,
                                         struct gf_error *err) GF_MUST_USE;
/* Accepts NULL. */
void gf_http__certificate_destroy(struct gf_http__certificate *certificate);
/* For the begin of a handshake: of the files as they are now, or as they were when they were good.
 * Borrowed until the next call; connections keep theirs. */
SSL_CTX *gf_http__certificate_context(struct gf_http__certificate *certificate);

/* ---- connection.c ---- */

/*
 * Gives a connected socket to libmicrohttpd, which owns it from here on. `template` has is_tls,
 * is_local, has_address, address and peer.
 */
void gf_http__connection_add(struct gf_http_server *server, int fd,
                             const struct gf_http__connection *template);
/* libmicrohttpd's MHD_OPTION_NOTIFY_CONNECTION. */
void gf_http__connection_notify(void *ctx, struct MHD_Connection *mhd, void **socket_context,
                                enum MHD_ConnectionNotificationCode code);
/* Of a client that sends no more, LINGER in the place of what waits for more. */
void gf_http__connection_enter(struct gf_http__connection *connection, enum gf_http__phase wanted);
/* Ends it: libmicrohttpd will see the end of its socket. */
void gf_http__connection_cut(struct gf_http__connection *connection);
/* libmicrohttpd goes round without progress: looks for what it does not read, though it should, and
 * ends it when that is so again and again. */
void gf_http__connections_unstick(struct gf_http_server *server);
/* Looks for connections that are late. */
void gf_http__connections_tick(struct gf_http_server *server);

/* ---- pump.c ---- */

/* Begins a handshake with a client; a connection follows. Owns fd; context is borrowed. */
void gf_http__pump_start(struct gf_http_server *server, int fd, SSL_CTX *context,
                         const struct gf_http__connection *template);
/* Ends those in their handshake, or all. */
void gf_http__pumps_end(struct gf_http_server *server, bool all);
/* Ends the oldest of a stage; false: there is none. */
bool gf_http__pump_end_oldest(struct gf_http_server *server, enum gf_http__pump_stage stage);

/* ---- exchange.c: callbacks of libmicrohttpd ---- */

void *gf_http__on_target(void *ctx, const char *target, struct MHD_Connection *mhd);
enum MHD_Result gf_http__on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version,
                                    const char *upload_data, size_t *upload_size, void **request);
void gf_http__on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                           enum MHD_RequestTerminationCode code);

/* Around callbacks of the handler outside of libmicrohttpd's: afterwards what it has said is put
 * into effect, and the exchange may be gone. */
void gf_http__exchange_enter(struct gf_http_exchange *exchange);
void gf_http__exchange_leave(struct gf_http_exchange *exchange);
/* Until something happens: else libmicrohttpd would ask at once again. In its callbacks. */
void gf_http__exchange_suspend(struct gf_http_exchange *exchange);
/* The client is to be given up: its connection ends, and the handler is told. */
void gf_http__exchange_lose(struct gf_http_exchange *exchange);
/* The client sends no more: who still waits for an answer then has gone, but for one that is on its
 * way already. */
void gf_http__exchange_peer_closed(struct gf_http_exchange *exchange);
/* Its connection has no more to do with it. `completed`: the response was sent. */
void gf_http__exchange_detach(struct gf_http_exchange *exchange, bool completed);
/* gf_http_wake, on the server's thread. */
void gf_http__exchange_woken(struct gf_http_exchange *exchange);

/* ---- head.c ---- */

/*
 * Takes and checks the head of the request. The status to refuse it with, or 0. `method` and
 * `version` are those that libmicrohttpd gives, in its memory.
 */
int gf_http__head_take(struct gf_http_exchange *exchange, const char *url, const char *method,
                       const char *version);

/* ---- body.c ---- */

/* Takes bytes of the body, and wipes them where they are. */
void gf_http__body_append(struct gf_http_exchange *exchange, const char *bytes, size_t size);
/* Tells the handler that the body will not come. */
void gf_http__body_fail(struct gf_http_exchange *exchange, const struct gf_error *error);
/* It is here whole. */
void gf_http__body_end(struct gf_http_exchange *exchange);
void gf_http__body_free(struct gf_http_exchange *exchange);

/* ---- response.c ---- */

/* The response takes no memory any more, or will soon. */
void gf_http__response_uncount(struct gf_http_exchange *exchange);
/* A response of this status that says no more. */
void gf_http__respond_plain(struct gf_http_exchange *exchange, int status);
/*
 * Writes the response to the socket past libmicrohttpd, which cannot answer while a body comes;
 * what comes of that is dropped for a while, so that the client reads the answer.
 */
void gf_http__respond_late(struct gf_http_exchange *exchange);

#endif /* GOFER_API_HTTP_SERVER_INTERNAL_H_ */
