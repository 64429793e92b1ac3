#include "engine/scheduler/native/images/pull_request.h"

#include <criterion/criterion.h>

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct gf_arena arena;
static struct gf_strbuf text;
static struct gf_error err;

static void set_up(void) {
    gf_arena_init(&arena, 2 * GF_PULL_REQUEST_BYTES_MAX);
    gf_strbuf_init(&text, GF_PULL_REQUEST_BYTES_MAX);
}

static void tear_down(void) {
    gf_strbuf_fini(&text);
    gf_arena_fini(&arena);
}

TestSuite(pull_request, .init = set_up, .fini = tear_down);

static const struct gf_pull_source sources[] = {
    {.host = "mirror.example", .ca_file = "/etc/ca.pem", .user = "u\\ser", .password = "p=\\1 2"},
    {.host = "127.0.0.1:5000", .plain_http = true},
};

Test(pull_request, reads_what_it_wrote) {
    const struct gf_pull_request written = {
        .reference = "registry.example:5000/team/app:1",
        .sources = sources,
        .source_count = 2,
        .proxy = "http://user:pass@proxy.example:3128",
        .no_proxy = "localhost,.internal.example",
        .docker_config_file = "/etc/gofer/docker.json",
        .blobs_at_once = 7,
        .timeout_ms = 1234,
        .unpacked_files_max = 99,
    };
    struct gf_pull_request read;
    gf_pull_request_write(&written, &text);
    cr_assert_not(text.overflowed);
    cr_assert_eq(gf_pull_request_parse(gf_strbuf_view(&text), &arena, &read, &err), GF_OK, "%s",
                 err.message);
    cr_assert_str_eq(read.reference, written.reference);
    cr_assert_eq(read.source_count, 2u);
    cr_assert_str_eq(read.sources[0].host, "mirror.example");
    cr_assert_str_eq(read.sources[0].ca_file, "/etc/ca.pem");
    cr_assert_str_eq(read.sources[0].user, "u\\ser");
    cr_assert_str_eq(read.sources[0].password, "p=\\1 2");
    cr_assert_not(read.sources[0].plain_http);
    cr_assert(read.sources[1].plain_http);
    cr_assert_str_eq(read.sources[1].user, "");
    cr_assert_str_eq(read.proxy, written.proxy);
    cr_assert_str_eq(read.no_proxy, written.no_proxy);
    cr_assert_str_eq(read.docker_config_file, written.docker_config_file);
    cr_assert_eq(read.blobs_at_once, 7);
    cr_assert_eq(read.timeout_ms, 1234);
    cr_assert_eq(read.unpacked_files_max, 99);
}

Test(pull_request, numbers_have_defaults) {
    struct gf_pull_request read;
    const struct gf_str least = GF_STR("gofer-pull-request 1\nreference=busybox\nend\n");
    cr_assert_eq(gf_pull_request_parse(least, &arena, &read, &err), GF_OK, "%s", err.message);
    cr_assert_eq(read.source_count, 0u);
    cr_assert_eq(read.blobs_at_once, GF_PULL_BLOBS_AT_ONCE_DEFAULT);
    cr_assert_eq(read.timeout_ms, GF_PULL_TIMEOUT_MS_DEFAULT);
    cr_assert_eq(read.tries, GF_PULL_TRIES_DEFAULT);
    cr_assert_str_eq(read.proxy, "");
}

static void assert_refused(const char *lines, enum gf_code code, const char *message) {
    struct gf_pull_request read;
    gf_strbuf_reset(&text);
    gf_strbuf_printf(&text, "gofer-pull-request 1\n%send\n", lines);
    cr_assert_eq(gf_pull_request_parse(gf_strbuf_view(&text), &arena, &read, &err), code, "%s",
                 lines);
    cr_assert_not_null(strstr(err.message, message), "%s", err.message);
}

#define SOURCE(host, rest) "reference=a\nsource=" host "\nplain_http=0\n" rest

Test(pull_request, refuses_what_it_cannot_mean) {
    assert_refused("", GF_DATA_LOSS, "there is no reference");
    assert_refused("reference=UPPER CASE\n", GF_INVALID_ARGUMENT, "image reference");
    assert_refused("reference=" DIGEST_A "\n", GF_INVALID_ARGUMENT, "has no name");
    assert_refused("reference=a\nsource=x/y\n", GF_DATA_LOSS, "'x/y' is no host");
    assert_refused("reference=a\nsource=user@x\n", GF_DATA_LOSS, "is no host");
    assert_refused("reference=a\nsource=x\nplain_http=2\n", GF_DATA_LOSS, "must be 0 or 1");
    assert_refused(SOURCE("x", "user=u\n"), GF_DATA_LOSS, "must be ca_file=");
    assert_refused(SOURCE("x", "ca_file=ca.pem\nuser=\npassword=\n"), GF_DATA_LOSS,
                   "must be an absolute path");
    assert_refused(SOURCE("x", "ca_file=\nuser=a\\nb\npassword=\n"), GF_DATA_LOSS,
                   "'user' holds a control character");
    assert_refused("reference=a\nblobs_at_once=33\n", GF_DATA_LOSS, "from 0 to 32");
    assert_refused("reference=a\ntimeout_ms=-1\n", GF_DATA_LOSS, "'timeout_ms' must be a number");
    assert_refused("reference=a\ndocker_config=config.json\n", GF_DATA_LOSS,
                   "'docker_config' must be an absolute path");
    assert_refused("reference=a\nunknown=1\n", GF_DATA_LOSS, "unknown key 'unknown'");
}

Test(pull_request, has_limits) {
    struct gf_pull_source many[GF_PULL_SOURCES_MAX + 1];
    struct gf_pull_request request = {.reference = "a", .sources = many};
    struct gf_pull_request read;
    for (size_t i = 0; i < GF_ARRAY_COUNT(many); i++) {
        many[i] = sources[1];
    }
    request.source_count = GF_PULL_SOURCES_MAX;
    gf_pull_request_write(&request, &text);
    cr_assert_eq(gf_pull_request_parse(gf_strbuf_view(&text), &arena, &read, &err), GF_OK);
    gf_strbuf_reset(&text);
    request.source_count++;
    gf_pull_request_write(&request, &text);
    cr_assert_eq(gf_pull_request_parse(gf_strbuf_view(&text), &arena, &read, &err), GF_DATA_LOSS);
    static char long_text[GF_PULL_TEXT_BYTES_MAX + 2];
    memset(long_text, 'x', GF_PULL_TEXT_BYTES_MAX + 1);
    gf_strbuf_reset(&text);
    request.source_count = 0;
    request.proxy = long_text;
    gf_pull_request_write(&request, &text);
    cr_assert_eq(gf_pull_request_parse(gf_strbuf_view(&text), &arena, &read, &err), GF_DATA_LOSS);
    cr_assert_not_null(strstr(err.message, "'proxy' has more than"), "%s", err.message);
}

static const struct gf_pull_progress some_progress = {GF_PULL_FETCHING, 120, 4000, 1, 5};

static struct gf_pull_result make_result(void) {
    struct gf_pull_result result = {
        .name = "app:1.4.2",
        .digest = {DIGEST_A},
        .index = {DIGEST_B},
        .source = "mirror.example:5000",
        .received_bytes = 4000,
        .is_new = true,
    };
    return result;
}

Test(pull_request, output_comes_in_pieces_of_any_size) {
    const struct gf_pull_result written = make_result();
    gf_pull_progress_write(&some_progress, &text);
    gf_strbuf_append_cstr(&text, "progress done 4000 4000 5 5\n");
    gf_pull_result_write(&written, &text);
    for (size_t piece = 1; piece <= text.len; piece++) {
        struct gf_pull_output output;
        struct gf_pull_result read;
        int changes = 0;
        gf_pull_output_init(&output);
        for (size_t at = 0; at < text.len; at += piece) {
            const size_t left = text.len - at;
            bool changed = false;
            cr_assert_eq(gf_pull_output_add(
                             &output, (struct gf_str){text.ptr + at, left < piece ? left : piece},
                             &changed, &err),
                         GF_OK);
            changes += changed ? 1 : 0;
        }
        cr_assert(changes == 1 || changes == 2);
        cr_assert_eq(output.progress.phase, GF_PULL_DONE);
        cr_assert_eq(output.progress.done_layers, 5);
        cr_assert_eq(gf_pull_result_parse(gf_strbuf_view(&output.rest), &read, &err), GF_OK, "%s",
                     err.message);
        cr_assert_str_eq(read.name, written.name);
        cr_assert(gf_digest_eq(&read.digest, &written.digest));
        cr_assert(gf_digest_eq(&read.index, &written.index));
        cr_assert_str_eq(read.source, written.source);
        cr_assert_eq(read.received_bytes, 4000);
        cr_assert(read.is_new && !read.failed);
        gf_pull_output_fini(&output);
    }
}

Test(pull_request, output_without_an_end_is_refused) {
    struct gf_pull_output output;
    bool changed = false;
    enum gf_code rc = GF_OK;
    gf_pull_output_init(&output);
    for (int i = 0; rc == GF_OK && i < GF_PULL_RESULT_BYTES_MAX; i++) {
        rc = gf_pull_output_add(&output, GF_STR("xx"), &changed, &err);
    }
    cr_assert_eq(rc, GF_DATA_LOSS);
    gf_pull_output_fini(&output);
}

Test(pull_request, failures_come_through) {
    struct gf_pull_result result = {.failed = true};
    struct gf_pull_result read;
    (void)gf_fail_reason(&result.failure, GF_NOT_FOUND, "IMAGE_NOT_FOUND", "no such\nimage");
    gf_pull_result_write(&result, &text);
    cr_assert_eq(gf_pull_result_parse(gf_strbuf_view(&text), &read, &err), GF_OK);
    cr_assert(read.failed);
    cr_assert_eq(read.failure.code, GF_NOT_FOUND);
    cr_assert_str_eq(read.failure.reason, "IMAGE_NOT_FOUND");
    cr_assert_str_eq(read.failure.message, "no such\nimage");
}

Test(pull_request, an_image_may_have_no_name_and_no_index) {
    struct gf_pull_result result = make_result();
    struct gf_pull_result read;
    result.name[0] = '\0';
    result.index.text[0] = '\0';
    gf_pull_result_write(&result, &text);
    cr_assert_eq(gf_pull_result_parse(gf_strbuf_view(&text), &read, &err), GF_OK);
    cr_assert_str_eq(read.name, "");
    cr_assert_not(gf_digest_is_set(&read.index));
}

Test(pull_request, a_damaged_result_is_known) {
    struct gf_pull_result result = make_result();
    struct gf_pull_result read;
    gf_pull_result_write(&result, &text);
    for (size_t len = 0; len < text.len; len++) {
        cr_assert_eq(gf_pull_result_parse((struct gf_str){text.ptr, len}, &read, &err),
                     GF_DATA_LOSS);
    }
    const struct gf_str bad_name = GF_STR("gofer-pull-result 1\nname=app\ndigest=" DIGEST_A "\n");
    cr_assert_eq(gf_pull_result_parse(bad_name, &read, &err), GF_DATA_LOSS);
    cr_assert_not_null(strstr(err.message, "'app' is no name"), "%s", err.message);
}

Test(pull_request, progress_reads_what_it_wrote) {
    struct gf_pull_progress read;
    gf_pull_progress_write(&some_progress, &text);
    cr_assert_str_eq(text.ptr, "progress fetching 120 4000 1 5\n");
    cr_assert(gf_pull_progress_parse((struct gf_str){text.ptr, text.len - 1}, &read));
    cr_assert_eq(read.phase, GF_PULL_FETCHING);
    cr_assert_eq(read.total_bytes, 4000);
    cr_assert_eq(read.total_layers, 5);
    static const char *const bad[] = {"",
                                      "progress",
                                      "progress fetching 1 2 3",
                                      "progress fetching 1 2 3 4 5",
                                      "progress fetching 1 2 3 -4",
                                      "progress flying 1 2 3 4",
                                      "progress fetching 1  3 4"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_assert_not(gf_pull_progress_parse(gf_str_from(bad[i]), &read), "%s", bad[i]);
    }
}
