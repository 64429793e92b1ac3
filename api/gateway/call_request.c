/*
 * Design: the thread of the http server reads what takes it microseconds. What may take longer, a
 * large JSON or anything packed (a few KiB may become many MiB), is read by a worker. Until the
 * worker has woken the exchange it may use it: so nothing ends a call before that, whatever becomes
 * of its client or its deadline.
 */
#include "api/codec/json/json.h"
#include "api/gateway/call.h"
#include "api/gateway/envelope.h"
#include "api/gateway/gzip.h"
#include "base/alloc.h"

enum {
    /* A text that is flushed now and then has more padding than one in one piece. */
    TEXT_BYTES_MORE = 64
};

/* ---- how much ---- */

/* Of the message as it is written down. */
static size_t message_bytes_max(const struct gf_gateway__call *call) {
    const size_t wire = gf_rpc_carried_request_bytes_max(call->rpc);
    if (call->form.codec == GF_GATEWAY_PROTO) {
        return wire;
    }
    const size_t json = wire * GF_GATEWAY__JSON_FACTOR + GF_GATEWAY__JSON_BYTES_MORE;
    return json < GF_JSON_TEXT_BYTES_MAX ? json : GF_JSON_TEXT_BYTES_MAX;
}

size_t gf_gateway__call_body_bytes_max(const struct gf_gateway__call *call) {
    size_t size = message_bytes_max(call);
    if (gf_gateway__form_is_enveloped(&call->form)) {
        size += GF_GATEWAY__ENVELOPE_BYTES;
    }
    if (call->form.protocol == GF_GATEWAY_GRPC_WEB_TEXT) {
        size = (size + 2) / 3 * 4 + TEXT_BYTES_MORE;
    }
    return size;
}

/* ---- layer by layer ---- */

/* What lies between the body and the message; each is used where the form has it. Thread: one. */
struct layers {
    struct gf_strbuf bytes;    /* of base64 */
    struct gf_strbuf unpacked; /* of gzip */
    struct gf_arena arena;     /* of JSON */
};

static void start_layers(struct layers *layers, const struct gf_gateway__call *call,
                         struct gf_str body) {
    void (*init)(struct gf_strbuf * buf, size_t limit_bytes) =
        call->is_secret ? gf_strbuf_init_secret : gf_strbuf_init;
    init(&layers->bytes, body.len);
    init(&layers->unpacked, message_bytes_max(call));
    gf_arena_init(&layers->arena, GF_GATEWAY__DECODE_BYTES_MAX);
}

static void end_layers(struct layers *layers, const struct gf_gateway__call *call) {
    gf_strbuf_fini(&layers->bytes);
    gf_strbuf_fini(&layers->unpacked);
    if (call->is_secret) {
        gf_arena_wipe(&layers->arena);
    }
    gf_arena_fini(&layers->arena);
}

static enum gf_code too_large(struct gf_error *err, size_t size, size_t size_max) {
    return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                          "the request has %zu bytes; at most %zu are taken", size, size_max);
}

/* Takes base64 and envelope off: *out_packed tells whether the message is packed. */
static enum gf_code open_envelope(const struct gf_gateway__call *call, struct layers *layers,
                                  struct gf_str body, struct gf_str *out_message, bool *out_packed,
                                  struct gf_error *err) {
    if (call->form.protocol == GF_GATEWAY_GRPC_WEB_TEXT) {
        const enum gf_code code = gf_gateway__text_decode(body, &layers->bytes, err);
        if (code != GF_OK) {
            return code;
        }
        body = gf_strbuf_view(&layers->bytes);
    }
    uint8_t flags = 0;
    const enum gf_code code =
        gf_gateway__envelope_open(body, message_bytes_max(call), &flags, out_message, err);
    if (code != GF_OK) {
        return code;
    }
    *out_packed = (flags & GF_GATEWAY__COMPRESSED) != 0;
    if (*out_packed && !call->request_gzip) {
        /* The code that both protocols have for it. */
        return gf_fail(err, GF_INTERNAL,
                       "the message says that it is packed, and no header says how");
    }
    return GF_OK;
}

/* From the body to the bytes of the message, which live in the layers or in the body. */
static enum gf_code open_layers(const struct gf_gateway__call *call, struct layers *layers,
                                struct gf_str body, struct gf_str *out_wire, struct gf_error *err) {
    struct gf_str message = body;
    bool packed = call->request_gzip;
    enum gf_code code = GF_OK;
    if (gf_gateway__form_is_enveloped(&call->form)) {
        code = open_envelope(call, layers, body, &message, &packed, err);
    }
    if (code == GF_OK && packed && message.len > 0) {
        code = gf_gateway__unpack(message, &layers->unpacked, err);
        message = gf_strbuf_view(&layers->unpacked);
    }
    if (code == GF_OK && message.len > message_bytes_max(call)) {
        code = too_large(err, message.len, message_bytes_max(call));
    }
    if (code == GF_OK && call->form.codec == GF_GATEWAY_JSON) {
        code = gf_json_decode(call->gateway->options.schema, call->method->request->name, message,
                              &layers->arena, &message, err);
    }
    const size_t wire_max = gf_rpc_carried_request_bytes_max(call->rpc);
    if (code == GF_OK && message.len > wire_max) {
        code = too_large(err, message.len, wire_max);
    }
    if (code == GF_OK) {
        *out_wire = message;
    }
    return code;
}

static void give(struct gf_gateway__call *call, enum gf_code code, struct gf_str wire,
                 const struct gf_error *error) {
    if (code == GF_OK) {
        call->has_request = true;
        gf_rpc_carried_request(call->rpc, wire);
    } else {
        call->http_status = code == GF_RESOURCE_EXHAUSTED ? 413 : 0;
        gf_rpc_carried_refuse(call->rpc, error);
    }
}

/* ---- by a worker ---- */

struct gf_gateway__reading {
    struct gf_gateway__call *call;
    struct gf_str body;
    struct layers layers;
    enum gf_code code;
    struct gf_str wire;
    struct gf_error error;
    bool is_done; /* guarded by the gateway's mutex */
};

/* Thread: a worker's. */
static void read_body(void *ctx) {
    struct gf_gateway__reading *reading = ctx;
    const struct gf_gateway__call *call = reading->call;
    struct gf_gateway *gateway = call->gateway;
    reading->code =
        open_layers(call, &reading->layers, reading->body, &reading->wire, &reading->error);
    /* Both at once for whoever looks: with is_done the exchange is left. */
    gf_mutex_lock(&gateway->mutex);
    reading->is_done = true;
    gf_http_wake(call->exchange);
    gf_mutex_unlock(&gateway->mutex);
}

static bool takes_time(const struct gf_gateway__call *call, struct gf_str body) {
    return call->request_gzip ||
           (call->form.codec == GF_GATEWAY_JSON && body.len > GF_GATEWAY__READ_AT_ONCE_BYTES_MAX);
}

bool gf_gateway__call_give_request(struct gf_gateway__call *call, struct gf_str body) {
    if (takes_time(call, body)) {
        struct gf_gateway__reading *reading = GF_NEW(struct gf_gateway__reading);
        reading->call = call;
        reading->body = body;
        start_layers(&reading->layers, call, body);
        call->reading = reading;
        struct gf_error refusal;
        if (gf_pool_submit(call->gateway->options.pool, read_body, reading, &refusal) == GF_OK) {
            return false;
        }
        end_layers(&reading->layers, call);
        free(GF_TAKE(call->reading));
        gf_rpc_carried_refuse(call->rpc, &refusal);
        return true;
    }
    struct layers layers;
    start_layers(&layers, call, body);
    struct gf_str wire = {NULL, 0};
    struct gf_error err;
    give(call, open_layers(call, &layers, body, &wire, &err), wire, &err);
    end_layers(&layers, call);
    return true;
}

bool gf_gateway__call_is_read(const struct gf_gateway__call *call) {
    GF_MUTEX_GUARD(&call->gateway->mutex);
    return call->reading->is_done;
}

void gf_gateway__call_end_reading(struct gf_gateway__call *call) {
    struct gf_gateway__reading *reading = GF_TAKE(call->reading);
    if (gf_rpc_carried_wants_request(call->rpc)) {
        give(call, reading->code, reading->wire, &reading->error);
    }
    end_layers(&reading->layers, call);
    free(reading);
}
