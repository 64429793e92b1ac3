/*
 * Making tokens. What a role allows is compared with what the caller may do on a worker, because it
 * takes some milliseconds and reads the store. A role that is changed between that and the command
 * is changed by somebody who may do what it allows then.
 *
 * The text of a token is in the arena of its call until the answer is made, and nowhere else; it is
 * overwritten before the call ends, and whatever became of the call.
 */
#include "api/service/token_commands.h"

#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "api/codec/model/token.h"
#include "api/service/command_call.h"
#include "api/service/lookup.h"
#include "base/identifier.h"
#include "base/random.h"
#include "engine/auth/system_roles.h"

#include <stdio.h>

struct creation {
    struct gf_token row;
    struct gf_token_digest digest;
    struct gf_token_id id;
    struct gf_token_text text;
};

/* ---- Roles ---- */

/* Of the system or of users. */
static enum gf_code find_role(struct gf_read *read, struct gf_str role_id, struct gf_role *out,
                              struct gf_error *err) {
    const struct gf_role *system_role = gf_system_role(role_id);
    if (system_role != NULL) {
        *out = *system_role;
        return GF_OK;
    }
    return read->store->get_role(read->reader, role_id, read->arena, out, err);
}

enum gf_code gf_token_check_roles(struct gf_read *read, const struct gf_str *role_ids, size_t count,
                                  const char *field, struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        struct gf_role role = {0};
        struct gf_error error = {0};
        enum gf_code rc = find_role(read, role_ids[i], &role, &error);
        if (rc == GF_OK) {
            rc = gf_principal_covers(read->principal, role.permissions, role.permission_count,
                                     &error);
            if (rc != GF_OK) {
                (void)gf_wrap(&error, "role '%" GF_STR_FMT "'", GF_STR_ARG(role_ids[i]));
            }
        }
        if (rc != GF_OK) {
            if (field != NULL) {
                (void)snprintf(error.field, sizeof(error.field), "%s[%zu]", field, i);
            }
            *err = error;
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_token_check_extension(struct gf_read *read, const struct gf_token *token,
                                      const char *field, struct gf_error *err) {
    if (token->kind != GF_TOKEN_KIND_EXTENSION) {
        return GF_OK;
    }
    char id[GF_IDENTIFIER_CHARS_MAX + 1];
    struct gf_extension extension = {0};
    struct gf_error error = {0};
    enum gf_code rc = gf_identifier_check(token->extension_id, "extension_id", err);
    if (rc != GF_OK) {
        return rc;
    }
    (void)snprintf(id, sizeof(id), "%" GF_STR_FMT, GF_STR_ARG(token->extension_id));
    rc = gf_find_extension(read, id, &extension, &error);
    if (rc == GF_OK) {
        const struct gf_role *role = gf_extension_role(extension.extension_id, read->arena);
        rc =
            gf_principal_covers(read->principal, role->permissions, role->permission_count, &error);
    }
    if (rc == GF_OK) {
        rc = gf_token_check_roles(read, extension.role_ids, extension.role_count, NULL, &error);
    }
    if (rc != GF_OK) {
        (void)snprintf(error.field, sizeof(error.field), "%s", field == NULL ? "" : field);
        *err = error;
    }
    return rc;
}

/* ---- Answers ---- */

/* Takes the text out of the arena. The caller wipes it. */
static struct gf_token_text take_text(struct gf_command_call *self) {
    struct creation *creation = self->data;
    const struct gf_token_text text = creation->text;
    gf_token_text_wipe(&creation->text);
    return text;
}

static Gofer__V1__Token *show(const struct gf_command_call *self, const struct gf_token *token) {
    return gf_token_to_message(token, gf_clock_wall_ns(self->services->clock), self->arena);
}

static void fail(struct gf_command_call *self, const struct gf_error *error) {
    struct gf_token_text text = take_text(self);
    gf_token_text_wipe(&text);
    gf_command_call_fail(self, error);
}

static void bootstrapped(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_command_call *self = GF_CONTAINER_OF(command, struct gf_command_call, command);
    if (reply->error.code != GF_OK) {
        fail(self, &reply->error);
        return;
    }
    struct gf_token_text text = take_text(self);
    Gofer__V1__BootstrapTokenResponse response = GOFER__V1__BOOTSTRAP_TOKEN_RESPONSE__INIT;
    response.token = show(self, reply->token);
    response.token_text = text.chars;
    gf_rpc_reply(self->call, &response.base);
    gf_token_text_wipe(&text);
}

/* data: the id of the token that the first call made. */
static enum gf_code show_created(struct gf_read *read, struct gf_error *err) {
    const struct gf_str *token_id = read->data;
    struct gf_token token = {0};
    const enum gf_code rc =
        read->store->get_token(read->reader, *token_id, read->arena, &token, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__CreateTokenResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__CreateTokenResponse, gofer__v1__create_token_response);
    response->token =
        gf_token_to_message(&token, gf_clock_wall_ns(read->services->clock), read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void created(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_command_call *self = GF_CONTAINER_OF(command, struct gf_command_call, command);
    if (reply->error.code != GF_OK) {
        fail(self, &reply->error);
        return;
    }
    struct gf_token_text text = take_text(self);
    if (reply->replayed != NULL) {
        struct gf_str *token_id = GF_ARENA_NEW(self->arena, struct gf_str);
        *token_id = gf_arena_str(self->arena, reply->replayed->subject_id);
        (void)gf_command_call_read(self, show_created, token_id);
    } else {
        Gofer__V1__CreateTokenResponse response = GOFER__V1__CREATE_TOKEN_RESPONSE__INIT;
        response.token = show(self, reply->token);
        response.token_text = text.chars;
        gf_rpc_reply(self->call, &response.base);
    }
    gf_token_text_wipe(&text);
}

/* ---- Making ---- */

static struct gf_command_call *begin(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                     void *ctx, enum gf_input_kind kind) {
    struct gf_command_call *self = gf_command_call_create(call, request, ctx, kind, NULL);
    struct creation *creation = GF_ARENA_NEW(self->arena, struct creation);
    self->data = creation;
    self->command.input.u.token.row = &creation->row;
    return self;
}

static void draw_text(struct creation *creation) {
    unsigned char entropy[GF_TOKEN_ENTROPY_BYTES];
    gf_random_bytes(entropy, sizeof(entropy));
    gf_token_make(creation->row.kind, entropy, &creation->text);
    explicit_bzero(entropy, sizeof(entropy));
    gf_token_digest(gf_token_text_view(&creation->text), &creation->digest);
    gf_token_id_of(&creation->digest, &creation->id);
    creation->row.digest = creation->digest;
    creation->row.token_id = gf_str_from(creation->id.chars);
}

static void submit(struct gf_command_call *self) {
    struct gf_error error = {0};
    draw_text(self->data);
    if (gf_engine_submit(self->services->engine, &self->command, &error) != GF_OK) {
        fail(self, &error);
    }
}

/* That it is asked for on this machine is the gate's to see. */
void gf_token_bootstrap(struct gf_rpc_call *call, const Gofer__V1__BootstrapTokenRequest *request,
                        void *ctx) {
    struct gf_command_call *self = begin(call, &request->base, ctx, GF_INPUT_BOOTSTRAP_TOKEN);
    struct creation *creation = self->data;
    creation->row.kind = GF_TOKEN_KIND_HUMAN;
    creation->row.user = GF_STR("bootstrap");
    creation->row.description = GF_STR("The first token. It may do everything.");
    self->command.done = bootstrapped;
    submit(self);
}

static enum gf_code read_roles(struct gf_command_call *self, struct gf_error *err) {
    const Gofer__V1__CreateTokenRequest *request = (const void *)self->request;
    struct creation *creation = self->data;
    const size_t count = request->n_role_ids;
    if (count > GF_TOKEN_ROLES_MAX) {
        return gf_fail_field(err, "role_ids", "there are %zu roles, expected up to %d", count,
                             GF_TOKEN_ROLES_MAX);
    }
    struct gf_str *role_ids = GF_ARENA_ARRAY(self->arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        role_ids[i] = gf_str_from(request->role_ids[i]);
        if (gf_str_eq(role_ids[i], GF_STR(GF_ROLE_BOOTSTRAP))) {
            return gf_fail(err, GF_PERMISSION_DENIED,
                           "role '" GF_ROLE_BOOTSTRAP "' is that of the first token alone");
        }
    }
    creation->row.role_ids = role_ids;
    creation->row.role_count = count;
    return GF_OK;
}

static enum gf_code read_row(struct gf_command_call *self, struct gf_error *err) {
    const Gofer__V1__CreateTokenRequest *request = (const void *)self->request;
    struct gf_token *row = &((struct creation *)self->data)->row;
    row->kind = request->kind == GOFER__V1__TOKEN_KIND__TOKEN_KIND_UNSPECIFIED
                    ? GF_TOKEN_KIND_BOT
                    : (enum gf_token_kind)request->kind;
    row->user = gf_str_from(request->user);
    row->description = gf_str_from(request->description);
    row->extension_id = gf_str_from(request->extension_id);
    struct gf_label *metadata = GF_ARENA_ARRAY(self->arena, request->n_metadata, struct gf_label);
    for (size_t i = 0; i < request->n_metadata; i++) {
        metadata[i] = (struct gf_label){gf_str_from(request->metadata[i]->key),
                                        gf_str_from(request->metadata[i]->value)};
    }
    gf_labels_sort(metadata, request->n_metadata);
    row->metadata = metadata;
    row->metadata_count = request->n_metadata;
    /* Those that a text can be made of; the core refuses RUN with the rest. */
    if (!gf_token_kind_valid((int64_t)request->kind) &&
        request->kind != GOFER__V1__TOKEN_KIND__TOKEN_KIND_UNSPECIFIED) {
        return gf_fail_field(err, "kind", "%d is no kind of token", (int)request->kind);
    }
    if (row->kind == GF_TOKEN_KIND_RUN) {
        return gf_fail_field(err, "kind", "expected HUMAN, BOT or EXTENSION");
    }
    self->command.input.u.token.request.request_id = gf_str_from(request->request_id);
    return gf_message_read_duration_ms(request->lifetime, "lifetime",
                                       &self->command.input.u.token.lifetime_ms, err);
}

/* On a worker. */
static void prepare(void *ctx) {
    struct gf_command_call *self = ctx;
    const struct creation *creation = self->data;
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->services, &arena);
    read.principal = gf_principal_of(self->call);
    enum gf_code rc = gf_token_check_roles(&read, creation->row.role_ids, creation->row.role_count,
                                           "role_ids", &error);
    if (rc == GF_OK) {
        rc = gf_token_check_extension(&read, &creation->row, "extension_id", &error);
    }
    gf_read_close(&read);
    gf_arena_fini(&arena);
    if (rc == GF_OK) {
        submit(self);
    } else {
        fail(self, &error);
    }
}

void gf_token_create(struct gf_rpc_call *call, const Gofer__V1__CreateTokenRequest *request,
                     void *ctx) {
    struct gf_command_call *self = begin(call, &request->base, ctx, GF_INPUT_CREATE_TOKEN);
    struct gf_error error = {0};
    self->command.done = created;
    enum gf_code rc = gf_check_request_id(request->request_id, &error);
    if (rc == GF_OK) {
        rc = read_row(self, &error);
    }
    if (rc == GF_OK) {
        rc = read_roles(self, &error);
    }
    if (rc == GF_OK) {
        rc = gf_pool_submit(self->services->pool, prepare, self, &error);
    }
    if (rc != GF_OK) {
        fail(self, &error);
    }
}
