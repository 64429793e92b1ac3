/*
 * Design: the batch names every row that changed since the last commit, not only those of the last
 * step. Each is compared with what it was at the last look, as bytes; only what differs is taken
 * over and noted for the checks of the step.
 */
#include "engine/core/copy.h"
#include "tests/sim/check.h"

#include <inttypes.h>

struct gf_str sim_take_text(struct sim *sim, struct gf_str old, struct gf_str text) {
    return gf_str_eq(old, text) ? old : gf_text_copy(text, &sim->arena);
}

/* ---- Namespaces ---- */

static bool same_namespace(const struct gf_namespace *a, const struct gf_namespace *b) {
    return gf_str_eq(a->name, b->name) && gf_str_eq(a->description, b->description) &&
           a->run_parallelism == b->run_parallelism && a->update_time == b->update_time;
}

static void take_namespace(struct sim *sim, const struct gf_namespace *row) {
    const int64_t key = row->namespace_key;
    SIM_EXPECT(sim, row_immutable, key >= 1 && key <= SIM_NAMESPACES_MAX, "namespace key %" PRId64,
               key);
    struct sim_namespace *ns = &sim->rows.namespaces[key - 1];
    const bool is_new = !ns->there.now;
    if (!is_new && same_namespace(&ns->row, row)) {
        return;
    }
    const struct gf_event event = {.kind = is_new ? GF_EVENT_NAMESPACE_CREATED
                                                  : GF_EVENT_NAMESPACE_UPDATED,
                                   .namespace_id = row->namespace_id};
    sim_check_event_due(sim, &event);
    if (is_new) {
        SIM_EXPECT(sim, row_immutable, key >= sim->rows.newest.next_namespace_key,
                   "namespace key %" PRId64 " is used again", key);
        sim->rows.newest.next_namespace_key = key + 1;
        gf_namespace_copy(row, &sim->arena, &ns->row);
        ns->there.now = true;
        ns->runs_active = 0;
        ns->runs_running = 0;
    } else {
        SIM_EXPECT(sim, row_immutable,
                   gf_str_eq(ns->row.namespace_id, row->namespace_id) &&
                       ns->row.create_time == row->create_time,
                   "namespace %" PRId64, key);
        ns->row.name = sim_take_text(sim, ns->row.name, row->name);
        ns->row.description = sim_take_text(sim, ns->row.description, row->description);
        ns->row.run_parallelism = row->run_parallelism;
        ns->row.update_time = row->update_time;
    }
    SIM_TOUCH(sim, ns, touched_namespaces);
}

/* ---- Pipelines ---- */

static void new_pipeline(struct sim *sim, struct sim_pipeline *pipeline,
                         const struct gf_pipeline *row) {
    SIM_EXPECT(sim, row_immutable, row->pipeline_key >= sim->rows.newest.next_pipeline_key,
               "pipeline key %" PRId64 " is used again", row->pipeline_key);
    sim->rows.newest.next_pipeline_key = row->pipeline_key + 1;
    gf_pipeline_copy(row, &sim->arena, &pipeline->row);
    pipeline->there.now = true;
    pipeline->ns = sim_rows_namespace(&sim->rows, row->namespace_key);
    SIM_EXPECT(sim, deleted_gone, pipeline->ns != NULL, "pipeline %" PRId64 " without a namespace",
               row->pipeline_key);
    gf_vec_clear(&pipeline->configs);
    gf_vec_clear(&pipeline->runs);
    pipeline->deployment_id = 0;
    pipeline->saved_deployment_id = 0;
}

static void pipeline_events(struct sim *sim, const struct gf_pipeline *old,
                            const struct gf_pipeline *row) {
    struct gf_event event = {.namespace_id = row->namespace_id, .pipeline_id = row->pipeline_id};
    if (old == NULL) {
        event.kind = GF_EVENT_PIPELINE_CREATED;
        sim_check_event_due(sim, &event);
    } else if (old->state != row->state || !gf_str_eq(old->state_reason, row->state_reason)) {
        event.kind = row->state == GF_PIPELINE_STATE_ACTIVE ? GF_EVENT_PIPELINE_ENABLED
                                                            : GF_EVENT_PIPELINE_DISABLED;
        sim_check_event_due(sim, &event);
    }
}

static void take_pipeline(struct sim *sim, const struct gf_pipeline *row) {
    const int64_t key = row->pipeline_key;
    SIM_EXPECT(sim, row_immutable, key >= 1 && key <= SIM_PIPELINES_MAX, "pipeline key %" PRId64,
               key);
    struct sim_pipeline *pipeline = &sim->rows.pipelines[key - 1];
    if (!pipeline->there.now) {
        pipeline_events(sim, NULL, row);
        new_pipeline(sim, pipeline, row);
        SIM_TOUCH(sim, pipeline, touched_pipelines);
        return;
    }
    struct gf_pipeline *old = &pipeline->row;
    if (old->state == row->state && old->update_time == row->update_time &&
        old->latest_version == row->latest_version && old->live_version == row->live_version &&
        old->latest_run_id == row->latest_run_id &&
        old->latest_deployment_id == row->latest_deployment_id &&
        gf_str_eq(old->state_reason, row->state_reason)) {
        return;
    }
    SIM_EXPECT(
        sim, row_immutable,
        old->namespace_key == row->namespace_key && gf_str_eq(old->pipeline_id, row->pipeline_id) &&
            old->create_time == row->create_time && old->latest_version <= row->latest_version &&
            old->latest_run_id <= row->latest_run_id &&
            old->latest_deployment_id <= row->latest_deployment_id,
        "pipeline %" PRId64, key);
    pipeline_events(sim, old, row);
    const struct gf_str namespace_id = old->namespace_id;
    const struct gf_str pipeline_id = old->pipeline_id;
    const struct gf_str reason = sim_take_text(sim, old->state_reason, row->state_reason);
    *old = *row;
    old->namespace_id = namespace_id;
    old->pipeline_id = pipeline_id;
    old->state_reason = reason;
    SIM_TOUCH(sim, pipeline, touched_pipelines);
}

/* ---- Configs ---- */

static int pool_number(struct gf_str pool_id) {
    return pool_id.ptr[pool_id.len - 1] - '0'; /* "pool-0" */
}

static struct sim_config *new_config(struct sim *sim, struct sim_pipeline *pipeline,
                                     const struct gf_config *row) {
    struct sim_config *config = GF_ARENA_NEW(&sim->arena, struct sim_config);
    gf_config_copy(row, &sim->arena, &config->content);
    config->there.now = true;
    config->pipeline = pipeline;
    config->state = row->state;
    config->deprecate_time = row->deprecate_time;
    for (size_t i = 0; i < row->pool_count; i++) {
        config->pool_numbers[i] = pool_number(row->pools[i].pool_id);
    }
    while (pipeline->configs.count < (size_t)row->version) {
        gf_vec_push(&pipeline->configs, NULL);
    }
    pipeline->configs.items[row->version - 1] = config;
    struct sim_facts facts;
    struct gf_event event = {.kind = GF_EVENT_PIPELINE_CONFIG_REGISTERED,
                             .namespace_id = row->namespace_id,
                             .pipeline_id = row->pipeline_id,
                             .version = row->version};
    sim_facts_config(&facts, row, &event);
    sim_check_event_due(sim, &event);
    SIM_TOUCH(sim, config, touched_configs);
    return config;
}

static void take_config(struct sim *sim, const struct gf_config *row) {
    struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, row->pipeline_key);
    SIM_EXPECT(sim, deleted_gone, pipeline != NULL && row->version >= 1, "config without pipeline");
    struct sim_config *config = sim_rows_config(pipeline, row->version);
    if (config == NULL) {
        config = new_config(sim, pipeline, row);
    } else if (config->state != row->state || config->deprecate_time != row->deprecate_time) {
        config->state = row->state;
        config->deprecate_time = row->deprecate_time;
        SIM_TOUCH(sim, config, touched_configs);
    }
    SIM_EXPECT(sim, row_immutable,
               gf_str_eq(config->content.content_hash, row->content_hash) &&
                   config->content.register_time == row->register_time &&
                   gf_str_eq(config->content.register_user, row->register_user),
               "version %" PRId64, row->version);
}

static void take_deployment(struct sim *sim, const struct gf_deployment *row) {
    struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, row->pipeline_key);
    SIM_EXPECT(sim, deleted_gone, pipeline != NULL, "deployment without pipeline");
    SIM_EXPECT(sim, row_immutable, row->deployment_id == pipeline->deployment_id + 1,
               "deployment %" PRId64 " follows %" PRId64, row->deployment_id,
               pipeline->deployment_id);
    pipeline->deployment_id = row->deployment_id;
    const bool of_newest = sim->input != NULL && sim->input->kind == GF_INPUT_DEPLOY &&
                           sim->input->u.deploy.version == 0;
    const struct sim_config *newest = sim_rows_newest_config(pipeline);
    SIM_EXPECT(sim, newest_version,
               !of_newest || (newest != NULL && newest->content.version == row->end_version),
               "deployment %" PRId64 " is of version %" PRId64, row->deployment_id,
               row->end_version);
    struct gf_event event = {.kind = GF_EVENT_DEPLOYMENT_STARTED,
                             .namespace_id = row->namespace_id,
                             .pipeline_id = row->pipeline_id,
                             .version = row->end_version,
                             .deployment_id = row->deployment_id};
    struct sim_facts facts;
    sim_facts_deployment(&facts, row, &event);
    sim_check_event_due(sim, &event);
    event.kind = GF_EVENT_DEPLOYMENT_COMPLETED;
    sim_facts_deployment(&facts, row, &event);
    event.status = (int32_t)row->status;
    sim_check_event_due(sim, &event);
    SIM_TOUCH(sim, pipeline, touched_pipelines);
}

/* ---- The rest ---- */

static void take_request(struct sim *sim, const struct gf_request *row) {
    struct sim_request *old = sim_rows_request(&sim->rows, row->caller, row->request_id);
    SIM_EXPECT(sim, request_once,
               old == NULL || row->create_time - old->row.create_time > GF_REQUEST_AGE_NS_MAX,
               "request '%" GF_STR_FMT "' has another outcome before its time is over",
               GF_STR_ARG(row->request_id));
    struct sim_request *request = gf_vec_push_zeroed(&sim->rows.requests);
    request->row = *row;
    request->original = sim->command == NULL ? NULL : sim->command->original;
    request->row.caller = gf_text_copy(row->caller, &sim->arena);
    request->row.request_id = gf_text_copy(row->request_id, &sim->arena);
    request->row.namespace_id = gf_text_copy(row->namespace_id, &sim->arena);
    request->row.pipeline_id = gf_text_copy(row->pipeline_id, &sim->arena);
    request->row.subject_id = gf_text_copy(row->subject_id, &sim->arena);
}

static void take_input(struct sim *sim, const struct gf_run_input_row *row) {
    struct sim_run *run = sim_rows_run(&sim->rows, row->run_key);
    SIM_EXPECT(sim, row_immutable, run != NULL && run->row.has_input, "input of no run");
    run->input = gf_text_copy(row->content, &sim->arena);
}

static void preferences_event(struct sim *sim, const struct gf_preferences *old,
                              const struct gf_preferences *row) {
    struct gf_label metadata[3];
    struct gf_event event = {.kind = GF_EVENT_SYSTEM_PREFERENCES_UPDATED, .metadata = metadata};
    if (old->attach_disabled != row->attach_disabled) {
        metadata[event.metadata_count++] = (struct gf_label){
            GF_STR("attach_disabled"), row->attach_disabled ? GF_STR("true") : GF_STR("false")};
    }
    if (old->run_starts_paused != row->run_starts_paused) {
        metadata[event.metadata_count++] = (struct gf_label){
            GF_STR("run_starts_paused"), row->run_starts_paused ? GF_STR("true") : GF_STR("false")};
    }
    if (!gf_str_eq(old->run_starts_paused_reason, row->run_starts_paused_reason)) {
        metadata[event.metadata_count++] =
            (struct gf_label){GF_STR("run_starts_paused_reason"), row->run_starts_paused_reason};
    }
    sim_check_event_due(sim, &event);
}

static void take_preferences(struct sim *sim, const struct gf_preferences *row) {
    struct gf_preferences *to = &sim->rows.preferences;
    if (to->run_starts_paused == row->run_starts_paused &&
        to->attach_disabled == row->attach_disabled && to->update_time == row->update_time &&
        gf_str_eq(to->run_starts_paused_reason, row->run_starts_paused_reason)) {
        return;
    }
    const struct gf_str reason =
        sim_take_text(sim, to->run_starts_paused_reason, row->run_starts_paused_reason);
    preferences_event(sim, to, row);
    *to = *row;
    to->run_starts_paused_reason = reason;
    sim->rows_touched++;
}

/* ---- What is deleted ---- */

static void take_deleted_config(struct sim *sim, struct gf_config_key key) {
    struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, key.pipeline_key);
    struct sim_config *config = pipeline == NULL ? NULL : sim_rows_config(pipeline, key.version);
    SIM_EXPECT(sim, deleted_gone, config != NULL, "version %" PRId64 " is not there to be deleted",
               key.version);
    SIM_EXPECT(sim, version_bound,
               config->runs_active == 0 && pipeline->row.live_version != key.version,
               "version %" PRId64 " is deleted while it is used", key.version);
    config->there.now = false;
    const struct gf_event event = {.kind = GF_EVENT_PIPELINE_CONFIG_DELETED,
                                   .namespace_id = pipeline->row.namespace_id,
                                   .pipeline_id = pipeline->row.pipeline_id,
                                   .version = key.version};
    sim_check_event_due(sim, &event);
    SIM_TOUCH(sim, config, touched_configs);
}

static void take_deleted_pipeline(struct sim *sim, int64_t key) {
    struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, key);
    SIM_EXPECT(sim, deleted_gone, pipeline != NULL && pipeline->runs_active == 0,
               "pipeline %" PRId64 " is deleted with runs that have not ended", key);
    pipeline->there.now = false;
    const struct gf_event event = {.kind = GF_EVENT_PIPELINE_DELETED,
                                   .namespace_id = pipeline->row.namespace_id,
                                   .pipeline_id = pipeline->row.pipeline_id};
    sim_check_event_due(sim, &event);
    SIM_TOUCH(sim, pipeline, touched_pipelines);
}

static void take_deleted_namespace(struct sim *sim, int64_t key) {
    struct sim_namespace *ns = sim_rows_namespace(&sim->rows, key);
    SIM_EXPECT(sim, deleted_gone, ns != NULL && ns->runs_active == 0,
               "namespace %" PRId64 " is deleted with runs that have not ended", key);
    ns->there.now = false;
    const struct gf_event event = {.kind = GF_EVENT_NAMESPACE_DELETED,
                                   .namespace_id = ns->row.namespace_id};
    sim_check_event_due(sim, &event);
    SIM_TOUCH(sim, ns, touched_namespaces);
}

/* Rows of what was deleted have left the batch, so that others stand in their places. */
static bool take_deleted(struct sim *sim, const struct gf_batch *batch) {
    const bool any = sim->deleted_namespaces_seen < batch->deleted_namespaces.count ||
                     sim->deleted_pipelines_seen < batch->deleted_pipelines.count;
    while (!any && sim->deleted_configs_seen < batch->deleted_configs.count) {
        take_deleted_config(sim, batch->deleted_configs.items[sim->deleted_configs_seen++]);
    }
    while (sim->deleted_pipelines_seen < batch->deleted_pipelines.count) {
        take_deleted_pipeline(sim, batch->deleted_pipelines.items[sim->deleted_pipelines_seen++]);
    }
    while (sim->deleted_namespaces_seen < batch->deleted_namespaces.count) {
        take_deleted_namespace(sim,
                               batch->deleted_namespaces.items[sim->deleted_namespaces_seen++]);
    }
    if (any) {
        sim->deleted_configs_seen = batch->deleted_configs.count;
        sim->deployments_seen = batch->deployments.count;
        sim->inputs_seen = batch->inputs.count;
        sim->attempts_seen = batch->attempts.count;
        sim->requests_seen = batch->requests.count;
    }
    return any;
}

void sim_check_take(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    (void)take_deleted(sim, batch);
    for (size_t i = 0; i < batch->namespaces.count; i++) {
        take_namespace(sim, batch->namespaces.items[i]);
    }
    for (size_t i = 0; i < batch->pipelines.count; i++) {
        take_pipeline(sim, batch->pipelines.items[i]);
    }
    for (size_t i = 0; i < batch->configs.count; i++) {
        take_config(sim, batch->configs.items[i]);
    }
    while (sim->deployments_seen < batch->deployments.count) {
        take_deployment(sim, batch->deployments.items[sim->deployments_seen++]);
    }
    for (size_t i = 0; i < batch->runs.count; i++) {
        sim_take_run(sim, batch->runs.items[i]);
    }
    while (sim->inputs_seen < batch->inputs.count) {
        take_input(sim, &batch->inputs.items[sim->inputs_seen++]);
    }
    for (size_t i = 0; i < batch->tasks.count; i++) {
        sim_take_task(sim, batch->tasks.items[i]);
    }
    while (sim->attempts_seen < batch->attempts.count) {
        sim_take_attempt(sim, batch->attempts.items[sim->attempts_seen++]);
    }
    while (sim->requests_seen < batch->requests.count) {
        take_request(sim, &batch->requests.items[sim->requests_seen++]);
    }
    if (batch->preferences != NULL) {
        take_preferences(sim, batch->preferences);
    }
}
