/*
 * What the answer to a command may be, from the rows as they are before it. Where several rules
 * refuse, which of them is named first is the core's to choose.
 */
#include "tests/sim/check.h"

static uint32_t bit(enum gf_code code) {
    return 1U << code;
}

/* No refusal: it is done. */
static uint32_t or_done(uint32_t refusals) {
    return refusals == 0 ? bit(GF_OK) : refusals;
}

/* ---- Requests ---- */

bool sim_was_requested(struct sim *sim, const struct sim_command *command,
                       struct gf_request_ref ref, uint32_t *out) {
    const struct sim_request *request =
        ref.request_id.len == 0 ? NULL : sim_rows_request(&sim->rows, ref.caller, ref.request_id);
    if (request == NULL || sim->wall - request->row.create_time > GF_REQUEST_AGE_NS_MAX) {
        return false;
    }
    /* Two commands may say the same without one repeating the other. */
    *out = request->original == command->original ? bit(GF_OK)
                                                  : bit(GF_OK) | bit(GF_FAILED_PRECONDITION);
    return true;
}

static bool run_was_requested(const struct sim_pipeline *pipeline,
                              const struct sim_command *command, struct gf_str request_id,
                              uint32_t *out) {
    for (size_t i = request_id.len == 0 ? 0 : pipeline->runs.count; i > 0; i--) {
        const struct sim_run *run = pipeline->runs.items[i - 1];
        if (run != NULL && run->there.now && gf_str_eq(run->row.request_id, request_id)) {
            *out = run->original == command->original ? bit(GF_OK) : bit(GF_FAILED_PRECONDITION);
            return true;
        }
    }
    return false;
}

/* ---- New runs ---- */

struct new_run {
    const struct sim_pipeline *pipeline;
    const struct sim_config *config;
    struct gf_str key;
    enum gf_run_ordering_policy policy;
};

static bool has_room(int64_t used, int64_t limit) {
    return limit == 0 || used < limit;
}

/* Queued runs that the new one takes the place of, and whether its key is in use. */
static int64_t coalesced(const struct sim *sim, const struct new_run *new_run, bool *out_in_use) {
    int64_t count = 0;
    *out_in_use = false;
    for (size_t i = 0; new_run->key.len > 0 && i < sim->rows.active.count; i++) {
        const struct sim_run *run = sim->rows.active.items[i];
        if (run->pipeline == new_run->pipeline && gf_str_eq(run->row.ordering_key, new_run->key)) {
            *out_in_use = true;
            count +=
                run->row.state == GF_RUN_STATE_QUEUED && new_run->policy == GF_RUN_ORDERING_NEWEST;
        }
    }
    return count;
}

/* Queued runs that the policy of the new one ends. */
static int64_t displaced(const struct sim *sim, const struct new_run *new_run, int64_t most) {
    int64_t left = 1 - most;
    int64_t count = 0;
    if (new_run->config->content.queue_policy != GF_QUEUE_POLICY_CANCEL_OLDEST || most == 0) {
        return 0;
    }
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *run = sim->rows.active.items[i];
        left += run->pipeline == new_run->pipeline && !sim_run_is_ending(&run->row);
    }
    for (size_t i = 0; i < new_run->pipeline->runs.count && left > 0; i++) {
        const struct sim_run *run = new_run->pipeline->runs.items[i];
        if (run != NULL && run->active_index >= 0 && !sim_run_is_ending(&run->row)) {
            count += run->row.state == GF_RUN_STATE_QUEUED;
            left--;
        }
    }
    return count;
}

static uint32_t queue_refusals(const struct sim *sim, const struct new_run *new_run) {
    const struct sim_pipeline *pipeline = new_run->pipeline;
    const struct gf_config *config = &new_run->config->content;
    const int64_t most = sim_least(config->parallelism, sim->limits.pipeline_runs_max);
    const int64_t limit = sim_queue_limit(sim, config);
    bool key_in_use = false;
    int64_t waiting = pipeline->runs_queued - coalesced(sim, new_run, &key_in_use);
    if (config->queue_policy == GF_QUEUE_POLICY_REJECT &&
        !has_room(pipeline->runs_running + waiting, most)) {
        return bit(GF_RESOURCE_EXHAUSTED);
    }
    waiting -= displaced(sim, new_run, most);
    if (has_room(waiting, limit)) {
        return 0;
    }
    const bool begins =
        !key_in_use && has_room(sim->rows.runs_running, sim->limits.runs_running_max) &&
        has_room(pipeline->ns->runs_running,
                 sim_least(pipeline->ns->row.run_parallelism, sim->limits.namespace_runs_max)) &&
        has_room(pipeline->runs_running, most);
    /* Whether it would overtake those that wait is not looked at here: see the queue's limit. */
    const uint32_t refused = bit(GF_RESOURCE_EXHAUSTED);
    return begins ? (pipeline->runs_queued > 0 ? refused | bit(GF_OK) : 0) : refused;
}

static uint32_t new_run_refusals(const struct sim *sim, const struct new_run *new_run) {
    uint32_t refusals = 0;
    if (sim->rows.preferences.run_starts_paused ||
        new_run->pipeline->row.state != GF_PIPELINE_STATE_ACTIVE) {
        refusals |= bit(GF_FAILED_PRECONDITION);
    }
    if (!has_room((int64_t)sim->rows.active.count, sim->limits.runs_active_max)) {
        refusals |= bit(GF_RESOURCE_EXHAUSTED);
    }
    return refusals | (new_run->config == NULL ? 0 : queue_refusals(sim, new_run));
}

static uint32_t expect_start(struct sim *sim, const struct sim_command *command) {
    const struct gf_input *input = &command->input;
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.start_run.namespace_id, input->u.start_run.pipeline_id);
    uint32_t answer = 0;
    if (pipeline == NULL) {
        return bit(GF_NOT_FOUND);
    }
    if (run_was_requested(pipeline, command, input->u.start_run.request_id, &answer)) {
        return answer;
    }
    const struct new_run new_run = {
        .pipeline = pipeline,
        .config = sim_rows_config(pipeline, pipeline->row.live_version),
        .key = input->u.start_run.ordering_key,
        .policy = input->u.start_run.ordering_policy,
    };
    const uint32_t refusals = new_run.config == NULL ? bit(GF_FAILED_PRECONDITION) : 0;
    return or_done(refusals | new_run_refusals(sim, &new_run));
}

uint32_t sim_start_refusals(struct sim *sim, struct sim_pipeline *pipeline,
                            struct gf_str ordering_key, enum gf_run_ordering_policy policy) {
    const struct new_run new_run = {
        .pipeline = pipeline,
        .config = sim_rows_config(pipeline, pipeline->row.live_version),
        .key = ordering_key,
        .policy = policy,
    };
    return new_run_refusals(sim, &new_run);
}

/* Whether a run has something that a retry of its failed tasks would make again. */
static bool has_failed_tasks(const struct sim_run *run) {
    bool any = !run->tasks_made;
    for (int64_t i = 0; run->tasks_made && i < run->task_count; i++) {
        any = any || run->tasks[i].row.status != GF_TASK_STATUS_SUCCESSFUL;
    }
    return any && run->row.status != GF_RUN_STATUS_SUCCESSFUL;
}

static uint32_t expect_retry(struct sim *sim, const struct sim_command *command) {
    const struct gf_input *input = &command->input;
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.retry_run.namespace_id, input->u.retry_run.pipeline_id);
    struct sim_run *run =
        pipeline == NULL ? NULL : sim_rows_run_by_id(pipeline, input->u.retry_run.run_id);
    uint32_t answer = 0;
    if (run == NULL) {
        return bit(GF_NOT_FOUND);
    }
    if (run_was_requested(pipeline, command, input->u.retry_run.request_id, &answer)) {
        return answer;
    }
    if (run->row.state != GF_RUN_STATE_COMPLETE) {
        return bit(GF_FAILED_PRECONDITION);
    }
    uint32_t refusals = 0;
    const bool failed_only = input->u.retry_run.failed_tasks_only;
    if (failed_only && input->u.retry_run.use_live_version) {
        refusals |= bit(GF_INVALID_ARGUMENT);
    }
    const struct new_run new_run = {
        .pipeline = pipeline,
        .config = sim_rows_config(pipeline, input->u.retry_run.use_live_version
                                                ? pipeline->row.live_version
                                                : run->row.version),
        .key = run->row.ordering_key,
        .policy = run->row.ordering_policy,
    };
    if (new_run.config == NULL || (failed_only && !has_failed_tasks(run))) {
        refusals |= bit(GF_FAILED_PRECONDITION);
    }
    return or_done(refusals | new_run_refusals(sim, &new_run));
}

/* ---- Runs that are there ---- */

static uint32_t expect_run_command(struct sim *sim, const struct gf_input *input) {
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.cancel.namespace_id, input->u.cancel.pipeline_id);
    if (pipeline == NULL) {
        return bit(GF_NOT_FOUND);
    }
    if (input->kind == GF_INPUT_CANCEL_ALL_RUNS) {
        return bit(GF_OK);
    }
    const struct sim_run *run = sim_rows_run_by_id(pipeline, input->u.cancel.run_id);
    if (run == NULL) {
        return bit(GF_NOT_FOUND);
    }
    if (input->kind == GF_INPUT_REPAIR_RUN) {
        return bit(GF_OK) | bit(GF_UNAVAILABLE);
    }
    if (input->kind == GF_INPUT_CANCEL_TASK && run->row.state != GF_RUN_STATE_COMPLETE) {
        bool known = false;
        for (int64_t i = 0; i < run->task_count; i++) {
            known =
                known || gf_str_eq(run->config->content.tasks[i].task_id, input->u.cancel.task_id);
        }
        if (!known) {
            return bit(GF_NOT_FOUND);
        }
        return run->row.state == GF_RUN_STATE_QUEUED ? bit(GF_FAILED_PRECONDITION) : bit(GF_OK);
    }
    return bit(GF_OK);
}

static uint32_t expect_delete_logs(struct sim *sim, const struct gf_input *input) {
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.delete_logs.namespace_id, input->u.delete_logs.pipeline_id);
    const struct sim_run *run =
        pipeline == NULL ? NULL : sim_rows_run_by_id(pipeline, input->u.delete_logs.run_id);
    if (run == NULL || run->row.run_key != input->u.delete_logs.run_key) {
        return bit(GF_NOT_FOUND);
    }
    if (run->row.state == GF_RUN_STATE_COMPLETE) {
        return bit(GF_OK);
    }
    for (int64_t i = 0; i < run->task_count; i++) {
        if (gf_str_eq(run->config->content.tasks[i].task_id, input->u.delete_logs.task_id)) {
            return run->tasks[i].row.state == GF_TASK_STATE_COMPLETE ? bit(GF_OK)
                                                                     : bit(GF_FAILED_PRECONDITION);
        }
    }
    return bit(GF_NOT_FOUND);
}

/* ---- Pipelines and configs ---- */

static uint32_t expect_deploy(struct sim *sim, const struct sim_command *command) {
    const struct gf_input *input = &command->input;
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.deploy.namespace_id, input->u.deploy.pipeline_id);
    uint32_t answer = 0;
    if (sim_was_requested(sim, command, input->u.deploy.request, &answer)) {
        return pipeline == NULL ? answer | bit(GF_NOT_FOUND) : answer;
    }
    if (pipeline == NULL) {
        return bit(GF_NOT_FOUND);
    }
    if (input->u.deploy.version == 0) {
        return sim_rows_newest_config(pipeline) == NULL ? bit(GF_NOT_FOUND) : bit(GF_OK);
    }
    return sim_rows_config(pipeline, input->u.deploy.version) == NULL ? bit(GF_NOT_FOUND)
                                                                      : bit(GF_OK);
}

static uint32_t expect_delete_config(struct sim *sim, const struct gf_input *input) {
    struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.deploy.namespace_id, input->u.deploy.pipeline_id);
    const struct sim_config *config =
        pipeline == NULL ? NULL : sim_rows_config(pipeline, input->u.deploy.version);
    if (config == NULL) {
        return bit(GF_NOT_FOUND);
    }
    return config->runs_active > 0 || pipeline->row.live_version == input->u.deploy.version
               ? bit(GF_FAILED_PRECONDITION)
               : bit(GF_OK);
}

static uint32_t expect_pipeline_command(struct sim *sim, const struct gf_input *input) {
    const struct sim_pipeline *pipeline = sim_rows_pipeline_by_id(
        &sim->rows, input->u.pipeline.namespace_id, input->u.pipeline.pipeline_id);
    if (pipeline == NULL) {
        return bit(GF_NOT_FOUND);
    }
    return input->kind == GF_INPUT_DELETE_PIPELINE && pipeline->runs_active > 0
               ? bit(GF_FAILED_PRECONDITION)
               : bit(GF_OK);
}

static uint32_t expect_register(struct sim *sim, const struct sim_command *command) {
    uint32_t answer = 0;
    const bool there =
        sim_rows_namespace_by_id(&sim->rows, command->input.u.register_config.namespace_id) != NULL;
    if (sim_was_requested(sim, command, command->input.u.register_config.request, &answer)) {
        return there ? answer : answer | bit(GF_NOT_FOUND);
    }
    return there ? bit(GF_OK) : bit(GF_NOT_FOUND);
}

/* ---- Namespaces ---- */

static uint32_t expect_create_namespace(struct sim *sim, const struct sim_command *command) {
    uint32_t answer = 0;
    if (sim_was_requested(sim, command, command->input.u.ns.request, &answer)) {
        return answer;
    }
    return sim_rows_namespace_by_id(&sim->rows, command->input.u.ns.namespace_id) == NULL
               ? bit(GF_OK)
               : bit(GF_ALREADY_EXISTS);
}

static uint32_t expect_delete_namespace(struct sim *sim, const struct gf_input *input) {
    const struct sim_namespace *ns = sim_rows_namespace_by_id(&sim->rows, input->u.ns.namespace_id);
    if (ns == NULL) {
        return bit(GF_NOT_FOUND);
    }
    bool has_pipelines = false;
    for (int64_t key = 1; key < sim->rows.newest.next_pipeline_key; key++) {
        const struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, key);
        has_pipelines = has_pipelines || (pipeline != NULL && pipeline->ns == ns);
    }
    return gf_str_eq(ns->row.namespace_id, GF_STR("default")) || ns->runs_active > 0 ||
                   (has_pipelines && !input->u.ns.cascade)
               ? bit(GF_FAILED_PRECONDITION)
               : bit(GF_OK);
}

uint32_t sim_expect(struct sim *sim, struct sim_command *command) {
    const struct gf_input *input = &command->input;
    switch ((int)input->kind) {
    case GF_INPUT_CREATE_NAMESPACE:
        return expect_create_namespace(sim, command);
    case GF_INPUT_UPDATE_NAMESPACE:
        return sim_rows_namespace_by_id(&sim->rows, input->u.ns.namespace_id) == NULL
                   ? bit(GF_NOT_FOUND)
                   : bit(GF_OK);
    case GF_INPUT_DELETE_NAMESPACE:
        return expect_delete_namespace(sim, input);
    case GF_INPUT_REGISTER_CONFIG:
        return expect_register(sim, command);
    case GF_INPUT_DELETE_CONFIG:
        return expect_delete_config(sim, input);
    case GF_INPUT_DEPLOY:
        return expect_deploy(sim, command);
    case GF_INPUT_ENABLE_PIPELINE:
    case GF_INPUT_DISABLE_PIPELINE:
    case GF_INPUT_DELETE_PIPELINE:
        return expect_pipeline_command(sim, input);
    case GF_INPUT_START_RUN:
        return expect_start(sim, command);
    case GF_INPUT_RETRY_RUN:
        return expect_retry(sim, command);
    case GF_INPUT_CANCEL_RUN:
    case GF_INPUT_CANCEL_ALL_RUNS:
    case GF_INPUT_CANCEL_TASK:
    case GF_INPUT_REPAIR_RUN:
        return expect_run_command(sim, input);
    case GF_INPUT_DELETE_TASK_LOGS:
        return expect_delete_logs(sim, input);
    case GF_INPUT_UPDATE_PREFERENCES:
        return bit(GF_OK);
    case GF_INPUT_BOOTSTRAP_TOKEN:
    case GF_INPUT_CREATE_TOKEN:
    case GF_INPUT_ENABLE_TOKEN:
    case GF_INPUT_DISABLE_TOKEN:
    case GF_INPUT_DELETE_TOKEN:
    case GF_INPUT_DELETE_EXPIRED_TOKENS:
    case GF_INPUT_TOUCH_TOKENS:
    case GF_INPUT_CREATE_ROLE:
    case GF_INPUT_UPDATE_ROLE:
    case GF_INPUT_DELETE_ROLE:
    case GF_INPUT_RECORD_EVENT:
        return sim_expect_access(sim, command);
    default:
        return sim_expect_intake(sim, command);
    }
}
