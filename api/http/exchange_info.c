/* What the handler may ask about its exchange. */
#include "api/http/server_internal.h"

struct gf_str gf_http_method(const struct gf_http_exchange *exchange) {
    return exchange->method;
}

struct gf_str gf_http_path(const struct gf_http_exchange *exchange) {
    return exchange->path;
}

struct gf_str gf_http_query(const struct gf_http_exchange *exchange) {
    return exchange->query;
}

struct gf_str gf_http_header(const struct gf_http_exchange *exchange, const char *name) {
    const struct gf_str wanted = gf_str_from(name);
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (gf_str_eq_nocase(exchange->headers[i].name, wanted)) {
            return exchange->headers[i].value;
        }
    }
    return (struct gf_str){NULL, 0};
}

void gf_http_each_header(const struct gf_http_exchange *exchange,
                         bool (*each)(void *ctx, struct gf_str name, struct gf_str value),
                         void *ctx) {
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (!each(ctx, exchange->headers[i].name, exchange->headers[i].value)) {
            return;
        }
    }
}

struct gf_str gf_http_peer(const struct gf_http_exchange *exchange) {
    return exchange->peer;
}

bool gf_http_is_tls(const struct gf_http_exchange *exchange) {
    return exchange->is_tls;
}

bool gf_http_is_local(const struct gf_http_exchange *exchange) {
    return exchange->is_local;
}

struct gf_arena *gf_http_arena(struct gf_http_exchange *exchange) {
    return &exchange->arena;
}

void gf_http_set_data(struct gf_http_exchange *exchange, void *data) {
    exchange->data = data;
}

void *gf_http_data(const struct gf_http_exchange *exchange) {
    return exchange->data;
}
