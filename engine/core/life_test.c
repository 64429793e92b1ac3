/* Pipelines that are switched off and on, and removed with what belongs to them. */
#include "engine/core/core.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(life, .init = setup, .fini = teardown);

static enum gf_code disable(const char *reason) {
    const struct gf_input input = {.kind = GF_INPUT_DISABLE_PIPELINE,
                                   .u.pipeline = {.namespace_id = GF_STR("default"),
                                                  .pipeline_id = GF_STR("pipe"),
                                                  .reason = gf_str_from(reason)}};
    return world_step(&world, &input);
}

/* ---- Switching ---- */

Test(life, a_disabled_pipeline_starts_no_run) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(disable("broken"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.pipeline.state, GF_PIPELINE_STATE_DISABLED);
    cr_expect(gf_str_eq(world.pipeline.state_reason, GF_STR("broken")));
    cr_expect_eq(world.pipeline.update_time, world.now);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "PIPELINE_DISABLED");
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' is disabled (broken): enable it first");
    cr_expect_str_eq(world_events(&world, newest), "PIPELINE_DISABLED");
    world_restart(&world);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_assert_eq(world_pipeline(&world, GF_INPUT_ENABLE_PIPELINE), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.pipeline.state_reason.len, 0);
    cr_expect_eq(world_start(&world), GF_OK);
    cr_expect_str_eq(world_events(&world, newest),
                     "PIPELINE_DISABLED PIPELINE_ENABLED RUN_QUEUED RUN_STARTED one:CREATED");
    world_exit(&world, "one", 0);
}

Test(life, runs_that_exist_go_on_while_it_is_disabled) {
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(disable(""), GF_OK);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.message,
                     "pipeline 'pipe' is disabled (no reason was given): enable it first");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "Sr");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "SS");
    cr_expect_eq(world_retry(&world, 1, false), GF_FAILED_PRECONDITION);
}

Test(life, switching_twice_changes_nothing) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_pipeline(&world, GF_INPUT_ENABLE_PIPELINE), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_assert_eq(disable("one"), GF_OK);
    cr_assert_eq(disable(""), GF_OK);
    cr_expect(world.unchanged, "it was disabled before");
    cr_expect(gf_str_eq(world.pipeline.state_reason, GF_STR("one")));
    cr_expect_eq(world_newest_event(&world), newest + 1);
    cr_assert_eq(disable("two"), GF_OK);
    cr_expect_not(world.unchanged, "the reason is another one");
    cr_expect(gf_str_eq(world.pipeline.state_reason, GF_STR("two")));
    cr_expect_eq(world_newest_event(&world), newest + 2);
    cr_expect_eq(disable("\xff"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "reason");
}

Test(life, an_unknown_pipeline_is_named) {
    const enum gf_input_kind kinds[] = {GF_INPUT_ENABLE_PIPELINE, GF_INPUT_DISABLE_PIPELINE,
                                        GF_INPUT_DELETE_PIPELINE};
    for (size_t i = 0; i < GF_ARRAY_COUNT(kinds); i++) {
        struct gf_input input = {
            .kind = kinds[i],
            .u.pipeline = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("nobody")}};
        cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
        cr_expect_str_eq(world.error.message, "pipeline 'nobody' not found in namespace 'default'");
    }
}

/* ---- Removing a pipeline ---- */

Test(life, a_pipeline_with_active_runs_is_not_deleted) {
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "PIPELINE_HAS_ACTIVE_RUNS");
    /* One that is being ended has not ended. */
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    cr_expect_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_FAILED_PRECONDITION);
    world_restart(&world);
    cr_expect_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_FAILED_PRECONDITION);
    world_stopped(&world, "one");
    cr_expect_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_OK);
    cr_expect_eq(world_start(&world), GF_NOT_FOUND);
    cr_expect_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_NOT_FOUND);
}

Test(life, a_new_pipeline_of_the_same_name_begins_anew) {
    cr_assert_eq(world_start_request(&world, "again"), GF_OK);
    world_exit(&world, "one", 0);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_OK);
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_expect(world.created);
    cr_expect_eq(world.config.version, 1);
    cr_assert_eq(world_start_request(&world, "again"), GF_OK);
    cr_expect_not(world.unchanged, "the request was one of the other pipeline");
    cr_expect_eq(world.run.run_id, 1);
    cr_expect_str_eq(world_events(&world, newest),
                     "PIPELINE_DELETED PIPELINE_CREATED PIPELINE_CONFIG_REGISTERED "
                     "DEPLOYMENT_STARTED DEPLOYMENT_COMPLETED RUN_QUEUED RUN_STARTED one:CREATED");
    world_exit(&world, "one", 0);
}

/* Until the commit the store has it still: nobody may get it back from there. */
Test(life, a_pipeline_deleted_in_the_batch_stays_deleted) {
    const struct gf_input removal = {
        .kind = GF_INPUT_DELETE_PIPELINE,
        .u.pipeline = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};
    const struct gf_input start = world_start_input();
    cr_assert_eq(world_start(&world), GF_OK);
    const struct gf_input exit = {.kind = GF_INPUT_TASK_EXITED,
                                  .u.exited.attempt = world_find(&world, "one")->attempt};
    world_step_only(&world, &exit);
    world_step_only(&world, &removal);
    world_step_only(&world, &start);
    const struct gf_batch *batch = gf_core_batch(world.core);
    cr_expect_eq(batch->runs.count + batch->tasks.count + batch->pipelines.count, 0);
    world_commit(&world);
    gf_vec_clear(&world.containers);
    cr_expect_eq(world.error.code, GF_NOT_FOUND);
    cr_expect_eq(world_start(&world), GF_NOT_FOUND);
}

Test(life, a_pipeline_of_a_deleted_namespace_is_not_that_of_the_next) {
    const struct gf_input create = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                    .u.ns.namespace_id = GF_STR("team")};
    const struct gf_input removal = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                     .u.ns = {.namespace_id = GF_STR("team"), .cascade = true}};
    const struct gf_input up = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("team"),
                              .config = gf_fixture_checked(&world.arena, "one"),
                              .deploy = true}};
    struct gf_input start = world_start_input();
    start.u.start_run.namespace_id = GF_STR("team");
    cr_assert_eq(world_step(&world, &create), GF_OK);
    cr_assert_eq(world_step(&world, &up), GF_OK);
    world_restart(&world);
    world_step_only(&world, &removal);
    world_step_only(&world, &create);
    world_step_only(&world, &start);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_NOT_FOUND);
}

/* ---- Removing a version ---- */

Test(life, a_version_in_use_is_not_deleted) {
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world_delete_config(&world, 1), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "CONFIG_LIVE");
    cr_assert_eq(world_up_parallel(&world, "two", 1), GF_OK);
    cr_expect_eq(world_delete_config(&world, 1), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "CONFIG_HAS_ACTIVE_RUNS");
    cr_expect_str_eq(world.error.message, "version 1 of pipeline 'pipe' has runs that have not "
                                          "ended: cancel them first");
    world_exit(&world, "one", 0);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_delete_config(&world, 1), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "PIPELINE_CONFIG_DELETED");
    cr_expect_eq(world_delete_config(&world, 1), GF_NOT_FOUND);
    cr_expect_eq(world_deploy(&world, 1), GF_NOT_FOUND);
    /* What its runs left stays. */
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
    cr_expect_eq(world_retry(&world, 1, false), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "CONFIG_DELETED");
}

Test(life, the_number_of_a_deleted_version_is_not_used_again) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "two");
    cr_assert_eq(world_register(&world, config, /* deploy= */ false), GF_OK);
    cr_assert_eq(world_delete_config(&world, 2), GF_OK);
    cr_assert_eq(world_register(&world, config, /* deploy= */ false), GF_OK);
    cr_expect(world.created);
    cr_expect_eq(world.config.version, 3);
    world_restart(&world);
    cr_expect_eq(world_delete_config(&world, 2), GF_NOT_FOUND);
    cr_expect_eq(world_delete_config(&world, 4), GF_NOT_FOUND);
    cr_expect_eq(world_delete_config(&world, 0), GF_NOT_FOUND);
}

Test(life, a_version_deleted_in_the_batch_stays_deleted) {
    const struct gf_input removal = {.kind = GF_INPUT_DELETE_CONFIG,
                                     .u.deploy = {.namespace_id = GF_STR("default"),
                                                  .pipeline_id = GF_STR("pipe"),
                                                  .version = 1}};
    struct gf_input deploy = removal;
    deploy.kind = GF_INPUT_DEPLOY;
    cr_assert_eq(world_up_parallel(&world, "two", 1), GF_OK);
    world_step_only(&world, &removal);
    world_step_only(&world, &deploy);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_NOT_FOUND);
    cr_expect_eq(world_deploy(&world, 1), GF_NOT_FOUND);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_expect_eq(world.run.version, 2);
    world_exit(&world, "two", 0);
}

/* A run that ended in the batch still holds the version that is deleted in it. */
Test(life, a_version_is_deleted_in_the_batch_of_its_last_run) {
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_up_parallel(&world, "two", 1), GF_OK);
    const struct gf_input exit = {.kind = GF_INPUT_TASK_EXITED,
                                  .u.exited.attempt = world_find(&world, "one")->attempt};
    const struct gf_input removal = {.kind = GF_INPUT_DELETE_CONFIG,
                                     .u.deploy = {.namespace_id = GF_STR("default"),
                                                  .pipeline_id = GF_STR("pipe"),
                                                  .version = 1}};
    world_step_only(&world, &exit);
    world_step_only(&world, &removal);
    world_commit(&world);
    gf_vec_clear(&world.containers);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect_str_eq(world_runs(&world), "S");
    world_restart(&world);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "two", 0);
}

/* ---- The newest version that is there ---- */

static struct gf_input version_input(enum gf_input_kind kind, int64_t version) {
    return (struct gf_input){.kind = kind,
                             .u.deploy = {.namespace_id = GF_STR("default"),
                                          .pipeline_id = GF_STR("pipe"),
                                          .version = version}};
}

Test(life, the_newest_version_is_the_newest_that_is_there) {
    struct gf_config *two = gf_fixture_checked(&world.arena, "two");
    cr_assert_eq(world_register(&world, two, /* deploy= */ false), GF_OK);
    cr_assert_eq(world_register(&world, gf_fixture_checked(&world.arena, "tri"), false), GF_OK);
    cr_assert_eq(world_register(&world, gf_fixture_checked(&world.arena, "four"), false), GF_OK);
    cr_assert_eq(world_delete_config(&world, 4), GF_OK);
    cr_assert_eq(world_delete_config(&world, 3), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_register(&world, two, /* deploy= */ false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_not(world.created);
    cr_expect_eq(world.config.version, 2);
    world_restart(&world);
    cr_assert_eq(world_deploy(&world, 0), GF_OK);
    cr_expect_eq(world.config.version, 2);
    cr_expect_eq(world.pipeline.live_version, 2);
    cr_expect_eq(world.pipeline.latest_version, 4);
}

/* What the batch registers and deletes counts, whatever the store still has. */
Test(life, the_newest_version_is_that_of_the_batch) {
    const int64_t deleted[] = {4, 2};
    cr_assert_eq(world_register(&world, gf_fixture_checked(&world.arena, "two"), false), GF_OK);
    world_restart(&world);
    for (size_t i = 0; i < 2; i++) {
        const struct gf_input registration = {
            .kind = GF_INPUT_REGISTER_CONFIG,
            .u.register_config = {.namespace_id = GF_STR("default"),
                                  .config =
                                      gf_fixture_checked(&world.arena, i == 0 ? "tri" : "four")}};
        world_step_only(&world, &registration);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct gf_input removal = version_input(GF_INPUT_DELETE_CONFIG, deleted[i]);
        world_step_only(&world, &removal);
    }
    const struct gf_input deploy = version_input(GF_INPUT_DEPLOY, 0);
    world_step_only(&world, &deploy);
    world_commit(&world);
    cr_assert_eq(world.error.code, GF_OK, "%s", world.error.message);
    cr_expect_eq(world.config.version, 3);
    const struct gf_input removal = version_input(GF_INPUT_DELETE_CONFIG, 1);
    world_step_only(&world, &removal);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK, "%s", world.error.message);
}
