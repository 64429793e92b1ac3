/* Cancelling all runs of a pipeline, and single tasks. */
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

TestSuite(cancel_all, .init = setup, .fini = teardown);
TestSuite(cancel_task, .init = setup, .fini = teardown);

static void start(int count) {
    for (int i = 0; i < count; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
}

/* ---- All runs ---- */

Test(cancel_all, ends_what_waits_and_stops_what_runs) {
    cr_assert_eq(world_up_parallel(&world, "one; two < one", 2), GF_OK);
    start(4);
    world_exit_in(&world, 1, "one", 0);
    const int64_t launches = world.launch_count;
    cr_assert_eq(world_cancel_all(&world, false), GF_OK);
    cr_expect_eq(world.run_count, 4);
    cr_expect_eq(world.run_ids[0], 1);
    cr_expect_eq(world.run_ids[1], 2);
    cr_expect_not(world.unchanged);
    cr_expect_str_eq(world_runs(&world), "rrCC");
    cr_expect_eq(world.launch_count, launches, "nothing begins in the place of another");
    world_stopped_in(&world, 1, "two");
    world_stopped_in(&world, 2, "one");
    cr_expect_str_eq(world_runs(&world), "CCCC");
    cr_expect_str_eq(world_states(&world, 1), "SC");
    cr_expect_eq(world_run(&world, 4).reason.kind, GF_REASON_USER_CANCELLED);
}

Test(cancel_all, is_idempotent_and_can_be_forced_later) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    start(2);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    cr_assert_eq(world_cancel_all(&world, false), GF_OK);
    cr_expect_eq(world.run_count, 1, "2 was cancelled already");
    cr_assert_eq(world_cancel_all(&world, false), GF_OK);
    cr_expect_eq(world.run_count, 0);
    cr_expect(world.unchanged);
    start(1);
    /* Escalated and new ones together, oldest first. */
    cr_assert_eq(world_cancel_all(&world, true), GF_OK);
    cr_expect_eq(world.run_count, 3);
    cr_expect_eq(world.run_ids[0], 1);
    cr_expect_eq(world.run_ids[1], 2);
    for (int64_t run_id = 1; run_id <= 3; run_id++) {
        cr_expect(world_find_in(&world, run_id, "one")->stop_forced);
    }
    cr_assert_eq(world_cancel_all(&world, true), GF_OK);
    cr_expect(world.unchanged);
}

Test(cancel_all, tells_of_the_oldest_runs_and_how_many_there_are) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    start(GF_REPLY_RUN_IDS_MAX + 5);
    cr_assert_eq(world_cancel_all(&world, false), GF_OK);
    cr_expect_eq(world.run_count, GF_REPLY_RUN_IDS_MAX + 5);
    cr_expect_eq(world.run_ids[0], 1);
    world_stopped(&world, "one");
    cr_expect_eq(gf_core_get_stats(world.core).runs_active, 0);
}

Test(cancel_all, is_of_one_pipeline) {
    struct gf_config *other = gf_fixture_config(&world.arena, "two");
    other->pipeline_id = GF_STR("other");
    cr_assert_eq(world_up_config(&world, other), GF_OK);
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    struct gf_input input = world_start_input();
    input.u.start_run.pipeline_id = GF_STR("other");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_assert_eq(world_cancel_all(&world, true), GF_OK);
    cr_expect(world.unchanged, "it has no runs");
    cr_expect_not(world_find(&world, "two")->stop_asked);
    input = world_run_input(GF_INPUT_CANCEL_ALL_RUNS, 0);
    input.u.cancel.pipeline_id = GF_STR("nobody");
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
    input.u.cancel.pipeline_id = GF_STR("pipe");
    input.u.cancel.reason = GF_STR("\xff");
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "reason");
}

/* ---- One task ---- */

Test(cancel_task, a_running_one_is_stopped_alone) {
    cr_assert_eq(world_up(&world, "one; two; tri < one:any; four < two"), GF_OK);
    start(1);
    world_started(&world, "one");
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_cancel_task(&world, 1, "one", false), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world.task.cancel_requested);
    cr_expect_eq(world.task.state, GF_TASK_STATE_RUNNING);
    cr_expect_eq(world.task.stop_time, world.now);
    cr_expect_eq(world.task.reason.kind, GF_REASON_USER_CANCELLED);
    cr_expect(world_find(&world, "one")->stop_asked);
    cr_expect_not(world_find(&world, "one")->stop_forced);
    cr_expect_not(world_find(&world, "two")->stop_asked);
    world_stopped(&world, "one");
    cr_expect_str_eq(world_events(&world, newest),
                     "one:CANCELLATION_STARTED one:COMPLETED tri:COMPLETED");
    cr_expect_str_eq(world_states(&world, 1), "CpKw");
    cr_expect_not(world_run(&world, 1).cancel_requested);
    world_exit(&world, "two", 0);
    world_exit(&world, "four", 0);
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.status, GF_RUN_STATUS_CANCELLED, "a task of it was");
    cr_expect_eq(run.reason.kind, GF_REASON_ABNORMAL_EXIT);
    cr_expect(gf_str_eq(run.reason.text,
                        GF_STR("task 'one' was cancelled: somebody cancelled the task")));
}

Test(cancel_task, a_waiting_one_ends_at_once) {
    cr_assert_eq(world_up(&world, "one; two < one; tri < two:any"), GF_OK);
    start(1);
    struct gf_input input = world_run_input(GF_INPUT_CANCEL_TASK, 1);
    input.u.cancel.task_id = GF_STR("two");
    input.u.cancel.reason = GF_STR("not today");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "pCK");
    cr_expect(gf_str_eq(world_task(&world, 1, "two").reason.text, GF_STR("not today")));
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "C");
}

Test(cancel_task, the_last_one_ends_the_run) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    start(1);
    cr_assert_eq(world_cancel_task(&world, 1, "one", true), GF_OK);
    cr_expect(world_find(&world, "one")->stop_forced);
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "C");
    cr_assert_eq(world_cancel_task(&world, 1, "one", true), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.task.run_key, 0, "the store has it");
}

Test(cancel_task, one_that_waits_for_a_slot) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one; two; tri"), GF_OK);
    start(1);
    cr_assert_eq(world_cancel_task(&world, 1, "two", false), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "pCw");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_states(&world, 1), "SCp");
}

Test(cancel_task, is_idempotent_and_can_be_forced_later) {
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    start(1);
    cr_assert_eq(world_cancel_task(&world, 1, "one", false), GF_OK);
    const int64_t stops = world.stop_count;
    cr_assert_eq(world_cancel_task(&world, 1, "one", false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.stop_count, stops);
    cr_assert_eq(world_cancel_task(&world, 1, "one", true), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world_find(&world, "one")->stop_forced);
    cr_assert_eq(world_cancel_task(&world, 1, "one", true), GF_OK);
    cr_expect(world.unchanged);
    /* Of a run that is being cancelled, a task may be forced, too. */
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_assert_eq(world_cancel_task(&world, 1, "two", false), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(world_cancel_task(&world, 1, "two", true), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world_find(&world, "two")->stop_forced);
}

/* What it ended as decides, not what somebody wanted. */
Test(cancel_task, one_that_was_faster_keeps_its_result) {
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    start(1);
    cr_assert_eq(world_cancel_task(&world, 1, "one", false), GF_OK);
    cr_assert_eq(world_cancel_task(&world, 1, "two", false), GF_OK);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 3);
    cr_expect_str_eq(world_states(&world, 1), "SF");
    cr_expect_eq(world_task(&world, 1, "one").reason.text.len, 0);
    cr_expect_str_eq(world_runs(&world), "F");
}

Test(cancel_task, is_not_forgotten_in_a_restart) {
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    start(1);
    world_started(&world, "one");
    struct gf_input input = world_run_input(GF_INPUT_CANCEL_TASK, 1);
    input.u.cancel.task_id = GF_STR("one");
    world_step_only(&world, &input);
    world_commit_without_effects(&world);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_restart(&world);
    cr_expect(world_find(&world, "one")->stop_asked, "the stop is given again");
    world_failed(&world, GF_INPUT_TASK_LOST, world_find(&world, "one")->attempt, "");
    cr_expect_str_eq(world_states(&world, 1), "Cp");
}

Test(cancel_task, what_is_not_there_is_named) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    start(2);
    cr_expect_eq(world_cancel_task(&world, 1, "two", false), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "task 'two' not found in run 1 of pipeline 'pipe'");
    cr_expect_eq(world_cancel_task(&world, 2, "one", false), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUN_NOT_STARTED");
    cr_expect_eq(world_cancel_task(&world, 3, "one", false), GF_NOT_FOUND);
    struct gf_input input = world_run_input(GF_INPUT_CANCEL_TASK, 1);
    input.u.cancel.task_id = GF_STR("one");
    input.u.cancel.reason = GF_STR("\xff");
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
}
