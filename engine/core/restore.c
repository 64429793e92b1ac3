/*
 * Continuing after a restart. The rows tell everything: slots are counted from running attempts,
 * open parents from the states of the parents, queues from the queued runs. What a crash left
 * between a commit and its effects is made good here and by the scheduler's recovery: launches are
 * asked about, stops are given again.
 */
#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

void gf_core_restore_namespace(struct gf_core *core, const struct gf_namespace *ns) {
    (void)gf_core__add_namespace(core, ns);
}

static void restore_task(struct gf_core *core, struct core_run *run,
                         const struct gf_task_execution *row) {
    struct core_task *task = &run->tasks[row->task_index];
    const struct gf_str task_id = task->row.task_id;
    gf_task_execution_copy(row, &run->arena, &task->row);
    task->row.task_id = task_id;
    if (row->state == GF_TASK_STATE_COMPLETE) {
        run->tasks_left--;
        run->failed_count += row->status == GF_TASK_STATUS_FAILED;
        run->cancelled_count += row->status == GF_TASK_STATUS_CANCELLED;
        run->timed_out_count += row->reason.kind == GF_REASON_TIMED_OUT;
    } else if (gf_core__task_is_live(task)) {
        gf_core__task_take_slot(core, task);
    }
}

/* Counts, for each task, the parents that are not COMPLETE. */
static void count_parents(struct core_run *run) {
    const struct gf_config *config = &run->config->row;
    for (size_t i = 0; i < config->task_count; i++) {
        if (run->tasks[i].row.state != GF_TASK_STATE_COMPLETE) {
            continue;
        }
        for (size_t c = 0; c < config->tasks[i].child_count; c++) {
            run->tasks[config->tasks[i].children[c]].parents_left--;
        }
    }
}

bool gf_core_restore_run(struct gf_core *core, const struct gf_run *run,
                         const struct gf_task_execution *tasks, size_t task_count) {
    struct core_pipeline *pipeline = gf_map_i64_get(&core->pipelines_by_key, run->pipeline_key);
    const struct core_key key = gf_core__key_of_numbers(run->pipeline_key, run->version);
    struct core_config *config = gf_map_get(&core->configs, gf_core__key_view(&key));
    if (pipeline == NULL || config == NULL || run->state == GF_RUN_STATE_COMPLETE) {
        return false;
    }
    for (size_t i = 0; i < task_count; i++) {
        if (tasks[i].task_index < 0 || (size_t)tasks[i].task_index >= config->row.task_count) {
            return false;
        }
    }
    struct core_run *restored = GF_NEW(struct core_run);
    gf_arena_init(&restored->arena, GF_CORE_RUN_BYTES_MAX);
    gf_run_copy(run, &restored->arena, &restored->row);
    restored->row.namespace_id = pipeline->row.namespace_id;
    restored->row.pipeline_id = pipeline->row.pipeline_id;
    restored->pipeline = pipeline;
    restored->config = config;
    gf_core__add_run(core, restored);
    if (run->state == GF_RUN_STATE_RUNNING) {
        gf_core__run_make_tasks(restored);
        gf_core__run_make_groups(restored);
        for (size_t i = 0; i < task_count; i++) {
            restore_task(core, restored, &tasks[i]);
        }
        count_parents(restored);
    }
    return true;
}

void gf_core_skip_keys(struct gf_core *core, int64_t namespace_key, int64_t pipeline_key,
                       int64_t run_key) {
    struct gf_core_start *next = &core->next;
    if (next->next_namespace_key < namespace_key) {
        next->next_namespace_key = namespace_key;
    }
    if (next->next_pipeline_key < pipeline_key) {
        next->next_pipeline_key = pipeline_key;
    }
    if (next->next_run_key < run_key) {
        next->next_run_key = run_key;
    }
}

void gf_core_allow_bootstrap(struct gf_core *core) {
    core->next.bootstrapped = false;
}

void gf_core_visit_runs(const struct gf_core *core,
                        void (*visit)(void *ctx, const struct gf_run *run,
                                      const struct gf_config *config),
                        void *ctx) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&core->runs, &position, NULL, &value)) {
        const struct core_run *run = value;
        if (run->row.state != GF_RUN_STATE_COMPLETE) {
            visit(ctx, &run->row, &run->config->row);
        }
    }
}

/* The longest ready first; of those that became ready together, the oldest run's. */
static int compare_ready(const void *left, const void *right) {
    const struct gf_task_execution *a = &(*(struct core_task *const *)left)->row;
    const struct gf_task_execution *b = &(*(struct core_task *const *)right)->row;
    const int64_t from_a[] = {a->queue_time, a->run_key, a->task_index};
    const int64_t from_b[] = {b->queue_time, b->run_key, b->task_index};
    size_t i = 0;
    while (i + 1 < GF_ARRAY_COUNT(from_a) && from_a[i] == from_b[i]) {
        i++;
    }
    return from_a[i] < from_b[i] ? -1 : from_a[i] > from_b[i];
}

/* Tasks that were ready wait for a slot again, as long as before: their runs were in another order.
 */
static void resume_ready(struct gf_core *core, struct core_task_vec *ready) {
    if (ready->count > 1) {
        qsort(ready->items, ready->count, sizeof(*ready->items), compare_ready);
    }
    for (size_t i = 0; i < ready->count; i++) {
        /* Its run may have been ended meanwhile. */
        if (ready->items[i]->row.state == GF_TASK_STATE_WAITING) {
            gf_core__task_ready(core, ready->items[i]);
        }
    }
}

/* What a task that has not ended waits for. */
static void resume_task(struct gf_core *core, struct core_task *task, struct core_task_vec *ready,
                        struct gf_attempt_vec *out_attempts) {
    if (gf_core__task_is_live(task)) {
        gf_vec_push(out_attempts, gf_core__task_attempt(task));
        gf_core__task_watch(core, task);
        if (task->row.cancel_requested) {
            gf_core__task_stop(core, task, /* force= */ false);
        } else if (task->row.stop_time > 0 && !gf_core__run_is_ending(task->run)) {
            /* It was overdue, and still is. */
            gf_core__task_stop(core, task, /* force= */ true);
        }
    } else if (task->row.next_attempt_time > 0) {
        core->backoff_count++;
        gf_core__task_watch(core, task);
    } else if (task->row.ready_time > 0) {
        gf_vec_push(ready, task);
    } else if (task->parents_left == 0) {
        gf_core__task_decide(core, task);
    }
}

/* Takes up a run whose tasks are there. */
static void resume_tasks(struct gf_core *core, struct core_run *run, struct core_task_vec *ready,
                         struct gf_attempt_vec *out_attempts) {
    for (size_t i = 0; i < run->config->row.task_count; i++) {
        if (run->tasks[i].row.state != GF_TASK_STATE_COMPLETE) {
            resume_task(core, &run->tasks[i], ready, out_attempts);
        }
    }
    if (gf_core__run_is_ending(run)) {
        gf_core__run_stop_tasks(core, run, /* force= */ false);
    } else {
        gf_core__run_settle(core, run);
    }
}

static void resume_run(struct gf_core *core, struct core_run *run, struct core_task_vec *ready,
                       struct gf_attempt_vec *out_attempts) {
    if (run->row.state == GF_RUN_STATE_RUNNING) {
        gf_core__run_watch(core, run);
        resume_tasks(core, run, ready, out_attempts);
        return;
    }
    gf_core__run_enqueue(core, run);
    if (gf_core__run_is_ending(run)) {
        gf_core__run_end_queued(core, run);
    }
}

void gf_core_resume(struct gf_core *core, int64_t now, struct gf_attempt_vec *out_attempts) {
    struct core_task_vec ready = {0};
    size_t position = 0;
    void *value = NULL;
    core->now = now;
    gf_core__resume_extensions(core, out_attempts);
    /* Runs are in the map in the order in which they were given: the oldest first. Those that run
     * take their slots, and the lead of their ordering keys, before others wait for them. */
    while (gf_map_i64_next(&core->runs, &position, NULL, &value)) {
        struct core_run *run = value;
        if (run->row.state == GF_RUN_STATE_RUNNING) {
            gf_core__run_take_slot(core, run);
        }
    }
    position = 0;
    while (gf_map_i64_next(&core->runs, &position, NULL, &value)) {
        resume_run(core, value, &ready, out_attempts);
    }
    resume_ready(core, &ready);
    gf_vec_fini(&ready);
    gf_core__start_runs(core);
    gf_core__dispatch(core);
}
