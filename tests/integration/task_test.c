#include "tests/integration/client.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(task, .init = client_setup, .fini = client_teardown);

Test(task, lists_in_the_order_of_the_config) {
    Gofer__V1__ListTaskExecutionsRequest request = GOFER__V1__LIST_TASK_EXECUTIONS_REQUEST__INIT;
    Gofer__V1__ListTaskExecutionsResponse *response = NULL;
    (void)up("hello", "one; two < one; tri < one:failure; fou");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.pipeline_id = "hello";
    request.run_id = 1;
    request.page_size = 3;
    cr_assert_eq(gofer_v1_task_execution_service_list_task_executions(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(response->n_task_executions, 3);
    cr_expect_str_eq(response->task_executions[0]->task_id, "one");
    cr_expect_str_eq(response->task_executions[2]->task_id, "tri");
    cr_expect_eq((int)response->task_executions[2]->status,
                 GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SKIPPED);
    cr_expect_eq(
        (int)response->task_executions[2]->status_reason->kind,
        GOFER__V1__TASK_EXECUTION_STATUS_REASON_KIND__TASK_EXECUTION_STATUS_REASON_KIND_FAILED_PRECONDITION);
    request.page_token = response->next_page_token;
    cr_assert_eq(gofer_v1_task_execution_service_list_task_executions(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK);
    cr_assert_eq(response->n_task_executions, 1);
    cr_expect_str_eq(response->task_executions[0]->task_id, "fou");
    cr_expect_str_eq(response->next_page_token, "");
}

Test(task, shows_its_variables_and_where_they_come_from) {
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one");
    Gofer__V1__PipelineSpec__VariablesEntry entry = GOFER__V1__PIPELINE_SPEC__VARIABLES_ENTRY__INIT;
    Gofer__V1__PipelineSpec__VariablesEntry *entries = &entry;
    entry.key = "WHO";
    entry.value = "world";
    spec->n_variables = 1;
    spec->variables = &entries;
    (void)register_spec(spec);
    spec->n_variables = 0;
    Gofer__V1__DeployPipelineRequest deploy = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeployPipelineResponse *deployed = NULL;
    deploy.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &deploy, &arena,
                                                             &deployed, &error),
                 GF_OK);
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    const Gofer__V1__TaskExecution *task = get_task("hello", 1, "one");
    bool found_who = false;
    bool found_run = false;
    for (size_t i = 0; i < task->n_variables; i++) {
        const Gofer__V1__Variable *variable = task->variables[i];
        if (strcmp(variable->key, "WHO") == 0) {
            found_who = true;
            cr_expect_str_eq(variable->value, "world");
            cr_expect_eq((int)variable->source,
                         GOFER__V1__VARIABLE_SOURCE__VARIABLE_SOURCE_PIPELINE_CONFIG);
        } else if (strcmp(variable->key, "GOFER_RUN_ID") == 0) {
            found_run = true;
            cr_expect_str_eq(variable->value, "1");
            cr_expect_eq((int)variable->source, GOFER__V1__VARIABLE_SOURCE__VARIABLE_SOURCE_SYSTEM);
        }
    }
    cr_expect(found_who);
    cr_expect(found_run);
}

Test(task, what_is_not_there_is_named) {
    Gofer__V1__GetTaskExecutionRequest request = GOFER__V1__GET_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__GetTaskExecutionResponse *response = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    request.pipeline_id = "hello";
    request.run_id = 1;
    request.task_id = "x";
    expect_error(gofer_v1_task_execution_service_get_task_execution(harness.channel, NULL, &request,
                                                                    &arena, &response, &error),
                 GF_INVALID_ARGUMENT, "task_id",
                 "identifier 'x' has 1 character, expected 3 to 64");
    request.task_id = "two";
    cr_expect_eq(gofer_v1_task_execution_service_get_task_execution(harness.channel, NULL, &request,
                                                                    &arena, &response, &error),
                 GF_NOT_FOUND);
}

/* ---- Logs of tasks that write none ---- */

static enum gf_code follow(char *task_id, int32_t attempt, char *resume_token,
                           Gofer__V1__FollowTaskExecutionLogsResponse **out_first,
                           Gofer__V1__FollowTaskExecutionLogsResponse **out_last) {
    Gofer__V1__FollowTaskExecutionLogsRequest request =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    request.pipeline_id = "hello";
    request.run_id = 1;
    request.task_id = task_id;
    request.attempt = attempt;
    request.resume_token = resume_token;
    cr_assert_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
                     harness.channel, NULL, &request, &stream, &error),
                 GF_OK);
    *out_first = NULL;
    enum gf_code rc = GF_OK;
    for (;;) {
        Gofer__V1__FollowTaskExecutionLogsResponse *message = NULL;
        rc = gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
            stream, TIMEOUT_MS, &arena, &message, &error);
        if (rc != GF_OK || message == NULL) {
            break;
        }
        *out_first = *out_first == NULL ? message : *out_first;
        *out_last = message;
    }
    gf_rpc_stream_destroy(stream);
    return rc;
}

Test(task, a_task_without_a_log_has_an_empty_one) {
    Gofer__V1__FollowTaskExecutionLogsResponse *first = NULL;
    Gofer__V1__FollowTaskExecutionLogsResponse *last = NULL;
    (void)up("hello", "one; two < one:failure");
    (void)start_run("hello");
    cr_assert_eq(follow("one", 0, "", &first, &last), GF_OK, "%s", error.message);
    cr_expect_eq(first->n_chunks, 0);
    cr_expect_eq(first->attempt, 1);
    cr_expect_null(first->end);
    cr_assert_not_null(last->end);
    cr_expect_eq((int)last->end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE);
    cr_assert_eq(follow("two", 0, "", &first, &last), GF_OK, "%s", error.message);
    cr_expect_eq((int)last->end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_NEVER_STARTED);
}

Test(task, bad_requests_for_logs_name_their_field) {
    Gofer__V1__FollowTaskExecutionLogsResponse *first = NULL;
    Gofer__V1__FollowTaskExecutionLogsResponse *last = NULL;
    (void)up("hello", "one; two");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    expect_error(follow("one", -1, "", &first, &last), GF_INVALID_ARGUMENT, "attempt",
                 "value is -1, expected 0 or more");
    expect_error(follow("one", 2, "", &first, &last), GF_NOT_FOUND, "",
                 "task 'one' has no attempt 2");
    cr_expect_eq(follow("tri", 0, "", &first, &last), GF_NOT_FOUND);
    cr_assert_eq(follow("one", 0, "", &first, &last), GF_OK);
    expect_error(follow("two", 0, first->resume_token, &first, &last), GF_INVALID_ARGUMENT,
                 "resume_token", "the token belongs to a call with other arguments");
}

Test(task, there_are_no_images_without_containers) {
    Gofer__V1__ListImagesRequest list = GOFER__V1__LIST_IMAGES_REQUEST__INIT;
    Gofer__V1__ListImagesResponse *listed = NULL;
    Gofer__V1__GetImageRequest get = GOFER__V1__GET_IMAGE_REQUEST__INIT;
    Gofer__V1__GetImageResponse *got = NULL;
    cr_assert_eq(
        gofer_v1_image_service_list_images(harness.channel, NULL, &list, &arena, &listed, &error),
        GF_OK, "%s", error.message);
    cr_expect_eq(listed->n_images, 0);
    get.reference = "busybox";
    expect_error(
        gofer_v1_image_service_get_image(harness.channel, NULL, &get, &arena, &got, &error),
        GF_NOT_FOUND, "", "the scheduler 'null' has no images");
}

/* ---- Deleting logs where there are none ---- */

static enum gf_code delete_logs(char *pipeline_id, int64_t run_id, char *task_id) {
    Gofer__V1__DeleteTaskExecutionLogsRequest request =
        GOFER__V1__DELETE_TASK_EXECUTION_LOGS_REQUEST__INIT;
    Gofer__V1__DeleteTaskExecutionLogsResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.run_id = run_id;
    request.task_id = task_id;
    const enum gf_code rc = gofer_v1_task_execution_service_delete_task_execution_logs(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        cr_expect_not(response->changed);
    }
    return rc;
}

Test(task, to_delete_no_logs_changes_nothing) {
    Gofer__V1__ListEventsRequest list = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *listed = NULL;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kind = GOFER__V1__EVENT_KIND__EVENT_KIND_TASK_EXECUTION_LOGS_DELETED;
    (void)up("hello", "one; two < one:failure");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    cr_expect_eq(delete_logs("hello", 1, "one"), GF_OK, "%s", error.message);
    cr_expect_eq(delete_logs("hello", 1, "two"), GF_OK, "%s", error.message);
    cr_expect_eq((int)get_task("hello", 1, "one")->log_state,
                 GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE, "this scheduler has no logs");
    list.filter = &filter;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    cr_assert_eq(
        gofer_v1_event_service_list_events(harness.channel, NULL, &list, &arena, &listed, &error),
        GF_OK, "%s", error.message);
    cr_expect_eq(listed->n_events, 0);
}

Test(task, whose_logs_are_not_there_is_named) {
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    expect_error(delete_logs("hello", 1, "two"), GF_NOT_FOUND, "",
                 "task 'two' not found in run 1 of pipeline 'hello' of namespace 'default'");
    cr_expect_eq(delete_logs("hello", 2, "one"), GF_NOT_FOUND);
    cr_expect_eq(delete_logs("world", 1, "one"), GF_NOT_FOUND);
    expect_error(delete_logs("hello", 0, "one"), GF_INVALID_ARGUMENT, "run_id",
                 "value is 0, expected 1 or more");
    expect_error(delete_logs("hello", 1, "x"), GF_INVALID_ARGUMENT, "task_id",
                 "identifier 'x' has 1 character, expected 3 to 64");
}
