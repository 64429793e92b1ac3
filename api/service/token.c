/*
 * TokenService, but for making tokens (token_commands.c).
 */
#include "api/codec/model/token.h"

#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/codec/model/role.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/token_commands.h"
#include "base/identifier.h"
#include "engine/auth/system_roles.h"

#include <stdio.h>

static Gofer__V1__Token *show(const struct gf_services *services, const struct gf_token *token,
                              struct gf_arena *arena) {
    return gf_token_to_message(token, gf_clock_wall_ns(services->clock), arena);
}

/* ---- Reading ---- */

static enum gf_code get_token(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetTokenRequest *request = (const void *)read->request;
    const struct gf_str token_id = gf_str_from(request->token_id);
    struct gf_token token = {0};
    enum gf_code rc = gf_identifier_check(token_id, "token_id", err);
    if (rc == GF_OK) {
        rc = read->store->get_token(read->reader, token_id, read->arena, &token, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetTokenResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetTokenResponse, gofer__v1__get_token_response);
    response->token = show(read->services, &token, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_token(struct gf_rpc_call *call, const Gofer__V1__GetTokenRequest *request,
                            void *ctx) {
    gf_read_start(call, &request->base, ctx, get_token);
}

struct token_list {
    uint32_t kinds; /* bit 1 << enum gf_token_kind; 0 = any */
    struct gf_str user;
};

/* position: create_time and token_id of the last one. */
static enum gf_code fetch_tokens(struct gf_list_page *page, size_t limit, size_t *out_count,
                                 bool *out_ended, struct gf_error *err) {
    const struct gf_token after = {.create_time = page->position.numbers[0],
                                   .token_id = page->position.text};
    struct gf_token *items = NULL;
    const enum gf_code rc =
        page->read->store->list_tokens(page->read->reader, after.token_id.len == 0 ? NULL : &after,
                                       limit, page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static bool is_wanted(const struct gf_list_page *page, const struct gf_token *token) {
    const struct token_list *list = page->data;
    return (list->kinds == 0 || (list->kinds >> token->kind & 1) != 0) &&
           (list->user.len == 0 || gf_str_eq(list->user, token->user)) &&
           gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_TOKENS, GF_STR(""),
                       token->token_id);
}

static enum gf_code take_token(struct gf_list_page *page, size_t index, void **out_message,
                               GF_UNUSED struct gf_error *err) {
    const struct gf_token *token = &((const struct gf_token *)page->items)[index];
    page->position.numbers[0] = token->create_time;
    page->position.text = token->token_id;
    if (is_wanted(page, token)) {
        *out_message = show(page->read->services, token, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code read_kinds(const Gofer__V1__ListTokensRequest *request, uint32_t *out_kinds,
                               struct gf_error *err) {
    uint32_t kinds = 0;
    for (size_t i = 0; i < request->n_kinds; i++) {
        if (!gf_token_kind_valid((int64_t)request->kinds[i])) {
            char field[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(field, sizeof(field), "kinds[%zu]", i);
            return gf_fail_field(err, field, "%d is no kind of token", (int)request->kinds[i]);
        }
        kinds |= 1u << request->kinds[i];
    }
    *out_kinds = kinds;
    return GF_OK;
}

/* Tokens of runs are made of the runs and are no rows: asked for alone, there are none. */
static enum gf_code list_tokens(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListTokensRequest *request = (const void *)read->request;
    struct token_list list = {.user = gf_str_from(request->user)};
    struct gf_list_page page;
    enum gf_code rc = read_kinds(request, &list.kinds, err);
    if (rc == GF_OK) {
        rc = gf_list_page_init(&page, read, "tokens", request->page_size, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    page.data = &list;
    page.conceals = true;
    gf_page_scope_number(&page.scope, list.kinds);
    gf_page_scope_text(&page.scope, list.user);
    return gf_list_page_answer(&page, request->page_token, fetch_tokens, take_token,
                               &gofer__v1__list_tokens_response__descriptor, err);
}

static void start_list_tokens(struct gf_rpc_call *call, const Gofer__V1__ListTokensRequest *request,
                              void *ctx) {
    gf_read_start(call, &request->base, ctx, list_tokens);
}

/* ---- Who am I ---- */

static Gofer__V1__Token *show_run(const struct gf_principal *principal, struct gf_arena *arena) {
    Gofer__V1__Token *message = GF_MESSAGE_NEW(arena, Gofer__V1__Token, gofer__v1__token);
    message->token_id = gf_message_text(principal->token_id, arena);
    message->kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_RUN;
    message->user = gf_message_text(principal->user, arena);
    message->state = GOFER__V1__TOKEN_STATE__TOKEN_STATE_ENABLED;
    message->namespace_id = gf_message_text(principal->run.namespace_id, arena);
    message->pipeline_id = gf_message_text(principal->run.pipeline_id, arena);
    message->run_id = principal->run.run_id;
    return message;
}

static Gofer__V1__Token *show_container(const struct gf_principal *principal,
                                        struct gf_arena *arena) {
    Gofer__V1__Token *message = GF_MESSAGE_NEW(arena, Gofer__V1__Token, gofer__v1__token);
    message->kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_EXTENSION;
    message->user = gf_message_text(principal->user, arena);
    message->state = GOFER__V1__TOKEN_STATE__TOKEN_STATE_ENABLED;
    message->extension_id = gf_message_text(principal->extension_id, arena);
    return message;
}

static enum gf_code show_caller(struct gf_read *read, Gofer__V1__Token **out,
                                struct gf_error *err) {
    const struct gf_principal *principal = read->principal;
    struct gf_token token = {0};
    if (principal->kind == GF_PRINCIPAL_RUN) {
        *out = show_run(principal, read->arena);
    } else if (principal->kind == GF_PRINCIPAL_CONTAINER) {
        *out = show_container(principal, read->arena);
    } else if (principal->kind == GF_PRINCIPAL_TOKEN) {
        const enum gf_code rc =
            read->store->get_token(read->reader, principal->token_id, read->arena, &token, err);
        if (rc != GF_OK) {
            return rc;
        }
        *out = show(read->services, &token, read->arena);
    }
    return GF_OK;
}

/* The permissions of all the caller's roles; in development mode those of the one that has all. */
static void show_permissions(struct gf_read *read, Gofer__V1__WhoAmIResponse *response) {
    const struct gf_role *everything = gf_system_role(GF_STR("admin"));
    const struct gf_role **roles = &everything;
    size_t role_count = 1;
    size_t total = 0;
    if (read->principal->kind != GF_PRINCIPAL_DEVELOPMENT) {
        gf_principal_roles(read->principal, read->arena, &roles, &role_count);
    }
    for (size_t i = 0; i < role_count; i++) {
        total += roles[i]->permission_count;
    }
    response->permissions = GF_ARENA_ARRAY(read->arena, total, Gofer__V1__Permission *);
    for (size_t i = 0; i < role_count; i++) {
        Gofer__V1__Permission **messages = gf_permissions_to_messages(
            roles[i]->permissions, roles[i]->permission_count, read->arena);
        for (size_t k = 0; k < roles[i]->permission_count; k++) {
            response->permissions[response->n_permissions++] = messages[k];
        }
    }
}

static enum gf_code who_am_i(struct gf_read *read, struct gf_error *err) {
    Gofer__V1__WhoAmIResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__WhoAmIResponse, gofer__v1__who_am_iresponse);
    const enum gf_code rc = show_caller(read, &response->token, err);
    if (rc == GF_OK) {
        show_permissions(read, response);
    }
    read->response = &response->base;
    return rc;
}

static void start_who_am_i(struct gf_rpc_call *call, const Gofer__V1__WhoAmIRequest *request,
                           void *ctx) {
    gf_read_start(call, &request->base, ctx, who_am_i);
}

/* ---- Changing ---- */

/* A command about the one token that a request names. */
static struct gf_command_call *about(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                     void *ctx, enum gf_input_kind kind, gf_respond_fn *respond,
                                     const char *token_id) {
    struct gf_command_call *self = gf_command_call_create(call, request, ctx, kind, respond);
    struct gf_token *row = GF_ARENA_NEW(self->arena, struct gf_token);
    row->token_id = gf_str_from(token_id);
    self->command.input.u.token.row = row;
    return self;
}

static const ProtobufCMessage *respond_enabled(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__EnableTokenResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__EnableTokenResponse, gofer__v1__enable_token_response);
    response->token = show(self->services, reply->token, self->arena);
    response->changed = !reply->unchanged;
    return &response->base;
}

/* Who lets a token in again gives its roles away: as if it were new. */
static enum gf_code check_rights(struct gf_command_call *self, struct gf_error *err) {
    struct gf_token token = {0};
    struct gf_arena arena;
    struct gf_read read;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, self->services, &arena);
    read.principal = gf_principal_of(self->call);
    enum gf_code rc = read.store->get_token(read.reader, self->command.input.u.token.row->token_id,
                                            &arena, &token, err);
    if (rc == GF_OK) {
        rc = gf_token_check_roles(&read, token.role_ids, token.role_count, NULL, err);
    }
    if (rc == GF_OK) {
        rc = gf_token_check_extension(&read, &token, NULL, err);
    }
    gf_read_close(&read);
    gf_arena_fini(&arena);
    return rc;
}

/* On a worker. */
static void prepare_enable(void *ctx) {
    struct gf_command_call *self = ctx;
    struct gf_error error = {0};
    const enum gf_code rc = check_rights(self, &error);
    gf_command_call_submit_checked(self, rc, &error);
}

static void enable_token(struct gf_rpc_call *call, const Gofer__V1__EnableTokenRequest *request,
                         void *ctx) {
    struct gf_command_call *self =
        about(call, &request->base, ctx, GF_INPUT_ENABLE_TOKEN, respond_enabled, request->token_id);
    struct gf_error error = {0};
    enum gf_code rc = gf_identifier_check(gf_str_from(request->token_id), "token_id", &error);
    if (rc == GF_OK) {
        rc = gf_pool_submit(self->services->pool, prepare_enable, self, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self, &error);
    }
}

static const ProtobufCMessage *respond_disabled(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    Gofer__V1__DisableTokenResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__DisableTokenResponse, gofer__v1__disable_token_response);
    response->token = show(self->services, reply->token, self->arena);
    response->changed = !reply->unchanged;
    return &response->base;
}

static void disable_token(struct gf_rpc_call *call, const Gofer__V1__DisableTokenRequest *request,
                          void *ctx) {
    struct gf_command_call *self = about(call, &request->base, ctx, GF_INPUT_DISABLE_TOKEN,
                                         respond_disabled, request->token_id);
    struct gf_error error = {0};
    const enum gf_code rc = gf_identifier_check(gf_str_from(request->token_id), "token_id", &error);
    gf_command_call_submit_checked(self, rc, &error);
}

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    return &GF_MESSAGE_NEW(self->arena, Gofer__V1__DeleteTokenResponse,
                           gofer__v1__delete_token_response)
                ->base;
}

static void delete_token(struct gf_rpc_call *call, const Gofer__V1__DeleteTokenRequest *request,
                         void *ctx) {
    struct gf_command_call *self =
        about(call, &request->base, ctx, GF_INPUT_DELETE_TOKEN, respond_deleted, request->token_id);
    struct gf_error error = {0};
    const enum gf_code rc = gf_identifier_check(gf_str_from(request->token_id), "token_id", &error);
    gf_command_call_submit_checked(self, rc, &error);
}

static const ProtobufCMessage *respond_deleted_expired(struct gf_command_call *self,
                                                       const struct gf_reply *reply) {
    Gofer__V1__DeleteExpiredTokensResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__DeleteExpiredTokensResponse,
                       gofer__v1__delete_expired_tokens_response);
    response->deleted_count = reply->deleted_count;
    return &response->base;
}

static void delete_expired_tokens(struct gf_rpc_call *call,
                                  const Gofer__V1__DeleteExpiredTokensRequest *request, void *ctx) {
    gf_command_call_submit(gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DELETE_EXPIRED_TOKENS, respond_deleted_expired));
}

const struct gofer_v1_token_service_handlers gf_token_service = {
    .bootstrap_token = {.start = gf_token_bootstrap},
    .create_token = {.start = gf_token_create},
    .list_tokens = {.start = start_list_tokens},
    .get_token = {.start = start_get_token},
    .enable_token = {.start = enable_token},
    .disable_token = {.start = disable_token},
    .delete_token = {.start = delete_token},
    .delete_expired_tokens = {.start = delete_expired_tokens},
    .who_am_i = {.start = start_who_am_i},
};
