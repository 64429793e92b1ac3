/* Retrying a run: whole, or what was not successful. */
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

TestSuite(run_retry, .init = setup, .fini = teardown);

static struct gf_input retry_input(int64_t run_id, bool failed_tasks_only, const char *request) {
    return (struct gf_input){.kind = GF_INPUT_RETRY_RUN,
                             .u.retry_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .run_id = run_id,
                                             .failed_tasks_only = failed_tasks_only,
                                             .initiator = {.kind = GF_INITIATOR_HUMAN},
                                             .request_id = gf_str_from(request)}};
}

/* Run 1: one SUCCESSFUL, two FAILED, tri SKIPPED, four SUCCESSFUL. */
static void up_and_fail(void) {
    cr_assert_eq(world_up(&world, "one; two < one; tri < two; four < two:any"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 1);
    world_exit(&world, "four", 0);
    cr_assert_str_eq(world_states(&world, 1), "SFKS");
}

static struct gf_str input_of(int64_t run_id) {
    struct gf_str content = GF_STR("none");
    const int64_t run_key = world_run(&world, run_id).run_key;
    struct gf_store_reader *reader = world.store->ops->open_reader(world.store);
    cr_assert_eq(
        world.store->ops->get_run_input(reader, run_key, &world.arena, &content, &world.error),
        GF_OK);
    world.store->ops->close_reader(world.store, reader);
    return content;
}

Test(run_retry, all_tasks_run_again) {
    up_and_fail();
    cr_assert_eq(world_retry(&world, 1, false), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    cr_expect_eq(world.run.retried_run_id, 1);
    cr_expect_eq(world.run.kept_count, 0);
    cr_expect_str_eq(world_states(&world, 2), "pwww");
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 0);
    world_exit(&world, "tri", 0);
    world_exit(&world, "four", 0);
    cr_expect_str_eq(world_runs(&world), "FS");
}

Test(run_retry, successful_results_are_kept) {
    up_and_fail();
    const int64_t launches = world.launch_count;
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_retry(&world, 1, true), GF_OK);
    cr_expect_str_eq(world_states(&world, 2), "SpwS");
    cr_expect_str_eq(world_events(&world, newest),
                     "RUN_QUEUED RUN_STARTED one:CREATED two:CREATED tri:CREATED four:CREATED "
                     "one:COMPLETED four:COMPLETED");
    cr_expect_eq(world.launch_count, launches + 1);
    const struct gf_task_execution kept = world_task(&world, 2, "one");
    cr_expect_eq(kept.kept_run_id, 1);
    cr_expect_eq(kept.attempt, 0);
    world_restart(&world);
    world_exit(&world, "two", 0);
    cr_expect_str_eq(world_states(&world, 2), "SSpS");
    world_exit(&world, "tri", 0);
    cr_expect_str_eq(world_runs(&world), "FS");
    /* What a retry kept can be kept again. */
    cr_expect_eq(world_retry(&world, 2, true), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "NOTHING_FAILED");
}

Test(run_retry, a_retry_that_waits_keeps_its_results_later) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one; two < one");
    config->parallelism = 1;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 1);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_retry(&world, 1, true), GF_OK);
    cr_expect_str_eq(world_runs(&world), "Frq");
    world_restart(&world);
    world_exit(&world, "one", 1);
    cr_expect_str_eq(world_states(&world, 3), "Sp");
    world_exit(&world, "two", 1);
    cr_assert_eq(world_retry(&world, 3, true), GF_OK);
    cr_expect_str_eq(world_states(&world, 4), "Sp");
    cr_expect_eq(world_task(&world, 4, "one").kept_run_id, 1, "it ran there, run 3 kept it");
}

Test(run_retry, a_run_that_never_began_runs_whole) {
    cr_assert_eq(world_up_parallel(&world, "one; two < one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    world_exit(&world, "one", 1);
    cr_assert_eq(world_retry(&world, 2, true), GF_OK);
    cr_expect_str_eq(world_states(&world, 3), "pw");
}

Test(run_retry, everything_of_the_run_is_taken_over) {
    const struct gf_variable variables[] = {{GF_STR("AAA"), GF_STR("1"), 0}};
    const struct gf_label labels[] = {{GF_STR("team"), GF_STR("x")}};
    const struct gf_run_document document = {GF_STR("text/plain"), GF_STR("0123"),
                                             GF_STR("what to do")};
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    struct gf_input start = world_start_input();
    start.u.start_run.variables = variables;
    start.u.start_run.variable_count = 1;
    start.u.start_run.labels = labels;
    start.u.start_run.label_count = 1;
    start.u.start_run.document = &document;
    start.u.start_run.has_priority = true;
    start.u.start_run.priority = 9;
    cr_assert_eq(world_step(&world, &start), GF_OK);
    world_exit(&world, "one", 1);
    /* Another version is live by now. */
    cr_assert_eq(world_up(&world, "two"), GF_OK);
    cr_assert_eq(world_retry(&world, 1, false), GF_OK);
    const struct gf_run run = world_run(&world, 2);
    cr_expect_eq(run.version, 1);
    cr_expect_eq(run.priority, 9);
    cr_assert_eq(run.variable_count, 1);
    cr_expect(gf_str_eq(run.variables[0].value, GF_STR("1")));
    cr_assert_eq(run.label_count, 1);
    cr_expect(gf_str_eq(run.labels[0].value, GF_STR("x")));
    cr_assert(run.has_input);
    cr_expect(gf_str_eq(run.input.digest, GF_STR("0123")));
    cr_expect(gf_str_eq(input_of(2), GF_STR("what to do")));
    world_exit(&world, "one", 0);
    struct gf_input input = retry_input(1, false, "");
    input.u.retry_run.use_live_version = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.version, 2);
    world_exit(&world, "two", 0);
}

/* All in one batch: the store knows nothing of the first run yet. */
Test(run_retry, works_on_what_is_not_stored_yet) {
    const struct gf_run_document document = {GF_STR("text/plain"), GF_STR("0123"),
                                             GF_STR("what to do")};
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    struct gf_input start = world_start_input();
    start.u.start_run.document = &document;
    world_step_only(&world, &start);
    for (int32_t i = 0; i < 2; i++) {
        const struct gf_input exit = {
            .kind = GF_INPUT_TASK_EXITED,
            .u.exited = {.attempt = {.run_key = 1, .task_index = i, .attempt = 1},
                         .exit.exit_code = i}};
        world_step_only(&world, &exit);
    }
    const struct gf_input again = retry_input(1, true, "");
    world_step_only(&world, &again);
    world_commit(&world);
    cr_assert_eq(world.error.code, GF_OK, "%s", world.error.message);
    for (size_t i = world.containers.count; i > 0; i--) {
        if (world.containers.items[i - 1].attempt.run_key == 1) {
            gf_vec_remove(&world.containers, i - 1);
        }
    }
    cr_expect_str_eq(world_states(&world, 2), "Sp");
    cr_expect(gf_str_eq(input_of(2), GF_STR("what to do")));
}

Test(run_retry, what_cannot_be_retried_is_refused) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world_retry(&world, 1, false), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUN_NOT_ENDED");
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_eq(world_retry(&world, 1, false), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUN_NOT_ENDED");
    world_exit(&world, "one", 0);
    cr_expect_eq(world_retry(&world, 1, true), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "NOTHING_FAILED");
    cr_expect_eq(world_retry(&world, 2, false), GF_NOT_FOUND);
    struct gf_input input = retry_input(1, true, "");
    input.u.retry_run.use_live_version = true;
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "use_live_version");
    cr_assert_eq(world_pause(&world, true), GF_OK);
    cr_expect_eq(world_retry(&world, 1, false), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUN_STARTS_PAUSED");
}

/* ---- The same request again ---- */

Test(run_retry, a_request_is_answered_with_the_first_run) {
    up_and_fail();
    struct gf_input input = retry_input(1, true, "again");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.run.run_id, 2);
    world_exit(&world, "two", 0);
    world_exit(&world, "tri", 0);
    world_restart(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    /* Anything else with that id is another call. */
    input = retry_input(1, false, "again");
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
    input.u.retry_run.use_live_version = true;
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
    input = retry_input(2, true, "again");
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
    cr_expect_eq(world_start_request(&world, "again"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
}

Test(run_retry, the_live_version_is_part_of_a_request) {
    up_and_fail();
    struct gf_input input = retry_input(1, false, "again");
    input.u.retry_run.use_live_version = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.run_id, 2);
    cr_expect(world.unchanged);
    input.u.retry_run.use_live_version = false;
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
}

Test(run_retry, results_are_kept_from_where_they_ran) {
    cr_assert_eq(world_up(&world, "one; two; tri; four"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 1);
    world_exit(&world, "tri", 1);
    world_exit(&world, "four", 0);
    cr_assert_eq(world_retry(&world, 1, true), GF_OK);
    world_exit(&world, "two", 0);
    world_exit(&world, "tri", 1);
    cr_assert_eq(world_retry(&world, 2, true), GF_OK);
    cr_expect_str_eq(world_states(&world, 3), "SSpS");
    cr_expect_eq(world_task(&world, 3, "one").kept_run_id, 1);
    cr_expect_eq(world_task(&world, 3, "two").kept_run_id, 2);
    cr_expect_eq(world_task(&world, 3, "tri").kept_run_id, 0);
    cr_expect_eq(world_task(&world, 3, "four").kept_run_id, 1);
    cr_expect_eq(world_run(&world, 3).retried_run_id, 2);
    world_exit(&world, "tri", 0);
}
