/* Tokens, roles and secrets as messages. */
#include "api/codec/model/message.h"
#include "api/codec/model/role.h"
#include "api/codec/model/secret.h"
#include "api/codec/model/token.h"
#include "engine/auth/system_roles.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, (size_t)16 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(access_messages, .init = setup, .fini = teardown);

/* ---- Tokens ---- */

static void expect_state(struct gf_token token, int64_t now, Gofer__V1__TokenState state) {
    cr_expect_eq((int)gf_token_to_message(&token, now, &arena)->state, (int)state, "at %lld",
                 (long long)now);
}

Test(access_messages, a_token_tells_all_but_its_digest) {
    static const struct gf_str ROLES[] = {GF_STR("zeta"), GF_STR("admin")};
    static const struct gf_label METADATA[] = {{GF_STR("team"), GF_STR("blue")}};
    struct gf_token token = {.token_id = GF_STR("tok_1"),
                             .kind = GF_TOKEN_KIND_EXTENSION,
                             .user = GF_STR("cron"),
                             .description = GF_STR("d"),
                             .role_ids = ROLES,
                             .role_count = 2,
                             .metadata = METADATA,
                             .metadata_count = 1,
                             .create_time = 1,
                             .expire_time = 2000000000,
                             .last_use_time = 60000000000,
                             .last_use_peer = GF_STR("ipv4:192.0.2.7:1"),
                             .extension_id = GF_STR("cron")};
    memset(token.digest.bytes, 'd', sizeof(token.digest.bytes));
    const Gofer__V1__Token *message = gf_token_to_message(&token, 0, &arena);
    cr_expect_str_eq(message->token_id, "tok_1");
    cr_expect_eq((int)message->kind, GOFER__V1__TOKEN_KIND__TOKEN_KIND_EXTENSION);
    cr_expect_str_eq(message->user, "cron");
    cr_expect_str_eq(message->description, "d");
    cr_assert_eq(message->n_role_ids, 2);
    cr_expect_str_eq(message->role_ids[0], "zeta", "the order is kept");
    cr_assert_eq(message->n_metadata, 1);
    cr_expect_str_eq(message->metadata[0]->value, "blue");
    cr_expect_eq(message->create_time->nanos, 1);
    cr_expect_eq(message->expire_time->seconds, 2);
    cr_expect_eq(message->last_use_time->seconds, 60);
    cr_expect_str_eq(message->last_use_peer, "ipv4:192.0.2.7:1");
    cr_expect_str_eq(message->extension_id, "cron");
    uint8_t bytes[1024];
    const size_t size = protobuf_c_message_get_packed_size(&message->base);
    cr_assert_lt(size, sizeof(bytes));
    (void)protobuf_c_message_pack(&message->base, bytes);
    cr_expect_null(memmem(bytes, size, "dddd", 4), "no part of the digest is in the message");
}

Test(access_messages, the_state_of_a_token_follows_from_the_time) {
    const struct gf_token forever = {.token_id = GF_STR("tok_1")};
    const struct gf_token until_100 = {.token_id = GF_STR("tok_1"), .expire_time = 100};
    const struct gf_token disabled = {
        .token_id = GF_STR("tok_1"), .expire_time = 100, .disabled = true};
    expect_state(forever, INT64_MAX, GOFER__V1__TOKEN_STATE__TOKEN_STATE_ENABLED);
    expect_state(until_100, 99, GOFER__V1__TOKEN_STATE__TOKEN_STATE_ENABLED);
    expect_state(until_100, 100, GOFER__V1__TOKEN_STATE__TOKEN_STATE_EXPIRED);
    expect_state(disabled, 99, GOFER__V1__TOKEN_STATE__TOKEN_STATE_DISABLED);
    expect_state(disabled, 101, GOFER__V1__TOKEN_STATE__TOKEN_STATE_DISABLED);
    cr_expect_null(gf_token_to_message(&forever, 1, &arena)->expire_time);
    cr_expect_null(gf_token_to_message(&forever, 1, &arena)->last_use_time);
}

/* ---- Roles ---- */

static bool same_texts(const struct gf_str *a, const struct gf_str *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!gf_str_eq(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

static void expect_same_permission(const struct gf_permission *actual,
                                   const struct gf_permission *expected) {
    cr_assert_eq(actual->namespace_count, expected->namespace_count);
    cr_expect(same_texts(actual->namespaces, expected->namespaces, actual->namespace_count));
    cr_assert_eq(actual->target_count, expected->target_count);
    for (size_t i = 0; i < expected->target_count; i++) {
        cr_expect_eq(actual->targets[i].resource, expected->targets[i].resource);
        cr_assert_eq(actual->targets[i].glob_count, expected->targets[i].glob_count);
        cr_expect(same_texts(actual->targets[i].globs, expected->targets[i].globs,
                             expected->targets[i].glob_count));
    }
    cr_assert_eq(actual->action_count, expected->action_count);
    for (size_t i = 0; i < expected->action_count; i++) {
        cr_expect_eq(actual->actions[i], expected->actions[i]);
    }
    cr_expect_eq(actual->run_id, GF_PERMISSION_RUN_ANY);
}

Test(access_messages, permissions_lose_nothing_on_their_way) {
    size_t count = 0;
    const struct gf_role *roles = gf_system_roles(&count);
    cr_assert_gt(count, 2);
    for (size_t i = 0; i < count; i++) {
        const Gofer__V1__Role *message = gf_role_to_message(&roles[i], &arena);
        cr_assert_eq(message->n_permissions, roles[i].permission_count);
        cr_expect(message->system_role);
        const struct gf_permission *back =
            gf_permissions_from_messages(message->permissions, message->n_permissions, &arena);
        for (size_t p = 0; p < roles[i].permission_count; p++) {
            expect_same_permission(&back[p], &roles[i].permissions[p]);
        }
        cr_expect_eq(gf_permissions_check(back, message->n_permissions, NULL), GF_OK);
    }
}

/* A permission that is right but for what a test makes wrong. */
struct request {
    Gofer__V1__PermissionAction actions[GF_PERMISSION_ACTIONS_MAX + 1];
    Gofer__V1__Permission *permissions[GF_ROLE_PERMISSIONS_MAX + 1];
};

static Gofer__V1__Permission *fill(struct request *request) {
    Gofer__V1__Permission *permission =
        GF_MESSAGE_NEW(&arena, Gofer__V1__Permission, gofer__v1__permission);
    for (size_t i = 0; i < GF_ARRAY_COUNT(request->actions); i++) {
        request->actions[i] = GOFER__V1__PERMISSION_ACTION__PERMISSION_ACTION_READ;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(request->permissions); i++) {
        request->permissions[i] = permission;
    }
    permission->n_actions = 1;
    permission->actions = request->actions;
    permission->n_targets = 1;
    permission->targets = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__PermissionTarget *);
    permission->targets[0] =
        GF_MESSAGE_NEW(&arena, Gofer__V1__PermissionTarget, gofer__v1__permission_target);
    permission->targets[0]->resource = GOFER__V1__PERMISSION_RESOURCE__PERMISSION_RESOURCE_RUNS;
    return permission;
}

static void expect_permissions(struct request *request, size_t count, enum gf_code code,
                               const char *field) {
    struct gf_error err = {0};
    const struct gf_permission *read =
        gf_permissions_from_messages(request->permissions, count, &arena);
    cr_expect_eq(gf_permissions_check(read, count, &err), code, "%s: %s", field, err.message);
    cr_expect_str_eq(err.field, field);
}

Test(access_messages, what_is_wrong_with_permissions_has_the_path_of_the_request) {
    static char *bad_glob[] = {"good", "no/good"};
    struct request request;
    Gofer__V1__Permission *permission = fill(&request);
    expect_permissions(&request, 1, GF_OK, "");
    expect_permissions(&request, GF_ROLE_PERMISSIONS_MAX, GF_OK, "");
    expect_permissions(&request, GF_ROLE_PERMISSIONS_MAX + 1, GF_INVALID_ARGUMENT, "permissions");
    expect_permissions(&request, 0, GF_INVALID_ARGUMENT, "permissions");
    request.actions[0] = (Gofer__V1__PermissionAction)99;
    expect_permissions(&request, 1, GF_INVALID_ARGUMENT, "permissions[0].actions[0]");
    request.actions[0] = (Gofer__V1__PermissionAction)0;
    expect_permissions(&request, 1, GF_INVALID_ARGUMENT, "permissions[0].actions[0]");
    request.actions[0] = GOFER__V1__PERMISSION_ACTION__PERMISSION_ACTION_READ;
    permission->n_actions = GF_PERMISSION_ACTIONS_MAX;
    expect_permissions(&request, 1, GF_OK, "");
    permission->n_actions = GF_PERMISSION_ACTIONS_MAX + 1;
    expect_permissions(&request, 1, GF_INVALID_ARGUMENT, "permissions[0].actions");
    permission->n_actions = 1;
    permission->targets[0]->resource = (Gofer__V1__PermissionResource)-1;
    expect_permissions(&request, 1, GF_INVALID_ARGUMENT, "permissions[0].targets[0].resource");
    permission->targets[0]->resource = GOFER__V1__PERMISSION_RESOURCE__PERMISSION_RESOURCE_RUNS;
    permission->targets[0]->n_globs = 2;
    permission->targets[0]->globs = bad_glob;
    expect_permissions(&request, 1, GF_INVALID_ARGUMENT, "permissions[0].targets[0].globs[1]");
    permission->targets[0]->n_globs = 1;
    permission->n_namespaces = 2;
    permission->namespaces = bad_glob;
    expect_permissions(&request, 1, GF_INVALID_ARGUMENT, "permissions[0].namespaces[1]");
}

/* ---- Secrets ---- */

Test(access_messages, a_secret_is_shown_with_its_versions_and_no_value) {
    static const struct gf_str NAMESPACES[] = {GF_STR("prod-*")};
    static const struct gf_secret_version VERSIONS[] = {
        {.version = 2,
         .create_time = 5,
         .create_user = GF_STR("somebody"),
         .size_bytes = 11,
         .sealed = GF_STR("SEALED")},
        {.version = 1, .create_time = 4, .size_bytes = 9, .sealed = GF_STR("SEALED")}};
    const struct gf_secret secret = {.place = {.key = GF_STR("password")},
                                     .namespaces = NAMESPACES,
                                     .namespace_count = 1,
                                     .description = GF_STR("d"),
                                     .latest_version = 2,
                                     .create_time = 4,
                                     .update_time = 5,
                                     .mark = GF_STR("MARK")};
    const Gofer__V1__Secret *message = gf_secret_to_message(&secret, VERSIONS, 2, &arena);
    cr_expect_str_eq(message->key, "password");
    cr_expect_str_eq(message->namespace_id, "");
    cr_assert_eq(message->n_namespaces, 1);
    cr_expect_str_eq(message->namespaces[0], "prod-*");
    cr_expect_eq(message->latest_version, 2);
    cr_expect_eq(message->update_time->nanos, 5);
    cr_expect_null(message->last_use_time);
    cr_assert_eq(message->n_versions, 2);
    cr_expect_eq(message->versions[0]->version, 2);
    cr_expect_str_eq(message->versions[0]->create_user, "somebody");
    cr_expect_eq(message->versions[1]->size_bytes, 9);
    uint8_t bytes[1024];
    const size_t size = protobuf_c_message_get_packed_size(&message->base);
    cr_assert_lt(size, sizeof(bytes));
    (void)protobuf_c_message_pack(&message->base, bytes);
    cr_expect_null(memmem(bytes, size, "SEALED", 6));
    cr_expect_null(memmem(bytes, size, "MARK", 4));
    cr_expect_eq(gf_secret_to_message(&secret, NULL, 0, &arena)->n_versions, 0);
}
