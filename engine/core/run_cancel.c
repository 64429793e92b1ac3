/* Cancelling runs and tasks: what people ask for. */
#include "engine/core/copy.h"
#include "engine/core/core_checks.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct gf_str reason_or(const struct gf_input *input, struct gf_str otherwise) {
    return input->u.cancel.reason.len > 0 ? input->u.cancel.reason : otherwise;
}

/* Refuses a reason that is none. True: it is refused. */
static bool refuse_reason(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    if (gf_core__check_reason(input->u.cancel.reason, &err) == GF_OK) {
        return false;
    }
    (void)gf_core__refuse(core, input, &err);
    return true;
}

/* ---- Runs ---- */

/* Gives whether that changed anything. */
static bool cancel_run(struct gf_core *core, struct core_run *run, const struct gf_input *input) {
    const bool force = input->u.cancel.force;
    if (!gf_core__run_is_ending(run)) {
        gf_core__run_stop(core, run, GF_REASON_USER_CANCELLED,
                          reason_or(input, GF_STR("somebody cancelled the run")), force);
        return true;
    }
    return force && gf_core__run_stop_now(core, run);
}

enum gf_step gf_core__cancel_run(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *row = NULL;
    struct core_run *run = NULL;
    if (refuse_reason(core, input)) {
        return GF_STEP_DONE;
    }
    if (!gf_core__resolve_run(core, input, input->u.cancel.namespace_id,
                              input->u.cancel.pipeline_id, input->u.cancel.run_id, &pipeline, &row,
                              &run, out_need, &result)) {
        return result;
    }
    const bool changed = run != NULL && cancel_run(core, run, input);
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = row;
    reply->pipeline = &pipeline->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

struct run_ids GF_VEC_FIELDS(int64_t);

static void cancel_listed(struct gf_core *core, const struct gf_input *input, struct gf_list *list,
                          struct run_ids *ids) {
    /* Those that are ended now go to the end of the other list, or away. */
    GF_LIST_FOREACH(link, list) {
        struct core_run *run = GF_CONTAINER_OF(link, struct core_run, pipeline_link);
        const int64_t run_id = run->row.run_id;
        if (!cancel_run(core, run, input)) {
            continue;
        }
        gf_vec_push(ids, run_id);
    }
}

static int compare_ids(const void *a, const void *b) {
    const int64_t first = *(const int64_t *)a;
    const int64_t second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/* The oldest ones, as many as an answer may have. */
static void answer_with_ids(struct gf_core *core, struct gf_reply *reply, struct run_ids *ids) {
    const size_t count = ids->count < GF_REPLY_RUN_IDS_MAX ? ids->count : GF_REPLY_RUN_IDS_MAX;
    int64_t *oldest = GF_ARENA_ARRAY(&core->batch_arena, count + 1, int64_t);
    if (count > 0) {
        qsort(ids->items, ids->count, sizeof(*ids->items), compare_ids);
        memcpy(oldest, ids->items, count * sizeof(*oldest));
    }
    reply->run_ids = oldest;
    reply->run_id_count = count;
    reply->run_count = (int64_t)ids->count;
    reply->unchanged = ids->count == 0;
}

enum gf_step gf_core__cancel_all_runs(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    if (refuse_reason(core, input)) {
        return GF_STEP_DONE;
    }
    if (!gf_core__resolve_pipeline(core, input, input->u.cancel.namespace_id,
                                   input->u.cancel.pipeline_id, &pipeline, out_need, &result)) {
        return result;
    }
    struct run_ids ids = {0};
    if (input->u.cancel.force) {
        cancel_listed(core, input, &pipeline->ending, &ids);
    }
    cancel_listed(core, input, &pipeline->runs, &ids);
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->pipeline = &pipeline->row;
    answer_with_ids(core, reply, &ids);
    gf_vec_fini(&ids);
    return GF_STEP_DONE;
}

/* ---- Tasks ---- */

/* Gives whether that changed anything. */
static bool cancel_task(struct gf_core *core, struct core_task *task,
                        const struct gf_input *input) {
    const bool force = input->u.cancel.force;
    const struct gf_str text = reason_or(input, GF_STR("somebody cancelled the task"));
    if (task->row.state == GF_TASK_STATE_COMPLETE) {
        return false;
    }
    if (gf_core__run_is_ending(task->run) || task->row.cancel_requested) {
        const bool changed = force && gf_core__task_is_live(task) && !task->last_call;
        if (changed) {
            gf_core__task_stop(core, task, /* force= */ true);
        }
        return changed;
    }
    task->row.cancel_requested = true;
    gf_core__mark_task(core, task);
    gf_core__tell_force(
        gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_CANCELLATION_STARTED, task), force);
    if (gf_core__task_is_live(task)) {
        task->row.reason.kind = GF_REASON_USER_CANCELLED;
        task->row.reason.text = gf_text_copy_cut(text, GF_REASON_BYTES_MAX, &task->run->arena);
        gf_core__task_stop(core, task, force || task->last_call);
    } else {
        gf_core__task_end(core, task, GF_TASK_STATUS_CANCELLED, GF_REASON_USER_CANCELLED, text);
        gf_core__run_settle(core, task->run);
    }
    return true;
}

enum gf_step gf_core__cancel_task(struct gf_core *core, const struct gf_input *input,
                                  struct gf_need *out_need) {
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *row = NULL;
    struct core_run *run = NULL;
    if (refuse_reason(core, input)) {
        return GF_STEP_DONE;
    }
    if (!gf_core__resolve_run(core, input, input->u.cancel.namespace_id,
                              input->u.cancel.pipeline_id, input->u.cancel.run_id, &pipeline, &row,
                              &run, out_need, &result)) {
        return result;
    }
    if (run != NULL) {
        struct core_task *task = NULL;
        if (!gf_core__resolve_task(core, input, run, input->u.cancel.task_id, &task, &result)) {
            return result;
        }
        const bool changed = cancel_task(core, task, input);
        struct gf_reply *reply = gf_core__reply(core, input);
        reply->unchanged = !changed;
        reply->run = row;
        reply->task = &task->row;
        return GF_STEP_DONE;
    }
    /* All its tasks have ended, whether there is one of that name is for the store to say. */
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->run = row;
    reply->unchanged = true;
    return GF_STEP_DONE;
}
