#include "engine/scheduler/native/images/record.h"
#include "engine/scheduler/native/images/text.h"

#include <criterion/criterion.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

static struct gf_arena arena;
static struct gf_strbuf text;
static struct gf_error err;

static void set_up(void) {
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
}

static void tear_down(void) {
    gf_strbuf_fini(&text);
    gf_arena_fini(&arena);
}

TestSuite(record, .init = set_up, .fini = tear_down);

static const struct gf_digest digest = {DIGEST};

static struct gf_image_record sample(void) {
    static const char *entrypoint[] = {"/bin/tini", "--", ""};
    static const char *cmd[] = {"sh", "-c", "echo \\ 'a=b'\n\ttab\x01\x7f caf\xc3\xa9"};
    static const char *env[] = {"PATH=/bin", "EMPTY="};
    return (struct gf_image_record){
        .digest = digest,
        .config = digest,
        .platform = "linux/arm64/v8",
        .created_ns = 1,
        .imported_ns = INT64_MAX,
        .size_bytes = 0,
        .layers = &digest,
        .layer_count = 1,
        .entrypoint = {entrypoint, GF_ARRAY_COUNT(entrypoint)},
        .cmd = {cmd, GF_ARRAY_COUNT(cmd)},
        .env = {env, GF_ARRAY_COUNT(env)},
        .workdir = "/srv",
        .user = "",
        .stop_signal = "SIGINT",
    };
}

static enum gf_code parse(const char *record_text, struct gf_image_record *out) {
    return gf_image_record_parse(gf_str_from(record_text), &arena, out, &err);
}

Test(record, reads_what_it_wrote) {
    const struct gf_image_record written = sample();
    struct gf_image_record read;
    gf_image_record_write(&written, &text);
    cr_assert_eq(parse(text.ptr, &read), GF_OK, "%s", err.message);
    cr_assert(gf_digest_eq(&read.digest, &digest));
    cr_assert_str_eq(read.platform, "linux/arm64/v8");
    cr_assert_eq(read.created_ns, 1);
    cr_assert_eq(read.imported_ns, INT64_MAX);
    cr_assert_eq(read.entrypoint.count, 3u);
    cr_assert_str_eq(read.entrypoint.items[2], "");
    cr_assert_str_eq(read.cmd.items[2], written.cmd.items[2]);
    cr_assert_str_eq(read.env.items[1], "EMPTY=");
    cr_assert_str_eq(read.workdir, "/srv");
    cr_assert_str_eq(read.user, "");
    struct gf_strbuf again;
    gf_strbuf_init(&again, GF_IMAGE_RECORD_BYTES_MAX);
    gf_image_record_write(&read, &again);
    cr_assert_str_eq(again.ptr, text.ptr);
    gf_strbuf_fini(&again);
}

Test(record, is_refused_wherever_it_is_cut) {
    const struct gf_image_record written = sample();
    struct gf_image_record read;
    gf_image_record_write(&written, &text);
    for (size_t len = 0; len < text.len; len++) {
        cr_assert_eq(gf_image_record_parse((struct gf_str){text.ptr, len}, &arena, &read, &err),
                     GF_DATA_LOSS, "cut at %zu", len);
        gf_arena_reset(&arena);
    }
}

Test(record, says_what_is_wrong_in_which_line) {
    struct gf_image_record read;
    cr_assert_eq(parse("gofer-image 2\nend\n", &read), GF_UNIMPLEMENTED);
    cr_assert_str_eq(err.message, "gofer-image of version 2, this gofer reads version 1");
    cr_assert_eq(parse("gofer-image-name 1\nend\n", &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 1: must be 'gofer-image 1'");
    cr_assert_eq(parse("gofer-image 1\nfuture=1\nend\n", &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 2: unknown key 'future'");
    cr_assert_eq(parse("gofer-image 1\ndigest=" DIGEST "\ndigest=" DIGEST "\nend\n", &read),
                 GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 3: given twice");
    cr_assert_eq(parse("gofer-image 1\nsize_bytes=-1\nend\n", &read), GF_DATA_LOSS);
    cr_assert_eq(parse("gofer-image 1\nuser=\\x00\nend\n", &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 2: the value of 'user' is malformed or too long");
    cr_assert_eq(parse("gofer-image 1\nuser=\\q\nend\n", &read), GF_DATA_LOSS);
    cr_assert_eq(parse("gofer-image 1\nuser=a\tb\nend\n", &read), GF_DATA_LOSS);
    cr_assert_eq(parse("gofer-image 1\nend\n", &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message,
                     "line 2: the record lacks its digest, config, platform or layers");
    cr_assert_eq(parse("gofer-image 1\nend\nmore\n", &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 2: something follows the end");
}

Test(record, has_limits) {
    struct gf_image_record read;
    gf_strbuf_append_cstr(&text, "gofer-image 1\n");
    for (int i = 0; i <= GF_IMAGE_LAYERS_MAX; i++) {
        gf_strbuf_append_cstr(&text, "layer=" DIGEST "\n");
    }
    cr_assert_eq(parse(text.ptr, &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 130: more than 128 layers");
    gf_strbuf_reset(&text);
    gf_strbuf_append_cstr(&text, "gofer-image 1\n");
    for (int i = 0; i <= GF_IMAGE_ENV_MAX; i++) {
        gf_strbuf_append_cstr(&text, "env=A=b\n");
    }
    cr_assert_eq(parse(text.ptr, &read), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 1026: more than 1024 of these");
}

Test(record, of_a_name_reads_what_it_wrote) {
    const struct gf_image_name written = {.name = "team/app:1", .digest = digest};
    struct gf_image_name read;
    gf_image_name_write(&written, &text);
    cr_assert_eq(gf_image_name_parse(gf_strbuf_view(&text), &read, &err), GF_OK, "%s", err.message);
    cr_assert_str_eq(read.name, "team/app:1");
    cr_assert(gf_digest_eq(&read.digest, &digest));
    char file[GF_REFERENCE_CHARS_MAX + 1];
    cr_assert_str_eq(gf_image_name_to_file("registry:1/team/app:1", file), "registry:1~team~app:1");
}

Test(record, of_a_name_must_be_in_the_short_form) {
    struct gf_image_name read;
    cr_assert_eq(
        gf_image_name_parse(
            GF_STR("gofer-image-name 1\nname=library/app\ndigest=" DIGEST "\nend\n"), &read, &err),
        GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 2: 'library/app' must be written 'app:latest'");
    cr_assert_eq(gf_image_name_parse(GF_STR("gofer-image-name 1\nname=app:1\nend\n"), &read, &err),
                 GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "line 3: must be digest=...");
}

Test(record, a_report_of_images_reads_what_it_wrote) {
    struct gf_image_report_item items[] = {
        {.name = {.name = "a:1", .digest = digest}, .is_new = true},
        {.name = {.name = "b/c:2", .digest = digest}},
    };
    const struct gf_image_report written = {.items = items, .count = 2};
    struct gf_image_report read;
    gf_image_report_write(&written, &text);
    cr_assert_eq(gf_image_report_parse(gf_strbuf_view(&text), &arena, &read, &err), GF_OK, "%s",
                 err.message);
    cr_assert_not(read.failed);
    cr_assert_eq(read.count, 2u);
    cr_assert(read.items[0].is_new);
    cr_assert_not(read.items[1].is_new);
    cr_assert_str_eq(read.items[1].name.name, "b/c:2");
}

Test(record, a_report_of_a_failure_reads_what_it_wrote) {
    struct gf_image_report written = {.failed = true};
    struct gf_image_report read;
    (void)gf_fail_reason(&written.failure, GF_INVALID_ARGUMENT, "DIGEST_MISMATCH",
                         "layer 3: \xff\nline two");
    gf_image_report_write(&written, &text);
    cr_assert_eq(gf_image_report_parse(gf_strbuf_view(&text), &arena, &read, &err), GF_OK, "%s",
                 err.message);
    cr_assert(read.failed);
    cr_assert_eq(read.failure.code, GF_INVALID_ARGUMENT);
    cr_assert_str_eq(read.failure.reason, "DIGEST_MISMATCH");
    cr_assert_str_eq(read.failure.message, "layer 3: \\xff\\x0aline two", "made valid UTF-8");
}

Test(record, refuses_reports_that_make_no_sense) {
    static const char *const bad[] = {
        "",
        "gofer-fetch 1\n",
        "gofer-fetch 1\nname=a:1\nend\n",
        "gofer-fetch 1\nname=a:1\ndigest=" DIGEST "\nnew=2\nend\n",
        "gofer-fetch 1\ncode=OK\nreason=\nmessage=\nend\n",
        "gofer-fetch 1\ncode=NEVER_HEARD\nreason=\nmessage=\nend\n",
        "gofer-fetch 1\ncode=INTERNAL\nreason=lower\nmessage=\nend\n",
        "gofer-fetch 1\ncode=INTERNAL\nreason=\nend\n",
        "gofer-fetch 1\ndigest=" DIGEST "\nend\n",
        "import --store DIR\n",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        struct gf_image_report read;
        cr_assert_eq(gf_image_report_parse(gf_str_from(bad[i]), &arena, &read, &err), GF_DATA_LOSS,
                     "%s", bad[i]);
    }
}

Test(record, shown_text_is_printable_and_cut) {
    cr_assert_str_eq(gf_show(GF_STR("a\\\n\xff z")).text, "a\\x5c\\x0a\\xff z");
    char text_of_120[121];
    memset(text_of_120, 'x', 120);
    text_of_120[120] = '\0';
    cr_assert_eq(strlen(gf_show(gf_str_from(text_of_120)).text), 119u);
    cr_assert_str_eq(gf_show(gf_str_from(text_of_120)).text + 115, "x...");
    text_of_120[119] = '\0';
    cr_assert_str_eq(gf_show(gf_str_from(text_of_120)).text, text_of_120);
    memset(text_of_120, '\n', 120);
    cr_assert_str_eq(gf_show(gf_str_from(text_of_120)).text + 112, "\\x0a...");
}

Test(record, digests_are_lower_case_sha256) {
    struct gf_digest read;
    cr_assert_eq(gf_digest_parse(GF_STR(DIGEST), &read, &err), GF_OK);
    cr_assert_eq(gf_digest_parse(GF_STR("sha256:" HEX "00"), &read, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_digest_parse(GF_STR("sha512:" HEX HEX), &read, &err), GF_UNIMPLEMENTED);
    cr_assert_not(gf_digest_from_hex(GF_STR("ABCDEF"), &read));
    uint8_t raw[GF_DIGEST_RAW_BYTES];
    for (size_t i = 0; i < sizeof(raw); i++) {
        raw[i] = (uint8_t)(i * 8);
    }
    const struct gf_digest made = gf_digest_from_raw(raw);
    cr_assert_str_eq(made.text,
                     "sha256:0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
}
