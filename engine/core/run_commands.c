/* Starting and cancelling runs: what people ask for. */
#include "base/alloc.h"
#include "engine/core/config.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- Starting ---- */

static enum gf_code check_initiator(const struct gf_initiator *initiator, struct gf_error *err) {
    enum gf_code rc = gf_text_check(initiator->id, GF_INITIATOR_ID_BYTES_MAX, "initiator.id", err);
    if (rc == GF_OK) {
        rc = gf_text_check(initiator->reason, GF_REASON_BYTES_MAX, "reason", err);
    }
    return rc;
}

static enum gf_code check_variables(const struct gf_input *input, struct gf_error *err) {
    const struct gf_variable *variables = input->u.start_run.variables;
    const size_t count = input->u.start_run.variable_count;
    const enum gf_code rc = gf_variables_check(variables, count, "variables", err);
    size_t bytes = 0;
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        bytes += variables[i].key.len + variables[i].value.len;
    }
    if (bytes > GF_RUN_VARIABLES_BYTES_MAX) {
        return gf_fail_field(err, "variables", "variables have %zu bytes, expected up to %d", bytes,
                             GF_RUN_VARIABLES_BYTES_MAX);
    }
    return rc;
}

static enum gf_code check_start(const struct gf_core *core, const struct gf_input *input,
                                const struct core_pipeline *pipeline, struct gf_error *err) {
    const struct gf_str id = pipeline->row.pipeline_id;
    if (pipeline->row.state != GF_PIPELINE_STATE_ACTIVE) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "PIPELINE_DISABLED",
                              "pipeline '%" GF_STR_FMT "' is disabled: enable it first",
                              GF_STR_ARG(id));
    }
    if (pipeline->row.live_version == 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NOTHING_LIVE",
                              "pipeline '%" GF_STR_FMT "' has no live version: deploy one first",
                              GF_STR_ARG(id));
    }
    if (core->limits.runs_active_max > 0 && core->runs_active >= core->limits.runs_active_max) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "TOO_MANY_RUNS",
                              "%" PRId64 " runs have not ended, no more are possible: try again "
                              "later",
                              core->runs_active);
    }
    const enum gf_code rc = check_variables(input, err);
    return rc == GF_OK ? check_initiator(&input->u.start_run.initiator, err) : rc;
}

static struct core_run *create_run(struct gf_core *core, const struct gf_input *input,
                                   struct core_pipeline *pipeline, struct core_config *config) {
    struct core_run *run = GF_NEW(struct core_run);
    gf_arena_init(&run->arena, GF_CORE_RUN_BYTES_MAX);
    run->pipeline = pipeline;
    run->config = config;
    run->row = (struct gf_run){
        .run_key = core->next.next_run_key++,
        .pipeline_key = pipeline->row.pipeline_key,
        .namespace_id = pipeline->row.namespace_id,
        .pipeline_id = pipeline->row.pipeline_id,
        .run_id = ++pipeline->row.latest_run_id,
        .version = config->row.version,
        .state = GF_RUN_STATE_PENDING,
        .initiator = input->u.start_run.initiator,
        .variable_count = input->u.start_run.variable_count,
        .request_id = gf_text_copy(input->u.start_run.request_id, &run->arena),
        .create_time = core->now,
    };
    run->row.initiator.id = gf_text_copy(run->row.initiator.id, &run->arena);
    run->row.initiator.reason = gf_text_copy(run->row.initiator.reason, &run->arena);
    struct gf_variable *variables =
        gf_variables_copy(input->u.start_run.variables, run->row.variable_count, &run->arena);
    for (size_t i = 0; i < run->row.variable_count; i++) {
        if (variables[i].source == GF_VARIABLE_SOURCE_UNSPECIFIED) {
            variables[i].source = GF_VARIABLE_SOURCE_RUN_OPTIONS;
        }
    }
    run->row.variables = variables;
    gf_core__mark_pipeline(core, pipeline);
    gf_core__mark_run(core, run);
    gf_core__add_run(core, run);
    (void)gf_core__event_run(core, GF_EVENT_RUN_QUEUED, run);
    return run;
}

/* Whether the run was started by a command that says the same. */
static bool is_same_start(const struct gf_input *input, const struct gf_run *run) {
    bool same = input->u.start_run.variable_count == run->variable_count &&
                gf_str_eq(input->u.start_run.initiator.reason, run->initiator.reason);
    for (size_t i = 0; same && i < run->variable_count; i++) {
        const struct gf_variable *variable = &input->u.start_run.variables[i];
        same = gf_str_eq(variable->key, run->variables[i].key) &&
               gf_str_eq(variable->value, run->variables[i].value);
    }
    return same;
}

/* Answers with the run that was started by the same request before. True: *out_step holds. */
static bool answer_request(struct gf_core *core, const struct gf_input *input,
                           const struct core_pipeline *pipeline, struct gf_need *out_need,
                           enum gf_step *out_step) {
    const struct gf_str request_id = input->u.start_run.request_id;
    const struct gf_run *run = NULL;
    struct gf_error err = {0};
    *out_step = GF_STEP_DONE;
    if (request_id.len == 0) {
        return false;
    }
    if (request_id.len > GF_REQUEST_ID_BYTES_MAX) {
        (void)gf_fail_field(&err, "request_id", "request id has %zu bytes, expected up to %d",
                            request_id.len, GF_REQUEST_ID_BYTES_MAX);
        (void)gf_core__refuse(core, input, &err);
        return true;
    }
    switch (gf_core__find_request(core, pipeline, request_id, &run, out_need)) {
    case CORE_NEED:
        *out_step = GF_STEP_NEED;
        return true;
    case CORE_ABSENT:
        return false;
    case CORE_FOUND:
        break;
    }
    if (!is_same_start(input, run)) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "REQUEST_ID_REUSED",
                             "request id '%" GF_STR_FMT "' was used to start run %" PRId64
                             " in another way",
                             GF_STR_ARG(request_id), run->run_id);
        (void)gf_core__refuse(core, input, &err);
        return true;
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = run;
    reply->pipeline = &pipeline->row;
    reply->unchanged = true;
    return true;
}

enum gf_step gf_core__start_run(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    struct core_config *config = NULL;
    struct gf_error err = {0};
    if (!gf_core__resolve_pipeline(core, input, input->u.start_run.namespace_id,
                                   input->u.start_run.pipeline_id, &pipeline, out_need, &result)) {
        return result;
    }
    if (answer_request(core, input, pipeline, out_need, &result)) {
        return result;
    }
    if (check_start(core, input, pipeline, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    switch (gf_core__find_config(core, pipeline, pipeline->row.live_version, &config, out_need)) {
    case CORE_NEED:
        return GF_STEP_NEED;
    case CORE_ABSENT:
        (void)gf_fail(&err, GF_DATA_LOSS,
                      "version %" PRId64 " of pipeline '%" GF_STR_FMT "' is live and not stored",
                      pipeline->row.live_version, GF_STR_ARG(pipeline->row.pipeline_id));
        return gf_core__refuse(core, input, &err);
    case CORE_FOUND:
        break;
    }
    struct core_run *run = create_run(core, input, pipeline, config);
    if (gf_list_empty(&pipeline->queued_runs) && gf_core__run_may_begin(core, run)) {
        gf_core__run_begin(core, run);
    } else {
        gf_core__run_enqueue(core, run);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = &run->row;
    reply->pipeline = &pipeline->row;
    return GF_STEP_DONE;
}

/* ---- Cancelling ---- */

/* Tells the scheduler to end the containers of a run; gives whether there was any. */
static bool stop_containers(struct gf_core *core, struct core_run *run, bool force) {
    bool any = false;
    for (size_t i = 0; run->tasks != NULL && i < run->config->row.task_count; i++) {
        if (gf_core__task_is_live(&run->tasks[i])) {
            gf_core__effect(core, GF_EFFECT_STOP, gf_core__task_attempt(&run->tasks[i]));
            core->batch.effects.items[core->batch.effects.count - 1].force = force;
            any = true;
        }
    }
    return any;
}

void gf_core__run_cancel(struct gf_core *core, struct core_run *run, bool force) {
    const struct gf_str text = run->row.reason.text;
    run->cancel_forced = force;
    if (run->row.state != GF_RUN_STATE_RUNNING) {
        gf_core__run_end_queued(core, run);
        return;
    }
    (void)stop_containers(core, run, force);
    for (size_t i = 0; i < run->config->row.task_count; i++) {
        if (run->tasks[i].row.state == GF_TASK_STATE_WAITING) {
            gf_core__task_end(core, &run->tasks[i], GF_TASK_STATUS_CANCELLED,
                              GF_REASON_USER_CANCELLED, text);
        }
    }
    gf_core__run_settle(core, run);
}

static void begin_cancel(struct gf_core *core, struct core_run *run, const struct gf_input *input) {
    const struct gf_str given = input->u.cancel.reason;
    run->row.cancel_requested = true;
    run->row.reason.kind = GF_REASON_USER_CANCELLED;
    run->row.reason.text =
        gf_text_copy_cut(given.len > 0 ? given : GF_STR("somebody cancelled the run"),
                         GF_REASON_BYTES_MAX, &run->arena);
    gf_core__mark_run(core, run);
    (void)gf_core__event_run(core, GF_EVENT_RUN_CANCELLATION_STARTED, run);
    gf_core__run_cancel(core, run, input->u.cancel.force);
}

/* A run that is not there, or that has ended already: then there is nothing to do. */
static enum gf_step answer_ended(struct gf_core *core, const struct gf_input *input,
                                 const struct core_pipeline *pipeline, const struct gf_run *run) {
    if (run == NULL) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_NOT_FOUND, "run %" PRId64 " of pipeline '%" GF_STR_FMT "' not found",
                      input->u.cancel.run_id, GF_STR_ARG(pipeline->row.pipeline_id));
        return gf_core__refuse(core, input, &err);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = run;
    reply->pipeline = &pipeline->row;
    reply->unchanged = true;
    return GF_STEP_DONE;
}

enum gf_step gf_core__cancel_run(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *row = NULL;
    struct gf_error err = {0};
    if (!gf_core__resolve_pipeline(core, input, input->u.cancel.namespace_id,
                                   input->u.cancel.pipeline_id, &pipeline, out_need, &result)) {
        return result;
    }
    if (gf_text_check(input->u.cancel.reason, GF_REASON_BYTES_MAX, "reason", &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (gf_core__find_run(core, pipeline, input->u.cancel.run_id, &row, out_need) == CORE_NEED) {
        return GF_STEP_NEED;
    }
    /* What is not among the runs in memory has ended. */
    struct core_run *run = row == NULL ? NULL : gf_map_i64_get(&core->runs, row->run_key);
    if (run == NULL || run->row.state == GF_RUN_STATE_COMPLETE) {
        return answer_ended(core, input, pipeline, row);
    }
    bool changed = true;
    if (!run->row.cancel_requested) {
        begin_cancel(core, run, input);
    } else if (input->u.cancel.force && !run->cancel_forced) {
        run->cancel_forced = true;
        changed = stop_containers(core, run, /* force= */ true);
    } else {
        changed = false;
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = &run->row;
    reply->pipeline = &pipeline->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}
