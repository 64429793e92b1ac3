/* Random configs: graphs with every parent rule, limits, timeouts, retries. */
#include "base/alloc.h"
#include "engine/core/config.h"
#include "tests/sim/sim.h"

#include <inttypes.h>

static bool chance(struct sim *sim, uint32_t per_mille) {
    return sim_random_chance(&sim->random, per_mille);
}

static int64_t between(struct sim *sim, int64_t first, int64_t last) {
    return sim_random_between(&sim->random, first, last);
}

static void make_parents(struct sim *sim, struct gf_config *config, size_t index) {
    struct gf_task *task = &config->tasks[index];
    const uint32_t density = (uint32_t)between(sim, 100, 600);
    for (size_t p = 0; p < index; p++) {
        if (!chance(sim, density)) {
            continue;
        }
        if (task->parents == NULL) {
            task->parents = GF_ARENA_ARRAY(&sim->arena, index, struct gf_parent);
        }
        task->parents[task->parent_count++] = (struct gf_parent){
            .task_id = config->tasks[p].task_id,
            .rule = chance(sim, 600) ? GF_PARENT_SUCCESS
                                     : (chance(sim, 500) ? GF_PARENT_ANY : GF_PARENT_FAILURE),
        };
    }
}

static void make_retry(struct sim *sim, struct gf_retry_policy *retry) {
    static const int32_t codes[] = {1, 2, 3, 4};
    retry->max_attempts = (int32_t)between(sim, 1, 5);
    if (chance(sim, 800)) {
        retry->initial_backoff_ms = sim_random_spread(&sim->random, 1, 8000);
        retry->max_backoff_ms =
            retry->initial_backoff_ms + sim_random_spread(&sim->random, 1, 30000);
    }
    retry->backoff_multiplier = chance(sim, 500) ? 0 : (double)between(sim, 10, 35) / 10;
    retry->jitter_percent = chance(sim, 500) ? 0 : (int32_t)between(sim, 0, 100);
    if (chance(sim, 300)) {
        const int64_t first = between(sim, 0, 2);
        retry->exit_codes = &codes[first];
        retry->exit_code_count = (size_t)between(sim, 1, 2);
    }
    retry->retry_orphaned = chance(sim, 500);
    retry->retry_timed_out = chance(sim, 500);
}

static void make_task(struct sim *sim, struct gf_config *config, size_t index) {
    struct gf_task *task = &config->tasks[index];
    task->task_id = gf_str_from(gf_arena_printf(&sim->arena, "task-%02zu", index));
    task->image = GF_STR("busybox:latest");
    make_parents(sim, config, index);
    if (chance(sim, 500)) {
        make_retry(sim, &task->retry);
    }
    if (chance(sim, 400)) {
        task->timeout_ms = sim_random_spread(&sim->random, 100, 60000);
    }
    if (chance(sim, 400)) {
        task->stop_timeout_ms = sim_random_spread(&sim->random, 10, 20000);
    }
    if (config->pool_count > 0 && chance(sim, 500)) {
        task->pool = config->pools[sim_random_below(&sim->random, config->pool_count)].pool_id;
    }
}

static void make_pools(struct sim *sim, struct gf_config *config) {
    static const struct gf_str ids[SIM_POOLS] = {{"pool-0", 6}, {"pool-1", 6}, {"pool-2", 6}};
    if (!chance(sim, 400)) {
        return;
    }
    struct gf_task_pool *pools = GF_ARENA_ARRAY(&sim->arena, SIM_POOLS, struct gf_task_pool);
    for (size_t i = 0; i < SIM_POOLS; i++) {
        if (chance(sim, 600)) {
            pools[config->pool_count++] = (struct gf_task_pool){ids[i], between(sim, 1, 3)};
        }
    }
    config->pools = pools;
}

struct gf_config *sim_make_config(struct sim *sim, struct gf_str pipeline_id) {
    struct gf_config *config = GF_ARENA_NEW(&sim->arena, struct gf_config);
    struct gf_error err = {0};
    config->pipeline_id = pipeline_id;
    config->task_count = (size_t)between(sim, 1, sim->profile.tasks_max);
    config->tasks = GF_ARENA_ARRAY(&sim->arena, config->task_count, struct gf_task);
    config->parallelism = chance(sim, 600) ? between(sim, 1, 4) : 0;
    config->queue_policy = chance(sim, 600) ? GF_QUEUE_POLICY_QUEUE
                                            : (chance(sim, 500) ? GF_QUEUE_POLICY_REJECT
                                                                : GF_QUEUE_POLICY_CANCEL_OLDEST);
    config->queue_limit = chance(sim, 400) ? between(sim, 1, 6) : 0;
    config->priority = chance(sim, 300) ? (int32_t)between(sim, -2, 2) : 0;
    config->timeout_ms = chance(sim, 300) ? sim_random_spread(&sim->random, 1000, 200000) : 0;
    config->task_parallelism = chance(sim, 400) ? between(sim, 1, 3) : 0;
    make_pools(sim, config);
    for (size_t i = 0; i < config->task_count; i++) {
        make_task(sim, config, i);
    }
    /* Equal configs have equal hashes and others have not: here no two are equal. */
    config->content_hash =
        gf_str_from(gf_arena_printf(&sim->arena, "%064" PRIx64, sim_random_next(&sim->random)));
    if (gf_config_check(config, &sim->arena, &err) != GF_OK) {
        sim_break(sim, SIM_INVARIANT_refusal, "a config is refused: %s: %s", err.field,
                  err.message);
    }
    return config;
}
