/* What a server that was away still knows. */
#include "engine/core/testing/fixture.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <criterion/criterion.h>

static struct rig rig;

static void setup(void) {
    rig_init(&rig, (struct gf_core_limits){0});
}

static void teardown(void) {
    rig_fini(&rig);
}

TestSuite(engine_restart, .init = setup, .fini = teardown, .timeout = 60);

static void restart(void) {
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
}

/* What a reply said of a command that was given before. */
struct replay {
    bool replayed;
    int64_t number;
    bool changed;
};

static void note_replay(void *ctx, const struct gf_reply *reply) {
    struct replay *replay = ctx;
    replay->replayed = reply->replayed != NULL;
    if (replay->replayed) {
        replay->number = reply->replayed->number;
        replay->changed = reply->replayed->changed;
    }
}

static enum gf_code create_namespace(const char *namespace_id, const char *request_id,
                                     struct replay *out_replay) {
    struct caller caller;
    caller_create_namespace(&caller, namespace_id);
    caller.command.input.u.ns.request =
        (struct gf_request_ref){GF_STR("somebody"), gf_str_from(request_id)};
    caller.on_done = note_replay;
    caller.ctx = out_replay;
    return caller_call(&caller, rig.engine);
}

Test(engine_restart, the_outcome_of_a_request_is_answered_again) {
    struct replay replay;
    cr_expect_eq(create_namespace("mine", "r-1", &replay), GF_OK);
    cr_expect_not(replay.replayed);
    restart();
    cr_expect_eq(create_namespace("mine", "r-1", &replay), GF_OK);
    cr_expect(replay.replayed);
    cr_expect(replay.changed);
    cr_expect_eq(create_namespace("other", "r-1", &replay), GF_FAILED_PRECONDITION);
    cr_expect_eq(create_namespace("mine", "r-2", &replay), GF_ALREADY_EXISTS);
}

Test(engine_restart, the_outcome_of_a_registration_is_answered_again) {
    struct gf_config *config = gf_fixture_checked(&rig.arena, "one");
    struct replay replay = {0};
    for (int i = 0; i < 2; i++) {
        struct caller caller;
        caller_up(&caller, config);
        caller.command.input.u.register_config.request =
            (struct gf_request_ref){GF_STR("somebody"), GF_STR("r-1")};
        caller.on_done = note_replay;
        caller.ctx = &replay;
        cr_expect_eq(caller_call(&caller, rig.engine), GF_OK);
        cr_expect_eq(replay.replayed, i == 1);
        restart();
    }
    cr_expect_eq(replay.number, 1);
}

Test(engine_restart, a_run_is_started_once_for_one_request) {
    rig_up(&rig, "one");
    int64_t run_ids[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct caller caller;
        caller_start_run(&caller, "pipe");
        caller.command.input.u.start_run.request_id = GF_STR("r-1");
        cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
        run_ids[i] = caller.run_id;
        restart();
    }
    cr_expect_eq(run_ids[0], run_ids[1]);
}

Test(engine_restart, run_starts_stay_paused) {
    struct caller caller;
    rig_up(&rig, "one");
    caller_pause_run_starts(&caller, true);
    cr_expect_eq(caller_call(&caller, rig.engine), GF_OK);
    restart();
    caller_start_run(&caller, "pipe");
    cr_expect_eq(caller_call(&caller, rig.engine), GF_FAILED_PRECONDITION);
    caller_pause_run_starts(&caller, false);
    cr_expect_eq(caller_call(&caller, rig.engine), GF_OK);
    (void)rig_start_run(&rig);
}

Test(engine_restart, a_retry_keeps_what_was_successful) {
    rig_up(&rig, "one; two < one; tri < two");
    const int64_t run_id = rig_start_run(&rig);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 2).attempt, 1);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    restart();
    struct caller caller;
    caller_retry_run(&caller, "pipe", run_id, /* failed_tasks_only= */ true);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK, "%s", caller.error.message);
    const int64_t retry_id = caller.run_id;
    const struct puppet_launch two = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_str_eq(two.task_id, "two");
    puppet_exit(&rig.puppet, two.attempt, 0);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 2).attempt, 0);
    rig_wait_for(&rig, retry_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, retry_id).status, GF_RUN_STATUS_SUCCESSFUL);
    cr_expect_eq(rig_stored_task(&rig, retry_id, "one").kept_run_id, run_id);
}

Test(engine_restart, a_retry_under_way_keeps_it_too) {
    rig_up(&rig, "one; two < one; tri < two");
    const int64_t run_id = rig_start_run(&rig);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 2).attempt, 1);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    struct caller caller;
    caller_retry_run(&caller, "pipe", run_id, /* failed_tasks_only= */ true);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK, "%s", caller.error.message);
    (void)puppet_wait_launch(&rig.puppet, 3);
    restart();
    cr_assert_eq(rig.puppet.recovered.count, 1);
    puppet_exit(&rig.puppet, rig.puppet.recovered.items[0], 0);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    rig_wait_for(&rig, caller.run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, caller.run_id).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(engine_restart, a_run_that_timed_out_while_the_server_was_away_is_stopped) {
    struct gf_config *config = gf_fixture_checked(&rig.arena, "one");
    config->timeout_ms = 3600 * 1000;
    rig_up_config(&rig, config);
    const int64_t run_id = rig_start_run(&rig);
    puppet_started(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_TASK_EXECUTION_STARTED);
    rig.clock.wall_offset_ns = 2 * GF_NS_PER_HOUR;
    restart();
    const struct gf_attempt attempt = puppet_wait_stop(&rig.puppet, 1).attempt;
    puppet_stopped(&rig.puppet, attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).reason.kind, GF_REASON_TIMED_OUT);
}

Test(engine_restart, a_container_that_started_while_the_server_was_away_goes_on) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt attempt = puppet_wait_launch(&rig.puppet, 1).attempt;
    rig.clock.wall_offset_ns = GF_NS_PER_DAY; /* longer than the lease of any launch */
    restart();
    struct caller caller; /* time passes until the scheduler has looked */
    caller_create_namespace(&caller, "default");
    cr_expect_eq(caller_call(&caller, rig.engine), GF_ALREADY_EXISTS);
    puppet_started(&rig.puppet, attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_TASK_EXECUTION_STARTED);
    cr_expect_eq(puppet_stop_count(&rig.puppet), 0);
    puppet_exit(&rig.puppet, attempt, 0);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).status, GF_RUN_STATUS_SUCCESSFUL);
}
