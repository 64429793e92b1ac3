/*
 * Each test copies, frees what was copied from, and looks at the copy: what still points there is
 * seen by the address sanitizer, and mostly by the comparison.
 */
#include "engine/core/config.h"
#include "engine/core/config_codec.h"
#include "engine/core/copy.h"
#include "engine/core/testing/fixture.h"

#include <criterion/criterion.h>

static struct gf_arena from;
static struct gf_arena to;

static void setup(void) {
    gf_arena_init(&from, (size_t)1 << 24);
    gf_arena_init(&to, (size_t)1 << 24);
}

static void teardown(void) {
    gf_arena_fini(&from);
    gf_arena_fini(&to);
}

TestSuite(copy, .init = setup, .fini = teardown);

static struct gf_str text(const char *value) {
    return gf_arena_str(&from, gf_str_from(value));
}

static struct gf_label *labels(void) {
    struct gf_label *items = GF_ARENA_ARRAY(&from, 1, struct gf_label);
    items[0] = (struct gf_label){text("team"), text("blue")};
    return items;
}

static struct gf_variable *variables(void) {
    struct gf_variable *items = GF_ARENA_ARRAY(&from, 1, struct gf_variable);
    items[0] = (struct gf_variable){text("WHO"), text("world"), GF_VARIABLE_SOURCE_PIPELINE_CONFIG};
    return items;
}

static struct gf_config *full_config(void) {
    struct gf_config *config = gf_fixture_config(&from, "one; two < one:any; tri < one two");
    struct gf_task *task = &config->tasks[1];
    struct gf_task_pool *pools = GF_ARENA_ARRAY(&from, 2, struct gf_task_pool);
    int32_t *codes = GF_ARENA_ARRAY(&from, 2, int32_t);
    struct gf_str *words = GF_ARENA_ARRAY(&from, 2, struct gf_str);
    pools[0] = (struct gf_task_pool){text("cpu"), 1};
    pools[1] = (struct gf_task_pool){text("gpu"), 2};
    codes[0] = 3;
    codes[1] = 75;
    words[0] = text("sh");
    words[1] = text("-c");
    config->description = text("what it does");
    config->pools = pools;
    config->pool_count = 2;
    config->variables = variables();
    config->variable_count = 1;
    config->labels = labels();
    config->label_count = 1;
    config->queue_policy = GF_QUEUE_POLICY_REJECT;
    task->pool = text("gpu");
    task->command = words;
    task->command_count = 2;
    task->entrypoint = words;
    task->entrypoint_count = 1;
    task->user = text("nobody");
    task->working_directory = text("/tmp");
    task->variables = variables();
    task->variable_count = 1;
    task->labels = labels();
    task->label_count = 1;
    task->registry_auth =
        (struct gf_registry_auth){.user = text("robot"), .password = text("secret")};
    config->tasks[0].registry_auth.secret_key = text("REGISTRY");
    task->retry =
        (struct gf_retry_policy){.max_attempts = 2, .exit_codes = codes, .exit_code_count = 2};
    cr_assert_eq(gf_config_check(config, &from, NULL), GF_OK);
    return config;
}

Test(copy, a_config_stands_alone) {
    struct gf_strbuf before;
    struct gf_strbuf after;
    struct gf_config copy = {0};
    gf_strbuf_init(&before, GF_CONFIG_BYTES_MAX);
    gf_strbuf_init(&after, GF_CONFIG_BYTES_MAX);
    const struct gf_config *config = full_config();
    gf_config_encode(config, &before);
    gf_config_copy(config, &to, &copy);
    gf_arena_fini(&from);
    gf_config_encode(&copy, &after);
    cr_expect(gf_str_eq(gf_strbuf_view(&before), gf_strbuf_view(&after)));
    cr_expect(gf_str_eq(copy.pipeline_id, GF_STR("pipe")));
    cr_expect_eq(copy.tasks[1].pool_index, 1);
    cr_expect_eq(copy.tasks[0].pool_index, -1);
    cr_expect_eq(copy.tasks[1].pool.ptr, copy.pools[1].pool_id.ptr);
    cr_assert_eq(copy.tasks[0].child_count, 2);
    cr_expect_eq(copy.tasks[0].children[1], 2);
    cr_expect_eq(copy.tasks[2].parents[1].task_id.ptr, copy.tasks[1].task_id.ptr);
    gf_strbuf_fini(&after);
    gf_strbuf_fini(&before);
}

Test(copy, a_run_stands_alone) {
    struct gf_kept_tasks kept[] = {{.task_count = 3, .run_id = 4}};
    const struct gf_run run = {
        .run_key = 7,
        .namespace_id = text("default"),
        .pipeline_id = text("pipe"),
        .reason = {GF_REASON_TIMED_OUT, text("too late")},
        .initiator = {GF_INITIATOR_HUMAN, text("me"), text("because")},
        .variables = variables(),
        .variable_count = 1,
        .labels = labels(),
        .label_count = 1,
        .request_id = text("request"),
        .has_input = true,
        .input = {text("text/plain"), text("00ff"), 3},
        .ordering_key = text("key"),
        .ordering_policy = GF_RUN_ORDERING_NEWEST,
        .has_priority = true,
        .used_live_version = true,
        .kept_tasks = kept,
        .kept_count = 1,
    };
    struct gf_run copy = {0};
    gf_run_copy(&run, &to, &copy);
    kept[0] = (struct gf_kept_tasks){0};
    gf_arena_fini(&from);
    cr_expect_eq(copy.run_key, 7);
    cr_expect(gf_str_eq(copy.namespace_id, GF_STR("default")));
    cr_expect(gf_str_eq(copy.pipeline_id, GF_STR("pipe")));
    cr_expect(gf_str_eq(copy.reason.text, GF_STR("too late")));
    cr_expect(gf_str_eq(copy.initiator.id, GF_STR("me")));
    cr_expect(gf_str_eq(copy.initiator.reason, GF_STR("because")));
    cr_expect(gf_str_eq(copy.variables[0].value, GF_STR("world")));
    cr_expect(gf_str_eq(copy.labels[0].value, GF_STR("blue")));
    cr_expect(gf_str_eq(copy.request_id, GF_STR("request")));
    cr_expect(gf_str_eq(copy.input.media_type, GF_STR("text/plain")));
    cr_expect(gf_str_eq(copy.input.digest, GF_STR("00ff")));
    cr_expect_eq(copy.input.size_bytes, 3);
    cr_expect(gf_str_eq(copy.ordering_key, GF_STR("key")));
    cr_expect_eq(copy.ordering_policy, GF_RUN_ORDERING_NEWEST);
    cr_expect(copy.has_priority);
    cr_expect(copy.used_live_version);
    cr_assert_eq(copy.kept_count, 1);
    cr_expect_eq(copy.kept_tasks[0].task_count, 3);
    cr_expect_eq(copy.kept_tasks[0].run_id, 4);
}

Test(copy, requests_and_preferences_and_pipelines_stand_alone) {
    const struct gf_request request = {.caller = text("me"),
                                       .request_id = text("request"),
                                       .namespace_id = text("default"),
                                       .pipeline_id = text("pipe"),
                                       .number = 4};
    const struct gf_preferences preferences = {.run_starts_paused = true,
                                               .run_starts_paused_reason = text("a move")};
    const struct gf_pipeline pipeline = {.namespace_id = text("default"),
                                         .pipeline_id = text("pipe"),
                                         .state_reason = text("broken")};
    struct gf_request request_copy = {0};
    struct gf_preferences preferences_copy = {0};
    struct gf_pipeline pipeline_copy = {0};
    gf_request_copy(&request, &to, &request_copy);
    gf_preferences_copy(&preferences, &to, &preferences_copy);
    gf_pipeline_copy(&pipeline, &to, &pipeline_copy);
    gf_arena_fini(&from);
    cr_expect(gf_str_eq(request_copy.caller, GF_STR("me")));
    cr_expect(gf_str_eq(request_copy.request_id, GF_STR("request")));
    cr_expect(gf_str_eq(request_copy.namespace_id, GF_STR("default")));
    cr_expect(gf_str_eq(request_copy.pipeline_id, GF_STR("pipe")));
    cr_expect_eq(request_copy.number, 4);
    cr_expect(preferences_copy.run_starts_paused);
    cr_expect(gf_str_eq(preferences_copy.run_starts_paused_reason, GF_STR("a move")));
    cr_expect(gf_str_eq(pipeline_copy.state_reason, GF_STR("broken")));
}

Test(copy, text_is_cut_at_a_character) {
    const struct gf_str long_text = text("ab\xc3\xbc");
    cr_expect(gf_str_eq(gf_text_copy_cut(long_text, 4, &to), GF_STR("ab\xc3\xbc")));
    cr_expect(gf_str_eq(gf_text_copy_cut(long_text, 3, &to), GF_STR("ab")));
    cr_expect_eq(gf_text_copy_cut(long_text, 0, &to).len, 0);
}
