/*
 * A server ends, and another one starts on what is there. It ends in good order here: how a back
 * end takes it that a server is killed is for its own tests.
 */
#include "base/alloc.h"
#include "tests/conformance/scheduler/cases.h"

#include <signal.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

static void expect_output(struct stage *stage, const char *expected) {
    struct stage_log log;
    cr_assert(stage_read_log(stage, ATTEMPT, &log));
    cr_expect_str_eq(log.out.ptr == NULL ? "" : log.out.ptr, expected);
    cr_expect(log.ended && !log.cut);
    stage_log_fini(&log);
}

/* Not one line is lost or doubled. */
void conformance_running_program_is_adopted_with_its_log(struct stage *stage) {
    struct gf_strbuf expected;
    stage_launch_script(stage, ATTEMPT,
                        "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.005; done; "
                        "exit 4");
    stage_wait_output(stage, ATTEMPT);
    stage_restart_with(stage, ATTEMPT);
    const struct stage_event end = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1);
    cr_expect_eq(end.exit.exit_code, 4);
    gf_strbuf_init(&expected, 4096);
    for (int i = 0; i < 60; i++) {
        gf_strbuf_printf(&expected, "line %d\n", i);
    }
    expect_output(stage, expected.ptr);
    gf_strbuf_fini(&expected);
}

void conformance_end_in_between_is_told(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "echo bye; exit 6");
    (void)stage_wait(stage, ATTEMPT, STAGE_EXITED);
    stage_restart_with(stage, ATTEMPT);
    const struct stage_event end = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 2);
    cr_expect_eq(end.exit.exit_code, 6);
    cr_expect_eq(end.exit.log_bytes, 4);
    expect_output(stage, "bye\n");
}

void conformance_end_is_told_until_it_is_forgotten(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "exit 6");
    (void)stage_wait(stage, ATTEMPT, STAGE_EXITED);
    for (size_t times = 2; times < 5; times++) {
        stage_restart_with(stage, ATTEMPT);
        const struct stage_event end = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, times);
        cr_expect_eq(end.exit.exit_code, 6);
    }
    stage_forget(stage, ATTEMPT);
}

/* It keeps its time to stop. */
void conformance_adopted_program_can_be_stopped(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, "trap 'echo deaf' TERM; echo up; while :; do sleep 0.01; done");
    task.task.stop_timeout_ms = 200;
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    stage_wait_output(stage, ATTEMPT);
    stage_restart_with(stage, ATTEMPT);
    (void)stage_wait_count(stage, ATTEMPT, STAGE_STARTED, 2);
    stage_stop(stage, ATTEMPT, false);
    const struct stage_event end = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1);
    cr_expect(end.exit.stopped);
    cr_expect_eq(end.exit.exit_signal, SIGKILL);
    expect_output(stage, "up\ndeaf\n");
}

void conformance_stop_right_after_the_restart_is_not_lost(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "sleep 1000");
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    stage_restart_with(stage, ATTEMPT);
    stage_stop(stage, ATTEMPT, true);
    cr_expect(stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1).exit.stopped);
}

void conformance_timeout_goes_on_over_a_restart(struct stage *stage) {
    struct stage_task task;
    stage_make_script(stage, &task, "sleep 1000");
    task.task.timeout_ms = 400;
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    stage_restart_with(stage, ATTEMPT);
    cr_expect(stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1).exit.timed_out);
}

void conformance_program_lives_through_many_restarts(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "sleep 1000");
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    for (size_t starts = 2; starts < 6; starts++) {
        stage_restart_with(stage, ATTEMPT);
        (void)stage_wait_count(stage, ATTEMPT, STAGE_STARTED, starts);
    }
    stage_stop(stage, ATTEMPT, true);
    cr_expect_eq(stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1).exit.exit_signal, SIGKILL);
}

void conformance_many_programs_are_adopted(struct stage *stage) {
    enum {
        COUNT = 8
    };
    struct gf_attempt attempts[COUNT];
    for (int i = 0; i < COUNT; i++) {
        attempts[i] = stage_attempt(i + 1);
        stage_launch_script(stage, attempts[i], "sleep 0.2; exit 2");
    }
    for (int i = 0; i < COUNT; i++) {
        (void)stage_wait(stage, attempts[i], STAGE_STARTED);
    }
    stage_restart(stage);
    stage_recover(stage, attempts, COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_expect_eq(stage_wait_count(stage, attempts[i], STAGE_EXITED, 1).exit.exit_code, 2);
    }
}

void conformance_attempt_that_was_never_launched_is_told(struct stage *stage) {
    stage_restart_with(stage, ATTEMPT);
    cr_expect_eq((int)stage_wait_end(stage, ATTEMPT).kind, STAGE_NEVER_STARTED);
    stage_launch_script(stage, ATTEMPT, "exit 8");
    cr_expect_eq(stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1).exit.exit_code, 8);
}
