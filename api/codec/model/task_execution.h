/*
 * Task executions as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_TASK_EXECUTION_H_
#define GOFER_API_CODEC_MODEL_TASK_EXECUTION_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/task_execution.pb-c.h"

/* What a task execution is shown with. Borrowed for the call. */
struct gf_task_execution_view {
    const struct gf_run *run;
    const struct gf_task_execution *execution;
    struct gf_str image;     /* as the config names it */
    struct gf_str scheduler; /* that runs tasks here */
};

/* Without variables. */
Gofer__V1__TaskExecution *gf_task_execution_to_message(const struct gf_task_execution_view *view,
                                                       struct gf_arena *arena);

/* State of the log of the latest attempt. */
Gofer__V1__LogState gf_task_execution_log_state(const struct gf_task_execution *execution);

#endif /* GOFER_API_CODEC_MODEL_TASK_EXECUTION_H_ */
