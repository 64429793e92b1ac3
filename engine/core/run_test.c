/* Runs from their start to their end: order, rules, results, reasons. */
#include "engine/core/config.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <stdio.h>

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

TestSuite(run, .init = setup, .fini = teardown);

static void expect_states(int64_t run_id, const char *states) {
    cr_expect_str_eq(world_states(&world, run_id), states, "%s, expected %s",
                     world_states(&world, run_id), states);
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
}

static void expect_reason(struct gf_reason reason, enum gf_reason_kind kind, const char *text) {
    cr_expect_eq(reason.kind, kind, "%s", gf_reason_kind_name(reason.kind));
    cr_expect(gf_str_eq(reason.text, gf_str_from(text)), "'%.*s', expected '%s'",
              (int)reason.text.len, reason.text.ptr, text);
}

/* ---- Starting ---- */

Test(run, is_created_running) {
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

Test(run, one_task_goes_through_its_states) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    expect_states(1, "p");
    const int64_t newest = world_newest_event(&world);
    world_started(&world, "one");
    expect_states(1, "r");
    struct gf_task_execution task = world_task(&world, 1, "one");
    cr_expect_eq(task.start_time, world.now);
    cr_expect(gf_str_eq(task.image_digest, GF_STR("sha256:abc")));
    cr_expect(gf_str_eq(task.node, GF_STR("here")));
    const struct gf_exit exit = {.start_time = 5,
                                 .end_time = world.now + 500,
                                 .cpu_time_ns = 7,
                                 .peak_memory_bytes = 8,
                                 .log_bytes = 9,
                                 .log_truncated = true};
    world_report(&world, world_find(&world, "one")->attempt, &exit);
    expect_states(1, "S");
    task = world_task(&world, 1, "one");
    cr_expect(task.has_exit_code);
    cr_expect_eq(task.exit_code, 0);
    cr_expect_eq(task.end_time, exit.end_time);
    cr_expect_eq(task.cpu_time_ns, 7);
    cr_expect_eq(task.peak_memory_bytes, 8);
    cr_expect_eq(task.log_bytes, 9);
    cr_expect(task.log_truncated);
    expect_reason(task.reason, GF_REASON_UNSPECIFIED, "");
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.state, GF_RUN_STATE_COMPLETE);
    cr_expect_eq(run.status, GF_RUN_STATUS_SUCCESSFUL);
    cr_expect_eq(run.end_time, world.now);
    expect_reason(run.reason, GF_REASON_UNSPECIFIED, "");
    cr_expect_str_eq(world_events(&world, newest), "one:STARTED one:COMPLETED RUN_COMPLETED");
    cr_expect_eq(world.forget_count, 1);
    cr_expect_eq(gf_core_get_stats(world.core).runs_active, 0);
}

Test(run, a_pipeline_must_be_there_and_have_something_live) {
    cr_expect_eq(world_start(&world), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' not found in namespace 'default'");
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    cr_assert_eq(world_register(&world, config, /* deploy= */ false), GF_OK);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "NOTHING_LIVE");
    cr_expect_eq(world.pipeline.latest_run_id, 0);
}

Test(run, a_disabled_pipeline_starts_none) {
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

Test(run, bad_input_is_refused) {
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

Test(run, variables_together_have_a_limit) {
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

Test(run, a_request_starts_one_run_only) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start_request(&world, "req-1"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_assert_eq(world_start_request(&world, "req-1"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.run.run_id, 1);
    cr_assert_eq(world_start_request(&world, "req-2"), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 1);
    /* It answers for runs that are over too, with how they ended. */
    cr_assert_eq(world_start_request(&world, "req-1"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.run.run_id, 1);
    cr_expect_eq(world.run.state, GF_RUN_STATE_COMPLETE);
    cr_expect_eq(world.run.status, GF_RUN_STATUS_FAILED);
    world_restart(&world);
    cr_assert_eq(world_start_request(&world, "req-2"), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    cr_expect_eq(world.pipeline.latest_run_id, 2);
}

Test(run, a_request_is_known_in_the_batch_that_ends_its_run) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const struct gf_input start = {.kind = GF_INPUT_START_RUN,
                                   .u.start_run = {.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .request_id = GF_STR("req")}};
    const struct gf_input exit = {
        .kind = GF_INPUT_TASK_EXITED,
        .u.exited.attempt = {.run_key = 1, .task_index = 0, .attempt = 1}};
    world_step_only(&world, &start);
    world_step_only(&world, &exit);
    world_step_only(&world, &start);
    world_commit(&world);
    gf_vec_clear(&world.containers);
    cr_expect_eq(world.run.run_id, 1);
    cr_expect(world.unchanged);
    cr_expect_eq(world.run.status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(run, a_request_that_says_something_else_is_refused) {
    const struct gf_variable variable = {GF_STR("A"), GF_STR("1"), GF_VARIABLE_SOURCE_RUN_OPTIONS};
    struct gf_input start = {.kind = GF_INPUT_START_RUN,
                             .u.start_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .variables = &variable,
                                             .variable_count = 1,
                                             .request_id = GF_STR("req")}};
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    world_step_only(&world, &start);
    world_commit(&world);
    cr_assert_eq(world.error.code, GF_OK);
    start.u.start_run.variable_count = 0;
    world_step_only(&world, &start);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
    cr_expect_str_eq(world.error.message,
                     "request id 'req' was used to start run 1 in another way");
}

Test(run, a_request_may_come_in_the_batch_that_creates_its_pipeline) {
    const struct gf_input up = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("default"),
                              .config = gf_fixture_checked(&world.arena, "one"),
                              .deploy = true}};
    const struct gf_input start = {.kind = GF_INPUT_START_RUN,
                                   .u.start_run = {.namespace_id = GF_STR("default"),
                                                   .pipeline_id = GF_STR("pipe"),
                                                   .request_id = GF_STR("req")}};
    world_step_only(&world, &up);
    world_step_only(&world, &start);
    cr_expect_eq(world.need_count, 2); /* the pipeline and the request */
    world_step_only(&world, &start);
    cr_expect_eq(world.need_count, 2);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect_eq(world.run.run_id, 1);
    cr_expect(world.unchanged);
    world_exit(&world, "one", 0);
}

Test(run, keeps_its_version_to_the_end) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_up(&world, "tri"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world.run.version, 2);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 0);
    cr_expect_eq(world_run(&world, 1).version, 1);
    expect_states(1, "SS");
    world_exit(&world, "tri", 0);
    expect_states(2, "S");
}

Test(run, more_active_ones_than_allowed_are_refused) {
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

/* ---- Graphs: what becomes of each task when the tasks in `failing` fail ---- */

struct graph {
    const char *tasks;
    const char *failing; /* ids, each with a blank behind */
    const char *states;
    enum gf_run_status status;
};

static const struct graph graphs[] = {
    /* One parent, each rule, each result. */
    {"one; two < one:success", "", "SS", GF_RUN_STATUS_SUCCESSFUL},
    {"one; two < one:success", "one ", "FK", GF_RUN_STATUS_FAILED},
    {"one; two < one:failure", "", "SK", GF_RUN_STATUS_SUCCESSFUL},
    {"one; two < one:failure", "one ", "FS", GF_RUN_STATUS_FAILED},
    {"one; two < one:any", "", "SS", GF_RUN_STATUS_SUCCESSFUL},
    {"one; two < one:any", "one ", "FS", GF_RUN_STATUS_FAILED},
    /* Skips cascade, and ANY lets through what was skipped. */
    {"one; two < one; tri < two; end < tri", "one ", "FKKK", GF_RUN_STATUS_FAILED},
    {"one; two < one; tri < two:any; end < tri", "one ", "FKSS", GF_RUN_STATUS_FAILED},
    {"one; two < one:failure; tri < two:failure", "", "SKK", GF_RUN_STATUS_SUCCESSFUL},
    /* Several parents: all must end as asked. */
    {"one; two; end < one two", "", "SSS", GF_RUN_STATUS_SUCCESSFUL},
    {"one; two; end < one two", "two ", "SFK", GF_RUN_STATUS_FAILED},
    {"one; two; end < one:any two:failure", "two ", "SFS", GF_RUN_STATUS_FAILED},
    {"one; two; end < one:failure two:failure", "one ", "FSK", GF_RUN_STATUS_FAILED},
    /* A diamond with a repair branch. */
    {"src; left < src; right < src; end < left right; fix < left:failure", "", "SSSSK",
     GF_RUN_STATUS_SUCCESSFUL},
    {"src; left < src; right < src; end < left right; fix < left:failure", "left ", "SFSKS",
     GF_RUN_STATUS_FAILED},
    {"src; left < src; right < src; end < left right; fix < left:failure", "src ", "FKKKK",
     GF_RUN_STATUS_FAILED},
    /* Children stand before their parents in the file. */
    {"end < one; one", "", "SS", GF_RUN_STATUS_SUCCESSFUL},
    {"end < one; one", "one ", "KF", GF_RUN_STATUS_FAILED},
    /* Independent branches. */
    {"one; two; tri", "two ", "SFS", GF_RUN_STATUS_FAILED},
};

static bool fails(const struct graph *graph, struct gf_str task_id) {
    const char *id = gf_arena_printf(&world.arena, "%.*s ", (int)task_id.len, task_id.ptr);
    return strstr(graph->failing, id) != NULL;
}

/* Runs a graph to its end; `newest_first` ends the container that was launched last. */
static void run_graph(const struct graph *graph, bool newest_first) {
    cr_assert_eq(world_up(&world, graph->tasks), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t run_id = world.run.run_id;
    while (world.containers.count > 0) {
        const size_t index = newest_first ? world.containers.count - 1 : 0;
        const struct world_container container = world.containers.items[index];
        const struct gf_exit exit = {.exit_code = fails(graph, container.task_id) ? 3 : 0};
        world_report(&world, container.attempt, &exit);
        const char *fault = world_check(&world);
        cr_assert_null(fault, "%s: %s", graph->tasks, fault);
    }
    const struct gf_run run = world_run(&world, run_id);
    cr_expect_str_eq(world_states(&world, run_id), graph->states,
                     "%s failing '%s': %s, expected %s", graph->tasks, graph->failing,
                     world_states(&world, run_id), graph->states);
    cr_expect_eq(run.state, GF_RUN_STATE_COMPLETE);
    cr_expect_eq(run.status, graph->status, "%s failing '%s'", graph->tasks, graph->failing);
}

Test(run, graphs_end_as_their_rules_say_in_any_order) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(graphs); i++) {
        run_graph(&graphs[i], /* newest_first= */ false);
        run_graph(&graphs[i], /* newest_first= */ true);
    }
}

Test(run, tasks_are_launched_in_the_order_of_the_file) {
    cr_assert_eq(world_up(&world, "bbb; aaa; end < aaa; ccc; mid < aaa; low < aaa bbb"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const char *first[] = {"bbb", "aaa", "ccc"};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(gf_str_eq(world.containers.items[i].task_id, gf_str_from(first[i])));
    }
    world_exit(&world, "aaa", 0);
    const char *second[] = {"bbb", "ccc", "end", "mid"};
    for (size_t i = 0; i < 4; i++) {
        cr_expect(gf_str_eq(world.containers.items[i].task_id, gf_str_from(second[i])));
    }
    cr_expect_eq(world.containers.count, 4);
}

Test(run, a_skipped_task_says_why) {
    cr_assert_eq(world_up(&world, "one; two < one; tri < two:failure; end < one:any two:failure"),
                 GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    world_exit(&world, "one", 1);
    expect_states(1, "FKKK");
    expect_reason(world_task(&world, 1, "two").reason, GF_REASON_FAILED_PRECONDITION,
                  "task 'one' failed, and this one waits for it to be successful");
    expect_reason(world_task(&world, 1, "tri").reason, GF_REASON_FAILED_PRECONDITION,
                  "task 'two' was skipped, and this one waits for it to fail");
    cr_expect_eq(world_task(&world, 1, "two").attempt, 0);
    cr_expect_eq(world.launch_count, 1);
    cr_expect_str_eq(world_events(&world, newest),
                     "one:STARTED one:COMPLETED two:COMPLETED tri:COMPLETED end:COMPLETED "
                     "RUN_COMPLETED");
}

Test(run, a_failed_run_names_its_first_failed_task) {
    cr_assert_eq(world_up(&world, "one; two; tri"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "tri", 9);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 7);
    expect_reason(world_run(&world, 1).reason, GF_REASON_ABNORMAL_EXIT,
                  "task 'two' failed (and 1 more): command ended with exit code 7");
}

/* ---- Many ---- */

Test(run, a_thousand_at_once) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(world_start(&world), GF_OK);
    }
    cr_expect_eq(gf_core_get_stats(world.core).attempts_running, 1000);
    cr_expect_null(world_check(&world));
    /* Every third fails, in an order of its own. */
    size_t step = 0;
    while (world.containers.count > 0) {
        const size_t index = (step * 7919) % world.containers.count;
        const struct world_container container = world.containers.items[index];
        const struct gf_exit exit = {.exit_code = container.attempt.run_key % 3 == 0};
        world_report(&world, container.attempt, &exit);
        step++;
    }
    cr_expect_eq(step, 1000 + 667);
    for (int64_t id = 1; id <= 1000; id++) {
        const enum gf_run_status expected =
            id % 3 == 0 ? GF_RUN_STATUS_FAILED : GF_RUN_STATUS_SUCCESSFUL;
        cr_assert_eq(world_run(&world, id).status, expected);
    }
}

/* The work of a step is that of what changes: rows and effects are counted, not seconds. */
Test(run, twenty_thousand_tasks_cost_a_linear_amount_of_work) {
    const size_t count = 20000;
    struct gf_config *config = GF_ARENA_NEW(&world.arena, struct gf_config);
    config->pipeline_id = GF_STR("pipe");
    config->task_count = count;
    config->tasks = GF_ARENA_ARRAY(&world.arena, count, struct gf_task);
    /* A fan of chains: task i waits for task i - 100 and for the first one. */
    for (size_t i = 0; i < count; i++) {
        struct gf_task *task = &config->tasks[i];
        task->task_id = gf_str_from(gf_arena_printf(&world.arena, "task-%05zu", i));
        task->image = GF_STR("busybox");
        task->parents = GF_ARENA_ARRAY(&world.arena, 2, struct gf_parent);
        if (i > 0) {
            task->parents[task->parent_count++] =
                (struct gf_parent){config->tasks[0].task_id, -1, GF_PARENT_SUCCESS};
        }
        if (i > 100) {
            task->parents[task->parent_count++] =
                (struct gf_parent){config->tasks[i - 100].task_id, -1, GF_PARENT_ANY};
        }
    }
    cr_assert_eq(gf_config_check(config, &world.arena, NULL), GF_OK);
    cr_assert_eq(world_register(&world, config, true), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    size_t rows = 0;
    size_t steps = 0;
    while (world.containers.count > 0) {
        const struct gf_exit exit = {.exit_code = 0};
        const struct world_container container = world.containers.items[0];
        const struct gf_input input = {.kind = GF_INPUT_TASK_EXITED,
                                       .u.exited = {.attempt = container.attempt, .exit = exit}};
        gf_vec_remove(&world.containers, 0);
        world_step_only(&world, &input);
        rows += gf_batch_row_count(gf_core_batch(world.core));
        world_commit(&world);
        steps++;
    }
    cr_expect_eq(steps, count);
    /* A task's own row and its child's, and two events for each, and the ends of the run. */
    cr_expect_leq(rows, count * 4 + 300, "%zu rows", rows);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
}
