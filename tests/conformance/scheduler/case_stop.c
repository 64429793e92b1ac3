/* Ends before their time: timeouts and stops. No test asks how long something took. */
#include "tests/conformance/scheduler/cases.h"

#include <signal.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

/* A program that ignores SIGTERM, once it has said so. */
static const char DEAF[] = "trap '' TERM; echo up; while :; do sleep 0.01; done";

static void launch(struct stage *stage, const char *script, int64_t timeout_ms,
                   int64_t stop_timeout_ms) {
    struct stage_task task;
    stage_make_script(stage, &task, script);
    task.task.timeout_ms = timeout_ms;
    task.task.stop_timeout_ms = stop_timeout_ms;
    const struct gf_launch request = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &request);
}

static struct stage_event wait_exit(struct stage *stage) {
    return stage_wait(stage, ATTEMPT, STAGE_EXITED);
}

void conformance_timeout_ends_the_program(struct stage *stage) {
    launch(stage, "exec sleep 1000", /* timeout_ms= */ 30, /* stop_timeout_ms= */ 0);
    const struct stage_event end = wait_exit(stage);
    cr_expect(end.exit.timed_out);
    cr_expect_not(end.exit.stopped);
    cr_expect_eq(end.exit.exit_signal, SIGTERM);
}

void conformance_timeout_kills_what_ignores_it(struct stage *stage) {
    launch(stage, DEAF, /* timeout_ms= */ 1000, /* stop_timeout_ms= */ 10);
    const struct stage_event end = wait_exit(stage);
    cr_expect(end.exit.timed_out);
    cr_expect_not(end.exit.stopped);
    cr_expect_eq(end.exit.exit_signal, SIGKILL);
}

void conformance_stop_asks_first(struct stage *stage) {
    launch(stage, "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done", 0, 0);
    stage_wait_output(stage, ATTEMPT);
    stage_stop(stage, ATTEMPT, false);
    const struct stage_event end = wait_exit(stage);
    cr_expect(end.exit.stopped);
    cr_expect_eq(end.exit.exit_code, 5, "it is %d, signal %d", (int)end.exit.exit_code,
                 (int)end.exit.exit_signal);
    cr_expect_eq(end.exit.exit_signal, 0);
}

void conformance_stop_kills_after_the_time_to_stop(struct stage *stage) {
    launch(stage, DEAF, 0, 20);
    stage_wait_output(stage, ATTEMPT);
    stage_stop(stage, ATTEMPT, false);
    const struct stage_event end = wait_exit(stage);
    cr_expect(end.exit.stopped);
    cr_expect_eq(end.exit.exit_signal, SIGKILL);
}

void conformance_forced_stop_kills_at_once(struct stage *stage) {
    launch(stage, DEAF, 0, 100 * STAGE_WAIT_MS);
    stage_wait_output(stage, ATTEMPT);
    stage_stop(stage, ATTEMPT, true);
    const struct stage_event end = wait_exit(stage);
    cr_expect(end.exit.stopped);
    cr_expect_eq(end.exit.exit_signal, SIGKILL);
}

void conformance_forced_stop_kills_while_a_stop_is_under_way(struct stage *stage) {
    launch(stage, DEAF, 0, 100 * STAGE_WAIT_MS);
    stage_wait_output(stage, ATTEMPT);
    stage_stop(stage, ATTEMPT, false);
    stage_stop(stage, ATTEMPT, true);
    const struct stage_event end = wait_exit(stage);
    cr_expect(end.exit.stopped);
    cr_expect_eq(end.exit.exit_signal, SIGKILL);
}

void conformance_stop_right_after_the_launch_is_not_lost(struct stage *stage) {
    enum {
        COUNT = 12
    };
    for (int64_t run = 1; run <= COUNT; run++) {
        stage_launch_script(stage, stage_attempt(run), "while :; do sleep 1; done");
        stage_stop(stage, stage_attempt(run), run % 2 == 0);
    }
    for (int64_t run = 1; run <= COUNT; run++) {
        cr_expect(stage_wait(stage, stage_attempt(run), STAGE_EXITED).exit.stopped);
    }
}

void conformance_stop_and_forget_of_the_unknown_are_ignored(struct stage *stage) {
    stage_stop(stage, stage_attempt(99), false);
    stage_stop(stage, stage_attempt(99), true);
    stage_forget(stage, stage_attempt(99));
    stage_launch_script(stage, ATTEMPT, "true");
    (void)wait_exit(stage);
    cr_expect_eq(stage_count(stage, stage_attempt(99), 0), 0);
}

void conformance_stop_of_what_has_ended_is_ignored(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "true");
    cr_expect_not(wait_exit(stage).exit.stopped);
    stage_stop(stage, ATTEMPT, false);
    stage_stop(stage, ATTEMPT, true);
    stage_inquire(stage, ATTEMPT);
    const struct stage_event again = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 2);
    cr_expect_not(again.exit.stopped);
    stage_forget(stage, ATTEMPT);
}
