/* UninstallExtension, EnableExtension, DisableExtension. */
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"
#include "base/identifier.h"

static struct gf_command_call *begin(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                     void *ctx, enum gf_input_kind kind, gf_respond_fn *respond,
                                     const char *extension_id) {
    struct gf_command_call *self = gf_command_call_create(call, request, ctx, kind, respond);
    self->command.input.u.choice.extension_id = gf_str_from(extension_id);
    return self;
}

static void submit(struct gf_command_call *self) {
    struct gf_error error = {0};
    const enum gf_code rc =
        gf_identifier_check(self->command.input.u.choice.extension_id, "extension_id", &error);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- UninstallExtension ---- */

static const ProtobufCMessage *respond_uninstalled(struct gf_command_call *self,
                                                   const struct gf_reply *reply) {
    Gofer__V1__UninstallExtensionResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__UninstallExtensionResponse,
                       gofer__v1__uninstall_extension_response);
    response->subscription_count = reply->subscription_count;
    return &response->base;
}

/* Of an installer only its dialog knows. On a worker. */
static enum gf_code find_installed(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__UninstallExtensionRequest *request = (const void *)read->request;
    struct gf_extension row = {0};
    return gf_find_extension(read, request->extension_id, &row, err);
}

static void prepare_uninstall(void *ctx) {
    struct gf_command_call *self = ctx;
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->services, &arena);
    read.request = self->request;
    const enum gf_code rc = find_installed(&read, &error);
    gf_read_close(&read);
    gf_arena_fini(&arena);
    gf_command_call_submit_checked(self, rc, &error);
}

void gf_extension_uninstall(struct gf_rpc_call *call,
                            const Gofer__V1__UninstallExtensionRequest *request, void *ctx) {
    struct gf_command_call *self = begin(call, &request->base, ctx, GF_INPUT_UNINSTALL_EXTENSION,
                                         respond_uninstalled, request->extension_id);
    struct gf_error error = {0};
    self->command.input.u.choice.force = request->force;
    if (gf_pool_submit(self->services->pool, prepare_uninstall, self, &error) != GF_OK) {
        gf_command_call_fail(self, &error);
    }
}

/* ---- EnableExtension, DisableExtension ---- */

static enum gf_code show(struct gf_read *read, const char *extension_id, Gofer__V1__Extension **out,
                         struct gf_error *err) {
    struct gf_extension row = {0};
    const enum gf_code rc = gf_find_extension(read, extension_id, &row, err);
    return rc == GF_OK ? gf_extension_to_message(read, &row, /* full= */ true, out, err) : rc;
}

/* data: whether something changed. */
static enum gf_code show_enabled(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__EnableExtensionRequest *request = (const void *)read->request;
    Gofer__V1__EnableExtensionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__EnableExtensionResponse, gofer__v1__enable_extension_response);
    response->changed = *(const bool *)read->data;
    read->response = &response->base;
    return show(read, request->extension_id, &response->extension, err);
}

static enum gf_code show_disabled(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__DisableExtensionRequest *request = (const void *)read->request;
    Gofer__V1__DisableExtensionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__DisableExtensionResponse, gofer__v1__disable_extension_response);
    response->changed = *(const bool *)read->data;
    read->response = &response->base;
    return show(read, request->extension_id, &response->extension, err);
}

static const ProtobufCMessage *respond_switched(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    bool *changed = GF_ARENA_NEW(self->arena, bool);
    *changed = !reply->unchanged;
    const bool enabled = self->command.input.kind == GF_INPUT_ENABLE_EXTENSION;
    return gf_command_call_read(self, enabled ? show_enabled : show_disabled, changed);
}

void gf_extension_enable(struct gf_rpc_call *call, const Gofer__V1__EnableExtensionRequest *request,
                         void *ctx) {
    submit(begin(call, &request->base, ctx, GF_INPUT_ENABLE_EXTENSION, respond_switched,
                 request->extension_id));
}

void gf_extension_disable(struct gf_rpc_call *call,
                          const Gofer__V1__DisableExtensionRequest *request, void *ctx) {
    submit(begin(call, &request->base, ctx, GF_INPUT_DISABLE_EXTENSION, respond_switched,
                 request->extension_id));
}
