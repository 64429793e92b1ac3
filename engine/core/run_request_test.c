/* Runs that are started with a request id: once, however often they are asked for. */
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

TestSuite(run_request, .init = setup, .fini = teardown);

Test(run_request, a_request_starts_one_run_only) {
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

Test(run_request, a_request_is_known_in_the_batch_that_ends_its_run) {
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

Test(run_request, a_request_that_says_something_else_is_refused) {
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

Test(run_request, a_request_may_come_in_the_batch_that_creates_its_pipeline) {
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
