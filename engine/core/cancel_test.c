/* Cancelling a run in every state that it can be in. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
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

TestSuite(cancel, .init = setup, .fini = teardown);

static void expect_cancelled(int64_t run_id) {
    const struct gf_run run = world_run(&world, run_id);
    cr_expect_eq(run.state, GF_RUN_STATE_COMPLETE);
    cr_expect_eq(run.status, GF_RUN_STATUS_CANCELLED, "%s", gf_run_status_name(run.status));
    cr_expect_eq(run.reason.kind, GF_REASON_USER_CANCELLED);
    cr_expect(run.cancel_requested);
}

Test(cancel, before_the_container_started) {
    cr_assert_eq(world_up(&world, "one; two < one; tri < two:any"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world.run.cancel_requested);
    cr_expect_eq(world.run.state, GF_RUN_STATE_RUNNING);
    /* What waits ends at once, what may run is told to stop. */
    cr_expect_str_eq(world_states(&world, 1), "pCC");
    cr_expect(world_find(&world, "one")->stop_asked);
    cr_expect_not(world_find(&world, "one")->stop_forced);
    cr_expect_str_eq(world_events(&world, newest),
                     "RUN_CANCELLATION_STARTED two:COMPLETED tri:COMPLETED");
    world_stopped(&world, "one");
    cr_expect_str_eq(world_states(&world, 1), "CCC");
    expect_cancelled(1);
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_USER_CANCELLED);
    cr_expect_eq(world_task(&world, 1, "two").reason.kind, GF_REASON_USER_CANCELLED);
}

Test(cancel, while_containers_run) {
    cr_assert_eq(world_up(&world, "one; two; tri < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    world_exit(&world, "two", 1);
    cr_assert_eq(world_cancel(&world, 1, true), GF_OK);
    cr_expect(world_find(&world, "one")->stop_forced);
    cr_expect_str_eq(world_states(&world, 1), "rFC");
    world_stopped(&world, "one");
    /* Cancelled wins over failed, whatever came first. */
    expect_cancelled(1);
}

Test(cancel, keeps_the_reason_that_was_given) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    struct gf_input input = {.kind = GF_INPUT_CANCEL_RUN,
                             .u.cancel = {.namespace_id = GF_STR("default"),
                                          .pipeline_id = GF_STR("pipe"),
                                          .run_id = 1,
                                          .reason = GF_STR("not needed any more")}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    world_stopped(&world, "one");
    cr_expect(gf_str_eq(world_run(&world, 1).reason.text, GF_STR("not needed any more")));
    cr_expect(gf_str_eq(world_task(&world, 1, "one").reason.text, GF_STR("not needed any more")));
    input.u.cancel.reason = GF_STR("\xff");
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "reason");
}

Test(cancel, a_run_whose_tasks_all_ended_by_themselves_ends_by_their_results) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_exit(&world, "one", 0); /* it was faster than the stop */
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.status, GF_RUN_STATUS_SUCCESSFUL);
    cr_expect(run.cancel_requested);
    cr_expect_eq(run.reason.kind, GF_REASON_UNSPECIFIED);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    world_exit(&world, "one", 5);
    cr_expect_eq(world_run(&world, 2).status, GF_RUN_STATUS_FAILED);
    cr_expect_eq(world_run(&world, 2).reason.kind, GF_REASON_ABNORMAL_EXIT);
}

/* Nothing ran of it, so that it did not run is what the cancel wanted. */
Test(cancel, a_launch_that_fails_meanwhile_is_cancelled) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find(&world, "one")->attempt, "x");
    expect_cancelled(1);
}

Test(cancel, what_never_started_is_not_launched_again) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, world_find(&world, "one")->attempt, "");
    cr_expect_eq(world.launch_count, 1);
    expect_cancelled(1);
}

Test(cancel, a_second_one_changes_nothing) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    const int64_t newest = world_newest_event(&world);
    world_find(&world, "one")->stop_asked = false;
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    cr_expect_eq(world_newest_event(&world), newest);
    world_stopped(&world, "one");
}

Test(cancel, a_forced_one_escalates_once) {
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_stopped(&world, "two");
    cr_assert_eq(world_cancel(&world, 1, true), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world_find(&world, "one")->stop_forced);
    world_find(&world, "one")->stop_asked = false;
    cr_assert_eq(world_cancel(&world, 1, true), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_not(world_find(&world, "one")->stop_asked);
    world_stopped(&world, "one");
    expect_cancelled(1);
}

Test(cancel, a_complete_run_stays_as_it_is) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(cancel, a_run_that_ended_in_the_same_batch_stays_as_it_is) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const struct gf_input exit = {.kind = GF_INPUT_TASK_EXITED,
                                  .u.exited.attempt = world_find(&world, "one")->attempt};
    const struct gf_input cancel = {.kind = GF_INPUT_CANCEL_RUN,
                                    .u.cancel = {.namespace_id = GF_STR("default"),
                                                 .pipeline_id = GF_STR("pipe"),
                                                 .run_id = 1}};
    const int64_t needs = world.need_count;
    world_step_only(&world, &exit);
    world_step_only(&world, &cancel);
    world_commit(&world);
    gf_vec_clear(&world.containers);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.need_count, needs);
}

Test(cancel, a_missing_run_is_named) {
    cr_expect_eq(world_cancel(&world, 1, false), GF_NOT_FOUND);
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const int64_t needs = world.need_count;
    const int64_t wrong[] = {1, 0, -1, INT64_MAX};
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        cr_expect_eq(world_cancel(&world, wrong[i], false), GF_NOT_FOUND);
    }
    cr_expect_not_null(strstr(world.error.message, "of pipeline 'pipe' not found"));
    cr_expect_eq(world.need_count, needs);
}

Test(cancel, a_queued_run_ends_at_once) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    expect_cancelled(2);
    cr_expect_eq(world_run(&world, 2).start_time, 0);
    cr_expect_str_eq(world_states(&world, 2), ".");
    cr_expect_str_eq(world_events(&world, newest), "RUN_CANCELLATION_STARTED RUN_COMPLETED");
    /* Its place goes to the next one. */
    world_exit(&world, "one", 0);
    cr_expect_eq(world_run(&world, 3).state, GF_RUN_STATE_RUNNING);
    world_exit(&world, "one", 0);
}

/* The first in the queue goes by the parallelism of its own version, and holds back the others. */
Test(cancel, a_queued_run_lets_those_behind_it_go) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_up_parallel(&world, "one", 2), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world_run(&world, 3).state, GF_RUN_STATE_QUEUED);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    cr_expect_eq(world_run(&world, 3).state, GF_RUN_STATE_RUNNING);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(cancel, tasks_that_wait_for_a_slot_end_at_once) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one; two; tri"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(gf_core_get_stats(world.core).tasks_ready, 2);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_str_eq(world_states(&world, 1), "pCC");
    cr_expect_eq(gf_core_get_stats(world.core).tasks_ready, 0);
    world_stopped(&world, "one");
    expect_cancelled(1);
    cr_expect_eq(world.launch_count, 1);
}

Test(cancel, gives_its_slots_to_others) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.attempts_running_max = 1});
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_str_eq(world_states(&world, 2), "w");
    world_stopped(&world, "one");
    cr_expect_str_eq(world_states(&world, 2), "p");
    world_exit(&world, "one", 0);
}

Test(cancel, a_large_run) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    gf_strbuf_append_cstr(&text, "root;");
    for (int i = 0; i < 5000; i++) {
        gf_strbuf_printf(&text, "task-%d < root:any;", i);
    }
    cr_assert_eq(world_up(&world, text.ptr), GF_OK);
    gf_strbuf_fini(&text);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_stopped(&world, "root");
    expect_cancelled(1);
    cr_expect_eq(world_task(&world, 1, "task-4999").status, GF_TASK_STATUS_CANCELLED);
}

/* A reason may have 1024 characters of any length, and all are kept. */
Test(cancel, a_long_reason_is_kept_whole) {
    char reason[4 * GF_REASON_CHARS_MAX];
    for (size_t i = 0; i < sizeof(reason); i += 4) {
        memcpy(reason + i, "\xf0\x9f\x90\xb9", 4);
    }
    const struct gf_input input = {.kind = GF_INPUT_CANCEL_RUN,
                                   .u.cancel = {.namespace_id = GF_STR("default"),
                                                .pipeline_id = GF_STR("pipe"),
                                                .run_id = 1,
                                                .reason = {reason, sizeof(reason)}}};
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    world_stopped(&world, "one");
    cr_expect_eq(world_run(&world, 1).reason.text.len, sizeof(reason));
    cr_expect_eq(world_task(&world, 1, "one").reason.text.len, sizeof(reason));
    cr_expect_eq(world_task(&world, 1, "two").reason.text.len, sizeof(reason));
}
