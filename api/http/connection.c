/*
 * Design: each phase has one limit of time, so its connections are in a list in the order in which
 * they are due, and only the first of each list is looked at. The limits are of the whole phase:
 * libmicrohttpd's own begins anew with every byte. Only sending is otherwise: who takes something
 * within the limit, however little, may have the rest.
 *
 * libmicrohttpd does not look at the sockets of connections that wait for us. So each has a watch
 * of ours too, which tells when its client sends no more, also with bytes before that that nobody
 * has read; and when the first byte of a head comes.
 */
#include "api/http/server_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

enum {
    LINGER_MS = 2000,
    UNREAD_COUNT_MAX = 3,
};

static int64_t limit_ms(const struct gf_http_server *server, enum gf_http__phase phase) {
    switch (phase) {
    case GF_HTTP__IDLE:
        return server->options.idle_ms_max;
    case GF_HTTP__HEAD:
        return server->options.head_ms_max;
    case GF_HTTP__BODY:
        return server->options.body_ms_max;
    case GF_HTTP__SENDING:
        return server->options.stall_ms_max;
    case GF_HTTP__LINGER:
        return LINGER_MS;
    case GF_HTTP__HANDLER:
    case GF_HTTP__PHASES:
        break;
    }
    return INT64_MAX;
}

/* A number that changes when the client takes something. */
static uint64_t progress_of(const struct gf_http__connection *connection) {
    struct tcp_info info;
    socklen_t size = sizeof(info);
    memset(&info, 0, sizeof(info));
    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        size >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked)) {
        return info.tcpi_bytes_acked;
    }
    int unread = 0; /* of a unix socket: what its other end has not taken */
    (void)ioctl(connection->fd, SIOCOUTQ, &unread);
    return (uint64_t)unread;
}

void gf_http__connection_enter(struct gf_http__connection *connection, enum gf_http__phase wanted) {
    struct gf_http_server *server = connection->server;
    const bool is_over = connection->peer_closed && wanted <= GF_HTTP__BODY;
    const enum gf_http__phase phase = is_over ? GF_HTTP__LINGER : wanted;
    gf_list_remove(&connection->link);
    gf_list_push_back(&server->connections[phase], &connection->link);
    connection->phase = phase;
    connection->phase_round = gf_reactor_round(server->reactor);
    connection->phase_ns = gf_mono_ns();
    connection->deadline_ns = gf_deadline_after_ms(connection->phase_ns, limit_ms(server, phase));
    connection->progress = 0;
}

void gf_http__connection_cut(struct gf_http__connection *connection) {
    connection->cut = true;
    (void)shutdown(connection->fd, SHUT_RDWR);
    gf_http__server_kick(connection->server);
}

/* libmicrohttpd overlooks an end that comes with the last bytes: so it is told of it once more. */
static void nudge(struct gf_http__connection *connection) {
    (void)shutdown(connection->fd, SHUT_RD);
}

/* ---- The watch ---- */

static void on_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_http__connection *connection = ctx;
    (void)watch;
    if (connection->phase == GF_HTTP__IDLE && (events & EPOLLIN) != 0 &&
        connection->phase_round != gf_reactor_round(connection->server->reactor)) {
        gf_http__connection_enter(connection, GF_HTTP__HEAD);
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 || connection->peer_closed) {
        return;
    }
    connection->peer_closed = true;
    if (connection->phase == GF_HTTP__LINGER) { /* it has its answer */
        gf_http__connection_cut(connection);
        return;
    }
    if (connection->phase <= GF_HTTP__BODY) { /* all that it will ever send is here */
        gf_http__connection_enter(connection, GF_HTTP__LINGER);
        nudge(connection);
    }
    if (connection->exchange != NULL) {
        gf_http__exchange_peer_closed(connection->exchange);
    }
}

/* ---- Limits of time ---- */

static void on_tick(struct gf_timer *timer, void *ctx) {
    struct gf_http_server *server = ctx;
    (void)timer;
    gf_http__connections_tick(server);
    if (server->connection_count > 0) {
        gf_timer_start(server->reactor, &server->tick, gf_mono_ns() + server->tick_ns, on_tick,
                       server);
    }
}

static void note_timeout(struct gf_http_server *server) {
    (void)atomic_fetch_add_explicit(&server->stats.timeouts_total, 1, memory_order_relaxed);
}

static void expire(struct gf_http__connection *connection) {
    struct gf_http_server *server = connection->server;
    struct gf_http_exchange *exchange = connection->exchange;
    switch (connection->phase) {
    case GF_HTTP__BODY:
        note_timeout(server);
        if (exchange != NULL && exchange->read_wanted && !exchange->body_told) {
            struct gf_error err;
            (void)gf_fail(&err, GF_DEADLINE_EXCEEDED, "the body did not come within %lld ms",
                          (long long)server->options.body_ms_max);
            gf_http__connection_enter(connection, GF_HTTP__LINGER);
            gf_http__exchange_enter(exchange);
            gf_http__body_fail(exchange, &err);
            gf_http__exchange_leave(exchange);
            return;
        }
        break;
    case GF_HTTP__SENDING: {
        const uint64_t progress = progress_of(connection);
        const bool moves = progress != connection->progress;
        if (moves) {
            gf_http__connection_enter(connection, GF_HTTP__SENDING);
            connection->progress = progress;
            return;
        }
        note_timeout(server);
        break;
    }
    case GF_HTTP__HEAD:
        note_timeout(server);
        break;
    case GF_HTTP__IDLE:
    case GF_HTTP__LINGER:
    case GF_HTTP__HANDLER:
    case GF_HTTP__PHASES:
        break;
    }
    gf_http__connection_enter(connection, GF_HTTP__HANDLER);
    if (exchange != NULL) {
        gf_http__exchange_lose(exchange);
    } else {
        gf_http__connection_cut(connection);
    }
}

void gf_http__connections_tick(struct gf_http_server *server) {
    const int64_t now_ns = gf_mono_ns();
    GF_LIST_FOREACH(link, &server->connections[GF_HTTP__LINGER]) {
        struct gf_http__connection *connection =
            GF_CONTAINER_OF(link, struct gf_http__connection, link);
        if (connection->peer_closed) {
            nudge(connection);
        }
    }
    for (size_t i = 0; i < GF_HTTP__HANDLER; i++) {
        struct gf_list_link *link = NULL;
        while ((link = gf_list_first(&server->connections[i])) != NULL) {
            struct gf_http__connection *connection =
                GF_CONTAINER_OF(link, struct gf_http__connection, link);
            if (connection->deadline_ns > now_ns) {
                break;
            }
            expire(connection);
        }
    }
}

/* libmicrohttpd's memory is full of a head that has no end, so that it cannot say so itself. Best
 * effort: nothing was sent before, and the socket's buffer is empty. */
static void refuse_head(const struct gf_http__connection *connection) {
    static const char text[] = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
                               "Connection: close\r\nContent-Length: 0\r\n\r\n";
    (void)send(connection->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void gf_http__connections_unstick(struct gf_http_server *server) {
    static const enum gf_http__phase phases[] = {GF_HTTP__HEAD, GF_HTTP__BODY};
    for (size_t i = 0; i < GF_ARRAY_COUNT(phases); i++) {
        GF_LIST_FOREACH(link, &server->connections[phases[i]]) {
            struct gf_http__connection *connection =
                GF_CONTAINER_OF(link, struct gf_http__connection, link);
            int unread = 0;
            if (ioctl(connection->fd, SIOCINQ, &unread) != 0 || unread == 0) {
                connection->unread_count = 0;
            } else if (++connection->unread_count >= UNREAD_COUNT_MAX && !connection->cut) {
                connection->unread_count = 0;
                if (connection->phase == GF_HTTP__HEAD) {
                    refuse_head(connection);
                }
                gf_http__connection_cut(connection);
            }
        }
    }
}

/* ---- Life ---- */

void gf_http__connection_add(struct gf_http_server *server, int fd,
                             const struct gf_http__connection *template) {
    /* libmicrohttpd asks for nothing but its family: addresses are our own affair. */
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct gf_http__connection *connection = GF_NEW(struct gf_http__connection);
    *connection = *template;
    connection->server = server;
    connection->fd = fd;
    server->adding = connection;
    const enum MHD_Result result =
        MHD_add_connection(server->daemon, fd, &nobody, (socklen_t)sizeof(nobody));
    if (result != MHD_YES && server->adding != NULL) { /* it has closed it, and told nobody */
        if (connection->has_address) {
            gf_http__address_release(server, connection->address);
        }
        free(connection);
    }
    server->adding = NULL;
    gf_http__server_kick(server);
}

static void begin(struct gf_http_server *server, struct gf_http__connection *connection) {
    const uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    server->connection_count++;
    gf_http__server_count_descriptors(server, 1);
    (void)atomic_fetch_add_explicit(&server->stats.connections, 1, memory_order_relaxed);
    gf_http__connection_enter(connection, GF_HTTP__IDLE);
    connection->phase_round = UINT64_MAX; /* what came before the watch is new, too */
    if (gf_watch_start(server->reactor, &connection->watch, connection->fd, events, on_event,
                       connection, NULL) != GF_OK) {
        gf_http__connection_cut(connection);
    }
    if (!gf_timer_active(&server->tick)) {
        gf_timer_start(server->reactor, &server->tick, gf_mono_ns() + server->tick_ns, on_tick,
                       server);
    }
}

static void end(struct gf_http_server *server, struct gf_http__connection *connection) {
    if (connection->exchange != NULL) { /* libmicrohttpd does not tell of heads it refuses twice */
        gf_http__exchange_detach(connection->exchange, false);
    }
    if (connection->phase == GF_HTTP__HEAD && !connection->peer_closed && !connection->cut) {
        (void)atomic_fetch_add_explicit(&server->stats.malformed_total, 1, memory_order_relaxed);
    }
    server->adding = server->adding == connection ? NULL : server->adding;
    gf_watch_stop(&connection->watch);
    gf_list_remove(&connection->link);
    if (connection->has_address) {
        gf_http__address_release(server, connection->address);
    }
    free(connection);
    server->connection_count--;
    gf_http__server_count_descriptors(server, -1);
    (void)atomic_fetch_sub_explicit(&server->stats.connections, 1, memory_order_relaxed);
    gf_http__server_check_idle(server);
}

void gf_http__connection_notify(void *ctx, struct MHD_Connection *mhd, void **socket_context,
                                enum MHD_ConnectionNotificationCode code) {
    struct gf_http_server *server = ctx;
    (void)mhd;
    server->progress++;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = server->adding;
        begin(server, server->adding);
    } else if (*socket_context != NULL) {
        end(server, *socket_context);
        *socket_context = NULL;
    }
}
