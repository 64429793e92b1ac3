/*
 * The ways in over HTTP: the gateway, which carries calls into the rpc server for people, and the
 * listener for events from outside. Each has an http server of its own, so that strangers who send
 * events take nothing from people.
 *
 * Design: addresses are bound before containers are touched, connections are taken when all else
 * runs. When the server stops, streams end and requests have their grace before the rpc server,
 * the hub and the engine go, which they wait for.
 */
#include "api/server/server_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <sys/stat.h>

enum {
    /* What part of the descriptors each may have for its connections; the rest is gRPC's. */
    GATEWAY_PART = 2,
    EXTERNAL_PART = 6,
};

static const char *const *copy_texts(const char *const *texts, size_t count,
                                     struct gf_arena *arena) {
    const char **copy = GF_ARENA_ARRAY(arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        copy[i] = gf_arena_strdup(arena, texts[i]);
    }
    return copy;
}

/* Whether calls can be served now. Thread: the http server's. */
static enum gf_code ready(void *ctx, struct gf_error *err) {
    const struct gf_server *server = ctx;
    if (atomic_load(&server->stopping)) {
        return gf_fail(err, GF_UNAVAILABLE, "the service is stopping");
    }
    if (atomic_load(&server->store_failed)) {
        return gf_fail(err, GF_UNAVAILABLE, "the store has failed");
    }
    return GF_OK;
}

/* ---- Making and binding ---- */

static enum gf_code listen_all(struct gf_server *server, struct gf_http_server *http,
                               const struct gf_server_listener *listeners, size_t count,
                               struct gf_server_addresses *out, struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        const struct gf_server_listener *listener = &listeners[i];
        int port = 0;
        const mode_t before = umask(GF_SERVER_SOCKET_UMASK);
        const enum gf_code rc =
            gf_http_server_listen(http, listener->address, &listener->tls, &port, err);
        (void)umask(before);
        if (rc != GF_OK) {
            return gf_wrap(err, "%s", out->setting);
        }
        gf_server__note_address(server, out, listener, port);
    }
    return GF_OK;
}

enum gf_code gf_server__make_gateway(struct gf_server *server,
                                     const struct gf_server_options *options,
                                     struct gf_error *err) {
    const struct gf_server_gateway *from = &options->gateway;
    if (from->listener_count == 0) {
        return GF_OK;
    }
    struct gf_arena *arena = &server->arena;
    const struct gf_gateway_options gateway = {
        .rpc = server->rpc,
        .schema = gf_schema_gofer(),
        .pool = server->pool,
        .static_dir = from->static_dir != NULL ? gf_arena_strdup(arena, from->static_dir) : NULL,
        .origins = copy_texts(from->origins, from->origin_count, arena),
        .origin_count = from->origin_count,
        .hosts = copy_texts(from->hosts, from->host_count, arena),
        .host_count = from->host_count,
        .ready = ready,
        .ready_ctx = server,
        .version = server->version,
    };
    enum gf_code rc = gf_gateway_create(&gateway, &server->gateway, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "gateway%s%s", err->field[0] != '\0' ? "." : "", err->field);
    }
    const struct gf_http_server_options http = {
        .name = "gf-http",
        .handler = gf_gateway_handler,
        .ctx = server->gateway,
        .connections_max = (size_t)from->connections_max,
        .descriptors_max = gf_rpc_descriptors_max() / GATEWAY_PART,
        .descriptors = gf_rpc_other_descriptors(),
    };
    rc = gf_http_server_create(&http, &server->http, err);
    return rc == GF_OK ? listen_all(server, server->http, from->listeners, from->listener_count,
                                    &server->http_addresses, err)
                       : rc;
}

enum gf_code gf_server__make_external(struct gf_server *server,
                                      const struct gf_server_options *options,
                                      struct gf_error *err) {
    const struct gf_server_external *from = &options->external;
    if (from->listener_count == 0) {
        return GF_OK;
    }
    const struct gf_external_options external = {
        .hub = server->extensions,
        .clock = gf_clock_system(),
        .body_bytes_max = (size_t)from->body_bytes_max,
        .address_rate_max = from->address_rate_max,
        .address_connections_max = from->address_connections_max,
        .connections_max = (size_t)from->connections_max,
        .descriptors_max = gf_rpc_descriptors_max() / EXTERNAL_PART,
        .descriptors = gf_rpc_other_descriptors(),
    };
    const enum gf_code rc = gf_external_listener_create(&external, &server->external, err);
    return rc == GF_OK
               ? listen_all(server, gf_external_listener_http(server->external), from->listeners,
                            from->listener_count, &server->external_addresses, err)
               : rc;
}

/* ---- Life ---- */

enum gf_code gf_server__start_http(struct gf_server *server, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    if (server->http != NULL) {
        rc = gf_http_server_start(server->http, err);
    }
    if (rc == GF_OK && server->external != NULL) {
        rc = gf_http_server_start(gf_external_listener_http(server->external), err);
    }
    return rc;
}

/* What is left of the grace. */
static int64_t left_ms(int64_t deadline_ns) {
    const int64_t left_ns = deadline_ns - gf_mono_ns();
    return left_ns > 0 ? left_ns / GF_NS_PER_MS : 0;
}

void gf_server__stop_http(struct gf_server *server, int64_t deadline_ns) {
    if (server->external != NULL) {
        gf_http_server_stop(gf_external_listener_http(server->external), left_ms(deadline_ns));
    }
    if (server->gateway != NULL) {
        gf_gateway_drain(server->gateway);
    }
    if (server->http != NULL) {
        gf_http_server_stop(server->http, left_ms(deadline_ns));
    }
}

void gf_server__destroy_http(struct gf_server *server) {
    gf_external_listener_destroy(server->external);
    gf_http_server_destroy(server->http);
    gf_gateway_destroy(server->gateway);
}

/* One that cannot be read keeps none of the others from being read. */
enum gf_code gf_server_reload_tls(struct gf_server *server, size_t *out_count,
                                  struct gf_error *err) {
    struct gf_http_server *const https[] = {
        server->http,
        server->external != NULL ? gf_external_listener_http(server->external) : NULL,
    };
    size_t total = 0;
    enum gf_code worst = gf_rpc_server_reload_tls(server->rpc, &total, err);
    for (size_t i = 0; i < GF_ARRAY_COUNT(https); i++) {
        struct gf_error error = {0};
        size_t count = 0;
        if (https[i] == NULL) {
            continue;
        }
        const enum gf_code rc = gf_http_server_reload_tls(https[i], &count, &error);
        total += count;
        if (rc != GF_OK && worst == GF_OK) {
            worst = rc;
            *err = error;
        }
    }
    if (worst == GF_OK) {
        *out_count = total;
    }
    return worst;
}
