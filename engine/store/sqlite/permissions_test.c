#include "base/macros.h"
#include "engine/auth/glob.h"
#include "engine/auth/system_roles.h"
#include "engine/store/sqlite/permissions.h"

#include <string.h>

#include <criterion/criterion.h>

struct fixture {
    struct gf_arena arena;
    struct gf_strbuf bytes;
    struct gf_error err;
    const struct gf_permission *permissions; /* that were decoded last */
    size_t count;
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, 16 << 20);
    gf_strbuf_init(&fixture->bytes, 4 << 20);
}

static void close_fixture(struct fixture *fixture) {
    gf_strbuf_fini(&fixture->bytes);
    gf_arena_fini(&fixture->arena);
}

static enum gf_code decode(struct fixture *fixture, struct gf_str bytes) {
    return gf_sqlite__permissions_decode(bytes, &fixture->arena, &fixture->permissions,
                                         &fixture->count, &fixture->err);
}

/* Encodes, decodes, and encodes what was decoded: the bytes are the same. */
static void must_come_back(struct fixture *fixture, const struct gf_permission *permissions,
                           size_t count) {
    gf_strbuf_reset(&fixture->bytes);
    gf_sqlite__permissions_encode(permissions, count, &fixture->bytes);
    cr_assert_not(fixture->bytes.overflowed);
    cr_assert_eq(decode(fixture, gf_strbuf_view(&fixture->bytes)), GF_OK, "%s",
                 fixture->err.message);
    cr_assert_eq(fixture->count, count);
    struct gf_strbuf again;
    gf_strbuf_init(&again, 4 << 20);
    gf_sqlite__permissions_encode(fixture->permissions, fixture->count, &again);
    cr_assert(gf_str_eq(gf_strbuf_view(&again), gf_strbuf_view(&fixture->bytes)));
    gf_strbuf_fini(&again);
}

Test(sqlite_permissions, those_of_the_system_come_back) {
    struct fixture fixture;
    open_fixture(&fixture);
    size_t count = 0;
    const struct gf_role *roles = gf_system_roles(&count);
    cr_assert_gt(count, 2);
    for (size_t i = 0; i < count; i++) {
        must_come_back(&fixture, roles[i].permissions, roles[i].permission_count);
    }
    close_fixture(&fixture);
}

Test(sqlite_permissions, the_largest_role_comes_back) {
    static char text[GF_GLOB_CHARS_MAX];
    static struct gf_str globs[GF_PERMISSION_GLOBS_MAX];
    static struct gf_permission_target target = {.resource = GF_PERMISSION_RESOURCE_RUNS,
                                                 .globs = globs,
                                                 .glob_count = GF_PERMISSION_GLOBS_MAX};
    static enum gf_permission_action actions[GF_PERMISSION_ACTIONS_MAX];
    static struct gf_permission permissions[GF_ROLE_GLOBS_MAX / GF_PERMISSION_GLOBS_MAX];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < GF_ARRAY_COUNT(globs); i++) {
        globs[i] = (struct gf_str){text, sizeof(text)};
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(actions); i++) {
        actions[i] = GF_PERMISSION_ACTION_READ;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(permissions); i++) {
        permissions[i] = (struct gf_permission){.targets = &target,
                                                .target_count = 1,
                                                .actions = actions,
                                                .action_count = GF_ARRAY_COUNT(actions)};
    }
    struct fixture fixture;
    open_fixture(&fixture);
    must_come_back(&fixture, permissions, GF_ARRAY_COUNT(permissions));
    close_fixture(&fixture);
}

Test(sqlite_permissions, damaged_bytes_are_refused) {
    /* What is right: in no namespace, one target of runs with `*`, and reading. */
    static const struct {
        const char *what;
        struct gf_str bytes;
    } CASES[] = {
        {"nothing", GF_STR("")},
        {"an unknown format", GF_STR("\x02\x01\x01\x00\x01\x06\x00\x01\x02")},
        {"a format and nothing", GF_STR("\x01")},
        {"an unknown field", GF_STR("\x01\x02\x01\x00\x01\x06\x00\x01\x02")},
        {"a field twice", GF_STR("\x01\x01\x01\x00\x01\x06\x00\x01\x02"
                                 "\x01\x01\x00\x01\x06\x00\x01\x02")},
        {"no permissions", GF_STR("\x01\x01\x00")},
        {"more permissions than there are", GF_STR("\x01\x01\x02\x00\x01\x06\x00\x01\x02")},
        {"a count beyond everything", GF_STR("\x01\x01\xff\xff\xff\x7f\x00\x01\x06\x00\x01\x02")},
        {"a namespace that is no glob", GF_STR("\x01\x01\x01\x01\x01/\x01\x06\x00\x01\x02")},
        {"a namespace that is not UTF-8", GF_STR("\x01\x01\x01\x01\x01\xff\x01\x06\x00\x01\x02")},
        {"no targets", GF_STR("\x01\x01\x01\x00\x00\x01\x02")},
        {"resource 0", GF_STR("\x01\x01\x01\x00\x01\x00\x00\x01\x02")},
        {"an unknown resource", GF_STR("\x01\x01\x01\x00\x01\x7f\x00\x01\x02")},
        {"an empty glob", GF_STR("\x01\x01\x01\x00\x01\x06\x01\x00\x01\x02")},
        {"more globs than there are", GF_STR("\x01\x01\x01\x00\x01\x06\x7f\x01\x02")},
        {"no actions", GF_STR("\x01\x01\x01\x00\x01\x06\x00\x00")},
        {"action 0", GF_STR("\x01\x01\x01\x00\x01\x06\x00\x01\x00")},
        {"an unknown action", GF_STR("\x01\x01\x01\x00\x01\x06\x00\x01\x7f")},
        {"an action that does not go with the resource",
         GF_STR("\x01\x01\x01\x00\x01\x06\x00\x01\x05")},
        {"bytes behind the end", GF_STR("\x01\x01\x01\x00\x01\x06\x00\x01\x02\x02")},
        {"a number in a longer form", GF_STR("\x01\x01\x81\x00\x00\x01\x06\x00\x01\x02")},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_eq(decode(&fixture, GF_STR("\x01\x01\x01\x00\x01\x06\x00\x01\x02")), GF_OK);
    const struct gf_permission *good = fixture.permissions;
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        cr_assert_eq(decode(&fixture, CASES[i].bytes), GF_DATA_LOSS, "%s", CASES[i].what);
        cr_assert(fixture.permissions == good, "%s: outputs are untouched", CASES[i].what);
    }
    close_fixture(&fixture);
}

Test(sqlite_permissions, an_arena_that_is_full_is_an_error) {
    const struct gf_str bytes = GF_STR("\x01\x01\x01\x00\x01\x06\x01\x01*\x01\x02");
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t cap = 1; cap < 64; cap++) {
        struct gf_arena small;
        gf_arena_init(&small, cap);
        cr_assert_eq(gf_sqlite__permissions_decode(bytes, &small, &fixture.permissions,
                                                   &fixture.count, &fixture.err),
                     GF_RESOURCE_EXHAUSTED);
        gf_arena_fini(&small);
    }
    cr_assert_eq(decode(&fixture, bytes), GF_OK);
    close_fixture(&fixture);
}
