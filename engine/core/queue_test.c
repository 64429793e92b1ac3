/* Limits of what runs at once: runs of a pipeline, containers of the server. */
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

TestSuite(queue, .init = setup, .fini = teardown);

static void use_limits(struct gf_core_limits limits) {
    world_fini(&world);
    world_init(&world, limits);
}

static void expect_state(int64_t run_id, enum gf_run_state state) {
    const enum gf_run_state found = world_run(&world, run_id).state;
    cr_expect_eq(found, state, "run %lld is %s", (long long)run_id, gf_run_state_name(found));
}

Test(queue, parallelism_one_runs_one_after_another) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    cr_expect_eq(world.run.state, GF_RUN_STATE_QUEUED);
    cr_expect_eq(world.run.start_time, 0);
    expect_state(1, GF_RUN_STATE_RUNNING);
    expect_state(2, GF_RUN_STATE_QUEUED);
    expect_state(3, GF_RUN_STATE_QUEUED);
    cr_expect_eq(gf_core_get_stats(world.core).runs_queued, 2);
    cr_expect_eq(world.launch_count, 1);
    const int64_t newest = world_newest_event(&world);
    world_exit(&world, "one", 1);
    expect_state(2, GF_RUN_STATE_RUNNING);
    expect_state(3, GF_RUN_STATE_QUEUED);
    cr_expect_eq(world_run(&world, 2).start_time, world.now);
    cr_expect_str_eq(world_events(&world, newest),
                     "one:STARTED one:COMPLETED RUN_COMPLETED RUN_STARTED one:CREATED");
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
    cr_expect_eq(gf_core_get_stats(world.core).runs_active, 0);
}

Test(queue, runs_leave_it_by_age) {
    cr_assert_eq(world_up_parallel(&world, "one", 2), GF_OK);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    for (int64_t id = 3; id <= 6; id++) {
        expect_state(id, GF_RUN_STATE_QUEUED);
        world_exit(&world, "one", 0);
        expect_state(id, GF_RUN_STATE_RUNNING);
        cr_expect_null(world_check(&world));
    }
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(queue, the_server_bounds_every_pipeline) {
    use_limits((struct gf_core_limits){.pipeline_runs_max = 2});
    const int64_t parallelism[] = {0, 1, 2, 5};
    const int64_t expected[] = {2, 1, 2, 2};
    for (size_t i = 0; i < GF_ARRAY_COUNT(parallelism); i++) {
        cr_assert_eq(world_up_parallel(&world, "one", parallelism[i]), GF_OK);
        for (int n = 0; n < 4; n++) {
            cr_assert_eq(world_start(&world), GF_OK);
        }
        cr_expect_eq((int64_t)world.containers.count, expected[i]);
        while (world.containers.count > 0) {
            world_exit(&world, "one", 0);
        }
    }
}

Test(queue, pipelines_do_not_wait_for_each_other) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    struct gf_config *other = gf_fixture_config(&world.arena, "two");
    other->pipeline_id = GF_STR("other");
    other->parallelism = 1;
    cr_assert_eq(world_up_config(&world, other), GF_OK);
    const struct gf_input start = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("other")}};
    cr_assert_eq(world_step(&world, &start), GF_OK);
    cr_expect_eq(world.run.state, GF_RUN_STATE_RUNNING);
    world_exit(&world, "two", 0);
    expect_state(2, GF_RUN_STATE_QUEUED);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

/* Each run goes by the parallelism of its own version; a queued one holds those behind it. */
Test(queue, a_new_version_brings_its_own_parallelism) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_up_parallel(&world, "one", 3), GF_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    expect_state(2, GF_RUN_STATE_QUEUED);
    expect_state(3, GF_RUN_STATE_QUEUED);
    world_exit(&world, "one", 0);
    expect_state(2, GF_RUN_STATE_RUNNING);
    expect_state(3, GF_RUN_STATE_RUNNING);
    expect_state(4, GF_RUN_STATE_RUNNING);
    expect_state(5, GF_RUN_STATE_QUEUED);
    while (world.containers.count > 0) {
        world_exit(&world, "one", 0);
    }
}

Test(queue, the_limit_of_a_queue_counts_those_that_would_wait_behind_an_older_version) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    struct gf_config *config = gf_fixture_checked(&world.arena, "one; two");
    config->queue_limit = 1;
    cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    cr_expect_eq(world_start(&world), GF_RESOURCE_EXHAUSTED, "it would be the second to wait");
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_start(&world), GF_OK);
    expect_state(3, GF_RUN_STATE_RUNNING);
}

Test(queue, slots_bound_the_containers_of_the_server) {
    use_limits((struct gf_core_limits){.attempts_running_max = 2});
    cr_assert_eq(world_up(&world, "aaa; bbb; ccc; ddd < aaa"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "ppww");
    cr_expect_str_eq(world_states(&world, 2), "wwww");
    cr_expect_eq(gf_core_get_stats(world.core).tasks_ready, 4);
    /* First come, first served: over runs, and before what becomes ready later. */
    world_exit(&world, "aaa", 0);
    cr_expect_str_eq(world_states(&world, 1), "Sppw");
    world_exit(&world, "bbb", 0);
    cr_expect_str_eq(world_states(&world, 1), "SSpw");
    cr_expect_str_eq(world_states(&world, 2), "pwww");
    while (world.containers.count > 0) {
        const struct gf_exit exit = {.exit_code = 0};
        world_report(&world, world.containers.items[0].attempt, &exit);
        cr_assert_leq(world.containers.count, 2);
        cr_assert_null(world_check(&world));
    }
    cr_expect_str_eq(world_states(&world, 1), "SSSS");
    cr_expect_str_eq(world_states(&world, 2), "SSSS");
    cr_expect_eq(world.launch_count, 8);
}

Test(queue, a_task_that_failed_to_launch_gives_its_slot_back) {
    use_limits((struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find(&world, "one")->attempt, "x");
    cr_expect_str_eq(world_states(&world, 1), "Fp");
    world_failed(&world, GF_INPUT_TASK_LOST, world_find(&world, "two")->attempt, "x");
    cr_expect_str_eq(world_states(&world, 1), "FF");
}

Test(queue, a_thousand_queued_runs_all_run) {
    cr_assert_eq(world_up_parallel(&world, "one", 3), GF_OK);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    cr_expect_eq(gf_core_get_stats(world.core).runs_queued, 997);
    cr_expect_null(world_check(&world));
    while (world.containers.count > 0) {
        cr_assert_leq(world.containers.count, 3);
        world_exit(&world, "one", 0);
    }
    cr_expect_eq(world.launch_count, 1000);
    expect_state(1000, GF_RUN_STATE_COMPLETE);
}
