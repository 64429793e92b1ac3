#include "tests/integration/access.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(role, .init = access_setup, .fini = access_teardown);

static enum gf_code create(struct gf_rpc_channel *channel, char *role_id,
                           Gofer__V1__Permission *permission, Gofer__V1__CreateRoleResponse **out) {
    Gofer__V1__CreateRoleRequest request = GOFER__V1__CREATE_ROLE_REQUEST__INIT;
    Gofer__V1__CreateRoleResponse *response = NULL;
    request.role_id = role_id;
    request.description = "A role.";
    request.permissions = &permission;
    request.n_permissions = permission == NULL ? 0 : 1;
    return gofer_v1_role_service_create_role(channel, NULL, &request, &arena,
                                             out == NULL ? &response : out, &error);
}

static enum gf_code get(struct gf_rpc_channel *channel, char *role_id, Gofer__V1__Role **out) {
    Gofer__V1__GetRoleRequest request = GOFER__V1__GET_ROLE_REQUEST__INIT;
    Gofer__V1__GetRoleResponse *response = NULL;
    request.role_id = role_id;
    const enum gf_code rc =
        gofer_v1_role_service_get_role(channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->role;
    }
    return rc;
}

static enum gf_code update(struct gf_rpc_channel *channel, char *role_id, char *description,
                           Gofer__V1__Permission *permission, bool *out_changed) {
    Gofer__V1__UpdateRoleRequest request = GOFER__V1__UPDATE_ROLE_REQUEST__INIT;
    Gofer__V1__UpdateRoleResponse *response = NULL;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *paths[2];
    mask.paths = paths;
    if (description != NULL) {
        request.description = description;
        paths[mask.n_paths++] = "description";
    }
    if (permission != NULL) {
        request.permissions = &permission;
        request.n_permissions = 1;
        paths[mask.n_paths++] = "permissions";
    }
    request.role_id = role_id;
    request.update_mask = &mask;
    const enum gf_code rc =
        gofer_v1_role_service_update_role(channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out_changed = response->changed;
    }
    return rc;
}

static enum gf_code delete_one(struct gf_rpc_channel *channel, char *role_id) {
    Gofer__V1__DeleteRoleRequest request = GOFER__V1__DELETE_ROLE_REQUEST__INIT;
    Gofer__V1__DeleteRoleResponse *response = NULL;
    request.role_id = role_id;
    return gofer_v1_role_service_delete_role(channel, NULL, &request, &arena, &response, &error);
}

static size_t list_all(struct gf_rpc_channel *channel, int32_t page_size, char **out_ids,
                       size_t most) {
    Gofer__V1__ListRolesRequest request = GOFER__V1__LIST_ROLES_REQUEST__INIT;
    Gofer__V1__ListRolesResponse *response = NULL;
    size_t count = 0;
    request.page_size = page_size;
    do {
        cr_assert_eq(
            gofer_v1_role_service_list_roles(channel, NULL, &request, &arena, &response, &error),
            GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_roles; i++) {
            cr_assert_lt(count, most);
            out_ids[count++] = response->roles[i]->role_id;
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    return count;
}

static Gofer__V1__Permission *read_pipelines(char *ns) {
    return may(ns, RESOURCE(PIPELINES), NULL, ACTION(READ));
}

Test(role, lives_and_goes) {
    Gofer__V1__CreateRoleResponse *created = NULL;
    Gofer__V1__Role *role = NULL;
    bool changed = false;
    cr_assert_eq(create(harness.channel, "team", read_pipelines("team-*"), &created), GF_OK, "%s",
                 error.message);
    cr_expect_not_null(created->role->create_time);
    cr_expect_not(created->role->system_role);
    cr_expect_eq(create(harness.channel, "team", read_pipelines("*"), NULL), GF_ALREADY_EXISTS);
    cr_assert_eq(update(harness.channel, "team", "Ours.", NULL, &changed), GF_OK, "%s",
                 error.message);
    cr_expect(changed);
    cr_assert_eq(update(harness.channel, "team", "Ours.", read_pipelines("team-*"), &changed),
                 GF_OK);
    cr_expect_not(changed);
    gf_harness_restart(&harness);
    cr_assert_eq(get(harness.channel, "team", &role), GF_OK, "%s", error.message);
    cr_expect_str_eq(role->description, "Ours.");
    cr_assert_eq(role->n_permissions, 1);
    cr_expect_str_eq(role->permissions[0]->namespaces[0], "team-*");
    cr_assert_eq(delete_one(harness.channel, "team"), GF_OK, "%s", error.message);
    cr_expect_eq(delete_one(harness.channel, "team"), GF_NOT_FOUND);
    expect_error(get(harness.channel, "team", &role), GF_NOT_FOUND, "", "role 'team' not found");
    cr_expect_eq(update(harness.channel, "team", "x", NULL, &changed), GF_NOT_FOUND);
}

Test(role, a_request_id_makes_one) {
    Gofer__V1__CreateRoleRequest request = GOFER__V1__CREATE_ROLE_REQUEST__INIT;
    Gofer__V1__CreateRoleResponse *response = NULL;
    Gofer__V1__Permission *permission = read_pipelines("*");
    request.role_id = "team";
    request.permissions = &permission;
    request.n_permissions = 1;
    request.request_id = "req-1";
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(gofer_v1_role_service_create_role(harness.channel, NULL, &request, &arena,
                                                       &response, &error),
                     GF_OK, "%s", error.message);
        cr_expect_str_eq(response->role->role_id, "team");
    }
    request.role_id = "other";
    cr_expect_eq(gofer_v1_role_service_create_role(harness.channel, NULL, &request, &arena,
                                                   &response, &error),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
}

Test(role, those_of_the_system_stay) {
    Gofer__V1__Role *role = NULL;
    bool changed = false;
    cr_assert_eq(get(harness.channel, "reader", &role), GF_OK, "%s", error.message);
    cr_expect(role->system_role);
    cr_expect_null(role->create_time);
    cr_expect_eq(create(harness.channel, "reader", read_pipelines("*"), NULL), GF_ALREADY_EXISTS);
    cr_expect_eq(update(harness.channel, "reader", "x", NULL, &changed), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "SYSTEM_ROLE");
    cr_expect_eq(update(harness.channel, "reader", NULL, read_pipelines("*"), &changed),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "SYSTEM_ROLE");
    cr_expect_eq(delete_one(harness.channel, "reader"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "SYSTEM_ROLE");
}

Test(role, one_in_use_stays) {
    Gofer__V1__Token *token = NULL;
    make_role("team", read_pipelines("team"), NULL);
    (void)make_token("ada", "team", &token);
    cr_expect_eq(delete_one(harness.channel, "team"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "ROLE_IN_USE");
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    Gofer__V1__DeleteTokenResponse *response = NULL;
    request.token_id = token->token_id;
    cr_assert_eq(gofer_v1_token_service_delete_token(harness.channel, NULL, &request, &arena,
                                                     &response, &error),
                 GF_OK);
    cr_expect_eq(delete_one(harness.channel, "team"), GF_OK, "%s", error.message);
}

Test(role, bad_requests_name_their_field) {
    Gofer__V1__UpdateRoleRequest request = GOFER__V1__UPDATE_ROLE_REQUEST__INIT;
    Gofer__V1__UpdateRoleResponse *response = NULL;
    cr_expect_eq(create(harness.channel, "x", read_pipelines("*"), NULL), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "role_id");
    cr_expect_eq(create(harness.channel, "team", NULL, NULL), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "permissions");
    cr_expect_eq(create(harness.channel, "team", read_pipelines("no good"), NULL),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "permissions[0].namespaces[0]");
    cr_expect_eq(create(harness.channel, "team",
                        may("*", RESOURCE(PIPELINES), NULL, ACTION(REVEAL_SECRET)), NULL),
                 GF_INVALID_ARGUMENT);
    cr_expect_eq(create(harness.channel, "team",
                        may("*", (Gofer__V1__PermissionResource)99, NULL, ACTION(READ)), NULL),
                 GF_INVALID_ARGUMENT);
    request.role_id = "team";
    expect_error(gofer_v1_role_service_update_role(harness.channel, NULL, &request, &arena,
                                                   &response, &error),
                 GF_INVALID_ARGUMENT, "update_mask", "names no field to change");
    Gofer__V1__ListRolesRequest list = GOFER__V1__LIST_ROLES_REQUEST__INIT;
    Gofer__V1__ListRolesResponse *listed = NULL;
    list.page_size = -1;
    expect_error(
        gofer_v1_role_service_list_roles(harness.channel, NULL, &list, &arena, &listed, &error),
        GF_INVALID_ARGUMENT, "page_size", "value is -1, expected 0 or more");
}

Test(role, nobody_makes_one_that_is_stronger) {
    bool changed = false;
    make_role("role-maker", may(NULL, RESOURCE(ROLES), NULL, ACTION(ALL)),
              may("team-*", RESOURCE(PIPELINES), NULL, ACTION(READ)), NULL);
    make_role("strong", read_pipelines("*"), NULL);
    struct gf_rpc_channel *maker = log_in("maker", "role-maker");
    cr_expect_eq(create(maker, "team-a", read_pipelines("team-a"), NULL), GF_OK, "%s",
                 error.message);
    cr_expect_eq(create(maker, "all", read_pipelines("*"), NULL), GF_PERMISSION_DENIED);
    cr_expect_eq(update(maker, "team-a", NULL, read_pipelines("*"), &changed),
                 GF_PERMISSION_DENIED);
    cr_expect_eq(update(maker, "team-a", NULL, read_pipelines("team-b*"), &changed), GF_OK, "%s",
                 error.message);
}

Test(role, a_change_holds_at_once) {
    bool changed = false;
    Gofer__V1__GetNamespaceRequest request = GOFER__V1__GET_NAMESPACE_REQUEST__INIT;
    Gofer__V1__GetNamespaceResponse *response = NULL;
    make_role("team", read_pipelines("*"), NULL);
    struct gf_rpc_channel *ada = log_in("ada", "team");
    cr_expect_eq(
        gofer_v1_namespace_service_get_namespace(ada, NULL, &request, &arena, &response, &error),
        GF_PERMISSION_DENIED);
    cr_assert_eq(update(harness.channel, "team", NULL,
                        may("default", RESOURCE(NAMESPACES), NULL, ACTION(READ)), &changed),
                 GF_OK);
    cr_expect_eq(
        gofer_v1_namespace_service_get_namespace(ada, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
}

Test(role, lists_those_of_users_and_of_the_system_in_one_order) {
    char *ids[64];
    static const char *const expected[] = {
        "aaa", "admin", "anonymous",       "bbb",      "bootstrap", "developer", "ggg",
        "hhh", "iii",   "namespace-admin", "operator", "reader",    "zzz"};
    static char *const own[] = {"zzz", "aaa", "ggg", "bbb", "hhh", "iii"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(own); i++) {
        make_role(own[i], read_pipelines("*"), NULL);
    }
    for (int32_t page_size = 1; page_size <= 14; page_size++) {
        const size_t count = list_all(harness.channel, page_size, ids, 64);
        cr_assert_eq(count, GF_ARRAY_COUNT(expected), "%zu in pages of %d", count, page_size);
        for (size_t i = 0; i < count; i++) {
            cr_expect_str_eq(ids[i], expected[i]);
        }
    }
    make_role("viewer", may(NULL, RESOURCE(ROLES), "b*", ACTION(READ)), NULL);
    cr_assert_eq(list_all(log_in("ada", "viewer"), 1, ids, 64), 2);
    cr_expect_str_eq(ids[0], "bbb");
    cr_expect_str_eq(ids[1], "bootstrap");
}

Test(role, methods_tell_what_they_ask) {
    Gofer__V1__ListMethodPermissionsRequest request =
        GOFER__V1__LIST_METHOD_PERMISSIONS_REQUEST__INIT;
    Gofer__V1__ListMethodPermissionsResponse *response = NULL;
    const char *last = "";
    size_t count = 0;
    bool found = false;
    request.page_size = 20;
    do {
        cr_assert_eq(gofer_v1_role_service_list_method_permissions(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_methods; i++) {
            const Gofer__V1__MethodPermission *method = response->methods[i];
            cr_expect_lt(strcmp(last, method->method), 0, "%s", method->method);
            last = method->method;
            count++;
            if (strcmp(method->method, "gofer.v1.RunService/StartRun") == 0) {
                found = method->resource == RESOURCE(RUNS) && method->action == ACTION(WRITE);
            }
            if (strcmp(method->method, "gofer.v1.SystemService/GetSystemInfo") == 0) {
                cr_expect(method->open);
                cr_expect_eq((int)method->resource, 0);
            }
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    cr_expect(found);
    cr_expect_gt(count, 100);
}
