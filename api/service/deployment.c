#include "api/codec/model/deployment.h"

#include "api/codec/model/message.h"
#include "api/codec/model/unsupported.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"

#include <inttypes.h>

/* ---- Deploying ---- */

/* What a command came to that does not have its deployment at hand. */
struct deployed {
    int64_t deployment_id; /* 0 = the newest, which made the live version live */
    int64_t pipeline_key;
    bool changed;
};

static enum gf_code find_deployment(struct gf_read *read, const struct gf_pipeline *pipeline,
                                    int64_t deployment_id, struct gf_deployment *out,
                                    struct gf_error *err) {
    const int64_t wanted = deployment_id != 0 ? deployment_id : pipeline->latest_deployment_id;
    return read->store->get_deployment(read->reader, pipeline->pipeline_key, wanted, read->arena,
                                       out, err);
}

static enum gf_code show_deployed(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__DeployPipelineRequest *request = (const void *)read->request;
    const struct deployed *deployed = read->data;
    struct gf_pipeline pipeline = {0};
    struct gf_deployment deployment = {0};
    enum gf_code rc =
        gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_check_resource("pipeline", pipeline.pipeline_id, pipeline.pipeline_key,
                               deployed->pipeline_key, err);
    }
    if (rc == GF_OK) {
        rc = find_deployment(read, &pipeline, deployed->deployment_id, &deployment, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__DeployPipelineResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__DeployPipelineResponse, gofer__v1__deploy_pipeline_response);
    response->deployment = gf_deployment_to_message(&deployment, read->arena);
    response->changed = deployed->changed;
    read->response = &response->base;
    return GF_OK;
}

static const ProtobufCMessage *respond_deployed(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    if (reply->replayed != NULL || reply->unchanged) {
        struct deployed *deployed = GF_ARENA_NEW(self->arena, struct deployed);
        if (reply->replayed != NULL) {
            deployed->deployment_id = reply->replayed->number;
            deployed->pipeline_key = reply->replayed->resource_key;
            deployed->changed = reply->replayed->changed;
        } else {
            deployed->pipeline_key = reply->pipeline->pipeline_key;
        }
        return gf_command_call_read(self, show_deployed, deployed);
    }
    Gofer__V1__DeployPipelineResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__DeployPipelineResponse, gofer__v1__deploy_pipeline_response);
    response->deployment = gf_deployment_to_message(reply->deployment, self->arena);
    response->changed = true;
    return &response->base;
}

static enum gf_code check_strategy(const Gofer__V1__DeploymentStrategy *strategy,
                                   struct gf_error *err) {
    if (strategy == NULL) {
        return GF_OK;
    }
    if (gf_unsupported_check(&strategy->base, err) != GF_OK) {
        return gf_wrap_field(err, "strategy.");
    }
    switch ((int)strategy->kind) {
    case GOFER__V1__DEPLOYMENT_STRATEGY_KIND__DEPLOYMENT_STRATEGY_KIND_UNSPECIFIED:
    case GOFER__V1__DEPLOYMENT_STRATEGY_KIND__DEPLOYMENT_STRATEGY_KIND_INSTANT:
        return GF_OK;
    default:
        return gf_fail_field(err, "strategy.kind", "%d is no kind of strategy",
                             (int)strategy->kind);
    }
}

static void deploy_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__DeployPipelineRequest *request, void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_DEPLOY, respond_deployed);
    struct gf_error error = {0};
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    if (rc == GF_OK && request->version < 0) {
        rc = gf_fail_field(&error, "version", "value is %" PRId64 ", expected 0 or more",
                           request->version);
    }
    if (rc == GF_OK) {
        rc = check_strategy(request->strategy, &error);
    }
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, &error);
    }
    self->command.input.u.deploy.namespace_id = gf_request_namespace(request->namespace_id);
    self->command.input.u.deploy.pipeline_id = gf_str_from(request->pipeline_id);
    self->command.input.u.deploy.version = request->version;
    self->command.input.u.deploy.request.request_id = gf_str_from(request->request_id);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Reading ---- */

static enum gf_code get_deployment(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetDeploymentRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct gf_deployment deployment = {0};
    enum gf_code rc = gf_check_number(request->deployment_id, "deployment_id", err);
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    }
    if (rc == GF_OK) {
        rc = read->store->get_deployment(read->reader, pipeline.pipeline_key,
                                         request->deployment_id, read->arena, &deployment, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetDeploymentResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetDeploymentResponse, gofer__v1__get_deployment_response);
    response->deployment = gf_deployment_to_message(&deployment, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_deployment(struct gf_rpc_call *call,
                                 const Gofer__V1__GetDeploymentRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_deployment);
}

static enum gf_code fetch_deployments(struct gf_list_page *page, size_t limit, size_t *out_count,
                                      bool *out_ended, struct gf_error *err) {
    const struct gf_pipeline *pipeline = page->data;
    struct gf_deployment *items = NULL;
    const enum gf_code rc = page->read->store->list_deployments(
        page->read->reader, pipeline->pipeline_key, page->position.numbers[0], limit,
        page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_deployment(struct gf_list_page *page, size_t index, void **out_message,
                                    GF_UNUSED struct gf_error *err) {
    const struct gf_deployment *deployment = &((const struct gf_deployment *)page->items)[index];
    page->position.numbers[0] = deployment->deployment_id;
    *out_message = gf_deployment_to_message(deployment, page->read->arena);
    return GF_OK;
}

static enum gf_code list_deployments(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListDeploymentsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct gf_list_page page;
    const enum gf_code rc =
        gf_list_page_of_pipeline(&page, read, "deployments", request->page_size,
                                 request->namespace_id, request->pipeline_id, &pipeline, err);
    if (rc != GF_OK) {
        return rc;
    }
    page.data = &pipeline;
    return gf_list_page_answer(&page, request->page_token, fetch_deployments, take_deployment,
                               &gofer__v1__list_deployments_response__descriptor, err);
}

static void start_list_deployments(struct gf_rpc_call *call,
                                   const Gofer__V1__ListDeploymentsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_deployments);
}

const struct gofer_v1_deployment_service_handlers gf_deployment_service = {
    .deploy_pipeline = {.start = deploy_pipeline},
    .list_deployments = {.start = start_list_deployments},
    .get_deployment = {.start = start_get_deployment},
};
