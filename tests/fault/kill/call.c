#include "tests/fault/kill/call.h"

#include "clients/c/pipeline_file.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/system.gofer.h"
#include "gofer/v1/task_execution.gofer.h"

#include <inttypes.h>
#include <string.h>

static const struct gf_rpc_call_opts OPTS = {.timeout_ms = CALL_TIMEOUT_MS};

static char *request_id(struct worker *worker, const struct operation *operation) {
    return gf_arena_printf(&worker->arena, "kill-%" PRId64, operation->number);
}

static char *pipeline_id(struct worker *worker, const struct operation *operation) {
    return gf_arena_printf(&worker->arena, "%s", work_pipeline_id(operation->pipeline));
}

static enum gf_code start(struct worker *worker, const struct operation *operation,
                          int64_t *out_result, struct gf_error *err) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunRequest__LabelsEntry label =
        GOFER__V1__START_RUN_REQUEST__LABELS_ENTRY__INIT;
    Gofer__V1__StartRunRequest__LabelsEntry *labels[] = {&label};
    Gofer__V1__RunPriority priority = GOFER__V1__RUN_PRIORITY__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.request_id = request_id(worker, operation);
    label.key = "operation";
    label.value = request.request_id;
    request.labels = labels;
    request.n_labels = 1;
    priority.value = operation->priority;
    request.priority = &priority;
    Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    input.content.data = (uint8_t *)request.request_id;
    input.content.len = strlen(request.request_id);
    request.input = operation->pipeline == WORK_plain ? &input : NULL;
    if (operation->key > 0) {
        request.ordering_key = gf_arena_printf(&worker->arena, "key-%d", operation->key);
        request.ordering_policy = operation->key == WORK_KEYS
                                      ? GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_NEWEST
                                      : GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_STRICT;
    }
    Gofer__V1__StartRunResponse *response = NULL;
    const enum gf_code rc = gofer_v1_run_service_start_run(worker->channel, &OPTS, &request,
                                                           &worker->arena, &response, err);
    if (rc == GF_OK) {
        *out_result = response->run->run_id;
    }
    return rc;
}

static enum gf_code retry(struct worker *worker, const struct operation *operation,
                          int64_t *out_result, struct gf_error *err) {
    Gofer__V1__RetryRunRequest request = GOFER__V1__RETRY_RUN_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.request_id = request_id(worker, operation);
    request.run_id = operation->target->result;
    request.scope = GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_FAILED_TASKS;
    Gofer__V1__RetryRunResponse *response = NULL;
    const enum gf_code rc = gofer_v1_run_service_retry_run(worker->channel, &OPTS, &request,
                                                           &worker->arena, &response, err);
    if (rc == GF_OK) {
        *out_result = response->run->run_id;
    }
    return rc;
}

static enum gf_code cancel(struct worker *worker, const struct operation *operation,
                           struct gf_error *err) {
    Gofer__V1__CancelRunRequest request = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.run_id = operation->target->result;
    request.force = operation->force;
    Gofer__V1__CancelRunResponse *response = NULL;
    return gofer_v1_run_service_cancel_run(worker->channel, &OPTS, &request, &worker->arena,
                                           &response, err);
}

static enum gf_code cancel_all(struct worker *worker, const struct operation *operation,
                               struct gf_error *err) {
    Gofer__V1__CancelAllRunsRequest request = GOFER__V1__CANCEL_ALL_RUNS_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.force = operation->force;
    Gofer__V1__CancelAllRunsResponse *response = NULL;
    return gofer_v1_run_service_cancel_all_runs(worker->channel, &OPTS, &request, &worker->arena,
                                                &response, err);
}

/* A queued run has no tasks yet: there is nothing to cancel then. */
static enum gf_code cancel_task(struct worker *worker, const struct operation *operation,
                                struct gf_error *err) {
    Gofer__V1__CancelTaskExecutionRequest request = GOFER__V1__CANCEL_TASK_EXECUTION_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.run_id = operation->target->result;
    request.task_id = "main";
    request.force = operation->force;
    Gofer__V1__CancelTaskExecutionResponse *response = NULL;
    const enum gf_code rc = gofer_v1_task_execution_service_cancel_task_execution(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    return rc == GF_NOT_FOUND ? GF_OK : rc;
}

static enum gf_code repair(struct worker *worker, const struct operation *operation,
                           struct gf_error *err) {
    Gofer__V1__RepairRunRequest request = GOFER__V1__REPAIR_RUN_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.run_id = operation->target->result;
    Gofer__V1__RepairRunResponse *response = NULL;
    return gofer_v1_run_service_repair_run(worker->channel, &OPTS, &request, &worker->arena,
                                           &response, err);
}

/* Every registration says something else: its own number. */
static enum gf_code register_config(struct worker *worker, const struct operation *operation,
                                    int64_t *out_result, struct gf_error *err) {
    struct gf_pipeline_file file = {0};
    const char *path = gf_arena_printf(&worker->arena, "%s/%s.json", worker->work->pipeline_dir,
                                       work_pipeline_id(operation->pipeline));
    enum gf_code rc = gf_pipeline_file_load(path, &worker->arena, &file, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    request.request_id = request_id(worker, operation);
    request.spec = file.spec;
    request.spec->description = request.request_id;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    rc = gofer_v1_pipeline_config_service_register_pipeline_config(worker->channel, &OPTS, &request,
                                                                   &worker->arena, &response, err);
    if (rc == GF_OK) {
        *out_result = response->config->version;
    }
    return rc;
}

static enum gf_code deploy(struct worker *worker, const struct operation *operation,
                           int64_t *out_result, struct gf_error *err) {
    Gofer__V1__DeployPipelineRequest request = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    request.request_id = request_id(worker, operation);
    request.version = operation->target->result;
    Gofer__V1__DeployPipelineResponse *response = NULL;
    const enum gf_code rc = gofer_v1_deployment_service_deploy_pipeline(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    if (rc == GF_OK) {
        *out_result = response->deployment->deployment_id;
    }
    return rc;
}

static enum gf_code pause_starts(struct worker *worker, bool paused, struct gf_error *err) {
    char *path = "run_starts_paused";
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.paths = &path;
    mask.n_paths = 1;
    Gofer__V1__SystemPreferences preferences = GOFER__V1__SYSTEM_PREFERENCES__INIT;
    preferences.run_starts_paused = paused;
    Gofer__V1__UpdateSystemPreferencesRequest request =
        GOFER__V1__UPDATE_SYSTEM_PREFERENCES_REQUEST__INIT;
    request.preferences = &preferences;
    request.update_mask = &mask;
    Gofer__V1__UpdateSystemPreferencesResponse *response = NULL;
    return gofer_v1_system_service_update_system_preferences(worker->channel, &OPTS, &request,
                                                             &worker->arena, &response, err);
}

static enum gf_code disable(struct worker *worker, const struct operation *operation,
                            struct gf_error *err) {
    Gofer__V1__DisablePipelineRequest request = GOFER__V1__DISABLE_PIPELINE_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    Gofer__V1__DisablePipelineResponse *response = NULL;
    return gofer_v1_pipeline_service_disable_pipeline(worker->channel, &OPTS, &request,
                                                      &worker->arena, &response, err);
}

static enum gf_code enable(struct worker *worker, const struct operation *operation,
                           struct gf_error *err) {
    Gofer__V1__EnablePipelineRequest request = GOFER__V1__ENABLE_PIPELINE_REQUEST__INIT;
    request.pipeline_id = pipeline_id(worker, operation);
    Gofer__V1__EnablePipelineResponse *response = NULL;
    return gofer_v1_pipeline_service_enable_pipeline(worker->channel, &OPTS, &request,
                                                     &worker->arena, &response, err);
}

enum gf_code call_operation(struct worker *worker, const struct operation *operation,
                            int64_t *out_result, struct gf_error *err) {
    *out_result = 0;
    switch (operation->kind) {
    case OPERATION_START:
        return start(worker, operation, out_result, err);
    case OPERATION_RETRY:
        return retry(worker, operation, out_result, err);
    case OPERATION_CANCEL:
        return cancel(worker, operation, err);
    case OPERATION_CANCEL_ALL:
        return cancel_all(worker, operation, err);
    case OPERATION_CANCEL_TASK:
        return cancel_task(worker, operation, err);
    case OPERATION_REPAIR:
        return repair(worker, operation, err);
    case OPERATION_REGISTER:
        return register_config(worker, operation, out_result, err);
    case OPERATION_DEPLOY:
        return deploy(worker, operation, out_result, err);
    case OPERATION_PAUSE:
        return pause_starts(worker, true, err);
    case OPERATION_RESUME:
        return pause_starts(worker, false, err);
    case OPERATION_DISABLE:
        return disable(worker, operation, err);
    case OPERATION_ENABLE:
        return enable(worker, operation, err);
    }
    gf_unreachable();
}

enum gf_code call_is_paused(struct worker *worker, bool *out_paused, struct gf_error *err) {
    Gofer__V1__GetSystemPreferencesRequest request =
        GOFER__V1__GET_SYSTEM_PREFERENCES_REQUEST__INIT;
    Gofer__V1__GetSystemPreferencesResponse *response = NULL;
    const enum gf_code rc = gofer_v1_system_service_get_system_preferences(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    if (rc == GF_OK) {
        *out_paused = response->preferences->run_starts_paused != 0;
    }
    return rc;
}

enum gf_code call_is_disabled(struct worker *worker, enum work_pipeline pipeline,
                              bool *out_disabled, struct gf_error *err) {
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    request.pipeline_id = gf_arena_printf(&worker->arena, "%s", work_pipeline_id(pipeline));
    Gofer__V1__GetPipelineResponse *response = NULL;
    const enum gf_code rc = gofer_v1_pipeline_service_get_pipeline(worker->channel, &OPTS, &request,
                                                                   &worker->arena, &response, err);
    if (rc == GF_OK) {
        *out_disabled =
            response->pipeline->state == GOFER__V1__PIPELINE_STATE__PIPELINE_STATE_DISABLED;
    }
    return rc;
}
