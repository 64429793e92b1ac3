#include "base/arena.h"
#include "engine/auth/access.h"
#include "engine/auth/system_roles.h"

#include <criterion/criterion.h>

#define RESOURCE(name) GF_PERMISSION_RESOURCE_##name
#define ACTION(name) GF_PERMISSION_ACTION_##name

static struct gf_access *compile(const struct gf_role *role) {
    struct gf_access *access = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_access_create(&role, 1, &access, &err), GF_OK, "%s", err.message);
    return access;
}

static struct gf_access *compile_system(const char *role_id) {
    const struct gf_role *role = gf_system_role(gf_str_from(role_id));
    cr_assert_not_null(role);
    return compile(role);
}

static bool allows(const struct gf_access *access, enum gf_permission_resource resource,
                   enum gf_permission_action action, const char *namespace_id) {
    const struct gf_access_query query = {resource, action, gf_str_from(namespace_id),
                                          GF_STR("nightly"), 0};
    return gf_access_allows(access, &query);
}

Test(system_roles, all_are_good_and_in_order) {
    size_t count = 0;
    const struct gf_role *roles = gf_system_roles(&count);
    cr_assert_eq(count, 7);
    for (size_t i = 0; i < count; i++) {
        struct gf_error err = {0};
        cr_assert_eq(gf_role_check(&roles[i], &err), GF_OK, "%s: %s", roles[i].role_id.ptr,
                     err.message);
        cr_assert(roles[i].system_role);
        cr_assert_gt(roles[i].description.len, 0);
        cr_assert(i == 0 || gf_str_cmp(roles[i - 1].role_id, roles[i].role_id) < 0);
        cr_assert_eq(gf_system_role(roles[i].role_id), &roles[i]);
    }
    cr_assert_null(gf_system_role(GF_STR("Admin")));
}

Test(system_roles, developer_reads_logs_and_cannot_exec) {
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile_system("developer");
    cr_assert(allows(access, RESOURCE(TASK_EXECUTIONS), ACTION(READ_LOGS), "default"));
    cr_assert(allows(access, RESOURCE(RUNS), ACTION(WRITE), "default"));
    cr_assert(allows(access, RESOURCE(PIPELINE_CONFIGS), ACTION(WRITE), "default"));
    cr_assert(allows(access, RESOURCE(PIPELINES), ACTION(DEPLOY), "default"));
    cr_assert(allows(access, RESOURCE(PIPELINE_SECRETS), ACTION(USE_SECRET), "default"));
    cr_assert_not(allows(access, RESOURCE(TASK_EXECUTIONS), ACTION(ATTACH), "default"));
    cr_assert_not(allows(access, RESOURCE(PIPELINE_SECRETS), ACTION(REVEAL_SECRET), "default"));
    cr_assert_not(allows(access, RESOURCE(PIPELINE_SECRETS), ACTION(WRITE), "default"));
    cr_assert_not(allows(access, RESOURCE(PIPELINES), ACTION(DELETE), "default"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "team-b"));
    cr_assert_not(allows(access, RESOURCE(TOKENS), ACTION(READ), ""));
}

Test(system_roles, reader_sees_neither_logs_nor_contents) {
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile_system("reader");
    for (int r = 2; r < GF_PERMISSION_RESOURCE_END; r++) {
        for (int a = 3; a < GF_PERMISSION_ACTION_END; a++) {
            cr_assert_not(allows(access, (enum gf_permission_resource)r,
                                 (enum gf_permission_action)a, "default"));
        }
    }
    cr_assert(allows(access, RESOURCE(RUNS), ACTION(READ), "default"));
    cr_assert_not(allows(access, RESOURCE(OBJECTS), ACTION(READ), "default"));
    cr_assert_not(allows(access, RESOURCE(PIPELINE_SECRETS), ACTION(READ), "default"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "team-b"));
}

Test(system_roles, anonymous_sees_pipelines_and_runs) {
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile_system("anonymous");
    for (int r = 2; r < GF_PERMISSION_RESOURCE_END; r++) {
        for (int a = 2; a < GF_PERMISSION_ACTION_END; a++) {
            const bool expected =
                a == ACTION(READ) && (r == RESOURCE(PIPELINES) || r == RESOURCE(RUNS));
            cr_assert_eq(allows(access, (enum gf_permission_resource)r,
                                (enum gf_permission_action)a, "default"),
                         expected);
            cr_assert_not(allows(access, (enum gf_permission_resource)r,
                                 (enum gf_permission_action)a, "team-b"));
        }
    }
}

Test(system_roles, operator_has_no_secrets_and_cannot_give_rights) {
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile_system("operator");
    const enum gf_permission_resource closed[] = {
        RESOURCE(PIPELINE_SECRETS), RESOURCE(GLOBAL_SECRETS),   RESOURCE(TOKENS), RESOURCE(ROLES),
        RESOURCE(OBJECTS),          RESOURCE(EXTENSION_OBJECTS)};
    for (size_t i = 0; i < GF_ARRAY_COUNT(closed); i++) {
        for (int a = 2; a < GF_PERMISSION_ACTION_END; a++) {
            cr_assert_not(allows(access, closed[i], (enum gf_permission_action)a, "default"));
        }
    }
    cr_assert(allows(access, RESOURCE(RUNS), ACTION(WRITE), "team-b"));
    cr_assert(allows(access, RESOURCE(TASK_EXECUTIONS), ACTION(READ_LOGS), "team-b"));
    cr_assert(allows(access, RESOURCE(SYSTEM), ACTION(WRITE), ""));
    cr_assert_not(allows(access, RESOURCE(TASK_EXECUTIONS), ACTION(ATTACH), "team-b"));
    cr_assert_not(allows(access, RESOURCE(PIPELINE_CONFIGS), ACTION(WRITE), "team-b"));
}

Test(system_roles, admin_covers_all_and_is_covered_by_admin_alone) {
    size_t count = 0;
    const struct gf_role *roles = gf_system_roles(&count);
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *admin = compile_system("admin");
    const struct gf_role *all = gf_system_role(GF_STR("admin"));
    for (size_t i = 0; i < count; i++) {
        GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&roles[i]);
        cr_assert_eq(gf_access_covers(admin, roles[i].permissions, roles[i].permission_count, NULL),
                     GF_OK);
        cr_assert_eq(
            gf_access_covers(access, roles[i].permissions, roles[i].permission_count, NULL), GF_OK);
        const bool is_admin = roles[i].permissions == all->permissions;
        cr_assert_eq(gf_access_covers(access, all->permissions, all->permission_count, NULL),
                     is_admin ? GF_OK : GF_PERMISSION_DENIED);
    }
}

/* Every resource and action, in its own place and in every other: the rights are these seven. */
Test(system_roles, run_reaches_nothing_beyond_its_run) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    const struct gf_role *role = gf_run_role(GF_STR("default"), GF_STR("nightly"), 7, &arena);
    cr_assert_eq(gf_role_check(role, NULL), GF_OK);
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(role);
    const char *namespaces[] = {"default", "team-b", ""};
    const char *ids[] = {"nightly", "nightly-2", "default", ""};
    const int64_t runs[] = {0, 7, 8};
    int allowed = 0;
    for (int i = 0; i < 18 * 10 * 3 * 4 * 3; i++) {
        const struct gf_access_query query = {
            .resource = (enum gf_permission_resource)(i % 18 + 1),
            .action = (enum gf_permission_action)(i / 18 % 10),
            .namespace_id = gf_str_from(namespaces[i / 180 % 3]),
            .id = gf_str_from(ids[i / 540 % 4]),
            .run_id = runs[i / 2160],
        };
        if (!gf_access_allows(access, &query)) {
            continue;
        }
        allowed++;
        cr_assert_eq(i / 180 % 3, 0, "in another namespace");
        cr_assert_eq(i / 540 % 4, 0, "in another pipeline");
        cr_assert_neq(query.run_id, 8);
        cr_assert(query.action == ACTION(READ) ||
                  (query.action == ACTION(WRITE) && query.resource == RESOURCE(OBJECTS) &&
                   query.run_id == 7));
        cr_assert(query.resource == RESOURCE(OBJECTS) ||
                  (query.run_id == 7 ? query.resource == RESOURCE(RUNS) ||
                                           query.resource == RESOURCE(TASK_EXECUTIONS)
                                     : query.resource == RESOURCE(PIPELINES) ||
                                           query.resource == RESOURCE(PIPELINE_CONFIGS)));
    }
    cr_assert_eq(allowed, 7);
    gf_arena_fini(&arena);
}

/* Every resource and action, of itself and of others: the rights are these four. */
Test(system_roles, extension_reaches_itself_alone) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    const struct gf_role *role = gf_extension_role(GF_STR("cron"), &arena);
    cr_assert_eq(gf_role_check(role, NULL), GF_OK);
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(role);
    const char *ids[] = {"cron", "cron-2", "cro", ""};
    int allowed = 0;
    for (int i = 0; i < 18 * 10 * 4; i++) {
        const struct gf_access_query query = {
            .resource = (enum gf_permission_resource)(i % 18 + 1),
            .action = (enum gf_permission_action)(i / 18 % 10),
            .id = gf_str_from(ids[i / 180]),
        };
        if (!gf_access_allows(access, &query)) {
            continue;
        }
        allowed++;
        cr_assert_eq(i / 180, 0, "of another one");
        cr_assert(query.resource == RESOURCE(EXTENSION_OBJECTS) ||
                  (query.resource == RESOURCE(EXTENSIONS) && query.action == ACTION(READ)));
    }
    cr_assert_eq(allowed, 4);
    gf_arena_fini(&arena);
}
