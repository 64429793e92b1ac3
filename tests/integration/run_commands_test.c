/*
 * Retrying, cancelling and repairing runs, as far as no container is needed for it.
 */
#include "tests/integration/client.h"

#include <criterion/criterion.h>

TestSuite(run_commands, .init = client_setup, .fini = client_teardown);

static enum gf_code retry(const Gofer__V1__RetryRunRequest *request, Gofer__V1__Run **out) {
    Gofer__V1__RetryRunResponse *response = NULL;
    const enum gf_code rc =
        gofer_v1_run_service_retry_run(harness.channel, NULL, request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->run;
    }
    return rc;
}

static Gofer__V1__RetryRunRequest retry_of(int64_t run_id) {
    Gofer__V1__RetryRunRequest request = GOFER__V1__RETRY_RUN_REQUEST__INIT;
    request.pipeline_id = "hello";
    request.run_id = run_id;
    return request;
}

Test(run_commands, a_retry_is_a_new_run_of_the_same_version) {
    Gofer__V1__RetryRunRequest request = retry_of(1);
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    (void)up("hello", "one; two");
    request.reason = "again";
    request.request_id = "req-1";
    cr_assert_eq(retry(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->run_id, 2);
    cr_expect_eq(run->version, 1);
    cr_expect_eq(run->retried_run_id, 1);
    cr_expect_str_eq(run->initiator->reason, "again");
    (void)wait_run("hello", 2);
    cr_assert_eq(retry(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->run_id, 2);
    request.request_id = "";
    request.use_live_version = true;
    cr_assert_eq(retry(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->run_id, 3);
    cr_expect_eq(run->version, 2);
    (void)wait_run("hello", 3);
}

Test(run_commands, bad_retries_are_refused) {
    Gofer__V1__RetryRunRequest request = retry_of(1);
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    expect_error(retry(&request, &run), GF_NOT_FOUND, "", "run 1 of pipeline 'hello' not found");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.scope = GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_FAILED_TASKS;
    cr_expect_eq(retry(&request, &run), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "NOTHING_FAILED");
    request.use_live_version = true;
    expect_error(retry(&request, &run), GF_INVALID_ARGUMENT, "use_live_version",
                 "results are kept with the version that they are of: it goes with the scope "
                 "ALL_TASKS alone");
    request.scope = (Gofer__V1__RunRetryScope)7;
    expect_error(retry(&request, &run), GF_INVALID_ARGUMENT, "scope", "7 is no scope of a retry");
    request.scope = 0;
    request.run_id = 0;
    expect_error(retry(&request, &run), GF_INVALID_ARGUMENT, "run_id",
                 "value is 0, expected 1 or more");
    request.run_id = 1;
    request.request_id = "no good";
    expect_error(retry(&request, &run), GF_INVALID_ARGUMENT, "request_id",
                 "expected letters, digits, hyphens and underscores alone");
}

Test(run_commands, cancelling_all_of_none_cancels_none) {
    Gofer__V1__CancelAllRunsRequest request = GOFER__V1__CANCEL_ALL_RUNS_REQUEST__INIT;
    Gofer__V1__CancelAllRunsResponse *response = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_run_service_cancel_all_runs(harness.channel, NULL, &request, &arena,
                                                      &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(response->run_count, 0);
    cr_expect_eq(response->n_run_ids, 0);
    request.pipeline_id = "other";
    expect_error(gofer_v1_run_service_cancel_all_runs(harness.channel, NULL, &request, &arena,
                                                      &response, &error),
                 GF_NOT_FOUND, "", "pipeline 'other' not found in namespace 'default'");
}

Test(run_commands, a_run_that_has_ended_needs_no_repair) {
    Gofer__V1__RepairRunRequest request = GOFER__V1__REPAIR_RUN_REQUEST__INIT;
    Gofer__V1__RepairRunResponse *response = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.pipeline_id = "hello";
    request.run_id = 1;
    cr_assert_eq(
        gofer_v1_run_service_repair_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    cr_expect_eq(response->n_actions, 0);
    cr_expect_eq(response->run->run_id, 1);
    request.run_id = 2;
    expect_error(
        gofer_v1_run_service_repair_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_NOT_FOUND, "", "run 2 of pipeline 'hello' not found");
}

Test(run_commands, a_task_that_has_ended_is_not_cancelled) {
    Gofer__V1__CancelTaskExecutionRequest request = GOFER__V1__CANCEL_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__CancelTaskExecutionResponse *response = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.pipeline_id = "hello";
    request.run_id = 1;
    request.task_id = "one";
    cr_assert_eq(gofer_v1_task_execution_service_cancel_task_execution(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    cr_expect_eq((int)response->task_execution->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    cr_expect_str_eq(response->task_execution->image, "busybox:latest");
    request.task_id = "two";
    cr_expect_eq(gofer_v1_task_execution_service_cancel_task_execution(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_NOT_FOUND);
    request.task_id = "x";
    expect_error(gofer_v1_task_execution_service_cancel_task_execution(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_INVALID_ARGUMENT, "task_id",
                 "identifier 'x' has 1 character, expected 3 to 64");
}

/* A run outlives the version that it used. */
Test(run_commands, tasks_are_shown_without_their_config) {
    Gofer__V1__DeletePipelineConfigRequest request =
        GOFER__V1__DELETE_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__DeletePipelineConfigResponse *response = NULL;
    Gofer__V1__RetryRunRequest again = retry_of(1);
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    (void)up("hello", "two");
    request.pipeline_id = "hello";
    request.version = 1;
    cr_assert_eq(gofer_v1_pipeline_config_service_delete_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq((int)get_task("hello", 1, "one")->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    cr_expect_eq(get_run("hello", 1)->task_counts->successful_count, 1);
    (void)wait_run("hello", 1);
    cr_expect_eq(retry(&again, &run), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "CONFIG_DELETED");
}
