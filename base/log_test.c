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

/* ---- JSON ---- */

/* Behind the time. */
static const char *json_after_time(void) {
    static const char start[] = "{\"time\":\"";
    cr_assert_eq(strncmp(captured.ptr, start, strlen(start)), 0, "%s", captured.ptr);
    return captured.ptr + strlen(start) + strlen("2026-11-21T20:12:52.120Z");
}

Test(log, json_line_is_an_object_with_the_types_of_its_values) {
    gf_log_set_format(GF_LOG_JSON);
    gf_log_info("run_started", GF_KV_STR("pipeline", "nightly"), GF_KV_I64("run", -12),
                GF_KV_U64("bytes", UINT64_MAX), GF_KV_BOOL("retry", true));
    cr_assert_str_eq(json_after_time(),
                     "\",\"level\":\"info\",\"event\":\"run_started\",\"pipeline\":\"nightly\","
                     "\"run\":-12,\"bytes\":18446744073709551615,\"retry\":true}\n");
    gf_strbuf_reset(&captured);
    gf_log_warn("disk_slow");
    cr_assert_str_eq(json_after_time(), "\",\"level\":\"warn\",\"event\":\"disk_slow\"}\n");
    gf_strbuf_reset(&captured);
    gf_log_set_format(GF_LOG_TEXT);
    gf_log_warn("disk_slow");
    cr_assert_str_eq(after_time(captured.ptr), "warn disk_slow\n");
}

Test(log, json_strings_are_escaped) {
    static const struct {
        const char *value;
        const char *text;
    } cases[] = {
        {"plain", "plain"},
        {"", ""},
        {NULL, ""},
        {"say \"hi\"", "say \\\"hi\\\""},
        {"back\\slash/", "back\\\\slash/"},
        {"two\nlines\t\r", "two\\nlines\\t\\r"},
        {"\x1b[31m\x01", "\\u001b[31m\\u0001"},
        {"\x7f", "\\u007f"},
        {"caf\xc3\xa9 \xf0\x9f\x92\xa9", "caf\xc3\xa9 \xf0\x9f\x92\xa9"},
        {"\xc2\x9b\xc2\xa0", "\\u009b\xc2\xa0"},
        {"a\xff\xfez", "a\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    gf_log_set_format(GF_LOG_JSON);
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        gf_strbuf_reset(&captured);
        gf_log_info("e", GF_KV_STR("v", cases[i].value));
        GF_CLEANUP(gf_free_p)
        char *expected = gf_asprintf(",\"v\":\"%s\"}\n", cases[i].text);
        cr_assert(gf_str_has_suffix(gf_strbuf_view(&captured), gf_str_from(expected)), "%s",
                  captured.ptr);
    }
}

/* Whatever its length, it is one object, within the limit, with all of it or the mark. */
Test(log, json_line_that_is_too_long_is_cut_and_stays_an_object) {
    static const char end[] = "\"}\n";
    static const char cut_end[] = "\",\"cut\":true}\n";
    char text[GF_LOG_LINE_BYTES_MAX + 64];
    gf_log_set_format(GF_LOG_JSON);
    for (size_t size = GF_LOG_LINE_BYTES_MAX - 128; size < sizeof(text); size++) {
        for (size_t i = 0; i < size; i += 2) { /* a character has two bytes */
            memcpy(text + i, "\xc3\xa9", 2);
        }
        gf_strbuf_reset(&captured);
        gf_log_info("e", GF_KV_VIEW("v", ((struct gf_str){text, size / 2 * 2})));
        const struct gf_str line = gf_strbuf_view(&captured);
        cr_assert_leq(line.len, GF_LOG_LINE_BYTES_MAX);
        cr_assert(gf_utf8_valid(line), "no half characters: %zu", size);
        cr_assert(
            gf_str_has_suffix(line, gf_str_from(size < GF_LOG_LINE_BYTES_MAX - 90 ? end : "\n")));
        cr_assert(gf_str_has_suffix(line, gf_str_from(end)) ||
                  gf_str_has_suffix(line, gf_str_from(cut_end)));
        cr_assert_eq(strchr(captured.ptr, '\n'), captured.ptr + captured.len - 1);
    }
    cr_assert(gf_str_has_suffix(gf_strbuf_view(&captured), gf_str_from(cut_end)));
}

Test(log, json_values_behind_one_that_was_cut_are_left_out) {
    char text[GF_LOG_LINE_BYTES_MAX];
    memset(text, '\x01', sizeof(text)); /* six bytes each */
    gf_log_set_format(GF_LOG_JSON);
    gf_log_info("e", GF_KV_VIEW("v", ((struct gf_str){text, sizeof(text)})), GF_KV_I64("w", 1));
    cr_assert_leq(captured.len, GF_LOG_LINE_BYTES_MAX);
    cr_assert_not_null(strstr(captured.ptr, "\\u0001\",\"cut\":true}\n"));
    cr_assert_null(strstr(captured.ptr, "\"w\""));
}

/* ---- Contexts ---- */

static void say_in_context(void) {
    GF_LOG_SCOPE(.request = GF_STR("r1"), .namespace_id = GF_STR("ns"), .run_id = 7);
    gf_log_info("outer", GF_KV_BOOL("x", true));
    {
        GF_LOG_SCOPE(.pipeline_id = GF_STR("p"), .run_id = 8, .task_id = GF_STR("t"), .attempt = 2,
                     .extension_id = GF_STR("cron"));
        gf_log_info("inner", GF_KV_I64("run", 9), GF_KV_BOOL("x", true));
        cr_expect(gf_str_eq(gf_log_request(), GF_STR("r1")));
    }
    gf_log_info("outer", GF_KV_STR("namespace", "other"), GF_KV_STR("request", ""));
}

Test(log, context_is_added_to_lines_that_do_not_have_it) {
    say_in_context();
    const char *line = after_time(captured.ptr);
    static const char first[] = "info outer request=r1 namespace=ns run=7 x=true\n";
    cr_assert_eq(strncmp(line, first, strlen(first)), 0, "%s", line);
    line = after_time(line + strlen(first));
    static const char second[] = "info inner request=r1 namespace=ns pipeline=p task=t attempt=2 "
                                 "extension=cron run=9 x=true\n";
    cr_assert_eq(strncmp(line, second, strlen(second)), 0, "%s", line);
    line = after_time(line + strlen(second));
    cr_assert_str_eq(line, "info outer run=7 namespace=other request=\"\"\n");
    gf_strbuf_reset(&captured);
    gf_log_info("nothing_left");
    cr_assert_str_eq(after_time(captured.ptr), "info nothing_left\n");
    cr_assert_eq(gf_log_request().len, 0);
}

Test(log, context_is_in_json_too) {
    gf_log_set_format(GF_LOG_JSON);
    GF_LOG_SCOPE(.request = GF_STR("r1"), .run_id = 7);
    gf_log_info("e", GF_KV_BOOL("x", true));
    cr_assert_str_eq(
        json_after_time(),
        "\",\"level\":\"info\",\"event\":\"e\",\"request\":\"r1\",\"run\":7,\"x\":true}\n");
}
