#include "api/gateway/call.h"
#include "api/gateway/coding.h"
#include "api/gateway/deadline.h"
#include "api/gateway/metadata.h"
#include "base/clock.h"

enum {
    METADATA_ARENA_BYTES_MAX = 256 * 1024
};

/* ---- what the protocols have headers for ---- */

/* Names of headers; NULL where a protocol has none. */
struct names {
    const char *version;
    const char *timeout;
    const char *coding;
    const char *accept;
    enum gf_code (*parse_timeout)(struct gf_str value, int64_t *out_ns, struct gf_error *err);
};

static const struct names *names_of(const struct gf_gateway__form *form) {
    static const struct names unary = {
        .version = "connect-protocol-version",
        .timeout = "connect-timeout-ms",
        .coding = "content-encoding",
        .accept = "accept-encoding",
        .parse_timeout = gf_gateway__connect_timeout,
    };
    static const struct names stream = {
        .version = "connect-protocol-version",
        .timeout = "connect-timeout-ms",
        .coding = "connect-content-encoding",
        .accept = "connect-accept-encoding",
        .parse_timeout = gf_gateway__connect_timeout,
    };
    static const struct names grpc_web = {
        .timeout = "grpc-timeout",
        .coding = "grpc-encoding",
        .accept = "grpc-accept-encoding",
        .parse_timeout = gf_gateway__grpc_timeout,
    };
    if (gf_gateway__form_is_grpc_web(form)) {
        return &grpc_web;
    }
    return gf_gateway__form_is_enveloped(form) ? &stream : &unary;
}

static enum gf_code read_version(const struct gf_gateway__call *call, const char *name,
                                 struct gf_error *err) {
    const struct gf_str version = gf_http_header(call->exchange, name);
    if (version.ptr != NULL && !gf_str_eq(version, GF_STR("1"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s is 1, or is left out", name);
    }
    return GF_OK;
}

static enum gf_code read_timeout(struct gf_gateway__call *call, const struct names *names,
                                 struct gf_error *err) {
    const struct gf_str value = gf_http_header(call->exchange, names->timeout);
    if (value.ptr == NULL) {
        return GF_OK;
    }
    int64_t timeout_ns = 0;
    const enum gf_code code = names->parse_timeout(value, &timeout_ns, err);
    if (code == GF_OK && timeout_ns == 0) {
        return gf_fail(err, GF_DEADLINE_EXCEEDED, "the deadline has passed");
    }
    if (code == GF_OK && __builtin_add_overflow(gf_mono_ns(), timeout_ns, &call->deadline_ns)) {
        call->deadline_ns = GF_NEVER;
    }
    return code;
}

static enum gf_code read_codings(struct gf_gateway__call *call, const struct names *names,
                                 struct gf_error *err) {
    const struct gf_http_exchange *exchange = call->exchange;
    const struct gf_str coding = call->form.protocol == GF_GATEWAY_CONNECT_GET
                                     ? call->query.compression
                                     : gf_http_header(exchange, names->coding);
    enum gf_code code = gf_gateway__coding_of(coding, &call->request_gzip, err);
    if (code == GF_OK && gf_gateway__form_is_enveloped(&call->form)) {
        /* Messages may be packed, each for itself; what holds them is not. */
        bool packed = false;
        code = gf_gateway__coding_of(gf_http_header(exchange, "content-encoding"), &packed, err);
        if (code == GF_OK && packed) {
            code = gf_fail(err, GF_UNIMPLEMENTED,
                           "a body with envelopes has no content-encoding; its messages have %s",
                           names->coding);
        }
    }
    const struct gf_str accepted = gf_http_header(exchange, names->accept);
    call->response_gzip =
        accepted.ptr != NULL ? gf_gateway__accepts_gzip(accepted) : call->request_gzip;
    return code;
}

static enum gf_code read_head(struct gf_gateway__call *call, struct gf_error *err) {
    const struct names *names = names_of(&call->form);
    enum gf_code code = GF_OK;
    if (names->version != NULL) {
        code = read_version(call, names->version, err);
    }
    if (code == GF_OK) {
        code = read_timeout(call, names, err);
    }
    if (code == GF_OK) {
        code = read_codings(call, names, err);
    }
    if (code == GF_OK && atomic_load(&call->gateway->draining)) {
        code = gf_fail(err, GF_UNAVAILABLE, "the server stops");
    }
    return code;
}

/* ---- metadata ---- */

struct collection {
    struct gf_gateway__metadata metadata;
    enum gf_code code;
    struct gf_error err;
};

static bool collect(void *ctx, struct gf_str name, struct gf_str value) {
    struct collection *collection = ctx;
    collection->code =
        gf_gateway__metadata_add(&collection->metadata, name, value, &collection->err);
    return collection->code == GF_OK;
}

static void wake(void *ctx) {
    gf_http_wake(((struct gf_gateway__call *)ctx)->exchange);
}

void gf_gateway__call_begin(struct gf_gateway__call *call, const struct gf_error *fault,
                            int fault_status) {
    struct gf_arena arena;
    gf_arena_init(&arena, METADATA_ARENA_BYTES_MAX);
    struct collection collection;
    collection.code = GF_OK;
    gf_gateway__metadata_init(&collection.metadata, &arena);
    gf_http_each_header(call->exchange, collect, &collection);
    if (fault == NULL && collection.code != GF_OK) {
        fault = &collection.err;
        fault_status = collection.code == GF_RESOURCE_EXHAUSTED ? 431 : 0;
    }
    struct gf_error err;
    if (call->answer == NULL && read_head(call, &err) != GF_OK && fault == NULL) {
        fault = &err;
    }
    const struct gf_rpc_arrival arrival = {
        .method = call->method,
        .transport = gf_gateway__form_is_grpc_web(&call->form) ? GF_RPC_TRANSPORT_GRPC_WEB
                                                               : GF_RPC_TRANSPORT_CONNECT,
        .metadata = collection.metadata.entries,
        .metadata_count = collection.metadata.count,
        .peer = gf_http_peer(call->exchange),
        .deadline_ns = call->deadline_ns,
        .wake = wake,
        .ctx = call,
    };
    call->rpc = gf_rpc_carried_begin(call->gateway->options.rpc, &arrival);
    gf_arena_wipe(&arena);
    gf_arena_fini(&arena);
    call->is_secret = gf_rpc_carried_is_secret(call->rpc);
    call->data.request_name =
        gf_arena_str(gf_http_arena(call->exchange), gf_rpc_call_request_id(call->rpc));
    if (fault != NULL && gf_rpc_carried_wants_request(call->rpc)) {
        call->http_status = fault_status;
        gf_rpc_carried_refuse(call->rpc, fault);
    }
}
