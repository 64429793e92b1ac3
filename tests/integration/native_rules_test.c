/*
 * The rules of a run with real containers: attempts and their logs, cancels, queues, kept results.
 */
#include "tests/integration/native.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

TestSuite(native_rules, .init = native_setup, .fini = native_teardown);

static Gofer__V1__RunStatus status_of_run(int64_t run_id) {
    return wait_run("shell", run_id)->status;
}

/* ---- Attempts ---- */

/* A task that says which attempt it is and fails before `good_attempt`. */
static void up_retried(int32_t good_attempt, int64_t backoff_ms) {
    static Gofer__V1__RetryPolicy policy;
    static Google__Protobuf__Duration backoff;
    char *script = gf_arena_printf(
        &arena, "echo attempt $GOFER_TASK_ATTEMPT; [ $GOFER_TASK_ATTEMPT -ge %d ] || exit 9",
        good_attempt);
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    gofer__v1__retry_policy__init(&policy);
    google__protobuf__duration__init(&backoff);
    backoff.seconds = backoff_ms / 1000;
    backoff.nanos = (int32_t)(backoff_ms % 1000) * 1000000;
    policy.max_attempts = 5;
    policy.initial_backoff = &backoff;
    spec->tasks[0]->retry = &policy;
    up_spec(spec, script);
}

static void expect_attempt_log(int32_t attempt, const char *text) {
    struct followed_log log;
    log_init(&log);
    log_take_all(follow_attempt(attempt, "", false, 0), &log);
    cr_expect_str_eq(log_stdout(&log), text);
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE);
    log_fini(&log);
}

Test(native_rules, every_attempt_is_shown_and_keeps_its_log) {
    NEED_ROOT();
    up_retried(3, 10);
    (void)start_run("shell");
    cr_expect_eq((int)status_of_run(1), GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    const Gofer__V1__TaskExecution *task = get_task("shell", 1, "one");
    cr_expect_eq(task->attempt, 3);
    cr_expect_eq(task->exit->code, 0);
    cr_expect_null(task->next_attempt_time);
    cr_expect_not_null(task->timeline->queue_time);
    cr_expect_not_null(task->timeline->end_time);
    cr_assert_eq(task->n_previous_attempts, 2);
    for (size_t i = 0; i < 2; i++) {
        const Gofer__V1__TaskAttempt *attempt = task->previous_attempts[i];
        cr_expect_eq(attempt->attempt, (int32_t)i + 1);
        cr_expect_eq((int)attempt->status,
                     GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_FAILED);
        cr_expect_eq(attempt->exit->code, 9);
        cr_expect_eq(attempt->log_bytes, 10);
        cr_expect_eq((int)attempt->log_state, GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE);
        cr_expect_str_eq(attempt->scheduler, "native");
    }
    expect_attempt_log(1, "attempt 1\n");
    expect_attempt_log(2, "attempt 2\n");
    expect_attempt_log(3, "attempt 3\n");
    expect_attempt_log(0, "attempt 3\n");
}

/* Follows the first attempt from before it fails: its log ends with it, not with the task. */
Test(native_rules, the_log_of_an_attempt_ends_while_the_task_waits_for_the_next) {
    NEED_ROOT();
    enum {
        LONG_MS = 600 * 1000,
    };
    up_retried(2, LONG_MS);
    (void)start_run("shell");
    struct followed_log log;
    log_init(&log);
    log_take_all(follow_log("", false, 0), &log);
    cr_expect_str_eq(log_stdout(&log), "attempt 1\n");
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE);
    char *token = log.resume_token;
    log_fini(&log);
    /* The end frame may be read before the end is known. */
    const Gofer__V1__TaskExecution *task = get_task("shell", 1, "one");
    while (task->next_attempt_time == NULL) {
        task = get_task("shell", 1, "one");
    }
    cr_expect_eq((int)task->state, GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_WAITING);
    cr_expect_eq((int)task->status, 0);
    cr_expect_null(task->status_reason);
    cr_expect_null(task->end_time);
    cr_expect_eq(task->attempt, 1);
    cr_expect_eq((int)task->log_state, GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE);
    cr_assert_eq(task->n_previous_attempts, 1);
    cr_expect_eq(task->previous_attempts[0]->exit->code, 9);
    expect_attempt_log(0, "attempt 1\n");
    /* Taken up again behind its end, there is nothing more. */
    log_init(&log);
    log_take_all(follow_log(token, false, 0), &log);
    cr_expect_eq(log.text[1].len, 0);
    log_fini(&log);
    cancel_run("shell", 1);
    cr_expect_eq((int)status_of_run(1), GOFER__V1__RUN_STATUS__RUN_STATUS_CANCELLED);
}

Test(native_rules, a_token_of_an_attempt_goes_on_in_it) {
    NEED_ROOT();
    up_retried(2, 10);
    (void)start_run("shell");
    struct followed_log log;
    log_init(&log);
    struct gf_rpc_stream *stream = follow_attempt(1, "", false, 0);
    cr_assert(log_take(stream, &log)); /* the first message, which has no chunks */
    gf_rpc_stream_destroy(stream);
    char *token = log.resume_token;
    log_fini(&log);
    (void)wait_run("shell", 1);
    log_init(&log);
    log_take_all(follow_log(token, false, 0), &log);
    cr_expect_str_eq(log_stdout(&log), "attempt 1\n");
    log_fini(&log);
    Gofer__V1__FollowTaskExecutionLogsResponse *message = NULL;
    stream = follow_attempt(2, token, false, 0);
    cr_expect_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "resume_token");
    gf_rpc_stream_destroy(stream);
}

Test(native_rules, a_watch_sees_the_attempts) {
    NEED_ROOT();
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    Gofer__V1__WatchRunResponse *message = NULL;
    struct gf_rpc_stream *stream = NULL;
    const Gofer__V1__TaskExecution *last = NULL;
    up_retried(2, 500);
    (void)start_run("shell");
    request.pipeline_id = "shell";
    request.run_id = 1;
    cr_assert_eq(gofer_v1_run_service_watch_run_stream_open(harness.channel, NULL, &request,
                                                            &stream, &error),
                 GF_OK);
    bool waited = false;
    do {
        cr_assert_eq(gofer_v1_run_service_watch_run_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                &message, &error),
                     GF_OK, "%s", error.message);
        if (message != NULL && message->n_task_executions > 0) {
            last = message->task_executions[0];
            waited = waited || last->next_attempt_time != NULL;
            cr_expect_eq(last->n_previous_attempts, 0);
        }
    } while (message != NULL);
    gf_rpc_stream_destroy(stream);
    cr_expect(waited);
    cr_assert_not_null(last);
    cr_expect_eq(last->attempt, 2);
    cr_expect_eq((int)last->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
}

/* ---- Cancelling ---- */

static enum gf_code cancel_task(char *task_id, char *reason,
                                Gofer__V1__CancelTaskExecutionResponse **out) {
    Gofer__V1__CancelTaskExecutionRequest request = GOFER__V1__CANCEL_TASK_EXECUTION_REQUEST__INIT;
    request.pipeline_id = "shell";
    request.run_id = 1;
    request.task_id = task_id;
    request.reason = reason;
    return gofer_v1_task_execution_service_cancel_task_execution(harness.channel, NULL, &request,
                                                                 &arena, out, &error);
}

/* Waits until the task has written something. */
static void wait_for_output(void) {
    struct followed_log log;
    log_init(&log);
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[1].len == 0) {
        cr_assert(log_take(stream, &log));
    }
    gf_rpc_stream_destroy(stream);
    log_fini(&log);
}

Test(native_rules, a_task_is_cancelled_alone) {
    NEED_ROOT();
    Gofer__V1__CancelTaskExecutionResponse *response = NULL;
    up_spec(make_spec("shell", "one; two < one; tri < one:any"),
            "[ $GOFER_TASK_ID = one ] || exit 0; trap 'exit 1' TERM; echo up; "
            "while :; do sleep 0.05; done");
    (void)start_run("shell");
    wait_for_output();
    cr_assert_eq(cancel_task("one", "not needed", &response), GF_OK, "%s", error.message);
    cr_expect(response->changed);
    cr_expect(response->task_execution->cancel_requested);
    cr_assert_eq(cancel_task("one", "again", &response), GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    (void)wait_run("shell", 1);
    const Gofer__V1__TaskExecution *task = get_task("shell", 1, "one");
    cr_expect_eq((int)task->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_CANCELLED);
    cr_expect_str_eq(task->status_reason->description, "not needed");
    cr_expect_not_null(task->timeline->stop_time);
    cr_expect_eq((int)get_task("shell", 1, "two")->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SKIPPED);
}

Test(native_rules, all_runs_are_cancelled) {
    NEED_ROOT();
    Gofer__V1__CancelAllRunsRequest request = GOFER__V1__CANCEL_ALL_RUNS_REQUEST__INIT;
    Gofer__V1__CancelAllRunsResponse *response = NULL;
    up_script_with("exec sleep 1000", 1);
    for (int i = 0; i < 3; i++) {
        (void)start_run("shell");
    }
    request.pipeline_id = "shell";
    request.force = true;
    request.reason = "all of them";
    cr_assert_eq(gofer_v1_run_service_cancel_all_runs(harness.channel, NULL, &request, &arena,
                                                      &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(response->run_count, 3);
    cr_assert_eq(response->n_run_ids, 3);
    for (int64_t i = 1; i <= 3; i++) {
        cr_expect_eq(response->run_ids[i - 1], i);
        const Gofer__V1__Run *run = wait_run("shell", i);
        cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_CANCELLED);
        cr_expect_str_eq(run->status_reason->description, "all of them");
    }
}

Test(native_rules, a_run_that_has_not_ended_is_not_retried_nor_its_pipeline_deleted) {
    NEED_ROOT();
    Gofer__V1__RetryRunRequest retry = GOFER__V1__RETRY_RUN_REQUEST__INIT;
    Gofer__V1__RetryRunResponse *retried = NULL;
    Gofer__V1__DeletePipelineRequest remove = GOFER__V1__DELETE_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeletePipelineResponse *removed = NULL;
    up_script("exec sleep 1000");
    (void)start_run("shell");
    retry.pipeline_id = remove.pipeline_id = "shell";
    retry.run_id = 1;
    cr_expect_eq(
        gofer_v1_run_service_retry_run(harness.channel, NULL, &retry, &arena, &retried, &error),
        GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "RUN_NOT_ENDED");
    cr_expect_eq(gofer_v1_pipeline_service_delete_pipeline(harness.channel, NULL, &remove, &arena,
                                                           &removed, &error),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "PIPELINE_HAS_ACTIVE_RUNS");
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
    cr_expect_eq(gofer_v1_pipeline_service_delete_pipeline(harness.channel, NULL, &remove, &arena,
                                                           &removed, &error),
                 GF_OK, "%s", error.message);
}

Test(native_rules, a_healthy_run_needs_no_repair) {
    NEED_ROOT();
    Gofer__V1__RepairRunRequest request = GOFER__V1__REPAIR_RUN_REQUEST__INIT;
    Gofer__V1__RepairRunResponse *response = NULL;
    up_script("echo up; exec sleep 1000");
    (void)start_run("shell");
    wait_for_output();
    /* Output may be seen before the start is recorded. */
    while (get_task("shell", 1, "one")->state !=
           GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_RUNNING) {
    }
    request.pipeline_id = "shell";
    request.run_id = 1;
    cr_assert_eq(
        gofer_v1_run_service_repair_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    cr_expect_not(response->changed, "%s", response->n_actions > 0 ? response->actions[0] : "");
    cr_expect_eq((int)response->run->state, GOFER__V1__RUN_STATE__RUN_STATE_RUNNING);
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

/* ---- Queues and limits ---- */

static enum gf_code try_start(const char *ordering_key, Gofer__V1__RunOrderingPolicy policy) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    request.pipeline_id = "shell";
    request.ordering_key = (char *)(uintptr_t)ordering_key;
    request.ordering_policy = policy;
    return gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response,
                                          &error);
}

Test(native_rules, a_pipeline_that_rejects_has_no_queue) {
    NEED_ROOT();
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    spec->parallelism = 1;
    spec->queue_policy = "reject";
    up_spec(spec, "exec sleep 1000");
    (void)start_run("shell");
    cr_expect_eq(try_start("", 0), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(error.reason, "PIPELINE_BUSY");
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
    cr_expect_eq(try_start("", 0), GF_OK, "%s", error.message);
    cancel_run("shell", 2);
    (void)wait_run("shell", 2);
}

Test(native_rules, only_the_newest_of_a_key_is_kept) {
    NEED_ROOT();
    const Gofer__V1__RunOrderingPolicy newest =
        GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_NEWEST;
    up_script("exec sleep 1000");
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(try_start("key", newest), GF_OK, "%s", error.message);
    }
    const Gofer__V1__Run *run = wait_run("shell", 2);
    cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_CANCELLED);
    cr_expect_eq((int)run->status_reason->kind,
                 GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_COALESCED);
    cr_expect_eq((int)get_run("shell", 3)->state, GOFER__V1__RUN_STATE__RUN_STATE_QUEUED);
    cancel_run("shell", 3);
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

Test(native_rules, the_limits_of_the_server_hold) {
    NEED_ROOT();
    harness.options.run_timeout_ms_max = 1500;
    harness.options.pipeline_runs_max = 1;
    harness.options.pipeline_queue_max = 1;
    gf_harness_restart(&harness);
    up_script("exec sleep 1000");
    Gofer__V1__Run *run = start_run("shell");
    cr_expect_not_null(run->deadline_time);
    run = start_run("shell");
    cr_expect_eq((int)run->state, GOFER__V1__RUN_STATE__RUN_STATE_QUEUED);
    cr_expect_null(run->deadline_time);
    Gofer__V1__CancelTaskExecutionRequest cancel = GOFER__V1__CANCEL_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__CancelTaskExecutionResponse *cancelled = NULL;
    cancel.pipeline_id = "shell";
    cancel.run_id = 2;
    cancel.task_id = "one";
    cr_expect_eq(gofer_v1_task_execution_service_cancel_task_execution(
                     harness.channel, NULL, &cancel, &arena, &cancelled, &error),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "RUN_NOT_STARTED");
    cr_expect_eq(try_start("", 0), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(error.reason, "QUEUE_FULL");
    cancel_run("shell", 2);
    run = wait_run("shell", 1);
    cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_FAILED);
    cr_expect_eq((int)run->status_reason->kind,
                 GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_TIMED_OUT);
}

/* ---- Retrying what failed ---- */

Test(native_rules, a_retry_of_what_failed_keeps_the_rest) {
    NEED_ROOT();
    Gofer__V1__RetryRunRequest request = GOFER__V1__RETRY_RUN_REQUEST__INIT;
    Gofer__V1__RetryRunResponse *response = NULL;
    up_spec(make_spec("shell", "one; two < one"),
            "echo $GOFER_RUN_ID; [ $GOFER_TASK_ID = one ] || [ $GOFER_RUN_ID -ge 2 ]");
    (void)start_run("shell");
    cr_expect_eq((int)status_of_run(1), GOFER__V1__RUN_STATUS__RUN_STATUS_FAILED);
    request.pipeline_id = "shell";
    request.run_id = 1;
    request.scope = GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_FAILED_TASKS;
    cr_assert_eq(
        gofer_v1_run_service_retry_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    cr_expect_eq(response->run->retried_run_id, 1);
    cr_expect_eq((int)status_of_run(2), GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    const Gofer__V1__TaskExecution *kept = get_task("shell", 2, "one");
    cr_expect_eq(kept->kept_run_id, 1);
    cr_expect_eq((int)kept->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    cr_expect_eq(get_task("shell", 2, "two")->kept_run_id, 0);
    Gofer__V1__FollowTaskExecutionLogsRequest logs =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    struct followed_log log;
    struct gf_rpc_stream *stream = NULL;
    logs.pipeline_id = "shell";
    logs.run_id = 2;
    logs.task_id = "one";
    log_init(&log);
    cr_assert_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
                     harness.channel, NULL, &logs, &stream, &error),
                 GF_OK);
    log_take_all(stream, &log);
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_NEVER_STARTED);
    cr_expect_str_eq(log.end->description, "the result of run 1 was kept");
    log_fini(&log);
}

/* ---- Input documents ---- */

Test(native_rules, a_task_finds_the_input_of_its_run) {
    NEED_ROOT();
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    struct followed_log log;
    up_script("cat $GOFER_INPUT");
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    input.content.data = (uint8_t *)"work on this";
    input.content.len = 12;
    request.pipeline_id = "shell";
    request.input = &input;
    cr_assert_eq(
        gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    cr_expect_eq((int)status_of_run(1), GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    log_init(&log);
    log_take_all(follow_log("", false, 0), &log);
    cr_expect_str_eq(log_stdout(&log), "work on this");
    log_fini(&log);
}
