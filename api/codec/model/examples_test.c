/*
 * The pipeline files in examples/: what the README and the documents tell people to try.
 */
#include "api/codec/json/json.h"
#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "base/file.h"

#include <fcntl.h>
#include <glob.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_model_codec_init();
    gf_arena_init(&arena, (size_t)1 << 30);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(examples, .init = setup, .fini = teardown);

/* The spec as the server would have it from the command line. */
static enum gf_code read_example(const char *path, struct gf_config *out, struct gf_error *err) {
    struct gf_strbuf text;
    struct gf_str wire = {0};
    ProtobufCMessage *spec = NULL;
    gf_strbuf_init(&text, GF_JSON_TEXT_BYTES_MAX);
    enum gf_code rc = gf_file_read(AT_FDCWD, path, &text, err);
    if (rc == GF_OK) {
        rc = gf_json_decode(gf_schema_gofer(), "gofer.v1.PipelineSpec", gf_strbuf_view(&text),
                            &arena, &wire, err);
    }
    gf_strbuf_fini(&text);
    if (rc == GF_OK) {
        rc = gf_wire_decode(&gofer__v1__pipeline_spec__descriptor, (const uint8_t *)wire.ptr,
                            wire.len, &arena, &spec, err);
    }
    return rc == GF_OK
               ? gf_config_from_spec((const Gofer__V1__PipelineSpec *)spec, &arena, out, err)
               : rc;
}

Test(examples, all_are_accepted) {
    glob_t files = {0};
    cr_assert_eq(glob("examples/*.json", 0, NULL, &files), 0, "there are no examples");
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct gf_config config = {0};
        struct gf_error err = {0};
        cr_expect_eq(read_example(files.gl_pathv[i], &config, &err), GF_OK, "%s: %s: %s",
                     files.gl_pathv[i], err.field, err.message);
    }
    globfree(&files);
}

Test(examples, show_the_rules_they_are_about) {
    struct gf_config config = {0};
    cr_assert_eq(read_example("examples/retry.json", &config, NULL), GF_OK);
    cr_expect_eq(config.tasks[0].retry.initial_backoff_ms, 200);
    cr_expect_eq(config.timeout_ms, 120000);
    config = (struct gf_config){0};
    cr_assert_eq(read_example("examples/limits.json", &config, NULL), GF_OK);
    cr_expect_eq(config.tasks[0].pool_index, 0);
    cr_expect_eq(config.task_parallelism, 3);
}
