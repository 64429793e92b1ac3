#include "engine/auth/permission.h"

#include <criterion/criterion.h>

static const struct gf_str any[] = {{"*", 1}};
static const enum gf_permission_action read_only[] = {GF_PERMISSION_ACTION_READ};

/* A permission that is right, for tests to break one thing of. */
static struct gf_permission good(struct gf_permission_target *target) {
    *target = (struct gf_permission_target){GF_PERMISSION_RESOURCE_RUNS, any, 1};
    return (struct gf_permission){
        .namespaces = any,
        .namespace_count = 1,
        .targets = target,
        .target_count = 1,
        .actions = read_only,
        .action_count = 1,
    };
}

static void refuses(const struct gf_permission *permission, enum gf_code code, const char *field,
                    const char *why) {
    struct gf_error err = {0};
    cr_assert_eq(gf_permissions_check(permission, 1, &err), code);
    cr_assert_str_eq(err.field, field);
    cr_assert_not_null(strstr(err.message, why), "%s", err.message);
}

Test(permission, names_and_numbers) {
    cr_assert_str_eq(gf_permission_resource_name(GF_PERMISSION_RESOURCE_TASK_EXECUTIONS),
                     "TASK_EXECUTIONS");
    cr_assert_str_eq(gf_permission_action_name(GF_PERMISSION_ACTION_READ_LOGS), "READ_LOGS");
    cr_assert_str_eq(gf_permission_resource_name((enum gf_permission_resource)0), "UNSPECIFIED");
    cr_assert_str_eq(gf_permission_action_name((enum gf_permission_action)77), "UNSPECIFIED");
    for (int64_t number = -2; number < 40; number++) {
        cr_assert_eq(gf_permission_resource_valid(number), number >= 1 && number <= 18);
        cr_assert_eq(gf_permission_action_valid(number), number >= 1 && number <= 9);
    }
    cr_assert_not(gf_permission_resource_valid(INT64_MAX));
}

Test(permission, resources_know_their_actions) {
    cr_assert(
        gf_permission_fits(GF_PERMISSION_RESOURCE_TASK_EXECUTIONS, GF_PERMISSION_ACTION_ATTACH));
    cr_assert_not(gf_permission_fits(GF_PERMISSION_RESOURCE_RUNS, GF_PERMISSION_ACTION_ATTACH));
    cr_assert_not(
        gf_permission_fits(GF_PERMISSION_RESOURCE_OBJECTS, GF_PERMISSION_ACTION_REVEAL_SECRET));
    for (int i = 1; i < GF_PERMISSION_ACTION_END; i++) {
        cr_assert(gf_permission_fits(GF_PERMISSION_RESOURCE_ALL, (enum gf_permission_action)i));
    }
    for (int i = 1; i < GF_PERMISSION_RESOURCE_END; i++) {
        cr_assert(gf_permission_fits((enum gf_permission_resource)i, GF_PERMISSION_ACTION_ALL));
        cr_assert(gf_permission_fits((enum gf_permission_resource)i, GF_PERMISSION_ACTION_READ));
    }
    cr_assert_not(gf_permission_fits((enum gf_permission_resource)0, GF_PERMISSION_ACTION_ALL));
    cr_assert_not(gf_permission_fits(GF_PERMISSION_RESOURCE_ALL, (enum gf_permission_action) - 1));
}

Test(permission, good_one_passes) {
    struct gf_permission_target target;
    struct gf_permission permission = good(&target);
    cr_assert_eq(gf_permissions_check(&permission, 1, NULL), GF_OK);
    permission.namespace_count = 0;
    target.glob_count = 0;
    cr_assert_eq(gf_permissions_check(&permission, 1, NULL), GF_OK);
}

Test(permission, paths_say_where_it_is_wrong) {
    const struct gf_str globs[] = {{"ok", 2}, {"a/b", 3}};
    const enum gf_permission_action attach[] = {GF_PERMISSION_ACTION_READ,
                                                GF_PERMISSION_ACTION_ATTACH};
    const enum gf_permission_action unknown[] = {GF_PERMISSION_ACTION_READ,
                                                 (enum gf_permission_action)10};
    struct gf_permission_target target;
    struct gf_permission permission = good(&target);
    permission.namespaces = globs;
    permission.namespace_count = 2;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].namespaces[1]", "0x2f at position 2");
    permission = good(&target);
    target.globs = globs;
    target.glob_count = 2;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].targets[0].globs[1]", "0x2f");
    permission = good(&target);
    target.resource = (enum gf_permission_resource)19;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].targets[0].resource", "19");
    permission = good(&target);
    permission.actions = attach;
    permission.action_count = 2;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].targets[0].resource",
            "action ATTACH does not go with resource RUNS");
    permission.actions = unknown;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].actions[1]", "10 is no action");
    permission = good(&target);
    permission.action_count = 0;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].actions", "0 actions");
    permission = good(&target);
    permission.target_count = 0;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].targets", "0 targets");
    permission = good(&target);
    permission.run_id = -2;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].run_id", "negative");
}

Test(permission, limits_hold_at_their_border) {
    struct gf_str globs[GF_PERMISSION_GLOBS_MAX + 1];
    struct gf_permission_target targets[GF_PERMISSION_TARGETS_MAX + 1];
    enum gf_permission_action actions[GF_PERMISSION_ACTIONS_MAX + 1];
    for (size_t i = 0; i < GF_ARRAY_COUNT(globs); i++) {
        globs[i] = GF_STR("abc");
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(targets); i++) {
        targets[i] = (struct gf_permission_target){GF_PERMISSION_RESOURCE_RUNS, NULL, 0};
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(actions); i++) {
        actions[i] = GF_PERMISSION_ACTION_READ;
    }
    struct gf_permission permission = {globs, 100, targets, 100, actions, 32, 0};
    cr_assert_eq(gf_permissions_check(&permission, 1, NULL), GF_OK);
    permission.namespace_count = 101;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].namespaces", "101 globs");
    permission.namespace_count = 100;
    permission.target_count = 101;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].targets", "101 targets");
    permission.target_count = 100;
    permission.action_count = 33;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].actions", "33 actions");
    permission.action_count = 32;
    targets[0].globs = globs;
    targets[0].glob_count = 101;
    refuses(&permission, GF_INVALID_ARGUMENT, "permissions[0].targets[0].globs", "101 globs");
}

Test(permission, number_of_permissions_is_limited) {
    struct gf_permission_target target;
    struct gf_permission list[GF_ROLE_PERMISSIONS_MAX + 1];
    struct gf_error err = {0};
    for (size_t i = 0; i < GF_ARRAY_COUNT(list); i++) {
        list[i] = good(&target);
    }
    cr_assert_eq(gf_permissions_check(list, 100, NULL), GF_OK);
    cr_assert_eq(gf_permissions_check(list, 101, &err), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.field, "permissions");
    cr_assert_eq(gf_permissions_check(list, 0, NULL), GF_INVALID_ARGUMENT);
}

/* Targets without globs count for one, and globs of namespaces count too. */
Test(permission, globs_of_a_role_are_limited) {
    struct gf_str globs[100];
    struct gf_permission_target targets[90];
    struct gf_permission list[10];
    for (size_t i = 0; i < GF_ARRAY_COUNT(globs); i++) {
        globs[i] = GF_STR("abc*");
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(targets); i++) {
        targets[i] = (struct gf_permission_target){GF_PERMISSION_RESOURCE_RUNS, NULL, 0};
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(list); i++) {
        list[i] = (struct gf_permission){globs, 10, targets, 90, read_only, 1, 0};
    }
    struct gf_error err = {0};
    cr_assert_eq(gf_permissions_check(list, 10, NULL), GF_OK);
    list[9].namespace_count = 11;
    cr_assert_eq(gf_permissions_check(list, 10, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "role has more than 1000 globs");
    cr_assert_str_eq(err.field, "permissions[9].targets[89].globs");
}

Test(permission, floating_globs_are_limited) {
    struct gf_str globs[GF_ROLE_FLOATING_GLOBS_MAX + 1];
    struct gf_permission_target target;
    struct gf_permission permission = good(&target);
    for (size_t i = 0; i < GF_ARRAY_COUNT(globs); i++) {
        globs[i] = GF_STR("*a*");
    }
    permission.namespaces = globs;
    permission.namespace_count = 10;
    cr_assert_eq(gf_permissions_check(&permission, 1, NULL), GF_OK);
    permission.namespace_count = 11;
    refuses(&permission, GF_RESOURCE_EXHAUSTED, "permissions[0].namespaces[10]",
            "role has more than 10 globs with more than one *");
}

Test(permission, roles_are_checked_whole) {
    struct gf_permission_target target;
    const struct gf_permission permission = good(&target);
    char text[GF_ROLE_DESCRIPTION_CHARS_MAX * 2 + 1];
    struct gf_role role = {
        .role_id = GF_STR("ops"), .permissions = &permission, .permission_count = 1};
    struct gf_error err = {0};
    cr_assert_eq(gf_role_check(&role, NULL), GF_OK);
    for (size_t i = 0; i < GF_ROLE_DESCRIPTION_CHARS_MAX; i++) {
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    }
    text[sizeof(text) - 1] = 'x';
    role.description = (struct gf_str){text, sizeof(text) - 1};
    cr_assert_eq(gf_role_check(&role, NULL), GF_OK);
    role.description.len++;
    cr_assert_eq(gf_role_check(&role, &err), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.field, "description");
    role.description = GF_STR("a\0b");
    cr_assert_eq(gf_role_check(&role, NULL), GF_INVALID_ARGUMENT);
    role.description = GF_STR("\xff");
    cr_assert_eq(gf_role_check(&role, NULL), GF_INVALID_ARGUMENT);
    role.description = GF_STR("");
    role.role_id = GF_STR("o*");
    cr_assert_eq(gf_role_check(&role, &err), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.field, "role_id");
    role.role_id = GF_STR("ops");
    role.permission_count = 0;
    cr_assert_eq(gf_role_check(&role, NULL), GF_INVALID_ARGUMENT);
}
