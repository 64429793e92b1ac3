#include "engine/scheduler/native/images/semver.h"

#include <criterion/criterion.h>

static struct gf_semver version(const char *text) {
    struct gf_semver parsed;
    cr_assert(gf_semver_parse(gf_str_from(text), &parsed), "%s", text);
    return parsed;
}

static struct gf_semver_range range(const char *text) {
    struct gf_semver_range parsed;
    struct gf_error err;
    cr_assert(gf_semver_is_range(gf_str_from(text)), "%s", text);
    cr_assert_eq(gf_semver_range_parse(gf_str_from(text), &parsed, &err), GF_OK, "%s", err.message);
    return parsed;
}

Test(semver, versions_have_three_numbers) {
    static const char *const bad[] = {"",           "1",
                                      "1.2",        "v",
                                      "latest",     "1.2.3.4",
                                      "01.2.3",     "1.2.3-",
                                      "1.2.3-01",   "1.2.x",
                                      "-1.2.3",     "1.2.3-a_b",
                                      "1.2.3-a..b", "1.2.9999999999999999999",
                                      "vv1.2.3",    "1.2.3 ",
                                      "+1.2.3"};
    struct gf_semver parsed;
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_not(gf_semver_parse(gf_str_from(bad[i]), &parsed), "%s", bad[i]);
    }
    parsed = version("v10.20.30-rc.1");
    cr_assert(parsed.major == 10 && parsed.minor == 20 && parsed.patch == 30);
    cr_assert(gf_str_eq(parsed.prerelease, GF_STR("rc.1")));
}

/* The order of semver.org's rule 11, and more. */
Test(semver, precedence_is_that_of_the_specification) {
    static const char *const ordered[] = {
        "0.9.9",        "1.0.0-0",       "1.0.0-2",          "1.0.0-11",
        "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
        "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
        "1.0.1",        "1.2.0",         "1.10.0",           "2.0.0",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(ordered); i++) {
        for (size_t j = 0; j < GF_ARRAY_COUNT(ordered); j++) {
            const struct gf_semver a = version(ordered[i]);
            const struct gf_semver b = version(ordered[j]);
            const int order = gf_semver_cmp(&a, &b);
            cr_assert((order < 0) == (i < j) && (order > 0) == (i > j), "%s %s", ordered[i],
                      ordered[j]);
        }
    }
}

Test(semver, ranges_hold_what_they_should) {
    static const struct {
        const char *range;
        const char *in;
        const char *out;
    } cases[] = {
        {"^1", "1.0.0 1.9.3 1.10.0", "0.9.9 2.0.0 2.0.0-rc.1 1.2.3-rc.1"},
        {"^1.2.3", "1.2.3 1.3.0", "1.2.2 2.0.0"},
        {"^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"},
        {"^0.0.3", "0.0.3", "0.0.4 0.0.2"},
        {"^0.0", "0.0.1", "0.1.0"},
        {"^0", "0.9.0", "1.0.0"},
        {"^*", "0.0.0 7.0.0", "7.0.0-rc.1"},
        {"~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"},
        {"~1.2", "1.2.0", "1.3.0"},
        {"~1", "1.9.0", "2.0.0"},
        {"1.x", "1.0.0 1.9.9", "2.0.0 0.9.0"},
        {"1.2.*", "1.2.0", "1.3.0"},
        {"v1.X.X", "1.5.0", "2.0.0"},
        {"*", "0.0.1 99.0.0", "1.0.0-alpha"},
        {">=1.2 <2", "1.2.0 1.9.9", "1.1.9 2.0.0 2.0.0-rc.1"},
        {">1.2", "1.3.0", "1.2.9"},
        {">1.2.3", "1.2.4", "1.2.3"},
        {"<=1.2", "1.2.9 0.0.0", "1.3.0"},
        {"<=1.2.3", "1.2.3", "1.2.4"},
        {"<1.2", "1.1.9", "1.2.0"},
        {"=1.2.3", "1.2.3 v1.2.3", "1.2.4"},
        {"=1.2", "1.2.7", "1.3.0"},
        {">=1.2.3-beta.2", "1.2.3-beta.3 1.2.3 1.2.4", "1.2.3-beta.1 1.2.4-beta.3"},
        {"^1.36.1-alpine", "1.36.1-alpine 1.36.2", "1.36.2-alpine"},
        {"<*", "", "1.0.0 0.0.0"},
        {">*", "", "1.0.0"},
        {"<=*", "1.0.0", ""},
        {"=1.2.3 =1.2.4", "", "1.2.3 1.2.4"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        const struct gf_semver_range parsed = range(cases[i].range);
        for (int is_in = 0; is_in < 2; is_in++) {
            struct gf_str rest = gf_str_from(is_in ? cases[i].in : cases[i].out);
            while (rest.len > 0) {
                struct gf_str word;
                struct gf_semver candidate;
                (void)gf_str_cut(rest, ' ', &word, &rest);
                cr_assert(gf_semver_parse(word, &candidate));
                cr_assert_eq(gf_semver_matches(&parsed, &candidate), is_in, "%s %.*s",
                             cases[i].range, GF_STR_ARG(word));
            }
        }
    }
}

Test(semver, tags_are_no_ranges) {
    static const char *const tags[] = {"latest", "1",       "1.2", "1.2.3",       "v1",
                                       "x",      "1.2.3-x", "x.1", "1.36-alpine", ""};
    for (size_t i = 0; i < GF_ARRAY_COUNT(tags); i++) {
        cr_assert_not(gf_semver_is_range(gf_str_from(tags[i])), "%s", tags[i]);
    }
}

Test(semver, bad_ranges_are_refused_with_a_sentence) {
    static const char *const bad[] = {"^",        "^a",    "1 || 2",      "~>1",   ">=1  <2",
                                      "^1.2.3.4", "x.1.*", "^1.x-rc",     "1.*.3", " ^1",
                                      "^1 ",      "^01",   "^1.2.3+build"};
    struct gf_semver_range parsed;
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        struct gf_error err = {.message = ""};
        cr_assert_eq(gf_semver_range_parse(gf_str_from(bad[i]), &parsed, &err), GF_INVALID_ARGUMENT,
                     "%s", bad[i]);
        cr_assert_not_null(strstr(err.message, "range of versions"));
    }
    struct gf_error err;
    const struct gf_str many = GF_STR("^1 ^1 ^1 ^1 ^1 ^1 ^1 ^1 ^1");
    cr_assert_eq(gf_semver_range_parse(many, &parsed, &err), GF_INVALID_ARGUMENT);
    char long_text[GF_SEMVER_RANGE_CHARS_MAX + 1];
    memset(long_text, '1', sizeof(long_text));
    cr_assert_eq(
        gf_semver_range_parse((struct gf_str){long_text, sizeof(long_text)}, &parsed, &err),
        GF_INVALID_ARGUMENT);
}

Test(semver, the_newest_is_chosen) {
    static const char *const tags[] = {"latest", "1",     "1.9.0",       "v1.10.0", "1.10.0",
                                       "1.2",    "2.0.0", "1.11.0-rc.1", "1.3.0"};
    const struct gf_semver_range one = range("^1");
    const struct gf_semver_range three = range("^3");
    const struct gf_semver_range rc = range("^1.11.0-rc");
    cr_assert_eq(gf_semver_newest(&one, tags, GF_ARRAY_COUNT(tags)), 4);
    cr_assert_eq(gf_semver_newest(&three, tags, GF_ARRAY_COUNT(tags)), -1);
    cr_assert_eq(gf_semver_newest(&rc, tags, GF_ARRAY_COUNT(tags)), 7);
    cr_assert_eq(gf_semver_newest(&one, tags, 0), -1);
}
