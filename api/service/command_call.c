#include "api/service/command_call.h"

static void done(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_command_call *self = GF_CONTAINER_OF(command, struct gf_command_call, command);
    if (reply->error.code != GF_OK) {
        gf_rpc_fail(self->call, &reply->error);
        return;
    }
    const ProtobufCMessage *response = self->respond(self, reply);
    if (response != NULL) {
        gf_rpc_reply(self->call, response);
    }
}

struct gf_command_call *gf_command_call_create(struct gf_rpc_call *call,
                                               const ProtobufCMessage *request, void *ctx,
                                               enum gf_input_kind kind, gf_respond_fn *respond) {
    struct gf_arena *arena = gf_rpc_call_arena(call);
    struct gf_command_call *self = GF_ARENA_NEW(arena, struct gf_command_call);
    self->services = ctx;
    self->call = call;
    self->request = request;
    self->arena = arena;
    self->respond = respond;
    self->command.input.kind = kind;
    self->command.done = done;
    return self;
}

void gf_command_call_submit(struct gf_command_call *self) {
    struct gf_error error = {0};
    if (gf_engine_submit(self->services->engine, &self->command, &error) != GF_OK) {
        gf_command_call_fail(self, &error);
    }
}

void gf_command_call_submit_checked(struct gf_command_call *self, enum gf_code rc,
                                    const struct gf_error *error) {
    if (rc == GF_OK) {
        gf_command_call_submit(self);
    } else {
        gf_command_call_fail(self, error);
    }
}

const ProtobufCMessage *gf_command_call_read(struct gf_command_call *self, gf_read_fn *fn,
                                             const void *data) {
    gf_read_start_after(self->call, self->request, self->services, fn, data);
    return NULL;
}

void gf_command_call_fail(struct gf_command_call *self, const struct gf_error *error) {
    gf_rpc_fail(self->call, error);
}
