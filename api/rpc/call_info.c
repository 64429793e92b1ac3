/* What a handler may ask about its call. */
#include "api/rpc/server_internal.h"

struct gf_arena *gf_rpc_call_arena(struct gf_rpc_call *call) {
    return &call->arena;
}

struct gf_str gf_rpc_call_metadata_at(const struct gf_rpc_call *call, const char *key,
                                      size_t index) {
    const struct gf_str wanted = gf_str_from(key);
    size_t skip = index;
    for (size_t i = 0; i < call->metadata_count; i++) {
        const struct gf_rpc_header item = call->carrier->metadata(call, i);
        if (gf_str_eq(item.key, wanted)) {
            if (skip == 0) {
                return item.value;
            }
            skip--;
        }
    }
    return (struct gf_str){NULL, 0};
}

struct gf_str gf_rpc_call_metadata(const struct gf_rpc_call *call, const char *key) {
    return gf_rpc_call_metadata_at(call, key, 0);
}

void gf_rpc_call_delay_refusal(struct gf_rpc_call *call, int64_t delay_ms) {
    call->refusal_delay_ms = delay_ms;
}

void gf_rpc_call_set_secret(struct gf_rpc_call *call) {
    call->secret = true;
}

void gf_rpc_call_limit_requests(struct gf_rpc_call *call, size_t bytes_max) {
    call->request_bytes_max = bytes_max;
}

const char *gf_rpc_call_peer(struct gf_rpc_call *call) {
    return call->carrier->peer(call);
}

struct gf_str gf_rpc_call_request_id(const struct gf_rpc_call *call) {
    return call->request_id;
}

struct gf_log_context *gf_rpc_call_log_context(struct gf_rpc_call *call) {
    return &call->log_context;
}

enum gf_rpc_transport gf_rpc_call_transport(const struct gf_rpc_call *call) {
    return call->lane->transport;
}

const char *gf_rpc_transport_name(enum gf_rpc_transport transport) {
    static const char *const names[GF_RPC_TRANSPORT_COUNT] = {
#define TRANSPORT_NAME(name, text) [GF_RPC_TRANSPORT_##name] = (text),
        GF_RPC_TRANSPORTS(TRANSPORT_NAME)
#undef TRANSPORT_NAME
    };
    gf_assert((unsigned)transport < GF_RPC_TRANSPORT_COUNT);
    return names[transport];
}

int64_t gf_rpc_call_deadline(const struct gf_rpc_call *call) {
    return call->deadline_ns;
}

const struct gf_rpc_method *gf_rpc_call_method(const struct gf_rpc_call *call) {
    return call->entry->method;
}

const struct gf_rpc_handler *gf_rpc_call_handler(const struct gf_rpc_call *call) {
    return &call->entry->handler;
}

void gf_rpc_call_set_data(struct gf_rpc_call *call, void *data) {
    call->data = data;
}

void *gf_rpc_call_get_data(const struct gf_rpc_call *call) {
    return call->data;
}

void gf_rpc_call_set_principal(struct gf_rpc_call *call, void *principal) {
    call->principal = principal;
}

void *gf_rpc_call_principal(const struct gf_rpc_call *call) {
    return call->principal;
}

bool gf_rpc_is_cancelled(const struct gf_rpc_call *call) {
    return atomic_load(&call->cancelled);
}
