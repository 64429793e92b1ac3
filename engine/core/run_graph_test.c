/* Graphs: in which order tasks run, and what becomes of each when others fail. */
#include "engine/core/core.h"
#include "engine/testing/world.h"

#include <string.h>

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

TestSuite(run_graph, .init = setup, .fini = teardown);

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

/* What becomes of each task when the tasks in `failing` fail. */
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

Test(run_graph, graphs_end_as_their_rules_say_in_any_order) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(graphs); i++) {
        run_graph(&graphs[i], /* newest_first= */ false);
        run_graph(&graphs[i], /* newest_first= */ true);
    }
}

Test(run_graph, tasks_are_launched_in_the_order_of_the_file) {
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

Test(run_graph, a_skipped_task_says_why) {
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

Test(run_graph, a_failed_run_names_its_first_failed_task) {
    cr_assert_eq(world_up(&world, "one; two; tri"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "tri", 9);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 7);
    expect_reason(world_run(&world, 1).reason, GF_REASON_ABNORMAL_EXIT,
                  "task 'two' failed (and 1 more): command ended with exit code 7");
}
