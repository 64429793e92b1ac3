/*
 * The model of a restart: from what was just committed a second core is restored, and both are
 * given the same inputs. They must change the same rows in the same way, for as long as they can be
 * compared: a restart begins the patience with the scheduler anew, so the clock ends it.
 */
#include "tests/sim/check.h"

#include <inttypes.h>

enum {
    NEEDS_MAX = 8,
    STEPS_MAX = 40,
};

void sim_twin_end(struct sim *sim) {
    gf_core_destroy(sim->twin);
    sim->twin = NULL;
}

/* Who asked for a repair is not in the rows: whoever waits for one asks again. */
static bool has_repairs(const struct sim *sim) {
    bool any = false;
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        any = any || sim->rows.active.items[i]->repair_step > 0;
    }
    return any;
}

/*
 * Whether two tasks that wait for a slot became ready at the same time: the rows do not tell which
 * of them was the first in that step.
 */
static bool has_ties(const struct sim *sim) {
    GF_VEC(int64_t) times = {0};
    bool tie = false;
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *run = sim->rows.active.items[i];
        for (int64_t t = 0; run->tasks_made && t < run->task_count; t++) {
            const struct gf_task_execution *row = &run->tasks[t].row;
            if (row->state == GF_TASK_STATE_WAITING && row->queue_time > 0 &&
                row->next_attempt_time == 0) {
                for (size_t n = 0; n < times.count; n++) {
                    tie = tie || times.items[n] == row->queue_time;
                }
                gf_vec_push(&times, row->queue_time);
            }
        }
    }
    gf_vec_fini(&times);
    return tie;
}

/* Tasks of versions with different limits wait for the same pool: which is first is history. */
static bool has_different_limits(const struct sim *sim) {
    bool any = false;
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *run = sim->rows.active.items[i];
        for (int64_t t = 0; run->tasks_made && t < run->task_count; t++) {
            const struct sim_task *task = &run->tasks[t];
            const int32_t pool = sim_task_config(task)->pool_index;
            any = any ||
                  (task->row.state == GF_TASK_STATE_WAITING && pool >= 0 &&
                   sim_least_pool_limit(sim, task) != run->config->content.pools[pool].parallelism);
        }
    }
    return any;
}

bool sim_twin_order_is_known(const struct sim *sim) {
    return !sim->clock_set_back && !has_ties(sim) && !has_different_limits(sim);
}

void sim_twin_maybe_begin(struct sim *sim) {
    if (sim->twin != NULL || !sim_random_chance(&sim->random, sim->profile.twins) ||
        has_repairs(sim) || !sim_twin_order_is_known(sim)) {
        return;
    }
    struct gf_attempt_vec attempts = {0};
    sim->twin = sim_rows_restore(&sim->rows, &sim->limits);
    SIM_EXPECT(sim, acknowledged_kept, sim->twin != NULL, "the rows do not fit together");
    gf_core_resume(sim->twin, sim->wall, &attempts);
    gf_vec_fini(&attempts);
    SIM_EXPECT(sim, restart_equal, gf_batch_row_count(gf_core_batch(sim->twin)) == 0,
               "a restart changes %zu rows", gf_batch_row_count(gf_core_batch(sim->twin)));
    gf_core_batch_done(sim->twin);
    sim->twin_last_step = sim->step + STEPS_MAX;
}

void sim_twin_batch_done(struct sim *sim) {
    if (sim->twin != NULL) {
        gf_core_batch_done(sim->twin);
    }
}

/* ---- Comparing ---- */

static void compare_run(struct sim *sim, const struct gf_run *told) {
    const struct sim_run *run = sim_rows_run(&sim->rows, told->run_key);
    SIM_EXPECT(sim, restart_equal,
               run != NULL && run->row.state == told->state && run->row.status == told->status &&
                   run->row.reason.kind == told->reason.kind && run->row.run_id == told->run_id &&
                   run->row.version == told->version && run->row.start_time == told->start_time &&
                   run->row.end_time == told->end_time &&
                   run->row.deadline_time == told->deadline_time &&
                   run->row.cancel_requested == told->cancel_requested,
               "run key %" PRId64 " is %s after a restart, %s without", told->run_key,
               gf_run_state_name(told->state),
               run == NULL ? "unknown" : gf_run_state_name(run->row.state));
}

static void compare_task(struct sim *sim, const struct gf_task_execution *told) {
    const struct sim_run *run = sim_rows_run(&sim->rows, told->run_key);
    const struct gf_task_execution *row = run == NULL || told->task_index >= run->task_count
                                              ? NULL
                                              : &run->tasks[told->task_index].row;
    SIM_EXPECT(sim, restart_equal,
               row != NULL && row->state == told->state && row->status == told->status &&
                   row->attempt == told->attempt && row->reason.kind == told->reason.kind &&
                   row->start_time == told->start_time && row->end_time == told->end_time &&
                   row->next_attempt_time == told->next_attempt_time &&
                   row->queue_time == told->queue_time && row->stop_time == told->stop_time &&
                   row->exit_code == told->exit_code && row->kept_run_id == told->kept_run_id,
               "task %" PRId32 " of run key %" PRId64 " is %s #%" PRId32
               " after a restart, %s #%" PRId32 " without",
               told->task_index, told->run_key, gf_task_state_name(told->state), told->attempt,
               row == NULL ? "unknown" : gf_task_state_name(row->state),
               row == NULL ? 0 : row->attempt);
}

static void compare_token(struct sim *sim, const struct gf_token *told) {
    const struct sim_token *token = sim_rows_token(&sim->rows, told->token_id);
    SIM_EXPECT(sim, restart_equal,
               token != NULL && token->row.disabled == told->disabled &&
                   token->row.expire_time == told->expire_time &&
                   token->row.last_use_time == told->last_use_time &&
                   token->row.role_count == told->role_count,
               "token '%" GF_STR_FMT "' is another one after a restart",
               GF_STR_ARG(told->token_id));
}

/* In their order: it is that of their events. */
static bool same_deleted_tokens(const struct gf_batch *a, const struct gf_batch *b) {
    bool same = a->deleted_tokens.count == b->deleted_tokens.count;
    for (size_t i = 0; same && i < a->deleted_tokens.count; i++) {
        same = gf_str_eq(a->deleted_tokens.items[i], b->deleted_tokens.items[i]);
    }
    return same;
}

static bool same_counts(const struct gf_batch *a, const struct gf_batch *b) {
    return a->namespaces.count == b->namespaces.count && a->pipelines.count == b->pipelines.count &&
           a->configs.count == b->configs.count && a->deployments.count == b->deployments.count &&
           a->runs.count == b->runs.count && a->inputs.count == b->inputs.count &&
           a->tasks.count == b->tasks.count && a->attempts.count == b->attempts.count &&
           a->requests.count == b->requests.count && a->events.count == b->events.count &&
           a->roles.count == b->roles.count && a->deleted_roles.count == b->deleted_roles.count &&
           a->tokens.count == b->tokens.count && a->bootstrapped == b->bootstrapped &&
           a->source_sequence == b->source_sequence && same_deleted_tokens(a, b) &&
           a->extensions.count == b->extensions.count &&
           a->subscriptions.count == b->subscriptions.count &&
           a->deleted_subscriptions.count == b->deleted_subscriptions.count &&
           a->start_keys.count == b->start_keys.count &&
           a->deliveries.count == b->deliveries.count &&
           a->deleted_deliveries.count == b->deleted_deliveries.count &&
           a->delivery_ids.count == b->delivery_ids.count &&
           (a->preferences == NULL) == (b->preferences == NULL);
}

/* The next effect from `at` on that does not depend on what was told before the restart. */
static const struct gf_effect *next_effect(const struct gf_batch *batch, size_t *at) {
    while (*at < batch->effects.count) {
        const struct gf_effect *effect = &batch->effects.items[(*at)++];
        if (effect->kind == GF_EFFECT_LAUNCH || effect->kind == GF_EFFECT_REPLY) {
            return effect;
        }
    }
    return NULL;
}

static void compare_effects(struct sim *sim, const struct gf_batch *told,
                            const struct gf_batch *batch) {
    size_t at_told = 0;
    size_t at_batch = 0;
    const struct gf_effect *a = NULL;
    do {
        a = next_effect(told, &at_told);
        const struct gf_effect *b = next_effect(batch, &at_batch);
        SIM_EXPECT(sim, restart_equal,
                   (a == NULL) == (b == NULL) &&
                       (a == NULL || (a->kind == b->kind && a->token == b->token &&
                                      a->attempt.run_key == b->attempt.run_key &&
                                      a->attempt.task_index == b->attempt.task_index &&
                                      a->attempt.attempt == b->attempt.attempt &&
                                      (a->kind != GF_EFFECT_REPLY ||
                                       a->reply->error.code == b->reply->error.code))),
                   "after a restart effect %zu is another one", at_told);
    } while (a != NULL);
}

static void compare(struct sim *sim) {
    const struct gf_batch *told = gf_core_batch(sim->twin);
    const struct gf_batch *batch = gf_core_batch(sim->core);
    for (size_t i = 0; i < told->runs.count; i++) {
        compare_run(sim, told->runs.items[i]);
    }
    for (size_t i = 0; i < told->tasks.count; i++) {
        compare_task(sim, told->tasks.items[i]);
    }
    for (size_t i = 0; i < told->tokens.count; i++) {
        compare_token(sim, told->tokens.items[i]);
    }
    SIM_EXPECT(
        sim, restart_equal, same_counts(told, batch),
        "after a restart: %zu runs, %zu tasks, %zu events, %zu effects in the batch; without: "
        "%zu, %zu, %zu, %zu",
        told->runs.count, told->tasks.count, told->events.count, told->effects.count,
        batch->runs.count, batch->tasks.count, batch->events.count, batch->effects.count);
    compare_effects(sim, told, batch);
}

void sim_twin_step(struct sim *sim) {
    if (sim->twin == NULL) {
        return;
    }
    if (sim->input->kind == GF_INPUT_CLOCK || sim->step > sim->twin_last_step ||
        (sim->command != NULL && sim->input->kind == GF_INPUT_REPAIR_RUN) ||
        (sim->command == NULL && gf_input_is_command(sim->input->kind))) {
        sim_twin_end(sim);
        return;
    }
    struct gf_need need;
    for (int needs = 0; gf_core_step(sim->twin, sim->input, sim->wall, &need) == GF_STEP_NEED;
         needs++) {
        SIM_EXPECT(sim, need_traceless, needs < NEEDS_MAX, "a step needs more and more");
        sim_rows_answer(&sim->rows, sim->twin, &need);
    }
    compare(sim);
}
