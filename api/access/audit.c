#include "api/access/gate_internal.h"
#include "base/log.h"

void gf_gate__audit(const struct gf_gate_call *call, const char *method,
                    const struct gf_error *error) {
    const struct gf_principal *principal = &call->principal;
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
        return;
    }
    gf_log_warn("call_denied", GF_KV_STR("method", method),
                GF_KV_VIEW("token_id", principal->token_id), GF_KV_VIEW("user", principal->user),
                GF_KV_VIEW("peer", principal->peer), GF_KV_STR("code", gf_code_name(error->code)),
                GF_KV_STR("reason", error->reason), GF_KV_STR("error", error->message),
                GF_KV_I64("left_out", left_out));
}
