#include "api/codec/json/json.h"
#include "api/gateway/call.h"
#include "api/gateway/envelope.h"
#include "api/gateway/gzip.h"
#include "base/base64.h"

void gf_gateway__call_out_reset(struct gf_gateway__call *call) {
    gf_strbuf_fini(&call->out);
    call->out_offset = 0;
    if (call->is_secret) {
        gf_strbuf_init_secret(&call->out, GF_GATEWAY__RESPONSE_BYTES_MAX);
    } else {
        gf_strbuf_init(&call->out, GF_GATEWAY__RESPONSE_BYTES_MAX);
    }
}

/* Starts a buffer for what is on its way to `out`. */
static void start_layer(const struct gf_gateway__call *call, struct gf_strbuf *layer) {
    if (call->is_secret) {
        gf_strbuf_init_secret(layer, GF_GATEWAY__RESPONSE_BYTES_MAX);
    } else {
        gf_strbuf_init(layer, GF_GATEWAY__RESPONSE_BYTES_MAX);
    }
}

/* Appends one envelope with what it holds. */
static void put_envelope(struct gf_gateway__call *call, uint8_t flags, struct gf_str content) {
    char head[GF_GATEWAY__ENVELOPE_BYTES];
    gf_gateway__envelope_head(flags, content.len, head);
    if (call->form.protocol != GF_GATEWAY_GRPC_WEB_TEXT) {
        gf_strbuf_append_bytes(&call->out, head, sizeof(head));
        gf_strbuf_append(&call->out, content);
        return;
    }
    struct gf_strbuf whole;
    start_layer(call, &whole);
    gf_strbuf_append_bytes(&whole, head, sizeof(head));
    gf_strbuf_append(&whole, content);
    gf_base64_append(gf_strbuf_view(&whole), true, &call->out);
    call->out.overflowed = call->out.overflowed || whole.overflowed;
    gf_strbuf_fini(&whole);
}

/* Puts the message, written down in the codec of the call, into `out`. */
static void put(struct gf_gateway__call *call, struct gf_str message) {
    struct gf_strbuf packed;
    gf_strbuf_init(&packed, GF_GATEWAY__RESPONSE_BYTES_MAX);
    /* What a page has guessed next to a secret could be seen in the size. */
    const bool packs = call->response_gzip && !call->is_secret &&
                       message.len >= GF_GATEWAY__GZIP_BYTES_MIN &&
                       gf_gateway__pack(call->gateway->packer, message, &packed);
    const struct gf_str content = packs ? gf_strbuf_view(&packed) : message;
    if (gf_gateway__form_is_enveloped(&call->form)) {
        put_envelope(call, packs ? GF_GATEWAY__COMPRESSED : 0, content);
    } else {
        call->is_packed = packs;
        gf_strbuf_append(&call->out, content);
    }
    gf_strbuf_fini(&packed);
}

enum gf_code gf_gateway__call_put_message(struct gf_gateway__call *call, struct gf_str wire,
                                          struct gf_error *err) {
    enum gf_code code = GF_OK;
    if (call->form.codec == GF_GATEWAY_PROTO) {
        put(call, wire);
    } else {
        const struct gf_json_encode_opts opts = {.secret = call->is_secret};
        struct gf_strbuf json;
        start_layer(call, &json);
        struct gf_error why;
        code = gf_json_encode(call->gateway->options.schema, call->method->response->name, wire,
                              &opts, &json, &why);
        if (code == GF_OK) {
            put(call, gf_strbuf_view(&json));
        } else {
            code = gf_fail(err, code == GF_RESOURCE_EXHAUSTED ? code : GF_INTERNAL,
                           "the response has no form in JSON: %s", why.message);
        }
        gf_strbuf_fini(&json);
    }
    if (code == GF_OK && call->out.overflowed) {
        code = gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE",
                              "the response has more than the %d bytes that are sent",
                              GF_GATEWAY__RESPONSE_BYTES_MAX);
    }
    if (code != GF_OK) {
        gf_gateway__call_out_reset(call);
    }
    return code;
}

void gf_gateway__call_put_end(struct gf_gateway__call *call) {
    struct gf_strbuf end;
    gf_strbuf_init(&end, GF_GATEWAY__RESPONSE_BYTES_MAX);
    if (gf_gateway__form_is_grpc_web(&call->form)) {
        gf_gateway__append_trailers(&call->status, &end);
        put_envelope(call, GF_GATEWAY__TRAILERS, gf_strbuf_view(&end));
    } else if (gf_gateway__form_is_enveloped(&call->form)) {
        gf_gateway__append_end_stream(call->gateway->options.schema, &call->status, &end);
        put_envelope(call, GF_GATEWAY__END_STREAM, gf_strbuf_view(&end));
    }
    gf_strbuf_fini(&end);
}

/* ---- heads ---- */

/* What every answer to a call has. */
static void start_head(struct gf_gateway__call *call, struct gf_gateway__head *head, int status) {
    gf_gateway__head_init(head, call->gateway, call->exchange, status);
    /* What is answered depends on who asks and when; nobody may keep it, of a GET neither. */
    gf_gateway__head_add(head, "cache-control", GF_STR("no-store"));
    if (call->rpc == NULL) {
        gf_gateway__note_refused(call->exchange, head, &call->status);
    }
}

static void add_content_type(struct gf_gateway__head *head, const char *type) {
    gf_gateway__head_add(head, "content-type", gf_str_from(type));
}

void gf_gateway__call_answer_stream(struct gf_gateway__call *call) {
    struct gf_gateway__head head;
    start_head(call, &head, 200);
    add_content_type(&head, call->form.content_type);
    if (call->response_gzip && !call->is_secret) {
        gf_gateway__head_add(&head,
                             gf_gateway__form_is_grpc_web(&call->form) ? "grpc-encoding"
                                                                       : "connect-content-encoding",
                             GF_STR("gzip"));
    }
    gf_gateway__respond_stream(call->gateway, call->exchange, &head);
}

/* ---- whole answers ---- */

static void answer_unary(struct gf_gateway__call *call) {
    struct gf_gateway__head head;
    start_head(call, &head, 200);
    add_content_type(&head, call->form.content_type);
    if (call->is_packed) {
        gf_gateway__head_add(&head, "content-encoding", GF_STR("gzip"));
    }
    gf_gateway__respond(call->gateway, call->exchange, &head, gf_strbuf_view(&call->out));
}

static void answer_unary_error(struct gf_gateway__call *call) {
    const enum gf_code code = call->status.code;
    struct gf_gateway__head head;
    start_head(call, &head,
               call->http_status != 0 ? call->http_status : gf_gateway__http_status(code));
    add_content_type(&head, "application/json");
    if (call->failure == NULL) { /* one that is too large is so at the next time, too */
        gf_gateway__head_add_hints(&head);
    }
    gf_gateway__call_out_reset(call);
    gf_gateway__append_error(call->gateway->options.schema, &call->status, &call->out);
    gf_gateway__respond(call->gateway, call->exchange, &head, gf_strbuf_view(&call->out));
}

static void answer_enveloped(struct gf_gateway__call *call) {
    struct gf_gateway__head head;
    start_head(call, &head, 200);
    add_content_type(&head, call->form.content_type);
    if (call->response_gzip && !call->is_secret && gf_gateway__form_is_grpc_web(&call->form)) {
        gf_gateway__head_add(&head, "grpc-encoding", GF_STR("gzip"));
    }
    gf_gateway__call_put_end(call);
    gf_gateway__respond(call->gateway, call->exchange, &head, gf_strbuf_view(&call->out));
}

/* gRPC-Web: where there is no message, the status is in the head, and there is no body. */
static void answer_trailers_only(struct gf_gateway__call *call) {
    const struct gf_gateway__status *status = &call->status;
    struct gf_strbuf number;
    struct gf_strbuf message;
    struct gf_strbuf details;
    gf_strbuf_init(&number, 16);
    gf_strbuf_init(&message, 3 * status->message.len);
    gf_strbuf_init(&details, 2 * status->details.len + 4);
    gf_strbuf_printf(&number, "%d", gf_gateway__grpc_status(status->code));
    gf_gateway__append_grpc_message(status->message, &message);
    gf_base64_append(status->details, false, &details);
    struct gf_gateway__head head;
    start_head(call, &head, 200);
    add_content_type(&head, call->form.content_type);
    gf_gateway__head_add(&head, "grpc-status", gf_strbuf_view(&number));
    if (message.len > 0) {
        gf_gateway__head_add(&head, "grpc-message", gf_strbuf_view(&message));
    }
    if (details.len > 0) {
        gf_gateway__head_add(&head, "grpc-status-details-bin", gf_strbuf_view(&details));
    }
    gf_gateway__respond(call->gateway, call->exchange, &head, GF_STR(""));
    gf_strbuf_fini(&number);
    gf_strbuf_fini(&message);
    gf_strbuf_fini(&details);
}

/* The error of a page's call; reason and field are in the details, which pages do not show. */
static void answer_page(struct gf_gateway__call *call) {
    struct gf_error error;
    const bool failed = call->status.code != GF_OK;
    if (failed) {
        (void)gf_fail(&error, call->status.code, "%" GF_STR_FMT, GF_STR_ARG(call->status.message));
    }
    call->answer(call->gateway, call->exchange, gf_strbuf_view(&call->out), failed ? &error : NULL);
}

void gf_gateway__call_answer_whole(struct gf_gateway__call *call) {
    const bool failed = call->status.code != GF_OK;
    if (call->answer != NULL) {
        answer_page(call);
    } else if (gf_gateway__form_is_grpc_web(&call->form) && failed) {
        answer_trailers_only(call);
    } else if (gf_gateway__form_is_enveloped(&call->form)) {
        answer_enveloped(call);
    } else if (failed) {
        answer_unary_error(call);
    } else {
        answer_unary(call);
    }
}
