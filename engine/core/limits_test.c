/* Which of the runs that wait begins: limits of the levels, priority and age. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
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

TestSuite(limits, .init = setup, .fini = teardown);

static void use_limits(struct gf_core_limits limits) {
    world_fini(&world);
    world_init(&world, limits);
}

/* Registers a pipeline whose one task has its name. */
static void up(const char *namespace_id, const char *pipeline_id, int64_t parallelism,
               int32_t priority) {
    struct gf_config *config = gf_fixture_checked(&world.arena, pipeline_id);
    config->pipeline_id = gf_str_from(pipeline_id);
    config->parallelism = parallelism;
    config->priority = priority;
    config->content_hash = GF_STR("");
    const struct gf_input input = {.kind = GF_INPUT_REGISTER_CONFIG,
                                   .u.register_config = {.namespace_id = gf_str_from(namespace_id),
                                                         .config = config,
                                                         .deploy = true}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
}

static enum gf_run_state start(const char *namespace_id, const char *pipeline_id) {
    struct gf_input input = world_start_input();
    input.u.start_run.namespace_id = gf_str_from(namespace_id);
    input.u.start_run.pipeline_id = gf_str_from(pipeline_id);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    return world.run.state;
}

static void set_namespace_parallelism(const char *namespace_id, int64_t parallelism) {
    const struct gf_input input = {.kind = GF_INPUT_UPDATE_NAMESPACE,
                                   .u.ns = {.namespace_id = gf_str_from(namespace_id),
                                            .run_parallelism = parallelism,
                                            .set_run_parallelism = true}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
}

static int64_t running(void) {
    const struct gf_core_stats stats = gf_core_get_stats(world.core);
    return stats.runs_active - stats.runs_queued;
}

/* ---- Levels ---- */

Test(limits, the_server_bounds_the_runs_of_all) {
    use_limits((struct gf_core_limits){.runs_running_max = 2});
    cr_assert_eq(world_create_namespace(&world, "team"), GF_OK);
    up("default", "aaa", 0, 0);
    up("team", "bbb", 0, 0);
    cr_expect_eq(start("default", "aaa"), GF_RUN_STATE_RUNNING);
    cr_expect_eq(start("team", "bbb"), GF_RUN_STATE_RUNNING);
    cr_expect_eq(start("team", "bbb"), GF_RUN_STATE_QUEUED);
    cr_expect_eq(start("default", "aaa"), GF_RUN_STATE_QUEUED);
    world_exit(&world, "aaa", 0);
    cr_expect_eq(running(), 2);
    /* The oldest of all is next, whosever it is. */
    cr_expect_null(world_find(&world, "aaa"));
    world_restart(&world);
    cr_expect_eq(running(), 2);
    world_exit(&world, "bbb", 0);
    cr_expect_not_null(world_find(&world, "aaa"));
}

Test(limits, a_namespace_bounds_the_runs_of_its_pipelines) {
    use_limits((struct gf_core_limits){.namespace_runs_max = 2});
    cr_assert_eq(world_create_namespace(&world, "team"), GF_OK);
    up("default", "aaa", 0, 0);
    up("default", "bbb", 0, 0);
    up("team", "ccc", 0, 0);
    cr_expect_eq(start("default", "aaa"), GF_RUN_STATE_RUNNING);
    cr_expect_eq(start("default", "bbb"), GF_RUN_STATE_RUNNING);
    cr_expect_eq(start("default", "aaa"), GF_RUN_STATE_QUEUED);
    cr_expect_eq(start("team", "ccc"), GF_RUN_STATE_RUNNING, "another namespace has room");
    world_exit(&world, "ccc", 0);
    cr_expect_eq(running(), 2, "and what ends there makes none here");
    world_exit(&world, "bbb", 0);
    cr_expect_eq(running(), 2);
}

Test(limits, a_namespace_may_ask_for_less) {
    up("default", "aaa", 0, 0);
    set_namespace_parallelism("default", 1);
    cr_expect_eq(start("default", "aaa"), GF_RUN_STATE_RUNNING);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(start("default", "aaa"), GF_RUN_STATE_QUEUED);
    }
    world_restart(&world);
    cr_expect_eq(running(), 1);
    /* More room is used in the same step; less room lets go on what runs. */
    set_namespace_parallelism("default", 3);
    cr_expect_eq(running(), 3);
    set_namespace_parallelism("default", 2);
    cr_expect_eq(running(), 3);
    world_exit(&world, "aaa", 0);
    cr_expect_eq(running(), 2);
    world_exit(&world, "aaa", 0);
    cr_expect_eq(running(), 2);
    set_namespace_parallelism("default", 0);
    cr_expect_eq(running(), 3);
}

Test(limits, one_step_begins_a_bounded_number_of_runs) {
    const int64_t more = 10;
    use_limits((struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    set_namespace_parallelism("default", 1);
    for (int64_t i = 0; i < 1 + GF_CORE_STEP_TASKS_MAX + more; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    set_namespace_parallelism("default", 0);
    cr_expect_eq(running(), 1 + GF_CORE_STEP_TASKS_MAX);
    cr_expect_leq(gf_core_next_deadline(world.core), world.now, "the rest is due");
    world_advance(&world, 0);
    cr_expect_eq(running(), 1 + GF_CORE_STEP_TASKS_MAX + more);
    cr_expect_gt(gf_core_next_deadline(world.core), world.now);
}

Test(limits, the_least_of_all_levels_holds) {
    use_limits((struct gf_core_limits){
        .runs_running_max = 4, .namespace_runs_max = 3, .pipeline_runs_max = 2});
    up("default", "aaa", 5, 0);
    up("default", "bbb", 1, 0);
    cr_assert_eq(world_create_namespace(&world, "team"), GF_OK);
    up("team", "ccc", 0, 0);
    for (int i = 0; i < 4; i++) {
        (void)start("default", "aaa");
    }
    cr_expect_eq(running(), 2, "the server's of a pipeline");
    (void)start("default", "bbb");
    (void)start("default", "bbb");
    cr_expect_eq(running(), 3, "the config's of a pipeline");
    (void)start("team", "ccc");
    (void)start("team", "ccc");
    cr_expect_eq(running(), 4, "the server's");
    /* Whoever's slot is free is next, not who has waited the longest for another one. */
    world_exit(&world, "bbb", 0);
    cr_expect_eq(running(), 4);
    cr_expect_not_null(world_find(&world, "bbb"));
    cr_expect_null(world_check(&world));
}

/* What is held back at one level does not hold back others. */
Test(limits, a_full_pipeline_does_not_hold_others_back) {
    use_limits((struct gf_core_limits){.runs_running_max = 3});
    up("default", "aaa", 1, 1000);
    up("default", "bbb", 0, -1000);
    for (int i = 0; i < 3; i++) {
        (void)start("default", "aaa");
        (void)start("default", "bbb");
    }
    cr_expect_eq(running(), 3);
    world_exit(&world, "bbb", 0);
    cr_expect_eq(running(), 3);
    cr_expect_not_null(world_find(&world, "bbb"));
    world_exit(&world, "aaa", 0);
    cr_expect_not_null(world_find(&world, "aaa"));
}

/* ---- Priority ---- */

static void expect_next(int64_t run_id) {
    world_exit(&world, "one", 0);
    cr_expect_eq(world_run(&world, run_id).state, GF_RUN_STATE_RUNNING, "run %lld is not next: %s",
                 (long long)run_id, world_runs(&world));
}

Test(limits, higher_priority_begins_first_equal_ones_by_age) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    const int32_t priorities[] = {0, -5, 0, 1000, 0, -1000, 1000};
    for (size_t i = 0; i < GF_ARRAY_COUNT(priorities); i++) {
        cr_assert_eq(world_start_priority(&world, priorities[i]), GF_OK);
        cr_expect_eq(world.run.priority, priorities[i]);
    }
    expect_next(4);
    expect_next(7);
    world_restart(&world);
    expect_next(3);
    expect_next(5);
    expect_next(2);
    expect_next(6);
}

Test(limits, a_run_has_the_priority_of_its_config) {
    use_limits((struct gf_core_limits){.runs_running_max = 1});
    up("default", "low", 0, -1);
    up("default", "high", 0, 7);
    cr_expect_eq(start("default", "low"), GF_RUN_STATE_RUNNING);
    cr_expect_eq(start("default", "low"), GF_RUN_STATE_QUEUED);
    cr_expect_eq(start("default", "high"), GF_RUN_STATE_QUEUED);
    cr_expect_eq(world.run.priority, 7);
    world_exit(&world, "low", 0);
    cr_expect_not_null(world_find(&world, "high"));
    cr_expect_null(world_find(&world, "low"));
    /* Unless it is started with one of its own, also 0. */
    struct gf_input input = world_start_input();
    input.u.start_run.pipeline_id = GF_STR("high");
    input.u.start_run.has_priority = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.priority, 0);
}

Test(limits, ready_tasks_are_launched_by_priority_then_age) {
    use_limits((struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one; two < one; tri"), GF_OK);
    cr_assert_eq(world_start_priority(&world, 0), GF_OK);
    cr_assert_eq(world_start_priority(&world, 5), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "pww");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 2), "pww");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 2), "Swp");
    world_restart(&world);
    world_exit(&world, "tri", 0);
    cr_expect_str_eq(world_states(&world, 2), "SpS");
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_states(&world, 2), "SSS");
    cr_expect_eq((int64_t)world.containers.count, 1);
    cr_expect_eq(world.containers.items[0].attempt.run_key, world_run(&world, 1).run_key);
}

Test(limits, a_bad_priority_is_refused) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_expect_eq(world_start_priority(&world, GF_PRIORITY_MAX + 1), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "priority.value");
    cr_expect_eq(world_start_priority(&world, -GF_PRIORITY_MAX - 1), GF_INVALID_ARGUMENT);
    cr_assert_eq(world_start_priority(&world, GF_PRIORITY_MAX), GF_OK);
    cr_assert_eq(world_start_priority(&world, -GF_PRIORITY_MAX), GF_OK);
}

Test(limits, tasks_that_ask_for_more_than_the_server_gives_are_not_registered) {
    use_limits((struct gf_core_limits){.task_maximums = {.memory_bytes = 100}});
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->tasks[0].resources.memory_bytes = 101;
    cr_expect_eq(world_up_config(&world, config), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "spec.tasks[0].resources.memory_bytes");
    config->tasks[0].resources.memory_bytes = 100;
    cr_expect_eq(world_up_config(&world, config), GF_OK);
}
