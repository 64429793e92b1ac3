/* Starting runs: what a new one is, and what is refused. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(run_start, .init = setup, .fini = teardown);

static void expect_refused(const struct gf_input *input, const char *field, const char *message) {
    cr_expect_eq(world_step(&world, input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, field);
    cr_expect_str_eq(world.error.message, message);
}

Test(run_start, is_created_running) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    const struct gf_variable variables[] = {{GF_STR("WHO"), GF_STR("world"), 0}};
    const struct gf_input input = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("default"),
                        .pipeline_id = GF_STR("pipe"),
                        .variables = variables,
                        .variable_count = 1,
                        .initiator = {GF_INITIATOR_HUMAN, GF_STR("me"), GF_STR("because")}}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(world.run.run_id, 1);
    cr_expect_eq(run.run_key, 1);
    cr_expect_eq(run.version, 1);
    cr_expect_eq(run.state, GF_RUN_STATE_RUNNING);
    cr_expect_eq(run.create_time, world.now);
    cr_expect_eq(run.start_time, world.now);
    cr_expect_eq(run.end_time, 0);
    cr_expect_eq(run.initiator.kind, GF_INITIATOR_HUMAN);
    cr_expect(gf_str_eq(run.initiator.id, GF_STR("me")));
    cr_expect(gf_str_eq(run.initiator.reason, GF_STR("because")));
    cr_assert_eq(run.variable_count, 1);
    cr_expect(gf_str_eq(run.variables[0].value, GF_STR("world")));
    cr_expect_eq(run.variables[0].source, GF_VARIABLE_SOURCE_RUN_OPTIONS);
    const struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.state, GF_TASK_STATE_PROCESSING);
    cr_expect_eq(task.attempt, 1);
    cr_expect_eq(task.create_time, world.now);
    cr_expect_eq(task.launch_time, world.now);
    cr_expect_str_eq(world_events(&world, newest), "RUN_QUEUED RUN_STARTED one:CREATED");
    world_exit(&world, "one", 0);
}

Test(run_start, a_pipeline_must_be_there_and_have_something_live) {
    cr_expect_eq(world_start(&world), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' not found in namespace 'default'");
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    cr_assert_eq(world_register(&world, config, /* deploy= */ false), GF_OK);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "NOTHING_LIVE");
    cr_expect_eq(world.pipeline.latest_run_id, 0);
}

Test(run_start, a_disabled_pipeline_starts_none) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    struct gf_pipeline row = world.pipeline;
    row.state = GF_PIPELINE_STATE_DISABLED;
    const struct gf_pipeline *rows[] = {&row};
    const struct gf_batch batch = {.pipelines = {.items = rows, .count = 1}};
    cr_assert_eq(world.store->ops->commit(world.store, &batch, NULL), GF_OK);
    world_restart(&world);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "PIPELINE_DISABLED");
}

Test(run_start, bad_input_is_refused) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const struct gf_variable variables[] = {{GF_STR("GOFER_X"), GF_STR("world"), 0}};
    struct gf_input input = {.kind = GF_INPUT_START_RUN,
                             .u.start_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .variables = variables,
                                             .variable_count = 1}};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "variables[\"GOFER_X\"]");
    input.u.start_run.variable_count = 0;
    input.u.start_run.initiator.reason = GF_STR("\xff");
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    input.u.start_run.initiator.reason = GF_STR("");
    char long_id[GF_REQUEST_ID_BYTES_MAX + 1];
    memset(long_id, 'x', sizeof(long_id));
    input.u.start_run.request_id = (struct gf_str){long_id, sizeof(long_id)};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "request_id");
    cr_expect_eq(gf_core_get_stats(world.core).runs_active, 0);
}

Test(run_start, variables_together_have_a_limit) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    char *value = gf_arena_alloc(&world.arena, GF_VARIABLE_VALUE_BYTES_MAX);
    memset(value, 'v', GF_VARIABLE_VALUE_BYTES_MAX);
    struct gf_variable variables[9] = {0};
    for (size_t i = 0; i < GF_ARRAY_COUNT(variables); i++) {
        variables[i].key = gf_str_from(gf_arena_printf(&world.arena, "KEY_%zu", i));
        variables[i].value = (struct gf_str){value, GF_VARIABLE_VALUE_BYTES_MAX};
    }
    const struct gf_input input = {.kind = GF_INPUT_START_RUN,
                                   .u.start_run = {.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .variables = variables,
                                                   .variable_count = GF_ARRAY_COUNT(variables)}};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "variables");
}

Test(run_start, more_active_ones_than_allowed_are_refused) {
    world_fini(&world);
    world_init(&world, (struct gf_core_limits){.runs_active_max = 2});
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start_request(&world, "req"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world_start(&world), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(world.error.reason, "TOO_MANY_RUNS");
    /* What was started is still answered for. */
    cr_expect_eq(world_start_request(&world, "req"), GF_OK);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_start(&world), GF_OK);
}

Test(run_start, what_is_wrong_is_told_before_anything_is_looked_up) {
    struct gf_input input = {.kind = GF_INPUT_START_RUN,
                             .u.start_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .has_priority = true,
                                             .priority = 1001}};
    expect_refused(&input, "priority.value", "value is 1001, expected -1000 to 1000");
    cr_expect_eq(world.need_count, 0);
    input.u.start_run.has_priority = false;
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
}

Test(run_start, ordering_keys_are_checked) {
    static const char *const bad[] = {"a\tb", "\x7f", "a\xc2\x85", "a\xc2\x9f"};
    struct gf_input input = {.kind = GF_INPUT_START_RUN,
                             .u.start_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .ordering_policy = GF_RUN_ORDERING_NEWEST}};
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    expect_refused(&input, "ordering_policy", "needs an ordering_key beside it");
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        input.u.start_run.ordering_key = gf_str_from(bad[i]);
        expect_refused(&input, "ordering_key", "text has a control character");
    }
    /* U+00A0 is the first that is none any more. */
    input.u.start_run.ordering_key = GF_STR("a\xc2\xa0");
    cr_expect_eq(world_step(&world, &input), GF_OK);
    world_exit(&world, "one", 0);
}

Test(run_start, documents_are_checked) {
    static const char *const bad[] = {
        "", "text", "text/", "/plain", "te xt/plain", "text/pl\xc3\xa4in", "text/a;\n", "text/a/b"};
    static const char *const good[] = {"text/plain", "text/plain; charset=utf-8", "a/b;"};
    struct gf_run_document document = {.digest = GF_STR("ab"), .content = GF_STR("hello")};
    const struct gf_input input = {.kind = GF_INPUT_START_RUN,
                                   .u.start_run = {.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .document = &document}};
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        document.media_type = gf_str_from(bad[i]);
        expect_refused(&input, "input.media_type",
                       "expected a media type such as text/plain, up to 255 characters");
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(good); i++) {
        document.media_type = gf_str_from(good[i]);
        cr_expect_eq(world_step(&world, &input), GF_OK, "%s", good[i]);
        world_exit(&world, "one", 0);
    }
    document.content = (struct gf_str){gf_arena_alloc(&world.arena, GF_RUN_INPUT_BYTES_MAX + 1),
                                       GF_RUN_INPUT_BYTES_MAX + 1};
    expect_refused(&input, "input.content", "document has 262145 bytes, expected up to 262144");
}
