/*
 * Design: what a task may do next follows from its parents (gf_core__task_decide), from the slots
 * (slots.c), from what the scheduler says (reports.c) and from the time (clock.c); here is what
 * each of those changes in its row. A task that ended is pushed to core->ended, and
 * gf_core__run_settle walks from there to the children, so that a cascade of skipped tasks costs a
 * loop and no stack.
 */
#include "base/clock.h"
#include "base/siphash.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/dag.h"
#include "engine/core/retry.h"

const struct gf_task *gf_core__task_config(const struct core_task *task) {
    return &task->run->config->row.tasks[task->row.task_index];
}

struct gf_attempt gf_core__task_attempt(const struct core_task *task) {
    return (struct gf_attempt){
        .run_key = task->row.run_key,
        .task_index = task->row.task_index,
        .attempt = task->row.attempt,
    };
}

bool gf_core__task_is_live(const struct core_task *task) {
    return task->row.attempt > 0 && (task->row.state == GF_TASK_STATE_PROCESSING ||
                                     task->row.state == GF_TASK_STATE_RUNNING);
}

/* The first parent that did not end as the task asks; NULL when all did. */
static const struct gf_parent *unmet_parent(const struct core_task *task) {
    const struct gf_task *config = gf_core__task_config(task);
    for (size_t i = 0; i < config->parent_count; i++) {
        const struct gf_parent *parent = &config->parents[i];
        const struct core_task *ended = &task->run->tasks[parent->index];
        if (!gf_dag_rule_met(parent->rule, ended->row.status)) {
            return parent;
        }
    }
    return NULL;
}

static const char *rule_words(enum gf_parent_rule rule) {
    switch (rule) {
    case GF_PARENT_ANY:
        return "to end without being cancelled";
    case GF_PARENT_SUCCESS:
        return "to be successful";
    case GF_PARENT_FAILURE:
        return "to fail";
    case GF_PARENT_UNSPECIFIED:
        break;
    }
    gf_unreachable();
}

static const char *status_words(enum gf_task_status status) {
    switch (status) {
    case GF_TASK_STATUS_SUCCESSFUL:
        return "was successful";
    case GF_TASK_STATUS_FAILED:
        return "failed";
    case GF_TASK_STATUS_CANCELLED:
        return "was cancelled";
    case GF_TASK_STATUS_SKIPPED:
        return "was skipped";
    case GF_TASK_STATUS_UNSPECIFIED:
        break;
    }
    gf_unreachable();
}

void gf_core__task_decide(struct gf_core *core, struct core_task *task) {
    gf_assert(task->row.state == GF_TASK_STATE_WAITING && task->parents_left == 0);
    const struct gf_parent *unmet = unmet_parent(task);
    if (unmet == NULL) {
        task->row.ready_time = core->now;
        task->row.queue_time = core->now;
        gf_core__mark_task(core, task);
        gf_core__task_ready(core, task);
        return;
    }
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_REASON_BYTES_MAX);
    gf_strbuf_printf(&text, "task '%" GF_STR_FMT "' %s, and this one waits for it %s",
                     GF_STR_ARG(unmet->task_id),
                     status_words(task->run->tasks[unmet->index].row.status),
                     rule_words(unmet->rule));
    gf_core__task_end(core, task, GF_TASK_STATUS_SKIPPED, GF_REASON_FAILED_PRECONDITION,
                      gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
}

/* ---- The ends of attempts and of tasks ---- */

/* An attempt is over: it gives back its slot, and the scheduler may forget it. */
static void end_attempt(struct gf_core *core, struct core_task *task) {
    gf_core__task_give_slot(core, task);
    gf_core__effect(core, GF_EFFECT_FORGET, gf_core__task_attempt(task));
    gf_core__timer_clear(core, &task->timer);
    task->last_call = false;
    gf_core__repair_answer(core, task, NULL);
}

/* The wall clock may have been set back meanwhile. */
static int64_t end_time(const struct gf_core *core, const struct core_task *task) {
    return core->now > task->row.start_time ? core->now : task->row.start_time;
}

/* What ends a run ends all that wait of it: the text is kept once. */
static struct gf_str keep_reason(struct core_run *run, struct gf_str text) {
    return text.len > 0 && gf_str_eq(text, run->row.reason.text)
               ? run->row.reason.text
               : gf_text_copy_cut(text, GF_REASON_BYTES_MAX, &run->arena);
}

void gf_core__task_end(struct gf_core *core, struct core_task *task, enum gf_task_status status,
                       enum gf_reason_kind kind, struct gf_str text) {
    struct core_run *run = task->run;
    gf_assert(task->row.state != GF_TASK_STATE_COMPLETE);
    if (gf_core__task_is_live(task)) {
        end_attempt(core, task);
    } else {
        gf_core__task_unready(core, task);
        if (task->row.next_attempt_time > 0) {
            gf_core__timer_clear(core, &task->timer);
            core->backoff_count--;
            task->row.next_attempt_time = 0;
        }
        task->row.end_time = 0; /* of the attempt before */
    }
    task->row.state = GF_TASK_STATE_COMPLETE;
    task->row.status = status;
    task->row.reason.kind = kind;
    task->row.reason.text = keep_reason(run, text);
    if (task->row.end_time == 0) {
        task->row.end_time = end_time(core, task);
    }
    run->tasks_left--;
    run->failed_count += status == GF_TASK_STATUS_FAILED;
    run->cancelled_count += status == GF_TASK_STATUS_CANCELLED;
    run->timed_out_count += kind == GF_REASON_TIMED_OUT;
    gf_core__mark_task(core, task);
    struct gf_event *event = gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_COMPLETED, task);
    event->status = (int32_t)status;
    gf_core__tell_end(core, event, &task->row);
    gf_vec_push(&core->ended, task);
}

/* Whether the attempt that has just failed is to be followed by another one. */
static bool may_retry(const struct core_task *task, enum gf_reason_kind kind) {
    const struct gf_retry_policy *policy = &gf_core__task_config(task)->retry;
    return task->row.attempt < policy->max_attempts && !gf_core__run_is_ending(task->run) &&
           !task->row.cancel_requested &&
           gf_retry_allows(policy, kind, task->row.has_exit_code, task->row.exit_code);
}

/* The same attempt always waits the same time: nothing is drawn. */
static int64_t backoff_ms(const struct core_task *task) {
    static const uint64_t key[2] = {0x676f666572, 0x6a6974746572};
    const int64_t numbers[] = {task->row.run_key, task->row.task_index, task->row.attempt};
    return gf_retry_backoff_ms(&gf_core__task_config(task)->retry, task->row.attempt,
                               gf_siphash(key, numbers, sizeof(numbers)));
}

/* Keeps the row as it is now as that of an attempt that is over. */
static void record_attempt(struct gf_core *core, const struct core_task *task) {
    struct gf_task_execution *row = GF_ARENA_NEW(&core->batch_arena, struct gf_task_execution);
    *row = task->row;
    row->state = GF_TASK_STATE_COMPLETE;
    row->status = GF_TASK_STATUS_FAILED;
    gf_vec_push(&core->batch.attempts, row);
}

void gf_core__attempt_fail(struct gf_core *core, struct core_task *task, enum gf_reason_kind kind,
                           struct gf_str text) {
    if (!may_retry(task, kind)) {
        gf_core__task_end(core, task, GF_TASK_STATUS_FAILED, kind, text);
        return;
    }
    end_attempt(core, task);
    task->row.reason.kind = kind;
    task->row.reason.text = gf_text_copy_cut(text, GF_REASON_BYTES_MAX, &task->run->arena);
    if (task->row.end_time == 0) {
        task->row.end_time = end_time(core, task);
    }
    record_attempt(core, task);
    task->row.state = GF_TASK_STATE_WAITING;
    task->row.next_attempt_time = gf_deadline_after_ms(core->now, backoff_ms(task));
    core->backoff_count++;
    gf_core__timer_set(core, &task->timer, CORE_TIMER_TASK, task->row.next_attempt_time);
    gf_core__mark_task(core, task);
    struct gf_event *event = gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_RETRIED, task);
    event->status = (int32_t)GF_TASK_STATUS_FAILED;
    gf_core__tell_end(core, event, &task->row);
}

/* ---- Launching ---- */

/* Forgets what the attempt before left in the row. */
static void clear_attempt(struct gf_task_execution *row) {
    row->reason = (struct gf_reason){.kind = GF_REASON_UNSPECIFIED};
    row->has_exit_code = false;
    row->exit_code = 0;
    row->exit_signal = 0;
    row->pull_start_time = 0;
    row->pull_end_time = 0;
    row->start_time = 0;
    row->stop_time = 0;
    row->end_time = 0;
    row->cpu_time_ns = 0;
    row->peak_memory_bytes = 0;
    row->peak_pid_count = 0;
    row->disk_bytes = 0;
    row->log_bytes = 0;
    row->log_truncated = false;
    row->image_digest = GF_STR("");
    row->node = GF_STR("");
    row->container_id = GF_STR("");
    row->missing_protections = 0;
    row->root_expire_time = 0;
}

void gf_core__task_launch(struct gf_core *core, struct core_task *task) {
    if (task->row.attempt > 0) {
        clear_attempt(&task->row);
    }
    task->row.attempt++;
    task->row.state = GF_TASK_STATE_PROCESSING;
    task->row.launch_time = core->now;
    gf_core__task_take_slot(core, task);
    gf_core__task_watch(core, task);
    gf_core__mark_task(core, task);
    gf_core__effect_launch(core, task);
}

void gf_core__effect_launch(struct gf_core *core, const struct core_task *task) {
    const struct gf_task *config = gf_core__task_config(task);
    struct gf_effect *effect = gf_core__effect(core, GF_EFFECT_LAUNCH, gf_core__task_attempt(task));
    effect->run = &task->run->row;
    effect->config = &task->run->config->row;
    effect->namespace_key = task->run->pipeline->row.namespace_key;
    effect->timeout_ms = gf_core__task_timeout_ms(core, config);
    effect->stop_timeout_ms = gf_core__stop_timeout_ms(core, config);
}
