/* The containers of extensions: starts, ends, failures, what connections say, and time. */
#include "base/clock.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    cr_assert_eq(world_install(&world, "cron", "one"), GF_OK);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(extension_life, .init = setup, .fini = teardown);

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

static void expect_trouble(const char *trouble) {
    const struct gf_extension extension = row();
    cr_expect(gf_str_eq(extension.last_trouble, gf_str_from(trouble)), "%" GF_STR_FMT,
              GF_STR_ARG(extension.last_trouble));
}

static void expect_fact(const char *key, const char *value) {
    const struct gf_event event = world_event(&world);
    cr_assert_eq(event.metadata_count, 1);
    cr_expect(gf_str_eq(event.extension_id, GF_STR("cron")));
    cr_expect(gf_str_eq(event.metadata[0].key, gf_str_from(key)));
    cr_expect(gf_str_eq(event.metadata[0].value, gf_str_from(value)), "%s",
              event.metadata[0].value.ptr);
}

/* It fails, and is started again: `attempt` is launched then. Gives the wait in ms. */
static int64_t fail_and_wait(int32_t attempt) {
    world_instance_exit(&world, "cron", attempt - 1, 1);
    cr_expect_str_eq(seats(), "- - - wait");
    const int64_t wait_ms = world_advance_to_next(&world);
    cr_expect_not_null(world_instance(&world, "cron", attempt));
    return wait_ms;
}

/* ---- Starting ---- */

Test(extension_life, it_starts_and_is_ready) {
    cr_expect_str_eq(seats(), "1l - -");
    world_instance_started(&world, "cron", 1);
    cr_expect_str_eq(seats(), "1r - -");
    cr_expect(gf_str_eq(row().serving.image_digest, GF_STR("sha256:abc")));
    cr_assert_eq(word(GF_INPUT_EXTENSION_REGISTERED, 1), GF_OK);
    cr_expect(gf_str_eq(row().registration, GF_STR("I am cron 1")));
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_CONNECTED");
    expect_fact("version", "1.1");
    cr_expect_str_eq(seats(), "1R - -");
    cr_expect_eq(row().serving.ready_time, world.now);
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER, "as long as it likes");
    /* The same again is nothing new. */
    cr_assert_eq(word(GF_INPUT_EXTENSION_REGISTERED, 1), GF_OK);
    cr_expect(world.unchanged);
    const int64_t ready_time = row().serving.ready_time;
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    cr_expect_eq(row().serving.ready_time, ready_time, "the first time counts");
}

Test(extension_life, ready_may_come_before_the_start_is_told) {
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    cr_expect_str_eq(seats(), "1R - -");
    world_instance_started(&world, "cron", 1);
    cr_expect_str_eq(seats(), "1R - -");
    cr_expect(gf_str_eq(row().serving.image_digest, GF_STR("sha256:abc")));
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
}

Test(extension_life, a_launch_of_which_nothing_is_heard_is_given_up) {
    cr_expect_eq(world_advance_to_next(&world), GF_LAUNCH_LEASE_MS_DEFAULT);
    cr_expect_str_eq(seats(), "1s - - wait");
    cr_expect(world_instance(&world, "cron", 1)->stop_forced);
    expect_trouble("the scheduler has not told within 15m whether its container started");
    world_advance(&world, GF_STOP_LEASE_MS_DEFAULT);
    cr_expect_eq(world.given_up_count, 1);
    cr_expect_str_eq(seats(), "2l - -", "the wait was over before");
    /* Late, and about nobody. */
    const struct gf_input input = {
        .kind = GF_INPUT_TASK_STARTED,
        .u.started.attempt = {row().extension_key, /* task_index= */ 0, /* attempt= */ 1}};
    (void)world_step(&world, &input);
    cr_expect_str_eq(seats(), "2l - -");
    cr_expect_eq(world.stop_count, 2);
}

Test(extension_life, what_does_not_become_ready_is_started_again) {
    world_instance_started(&world, "cron", 1);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_advance_to_next(&world), GF_EXTENSION_READY_LEASE_MS);
    cr_expect_str_eq(seats(), "1s - - wait");
    cr_expect_not(world_instance(&world, "cron", 1)->stop_forced);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_RESTARTED");
    expect_fact("reason", "it was not connected and ready for 1m");
    expect_trouble("it was not connected and ready for 1m");
    world_instance_exit(&world, "cron", 1, 143);
    cr_expect_str_eq(seats(), "- - - wait");
    cr_expect_eq(row().restart_count, 1, "its end is not another failure");
    (void)world_advance_to_next(&world);
    cr_expect_str_eq(seats(), "2l - -");
    cr_expect_eq(row().next_start_time, 0);
}

Test(extension_life, who_does_not_stop_is_ended_by_force_and_given_up) {
    world_instance_started(&world, "cron", 1);
    (void)world_advance_to_next(&world);
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MIN);
    cr_expect_str_eq(seats(), "1s - -", "it would start, but its seat is not free");
    world_advance(&world, GF_STOP_TIMEOUT_MS_DEFAULT + GF_STOP_LEASE_MS_DEFAULT);
    cr_expect(world_instance(&world, "cron", 1)->stop_forced);
    cr_expect_str_eq(seats(), "1s - -");
    world_advance(&world, GF_STOP_LEASE_MS_DEFAULT);
    cr_expect_eq(world.given_up_count, 1);
    cr_expect_str_eq(seats(), "2l - -");
}

/* ---- Failing ---- */

Test(extension_life, what_ends_by_itself_is_started_again_later_and_later) {
    int64_t wait_ms = 0;
    int64_t total_ms = 0;
    for (int32_t attempt = 2; attempt < 14; attempt++) {
        const int64_t longest = (int64_t)GF_EXTENSION_BACKOFF_MS_MIN << (attempt - 2);
        wait_ms = fail_and_wait(attempt);
        cr_expect_leq(wait_ms, longest);
        cr_expect_leq(wait_ms, GF_EXTENSION_BACKOFF_MS_MAX);
        cr_expect_geq(
            wait_ms,
            (longest < GF_EXTENSION_BACKOFF_MS_MAX ? longest : GF_EXTENSION_BACKOFF_MS_MAX) * 79 /
                100);
        total_ms += wait_ms;
    }
    cr_expect_eq(row().restart_count, 12);
    cr_expect_neq(total_ms % 1000, 0, "they are spread");
    expect_trouble("it ended with exit code 1");
}

Test(extension_life, one_that_was_ready_for_long_is_started_soon) {
    for (int32_t attempt = 2; attempt < 9; attempt++) {
        (void)fail_and_wait(attempt);
    }
    world_instance_ready(&world, "cron", 8);
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MAX / 2);
    cr_expect_gt(fail_and_wait(9), 10 * GF_EXTENSION_BACKOFF_MS_MIN, "that was not long");
    world_instance_ready(&world, "cron", 9);
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MAX);
    cr_expect_leq(fail_and_wait(10), GF_EXTENSION_BACKOFF_MS_MIN);
    cr_expect_eq(row().restart_count, 9, "all of them count");
}

Test(extension_life, its_end_says_why) {
    const struct gf_attempt first = world_instance(&world, "cron", 1)->attempt;
    world_image_failed(&world, first, GF_LAUNCH_FAILURE_IMAGE_REFUSED, "there is no such image");
    expect_trouble("there is no such image");
    (void)world_advance_to_next(&world);
    const struct gf_exit killed = {.exit_code = 137, .exit_signal = 9};
    world_report(&world, world_instance(&world, "cron", 2)->attempt, &killed);
    expect_trouble("it was ended by signal 9 (SIGKILL)");
    (void)world_advance_to_next(&world);
    const struct gf_exit memory = {.exit_code = 137, .exit_signal = 9, .out_of_memory = true};
    world_report(&world, world_instance(&world, "cron", 3)->attempt, &memory);
    expect_trouble("it used more memory than it may");
    (void)world_advance_to_next(&world);
    const struct gf_exit failed = {.failure = GF_STR("there is no such command")};
    world_report(&world, world_instance(&world, "cron", 4)->attempt, &failed);
    expect_trouble("there is no such command");
    (void)world_advance_to_next(&world);
    world_failed(&world, GF_INPUT_TASK_LOST, world_instance(&world, "cron", 5)->attempt, "");
    expect_trouble("nothing could be found of its container");
    (void)world_advance_to_next(&world);
    world_instance_exit(&world, "cron", 6, 0);
    expect_trouble("it ended with exit code 0");
    cr_expect_eq(world.forget_count, 6);
    cr_expect_str_eq(seats(), "- - - wait");
}

Test(extension_life, a_long_reason_is_cut) {
    char *text = gf_arena_alloc(&world.arena, GF_REASON_BYTES_MAX + 11);
    memset(text, 'x', GF_REASON_BYTES_MAX + 10);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_instance(&world, "cron", 1)->attempt,
                 text);
    cr_expect_eq(row().last_trouble.len, GF_REASON_BYTES_MAX);
}

Test(extension_life, reports_of_older_attempts_change_nothing) {
    const struct gf_attempt first = world_instance(&world, "cron", 1)->attempt;
    const struct gf_exit exit = {.exit_code = 1};
    (void)fail_and_wait(2);
    world_report(&world, first, &exit);
    world_failed(&world, GF_INPUT_TASK_LOST, first, "");
    world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, first, "");
    const struct gf_attempt other_task = {first.run_key, /* task_index= */ 1, /* attempt= */ 2};
    world_report(&world, other_task, &exit);
    cr_expect_str_eq(seats(), "2l - -");
    cr_expect_eq(row().restart_count, 1);
}

/* ---- Connections ---- */

Test(extension_life, who_is_gone_has_a_while_to_come_back) {
    world_instance_ready(&world, "cron", 1);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISCONNECTED");
    expect_fact("reason", "it hung up");
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    cr_expect(world.unchanged, "it was gone");
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS - 1000);
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    world_advance(&world, 2 * GF_EXTENSION_READY_LEASE_MS);
    cr_expect_str_eq(seats(), "1R - -");
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS);
    cr_expect_str_eq(seats(), "1s - - wait");
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    cr_expect(world.unchanged, "too late");
    cr_expect_str_eq(seats(), "1s - - wait");
}

Test(extension_life, a_connection_ends_once_with_its_container) {
    world_instance_ready(&world, "cron", 1);
    const int64_t newest = world_newest_event(&world);
    world_instance_exit(&world, "cron", 1, 2);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISCONNECTED EXTENSION_RESTARTED");
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISCONNECTED EXTENSION_RESTARTED");
}

Test(extension_life, words_of_containers_that_are_over_are_refused) {
    (void)fail_and_wait(2);
    static const enum gf_input_kind kinds[] = {
        GF_INPUT_EXTENSION_REGISTERED, GF_INPUT_EXTENSION_READY, GF_INPUT_EXTENSION_DRAINED};
    for (size_t i = 0; i < GF_ARRAY_COUNT(kinds); i++) {
        cr_expect_eq(word(kinds[i], 1), GF_FAILED_PRECONDITION);
        cr_expect_str_eq(world.error.reason, "CONTAINER_OVER");
        cr_expect_eq(word(kinds[i], -1), GF_FAILED_PRECONDITION);
        cr_expect_eq(word(kinds[i], 0), GF_FAILED_PRECONDITION);
        cr_expect_str_eq(world.error.reason, "RUNS_AS_CONTAINER");
    }
    cr_expect_eq(word(GF_INPUT_EXTENSION_DRAINED, 2), GF_OK);
    cr_expect(world.unchanged, "nobody asked for it");
    cr_expect_str_eq(seats(), "2l - -");
    const struct gf_input unknown = {.kind = GF_INPUT_EXTENSION_GONE,
                                     .u.word.extension_key = INT64_MAX};
    cr_expect_eq(world_step(&world, &unknown), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.reason, "EXTENSION_NOT_INSTALLED");
}

Test(extension_life, what_is_run_by_hand_has_no_container) {
    cr_assert_eq(world_install(&world, "mine", ""), GF_OK);
    cr_expect_eq(world_word(&world, GF_INPUT_EXTENSION_REGISTERED, "mine", 1),
                 GF_FAILED_PRECONDITION);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_REGISTERED, "mine", 0), GF_OK);
    cr_expect(gf_str_eq(world_extension(&world, "mine").registration, GF_STR("I am mine 0")));
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_READY, "mine", 0), GF_OK);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_GONE, "mine", 0), GF_OK);
    cr_assert_eq(world_word(&world, GF_INPUT_EXTENSION_GONE, "mine", 0), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_CONNECTED EXTENSION_DISCONNECTED");
    cr_expect_str_eq(world_seats(&world, "mine"), "- - -");
}

Test(extension_life, a_registration_has_a_limit) {
    char *text = gf_arena_alloc(&world.arena, GF_REGISTRATION_BYTES_MAX + 1);
    struct gf_input input = {.kind = GF_INPUT_EXTENSION_REGISTERED,
                             .u.word = {.extension_key = row().extension_key,
                                        .attempt = 1,
                                        .registration = {text, GF_REGISTRATION_BYTES_MAX + 1}}};
    memset(text, 'x', GF_REGISTRATION_BYTES_MAX + 1);
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_eq(row().registration.len, 0);
    input.u.word.registration.len--;
    cr_expect_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(row().registration.len, GF_REGISTRATION_BYTES_MAX);
}

/* ---- Disabling, in each state ---- */

static void disable(void) {
    cr_assert_eq(
        world_extension_command(&world, GF_INPUT_DISABLE_EXTENSION, "cron", /* force= */ false),
        GF_OK);
}

Test(extension_life, a_launch_is_stopped_by_disabling) {
    disable();
    cr_expect_str_eq(seats(), "1s - - off");
    world_failed(&world, GF_INPUT_TASK_NEVER_STARTED, world_instance(&world, "cron", 1)->attempt,
                 "");
    cr_expect_str_eq(seats(), "- - - off");
    cr_expect_eq(row().restart_count, 0);
}

Test(extension_life, a_wait_is_over_with_disabling) {
    world_instance_exit(&world, "cron", 1, 1);
    disable();
    cr_expect_str_eq(seats(), "- - - off");
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
    cr_assert_eq(
        world_extension_command(&world, GF_INPUT_ENABLE_EXTENSION, "cron", /* force= */ false),
        GF_OK);
    cr_expect_str_eq(seats(), "2l - -");
    cr_expect_eq(row().restart_count, 0);
    expect_trouble("");
}

Test(extension_life, who_is_not_connected_is_not_drained) {
    world_instance_started(&world, "cron", 1);
    disable();
    cr_expect_str_eq(seats(), "1s - - off");
}

Test(extension_life, draining_has_an_end) {
    world_instance_ready(&world, "cron", 1);
    disable();
    cr_expect_eq(world_advance_to_next(&world), GF_EXTENSION_DRAIN_LEASE_MS);
    cr_expect_str_eq(seats(), "1s - - off");
    cr_expect_not(world_instance(&world, "cron", 1)->stop_forced);
}

Test(extension_life, who_goes_while_it_drains_is_stopped) {
    world_instance_ready(&world, "cron", 1);
    disable();
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(word(GF_INPUT_EXTENSION_GONE, 1), GF_OK);
    cr_expect_str_eq(seats(), "1s - - off", "it will not be let in again");
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISCONNECTED");
}

Test(extension_life, who_ends_while_it_drains_has_not_failed) {
    world_instance_ready(&world, "cron", 1);
    disable();
    const int64_t newest = world_newest_event(&world);
    world_instance_exit(&world, "cron", 1, 1);
    cr_expect_str_eq(seats(), "- - - off");
    cr_expect_str_eq(world_events(&world, newest), "EXTENSION_DISCONNECTED");
    expect_trouble("");
}

/* ---- Restarts of the server, in each state ---- */

Test(extension_life, a_launch_that_was_lost_is_made_again) {
    struct gf_extension_spec spec;
    const struct gf_input input = world_install_input(&spec, "other", "two");
    world_step_only(&world, &input);
    world_commit_without_effects(&world);
    world_restart(&world);
    cr_expect_str_eq(world_seats(&world, "other"), "1l - -", "with the same number");
    cr_expect_not_null(world_instance(&world, "other", 1));
    cr_expect_geq(world_advance_to_next(&world), GF_LAUNCH_LEASE_MS_DEFAULT - 1, "all of it");
}

Test(extension_life, what_ran_has_a_while_to_connect_again) {
    world_instance_ready(&world, "cron", 1);
    world_restart(&world);
    cr_expect_str_eq(seats(), "1R - -");
    cr_expect_eq(world.launch_count, 1);
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS - 1000);
    cr_assert_eq(word(GF_INPUT_EXTENSION_READY, 1), GF_OK);
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
    world_restart(&world);
    world_advance(&world, GF_EXTENSION_READY_LEASE_MS + 1);
    cr_expect_str_eq(seats(), "1s - - wait");
}

Test(extension_life, what_ended_meanwhile_is_started_again) {
    world_instance_ready(&world, "cron", 1);
    const struct gf_attempt attempt = world_instance(&world, "cron", 1)->attempt;
    const struct gf_exit exit = {.exit_code = 4};
    world.containers.items[0].started = false; /* its end is what the scheduler tells */
    world_restart(&world);
    world_report(&world, attempt, &exit);
    cr_expect_str_eq(seats(), "- - - wait");
    world_restart(&world);
    cr_expect_str_eq(seats(), "- - - wait");
    (void)world_advance_to_next(&world);
    cr_expect_str_eq(seats(), "2l - -");
}

Test(extension_life, a_wait_goes_on_with_the_server) {
    world_instance_exit(&world, "cron", 1, 1);
    const int64_t next = row().next_start_time;
    world_restart(&world);
    cr_expect_eq(gf_core_next_deadline(world.core), next);
    world_set_back(&world, 3600 * 1000);
    world_restart(&world);
    cr_expect_leq(gf_core_next_deadline(world.core),
                  world.now + GF_EXTENSION_BACKOFF_MS_MAX * GF_NS_PER_MS,
                  "whatever the clock says");
    (void)world_advance_to_next(&world);
    cr_expect_str_eq(seats(), "2l - -");
}

Test(extension_life, a_restart_does_not_begin_the_back_off_anew) {
    for (int32_t attempt = 2; attempt < 9; attempt++) {
        (void)fail_and_wait(attempt);
    }
    world_restart(&world);
    cr_expect_gt(fail_and_wait(9), 100 * GF_EXTENSION_BACKOFF_MS_MIN);
    world_restart(&world);
    world_instance_ready(&world, "cron", 9);
    world_advance(&world, GF_EXTENSION_BACKOFF_MS_MAX);
    cr_expect_leq(fail_and_wait(10), GF_EXTENSION_BACKOFF_MS_MIN, "it has worked for long");
}

Test(extension_life, the_clock_may_be_set_back) {
    world_instance_started(&world, "cron", 1);
    world_set_back(&world, 3600 * 1000);
    const struct gf_input clock = {.kind = GF_INPUT_CLOCK};
    (void)world_step(&world, &clock);
    cr_expect_str_eq(seats(), "1r - -");
    cr_expect_leq(world_advance_to_next(&world), GF_EXTENSION_READY_LEASE_MS);
    cr_expect_str_eq(seats(), "1s - - wait");
}

Test(extension_life, a_stop_that_was_lost_is_told_again) {
    world_instance_started(&world, "cron", 1);
    const struct gf_input input = {.kind = GF_INPUT_DISABLE_EXTENSION,
                                   .u.choice.extension_id = GF_STR("cron")};
    world_step_only(&world, &input);
    world_commit_without_effects(&world);
    cr_expect_not(world_instance(&world, "cron", 1)->stop_asked);
    world_restart(&world);
    cr_expect(world_instance(&world, "cron", 1)->stop_asked);
    cr_expect_str_eq(seats(), "1s - - off");
    world_advance(&world, GF_STOP_TIMEOUT_MS_DEFAULT + GF_STOP_LEASE_MS_DEFAULT);
    cr_expect(world_instance(&world, "cron", 1)->stop_forced);
}

Test(extension_life, what_drained_to_be_disabled_is_stopped_by_a_restart) {
    world_instance_ready(&world, "cron", 1);
    disable();
    world_restart(&world);
    cr_expect_str_eq(seats(), "1s - - off");
}
