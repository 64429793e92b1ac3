#include "engine/scheduler/native/shim/user.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const char PASSWD[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "# a comment\n"
                             "broken:x:notanumber:0::/:\n"
                             "short:x:1\n"
                             "worker:x:1000:100:A Worker:/home/worker:/bin/sh\n"
                             "1234:x:77:78::/home/number:/bin/sh\n"
                             "homeless:x:1001:100:::/bin/sh\n"
                             "last:x:1002:100::/last:/bin/false";

static const char GROUP[] = "root:x:0:\n"
                            "users:x:100:\n"
                            "audio:x:29:someone,worker\n"
                            "video:x:44:worker\n"
                            "huge:x:99999999999:worker\n"
                            "almost:x:45:worker2,xworker\n";

static struct gf_error error;
static struct gf_user user;

static enum gf_code resolve(const char *text) {
    return gf_user_resolve(text, gf_str_from(PASSWD), gf_str_from(GROUP), &user, &error);
}

static void expect_ids(uint32_t uid, uint32_t gid) {
    cr_assert(eq(u32, user.uid, uid));
    cr_assert(eq(u32, user.gid, gid));
}

Test(user, nobody_named_is_root) {
    cr_assert(resolve("") == GF_OK);
    expect_ids(0, 0);
    cr_assert(eq(str, user.home, "/root"));
}

Test(user, name_has_its_own_group_and_those_that_list_it) {
    cr_assert(resolve("worker") == GF_OK);
    expect_ids(1000, 100);
    cr_assert(eq(str, user.home, "/home/worker"));
    cr_assert(eq(sz, user.group_count, (size_t)3));
    cr_assert(eq(u32, user.groups[0], 29));
    cr_assert(eq(u32, user.groups[1], 44));
    cr_assert(eq(u32, user.groups[2], 100));
}

Test(user, explicit_group_is_the_only_one) {
    cr_assert(resolve("worker:video") == GF_OK);
    expect_ids(1000, 44);
    cr_assert(eq(sz, user.group_count, (size_t)1));
    cr_assert(resolve("worker:4711") == GF_OK);
    cr_assert(eq(u32, user.gid, 4711));
}

Test(user, number_needs_no_entry) {
    cr_assert(resolve("4711") == GF_OK);
    expect_ids(4711, 0);
    cr_assert(eq(str, user.home, "/"));
    cr_assert(resolve("4711:12") == GF_OK);
    expect_ids(4711, 12);
}

Test(user, number_with_an_entry_gets_what_it_says) {
    cr_assert(resolve("1000") == GF_OK);
    cr_assert(eq(u32, user.gid, 100));
    cr_assert(eq(str, user.home, "/home/worker"));
}

Test(user, name_of_digits_comes_before_the_number) {
    cr_assert(resolve("1234") == GF_OK);
    cr_assert(eq(u32, user.uid, 77));
}

Test(user, missing_home_is_the_root) {
    cr_assert(resolve("homeless") == GF_OK);
    cr_assert(eq(str, user.home, "/"));
}

Test(user, last_line_needs_no_newline) {
    cr_assert(resolve("last") == GF_OK);
    cr_assert(eq(str, user.home, "/last"));
}

Test(user, unknown_names_are_not_found) {
    const char *const unknown[] = {"nobody",         "broken",      "short",
                                   "worker:nogroup", "worker:huge", " "};
    for (size_t i = 0; i < GF_ARRAY_COUNT(unknown); i++) {
        cr_assert(resolve(unknown[i]) == GF_NOT_FOUND, "%s", unknown[i]);
    }
    cr_assert(resolve("nobody") == GF_NOT_FOUND);
    cr_assert(eq(str, error.message, "user 'nobody' not found in the image"));
}

Test(user, numbers_out_of_range_are_refused) {
    cr_assert(resolve("2147483648") == GF_INVALID_ARGUMENT);
    cr_assert(resolve("99999999999999999999") == GF_INVALID_ARGUMENT);
    cr_assert(resolve("0:4294967296") == GF_INVALID_ARGUMENT);
}

Test(user, groups_beyond_the_limit_are_left_out) {
    struct gf_strbuf group;
    gf_strbuf_init(&group, 1 << 16);
    for (int i = 0; i < 2 * GF_USER_GROUPS_MAX; i++) {
        gf_strbuf_printf(&group, "g%d:x:%d:worker\n", i, 1000 + i);
    }
    cr_assert(gf_user_resolve("worker", gf_str_from(PASSWD), gf_strbuf_view(&group), &user,
                              &error) == GF_OK);
    cr_assert(eq(sz, user.group_count, (size_t)GF_USER_GROUPS_MAX));
    gf_strbuf_fini(&group);
}
