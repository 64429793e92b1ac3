#include "base/error.h"

#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

Test(error, fail_fills_everything_and_returns_the_code) {
    struct gf_error err;
    memset(&err, 0x55, sizeof(err));
    cr_assert_eq(gf_fail(&err, GF_NOT_FOUND, "run %d not found", 7), GF_NOT_FOUND);
    cr_assert_eq(err.code, GF_NOT_FOUND);
    cr_assert_str_eq(err.message, "run 7 not found");
    cr_assert_str_eq(err.reason, "");
    cr_assert_str_eq(err.field, "");
}

Test(error, null_err_is_accepted_everywhere) {
    cr_assert_eq(gf_fail(NULL, GF_NOT_FOUND, "x"), GF_NOT_FOUND);
    cr_assert_eq(gf_fail_reason(NULL, GF_ABORTED, "R", "x"), GF_ABORTED);
    cr_assert_eq(gf_fail_field(NULL, "f", "x"), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_fail_errno(NULL, GF_INTERNAL, EIO, "x"), GF_INTERNAL);
    cr_assert_eq(gf_wrap(NULL, "x"), GF_UNKNOWN);
    cr_assert_eq(gf_wrap_field(NULL, "x"), GF_UNKNOWN);
}

Test(error, reason_and_field_are_kept_by_wrap) {
    struct gf_error err;
    (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "RUN_ALREADY_FINISHED", "run 3 is finished");
    cr_assert_eq(gf_wrap(&err, "pipeline '%s'", "nightly"), GF_FAILED_PRECONDITION);
    cr_assert_str_eq(err.message, "pipeline 'nightly': run 3 is finished");
    cr_assert_str_eq(err.reason, "RUN_ALREADY_FINISHED");

    (void)gf_fail_field(&err, "tasks[0].id", "too short");
    cr_assert_eq(gf_wrap_field(&err, "config."), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.field, "config.tasks[0].id");
    cr_assert_str_eq(err.message, "too short");
}

Test(error, errno_text_is_appended) {
    struct gf_error err;
    (void)gf_fail_errno(&err, GF_NOT_FOUND, ENOENT, "file '%s'", "a");
    cr_assert_str_eq(err.message, "file 'a': No such file or directory");
}

Test(error, long_message_is_cut_at_a_character_with_dots) {
    struct gf_error err;
    char text[GF_ERROR_MESSAGE_BYTES_MAX * 3 + 1];
    /* Two-byte characters behind one byte: a cut at any even byte would split one. */
    text[0] = 'x';
    for (size_t i = 1; i + 1 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    text[sizeof(text) - 1] = '\0';
    (void)gf_fail(&err, GF_INTERNAL, "%s", text);
    const size_t len = strlen(err.message);
    cr_assert_lt(len, GF_ERROR_MESSAGE_BYTES_MAX);
    cr_assert_geq(len, GF_ERROR_MESSAGE_BYTES_MAX - 3);
    cr_assert_str_eq(err.message + len - 3, "...");
    cr_assert_eq((len - 3) % 2, 1u, "the last character is whole");
}

Test(error, message_of_the_longest_size_is_not_cut) {
    struct gf_error err;
    char text[GF_ERROR_MESSAGE_BYTES_MAX];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)gf_fail(&err, GF_INTERNAL, "%s", text);
    cr_assert_str_eq(err.message, text);
}

Test(error, long_context_still_gives_a_terminated_message) {
    struct gf_error err;
    char text[2000];
    memset(text, 'b', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)gf_fail(&err, GF_INTERNAL, "cause");
    (void)gf_wrap(&err, "%s", text);
    cr_assert_eq(strlen(err.message), GF_ERROR_MESSAGE_BYTES_MAX - 1);
    (void)gf_fail_errno(&err, GF_INTERNAL, EIO, "%s", text);
    cr_assert_eq(strlen(err.message), GF_ERROR_MESSAGE_BYTES_MAX - 1);
    (void)gf_wrap_field(&err, text);
    cr_assert_eq(strlen(err.field), GF_ERROR_FIELD_BYTES_MAX - 1);
}

Test(error, arguments_may_point_into_the_error_itself) {
    struct gf_error err;
    (void)gf_fail_field(&err, "a.b", "inner");
    (void)gf_fail_field(&err, err.field, "outer: %s", err.message);
    cr_assert_str_eq(err.message, "outer: inner");
    cr_assert_str_eq(err.field, "a.b");
}

Test(error, code_names_are_those_of_grpc) {
    cr_assert_str_eq(gf_code_name(GF_OK), "OK");
    cr_assert_str_eq(gf_code_name(GF_UNAUTHENTICATED), "UNAUTHENTICATED");
    cr_assert_eq((int)GF_UNAUTHENTICATED, 16);
    cr_assert_str_eq(gf_code_name((enum gf_code)99), "UNKNOWN");
}
