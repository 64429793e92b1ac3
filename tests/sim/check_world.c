/*
 * What can be seen only in all rows together: that everything which has not ended has an owner or
 * a deadline, and that what was acknowledged is there.
 */
#include "base/clock.h"
#include "tests/sim/check.h"

#include <inttypes.h>

#define TASK_FMT "task '%" GF_STR_FMT "' of run %" PRId64 " of '%" GF_STR_FMT "'"
#define TASK_ARG(task)                                                                             \
    GF_STR_ARG((task)->row.task_id), (task)->run->row.run_id,                                      \
        GF_STR_ARG((task)->run->row.pipeline_id)

/* The core does not look at a clock that is set back by less. */
#define SMALL_JUMP_NS GF_NS_PER_SEC

struct census {
    int64_t ready;
    int64_t backoff;
    int64_t deadlines;
};

static bool has_room(int64_t used, int64_t limit) {
    return limit == 0 || used < limit;
}

static int64_t or_default(int64_t limit_ms, int64_t default_ms) {
    return limit_ms > 0 ? limit_ms : default_ms;
}

/* ---- Tasks ---- */

/* A deadline of a row is not later than this. */
static void check_deadline(struct sim *sim, const struct sim_task *task, int64_t latest) {
    SIM_EXPECT(sim, owner_or_deadline, gf_core_next_deadline(sim->core) <= latest + SMALL_JUMP_NS,
               TASK_FMT " has no deadline", TASK_ARG(task));
}

static void check_live_task(struct sim *sim, const struct sim_task *task, struct census *census) {
    const struct gf_task_execution *row = &task->row;
    const int64_t timeout_ms = sim_task_timeout_ms(sim, task);
    const int64_t stop_ms = sim_stop_timeout_ms(sim, task) +
                            or_default(sim->limits.stop_lease_ms, GF_STOP_LEASE_MS_DEFAULT);
    const int64_t launch_ms = or_default(sim->limits.launch_lease_ms, GF_LAUNCH_LEASE_MS_DEFAULT);
    const bool ending = sim_run_is_ending(&task->run->row) || row->cancel_requested;
    int64_t most_ms = 0;
    if (ending || task->told_stop) {
        most_ms = stop_ms;
        SIM_EXPECT(sim, stop_reaches, task->told_stop, TASK_FMT " is being ended and was not told",
                   TASK_ARG(task));
    } else if (row->state == GF_TASK_STATE_PROCESSING) {
        most_ms = launch_ms;
    } else if (timeout_ms > 0) {
        most_ms = timeout_ms + stop_ms;
    } else {
        return; /* its owner is the container */
    }
    census->deadlines++;
    check_deadline(sim, task, sim->wall + most_ms * GF_NS_PER_MS);
    if (task->told_stop && sim->input != NULL && sim->input->kind == GF_INPUT_CLOCK) {
        SIM_EXPECT(sim, timeout_late,
                   sim->forward - task->forward_stop < stop_ms * GF_NS_PER_MS + SMALL_JUMP_NS,
                   TASK_FMT " was told to stop %" PRId64 " ns ago", TASK_ARG(task),
                   sim->forward - task->forward_stop);
    }
}

static bool parents_ended(const struct sim_task *task) {
    const struct gf_task *config = sim_task_config(task);
    for (size_t i = 0; i < config->parent_count; i++) {
        if (task->run->tasks[config->parents[i].index].row.state != GF_TASK_STATE_COMPLETE) {
            return false;
        }
    }
    return true;
}

int64_t sim_least_pool_limit(const struct sim *sim, const struct sim_task *task) {
    const struct sim_config *own = task->run->config;
    const int number = own->pool_numbers[sim_task_config(task)->pool_index];
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_config *config = sim->rows.active.items[i]->config;
        for (size_t p = 0; config->pipeline == own->pipeline && p < config->content.pool_count;
             p++) {
            const int64_t limit = config->content.pools[p].parallelism;
            least = config->pool_numbers[p] == number && limit < least ? limit : least;
        }
    }
    return least;
}

static void check_waiting_task(struct sim *sim, const struct sim_task *task,
                               struct census *census) {
    const struct sim_run *run = task->run;
    const int32_t pool = sim_task_config(task)->pool_index;
    if (task->row.next_attempt_time > 0) {
        census->backoff++;
        census->deadlines++;
        check_deadline(sim, task, task->row.next_attempt_time);
        return;
    }
    if (!parents_ended(task)) {
        return; /* its owners are its parents */
    }
    census->ready++;
    SIM_EXPECT(
        sim, task_waits_for_something,
        !has_room(sim->rows.live, sim->limits.attempts_running_max) ||
            !has_room(run->live, run->config->content.task_parallelism) ||
            (pool >= 0 && !has_room(run->pipeline->pool_live[run->config->pool_numbers[pool]],
                                    sim_least_pool_limit(sim, task))),
        TASK_FMT " waits for nothing", TASK_ARG(task));
}

static void check_run(struct sim *sim, const struct sim_run *run, struct census *census) {
    const bool ending = sim_run_is_ending(&run->row);
    if (run->repair_step > 0) {
        census->deadlines++;
    }
    if (run->row.state != GF_RUN_STATE_RUNNING) {
        return; /* what it waits for is looked at after every step */
    }
    if (run->row.deadline_time > 0 && !ending) {
        census->deadlines++;
        SIM_EXPECT(sim, owner_or_deadline,
                   gf_core_next_deadline(sim->core) <= run->row.deadline_time,
                   "run %" PRId64 " of '%" GF_STR_FMT "' has no deadline", run->row.run_id,
                   GF_STR_ARG(run->row.pipeline_id));
    }
    for (int64_t i = 0; i < run->task_count; i++) {
        const struct sim_task *task = &run->tasks[i];
        if (sim_row_is_live(&task->row)) {
            check_live_task(sim, task, census);
        } else if (task->row.state == GF_TASK_STATE_WAITING) {
            check_waiting_task(sim, task, census);
        }
    }
}

void sim_check_world(struct sim *sim) {
    struct census census = {0};
    sim_check_intake_world(sim);
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        check_run(sim, sim->rows.active.items[i], &census);
    }
    const struct gf_core_stats stats = gf_core_get_stats(sim->core);
    SIM_EXPECT(sim, task_waits_for_something,
               stats.tasks_ready == census.ready && stats.tasks_backoff == census.backoff,
               "the core has %" PRId64 " ready tasks and %" PRId64
               " in back-off, there are %" PRId64 " and %" PRId64,
               stats.tasks_ready, stats.tasks_backoff, census.ready, census.backoff);
    SIM_EXPECT(sim, owner_or_deadline, stats.deadlines == census.deadlines,
               "the core has %" PRId64 " deadlines, the rows ask for %" PRId64, stats.deadlines,
               census.deadlines);
}

/* ---- The ledger ---- */

static void check_deleted(struct sim *sim, const struct sim_command *command) {
    for (size_t i = 0; i < SIM_PIPELINES_MAX; i++) {
        const struct sim_pipeline *pipeline = &sim->rows.pipelines[i];
        SIM_EXPECT(sim, deleted_gone,
                   (int64_t)i + 1 != command->pipeline_key || !pipeline->there.now,
                   "the pipeline that command %" PRId64 " deleted is back", command->number);
    }
}

void sim_check_ledger(struct sim *sim) {
    for (size_t i = 0; i < sim->commands.count; i++) {
        struct sim_command *command = sim->commands.items[i];
        if (!command->answered || command->code != GF_OK) {
            continue;
        }
        if (command->input.kind == GF_INPUT_DELETE_PIPELINE) {
            check_deleted(sim, command);
        } else {
            sim_check_acknowledged(sim, command);
        }
    }
}
