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

/* Whose request_ids they are: in development mode, and of callers without a token, everybody's. */
static void set_caller(struct gf_input *input) {
    const struct gf_str caller = input->actor.token_id;
    /* Of all other kinds nothing has a caller. */
    if (input->kind == GF_INPUT_CREATE_NAMESPACE) {
        input->u.ns.request.caller = caller;
    } else if (input->kind == GF_INPUT_REGISTER_CONFIG) {
        input->u.register_config.request.caller = caller;
    } else if (input->kind == GF_INPUT_DEPLOY) {
        input->u.deploy.request.caller = caller;
    } else if (input->kind == GF_INPUT_CREATE_TOKEN) {
        input->u.token.request.caller = caller;
    } else if (input->kind == GF_INPUT_CREATE_ROLE) {
        input->u.role.request.caller = caller;
    } else if (input->kind == GF_INPUT_INSTALL_EXTENSION) {
        input->u.extension.request.caller = caller;
    } else if (input->kind == GF_INPUT_CREATE_SUBSCRIPTION) {
        input->u.subscription.request.caller = caller;
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
    self->command.input.actor = gf_principal_actor(gf_principal_of(call));
    set_caller(&self->command.input);
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

static enum gf_initiator_kind initiator_kind(const struct gf_principal *principal) {
    switch (principal->token_kind) {
    case GF_TOKEN_KIND_BOT:
    case GF_TOKEN_KIND_RUN:
        return GF_INITIATOR_BOT;
    case GF_TOKEN_KIND_EXTENSION:
    case GF_TOKEN_KIND_CONTAINER:
        return GF_INITIATOR_EXTENSION;
    case GF_TOKEN_KIND_HUMAN:
    case GF_TOKEN_KIND_UNSPECIFIED:
        break;
    }
    return GF_INITIATOR_HUMAN;
}

struct gf_initiator gf_command_call_initiator(const struct gf_command_call *self,
                                              const char *reason) {
    const struct gf_principal *principal = gf_principal_of(self->call);
    return (struct gf_initiator){
        .kind = initiator_kind(principal),
        .id = principal->user,
        .reason = gf_str_from(reason),
        .token_id = principal->token_id,
    };
}

void gf_command_call_fail(struct gf_command_call *self, const struct gf_error *error) {
    gf_rpc_fail(self->call, error);
}
