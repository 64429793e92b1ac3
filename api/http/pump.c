/*
 * Design: libmicrohttpd knows of TLS only what GnuTLS does. So each TLS connection has a pair of
 * sockets: libmicrohttpd serves one end in clear, and a pump moves bytes between the other end and
 * the client, through OpenSSL. It keeps nothing that its far end can take; what it cannot take is
 * kept, at most a block in each direction, and no more is read until it is gone. So the limits of
 * time that libmicrohttpd's side has work through a pump as well.
 *
 * A handshake has a limit of its own, and takes nothing of libmicrohttpd's before it is over. It is
 * the pump that counts for its client's address, as it may outlive libmicrohttpd's connection.
 */
#include "api/http/server_internal.h"
#include "api/tls/context.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 16 * 1024, /* what a record of TLS holds */
    INNER_BYTES = 64 * 1024, /* what the kernel keeps between the pump and libmicrohttpd */
    BLOCKS_AT_ONCE = 8,      /* then others have their turn */
    LINGER_MS = 2000,
};

/* What could not be moved on yet. */
struct rest {
    char *bytes; /* NULL: nothing */
    size_t size;
    size_t sent;
};

struct gf_http__pump {
    struct gf_http_server *server;
    struct gf_list_link link; /* in the list of its stage */
    enum gf_http__pump_stage stage;
    struct gf_http__connection template;
    SSL *ssl;
    int fd;    /* to the client */
    int inner; /* to libmicrohttpd; -1 until the handshake is over */
    struct gf_watch fd_watch;
    struct gf_watch inner_watch;
    uint32_t fd_events;
    uint32_t inner_events;
    struct gf_timer timer;
    struct rest in;    /* from the client */
    struct rest out;   /* to it */
    bool client_ended; /* it sends no more */
    bool inner_ended;  /* libmicrohttpd sends no more */
    bool inner_closed; /* and takes no more */
    bool finished;     /* all was sent, and the end as well */
};

/* ---- Rests ---- */

static void rest_keep(struct rest *rest, const char *bytes, size_t size) {
    rest->bytes = gf_memdup(bytes, size);
    rest->size = size;
    rest->sent = 0;
}

static void rest_drop(struct rest *rest) {
    if (rest->bytes != NULL) {
        explicit_bzero(rest->bytes, rest->size);
        free(rest->bytes);
    }
    *rest = (struct rest){.bytes = NULL};
}

/* ---- Life ---- */

static void enter_stage(struct gf_http__pump *pump, enum gf_http__pump_stage stage) {
    struct gf_http_server *server = pump->server;
    if (gf_list_linked(&pump->link)) {
        gf_list_remove(&pump->link);
        server->pump_counts[pump->stage]--;
    }
    pump->stage = stage;
    gf_list_push_back(&server->pumps[stage], &pump->link);
    server->pump_counts[stage]++;
}

static void destroy(struct gf_http__pump *pump) {
    struct gf_http_server *server = pump->server;
    gf_watch_stop(&pump->fd_watch);
    gf_watch_stop(&pump->inner_watch);
    gf_timer_stop(&pump->timer);
    gf_list_remove(&pump->link);
    server->pump_counts[pump->stage]--;
    gf_http__server_count_descriptors(server, pump->inner < 0 ? -1 : -2);
    if (pump->template.has_address) {
        gf_http__address_release(server, pump->template.address);
    }
    if (pump->inner >= 0) {
        (void)close(pump->inner);
    }
    rest_drop(&pump->in);
    rest_drop(&pump->out);
    SSL_free(pump->ssl);
    (void)close(pump->fd);
    free(pump);
    gf_http__server_check_idle(server);
}

static void on_timer(struct gf_timer *timer, void *ctx) {
    struct gf_http__pump *pump = ctx;
    (void)timer;
    if (pump->inner < 0) {
        (void)atomic_fetch_add_explicit(&pump->server->stats.handshakes_failed_total, 1,
                                        memory_order_relaxed);
    }
    destroy(pump);
}

static void end_within(struct gf_http__pump *pump, int64_t ms) {
    gf_timer_start(pump->server->reactor, &pump->timer, gf_deadline_after_ms(gf_mono_ns(), ms),
                   on_timer, pump);
}

/* ---- Moving ---- */

/* What OpenSSL waits for. False: the connection is broken. */
static bool note_want(struct gf_http__pump *pump, int result, uint32_t *events) {
    switch (SSL_get_error(pump->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *events |= EPOLLIN;
        return true;
    case SSL_ERROR_WANT_WRITE:
        *events |= EPOLLOUT;
        return true;
    default:
        ERR_clear_error();
        return false;
    }
}

/* Gives libmicrohttpd what there is; what it does not take is kept. True: it took all. */
static bool give_inner(struct gf_http__pump *pump, const char *bytes, size_t size,
                       size_t *out_sent) {
    *out_sent = 0;
    while (*out_sent < size && !pump->inner_closed) {
        const ssize_t count =
            send(pump->inner, bytes + *out_sent, size - *out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) {
            *out_sent += (size_t)count;
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno != EINTR) {
            pump->inner_closed = true; /* what is left has no reader */
        }
    }
    return true;
}

/* From the client. False: the connection is broken. */
static bool move_in(struct gf_http__pump *pump, char *block, bool *out_more) {
    size_t sent = 0;
    if (pump->in.bytes != NULL) {
        if (!give_inner(pump, pump->in.bytes + pump->in.sent, pump->in.size - pump->in.sent,
                        &sent)) {
            pump->in.sent += sent;
            pump->inner_events |= EPOLLOUT;
            return true;
        }
        rest_drop(&pump->in);
    }
    if (pump->client_ended) {
        return true;
    }
    ERR_clear_error();
    const int got = SSL_read(pump->ssl, block, BLOCK_BYTES);
    if (got <= 0 && SSL_get_error(pump->ssl, got) == SSL_ERROR_ZERO_RETURN) {
        pump->client_ended = true;
        (void)shutdown(pump->inner, SHUT_WR);
        return true;
    }
    if (got <= 0) {
        return note_want(pump, got, &pump->fd_events);
    }
    if (give_inner(pump, block, (size_t)got, &sent)) {
        *out_more = true;
    } else {
        rest_keep(&pump->in, block + sent, (size_t)got - sent);
        pump->inner_events |= EPOLLOUT;
    }
    explicit_bzero(block, (size_t)got);
    return true;
}

/* Sends to the client; *out_sent is how much it took. False: the connection is broken. */
static bool give_client(struct gf_http__pump *pump, const char *bytes, size_t size,
                        size_t *out_sent) {
    *out_sent = 0;
    while (*out_sent < size) {
        ERR_clear_error();
        const int count = SSL_write(pump->ssl, bytes + *out_sent, (int)(size - *out_sent));
        if (count <= 0) {
            return note_want(pump, count, &pump->fd_events);
        }
        *out_sent += (size_t)count;
        if (pump->inner_ended) { /* who takes something may have the rest */
            end_within(pump, pump->server->options.stall_ms_max);
        }
    }
    return true;
}

/* To the client. False: the connection is broken. */
static bool move_out(struct gf_http__pump *pump, char *block, bool *out_more) {
    size_t sent = 0;
    if (pump->out.bytes != NULL) {
        if (!give_client(pump, pump->out.bytes + pump->out.sent, pump->out.size - pump->out.sent,
                         &sent)) {
            return false;
        }
        pump->out.sent += sent;
        if (pump->out.sent < pump->out.size) {
            return true;
        }
        rest_drop(&pump->out);
    }
    if (pump->inner_ended) {
        return true;
    }
    const ssize_t got = recv(pump->inner, block, BLOCK_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        pump->inner_events |= EPOLLIN;
        return true;
    }
    if (got <= 0) {
        pump->inner_ended = true;
        enter_stage(pump, GF_HTTP__LEFT);
        *out_more = true;
        return true;
    }
    const bool alive = give_client(pump, block, (size_t)got, &sent);
    if (alive && sent < (size_t)got) {
        rest_keep(&pump->out, block + sent, (size_t)got - sent);
    } else {
        *out_more = true;
    }
    explicit_bzero(block, (size_t)got);
    return alive;
}

/* Libmicrohttpd's end is closed and all of it sent: the client is told, and seen off. */
static void finish(struct gf_http__pump *pump) {
    if (pump->finished) {
        return;
    }
    pump->finished = true;
    pump->inner_closed = true;
    ERR_clear_error();
    (void)SSL_shutdown(pump->ssl);
    ERR_clear_error();
    (void)shutdown(pump->fd, SHUT_WR);
    end_within(pump, LINGER_MS);
}

static void set_watches(struct gf_http__pump *pump, uint32_t fd_before, uint32_t inner_before) {
    if (pump->fd_events != fd_before) {
        gf_watch_modify(&pump->fd_watch, pump->fd_events);
    }
    if (pump->inner_events != inner_before && gf_watch_active(&pump->inner_watch)) {
        gf_watch_modify(&pump->inner_watch, pump->inner_events);
    }
}

static void move(struct gf_http__pump *pump) {
    char block[BLOCK_BYTES];
    const uint32_t fd_before = pump->fd_events;
    const uint32_t inner_before = pump->inner_events;
    bool more = true;
    for (unsigned i = 0; i < BLOCKS_AT_ONCE && more; i++) {
        more = false;
        pump->fd_events = 0;
        pump->inner_events = 0;
        if (!move_in(pump, block, &more) || !move_out(pump, block, &more)) {
            destroy(pump);
            return;
        }
    }
    if (pump->inner_ended && pump->out.bytes == NULL) {
        finish(pump);
        if (pump->client_ended) {
            destroy(pump);
            return;
        }
    } else if (pump->inner_ended && !gf_timer_active(&pump->timer)) {
        end_within(pump, pump->server->options.stall_ms_max);
    }
    if (more) { /* the turn of others, then once more */
        pump->fd_events |= EPOLLOUT;
    }
    if (pump->inner_ended && gf_watch_active(&pump->inner_watch) && pump->inner_events == 0) {
        gf_watch_stop(&pump->inner_watch); /* its end would be told for ever */
    }
    set_watches(pump, fd_before, inner_before);
}

static void on_inner_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_http__pump *pump = ctx;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        /* It would be told again and again; what is left there is read as the client takes it. */
        pump->inner_closed = true;
        gf_watch_stop(watch);
    }
    move(pump);
}

/* ---- The handshake ---- */

static void begin_moving(struct gf_http__pump *pump) {
    struct gf_http_server *server = pump->server;
    const int bytes = INNER_BYTES;
    struct gf_http__connection template = pump->template;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
        destroy(pump);
        return;
    }
    (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    (void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    gf_timer_stop(&pump->timer);
    enter_stage(pump, GF_HTTP__MOVING);
    pump->inner = fds[0];
    gf_http__server_count_descriptors(server, 1);
    if (gf_watch_start(server->reactor, &pump->inner_watch, pump->inner, EPOLLIN, on_inner_event,
                       pump, NULL) != GF_OK) {
        (void)close(fds[1]);
        destroy(pump);
        return;
    }
    pump->inner_events = EPOLLIN;
    template.has_address = false;
    gf_http__connection_add(server, fds[1], &template);
    move(pump);
}

static void shake_hands(struct gf_http__pump *pump) {
    const uint32_t before = pump->fd_events;
    ERR_clear_error();
    const int result = SSL_accept(pump->ssl);
    if (result == 1) {
        begin_moving(pump);
        return;
    }
    pump->fd_events = 0;
    if (!note_want(pump, result, &pump->fd_events)) {
        (void)atomic_fetch_add_explicit(&pump->server->stats.handshakes_failed_total, 1,
                                        memory_order_relaxed);
        destroy(pump);
        return;
    }
    set_watches(pump, before, pump->inner_events);
}

static void on_fd_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_http__pump *pump = ctx;
    (void)watch;
    if (pump->inner < 0) {
        shake_hands(pump);
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (pump->fd_events & EPOLLIN) == 0) {
        destroy(pump); /* nobody is there to take what waits */
    } else {
        move(pump);
    }
}

void gf_http__pump_start(struct gf_http_server *server, int fd, SSL_CTX *context,
                         const struct gf_http__connection *template) {
    struct gf_http__pump *pump = GF_NEW(struct gf_http__pump);
    pump->server = server;
    pump->template = *template;
    pump->template.is_tls = true;
    pump->fd = fd;
    pump->inner = -1;
    pump->fd_events = EPOLLIN;
    pump->ssl = SSL_new(context);
    enter_stage(pump, GF_HTTP__HANDSHAKE);
    gf_http__server_count_descriptors(server, 1);
    if (pump->ssl == NULL || SSL_set_fd(pump->ssl, fd) != 1 ||
        gf_watch_start(server->reactor, &pump->fd_watch, fd, EPOLLIN, on_fd_event, pump, NULL) !=
            GF_OK) {
        ERR_clear_error();
        destroy(pump);
        return;
    }
    end_within(pump, server->options.handshake_ms_max);
}

static struct gf_http__pump *oldest_of(struct gf_http_server *server,
                                       enum gf_http__pump_stage stage) {
    struct gf_list_link *link = gf_list_first(&server->pumps[stage]);
    return link != NULL ? GF_CONTAINER_OF(link, struct gf_http__pump, link) : NULL;
}

void gf_http__pumps_end(struct gf_http_server *server, bool all) {
    for (int i = 0; i < (all ? GF_HTTP__PUMP_STAGES : GF_HTTP__MOVING); i++) {
        struct gf_http__pump *pump = NULL;
        while ((pump = oldest_of(server, (enum gf_http__pump_stage)i)) != NULL) {
            destroy(pump);
        }
    }
}

bool gf_http__pump_end_oldest(struct gf_http_server *server, enum gf_http__pump_stage stage) {
    struct gf_http__pump *pump = oldest_of(server, stage);
    if (pump == NULL) {
        return false;
    }
    if (stage == GF_HTTP__HANDSHAKE) {
        (void)atomic_fetch_add_explicit(&server->stats.handshakes_failed_total, 1,
                                        memory_order_relaxed);
    }
    destroy(pump);
    return true;
}
