#include "base/alloc.h"
#include "engine/scheduler/native/fetch/config.h"
#include "engine/scheduler/native/fetch/platform.h"

#include <criterion/criterion.h>

static const char layer[] =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct gf_arena arena;
static struct gf_image_record record;
static struct gf_error err;

static void set_up(void) {
    gf_arena_init(&arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
}

static void tear_down(void) {
    gf_arena_fini(&arena);
}

TestSuite(config, .init = set_up, .fini = tear_down);

/* A configuration that is sound but for its members `config` and `created`. */
static enum gf_code read_with(const char *config, const char *created) {
    GF_CLEANUP(gf_free_p)
    char *text = gf_asprintf("{\"os\": \"linux\", \"architecture\": \"%s\", \"config\": %s,"
                             " \"created\": \"%s\","
                             " \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"%s\"]}}",
                             gf_platform_host().architecture, config, created, layer);
    return gf_config_read(gf_str_from(text), &arena, &record, &err);
}

static void assert_refuses(struct gf_str text, const char *message) {
    cr_assert_neq(gf_config_read(text, &arena, &record, &err), GF_OK);
    cr_assert_str_eq(err.message, message);
}

Test(config, reads_what_is_there_and_leaves_the_rest_empty) {
    cr_assert_eq(read_with("null", "2001-09-09T01:46:40.5Z"), GF_OK, "%s", err.message);
    cr_assert_eq(record.layer_count, 1u);
    cr_assert_str_eq(record.layers[0].text, layer);
    cr_assert_eq(record.created_ns, INT64_C(1000000000500000000));
    cr_assert_eq(record.entrypoint.count, 0u);
    cr_assert_str_eq(record.user, "");
    cr_assert_str_eq(record.workdir, "");
    cr_assert_eq(read_with("{\"Cmd\": null, \"Entrypoint\": [], \"Labels\": {\"x\": 1}}", "odd"),
                 GF_OK);
    cr_assert_eq(record.created_ns, 0, "an odd time is no time");
}

Test(config, refuses_members_of_other_types) {
    cr_assert_eq(read_with("{\"Cmd\": \"sh\"}", ""), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "JSON: 'Cmd' must be an array");
    cr_assert_eq(read_with("{\"Entrypoint\": [1]}", ""), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "JSON: 'Entrypoint' must hold strings");
    cr_assert_eq(read_with("{\"User\": 0}", ""), GF_INVALID_ARGUMENT);
    cr_assert_eq(read_with("[]", ""), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "JSON: 'config' must be an object");
    cr_assert_eq(read_with("{\"WorkingDir\": \"srv\"}", ""), GF_INVALID_ARGUMENT);
    cr_assert_eq(read_with("{\"Env\": [\"PATH\"]}", ""), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.message, "JSON: 'Env' must hold NAME=value, not 'PATH'");
}

Test(config, refuses_json_that_is_not_strict) {
    assert_refuses(GF_STR(""), "JSON, line 1, column 0: '[' or '{' expected near end of file");
    assert_refuses(GF_STR("{\"os\": \"linux\", \"os\": \"linux\"}"),
                   "JSON, line 1, column 20: duplicate object key near '\"os\"'");
    assert_refuses(GF_STR("{} x"), "JSON, line 1, column 4: end of file expected near 'x'");
    assert_refuses(GF_STR("{\"os\": \"a\\u0000\"}"),
                   "JSON, line 1, column 16: \\x5cu0000 is not allowed without JSON_ALLOW_NUL near "
                   "'\"a\\x5cu0000\"'");
    assert_refuses(GF_STR("[]"), "JSON: an object must hold 'os'");
    cr_assert_eq(gf_config_read(GF_STR("{\"os\": \"\xff\"}"), &arena, &record, &err),
                 GF_INVALID_ARGUMENT);
}

Test(config, refuses_deep_nesting_without_falling_over) {
    static char text[3000000];
    memset(text, '[', sizeof(text));
    cr_assert_eq(gf_config_read((struct gf_str){text, sizeof(text)}, &arena, &record, &err),
                 GF_INVALID_ARGUMENT);
}

Test(config, has_limits) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    gf_strbuf_append_cstr(&text, "{\"Cmd\": [\"a\"");
    for (int i = 0; i < GF_IMAGE_ARGS_MAX; i++) {
        gf_strbuf_append_cstr(&text, ",\"a\"");
    }
    gf_strbuf_append_cstr(&text, "]}");
    cr_assert_eq(read_with(text.ptr, ""), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "JSON: 'Cmd' has 1025 elements, at most 1024 may be");
    gf_strbuf_reset(&text);
    gf_strbuf_append_cstr(&text, "{\"Cmd\": [\"");
    for (int i = 0; i <= GF_IMAGE_STRING_BYTES_MAX; i++) {
        gf_strbuf_append_char(&text, 'a');
    }
    gf_strbuf_append_cstr(&text, "\"]}");
    cr_assert_eq(read_with(text.ptr, ""), GF_RESOURCE_EXHAUSTED);
    gf_strbuf_fini(&text);
}

Test(config, needs_a_platform_and_layers) {
    assert_refuses(GF_STR("{}"), "the configuration does not say for which platform it is");
    GF_CLEANUP(gf_free_p)
    char *none = gf_asprintf("{\"os\": \"linux\", \"architecture\": \"%s\","
                             " \"rootfs\": {\"type\": \"layers\", \"diff_ids\": []}}",
                             gf_platform_host().architecture);
    assert_refuses(gf_str_from(none), "the image has no layers");
    cr_assert_eq(gf_config_read(GF_STR("{\"os\": \"windows\", \"architecture\": \"amd64\"}"),
                                &arena, &record, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_str_eq(err.reason, "PLATFORM_MISSING");
}
