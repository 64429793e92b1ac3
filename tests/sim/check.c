#include "tests/sim/check.h"

const char *sim_invariant_name(enum sim_invariant invariant) {
    static const char *const names[] = {
#define SIM_X(name, sentence) #name,
        SIM_INVARIANTS(SIM_X)
#undef SIM_X
    };
    return names[invariant];
}

const char *sim_invariant_sentence(enum sim_invariant invariant) {
    static const char *const sentences[] = {
#define SIM_X(name, sentence) sentence,
        SIM_INVARIANTS(SIM_X)
#undef SIM_X
    };
    return sentences[invariant];
}

void sim_check_batch_done(struct sim *sim) {
    sim->events_seen = 0;
    sim->effects_seen = 0;
    sim->attempts_seen = 0;
    sim->requests_seen = 0;
    sim->inputs_seen = 0;
    sim->deployments_seen = 0;
    sim->deleted_namespaces_seen = 0;
    sim->deleted_pipelines_seen = 0;
    sim->deleted_configs_seen = 0;
    sim->deleted_roles_seen = 0;
    sim->deleted_tokens_seen = 0;
    sim->deleted_extensions_seen = 0;
    sim->deleted_subscriptions_seen = 0;
    sim->deleted_deliveries_seen = 0;
    sim->released = 0;
    sim->batch_steps = 0;
}

void sim_check_reset(struct sim *sim) {
    sim_check_batch_done(sim);
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        struct sim_run *run = sim->rows.active.items[i];
        run->repair_step = 0;
        for (int64_t t = 0; run->tasks_made && t < run->task_count; t++) {
            run->tasks[t].told_stop = false;
            run->tasks[t].told_force = false;
        }
    }
}

void sim_check_step(struct sim *sim) {
    gf_vec_clear(&sim->task_looks);
    gf_vec_clear(&sim->run_looks);
    sim->events_due = 0;
    sim->rows_touched = 0;
    sim->answered_in_step = false;
    sim->repaired = false;
    sim->repair_ended = false;
    sim->replies_in_step = 0;
    sim->first_key = sim->rows.newest.next_run_key;
    sim->keys_taken = 0;
    sim_check_take(sim);
    sim_check_take_access(sim);
    sim_check_take_intake(sim);
    SIM_EXPECT(sim, stale_report, !sim->stale || sim->rows_touched == 0,
               "a report of an attempt that is over changes %zu rows", sim->rows_touched);
    sim_check_effects(sim);
    sim_check_tasks(sim);
    sim_check_runs(sim);
    sim_check_events(sim);
    sim_check_queues(sim);
    sim_check_expiry(sim);
    const struct gf_core_stats stats = gf_core_get_stats(sim->core);
    SIM_EXPECT(sim, slot_without_row, stats.attempts_running == sim->rows.live,
               "the core holds %lld slots, %lld attempts run", (long long)stats.attempts_running,
               (long long)sim->rows.live);
    SIM_EXPECT(sim, slot_without_row,
               stats.runs_active == (int64_t)sim->rows.active.count &&
                   stats.runs_queued == sim->rows.runs_queued,
               "the core counts %lld runs, %lld of them queued; there are %zu and %lld",
               (long long)stats.runs_active, (long long)stats.runs_queued, sim->rows.active.count,
               (long long)sim->rows.runs_queued);
    if (sim->command != NULL && sim->command->decided &&
        (sim->command->code != GF_OK || !sim->command->changes)) {
        SIM_EXPECT(sim, refusal_traceless, sim->rows_touched == 0,
                   "%zu rows and events changed though the command was refused or unneeded",
                   sim->rows_touched);
    }
}
