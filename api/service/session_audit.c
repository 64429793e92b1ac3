#include "api/service/record.h"
#include "api/service/session_call.h"
#include "base/log.h"

static const char *way_of(const struct gf_session_call *self) {
    return self->is_attach ? "attach" : "exec";
}

void gf_session_call__audit_open(struct gf_session_call *self) {
    const struct gf_principal *principal = gf_principal_of(self->stream.call);
    const struct gf_label label = {GF_STR("command"), self->command};
    const struct gf_event event = {
        .kind = GF_EVENT_TASK_EXECUTION_ATTACHED,
        .namespace_id = self->namespace_id,
        .pipeline_id = self->pipeline_id,
        .run_id = self->run_id,
        .task_id = self->task_id,
        .attempt = self->attempt,
        .actor = gf_principal_actor(principal),
        .metadata = &label,
        .metadata_count = self->is_attach ? 0 : 1,
    };
    gf_record_event(self->stream.services->engine, &event);
    gf_log_info("session_opened", GF_KV_STR("way", way_of(self)),
                GF_KV_VIEW("namespace", self->namespace_id),
                GF_KV_VIEW("pipeline", self->pipeline_id), GF_KV_I64("run", self->run_id),
                GF_KV_VIEW("task", self->task_id), GF_KV_I64("attempt", self->attempt),
                GF_KV_VIEW("command", self->command), GF_KV_VIEW("token_id", principal->token_id),
                GF_KV_VIEW("user", principal->user), GF_KV_VIEW("peer", principal->peer));
}

void gf_session_call__audit_close(struct gf_session_call *self) {
    const struct gf_principal *principal = gf_principal_of(self->stream.call);
    const struct gf_error *error = &self->stream.error;
    gf_log_info("session_closed", GF_KV_STR("way", way_of(self)),
                GF_KV_VIEW("namespace", self->namespace_id),
                GF_KV_VIEW("pipeline", self->pipeline_id), GF_KV_I64("run", self->run_id),
                GF_KV_VIEW("task", self->task_id), GF_KV_I64("attempt", self->attempt),
                GF_KV_VIEW("token_id", principal->token_id), GF_KV_VIEW("user", principal->user),
                GF_KV_STR("code", gf_code_name(error->code)),
                GF_KV_I64("exit_code", self->end.exit_code),
                GF_KV_I64("duration_ms", (gf_mono_ns() - self->start_mono_ns) / GF_NS_PER_MS));
}
