#include "tests/integration/access.h"

#include <stdarg.h>

#include <criterion/criterion.h>

enum {
    CHANNELS_MAX = 32,
    PERMISSIONS_MAX = 8,
};

static struct gf_rpc_channel *channels[CHANNELS_MAX];
static size_t channel_count;

static void must(enum gf_code rc, const char *what) {
    cr_assert_eq(rc, GF_OK, "%s: %s: %s (%s)", what, gf_code_name(rc), error.message, error.field);
}

void access_setup(void) {
    client_setup_auth();
}

void access_teardown(void) {
    for (size_t i = 0; i < channel_count; i++) {
        gf_rpc_channel_destroy(channels[i]);
    }
    channel_count = 0;
    client_teardown();
}

Gofer__V1__Permission *may(char *ns, Gofer__V1__PermissionResource resource, char *glob,
                           Gofer__V1__PermissionAction action) {
    Gofer__V1__Permission *permission = GF_ARENA_NEW(&arena, Gofer__V1__Permission);
    Gofer__V1__PermissionTarget *target = GF_ARENA_NEW(&arena, Gofer__V1__PermissionTarget);
    gofer__v1__permission__init(permission);
    gofer__v1__permission_target__init(target);
    target->resource = resource;
    if (glob != NULL) {
        target->globs = GF_ARENA_NEW(&arena, char *);
        target->globs[target->n_globs++] = glob;
    }
    if (ns != NULL) {
        permission->namespaces = GF_ARENA_NEW(&arena, char *);
        permission->namespaces[permission->n_namespaces++] = ns;
    }
    permission->targets = GF_ARENA_NEW(&arena, Gofer__V1__PermissionTarget *);
    permission->targets[permission->n_targets++] = target;
    permission->actions = GF_ARENA_NEW(&arena, Gofer__V1__PermissionAction);
    permission->actions[permission->n_actions++] = action;
    return permission;
}

void make_role(char *role_id, ...) {
    Gofer__V1__CreateRoleRequest request = GOFER__V1__CREATE_ROLE_REQUEST__INIT;
    Gofer__V1__CreateRoleResponse *response = NULL;
    Gofer__V1__Permission *permissions[PERMISSIONS_MAX];
    Gofer__V1__Permission *permission = NULL;
    va_list args;
    va_start(args, role_id);
    while ((permission = va_arg(args, Gofer__V1__Permission *)) != NULL) {
        cr_assert_lt(request.n_permissions, PERMISSIONS_MAX);
        permissions[request.n_permissions++] = permission;
    }
    va_end(args);
    request.role_id = role_id;
    request.permissions = permissions;
    must(gofer_v1_role_service_create_role(harness.channel, NULL, &request, &arena, &response,
                                           &error),
         "create role");
}

char *make_token(char *user, char *role_id, Gofer__V1__Token **out_token) {
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    Gofer__V1__CreateTokenResponse *response = NULL;
    request.user = user;
    request.n_role_ids = 1;
    request.role_ids = &role_id;
    must(gofer_v1_token_service_create_token(harness.channel, NULL, &request, &arena, &response,
                                             &error),
         "create token");
    if (out_token != NULL) {
        *out_token = response->token;
    }
    return response->token_text;
}

struct gf_rpc_channel *log_in_with(const char *token) {
    cr_assert_lt(channel_count, CHANNELS_MAX);
    channels[channel_count] = gf_harness_open(&harness, NULL, token);
    return channels[channel_count++];
}

struct gf_rpc_channel *log_in(char *user, char *role_id) {
    return log_in_with(make_token(user, role_id, NULL));
}

void create_namespace(char *namespace_id) {
    Gofer__V1__CreateNamespaceRequest request = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__CreateNamespaceResponse *response = NULL;
    request.namespace_id = namespace_id;
    must(gofer_v1_namespace_service_create_namespace(harness.channel, NULL, &request, &arena,
                                                     &response, &error),
         "create namespace");
}

void register_in(char *namespace_id, char *pipeline_id) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    request.namespace_id = namespace_id;
    request.spec = make_spec(pipeline_id, "one");
    must(gofer_v1_pipeline_config_service_register_pipeline_config(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
         "register");
}
