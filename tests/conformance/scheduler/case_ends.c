/* That every launch comes to its one end, and what is told of it. */
#include "base/alloc.h"
#include "base/identifier.h"
#include "tests/conformance/scheduler/cases.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

void conformance_back_end_is_as_its_driver_says(struct stage *stage) {
    const struct gf_scheduler_ops *ops = stage->scheduler.ops;
    const unsigned capabilities = stage->driver->capabilities;
    cr_expect_str_eq(ops->name, stage->driver->name);
    cr_expect_eq(ops->has_logs, (capabilities & CONFORMANCE_LOGS) != 0);
    cr_expect_eq(ops->open_session != NULL, (capabilities & CONFORMANCE_SESSIONS) != 0);
    cr_expect_eq(ops->sessions != NULL, ops->open_session != NULL);
    cr_expect_eq(stage->driver->logs != NULL, ops->has_logs);
    cr_expect(ops->launch != NULL && ops->stop != NULL && ops->forget != NULL);
    cr_expect(ops->inquire != NULL && ops->recover != NULL && ops->check_image != NULL);
    cr_expect(ops->stop_reporting != NULL);
}

void conformance_launch_starts_and_ends(struct stage *stage) {
    const struct gf_attempt attempt = stage_attempt(1);
    stage_launch_script(stage, attempt, "true");
    const struct stage_event start = stage_wait(stage, attempt, STAGE_STARTED);
    const struct stage_event end = stage_wait(stage, attempt, STAGE_EXITED);
    cr_expect_eq(end.exit.exit_code, 0);
    cr_expect_eq(end.exit.exit_signal, 0);
    cr_expect_not(end.exit.timed_out || end.exit.out_of_memory || end.exit.stopped);
    cr_expect_str_eq(end.text, "");
    cr_expect_gt(start.start.start_time, 0);
    cr_expect_leq(start.start.start_time, end.exit.end_time);
    if (stage_can(stage, CONFORMANCE_PROGRAMS)) {
        cr_expect_eq(end.exit.start_time, start.start.start_time);
        cr_expect_str_eq(end.container_id, start.container_id);
        cr_expect_eq(end.exit.missing_protections, start.start.missing_protections);
        cr_expect(start.has_place && end.has_place);
    }
    cr_expect_eq(stage_count(stage, attempt, 0), 2);
    stage_forget(stage, attempt);
}

void conformance_many_launches_have_an_end_each(struct stage *stage) {
    enum {
        COUNT = 24
    };
    for (int64_t run = 1; run <= COUNT; run++) {
        stage_launch_script(stage, stage_attempt(run), "true");
    }
    for (int64_t run = 1; run <= COUNT; run++) {
        cr_expect_eq(stage_wait(stage, stage_attempt(run), STAGE_EXITED).exit.exit_code, 0);
        stage_forget(stage, stage_attempt(run));
    }
}

/* Identifiers of the longest kind, and of every character that there may be in them. */
void conformance_every_legal_name_is_launched(struct stage *stage) {
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    static const char *const ids[] = {characters, "---", "___", "-a-", "_0_", "0-0", "CON"};
    gf_assert(strlen(characters) == GF_IDENTIFIER_CHARS_MAX);
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        const struct gf_attempt attempt = stage_attempt((int64_t)i + 1);
        struct stage_task task;
        stage_make_script(stage, &task, "true");
        task.task.task_id = gf_str_from(ids[i]);
        struct gf_launch launch = stage_make_launch(attempt, &task.task);
        launch.namespace_id = gf_str_from(ids[i]);
        launch.pipeline_id = gf_str_from(ids[i]);
        stage_launch(stage, &launch);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        const struct gf_attempt attempt = stage_attempt((int64_t)i + 1);
        cr_expect_eq(stage_wait(stage, attempt, STAGE_EXITED).exit.exit_code, 0, "%s", ids[i]);
    }
}

/* Numbers as large as they come, and the same task in several attempts at the same time. */
void conformance_attempts_of_a_task_are_told_apart(struct stage *stage) {
    static const struct gf_attempt attempts[] = {
        {1, 0, 1}, {1, 0, 2}, {1, 0, 12}, {11, 0, 1}, {1, 10, 1}, {INT64_C(1) << 53, 99999, 100}};
    struct stage_task task;
    stage_make_script(stage, &task, "true");
    for (size_t i = 0; i < GF_ARRAY_COUNT(attempts); i++) {
        struct gf_launch launch = stage_make_launch(attempts[i], &task.task);
        launch.run_id = 1 + (int64_t)i;
        stage_launch(stage, &launch);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(attempts); i++) {
        cr_expect_eq(stage_wait(stage, attempts[i], STAGE_EXITED).exit.exit_code, 0);
        cr_expect_eq(stage_count(stage, attempts[i], 0), 2);
    }
}

void conformance_exit_codes_are_told(struct stage *stage) {
    static const int32_t codes[] = {0, 1, 42, 127, 137, 255};
    for (size_t i = 0; i < GF_ARRAY_COUNT(codes); i++) {
        GF_CLEANUP(gf_free_p) char *script = gf_asprintf("exit %d", (int)codes[i]);
        stage_launch_script(stage, stage_attempt((int64_t)i + 1), script);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(codes); i++) {
        const struct stage_event end =
            stage_wait(stage, stage_attempt((int64_t)i + 1), STAGE_EXITED);
        cr_expect_eq(end.exit.exit_code, codes[i]);
        cr_expect_eq(end.exit.exit_signal, 0);
        cr_expect_eq(end.exit.failure.len, 0);
    }
}

void conformance_signals_are_told(struct stage *stage) {
    static const int signals[] = {SIGKILL, SIGTERM, SIGUSR1};
    for (size_t i = 0; i < GF_ARRAY_COUNT(signals); i++) {
        GF_CLEANUP(gf_free_p) char *script = gf_asprintf("kill -%d $$; sleep 100", signals[i]);
        stage_launch_script(stage, stage_attempt((int64_t)i + 1), script);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(signals); i++) {
        const struct stage_event end =
            stage_wait(stage, stage_attempt((int64_t)i + 1), STAGE_EXITED);
        cr_expect_eq(end.exit.exit_signal, signals[i]);
        cr_expect_eq(end.exit.exit_code, 128 + signals[i]);
        cr_expect_not(end.exit.stopped || end.exit.out_of_memory || end.exit.timed_out);
    }
}

/* Whether it is a failed launch or an end with a failure is the back end's choice. */
void conformance_program_that_is_missing_is_named(struct stage *stage) {
    static const char *const command[] = {"frobnicate", NULL};
    const struct gf_attempt attempt = stage_attempt(1);
    struct stage_task task;
    stage_make_task(stage, &task, command);
    const struct gf_launch launch = stage_make_launch(attempt, &task.task);
    stage_launch(stage, &launch);
    const struct stage_event end = stage_wait_end(stage, attempt);
    cr_expect(end.kind == STAGE_EXITED || end.kind == STAGE_LAUNCH_FAILED);
    cr_expect_not_null(strstr(end.text, "frobnicate"), "%s", end.text);
    cr_expect_eq(stage_count(stage, attempt, STAGE_STARTED), 0);
}

void conformance_what_outlives_the_program_ends_with_it(struct stage *stage) {
    stage_launch_script(stage, stage_attempt(1), "sleep 1000 & trap '' TERM; exit 4");
    cr_expect_eq(stage_wait(stage, stage_attempt(1), STAGE_EXITED).exit.exit_code, 4);
}
