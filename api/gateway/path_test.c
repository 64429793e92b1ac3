#include "api/gateway/path.h"

#include <string.h>

#include <criterion/criterion.h>

static void expect_path(const char *path, const char *decoded) {
    char memory[GF_GATEWAY__PATH_BYTES_MAX + 1];
    struct gf_strbuf out;
    gf_strbuf_init_in(&out, memory, sizeof(memory));
    struct gf_error err = {.message = ""};
    enum gf_code code = gf_gateway__path_decode(gf_str_from(path), &out, &err);
    cr_assert_eq(code, GF_OK, "%s: %s", path, err.message);
    cr_assert(gf_str_eq(gf_strbuf_view(&out), gf_str_from(decoded)), "%s: %s", path, memory);
}

static void expect_code(struct gf_str path, enum gf_code expected) {
    char memory[GF_GATEWAY__PATH_BYTES_MAX + 1] = "";
    struct gf_strbuf out;
    gf_strbuf_init_in(&out, memory, sizeof(memory));
    struct gf_error err = {.message = ""};
    enum gf_code code = gf_gateway__path_decode(path, &out, &err);
    cr_assert_eq(code, expected, "%" GF_STR_FMT ": %s", GF_STR_ARG(path), gf_code_name(code));
    cr_assert_eq(out.len, 0);
}

Test(path, decodes_what_names_a_file) {
    expect_path("/", "");
    expect_path("/index.html", "index.html");
    expect_path("/css/main.css", "css/main.css");
    expect_path("/docs/", "docs/");
    expect_path("/a%20b/c%2b.txt", "a b/c+.txt");
    expect_path("/%C3%A4", "\xC3\xA4");
    expect_path("/a!$&'()*+,;=:@b~", "a!$&'()*+,;=:@b~");
}

Test(path, refuses_ways_out) {
    static const char *const paths[] = {
        "/..", "/../a",  "/a/..",    "/a/../b", "/%2e%2e", "/%2E%2e/a", "/.", "/a/./b", "/a//b",
        "//a", "/a%2fb", "/..%2f..", "/a%5cb",  "/a\\b",   "/a%2F",     "//", "/a//",   "/%2e/%2e"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        expect_code(gf_str_from(paths[i]), GF_INVALID_ARGUMENT);
    }
}

Test(path, refuses_what_is_malformed) {
    static const char *const paths[] = {"",       "a",    "/%",    "/%4",     "/%4g",  "/%zz",
                                        "/a%00b", "/%0a", "/%7f",  "/a b",    "/a\"b", "/<a>",
                                        "/%ff",   "/%c3", "/a\tb", "/%c0%ae", "/a|b",  "*"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        expect_code(gf_str_from(paths[i]), GF_INVALID_ARGUMENT);
    }
    expect_code((struct gf_str){"/a\0b", 4}, GF_INVALID_ARGUMENT);
}

Test(path, hides_what_begins_with_a_dot) {
    expect_code(GF_STR("/.git/config"), GF_NOT_FOUND);
    expect_code(GF_STR("/a/.env"), GF_NOT_FOUND);
    expect_code(GF_STR("/%2eenv"), GF_NOT_FOUND);
    expect_code(GF_STR("/..."), GF_NOT_FOUND);
}

Test(path, has_limits) {
    char path[GF_GATEWAY__PATH_BYTES_MAX + 2];
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    expect_code((struct gf_str){path, sizeof(path)}, GF_OUT_OF_RANGE);
    expect_code((struct gf_str){path, GF_GATEWAY__SEGMENT_BYTES_MAX + 2}, GF_OUT_OF_RANGE);
    path[GF_GATEWAY__SEGMENT_BYTES_MAX + 1] = '\0';
    expect_path(path, path + 1);
}
