#include "cli/testing/fixture.h"
#include "cli/ui/timeline.h"

#include <criterion/criterion.h>

static struct gf_cli_fixture fixture;

static void setup(void) {
    gf_fixture_init(&fixture, NULL, NULL);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
}

TestSuite(timeline, .init = setup, .fini = teardown);

enum {
    BASE_S = 1700000000
};

static Google__Protobuf__Timestamp *at_ms(int64_t ms) {
    Google__Protobuf__Timestamp *time = GF_ARENA_NEW(&fixture.arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(time);
    time->seconds = BASE_S + ms / 1000;
    time->nanos = (int32_t)(ms % 1000) * 1000000;
    return time;
}

static char *text(const char *words) {
    return gf_arena_strdup(&fixture.arena, words);
}

static Gofer__V1__TaskExecutionStatusReason *reason(const char *words) {
    Gofer__V1__TaskExecutionStatusReason *made =
        GF_ARENA_NEW(&fixture.arena, Gofer__V1__TaskExecutionStatusReason);
    gofer__v1__task_execution_status_reason__init(made);
    made->description = text(words);
    return made;
}

static Gofer__V1__TaskTimeline *timeline(void) {
    Gofer__V1__TaskTimeline *made = GF_ARENA_NEW(&fixture.arena, Gofer__V1__TaskTimeline);
    gofer__v1__task_timeline__init(made);
    return made;
}

static Gofer__V1__TaskExecution *task(const char *task_id) {
    Gofer__V1__TaskExecution *made = GF_ARENA_NEW(&fixture.arena, Gofer__V1__TaskExecution);
    gofer__v1__task_execution__init(made);
    made->task_id = text(task_id);
    return made;
}

static void complete(Gofer__V1__TaskExecution *of, Gofer__V1__TaskExecutionStatus status) {
    of->state = GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE;
    of->status = status;
}

/* One that waited for a slot and an image, failed once, and was successful then. */
static Gofer__V1__TaskExecution *retried(void) {
    Gofer__V1__TaskExecution *made = task("flaky");
    complete(made, GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    made->attempt = 2;
    made->start_time = at_ms(9000);
    made->end_time = at_ms(12000);
    made->timeline = timeline();
    made->timeline->ready_time = at_ms(8000);
    made->timeline->queue_time = at_ms(8000);
    made->timeline->launch_time = at_ms(8500);
    made->timeline->start_time = at_ms(9000);
    made->timeline->end_time = at_ms(11500);
    Gofer__V1__TaskAttempt *first = GF_ARENA_NEW(&fixture.arena, Gofer__V1__TaskAttempt);
    gofer__v1__task_attempt__init(first);
    first->attempt = 1;
    first->status = GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_FAILED;
    first->status_reason = reason("exit code 3");
    first->start_time = at_ms(3000);
    first->end_time = at_ms(5000);
    first->timeline = timeline();
    first->timeline->pull_start_time = at_ms(1000);
    first->timeline->pull_end_time = at_ms(2500);
    first->exit = GF_ARENA_NEW(&fixture.arena, Gofer__V1__TaskExit);
    gofer__v1__task_exit__init(first->exit);
    first->exit->code = 3;
    made->n_previous_attempts = 1;
    made->previous_attempts = GF_ARENA_NEW(&fixture.arena, Gofer__V1__TaskAttempt *);
    made->previous_attempts[0] = first;
    return made;
}

static const char *printed(const Gofer__V1__TaskExecution *of) {
    struct gf_table table;
    gf_timeline_init(&table);
    gf_timeline_add(&fixture.cli, &table, at_ms(0), of);
    gf_table_print(&table, &fixture.cli);
    gf_table_fini(&table);
    gf_fixture_flush(&fixture);
    return fixture.out;
}

Test(timeline, a_row_for_each_attempt) {
    cr_expect_str_eq(printed(retried()), "flaky\t1\tFAILED\t-\t1.5s\t+3s\t2s\t+5s\texit code 3\n"
                                         "flaky\t2\tSUCCESSFUL\t500ms\t-\t+9s\t2.5s\t+11s\t\n");
}

Test(timeline, with_a_header_on_a_terminal) {
    fixture.cli.out_is_terminal = true;
    cr_expect_str_eq(printed(retried()),
                     "TASK   TRY  STATUS      QUEUED  PULL  STARTED  RAN   ENDED  REASON\n"
                     "flaky  1    FAILED      -       1.5s  +3s      2s    +5s    exit code 3\n"
                     "flaky  2    SUCCESSFUL  500ms   -     +9s      2.5s  +11s   \n");
}

Test(timeline, what_never_ran_has_an_end_alone) {
    Gofer__V1__TaskExecution *skipped = task("never");
    complete(skipped, GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SKIPPED);
    skipped->status_reason = reason("task 'one' failed\033[1m");
    skipped->end_time = at_ms(700);
    cr_expect_str_eq(printed(skipped),
                     "never\t-\tSKIPPED\t-\t-\t-\t-\t+700ms\ttask 'one' failed?[1m\n");
}

Test(timeline, what_waited_in_vain_was_queued_to_its_end) {
    Gofer__V1__TaskExecution *cancelled = task("late");
    complete(cancelled, GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_CANCELLED);
    cancelled->attempt = 1;
    cancelled->timeline = timeline();
    cancelled->timeline->queue_time = at_ms(100);
    cancelled->end_time = at_ms(600);
    cr_expect_str_eq(printed(cancelled), "late\t1\tCANCELLED\t500ms\t-\t-\t-\t+600ms\t\n");
}

Test(timeline, kept_results_name_their_run) {
    Gofer__V1__TaskExecution *kept = task("build");
    complete(kept, GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    kept->kept_run_id = 7;
    cr_expect_str_eq(gf_show_task_remark(&fixture.cli, kept), "kept from run 7");
}

Test(timeline, a_task_between_attempts_says_when_it_goes_on) {
    Gofer__V1__TaskExecution *waiting = task("flaky");
    waiting->state = GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_WAITING;
    waiting->attempt = 2;
    waiting->next_attempt_time = at_ms(0);
    cr_expect_str_eq(gf_show_task_remark(&fixture.cli, waiting),
                     "attempt 2 failed, next: 2023-11-14T22:13:20Z");
    Gofer__V1__TaskExit exit = GOFER__V1__TASK_EXIT__INIT;
    exit.code = 9;
    waiting->exit = &exit;
    cr_expect_str_eq(gf_show_task_remark(&fixture.cli, waiting),
                     "attempt 2 ended with exit code 9, next: 2023-11-14T22:13:20Z");
    cr_expect_str_eq(gf_show_task_word(&fixture.cli, waiting), "WAITING");
}

Test(timeline, moments_that_are_known) {
    Gofer__V1__TaskTimeline *moments = timeline();
    gf_print_moments(&fixture.cli, at_ms(0), moments);
    moments->ready_time = at_ms(0);
    moments->start_time = at_ms(1500);
    gf_print_moments(&fixture.cli, at_ms(0), moments);
    gf_print_moments(&fixture.cli, at_ms(0), NULL);
    gf_fixture_flush(&fixture);
    cr_expect_str_eq(fixture.out, "Timeline:\n"
                                  "  ready          +0s       2023-11-14T22:13:20Z\n"
                                  "  started        +1.5s     2023-11-14T22:13:21.500Z\n");
}

Test(timeline, earlier_attempts) {
    gf_print_attempts(&fixture.cli, task("fresh"));
    gf_print_attempts(&fixture.cli, retried());
    gf_fixture_flush(&fixture);
    cr_expect_str_eq(fixture.out, "Earlier attempts:\n"
                                  "1\tFAILED\t3\t2023-11-14T22:13:23Z\t2s\texit code 3\n");
}
