/* What becomes of a run that starts while its pipeline has no room for it. */
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

TestSuite(policy, .init = setup, .fini = teardown);

static void use_limits(struct gf_core_limits limits) {
    world_fini(&world);
    world_init(&world, limits);
}

static void up(enum gf_queue_policy policy, int64_t parallelism, int64_t queue_limit) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->queue_policy = policy;
    config->parallelism = parallelism;
    config->queue_limit = queue_limit;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
}

static void start(int count) {
    for (int i = 0; i < count; i++) {
        cr_assert_eq(world_start(&world), GF_OK, "%s", world.error.message);
    }
}

static void expect_refused(const char *reason) {
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_start(&world), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(world.error.reason, reason);
    cr_expect_eq(world_newest_event(&world), newest);
}

/* ---- queue ---- */

Test(policy, queue_has_a_limit) {
    up(GF_QUEUE_POLICY_QUEUE, 1, 2);
    start(3);
    cr_expect_str_eq(world_runs(&world), "rqq");
    expect_refused("QUEUE_FULL");
    cr_expect_str_eq(world.error.message,
                     "2 runs of pipeline 'pipe' wait, no more are possible: try again later");
    world_exit(&world, "one", 0);
    start(1);
    expect_refused("QUEUE_FULL");
    cr_expect_str_eq(world_runs(&world), "Srqq");
    world_restart(&world);
    expect_refused("QUEUE_FULL");
    cr_assert_eq(world_cancel(&world, 3, false), GF_OK);
    start(1);
    cr_expect_str_eq(world_runs(&world), "SrCqq");
}

Test(policy, queue_is_bounded_by_the_server_too) {
    use_limits((struct gf_core_limits){.pipeline_queue_max = 1});
    up(GF_QUEUE_POLICY_QUEUE, 1, 5);
    start(2);
    expect_refused("QUEUE_FULL");
    up(GF_QUEUE_POLICY_UNSPECIFIED, 1, 0);
    expect_refused("QUEUE_FULL");
}

/* What may begin at once does not wait, so that the limit does not concern it. */
Test(policy, a_run_that_begins_at_once_needs_no_place_in_the_queue) {
    use_limits((struct gf_core_limits){.pipeline_queue_max = 1});
    up(GF_QUEUE_POLICY_QUEUE, 1, 0);
    start(2);
    up(GF_QUEUE_POLICY_QUEUE, 3, 0);
    expect_refused("QUEUE_FULL"); /* it would wait behind the second one */
    world_exit_in(&world, 1, "one", 0);
    start(3);
    cr_expect_str_eq(world_runs(&world), "Srrrq");
    expect_refused("QUEUE_FULL");
}

Test(policy, the_limit_of_the_server_holds_for_all_its_runs) {
    use_limits((struct gf_core_limits){.runs_active_max = 3});
    up(GF_QUEUE_POLICY_QUEUE, 1, 0);
    start(3);
    expect_refused("TOO_MANY_RUNS");
    world_exit(&world, "one", 0);
    start(1);
    expect_refused("TOO_MANY_RUNS");
}

/* ---- reject ---- */

Test(policy, reject_queues_nothing) {
    up(GF_QUEUE_POLICY_REJECT, 2, 0);
    start(2);
    expect_refused("PIPELINE_BUSY");
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' has 2 runs, which is as many as it may, "
                                          "and does not queue more");
    world_restart(&world);
    expect_refused("PIPELINE_BUSY");
    /* One that is being ended takes its place until it has ended. */
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    expect_refused("PIPELINE_BUSY");
    world_exit(&world, "one", 0);
    start(1);
    cr_expect_eq(world.run.state, GF_RUN_STATE_RUNNING);
}

Test(policy, reject_goes_by_the_limit_of_the_server_where_it_has_none) {
    use_limits((struct gf_core_limits){.pipeline_runs_max = 1});
    up(GF_QUEUE_POLICY_REJECT, 0, 0);
    start(1);
    expect_refused("PIPELINE_BUSY");
}

Test(policy, reject_waits_for_other_pipelines) {
    use_limits((struct gf_core_limits){.runs_running_max = 1});
    up(GF_QUEUE_POLICY_REJECT, 2, 0);
    start(2);
    cr_expect_str_eq(world_runs(&world), "rq");
    expect_refused("PIPELINE_BUSY");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "Sr");
}

Test(policy, a_repeated_request_is_not_rejected) {
    up(GF_QUEUE_POLICY_REJECT, 1, 0);
    cr_assert_eq(world_start_request(&world, "once"), GF_OK);
    cr_assert_eq(world_start_request(&world, "once"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.run.run_id, 1);
    expect_refused("PIPELINE_BUSY");
}

/* ---- cancel_oldest ---- */

Test(policy, cancel_oldest_makes_room) {
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 1, 0);
    start(1);
    world_started(&world, "one");
    start(1);
    /* The new one waits until the old one's container is gone. */
    cr_expect_str_eq(world_runs(&world), "rq");
    cr_expect(world_find(&world, "one")->stop_asked);
    cr_expect_not(world_find(&world, "one")->stop_forced);
    cr_expect(world_run(&world, 1).cancel_requested);
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "Cr");
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.reason.kind, GF_REASON_DISPLACED);
    cr_expect(gf_str_eq(run.reason.text, GF_STR("run 2 took its place")));
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_DISPLACED);
}

Test(policy, cancel_oldest_keeps_as_many_as_may_run) {
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 2, 0);
    start(5);
    /* 1 and 2 are being stopped; 3 waited and gave way to 5 at once. */
    cr_expect_str_eq(world_runs(&world), "rrCqq");
    cr_expect(world_run(&world, 1).cancel_requested);
    cr_expect(world_run(&world, 2).cancel_requested);
    cr_expect_eq(world_run(&world, 3).reason.kind, GF_REASON_DISPLACED);
    world_restart(&world);
    start(1);
    cr_expect_str_eq(world_runs(&world), "rrCCqq");
    world_stopped_in(&world, 1, "one");
    world_stopped_in(&world, 2, "one");
    cr_expect_str_eq(world_runs(&world), "CCCCrr");
}

Test(policy, cancel_oldest_without_a_limit_cancels_nothing) {
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 0, 0);
    start(4);
    cr_expect_str_eq(world_runs(&world), "rrrr");
}

/* queue_limit is about the policy that queues; whoever gives way leaves its place free. */
Test(policy, cancel_oldest_is_not_bounded_by_a_queue) {
    use_limits((struct gf_core_limits){.pipeline_queue_max = 1});
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 1, 1);
    start(5);
    cr_expect_str_eq(world_runs(&world), "rCCCq");
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "CCCCr");
}

Test(policy, cancel_oldest_has_a_queue_where_others_are_in_the_way) {
    use_limits((struct gf_core_limits){.runs_running_max = 1, .pipeline_queue_max = 2});
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 4, 0);
    start(3);
    cr_expect_str_eq(world_runs(&world), "rqq");
    expect_refused("QUEUE_FULL");
}

Test(policy, what_is_displaced_is_the_oldest_whatever_its_priority) {
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 2, 0);
    cr_assert_eq(world_start_priority(&world, 100), GF_OK);
    cr_assert_eq(world_start_priority(&world, -100), GF_OK);
    cr_assert_eq(world_start_priority(&world, 0), GF_OK);
    cr_expect(world_run(&world, 1).cancel_requested);
    cr_expect_not(world_run(&world, 2).cancel_requested);
}

/* A version that is switched to decides about what comes after it alone. */
Test(policy, the_policy_is_that_of_the_new_run) {
    up(GF_QUEUE_POLICY_QUEUE, 1, 0);
    start(3);
    up(GF_QUEUE_POLICY_CANCEL_OLDEST, 1, 0);
    start(1);
    cr_expect_str_eq(world_runs(&world), "rCCq");
    world_stopped(&world, "one");
    up(GF_QUEUE_POLICY_REJECT, 1, 0);
    expect_refused("PIPELINE_BUSY");
    cr_expect_str_eq(world_runs(&world), "CCCr");
}
