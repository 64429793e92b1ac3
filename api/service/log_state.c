#include "api/service/log_state.h"

#include "api/codec/model/task_execution.h"

bool gf_log_is_removed(const struct gf_services *services, const struct gf_run *run,
                       const struct gf_task_execution *execution) {
    if (execution->log_disabled || !services->scheduler.ops->has_logs ||
        !gf_task_execution_ran(execution) || !gf_task_execution_attempt_is_over(execution)) {
        return false;
    }
    const struct gf_log_name name = {
        .pipeline_key = run->pipeline_key,
        .run_id = run->run_id,
        .task_index = execution->task_index,
        .attempt = execution->attempt,
    };
    return !gf_log_store_has(services->logs, &name);
}

Gofer__V1__LogState gf_log_state_of(const struct gf_services *services, const struct gf_run *run,
                                    const struct gf_task_execution *execution) {
    return gf_log_is_removed(services, run, execution) ? GOFER__V1__LOG_STATE__LOG_STATE_REMOVED
                                                       : gf_task_execution_log_state(execution);
}
