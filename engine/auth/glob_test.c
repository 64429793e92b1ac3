#include "base/random.h"
#include "engine/auth/glob.h"

#include <criterion/criterion.h>

static bool match(const char *glob, const char *text) {
    return gf_glob_match(gf_str_from(glob), gf_str_from(text));
}

static bool covers(const char *wide, const char *narrow) {
    return gf_glob_covers(gf_str_from(wide), gf_str_from(narrow));
}

/* What globs mean, without any care for time. */
static bool reference(const char *glob, const char *text) {
    if (*glob == '\0') {
        return *text == '\0';
    }
    if (*glob == '*') {
        return reference(glob + 1, text) || (*text != '\0' && reference(glob, text + 1));
    }
    return *text != '\0' && (*glob == '?' || *glob == *text) && reference(glob + 1, text + 1);
}

static void random_text(char *out, size_t len_max, const char *characters) {
    const size_t len = gf_random_below(len_max + 1);
    for (size_t i = 0; i < len; i++) {
        out[i] = characters[gf_random_below(strlen(characters))];
    }
    out[len] = '\0';
}

Test(glob, matches_whole_texts) {
    cr_assert(match("prod", "prod"));
    cr_assert_not(match("prod", "prod-eu"));
    cr_assert_not(match("prod", "my-prod"));
    cr_assert_not(match("prod", "Prod"));
    cr_assert_not(match("prod", ""));
    cr_assert(match("prod*", "prod"));
    cr_assert(match("prod*", "prod-eu"));
    cr_assert(match("*prod", "my-prod"));
    cr_assert_not(match("*prod", "my-prod-eu"));
    cr_assert(match("*prod*", "my-prod-eu"));
    cr_assert(match("a*b", "ab"));
    cr_assert_not(match("a*a", "a"));
    cr_assert(match("t?st", "test"));
    cr_assert_not(match("t?st", "tst"));
    cr_assert(match("??*", "ab"));
    cr_assert_not(match("??*", "a"));
}

Test(glob, stars_alone_match_everything) {
    char longer[GF_GLOB_CHARS_MAX + 2];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    cr_assert(match("*", ""));
    cr_assert(match("***", "anything"));
    cr_assert(match("*", longer));
    cr_assert_not(match("a*", longer));
    cr_assert_not(match("?", ""));
    cr_assert(gf_glob_matches_all(GF_STR("**")));
    cr_assert_not(gf_glob_matches_all(GF_STR("*?")));
    cr_assert_not(gf_glob_matches_all(GF_STR("")));
}

Test(glob, other_bytes_match_wildcards_only) {
    cr_assert(gf_glob_match(GF_STR("a?c"), GF_STR("a\0c")));
    cr_assert(gf_glob_match(GF_STR("a*c"), GF_STR("a\xc3\xa9/c")));
    cr_assert_not(gf_glob_match(GF_STR("a"), GF_STR("a\0")));
    cr_assert_not(gf_glob_match(GF_STR("abc"), GF_STR("a/c")));
}

Test(glob, longest_globs) {
    char glob[GF_GLOB_CHARS_MAX + 2] = {0};
    char text[GF_GLOB_CHARS_MAX + 1] = {0};
    memset(glob, 'a', GF_GLOB_CHARS_MAX);
    memset(text, 'a', GF_GLOB_CHARS_MAX);
    cr_assert(match(glob, text));
    text[63] = 'b';
    cr_assert_not(match(glob, text));
    glob[63] = '*';
    cr_assert(match(glob, text));
    glob[63] = '?';
    cr_assert(match(glob, text));
    glob[0] = '*';
    cr_assert(match(glob, text));
    cr_assert(match(glob, text + 1));
    cr_assert_not(match(glob, text + 2));
    glob[64] = '*';
    cr_assert_not(match(glob, text), "longer than the limit");
}

Test(glob, agrees_with_its_meaning) {
    for (int i = 0; i < 200000; i++) {
        char glob[11];
        char text[13];
        random_text(glob, 10, "ab?*");
        random_text(text, 12, "ab");
        const bool expected = glob[0] != '\0' && reference(glob, text);
        cr_assert_eq(match(glob, text), expected, "'%s' and '%s'", glob, text);
    }
}

/* A glob that would take a matcher that backtracks a very long time. */
Test(glob, evil_globs_are_quick) {
    char text[GF_GLOB_CHARS_MAX + 1] = {0};
    memset(text, 'a', GF_GLOB_CHARS_MAX);
    for (int i = 0; i < 100000; i++) {
        cr_assert_not(match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", text));
    }
}

Test(glob, check_says_what_is_wrong) {
    struct gf_error err = {0};
    cr_assert_eq(gf_glob_check(GF_STR("a-Z_0*?"), "globs[0]", &err), GF_OK);
    cr_assert_eq(gf_glob_check(GF_STR(""), "globs[1]", &err), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.field, "globs[1]");
    cr_assert_str_eq(err.message, "glob is empty, expected 1 to 64 characters");
    cr_assert_eq(gf_glob_check(GF_STR("^x$"), "g", &err), GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "0x5e at position 1"));
    cr_assert_eq(gf_glob_check(GF_STR("a\0b"), "g", &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_glob_check(GF_STR("caf\xc3\xa9"), "g", &err), GF_INVALID_ARGUMENT);
    char longer[GF_GLOB_CHARS_MAX + 1];
    memset(longer, '*', sizeof(longer));
    cr_assert_eq(gf_glob_check((struct gf_str){longer, sizeof(longer)}, "g", &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "glob has 65 characters, expected 1 to 64");
    cr_assert_eq(gf_glob_check((struct gf_str){longer, 64}, "g", &err), GF_OK);
}

Test(glob, floating_has_two_runs_of_stars) {
    cr_assert_not(gf_glob_floats(GF_STR("abc")));
    cr_assert_not(gf_glob_floats(GF_STR("a***c")));
    cr_assert_not(gf_glob_floats(GF_STR("a*?*c")));
    cr_assert(gf_glob_floats(GF_STR("*a*")));
    cr_assert(gf_glob_floats(GF_STR("*a?*")));
}

Test(glob, covers_by_rule) {
    cr_assert(covers("*", "*"));
    cr_assert(covers("*", "anything?*"));
    cr_assert(covers("a*", "a*"));
    cr_assert(covers("a*", "ab*c"));
    cr_assert(covers("*a*", "?a*b"));
    cr_assert(covers("a?c", "abc"));
    cr_assert(covers("a?c", "a?c"));
    cr_assert(covers("?*", "*?"));
    cr_assert(covers("*?", "?*"));
    cr_assert(covers("*??", "?*?"));
    cr_assert_not(covers("a*", "*"));
    cr_assert_not(covers("a*", "b*"));
    cr_assert_not(covers("a?c", "a*c"));
    cr_assert_not(covers("abc", "a?c"));
    cr_assert_not(covers("abc", "abcd"));
    cr_assert_not(covers("?*", "*"));
    cr_assert_not(covers("*prod", "*prod*"));
    cr_assert_not(covers("", ""));
    cr_assert_not(covers("a*", "a^"));
}

/* Yes is never wrong: whatever the narrow one matches, the wide one does. */
Test(glob, covers_is_never_wrong) {
    int yes = 0;
    for (int i = 0; i < 20000; i++) {
        char wide[8];
        char narrow[8];
        random_text(wide, 5, "ab?**");
        random_text(narrow, 6, "ab?*");
        if (!covers(wide, narrow)) {
            continue;
        }
        yes++;
        for (int k = 0; k < 200; k++) {
            char text[10];
            random_text(text, 8, "abc");
            cr_assert(!match(narrow, text) || match(wide, text), "'%s' and '%s': '%s'", wide,
                      narrow, text);
        }
    }
    cr_assert_gt(yes, 1000);
}
