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

TestSuite(namespace, .init = setup, .fini = teardown);

static enum gf_code step(enum gf_input_kind kind, const char *id, const char *name,
                         const char *description) {
    const struct gf_input input = {.kind = kind,
                                   .u.ns = {.namespace_id = gf_str_from(id),
                                            .name = gf_str_from(name),
                                            .description = gf_str_from(description),
                                            .set_name = name != NULL,
                                            .set_description = description != NULL}};
    return world_step(&world, &input);
}

static enum gf_code delete_it(const char *id, bool cascade) {
    const struct gf_input input = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                   .u.ns = {.namespace_id = gf_str_from(id), .cascade = cascade}};
    return world_step(&world, &input);
}

static bool is_stored(const char *id) {
    struct gf_namespace ns = {0};
    struct gf_store_reader *reader = world.store->ops->open_reader(world.store);
    const enum gf_code rc =
        world.store->ops->get_namespace(reader, gf_str_from(id), &world.arena, &ns, NULL);
    world.store->ops->close_reader(world.store, reader);
    return rc == GF_OK;
}

static enum gf_code up_in(const char *id) {
    const struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    const struct gf_input input = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = gf_str_from(id), .config = config, .deploy = true}};
    return world_step(&world, &input);
}

static enum gf_code start_in(const char *id) {
    const struct gf_input input = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = gf_str_from(id), .pipeline_id = GF_STR("pipe")}};
    return world_step(&world, &input);
}

Test(namespace, is_created_with_its_texts) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "The team", "what it does"), GF_OK);
    cr_expect(gf_str_eq(world.ns.namespace_id, GF_STR("team")));
    cr_expect(gf_str_eq(world.ns.name, GF_STR("The team")));
    cr_expect(gf_str_eq(world.ns.description, GF_STR("what it does")));
    cr_expect_eq(world.ns.namespace_key, 2);
    cr_expect_eq(world.ns.create_time, world.now);
    cr_expect_eq(world.ns.update_time, world.now);
    cr_expect(is_stored("team"));
    cr_expect_str_eq(world_events(&world, 0), "NAMESPACE_CREATED NAMESPACE_CREATED");
}

Test(namespace, without_a_name_is_called_by_its_id) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_expect(gf_str_eq(world.ns.name, GF_STR("team")));
}

Test(namespace, bad_ones_are_refused) {
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(step(GF_INPUT_CREATE_NAMESPACE, "a", "", ""), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "namespace_id");
    cr_expect_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "\xff", ""), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "name");
    cr_expect_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", "\xff"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "description");
    cr_expect_eq(step(GF_INPUT_CREATE_NAMESPACE, "default", "", ""), GF_ALREADY_EXISTS);
    cr_expect_str_eq(world.error.message, "namespace 'default' already exists");
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(namespace, update_changes_what_is_asked_for) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "one", "two"), GF_OK);
    const int64_t created = world.ns.create_time;
    cr_assert_eq(step(GF_INPUT_UPDATE_NAMESPACE, "team", "new", NULL), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(gf_str_eq(world.ns.name, GF_STR("new")));
    cr_expect(gf_str_eq(world.ns.description, GF_STR("two")));
    cr_expect_eq(world.ns.create_time, created);
    cr_expect_eq(world.ns.update_time, world.now);
    cr_assert_eq(step(GF_INPUT_UPDATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_expect(gf_str_eq(world.ns.name, GF_STR("team")));
    cr_expect(gf_str_eq(world.ns.description, GF_STR("")));
}

Test(namespace, update_that_changes_nothing_writes_nothing) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "one", "two"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    const int64_t updated = world.ns.update_time;
    cr_assert_eq(step(GF_INPUT_UPDATE_NAMESPACE, "team", "one", "two"), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(step(GF_INPUT_UPDATE_NAMESPACE, "team", NULL, NULL), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.ns.update_time, updated);
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(namespace, missing_one_is_named) {
    cr_expect_eq(step(GF_INPUT_UPDATE_NAMESPACE, "nobody", "x", NULL), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "namespace 'nobody' not found");
    cr_expect_eq(delete_it("nobody", true), GF_NOT_FOUND);
    cr_expect_eq(up_in("nobody"), GF_NOT_FOUND);
    cr_expect_eq(start_in("nobody"), GF_NOT_FOUND);
}

Test(namespace, empty_one_is_deleted) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_assert_eq(delete_it("team", false), GF_OK);
    cr_expect_not(is_stored("team"));
    cr_expect_eq(delete_it("team", false), GF_NOT_FOUND);
}

Test(namespace, default_is_never_deleted) {
    cr_expect_eq(delete_it("default", true), GF_FAILED_PRECONDITION);
    cr_expect(is_stored("default"));
}

Test(namespace, one_with_pipelines_is_deleted_only_with_them) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_assert_eq(up_in("team"), GF_OK);
    cr_expect_eq(delete_it("team", false), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "NAMESPACE_NOT_EMPTY");
    /* Also when the core does not have its pipelines in memory. */
    world_restart(&world);
    cr_expect_eq(delete_it("team", false), GF_FAILED_PRECONDITION);
    cr_expect_eq(delete_it("team", true), GF_OK);
    cr_expect_not(is_stored("team"));
    /* A new namespace of that name has none of them. */
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_expect_eq(start_in("team"), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' not found in namespace 'team'");
    cr_assert_eq(up_in("team"), GF_OK);
    cr_expect_eq(world.config.version, 1);
}

Test(namespace, one_whose_pipelines_the_batch_deletes_is_empty) {
    const struct gf_input delete_pipeline = {
        .kind = GF_INPUT_DELETE_PIPELINE,
        .u.pipeline = {.namespace_id = GF_STR("team"), .pipeline_id = GF_STR("pipe")}};
    const struct gf_input delete_namespace = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                              .u.ns.namespace_id = GF_STR("team")};
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_assert_eq(up_in("team"), GF_OK);
    world_restart(&world);
    world_step_only(&world, &delete_namespace);
    world_step_only(&world, &delete_pipeline);
    world_step_only(&world, &delete_namespace);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK, "%s", world.error.message);
    cr_expect_not(is_stored("team"));
}

Test(namespace, one_with_active_runs_is_not_deleted) {
    cr_assert_eq(step(GF_INPUT_CREATE_NAMESPACE, "team", "", ""), GF_OK);
    cr_assert_eq(up_in("team"), GF_OK);
    cr_assert_eq(start_in("team"), GF_OK);
    cr_expect_eq(delete_it("team", true), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "NAMESPACE_HAS_ACTIVE_RUNS");
    world_restart(&world);
    cr_expect_eq(delete_it("team", true), GF_FAILED_PRECONDITION);
    world_exit(&world, "one", 0);
    cr_expect_eq(delete_it("team", true), GF_OK);
}

/* Everything that a namespace had in the same batch goes with it. */
Test(namespace, deletion_takes_its_rows_out_of_the_batch) {
    const struct gf_input create = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                    .u.ns.namespace_id = GF_STR("team")};
    const struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    const struct gf_input up = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("team"), .config = config, .deploy = true}};
    const struct gf_input start = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("team"), .pipeline_id = GF_STR("pipe")}};
    const struct gf_input exit = {
        .kind = GF_INPUT_TASK_EXITED,
        .u.exited.attempt = {.run_key = 1, .task_index = 0, .attempt = 1}};
    const struct gf_input removal = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                     .u.ns = {.namespace_id = GF_STR("team"), .cascade = true}};
    for (int round = 0; round < 2; round++) {
        world_step_only(&world, &create);
        world_step_only(&world, &up);
        if (round == 0) {
            world_step_only(&world, &start);
            world_step_only(&world, &exit);
        }
        world_step_only(&world, &removal);
    }
    world_step_only(&world, &create);
    const struct gf_batch *batch = gf_core_batch(world.core);
    cr_expect_eq(batch->namespaces.count, 1);
    cr_expect_eq(batch->deleted_namespaces.count, 2);
    cr_expect_eq(batch->pipelines.count, 0);
    cr_expect_eq(batch->configs.count, 0);
    cr_expect_eq(batch->deployments.count, 0);
    cr_expect_eq(batch->runs.count, 0);
    cr_expect_eq(batch->tasks.count, 0);
    world_commit(&world);
    gf_vec_clear(&world.containers);
    cr_expect(is_stored("team"));
    cr_expect_eq(delete_it("team", false), GF_OK);
}

Test(namespace, what_others_have_stays_in_the_batch) {
    const struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    cr_assert_eq(world_create_namespace(&world, "team"), GF_OK);
    cr_assert_eq(world_create_namespace(&world, "other"), GF_OK);
    const char *ids[] = {"team", "other"};
    for (size_t i = 0; i < 2; i++) {
        const struct gf_input up = {.kind = GF_INPUT_REGISTER_CONFIG,
                                    .u.register_config = {.namespace_id = gf_str_from(ids[i]),
                                                          .config = config,
                                                          .deploy = true}};
        world_step_only(&world, &up);
    }
    const struct gf_input removal = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                     .u.ns = {.namespace_id = GF_STR("team"), .cascade = true}};
    world_step_only(&world, &removal);
    const struct gf_batch *batch = gf_core_batch(world.core);
    cr_expect_eq(batch->pipelines.count, 1);
    cr_expect_eq(batch->configs.count, 1);
    cr_expect_eq(batch->deployments.count, 1);
    world_commit(&world);
    world_restart(&world);
    cr_assert_eq(start_in("other"), GF_OK);
    gf_vec_clear(&world.containers);
    cr_expect_eq(start_in("team"), GF_NOT_FOUND);
}

Test(namespace, there_is_a_limit) {
    char id[32];
    for (int i = 1; i < GF_NAMESPACES_MAX; i++) {
        (void)snprintf(id, sizeof(id), "ns-%d", i);
        const struct gf_input input = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                       .u.ns.namespace_id = gf_str_from(id)};
        world_step_only(&world, &input);
    }
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect_eq(world_create_namespace(&world, "one-more"), GF_RESOURCE_EXHAUSTED);
}
