/* What the scheduler says about attempts, in and out of order. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/protection.h"
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

TestSuite(reports, .init = setup, .fini = teardown);

struct outcome {
    struct gf_exit exit;
    enum gf_task_status status;
    enum gf_reason_kind kind;
    const char *text;
    bool has_exit_code;
};

static const struct outcome outcomes[] = {
    {{.exit_code = 0}, GF_TASK_STATUS_SUCCESSFUL, GF_REASON_UNSPECIFIED, "", true},
    {{.exit_code = 3},
     GF_TASK_STATUS_FAILED,
     GF_REASON_ABNORMAL_EXIT,
     "command ended with exit code 3",
     true},
    {{.exit_code = 137, .exit_signal = 9},
     GF_TASK_STATUS_FAILED,
     GF_REASON_ABNORMAL_EXIT,
     "command was ended by signal 9 (SIGKILL)",
     true},
    {{.exit_code = 128 + 99, .exit_signal = 99},
     GF_TASK_STATUS_FAILED,
     GF_REASON_ABNORMAL_EXIT,
     "command was ended by signal 99 (unknown)",
     true},
    {{.exit_code = 143, .exit_signal = 15, .timed_out = true},
     GF_TASK_STATUS_FAILED,
     GF_REASON_TIMED_OUT,
     "command ran longer than its timeout of 1m30s",
     true},
    /* A command that ends well after its time is over is too late all the same. */
    {{.exit_code = 0, .timed_out = true},
     GF_TASK_STATUS_FAILED,
     GF_REASON_TIMED_OUT,
     "command ran longer than its timeout of 1m30s",
     true},
    {{.exit_code = 137, .exit_signal = 9, .out_of_memory = true},
     GF_TASK_STATUS_FAILED,
     GF_REASON_OUT_OF_MEMORY,
     "command used more memory than it may (1048576 bytes)",
     true},
    /* One that ended well although a part of it was killed. */
    {{.exit_code = 0, .out_of_memory = true},
     GF_TASK_STATUS_SUCCESSFUL,
     GF_REASON_UNSPECIFIED,
     "",
     true},
    {{.exit_code = 127, .failure = GF_STR("command 'foo' not found in image")},
     GF_TASK_STATUS_FAILED,
     GF_REASON_SCHEDULER_ERROR,
     "command 'foo' not found in image",
     false},
    /* Stopped by nobody that gofer knows of: its exit counts. */
    {{.exit_code = 143, .exit_signal = 15, .stopped = true},
     GF_TASK_STATUS_FAILED,
     GF_REASON_ABNORMAL_EXIT,
     "command was ended by signal 15 (SIGTERM)",
     true},
};

Test(reports, exits_mean_what_they_should) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    config->tasks[0].timeout_ms = 90000;
    config->tasks[0].resources.memory_bytes = 1 << 20;
    cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    for (size_t i = 0; i < GF_ARRAY_COUNT(outcomes); i++) {
        const struct outcome *expected = &outcomes[i];
        cr_assert_eq(world_start(&world), GF_OK);
        world_started(&world, "one");
        world_report(&world, world_find(&world, "one")->attempt, &expected->exit);
        const struct gf_task_execution task = world_task(&world, world.run.run_id, "one");
        cr_expect_eq(task.state, GF_TASK_STATE_COMPLETE);
        cr_expect_eq(task.status, expected->status, "case %zu", i);
        cr_expect_eq(task.reason.kind, expected->kind, "case %zu", i);
        cr_expect(gf_str_eq(task.reason.text, gf_str_from(expected->text)), "case %zu: %.*s", i,
                  (int)task.reason.text.len, task.reason.text.ptr);
        cr_expect_eq(task.has_exit_code, expected->has_exit_code, "case %zu", i);
        cr_expect_eq(task.exit_code, expected->has_exit_code ? expected->exit.exit_code : 0);
        cr_expect_eq(task.exit_signal, expected->exit.exit_signal);
    }
}

Test(reports, an_exit_before_its_start_tells_of_both) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    const int64_t start = world.now + 10;
    const struct gf_exit exit = {.start_time = start, .end_time = start + 5};
    world_report(&world, world_find(&world, "one")->attempt, &exit);
    cr_expect_str_eq(world_events(&world, newest), "one:STARTED one:COMPLETED RUN_COMPLETED");
    cr_expect_eq(world_task(&world, 1, "one").start_time, start);
    cr_expect_eq(world_task(&world, 1, "one").end_time, start + 5);
}

Test(reports, what_never_ran_did_not_start) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    const struct gf_exit exit = {.exit_code = 127, .failure = GF_STR("no such command")};
    world_report(&world, world_find(&world, "one")->attempt, &exit);
    cr_expect_str_eq(world_events(&world, newest), "one:COMPLETED RUN_COMPLETED");
    cr_expect_eq(world_task(&world, 1, "one").start_time, 0);
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_SCHEDULER_ERROR);
}

Test(reports, a_launch_may_fail) {
    cr_assert_eq(world_up(&world, "one; two < one:failure"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find(&world, "one")->attempt,
                 "image 'busybox' is not there");
    struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.status, GF_TASK_STATUS_FAILED);
    cr_expect_eq(task.reason.kind, GF_REASON_SCHEDULER_ERROR);
    cr_expect(gf_str_eq(task.reason.text, GF_STR("image 'busybox' is not there")));
    cr_expect_not(task.has_exit_code);
    cr_expect_eq(world.forget_count, 1);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find(&world, "two")->attempt, "");
    task = world_task(&world, 1, "two");
    cr_expect_gt(task.reason.text.len, 0);
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_SCHEDULER_ERROR);
}

Test(reports, what_is_lost_is_orphaned) {
    cr_assert_eq(world_up(&world, "one; two < one:any"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    world_failed(&world, GF_INPUT_TASK_LOST, world_find(&world, "one")->attempt, "");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_ORPHANED);
    cr_expect_eq(world_task(&world, 1, "one").status, GF_TASK_STATUS_FAILED);
    world_exit(&world, "two", 0);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_FAILED);
    cr_expect_eq(world_run(&world, 1).reason.kind, GF_REASON_ORPHANED);
}

/* Reports that are about nothing that is live change no row. */
Test(reports, stale_and_doubled_ones_change_nothing) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const struct gf_attempt one = world_find(&world, "one")->attempt;
    const struct gf_attempt wrong[] = {
        {one.run_key, one.task_index, one.attempt + 1}, /* not made yet */
        {one.run_key, one.task_index, one.attempt - 1}, /* given up */
        {one.run_key, 1, 1},                            /* waits for its parent */
        {one.run_key, 1, 0},
        {one.run_key, 2, 1},
        {one.run_key, -1, 1},
        {one.run_key + 1, 0, 1},
        {0, 0, 0},
    };
    const int64_t newest = world_newest_event(&world);
    const struct gf_exit exit = {.exit_code = 1};
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        const struct gf_input started = {.kind = GF_INPUT_TASK_STARTED,
                                         .u.started.attempt = wrong[i]};
        (void)world_step(&world, &started);
        world_report(&world, wrong[i], &exit);
        world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, wrong[i], "x");
        world_failed(&world, GF_INPUT_TASK_LOST, wrong[i], "x");
        world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, wrong[i], "x");
    }
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_str_eq(world_states(&world, 1), "pw");
    world_exit(&world, "one", 0);
    const int64_t ended = world_newest_event(&world);
    world_report(&world, one, &exit);
    cr_expect_eq(world_newest_event(&world), ended);
    cr_expect_str_eq(world_states(&world, 1), "Sp");
}

/* A scheduler may drop its records of what the core has given up. */
Test(reports, the_end_of_a_forgotten_attempt_is_acknowledged) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const struct gf_attempt one = world_find(&world, "one")->attempt;
    world_exit(&world, "one", 0);
    cr_expect_eq(world.forget_count, 1);
    const struct gf_exit exit = {.exit_code = 0};
    world_report(&world, one, &exit);
    cr_expect_eq(world.forget_count, 2);
    world_failed(&world, GF_INPUT_TASK_LOST, one, "");
    cr_expect_eq(world.forget_count, 3);
}

Test(reports, a_second_start_changes_nothing) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    const int64_t newest = world_newest_event(&world);
    const int64_t start = world_task(&world, 1, "one").start_time;
    world_started(&world, "one");
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(world_task(&world, 1, "one").start_time, start);
    world_exit(&world, "one", 0);
}

Test(reports, what_never_started_is_launched_again_with_the_same_number) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const struct gf_attempt one = world_find(&world, "one")->attempt;
    world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, one, "");
    cr_expect_eq(world.launch_count, 2);
    cr_assert_not_null(world_find(&world, "one"));
    cr_expect_eq(world_find(&world, "one")->attempt.attempt, one.attempt);
    cr_expect_eq(gf_core_get_stats(world.core).attempts_running, 1);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(reports, what_ran_and_never_started_is_lost) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, world_find(&world, "one")->attempt, "");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_ORPHANED);
}

Test(reports, long_texts_are_cut) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    char text[2 * GF_REASON_BYTES_MAX];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    world_failed(&world, GF_INPUT_TASK_LOST, world_find(&world, "one")->attempt, text);
    cr_expect_eq(world_task(&world, 1, "one").reason.text.len, GF_REASON_BYTES_MAX);
    cr_expect_eq(world_run(&world, 1).reason.text.len, GF_REASON_BYTES_MAX);
}

/* A clock that was set back makes no task end before it started. */
Test(reports, times_stay_in_order_when_the_clock_does_not) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    world.now -= 500000000;
    world_exit(&world, "one", 0);
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_geq(task.end_time, task.start_time);
    cr_expect_geq(world_run(&world, 1).end_time, world_run(&world, 1).start_time);
}

Test(reports, an_end_tells_of_a_container_of_which_the_start_was_not_told) {
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const struct gf_exit exit = {.container_id = GF_STR("gone-1"),
                                 .missing_protections =
                                     GF_PROTECTION_USER_NAMESPACE | 1U << 31 /* of a later one */};
    world_report(&world, world_find(&world, "one")->attempt, &exit);
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect(gf_str_eq(task.container_id, GF_STR("gone-1")));
    cr_expect_eq(task.missing_protections, GF_PROTECTION_USER_NAMESPACE);
    world_exit(&world, "two", 0);
}
