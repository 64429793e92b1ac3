/*
 * Deleting the logs of tasks that have some.
 */
#include "tests/integration/native.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(native_logs, .init = native_setup, .fini = native_teardown);

/* ---- Calls ---- */

static enum gf_code delete_logs(char *task_id, bool *out_changed) {
    Gofer__V1__DeleteTaskExecutionLogsRequest request =
        GOFER__V1__DELETE_TASK_EXECUTION_LOGS_REQUEST__INIT;
    Gofer__V1__DeleteTaskExecutionLogsResponse *response = NULL;
    request.pipeline_id = "shell";
    request.run_id = 1;
    request.task_id = task_id;
    const enum gf_code rc = gofer_v1_task_execution_service_delete_task_execution_logs(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out_changed = response->changed;
    }
    return rc;
}

/* Succeeds, and gives whether there was something to delete. */
static bool deleted(char *task_id) {
    bool changed = false;
    cr_assert_eq(delete_logs(task_id, &changed), GF_OK, "%s", error.message);
    return changed;
}

static size_t count_deletions(void) {
    Gofer__V1__ListEventsRequest list = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *listed = NULL;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kind = GOFER__V1__EVENT_KIND__EVENT_KIND_TASK_EXECUTION_LOGS_DELETED;
    list.filter = &filter;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    cr_assert_eq(
        gofer_v1_event_service_list_events(harness.channel, NULL, &list, &arena, &listed, &error),
        GF_OK, "%s", error.message);
    for (size_t i = 0; i < listed->n_events; i++) {
        cr_expect_str_eq(listed->events[i]->namespace_id, "default");
        cr_expect_str_eq(listed->events[i]->pipeline_id, "shell");
        cr_expect_eq(listed->events[i]->run_id, 1);
        cr_expect_str_eq(listed->events[i]->task_id, "one");
    }
    return listed->n_events;
}

/* The log is refused before anything was sent. */
static void expect_refused(int32_t attempt, const char *reason) {
    Gofer__V1__FollowTaskExecutionLogsResponse *message = NULL;
    struct gf_rpc_stream *stream = follow_attempt(attempt, "", false, 0);
    cr_expect_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, reason);
    gf_rpc_stream_destroy(stream);
}

static void expect_removed(int32_t attempt) {
    expect_refused(attempt, "LOG_REMOVED");
}

/* A task that fails in its first attempt. */
static void up_retried(char *script) {
    static Gofer__V1__RetryPolicy policy;
    static Google__Protobuf__Duration backoff;
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    gofer__v1__retry_policy__init(&policy);
    google__protobuf__duration__init(&backoff);
    backoff.nanos = 10000000;
    policy.max_attempts = 2;
    policy.initial_backoff = &backoff;
    spec->tasks[0]->retry = &policy;
    up_spec(spec, script);
}

/* ---- Tests ---- */

Test(native_logs, of_all_attempts_are_deleted_for_good) {
    NEED_ROOT();
    up_retried("echo here; [ $GOFER_TASK_ATTEMPT -ge 2 ] || exit 9");
    (void)start_run("shell");
    (void)wait_run("shell", 1);
    cr_assert_eq(get_task("shell", 1, "one")->attempt, 2);
    cr_expect(deleted("one"));
    cr_expect_eq(count_deletions(), 1);
    cr_expect_not(deleted("one"), "they are gone");
    cr_expect_eq(count_deletions(), 1);
    gf_harness_restart(&harness);
    const Gofer__V1__TaskExecution *task = get_task("shell", 1, "one");
    cr_expect_eq((int)task->log_state, GOFER__V1__LOG_STATE__LOG_STATE_REMOVED);
    cr_assert_eq(task->n_previous_attempts, 1);
    cr_expect_eq((int)task->previous_attempts[0]->log_state,
                 GOFER__V1__LOG_STATE__LOG_STATE_REMOVED);
    cr_expect_eq(task->exit->code, 0, "what became of the task stays");
    for (int32_t attempt = 0; attempt <= 2; attempt++) {
        expect_removed(attempt);
    }
    Gofer__V1__ListTaskExecutionsRequest list = GOFER__V1__LIST_TASK_EXECUTIONS_REQUEST__INIT;
    Gofer__V1__ListTaskExecutionsResponse *listed = NULL;
    list.pipeline_id = "shell";
    list.run_id = 1;
    cr_assert_eq(gofer_v1_task_execution_service_list_task_executions(harness.channel, NULL, &list,
                                                                      &arena, &listed, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq((int)listed->task_executions[0]->log_state,
                 GOFER__V1__LOG_STATE__LOG_STATE_REMOVED);
}

/* Of one whose config says so, and of all of a pipeline that does. */
Test(native_logs, are_not_kept_where_nobody_wants_them) {
    NEED_ROOT();
    for (int64_t run_id = 1; run_id <= 2; run_id++) {
        Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
        spec->disable_logs = run_id == 1;
        spec->tasks[0]->disable_logs = run_id == 2;
        up_spec(spec, "seq 1 1000; exit 2");
        (void)start_run("shell");
        (void)wait_run("shell", run_id);
        const Gofer__V1__TaskExecution *task = get_task("shell", run_id, "one");
        cr_expect_eq(task->exit->code, 2);
        cr_expect_eq((int)task->log_state, GOFER__V1__LOG_STATE__LOG_STATE_DISABLED);
        cr_expect_eq(task->log_bytes, 0);
        expect_refused(0, "LOG_DISABLED");
    }
}

/* An empty log is one, too. */
Test(native_logs, of_a_program_that_wrote_nothing) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("exit 0");
    (void)start_run("shell");
    (void)wait_run("shell", 1);
    log_take_all(follow_log("", false, 0), &log);
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE);
    log_fini(&log);
    cr_expect(deleted("one"));
    cr_expect_not(deleted("one"));
    expect_removed(0);
}

Test(native_logs, of_a_task_that_has_not_ended_stay) {
    NEED_ROOT();
    struct followed_log log;
    bool changed = false;
    log_init(&log);
    up_script("echo up; exec sleep 1000");
    (void)start_run("shell");
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[1].len == 0) {
        cr_assert(log_take(stream, &log));
    }
    cr_expect_eq(delete_logs("one", &changed), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "TASK_NOT_ENDED");
    cancel_run("shell", 1);
    log_take_all(stream, &log);
    cr_expect_str_eq(log_stdout(&log), "up\n");
    (void)wait_run("shell", 1);
    cr_expect(deleted("one"));
    log_fini(&log);
}

Test(native_logs, of_an_ended_task_go_while_others_run) {
    NEED_ROOT();
    struct followed_log log;
    bool changed = false;
    log_init(&log);
    up_spec(make_spec("shell", "one; two < one"),
            "[ $GOFER_TASK_ID = one ] && exit 0; exec sleep 1000");
    (void)start_run("shell");
    log_take_all(follow_log("", false, 0), &log);
    log_fini(&log);
    /* The log ends before its task is known to have ended. */
    while (get_task("shell", 1, "one")->end_time == NULL) {
    }
    cr_expect(deleted("one"));
    cr_expect_eq(delete_logs("two", &changed), GF_FAILED_PRECONDITION);
    cr_expect_eq(count_deletions(), 1);
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

Test(native_logs, of_a_run_that_waits_are_not_there_yet) {
    NEED_ROOT();
    Gofer__V1__DeleteTaskExecutionLogsRequest request =
        GOFER__V1__DELETE_TASK_EXECUTION_LOGS_REQUEST__INIT;
    Gofer__V1__DeleteTaskExecutionLogsResponse *response = NULL;
    up_script_with("exec sleep 1000", 1);
    (void)start_run("shell");
    (void)start_run("shell");
    request.pipeline_id = "shell";
    request.run_id = 2;
    request.task_id = "one";
    cr_expect_eq(gofer_v1_task_execution_service_delete_task_execution_logs(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "RUN_NOT_STARTED");
    request.task_id = "two";
    cr_expect_eq(gofer_v1_task_execution_service_delete_task_execution_logs(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_NOT_FOUND);
    cancel_run("shell", 2);
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

Test(native_logs, that_are_followed_are_read_to_their_end) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("i=0; while [ $i -lt 20000 ]; do echo line number $i; i=$((i+1)); done");
    (void)start_run("shell");
    (void)wait_run("shell", 1);
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[1].len == 0) {
        cr_assert(log_take(stream, &log));
    }
    cr_expect(deleted("one"));
    log_take_all(stream, &log);
    cr_expect_eq(log.text[1].len, 348890); /* of "line number 0" to "line number 19999" */
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE);
    log_fini(&log);
}
