/*
 * Deleting the logs of a task. They are files, of which the core knows nothing: what it has to say
 * is that nobody writes them any more, and what it leaves is the event.
 */
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

static enum gf_step refuse_unended(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "TASK_NOT_ENDED",
                         "task '%" GF_STR_FMT "' of run %" PRId64
                         " has not ended: cancel it first, or wait",
                         GF_STR_ARG(input->u.delete_logs.task_id), input->u.delete_logs.run_id);
    return gf_core__refuse(core, input, &err);
}

/* The pipeline was deleted after the caller had looked, and there is another one of that id. */
static enum gf_step refuse_other(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_NOT_FOUND, "run %" PRId64 " of pipeline '%" GF_STR_FMT "' was deleted",
                  input->u.delete_logs.run_id, GF_STR_ARG(input->u.delete_logs.pipeline_id));
    return gf_core__refuse(core, input, &err);
}

enum gf_step gf_core__delete_task_logs(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need) {
    const struct gf_str task_id = input->u.delete_logs.task_id;
    enum gf_step result = GF_STEP_DONE;
    struct core_pipeline *pipeline = NULL;
    const struct gf_run *row = NULL;
    struct core_run *run = NULL;
    struct core_task *task = NULL;
    if (!gf_core__resolve_run(core, input, input->u.delete_logs.namespace_id,
                              input->u.delete_logs.pipeline_id, input->u.delete_logs.run_id,
                              &pipeline, &row, &run, out_need, &result)) {
        return result;
    }
    if (row->run_key != input->u.delete_logs.run_key) {
        return refuse_other(core, input);
    }
    if (run != NULL && !gf_core__resolve_task(core, input, run, task_id, &task, &result)) {
        return result;
    }
    if (task != NULL && task->row.state != GF_TASK_STATE_COMPLETE) {
        return refuse_unended(core, input);
    }
    struct gf_event *event =
        gf_core__event_pipeline(core, GF_EVENT_TASK_EXECUTION_LOGS_DELETED, pipeline);
    event->run_id = row->run_id;
    event->task_id = gf_text_copy(task_id, &core->batch_arena);
    gf_core__reply(core, input)->run = row;
    return GF_STEP_DONE;
}
