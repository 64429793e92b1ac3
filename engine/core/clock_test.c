/* Clocks that are set, back and forth. */
#include "base/clock.h"
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

TestSuite(clock, .init = setup, .fini = teardown);

static void up_and_start(int64_t run_timeout_ms) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->timeout_ms = run_timeout_ms;
    config->tasks[0].retry =
        (struct gf_retry_policy){.max_attempts = 3, .initial_backoff_ms = 10000};
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
}

static int64_t ms_to_next(void) {
    return (gf_core_next_deadline(world.core) - world.now) / 1000000;
}

Test(clock, nothing_is_due_where_nothing_waits) {
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    world_step_only(&world, &input);
    cr_expect(gf_core_batch_is_empty(world.core));
}

Test(clock, nothing_happens_before_it_is_due) {
    up_and_start(60000);
    world_exit(&world, "one", 1);
    const int64_t newest = world_newest_event(&world);
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    (void)world_step(&world, &input);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 2);
}

/* A wait is a duration: a clock that is set back does not make it longer. */
Test(clock, waits_stay_as_long_when_it_is_set_back) {
    up_and_start(60000);
    world_exit(&world, "one", 1);
    world_advance(&world, 4000);
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    (void)world_step(&world, &input);
    world_set_back(&world, 24 * 3600 * 1000);
    (void)world_step(&world, &input);
    cr_expect_eq(world_task(&world, 1, "one").attempt, 1);
    cr_expect_leq(ms_to_next(), 6000);
    cr_expect_geq(ms_to_next(), 5990);
    world_advance(&world, 6000);
    cr_expect_eq(world_task(&world, 1, "one").attempt, 2);
    world_started(&world, "one");
    cr_expect_geq(ms_to_next(), 49900);
    world_advance(&world, 50000);
    cr_expect(world_find(&world, "one")->stop_asked);
    world_stopped(&world, "one");
    const struct gf_run run = world_run(&world, 1);
    cr_expect_geq(run.end_time, run.start_time, "no run ends before it begins");
}

/* Corrections by less than a second happen all the time. */
Test(clock, small_steps_back_change_nothing) {
    up_and_start(60000);
    const int64_t due = gf_core_next_deadline(world.core);
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    for (int i = 0; i < 100; i++) {
        world_set_back(&world, 900);
        (void)world_step(&world, &input);
        world.now += 900 * GF_NS_PER_MS;
        (void)world_step(&world, &input);
    }
    cr_expect_eq(gf_core_next_deadline(world.core), due);
}

Test(clock, set_back_while_the_server_was_away) {
    up_and_start(60000);
    world_exit(&world, "one", 1);
    world_set_back(&world, 24 * 3600 * 1000);
    world_restart(&world);
    /* The rows tell of a future in which nobody lives: no wait is longer than it could be. */
    cr_expect_leq(ms_to_next(), 60000);
    world_advance(&world, 60000);
    cr_expect_str_eq(world_runs(&world), "F");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_TIMED_OUT);
}

Test(clock, set_forward_everything_is_due_in_its_order) {
    up_and_start(60000);
    world_exit(&world, "one", 1);
    const int64_t newest = world_newest_event(&world);
    world.now += 3600 * GF_NS_PER_SEC;
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    (void)world_step(&world, &input);
    /* The attempt was due first, then the run. */
    cr_expect_str_eq(world_runs(&world), "F");
    cr_expect_str_eq(world_events(&world, newest), "one:COMPLETED RUN_COMPLETED");
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
}

Test(clock, a_task_never_ends_before_it_started) {
    up_and_start(0);
    const int64_t launched = world.now;
    const struct gf_input started = {
        .kind = GF_INPUT_TASK_STARTED,
        .u.started = {.attempt = world_find(&world, "one")->attempt,
                      .start = {.start_time = launched + 5000 * GF_NS_PER_MS,
                                .pull_start_time = launched,
                                .pull_end_time = launched + 1}}};
    (void)world_step(&world, &started);
    cr_expect_eq(world_task(&world, 1, "one").pull_end_time, launched + 1);
    const struct gf_exit exit = {.exit_code = 0, .end_time = launched};
    world_report(&world, world_find(&world, "one")->attempt, &exit);
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.end_time, task.start_time);
}
