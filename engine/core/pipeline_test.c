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

TestSuite(pipeline, .init = setup, .fini = teardown);

static struct gf_config stored_config(int64_t version) {
    struct gf_config config = {0};
    struct gf_store_reader *reader = world.store->ops->open_reader(world.store);
    cr_assert_eq(world.store->ops->get_config(reader, world.pipeline.pipeline_key, version,
                                              &world.arena, &config, NULL),
                 GF_OK);
    world.store->ops->close_reader(world.store, reader);
    return config;
}

static enum gf_code register_only(const char *tasks) {
    return world_register(&world, gf_fixture_checked(&world.arena, tasks), /* deploy= */ false);
}

Test(pipeline, the_first_config_creates_it) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(register_only("one; two < one"), GF_OK);
    cr_expect(world.created);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.pipeline.pipeline_key, 1);
    cr_expect_eq(world.pipeline.namespace_key, 1);
    cr_expect_eq(world.pipeline.state, GF_PIPELINE_STATE_ACTIVE);
    cr_expect_eq(world.pipeline.latest_version, 1);
    cr_expect_eq(world.pipeline.live_version, 0);
    cr_expect(gf_str_eq(world.pipeline.namespace_id, GF_STR("default")));
    cr_expect_eq(world.config.version, 1);
    cr_expect_eq(world.config.state, GF_CONFIG_STATE_UNRELEASED);
    cr_expect_eq(world.config.register_time, world.now);
    cr_expect_eq(world.config.task_count, 2);
    cr_expect_str_eq(world_events(&world, newest), "PIPELINE_CREATED PIPELINE_CONFIG_REGISTERED");
    const struct gf_config stored = stored_config(1);
    cr_expect_eq(stored.task_count, 2);
    cr_expect_eq(stored.tasks[1].parents[0].index, 0);
}

Test(pipeline, versions_count_up) {
    cr_assert_eq(register_only("one"), GF_OK);
    cr_assert_eq(register_only("one; two"), GF_OK);
    cr_expect_eq(world.config.version, 2);
    cr_expect_eq(world.pipeline.latest_version, 2);
    cr_assert_eq(register_only("one"), GF_OK); /* only the newest counts */
    cr_expect_eq(world.config.version, 3);
    cr_expect(world.created);
}

Test(pipeline, registering_the_same_again_writes_nothing) {
    cr_assert_eq(register_only("one"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(register_only("one"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_not(world.created);
    cr_expect_eq(world.config.version, 1);
    cr_expect_eq(world_newest_event(&world), newest);
    /* Also after a restart, when the config must be loaded to know. */
    world_restart(&world);
    cr_assert_eq(register_only("one"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(pipeline, the_same_content_can_be_deployed_while_registering) {
    cr_assert_eq(register_only("one"), GF_OK);
    cr_assert_eq(world_up(&world, "one"), GF_OK); /* another hash: parallelism counts */
    cr_expect(world.created);
    cr_assert_eq(register_only("two"), GF_OK);
    struct gf_config *config = gf_fixture_checked(&world.arena, "two");
    cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    cr_expect_not(world.created);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.config.version, 3);
    cr_expect_eq(world.config.state, GF_CONFIG_STATE_LIVE);
    cr_expect_eq(world.deployment.end_version, 3);
    cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.deployment.deployment_id, 0);
}

Test(pipeline, configs_without_a_hash_are_always_new) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    config->content_hash = GF_STR("");
    cr_assert_eq(world_register(&world, config, false), GF_OK);
    cr_assert_eq(world_register(&world, config, false), GF_OK);
    cr_expect_eq(world.config.version, 2);
}

Test(pipeline, the_first_deployment_replaces_nothing) {
    cr_assert_eq(register_only("one"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_deploy(&world, 0), GF_OK);
    cr_expect_eq(world.deployment.deployment_id, 1);
    cr_expect_eq(world.deployment.start_version, 1);
    cr_expect_eq(world.deployment.end_version, 1);
    cr_expect_eq(world.deployment.state, GF_DEPLOYMENT_STATE_COMPLETE);
    cr_expect_eq(world.deployment.status, GF_DEPLOYMENT_STATUS_SUCCESSFUL);
    cr_expect_eq(world.pipeline.live_version, 1);
    cr_expect_eq(world.pipeline.latest_deployment_id, 1);
    cr_expect_eq(stored_config(1).state, GF_CONFIG_STATE_LIVE);
    cr_expect_str_eq(world_events(&world, newest), "DEPLOYMENT_STARTED DEPLOYMENT_COMPLETED");
}

Test(pipeline, a_deployment_deprecates_what_was_live) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_up(&world, "two"), GF_OK);
    cr_expect_eq(world.deployment.start_version, 1);
    cr_expect_eq(world.deployment.end_version, 2);
    cr_expect_eq(stored_config(1).state, GF_CONFIG_STATE_DEPRECATED);
    cr_expect_eq(stored_config(1).deprecate_time, world.now);
    /* Back again, from what is only in the store. */
    world_restart(&world);
    cr_assert_eq(world_deploy(&world, 1), GF_OK);
    cr_expect_eq(world.pipeline.live_version, 1);
    cr_expect_eq(world.deployment.deployment_id, 3);
    cr_expect_eq(stored_config(1).state, GF_CONFIG_STATE_LIVE);
    cr_expect_eq(stored_config(1).deprecate_time, 0);
    cr_expect_eq(stored_config(2).state, GF_CONFIG_STATE_DEPRECATED);
}

Test(pipeline, deploying_what_is_live_writes_nothing) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_deploy(&world, 1), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.pipeline.latest_deployment_id, 1);
    cr_assert_eq(world_deploy(&world, 0), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(pipeline, a_missing_version_is_an_error_and_changes_nothing) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_deploy(&world, 2), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "version 2 of pipeline 'pipe' not found");
    cr_expect_eq(world_deploy(&world, -1), GF_NOT_FOUND);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(stored_config(1).state, GF_CONFIG_STATE_LIVE);
}

Test(pipeline, a_missing_one_is_named) {
    cr_expect_eq(world_deploy(&world, 0), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' not found in namespace 'default'");
    /* An answer "does not exist" holds only until something is created. */
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_expect_eq(world_deploy(&world, 0), GF_OK);
}

Test(pipeline, created_in_the_batch_that_knows_it_missing) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    const struct gf_input deploy = {
        .kind = GF_INPUT_DEPLOY,
        .u.deploy = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};
    const struct gf_input up = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("default"), .config = config}};
    world_step_only(&world, &deploy);
    cr_expect_eq(world.need_count, 1);
    world_step_only(&world, &deploy);
    cr_expect_eq(world.need_count, 1);
    world_step_only(&world, &up);
    world_step_only(&world, &deploy);
    cr_expect_eq(world.need_count, 1);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect_eq(world.pipeline.live_version, 1);
}

/* More pipelines and configs than stay in memory: all can still be used. */
Test(pipeline, what_is_idle_leaves_memory) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    const int count = GF_CORE_PIPELINES_IDLE_MAX + 500;
    char id[32];
    for (int i = 0; i < count; i++) {
        (void)snprintf(id, sizeof(id), "pipe-%d", i);
        config->pipeline_id = gf_str_from(id);
        cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    }
    const struct gf_core_stats stats = gf_core_get_stats(world.core);
    cr_expect_leq(stats.pipelines_cached, GF_CORE_PIPELINES_IDLE_MAX);
    cr_expect_leq(stats.configs_cached, GF_CORE_CONFIGS_IDLE_MAX);
    const struct gf_input start = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe-0")}};
    const int64_t needs = world.need_count;
    cr_expect_eq(world_step(&world, &start), GF_OK);
    cr_expect_eq(world.need_count, needs + 2);
    world_exit(&world, "one", 0);
}

/* A config that is larger than the cache does not push out the others. */
Test(pipeline, a_large_idle_config_leaves_the_small_ones_alone) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    char id[32];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "pipe-%d", i);
        config->pipeline_id = gf_str_from(id);
        cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    }
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        gf_strbuf_printf(&text, "task-%d;", i);
    }
    cr_assert_eq(world_up(&world, text.ptr), GF_OK);
    gf_strbuf_fini(&text);
    cr_expect_eq(gf_core_get_stats(world.core).configs_cached, 10);
    const struct gf_input start = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe-0")}};
    const int64_t needs = world.need_count;
    cr_expect_eq(world_step(&world, &start), GF_OK);
    cr_expect_eq(world.need_count, needs);
    world_exit(&world, "one", 0);
    cr_expect_eq(world_start(&world), GF_OK); /* it is loaded when it is needed */
    cr_expect_eq(world.need_count, needs + 1);
    cr_expect_eq(world_cancel(&world, 1, true), GF_OK);
    while (world.containers.count > 0) {
        const struct gf_exit exit = {.exit_code = 137, .exit_signal = 9, .stopped = true};
        const struct gf_input input = {
            .kind = GF_INPUT_TASK_EXITED,
            .u.exited = {.attempt = gf_vec_pop(&world.containers).attempt, .exit = exit}};
        world_step_only(&world, &input);
    }
    world_commit(&world);
}

/* What a run uses stays, however much else comes by. */
Test(pipeline, what_is_in_use_stays_in_memory) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    struct gf_config *config = gf_fixture_checked(&world.arena, "tri");
    const struct gf_str description = GF_STR("x");
    for (int i = 0; i < GF_CORE_CONFIGS_IDLE_MAX + 100; i++) {
        config->content_hash = gf_str_from(gf_arena_printf(&world.arena, "%d", i));
        config->description = description;
        cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
    }
    const int64_t needs = world.need_count;
    world_exit(&world, "one", 0);
    world_exit(&world, "two", 0);
    cr_expect_eq(world.need_count, needs);
    cr_expect_eq(world_run(&world, 1).status, GF_RUN_STATUS_SUCCESSFUL);
}
