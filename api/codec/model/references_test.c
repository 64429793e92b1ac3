#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/references.h"
#include "engine/core/limits.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_model_codec_init();
    gf_arena_init(&arena, (size_t)64 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(config_references, .init = setup, .fini = teardown);

/* A spec of two tasks with one variable each, and one of its own. */
static Gofer__V1__PipelineSpec *make_spec(char *own, char *first, char *second) {
    Gofer__V1__PipelineSpec *spec =
        GF_MESSAGE_NEW(&arena, Gofer__V1__PipelineSpec, gofer__v1__pipeline_spec);
    spec->id = "hello";
    spec->n_variables = 1;
    spec->variables = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__PipelineSpec__VariablesEntry *);
    spec->variables[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__PipelineSpec__VariablesEntry,
                                        gofer__v1__pipeline_spec__variables_entry);
    spec->variables[0]->key = "OWN";
    spec->variables[0]->value = own;
    spec->n_tasks = 2;
    spec->tasks = GF_ARENA_ARRAY(&arena, 2, Gofer__V1__TaskSpec *);
    for (size_t i = 0; i < 2; i++) {
        Gofer__V1__TaskSpec *task =
            GF_MESSAGE_NEW(&arena, Gofer__V1__TaskSpec, gofer__v1__task_spec);
        task->id = i == 0 ? "first" : "second";
        task->image = "busybox:1";
        task->n_variables = 1;
        task->variables = GF_ARENA_ARRAY(&arena, 1, Gofer__V1__TaskSpec__VariablesEntry *);
        task->variables[0] = GF_MESSAGE_NEW(&arena, Gofer__V1__TaskSpec__VariablesEntry,
                                            gofer__v1__task_spec__variables_entry);
        task->variables[0]->key = "TOKEN";
        task->variables[0]->value = i == 0 ? first : second;
        spec->tasks[i] = task;
    }
    return spec;
}

static void expect_reference(const struct gf_secret_reference *actual, enum gf_reference_kind kind,
                             const char *key, const char *field) {
    cr_expect_eq(actual->kind, kind);
    cr_expect(gf_str_eq(actual->key, gf_str_from(key)), "%s", key);
    cr_expect_str_eq(actual->field, field);
}

Test(config_references, each_secret_is_listed_once_with_its_first_place) {
    struct gf_config config = {0};
    struct gf_error err = {0};
    const Gofer__V1__PipelineSpec *spec = make_spec(
        "global_secret{{region}}", "Bearer pipeline_secret{{ key-1 }}:global_secret{{key-1}}",
        "pipeline_secret{{key-1}}global_secret{{region}}pipeline_secret{{key-2}}");
    cr_assert_eq(gf_config_from_spec(spec, &arena, &config, &err), GF_OK, "%s", err.message);
    const struct gf_secret_reference *references = NULL;
    size_t count = 0;
    cr_assert_eq(gf_config_secret_references(&config, &arena, &references, &count, &err), GF_OK);
    cr_assert_eq(count, 4);
    expect_reference(&references[0], GF_REFERENCE_GLOBAL_SECRET, "region", "variables[\"OWN\"]");
    expect_reference(&references[1], GF_REFERENCE_PIPELINE_SECRET, "key-1",
                     "tasks[0].variables[\"TOKEN\"]");
    expect_reference(&references[2], GF_REFERENCE_GLOBAL_SECRET, "key-1",
                     "tasks[0].variables[\"TOKEN\"]");
    expect_reference(&references[3], GF_REFERENCE_PIPELINE_SECRET, "key-2",
                     "tasks[1].variables[\"TOKEN\"]");
    /* They are kept as they were written. */
    const Gofer__V1__PipelineConfig *shown = gf_config_to_message(&config, true, &arena);
    cr_expect_str_eq(shown->spec->tasks[0]->variables[0]->value,
                     "Bearer pipeline_secret{{ key-1 }}:global_secret{{key-1}}");
}

Test(config_references, credentials_for_registries_are_listed) {
    struct gf_config config = {0};
    struct gf_error err = {0};
    Gofer__V1__RegistryAuth by_key = GOFER__V1__REGISTRY_AUTH__INIT;
    Gofer__V1__RegistryAuth by_user = GOFER__V1__REGISTRY_AUTH__INIT;
    Gofer__V1__PipelineSpec *spec = make_spec("", "pipeline_secret{{used}}", "");
    by_key.secret_key = "pair";
    by_user.user = "pipeline_secret{{used}}-global_secret{{name}}";
    by_user.password = "global_secret{{password}}";
    spec->tasks[0]->registry_auth = &by_key;
    spec->tasks[1]->registry_auth = &by_user;
    cr_assert_eq(gf_config_from_spec(spec, &arena, &config, &err), GF_OK, "%s", err.message);
    const struct gf_secret_reference *references = NULL;
    size_t count = 0;
    cr_assert_eq(gf_config_secret_references(&config, &arena, &references, &count, &err), GF_OK);
    cr_assert_eq(count, 4);
    expect_reference(&references[0], GF_REFERENCE_PIPELINE_SECRET, "used",
                     "tasks[0].variables[\"TOKEN\"]");
    expect_reference(&references[1], GF_REFERENCE_PIPELINE_SECRET, "pair",
                     "tasks[0].registry_auth.secret_key");
    expect_reference(&references[2], GF_REFERENCE_GLOBAL_SECRET, "name",
                     "tasks[1].registry_auth.user");
    expect_reference(&references[3], GF_REFERENCE_GLOBAL_SECRET, "password",
                     "tasks[1].registry_auth.password");
}

Test(config_references, a_config_without_has_none) {
    struct gf_config config = {0};
    const struct gf_secret_reference *references = NULL;
    size_t count = 7;
    cr_assert_eq(gf_config_from_spec(make_spec("{{name}}", "", "pipeline_secret{{{{key}}"), &arena,
                                     &config, NULL),
                 GF_OK);
    cr_assert_eq(gf_config_secret_references(&config, &arena, &references, &count, NULL), GF_OK);
    cr_expect_eq(count, 0);
}

Test(config_references, other_texts_of_a_config_are_literal) {
    static char *command[] = {"echo", "global_secrets{{x}} pipeline_object{{y}}"};
    struct gf_config config = {0};
    const struct gf_secret_reference *references = NULL;
    size_t count = 7;
    Gofer__V1__PipelineSpec *spec = make_spec("", "", "");
    spec->description = "global_secret{{key}}";
    spec->tasks[0]->description = "global_secret{{";
    spec->tasks[0]->n_command = 2;
    spec->tasks[0]->command = command;
    cr_assert_eq(gf_config_from_spec(spec, &arena, &config, NULL), GF_OK);
    cr_expect(gf_str_eq(config.tasks[0].command[1], gf_str_from(command[1])));
    cr_assert_eq(gf_config_secret_references(&config, &arena, &references, &count, NULL), GF_OK);
    cr_expect_eq(count, 0);
}

Test(config_references, what_is_wrong_is_named_with_its_place) {
    static const struct {
        char *value;
        const char *part; /* of the message */
        enum gf_code code;
    } CASES[] = {
        {"ab global_secrets{{key}}", "position 4: 'global_secrets{{' is no kind of reference",
         GF_INVALID_ARGUMENT},
        {"a pipeline_secret{{key", "position 3: 'pipeline_secret{{' has no '}}' behind it",
         GF_INVALID_ARGUMENT},
        {"pipeline_secret{{k}}", "position 1: 'pipeline_secret{{'", GF_INVALID_ARGUMENT},
        {"Secret{{key}}", "is no kind of reference", GF_INVALID_ARGUMENT},
        {"run_object{{a}}", "'run_object{{...}}' is not supported by this version",
         GF_UNIMPLEMENTED},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_config config = {0};
        struct gf_error err = {0};
        cr_expect_eq(gf_config_from_spec(make_spec("", "", CASES[i].value), &arena, &config, &err),
                     CASES[i].code, "%s", CASES[i].value);
        cr_expect_str_eq(err.field, "tasks[1].variables[\"TOKEN\"]");
        cr_expect_not_null(strstr(err.message, CASES[i].part), "%s", err.message);
        cr_expect_eq(gf_config_from_spec(make_spec(CASES[i].value, "", ""), &arena, &config, &err),
                     CASES[i].code);
        cr_expect_str_eq(err.field, "variables[\"OWN\"]");
    }
}

Test(config_references, there_is_a_limit_in_one_value) {
    static const char ONE[] = "global_secret{{key}}";
    struct gf_strbuf value;
    gf_strbuf_init(&value, GF_VARIABLE_VALUE_BYTES_MAX);
    for (int i = 0; i < GF_REFERENCES_MAX; i++) {
        gf_strbuf_append_cstr(&value, ONE);
    }
    struct gf_error err = {0};
    cr_expect_eq(gf_references_check(gf_strbuf_view(&value), "field", &err), GF_OK);
    gf_strbuf_append_cstr(&value, ONE);
    cr_expect_eq(gf_references_check(gf_strbuf_view(&value), "field", &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "field");
    gf_strbuf_fini(&value);
}

Test(config_references, variables_of_a_run_are_literal) {
    struct gf_variable variable = {0};
    cr_assert_eq(gf_variable_from_entry("A", "global_secrets{{x}} pipeline_secret{{key}}",
                                        GF_VARIABLE_SOURCE_RUN_OPTIONS, "variables", &variable,
                                        NULL),
                 GF_OK);
    cr_expect(gf_str_eq(variable.value, GF_STR("global_secrets{{x}} pipeline_secret{{key}}")));
}
