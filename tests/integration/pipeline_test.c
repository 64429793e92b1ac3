#include "tests/integration/client.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(pipeline, .init = client_setup, .fini = client_teardown);

static enum gf_code register_it(Gofer__V1__PipelineSpec *spec,
                                Gofer__V1__RegisterPipelineConfigResponse **out) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    request.spec = spec;
    return gofer_v1_pipeline_config_service_register_pipeline_config(harness.channel, NULL,
                                                                     &request, &arena, out, &error);
}

static enum gf_code get_config(char *pipeline_id, int64_t version,
                               Gofer__V1__PipelineConfig **out) {
    Gofer__V1__GetPipelineConfigRequest request = GOFER__V1__GET_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__GetPipelineConfigResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.version = version;
    const enum gf_code rc = gofer_v1_pipeline_config_service_get_pipeline_config(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->config;
    }
    return rc;
}

static enum gf_code deploy(char *pipeline_id, int64_t version,
                           Gofer__V1__DeployPipelineResponse **out) {
    Gofer__V1__DeployPipelineRequest request = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    request.pipeline_id = pipeline_id;
    request.version = version;
    return gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &request, &arena, out,
                                                       &error);
}

/* ---- Registering ---- */

Test(pipeline, versions_are_counted_and_the_same_is_not_stored_again) {
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    cr_assert_eq(register_it(make_spec("hello", "one; two < one"), &response), GF_OK, "%s",
                 error.message);
    cr_expect(response->created);
    cr_expect(response->pipeline_created);
    cr_expect_eq(response->config->version, 1);
    cr_expect_str_eq(response->config->namespace_id, "default");
    cr_expect_eq(response->config->spec->n_tasks, 2);
    cr_expect_str_eq(response->config->spec->tasks[1]->depends_on[0]->value, "success");
    cr_expect_eq((int)response->config->state,
                 GOFER__V1__PIPELINE_CONFIG_STATE__PIPELINE_CONFIG_STATE_UNRELEASED);
    cr_assert_eq(register_it(make_spec("hello", "one; two < one"), &response), GF_OK);
    cr_expect_not(response->created);
    cr_expect_not(response->pipeline_created);
    cr_expect_eq(response->config->version, 1);
    cr_assert_eq(register_it(make_spec("hello", "one"), &response), GF_OK);
    cr_expect(response->created);
    cr_expect_not(response->pipeline_created);
    cr_expect_eq(response->config->version, 2);
}

Test(pipeline, bad_specs_name_their_field_and_register_nothing) {
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one; one");
    expect_error(register_it(spec, &response), GF_INVALID_ARGUMENT, "spec.tasks[1].id",
                 "task 'one' is there twice: tasks[0] too");
    expect_error(register_it(make_spec("hello", "one < two"), &response), GF_INVALID_ARGUMENT,
                 "spec.tasks[0].depends_on[\"two\"]",
                 "task 'one' depends on 'two', which is not a task of this pipeline");
    cr_expect_eq(register_it(make_spec("hello", "one < two; two < one"), &response),
                 GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(error.message, "one -> two -> one"), "%s", error.message);
    expect_error(register_it(make_spec("hello", "one; two < one:maybe"), &response),
                 GF_INVALID_ARGUMENT, "spec.tasks[1].depends_on[\"one\"]",
                 "'maybe' is no condition, expected any, success or failure");
    expect_error(register_it(make_spec("hello", ""), &response), GF_INVALID_ARGUMENT, "spec.tasks",
                 "a pipeline needs at least one task");
    expect_error(register_it(NULL, &response), GF_INVALID_ARGUMENT, "spec", "there is no spec");
    spec = make_spec("hello", "one");
    spec->tasks[0]->image = "";
    expect_error(register_it(spec, &response), GF_INVALID_ARGUMENT, "spec.tasks[0].image",
                 "task 'one' has no image");
    spec = make_spec("hello", "one");
    Gofer__V1__RetentionSpec retention = GOFER__V1__RETENTION_SPEC__INIT;
    spec->retention = &retention;
    expect_error(register_it(spec, &response), GF_UNIMPLEMENTED, "spec.retention",
                 "'retention' is not supported by this version");
    expect_error(get_config("hello", 1, &config), GF_NOT_FOUND, "",
                 "pipeline 'hello' not found in namespace 'default'");
}

Test(pipeline, validating_tells_and_stores_nothing) {
    Gofer__V1__ValidatePipelineConfigRequest request =
        GOFER__V1__VALIDATE_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__ValidatePipelineConfigResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    request.spec = make_spec("hello", "one; one");
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_not(response->valid);
    cr_assert_eq(response->n_problems, 1);
    cr_expect_str_eq(response->problems[0]->field, "spec.tasks[1].id");
    cr_expect_str_eq(response->content_hash, "");
    request.spec = make_spec("hello", "one");
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK);
    cr_expect(response->valid);
    cr_expect_not(response->unchanged);
    cr_expect_eq(strlen(response->content_hash), 64);
    cr_expect_eq(get_config("hello", 1, &config), GF_NOT_FOUND);
    (void)register_spec(make_spec("hello", "one"));
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK);
    cr_expect(response->unchanged);
}

Test(pipeline, configs_are_listed_newest_first) {
    Gofer__V1__ListPipelineConfigsRequest request = GOFER__V1__LIST_PIPELINE_CONFIGS_REQUEST__INIT;
    Gofer__V1__ListPipelineConfigsResponse *response = NULL;
    (void)register_spec(make_spec("hello", "one"));
    (void)register_spec(make_spec("hello", "two"));
    (void)register_spec(make_spec("hello", "tri"));
    request.pipeline_id = "hello";
    request.page_size = 2;
    cr_assert_eq(gofer_v1_pipeline_config_service_list_pipeline_configs(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(response->n_configs, 2);
    cr_expect_eq(response->configs[0]->version, 3);
    cr_expect_eq(response->configs[0]->spec->n_tasks, 0);
    request.page_token = response->next_page_token;
    request.include_tasks = true;
    expect_error(gofer_v1_pipeline_config_service_list_pipeline_configs(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_INVALID_ARGUMENT, "page_token",
                 "the token belongs to a call with other arguments");
    request.include_tasks = false;
    cr_assert_eq(gofer_v1_pipeline_config_service_list_pipeline_configs(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK);
    cr_assert_eq(response->n_configs, 1);
    cr_expect_eq(response->configs[0]->version, 1);
    cr_expect_str_eq(response->next_page_token, "");
}

/* ---- Deploying ---- */

Test(pipeline, a_version_is_deployed_once) {
    Gofer__V1__DeployPipelineResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    (void)register_spec(make_spec("hello", "one"));
    expect_error(get_config("hello", 0, &config), GF_NOT_FOUND, "",
                 "nothing of pipeline 'hello' has been deployed yet");
    cr_expect_str_eq(error.reason, "NOTHING_LIVE");
    cr_assert_eq(deploy("hello", 0, &response), GF_OK, "%s", error.message);
    cr_expect(response->changed);
    cr_expect_eq(response->deployment->end_version, 1);
    cr_assert_eq(deploy("hello", 1, &response), GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    cr_expect_eq(response->deployment->deployment_id, 1);
    (void)register_spec(make_spec("hello", "two"));
    cr_assert_eq(deploy("hello", 2, &response), GF_OK);
    cr_expect_eq(response->deployment->start_version, 1);
    cr_assert_eq(get_config("hello", 0, &config), GF_OK);
    cr_expect_eq(config->version, 2);
    cr_assert_eq(get_config("hello", 1, &config), GF_OK);
    cr_expect_eq((int)config->state,
                 GOFER__V1__PIPELINE_CONFIG_STATE__PIPELINE_CONFIG_STATE_DEPRECATED);
    cr_expect_not_null(config->deprecate_time);
    cr_expect_eq(deploy("hello", 3, &response), GF_NOT_FOUND);
    expect_error(deploy("hello", -1, &response), GF_INVALID_ARGUMENT, "version",
                 "value is -1, expected 0 or more");
    cr_expect_eq(deploy("other", 1, &response), GF_NOT_FOUND);
}

/* Neither in a config nor in what has changed in it. */
Test(pipeline, a_password_is_shown_to_nobody) {
    Gofer__V1__RegistryAuth auth = GOFER__V1__REGISTRY_AUTH__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    Gofer__V1__PipelineConfig *config = NULL;
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one");
    auth.user = "robot";
    auth.password = "hunter2";
    spec->tasks[0]->registry_auth = &auth;
    cr_assert_eq(register_it(spec, &response), GF_OK, "%s", error.message);
    cr_expect_str_eq(response->config->spec->tasks[0]->registry_auth->password, "***");
    cr_assert_eq(get_config("hello", 1, &config), GF_OK);
    cr_expect_str_eq(config->spec->tasks[0]->registry_auth->user, "robot");
    cr_expect_str_eq(config->spec->tasks[0]->registry_auth->password, "***");
    expect_error(register_it(config->spec, &response), GF_INVALID_ARGUMENT,
                 "spec.tasks[0].registry_auth.password",
                 "'***' is what is shown instead of a password: give the password, or a reference "
                 "to a secret");
}

static enum gf_code deploy_as(char *request_id, int64_t version,
                              Gofer__V1__DeployPipelineResponse **out) {
    Gofer__V1__DeployPipelineRequest request = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    request.pipeline_id = "hello";
    request.version = version;
    request.request_id = request_id;
    return gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &request, &arena, out,
                                                       &error);
}

Test(pipeline, a_request_id_deploys_once) {
    Gofer__V1__DeployPipelineResponse *response = NULL;
    (void)register_spec(make_spec("hello", "one"));
    (void)register_spec(make_spec("hello", "two"));
    cr_assert_eq(deploy_as("req-1", 1, &response), GF_OK, "%s", error.message);
    cr_expect(response->changed);
    cr_assert_eq(deploy_as("req-2", 1, &response), GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    cr_assert_eq(deploy_as("req-3", 2, &response), GF_OK, "%s", error.message);
    cr_expect_eq(response->deployment->deployment_id, 2);
    /* The first outcomes, though version 2 is live now. */
    gf_harness_restart(&harness);
    cr_assert_eq(deploy_as("req-1", 1, &response), GF_OK, "%s", error.message);
    cr_expect(response->changed);
    cr_expect_eq(response->deployment->deployment_id, 1);
    cr_expect_eq(response->deployment->end_version, 1);
    cr_assert_eq(deploy_as("req-2", 1, &response), GF_OK, "%s", error.message);
    cr_expect_not(response->changed);
    cr_expect_eq(response->deployment->deployment_id, 1);
    expect_error(deploy_as("req-1", 2, &response), GF_FAILED_PRECONDITION, "",
                 "request id 'req-1' was used for another call");
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
    expect_error(deploy_as("no good", 2, &response), GF_INVALID_ARGUMENT, "request_id",
                 "expected letters, digits, hyphens and underscores alone");
}

Test(pipeline, other_strategies_are_refused) {
    Gofer__V1__DeployPipelineRequest request = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeploymentStrategy strategy = GOFER__V1__DEPLOYMENT_STRATEGY__INIT;
    Gofer__V1__DeployPipelineResponse *response = NULL;
    (void)register_spec(make_spec("hello", "one"));
    request.pipeline_id = "hello";
    request.strategy = &strategy;
    strategy.kind = GOFER__V1__DEPLOYMENT_STRATEGY_KIND__DEPLOYMENT_STRATEGY_KIND_CANARY;
    expect_error(gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &request,
                                                             &arena, &response, &error),
                 GF_UNIMPLEMENTED, "strategy.kind", "'CANARY' is not supported by this version");
    strategy.kind = GOFER__V1__DEPLOYMENT_STRATEGY_KIND__DEPLOYMENT_STRATEGY_KIND_INSTANT;
    strategy.auto_promote = true;
    expect_error(gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &request,
                                                             &arena, &response, &error),
                 GF_UNIMPLEMENTED, "strategy.auto_promote",
                 "'auto_promote' is not supported by this version");
}

Test(pipeline, deployments_are_read) {
    Gofer__V1__GetDeploymentRequest get = GOFER__V1__GET_DEPLOYMENT_REQUEST__INIT;
    Gofer__V1__GetDeploymentResponse *got = NULL;
    Gofer__V1__ListDeploymentsRequest list = GOFER__V1__LIST_DEPLOYMENTS_REQUEST__INIT;
    Gofer__V1__ListDeploymentsResponse *listed = NULL;
    (void)up("hello", "one");
    (void)up("hello", "two");
    list.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_deployment_service_list_deployments(harness.channel, NULL, &list, &arena,
                                                              &listed, &error),
                 GF_OK);
    cr_assert_eq(listed->n_deployments, 2);
    cr_expect_eq(listed->deployments[0]->deployment_id, 2);
    get.pipeline_id = "hello";
    get.deployment_id = 1;
    cr_assert_eq(gofer_v1_deployment_service_get_deployment(harness.channel, NULL, &get, &arena,
                                                            &got, &error),
                 GF_OK);
    cr_expect_eq(got->deployment->end_version, 1);
    get.deployment_id = 9;
    cr_expect_eq(gofer_v1_deployment_service_get_deployment(harness.channel, NULL, &get, &arena,
                                                            &got, &error),
                 GF_NOT_FOUND);
    get.deployment_id = 0;
    expect_error(gofer_v1_deployment_service_get_deployment(harness.channel, NULL, &get, &arena,
                                                            &got, &error),
                 GF_INVALID_ARGUMENT, "deployment_id", "value is 0, expected 1 or more");
}

/* ---- Pipelines ---- */

Test(pipeline, is_read_with_its_live_config) {
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    Gofer__V1__GetPipelineResponse *response = NULL;
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one");
    spec->name = "Hello";
    (void)register_spec(spec);
    request.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_pipeline_service_get_pipeline(harness.channel, NULL, &request, &arena,
                                                        &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_str_eq(response->pipeline->name, "Hello");
    cr_expect_eq(response->pipeline->live_version, 0);
    cr_expect_null(response->live_config);
    (void)up("hello", "one; two");
    (void)start_run("hello");
    cr_assert_eq(gofer_v1_pipeline_service_get_pipeline(harness.channel, NULL, &request, &arena,
                                                        &response, &error),
                 GF_OK);
    cr_expect_str_eq(response->pipeline->name, "hello");
    cr_expect_eq(response->pipeline->live_version, 2);
    cr_expect_eq(response->pipeline->latest_run_id, 1);
    cr_expect_eq(response->live_config->spec->n_tasks, 2);
    request.namespace_id = "elsewhere";
    expect_error(gofer_v1_pipeline_service_get_pipeline(harness.channel, NULL, &request, &arena,
                                                        &response, &error),
                 GF_NOT_FOUND, "", "namespace 'elsewhere' not found");
}

Test(pipeline, lists_by_id) {
    Gofer__V1__ListPipelinesRequest request = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    Gofer__V1__ListPipelinesResponse *response = NULL;
    (void)up("bbb", "one");
    (void)up("aaa", "one");
    (void)register_spec(make_spec("ccc", "one"));
    request.page_size = 2;
    cr_assert_eq(gofer_v1_pipeline_service_list_pipelines(harness.channel, NULL, &request, &arena,
                                                          &response, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(response->n_pipelines, 2);
    cr_expect_str_eq(response->pipelines[0]->pipeline_id, "aaa");
    request.page_token = response->next_page_token;
    cr_assert_eq(gofer_v1_pipeline_service_list_pipelines(harness.channel, NULL, &request, &arena,
                                                          &response, &error),
                 GF_OK);
    cr_assert_eq(response->n_pipelines, 1);
    cr_expect_str_eq(response->pipelines[0]->pipeline_id, "ccc");
    request.namespace_id = "elsewhere";
    request.page_token = "";
    expect_error(gofer_v1_pipeline_service_list_pipelines(harness.channel, NULL, &request, &arena,
                                                          &response, &error),
                 GF_NOT_FOUND, "", "namespace 'elsewhere' not found");
}
