/*
 * How a run ended follows from the results of its tasks alone: whatever the order in which they
 * come, and whenever the server restarts in between.
 */
#include "engine/core/core.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <stdio.h>

#include <criterion/criterion.h>

enum {
    DEPTH_MAX = 16,
};

static struct world world;

/* The orders of one story, tried one after the other: which of those that may end ends next. */
struct orders {
    size_t choices[DEPTH_MAX];
    size_t options[DEPTH_MAX]; /* how many there were */
    size_t depth;
};

static size_t choose(struct orders *orders, size_t count) {
    const size_t depth = orders->depth++;
    cr_assert_lt(depth, DEPTH_MAX);
    orders->options[depth] = count;
    return orders->choices[depth];
}

/* Goes on to the next order; false when all were tried. */
static bool next_order(struct orders *orders) {
    while (orders->depth > 0) {
        const size_t last = --orders->depth;
        if (++orders->choices[last] < orders->options[last]) {
            orders->depth = 0;
            return true;
        }
        orders->choices[last] = 0;
    }
    return false;
}

/* What becomes of tasks, by the first letter of their names: 'f' fails, 'c' is cancelled. */
static void end_next(struct orders *orders, bool restart) {
    const size_t chosen = choose(orders, world.containers.count);
    const struct world_container container = world.containers.items[chosen];
    const char first = container.task_id.ptr[0];
    const char *task_id =
        gf_arena_printf(&world.arena, "%" GF_STR_FMT, GF_STR_ARG(container.task_id));
    if (first == 'c') {
        cr_assert_eq(world_cancel_task(&world, 1, task_id, false), GF_OK);
        world_stopped(&world, task_id);
    } else if (first == 'l') {
        world_failed(&world, GF_INPUT_TASK_LOST, container.attempt, "");
    } else {
        world_exit(&world, task_id, first == 'f');
    }
    if (restart) {
        world_restart(&world);
    }
}

static void expect_one_outcome(const char *tasks, const char *expected_states, bool restart) {
    struct orders orders = {0};
    char reason[256] = "";
    size_t count = 0;
    do {
        orders.depth = 0;
        world_init(&world, (struct gf_core_limits){0});
        cr_assert_eq(world_up(&world, tasks), GF_OK);
        cr_assert_eq(world_start(&world), GF_OK);
        while (world.containers.count > 0) {
            end_next(&orders, restart);
        }
        const struct gf_run run = world_run(&world, 1);
        cr_assert_str_eq(world_states(&world, 1), expected_states);
        if (count++ == 0) {
            (void)snprintf(reason, sizeof(reason), "%d %d %.*s", (int)run.status,
                           (int)run.reason.kind, GF_STR_ARG(run.reason.text));
        }
        char again[256];
        (void)snprintf(again, sizeof(again), "%d %d %.*s", (int)run.status, (int)run.reason.kind,
                       GF_STR_ARG(run.reason.text));
        cr_assert_str_eq(again, reason);
        const char *fault = world_check(&world);
        cr_assert_null(fault, "%s", fault);
        world_fini(&world);
    } while (next_order(&orders));
    cr_expect_gt(count, 1);
}

static const struct {
    const char *tasks;
    const char *states;
} stories[] = {
    {"saa; sbb; scc", "SSS"},
    {"saa; fbb; fcc; sdd", "SFFS"},
    {"faa; cbb; scc", "FCS"},
    {"laa; fbb; scc", "FFS"},
    {"saa; fbb; scc < saa fbb:failure; sdd < fbb; see < sdd:any scc", "SFSKS"},
    {"caa; sbb; scc < caa:any sbb; sdd < scc:any sbb", "CSKS"},
    {"faa; fbb; fcc < faa:failure fbb:failure; sdd < fcc:failure", "FFFS"},
};

Test(results, do_not_depend_on_the_order_of_exits, .timeout = 120) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(stories); i++) {
        expect_one_outcome(stories[i].tasks, stories[i].states, /* restart= */ false);
    }
}

Test(results, do_not_depend_on_restarts, .timeout = 120) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(stories); i++) {
        expect_one_outcome(stories[i].tasks, stories[i].states, /* restart= */ true);
    }
}
