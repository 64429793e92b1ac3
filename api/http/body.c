/*
 * Design: a body is kept in one piece, which grows twofold as bytes come: a length that was only
 * announced costs nothing. What was is wiped before it is freed, and so is what libmicrohttpd has
 * of each piece once it is copied: a body may hold a secret, and who knows that is not asked until
 * later.
 *
 * Who sends bodies slowly, or not to their end, must not keep others from sending theirs: where
 * there is no room for more, the oldest one goes.
 */
#include "api/http/server_internal.h"
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BYTES = 4096,
    LATE_BYTES_MAX = 1024 * 1024,
};

void gf_http__body_free(struct gf_http_exchange *exchange) {
    if (exchange->body != NULL) {
        explicit_bzero(exchange->body, exchange->body_size);
        free(exchange->body);
        exchange->body = NULL;
    }
    (void)atomic_fetch_sub_explicit(&exchange->server->stats.body_bytes,
                                    (int64_t)exchange->body_size, memory_order_relaxed);
    exchange->body_size = 0;
    exchange->body_capacity = 0;
}

static void grow(struct gf_http_exchange *exchange, size_t wanted) {
    size_t capacity = exchange->body_capacity == 0 ? FIRST_BYTES : exchange->body_capacity;
    while (capacity < wanted) {
        capacity *= 2;
    }
    if (capacity > exchange->body_bytes_max) {
        capacity = exchange->body_bytes_max;
    }
    char *body = gf_malloc(capacity);
    if (exchange->body != NULL) {
        memcpy(body, exchange->body, exchange->body_size);
        explicit_bzero(exchange->body, exchange->body_size);
        free(exchange->body);
    }
    exchange->body = body;
    exchange->body_capacity = capacity;
}

/* Makes room for so many bytes, which are this exchange's; false: it alone has too many. */
static bool make_room(struct gf_http_exchange *exchange, size_t size) {
    struct gf_http_server *server = exchange->server;
    for (;;) {
        const int64_t all = atomic_load_explicit(&server->stats.body_bytes, memory_order_relaxed);
        if (all + (int64_t)size <= (int64_t)server->options.bodies_bytes_max) {
            return true;
        }
        struct gf_http_exchange *oldest = NULL;
        GF_LIST_FOREACH(link, &server->connections[GF_HTTP__BODY]) {
            struct gf_http_exchange *other =
                GF_CONTAINER_OF(link, struct gf_http__connection, link)->exchange;
            if (other != NULL && other != exchange && other->body_size > 0 && !other->body_told) {
                oldest = other;
                break;
            }
        }
        if (oldest == NULL) {
            return false;
        }
        struct gf_error err;
        (void)gf_fail(&err, GF_UNAVAILABLE, "too many bodies are on their way at once");
        gf_http__connection_enter(oldest->connection, GF_HTTP__LINGER);
        gf_http__exchange_enter(oldest);
        gf_http__body_fail(oldest, &err);
        gf_http__exchange_leave(oldest);
    }
}

static void keep(struct gf_http_exchange *exchange, const char *bytes, size_t size) {
    struct gf_http_server *server = exchange->server;
    struct gf_error err;
    if (size > exchange->body_bytes_max - exchange->body_size) {
        (void)gf_fail(&err, GF_RESOURCE_EXHAUSTED,
                      "the body is larger than the %zu bytes that are allowed",
                      exchange->body_bytes_max);
        gf_http__body_fail(exchange, &err);
        return;
    }
    if (!make_room(exchange, size)) {
        (void)gf_fail(&err, GF_UNAVAILABLE, "too many bodies are on their way at once");
        gf_http__body_fail(exchange, &err);
        return;
    }
    if (size > exchange->body_capacity - exchange->body_size) {
        grow(exchange, exchange->body_size + size);
    }
    memcpy(exchange->body + exchange->body_size, bytes, size);
    exchange->body_size += size;
    (void)atomic_fetch_add_explicit(&server->stats.body_bytes, (int64_t)size, memory_order_relaxed);
}

void gf_http__body_append(struct gf_http_exchange *exchange, const char *bytes, size_t size) {
    if (exchange->read_wanted && !exchange->body_told) {
        keep(exchange, bytes, size);
    } else {
        exchange->late_bytes += size;
    }
    explicit_bzero((char *)bytes, size);
    if (exchange->late_bytes > LATE_BYTES_MAX) {
        gf_http__connection_cut(exchange->connection);
    }
}

void gf_http__body_fail(struct gf_http_exchange *exchange, const struct gf_error *error) {
    struct gf_http_server *server = exchange->server;
    gf_assert(exchange->busy > 0 && !exchange->body_told);
    gf_http__body_free(exchange);
    exchange->body_told = true;
    server->options.handler.body(exchange, (struct gf_str){NULL, 0}, error, server->options.ctx);
}

void gf_http__body_end(struct gf_http_exchange *exchange) {
    struct gf_http_server *server = exchange->server;
    gf_assert(exchange->busy > 0 && !exchange->body_told);
    exchange->body_told = true;
    server->options.handler.body(exchange, (struct gf_str){exchange->body, exchange->body_size},
                                 NULL, server->options.ctx);
}

void gf_http_read_body(struct gf_http_exchange *exchange, size_t bytes_max) {
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    gf_assert(exchange->stage == GF_HTTP__IN_HEAD && !exchange->read_wanted);
    exchange->read_wanted = true;
    exchange->body_bytes_max = bytes_max;
}

void gf_http_wipe_body(struct gf_http_exchange *exchange) {
    gf_assert(exchange->magic == GF_HTTP__EXCHANGE_MAGIC);
    gf_assert(exchange->body_told);
    gf_http__body_free(exchange);
}
