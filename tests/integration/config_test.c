#include "tests/integration/client.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(config, .init = client_setup, .fini = client_teardown);

static enum gf_code register_with(Gofer__V1__PipelineSpec *spec, char *request_id,
                                  Gofer__V1__RegisterPipelineConfigResponse **out) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    request.spec = spec;
    request.request_id = request_id;
    return gofer_v1_pipeline_config_service_register_pipeline_config(harness.channel, NULL,
                                                                     &request, &arena, out, &error);
}

static enum gf_code get(int64_t version, Gofer__V1__PipelineConfig **out) {
    Gofer__V1__GetPipelineConfigRequest request = GOFER__V1__GET_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__GetPipelineConfigResponse *response = NULL;
    request.pipeline_id = "hello";
    request.version = version;
    const enum gf_code rc = gofer_v1_pipeline_config_service_get_pipeline_config(
        harness.channel, NULL, &request, &arena, &response, &error);
    *out = rc == GF_OK ? response->config : NULL;
    return rc;
}

static enum gf_code remove_version(int64_t version) {
    Gofer__V1__DeletePipelineConfigRequest request =
        GOFER__V1__DELETE_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__DeletePipelineConfigResponse *response = NULL;
    request.pipeline_id = "hello";
    request.version = version;
    return gofer_v1_pipeline_config_service_delete_pipeline_config(harness.channel, NULL, &request,
                                                                   &arena, &response, &error);
}

static enum gf_code diff(const Gofer__V1__DiffPipelineConfigsRequest *request,
                         Gofer__V1__DiffPipelineConfigsResponse **out) {
    return gofer_v1_pipeline_config_service_diff_pipeline_configs(harness.channel, NULL, request,
                                                                  &arena, out, &error);
}

static Gofer__V1__DiffPipelineConfigsRequest diff_versions(int64_t base, int64_t target) {
    Gofer__V1__DiffPipelineConfigsRequest request = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__INIT;
    request.pipeline_id = "hello";
    request.base_version = base;
    request.target_case = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_VERSION;
    request.target_version = target;
    return request;
}

static void expect_change(const Gofer__V1__DiffPipelineConfigsResponse *response, size_t index,
                          const char *field, const char *before, const char *after) {
    cr_assert_lt(index, response->n_changes);
    cr_expect_str_eq(response->changes[index]->field, field);
    cr_expect_str_eq(response->changes[index]->before, before);
    cr_expect_str_eq(response->changes[index]->after, after);
}

/* A spec with the rules of runs and tasks. */
static Gofer__V1__PipelineSpec *make_rules(void) {
    static int32_t exit_codes[] = {137, 1};
    static Google__Protobuf__Duration hour = GOOGLE__PROTOBUF__DURATION__INIT;
    static Gofer__V1__TaskPool pool = GOFER__V1__TASK_POOL__INIT;
    static Gofer__V1__TaskPool *pools[] = {&pool};
    static Gofer__V1__RetryPolicy retry = GOFER__V1__RETRY_POLICY__INIT;
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one; two < one");
    hour.seconds = 3600;
    pool.id = "gpu";
    pool.parallelism = 2;
    retry.max_attempts = 3;
    retry.backoff_multiplier = 1.5;
    retry.n_exit_codes = 2;
    retry.exit_codes = exit_codes;
    spec->queue_policy = "REJECT";
    spec->queue_limit = 4;
    spec->priority = -5;
    spec->timeout = &hour;
    spec->task_parallelism = 6;
    spec->n_task_pools = 1;
    spec->task_pools = pools;
    spec->tasks[0]->pool = "gpu";
    spec->tasks[0]->stop_timeout = &hour;
    spec->tasks[1]->retry = &retry;
    return spec;
}

/* ---- Registering ---- */

Test(config, rules_of_runs_and_tasks_are_kept_through_a_restart) {
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    cr_assert_eq(register_with(make_rules(), "", &response), GF_OK, "%s: %s", error.field,
                 error.message);
    gf_harness_restart(&harness);
    cr_assert_eq(get(1, &config), GF_OK, "%s", error.message);
    cr_expect_str_eq(config->content_hash, response->config->content_hash);
    const Gofer__V1__PipelineSpec *spec = config->spec;
    cr_expect_str_eq(spec->queue_policy, "reject");
    cr_expect_eq(spec->queue_limit, 4);
    cr_expect_eq(spec->priority, -5);
    cr_expect_eq(spec->timeout->seconds, 3600);
    cr_expect_eq(spec->task_parallelism, 6);
    cr_assert_eq(spec->n_task_pools, 1);
    cr_expect_str_eq(spec->task_pools[0]->id, "gpu");
    cr_expect_eq(spec->task_pools[0]->parallelism, 2);
    cr_expect_str_eq(spec->tasks[0]->pool, "gpu");
    cr_expect_eq(spec->tasks[0]->stop_timeout->seconds, 3600);
    cr_assert_not_null(spec->tasks[1]->retry);
    cr_expect_eq(spec->tasks[1]->retry->max_attempts, 3);
    cr_expect_eq(spec->tasks[1]->retry->exit_codes[0], 1);
    cr_assert_eq(register_with(make_rules(), "", &response), GF_OK);
    cr_expect_not(response->created);
}

Test(config, wrong_rules_name_their_field) {
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    Gofer__V1__PipelineSpec *spec = make_rules();
    spec->queue_policy = "drop";
    expect_error(register_with(spec, "", &response), GF_INVALID_ARGUMENT, "spec.queue_policy",
                 "'drop' is no policy, expected queue, reject or cancel_oldest");
    spec = make_rules();
    spec->tasks[1]->pool = "cpu";
    expect_error(register_with(spec, "", &response), GF_INVALID_ARGUMENT, "spec.tasks[1].pool",
                 "pool 'cpu' is not among task_pools");
    spec = make_rules();
    spec->tasks[1]->retry->max_attempts = 101;
    expect_error(register_with(spec, "", &response), GF_INVALID_ARGUMENT,
                 "spec.tasks[1].retry.max_attempts", "value is 101, expected 1 to 100");
}

Test(config, a_request_is_answered_with_its_first_outcome) {
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    cr_assert_eq(register_with(make_spec("hello", "one"), "first", &response), GF_OK, "%s",
                 error.message);
    cr_assert_eq(register_with(make_spec("hello", "one; two"), "second", &response), GF_OK);
    cr_expect_eq(response->config->version, 2);
    cr_expect_not(response->pipeline_created);
    for (int restarts = 0; restarts < 2; restarts++) {
        cr_assert_eq(register_with(make_spec("hello", "one"), "first", &response), GF_OK, "%s",
                     error.message);
        cr_expect(response->created);
        cr_expect(response->pipeline_created);
        cr_expect_eq(response->config->version, 1);
        cr_expect_eq(response->config->spec->n_tasks, 1);
        cr_expect_not_null(response->config->register_time);
        gf_harness_restart(&harness);
    }
    cr_assert_eq(register_with(make_spec("hello", "one; two"), "third", &response), GF_OK);
    cr_expect_not(response->created);
    cr_assert_eq(register_with(make_spec("hello", "one; two"), "third", &response), GF_OK);
    cr_expect_not(response->created);
    cr_expect_eq(response->config->version, 2);
    cr_expect_eq(register_with(make_spec("hello", "other"), "third", &response),
                 GF_FAILED_PRECONDITION);
    cr_expect_eq(register_with(make_spec("hello", "one"), "not an id", &response),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "request_id");
}

/* ---- Comparing ---- */

Test(config, versions_are_compared) {
    Gofer__V1__DiffPipelineConfigsResponse *response = NULL;
    (void)up("hello", "one; two < one");
    Gofer__V1__PipelineSpec *spec = make_rules();
    spec->tasks[0]->image = "busybox:1";
    (void)register_spec(spec);
    Gofer__V1__DiffPipelineConfigsRequest request = diff_versions(0, 0);
    cr_assert_eq(diff(&request, &response), GF_OK, "%s", error.message);
    cr_assert_eq(response->n_changes, 10);
    expect_change(response, 0, "priority", "", "-5");
    expect_change(response, 1, "queue_limit", "", "4");
    expect_change(response, 2, "queue_policy", "", "\"reject\"");
    expect_change(response, 3, "task_parallelism", "", "6");
    expect_change(response, 4, "task_pools[gpu]", "", "{\"id\":\"gpu\",\"parallelism\":2}");
    expect_change(response, 5, "tasks[one].image", "\"busybox:latest\"", "\"busybox:1\"");
    expect_change(response, 6, "tasks[one].pool", "", "\"gpu\"");
    expect_change(response, 7, "tasks[one].stop_timeout", "", "\"3600s\"");
    expect_change(response, 8, "tasks[two].retry", "",
                  "{\"max_attempts\":3,\"backoff_multiplier\":1.5,\"exit_codes\":[1,137]}");
    expect_change(response, 9, "timeout", "", "\"3600s\"");
    request = diff_versions(2, 1);
    cr_assert_eq(diff(&request, &response), GF_OK);
    cr_assert_eq(response->n_changes, 10);
    expect_change(response, 0, "priority", "-5", "");
    cr_expect_eq((int)response->changes[0]->kind,
                 GOFER__V1__CONFIG_CHANGE_KIND__CONFIG_CHANGE_KIND_REMOVED);
    request = diff_versions(2, 2);
    cr_assert_eq(diff(&request, &response), GF_OK);
    cr_expect_eq(response->n_changes, 0);
}

Test(config, a_version_is_compared_with_a_spec) {
    Gofer__V1__DiffPipelineConfigsResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    (void)register_spec(make_spec("hello", "one; two < one"));
    Gofer__V1__DiffPipelineConfigsRequest request = diff_versions(1, 0);
    request.target_case = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_SPEC;
    request.target_spec = make_spec("hello", "two < one:ANY; one; tri");
    cr_assert_eq(diff(&request, &response), GF_OK, "%s", error.message);
    cr_assert_eq(response->n_changes, 2);
    expect_change(response, 0, "tasks[tri]", "",
                  "{\"id\":\"tri\",\"image\":\"busybox:latest\",\"command\":[\"true\"]}");
    expect_change(response, 1, "tasks[two].depends_on[\"one\"]", "\"success\"", "\"any\"");
    request.target_spec = make_spec("hello", "two < one; one");
    cr_assert_eq(diff(&request, &response), GF_OK);
    cr_expect_eq(response->n_changes, 0);
    request.target_spec = make_spec("hello", "one; one");
    expect_error(diff(&request, &response), GF_INVALID_ARGUMENT, "target_spec.tasks[1].id",
                 "task 'one' is there twice: tasks[0] too");
    request.target_spec = make_spec("other", "one");
    expect_error(diff(&request, &response), GF_INVALID_ARGUMENT, "target_spec.id",
                 "spec is of pipeline 'other', expected 'hello'");
    cr_expect_eq(get(2, &config), GF_NOT_FOUND);
}

Test(config, what_cannot_be_compared_is_refused) {
    Gofer__V1__DiffPipelineConfigsResponse *response = NULL;
    (void)register_spec(make_spec("hello", "one"));
    Gofer__V1__DiffPipelineConfigsRequest request = diff_versions(0, 1);
    expect_error(diff(&request, &response), GF_NOT_FOUND, "",
                 "nothing of pipeline 'hello' has been deployed yet");
    cr_expect_str_eq(error.reason, "NOTHING_LIVE");
    request = diff_versions(-1, 1);
    expect_error(diff(&request, &response), GF_INVALID_ARGUMENT, "base_version",
                 "value is -1, expected 0 or more");
    request = diff_versions(1, -1);
    expect_error(diff(&request, &response), GF_INVALID_ARGUMENT, "target_version",
                 "value is -1, expected 0 or more");
    request = diff_versions(1, 7);
    cr_expect_eq(diff(&request, &response), GF_NOT_FOUND);
    request.target_case = GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET__NOT_SET;
    expect_error(diff(&request, &response), GF_INVALID_ARGUMENT, "target",
                 "expected target_version or target_spec");
    request = diff_versions(1, 1);
    request.pipeline_id = "elsewhere";
    cr_expect_eq(diff(&request, &response), GF_NOT_FOUND);
}

/* ---- Deleting ---- */

Test(config, a_version_is_deleted_once) {
    Gofer__V1__DiffPipelineConfigsResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    (void)up("hello", "one");
    (void)register_spec(make_spec("hello", "one; two"));
    cr_assert_eq(remove_version(2), GF_OK, "%s", error.message);
    cr_expect_eq(get(2, &config), GF_NOT_FOUND);
    cr_expect_eq(remove_version(2), GF_NOT_FOUND);
    /* The newest one is now the one before, and the number is not used again. */
    Gofer__V1__DiffPipelineConfigsRequest request = diff_versions(1, 0);
    cr_assert_eq(diff(&request, &response), GF_OK, "%s", error.message);
    cr_expect_eq(response->n_changes, 0);
    cr_expect_eq(register_spec(make_spec("hello", "one; two")), 3);
    gf_harness_restart(&harness);
    cr_expect_eq(get(2, &config), GF_NOT_FOUND);
    cr_expect_eq(get(3, &config), GF_OK);
}

Test(config, what_is_in_use_is_not_deleted) {
    Gofer__V1__PipelineConfig *config = NULL;
    (void)up("hello", "one");
    cr_expect_eq(remove_version(1), GF_FAILED_PRECONDITION);
    cr_expect_eq(get(1, &config), GF_OK);
    expect_error(remove_version(0), GF_INVALID_ARGUMENT, "version",
                 "value is 0, expected 1 or more");
    cr_expect_eq(remove_version(9), GF_NOT_FOUND);
}

Test(config, runs_outlive_the_version_they_used) {
    (void)up("hello", "one");
    const int64_t run_id = start_run("hello")->run_id;
    (void)wait_run("hello", run_id);
    (void)up("hello", "one; two");
    cr_assert_eq(remove_version(1), GF_OK, "%s", error.message);
    cr_expect_eq((int)wait_run("hello", run_id)->status,
                 GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    cr_expect_eq(wait_run("hello", run_id)->version, 1);
}

/* A version without which validating compares is no longer what a spec may be the same as. */
Test(config, validating_knows_of_deletions) {
    Gofer__V1__ValidatePipelineConfigRequest request =
        GOFER__V1__VALIDATE_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__ValidatePipelineConfigResponse *response = NULL;
    (void)register_spec(make_spec("hello", "one"));
    (void)register_spec(make_spec("hello", "two"));
    request.spec = make_spec("hello", "two");
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect(response->unchanged);
    cr_assert_eq(remove_version(2), GF_OK, "%s", error.message);
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK);
    cr_expect(response->valid);
    cr_expect_not(response->unchanged);
}

static void expect_unchanged(Gofer__V1__PipelineSpec *spec) {
    Gofer__V1__ValidatePipelineConfigRequest request =
        GOFER__V1__VALIDATE_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__ValidatePipelineConfigResponse *response = NULL;
    request.spec = spec;
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect(response->unchanged);
}

/* Registering, validating, comparing and deploying mean the same by the newest version. */
Test(config, the_newest_version_is_the_newest_that_is_there) {
    Gofer__V1__RegisterPipelineConfigResponse *registered = NULL;
    Gofer__V1__DeployPipelineRequest deploy = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeployPipelineResponse *deployed = NULL;
    const Gofer__V1__DiffPipelineConfigsRequest request = diff_versions(1, 0);
    Gofer__V1__DiffPipelineConfigsResponse *compared = NULL;
    (void)register_spec(make_spec("hello", "one"));
    (void)register_spec(make_spec("hello", "two"));
    (void)register_spec(make_spec("hello", "tri"));
    cr_assert_eq(remove_version(3), GF_OK, "%s", error.message);
    gf_harness_restart(&harness);
    expect_unchanged(make_spec("hello", "two"));
    cr_assert_eq(register_with(make_spec("hello", "two"), "", &registered), GF_OK);
    cr_expect_not(registered->created);
    cr_expect_eq(registered->config->version, 2);
    cr_assert_eq(diff(&request, &compared), GF_OK, "%s", error.message);
    cr_assert_eq(compared->n_changes, 2);
    cr_expect_str_eq(compared->changes[1]->field, "tasks[two]");
    deploy.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &deploy, &arena,
                                                             &deployed, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(deployed->deployment->end_version, 2);
}

/* Where nothing is live the newest version that is left stands for the pipeline, or none. */
Test(config, a_pipeline_without_its_newest_version_is_shown) {
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    Gofer__V1__GetPipelineResponse *response = NULL;
    Gofer__V1__ListPipelinesRequest list = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    Gofer__V1__ListPipelinesResponse *listed = NULL;
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one");
    spec->name = "Hello";
    (void)register_spec(spec);
    (void)register_spec(make_spec("hello", "two"));
    request.pipeline_id = "hello";
    cr_assert_eq(remove_version(2), GF_OK, "%s", error.message);
    cr_assert_eq(gofer_v1_pipeline_service_get_pipeline(harness.channel, NULL, &request, &arena,
                                                        &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_str_eq(response->pipeline->name, "Hello");
    cr_assert_eq(remove_version(1), GF_OK, "%s", error.message);
    cr_assert_eq(gofer_v1_pipeline_service_list_pipelines(harness.channel, NULL, &list, &arena,
                                                          &listed, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(listed->n_pipelines, 1);
    cr_expect_str_eq(listed->pipelines[0]->name, "hello");
}

/* What has the id later is not what the first call was about. */
Test(config, a_request_of_a_deleted_pipeline_is_not_answered_with_another) {
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    Gofer__V1__DeletePipelineRequest request = GOFER__V1__DELETE_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeletePipelineResponse *deleted = NULL;
    cr_assert_eq(register_with(make_spec("hello", "one"), "once", &response), GF_OK);
    request.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_pipeline_service_delete_pipeline(harness.channel, NULL, &request, &arena,
                                                           &deleted, &error),
                 GF_OK, "%s", error.message);
    (void)register_spec(make_spec("hello", "two"));
    gf_harness_restart(&harness);
    expect_error(register_with(make_spec("hello", "one"), "once", &response), GF_NOT_FOUND, "",
                 "pipeline 'hello' of the first call with this request id was deleted");
}
