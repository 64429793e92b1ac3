/* What there is besides calls: the table of it, health and metrics. */
#include "api/codec/wire/wire.h"
#include "api/gateway/files.h"
#include "api/gateway/pages_internal.h"
#include "base/alloc.h"
#include "base/file.h"

#include <gofer/v1/system.pb-c.h>
#include <stdlib.h>

static const struct gf_str no_value = {NULL, 0};

const struct gf_gateway__route gf_gateway__routes[] = {
    {"/healthz", "GET, HEAD", gf_gateway__serve_healthz},
    {"/readyz", "GET, HEAD", gf_gateway__serve_readyz},
    {"/metrics", "GET, HEAD", gf_gateway__serve_metrics},
    {"/openapi.json", "GET, HEAD", gf_gateway__serve_document},
    {"/docs", "GET, HEAD", gf_gateway__serve_document},
    {"/docs/", "GET, HEAD", gf_gateway__serve_document},
};
const size_t gf_gateway__route_count = GF_ARRAY_COUNT(gf_gateway__routes);

/* ---- Creation ---- */

static enum gf_code check_options(const struct gf_gateway_options *options, struct gf_error *err) {
    if (options->origin_count > GF_GATEWAY_ORIGINS_MAX) {
        return gf_fail_field(err, "allowed_origins", "there are more than %d origins",
                             GF_GATEWAY_ORIGINS_MAX);
    }
    if (options->host_count > GF_GATEWAY_HOSTS_MAX) {
        return gf_fail_field(err, "allowed_hosts", "there are more than %d hosts",
                             GF_GATEWAY_HOSTS_MAX);
    }
    struct gf_error why;
    for (size_t i = 0; i < options->origin_count; i++) {
        if (gf_gateway__origin_check(options->origins[i], &why) != GF_OK) {
            return gf_fail_field(err, "allowed_origins", "%s", why.message);
        }
    }
    for (size_t i = 0; i < options->host_count; i++) {
        if (gf_gateway__host_check(options->hosts[i], &why) != GF_OK) {
            return gf_fail_field(err, "allowed_hosts", "%s", why.message);
        }
    }
    return GF_OK;
}

enum gf_code gf_gateway__pages_create(const struct gf_gateway_options *options,
                                      struct gf_gateway__pages **out_pages, struct gf_error *err) {
    enum gf_code code = check_options(options, err);
    if (code != GF_OK) {
        return code;
    }
    int static_fd = -1;
    struct gf_error why;
    if (options->static_dir != NULL &&
        gf_gateway__files_open(options->static_dir, &static_fd, &why) != GF_OK) {
        return gf_fail_field(err, "static_dir", "%s", why.message);
    }
    struct gf_gateway__pages *pages = GF_NEW(struct gf_gateway__pages);
    pages->static_fd = static_fd;
    pages->allowed = (struct gf_gateway__allowed){options->origins, options->origin_count,
                                                  options->hosts, options->host_count};
    gf_gateway__documents_init(&pages->documents);
    *out_pages = pages;
    return GF_OK;
}

void gf_gateway__pages_destroy(struct gf_gateway__pages *pages) {
    if (pages == NULL) {
        return;
    }
    gf_close(&pages->static_fd);
    free(pages);
}

/* ---- Health ---- */

static void respond_text(struct gf_gateway *gateway, struct gf_http_exchange *exchange, int status,
                         const char *text) {
    struct gf_gateway__head head;
    gf_gateway__head_init(&head, gateway, exchange, status);
    gf_gateway__head_add(&head, "Content-Type", GF_STR("text/plain; charset=utf-8"));
    gf_gateway__head_add(&head, "Cache-Control", GF_STR("no-store"));
    gf_gateway__head_add_hints(&head);
    gf_gateway__respond_static(gateway, exchange, &head, gf_str_from(text));
}

void gf_gateway__serve_healthz(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    respond_text(gateway, exchange, 200, "ok\n");
}

void gf_gateway__serve_readyz(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    /* Why it is not is for its operators, whose log has it, and not for strangers. */
    bool is_ready = gateway->options.ready == NULL ||
                    gateway->options.ready(gateway->options.ready_ctx, NULL) == GF_OK;
    if (is_ready && !gateway->draining) {
        respond_text(gateway, exchange, 200, "ok\n");
    } else {
        respond_text(gateway, exchange, 503, "gofer cannot serve now; its log says why\n");
    }
}

/* ---- Metrics ---- */

/* The message unpacked, which is little more than its text. */
static const size_t metrics_bytes_max = (size_t)64 << 20;

static void answer_metrics(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                           struct gf_str wire, const struct gf_error *error) {
    if (error != NULL) {
        gf_gateway__respond_error(gateway, exchange, gf_gateway__http_status(error->code), error,
                                  NULL, no_value);
        return;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, metrics_bytes_max);
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    enum gf_code code = gf_wire_decode(&gofer__v1__get_metrics_response__descriptor,
                                       (const uint8_t *)wire.ptr, wire.len, &arena, &message, &err);
    if (code == GF_OK) {
        const Gofer__V1__GetMetricsResponse *response = (void *)message;
        struct gf_gateway__head head;
        gf_gateway__head_init(&head, gateway, exchange, 200);
        gf_gateway__head_add(&head, "Content-Type", gf_str_from(response->content_type));
        gf_gateway__head_add(&head, "Cache-Control", GF_STR("no-store"));
        gf_gateway__respond(gateway, exchange, &head, gf_str_from(response->text));
    } else {
        gf_gateway__respond_error(gateway, exchange, gf_gateway__http_status(code), &err, NULL,
                                  no_value);
    }
    gf_arena_fini(&arena);
}

void gf_gateway__serve_metrics(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    gf_gateway__call_for_page(gateway, exchange, GF_STR("/gofer.v1.SystemService/GetMetrics"),
                              answer_metrics);
}
