/* Deleting the logs of a task: whether it may be done, and the event of it. */
#include "engine/core/core.h"
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

TestSuite(task_logs, .init = setup, .fini = teardown);

static enum gf_code delete_logs_of(int64_t run_id, int64_t run_key, const char *task_id) {
    const struct gf_input input = {.kind = GF_INPUT_DELETE_TASK_LOGS,
                                   .u.delete_logs = {.namespace_id = GF_STR("default"),
                                                     .pipeline_id = GF_STR("pipe"),
                                                     .run_id = run_id,
                                                     .run_key = run_key,
                                                     .task_id = gf_str_from(task_id)}};
    return world_step(&world, &input);
}

/* The key is that of the run that is there. */
static enum gf_code delete_logs(int64_t run_id, const char *task_id) {
    return delete_logs_of(run_id, world_run(&world, run_id).run_key, task_id);
}

Test(task_logs, of_an_ended_task_go_while_the_run_goes_on) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(delete_logs(1, "one"), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "one:LOGS_DELETED");
    cr_expect_str_eq(world_states(&world, 1), "Sp");
}

/* Whether a complete run has the task, the store has said before. */
Test(task_logs, of_a_complete_run_are_deleted_as_often_as_it_is_asked) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 1);
    cr_expect_str_eq(world_runs(&world), "F");
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(delete_logs(1, "one"), GF_OK);
    world_restart(&world);
    cr_expect_eq(delete_logs(1, "one"), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "one:LOGS_DELETED one:LOGS_DELETED");
}

Test(task_logs, of_a_task_that_has_not_ended_stay) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(delete_logs(1, "one"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "TASK_NOT_ENDED");
    world_started(&world, "one");
    cr_expect_eq(delete_logs(1, "one"), GF_FAILED_PRECONDITION);
    cr_expect_eq(delete_logs(1, "two"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.message,
                     "task 'two' of run 1 has not ended: cancel it first, or wait");
    cr_expect_str_eq(world_events(&world, newest), "one:STARTED");
}

Test(task_logs, of_a_run_that_waits_are_not_there_yet) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(delete_logs(2, "one"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUN_NOT_STARTED");
    cr_expect_eq(delete_logs(2, "two"), GF_NOT_FOUND);
}

Test(task_logs, what_is_not_there_or_another_is_named) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(delete_logs(1, "two"), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "task 'two' not found in run 1 of pipeline 'pipe'");
    cr_expect_eq(delete_logs_of(2, 2, "one"), GF_NOT_FOUND);
    world_exit(&world, "one", 0);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(delete_logs_of(1, world_run(&world, 1).run_key + 1, "one"), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "run 1 of pipeline 'pipe' was deleted");
    cr_expect_str_eq(world_events(&world, newest), "");
}
