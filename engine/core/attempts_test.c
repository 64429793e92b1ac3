/* Attempts of a task that fail and are made again. */
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

TestSuite(attempts, .init = setup, .fini = teardown);

/* Tasks one and two < one; one may be made three times, after 1 s, 2 s. */
static void up(struct gf_retry_policy retry) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one; two < one");
    config->tasks[0].retry = retry;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
}

static const struct gf_retry_policy THREE = {.max_attempts = 3, .initial_backoff_ms = 1000};

static void expect_waits(int64_t ms) {
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.state, GF_TASK_STATE_WAITING, "%s", gf_task_state_name(task.state));
    cr_expect_eq(task.status, GF_TASK_STATUS_UNSPECIFIED);
    cr_expect_eq(task.next_attempt_time - world.now, ms * 1000000);
    cr_expect_eq(gf_core_next_deadline(world.core), task.next_attempt_time);
}

Test(attempts, are_made_again_until_one_is_successful) {
    up(THREE);
    const int64_t newest = world_newest_event(&world);
    world_started(&world, "one");
    const struct gf_exit failed = {
        .exit_code = 7, .root_expire_time = 1, .disk_bytes = 1, .peak_pid_count = 1};
    world_report(&world, world_find(&world, "one")->attempt, &failed);
    expect_waits(1000);
    cr_expect_eq((int64_t)world.containers.count, 0, "it holds no slot");
    cr_expect_eq(world.forget_count, 1);
    /* The row shows the attempt that has failed until there is another one. */
    cr_expect_eq(world_task(&world, 1, "one").attempt, 1);
    cr_expect_eq(world_task(&world, 1, "one").exit_code, 7);
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_ABNORMAL_EXIT);
    world_advance(&world, 999);
    cr_expect_str_eq(world_states(&world, 1), "ww");
    world_advance(&world, 1);
    cr_expect_str_eq(world_states(&world, 1), "pw");
    struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.attempt, 2);
    cr_expect_eq(task.next_attempt_time, 0);
    cr_expect_eq(task.queue_time, world.now);
    cr_expect_lt(task.ready_time, task.queue_time);
    cr_expect_not(task.has_exit_code);
    cr_expect_eq(task.start_time + task.end_time + task.stop_time, 0);
    cr_expect_eq(task.reason.text.len, 0);
    cr_expect_eq(task.container_id.len, 0);
    cr_expect_eq(task.missing_protections, 0);
    cr_expect_eq(task.root_expire_time, 0);
    world_started(&world, "one");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 1), "Sp");
    cr_expect_str_eq(world_events(&world, newest), "one:STARTED one:RETRIED one:STARTED "
                                                   "one:COMPLETED");
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_runs(&world), "S");
}

Test(attempts, each_leaves_its_record) {
    up(THREE);
    world_started(&world, "one");
    world_exit(&world, "one", 7);
    (void)world_advance_to_next(&world);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find(&world, "one")->attempt, "no");
    (void)world_advance_to_next(&world);
    world_exit(&world, "one", 9);
    cr_expect_str_eq(world_states(&world, 1), "FK");
    struct gf_task_execution *rows = NULL;
    cr_assert_eq(world_attempts(&world, 1, "one", &rows), 2);
    cr_expect_eq(rows[0].attempt, 1);
    cr_expect_eq(rows[0].exit_code, 7);
    cr_expect(rows[0].has_exit_code);
    cr_expect_eq(rows[0].status, GF_TASK_STATUS_FAILED);
    cr_expect_gt(rows[0].start_time, 0);
    cr_expect(gf_str_eq(rows[0].node, GF_STR("here")));
    cr_expect_eq(rows[1].attempt, 2);
    cr_expect_not(rows[1].has_exit_code);
    cr_expect_eq(rows[1].start_time, 0);
    cr_expect_eq(rows[1].reason.kind, GF_REASON_SCHEDULER_ERROR);
    cr_expect(gf_str_eq(rows[1].reason.text, GF_STR("no")));
    const struct gf_task_execution last = world_task(&world, 1, "one");
    cr_expect_eq(last.attempt, 3);
    cr_expect_eq(last.exit_code, 9);
    cr_expect_str_eq(world_runs(&world), "F");
}

Test(attempts, wait_longer_each_time_up_to_a_limit) {
    struct gf_retry_policy policy = THREE;
    policy.max_attempts = 6;
    policy.backoff_multiplier = 3;
    policy.max_backoff_ms = 10000;
    up(policy);
    const int64_t expected[] = {1000, 3000, 9000, 10000, 10000};
    for (size_t i = 0; i < GF_ARRAY_COUNT(expected); i++) {
        world_exit(&world, "one", 1);
        expect_waits(expected[i]);
        cr_expect_geq(world_advance_to_next(&world), expected[i]);
    }
    world_exit(&world, "one", 1);
    cr_expect_str_eq(world_states(&world, 1), "FK");
}

/* The same attempt always waits the same time, whoever asks; others do not. */
Test(attempts, are_spread_by_jitter) {
    struct gf_retry_policy policy = THREE;
    policy.jitter_percent = 50;
    up(policy);
    int64_t waits[4] = {0};
    for (int64_t run_id = 1; run_id <= 4; run_id++) {
        if (run_id > 1) {
            cr_assert_eq(world_start(&world), GF_OK);
        }
        world_exit_in(&world, run_id, "one", 1);
        const int64_t due = world_task(&world, run_id, "one").next_attempt_time;
        waits[run_id - 1] = (due - world.now) / 1000000;
        cr_expect_geq(waits[run_id - 1], 500);
        cr_expect_leq(waits[run_id - 1], 1000);
        world_restart(&world);
        cr_expect_eq(world_task(&world, run_id, "one").next_attempt_time, due);
    }
    cr_expect(waits[0] != waits[1] || waits[1] != waits[2] || waits[2] != waits[3]);
}

Test(attempts, only_some_exit_codes) {
    static const int32_t codes[] = {3, 137};
    struct gf_retry_policy policy = THREE;
    policy.exit_codes = codes;
    policy.exit_code_count = 2;
    up(policy);
    world_exit(&world, "one", 3);
    expect_waits(1000);
    (void)world_advance_to_next(&world);
    const struct gf_exit killed = {.exit_code = 137, .exit_signal = 9, .out_of_memory = true};
    world_report(&world, world_find(&world, "one")->attempt, &killed);
    expect_waits(2000);
    (void)world_advance_to_next(&world);
    cr_expect_eq(world_task(&world, 1, "one").attempt, 3);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit_in(&world, 2, "one", 4);
    cr_expect_str_eq(world_states(&world, 2), "FK", "not one of them");
    cr_assert_eq(world_start(&world), GF_OK);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find_in(&world, 3, "one")->attempt, "");
    cr_expect_str_eq(world_states(&world, 3), "FK", "no code at all");
}

Test(attempts, orphans_and_timeouts_only_where_the_policy_says) {
    up(THREE);
    world_failed(&world, GF_INPUT_TASK_LOST, world_find(&world, "one")->attempt, "");
    cr_expect_str_eq(world_states(&world, 1), "FK");
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_ORPHANED);
    const struct gf_exit late = {.exit_code = 137, .timed_out = true};
    cr_assert_eq(world_start(&world), GF_OK);
    world_report(&world, world_find(&world, "one")->attempt, &late);
    cr_expect_str_eq(world_states(&world, 2), "FK");
    struct gf_retry_policy policy = THREE;
    policy.retry_orphaned = true;
    policy.retry_timed_out = true;
    up(policy);
    world_failed(&world, GF_INPUT_TASK_LOST, world_find(&world, "one")->attempt, "gone");
    cr_expect_str_eq(world_states(&world, 3), "ww");
    (void)world_advance_to_next(&world);
    world_report(&world, world_find(&world, "one")->attempt, &late);
    cr_expect_str_eq(world_states(&world, 3), "ww");
    struct gf_task_execution *rows = NULL;
    cr_assert_eq(world_attempts(&world, 3, "one", &rows), 2);
    cr_expect_eq(rows[0].reason.kind, GF_REASON_ORPHANED);
    cr_expect_eq(rows[1].reason.kind, GF_REASON_TIMED_OUT);
}

/* ---- Fencing ---- */

Test(attempts, a_late_report_of_an_old_one_changes_nothing) {
    up(THREE);
    const struct gf_attempt first = world_find(&world, "one")->attempt;
    world_exit(&world, "one", 7);
    const int64_t newest = world_newest_event(&world);
    const struct gf_exit exit = {.exit_code = 0};
    for (int round = 0; round < 2; round++) {
        world_report(&world, first, &exit);
        world_failed(&world, GF_INPUT_TASK_LOST, first, "");
        world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, first, "");
        world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, first, "");
        cr_expect_eq(world_newest_event(&world), newest);
        cr_expect_eq(world_task(&world, 1, "one").exit_code, round == 0 ? 7 : 0);
        cr_expect_eq(world_task(&world, 1, "one").state,
                     round == 0 ? GF_TASK_STATE_WAITING : GF_TASK_STATE_PROCESSING);
        if (round == 0) {
            (void)world_advance_to_next(&world);
        }
    }
    cr_expect_eq(world.forget_count, 1 + 2 * 3, "the scheduler may forget what it told too late");
    /* Of a container that nobody waits for any more, somebody must tell it to end. */
    const int64_t stops = world.stop_count;
    const struct gf_input started = {.kind = GF_INPUT_TASK_STARTED, .u.started.attempt = first};
    (void)world_step(&world, &started);
    cr_expect_eq(world.stop_count, stops + 1);
    cr_expect_not(world_find(&world, "one")->stop_asked, "the new one is another");
    cr_expect_eq(world_newest_event(&world), newest);
}

/* ---- Ends while it waits ---- */

Test(attempts, a_cancel_ends_the_wait) {
    up(THREE);
    world_exit(&world, "one", 7);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "CC");
    cr_expect_eq(gf_core_get_stats(world.core).tasks_backoff, 0);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
    cr_expect_eq(world_task(&world, 1, "one").next_attempt_time, 0);
    cr_expect_eq(world_task(&world, 1, "one").end_time, world.now);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 7);
    cr_assert_eq(world_cancel_task(&world, 2, "one", false), GF_OK);
    cr_expect_str_eq(world_states(&world, 2), "CK");
    struct gf_task_execution *rows = NULL;
    cr_expect_eq(world_attempts(&world, 2, "one", &rows), 1);
}

Test(attempts, none_is_made_of_what_is_being_ended) {
    up(THREE);
    cr_assert_eq(world_cancel_task(&world, 1, "one", false), GF_OK);
    world_exit(&world, "one", 7);
    cr_expect_str_eq(world_states(&world, 1), "FK");
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    world_exit(&world, "one", 7);
    cr_expect_str_eq(world_states(&world, 2), "FC");
}

/* ---- Restart ---- */

Test(attempts, the_wait_goes_on_after_a_restart) {
    up(THREE);
    world_exit(&world, "one", 7);
    world_restart(&world);
    cr_expect_eq(gf_core_get_stats(world.core).tasks_backoff, 1);
    cr_expect_eq(world.launch_count, 1);
    world_advance(&world, 900);
    cr_expect_eq(world.launch_count, 1);
    world_advance(&world, 100);
    cr_expect_eq(world.launch_count, 2);
    world_exit(&world, "one", 7);
    world_restart(&world);
    /* What was due while the server was away is due at once. */
    world.now += 3600 * INT64_C(1000000000);
    world_restart(&world);
    world_advance(&world, 0);
    cr_expect_eq(world_task(&world, 1, "one").attempt, 3);
}

Test(attempts, one_that_waits_for_a_slot_waits_after_a_restart) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 1});
    struct gf_config *config = gf_fixture_config(&world.arena, "one; two");
    config->tasks[0].retry = THREE;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 7);
    cr_expect_str_eq(world_states(&world, 1), "wp");
    world_advance(&world, 5000);
    cr_expect_eq(gf_core_get_stats(world.core).tasks_ready, 1);
    world_restart(&world);
    cr_expect_eq(gf_core_get_stats(world.core).tasks_ready, 1);
    cr_expect_null(world_check(&world));
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_states(&world, 1), "pS");
    cr_expect_eq(world_task(&world, 1, "one").attempt, 2);
}

Test(attempts, are_made_again_where_the_image_could_not_be_fetched_now) {
    up(THREE);
    world_image_failed(&world, world_find(&world, "one")->attempt, GF_LAUNCH_FAILURE_IMAGE,
                       "the registry cannot be reached");
    expect_waits(1000);
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_IMAGE_ERROR);
}

Test(attempts, are_not_made_again_where_there_is_no_such_image) {
    up(THREE);
    world_image_failed(&world, world_find(&world, "one")->attempt, GF_LAUNCH_FAILURE_IMAGE_REFUSED,
                       "there is no such image");
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.state, GF_TASK_STATE_COMPLETE);
    cr_expect_eq(task.status, GF_TASK_STATUS_FAILED);
    cr_expect_eq(task.reason.kind, GF_REASON_IMAGE_ERROR);
    cr_expect(gf_str_eq(task.reason.text, GF_STR("there is no such image")));
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_ABNORMAL_EXIT);
}
