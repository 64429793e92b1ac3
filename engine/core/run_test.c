/* Runs from their launch to their end, one and many. */
#include "engine/core/config.h"
#include "engine/core/core.h"
#include "engine/core/protection.h"
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
                                 .log_truncated = true,
                                 .peak_pid_count = 10,
                                 .disk_bytes = 11,
                                 .root_expire_time = 12,
                                 .container_id = GF_STR("not told")};
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
    cr_expect_eq(task.peak_pid_count, 10);
    cr_expect_eq(task.disk_bytes, 11);
    cr_expect_eq(task.root_expire_time, 12);
    cr_expect(gf_str_eq(task.container_id, GF_STR("container-1")));
    cr_expect_eq(task.missing_protections, GF_PROTECTION_DISK_LIMIT);
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
