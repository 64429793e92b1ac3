/* What must hold of one task: see world_check.c for the list. */
#include "engine/core/dag.h"
#include "engine/testing/world_check.h"

#include <inttypes.h>

static const struct world_container *find_container(const struct world *world,
                                                    const struct gf_task_execution *task) {
    for (size_t i = 0; i < world->containers.count; i++) {
        const struct gf_attempt attempt = world->containers.items[i].attempt;
        if (attempt.run_key == task->run_key && attempt.task_index == task->task_index &&
            attempt.attempt == task->attempt) {
            return &world->containers.items[i];
        }
    }
    return NULL;
}

/* Parents of a task: all complete, and as the task asks? */
static void look_at_parents(const struct gf_task *config, const struct gf_task_execution *tasks,
                            bool *out_complete, bool *out_met) {
    *out_complete = true;
    *out_met = true;
    for (size_t p = 0; p < config->parent_count; p++) {
        const struct gf_task_execution *parent = &tasks[config->parents[p].index];
        *out_complete = *out_complete && parent->state == GF_TASK_STATE_COMPLETE;
        *out_met = *out_met && gf_dag_rule_met(config->parents[p].rule, parent->status);
    }
}

/* Whether all slots of a task's pool are taken. */
static bool pool_is_full(const struct check_pipeline *pipeline, const struct check_run *run,
                         const struct gf_task *task) {
    if (task->pool.len == 0) {
        return false;
    }
    const int64_t limit = run->config->pools[task->pool_index].parallelism;
    int64_t used = 0;
    bool same_limit = true;
    for (size_t r = 0; r < pipeline->run_count; r++) {
        const struct check_run *other = &pipeline->runs[r];
        for (size_t i = 0; i < other->task_count && other->row.state == GF_RUN_STATE_RUNNING; i++) {
            const struct gf_task *config = &other->config->tasks[i];
            if (!gf_str_eq(config->pool, task->pool)) {
                continue;
            }
            used += check_is_live(&other->tasks[i]);
            same_limit =
                same_limit && other->config->pools[config->pool_index].parallelism == limit;
        }
    }
    /* Where versions differ the first in the line decides how many there may be. */
    return used >= limit || !same_limit;
}

static void check_waiting(struct check *check, const struct check_pipeline *pipeline,
                          const struct check_run *run, size_t index, const char *id) {
    const struct gf_task_execution *task = &run->tasks[index];
    bool complete = true;
    bool met = true;
    EXPECT(check, !check_is_ending(&run->row) && !task->cancel_requested, "%s: waits though ended",
           id);
    look_at_parents(&run->config->tasks[index], run->tasks, &complete, &met);
    if (task->next_attempt_time > 0) {
        EXPECT(check, task->attempt > 0, "%s: the next attempt has none before it", id);
        check->tasks_backoff++;
        check->deadlines++;
        return;
    }
    if (!complete) {
        EXPECT(check, task->ready_time == 0, "%s: ready before its parents ended", id);
        return;
    }
    check->tasks_ready++;
    const int64_t attempts = gf_core_get_stats(check->world->core).attempts_running;
    EXPECT(check, met && task->ready_time > 0 && task->queue_time > 0, "%s: waits for nothing", id);
    EXPECT(check,
           check_is_full(attempts, check->world->limits.attempts_running_max) ||
               check_is_full(run->live, run->config->task_parallelism) ||
               pool_is_full(pipeline, run, &run->config->tasks[index]),
           "%s: waits while there is a slot", id);
}

/* How many earlier attempts it has; each has one outcome that is recorded. */
static int32_t check_attempts(struct check *check, const struct check_run *run, size_t index,
                              const char *id) {
    const struct gf_task_execution *task = &run->tasks[index];
    const int32_t most = run->config->tasks[index].retry.max_attempts;
    struct gf_task_execution *rows = NULL;
    size_t count = 0;
    if (task->attempt == 0) {
        return 0;
    }
    gf_assert(check->ops->list_attempts(check->reader, task->run_key, task->task_index,
                                        &check->arena, &rows, &count, NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        EXPECT(check, rows[i].attempt == (int32_t)i + 1, "%s: attempt %zu has number %" PRId32, id,
               i + 1, rows[i].attempt);
        EXPECT(check,
               rows[i].state == GF_TASK_STATE_COMPLETE && rows[i].status == GF_TASK_STATUS_FAILED &&
                   rows[i].reason.kind != GF_REASON_UNSPECIFIED && rows[i].next_attempt_time == 0,
               "%s: attempt %zu is not over", id, i + 1);
        EXPECT(check, rows[i].end_time > 0 && rows[i].end_time >= rows[i].start_time,
               "%s: attempt %zu ended before its start", id, i + 1);
        check->rows_by_event[GF_EVENT_TASK_EXECUTION_STARTED] += rows[i].start_time != 0;
    }
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_RETRIED] += (int64_t)count;
    EXPECT(check, (int32_t)count < (most > 1 ? most : 1),
           "%s: %zu attempts have failed, %" PRId32 " are allowed", id, count, most);
    return (int32_t)count;
}

static void check_complete(struct check *check, const struct check_run *run, size_t index,
                           int32_t earlier, const char *id) {
    const struct gf_task_execution *task = &run->tasks[index];
    const bool of_timeout = task->reason.kind == GF_REASON_TIMED_OUT;
    bool complete = true;
    bool met = true;
    look_at_parents(&run->config->tasks[index], run->tasks, &complete, &met);
    EXPECT(check, task->end_time >= task->start_time && task->end_time > 0,
           "%s: ended before its start", id);
    EXPECT(check, task->next_attempt_time == 0, "%s: an attempt is due though it ended", id);
    switch (task->status) {
    case GF_TASK_STATUS_SUCCESSFUL:
        EXPECT(check, task->kept_run_id > 0 || (task->has_exit_code && task->exit_code == 0),
               "%s: successful without having run", id);
        break;
    case GF_TASK_STATUS_FAILED:
        EXPECT(check, task->attempt > 0 || of_timeout, "%s: failed without having run", id);
        break;
    case GF_TASK_STATUS_CANCELLED:
        EXPECT(check, task->cancel_requested || run->row.cancel_requested,
               "%s: cancelled by nobody", id);
        break;
    case GF_TASK_STATUS_SKIPPED:
        EXPECT(check, task->attempt == 0 && ((complete && !met) || of_timeout),
               "%s: skipped for no reason", id);
        break;
    case GF_TASK_STATUS_UNSPECIFIED:
        EXPECT(check, false, "%s: ended without status", id);
        break;
    }
    EXPECT(check,
           earlier < task->attempt || task->attempt == 0 ||
               task->status == GF_TASK_STATUS_CANCELLED || of_timeout,
           "%s: ended while it waited for its next attempt", id);
}

static void check_kept(struct check *check, const struct check_run *run, size_t index,
                       const char *id) {
    const struct gf_task_execution *task = &run->tasks[index];
    int64_t kept_run_id = 0;
    size_t next = 0;
    for (size_t i = 0; i < run->row.kept_count && next <= index; i++) {
        kept_run_id = run->row.kept_tasks[i].run_id;
        next += (size_t)run->row.kept_tasks[i].task_count;
    }
    EXPECT(check, task->kept_run_id == kept_run_id && kept_run_id <= run->row.retried_run_id,
           "%s: result of run %" PRId64 " kept", id, task->kept_run_id);
    EXPECT(check,
           kept_run_id == 0 || (task->attempt == 0 && task->status == GF_TASK_STATUS_SUCCESSFUL &&
                                task->state == GF_TASK_STATE_COMPLETE),
           "%s: its result is kept and it ran", id);
}

static void check_live(struct check *check, const struct check_run *run, size_t index,
                       const char *id) {
    const struct gf_task_execution *task = &run->tasks[index];
    const struct world_container *container = find_container(check->world, task);
    const bool unwanted = check_is_ending(&run->row) || task->cancel_requested;
    const int64_t timeout_ms =
        check_least(run->config->tasks[index].timeout_ms, check->world->limits.task_timeout_ms_max);
    EXPECT(check, check_is_live(task) == (container != NULL), "%s: %s", id,
           check_is_live(task) ? "has no container" : "has a container that nobody wants");
    if (!check_is_live(task)) {
        return;
    }
    check->attempts_running++;
    EXPECT(check, container == NULL || !unwanted || container->stop_asked,
           "%s: was not told to stop", id);
    EXPECT(check, !unwanted || task->stop_time > 0, "%s: lacks the time of its stop", id);
    EXPECT(check, (task->state == GF_TASK_STATE_RUNNING) == (task->start_time > 0),
           "%s: start time and state differ", id);
    check->deadlines +=
        task->state == GF_TASK_STATE_PROCESSING || timeout_ms > 0 || task->stop_time > 0;
}

void check_task(struct check *check, const struct check_pipeline *pipeline,
                const struct check_run *run, size_t index) {
    const struct gf_task_execution *task = &run->tasks[index];
    const char *id = gf_arena_printf(
        &check->arena, "%" GF_STR_FMT ", run %" PRId64 ", task %" GF_STR_FMT,
        GF_STR_ARG(run->row.pipeline_id), run->row.run_id, GF_STR_ARG(task->task_id));
    bool complete = true;
    bool met = true;
    look_at_parents(&run->config->tasks[index], run->tasks, &complete, &met);
    if (task->attempt > 0) {
        EXPECT(check, complete && met, "%s: launched before its parents allow", id);
        EXPECT(check, task->launch_time > 0, "%s: lacks the time of its launch", id);
    }
    const int32_t earlier = check_attempts(check, run, index, id);
    if (task->state == GF_TASK_STATE_COMPLETE) {
        check_complete(check, run, index, earlier, id);
    } else {
        EXPECT(check, task->status == GF_TASK_STATUS_UNSPECIFIED, "%s: status too early", id);
        EXPECT(check, earlier == task->attempt - check_is_live(task),
               "%s: %" PRId32 " of %" PRId32 " attempts are over", id, earlier, task->attempt);
    }
    if (task->state == GF_TASK_STATE_WAITING) {
        check_waiting(check, pipeline, run, index, id);
    }
    check_live(check, run, index, id);
    check_kept(check, run, index, id);
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_CREATED]++;
    /* Until the next launch the row shows the attempt before, which has a row of its own. */
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_STARTED] +=
        task->start_time != 0 && earlier < task->attempt;
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_COMPLETED] +=
        task->state == GF_TASK_STATE_COMPLETE;
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_CANCELLATION_STARTED] += task->cancel_requested;
}
