#include "clients/c/private_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct gf_arena arena;
static char path[64];

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
    (void)snprintf(path, sizeof(path), "/tmp/private-file-test-%d", (int)getpid());
}

static void teardown(void) {
    (void)unlink(path);
    gf_arena_fini(&arena);
}

TestSuite(private_file, .init = setup, .fini = teardown);

static void write_file(const char *text, size_t size, mode_t mode) {
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static enum gf_code read_token(const char *text, mode_t mode, const char **out_token,
                               struct gf_error *err) {
    write_file(text, strlen(text), mode);
    return gf_token_file_read(path, &arena, out_token, err);
}

Test(private_file, a_token_stands_between_white_space) {
    const char *token = NULL;
    struct gf_error err = {0};
    cr_assert_eq(read_token("\n gfr_h_abc \r\n", 0600, &token, &err), GF_OK, "%s", err.message);
    cr_expect_str_eq(token, "gfr_h_abc");
    cr_assert_eq(read_token("x", 0400, &token, &err), GF_OK);
    cr_expect_str_eq(token, "x");
}

Test(private_file, files_that_others_may_use_are_refused) {
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0644, 0777};
    for (size_t i = 0; i < GF_ARRAY_COUNT(modes); i++) {
        const char *token = NULL;
        struct gf_error err = {0};
        cr_expect_eq(read_token("gfr_h_abc", modes[i], &token, &err), GF_FAILED_PRECONDITION);
        cr_expect_str_eq(err.reason, GF_REASON_FILE_NOT_PRIVATE);
        cr_expect_not_null(strstr(err.message, "chmod 600 /tmp/private-file-test"));
        cr_expect_null(strstr(err.message, "abc"));
        cr_expect_null(token);
    }
}

Test(private_file, what_is_no_token_is_not_shown) {
    const char *token = NULL;
    struct gf_error err = {0};
    cr_expect_eq(read_token(" \n", 0600, &token, &err), GF_INVALID_ARGUMENT);
    cr_expect_eq(read_token("gfr_h abc", 0600, &token, &err), GF_INVALID_ARGUMENT);
    cr_expect_null(strstr(err.message, "abc"));
    cr_expect_eq(read_token("gfr_h_\x7f", 0600, &token, &err), GF_INVALID_ARGUMENT);
    char longer[GF_TOKEN_BYTES_MAX + 2];
    memset(longer, 'a', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    cr_expect_eq(read_token(longer, 0600, &token, &err), GF_INVALID_ARGUMENT);
    cr_expect_null(token);
}

Test(private_file, sizes_are_limited) {
    struct gf_str text = {0};
    struct gf_error err = {0};
    write_file("12345", 5, 0600);
    cr_expect_eq(gf_private_file_read(path, 4, &arena, &text, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_private_file_read(path, 5, &arena, &text, &err), GF_OK);
    cr_expect(gf_str_eq(text, GF_STR("12345")));
    write_file("", 0, 0600);
    cr_assert_eq(gf_private_file_read(path, 5, &arena, &text, &err), GF_OK);
    cr_expect_eq(text.len, 0);
}

Test(private_file, what_cannot_be_read) {
    struct gf_str text = {0};
    struct gf_error err = {0};
    cr_expect_eq(gf_private_file_read("/nowhere/file", 4, &arena, &text, &err), GF_NOT_FOUND);
    cr_expect_eq(gf_private_file_read("/tmp", 4, &arena, &text, &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "directory"));
}

Test(private_file, a_pipe_is_taken_as_it_is) {
    int ends[2];
    char name[32];
    const char *token = NULL;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "gfr_b_x\n", 8), 8);
    cr_assert_eq(close(ends[1]), 0);
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
    cr_assert_eq(gf_token_file_read(name, &arena, &token, NULL), GF_OK);
    cr_expect_str_eq(token, "gfr_b_x");
    cr_assert_eq(close(ends[0]), 0);
}

Test(private_file, files_of_others_are_refused) {
    struct gf_str text = {0};
    struct gf_error err = {0};
    if (geteuid() != 0) {
        return; /* only root can give files away */
    }
    write_file("x", 1, 0600);
    cr_assert_eq(chown(path, 12345, 12345), 0);
    cr_expect_eq(gf_private_file_read(path, 5, &arena, &text, &err), GF_FAILED_PRECONDITION);
    cr_expect_not_null(strstr(err.message, "somebody else"));
}
