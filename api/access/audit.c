/* What was refused: lines in the log, and figures. */
#include "api/access/gate_internal.h"
#include "base/log.h"

#include <string.h>

static enum gf_gate_refusal refusal_of(const struct gf_error *error) {
    static const char *const names[] = {
#define GF_X(name) #name,
        GF_GATE_REFUSALS(GF_X)
#undef GF_X
    };
    for (int i = 0; i < GF_GATE_REFUSAL_OTHER; i++) {
        if (strcmp(error->reason, names[i]) == 0) {
            return (enum gf_gate_refusal)i;
        }
    }
    return GF_GATE_REFUSAL_OTHER;
}

void gf_gate__audit(const struct gf_gate_call *call, const char *method,
                    const struct gf_error *error) {
    const struct gf_principal *principal = &call->principal;
    gf_counter_add(&call->gate->refused[refusal_of(error)], 1);
    const struct gf_peer peer = gf_gate__peer(call);
    struct gf_str key = gf_peer_key(&peer);
    if (principal->token_id.len > 0) {
        key = principal->token_id;
    } else if (principal->user.len > 0) {
        key = principal->user;
    }
    int64_t left_out = 0;
    if (!gf_access_limits_audit(call->gate->limits, key,
                                gf_clock_mono_ns(call->gate->options.clock), &left_out)) {
        gf_counter_add(&call->gate->audit_left_out, 1);
        return;
    }
    gf_log_warn("call_denied", GF_KV_STR("method", method),
                GF_KV_VIEW("token_id", principal->token_id), GF_KV_VIEW("user", principal->user),
                GF_KV_VIEW("peer", principal->peer), GF_KV_STR("code", gf_code_name(error->code)),
                GF_KV_STR("reason", error->reason), GF_KV_STR("error", error->message),
                GF_KV_I64("left_out", left_out));
}

void gf_gate_stats(struct gf_gate *gate, struct gf_gate_stats *out) {
    *out = (struct gf_gate_stats){
        .audit_left_out_total = gf_counter_read(&gate->audit_left_out),
        .streams_ended_total = gf_counter_read(&gate->streams_ended),
        .streams = gf_gauge_read(&gate->streams),
    };
    for (size_t i = 0; i < GF_GATE_REFUSAL_COUNT; i++) {
        out->refused_total[i] = gf_counter_read(&gate->refused[i]);
    }
    gf_access_limits_count(gate->limits, &out->addresses, &out->addresses_open);
}
