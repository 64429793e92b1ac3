#include "base/alloc.h"
#include "base/random.h"
#include "engine/auth/access.h"
#include "engine/auth/glob.h"

#include <criterion/criterion.h>

#define RESOURCE(name) GF_PERMISSION_RESOURCE_##name
#define ACTION(name) GF_PERMISSION_ACTION_##name

/* A role of one permission with one target and one action. */
struct simple {
    struct gf_str namespaces[2];
    struct gf_str globs[2];
    struct gf_permission_target target;
    enum gf_permission_action action;
    struct gf_permission permission;
    struct gf_role role;
};

/* Empty names are left out. */
static void fill(struct simple *simple, enum gf_permission_resource resource,
                 enum gf_permission_action action, const char *namespace_glob, const char *glob) {
    memset(simple, 0, sizeof(*simple));
    simple->namespaces[0] = gf_str_from(namespace_glob);
    simple->globs[0] = gf_str_from(glob);
    simple->action = action;
    simple->target = (struct gf_permission_target){resource, simple->globs, *glob != '\0'};
    simple->permission = (struct gf_permission){
        simple->namespaces, *namespace_glob != '\0', &simple->target, 1, &simple->action, 1, 0};
    simple->role = (struct gf_role){
        .role_id = GF_STR("role"), .permissions = &simple->permission, .permission_count = 1};
}

static struct gf_access *compile(const struct gf_role *role) {
    struct gf_access *access = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_access_create(&role, 1, &access, &err), GF_OK, "%s", err.message);
    return access;
}

static bool allows(const struct gf_access *access, enum gf_permission_resource resource,
                   enum gf_permission_action action, const char *namespace_id, const char *id) {
    const struct gf_access_query query = {resource, action, gf_str_from(namespace_id),
                                          gf_str_from(id), 0};
    return gf_access_allows(access, &query);
}

Test(access, no_roles_allow_nothing) {
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    cr_assert_eq(gf_access_create(NULL, 0, &access, NULL), GF_OK);
    for (int r = 0; r <= GF_PERMISSION_RESOURCE_END; r++) {
        for (int a = 0; a <= GF_PERMISSION_ACTION_END; a++) {
            cr_assert_not(allows(access, (enum gf_permission_resource)r,
                                 (enum gf_permission_action)a, "default", "nightly"));
        }
    }
    gf_access_destroy(NULL);
}

Test(access, allows_its_action_on_its_target_in_its_namespace) {
    struct simple simple;
    fill(&simple, RESOURCE(RUNS), ACTION(READ), "team-*", "web-?");
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&simple.role);
    cr_assert(allows(access, RESOURCE(RUNS), ACTION(READ), "team-a", "web-1"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(WRITE), "team-a", "web-1"));
    cr_assert_not(allows(access, RESOURCE(PIPELINES), ACTION(READ), "team-a", "web-1"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "xteam-a", "web-1"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "team-a", "web-10"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "team-a", ""));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "", "web-1"));
}

Test(access, what_is_no_thing_is_refused_even_with_all_rights) {
    struct simple simple;
    fill(&simple, RESOURCE(ALL), ACTION(ALL), "*", "");
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&simple.role);
    for (int r = -1; r < 40; r++) {
        for (int a = -1; a < 40; a++) {
            cr_assert_eq(allows(access, (enum gf_permission_resource)r,
                                (enum gf_permission_action)a, "default", "nightly"),
                         r >= 2 && r <= 18 && a >= 2 && a <= 9, "%d %d", r, a);
        }
    }
    const struct gf_access_query query = {RESOURCE(RUNS), ACTION(READ), GF_STR("default"),
                                          GF_STR("nightly"), -1};
    cr_assert_not(gf_access_allows(access, &query));
}

Test(access, namespaces_do_not_count_for_what_has_none) {
    struct simple simple;
    fill(&simple, RESOURCE(IMAGES), ACTION(READ), "", "");
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *images = compile(&simple.role);
    cr_assert(allows(images, RESOURCE(IMAGES), ACTION(READ), "", "alpine"));
    cr_assert(allows(images, RESOURCE(IMAGES), ACTION(READ), "", "registry/alpine:3"));
    fill(&simple, RESOURCE(ALL), ACTION(READ), "", "");
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *all = compile(&simple.role);
    cr_assert(allows(all, RESOURCE(TOKENS), ACTION(READ), "", "tok_1"));
    cr_assert_not(allows(all, RESOURCE(RUNS), ACTION(READ), "default", "nightly"));
}

Test(access, permissions_do_not_combine) {
    struct simple a;
    struct simple b;
    fill(&a, RESOURCE(RUNS), ACTION(READ), "team-a", "");
    fill(&b, RESOURCE(RUNS), ACTION(WRITE), "team-b", "");
    const struct gf_role *roles[] = {&a.role, &b.role};
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    cr_assert_eq(gf_access_create(roles, 2, &access, NULL), GF_OK);
    cr_assert(allows(access, RESOURCE(RUNS), ACTION(READ), "team-a", "web"));
    cr_assert(allows(access, RESOURCE(RUNS), ACTION(WRITE), "team-b", "web"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(WRITE), "team-a", "web"));
    cr_assert_not(allows(access, RESOURCE(RUNS), ACTION(READ), "team-b", "web"));
}

Test(access, runs_are_walls) {
    const int64_t of_permission[] = {GF_PERMISSION_RUN_ANY, GF_PERMISSION_RUN_NONE, 7};
    const bool expected[3][3] = {{true, true, true}, {true, false, false}, {false, true, false}};
    const int64_t asked[] = {0, 7, 8};
    for (size_t i = 0; i < 3; i++) {
        struct simple simple;
        fill(&simple, RESOURCE(OBJECTS), ACTION(READ), "*", "");
        simple.permission.run_id = of_permission[i];
        GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&simple.role);
        for (size_t k = 0; k < 3; k++) {
            const struct gf_access_query query = {RESOURCE(OBJECTS), ACTION(READ), GF_STR("ns1"),
                                                  GF_STR("web"), asked[k]};
            cr_assert_eq(gf_access_allows(access, &query), expected[i][k]);
        }
    }
}

Test(access, denial_tells_what_was_missing_and_no_more) {
    struct simple simple;
    struct gf_error err = {0};
    fill(&simple, RESOURCE(RUNS), ACTION(READ), "default", "");
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&simple.role);
    struct gf_access_query query = {RESOURCE(TASK_EXECUTIONS), ACTION(ATTACH), GF_STR("team-b"),
                                    GF_STR("secret-plan"), 0};
    cr_assert_eq(gf_access_check(access, &query, &err), GF_PERMISSION_DENIED);
    cr_assert_str_eq(err.message,
                     "needs action ATTACH on resource TASK_EXECUTIONS in namespace 'team-b'");
    query.resource = RESOURCE(TOKENS);
    query.action = ACTION(DELETE);
    cr_assert_eq(gf_access_check(access, &query, &err), GF_PERMISSION_DENIED);
    cr_assert_str_eq(err.message, "needs action DELETE on resource TOKENS");
    query = (struct gf_access_query){RESOURCE(RUNS), ACTION(WRITE), GF_STR("x\n"), GF_STR(""), 0};
    cr_assert_eq(gf_access_check(access, &query, &err), GF_PERMISSION_DENIED);
    cr_assert_str_eq(err.message, "needs action WRITE on resource RUNS");
    query =
        (struct gf_access_query){RESOURCE(RUNS), ACTION(READ), GF_STR("default"), GF_STR("a"), 0};
    cr_assert_eq(gf_access_check(access, &query, &err), GF_OK);
}

Test(access, lists_need_something_to_show) {
    struct simple simple;
    fill(&simple, RESOURCE(RUNS), ACTION(READ), "team-a", "web");
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&simple.role);
    cr_assert(gf_access_allows_some(access, RESOURCE(RUNS), ACTION(READ), GF_STR("team-a")));
    cr_assert(gf_access_allows_some(access, RESOURCE(RUNS), ACTION(READ), GF_STR("")));
    cr_assert_not(gf_access_allows_some(access, RESOURCE(RUNS), ACTION(READ), GF_STR("team-b")));
    cr_assert_not(gf_access_allows_some(access, RESOURCE(RUNS), ACTION(WRITE), GF_STR("")));
    cr_assert_not(gf_access_allows_some(access, RESOURCE(ALL), ACTION(READ), GF_STR("")));
    simple.permission.namespace_count = 0;
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *none = compile(&simple.role);
    cr_assert_not(gf_access_allows_some(none, RESOURCE(RUNS), ACTION(READ), GF_STR("")));
}

Test(access, bad_roles_are_refused_whole) {
    struct simple good;
    struct simple bad;
    struct gf_error err = {0};
    struct gf_access *access = NULL;
    fill(&good, RESOURCE(RUNS), ACTION(READ), "*", "");
    fill(&bad, RESOURCE(RUNS), ACTION(ATTACH), "*", "");
    const struct gf_role *roles[GF_TOKEN_ROLES_MAX + 1] = {&good.role, &bad.role};
    cr_assert_eq(gf_access_create(roles, 2, &access, &err), GF_INVALID_ARGUMENT);
    cr_assert_null(access);
    for (size_t i = 0; i < GF_ARRAY_COUNT(roles); i++) {
        roles[i] = &good.role;
    }
    cr_assert_eq(gf_access_create(roles, GF_TOKEN_ROLES_MAX + 1, &access, &err),
                 GF_RESOURCE_EXHAUSTED);
    cr_assert_null(access);
    cr_assert_eq(gf_access_create(roles, GF_TOKEN_ROLES_MAX, &access, NULL), GF_OK);
    gf_access_destroy(access);
}

static void random_text(char *out, size_t len, const char *characters) {
    for (size_t i = 0; i < len; i++) {
        out[i] = characters[gf_random_below(strlen(characters))];
    }
    out[len] = '\0';
}

/* The words of a compiled glob say what the glob says, of every length and with every byte. */
Test(access, compiled_globs_agree_with_globs) {
    int matches = 0;
    for (int i = 0; i < 60000; i++) {
        char glob[65];
        char text[80];
        struct simple simple;
        random_text(text, gf_random_below(i % 50 == 0 ? 70 : 40), i % 7 == 0 ? "ab/" : "a");
        if (i % 3 == 0) {
            random_text(glob, 1 + gf_random_below(64), "aaaaaaaaaaaaaaa?*");
        } else { /* one that nearly fits */
            const size_t len = strlen(text) < 60 ? strlen(text) : 60;
            memcpy(glob, text, len);
            glob[len] = '\0';
            for (size_t k = 0; k < len; k++) {
                glob[k] = glob[k] == '/' ? '?' : glob[k];
            }
            for (size_t changes = gf_random_below(4); changes > 0 && len > 0; changes--) {
                glob[gf_random_below(len)] = "a?*b"[gf_random_below(4)];
            }
            if (len == 0) {
                memcpy(glob, "*", 2);
            }
        }
        fill(&simple, RESOURCE(IMAGES), ACTION(READ), "", glob);
        GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = compile(&simple.role);
        const bool expected = gf_glob_match(gf_str_from(glob), gf_str_from(text));
        matches += expected ? 1 : 0;
        cr_assert_eq(allows(access, RESOURCE(IMAGES), ACTION(READ), "", text), expected,
                     "'%s' and '%s'", glob, text);
    }
    cr_assert_gt(matches, 5000);
}
