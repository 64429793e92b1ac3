#include "api/external/target.h"

#include <criterion/criterion.h>

static void expect_target(const char *path, const char *extension_id, const char *rest) {
    struct gf_external_target target = {0};
    cr_assert(gf_external_read_target(gf_str_from(path), &target), "%s", path);
    cr_expect(gf_str_eq(target.extension_id, gf_str_from(extension_id)), "%s", path);
    cr_expect(gf_str_eq(target.path, gf_str_from(rest)), "%s", path);
}

Test(external_target, an_extension_and_what_is_behind_it) {
    expect_target("/external/github", "github", "");
    expect_target("/external/github/", "github", "/");
    expect_target("/external/git_hub-2/a/b%2Fc//", "git_hub-2", "/a/b%2Fc//");
}

Test(external_target, others_are_none) {
    static const char *const WRONG[] = {"",
                                        "/",
                                        "/external",
                                        "/external/",
                                        "/external//path",
                                        "/external/ab",
                                        "/external/git%68ub",
                                        "/external/../etc/passwd",
                                        "/External/github",
                                        "external/github",
                                        "//external/github",
                                        "/external/a name",
                                        "http://host/external/github"};
    struct gf_external_target target;
    for (size_t i = 0; i < GF_ARRAY_COUNT(WRONG); i++) {
        cr_expect_not(gf_external_read_target(gf_str_from(WRONG[i]), &target), "%s", WRONG[i]);
    }
}

Test(external_target, headers_of_the_connection) {
    const struct gf_str none = {NULL, 0};
    cr_expect(gf_external_is_of_connection(GF_STR("Connection"), none));
    cr_expect(gf_external_is_of_connection(GF_STR("transfer-encoding"), none));
    cr_expect(gf_external_is_of_connection(GF_STR("EXPECT"), none));
    cr_expect_not(gf_external_is_of_connection(GF_STR("content-type"), none));
    cr_expect_not(gf_external_is_of_connection(GF_STR("x-hop"), GF_STR("close, x-hope")));
    cr_expect(gf_external_is_of_connection(GF_STR("X-Hop"), GF_STR("close,\t x-hop ,more")));
    cr_expect(gf_external_is_of_connection(GF_STR("x-hop"), GF_STR("x-hop")));
    cr_expect_not(gf_external_is_of_connection(GF_STR("x-hop"), GF_STR(",, ,")));
}
