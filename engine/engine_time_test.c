/* What happens by itself, and what the scheduler is asked. */
#include "engine/core/testing/fixture.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <criterion/criterion.h>

static struct rig rig;

static void setup(void) {
    rig_init(&rig, (struct gf_core_limits){0});
}

static void teardown(void) {
    rig_fini(&rig);
}

TestSuite(engine_time, .init = setup, .fini = teardown, .timeout = 60);

/* A pipeline whose only task is tried twice, the second time after a while. */
static void up_with_backoff(int64_t backoff_ms) {
    struct gf_config *config = gf_fixture_checked(&rig.arena, "one");
    config->tasks[0].retry =
        (struct gf_retry_policy){.max_attempts = 2, .initial_backoff_ms = backoff_ms};
    rig_up_config(&rig, config);
}

static void up_with_timeout(int64_t timeout_ms) {
    struct gf_config *config = gf_fixture_checked(&rig.arena, "one");
    config->timeout_ms = timeout_ms;
    rig_up_config(&rig, config);
}

/* Something that makes a batch and changes nothing. */
static void nudge(void) {
    struct caller caller;
    caller_create_namespace(&caller, "default");
    cr_assert_eq(caller_call(&caller, rig.engine), GF_ALREADY_EXISTS);
}

static void finish(int64_t run_id, struct gf_attempt attempt) {
    puppet_exit(&rig.puppet, attempt, 0);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).status, GF_RUN_STATUS_SUCCESSFUL);
}

/* ---- Timers ---- */

Test(engine_time, a_backoff_passes_without_any_input) {
    up_with_backoff(50);
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt first = puppet_wait_launch(&rig.puppet, 1).attempt;
    const int64_t begin = gf_mono_ns();
    puppet_exit(&rig.puppet, first, 1);
    const struct gf_attempt second = puppet_wait_launch(&rig.puppet, 2).attempt;
    cr_expect_geq(gf_mono_ns() - begin, 50 * GF_NS_PER_MS);
    cr_expect_eq(first.attempt, 1);
    cr_expect_eq(second.attempt, 2);
    finish(run_id, second);
    cr_expect_geq(gf_engine_get_stats(rig.engine).clock_steps_total, 1);
}

Test(engine_time, a_backoff_outlives_the_server) {
    up_with_backoff(300);
    const int64_t run_id = rig_start_run(&rig);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 1);
    puppet_wait_forget(&rig.puppet, 1);
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    cr_expect_eq(rig.puppet.recovered.count, 0);
    const struct gf_attempt second = puppet_wait_launch(&rig.puppet, 1).attempt;
    cr_expect_eq(second.attempt, 2);
    finish(run_id, second);
}

Test(engine_time, a_run_that_takes_too_long_is_stopped) {
    up_with_timeout(30);
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt attempt = puppet_wait_launch(&rig.puppet, 1).attempt;
    puppet_started(&rig.puppet, attempt);
    cr_expect_not(puppet_wait_stop(&rig.puppet, 1).force);
    puppet_stopped(&rig.puppet, attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    const struct gf_run run = rig_stored_run(&rig, run_id);
    cr_expect_eq(run.status, GF_RUN_STATUS_FAILED);
    cr_expect_eq(run.reason.kind, GF_REASON_TIMED_OUT);
}

Test(engine_time, load_does_not_hold_up_what_is_due) {
    up_with_timeout(50);
    (void)rig_start_run(&rig);
    puppet_started(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), 30000);
    size_t stops = 0;
    while (stops == 0) {
        cr_assert_lt(gf_mono_ns(), deadline);
        nudge();
        stops = puppet_stop_count(&rig.puppet);
    }
}

Test(engine_time, a_silent_scheduler_is_given_up) {
    rig_restart(&rig, (struct gf_core_limits){.launch_lease_ms = 20, .stop_lease_ms = 20}, NULL);
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    (void)puppet_wait_launch(&rig.puppet, 1);
    cr_expect(puppet_wait_stop(&rig.puppet, 1).force);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_task(&rig, run_id, "one").reason.kind, GF_REASON_SCHEDULER_ERROR);
}

Test(engine_time, a_clock_that_is_set_back_makes_nothing_late_by_that_much) {
    up_with_timeout(200);
    const int64_t run_id = rig_start_run(&rig);
    puppet_started(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_TASK_EXECUTION_STARTED);
    rig.clock.wall_offset_ns = -GF_NS_PER_HOUR;
    (void)puppet_wait_stop(&rig.puppet, 1);
    cr_expect_lt(gf_engine_get_stats(rig.engine).clock_steps_total, 20); /* it does not spin */
}

Test(engine_time, a_clock_that_is_set_forward_makes_due_what_it_has_passed) {
    up_with_timeout(3600 * 1000);
    const int64_t run_id = rig_start_run(&rig);
    puppet_started(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_TASK_EXECUTION_STARTED);
    cr_expect_eq(puppet_stop_count(&rig.puppet), 0);
    rig.clock.wall_offset_ns = 2 * GF_NS_PER_HOUR;
    nudge();
    (void)puppet_wait_stop(&rig.puppet, 1);
}

Test(engine_time, without_a_deadline_the_clock_is_not_looked_at) {
    rig_up(&rig, "one");
    for (int i = 0; i < 10; i++) {
        nudge();
    }
    cr_expect_eq(gf_engine_get_stats(rig.engine).clock_steps_total, 0);
}

Test(engine_time, limits_of_time_go_with_the_launch) {
    const struct gf_core_limits limits = {.task_timeout_ms_max = 5000, .stop_timeout_ms = 700};
    rig_restart(&rig, limits, NULL);
    struct gf_config *config = gf_fixture_checked(&rig.arena, "long; none; short");
    config->tasks[0].timeout_ms = 9000;
    config->tasks[2].timeout_ms = 100;
    config->tasks[2].stop_timeout_ms = 40;
    rig_up_config(&rig, config);
    (void)rig_start_run(&rig);
    const int64_t timeouts[] = {5000, 5000, 100};
    const int64_t stops[] = {700, 700, 40};
    for (size_t i = 0; i < 3; i++) {
        const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, i + 1);
        cr_expect_eq(launch.timeout_ms, timeouts[launch.attempt.task_index]);
        cr_expect_eq(launch.stop_timeout_ms, stops[launch.attempt.task_index]);
    }
}

Test(engine_time, without_limits_there_is_no_timeout_and_ten_seconds_to_stop) {
    rig_up(&rig, "one");
    (void)rig_start_run(&rig);
    const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_eq(launch.timeout_ms, 0);
    cr_expect_eq(launch.stop_timeout_ms, 10000);
    cr_expect_null(launch.input);
}

/* ---- Inquiries ---- */

static void submit_repair(struct caller *caller, int64_t run_id) {
    caller_end(caller, GF_INPUT_REPAIR_RUN, "pipe", run_id, NULL);
    caller_submit(caller, rig.engine);
}

Test(engine_time, a_repair_is_answered_when_the_scheduler_has_answered) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt attempt = puppet_wait_launch(&rig.puppet, 1).attempt;
    struct caller caller;
    submit_repair(&caller, run_id);
    cr_expect_eq(puppet_wait_inquiry(&rig.puppet, 1).run_key, attempt.run_key);
    cr_expect_eq(caller.done_count, 0);
    puppet_started(&rig.puppet, attempt);
    cr_expect_eq(caller_wait(&caller), GF_OK);
    cr_expect_not(caller.unchanged);
    finish(run_id, attempt);
}

Test(engine_time, a_repair_finds_what_was_lost) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt attempt = puppet_wait_launch(&rig.puppet, 1).attempt;
    struct caller caller;
    submit_repair(&caller, run_id);
    (void)puppet_wait_inquiry(&rig.puppet, 1);
    puppet_lost(&rig.puppet, attempt);
    cr_expect_eq(caller_wait(&caller), GF_OK);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).reason.kind, GF_REASON_ORPHANED);
}

Test(engine_time, a_repair_does_not_wait_for_ever) {
    rig_restart(&rig, (struct gf_core_limits){.inquiry_ms = 30}, NULL);
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    (void)puppet_wait_launch(&rig.puppet, 1);
    struct caller caller;
    submit_repair(&caller, run_id);
    cr_expect_eq(caller_wait(&caller), GF_UNAVAILABLE);
}

Test(engine_time, a_repair_under_way_is_answered_when_the_engine_stops) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    (void)puppet_wait_launch(&rig.puppet, 1);
    struct caller caller;
    submit_repair(&caller, run_id);
    (void)puppet_wait_inquiry(&rig.puppet, 1);
    gf_engine_stop(rig.engine);
    cr_expect_eq(caller_wait(&caller), GF_UNAVAILABLE);
}

Test(engine_time, a_repair_under_way_is_answered_when_a_commit_fails) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    (void)puppet_wait_launch(&rig.puppet, 1);
    struct caller repair;
    struct caller start;
    submit_repair(&repair, run_id);
    (void)puppet_wait_inquiry(&rig.puppet, 1);
    gf_memory_store_fail_after(rig.store, 0);
    caller_start_run(&start, "pipe");
    cr_expect_eq(caller_call(&start, rig.engine), GF_UNAVAILABLE);
    cr_expect_eq(caller_wait(&repair), GF_UNAVAILABLE);
}
