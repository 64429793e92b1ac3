/* Switching pipelines on and off, and removing them and their versions. */
#include "base/alloc.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- Enabling and disabling ---- */

static void set_state(struct gf_core *core, struct core_pipeline *pipeline,
                      enum gf_pipeline_state state, struct gf_str reason) {
    const struct gf_str copy = {gf_str_dup(reason), reason.len};
    free((char *)pipeline->row.state_reason.ptr);
    pipeline->row.state = state;
    pipeline->row.state_reason = copy;
    pipeline->row.update_time = core->now;
    gf_core__mark_pipeline(core, pipeline);
}

enum gf_step gf_core__switch_pipeline(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need) {
    const bool enable = input->kind == GF_INPUT_ENABLE_PIPELINE;
    const struct gf_str reason = enable ? GF_STR("") : input->u.pipeline.reason;
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    struct gf_error err = {0};
    if (gf_core__check_reason(reason, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (!gf_core__resolve_pipeline(core, input, input->u.pipeline.namespace_id,
                                   input->u.pipeline.pipeline_id, &pipeline, out_need, &result)) {
        return result;
    }
    const enum gf_pipeline_state state =
        enable ? GF_PIPELINE_STATE_ACTIVE : GF_PIPELINE_STATE_DISABLED;
    /* To disable it once more for another reason is a change, for no reason it is none. */
    const bool changed = pipeline->row.state != state ||
                         (reason.len > 0 && !gf_str_eq(reason, pipeline->row.state_reason));
    if (changed) {
        set_state(core, pipeline, state, reason);
        (void)gf_core__event_pipeline(
            core, enable ? GF_EVENT_PIPELINE_ENABLED : GF_EVENT_PIPELINE_DISABLED, pipeline);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->pipeline = &pipeline->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

/* ---- Removing ---- */

enum gf_step gf_core__delete_pipeline(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    if (!gf_core__resolve_pipeline(core, input, input->u.pipeline.namespace_id,
                                   input->u.pipeline.pipeline_id, &pipeline, out_need, &result)) {
        return result;
    }
    if (!gf_list_empty(&pipeline->runs) || !gf_list_empty(&pipeline->ending)) {
        struct gf_error err = {0};
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "PIPELINE_HAS_ACTIVE_RUNS",
                             "pipeline '%" GF_STR_FMT "' has runs that have not ended: cancel them "
                             "first",
                             GF_STR_ARG(pipeline->row.pipeline_id));
        return gf_core__refuse(core, input, &err);
    }
    (void)gf_core__drop_pipeline_subscriptions(core, pipeline);
    (void)gf_core__event_pipeline(core, GF_EVENT_PIPELINE_DELETED, pipeline);
    gf_core__batch_drop_pipeline(core, pipeline);
    gf_vec_push(&core->batch.deleted_pipelines, pipeline->row.pipeline_key);
    gf_core__bury_pipeline(core, pipeline);
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}

static enum gf_step refuse_in_use(struct gf_core *core, const struct gf_input *input,
                                  const char *reason, const char *why) {
    struct gf_error err = {0};
    (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, reason,
                         "version %" PRId64 " of pipeline '%" GF_STR_FMT "' %s",
                         input->u.deploy.version, GF_STR_ARG(input->u.deploy.pipeline_id), why);
    return gf_core__refuse(core, input, &err);
}

enum gf_step gf_core__delete_config(struct gf_core *core, const struct gf_input *input,
                                    struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    struct core_config *config = NULL;
    if (!gf_core__resolve_pipeline(core, input, input->u.deploy.namespace_id,
                                   input->u.deploy.pipeline_id, &pipeline, out_need, &result) ||
        !gf_core__resolve_version(core, input, pipeline, input->u.deploy.version, &config, out_need,
                                  &result)) {
        return result;
    }
    if (config->row.version == pipeline->row.live_version) {
        return refuse_in_use(core, input, "CONFIG_LIVE", "is live: deploy another one first");
    }
    if (config->runs_active > 0) {
        return refuse_in_use(core, input, "CONFIG_HAS_ACTIVE_RUNS",
                             "has runs that have not ended: cancel them first");
    }
    gf_core__event_pipeline(core, GF_EVENT_PIPELINE_CONFIG_DELETED, pipeline)->version =
        config->row.version;
    pipeline->row.update_time = core->now;
    gf_core__mark_pipeline(core, pipeline);
    gf_core__batch_drop_config(core, config);
    gf_vec_push(&core->batch.deleted_configs,
                ((struct gf_config_key){pipeline->row.pipeline_key, config->row.version}));
    gf_core__bury_config(core, config);
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}
