#include "engine/scheduler/native/fetch/path.h"

#include <criterion/criterion.h>

static void assert_reads(const char *name, const char *expected) {
    struct gf_path path;
    struct gf_error err;
    cr_assert_eq(gf_path_parse(name, &path, &err), GF_OK, "%s", err.message);
    cr_assert_str_eq(path.text, expected);
    cr_assert_eq(path.len, strlen(expected));
}

static void assert_refuses(const char *name) {
    struct gf_path path;
    struct gf_error err;
    cr_assert_eq(gf_path_parse(name, &path, &err), GF_INVALID_ARGUMENT, "%s", name);
    cr_assert_str_eq(err.reason, "ARCHIVE_INVALID");
}

Test(path, is_made_canonical) {
    assert_reads("a", "a");
    assert_reads("./a//b/./c/", "a/b/c");
    assert_reads("./", "");
    assert_reads(".", "");
    assert_reads("..a/...", "..a/...");
    assert_reads("a\n\xff", "a\n\xff");
}

Test(path, must_stay_within) {
    assert_refuses("");
    assert_refuses("/");
    assert_refuses("/a");
    assert_refuses("..");
    assert_refuses("a/..");
    assert_refuses("a/../b");
    assert_refuses("./../b");
}

Test(path, has_limits) {
    char name[GF_FETCH_PATH_CHARS_MAX + 2];
    /* Parts of 255 characters with a slash between: the longest path has 16 of them. */
    for (size_t i = 0; i < sizeof(name); i++) {
        name[i] = i % 256 == 255 ? '/' : 'n';
    }
    name[GF_FETCH_PATH_CHARS_MAX] = '\0';
    assert_reads(name, name);
    name[GF_FETCH_PATH_CHARS_MAX - 256] = 'n'; /* a part of 511 */
    assert_refuses(name);
    name[GF_FETCH_PATH_CHARS_MAX - 256] = '/';
    char longer[sizeof(name) + 2];
    (void)snprintf(longer, sizeof(longer), "%s/x", name);
    assert_refuses(longer);
}

Test(path, knows_its_parent_and_last_part) {
    struct gf_path path;
    cr_assert_eq(gf_path_parse("a/b/c", &path, NULL), GF_OK);
    cr_assert(gf_str_eq(gf_path_parent(&path), GF_STR("a/b")));
    cr_assert_str_eq(gf_path_last(&path), "c");
    cr_assert_eq(gf_path_parse("a", &path, NULL), GF_OK);
    cr_assert_eq(gf_path_parent(&path).len, 0u);
    cr_assert_str_eq(gf_path_last(&path), "a");
}
