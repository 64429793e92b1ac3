/* Somebody wonders about an attempt, in every state that it can be in; and what is forgotten. */
#include "tests/conformance/scheduler/cases.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

void conformance_end_is_told_again(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "true");
    const struct stage_event first = stage_wait(stage, ATTEMPT, STAGE_EXITED);
    stage_inquire(stage, ATTEMPT);
    const struct stage_event again = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 2);
    cr_expect_eq(again.exit.exit_code, first.exit.exit_code);
    cr_expect_eq(again.exit.exit_signal, first.exit.exit_signal);
    if (stage_can(stage, CONFORMANCE_PROGRAMS)) {
        cr_expect_eq(again.exit.start_time, first.exit.start_time);
        cr_expect_eq(again.exit.end_time, first.exit.end_time);
    }
    cr_expect_eq(again.exit.log_bytes, first.exit.log_bytes);
    cr_expect_eq(again.exit.cpu_time_ns, first.exit.cpu_time_ns);
    cr_expect_eq(again.has_place, first.has_place);
    cr_expect_eq(stage_count(stage, ATTEMPT, STAGE_STARTED), 1);
}

void conformance_start_is_told_again(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "sleep 1000");
    const struct stage_event first = stage_wait(stage, ATTEMPT, STAGE_STARTED);
    stage_inquire(stage, ATTEMPT);
    const struct stage_event again = stage_wait_count(stage, ATTEMPT, STAGE_STARTED, 2);
    cr_expect_eq(again.start.start_time, first.start.start_time);
    stage_stop(stage, ATTEMPT, true);
    (void)stage_wait_end(stage, ATTEMPT);
}

void conformance_failure_is_told_again(struct stage *stage) {
    static const char *const command[] = {"frobnicate", NULL};
    struct stage_task task;
    stage_make_task(stage, &task, command);
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    const struct stage_event first = stage_wait_end(stage, ATTEMPT);
    stage_inquire(stage, ATTEMPT);
    if (first.kind == STAGE_EXITED) {
        const struct stage_event again = stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 2);
        cr_expect_str_eq(again.text, first.text);
    } else {
        /* Nothing was started, and nothing need be known of it. */
        (void)stage_wait_count(stage, ATTEMPT, 0, 2);
    }
}

void conformance_question_during_the_launch_is_answered_by_it(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "true");
    stage_inquire(stage, ATTEMPT);
    (void)stage_wait(stage, ATTEMPT, STAGE_EXITED);
    cr_expect_eq(stage_count(stage, ATTEMPT, STAGE_NEVER_STARTED), 0);
    cr_expect_eq(stage_count(stage, ATTEMPT, STAGE_LOST), 0);
}

void conformance_every_question_is_answered(struct stage *stage) {
    for (int64_t run = 1; run <= 5; run++) {
        stage_inquire(stage, stage_attempt(run));
    }
    for (int64_t run = 1; run <= 5; run++) {
        const struct stage_event end = stage_wait_end(stage, stage_attempt(run));
        cr_expect_neq((int)end.kind, STAGE_LAUNCH_FAILED);
    }
}

void conformance_unknown_attempt_was_never_started_and_can_be(struct stage *stage) {
    stage_inquire(stage, ATTEMPT);
    cr_expect_eq((int)stage_wait_end(stage, ATTEMPT).kind, STAGE_NEVER_STARTED);
    stage_launch_script(stage, ATTEMPT, "exit 7");
    cr_expect_eq(stage_wait_count(stage, ATTEMPT, STAGE_EXITED, 1).exit.exit_code, 7);
}

/* Nobody hears of its end; but who asks hears in the end that it does not run. */
void conformance_forgotten_program_is_ended(struct stage *stage) {
    stage_launch_script(stage, ATTEMPT, "trap '' TERM; while :; do sleep 0.01; done");
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    stage_forget(stage, ATTEMPT);
    for (size_t answers = 2;; answers++) {
        stage_inquire(stage, ATTEMPT);
        if (stage_wait_count(stage, ATTEMPT, 0, answers).kind != STAGE_STARTED) {
            break;
        }
    }
}
