#include "engine/core/environment.h"

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(environment, .init = setup, .fini = teardown);

static const struct gf_variable *find(const struct gf_variable *variables, size_t count,
                                      const char *key) {
    for (size_t i = 0; i < count; i++) {
        if (gf_str_eq(variables[i].key, gf_str_from(key))) {
            return &variables[i];
        }
    }
    return NULL;
}

static void merge(const struct gf_variable *system, size_t system_count,
                  const struct gf_variable *of_task, size_t of_task_count,
                  const struct gf_variable *of_run, size_t of_run_count, struct gf_variable **out,
                  size_t *out_count) {
    const struct gf_task task = {.task_id = GF_STR("greet"),
                                 .image = GF_STR("busybox:latest"),
                                 .variables = of_task,
                                 .variable_count = of_task_count};
    const struct gf_run run = {.namespace_id = GF_STR("default"),
                               .pipeline_id = GF_STR("hello"),
                               .run_id = 12,
                               .variables = of_run,
                               .variable_count = of_run_count};
    const struct gf_environment_sources sources = {
        .system = system, .system_count = system_count, .task = &task, .run = &run, .attempt = 2};
    gf_environment_merge(&sources, &arena, out, out_count);
}

Test(environment, a_task_wins_over_its_pipeline) {
    const struct gf_variable of_config[] = {{GF_STR("A"), GF_STR("pipeline"), 0},
                                            {GF_STR("B"), GF_STR("pipeline"), 0}};
    const struct gf_variable of_task[] = {{GF_STR("a"), GF_STR("task"), 0}};
    const struct gf_config config = {.variables = of_config, .variable_count = 2};
    const struct gf_task task = {
        .task_id = GF_STR("greet"), .variables = of_task, .variable_count = 1};
    const struct gf_run run = {.run_id = 1};
    const struct gf_environment_sources sources = {
        .config = &config, .task = &task, .run = &run, .attempt = 1};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_environment_merge(&sources, &arena, &variables, &count);
    cr_expect_null(find(variables, count, "A"));
    cr_assert_not_null(find(variables, count, "a"));
    cr_expect(gf_str_eq(find(variables, count, "a")->value, GF_STR("task")));
    cr_assert_not_null(find(variables, count, "B"));
    cr_expect_eq(find(variables, count, "B")->source, GF_VARIABLE_SOURCE_PIPELINE_CONFIG);
}

Test(environment, injects_what_a_task_should_know) {
    struct gf_variable *variables = NULL;
    size_t count = 0;
    merge(NULL, 0, NULL, 0, NULL, 0, &variables, &count);
    const char *const expected[] = {
        "GOFER_NAMESPACE_ID=default", "GOFER_PIPELINE_ID=hello", "GOFER_RUN_ID=12",
        "GOFER_TASK_ATTEMPT=2",       "GOFER_TASK_ID=greet",     "GOFER_TASK_IMAGE=busybox:latest",
    };
    cr_assert_eq(count, GF_ARRAY_COUNT(expected));
    const char *const *strings = gf_environment_strings(variables, count, &arena);
    for (size_t i = 0; i < count; i++) {
        cr_expect_str_eq(strings[i], expected[i]);
        cr_expect_eq(variables[i].source, GF_VARIABLE_SOURCE_SYSTEM);
    }
    cr_expect_null(strings[count]);
}

Test(environment, the_run_wins_over_the_task_and_that_over_the_server) {
    const struct gf_variable system[] = {{GF_STR("ALL"), GF_STR("system"), 0},
                                         {GF_STR("LANG"), GF_STR("C"), 0},
                                         {GF_STR("TWO"), GF_STR("system"), 0}};
    const struct gf_variable task[] = {{GF_STR("ALL"), GF_STR("task"), 0},
                                       {GF_STR("EMPTY"), GF_STR(""), 0},
                                       {GF_STR("TWO"), GF_STR("task"), 0}};
    const struct gf_variable run[] = {{GF_STR("ALL"), GF_STR("run"), 0}};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    merge(system, 3, task, 3, run, 1, &variables, &count);
    cr_assert_eq(count, 10);
    cr_expect(gf_str_eq(find(variables, count, "ALL")->value, GF_STR("run")));
    cr_expect_eq(find(variables, count, "ALL")->source, GF_VARIABLE_SOURCE_RUN_OPTIONS);
    cr_expect(gf_str_eq(find(variables, count, "TWO")->value, GF_STR("task")));
    cr_expect_eq(find(variables, count, "TWO")->source, GF_VARIABLE_SOURCE_PIPELINE_CONFIG);
    cr_expect(gf_str_eq(find(variables, count, "LANG")->value, GF_STR("C")));
    for (size_t i = 1; i < count; i++) {
        cr_expect_lt(gf_str_cmp(variables[i - 1].key, variables[i].key), 0);
    }
    const char *const *strings = gf_environment_strings(variables, count, &arena);
    cr_expect_str_eq(strings[1], "EMPTY=");
}

Test(environment, keys_are_compared_without_case_and_the_winner_keeps_its_own) {
    const struct gf_variable task[] = {{GF_STR("Path"), GF_STR("task"), 0}};
    const struct gf_variable run[] = {{GF_STR("PATH"), GF_STR("run"), 0}};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    merge(NULL, 0, task, 1, run, 1, &variables, &count);
    cr_assert_eq(count, 7);
    cr_expect_null(find(variables, count, "Path"));
    cr_expect(gf_str_eq(find(variables, count, "PATH")->value, GF_STR("run")));
    merge(NULL, 0, run, 1, task, 1, &variables, &count);
    cr_expect_null(find(variables, count, "PATH"));
    cr_expect(gf_str_eq(find(variables, count, "Path")->value, GF_STR("task")));
}

Test(environment, a_run_with_a_document_says_where_it_is) {
    const struct gf_variable mine[] = {{GF_STR("GOFER_INPUT"), GF_STR("/etc/passwd"), 0}};
    const struct gf_task task = {
        .task_id = GF_STR("greet"), .variables = mine, .variable_count = 1};
    const struct gf_run run = {.run_id = 1};
    const struct gf_environment_sources sources = {
        .task = &task, .run = &run, .attempt = 1, .input_path = GF_STR("/run/gofer/input")};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_environment_merge(&sources, &arena, &variables, &count);
    cr_expect_eq(count, 7);
    cr_assert_not_null(find(variables, count, "GOFER_INPUT"));
    cr_expect(gf_str_eq(find(variables, count, "GOFER_INPUT")->value, GF_STR("/run/gofer/input")));
    cr_expect_eq(find(variables, count, "GOFER_INPUT")->source, GF_VARIABLE_SOURCE_SYSTEM);
}

Test(environment, nobody_overrides_what_is_injected) {
    const struct gf_variable mine[] = {{GF_STR("GOFER_RUN_ID"), GF_STR("666"), 0},
                                       {GF_STR("gofer_task_id"), GF_STR("evil"), 0}};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    merge(mine, 2, mine, 2, mine, 2, &variables, &count);
    cr_assert_eq(count, 6);
    cr_expect(gf_str_eq(find(variables, count, "GOFER_RUN_ID")->value, GF_STR("12")));
    cr_expect(gf_str_eq(find(variables, count, "GOFER_TASK_ID")->value, GF_STR("greet")));
}

Test(environment, what_the_caller_injects_wins) {
    const struct gf_variable of_task[] = {{GF_STR("gofer_token"), GF_STR("own"), 0}};
    const struct gf_variable injected[] = {{GF_STR("GOFER_TOKEN"), GF_STR("true"), 0}};
    const struct gf_task task = {
        .task_id = GF_STR("greet"), .variables = of_task, .variable_count = 1};
    const struct gf_run run = {.run_id = 1};
    const struct gf_environment_sources sources = {
        .task = &task, .run = &run, .attempt = 1, .injected = injected, .injected_count = 1};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_environment_merge(&sources, &arena, &variables, &count);
    cr_expect_null(find(variables, count, "gofer_token"));
    cr_assert_not_null(find(variables, count, "GOFER_TOKEN"));
    cr_expect(gf_str_eq(find(variables, count, "GOFER_TOKEN")->value, GF_STR("true")));
    cr_expect_eq(find(variables, count, "GOFER_TOKEN")->source, GF_VARIABLE_SOURCE_SYSTEM);
}

Test(environment, no_variable_of_a_run_passes_for_one_of_a_config) {
    const struct gf_variable of_run[] = {
        {GF_STR("A"), GF_STR("1"), GF_VARIABLE_SOURCE_PIPELINE_CONFIG},
        {GF_STR("B"), GF_STR("2"), GF_VARIABLE_SOURCE_EXTENSION},
        {GF_STR("C"), GF_STR("3"), GF_VARIABLE_SOURCE_SYSTEM}};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    merge(NULL, 0, NULL, 0, of_run, 3, &variables, &count);
    cr_expect_eq(find(variables, count, "A")->source, GF_VARIABLE_SOURCE_RUN_OPTIONS);
    cr_expect_eq(find(variables, count, "B")->source, GF_VARIABLE_SOURCE_EXTENSION);
    cr_expect_eq(find(variables, count, "C")->source, GF_VARIABLE_SOURCE_RUN_OPTIONS);
}
