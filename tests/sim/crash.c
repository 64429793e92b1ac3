/*
 * Commits, effects, and everything that can come between them: the server dies before the commit,
 * the store says that it failed and has stored nothing, or everything; it dies before the effects,
 * or after some of them.
 */
#include "base/clock.h"
#include "tests/sim/check.h"

#include <inttypes.h>

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

/* ---- Effects ---- */

static struct sim_task *task_of(struct sim *sim, struct gf_attempt attempt) {
    struct sim_run *run = sim_rows_run(&sim->rows, attempt.run_key);
    return run != NULL && attempt.task_index >= 0 && attempt.task_index < run->task_count
               ? &run->tasks[attempt.task_index]
               : NULL;
}

static void release_launch(struct sim *sim, const struct gf_effect *effect) {
    struct sim_task *task = task_of(sim, effect->attempt);
    const int32_t attempt = effect->attempt.attempt;
    SIM_EXPECT(sim, launch_committed,
               task != NULL && task->there.saved && task->run->there.saved &&
                   task->saved.attempt == attempt,
               "attempt %" PRId32 " is launched before it is committed", attempt);
    sim_scheduler_launch(&sim->scheduler, task, effect, sim->mono);
    const struct sim_container *container = sim_scheduler_find(&sim->scheduler, task, attempt);
    SIM_EXPECT(sim, launch_once, container->launches <= 1 + container->never_started,
               "attempt %" PRId32 " of task '%" GF_STR_FMT "' of run %" PRId64
               " is launched %" PRId32 " times",
               attempt, GF_STR_ARG(task->row.task_id), task->run->row.run_id, container->launches);
    sim->result.launches++;
}

static void release_reply(struct sim *sim, struct sim_command *command) {
    command->open = false;
    command->answered = true;
    if (command->code == GF_OK) {
        sim->result.commands_done++;
        sim_check_acknowledged(sim, command);
    }
}

static void release(struct sim *sim, const struct gf_effect *effect) {
    struct sim_task *task = NULL;
    struct sim_container *container = NULL;
    if (effect->kind != GF_EFFECT_REPLY) {
        task = task_of(sim, effect->attempt);
        container = task == NULL
                        ? NULL
                        : sim_scheduler_find(&sim->scheduler, task, effect->attempt.attempt);
    }
    switch (effect->kind) {
    case GF_EFFECT_REPLY:
        release_reply(sim, effect->token);
        return;
    case GF_EFFECT_LAUNCH:
        release_launch(sim, effect);
        return;
    case GF_EFFECT_STOP:
        if (container != NULL) {
            sim_scheduler_stop(&sim->scheduler, container, effect->force, sim->mono);
        }
        return;
    case GF_EFFECT_FORGET:
        if (container != NULL) {
            container->forgotten = true;
        }
        return;
    case GF_EFFECT_INQUIRE:
        sim_scheduler_inquire(&sim->scheduler, container, effect->attempt, sim->mono);
        return;
    }
    gf_unreachable();
}

/* ---- Batches that end well ---- */

static void release_all(struct sim *sim) {
    const struct gf_batch *batch = gf_core_batch(sim->core);
    for (size_t i = 0; i < batch->effects.count; i++) {
        release(sim, &batch->effects.items[i]);
    }
    gf_core_batch_done(sim->core);
    sim_check_batch_done(sim);
}

void sim_batch_commit(struct sim *sim) {
    sim_rows_commit(&sim->rows);
    release_all(sim);
    sim_twin_batch_done(sim);
    sim_twin_maybe_begin(sim);
}

/* ---- Crashes ---- */

/* Whoever waits learns nothing, or that nobody knows what came of it. */
static void lose_commands(struct sim *sim) {
    for (size_t i = sim->commands.count; i > 0; i--) {
        struct sim_command *command = sim->commands.items[i - 1];
        command->open = false;
    }
}

/* A new core from what is committed, whose first batch is there to be committed. */
static void restore(struct sim *sim, struct gf_attempt_vec *out_attempts) {
    sim->core = sim_rows_restore(&sim->rows, &sim->limits);
    SIM_EXPECT(sim, acknowledged_kept, sim->core != NULL, "the rows do not fit together");
    sim_rows_recount(&sim->rows);
    sim_check_reset(sim);
    sim->input = NULL;
    sim->command = NULL;
    sim->stale = false;
    sim_see_time(sim);
    sim_trace(sim, "restore at %" PRId64, sim->wall);
    const bool order_is_known = sim_twin_order_is_known(sim);
    gf_core_resume(sim->core, sim->wall, out_attempts);
    sim_check_step(sim);
    /* Everything was done that could be done, before the rows were committed. */
    SIM_EXPECT(sim, restart_equal, sim->rows_touched == 0 || !order_is_known,
               "the restart changes %zu rows and events, the first of run key %" PRId64,
               sim->rows_touched,
               sim->task_looks.count > 0 ? sim->task_looks.items[0].task->row.run_key : 0);
    sim_check_world(sim);
    sim_check_ledger(sim);
}

/* The attempts that may have a container are those of the rows. */
static void check_attempts(struct sim *sim, const struct gf_attempt_vec *attempts) {
    for (size_t i = 0; i < attempts->count; i++) {
        const struct sim_task *task = task_of(sim, attempts->items[i]);
        SIM_EXPECT(sim, owner_or_deadline,
                   task != NULL && task->row.attempt == attempts->items[i].attempt,
                   "the scheduler is asked about an attempt that there is not");
    }
    int64_t asked = 0;
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *run = sim->rows.active.items[i];
        for (int64_t t = 0; run->tasks_made && t < run->task_count; t++) {
            asked += sim_row_is_live(&run->tasks[t].saved) && run->tasks[t].there.saved;
        }
    }
    SIM_EXPECT(sim, owner_or_deadline, (int64_t)attempts->count == asked,
               "the scheduler is asked about %zu attempts, %" PRId64 " may have a container",
               attempts->count, asked);
}

/* Time passes while nobody is there; the clock may be set meanwhile. */
static void pass_time(struct sim *sim) {
    const int64_t down = sim_random_spread(&sim->random, GF_NS_PER_MS, 30 * GF_NS_PER_SEC);
    sim->mono += down;
    sim->wall += down;
    if (chance(sim, 100)) {
        sim->wall += sim_random_between(&sim->random, -GF_NS_PER_HOUR, GF_NS_PER_HOUR);
    }
}

void sim_crash(struct sim *sim) {
    sim->result.crashes++;
    sim_twin_end(sim);
    for (int attempt = 0;; attempt++) {
        struct gf_attempt_vec attempts = {0};
        gf_core_destroy(sim->core);
        sim->core = NULL;
        sim_rows_rollback(&sim->rows);
        lose_commands(sim);
        sim_scheduler_crash(&sim->scheduler);
        pass_time(sim);
        restore(sim, &attempts);
        check_attempts(sim, &attempts);
        /* It may die again while it starts. */
        const bool again = attempt < 2 && chance(sim, 150);
        if (!again) {
            sim_rows_commit(&sim->rows);
            sim_scheduler_recover(&sim->scheduler, &sim->rows, &attempts, sim->mono);
            release_all(sim);
        } else if (chance(sim, 500)) {
            sim_rows_commit(&sim->rows);
        }
        gf_vec_fini(&attempts);
        if (!again) {
            break;
        }
    }
}

/* ---- Ends of batches ---- */

static bool crash_is_due(struct sim *sim) {
    if (sim->ending) {
        return false;
    }
    if (sim->crashes_left > 0 && sim->step >= sim->next_crash_step) {
        sim->crashes_left--;
        sim->next_crash_step += sim->options.steps / (sim->profile.crash_count + 1);
        return true;
    }
    return chance(sim, sim->profile.crashes);
}

/* The server ends in good order: whoever waits for a repair is told. */
static void stop(struct sim *sim) {
    sim->input = NULL;
    sim->command = NULL;
    sim->stale = false;
    gf_core_stop(sim->core);
    sim_check_step(sim);
    for (size_t i = 0; i < sim->commands.count; i++) {
        const struct sim_command *command = sim->commands.items[i];
        SIM_EXPECT(sim, answered_once, !command->open || command->decided,
                   "command %" PRId64 " has no answer when the server stops", command->number);
    }
}

void sim_batch_end(struct sim *sim) {
    const bool commit_fails = !sim->ending && chance(sim, sim->profile.commit_fails);
    if (!commit_fails && !crash_is_due(sim)) {
        sim_batch_commit(sim);
        return;
    }
    const uint64_t point = sim_random_below(&sim->random, commit_fails ? 2 : 5);
    sim_trace(sim, "crash at point %d%s", (int)point, commit_fails ? ", the commit fails" : "");
    if (point == 0) {
        sim_crash(sim); /* nothing is stored */
        return;
    }
    if (point == 4) {
        stop(sim);
    }
    sim_rows_commit(&sim->rows);
    if (point >= 2) {
        const struct gf_batch *batch = gf_core_batch(sim->core);
        const size_t count = point != 3 ? batch->effects.count
                                        : sim_random_below(&sim->random, batch->effects.count + 1);
        for (size_t i = 0; i < count; i++) {
            release(sim, &batch->effects.items[i]);
        }
    }
    sim_crash(sim);
}
