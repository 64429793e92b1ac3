#include "api/server/extension_care_internal.h"

#include <criterion/criterion.h>

static char pattern[GF_REFERENCE_BYTES];

static const char *pattern_of(const char *image, enum gf_extension_update_policy policy) {
    return gf_care__pattern(gf_str_from(image), policy, pattern) ? pattern : "";
}

Test(extension_updates, minor_takes_all_of_the_same_major_version) {
    cr_expect_str_eq(pattern_of("cron:1.4.2", GF_EXTENSION_UPDATE_MINOR), "cron:>=1.4.2 <2");
    cr_expect_str_eq(pattern_of("cron:v1.4", GF_EXTENSION_UPDATE_MINOR), "cron:>=v1.4 <2");
    cr_expect_str_eq(pattern_of("cron:1", GF_EXTENSION_UPDATE_MINOR), "cron:>=1 <2");
}

Test(extension_updates, patch_takes_those_of_the_same_minor_version) {
    cr_expect_str_eq(pattern_of("cron:1.4.2", GF_EXTENSION_UPDATE_PATCH), "cron:~1.4.2");
    cr_expect_str_eq(pattern_of("cron:1.4", GF_EXTENSION_UPDATE_PATCH), "cron:~1.4");
    cr_expect_str_eq(pattern_of("cron:1", GF_EXTENSION_UPDATE_PATCH), "");
}

Test(extension_updates, a_range_says_it_all) {
    cr_expect_str_eq(pattern_of("cron:^1.4", GF_EXTENSION_UPDATE_PATCH), "cron:^1.4");
}

Test(extension_updates, what_is_no_version_is_not_followed) {
    cr_expect_str_eq(pattern_of("cron", GF_EXTENSION_UPDATE_MINOR), "");
    cr_expect_str_eq(pattern_of("cron:latest", GF_EXTENSION_UPDATE_MINOR), "");
    cr_expect_str_eq(pattern_of("cron:1.2.3.4", GF_EXTENSION_UPDATE_MINOR), "");
}
