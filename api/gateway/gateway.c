/*
 * Design: an exchange belongs to whoever took it in `head`, a call or a page, by the functions that
 * its data begins with. What was answered at once belongs to nobody.
 */
#include "api/gateway/gateway.h"

#include "api/gateway/call.h"
#include "api/gateway/form.h"
#include "api/gateway/gateway_internal.h"
#include "base/alloc.h"

enum gf_code gf_gateway_create(const struct gf_gateway_options *options,
                               struct gf_gateway **out_gateway, struct gf_error *err) {
    gf_assert(options->rpc != NULL && options->schema != NULL && options->pool != NULL);
    struct gf_gateway__pages *pages = NULL;
    enum gf_code code = gf_gateway__pages_create(options, &pages, err);
    if (code != GF_OK) {
        return code;
    }
    struct gf_gateway *gateway = GF_NEW(struct gf_gateway);
    gateway->options = *options;
    gateway->pages = pages;
    gateway->packer = gf_gateway__packer_create();
    gf_mutex_init(&gateway->mutex, GF_RANK_GATEWAY);
    gf_list_init(&gateway->calls);
    *out_gateway = gateway;
    return GF_OK;
}

void gf_gateway_destroy(struct gf_gateway *gateway) {
    if (gateway == NULL) {
        return;
    }
    gf_assert(gf_list_empty(&gateway->calls));
    gf_gateway__pages_destroy(gateway->pages);
    gf_gateway__packer_destroy(gateway->packer);
    gf_mutex_fini(&gateway->mutex);
    free(gateway);
}

void gf_gateway_drain(struct gf_gateway *gateway) {
    atomic_store(&gateway->draining, true);
    GF_MUTEX_GUARD(&gateway->mutex);
    GF_LIST_FOREACH(link, &gateway->calls) {
        gf_http_wake(GF_CONTAINER_OF(link, struct gf_gateway__call, link)->exchange);
    }
}

void gf_gateway_stats(const struct gf_gateway *gateway, struct gf_gateway_stats *out) {
    for (size_t i = 0; i < GF_GATEWAY_PROTOCOL_COUNT; i++) {
        for (size_t j = 0; j < GF_GATEWAY_CODEC_COUNT; j++) {
            out->calls_total[i][j] = atomic_load(&gateway->calls_total[i][j]);
        }
    }
    for (size_t i = 0; i < GF_GATEWAY_STATUS_CLASS_COUNT; i++) {
        out->responses_total[i] = atomic_load(&gateway->responses_total[i]);
    }
    out->refused_total = atomic_load(&gateway->refused_total);
    out->streams = atomic_load(&gateway->streams);
}

/* ---- what comes ---- */

static bool route_matches(const struct gf_gateway__route *route, struct gf_str path) {
    const struct gf_str wanted = gf_str_from(route->path);
    return gf_str_eq(path, wanted) || (wanted.len > 1 && gf_str_has_suffix(wanted, GF_STR("/")) &&
                                       gf_str_has_prefix(path, wanted));
}

static const struct gf_gateway__route *find_route(struct gf_str path) {
    for (size_t i = 0; i < gf_gateway__route_count; i++) {
        if (route_matches(&gf_gateway__routes[i], path)) {
            return &gf_gateway__routes[i];
        }
    }
    return NULL;
}

/* Whether a list as "GET, HEAD" has the method. */
static bool list_has(const char *methods, struct gf_str method) {
    struct gf_str rest = gf_str_from(methods);
    while (rest.len > 0) {
        struct gf_str item;
        (void)gf_str_cut(rest, ',', &item, &rest);
        if (gf_str_eq(gf_str_trim(item), method)) {
            return true;
        }
    }
    return false;
}

static void serve_route(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                        const struct gf_gateway__route *route) {
    if (list_has(route->methods, gf_http_method(exchange))) {
        route->serve(gateway, exchange);
    } else if (gf_str_eq(gf_http_method(exchange), GF_STR("OPTIONS"))) {
        gf_gateway__answer_options(gateway, exchange, gf_str_from(route->methods));
    } else {
        gf_gateway__respond_method_not_allowed(gateway, exchange, route->methods);
    }
}

/* What asks for a method that is not there, rather than for a file. */
static bool is_call(const struct gf_http_exchange *exchange) {
    struct gf_gateway__form form;
    return gf_str_eq(gf_http_method(exchange), GF_STR("POST")) &&
           gf_gateway__form_of(gf_http_header(exchange, "content-type"), &form);
}

static void on_head(struct gf_http_exchange *exchange, void *ctx) {
    struct gf_gateway *gateway = ctx;
    if (!gf_gateway__admit(gateway, exchange)) {
        return;
    }
    const struct gf_str path = gf_http_path(exchange);
    const struct gf_rpc_method *method = gf_rpc_server_method(gateway->options.rpc, path);
    const struct gf_gateway__route *route = method == NULL ? find_route(path) : NULL;
    if (method != NULL) {
        gf_gateway__serve_call(gateway, exchange, method);
    } else if (route != NULL) {
        serve_route(gateway, exchange, route);
    } else if (is_call(exchange)) {
        gf_gateway__refuse_unknown_call(gateway, exchange);
    } else {
        gf_gateway__serve_file(gateway, exchange);
    }
}

/* Who has the exchange, or NULL. */
static const struct gf_gateway__activity *activity_of(const struct gf_http_exchange *exchange) {
    const struct gf_gateway__data *data = gf_http_data(exchange);
    return data != NULL ? data->activity : NULL;
}

static void on_body(struct gf_http_exchange *exchange, struct gf_str body,
                    const struct gf_error *error, void *ctx) {
    const struct gf_gateway__activity *activity = activity_of(exchange);
    if (activity != NULL && activity->body != NULL) {
        activity->body(ctx, exchange, body, error);
    }
}

static void on_woken(struct gf_http_exchange *exchange, void *ctx) {
    const struct gf_gateway__activity *activity = activity_of(exchange);
    if (activity != NULL && activity->woken != NULL) {
        activity->woken(ctx, exchange);
    }
}

static enum gf_http_more on_read(struct gf_http_exchange *exchange, char *out, size_t size_max,
                                 size_t *out_size, void *ctx) {
    const struct gf_gateway__activity *activity = activity_of(exchange);
    gf_assert(activity != NULL && activity->read != NULL);
    return activity->read(ctx, exchange, out, size_max, out_size);
}

static void on_gone(struct gf_http_exchange *exchange, void *ctx) {
    const struct gf_gateway__activity *activity = activity_of(exchange);
    if (activity != NULL && activity->gone != NULL) {
        activity->gone(ctx, exchange);
    } else {
        gf_http_abandon(exchange);
    }
}

static void on_done(struct gf_http_exchange *exchange, void *ctx) {
    const struct gf_gateway__activity *activity = activity_of(exchange);
    if (activity != NULL && activity->done != NULL) {
        activity->done(ctx, exchange);
    }
}

const struct gf_http_handler gf_gateway_handler = {
    .head = on_head,
    .body = on_body,
    .woken = on_woken,
    .read = on_read,
    .gone = on_gone,
    .done = on_done,
};
