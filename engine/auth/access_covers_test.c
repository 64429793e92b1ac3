#include "base/alloc.h"
#include "engine/auth/access.h"

#include <criterion/criterion.h>

#define RESOURCE(name) GF_PERMISSION_RESOURCE_##name
#define ACTION(name) GF_PERMISSION_ACTION_##name

/* "NAMESPACES|RESOURCE|GLOBS|ACTIONS", lists with commas, as numbers for the enums. */
struct parsed {
    char text[200];
    struct gf_str namespaces[4];
    struct gf_str globs[4];
    struct gf_permission_target target;
    enum gf_permission_action actions[4];
    struct gf_permission permission;
};

static size_t split(struct gf_str list, struct gf_str out[4]) {
    size_t count = 0;
    while (list.len > 0) {
        cr_assert_lt(count, 4);
        (void)gf_str_cut(list, ',', &out[count++], &list);
    }
    return count;
}

static enum gf_permission_resource resource_of(struct gf_str name) {
    for (int i = 1; i < GF_PERMISSION_RESOURCE_END; i++) {
        const enum gf_permission_resource resource = (enum gf_permission_resource)i;
        if (gf_str_eq(gf_str_from(gf_permission_resource_name(resource)), name)) {
            return resource;
        }
    }
    gf_unreachable();
}

static enum gf_permission_action action_of(struct gf_str name) {
    for (int i = 1; i < GF_PERMISSION_ACTION_END; i++) {
        const enum gf_permission_action action = (enum gf_permission_action)i;
        if (gf_str_eq(gf_str_from(gf_permission_action_name(action)), name)) {
            return action;
        }
    }
    gf_unreachable();
}

static void parse(const char *text, struct parsed *out) {
    struct gf_str fields[4];
    struct gf_str actions[4];
    memset(out, 0, sizeof(*out));
    cr_assert_lt(strlen(text), sizeof(out->text));
    memcpy(out->text, text, strlen(text));
    struct gf_str rest = gf_str_from(out->text);
    for (size_t i = 0; i < 4; i++) {
        (void)gf_str_cut(rest, '|', &fields[i], &rest);
    }
    out->permission.namespaces = out->namespaces;
    out->permission.namespace_count = split(fields[0], out->namespaces);
    out->target.resource = resource_of(fields[1]);
    out->target.globs = out->globs;
    out->target.glob_count = split(fields[2], out->globs);
    out->permission.targets = &out->target;
    out->permission.target_count = 1;
    out->permission.actions = out->actions;
    out->permission.action_count = split(fields[3], actions);
    for (size_t i = 0; i < out->permission.action_count; i++) {
        out->actions[i] = action_of(actions[i]);
    }
}

/* Whether one permission covers another; out_err may be NULL. */
static bool covers(const char *has, const char *gives, struct gf_error *err) {
    struct parsed a;
    struct parsed b;
    parse(has, &a);
    parse(gives, &b);
    const struct gf_role role = {.permissions = &a.permission, .permission_count = 1};
    const struct gf_role *roles[] = {&role};
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    cr_assert_eq(gf_access_create(roles, 1, &access, NULL), GF_OK);
    cr_assert_eq(gf_permissions_check(&b.permission, 1, NULL), GF_OK);
    const enum gf_code rc = gf_access_covers(access, &b.permission, 1, err);
    cr_assert(rc == GF_OK || rc == GF_PERMISSION_DENIED);
    return rc == GF_OK;
}

Test(access_covers, what_one_has_one_may_give) {
    const char *all[] = {"default|RUNS|web-*,api|READ,WRITE", "*|ALL||ALL", "|IMAGES||READ",
                         "a*,b?|TASK_EXECUTIONS||READ_LOGS"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(all); i++) {
        cr_assert(covers(all[i], all[i], NULL), "%s", all[i]);
        cr_assert(covers("*|ALL||ALL", all[i], NULL), "%s", all[i]);
    }
}

Test(access_covers, less_is_covered) {
    cr_assert(covers("team-*|RUNS||READ,WRITE", "team-a|RUNS|web|READ", NULL));
    cr_assert(covers("team-*|RUNS||ALL", "team-a*|RUNS|web|READ,WRITE", NULL));
    cr_assert(covers("*|ALL||READ", "default|RUNS||READ", NULL));
    cr_assert(covers("|ALL||READ", "|IMAGES|alp*|READ", NULL));
    cr_assert(covers("x*|RUNS||READ", "|RUNS||READ", NULL), "it allows nothing");
}

Test(access_covers, more_is_refused) {
    cr_assert_not(covers("team-a|RUNS||READ", "team-*|RUNS||READ", NULL));
    cr_assert_not(covers("team-a|RUNS||READ", "team-b|RUNS||READ", NULL));
    cr_assert_not(covers("team-a|RUNS||READ", "team-a,team-b|RUNS||READ", NULL));
    cr_assert_not(covers("team-a|RUNS|web|READ", "team-a|RUNS|web,api|READ", NULL));
    cr_assert_not(covers("team-a|RUNS|web|READ", "team-a|RUNS||READ", NULL));
    cr_assert_not(covers("team-a|RUNS||READ", "team-a|RUNS||READ,WRITE", NULL));
    cr_assert_not(covers("team-a|RUNS||READ", "team-a|PIPELINES||READ", NULL));
    cr_assert_not(covers("|RUNS||READ", "team-a|RUNS||READ", NULL));
    /* ALL includes what is added later. */
    cr_assert_not(covers("*|RUNS||READ,WRITE", "*|RUNS||ALL", NULL));
    cr_assert_not(covers("*|RUNS||ALL", "*|ALL||READ", NULL));
    /* And what has no namespace, too. */
    cr_assert_not(covers("team-a|ALL|web|READ", "|ALL||READ", NULL));
    cr_assert_not(covers("|ALL||READ", "team-a|ALL||READ", NULL));
}

Test(access_covers, refusal_names_what_is_more) {
    struct gf_error err = {0};
    cr_assert_not(covers("team-a|RUNS||READ", "team-a,team-b|RUNS||READ", &err));
    cr_assert_str_eq(err.message, "allows more than the caller may do: action READ on resource "
                                  "RUNS '*' in namespace 'team-b'");
    cr_assert_not(covers("|IMAGES||READ", "|IMAGES|alp*|DELETE", &err));
    cr_assert_str_eq(err.message,
                     "allows more than the caller may do: action DELETE on resource IMAGES 'alp*'");
}

/* Namespaces of one permission may be covered by different ones; one namespace may not. */
Test(access_covers, permissions_cover_one_by_one) {
    struct parsed has[3];
    struct parsed gives;
    parse("team-a|RUNS||READ", &has[0]);
    parse("team-b|RUNS||READ", &has[1]);
    parse("team-c|RUNS|web|READ", &has[2]);
    struct gf_permission list[] = {has[0].permission, has[1].permission, has[2].permission};
    const struct gf_role role = {.permissions = list, .permission_count = 3};
    const struct gf_role *roles[] = {&role};
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    cr_assert_eq(gf_access_create(roles, 1, &access, NULL), GF_OK);
    parse("team-a,team-b|RUNS||READ", &gives);
    cr_assert_eq(gf_access_covers(access, &gives.permission, 1, NULL), GF_OK);
    parse("team-a,team-c|RUNS|web|READ", &gives);
    cr_assert_eq(gf_access_covers(access, &gives.permission, 1, NULL), GF_OK);
    parse("team-a,team-c|RUNS|api|READ", &gives);
    cr_assert_eq(gf_access_covers(access, &gives.permission, 1, NULL), GF_PERMISSION_DENIED);
    parse("team-?|RUNS||READ", &gives);
    cr_assert_eq(gf_access_covers(access, &gives.permission, 1, NULL), GF_PERMISSION_DENIED);
}

Test(access_covers, runs_stay_walls) {
    struct parsed has;
    struct parsed gives;
    parse("*|OBJECTS||READ", &has);
    parse("*|OBJECTS||READ", &gives);
    has.permission.run_id = 7;
    const struct gf_role role = {.permissions = &has.permission, .permission_count = 1};
    const struct gf_role *roles[] = {&role};
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    cr_assert_eq(gf_access_create(roles, 1, &access, NULL), GF_OK);
    const int64_t runs[] = {GF_PERMISSION_RUN_ANY, GF_PERMISSION_RUN_NONE, 8, 7};
    for (size_t i = 0; i < GF_ARRAY_COUNT(runs); i++) {
        gives.permission.run_id = runs[i];
        cr_assert_eq(gf_access_covers(access, &gives.permission, 1, NULL),
                     runs[i] == 7 ? GF_OK : GF_PERMISSION_DENIED);
    }
}

/* As large as can be, and hopeless: an answer comes all the same, and it is no. */
Test(access_covers, too_much_work_is_refused) {
    enum {
        GLOBS = 100,
        SETS = 9
    };
    static char texts[GLOBS * SETS][GF_STR_DISTANCE_BYTES_MAX];
    static struct gf_str globs[GLOBS * SETS];
    struct gf_permission_target targets[SETS];
    struct gf_error err = {0};
    const struct gf_str any = GF_STR("*");
    const enum gf_permission_action read_only = ACTION(READ);
    for (size_t i = 0; i < GLOBS * SETS; i++) {
        memset(texts[i], 'a', 60);
        texts[i][30] = (char)('a' + i % 26);
        texts[i][31] = (char)('a' + i / 26 % 26);
        texts[i][32] = (char)('0' + i / 676);
        texts[i][59] = '*';
        globs[i] = (struct gf_str){texts[i], 60};
    }
    for (size_t i = 0; i < SETS; i++) {
        targets[i] = (struct gf_permission_target){RESOURCE(RUNS), globs + i * GLOBS, GLOBS};
    }
    const struct gf_permission wide = {&any, 1, targets, SETS, &read_only, 1, 0};
    const struct gf_role role = {.permissions = &wide, .permission_count = 1};
    const struct gf_role *roles[] = {&role, &role, &role, &role};
    GF_CLEANUP(gf_access_destroy_p) struct gf_access *access = NULL;
    cr_assert_eq(gf_access_create(roles, 4, &access, NULL), GF_OK);
    for (size_t i = 0; i < GLOBS * SETS; i++) {
        texts[i][58] = '?'; /* covered by what was compiled only where the rest fits */
        texts[i][30] = (char)('a' + (GLOBS * SETS - 1 - i) % 26);
    }
    cr_assert_eq(gf_access_covers(access, &wide, 1, &err), GF_PERMISSION_DENIED);
}
