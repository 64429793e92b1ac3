#include "engine/scheduler/native/images/settings.h"

#include <criterion/criterion.h>

TestSuite(image_settings);

/* Whether one pattern, or none where it is NULL, lets the reference through. */
static enum gf_code ask(const char *pattern, const char *text, struct gf_error *err) {
    const struct gf_image_settings settings = {.allow = &pattern,
                                               .allow_count = pattern == NULL ? 0 : 1};
    struct gf_reference reference;
    cr_assert_eq(gf_reference_parse(gf_str_from(text), &reference, err), GF_OK, "%s", text);
    return gf_image_check_allowed(&settings, &reference, err);
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(image_settings, patterns_allow_images_by_their_full_names) {
    static const struct {
        const char *pattern;
        const char *reference;
        bool allowed;
    } cases[] = {
        {NULL, "busybox", true},
        {"*", "busybox", true},
        {"*", DIGEST, true},
        {"docker.io/*", "busybox", true},
        {"docker.io/library/busybox", "busybox:1.36", true},
        {"docker.io/library/busybox", "busybox@" DIGEST, true},
        {"docker.io/library/busybox:1.*", "busybox:1.36", true},
        {"docker.io/library/busybox:1.*", "busybox:2.0", false},
        {"docker.io/library/busybox:1.*", "busybox@" DIGEST, false},
        {"docker.io/library/busybox:1.*", "busybox:1.36@" DIGEST, false},
        {"docker.io/library/busybox@*", "busybox:1.36@" DIGEST, true},
        {"docker.io/library/busybox:*-musl", "busybox:1.36-musl", true},
        {"docker.io/library/busybox:*-musl", "busybox:>=1.0.0 <9.9.9-musl", false},
        {"docker.io/library/busybox:*", "busybox:^1", true},
        {"busybox", "busybox", false},
        {"registry.example:5000/team/*", "registry.example:5000/team/deep/app:1", true},
        {"registry.example:5000/team/*", "registry.example:5000/team2/app", false},
        {"registry.example/team/*", "registry.example.evil/team/app", false},
        {"registry.example/*/app", "registry.example/a/b/app:^1", true},
        {"registry.example/*", DIGEST, false},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        struct gf_error err = {0};
        const enum gf_code rc = ask(cases[i].pattern, cases[i].reference, &err);
        cr_expect_eq(rc, cases[i].allowed ? GF_OK : GF_PERMISSION_DENIED, "%zu: %s", i,
                     cases[i].reference);
    }
}

Test(image_settings, what_is_not_allowed_says_so) {
    struct gf_error err = {0};
    cr_assert_eq(ask("registry.example/*", "busybox", &err), GF_PERMISSION_DENIED);
    cr_expect_str_eq(err.reason, "IMAGE_NOT_ALLOWED");
    cr_expect_str_eq(err.message,
                     "image 'busybox:latest' is none of those that this server may run "
                     "(images.allow)");
}

Test(image_settings, patterns_are_checked) {
    struct gf_error err = {0};
    cr_expect_eq(gf_image_pattern_check(GF_STR("registry.example/team/*"), &err), GF_OK);
    cr_expect_eq(gf_image_pattern_check(GF_STR(""), &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(gf_image_pattern_check(GF_STR("a b"), &err), GF_INVALID_ARGUMENT);
}
