/*
 * GetExtensionDebugInfo: a worker finds the extension, the hub asks it and answers on some thread,
 * and another worker adds the figures.
 */
#include "api/codec/model/message.h"
#include "api/extension/hub.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"

struct debug_call {
    struct gf_extension_debug debug;
    struct gf_services *services;
    struct gf_rpc_call *call;
    const Gofer__V1__GetExtensionDebugInfoRequest *request;
    struct gf_str info; /* in the call's arena */
};

static enum gf_code make_response(struct gf_read *read, GF_UNUSED struct gf_error *err) {
    const struct debug_call *self = read->data;
    Gofer__V1__GetExtensionDebugInfoResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetExtensionDebugInfoResponse,
                       gofer__v1__get_extension_debug_info_response);
    response->info = gf_message_text(self->info, read->arena);
    gf_extension_hub_metrics(self->services->extension_hub, self->debug.extension_key, read->arena,
                             &response->metrics, &response->n_metrics);
    read->response = &response->base;
    return GF_OK;
}

/* Thread: any. */
static void answered(struct gf_extension_debug *debug, const struct gf_error *error,
                     struct gf_str info) {
    struct debug_call *self = GF_CONTAINER_OF(debug, struct debug_call, debug);
    if (error->code != GF_OK) {
        gf_rpc_fail(self->call, error);
        return;
    }
    self->info = gf_arena_str(gf_rpc_call_arena(self->call), info);
    gf_read_start_after(self->call, &self->request->base, self->services, make_response, self);
}

/* On a worker. */
static void ask(void *ctx) {
    struct debug_call *self = ctx;
    struct gf_extension row = {0};
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->services, &arena);
    const enum gf_code rc = gf_find_extension(&read, self->request->extension_id, &row, &error);
    gf_read_close(&read);
    gf_arena_fini(&arena);
    if (rc != GF_OK) {
        gf_rpc_fail(self->call, &error);
        return;
    }
    self->debug.extension_key = row.extension_key;
    self->debug.answered = answered;
    gf_extension_hub_debug(self->services->extension_hub, &self->debug);
}

void gf_extension_debug_start(struct gf_rpc_call *call,
                              const Gofer__V1__GetExtensionDebugInfoRequest *request, void *ctx) {
    struct debug_call *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct debug_call);
    struct gf_error error = {0};
    self->services = ctx;
    self->call = call;
    self->request = request;
    if (gf_pool_submit(self->services->pool, ask, self, &error) != GF_OK) {
        gf_rpc_fail(call, &error);
    }
}
