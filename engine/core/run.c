#include "base/alloc.h"
#include "base/clock.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- Beginning ---- */

void gf_core__run_make_tasks(struct core_run *run) {
    const struct gf_config *config = &run->config->row;
    run->tasks = GF_ARENA_ARRAY(&run->arena, config->task_count, struct core_task);
    run->tasks_left = config->task_count;
    for (size_t i = 0; i < config->task_count; i++) {
        struct core_task *task = &run->tasks[i];
        task->run = run;
        task->parents_left = (int32_t)config->tasks[i].parent_count;
        task->row.run_key = run->row.run_key;
        task->row.task_index = (int32_t)i;
        task->row.task_id = config->tasks[i].task_id;
        task->row.state = GF_TASK_STATE_WAITING;
        task->row.log_disabled = config->disable_logs || config->tasks[i].disable_logs;
    }
}

/* The results that a retry keeps count as if the tasks had run. */
static void keep_results(struct gf_core *core, struct core_run *run) {
    struct core_task *task = run->tasks;
    const struct core_task *end = run->tasks + run->config->row.task_count;
    for (size_t i = 0; i < run->row.kept_count; i++) {
        const struct gf_kept_tasks *kept = &run->row.kept_tasks[i];
        for (int64_t left = kept->task_count; left > 0 && task < end; left--, task++) {
            if (kept->run_id != 0) {
                task->row.kept_run_id = kept->run_id;
                gf_core__task_end(core, task, GF_TASK_STATUS_SUCCESSFUL, GF_REASON_UNSPECIFIED,
                                  GF_STR(""));
            }
        }
    }
}

void gf_core__run_begin(struct gf_core *core, struct core_run *run) {
    const struct gf_config *config = &run->config->row;
    const int64_t timeout_ms = gf_core__run_timeout_ms(core, config);
    run->row.state = GF_RUN_STATE_RUNNING;
    /* The wall clock may have been set back meanwhile. */
    run->row.start_time = core->now > run->row.create_time ? core->now : run->row.create_time;
    run->row.deadline_time = timeout_ms > 0 ? gf_deadline_after_ms(core->now, timeout_ms) : 0;
    gf_core__run_watch(core, run);
    gf_core__mark_run(core, run);
    (void)gf_core__event_run(core, GF_EVENT_RUN_STARTED, run);
    gf_core__run_make_tasks(run);
    gf_core__run_make_groups(run);
    for (size_t i = 0; i < config->task_count; i++) {
        run->tasks[i].row.create_time = core->now;
        gf_core__mark_task(core, &run->tasks[i]);
        (void)gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_CREATED, &run->tasks[i]);
    }
    keep_results(core, run);
    for (size_t i = 0; i < config->task_count; i++) {
        if (run->tasks[i].parents_left == 0 && run->tasks[i].row.state == GF_TASK_STATE_WAITING) {
            gf_core__task_decide(core, &run->tasks[i]);
        }
    }
    gf_core__run_settle(core, run);
}

/* ---- Ending ---- */

static bool has_failed(const struct core_task *task) {
    return task->row.status == GF_TASK_STATUS_FAILED ||
           task->row.reason.kind == GF_REASON_TIMED_OUT;
}

static bool was_cancelled(const struct core_task *task) {
    return task->row.status == GF_TASK_STATUS_CANCELLED;
}

/* The reason of a run is that of the first task, in the order of the file, that decided it. */
static void set_reason_of_task(struct core_run *run, bool (*decides)(const struct core_task *task),
                               size_t count, const char *what) {
    const struct core_task *first = run->tasks;
    while (!decides(first)) {
        first++;
    }
    const enum gf_reason_kind kind = first->row.reason.kind;
    const bool of_scheduler = kind == GF_REASON_SCHEDULER_ERROR || kind == GF_REASON_ORPHANED;
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX * 2);
    gf_strbuf_printf(&text, "task '%" GF_STR_FMT "' %s", GF_STR_ARG(first->row.task_id), what);
    if (count > 1) {
        gf_strbuf_printf(&text, " (and %zu more)", count - 1);
    }
    gf_strbuf_printf(&text, ": %" GF_STR_FMT, GF_STR_ARG(first->row.reason.text));
    run->row.reason.kind = of_scheduler ? kind : GF_REASON_ABNORMAL_EXIT;
    run->row.reason.text =
        gf_text_copy_cut(gf_strbuf_view(&text), GF_REASON_BYTES_MAX, &run->arena);
    gf_strbuf_fini(&text);
}

/*
 * What a run ended as follows from the results of its tasks alone; one that never began has none
 * and was cancelled. The reason of a run that was ended is there since then, where it was that
 * which decided.
 */
static void set_result(struct core_run *run) {
    const bool timed_out = run->row.reason.kind == GF_REASON_TIMED_OUT;
    if (run->tasks == NULL || run->cancelled_count > 0) {
        run->row.status = GF_RUN_STATUS_CANCELLED;
        if (!run->row.cancel_requested) {
            set_reason_of_task(run, was_cancelled, run->cancelled_count, "was cancelled");
        }
    } else if (run->failed_count + run->timed_out_count > 0) {
        run->row.status = GF_RUN_STATUS_FAILED;
        if (!timed_out || run->timed_out_count == 0) {
            set_reason_of_task(run, has_failed, run->failed_count, "failed");
        }
    } else {
        run->row.status = GF_RUN_STATUS_SUCCESSFUL;
        run->row.reason = (struct gf_reason){.kind = GF_REASON_UNSPECIFIED};
    }
}

static void end_run(struct gf_core *core, struct core_run *run) {
    run->row.state = GF_RUN_STATE_COMPLETE;
    const int64_t begin = run->row.start_time > 0 ? run->row.start_time : run->row.create_time;
    run->row.end_time = core->now > begin ? core->now : begin;
    gf_core__timer_clear(core, &run->deadline);
    set_result(run);
    gf_core__mark_run(core, run);
    struct gf_event *event = gf_core__event_run(core, GF_EVENT_RUN_COMPLETED, run);
    event->status = (int32_t)run->row.status;
    gf_core__tell_reason(event, run->row.reason.kind);
    gf_core__bury_run(core, run);
}

void gf_core__run_settle(struct gf_core *core, struct core_run *run) {
    for (size_t i = 0; i < core->ended.count; i++) {
        const struct core_task *ended = core->ended.items[i];
        const struct gf_task *config = gf_core__task_config(ended);
        gf_assert(ended->run == run);
        for (size_t c = 0; c < config->child_count; c++) {
            struct core_task *child = &run->tasks[config->children[c]];
            child->parents_left--;
            if (child->parents_left == 0 && child->row.state == GF_TASK_STATE_WAITING) {
                gf_core__task_decide(core, child);
            }
        }
    }
    gf_vec_clear(&core->ended);
    if (run->tasks_left == 0) {
        gf_core__run_give_slot(core, run);
        end_run(core, run);
    }
}

void gf_core__run_end_queued(struct gf_core *core, struct core_run *run) {
    gf_assert(run->row.state == GF_RUN_STATE_QUEUED);
    gf_core__run_dequeue(core, run);
    end_run(core, run);
}
