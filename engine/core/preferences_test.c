/* The switches of the service: pausing all run starts. */
#include "engine/core/core.h"
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

TestSuite(preferences, .init = setup, .fini = teardown);

static enum gf_code pause_for(const char *reason) {
    const struct gf_input input = {.kind = GF_INPUT_UPDATE_PREFERENCES,
                                   .u.preferences = {.set_run_starts_paused = true,
                                                     .run_starts_paused = true,
                                                     .set_reason = true,
                                                     .reason = gf_str_from(reason)}};
    return world_step(&world, &input);
}

Test(preferences, no_run_starts_while_starts_are_paused) {
    cr_assert_eq(world_start_request(&world, "before"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(pause_for("maintenance"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world.preferences.run_starts_paused);
    cr_expect_eq(world.preferences.update_time, world.now);
    cr_expect_str_eq(world_events(&world, newest), "SYSTEM_PREFERENCES_UPDATED");
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUN_STARTS_PAUSED");
    cr_expect_str_eq(world.error.message, "run starts are paused: maintenance");
    /* What was started before is answered, and goes on. */
    cr_assert_eq(world_start_request(&world, "before"), GF_OK);
    cr_expect(world.unchanged);
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "Sr");
    world_exit(&world, "one", 0);
    cr_expect_str_eq(world_runs(&world), "SS");
}

Test(preferences, a_pause_survives_a_restart) {
    cr_assert_eq(pause_for("maintenance"), GF_OK);
    world_restart(&world);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.message, "run starts are paused: maintenance");
    cr_assert_eq(world_pause(&world, false), GF_OK);
    cr_expect_eq(world.preferences.run_starts_paused_reason.len, 0, "its reason goes with it");
    world_restart(&world);
    cr_expect_eq(world_start(&world), GF_OK);
}

Test(preferences, what_changes_nothing_writes_nothing) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_pause(&world, false), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.preferences.update_time, 0);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_assert_eq(world_pause(&world, true), GF_OK);
    cr_assert_eq(world_pause(&world, true), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest + 1);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.message, "run starts are paused");
    /* Another reason is a change; only that may be set. */
    struct gf_input input = {.kind = GF_INPUT_UPDATE_PREFERENCES,
                             .u.preferences = {.set_reason = true, .reason = GF_STR("later")}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world.preferences.run_starts_paused);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.message, "run starts are paused: later");
    input.u.preferences.reason = GF_STR("\xff");
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "preferences.run_starts_paused_reason");
}

Test(preferences, switches_are_set_one_by_one) {
    const struct gf_input input = {
        .kind = GF_INPUT_UPDATE_PREFERENCES,
        .u.preferences = {.set_attach_disabled = true, .attach_disabled = true}};
    cr_assert_eq(world_pause(&world, true), GF_OK);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(world.preferences.attach_disabled);
    cr_expect(world.preferences.run_starts_paused);
    world_restart(&world);
    cr_assert_eq(world_pause(&world, false), GF_OK);
    cr_expect(world.preferences.attach_disabled);
}

/* Several changes in a batch leave one row, with the last of them. */
Test(preferences, a_batch_has_the_last_state) {
    struct gf_input input = {.kind = GF_INPUT_UPDATE_PREFERENCES,
                             .u.preferences = {.set_run_starts_paused = true,
                                               .run_starts_paused = true,
                                               .set_reason = true,
                                               .reason = GF_STR("first")}};
    world_step_only(&world, &input);
    input.u.preferences.reason = GF_STR("second, which is longer");
    world_step_only(&world, &input);
    cr_assert_not_null(gf_core_batch(world.core)->preferences);
    cr_expect(gf_str_eq(gf_core_batch(world.core)->preferences->run_starts_paused_reason,
                        GF_STR("second, which is longer")));
    world_commit(&world);
    world_restart(&world);
    cr_expect_eq(world_start(&world), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.message, "run starts are paused: second, which is longer");
}

Test(preferences, the_event_tells_what_has_changed) {
    const struct gf_input both = {.kind = GF_INPUT_UPDATE_PREFERENCES,
                                  .u.preferences = {.set_attach_disabled = true,
                                                    .attach_disabled = true,
                                                    .set_run_starts_paused = true,
                                                    .run_starts_paused = false}};
    cr_assert_eq(pause_for("maintenance"), GF_OK);
    struct gf_event event = world_event(&world);
    cr_assert_eq(event.metadata_count, 2);
    cr_expect(gf_str_eq(event.metadata[0].key, GF_STR("run_starts_paused")));
    cr_expect(gf_str_eq(event.metadata[0].value, GF_STR("true")));
    cr_expect(gf_str_eq(event.metadata[1].key, GF_STR("run_starts_paused_reason")));
    cr_expect(gf_str_eq(event.metadata[1].value, GF_STR("maintenance")));
    cr_assert_eq(world_step(&world, &both), GF_OK);
    event = world_event(&world);
    cr_assert_eq(event.metadata_count, 3);
    cr_expect(gf_str_eq(event.metadata[0].key, GF_STR("attach_disabled")));
    cr_expect(gf_str_eq(event.metadata[0].value, GF_STR("true")));
    cr_expect(gf_str_eq(event.metadata[1].value, GF_STR("false")));
    cr_expect_eq(event.metadata[2].value.len, 0, "the reason went with the pause");
}
