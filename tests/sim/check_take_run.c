/* From the batch into the rows: runs, tasks, and earlier attempts of tasks. */
#include "engine/core/copy.h"
#include "tests/sim/check.h"

#include <inttypes.h>

/* ---- Runs ---- */

static void count_active(struct sim_run *run, int64_t by) {
    run->pipeline->runs_active += by;
    run->pipeline->ns->runs_active += by;
    run->config->runs_active += by;
}

static void count_state(struct sim *sim, struct sim_run *run, enum gf_run_state state, int64_t by) {
    if (state == GF_RUN_STATE_RUNNING) {
        sim->rows.runs_running += by;
        run->pipeline->runs_running += by;
        run->pipeline->ns->runs_running += by;
    } else if (state != GF_RUN_STATE_COMPLETE) {
        sim->rows.runs_queued += by;
        run->pipeline->runs_queued += by;
    }
}

static void add_active(struct sim *sim, struct sim_run *run) {
    run->active_index = (int32_t)sim->rows.active.count;
    gf_vec_push(&sim->rows.active, run);
    count_active(run, 1);
}

static void remove_active(struct sim *sim, struct sim_run *run) {
    const int32_t index = run->active_index;
    sim->rows.active.items[sim->rows.active.count - 1]->active_index = index;
    gf_vec_remove_swap(&sim->rows.active, (size_t)index);
    run->active_index = -1;
    count_active(run, -1);
}

static struct sim_run *new_run(struct sim *sim, const struct gf_run *row) {
    struct sim_pipeline *pipeline = sim_rows_pipeline(&sim->rows, row->pipeline_key);
    SIM_EXPECT(sim, deleted_gone, pipeline != NULL, "run %" PRId64 " without pipeline",
               row->run_key);
    struct sim_config *config = sim_rows_config(pipeline, row->version);
    SIM_EXPECT(sim, version_bound, config != NULL, "run %" PRId64 " of a missing version %" PRId64,
               row->run_id, row->version);
    sim_take_key(sim, row->run_key);
    struct sim_run *run = GF_ARENA_NEW(&sim->arena, struct sim_run);
    gf_run_copy(row, &sim->arena, &run->row);
    run->there.now = true;
    run->original = sim->command == NULL ? NULL : sim->command->original;
    run->pipeline = pipeline;
    run->config = config;
    run->task_count = (int64_t)config->content.task_count;
    run->tasks = GF_ARENA_ARRAY(&sim->arena, config->content.task_count, struct sim_task);
    run->tasks_left = run->task_count;
    for (int64_t i = 0; i < run->task_count; i++) {
        run->tasks[i].run = run;
        run->tasks[i].row.task_index = (int32_t)i;
    }
    while (sim->rows.runs.count < (size_t)row->run_key) {
        gf_vec_push(&sim->rows.runs, NULL);
    }
    sim->rows.runs.items[row->run_key - 1] = run;
    while (pipeline->runs.count < (size_t)row->run_id) {
        gf_vec_push(&pipeline->runs, NULL);
    }
    pipeline->runs.items[row->run_id - 1] = run;
    add_active(sim, run);
    count_state(sim, run, row->state, 1);
    sim->result.runs++;
    return run;
}

static bool same_kept(const struct gf_run *old, const struct gf_run *row) {
    return old->kept_count == row->kept_count &&
           (old->kept_count == 0 || memcmp(old->kept_tasks, row->kept_tasks,
                                           old->kept_count * sizeof(*old->kept_tasks)) == 0);
}

/* What cannot change: pointers that are the same need no second look. */
static bool same_creation(const struct gf_run *old, const struct gf_run *row) {
    return old->run_key == row->run_key && old->pipeline_key == row->pipeline_key &&
           old->run_id == row->run_id && old->version == row->version &&
           old->priority == row->priority && old->ordering_policy == row->ordering_policy &&
           old->retried_run_id == row->retried_run_id && old->has_input == row->has_input &&
           old->create_time == row->create_time && old->variable_count == row->variable_count &&
           old->chain_depth == row->chain_depth && old->initiator.kind == row->initiator.kind &&
           gf_str_eq(old->initiator.subscription_id, row->initiator.subscription_id) &&
           gf_str_eq(old->initiator.key, row->initiator.key) &&
           gf_str_eq(old->namespace_id, row->namespace_id) &&
           gf_str_eq(old->pipeline_id, row->pipeline_id) &&
           gf_str_eq(old->request_id, row->request_id) &&
           gf_str_eq(old->ordering_key, row->ordering_key) &&
           old->has_priority == row->has_priority &&
           old->used_live_version == row->used_live_version && same_kept(old, row) &&
           gf_str_eq(old->input.digest, row->input.digest);
}

void sim_take_run(struct sim *sim, const struct gf_run *row) {
    struct sim_run *run = sim_rows_run(&sim->rows, row->run_key);
    if (run != NULL && memcmp(&run->raw, row, sizeof(*row)) == 0) {
        return;
    }
    struct sim_run_look look = {0};
    if (run == NULL) {
        run = new_run(sim, row);
    } else {
        struct gf_run *to = &run->row;
        look.old = *to;
        SIM_EXPECT(sim, row_immutable, same_creation(to, row), "run %" PRId64, row->run_id);
        count_state(sim, run, to->state, -1);
        count_state(sim, run, row->state, 1);
        to->state = row->state;
        to->status = row->status;
        to->reason.kind = row->reason.kind;
        to->reason.text = sim_take_text(sim, to->reason.text, row->reason.text);
        to->cancel_requested = row->cancel_requested;
        to->start_time = row->start_time;
        to->deadline_time = row->deadline_time;
        to->end_time = row->end_time;
    }
    if (row->state == GF_RUN_STATE_COMPLETE && run->active_index >= 0) {
        remove_active(sim, run);
    }
    run->raw = *row;
    look.run = run;
    gf_vec_push(&sim->run_looks, look);
    SIM_TOUCH(sim, run, touched_runs);
}

/* ---- Tasks ---- */

static void count_live(struct sim *sim, struct sim_task *task, int64_t by) {
    const struct sim_config *config = task->run->config;
    const int32_t pool = config->content.tasks[task->row.task_index].pool_index;
    sim->rows.live += by;
    task->run->live += by;
    if (pool >= 0) {
        task->run->pipeline->pool_live[config->pool_numbers[pool]] += by;
    }
}

static struct sim_task *find_task(struct sim *sim, const struct gf_task_execution *row) {
    struct sim_run *run = sim_rows_run(&sim->rows, row->run_key);
    SIM_EXPECT(sim, row_immutable,
               run != NULL && row->task_index >= 0 && row->task_index < run->task_count,
               "task %" PRId32 " of no run", row->task_index);
    return &run->tasks[row->task_index];
}

void sim_take_task(struct sim *sim, const struct gf_task_execution *row) {
    struct sim_task *task = find_task(sim, row);
    if (task->there.now && memcmp(&task->raw, row, sizeof(*row)) == 0) {
        return;
    }
    struct gf_task_execution *to = &task->row;
    struct sim_task_look look = {.task = task};
    if (task->there.now) {
        look.old = *to;
        count_live(sim, task, -(int64_t)sim_row_is_live(to));
        task->run->tasks_left += to->state == GF_TASK_STATE_COMPLETE;
        SIM_EXPECT(sim, row_immutable,
                   to->create_time == row->create_time && gf_str_eq(to->task_id, row->task_id),
                   "task '%" GF_STR_FMT "'", GF_STR_ARG(row->task_id));
    } else {
        task->there.now = true;
        task->run->tasks_made = true;
        to->task_id = task->run->config->content.tasks[row->task_index].task_id;
        task->attempts_recorded = 0;
        task->told_stop = false;
        task->told_force = false;
    }
    const struct gf_str task_id = to->task_id;
    const struct gf_str reason = sim_take_text(sim, to->reason.text, row->reason.text);
    const struct gf_str digest = sim_take_text(sim, to->image_digest, row->image_digest);
    const struct gf_str node = sim_take_text(sim, to->node, row->node);
    const struct gf_str container = sim_take_text(sim, to->container_id, row->container_id);
    *to = *row;
    to->task_id = task_id;
    to->reason.text = reason;
    to->image_digest = digest;
    to->node = node;
    to->container_id = container;
    count_live(sim, task, sim_row_is_live(to));
    task->run->tasks_left -= to->state == GF_TASK_STATE_COMPLETE;
    task->raw = *row;
    gf_vec_push(&sim->task_looks, look);
    SIM_TOUCH(sim, task, touched_tasks);
    if (!task->run->there.touched) {
        task->run->there.touched = true;
        gf_vec_push(&sim->rows.touched_runs, task->run);
    }
}

/* The row of an attempt that was followed by another one. */
void sim_take_attempt(struct sim *sim, const struct gf_task_execution *row) {
    struct sim_task *task = find_task(sim, row);
    const int32_t number = row->attempt;
    SIM_EXPECT(sim, one_outcome, number == task->attempts_recorded + 1 && number < SIM_ATTEMPTS,
               "row of attempt %" PRId32 " of task '%" GF_STR_FMT "' of run %" PRId64
               " comes after that of %" PRId32,
               number, GF_STR_ARG(task->row.task_id), task->run->row.run_id,
               task->attempts_recorded);
    task->attempts_recorded = number;
    task->outcomes[number - 1] = (struct sim_outcome){.recorded = true,
                                                      .status = row->status,
                                                      .kind = row->reason.kind,
                                                      .exit_code = row->exit_code,
                                                      .exit_signal = row->exit_signal};
    struct sim_facts facts;
    struct gf_event event = {.kind = GF_EVENT_TASK_EXECUTION_RETRIED,
                             .namespace_id = task->run->row.namespace_id,
                             .pipeline_id = task->run->row.pipeline_id,
                             .run_id = task->run->row.run_id,
                             .task_id = task->row.task_id,
                             .attempt = number,
                             .status = (int32_t)row->status};
    sim_facts_end(&facts, row, &event);
    sim_check_event_due(sim, &event);
    sim->rows_touched++;
    sim->result.retries++;
    for (size_t i = 0; i < sim->task_looks.count; i++) {
        if (sim->task_looks.items[i].task == task) {
            sim->task_looks.items[i].retried = true;
            return;
        }
    }
    sim_break(sim, SIM_INVARIANT_one_outcome, "an attempt is recorded and its task did not change");
}
