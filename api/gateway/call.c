/*
 * Design: of a call with one response, that response and the status are taken before anything is
 * answered, as the status decides what the answer looks like. A stream is answered as soon as it
 * has begun, so that its client knows; from there on messages are taken only when the client takes
 * bytes, one at a time: what waits is in the carried call, whose queue has its limit.
 */
#include "api/gateway/call.h"

#include "base/alloc.h"
#include "base/clock.h"

static struct gf_gateway__call *call_of(struct gf_http_exchange *exchange);

/* ---- the carried call ---- */

static void release(struct gf_gateway__call *call) {
    gf_rpc_carried_release(GF_TAKE(call->rpc));
    gf_http_wake_at(call->exchange, GF_NEVER);
}

static void cancel(struct gf_gateway__call *call, enum gf_code code, const char *what) {
    if (call->is_cancelled) {
        return;
    }
    struct gf_error error;
    (void)gf_fail(&error, code, "%s", what);
    call->is_cancelled = true;
    gf_rpc_carried_cancel(call->rpc, &error);
}

/* The end, as the carried call has it; what went wrong with the answer counts more. */
static void take_end(struct gf_gateway__call *call, const struct gf_rpc_carried_item *item) {
    call->has_ended = true;
    call->status =
        call->failure != NULL
            ? gf_gateway__status_of(call->failure)
            : (struct gf_gateway__status){item->code, item->status_message, item->status_details};
    call->held_until_ns =
        item->delay_ms > 0 ? gf_deadline_after_ms(gf_mono_ns(), item->delay_ms) : 0;
}

static void take_message(struct gf_gateway__call *call, struct gf_str wire) {
    struct gf_error error;
    const enum gf_code code =
        call->failure == NULL ? gf_gateway__call_put_message(call, wire, &error) : GF_OK;
    if (code != GF_OK) {
        call->failure =
            gf_arena_memdup(gf_http_arena(call->exchange), &error, sizeof(*call->failure));
        gf_rpc_carried_cancel(call->rpc, &error);
    }
}

/* Takes the next; false where there is nothing to take now. */
static bool take(struct gf_gateway__call *call) {
    struct gf_rpc_carried_item item;
    switch (gf_rpc_carried_take(call->rpc, &item)) {
    case GF_RPC_CARRIED_NOTHING:
        return false;
    case GF_RPC_CARRIED_MESSAGE:
        if (!call->is_gone) {
            take_message(call, item.message);
        }
        return true;
    case GF_RPC_CARRIED_END:
        take_end(call, &item);
        return true;
    }
    gf_unreachable();
}

/* ---- the answer ---- */

/* Answers, or waits until a refusal was held back for long enough. */
static void answer_end(struct gf_gateway__call *call) {
    if (call->held_until_ns > gf_mono_ns() && !atomic_load(&call->gateway->draining)) {
        gf_http_wake_at(call->exchange, call->held_until_ns);
        return;
    }
    call->is_answered = true;
    gf_gateway__call_answer_whole(call);
    release(call);
}

/* A worker has read the request, which is given where it is of use still. */
static void end_reading(struct gf_gateway__call *call) {
    gf_gateway__call_end_reading(call);
    if (call->form.protocol != GF_GATEWAY_CONNECT_GET) {
        gf_http_wipe_body(call->exchange);
    }
}

/* The client has gone: the call is kept until it has ended. */
static void leave(struct gf_gateway__call *call) {
    if (!call->has_ended) {
        cancel(call, GF_CANCELLED, "the client has gone");
    }
    if (call->reading != NULL) {
        end_reading(call);
    }
    gf_gateway__call_out_reset(call);
    while (!call->has_ended && take(call)) {
    }
    if (call->has_ended) {
        release(call);
        gf_http_abandon(call->exchange);
    }
}

/* Goes on with what there is. Not for a stream, once that is answered. */
static void advance(struct gf_gateway__call *call) {
    const bool streams = gf_rpc_kind_streams_responses(call->method->kind);
    while (!call->has_ended && !(streams && call->out.len > 0)) {
        if (!take(call)) {
            break;
        }
    }
    if (call->has_ended) {
        answer_end(call);
    } else if (streams && call->has_request) {
        call->is_answered = true;
        call->is_streaming = true;
        gf_gateway__call_answer_stream(call);
    }
}

/* ---- what the http server tells ---- */

static void refuse_body(struct gf_gateway__call *call, const struct gf_error *error) {
    struct gf_error refusal = *error;
    if (error->code == GF_RESOURCE_EXHAUSTED) {
        (void)gf_fail_reason(&refusal, error->code, "REQUEST_TOO_LARGE", "%s", error->message);
        call->http_status = 413;
    }
    gf_rpc_carried_refuse(call->rpc, &refusal);
}

static void on_body(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                    struct gf_str body, const struct gf_error *error) {
    (void)gateway;
    struct gf_gateway__call *call = call_of(exchange);
    if (call->rpc == NULL || call->reading != NULL || !gf_rpc_carried_wants_request(call->rpc)) {
        return; /* it is of no use: a GET, or the call was refused, or the deadline has passed */
    }
    if (error != NULL) {
        refuse_body(call, error);
    } else if (!gf_gateway__call_give_request(call, body)) {
        return;
    }
    gf_http_wipe_body(exchange);
    advance(call);
}

static void on_woken(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    struct gf_gateway__call *call = call_of(exchange);
    if (call->rpc == NULL || (call->reading != NULL && !gf_gateway__call_is_read(call))) {
        return;
    }
    if (call->is_gone) {
        leave(call);
        return;
    }
    const bool streams = gf_rpc_kind_streams_responses(call->method->kind);
    if (!call->has_ended && streams && atomic_load(&gateway->draining)) {
        cancel(call, GF_UNAVAILABLE, "the server stops");
    } else if (!call->has_ended && gf_mono_ns() >= call->deadline_ns) {
        cancel(call, GF_DEADLINE_EXCEEDED, "the deadline has passed");
    }
    if (call->reading != NULL) {
        end_reading(call);
    }
    if (!call->is_streaming) {
        advance(call);
    }
}

static void on_gone(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    (void)gateway;
    struct gf_gateway__call *call = call_of(exchange);
    call->is_gone = true;
    if (call->rpc == NULL) {
        gf_http_abandon(exchange); /* what was answered did not arrive */
        return;
    }
    if (call->reading == NULL || gf_gateway__call_is_read(call)) {
        leave(call);
    }
}

/* Copies what waits; true where the room is used up. */
static bool copy_out(struct gf_gateway__call *call, char *out, size_t size_max, size_t *size) {
    const size_t waiting = call->out.len - call->out_offset;
    const size_t room = size_max - *size;
    const size_t count = waiting < room ? waiting : room;
    if (count > 0) {
        memcpy(out + *size, call->out.ptr + call->out_offset, count);
    }
    call->out_offset += count;
    *size += count;
    return *size == size_max;
}

static enum gf_http_more on_read(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                 char *out, size_t size_max, size_t *out_size) {
    (void)gateway;
    struct gf_gateway__call *call = call_of(exchange);
    size_t size = 0;
    enum gf_http_more more = GF_HTTP_MORE;
    while (!copy_out(call, out, size_max, &size) && more == GF_HTTP_MORE) {
        gf_strbuf_reset(&call->out);
        call->out_offset = 0;
        if (call->rpc == NULL) {
            more = GF_HTTP_END;
        } else if (!take(call)) {
            gf_gateway__call_out_reset(call); /* a stream that waits has no memory of its own */
            break;
        } else if (call->has_ended) {
            gf_gateway__call_put_end(call);
            release(call);
        }
    }
    *out_size = size;
    return more;
}

static void on_done(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    struct gf_gateway__call *call = call_of(exchange);
    gf_assert(call->rpc == NULL);
    gf_mutex_lock(&gateway->mutex);
    gf_list_remove(&call->link);
    gf_mutex_unlock(&gateway->mutex);
    if (gf_rpc_kind_streams_responses(call->method->kind)) {
        (void)atomic_fetch_sub(&gateway->streams, 1);
    }
    gf_strbuf_fini(&call->out);
    free(call);
}

static const struct gf_gateway__activity activity = {
    .body = on_body,
    .woken = on_woken,
    .read = on_read,
    .gone = on_gone,
    .done = on_done,
};

static struct gf_gateway__call *call_of(struct gf_http_exchange *exchange) {
    struct gf_gateway__data *data = gf_http_data(exchange);
    gf_assert(data != NULL && data->activity == &activity);
    return GF_CONTAINER_OF(data, struct gf_gateway__call, data);
}

/* ---- the beginning ---- */

static struct gf_gateway__call *create(struct gf_gateway *gateway,
                                       struct gf_http_exchange *exchange,
                                       const struct gf_rpc_method *method,
                                       const struct gf_gateway__form *form) {
    struct gf_gateway__call *call = GF_NEW(struct gf_gateway__call);
    call->data.activity = &activity;
    call->gateway = gateway;
    call->exchange = exchange;
    call->method = method;
    call->form = *form;
    call->deadline_ns = GF_NEVER;
    gf_strbuf_init(&call->out, GF_GATEWAY__RESPONSE_BYTES_MAX);
    if (gf_rpc_kind_streams_responses(method->kind)) {
        (void)atomic_fetch_add(&gateway->streams, 1);
    }
    gf_http_set_data(exchange, &call->data);
    gf_mutex_lock(&gateway->mutex);
    gf_list_push_back(&gateway->calls, &call->link);
    gf_mutex_unlock(&gateway->mutex);
    return call;
}

/* Begins it, and reads the body, or takes the request of a GET. */
static void start(struct gf_gateway__call *call, bool has_body, const struct gf_error *fault,
                  int fault_status) {
    gf_gateway__call_begin(call, fault, fault_status);
    gf_gateway__call_out_reset(call);
    const bool wants_request = gf_rpc_carried_wants_request(call->rpc);
    if (wants_request && call->deadline_ns != GF_NEVER) {
        gf_http_wake_at(call->exchange, call->deadline_ns);
    }
    if (wants_request && has_body) {
        gf_http_read_body(call->exchange, gf_gateway__call_body_bytes_max(call));
        return;
    }
    if (!wants_request || gf_gateway__call_give_request(call, call->query.message)) {
        advance(call);
    }
    if (!call->is_answered) {
        /* What comes now is of no use, but it must go somewhere until there is an answer. */
        gf_http_read_body(call->exchange, GF_GATEWAY__UNUSED_BYTES_MAX);
    }
}

static void count(struct gf_gateway__call *call) {
    (void)atomic_fetch_add(&call->gateway->calls_total[call->form.protocol][call->form.codec], 1);
}

static void refuse_content_type(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                bool streams) {
    const char *types = gf_gateway__accept_post(streams);
    struct gf_error error;
    (void)gf_fail(&error, GF_INVALID_ARGUMENT, "this method takes one of the content types %s",
                  types);
    gf_gateway__respond_error(gateway, exchange, 415, &error, "accept-post", gf_str_from(types));
}

static void serve_post(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                       const struct gf_rpc_method *method) {
    const bool streams = gf_rpc_kind_streams_responses(method->kind);
    struct gf_gateway__form form;
    /* Whoever asks for a stream of requests is told by the call that there are none. */
    if (!gf_gateway__form_of(gf_http_header(exchange, "content-type"), &form) ||
        !(gf_rpc_kind_streams_requests(method->kind) || gf_gateway__form_suits(&form, streams))) {
        refuse_content_type(gateway, exchange, streams);
        return;
    }
    struct gf_gateway__call *call = create(gateway, exchange, method, &form);
    count(call);
    start(call, true, NULL, 0);
}

static void serve_get(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                      const struct gf_rpc_method *method) {
    struct gf_gateway__form form = {GF_GATEWAY_CONNECT_GET, GF_GATEWAY_JSON, "application/json"};
    struct gf_gateway__query query = {.message = {NULL, 0}};
    struct gf_error error;
    const enum gf_code code =
        gf_gateway__query_parse(gf_http_query(exchange), gf_http_arena(exchange), &query, &error);
    if (code == GF_OK && !gf_gateway__form_of_get(query.encoding, &form)) {
        refuse_content_type(gateway, exchange, false);
        return;
    }
    struct gf_gateway__call *call = create(gateway, exchange, method, &form);
    call->query = query;
    count(call);
    start(call, false, code == GF_OK ? NULL : &error, code == GF_RESOURCE_EXHAUSTED ? 414 : 0);
}

void gf_gateway__serve_call(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                            const struct gf_rpc_method *method) {
    const struct gf_str verb = gf_http_method(exchange);
    const bool reads =
        method->kind == GF_RPC_UNARY &&
        gf_schema_method_only_reads(gateway->options.schema, method->service, method->name);
    const char *methods = reads ? "GET, POST" : "POST";
    if (gf_str_eq(verb, GF_STR("POST"))) {
        serve_post(gateway, exchange, method);
    } else if (reads && gf_str_eq(verb, GF_STR("GET"))) {
        serve_get(gateway, exchange, method);
    } else if (gf_str_eq(verb, GF_STR("OPTIONS"))) {
        gf_gateway__answer_options(gateway, exchange, gf_str_from(methods));
    } else {
        gf_gateway__respond_method_not_allowed(gateway, exchange, methods);
    }
}

void gf_gateway__refuse_unknown_call(struct gf_gateway *gateway,
                                     struct gf_http_exchange *exchange) {
    struct gf_gateway__call call = {.gateway = gateway, .exchange = exchange, .http_status = 404};
    struct gf_error error;
    (void)gf_fail(&error, GF_UNIMPLEMENTED, "there is no method '%" GF_STR_FMT "'",
                  GF_STR_ARG(gf_http_path(exchange)));
    const bool known = gf_gateway__form_of(gf_http_header(exchange, "content-type"), &call.form);
    gf_assert(known);
    count(&call);
    call.status = gf_gateway__status_of(&error);
    gf_gateway__call_out_reset(&call);
    gf_gateway__call_answer_whole(&call);
    gf_strbuf_fini(&call.out);
}

void gf_gateway__call_for_page(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                               struct gf_str path, gf_gateway__answer *answer) {
    static const struct gf_gateway__form form = {GF_GATEWAY_CONNECT, GF_GATEWAY_PROTO, ""};
    const struct gf_rpc_method *method = gf_rpc_server_method(gateway->options.rpc, path);
    if (method == NULL) {
        struct gf_error error;
        (void)gf_fail(&error, GF_UNIMPLEMENTED, "there is no method '%" GF_STR_FMT "'",
                      GF_STR_ARG(path));
        answer(gateway, exchange, (struct gf_str){NULL, 0}, &error);
        return;
    }
    gf_assert(method->kind == GF_RPC_UNARY);
    struct gf_gateway__call *call = create(gateway, exchange, method, &form);
    call->answer = answer;
    start(call, false, NULL, 0);
}
