#include "engine/core/config.h"
#include "engine/core/dag.h"
#include "engine/core/testing/fixture.h"

#include <stdio.h>

#include <criterion/criterion.h>

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(dag, .init = setup, .fini = teardown);

Test(dag, rules_are_met_as_documented) {
    const struct {
        enum gf_parent_rule rule;
        bool successful, failed, skipped, cancelled;
    } table[] = {
        {GF_PARENT_ANY, true, true, true, false},
        {GF_PARENT_SUCCESS, true, false, false, false},
        {GF_PARENT_FAILURE, false, true, false, false},
        {GF_PARENT_UNSPECIFIED, false, false, false, false},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(table); i++) {
        const enum gf_parent_rule rule = table[i].rule;
        cr_expect_eq(gf_dag_rule_met(rule, GF_TASK_STATUS_SUCCESSFUL), table[i].successful);
        cr_expect_eq(gf_dag_rule_met(rule, GF_TASK_STATUS_FAILED), table[i].failed);
        cr_expect_eq(gf_dag_rule_met(rule, GF_TASK_STATUS_SKIPPED), table[i].skipped);
        cr_expect_eq(gf_dag_rule_met(rule, GF_TASK_STATUS_CANCELLED), table[i].cancelled);
        cr_expect_not(gf_dag_rule_met(rule, GF_TASK_STATUS_UNSPECIFIED));
    }
}

Test(dag, fills_in_indexes_and_children_in_file_order) {
    struct gf_config *config =
        gf_fixture_config(&arena, "end < one two; one; two < one:any; tri < one:failure");
    struct gf_error err = {0};
    cr_assert_eq(gf_dag_build(config, &arena, &err), GF_OK, "%s", err.message);
    const struct gf_task *one = &config->tasks[1];
    cr_assert_eq(one->child_count, 3);
    cr_expect_eq(one->children[0], 0);
    cr_expect_eq(one->children[1], 2);
    cr_expect_eq(one->children[2], 3);
    cr_assert_eq(config->tasks[0].parent_count, 2);
    cr_expect_eq(config->tasks[0].parents[0].index, 1);
    cr_expect_eq(config->tasks[0].parents[1].index, 2);
    cr_expect_eq(config->tasks[0].child_count, 0);
    cr_expect_eq(config->tasks[3].parents[0].rule, GF_PARENT_FAILURE);
}

Test(dag, building_twice_gives_the_same) {
    struct gf_config *config = gf_fixture_config(&arena, "one; two < one; tri < one");
    cr_assert_eq(gf_dag_build(config, &arena, NULL), GF_OK);
    cr_assert_eq(gf_dag_build(config, &arena, NULL), GF_OK);
    cr_expect_eq(config->tasks[0].child_count, 2);
}

static void expect_error(const char *tasks, const char *field, const char *message) {
    struct gf_config *config = gf_fixture_config(&arena, tasks);
    struct gf_error err = {0};
    cr_expect_eq(gf_dag_build(config, &arena, &err), GF_INVALID_ARGUMENT, "%s", tasks);
    cr_expect_str_eq(err.field, field);
    cr_expect_str_eq(err.message, message);
    cr_expect_eq(gf_dag_build(config, &arena, NULL), GF_INVALID_ARGUMENT);
}

Test(dag, names_the_second_of_two_tasks_with_one_id) {
    expect_error("one; two; one", "tasks[2].id", "task 'one' is there twice: tasks[0] too");
}

Test(dag, names_an_unknown_parent) {
    expect_error("one; two < nobody", "tasks[1].depends_on[\"nobody\"]",
                 "task 'two' depends on 'nobody', which is not a task of this pipeline");
}

Test(dag, shows_a_task_that_depends_on_itself) {
    expect_error("one; two < two", "tasks[1].depends_on[\"two\"]",
                 "tasks form a cycle: two -> two");
}

Test(dag, shows_a_cycle_from_its_first_task_in_the_order_of_running) {
    expect_error("aaa < ccc; bbb < aaa; ccc < bbb", "tasks[0].depends_on[\"ccc\"]",
                 "tasks form a cycle: aaa -> bbb -> ccc -> aaa");
    /* Tasks in front of the cycle and behind it are not shown. */
    expect_error("behind < ccc; front; ccc < bbb front; bbb < ccc", "tasks[2].depends_on[\"bbb\"]",
                 "tasks form a cycle: ccc -> bbb -> ccc");
}

Test(dag, counts_what_does_not_fit_of_a_long_cycle) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    const int count = 1000;
    for (int i = 0; i < count; i++) {
        gf_strbuf_printf(&text, "task-%04d < task-%04d;", i, (i + count - 1) % count);
    }
    struct gf_config *config = gf_fixture_config(&arena, text.ptr);
    struct gf_error err = {0};
    cr_expect_eq(gf_dag_build(config, &arena, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, "tasks[0].depends_on[\"task-0999\"]");
    cr_expect_not_null(strstr(err.message, "task-0000 -> task-0001 -> "));
    cr_expect_not_null(strstr(err.message, " more) -> task-0000"), "%s", err.message);
    gf_strbuf_fini(&text);
}

/* A chain, and a task that all others depend on and that depends on none: 100,000 of each kind. */
Test(dag, takes_the_largest_graph) {
    struct gf_config *config = GF_ARENA_NEW(&arena, struct gf_config);
    config->task_count = GF_CONFIG_TASKS_MAX;
    config->tasks = GF_ARENA_ARRAY(&arena, config->task_count, struct gf_task);
    for (size_t i = 0; i < config->task_count; i++) {
        struct gf_task *task = &config->tasks[i];
        task->task_id = gf_str_from(gf_arena_printf(&arena, "task-%06zu", i));
        task->parents = GF_ARENA_ARRAY(&arena, 2, struct gf_parent);
        task->parent_count = i == 0 ? 0 : (i == 1 ? 1 : 2);
        task->parents[0] = (struct gf_parent){GF_STR("task-000000"), 0, GF_PARENT_ANY};
        if (i > 1) {
            task->parents[1] =
                (struct gf_parent){config->tasks[i - 1].task_id, 0, GF_PARENT_SUCCESS};
        }
    }
    struct gf_error err = {0};
    cr_assert_eq(gf_dag_build(config, &arena, &err), GF_OK, "%s", err.message);
    cr_expect_eq(config->tasks[0].child_count, config->task_count - 1);
    cr_expect_eq(config->tasks[500].children[0], 501);
}
