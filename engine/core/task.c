/*
 * Design: a task that may run waits in one list of the whole server until there is a slot; a slot
 * is a running attempt, counted where attempts begin and end. A task that ended is pushed to
 * core->ended, and gf_core__run_settle walks from there to the children, so that a cascade of
 * skipped tasks costs a loop and no stack.
 */
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/dag.h"

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

static void add_ready(struct gf_core *core, struct core_task *task) {
    gf_list_push_back(&core->ready, &task->ready_link);
    core->ready_count++;
}

static void remove_ready(struct gf_core *core, struct core_task *task) {
    if (gf_list_linked(&task->ready_link)) {
        gf_list_remove(&task->ready_link);
        core->ready_count--;
    }
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
        add_ready(core, task);
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

void gf_core__task_end(struct gf_core *core, struct core_task *task, enum gf_task_status status,
                       enum gf_reason_kind kind, struct gf_str text) {
    struct core_run *run = task->run;
    gf_assert(task->row.state != GF_TASK_STATE_COMPLETE);
    remove_ready(core, task);
    if (gf_core__task_is_live(task)) {
        core->attempts_running--;
        gf_core__effect(core, GF_EFFECT_FORGET, gf_core__task_attempt(task));
    }
    task->row.state = GF_TASK_STATE_COMPLETE;
    task->row.status = status;
    task->row.reason.kind = kind;
    task->row.reason.text = gf_text_copy_cut(text, GF_REASON_BYTES_MAX, &run->arena);
    if (task->row.end_time == 0) {
        /* The wall clock may have been set back meanwhile. */
        task->row.end_time = core->now > task->row.start_time ? core->now : task->row.start_time;
    }
    run->tasks_left--;
    run->failed_count += status == GF_TASK_STATUS_FAILED;
    run->cancelled_count += status == GF_TASK_STATUS_CANCELLED;
    gf_core__mark_task(core, task);
    gf_core__event_task(core, GF_EVENT_TASK_EXECUTION_COMPLETED, task)->status = (int32_t)status;
    gf_vec_push(&core->ended, task);
}

static void launch(struct gf_core *core, struct core_task *task) {
    task->row.attempt++;
    task->row.state = GF_TASK_STATE_PROCESSING;
    task->row.launch_time = core->now;
    core->attempts_running++;
    gf_core__mark_task(core, task);
    gf_core__effect_launch(core, task);
}

void gf_core__effect_launch(struct gf_core *core, const struct core_task *task) {
    gf_core__effect(core, GF_EFFECT_LAUNCH, gf_core__task_attempt(task));
    struct gf_effect *effect = &core->batch.effects.items[core->batch.effects.count - 1];
    effect->run = &task->run->row;
    effect->config = &task->run->config->row;
}

void gf_core__dispatch(struct gf_core *core) {
    const int64_t most = core->limits.attempts_running_max;
    while (core->ready_count > 0 && (most == 0 || core->attempts_running < most)) {
        struct core_task *task =
            GF_CONTAINER_OF(gf_list_first(&core->ready), struct core_task, ready_link);
        remove_ready(core, task);
        launch(core, task);
    }
}
