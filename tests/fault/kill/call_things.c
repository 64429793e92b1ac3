#include "tests/fault/kill/call_things.h"

#include "gofer/v1/role.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "gofer/v1/token.gofer.h"
#include "tests/fault/kill/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct gf_rpc_call_opts OPTS = {.timeout_ms = CALL_TIMEOUT_MS};

static char *request_id(struct worker *worker, const struct change *change) {
    return gf_arena_printf(&worker->arena, "change-%" PRId64, change->number);
}

static char *id_of(struct worker *worker, const struct thing *thing) {
    return gf_arena_strdup(&worker->arena, thing->id);
}

static char *used_pipeline(struct worker *worker) {
    return gf_arena_strdup(&worker->arena, work_pipeline_id(WORK_secret));
}

/* ---- Tokens ---- */

static enum gf_code create_token(struct worker *worker, struct thing *thing,
                                 const struct change *change, struct gf_error *err) {
    char *role_id = "reader";
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    Gofer__V1__CreateTokenResponse *response = NULL;
    request.user = request_id(worker, change);
    request.role_ids = &role_id;
    request.n_role_ids = 1;
    request.request_id = request.user;
    const enum gf_code rc = gofer_v1_token_service_create_token(worker->channel, &OPTS, &request,
                                                                &worker->arena, &response, err);
    if (rc == GF_OK) {
        (void)snprintf(thing->id, sizeof(thing->id), "%s", response->token->token_id);
        (void)snprintf(thing->text, sizeof(thing->text), "%s", response->token_text);
    }
    return rc;
}

static enum gf_code change_token(struct worker *worker, struct thing *thing,
                                 const struct change *change, struct gf_error *err) {
    struct gf_rpc_channel *channel = worker->channel;
    struct gf_arena *arena = &worker->arena;
    if (change->kind == CHANGE_CREATE) {
        return create_token(worker, thing, change, err);
    }
    if (change->kind == CHANGE_ENABLE) {
        Gofer__V1__EnableTokenRequest request = GOFER__V1__ENABLE_TOKEN_REQUEST__INIT;
        Gofer__V1__EnableTokenResponse *response = NULL;
        request.token_id = id_of(worker, thing);
        return gofer_v1_token_service_enable_token(channel, &OPTS, &request, arena, &response, err);
    }
    if (change->kind == CHANGE_DISABLE) {
        Gofer__V1__DisableTokenRequest request = GOFER__V1__DISABLE_TOKEN_REQUEST__INIT;
        Gofer__V1__DisableTokenResponse *response = NULL;
        request.token_id = id_of(worker, thing);
        return gofer_v1_token_service_disable_token(channel, &OPTS, &request, arena, &response,
                                                    err);
    }
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    Gofer__V1__DeleteTokenResponse *response = NULL;
    request.token_id = id_of(worker, thing);
    return gofer_v1_token_service_delete_token(channel, &OPTS, &request, arena, &response, err);
}

/* ---- Roles ---- */

static enum gf_code create_role(struct worker *worker, const struct thing *thing,
                                const struct change *change, struct gf_error *err) {
    Gofer__V1__PermissionTarget target = GOFER__V1__PERMISSION_TARGET__INIT;
    Gofer__V1__PermissionTarget *targets[] = {&target};
    Gofer__V1__PermissionAction actions[] = {GOFER__V1__PERMISSION_ACTION__PERMISSION_ACTION_READ};
    Gofer__V1__Permission permission = GOFER__V1__PERMISSION__INIT;
    Gofer__V1__Permission *permissions[] = {&permission};
    target.resource = GOFER__V1__PERMISSION_RESOURCE__PERMISSION_RESOURCE_IMAGES;
    permission.targets = targets;
    permission.n_targets = 1;
    permission.actions = actions;
    permission.n_actions = 1;
    Gofer__V1__CreateRoleRequest request = GOFER__V1__CREATE_ROLE_REQUEST__INIT;
    Gofer__V1__CreateRoleResponse *response = NULL;
    request.role_id = id_of(worker, thing);
    request.description = request_id(worker, change);
    request.permissions = permissions;
    request.n_permissions = 1;
    request.request_id = request.description;
    return gofer_v1_role_service_create_role(worker->channel, &OPTS, &request, &worker->arena,
                                             &response, err);
}

static enum gf_code change_role(struct worker *worker, const struct thing *thing,
                                const struct change *change, struct gf_error *err) {
    if (change->kind == CHANGE_CREATE) {
        return create_role(worker, thing, change, err);
    }
    if (change->kind == CHANGE_WRITE) {
        char *path = "description";
        Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
        Gofer__V1__UpdateRoleRequest request = GOFER__V1__UPDATE_ROLE_REQUEST__INIT;
        Gofer__V1__UpdateRoleResponse *response = NULL;
        mask.paths = &path;
        mask.n_paths = 1;
        request.role_id = id_of(worker, thing);
        request.description = request_id(worker, change);
        request.update_mask = &mask;
        return gofer_v1_role_service_update_role(worker->channel, &OPTS, &request, &worker->arena,
                                                 &response, err);
    }
    Gofer__V1__DeleteRoleRequest request = GOFER__V1__DELETE_ROLE_REQUEST__INIT;
    Gofer__V1__DeleteRoleResponse *response = NULL;
    request.role_id = id_of(worker, thing);
    return gofer_v1_role_service_delete_role(worker->channel, &OPTS, &request, &worker->arena,
                                             &response, err);
}

/* ---- Secrets ---- */

static void fill_value(struct worker *worker, const struct change *change,
                       Gofer__V1__SecretValue *value) {
    const char *text = thing_value(worker, change->number);
    value->form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    value->plaintext.data = (uint8_t *)gf_arena_strdup(&worker->arena, text);
    value->plaintext.len = strlen(text);
}

static enum gf_code change_secret(struct worker *worker, const struct thing *thing,
                                  struct change *change, struct gf_error *err) {
    if (change->kind == CHANGE_DELETE) {
        Gofer__V1__DeletePipelineSecretRequest request =
            GOFER__V1__DELETE_PIPELINE_SECRET_REQUEST__INIT;
        Gofer__V1__DeletePipelineSecretResponse *response = NULL;
        request.pipeline_id = used_pipeline(worker);
        request.key = id_of(worker, thing);
        return gofer_v1_secret_service_delete_pipeline_secret(worker->channel, &OPTS, &request,
                                                              &worker->arena, &response, err);
    }
    Gofer__V1__SecretValue value = GOFER__V1__SECRET_VALUE__INIT;
    Gofer__V1__PutPipelineSecretRequest request = GOFER__V1__PUT_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__PutPipelineSecretResponse *response = NULL;
    fill_value(worker, change, &value);
    request.pipeline_id = used_pipeline(worker);
    request.key = id_of(worker, thing);
    request.value = &value;
    request.force = thing->there;
    request.request_id = request_id(worker, change);
    const enum gf_code rc = gofer_v1_secret_service_put_pipeline_secret(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    if (rc == GF_OK) {
        change->version = response->secret->latest_version;
    }
    return rc;
}

static enum gf_code change_global_secret(struct worker *worker, const struct thing *thing,
                                         struct change *change, struct gf_error *err) {
    if (change->kind == CHANGE_DELETE) {
        Gofer__V1__DeleteGlobalSecretRequest request =
            GOFER__V1__DELETE_GLOBAL_SECRET_REQUEST__INIT;
        Gofer__V1__DeleteGlobalSecretResponse *response = NULL;
        request.key = id_of(worker, thing);
        return gofer_v1_secret_service_delete_global_secret(worker->channel, &OPTS, &request,
                                                            &worker->arena, &response, err);
    }
    char *everywhere = "*";
    Gofer__V1__SecretValue value = GOFER__V1__SECRET_VALUE__INIT;
    Gofer__V1__PutGlobalSecretRequest request = GOFER__V1__PUT_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__PutGlobalSecretResponse *response = NULL;
    fill_value(worker, change, &value);
    request.key = id_of(worker, thing);
    request.value = &value;
    request.namespaces = &everywhere;
    request.n_namespaces = 1;
    request.force = thing->there;
    request.request_id = request_id(worker, change);
    const enum gf_code rc = gofer_v1_secret_service_put_global_secret(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    if (rc == GF_OK) {
        change->version = response->secret->latest_version;
    }
    return rc;
}

/* The master keys now and then, those of sealed values and those of namespaces else. */
static enum gf_code rotate(struct worker *worker, const struct change *change,
                           struct gf_error *err) {
    Gofer__V1__RotateSecretKeysRequest request = GOFER__V1__ROTATE_SECRET_KEYS_REQUEST__INIT;
    Gofer__V1__RotateSecretKeysResponse *response = NULL;
    request.scope = change->number % 4 == 0 ? GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_MASTER
                    : change->number % 4 == 1
                        ? GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_SEALING
                        : GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_NAMESPACE;
    request.request_id = request_id(worker, change);
    return gofer_v1_secret_service_rotate_secret_keys(worker->channel, &OPTS, &request,
                                                      &worker->arena, &response, err);
}

enum gf_code call_change(struct worker *worker, struct thing *thing, struct change *change,
                         struct gf_error *err) {
    switch (thing->kind) {
    case THING_TOKEN:
        return change_token(worker, thing, change, err);
    case THING_ROLE:
        return change_role(worker, thing, change, err);
    case THING_SECRET:
        return change_secret(worker, thing, change, err);
    case THING_GLOBAL_SECRET:
        return change_global_secret(worker, thing, change, err);
    case THING_KEYS:
        return rotate(worker, change, err);
    }
    gf_unreachable();
}

/* ---- Looking ---- */

static enum gf_code look_at_token(struct worker *worker, const struct thing *thing,
                                  struct seen_thing *out, struct gf_error *err) {
    Gofer__V1__GetTokenRequest request = GOFER__V1__GET_TOKEN_REQUEST__INIT;
    Gofer__V1__GetTokenResponse *response = NULL;
    request.token_id = id_of(worker, thing);
    const enum gf_code rc = gofer_v1_token_service_get_token(worker->channel, &OPTS, &request,
                                                             &worker->arena, &response, err);
    if (rc == GF_OK) {
        out->disabled = response->token->state == GOFER__V1__TOKEN_STATE__TOKEN_STATE_DISABLED;
    }
    return rc;
}

static enum gf_code look_at_role(struct worker *worker, const struct thing *thing,
                                 struct seen_thing *out, struct gf_error *err) {
    Gofer__V1__GetRoleRequest request = GOFER__V1__GET_ROLE_REQUEST__INIT;
    Gofer__V1__GetRoleResponse *response = NULL;
    request.role_id = id_of(worker, thing);
    const enum gf_code rc = gofer_v1_role_service_get_role(worker->channel, &OPTS, &request,
                                                           &worker->arena, &response, err);
    if (rc == GF_OK) {
        out->description = response->role->description;
    }
    return rc;
}

static void see_value(struct worker *worker, const ProtobufCBinaryData *plaintext, int64_t version,
                      struct seen_thing *out) {
    const struct gf_str value = {(const char *)plaintext->data, plaintext->len};
    out->value = gf_arena_str(&worker->arena, value).ptr;
    out->version = version;
}

static enum gf_code look_at_secret(struct worker *worker, const struct thing *thing,
                                   struct seen_thing *out, struct gf_error *err) {
    Gofer__V1__RevealPipelineSecretRequest request =
        GOFER__V1__REVEAL_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__RevealPipelineSecretResponse *response = NULL;
    request.pipeline_id = used_pipeline(worker);
    request.key = id_of(worker, thing);
    const enum gf_code rc = gofer_v1_secret_service_reveal_pipeline_secret(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    if (rc == GF_OK) {
        see_value(worker, &response->plaintext, response->version, out);
    }
    return rc;
}

static enum gf_code look_at_global_secret(struct worker *worker, const struct thing *thing,
                                          struct seen_thing *out, struct gf_error *err) {
    Gofer__V1__RevealGlobalSecretRequest request = GOFER__V1__REVEAL_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__RevealGlobalSecretResponse *response = NULL;
    request.key = id_of(worker, thing);
    const enum gf_code rc = gofer_v1_secret_service_reveal_global_secret(
        worker->channel, &OPTS, &request, &worker->arena, &response, err);
    if (rc == GF_OK) {
        see_value(worker, &response->plaintext, response->version, out);
    }
    return rc;
}

enum gf_code call_look(struct worker *worker, const struct thing *thing, struct seen_thing *out,
                       struct gf_error *err) {
    *out = (struct seen_thing){.description = ""};
    switch (thing->kind) {
    case THING_TOKEN:
        return look_at_token(worker, thing, out, err);
    case THING_ROLE:
        return look_at_role(worker, thing, out, err);
    case THING_SECRET:
        return look_at_secret(worker, thing, out, err);
    case THING_GLOBAL_SECRET:
        return look_at_global_secret(worker, thing, out, err);
    case THING_KEYS:
        break;
    }
    gf_unreachable();
}

/* ---- Calls of other callers ---- */

static struct gf_rpc_channel *channel_with(struct worker *worker, const char *token) {
    const struct gf_rpc_channel_opts opts = {.bearer_token = token, .user_agent = "kill-other"};
    struct gf_rpc_channel *channel = NULL;
    struct gf_error err = {0};
    if (gf_rpc_channel_create(worker->work->address, &opts, &channel, &err) != GF_OK) {
        work_failed("connect: %s", err.message);
    }
    return channel;
}

enum gf_code call_who_am_i(struct worker *worker, const char *token, struct gf_error *err) {
    GF_CLEANUP(gf_rpc_channel_destroy_p)
    struct gf_rpc_channel *channel = channel_with(worker, token);
    Gofer__V1__WhoAmIRequest request = GOFER__V1__WHO_AM_IREQUEST__INIT;
    Gofer__V1__WhoAmIResponse *response = NULL;
    return gofer_v1_token_service_who_am_i(channel, &OPTS, &request, &worker->arena, &response,
                                           err);
}

enum gf_code call_bootstrap(struct worker *worker, struct gf_error *err) {
    GF_CLEANUP(gf_rpc_channel_destroy_p)
    struct gf_rpc_channel *channel = channel_with(worker, NULL);
    Gofer__V1__BootstrapTokenRequest request = GOFER__V1__BOOTSTRAP_TOKEN_REQUEST__INIT;
    Gofer__V1__BootstrapTokenResponse *response = NULL;
    return gofer_v1_token_service_bootstrap_token(channel, &OPTS, &request, &worker->arena,
                                                  &response, err);
}
