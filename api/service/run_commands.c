/*
 * What changes runs: starting (run_start.c has that), retrying, cancelling, repairing.
 */
#include "api/service/run_commands.h"

#include "api/codec/model/message.h"
#include "api/codec/model/run.h"
#include "api/service/command_call.h"
#include "api/service/lookup.h"

/* ---- Retrying ---- */

static const ProtobufCMessage *respond_retried(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__RetryRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__RetryRunResponse, gofer__v1__retry_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    return &response->base;
}

static enum gf_code read_scope(const Gofer__V1__RetryRunRequest *request, struct gf_input *input,
                               struct gf_error *err) {
    switch ((int)request->scope) {
    case GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_UNSPECIFIED:
    case GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_ALL_TASKS:
        break;
    case GOFER__V1__RUN_RETRY_SCOPE__RUN_RETRY_SCOPE_FAILED_TASKS:
        input->u.retry_run.failed_tasks_only = true;
        break;
    default:
        return gf_fail_field(err, "scope", "%d is no scope of a retry", (int)request->scope);
    }
    input->u.retry_run.use_live_version = request->use_live_version;
    return GF_OK;
}

void gf_run_retry(struct gf_rpc_call *call, const Gofer__V1__RetryRunRequest *request, void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_RETRY_RUN, respond_retried);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    if (rc == GF_OK) {
        rc = gf_check_number(request->run_id, "run_id", &error);
    }
    if (rc == GF_OK) {
        rc = read_scope(request, input, &error);
    }
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, &error);
    }
    input->u.retry_run.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.retry_run.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.retry_run.run_id = request->run_id;
    input->u.retry_run.request_id = gf_str_from(request->request_id);
    input->u.retry_run.initiator = gf_command_call_initiator(self, request->reason);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Cancelling ---- */

/* Which run a command of u.cancel is about. */
static enum gf_code name_run(struct gf_input *input, const char *namespace_id,
                             const char *pipeline_id, int64_t run_id, struct gf_error *err) {
    const enum gf_code rc = gf_check_pipeline_ids(namespace_id, pipeline_id, err);
    input->u.cancel.namespace_id = gf_request_namespace(namespace_id);
    input->u.cancel.pipeline_id = gf_str_from(pipeline_id);
    input->u.cancel.run_id = run_id;
    return rc == GF_OK ? gf_check_number(run_id, "run_id", err) : rc;
}

static const ProtobufCMessage *respond_cancelled(struct gf_command_call *self,
                                                 const struct gf_reply *reply) {
    Gofer__V1__CancelRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__CancelRunResponse, gofer__v1__cancel_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    response->changed = !reply->unchanged;
    return &response->base;
}

void gf_run_cancel(struct gf_rpc_call *call, const Gofer__V1__CancelRunRequest *request,
                   void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_CANCEL_RUN, respond_cancelled);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    const enum gf_code rc =
        name_run(input, request->namespace_id, request->pipeline_id, request->run_id, &error);
    input->u.cancel.force = request->force;
    input->u.cancel.reason = gf_str_from(request->reason);
    gf_command_call_submit_checked(self, rc, &error);
}

static const ProtobufCMessage *respond_cancelled_all(struct gf_command_call *self,
                                                     const struct gf_reply *reply) {
    Gofer__V1__CancelAllRunsResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__CancelAllRunsResponse, gofer__v1__cancel_all_runs_response);
    response->run_count = reply->run_count;
    response->n_run_ids = reply->run_id_count;
    response->run_ids = GF_ARENA_ARRAY(self->arena, reply->run_id_count, int64_t);
    for (size_t i = 0; i < reply->run_id_count; i++) {
        response->run_ids[i] = reply->run_ids[i];
    }
    return &response->base;
}

void gf_run_cancel_all(struct gf_rpc_call *call, const Gofer__V1__CancelAllRunsRequest *request,
                       void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_CANCEL_ALL_RUNS, respond_cancelled_all);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    const enum gf_code rc =
        gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    input->u.cancel.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.cancel.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.cancel.force = request->force;
    input->u.cancel.reason = gf_str_from(request->reason);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Repairing ---- */

static const ProtobufCMessage *respond_repaired(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    Gofer__V1__RepairRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__RepairRunResponse, gofer__v1__repair_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    response->changed = !reply->unchanged;
    response->action_count = reply->action_total;
    response->n_actions = reply->action_count;
    response->actions = gf_message_texts(reply->actions, reply->action_count, self->arena);
    return &response->base;
}

/* The answer comes when the scheduler has told what it knows, or has had its time. */
void gf_run_repair(struct gf_rpc_call *call, const Gofer__V1__RepairRunRequest *request,
                   void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_REPAIR_RUN, respond_repaired);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    const enum gf_code rc =
        name_run(input, request->namespace_id, request->pipeline_id, request->run_id, &error);
    gf_command_call_submit_checked(self, rc, &error);
}
