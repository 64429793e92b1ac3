/* Bounds on tasks: pools of a pipeline, tasks of a run, containers of the server. */
#include "engine/core/core.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(pools, .init = setup, .fini = teardown);

/*
 * Tasks are in the pool that they begin with the letter of: 'a' of aaa, 'b' of bbb, others of none.
 */
static struct gf_config *config_of(const char *tasks, int64_t a, int64_t b) {
    struct gf_config *config = gf_fixture_config(&world.arena, tasks);
    struct gf_task_pool *pools = GF_ARENA_ARRAY(&world.arena, 2, struct gf_task_pool);
    pools[0] = (struct gf_task_pool){GF_STR("aaa"), a};
    pools[1] = (struct gf_task_pool){GF_STR("bbb"), b};
    config->pools = pools;
    config->pool_count = 2;
    for (size_t i = 0; i < config->task_count; i++) {
        const char first = config->tasks[i].task_id.ptr[0];
        if (first == 'a' || first == 'b') {
            config->tasks[i].pool = first == 'a' ? GF_STR("aaa") : GF_STR("bbb");
        }
    }
    return config;
}

static void start(int count) {
    for (int i = 0; i < count; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
        cr_assert_null(world_check(&world));
    }
}

/* Ends everything, one after the other; the invariants hold at any time. */
static void drain(void) {
    while (world.containers.count > 0) {
        const struct gf_exit exit = {.exit_code = 0};
        world_report(&world, world.containers.items[0].attempt, &exit);
        const char *fault = world_check(&world);
        cr_assert_null(fault, "%s", fault);
    }
    cr_expect_eq(gf_core_get_stats(world.core).runs_active, 0);
}

Test(pools, bound_the_tasks_of_all_runs_of_a_pipeline) {
    cr_assert_eq(world_up_config(&world, config_of("a-1; a-2; b-1; c-1", 3, 1)), GF_OK);
    start(2);
    cr_expect_str_eq(world_states(&world, 1), "pppp");
    cr_expect_str_eq(world_states(&world, 2), "pwwp");
    world_restart(&world);
    cr_expect_str_eq(world_states(&world, 2), "pwwp");
    world_exit_in(&world, 1, "b-1", 0);
    cr_expect_str_eq(world_states(&world, 2), "pwpp");
    world_exit_in(&world, 1, "c-1", 0);
    cr_expect_str_eq(world_states(&world, 2), "pwpp", "it was in no pool");
    world_exit_in(&world, 2, "a-1", 1);
    cr_expect_str_eq(world_states(&world, 2), "Fppp");
    drain();
}

Test(pools, do_not_bound_other_pipelines) {
    struct gf_config *other = config_of("a-1", 1, 1);
    other->pipeline_id = GF_STR("other");
    cr_assert_eq(world_up_config(&world, other), GF_OK);
    cr_assert_eq(world_up_config(&world, config_of("a-1", 1, 1)), GF_OK);
    start(1);
    struct gf_input input = world_start_input();
    input.u.start_run.pipeline_id = GF_STR("other");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq((int64_t)world.containers.count, 2);
    drain();
}

Test(pools, a_free_slot_goes_to_the_highest_priority) {
    cr_assert_eq(world_up_config(&world, config_of("a-1; a-2", 1, 1)), GF_OK);
    start(1);
    cr_assert_eq(world_start_priority(&world, -1), GF_OK);
    cr_assert_eq(world_start_priority(&world, 1), GF_OK);
    world_exit_in(&world, 1, "a-1", 0);
    cr_expect_str_eq(world_states(&world, 3), "pw");
    world_exit_in(&world, 3, "a-1", 0);
    world_exit_in(&world, 3, "a-2", 0);
    cr_expect_str_eq(world_states(&world, 1), "Sp");
    cr_expect_str_eq(world_states(&world, 2), "ww");
    drain();
}

Test(pools, a_cancelled_task_leaves_its_place_in_the_line) {
    cr_assert_eq(world_up_config(&world, config_of("a-1; a-2; a-3", 1, 1)), GF_OK);
    start(2);
    cr_assert_eq(world_cancel_task(&world, 1, "a-2", false), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "pCw");
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_str_eq(world_states(&world, 2), "www");
    world_stopped_in(&world, 1, "a-1");
    cr_expect_str_eq(world_states(&world, 2), "pww");
    drain();
}

Test(pools, a_task_between_attempts_holds_no_slot) {
    struct gf_config *config = config_of("a-1; a-2", 1, 1);
    config->tasks[0].retry = (struct gf_retry_policy){.max_attempts = 2};
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    start(1);
    world_exit(&world, "a-1", 1);
    cr_expect_str_eq(world_states(&world, 1), "wp");
    (void)world_advance_to_next(&world);
    cr_expect_str_eq(world_states(&world, 1), "wp");
    world_exit(&world, "a-2", 0);
    cr_expect_str_eq(world_states(&world, 1), "pS");
}

/* ---- Tasks of a run ---- */

Test(pools, a_run_bounds_its_own_tasks) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one; two; tri; four");
    config->task_parallelism = 2;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    start(2);
    cr_expect_str_eq(world_states(&world, 1), "ppww");
    cr_expect_str_eq(world_states(&world, 2), "ppww", "another run has its own");
    world_restart(&world);
    cr_expect_str_eq(world_states(&world, 1), "ppww");
    world_exit_in(&world, 1, "two", 0);
    cr_expect_str_eq(world_states(&world, 1), "pSpw");
    drain();
}

/* All three at once: whichever is the least, and none holds back another that it does not concern.
 */
Test(pools, the_least_of_all_levels_holds) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 4});
    struct gf_config *config = config_of("a-1; a-2; b-1; c-1; c-2", 1, 2);
    config->task_parallelism = 3;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    start(1);
    cr_expect_str_eq(world_states(&world, 1), "pwppw", "three of a run, one of the pool");
    start(1);
    cr_expect_str_eq(world_states(&world, 2), "wwpww", "four in all, one of the pool");
    world_exit_in(&world, 1, "a-1", 0);
    cr_expect_str_eq(world_states(&world, 1), "Spppw", "the longest ready first");
    world_restart(&world);
    drain();
}

/* A group at the run's bound does not keep a pool's slot from another run. */
Test(pools, a_run_at_its_bound_lets_others_have_the_pool) {
    struct gf_config *config = config_of("c-1; a-1; a-2", 1, 1);
    config->task_parallelism = 1;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    start(1);
    cr_expect_str_eq(world_states(&world, 1), "pww");
    struct gf_config *free_config = config_of("a-1", 1, 1);
    cr_assert_eq(world_up_config(&world, free_config), GF_OK);
    start(2);
    cr_expect_str_eq(world_states(&world, 2), "p", "run 1 could not use it");
    cr_expect_str_eq(world_states(&world, 3), "w");
    world_exit_in(&world, 1, "c-1", 0);
    cr_expect_str_eq(world_states(&world, 1), "Sww");
    world_exit_in(&world, 2, "a-1", 0);
    drain();
}

/* Versions may differ about a pool of the same name. */
Test(pools, another_version_brings_its_own_limit) {
    cr_assert_eq(world_up_config(&world, config_of("a-1; a-2", 1, 1)), GF_OK);
    start(1);
    cr_assert_eq(world_up_config(&world, config_of("a-1; a-2", 3, 1)), GF_OK);
    start(1);
    cr_expect_str_eq(world_states(&world, 1), "pw");
    cr_expect_str_eq(world_states(&world, 2), "pp");
    world_restart(&world);
    drain();
}

Test(pools, many_runs_all_end) {
    struct gf_config *config = config_of("a-1; a-2 < b-1; b-1; c-1; c-2 < a-2 c-1", 2, 3);
    config->task_parallelism = 2;
    config->parallelism = 7;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    for (int i = 0; i < 40; i++) {
        cr_assert_eq(world_start_priority(&world, i % 3), GF_OK);
    }
    drain();
    cr_expect_eq(world.launch_count, 40 * 5);
}
