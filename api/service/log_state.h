/*
 * What is shown of logs, as their files are. Thread: any that may block for a moment.
 */
#ifndef GOFER_API_SERVICE_LOG_STATE_H_
#define GOFER_API_SERVICE_LOG_STATE_H_

#include "api/service/services.h"
#include "gofer/v1/task_execution.pb-c.h"

/*
 * Whether the log of this attempt was removed: its program had started, it is over, and the file is
 * not there though the scheduler makes one for every program whose log is not disabled. `execution`
 * is the row of a task, for its latest attempt, or that of an earlier one.
 */
bool gf_log_is_removed(const struct gf_services *services, const struct gf_run *run,
                       const struct gf_task_execution *execution);

/* What gf_task_execution_log_state gives, or REMOVED. */
Gofer__V1__LogState gf_log_state_of(const struct gf_services *services, const struct gf_run *run,
                                    const struct gf_task_execution *execution);

#endif /* GOFER_API_SERVICE_LOG_STATE_H_ */
