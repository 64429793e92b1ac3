#include "engine/secrets/secret.h"

#include <criterion/criterion.h>

Test(secret, every_glob_counts) {
    const struct gf_str globs[] = {GF_STR("team-a"), GF_STR("team-b"), GF_STR("*-prod")};
    const struct gf_secret secret = {.namespaces = globs, .namespace_count = 3};
    cr_expect(gf_secret_usable_in(&secret, 1, GF_STR("team-a")));
    cr_expect(gf_secret_usable_in(&secret, 1, GF_STR("team-b")));
    cr_expect(gf_secret_usable_in(&secret, 1, GF_STR("c-prod")));
    cr_expect_not(gf_secret_usable_in(&secret, 1, GF_STR("team-c")));
    const struct gf_secret none = {0};
    cr_expect_not(gf_secret_usable_in(&none, 1, GF_STR("team-a")));
}

Test(secret, pipelines_use_their_own_namespace) {
    const struct gf_secret secret = {.place = {1, 2, GF_STR("key")}};
    cr_expect(gf_secret_usable_in(&secret, 1, GF_STR("team-a")));
    cr_expect_not(gf_secret_usable_in(&secret, 2, GF_STR("team-a")));
}

Test(secret, values_have_a_size) {
    static char large[GF_SECRET_VALUE_BYTES_MAX + 1];
    struct gf_error err = {0};
    cr_expect_eq(gf_secret_check_value(GF_STR(""), "value", &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(gf_secret_check_value(GF_STR("x"), "value", &err), GF_OK);
    cr_expect_eq(gf_secret_check_value((struct gf_str){large, sizeof(large) - 1}, "value", &err),
                 GF_OK);
    cr_expect_eq(gf_secret_check_value((struct gf_str){large, sizeof(large)}, "value", &err),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "value");
}

Test(secret, globs_are_checked) {
    struct gf_error err = {0};
    const struct gf_str good[] = {GF_STR("*"), GF_STR("team-?_1*")};
    const struct gf_str bad[] = {GF_STR("team"), GF_STR("te.m")};
    const struct gf_str empty[] = {GF_STR("")};
    static struct gf_str many[GF_SECRET_NAMESPACES_MAX + 1];
    for (size_t i = 0; i < GF_ARRAY_COUNT(many); i++) {
        many[i] = GF_STR("team");
    }
    cr_expect_eq(gf_secret_check_namespaces(good, 2, "namespaces", &err), GF_OK);
    cr_expect_eq(gf_secret_check_namespaces(bad, 2, "namespaces", &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "namespaces[1]");
    cr_expect_eq(gf_secret_check_namespaces(empty, 1, "namespaces", &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(gf_secret_check_namespaces(good, 0, "namespaces", &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(gf_secret_check_namespaces(many, GF_SECRET_NAMESPACES_MAX, "namespaces", &err),
                 GF_OK);
    cr_expect_eq(gf_secret_check_namespaces(many, GF_ARRAY_COUNT(many), "namespaces", &err),
                 GF_INVALID_ARGUMENT);
}
