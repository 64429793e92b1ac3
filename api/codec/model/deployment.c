#include "api/codec/model/deployment.h"

#include "api/codec/model/message.h"

static Gofer__V1__DeploymentStatusReason *reason_of(const struct gf_deployment *deployment,
                                                    struct gf_arena *arena) {
    Gofer__V1__DeploymentStatusReason *reason = GF_MESSAGE_NEW(
        arena, Gofer__V1__DeploymentStatusReason, gofer__v1__deployment_status_reason);
    /* Every deployment of this version is INSTANT and goes through. */
    reason->kind = GOFER__V1__DEPLOYMENT_STATUS_REASON_KIND__DEPLOYMENT_STATUS_REASON_KIND_FINISHED;
    reason->description = gf_message_text(deployment->reason.text, arena);
    return reason;
}

Gofer__V1__Deployment *gf_deployment_to_message(const struct gf_deployment *deployment,
                                                struct gf_arena *arena) {
    Gofer__V1__Deployment *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__Deployment, gofer__v1__deployment);
    message->namespace_id = gf_message_text(deployment->namespace_id, arena);
    message->pipeline_id = gf_message_text(deployment->pipeline_id, arena);
    message->deployment_id = deployment->deployment_id;
    message->start_version = deployment->start_version;
    message->end_version = deployment->end_version;
    message->strategy =
        GF_MESSAGE_NEW(arena, Gofer__V1__DeploymentStrategy, gofer__v1__deployment_strategy);
    message->strategy->kind = GOFER__V1__DEPLOYMENT_STRATEGY_KIND__DEPLOYMENT_STRATEGY_KIND_INSTANT;
    message->state = (Gofer__V1__DeploymentState)deployment->state;
    message->status = (Gofer__V1__DeploymentStatus)deployment->status;
    message->start_user = gf_message_text(deployment->start_user, arena);
    message->start_time = gf_message_time(deployment->start_time, arena);
    message->end_time = gf_message_time(deployment->end_time, arena);
    if (deployment->state == GF_DEPLOYMENT_STATE_COMPLETE) {
        message->status_reason = reason_of(deployment, arena);
        message->current_percent = deployment->status == GF_DEPLOYMENT_STATUS_SUCCESSFUL ? 100 : 0;
    }
    return message;
}
