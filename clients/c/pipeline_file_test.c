#include "clients/c/pipeline_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct gf_arena arena;
static char path[64];

static void setup(void) {
    gf_arena_init(&arena, 64 << 20);
    (void)snprintf(path, sizeof(path), "/tmp/pipeline-file-test-%d.json", (int)getpid());
}

static void teardown(void) {
    (void)unlink(path);
    gf_arena_fini(&arena);
}

TestSuite(pipeline_file, .init = setup, .fini = teardown);

static enum gf_code load(const char *text, struct gf_pipeline_file *out_file,
                         struct gf_error *err) {
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    return gf_pipeline_file_load(path, &arena, out_file, err);
}

static void expect_error(const char *text, const char *rest) {
    struct gf_pipeline_file file = {0};
    struct gf_error err = {0};
    char expected[256];
    (void)snprintf(expected, sizeof(expected), "%s%s", path, rest);
    cr_expect_eq(load(text, &file, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, expected);
    cr_expect_null(file.spec);
}

Test(pipeline_file, loads_both_spellings) {
    struct gf_pipeline_file file = {0};
    cr_assert_eq(load("{\"id\": \"hello\", \"tasks\": [{\"id\": \"one\"},"
                      " {\"id\": \"two\", \"depends_on\": {\"one\": \"any\"}},"
                      " {\"id\": \"three\", \"dependsOn\": {\"one\": \"any\"}}]}",
                      &file, NULL),
                 GF_OK);
    cr_expect_str_eq(file.path, path);
    cr_expect_str_eq(file.spec->id, "hello");
    cr_assert_eq(file.spec->n_tasks, 3);
    cr_expect_eq(file.spec->tasks[1]->n_depends_on, 1);
    cr_expect_eq(file.spec->tasks[2]->n_depends_on, 1);
}

Test(pipeline_file, errors_name_file_line_and_column) {
    expect_error("{\"id\": \"hello\",\n  \"colour\": 3}", ":2:3: 'colour' is no known field");
    expect_error("{\n", ":2:1: expected a key in double quotes, found the end of the text");
    expect_error("{}\n x", ":2:2: expected the end of the text, found 'x'");
}

Test(pipeline_file, no_such_file_and_no_file) {
    struct gf_pipeline_file file = {0};
    struct gf_error err = {0};
    cr_expect_eq(gf_pipeline_file_load("/nowhere/none", &arena, &file, &err), GF_NOT_FOUND);
    cr_expect_eq(gf_pipeline_file_load("/tmp", &arena, &file, &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "directory"));
}

static const char TEXT[] =
    "{\"id\": \"hello\",\n \"tasks\": [{\"id\": \"one\",\n   \"image\": \"x\"}]}";

Test(pipeline_file, server_errors_get_their_place) {
    struct gf_pipeline_file file = {0};
    cr_assert_eq(load(TEXT, &file, NULL), GF_OK);
    struct gf_error err = {0};
    (void)gf_fail_field(&err, "spec.tasks[0].image", "image 'x' is not there");
    char expected[256];
    (void)snprintf(expected, sizeof(expected), "%s:3:13: tasks[0].image: image 'x' is not there",
                   path);
    cr_expect(gf_pipeline_file_locate(&file, &err));
    cr_expect_str_eq(err.message, expected);

    (void)gf_fail_field(&err, "spec.tasks[0].image", "spec.tasks[0].image: image 'x' is not there");
    cr_expect(gf_pipeline_file_locate(&file, &err));
    cr_expect_str_eq(err.message, expected, "the field is named once");

    (void)gf_fail_field(&err, "target_spec.tasks[0].image", "image 'x' is not there");
    cr_expect(gf_pipeline_file_locate(&file, &err));
    cr_expect_str_eq(err.message, expected);
}

Test(pipeline_file, other_errors_stay) {
    struct gf_pipeline_file file = {0};
    cr_assert_eq(load(TEXT, &file, NULL), GF_OK);
    struct gf_error err = {0};
    (void)gf_fail_field(&err, "namespace_id", "namespace 'x' not found");
    cr_expect_not(gf_pipeline_file_locate(&file, &err));
    cr_expect_str_eq(err.message, "namespace 'x' not found");
}
