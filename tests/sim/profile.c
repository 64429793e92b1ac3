#include "base/clock.h"
#include "tests/sim/sim.h"

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

static int64_t between(struct sim *sim, int64_t first, int64_t last) {
    return sim_random_between(&sim->random, first, last);
}

/* Something that happens in some stories, and there more or less often. */
static uint32_t some(struct sim *sim, uint32_t stories, uint32_t most) {
    return chance(sim, stories) ? (uint32_t)between(sim, 1, most) : 0;
}

static void draw_temper(struct sim *sim, struct sim_temper *temper) {
    temper->launch_fails = some(sim, 500, 200);
    temper->mute = some(sim, 400, 150);
    temper->mute_of_starts = some(sim, 500, 500);
    temper->deaf = some(sim, 400, 300);
    temper->loses = some(sim, 500, 200);
    temper->ignores_timeout = some(sim, 400, 600);
    temper->repeats = some(sim, 700, 300);
    temper->ignores_inquiry = some(sim, 400, 400);
    temper->fails = some(sim, 900, 600);
    temper->out_of_memory = some(sim, 300, 300);
    temper->signalled = some(sim, 300, 300);
    temper->breaks = some(sim, 300, 300);
    temper->start_ns_max =
        chance(sim, 300) ? 60 * GF_NS_PER_SEC : between(sim, 1, 2000) * GF_NS_PER_MS;
    temper->run_ns_max = between(sim, 1, 120) * GF_NS_PER_SEC;
}

static void draw_limits(struct sim *sim, struct gf_core_limits *limits) {
    *limits = (struct gf_core_limits){
        .runs_active_max = chance(sim, 200) ? between(sim, 5, 30) : 0,
        .runs_running_max = chance(sim, 400) ? between(sim, 2, 12) : 0,
        .namespace_runs_max = chance(sim, 300) ? between(sim, 1, 8) : 0,
        .pipeline_runs_max = chance(sim, 300) ? between(sim, 1, 5) : 0,
        .pipeline_queue_max = chance(sim, 300) ? between(sim, 1, 8) : 0,
        .attempts_running_max = chance(sim, 500) ? between(sim, 1, 10) : 0,
        .run_timeout_ms_max = chance(sim, 300) ? between(sim, 10, 300) * 1000 : 0,
        .task_timeout_ms_max = chance(sim, 300) ? between(sim, 5, 100) * 1000 : 0,
        .stop_timeout_ms = between(sim, 1, 20) * 500,
        .launch_lease_ms = between(sim, 1, 60) * 1000,
        .stop_lease_ms = between(sim, 1, 30) * 1000,
        .inquiry_ms = between(sim, 1, 20) * 1000,
    };
}

void sim_profile_draw(struct sim *sim) {
    sim->profile = (struct sim_profile){
        .crash_count = 3,
        .crashes = some(sim, 500, 10),
        .commit_fails = some(sim, 400, 5),
        .commands = (uint32_t)between(sim, 100, 600),
        .requests = some(sim, 800, 600),
        .repeats = (uint32_t)between(sim, 50, 500),
        .queue_full = some(sim, 400, 200),
        .keys = some(sim, 600, 900),
        .inputs = some(sim, 300, 500),
        .clock_jumps = some(sim, 400, 10),
        .late_clock = some(sim, 500, 900),
        .load_fails = some(sim, 300, 50),
        .switches = (uint32_t)between(sim, 5, 150),
        .cancels = (uint32_t)between(sim, 10, 400),
        .retries = (uint32_t)between(sim, 0, 300),
        .registers = (uint32_t)between(sim, 5, 150),
        .access = some(sim, 600, 300),
        .intake = some(sim, 500, 600),
        .batch_max = chance(sim, 300) ? 1 : between(sim, 2, 12),
        .active_max = between(sim, 4, 40),
        .tasks_max = chance(sim, 700) ? between(sim, 1, 6) : between(sim, 5, 14),
        .pipelines_max = between(sim, 1, 5),
        .twins = some(sim, 250, 100),
    };
    draw_temper(sim, &sim->scheduler.temper);
    draw_limits(sim, &sim->limits);
}
