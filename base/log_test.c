#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <criterion/criterion.h>

static void collect(void *ctx, struct gf_str line) {
    gf_strbuf_append(ctx, line);
}

/* What a line says behind its time. */
static const char *after_time(const char *line) {
    const char *space = strchr(line, ' ');
    cr_assert_not_null(space);
    return space + 1;
}

static struct gf_strbuf captured;

static void capture(void) {
    gf_strbuf_init(&captured, 1 << 20);
    gf_log_set_sink(collect, &captured);
}

static void release(void) {
    gf_log_set_sink(NULL, NULL);
    gf_strbuf_fini(&captured);
}

TestSuite(log, .init = capture, .fini = release);

Test(log, line_has_time_level_event_and_values) {
    gf_log_info("run_started", GF_KV_STR("pipeline", "nightly"), GF_KV_I64("run", -12),
                GF_KV_U64("bytes", UINT64_MAX), GF_KV_BOOL("retry", true));
    cr_assert_eq(captured.ptr[4], '-');
    cr_assert_eq(captured.ptr[19], '.', "milliseconds are always there");
    cr_assert_eq(captured.ptr[23], 'Z');
    cr_assert_str_eq(after_time(captured.ptr), "info run_started pipeline=nightly run=-12 "
                                               "bytes=18446744073709551615 retry=true\n");
}

Test(log, event_alone_is_enough) {
    gf_log_warn("disk_slow");
    cr_assert_str_eq(after_time(captured.ptr), "warn disk_slow\n");
}

Test(log, values_are_quoted_when_they_need_it) {
    static const struct {
        const char *value;
        const char *text;
    } cases[] = {
        {"plain-1.2:/x", "plain-1.2:/x"},
        {"", "\"\""},
        {NULL, "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"two\nlines\t", "\"two\\nlines\\t\""},
        {"\x1b[31m", "\"\\x1b[31m\""},
        {"\x7f", "\"\\x7f\""},
        {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
        {"\xc2\x9b"
         "31m",
         "\"\\u009b31m\""},
        {"\xff\xfe", "\"\\xff\\xfe\""},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        gf_strbuf_reset(&captured);
        gf_log_info("e", GF_KV_STR("v", cases[i].value));
        GF_CLEANUP(gf_free_p) char *expected = gf_asprintf("info e v=%s\n", cases[i].text);
        cr_assert_str_eq(after_time(captured.ptr), expected);
    }
}

Test(log, levels_switch_and_values_are_not_evaluated) {
    int evaluated = 0;
    gf_log_debug("off", GF_KV_I64("n", ++evaluated));
    cr_assert_eq(evaluated, 0);
    cr_assert_eq(captured.len, 0u);
    gf_log_set_level(GF_LOG_DEBUG);
    gf_log_debug("on", GF_KV_I64("n", ++evaluated));
    cr_assert_eq(evaluated, 1);
    gf_log_set_level(GF_LOG_ERROR);
    gf_log_warn("off");
    gf_log_error("on");
    cr_assert_null(strstr(captured.ptr, "off"));
}

Test(log, errors_are_two_values) {
    struct gf_error err;
    (void)gf_fail(&err, GF_NOT_FOUND, "run 3 not found");
    gf_log_error("request_failed", GF_KV_ERROR(&err));
    cr_assert_str_eq(after_time(captured.ptr),
                     "error request_failed code=NOT_FOUND error=\"run 3 not found\"\n");
}

Test(log, line_that_is_too_long_is_cut_and_says_so) {
    char text[GF_LOG_LINE_BYTES_MAX * 2];
    memset(text, ' ', sizeof(text));
    gf_log_info("e", GF_KV_VIEW("v", ((struct gf_str){text, sizeof(text)})), GF_KV_I64("w", 1));
    cr_assert_leq(captured.len, GF_LOG_LINE_BYTES_MAX);
    cr_assert_gt(captured.len, GF_LOG_LINE_BYTES_MAX - 8);
    cr_assert_str_eq(captured.ptr + captured.len - 4, "...\n");
    cr_assert_eq(strchr(captured.ptr, '\n'), captured.ptr + captured.len - 1);
}

Test(log, errno_is_kept) {
    errno = EDOM;
    gf_log_info("e");
    cr_assert_eq(errno, EDOM);
}

Test(log, level_names_are_read) {
    enum gf_log_level level = GF_LOG_INFO;
    cr_assert(gf_log_level_parse(GF_STR("debug"), &level));
    cr_assert_eq(level, GF_LOG_DEBUG);
    cr_assert_not(gf_log_level_parse(GF_STR("Debug"), &level));
    cr_assert_not(gf_log_level_parse(GF_STR(""), &level));
    cr_assert_eq(level, GF_LOG_DEBUG);
}

Test(log, without_a_sink_a_line_goes_to_standard_error) {
    gf_log_set_sink(NULL, NULL);
    GF_CLEANUP(gf_close_p) int kept = dup(STDERR_FILENO);
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    gf_log_info("to_stderr");
    cr_assert_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    gf_close(&fds[1]);
    GF_CLEANUP(gf_close_p) int read_fd = fds[0];
    cr_assert_eq(gf_read_all(read_fd, &captured, NULL), GF_OK);
    cr_assert_str_eq(after_time(captured.ptr), "info to_stderr\n");
}
