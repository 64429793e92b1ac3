/*
 * Design: where no descriptor is to be had, a socket that is listened on is ready all the time; it
 * is left alone for a moment then. The limit of all descriptors, which all listeners of the process
 * share, is not kept here but by the process's own accept4 (api/rpc/accept.c), which it asks for
 * connections whose address is wanted.
 */
#include "api/http/server_internal.h"
#include "base/address.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    TAKEN_AT_ONCE_MAX = 64,
    PAUSE_MS = 50,
    SLOW_HEAD_MS = 1000, /* then it is of less use than a connection that is kept for the next */
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_PROBES = 4,
    UNSENT_BYTES_MAX = 128 * 1024, /* in the kernel, of one connection */
    TLS_DESCRIPTORS = 3,           /* to the client, and both ends of a pump's pair */
};

/* ---- Connections ---- */

static void set_option(int fd, int level, int name, int value) {
    /* Without it the connection is served all the same. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void set_tcp_options(const struct gf_http_server *server, int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
    /* A client that is not there any more, where something is to be sent; after our own limit. */
    const int64_t stall_ms = server->options.stall_ms_max;
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
               stall_ms > INT32_MAX / 2 ? INT32_MAX : (int)stall_ms * 2);
}

static bool fits(const struct gf_http_server *server, size_t descriptors) {
    const struct gf_http_server_options *options = &server->options;
    return server->connection_count + server->pump_counts[GF_HTTP__HANDSHAKE] +
                   server->pump_counts[GF_HTTP__LEFT] <
               options->connections_max &&
           (options->descriptors_max == 0 ||
            server->descriptor_count + descriptors <= options->descriptors_max);
}

/* Ends the oldest connection of a phase in which it asks for nothing, if it began long enough ago.
 */
static bool give_up_oldest(struct gf_http_server *server, enum gf_http__phase phase,
                           int64_t age_ms) {
    struct gf_list_link *link = gf_list_first(&server->connections[phase]);
    if (link == NULL) {
        return false;
    }
    struct gf_http__connection *oldest = GF_CONTAINER_OF(link, struct gf_http__connection, link);
    if (gf_mono_ns() - oldest->phase_ns < age_ms * GF_NS_PER_MS) {
        return false;
    }
    struct gf_http_exchange *exchange = oldest->exchange;
    gf_http__connection_enter(oldest, GF_HTTP__HANDLER);
    if (exchange != NULL) {
        gf_http__exchange_lose(exchange);
    } else {
        gf_http__connection_cut(oldest);
    }
    return true;
}

/* Room for one more, if need be in the place of one that asks for nothing. */
static bool has_room(struct gf_http_server *server, size_t descriptors) {
    while (!fits(server, descriptors)) {
        if (gf_http__pump_end_oldest(server, GF_HTTP__LEFT)) {
            continue;
        }
        /* Of those libmicrohttpd closes one a little later. */
        if (give_up_oldest(server, GF_HTTP__LINGER, 0) ||
            give_up_oldest(server, GF_HTTP__HEAD, SLOW_HEAD_MS) ||
            give_up_oldest(server, GF_HTTP__IDLE, 0) || give_up_oldest(server, GF_HTTP__HEAD, 0)) {
            return true;
        }
        if (!gf_http__pump_end_oldest(server, GF_HTTP__HANDSHAKE)) {
            return false;
        }
    }
    return true;
}

static bool is_local(const struct gf_http__listener *listener, int fd) {
    union gf_http__address own = {.storage = {0}};
    socklen_t size = sizeof(own);
    if (!listener->is_wildcard || getsockname(fd, &own.any, &size) != 0) {
        return listener->is_local;
    }
    gf_http__address_unmap(&own);
    return gf_http__address_is_loopback(&own);
}

static void take(struct gf_http__listener *listener, int fd, union gf_http__address *address) {
    struct gf_http_server *server = listener->server;
    struct gf_http__connection template = {.has_address = false};
    const bool is_remote = address->any.sa_family != AF_UNIX;
    (void)atomic_fetch_add_explicit(&server->stats.connections_total, 1, memory_order_relaxed);
    gf_http__address_unmap(address);
    gf_http__address_format(address, template.peer);
    template.is_local = is_local(listener, fd);
    if (is_remote) {
        set_tcp_options(server, fd);
    }
    bool wanted = has_room(server, listener->certificate != NULL ? TLS_DESCRIPTORS : 1);
    if (wanted && is_remote && !gf_http__address_is_loopback(address) &&
        server->options.address_connections_max > 0) {
        gf_http__address_key(address, template.address);
        template.has_address = gf_http__address_take(server, template.address);
        wanted = template.has_address;
    }
    if (wanted && listener->certificate != NULL) {
        SSL_CTX *context = gf_http__certificate_context(listener->certificate);
        gf_http__pump_start(server, fd, context, &template);
    } else if (wanted) {
        gf_http__connection_add(server, fd, &template);
    } else {
        (void)atomic_fetch_add_explicit(&server->stats.connections_refused_total, 1,
                                        memory_order_relaxed);
        (void)close(fd);
    }
}

static void on_pause_end(struct gf_timer *timer, void *ctx) {
    struct gf_http__listener *listener = ctx;
    (void)timer;
    gf_watch_modify(&listener->watch, EPOLLIN);
}

static void on_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_http__listener *listener = ctx;
    (void)watch;
    (void)events;
    for (unsigned i = 0; i < TAKEN_AT_ONCE_MAX; i++) {
        union gf_http__address address = {.storage = {0}};
        socklen_t size = sizeof(address);
        const int fd = accept4(listener->fd, &address.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            take(listener, fd, &address);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) {
            continue;
        }
        if (errno != EAGAIN || i == 0) {
            gf_watch_modify(watch, 0);
            gf_timer_start(listener->server->reactor, &listener->pause,
                           gf_deadline_after_ms(gf_mono_ns(), PAUSE_MS), on_pause_end, listener);
        }
        return;
    }
}

/* ---- Listening ---- */

void gf_http__listener_start(struct gf_http__listener *listener) {
    struct gf_error err;
    if (gf_watch_start(listener->server->reactor, &listener->watch, listener->fd, EPOLLIN, on_event,
                       listener, &err) != GF_OK) {
        gf_log_error("http_listener_failed", GF_KV_STR("server", listener->server->options.name),
                     GF_KV_ERROR(&err));
    }
}

void gf_http__listener_destroy(struct gf_http__listener *listener) {
    gf_watch_stop(&listener->watch);
    gf_timer_stop(&listener->pause);
    (void)close(listener->fd);
    if (listener->path != NULL) {
        (void)unlink(listener->path);
        free(listener->path);
    }
    free(listener);
}

static void add_listener(struct gf_http_server *server, int fd,
                         const union gf_http__address *address, const char *path) {
    struct gf_http__listener *listener = GF_NEW(struct gf_http__listener);
    listener->server = server;
    listener->fd = fd;
    listener->path = gf_strdup(path);
    listener->is_local = path != NULL || gf_http__address_is_loopback(address);
    listener->is_wildcard = path == NULL && gf_http__address_is_wildcard(address);
    gf_vec_push(&server->listeners, listener);
}

/* A bound and listening socket; -1 with errno. */
static int open_socket(const union gf_http__address *address, socklen_t size) {
    const int family = address->any.sa_family;
    GF_CLEANUP(gf_close_p)
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    /* "[::]" takes IPv4 as well, as with gRPC. */
    const int alone = gf_http__address_is_wildcard(address) ? 0 : 1;
    if (fd < 0 ||
        (family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) ||
        (family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &alone, sizeof(alone)) != 0) ||
        bind(fd, &address->any, size) != 0 || listen(fd, BACKLOG) != 0) {
        return -1;
    }
    return gf_take_fd(&fd);
}

static enum gf_code listen_error(const char *text, int errnum, struct gf_error *err) {
    const enum gf_code code = gf_address_diagnose(text, err);
    return code != GF_OK ? code
                         : gf_fail_errno(err, GF_FAILED_PRECONDITION, errnum, "address '%s'", text);
}

static enum gf_code listen_unix(struct gf_http_server *server, const char *text, struct gf_str path,
                                struct gf_error *err) {
    union gf_http__address address = {.local = {.sun_family = AF_UNIX}};
    memcpy(address.local.sun_path, path.ptr, path.len);
    const enum gf_code code = gf_address_check_path(address.local.sun_path, err);
    if (code != GF_OK) {
        return code;
    }
    (void)unlink(address.local.sun_path); /* nobody listens there; where it fails, bind says so */
    const int fd = open_socket(&address, sizeof(address.local));
    if (fd < 0) {
        return listen_error(text, errno, err);
    }
    add_listener(server, fd, &address, address.local.sun_path);
    return GF_OK;
}

static int port_of(int fd) {
    union gf_http__address address = {.storage = {0}};
    socklen_t size = sizeof(address);
    (void)getsockname(fd, &address.any, &size);
    return ntohs(address.any.sa_family == AF_INET ? address.ipv4.sin_port : address.ipv6.sin6_port);
}

/* One socket for each address of the host, all on the port of the first. */
static enum gf_code listen_tcp(struct gf_http_server *server, const char *text,
                               const struct addrinfo *found, int *out_port, struct gf_error *err) {
    const size_t count_before = server->listeners.count;
    int port = 0;
    int errnum = 0;
    for (; found != NULL && server->listeners.count < GF_HTTP_LISTENERS_MAX;
         found = found->ai_next) {
        union gf_http__address address = {.storage = {0}};
        if (found->ai_addrlen > sizeof(address)) {
            continue;
        }
        memcpy(&address, found->ai_addr, found->ai_addrlen);
        if (port != 0) { /* the same place in both families */
            address.ipv4.sin_port = htons((uint16_t)port);
        }
        const int fd = open_socket(&address, found->ai_addrlen);
        if (fd < 0) {
            errnum = errno;
            continue;
        }
        port = port_of(fd);
        add_listener(server, fd, &address, NULL);
    }
    if (server->listeners.count == count_before) {
        return listen_error(text, errnum, err);
    }
    if (out_port != NULL) {
        *out_port = port;
    }
    return GF_OK;
}

static enum gf_code listen_at(struct gf_http_server *server, const char *address, int *out_port,
                              struct gf_error *err) {
    struct gf_address parsed;
    enum gf_code code = gf_address_parse(address, &parsed, err);
    if (code == GF_OK && parsed.path.len > 0) {
        code = listen_unix(server, address, parsed.path, err);
        if (code == GF_OK && out_port != NULL) {
            *out_port = 0;
        }
        return code;
    }
    if (code != GF_OK) {
        return code;
    }
    char host[GF_ADDRESS_HOST_BYTES_MAX + 1];
    char port[8];
    (void)snprintf(host, sizeof(host), "%" GF_STR_FMT, GF_STR_ARG(parsed.host));
    (void)snprintf(port, sizeof(port), "%d", parsed.port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    const int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "address '%s': host '%s': %s", address, host,
                       gai_strerror(failure));
    }
    code = listen_tcp(server, address, found, out_port, err);
    freeaddrinfo(found);
    return code;
}

enum gf_code gf_http_server_listen(struct gf_http_server *server, const char *address,
                                   const struct gf_tls_files *tls, int *out_port,
                                   struct gf_error *err) {
    gf_assert(!server->running);
    const size_t count_before = server->listeners.count;
    struct gf_http__certificate *certificate = NULL;
    enum gf_code code = GF_OK;
    if (count_before >= GF_HTTP_LISTENERS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "address '%s': at most %d may be listened on",
                       address, GF_HTTP_LISTENERS_MAX);
    }
    if (tls != NULL && (tls->cert_file != NULL || tls->key_file != NULL)) {
        code = gf_http__certificate_create(tls, &certificate, err);
    }
    if (code == GF_OK) {
        code = listen_at(server, address, out_port, err);
    }
    if (code != GF_OK) {
        gf_http__certificate_destroy(certificate);
        return code;
    }
    for (size_t i = count_before; i < server->listeners.count; i++) {
        server->listeners.items[i]->certificate = certificate;
    }
    if (certificate != NULL) {
        gf_vec_push(&server->certificates, certificate);
    }
    return GF_OK;
}
