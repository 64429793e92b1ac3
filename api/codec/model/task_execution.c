#include "api/codec/model/task_execution.h"

#include "api/codec/model/enums.h"
#include "api/codec/model/message.h"
#include "engine/core/protection.h"

Gofer__V1__LogState gf_task_execution_log_state(const struct gf_task_execution *execution) {
    if (execution->log_disabled) {
        return GOFER__V1__LOG_STATE__LOG_STATE_DISABLED;
    }
    if (!gf_task_execution_ran(execution)) {
        return GOFER__V1__LOG_STATE__LOG_STATE_UNSPECIFIED;
    }
    if (!gf_task_execution_attempt_is_over(execution)) {
        return GOFER__V1__LOG_STATE__LOG_STATE_OPEN;
    }
    /* Who wrote the log of a lost container is not known to have ended it. */
    const bool cut = execution->log_truncated || execution->reason.kind == GF_REASON_ORPHANED;
    return cut ? GOFER__V1__LOG_STATE__LOG_STATE_TRUNCATED
               : GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE;
}

static Gofer__V1__TaskExecutionStatusReason *reason_of(const struct gf_task_execution *execution,
                                                       struct gf_arena *arena) {
    Gofer__V1__TaskExecutionStatusReason *reason = GF_MESSAGE_NEW(
        arena, Gofer__V1__TaskExecutionStatusReason, gofer__v1__task_execution_status_reason);
    reason->kind = gf_task_reason_kind_to_message(execution->status, execution->reason.kind);
    reason->description = gf_message_text(execution->reason.text, arena);
    return reason;
}

static Gofer__V1__TaskExit *exit_of(const struct gf_task_execution *execution,
                                    struct gf_arena *arena) {
    Gofer__V1__TaskExit *message = GF_MESSAGE_NEW(arena, Gofer__V1__TaskExit, gofer__v1__task_exit);
    message->code = execution->exit_code;
    message->signal = execution->exit_signal;
    message->out_of_memory = execution->reason.kind == GF_REASON_OUT_OF_MEMORY;
    return message;
}

static Gofer__V1__TaskUsage *usage_of(const struct gf_task_execution *execution,
                                      struct gf_arena *arena) {
    if (execution->cpu_time_ns == 0 && execution->peak_memory_bytes == 0 &&
        execution->peak_pid_count == 0 && execution->disk_bytes == 0) {
        return NULL;
    }
    Gofer__V1__TaskUsage *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__TaskUsage, gofer__v1__task_usage);
    message->cpu_duration = gf_message_duration(execution->cpu_time_ns, arena);
    message->peak_memory_bytes = execution->peak_memory_bytes;
    message->peak_pid_count =
        (int32_t)(execution->peak_pid_count < INT32_MAX ? execution->peak_pid_count : INT32_MAX);
    message->disk_bytes = execution->disk_bytes;
    return message;
}

/* Their names, which are static; those of a later version are left out. */
static char **protections_of(uint32_t protections, struct gf_arena *arena, size_t *out_count) {
    char **texts = NULL;
    *out_count = 0;
    for (uint32_t bit = 1; bit != 0 && bit <= protections; bit <<= 1) {
        const char *text = (protections & bit) == 0 ? NULL : gf_protection_text(bit);
        if (text != NULL) {
            texts = texts != NULL ? texts : GF_ARENA_ARRAY(arena, 32, char *);
            texts[(*out_count)++] = (char *)text;
        }
    }
    return texts;
}

static Gofer__V1__TaskTimeline *timeline_of(const struct gf_task_execution *execution,
                                            struct gf_arena *arena) {
    Gofer__V1__TaskTimeline *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__TaskTimeline, gofer__v1__task_timeline);
    message->ready_time = gf_message_time(execution->ready_time, arena);
    message->queue_time = gf_message_time(execution->queue_time, arena);
    message->launch_time = gf_message_time(execution->launch_time, arena);
    message->pull_start_time = gf_message_time(execution->pull_start_time, arena);
    message->pull_end_time = gf_message_time(execution->pull_end_time, arena);
    message->start_time = gf_message_time(execution->start_time, arena);
    message->stop_time = gf_message_time(execution->stop_time, arena);
    if (execution->start_time != 0) {
        message->end_time = gf_message_time(execution->end_time, arena);
    }
    return message;
}

Gofer__V1__TaskExecution *gf_task_execution_to_message(const struct gf_task_execution_view *view,
                                                       struct gf_arena *arena) {
    const struct gf_task_execution *execution = view->execution;
    Gofer__V1__TaskExecution *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__TaskExecution, gofer__v1__task_execution);
    message->namespace_id = gf_message_text(view->run->namespace_id, arena);
    message->pipeline_id = gf_message_text(view->run->pipeline_id, arena);
    message->run_id = view->run->run_id;
    message->task_id = gf_message_text(execution->task_id, arena);
    message->state = (Gofer__V1__TaskExecutionState)execution->state;
    message->create_time = gf_message_time(execution->create_time, arena);
    message->start_time = gf_message_time(execution->start_time, arena);
    message->next_attempt_time = gf_message_time(execution->next_attempt_time, arena);
    message->kept_run_id = execution->kept_run_id;
    message->cancel_requested = execution->cancel_requested;
    message->attempt = execution->attempt;
    message->image = gf_message_text(view->image, arena);
    message->image_digest = gf_message_text(execution->image_digest, arena);
    message->node = gf_message_text(execution->node, arena);
    message->log_state = gf_task_execution_log_state(execution);
    message->log_bytes = execution->log_bytes;
    message->container_id = gf_message_text(execution->container_id, arena);
    message->root_expire_time = gf_message_time(execution->root_expire_time, arena);
    message->missing_protections =
        protections_of(execution->missing_protections, arena, &message->n_missing_protections);
    message->usage = usage_of(execution, arena);
    if (execution->attempt > 0) {
        message->scheduler = gf_message_text(view->scheduler, arena);
    }
    if (execution->attempt > 0 || execution->ready_time != 0) {
        message->timeline = timeline_of(execution, arena);
    }
    if (execution->has_exit_code) {
        message->exit = exit_of(execution, arena);
    }
    /* While the task waits for its next attempt, its row tells how the last one ended. */
    if (execution->state == GF_TASK_STATE_COMPLETE) {
        message->status = (Gofer__V1__TaskExecutionStatus)execution->status;
        message->end_time = gf_message_time(execution->end_time, arena);
        message->status_reason = reason_of(execution, arena);
    }
    return message;
}

static Gofer__V1__TaskAttempt *attempt_of(const struct gf_task_execution *attempt,
                                          struct gf_str scheduler, struct gf_arena *arena) {
    Gofer__V1__TaskAttempt *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__TaskAttempt, gofer__v1__task_attempt);
    message->attempt = attempt->attempt;
    message->status = (Gofer__V1__TaskExecutionStatus)attempt->status;
    message->status_reason = reason_of(attempt, arena);
    message->start_time = gf_message_time(attempt->start_time, arena);
    message->end_time = gf_message_time(attempt->end_time, arena);
    message->exit = attempt->has_exit_code ? exit_of(attempt, arena) : NULL;
    message->image_digest = gf_message_text(attempt->image_digest, arena);
    message->node = gf_message_text(attempt->node, arena);
    message->scheduler = gf_message_text(scheduler, arena);
    message->usage = usage_of(attempt, arena);
    message->timeline = timeline_of(attempt, arena);
    message->log_state = gf_task_execution_log_state(attempt);
    message->log_bytes = attempt->log_bytes;
    message->container_id = gf_message_text(attempt->container_id, arena);
    message->root_expire_time = gf_message_time(attempt->root_expire_time, arena);
    message->missing_protections =
        protections_of(attempt->missing_protections, arena, &message->n_missing_protections);
    return message;
}

void gf_task_execution_message_set_attempts(Gofer__V1__TaskExecution *message,
                                            const struct gf_task_execution *attempts, size_t count,
                                            struct gf_str scheduler, struct gf_arena *arena) {
    message->n_previous_attempts = count;
    message->previous_attempts =
        count == 0 ? NULL : GF_ARENA_ARRAY(arena, count, Gofer__V1__TaskAttempt *);
    for (size_t i = 0; i < count; i++) {
        message->previous_attempts[i] = attempt_of(&attempts[i], scheduler, arena);
    }
}
