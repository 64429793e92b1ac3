#include "api/gateway/gateway_internal.h"
#include "api/gateway/status.h"
#include "api/rpc/call.h"
#include "base/log.h"
#include "base/request_name.h"

enum {
    ERROR_BYTES_MAX = 4096,
};

/* By which the log, too, knows the request, where a call of it was begun. */
static struct gf_str request_name(struct gf_http_exchange *exchange) {
    const struct gf_gateway__data *data = gf_http_data(exchange);
    if (data != NULL && data->request_name.len > 0) {
        return data->request_name;
    }
    const struct gf_str own = gf_http_header(exchange, GF_RPC_REQUEST_ID_KEY);
    return gf_request_name_is_fit(own) ? own
                                       : gf_str_from(gf_request_name_make(gf_arena_alloc(
                                             gf_http_arena(exchange), GF_REQUEST_NAME_BYTES)));
}

void gf_gateway__head_init(struct gf_gateway__head *head, struct gf_gateway *gateway,
                           struct gf_http_exchange *exchange, int status) {
    head->status = status;
    head->field_count = 0;
    head->request_name = request_name(exchange);
    gf_gateway__head_add(head, GF_RPC_REQUEST_ID_KEY, head->request_name);
    gf_gateway__common_headers(gateway, exchange, head);
}

void gf_gateway__head_add(struct gf_gateway__head *head, const char *name, struct gf_str value) {
    gf_assert(head->field_count < GF_GATEWAY__FIELDS_MAX);
    head->fields[head->field_count++] = (struct gf_http_field){name, value};
}

void gf_gateway__head_add_hints(struct gf_gateway__head *head) {
    if (head->status == 401) {
        gf_gateway__head_add(head, "www-authenticate", GF_STR("Bearer"));
    } else if (head->status == 429 || head->status == 503) {
        gf_gateway__head_add(head, "retry-after", GF_STR("1"));
    }
}

/* Counts the response, and gives its head in the form of the http server. */
static struct gf_http_head count(struct gf_gateway *gateway, const struct gf_gateway__head *head) {
    (void)atomic_fetch_add(&gateway->responses_total[head->status / 100], 1);
    return (struct gf_http_head){head->status, head->fields, head->field_count};
}

void gf_gateway__respond(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                         const struct gf_gateway__head *head, struct gf_str body) {
    const struct gf_http_head http = count(gateway, head);
    gf_http_respond(exchange, &http, body);
}

void gf_gateway__respond_static(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                const struct gf_gateway__head *head, struct gf_str body) {
    const struct gf_http_head http = count(gateway, head);
    gf_http_respond_static(exchange, &http, body);
}

void gf_gateway__respond_file(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                              const struct gf_gateway__head *head, int fd, uint64_t offset,
                              uint64_t size) {
    const struct gf_http_head http = count(gateway, head);
    gf_http_respond_file(exchange, &http, fd, offset, size);
}

void gf_gateway__respond_stream(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                const struct gf_gateway__head *head) {
    const struct gf_http_head http = count(gateway, head);
    gf_http_respond_stream(exchange, &http);
}

void gf_gateway__note_refused(struct gf_http_exchange *exchange,
                              const struct gf_gateway__head *head,
                              const struct gf_gateway__status *why) {
    gf_log_debug("http_refused", GF_KV_VIEW("request", head->request_name),
                 GF_KV_VIEW("method", gf_http_method(exchange)),
                 GF_KV_VIEW("path", gf_http_path(exchange)), GF_KV_I64("status", head->status),
                 GF_KV_VIEW("peer", gf_http_peer(exchange)),
                 GF_KV_STR("code", gf_code_name(why->code)), GF_KV_VIEW("error", why->message));
}

void gf_gateway__respond_error(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                               int status, const struct gf_error *error, const char *name,
                               struct gf_str value) {
    struct gf_gateway__head head;
    gf_gateway__head_init(&head, gateway, exchange, status);
    gf_gateway__head_add(&head, "content-type", GF_STR("application/json"));
    gf_gateway__head_add(&head, "cache-control", GF_STR("no-store"));
    gf_gateway__head_add_hints(&head);
    if (name != NULL) {
        gf_gateway__head_add(&head, name, value);
    }
    struct gf_strbuf body;
    gf_strbuf_init(&body, ERROR_BYTES_MAX);
    const struct gf_gateway__status said = gf_gateway__status_of(error);
    if (gf_http_data(exchange) == NULL) { /* else it is a call's, which has both */
        gf_gateway__note_refused(exchange, &head, &said);
    }
    gf_gateway__append_error(gateway->options.schema, &said, &body);
    gf_gateway__respond(gateway, exchange, &head, gf_strbuf_view(&body));
    gf_strbuf_fini(&body);
}

void gf_gateway__respond_method_not_allowed(struct gf_gateway *gateway,
                                            struct gf_http_exchange *exchange,
                                            const char *methods) {
    struct gf_error error;
    (void)gf_fail(&error, GF_UNIMPLEMENTED, "this path is asked by %s", methods);
    gf_gateway__respond_error(gateway, exchange, 405, &error, "allow", gf_str_from(methods));
}
