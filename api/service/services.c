#include "api/service/services.h"

#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/record.h"
#include "api/service/stream.h"
#include "api/service/unimplemented.h"
#include "base/random.h"
#include "gofer/extension/v1/extension.gofer.h"
#include "gofer/v1/object.gofer.h"

enum {
    METHODS_MAX = 64, /* of one service */
};

void gf_services_init(struct gf_services *services) {
    gf_model_codec_init();
    gf_mutex_init(&services->mutex, GF_RANK_SERVICE);
    gf_list_init(&services->streams);
    gf_list_init(&services->terminals);
    atomic_store(&services->attach_disabled, false);
    atomic_store(&services->session_count, 0);
    atomic_store(&services->stopping, false);
    atomic_store(&services->reencryption, 0);
    gf_random_bytes(services->place_key, sizeof(services->place_key));
}

void gf_services_fini(struct gf_services *services) {
    gf_assert(gf_list_empty(&services->streams));
    gf_mutex_fini(&services->mutex);
}

void gf_services_announce(struct gf_services *services) {
    const struct gf_label version = {GF_STR("version"), gf_str_from(services->version)};
    const struct gf_event event = {
        .kind = GF_EVENT_SYSTEM_STARTED, .metadata = &version, .metadata_count = 1};
    gf_record_event(services->engine, &event);
}

const struct gf_rpc_service *const *gf_services_list(size_t *out_count) {
    static const struct gf_rpc_service *const services[] = {
        &gofer_v1_system_service,         &gofer_v1_namespace_service,
        &gofer_v1_pipeline_service,       &gofer_v1_pipeline_config_service,
        &gofer_v1_deployment_service,     &gofer_v1_run_service,
        &gofer_v1_task_execution_service, &gofer_v1_event_service,
        &gofer_v1_image_service,          &gofer_v1_extension_service,
        &gofer_v1_subscription_service,   &gofer_v1_object_service,
        &gofer_v1_secret_service,         &gofer_v1_token_service,
        &gofer_v1_role_service,           &gofer_extension_v1_extension_service,
    };
    *out_count = GF_ARRAY_COUNT(services);
    return services;
}

/* A service without a single handler: its calls get their answer from gf_services_intercept. */
static void add_empty(struct gf_rpc_server *server, const struct gf_rpc_service *service) {
    static const struct gf_rpc_handler handlers[METHODS_MAX];
    gf_assert(service->method_count <= METHODS_MAX);
    gf_rpc_server_add_service(server, service, handlers, NULL);
}

void gf_services_add_to_server(struct gf_services *services, struct gf_rpc_server *server) {
    gofer_v1_system_service_add_to_server(server, &gf_system_service, services);
    gofer_v1_namespace_service_add_to_server(server, &gf_namespace_service, services);
    gofer_v1_pipeline_service_add_to_server(server, &gf_pipeline_service, services);
    gofer_v1_pipeline_config_service_add_to_server(server, &gf_pipeline_config_service, services);
    gofer_v1_deployment_service_add_to_server(server, &gf_deployment_service, services);
    gofer_v1_run_service_add_to_server(server, &gf_run_service, services);
    gofer_v1_task_execution_service_add_to_server(server, &gf_task_execution_service, services);
    gofer_v1_event_service_add_to_server(server, &gf_event_service, services);
    gofer_v1_image_service_add_to_server(server, &gf_image_service, services);
    gofer_v1_secret_service_add_to_server(server, &gf_secret_service, services);
    gofer_v1_token_service_add_to_server(server, &gf_token_service, services);
    gofer_v1_role_service_add_to_server(server, &gf_role_service, services);
    gofer_v1_extension_service_add_to_server(server, &gf_extension_service, services);
    gofer_v1_subscription_service_add_to_server(server, &gf_subscription_service, services);
    add_empty(server, &gofer_v1_object_service);
}

enum gf_code gf_services_intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    (void)ctx;
    const struct gf_rpc_method *method = gf_rpc_call_method(call);
    const struct gf_unimplemented *row =
        method == NULL ? NULL : gf_unimplemented_find(method->path);
    if (row == NULL) {
        return GF_OK;
    }
    return gf_fail_reason(err, GF_UNIMPLEMENTED, "NOT_AVAILABLE",
                          "%s is not available in this version (%s)", row->path + 1, row->reason);
}

size_t gf_services_request_bytes_max(const struct gf_rpc_method *method) {
    static const struct gf_str with_spec[] = {GF_STR("RegisterPipelineConfig"),
                                              GF_STR("ValidatePipelineConfig"),
                                              GF_STR("DiffPipelineConfigs")};
    for (size_t i = 0; i < GF_ARRAY_COUNT(with_spec); i++) {
        if (gf_str_eq(gf_str_from(method->name), with_spec[i])) {
            return GF_SERVICES_REQUEST_BYTES_MAX;
        }
    }
    return GF_SERVICES_SMALL_REQUEST_BYTES_MAX;
}

void gf_services_end_streams(struct gf_services *services) {
    atomic_store(&services->stopping, true);
    gf_services_kick_streams(services);
}

void gf_services_kick_streams(struct gf_services *services) {
    gf_mutex_lock(&services->mutex);
    GF_LIST_FOREACH(link, &services->streams) {
        gf_stream_kick(GF_CONTAINER_OF(link, struct gf_stream, link));
    }
    gf_mutex_unlock(&services->mutex);
}
