/*
 * Retrying a run: a new run of the same version, variables, labels and input, of all tasks or of
 * those that were not successful.
 */
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

static bool is_same_retry(const struct gf_input *input, const struct gf_run *run) {
    return run->retried_run_id == input->u.retry_run.run_id &&
           (run->kept_count > 0) == input->u.retry_run.failed_tasks_only &&
           run->used_live_version == input->u.retry_run.use_live_version &&
           gf_str_eq(input->u.retry_run.initiator.reason, run->initiator.reason);
}

static enum gf_code check_texts(const struct gf_input *input, struct gf_error *err) {
    const enum gf_code rc = gf_core__check_request_id(input->u.retry_run.request_id, err);
    return rc == GF_OK ? gf_core__check_reason(input->u.retry_run.initiator.reason, err) : rc;
}

static enum gf_code check_version(const struct gf_input *input,
                                  const struct core_pipeline *pipeline, struct gf_error *err) {
    if (!input->u.retry_run.use_live_version) {
        return GF_OK;
    }
    if (input->u.retry_run.failed_tasks_only) {
        return gf_fail_field(err, "use_live_version",
                             "results are kept with the version that they are of: it goes with the "
                             "scope ALL_TASKS alone");
    }
    return gf_core__check_live(pipeline, err);
}

static enum gf_step refuse_active(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "RUN_NOT_ENDED",
                         "run %" PRId64 " has not ended: cancel it first, or wait",
                         input->u.retry_run.run_id);
    return gf_core__refuse(core, input, &err);
}

/* The run in which the task ran whose result a retry of `row` keeps; 0 = it is to run again. */
static int64_t origin_of(const struct gf_run *row, const struct gf_task_execution *task) {
    if (task->status != GF_TASK_STATUS_SUCCESSFUL) {
        return 0;
    }
    return task->kept_run_id != 0 ? task->kept_run_id : row->run_id;
}

struct kept_tasks {
    struct gf_kept_tasks *items; /* in the batch's arena */
    size_t count;
};

/*
 * Finds whose results are kept. A run that never began has no tasks, so nothing of it is kept.
 * Refuses a run without anything to make again. False: return *out_step.
 */
static bool keep_successful(struct gf_core *core, const struct gf_input *input,
                            const struct core_config *config, const struct gf_run *row,
                            struct kept_tasks *out, struct gf_need *out_need,
                            enum gf_step *out_step) {
    struct gf_task_execution_vec tasks = {0};
    const size_t task_count = config->row.task_count;
    bool any_left = false;
    if (gf_core__find_run_tasks(core, row, &tasks, out_need) == CORE_NEED) {
        *out_step = GF_STEP_NEED;
        return false;
    }
    out->items = GF_ARENA_ARRAY(&core->batch_arena, task_count, struct gf_kept_tasks);
    for (size_t i = 0; i < task_count; i++) {
        const int64_t run_id = i < tasks.count ? origin_of(row, tasks.items[i]) : 0;
        if (out->count == 0 || out->items[out->count - 1].run_id != run_id) {
            out->items[out->count++].run_id = run_id;
        }
        out->items[out->count - 1].task_count++;
        any_left = any_left || run_id == 0;
    }
    gf_vec_fini(&tasks);
    if (row->status == GF_RUN_STATUS_SUCCESSFUL || !any_left) {
        struct gf_error err = {0};
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "NOTHING_FAILED",
                             "run %" PRId64 " was successful: there is no failed task to retry",
                             row->run_id);
        *out_step = gf_core__refuse(core, input, &err);
        return false;
    }
    return true;
}

/* The document of the run before, NULL where it has none. False: return *out_step. */
static bool take_document(struct gf_core *core, const struct gf_input *input,
                          const struct gf_run *row, struct gf_run_document *document,
                          struct gf_need *out_need, enum gf_step *out_step) {
    struct gf_error err = {0};
    if (!row->has_input) {
        return true;
    }
    document->media_type = row->input.media_type;
    document->digest = row->input.digest;
    switch (gf_core__find_run_input(core, row, &document->content, out_need)) {
    case CORE_FOUND:
        return true;
    case CORE_NEED:
        *out_step = GF_STEP_NEED;
        return false;
    case CORE_ABSENT:
        break;
    }
    (void)gf_fail(&err, GF_DATA_LOSS, "the input of run %" PRId64 " is not stored", row->run_id);
    *out_step = gf_core__refuse(core, input, &err);
    return false;
}

enum gf_step gf_core__retry_run(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *row = NULL;
    struct core_run *active = NULL;
    struct core_config *config = NULL;
    struct gf_run_document document = {0};
    struct kept_tasks kept = {0};
    struct gf_error err = {0};
    if (check_texts(input, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    if (!gf_core__resolve_run(core, input, input->u.retry_run.namespace_id,
                              input->u.retry_run.pipeline_id, input->u.retry_run.run_id, &pipeline,
                              &row, &active, out_need, &result) ||
        gf_core__answer_run_request(core, input, pipeline, input->u.retry_run.request_id,
                                    is_same_retry, out_need, &result)) {
        return result;
    }
    if (active != NULL) {
        return refuse_active(core, input);
    }
    if (check_version(input, pipeline, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const bool live = input->u.retry_run.use_live_version;
    if (!gf_core__find_version(core, input, pipeline,
                               live ? pipeline->row.live_version : row->version, &config, out_need,
                               &result) ||
        (input->u.retry_run.failed_tasks_only &&
         !keep_successful(core, input, config, row, &kept, out_need, &result)) ||
        !take_document(core, input, row, &document, out_need, &result)) {
        return result;
    }
    const struct core_new_run new_run = {
        .pipeline = pipeline,
        .config = config,
        .variables = row->variables,
        .variable_count = row->variable_count,
        .labels = row->labels,
        .label_count = row->label_count,
        .initiator = input->u.retry_run.initiator,
        .request_id = input->u.retry_run.request_id,
        .document = row->has_input ? &document : NULL,
        .priority = row->priority,
        .ordering_key = row->ordering_key,
        .ordering_policy = row->ordering_policy,
        .retried_run_id = row->run_id,
        .used_live_version = live,
        .kept_tasks = kept.items,
        .kept_count = kept.count,
    };
    if (gf_core__check_new_run(core, &new_run, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const struct core_run *run = gf_core__create_run(core, &new_run);
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = &run->row;
    reply->pipeline = &pipeline->row;
    return GF_STEP_DONE;
}
