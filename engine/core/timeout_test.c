/* Timeouts of tasks and runs, and the patience with a scheduler that is silent. */
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

TestSuite(timeout, .init = setup, .fini = teardown);
TestSuite(lease, .init = setup, .fini = teardown);

static void use_limits(struct gf_core_limits limits) {
    world_fini(&world);
    world_init(&world, limits);
}

static struct gf_config *config_of(const char *tasks, int64_t run_timeout_ms,
                                   int64_t task_timeout_ms) {
    struct gf_config *config = gf_fixture_config(&world.arena, tasks);
    config->timeout_ms = run_timeout_ms;
    for (size_t i = 0; i < config->task_count; i++) {
        config->tasks[i].timeout_ms = task_timeout_ms;
    }
    return config;
}

static void up_and_start(struct gf_config *config) {
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
}

/* ---- Of a run ---- */

Test(timeout, a_run_that_takes_too_long_fails) {
    up_and_start(config_of("one; two < one; tri < two:any; four", 60000, 0));
    cr_expect_eq(world_run(&world, 1).deadline_time - world_run(&world, 1).start_time,
                 INT64_C(60000) * 1000000);
    world_exit(&world, "one", 0);
    world_exit(&world, "four", 0);
    world_started(&world, "two");
    world_advance(&world, 59990);
    cr_expect_not(world_find(&world, "two")->stop_asked);
    const int64_t newest = world_newest_event(&world);
    world_advance(&world, 10);
    cr_expect(world_find(&world, "two")->stop_asked);
    cr_expect_not(world_find(&world, "two")->stop_forced);
    cr_expect_not(world_run(&world, 1).cancel_requested, "nobody asked for it");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_TIMED_OUT);
    cr_expect_str_eq(world_states(&world, 1), "SrKS");
    cr_expect_eq(world_task(&world, 1, "tri").reason.kind, GF_REASON_TIMED_OUT);
    world_stopped(&world, "two");
    cr_expect_str_eq(world_events(&world, newest), "tri:COMPLETED two:COMPLETED RUN_COMPLETED");
    cr_expect_str_eq(world_states(&world, 1), "SFKS");
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.status, GF_RUN_STATUS_FAILED);
    cr_expect_eq(run.reason.kind, GF_REASON_TIMED_OUT);
    cr_expect(gf_str_eq(run.reason.text, GF_STR("run took longer than its timeout of 1m")), "%.*s",
              GF_STR_ARG(run.reason.text));
    cr_expect_eq(world_task(&world, 1, "two").reason.kind, GF_REASON_TIMED_OUT);
}

/* What was ready and did not get its turn is what the run was too slow with. */
Test(timeout, what_waits_for_a_slot_or_an_attempt_has_failed) {
    use_limits((struct gf_core_limits){.attempts_running_max = 1});
    struct gf_config *config = config_of("one; two; tri", 1000, 0);
    config->tasks[0].retry =
        (struct gf_retry_policy){.max_attempts = 2, .initial_backoff_ms = 5000};
    up_and_start(config);
    world_exit(&world, "one", 1);
    cr_expect_str_eq(world_states(&world, 1), "wpw");
    world_advance(&world, 1000);
    cr_expect_str_eq(world_states(&world, 1), "FpF");
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_runs(&world), "F");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_TIMED_OUT);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
}

Test(timeout, a_run_whose_tasks_all_ended_well_was_in_time) {
    up_and_start(config_of("one", 1000, 0));
    world_advance(&world, 1000);
    cr_expect(world_find(&world, "one")->stop_asked);
    world_exit(&world, "one", 0); /* faster than the stop */
    cr_expect_str_eq(world_runs(&world), "S");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_UNSPECIFIED);
}

Test(timeout, waiting_in_the_queue_does_not_count) {
    struct gf_config *config = config_of("one", 1000, 0);
    config->parallelism = 1;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world_run(&world, 2).deadline_time, 0);
    world_advance(&world, 999);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_run(&world, 2).deadline_time - world.now, INT64_C(1000) * 1000000);
    world_advance(&world, 990);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_exit(&world, "one", 0);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
}

Test(timeout, the_server_has_a_maximum) {
    use_limits((struct gf_core_limits){.run_timeout_ms_max = 5000, .task_timeout_ms_max = 700});
    const int64_t asked[] = {0, 9000, 2000};
    const int64_t expected[] = {5000, 5000, 2000};
    for (size_t i = 0; i < GF_ARRAY_COUNT(asked); i++) {
        up_and_start(config_of("one", asked[i], 0));
        const struct gf_run run = world_run(&world, (int64_t)i + 1);
        cr_expect_eq(run.deadline_time - run.start_time, expected[i] * 1000000);
        world_exit(&world, "one", 0);
    }
    up_and_start(config_of("one", 0, 0));
    const struct gf_exit late = {.exit_code = 137, .timed_out = true};
    world_report(&world, world_find(&world, "one")->attempt, &late);
    cr_expect(gf_str_eq(world_task(&world, 4, "one").reason.text,
                        GF_STR("command ran longer than its timeout of 700ms")));
}

Test(timeout, a_cancel_does_not_undo_it) {
    up_and_start(config_of("one", 1000, 0));
    world_advance(&world, 1000);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(world_cancel(&world, 1, true), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world_find(&world, "one")->stop_forced);
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "F");
}

Test(timeout, a_cancelled_run_has_none_any_more) {
    up_and_start(config_of("one", 1000, 0));
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_advance(&world, 1500);
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_USER_CANCELLED);
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "C");
}

Test(timeout, goes_on_after_a_restart) {
    up_and_start(config_of("one", 60000, 0));
    world_started(&world, "one");
    world_advance(&world, 50000);
    world_restart(&world);
    world_advance(&world, 9000);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_advance(&world, 1000);
    cr_expect(world_find(&world, "one")->stop_asked);
    /* One that is being ended is told again, and ends for the same reason. */
    world_find(&world, "one")->stop_asked = false;
    world_restart(&world);
    cr_expect(world_find(&world, "one")->stop_asked);
    world_stopped(&world, "one");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_TIMED_OUT);
    cr_expect_str_eq(world_runs(&world), "F");
}

Test(timeout, passes_while_the_server_is_away) {
    up_and_start(config_of("one; two < one:any", 60000, 0));
    world_started(&world, "one");
    world.now += INT64_C(3600) * 1000000000;
    world_restart(&world);
    world_advance(&world, 0);
    cr_expect_str_eq(world_states(&world, 1), "rK");
    cr_expect(world_find(&world, "one")->stop_asked);
}

/* ---- Of a task: the scheduler ends it, the core waits a little longer ---- */

Test(timeout, a_task_that_the_scheduler_ended_has_timed_out) {
    up_and_start(config_of("one; two < one:failure", 0, 2500));
    const struct gf_exit late = {.exit_code = 137, .exit_signal = 9, .timed_out = true};
    world_report(&world, world_find(&world, "one")->attempt, &late);
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.status, GF_TASK_STATUS_FAILED);
    cr_expect_eq(task.reason.kind, GF_REASON_TIMED_OUT);
    cr_expect(gf_str_eq(task.reason.text, GF_STR("command ran longer than its timeout of 2.5s")),
              "%.*s", GF_STR_ARG(task.reason.text));
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_runs(&world), "F");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_ABNORMAL_EXIT);
}

/* ---- A scheduler that says nothing ---- */

Test(lease, an_overdue_task_is_stopped_and_then_given_up) {
    use_limits((struct gf_core_limits){.stop_timeout_ms = 2000, .stop_lease_ms = 500});
    up_and_start(config_of("one; two < one:any", 0, 1000));
    world_started(&world, "one");
    world_advance(&world, 3400);
    cr_expect_not(world_find(&world, "one")->stop_asked, "it has its timeout, the grace and more");
    world_advance(&world, 100);
    cr_expect(world_find(&world, "one")->stop_forced);
    cr_expect_eq(world_task(&world, 1, "one").state, GF_TASK_STATE_RUNNING);
    world_advance(&world, 490);
    cr_expect_str_eq(world_states(&world, 1), "rw");
    world_advance(&world, 11);
    cr_expect_str_eq(world_states(&world, 1), "Fp");
    cr_expect_eq(world.given_up_count, 1);
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.reason.kind, GF_REASON_TIMED_OUT);
    cr_expect(gf_str_eq(task.reason.text, GF_STR("command ran longer than its timeout, and the "
                                                 "scheduler has not told of its end")));
    world_exit(&world, "two", 0);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
}

Test(lease, an_overdue_task_that_ends_after_all_has_timed_out) {
    up_and_start(config_of("one", 0, 1000));
    world_started(&world, "one");
    (void)world_advance_to_next(&world);
    cr_expect(world_find(&world, "one")->stop_forced);
    world_stopped(&world, "one");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_TIMED_OUT);
    cr_expect(gf_str_eq(world_task(&world, 1, "one").reason.text,
                        GF_STR("command ran longer than its timeout of 1s")));
}

Test(lease, a_cancel_gives_an_overdue_task_no_new_grace) {
    up_and_start(config_of("one", 0, 1000));
    world_started(&world, "one");
    world_advance(&world, 1000 + GF_STOP_TIMEOUT_MS_DEFAULT + GF_STOP_LEASE_MS_DEFAULT);
    cr_assert(world_find(&world, "one")->stop_forced);
    cr_assert_eq(world_cancel(&world, 1, /* force= */ false), GF_OK);
    world_advance(&world, GF_STOP_LEASE_MS_DEFAULT);
    cr_expect_eq(world_run(&world, 1).state, GF_RUN_STATE_COMPLETE);
}

Test(lease, a_cancel_of_an_overdue_task_gives_it_no_new_grace) {
    up_and_start(config_of("one", 0, 1000));
    world_started(&world, "one");
    world_advance(&world, 1000 + GF_STOP_TIMEOUT_MS_DEFAULT + GF_STOP_LEASE_MS_DEFAULT);
    cr_assert(world_find(&world, "one")->stop_forced);
    cr_assert_eq(world_cancel_task(&world, 1, "one", /* force= */ false), GF_OK);
    world_advance(&world, GF_STOP_LEASE_MS_DEFAULT);
    cr_expect_eq(world_run(&world, 1).state, GF_RUN_STATE_COMPLETE);
}

Test(lease, a_launch_of_which_nothing_is_heard_is_given_up) {
    use_limits((struct gf_core_limits){.launch_lease_ms = 4000, .stop_lease_ms = 1000});
    struct gf_config *config = config_of("one", 0, 0);
    config->tasks[0].retry = (struct gf_retry_policy){.max_attempts = 2, .initial_backoff_ms = 500};
    up_and_start(config);
    const struct gf_attempt first = world_find(&world, "one")->attempt;
    world_advance(&world, 3900);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_advance(&world, 100);
    cr_expect(world_find(&world, "one")->stop_forced);
    world_advance(&world, 1001);
    cr_expect_str_eq(world_states(&world, 1), "w", "it is made again");
    struct gf_task_execution *rows = NULL;
    cr_assert_eq(world_attempts(&world, 1, "one", &rows), 1);
    cr_expect_eq(rows[0].reason.kind, GF_REASON_SCHEDULER_ERROR);
    cr_expect(gf_str_eq(rows[0].reason.text, GF_STR("the scheduler has not told within 4s whether "
                                                    "the container started")),
              "%.*s", GF_STR_ARG(rows[0].reason.text));
    world_advance(&world, 500);
    const struct gf_exit exit = {.exit_code = 0};
    world_report(&world, first, &exit); /* too late */
    cr_expect_str_eq(world_states(&world, 1), "p");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "S");
}

Test(lease, a_launch_that_comes_late_was_too_late) {
    use_limits((struct gf_core_limits){.launch_lease_ms = 4000});
    up_and_start(config_of("one", 0, 0));
    (void)world_advance_to_next(&world);
    world_started(&world, "one");
    cr_expect_str_eq(world_states(&world, 1), "r", "it was told to stop");
    world_stopped(&world, "one");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_SCHEDULER_ERROR);
    up_and_start(config_of("one", 0, 0));
    (void)world_advance_to_next(&world);
    world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, world_find(&world, "one")->attempt, "");
    cr_expect_eq(world_task(&world, 2, "one").reason.kind, GF_REASON_SCHEDULER_ERROR);
    /* One that was done with its work is not judged by that. */
    up_and_start(config_of("one", 0, 0));
    (void)world_advance_to_next(&world);
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "FFS");
}

Test(lease, a_task_without_timeout_may_run_for_ever) {
    up_and_start(config_of("one", 0, 0));
    world_started(&world, "one");
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
    world_advance(&world, INT64_C(1000) * 24 * 3600 * 1000);
    cr_expect_str_eq(world_states(&world, 1), "r");
}

Test(lease, a_cancel_that_nobody_answers_ends_anyway) {
    use_limits((struct gf_core_limits){.stop_timeout_ms = 2000, .stop_lease_ms = 500});
    up_and_start(config_of("one; two", 0, 0));
    world_started(&world, "one");
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_not(world_find(&world, "one")->stop_forced);
    world_advance(&world, 2500);
    cr_expect(world_find(&world, "one")->stop_forced);
    cr_expect(world_find(&world, "two")->stop_forced);
    world_advance(&world, 501);
    cr_expect_str_eq(world_states(&world, 1), "CC");
    cr_expect_str_eq(world_runs(&world), "C");
    cr_expect_eq(world.given_up_count, 2);
    cr_expect(
        gf_str_eq(world_task(&world, 1, "one").reason.text,
                  GF_STR("somebody cancelled the run (the scheduler has not told of its end)")));
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_USER_CANCELLED);
}

Test(lease, a_forced_cancel_waits_once_only) {
    use_limits((struct gf_core_limits){.stop_timeout_ms = 60000, .stop_lease_ms = 500});
    up_and_start(config_of("one; two", 0, 0));
    cr_assert_eq(world_cancel_task(&world, 1, "one", true), GF_OK);
    world_advance(&world, 501);
    cr_expect_str_eq(world_states(&world, 1), "Cp");
    world_exit(&world, "two", 0);
}

/* ---- Restart while the patience runs ---- */

/* What could not be heard while the server was away is not late. */
Test(lease, begins_anew_with_a_restart) {
    use_limits((struct gf_core_limits){.launch_lease_ms = 4000, .stop_lease_ms = 1000});
    up_and_start(config_of("one", 0, 0));
    world_advance(&world, 3000);
    world_restart(&world);
    world_advance(&world, 3900);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_advance(&world, 100);
    cr_expect(world_find(&world, "one")->stop_forced);
    world_find(&world, "one")->stop_forced = false;
    world_restart(&world);
    cr_expect(world_find(&world, "one")->stop_forced, "the stop is given again");
    world_advance(&world, 1001);
    cr_expect_str_eq(world_states(&world, 1), "F");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_SCHEDULER_ERROR);
}

/* Why it was told to stop is known after a restart, too. */
Test(lease, an_overdue_task_ends_for_its_reason_after_a_restart) {
    up_and_start(config_of("one", 0, 1000));
    world_started(&world, "one");
    (void)world_advance_to_next(&world);
    world_restart(&world);
    world_stopped(&world, "one");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_TIMED_OUT);
    up_and_start(config_of("one", 0, 0));
    (void)world_advance_to_next(&world);
    world_started(&world, "one");
    world_restart(&world);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 1, "it is waited for");
    world_stopped(&world, "one");
    cr_expect_eq(world_task(&world, 2, "one").reason.kind, GF_REASON_SCHEDULER_ERROR);
}
