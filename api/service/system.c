#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/services.h"

static void get_system_info(struct gf_rpc_call *call,
                            const Gofer__V1__GetSystemInfoRequest *request, void *ctx) {
    static char *packages[] = {"gofer.v1"};
    const struct gf_services *services = ctx;
    struct gf_arena *arena = gf_rpc_call_arena(call);
    (void)request;
    Gofer__V1__GetSystemInfoResponse response = GOFER__V1__GET_SYSTEM_INFO_RESPONSE__INIT;
    response.version = gf_message_text(gf_str_from(services->version), arena);
    response.commit = gf_message_text(gf_str_from(services->commit), arena);
    response.n_api_packages = GF_ARRAY_COUNT(packages);
    response.api_packages = packages;
    response.scheduler = gf_message_text(gf_str_from(services->scheduler.ops->name), arena);
    response.development_mode = services->development_mode;
    response.start_time = gf_message_time(services->start_time, arena);
    response.server_time = gf_message_time(gf_clock_wall_ns(services->clock), arena);
    gofer_v1_system_service_get_system_info_reply(call, &response);
}

const struct gofer_v1_system_service_handlers gf_system_service = {
    .get_system_info = {.start = get_system_info},
};
