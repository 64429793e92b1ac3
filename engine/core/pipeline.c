/*
 * Registering and deploying. A deployment switches at once: it is COMPLETE in the step that it
 * began in, so that its row is written once and lives in the batch alone.
 */
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/limits.h"

#include <inttypes.h>

/* The config that is live now; *out is NULL where none is. */
static bool find_live(struct gf_core *core, struct core_pipeline *pipeline,
                      struct core_config **out, struct gf_need *out_need) {
    *out = NULL;
    return pipeline->row.live_version == 0 ||
           gf_core__find_config(core, pipeline, pipeline->row.live_version, out, out_need) !=
               CORE_NEED;
}

/* ---- Deploying ---- */

/* In the arena of the batch. */
static struct gf_str user_of_step(struct gf_core *core) {
    return core->actor == NULL
               ? GF_STR("")
               : gf_text_copy_cut(core->actor->user, GF_ACTOR_BYTES_MAX, &core->batch_arena);
}

static const struct gf_deployment *add_deployment(struct gf_core *core,
                                                  struct core_pipeline *pipeline,
                                                  int64_t start_version, int64_t end_version) {
    struct gf_deployment *row = GF_ARENA_NEW(&core->batch_arena, struct gf_deployment);
    *row = (struct gf_deployment){
        .pipeline_key = pipeline->row.pipeline_key,
        .namespace_id = pipeline->row.namespace_id,
        .pipeline_id = pipeline->row.pipeline_id,
        .deployment_id = ++pipeline->row.latest_deployment_id,
        .start_version = start_version,
        .end_version = end_version,
        .state = GF_DEPLOYMENT_STATE_COMPLETE,
        .status = GF_DEPLOYMENT_STATUS_SUCCESSFUL,
        .start_time = core->now,
        .end_time = core->now,
        .start_user = user_of_step(core),
    };
    gf_vec_push(&core->batch.deployments, row);
    struct gf_event *started = gf_core__event_pipeline(core, GF_EVENT_DEPLOYMENT_STARTED, pipeline);
    started->version = end_version;
    started->deployment_id = row->deployment_id;
    gf_core__tell_deployment(core, started, row);
    struct gf_event *completed =
        gf_core__event_pipeline(core, GF_EVENT_DEPLOYMENT_COMPLETED, pipeline);
    completed->version = end_version;
    completed->deployment_id = row->deployment_id;
    completed->status = (int32_t)row->status;
    gf_core__tell_deployment(core, completed, row);
    return row;
}

/* Makes `config`, which is not live, live in the place of `live`, which may be NULL. */
static const struct gf_deployment *switch_to(struct gf_core *core, struct core_pipeline *pipeline,
                                             struct core_config *live, struct core_config *config) {
    const int64_t version = config->row.version;
    const struct gf_deployment *deployment =
        add_deployment(core, pipeline, live == NULL ? version : live->row.version, version);
    if (live != NULL) {
        live->row.state = GF_CONFIG_STATE_DEPRECATED;
        live->row.deprecate_time = core->now;
        gf_core__mark_config(core, live);
    }
    config->row.state = GF_CONFIG_STATE_LIVE;
    config->row.deprecate_time = 0;
    gf_core__mark_config(core, config);
    pipeline->row.live_version = version;
    pipeline->row.update_time = core->now;
    gf_core__mark_pipeline(core, pipeline);
    return deployment;
}

/* The version that is asked for, or the newest. False: return *out_step. */
static bool resolve_version(struct gf_core *core, const struct gf_input *input,
                            struct core_pipeline *pipeline, struct core_config **out,
                            struct gf_need *out_need, enum gf_step *out_step) {
    struct gf_error err = {0};
    if (input->u.deploy.version != 0) {
        return gf_core__resolve_version(core, input, pipeline, input->u.deploy.version, out,
                                        out_need, out_step);
    }
    switch (gf_core__find_newest_config(core, pipeline, out, out_need)) {
    case CORE_FOUND:
        return true;
    case CORE_NEED:
        *out_step = GF_STEP_NEED;
        return false;
    case CORE_ABSENT:
        break;
    }
    (void)gf_fail(&err, GF_NOT_FOUND,
                  "pipeline '%" GF_STR_FMT "' has no version any more: register one first",
                  GF_STR_ARG(pipeline->row.pipeline_id));
    *out_step = gf_core__refuse(core, input, &err);
    return false;
}

static int64_t deploy_fingerprint(const struct gf_input *input) {
    const struct gf_str texts[] = {input->u.deploy.namespace_id, input->u.deploy.pipeline_id};
    return gf_core__fingerprint(texts, 2, &input->u.deploy.version, 1);
}

enum gf_step gf_core__deploy(struct gf_core *core, const struct gf_input *input,
                             struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    struct core_config *config = NULL;
    struct core_config *live = NULL;
    const int64_t fingerprint = deploy_fingerprint(input);
    if (gf_core__replay(core, input, &input->u.deploy.request, GF_REQUEST_DEPLOY, fingerprint,
                        out_need, &result) ||
        !gf_core__resolve_pipeline(core, input, input->u.deploy.namespace_id,
                                   input->u.deploy.pipeline_id, &pipeline, out_need, &result)) {
        return result;
    }
    if (!resolve_version(core, input, pipeline, &config, out_need, &result)) {
        return result;
    }
    if (!find_live(core, pipeline, &live, out_need)) {
        return GF_STEP_NEED;
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->unchanged = config == live;
    reply->deployment = config == live ? NULL : switch_to(core, pipeline, live, config);
    reply->pipeline = &pipeline->row;
    reply->config = &config->row;
    const struct gf_request outcome = {
        .kind = GF_REQUEST_DEPLOY,
        .fingerprint = fingerprint,
        .namespace_id = pipeline->row.namespace_id,
        .pipeline_id = pipeline->row.pipeline_id,
        .resource_key = pipeline->row.pipeline_key,
        .number = pipeline->row.latest_deployment_id,
        .changed = !reply->unchanged,
    };
    gf_core__record(core, &input->u.deploy.request, &outcome);
    return GF_STEP_DONE;
}

/* ---- Registering ---- */

static struct core_pipeline *create_pipeline(struct gf_core *core, struct core_namespace *ns,
                                             const struct gf_config *config) {
    const struct gf_pipeline row = {
        .pipeline_key = core->next.next_pipeline_key++,
        .pipeline_id = config->pipeline_id,
        .state = GF_PIPELINE_STATE_ACTIVE,
        .create_time = core->now,
        .update_time = core->now,
    };
    struct core_pipeline *pipeline = gf_core__add_pipeline(core, ns, &row);
    (void)gf_core__event_pipeline(core, GF_EVENT_PIPELINE_CREATED, pipeline);
    return pipeline;
}

static struct core_config *create_config(struct gf_core *core, struct core_pipeline *pipeline,
                                         const struct gf_config *content) {
    struct gf_config row = *content;
    row.version = ++pipeline->row.latest_version;
    row.state = GF_CONFIG_STATE_UNRELEASED;
    row.register_time = core->now;
    row.register_user = user_of_step(core);
    row.deprecate_time = 0;
    pipeline->row.update_time = core->now;
    gf_core__mark_pipeline(core, pipeline);
    struct core_config *config = gf_core__add_config(core, pipeline, &row);
    gf_core__mark_config(core, config);
    struct gf_event *event =
        gf_core__event_pipeline(core, GF_EVENT_PIPELINE_CONFIG_REGISTERED, pipeline);
    event->version = row.version;
    gf_core__tell_config(core, event, &row);
    return config;
}

/* Finds the pipeline's newest config and its live one, as far as there are any. */
static bool find_newest_and_live(struct gf_core *core, struct core_pipeline *pipeline,
                                 struct core_config **out_newest, struct core_config **out_live,
                                 struct gf_need *out_need) {
    return gf_core__find_newest_config(core, pipeline, out_newest, out_need) != CORE_NEED &&
           find_live(core, pipeline, out_live, out_need);
}

static int64_t register_fingerprint(const struct gf_input *input) {
    const struct gf_config *config = input->u.register_config.config;
    const struct gf_str texts[] = {input->u.register_config.namespace_id, config->pipeline_id,
                                   config->content_hash};
    const int64_t deploy = input->u.register_config.deploy;
    return gf_core__fingerprint(texts, 3, &deploy, 1);
}

static enum gf_code check_registration(const struct gf_core *core, const struct gf_input *input,
                                       const struct core_namespace *ns, struct gf_error *err) {
    if (ns == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(input->u.register_config.namespace_id));
    }
    const enum gf_code rc =
        gf_config_check_maximums(input->u.register_config.config, &core->limits.task_maximums, err);
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, "spec.");
    }
    return rc;
}

enum gf_step gf_core__register_config(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need) {
    const struct gf_config *content = input->u.register_config.config;
    struct core_namespace *ns =
        gf_core__find_namespace(core, input->u.register_config.namespace_id);
    struct core_pipeline *pipeline = NULL;
    struct core_config *config = NULL;
    struct core_config *live = NULL;
    enum gf_step result = GF_STEP_DONE;
    const struct gf_request_ref *request = &input->u.register_config.request;
    const int64_t fingerprint = register_fingerprint(input);
    if (gf_core__replay(core, input, request, GF_REQUEST_REGISTER_CONFIG, fingerprint, out_need,
                        &result)) {
        return result;
    }
    struct gf_error err = {0};
    if (check_registration(core, input, ns, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (gf_core__find_pipeline(core, ns, content->pipeline_id, &pipeline, out_need) == CORE_NEED) {
        return GF_STEP_NEED;
    }
    if (pipeline != NULL && !find_newest_and_live(core, pipeline, &config, &live, out_need)) {
        return GF_STEP_NEED;
    }
    const bool same = config != NULL && content->content_hash.len > 0 &&
                      gf_str_eq(config->row.content_hash, content->content_hash);
    const bool first = pipeline == NULL;
    if (first) {
        pipeline = create_pipeline(core, ns, content);
    }
    if (!same) {
        config = create_config(core, pipeline, content);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    const bool deploy = input->u.register_config.deploy && config != live;
    reply->deployment = deploy ? switch_to(core, pipeline, live, config) : NULL;
    reply->pipeline = &pipeline->row;
    reply->config = &config->row;
    reply->created = !same;
    reply->created_pipeline = first;
    reply->unchanged = same && !deploy;
    const struct gf_request outcome = {
        .kind = GF_REQUEST_REGISTER_CONFIG,
        .fingerprint = fingerprint,
        .namespace_id = pipeline->row.namespace_id,
        .pipeline_id = pipeline->row.pipeline_id,
        .resource_key = pipeline->row.pipeline_key,
        .number = config->row.version,
        .changed = reply->created,
        .created_first = first,
    };
    gf_core__record(core, request, &outcome);
    return GF_STEP_DONE;
}
