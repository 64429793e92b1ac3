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

/* Without variables and previous_attempts. */
Gofer__V1__TaskExecution *gf_task_execution_to_message(const struct gf_task_execution_view *view,
                                                       struct gf_arena *arena);

/* Adds the rows of earlier attempts, oldest first. */
void gf_task_execution_message_set_attempts(Gofer__V1__TaskExecution *message,
                                            const struct gf_task_execution *attempts, size_t count,
                                            struct gf_str scheduler, struct gf_arena *arena);

/* Whether the latest attempt has ended: with the task, or the task waits for its next one. */
static inline bool gf_task_execution_attempt_is_over(const struct gf_task_execution *execution) {
    return execution->state == GF_TASK_STATE_COMPLETE ||
           (execution->state == GF_TASK_STATE_WAITING && execution->attempt > 0);
}

/* Whether the latest attempt's container has run. A result that was kept from another run did not.
 */
static inline bool gf_task_execution_ran(const struct gf_task_execution *execution) {
    return execution->attempt > 0 && execution->start_time != 0;
}

/* State of the log of the latest attempt. */
Gofer__V1__LogState gf_task_execution_log_state(const struct gf_task_execution *execution);

#endif /* GOFER_API_CODEC_MODEL_TASK_EXECUTION_H_ */
