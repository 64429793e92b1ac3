/*
 * Design: cancels, displacements and timeouts are one thing: a reason is written into the run's
 * row, what waits ends at once, what runs is told to stop, and the run ends with its last task.
 * What an ending run's tasks become follows from the kind of that reason alone, so that a restart
 * goes on from the row.
 */
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

/* ---- Tasks ---- */

/*
 * A task that did not get to run. A cancel cancels it. A timeout fails what could have run, which
 * is what the run was too slow with, and skips what was behind that.
 */
static void end_waiting(struct gf_core *core, struct core_task *task) {
    const struct gf_reason *reason = &task->run->row.reason;
    enum gf_task_status status = GF_TASK_STATUS_CANCELLED;
    if (reason->kind == GF_REASON_TIMED_OUT) {
        status = task->row.ready_time > 0 ? GF_TASK_STATUS_FAILED : GF_TASK_STATUS_SKIPPED;
    }
    gf_core__task_end(core, task, status, reason->kind, reason->text);
}

void gf_core__run_stop_tasks(struct gf_core *core, struct core_run *run, bool force) {
    if (run->row.state != GF_RUN_STATE_RUNNING) {
        gf_core__run_end_queued(core, run);
        return;
    }
    run->stop_forced = force;
    for (size_t i = 0; i < run->config->row.task_count; i++) {
        struct core_task *task = &run->tasks[i];
        if (gf_core__task_is_live(task)) {
            gf_core__task_stop(core, task, force || task->last_call);
        } else if (task->row.state == GF_TASK_STATE_WAITING) {
            end_waiting(core, task);
        }
    }
    gf_core__run_settle(core, run);
}

bool gf_core__run_stop_now(struct gf_core *core, struct core_run *run) {
    bool any = false;
    if (run->stop_forced) {
        return false;
    }
    run->stop_forced = true;
    for (size_t i = 0; i < run->config->row.task_count; i++) {
        if (gf_core__task_is_live(&run->tasks[i])) {
            gf_core__task_stop(core, &run->tasks[i], /* force= */ true);
            any = true;
        }
    }
    return any;
}

/* ---- Runs ---- */

void gf_core__run_stop(struct gf_core *core, struct core_run *run, enum gf_reason_kind kind,
                       struct gf_str text, bool force) {
    gf_assert(!gf_core__run_is_ending(run) && run->row.state != GF_RUN_STATE_COMPLETE);
    run->row.reason.kind = kind;
    run->row.reason.text = gf_text_copy_cut(text, GF_REASON_BYTES_MAX, &run->arena);
    run->row.cancel_requested = kind != GF_REASON_TIMED_OUT;
    gf_core__run_mark_ending(run);
    gf_core__timer_clear(core, &run->deadline);
    gf_core__mark_run(core, run);
    if (run->row.cancel_requested) {
        gf_core__tell_force(gf_core__event_run(core, GF_EVENT_RUN_CANCELLATION_STARTED, run),
                            force);
    }
    gf_core__run_stop_tasks(core, run, force);
}
