#include "api/gateway/files.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* A directory of the test's own; it lies in that of the test run, which is removed. */
static char dir[] = "/tmp/gofer-files-XXXXXX";
static int dir_fd = -1;

static void put(const char *name, const char *text) {
    cr_assert_eq(gf_file_replace(dir_fd, name, gf_str_from(text), 0644, GF_FILE_SYNC_NONE, NULL),
                 GF_OK);
}

static void set_up(void) {
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(gf_gateway__files_open(dir, &dir_fd, NULL), GF_OK);
    /* One that can be written to by name. */
    (void)close(dir_fd);
    dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    cr_assert_eq(mkdirat(dir_fd, "sub", 0755), 0);
    put("index.html", "top");
    put("sub/index.html", "sub");
    put("app.js", "plain");
}

static void tear_down(void) {
    static const char *const names[] = {"index.html", "sub/index.html", "app.js", "app.js.gz",
                                        "link",       "fifo",           "up"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        (void)unlinkat(dir_fd, names[i], 0);
    }
    (void)unlinkat(dir_fd, "sub", AT_REMOVEDIR);
    (void)close(dir_fd);
    (void)rmdir(dir);
}

TestSuite(files, .init = set_up, .fini = tear_down);

/* What the file of a path holds; "" with the code where there is none. */
static const char *content(const char *path, bool gzip, enum gf_code *out_code) {
    static char text[64];
    struct gf_gateway__file file = {.fd = -1};
    *out_code = gf_gateway__file_find(dir_fd, gf_str_from(path), gzip, &file, NULL);
    text[0] = '\0';
    if (*out_code == GF_OK) {
        ssize_t size = read(file.fd, text, sizeof(text) - 1);
        cr_assert(size >= 0 && (uint64_t)size == file.size);
        text[size] = '\0';
        (void)close(file.fd);
    }
    return text;
}

static void expect(const char *path, const char *text) {
    enum gf_code code = GF_OK;
    const char *has = content(path, false, &code);
    cr_assert_eq(code, GF_OK, "%s: %s", path, gf_code_name(code));
    cr_assert_str_eq(has, text, "%s", path);
}

static void expect_code(const char *path, enum gf_code expected) {
    enum gf_code code = GF_OK;
    (void)content(path, false, &code);
    cr_assert_eq(code, expected, "%s: %s", path, gf_code_name(code));
}

Test(files, directories_have_their_index) {
    expect("", "top");
    expect("sub/", "sub");
    expect("sub/index.html", "sub");
    expect_code("sub", GF_FAILED_PRECONDITION);
    expect_code("app.js/", GF_NOT_FOUND);
}

Test(files, places_of_the_interface_have_the_index_at_the_top) {
    expect("runs/17", "top");
    expect("runs/", "top");
    expect_code("missing.js", GF_NOT_FOUND);
    expect_code("gofer.v1.RunService/Nothing", GF_NOT_FOUND);
}

Test(files, links_and_what_is_no_file_are_not_served) {
    cr_assert_eq(symlinkat("app.js", dir_fd, "link"), 0);
    cr_assert_eq(symlinkat("/etc", dir_fd, "up"), 0);
    cr_assert_eq(mkfifoat(dir_fd, "fifo", 0644), 0);
    put("index.html", "top");
    (void)unlinkat(dir_fd, "index.html", 0); /* nothing answers in their place */
    expect_code("link", GF_NOT_FOUND);
    expect_code("up/hostname", GF_NOT_FOUND);
    expect_code("fifo", GF_NOT_FOUND);
    expect_code("../etc/hostname", GF_NOT_FOUND);
}

Test(files, a_compressed_file_is_taken_where_it_is_not_older) {
    enum gf_code code = GF_OK;
    struct stat plain;
    put("app.js.gz", "packed");
    cr_assert_str_eq(content("app.js", true, &code), "packed");
    cr_assert_str_eq(content("app.js", false, &code), "plain");
    cr_assert_eq(fstatat(dir_fd, "app.js", &plain, 0), 0);
    const struct timespec times[2] = {plain.st_mtim, {.tv_sec = plain.st_mtim.tv_sec - 1}};
    cr_assert_eq(utimensat(dir_fd, "app.js.gz", times, 0), 0);
    cr_assert_str_eq(content("app.js", true, &code), "plain");
}

Test(files, entity_tags_follow_the_content) {
    struct gf_gateway__file before;
    struct gf_gateway__file after;
    cr_assert_eq(gf_gateway__file_find(dir_fd, GF_STR("app.js"), false, &before, NULL), GF_OK);
    (void)close(before.fd);
    put("app.js", "other");
    cr_assert_eq(gf_gateway__file_find(dir_fd, GF_STR("app.js"), false, &after, NULL), GF_OK);
    (void)close(after.fd);
    cr_assert_str_neq(before.etag, after.etag);
    cr_assert_eq(after.etag[0], '"');
    cr_assert_eq(after.etag[strlen(after.etag) - 1], '"');
    cr_assert_str_eq(after.cache_control, "no-cache");
}

Test(files, types_follow_the_ending) {
    cr_assert_str_eq(gf_gateway__content_type(GF_STR("a/b.js")), "text/javascript; charset=utf-8");
    cr_assert_str_eq(gf_gateway__content_type(GF_STR("a.woff2")), "font/woff2");
    cr_assert_str_eq(gf_gateway__content_type(GF_STR("a")), "application/octet-stream");
    cr_assert_str_eq(gf_gateway__content_type(GF_STR("a.html.exe")), "application/octet-stream");
}

Test(files, hashed_names_are_known) {
    static const char *const hashed[] = {"index-4f9ab21c.js", "assets/main.3f2a9c1d77.css",
                                         "a-BfK2x9aQ.woff2"};
    static const char *const others[] = {
        "index.html",      "app.js",          "jquery-3.6.0.min.js",
        "my-component.js", "a-1234567.js",    "4f9ab21c.js",
        "4f9ab21c",        "a-4f9ab21c/b.js", ""};
    for (size_t i = 0; i < GF_ARRAY_COUNT(hashed); i++) {
        cr_assert(gf_gateway__is_hashed(gf_str_from(hashed[i])), "%s", hashed[i]);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        cr_assert_not(gf_gateway__is_hashed(gf_str_from(others[i])), "%s", others[i]);
    }
}

Test(files, a_directory_that_is_none_is_refused) {
    int fd = -1;
    struct gf_error err;
    cr_assert_eq(gf_gateway__files_open("/nonexistent", &fd, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_gateway__files_open("/etc/hostname", &fd, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(fd, -1);
}
