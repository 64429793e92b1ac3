/* Updating extensions in place. */
#include "base/clock.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

/* "cron" serves with image "one". */
static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
    world_instance_ready(&world, "cron", 1);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(extension_update, .init = setup, .fini = teardown);

static enum gf_code word(enum gf_input_kind kind, int32_t attempt) {
    return world_word(&world, kind, "cron", attempt);
}

static const char *seats(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    return world_seats(&world, "cron");
}

static struct gf_extension row(void) {
    return world_extension(&world, "cron");
}

static enum gf_code update(const char *image) {
    return world_update_extension(&world, "cron", image);
}

static enum gf_code command(enum gf_input_kind kind) {
    return world_extension_command(&world, kind, "cron", /* force= */ false);
}

static void expect_trouble(const char *trouble) {
    const struct gf_extension extension = row();
    cr_expect(gf_str_eq(extension.last_trouble, gf_str_from(trouble)), "%" GF_STR_FMT,
              GF_STR_ARG(extension.last_trouble));
}

static void expect_image(const char *image) {
    cr_expect(gf_str_eq(row().spec.image, gf_str_from(image)));
}

static void expect_fact(const struct gf_event *event, const char *key, const char *value) {
    for (size_t i = 0; i < event->metadata_count; i++) {
        if (gf_str_eq(event->metadata[i].key, gf_str_from(key))) {
            cr_expect(gf_str_eq(event->metadata[i].value, gf_str_from(value)), "%s is %s", key,
                      event->metadata[i].value.ptr);
            return;
        }
    }
    cr_assert_fail("there is no %s", key);
}

/* ---- One that succeeds ---- */

Test(extension_update, the_successor_takes_over_when_it_is_ready) {
    const int64_t before = row().update_time;
    int64_t newest = world_newest_event(&world);
    cr_assert_eq(update("two"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_str_eq(seats(), "1R 2l - update");
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UPDATED");
    const struct gf_event event = world_event(&world);
    expect_fact(&event, "image", "two");
    cr_expect_gt(row().update_time, before);
    cr_expect(gf_str_eq(world_instance(&world, "cron", 2)->image, GF_STR("two")));
    cr_expect_not(world_instance(&world, "cron", 2)->renew_image, "it has another name");
    world_instance_started(&world, "cron", 2);
    cr_assert_eq(word(GF_INPUT_EXTENSION_REGISTERED, 2), GF_OK);
    cr_expect(gf_str_eq(row().registration, GF_STR("I am cron 1")), "it does not serve yet");
    newest = world_newest_event(&world);
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 2), GF_OK);
    cr_expect_str_eq(seats(), "2R - 1d");
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_CONNECTED");
    cr_expect(gf_str_eq(row().registration, GF_STR("I am cron 2")));
    expect_image("two");
    cr_assert_eq(word(GF_INPUT_EXTENSION_DRAINED, 1), GF_OK);
    cr_expect_str_eq(seats(), "2R - 1s");
    cr_expect_not(world_instance(&world, "cron", 1)->stop_forced);
    newest = world_newest_event(&world);
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_str_eq(seats(), "2R - -");
    cr_expect_str_eq(world_events(&world, newest), "", "the extension is connected");
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
    cr_expect_eq(row().restart_count, 0);
    expect_trouble("");
}

Test(extension_update, who_leaves_has_until_the_deadline) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_ready(&world, "cron", 2);
    world_advance(&world, GF_EXTENSION_DRAIN_LEASE_MS - 1000);
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    cr_assert_eq(word(GF_INPUT_EXTENSION_REGISTERED, 1), GF_OK);
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    cr_expect_str_eq(seats(), "2R - 1d", "it may come back to finish");
    cr_expect(gf_str_eq(row().registration, GF_STR("I am cron 2")));
    world_advance(&world, 1000);
    cr_expect_str_eq(seats(), "2R - 1s");
    world_advance(&world, GF_STOP_TIMEOUT_MS_DEFAULT + 2 * GF_STOP_LEASE_MS_DEFAULT);
    cr_expect_str_eq(seats(), "2R - -");
    cr_expect_eq(world.given_up_count, 1);
}

Test(extension_update, the_same_image_is_looked_up_again) {
    cr_assert_eq(update(NULL), GF_OK);
    cr_expect_str_eq(seats(), "1R 2l - update");
    cr_expect(world_instance(&world, "cron", 2)->renew_image);
    gf_vec_remove(&world.containers, 1);
    world_restart(&world);
    cr_expect(world_instance(&world, "cron", 2)->renew_image, "also when it is launched again");
    world_instance_ready(&world, "cron", 2);
    world_instance_exit(&world, "cron", 2, 1);
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MIN);
    cr_expect_not(world_instance(&world, "cron", 3)->renew_image);
}

/* ---- What changes ---- */

static struct gf_input change(struct gf_extension_spec *spec) {
    struct gf_input input = world_install_input(spec, "cron", "");
    input.kind = GF_INPUT_UPDATE_EXTENSION;
    return input;
}

Test(extension_update, settings_take_another_container) {
    struct gf_extension_spec spec;
    struct gf_input input = change(&spec);
    spec.settings = GF_STR("sealed");
    input.u.extension.change.set_settings = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_str_eq(seats(), "1R 2l - update");
    cr_expect_not(world_instance(&world, "cron", 2)->renew_image);
    expect_image("one");
    cr_expect(gf_str_eq(row().spec.settings, GF_STR("sealed")));
    cr_expect_eq(row().fallback.settings.len, 0);
    /* Idempotent, also while it is under way. */
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(world.unchanged);
    world_instance_ready(&world, "cron", 2);
    world_instance_exit(&world, "cron", 1, 0);
    spec.network = GF_NETWORK_NONE;
    spec.registry_auth.user = GF_STR("ann");
    input.u.extension.change.set_network = true;
    input.u.extension.change.set_registry_auth = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_str_eq(seats(), "2R 3l - update");
    cr_expect_eq(row().spec.network, GF_NETWORK_NONE);
    cr_expect(gf_str_eq(row().spec.registry_auth.user, GF_STR("ann")));
    cr_expect(gf_str_eq(row().spec.settings, GF_STR("sealed")));
}

Test(extension_update, roles_and_policy_need_no_container) {
    static const struct gf_str role_ids[] = {GF_STR("developer")};
    struct gf_extension_spec spec;
    struct gf_input input = change(&spec);
    input.u.extension.change.set_roles = true;
    input.u.extension.change.role_ids = role_ids;
    input.u.extension.change.role_count = 1;
    input.u.extension.change.set_policy = true;
    input.u.extension.change.update_policy = GF_EXTENSION_UPDATE_PATCH;
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UPDATED");
    cr_expect_str_eq(seats(), "1R - -");
    cr_expect_eq(row().update_policy, GF_EXTENSION_UPDATE_PATCH);
    cr_expect_eq(row().role_count, 1);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UPDATED");
    input.u.extension.change.relaunch = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_str_eq(seats(), "1R 2l - update");
}

Test(extension_update, bad_ones_are_refused) {
    static const struct gf_str unknown[] = {GF_STR("nobody")};
    struct gf_extension_spec spec;
    struct gf_input input = change(&spec);
    const int64_t newest = world_newest_event(&world);
    input.u.extension.change.set_roles = true;
    input.u.extension.change.role_ids = unknown;
    input.u.extension.change.role_count = 1;
    input.u.extension.change.set_image = true;
    spec.image = GF_STR("two");
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
    input.u.extension.change.role_ids = (const struct gf_str[]){GF_STR("a b")};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "roles.role_ids[0]");
    input.u.extension.change.role_count = 0;
    input.u.extension.change.extension_id = GF_STR("other");
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_str_eq(seats(), "1R - -");
    expect_image("one");
}

Test(extension_update, there_is_one_at_a_time) {
    cr_assert_eq(update("two"), GF_OK);
    cr_expect_eq(update("three"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "UPDATE_RUNNING");
    cr_expect_eq(update(NULL), GF_FAILED_PRECONDITION);
    cr_expect_eq(update("two"), GF_OK);
    cr_expect(world.unchanged);
    world_instance_ready(&world, "cron", 2);
    cr_expect_eq(update("three"), GF_FAILED_PRECONDITION, "the old one is there");
    cr_expect_str_eq(world.error.reason, "UPDATE_RUNNING");
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_eq(update("three"), GF_OK);
    cr_expect_str_eq(seats(), "2R 3l - update");
}

/* ---- One that fails ---- */

static void expect_given_up(int64_t newest, const char *why) {
    const struct gf_event event = world_event(&world);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UPDATE_FAILED");
    expect_fact(&event, "image", "two");
    expect_fact(&event, "reason", why);
    expect_trouble(gf_arena_printf(&world.arena, "the update was given up: %s", why));
    expect_image("one");
    cr_expect_eq(row().serving.attempt, 1);
}

Test(extension_update, a_successor_that_ends_leaves_all_as_it_was) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_started(&world, "cron", 2);
    cr_assert_eq(word(GF_INPUT_EXTENSION_REGISTERED, 2), GF_OK);
    const int64_t newest = world_newest_event(&world);
    world_instance_exit(&world, "cron", 2, 1);
    expect_given_up(newest, "it ended with exit code 1");
    cr_expect_str_eq(seats(), "1R - -");
    cr_expect(gf_str_eq(row().registration, GF_STR("I am cron 1")));
    cr_expect_eq(row().restart_count, 0);
    cr_expect_eq(update("two"), GF_OK, "it may be tried again");
    cr_expect_str_eq(seats(), "1R 3l - update");
}

Test(extension_update, a_successor_that_cannot_be_launched_leaves_all_as_it_was) {
    cr_assert_eq(update("two"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    world_image_failed(&world, world_instance(&world, "cron", 2)->attempt, GF_LAUNCH_FAILURE_IMAGE,
                       "there is no such image");
    expect_given_up(newest, "there is no such image");
    cr_expect_str_eq(seats(), "1R - -");
}

Test(extension_update, a_successor_that_is_not_ready_in_time_is_stopped) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_started(&world, "cron", 2);
    const int64_t newest = world_newest_event(&world);
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS);
    expect_given_up(newest, "it was not connected and ready for 1m");
    cr_expect_str_eq(seats(), "1R 2s -");
    cr_expect_eq(word(GF_INPUT_EXTENSION_READY, 2), GF_OK);
    cr_expect(world.unchanged, "too late");
    cr_expect_eq(update("two"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "UPDATE_RUNNING");
    world_instance_exit(&world, "cron", 2, 0);
    cr_expect_str_eq(seats(), "1R - -");
}

Test(extension_update, a_launch_of_which_nothing_is_heard_ends_it) {
    cr_assert_eq(update("two"), GF_OK);
    world_advance(&world, GF_LAUNCH_LEASE_MS_DEFAULT);
    cr_expect_str_eq(seats(), "1R 2s -");
    cr_expect(world_instance(&world, "cron", 2)->stop_forced);
    expect_trouble("the update was given up: the scheduler has not told within 15m whether its "
                   "container started");
}

/* ---- What happens meanwhile ---- */

Test(extension_update, the_old_one_is_started_again_as_it_was) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_exit(&world, "cron", 1, 1);
    cr_expect_str_eq(seats(), "- 2l - update wait");
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MIN);
    cr_expect_str_eq(seats(), "3l 2l - update");
    cr_expect(gf_str_eq(world_instance(&world, "cron", 3)->image, GF_STR("one")));
    cr_expect_not(world_instance(&world, "cron", 3)->renew_image);
    world_instance_ready(&world, "cron", 2);
    cr_expect_str_eq(seats(), "2R - 3s", "it was not connected");
    cr_expect_eq(row().restart_count, 0);
}

Test(extension_update, the_successor_may_be_ready_while_the_old_one_waits) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_exit(&world, "cron", 1, 1);
    world_instance_ready(&world, "cron", 2);
    cr_expect_str_eq(seats(), "2R - -");
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER, "nobody waits any more");
}

Test(extension_update, the_old_one_may_be_stopping) {
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS);
    cr_expect_str_eq(seats(), "1s - - wait");
    cr_assert_eq(update("two"), GF_OK);
    cr_expect_str_eq(seats(), "1s 2l - update wait");
    world_instance_ready(&world, "cron", 2);
    cr_expect_str_eq(seats(), "2R - 1s");
    world_advance(&world, GF_STOP_TIMEOUT_MS_DEFAULT + GF_STOP_LEASE_MS_DEFAULT);
    cr_expect(world_instance(&world, "cron", 1)->stop_forced, "the patience with it goes on");
}

Test(extension_update, one_that_always_fails_is_mended_by_an_update) {
    world_instance_exit(&world, "cron", 1, 1);
    cr_assert_eq(update("two"), GF_OK);
    cr_expect_str_eq(seats(), "- 2l - update wait");
    world_instance_exit(&world, "cron", 2, 1);
    cr_expect_str_eq(seats(), "- - - wait");
    expect_image("one");
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MIN);
    cr_expect_str_eq(seats(), "3l - -");
}

Test(extension_update, disabling_gives_it_up) {
    cr_assert_eq(update("two"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(command(GF_INPUT_DISABLE_EXTENSION), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISABLED EXTENSION_UPDATE_FAILED");
    cr_expect_str_eq(seats(), "1d 2s - off");
    expect_image("one");
    expect_trouble("the update was given up: the extension was disabled");
    world_instance_exit(&world, "cron", 2, 0);
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_str_eq(seats(), "- - - off");
    cr_assert_eq(update("two"), GF_OK);
    cr_expect_str_eq(seats(), "- - - off", "nothing is launched");
    expect_image("two");
    cr_expect_not(world.unchanged);
    cr_assert_eq(update(NULL), GF_OK);
    cr_expect(world.unchanged, "there is nothing to do");
    cr_assert_eq(command(GF_INPUT_ENABLE_EXTENSION), GF_OK);
    cr_expect_str_eq(seats(), "3l - -");
    cr_expect(gf_str_eq(world_instance(&world, "cron", 3)->image, GF_STR("two")));
}

Test(extension_update, disabling_stops_who_leaves) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_ready(&world, "cron", 2);
    cr_assert_eq(command(GF_INPUT_DISABLE_EXTENSION), GF_OK);
    cr_expect_str_eq(seats(), "2d - 1d off");
    cr_assert_eq(word(GF_INPUT_EXTENSION_DRAINED, 1), GF_OK);
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 2), GF_OK);
    cr_expect_str_eq(seats(), "2s - 1s off");
    cr_assert_eq(command(GF_INPUT_ENABLE_EXTENSION), GF_OK);
    cr_assert_eq(update("three"), GF_FAILED_PRECONDITION);
    world_instance_exit(&world, "cron", 2, 0);
    cr_expect_str_eq(seats(), "3l - 1s");
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_str_eq(seats(), "3l - -");
}

Test(extension_update, uninstalling_stops_all) {
    cr_assert_eq(update("two"), GF_OK);
    cr_assert_eq(command(GF_INPUT_UNINSTALL_EXTENSION), GF_OK);
    cr_expect(world_instance(&world, "cron", 1)->stop_asked);
    cr_expect(world_instance(&world, "cron", 2)->stop_asked);
    world_instance_exit(&world, "cron", 1, 0);
    world_instance_exit(&world, "cron", 2, 0);
    cr_expect_eq(world.forget_count, 2);
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
}

Test(extension_update, all_may_happen_in_one_batch) {
    struct gf_extension_spec first;
    struct gf_extension_spec second;
    const struct gf_input install = world_install_input(&first, "other", "one");
    struct gf_input input = world_install_input(&second, "other", "two");
    input.kind = GF_INPUT_UPDATE_EXTENSION;
    input.u.extension.change.set_image = true;
    world_step_only(&world, &install);
    world_step_only(&world, &input);
    world_commit(&world);
    cr_expect_str_eq(world_seats(&world, "other"), "1l 2l - update");
    cr_expect(gf_str_eq(world_instance(&world, "other", 1)->image, GF_STR("one")),
              "what was launched before the update is not changed by it");
    cr_expect(gf_str_eq(world_instance(&world, "other", 2)->image, GF_STR("two")));
}

/* ---- Images come and go ---- */

Test(extension_update, a_container_takes_over_from_a_program_run_by_hand) {
    cr_assert_eq(world_install(&world, "mine", ""), GF_OK);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_REGISTERED, "mine", 0), GF_OK);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_READY, "mine", 0), GF_OK);
    cr_assert_eq(world_update_extension(&world, "mine", NULL), GF_OK);
    cr_expect(world.unchanged, "there is nothing to launch");
    cr_assert_eq(world_update_extension(&world, "mine", "two"), GF_OK);
    cr_expect_str_eq(world_seats(&world, "mine"), "- 1l - update");
    cr_expect_eq(world_word(&world, GF_INPUT_EXTENSION_READY, "mine", 0), GF_OK, "it serves yet");
    world_instance_exit(&world, "mine", 1, 1);
    cr_expect_str_eq(world_seats(&world, "mine"), "- - -");
    cr_expect_eq(world_extension(&world, "mine").spec.image.len, 0);
    cr_assert_eq(world_update_extension(&world, "mine", "two"), GF_OK);
    world_instance_ready(&world, "mine", 2);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_GONE, "mine", 0), GF_OK);
    cr_expect_eq(world_newest_event(&world), newest, "it is connected by another one");
    cr_expect_str_eq(world_seats(&world, "mine"), "2R - -");
    cr_expect_eq(world_word(&world, GF_INPUT_EXTENSION_READY, "mine", 0), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "RUNS_AS_CONTAINER");
}

Test(extension_update, a_program_run_by_hand_takes_over_from_a_container) {
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(update(""), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UPDATED");
    cr_expect_str_eq(seats(), "- - 1d");
    cr_expect_eq(word(GF_INPUT_EXTENSION_REGISTERED, 0), GF_OK);
    cr_expect(gf_str_eq(row().registration, GF_STR("I am cron 0")));
    cr_expect_eq(update("two"), GF_FAILED_PRECONDITION, "a seat is not free");
    world_instance_exit(&world, "cron", 1, 0);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_UPDATED EXTENSION_DISCONNECTED",
                     "nobody had taken over yet");
    cr_expect_str_eq(seats(), "- - -");
    cr_expect_eq(update("two"), GF_OK);
    cr_expect_str_eq(seats(), "- 2l - update");
}

Test(extension_update, nothing_waits_without_an_image) {
    world_instance_exit(&world, "cron", 1, 1);
    cr_assert_eq(update(""), GF_OK);
    cr_expect_str_eq(seats(), "- - -");
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
    world_restart(&world);
    cr_expect_str_eq(seats(), "- - -");
}

/* ---- Restarts of the server, in each state ---- */

Test(extension_update, it_goes_on_after_a_restart) {
    cr_assert_eq(update("two"), GF_OK);
    world_restart(&world);
    cr_expect_str_eq(seats(), "1R 2l - update");
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    world_instance_started(&world, "cron", 2);
    world_restart(&world);
    cr_expect_str_eq(seats(), "1R 2r - update");
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    world_instance_ready(&world, "cron", 2);
    cr_expect_str_eq(seats(), "2R - 1d");
    world_restart(&world);
    cr_expect_str_eq(seats(), "2R - 1d");
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 2), GF_OK);
    cr_expect_geq(world_advance_to_next(&world), GF_EXTENSION_DRAIN_LEASE_MS - 1, "all of it");
    cr_expect_str_eq(seats(), "2R - 1s");
    world_restart(&world);
    cr_expect_str_eq(seats(), "2R - 1s");
    world_instance_exit(&world, "cron", 1, 0);
    world_restart(&world);
    cr_expect_str_eq(seats(), "2R - -");
}

Test(extension_update, a_restart_may_fail_it) {
    cr_assert_eq(update("two"), GF_OK);
    world_instance_started(&world, "cron", 2);
    world_restart(&world);
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS + 1);
    cr_expect_str_eq(seats(), "1s 2s - wait", "neither came back");
    expect_image("one");
    world_restart(&world);
    cr_expect_str_eq(seats(), "1s 2s - wait");
    world_instance_exit(&world, "cron", 2, 0);
    world_instance_exit(&world, "cron", 1, 0);
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MAX);
    cr_expect_str_eq(seats(), "3l - -");
}
