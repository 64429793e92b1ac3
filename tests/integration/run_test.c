#include "tests/integration/client.h"

#include <criterion/criterion.h>

TestSuite(run, .init = client_setup, .fini = client_teardown);

Test(run, goes_from_its_start_to_its_end) {
    cr_expect_eq(up("hello", "one; two < one"), 1);
    const Gofer__V1__Run *run = start_run("hello");
    cr_expect_eq(run->run_id, 1);
    cr_expect_eq(run->version, 1);
    run = wait_run("hello", 1);
    cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    cr_expect_eq((int)run->status_reason->kind,
                 GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_NORMAL_EXIT);
    const Gofer__V1__TaskExecution *task = get_task("hello", 1, "two");
    cr_expect_eq((int)task->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL);
    cr_expect_str_eq(task->image, "busybox:latest");
    cr_expect_str_eq(task->scheduler, "null");
    cr_expect_eq(task->attempt, 1);
}

static enum gf_code start_with(char *request_id, char *value, Gofer__V1__Run **out) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    Gofer__V1__StartRunRequest__VariablesEntry entry =
        GOFER__V1__START_RUN_REQUEST__VARIABLES_ENTRY__INIT;
    Gofer__V1__StartRunRequest__VariablesEntry *entries = &entry;
    entry.key = "WHO";
    entry.value = value;
    request.pipeline_id = "hello";
    request.request_id = request_id;
    request.n_variables = 1;
    request.variables = &entries;
    request.reason = "for fun";
    const enum gf_code rc =
        gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->run;
    }
    return rc;
}

Test(run, a_request_id_starts_one_run) {
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    cr_assert_eq(start_with("req-1", "you", &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->run_id, 1);
    cr_expect_str_eq(run->initiator->reason, "for fun");
    cr_expect_str_eq(run->variables[0]->value, "you");
    (void)wait_run("hello", 1);
    cr_assert_eq(start_with("req-1", "you", &run), GF_OK);
    cr_expect_eq(run->run_id, 1);
    expect_error(start_with("req-1", "me", &run), GF_FAILED_PRECONDITION, "",
                 "request id 'req-1' was used to start run 1 in another way");
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
    cr_assert_eq(start_with("req-2", "you", &run), GF_OK);
    cr_expect_eq(run->run_id, 2);
    gf_harness_restart(&harness);
    cr_assert_eq(start_with("req-1", "you", &run), GF_OK);
    cr_expect_eq(run->run_id, 1);
}

Test(run, bad_starts_name_their_field) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    Gofer__V1__Run *run = NULL;
    request.pipeline_id = "hello";
    expect_error(
        gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_NOT_FOUND, "", "pipeline 'hello' not found in namespace 'default'");
    (void)register_spec(make_spec("hello", "one"));
    cr_expect_eq(
        gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "NOTHING_LIVE");
    expect_error(start_with("no spaces", "x", &run), GF_INVALID_ARGUMENT, "request_id",
                 "expected letters, digits, hyphens and underscores alone");
}

static enum gf_code cancel(int64_t run_id, bool force, Gofer__V1__CancelRunResponse **out) {
    Gofer__V1__CancelRunRequest request = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    request.pipeline_id = "hello";
    request.run_id = run_id;
    request.force = force;
    return gofer_v1_run_service_cancel_run(harness.channel, NULL, &request, &arena, out, &error);
}

Test(run, cancelling_an_ended_one_changes_nothing) {
    Gofer__V1__CancelRunResponse *response = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    cr_assert_eq(cancel(1, false, &response), GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    cr_expect_eq((int)response->run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    expect_error(cancel(7, false, &response), GF_NOT_FOUND, "",
                 "run 7 of pipeline 'hello' not found");
    expect_error(cancel(0, false, &response), GF_INVALID_ARGUMENT, "run_id",
                 "value is 0, expected 1 or more");
}

Test(run, counts_its_tasks) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    Gofer__V1__GetRunResponse *response = NULL;
    (void)up("hello", "one; two < one; tri < one:failure");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.pipeline_id = "hello";
    request.run_id = 1;
    cr_assert_eq(
        gofer_v1_run_service_get_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    cr_expect_eq(response->run->task_counts->successful_count, 2);
    cr_expect_eq(response->run->task_counts->skipped_count, 1);
    cr_expect_eq(response->run->task_counts->pending_count, 0);
    request.run_id = 2;
    expect_error(
        gofer_v1_run_service_get_run(harness.channel, NULL, &request, &arena, &response, &error),
        GF_NOT_FOUND, "", "run 2 not found in pipeline 'hello' of namespace 'default'");
}

/* Pages through all runs; *out_runs are their numbers, in order. */
static size_t list_all(Gofer__V1__ListRunsRequest *request, int64_t *out_runs, size_t most) {
    Gofer__V1__ListRunsResponse *response = NULL;
    size_t count = 0;
    request->pipeline_id = "hello";
    request->page_token = "";
    do {
        cr_assert_eq(gofer_v1_run_service_list_runs(harness.channel, NULL, request, &arena,
                                                    &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_runs; i++) {
            cr_assert_lt(count, most);
            out_runs[count++] = response->runs[i]->run_id;
        }
        request->page_token = response->next_page_token;
    } while (request->page_token[0] != '\0');
    return count;
}

Test(run, pages_through_250) {
    enum {
        COUNT = 250
    };
    int64_t runs[COUNT];
    (void)up("hello", "one");
    for (int i = 0; i < COUNT; i++) {
        (void)start_run("hello");
    }
    (void)wait_run("hello", COUNT);
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    const int32_t sizes[] = {0, 7, 100, 250, 5000};
    for (size_t s = 0; s < GF_ARRAY_COUNT(sizes); s++) {
        request.page_size = sizes[s];
        cr_assert_eq(list_all(&request, runs, COUNT), COUNT);
        for (int i = 0; i < COUNT; i++) {
            cr_assert_eq(runs[i], COUNT - i);
        }
    }
    request.oldest_first = true;
    cr_assert_eq(list_all(&request, runs, COUNT), COUNT);
    cr_expect_eq(runs[0], 1);
    Gofer__V1__RunState running = GOFER__V1__RUN_STATE__RUN_STATE_RUNNING;
    request.n_states = 1;
    request.states = &running;
    cr_expect_eq(list_all(&request, runs, COUNT), 0);
    Gofer__V1__RunStatus successful = GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL;
    request.n_states = 0;
    request.n_statuses = 1;
    request.statuses = &successful;
    cr_expect_eq(list_all(&request, runs, COUNT), COUNT);
}

Test(run, bad_lists_name_their_field) {
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    Gofer__V1__ListRunsResponse *response = NULL;
    Gofer__V1__RunState state = (Gofer__V1__RunState)77;
    (void)up("hello", "one");
    request.pipeline_id = "hello";
    request.n_states = 1;
    request.states = &state;
    expect_error(
        gofer_v1_run_service_list_runs(harness.channel, NULL, &request, &arena, &response, &error),
        GF_INVALID_ARGUMENT, "states[0]", "77 is no state of a run");
    request.n_states = 0;
    request.pipeline_id = "x";
    expect_error(
        gofer_v1_run_service_list_runs(harness.channel, NULL, &request, &arena, &response, &error),
        GF_INVALID_ARGUMENT, "pipeline_id", "identifier 'x' has 1 character, expected 3 to 64");
}
