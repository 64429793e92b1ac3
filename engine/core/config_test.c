#include "engine/core/config.h"
#include "engine/core/testing/fixture.h"

#include <math.h>
#include <stdio.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(config, .init = setup, .fini = teardown);

static void expect_field(struct gf_config *config, const char *field) {
    struct gf_error err = {0};
    cr_expect_eq(gf_config_check(config, &arena, &err), GF_INVALID_ARGUMENT, "%s passes", field);
    cr_expect_str_eq(err.field, field, "%s: %s", err.field, err.message);
    cr_expect_gt(strlen(err.message), 0);
}

static struct gf_str repeat(char c, size_t count) {
    char *text = gf_arena_alloc(&arena, count + 1);
    memset(text, c, count);
    return (struct gf_str){text, count};
}

Test(config, accepts_a_full_config) {
    struct gf_config *config = gf_fixture_config(&arena, "one; two < one");
    const struct gf_variable variables[] = {{GF_STR("HTTP_PROXY"), GF_STR("http://x"), 0},
                                            {GF_STR("_x1"), GF_STR(""), 0}};
    const struct gf_str arguments[] = {GF_STR("sh"), GF_STR(""), GF_STR("-c")};
    struct gf_task *task = &config->tasks[0];
    config->parallelism = GF_PARALLELISM_MAX;
    config->description = repeat('d', GF_DESCRIPTION_CHARS_MAX);
    task->description = GF_STR("Gr\xc3\xbc\xc3\x9f"
                               "e");
    task->variables = variables;
    task->variable_count = 2;
    task->entrypoint = arguments;
    task->entrypoint_count = 3;
    task->command = arguments;
    task->command_count = 3;
    task->user = GF_STR("1000:1000");
    task->working_directory = GF_STR("/work");
    task->timeout_ms = GF_TASK_TIMEOUT_MS_MAX;
    task->resources = (struct gf_resources){500, 1 << 20, 100, 1 << 30};
    task->network = GF_NETWORK_BRIDGE;
    struct gf_error err = {0};
    cr_assert_eq(gf_config_check(config, &arena, &err), GF_OK, "%s: %s", err.field, err.message);
    cr_expect_eq(config->tasks[0].children[0], 1);
}

Test(config, head_is_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    config->pipeline_id = GF_STR("a b");
    expect_field(config, "id");
    config = gf_fixture_config(&arena, "one");
    config->name = repeat('n', GF_NAME_CHARS_MAX + 1);
    expect_field(config, "name");
    config = gf_fixture_config(&arena, "one");
    config->description = repeat('d', GF_DESCRIPTION_CHARS_MAX + 1);
    expect_field(config, "description");
    config = gf_fixture_config(&arena, "one");
    config->parallelism = -1;
    expect_field(config, "parallelism");
    config->parallelism = (int64_t)GF_PARALLELISM_MAX + 1;
    expect_field(config, "parallelism");
    expect_field(gf_fixture_config(&arena, ""), "tasks");
}

Test(config, characters_are_counted_not_bytes) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    char *name = gf_arena_alloc(&arena, GF_NAME_CHARS_MAX * 2 + 2);
    for (size_t i = 0; i < GF_NAME_CHARS_MAX + 1; i++) {
        memcpy(name + i * 2, "\xc3\xbc", 2);
    }
    config->name = (struct gf_str){name, GF_NAME_CHARS_MAX * 2};
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
    config->name.len += 2;
    expect_field(config, "name");
}

Test(config, too_many_tasks_are_refused) {
    struct gf_config config = {.pipeline_id = GF_STR("pipe"),
                               .task_count = GF_CONFIG_TASKS_MAX + 1};
    expect_field(&config, "tasks");
}

Test(config, texts_of_tasks_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one; x");
    expect_field(config, "tasks[1].id");
    config = gf_fixture_config(&arena, "one; two");
    struct gf_task *task = &config->tasks[1];
    task->image = GF_STR("");
    expect_field(config, "tasks[1].image");
    task->image = repeat('i', GF_IMAGE_CHARS_MAX + 1);
    expect_field(config, "tasks[1].image");
    task->image = GF_STR("busy\0box");
    expect_field(config, "tasks[1].image");
    task->image = GF_STR("busybox");
    task->description = GF_STR("\xff");
    expect_field(config, "tasks[1].description");
    task->description = GF_STR("");
    task->user = repeat('u', GF_USER_CHARS_MAX + 1);
    expect_field(config, "tasks[1].user");
    task->user = GF_STR("");
    task->working_directory = GF_STR("work");
    expect_field(config, "tasks[1].working_directory");
    task->working_directory = repeat('/', GF_PATH_BYTES_MAX + 1);
    expect_field(config, "tasks[1].working_directory");
}

Test(config, arguments_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    struct gf_task *task = &config->tasks[0];
    struct gf_str *arguments = GF_ARENA_ARRAY(&arena, GF_TASK_ARGUMENTS_MAX + 1, struct gf_str);
    task->command = arguments;
    task->command_count = GF_TASK_ARGUMENTS_MAX + 1;
    expect_field(config, "tasks[0].command");
    task->command_count = 2;
    arguments[1] = repeat('x', GF_ARGUMENT_BYTES_MAX + 1);
    expect_field(config, "tasks[0].command[1]");
    arguments[1] = GF_STR("a\0b");
    expect_field(config, "tasks[0].command[1]");
    task->entrypoint = arguments;
    task->entrypoint_count = 2;
    expect_field(config, "tasks[0].entrypoint[1]");
}

Test(config, numbers_of_tasks_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    struct gf_task *task = &config->tasks[0];
    task->timeout_ms = -1;
    expect_field(config, "tasks[0].timeout");
    task->timeout_ms = GF_TASK_TIMEOUT_MS_MAX + 1;
    expect_field(config, "tasks[0].timeout");
    task->timeout_ms = 0;
    task->resources.memory_bytes = -1;
    expect_field(config, "tasks[0].resources.memory_bytes");
    task->resources.memory_bytes = INT64_MAX;
    expect_field(config, "tasks[0].resources.memory_bytes");
    task->resources = (struct gf_resources){.pid_count = -1};
    expect_field(config, "tasks[0].resources.pid_count");
    task->resources = (struct gf_resources){.cpu_millis = -1};
    expect_field(config, "tasks[0].resources.cpu_millis");
    task->resources = (struct gf_resources){.disk_bytes = -1};
    expect_field(config, "tasks[0].resources.disk_bytes");
    task->resources = (struct gf_resources){0};
    task->network = (enum gf_network_mode)(GF_NETWORK_BRIDGE + 1);
    expect_field(config, "tasks[0].network");
    task->network = GF_NETWORK_NONE;
    task->pull = (enum gf_pull_policy)(GF_PULL_ALWAYS + 1);
    expect_field(config, "tasks[0].pull");
}

Test(config, credentials_for_registries_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    struct gf_registry_auth *auth = &config->tasks[0].registry_auth;
    auth->secret_key = GF_STR("a b");
    expect_field(config, "tasks[0].registry_auth.secret_key");
    auth->secret_key = GF_STR("REGISTRY");
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
    auth->password = GF_STR("p");
    expect_field(config, "tasks[0].registry_auth.password");
    auth->user = GF_STR("u");
    expect_field(config, "tasks[0].registry_auth.user");
    auth->secret_key = GF_STR("");
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
    auth->user = GF_STR("");
    expect_field(config, "tasks[0].registry_auth.user");
    auth->user = GF_STR("u:v");
    expect_field(config, "tasks[0].registry_auth.user");
    auth->user = repeat('u', GF_REGISTRY_USER_CHARS_MAX + 1);
    expect_field(config, "tasks[0].registry_auth.user");
    auth->user = repeat('u', GF_REGISTRY_USER_CHARS_MAX);
    auth->password = GF_STR("");
    expect_field(config, "tasks[0].registry_auth.password");
    auth->password = repeat('p', GF_REGISTRY_PASSWORD_CHARS_MAX + 1);
    expect_field(config, "tasks[0].registry_auth.password");
    auth->password = repeat('p', GF_REGISTRY_PASSWORD_CHARS_MAX);
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
}

Test(config, resources_beyond_the_maximums_name_both_values) {
    struct gf_config *config = gf_fixture_config(&arena, "one; two");
    struct gf_error err = {0};
    const struct gf_resources none = {0};
    const struct gf_resources maximums = {
        .cpu_millis = 10, .memory_bytes = 20, .pid_count = 30, .disk_bytes = 40};
    struct gf_resources *asked = &config->tasks[1].resources;
    *asked = maximums;
    cr_expect_eq(gf_config_check_maximums(config, &maximums, &err), GF_OK);
    int64_t *const fields[] = {&asked->cpu_millis, &asked->memory_bytes, &asked->pid_count,
                               &asked->disk_bytes};
    const char *const names[] = {"tasks[1].resources.cpu_millis", "tasks[1].resources.memory_bytes",
                                 "tasks[1].resources.pid_count", "tasks[1].resources.disk_bytes"};
    for (size_t i = 0; i < 4; i++) {
        *asked = maximums;
        *fields[i] += 1;
        cr_expect_eq(gf_config_check_maximums(config, &none, &err), GF_OK);
        cr_expect_eq(gf_config_check_maximums(config, &maximums, &err), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(err.field, names[i]);
    }
    cr_expect_str_eq(err.message, "value is 41, this server gives at most 40");
}

Test(config, rules_of_runs_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    config->queue_policy = (enum gf_queue_policy)4;
    expect_field(config, "queue_policy");
    config->queue_policy = GF_QUEUE_POLICY_REJECT;
    config->queue_limit = -1;
    expect_field(config, "queue_limit");
    config->queue_limit = GF_QUEUE_LIMIT_MAX;
    config->priority = GF_PRIORITY_MAX + 1;
    expect_field(config, "priority");
    config->priority = -GF_PRIORITY_MAX - 1;
    expect_field(config, "priority");
    config->priority = -GF_PRIORITY_MAX;
    config->timeout_ms = -1;
    expect_field(config, "timeout");
    config->timeout_ms = GF_RUN_TIMEOUT_MS_MAX + 1;
    expect_field(config, "timeout");
    config->timeout_ms = GF_RUN_TIMEOUT_MS_MAX;
    config->task_parallelism = -1;
    expect_field(config, "task_parallelism");
    config->task_parallelism = GF_PARALLELISM_MAX;
    config->tasks[0].stop_timeout_ms = -1;
    expect_field(config, "tasks[0].stop_timeout");
    config->tasks[0].stop_timeout_ms = GF_STOP_TIMEOUT_MS_MAX + 1;
    expect_field(config, "tasks[0].stop_timeout");
    config->tasks[0].stop_timeout_ms = GF_STOP_TIMEOUT_MS_MAX;
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
}

Test(config, pools_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one");
    struct gf_task_pool pools[GF_TASK_POOLS_MAX + 1] = {{GF_STR("gpu"), 1}, {GF_STR("cpu"), 1}};
    config->pools = pools;
    config->pool_count = GF_TASK_POOLS_MAX + 1;
    expect_field(config, "task_pools");
    config->pool_count = 2;
    expect_field(config, "task_pools");
    gf_task_pools_sort(pools, 2);
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
    pools[1].parallelism = 0;
    expect_field(config, "task_pools[1].parallelism");
    pools[1].parallelism = GF_TASK_POOL_PARALLELISM_MAX + 1;
    expect_field(config, "task_pools[1].parallelism");
    pools[1] = (struct gf_task_pool){GF_STR("g"), 1};
    expect_field(config, "task_pools[1].id");
    pools[1] = (struct gf_task_pool){GF_STR("cpu"), 2};
    expect_field(config, "task_pools[1].id");
}

Test(config, pools_of_tasks_are_found) {
    struct gf_config *config = gf_fixture_config(&arena, "one; two; tri");
    const struct gf_task_pool pools[] = {
        {GF_STR("cpu"), 1}, {GF_STR("disk"), 1}, {GF_STR("gpu"), 1}};
    config->tasks[1].pool = GF_STR("gpu");
    expect_field(config, "tasks[1].pool");
    config->pools = pools;
    config->pool_count = 3;
    config->tasks[2].pool = GF_STR("tpu");
    expect_field(config, "tasks[2].pool");
    config->tasks[2].pool = GF_STR("not an id");
    expect_field(config, "tasks[2].pool");
    config->tasks[2].pool = GF_STR("cpu");
    cr_assert_eq(gf_config_check(config, &arena, NULL), GF_OK);
    cr_expect_eq(config->tasks[0].pool_index, -1);
    cr_expect_eq(config->tasks[1].pool_index, 2);
    cr_expect_eq(config->tasks[2].pool_index, 0);
}

Test(config, retry_policies_are_checked) {
    const struct {
        struct gf_retry_policy policy;
        const char *field;
    } table[] = {
        {{.max_attempts = -1}, "tasks[0].retry.max_attempts"},
        {{.max_attempts = 0, .jitter_percent = 1}, "tasks[0].retry.max_attempts"},
        {{.max_attempts = 0, .retry_orphaned = true}, "tasks[0].retry.max_attempts"},
        {{.max_attempts = GF_RETRY_ATTEMPTS_MAX + 1}, "tasks[0].retry.max_attempts"},
        {{.max_attempts = 1, .initial_backoff_ms = -1}, "tasks[0].retry.initial_backoff"},
        {{.max_attempts = 1, .initial_backoff_ms = GF_RETRY_INITIAL_BACKOFF_MS_MAX + 1},
         "tasks[0].retry.initial_backoff"},
        {{.max_attempts = 1, .max_backoff_ms = GF_RETRY_MAX_BACKOFF_MS_MAX + 1},
         "tasks[0].retry.max_backoff"},
        {{.max_attempts = 1, .initial_backoff_ms = 2, .max_backoff_ms = 1},
         "tasks[0].retry.max_backoff"},
        {{.max_attempts = 1, .backoff_multiplier = 0.5}, "tasks[0].retry.backoff_multiplier"},
        {{.max_attempts = 1, .backoff_multiplier = -2}, "tasks[0].retry.backoff_multiplier"},
        {{.max_attempts = 1, .backoff_multiplier = 10.5}, "tasks[0].retry.backoff_multiplier"},
        {{.max_attempts = 1, .backoff_multiplier = NAN}, "tasks[0].retry.backoff_multiplier"},
        {{.max_attempts = 1, .backoff_multiplier = INFINITY}, "tasks[0].retry.backoff_multiplier"},
        {{.max_attempts = 1, .jitter_percent = 101}, "tasks[0].retry.jitter_percent"},
        {{.max_attempts = 1, .jitter_percent = -1}, "tasks[0].retry.jitter_percent"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(table); i++) {
        struct gf_config *config = gf_fixture_config(&arena, "one");
        config->tasks[0].retry = table[i].policy;
        expect_field(config, table[i].field);
    }
    struct gf_config *config = gf_fixture_config(&arena, "one");
    config->tasks[0].retry = (struct gf_retry_policy){.max_attempts = GF_RETRY_ATTEMPTS_MAX,
                                                      .initial_backoff_ms = 1,
                                                      .max_backoff_ms = 1,
                                                      .backoff_multiplier = 10,
                                                      .jitter_percent = 100};
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
}

Test(config, exit_codes_of_retries_are_checked) {
    int32_t codes[GF_RETRY_EXIT_CODES_MAX + 1] = {9, 3, 0};
    struct gf_config *config = gf_fixture_config(&arena, "one");
    config->tasks[0].retry =
        (struct gf_retry_policy){.max_attempts = 2, .exit_codes = codes, .exit_code_count = 3};
    struct gf_retry_policy *retry = &config->tasks[0].retry;
    expect_field(config, "tasks[0].retry.exit_codes[2]");
    codes[2] = 256;
    expect_field(config, "tasks[0].retry.exit_codes[2]");
    codes[2] = 9;
    expect_field(config, "tasks[0].retry.exit_codes[2]");
    codes[2] = 255;
    expect_field(config, "tasks[0].retry.exit_codes");
    gf_exit_codes_sort(codes, 3);
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
    for (int32_t i = 0; i <= GF_RETRY_EXIT_CODES_MAX; i++) {
        codes[i] = i + 1;
    }
    retry->exit_code_count = GF_RETRY_EXIT_CODES_MAX + 1;
    expect_field(config, "tasks[0].retry.exit_codes");
    retry->exit_code_count = GF_RETRY_EXIT_CODES_MAX;
    cr_expect_eq(gf_config_check(config, &arena, NULL), GF_OK);
}

Test(config, parents_are_checked) {
    struct gf_config *config = gf_fixture_config(&arena, "one; two < one");
    config->tasks[1].parents[0].rule = (enum gf_parent_rule)7;
    expect_field(config, "tasks[1].depends_on[\"one\"]");
    config = gf_fixture_config(&arena, "one; two < one one");
    expect_field(config, "tasks[1].depends_on");
    config = gf_fixture_config(&arena, "one; two < ?");
    expect_field(config, "tasks[1].depends_on");
    config = gf_fixture_config(&arena, "one; two; tri < one two");
    const struct gf_parent first = config->tasks[2].parents[0];
    config->tasks[2].parents[0] = config->tasks[2].parents[1];
    config->tasks[2].parents[1] = first;
    expect_field(config, "tasks[2].depends_on");
    expect_field(gf_fixture_config(&arena, "one < two; two < one"), "tasks[0].depends_on[\"two\"]");
}

static void expect_variable(struct gf_str key, struct gf_str value, const char *field) {
    const struct gf_variable variable = {key, value, GF_VARIABLE_SOURCE_RUN_OPTIONS};
    struct gf_error err = {0};
    cr_expect_eq(gf_variables_check(&variable, 1, "variables", &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, field);
}

Test(config, keys_of_variables_are_checked) {
    expect_variable(GF_STR(""), GF_STR("x"), "variables[\"\"]");
    expect_variable(GF_STR("A=B"), GF_STR("x"), "variables[\"A=B\"]");
    expect_variable(GF_STR("A\0B"), GF_STR("x"), "variables[0]");
    expect_variable(GF_STR("1A"), GF_STR("x"), "variables[\"1A\"]");
    expect_variable(GF_STR("A-B"), GF_STR("x"), "variables[\"A-B\"]");
    expect_variable(repeat('K', GF_VARIABLE_KEY_BYTES_MAX + 1), GF_STR("x"), "variables[0]");
    expect_variable(GF_STR("GOFER_RUN_ID"), GF_STR("x"), "variables[\"GOFER_RUN_ID\"]");
    expect_variable(GF_STR("gofer_mine"), GF_STR("x"), "variables[\"gofer_mine\"]");
}

Test(config, extensions_have_keys_of_their_own) {
    struct gf_variable variable = {GF_STR("GOFER_EXTENSION_TIME"), GF_STR("x"),
                                   GF_VARIABLE_SOURCE_EXTENSION};
    struct gf_error err = {0};
    cr_expect_eq(gf_variables_check(&variable, 1, "variables", &err), GF_OK);
    variable.key = GF_STR("GOFER_EXTENSIO");
    cr_expect_eq(gf_variables_check(&variable, 1, "variables", &err), GF_INVALID_ARGUMENT);
    expect_variable(GF_STR("GOFER_EXTENSION_TIME"), GF_STR("x"),
                    "variables[\"GOFER_EXTENSION_TIME\"]");
}

Test(config, values_of_variables_are_checked) {
    expect_variable(GF_STR("KEY"), GF_STR("a\0b"), "variables[\"KEY\"]");
    expect_variable(GF_STR("KEY"), GF_STR("\xc0\x80"), "variables[\"KEY\"]");
    expect_variable(GF_STR("KEY"), repeat('v', GF_VARIABLE_VALUE_BYTES_MAX + 1),
                    "variables[\"KEY\"]");
    const struct gf_variable longest = {repeat('K', GF_VARIABLE_KEY_BYTES_MAX),
                                        repeat('v', GF_VARIABLE_VALUE_BYTES_MAX), 0};
    cr_expect_eq(gf_variables_check(&longest, 1, "variables", NULL), GF_OK);
}

Test(config, variables_that_differ_in_case_alone_are_refused) {
    struct gf_variable variables[] = {{GF_STR("path"), GF_STR("x"), 0},
                                      {GF_STR("other"), GF_STR("x"), 0},
                                      {GF_STR("PATH"), GF_STR("x"), 0}};
    struct gf_error err = {0};
    cr_expect_eq(gf_variables_check(variables, 3, "variables", &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "sorted"), "%s", err.message);
    gf_variables_sort(variables, 3);
    cr_expect_eq(gf_variables_check(variables, 3, "variables", &err), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "case"), "%s", err.message);
    variables[2].key = GF_STR("zzz");
    cr_expect_eq(gf_variables_check(variables, 3, "variables", NULL), GF_OK);
}

Test(config, too_many_variables_are_refused) {
    struct gf_variable *variables =
        GF_ARENA_ARRAY(&arena, GF_TASK_VARIABLES_MAX + 1, struct gf_variable);
    for (size_t i = 0; i <= GF_TASK_VARIABLES_MAX; i++) {
        variables[i].key = gf_str_from(gf_arena_printf(&arena, "KEY_%05zu", i));
    }
    cr_expect_eq(gf_variables_check(variables, GF_TASK_VARIABLES_MAX, "variables", NULL), GF_OK);
    cr_expect_eq(gf_variables_check(variables, GF_TASK_VARIABLES_MAX + 1, "variables", NULL),
                 GF_INVALID_ARGUMENT);
}
