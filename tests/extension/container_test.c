/* Extensions in containers: their tokens, and how one container follows another. */
#include "gofer/extension/v1/extension.gofer.h"
#include "tests/extension/rig.h"

#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RUN(name) GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_##name

static struct hub_rig rig;
static struct script script;
static struct script other;

static void setup(void) {
    hub_rig_init_gated(&rig);
    hub_rig_install(&rig, "boxed", "busybox:1", "");
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "boxed", "nightly", "every=5m", 0);
    puppet_started(&rig.rig.puppet, puppet_wait_launch(&rig.rig.puppet, 1).attempt);
}

static void teardown(void) {
    script_close(&script);
    script_close(&other);
    hub_rig_fini(&rig);
}

TestSuite(extension_containers, .init = setup, .fini = teardown, .timeout = 60);

static void update(void) {
    struct gf_input input = {.kind = GF_INPUT_UPDATE_EXTENSION};
    const struct gf_extension_spec spec = {.image = GF_STR("busybox:2")};
    input.u.extension.change.extension_id = GF_STR("boxed");
    input.u.extension.change.spec = &spec;
    input.u.extension.change.set_image = true;
    cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
    puppet_started(&rig.rig.puppet, puppet_wait_launch(&rig.rig.puppet, 2).attempt);
}

static void await_live(int32_t attempt) {
    struct gf_extension_live live = {0};
    const int64_t key = hub_rig_row(&rig, "boxed").extension_key;
    for (int i = 0; i < HUB_RIG_WAIT_MS && (live.attempt != attempt || !live.ready); i++) {
        gf_extension_hub_live(rig.hub, key, &live);
        (void)usleep(1000);
    }
    cr_assert_eq(live.attempt, attempt);
}

Test(extension_containers, nobody_is_let_in_without_a_token) {
    script_open(&script, &rig);
    script_expect_end(&script, GF_UNAUTHENTICATED, "TOKEN_REQUIRED");
}

Test(extension_containers, a_token_is_for_its_extension_alone) {
    hub_rig_install(&rig, "second", "busybox:1", "");
    script_open_as(&script, &rig, "boxed", 1);
    script_register(&script, script_registration(&rig, "second"));
    script_expect_end(&script, GF_UNAUTHENTICATED, "");
}

Test(extension_containers, its_container_is_let_in_and_counts_as_ready) {
    script_open_as(&script, &rig, "boxed", 1);
    cr_assert_eq(script_go(&script, script_registration(&rig, "boxed"), true), 1);
    cr_assert_neq(hub_rig_row(&rig, "boxed").serving.ready_time, 0);
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, script_start_run(&script, "nightly", "key"));
    cr_assert_eq(outcome->kind, RUN(STARTED));
}

Test(extension_containers, an_update_drains_the_old_one_and_loses_nothing) {
    script_open_as(&script, &rig, "boxed", 1);
    (void)script_go(&script, script_registration(&rig, "boxed"), true);
    update();
    script_open_as(&other, &rig, "boxed", 2);
    cr_assert_eq(script_go(&other, script_registration(&rig, "boxed"), false), 1);
    await_live(1);
    script_ready(&other);
    (void)script_expect(&script, MESSAGE(DRAIN));
    await_live(2);
    /* What it had begun is taken; what the new one says of the same is the same. */
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, script_start_run(&script, "nightly", "key"));
    cr_assert_eq(outcome->kind, RUN(STARTED));
    outcome = script_expect_outcome(&other, script_start_run(&other, "nightly", "key"));
    cr_assert_eq(outcome->kind, RUN(DUPLICATE));
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__Drained drained = GOFER__EXTENSION__V1__DRAINED__INIT;
    message.message_case = REQUEST(DRAINED);
    message.drained = &drained;
    script_send(&script, &message);
    cr_assert_eq(puppet_wait_stop(&rig.rig.puppet, 1).attempt.attempt, 1);
    (void)script_expect(&script, MESSAGE(SHUTDOWN));
    gf_rpc_stream_close_send(script.stream);
    script_expect_end(&script, GF_OK, "");
}

Test(extension_containers, who_has_drained_delivers_no_more) {
    script_open_as(&script, &rig, "boxed", 1);
    (void)script_go(&script, script_registration(&rig, "boxed"), true);
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__Drained drained = GOFER__EXTENSION__V1__DRAINED__INIT;
    message.message_case = REQUEST(DRAINED);
    message.drained = &drained;
    script_send(&script, &message);
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_containers, who_is_to_leave_is_not_let_in_again) {
    script_open_as(&script, &rig, "boxed", 1);
    (void)script_go(&script, script_registration(&rig, "boxed"), true);
    update();
    script_open_as(&other, &rig, "boxed", 2);
    (void)script_go(&other, script_registration(&rig, "boxed"), false);
    script_ready(&other);
    (void)script_expect(&script, MESSAGE(DRAIN));
    script_close(&script);
    script_open_as(&script, &rig, "boxed", 1);
    script_register(&script, script_registration(&rig, "boxed"));
    script_expect_end(&script, GF_ABORTED, "CONTAINER_REPLACED");
}

Test(extension_containers, a_token_ends_with_its_container) {
    script_open_as(&script, &rig, "boxed", 1);
    (void)script_go(&script, script_registration(&rig, "boxed"), true);
    puppet_exit(&rig.rig.puppet, puppet_wait_launch(&rig.rig.puppet, 1).attempt, 1);
    struct gf_error error = {0};
    from_gofer *message = NULL;
    while (gofer_extension_v1_extension_service_connect_stream_recv(
               script.stream, HUB_RIG_WAIT_MS, &rig.arena, &message, &error) == GF_OK) {
        cr_assert_not_null(message, "it does not end well");
    }
    cr_assert(error.code == GF_UNAUTHENTICATED || error.code == GF_ABORTED, "%s: %s",
              gf_code_name(error.code), error.message);
    script_close(&script);
    script_open_as(&script, &rig, "boxed", 1);
    script_expect_end(&script, GF_UNAUTHENTICATED, "TOKEN_INVALID");
}

Test(extension_containers, who_goes_away_may_come_again) {
    script_open_as(&script, &rig, "boxed", 1);
    (void)script_go(&script, script_registration(&rig, "boxed"), true);
    script_close(&script);
    script_open_as(&script, &rig, "boxed", 1);
    (void)script_go(&script, script_registration(&rig, "boxed"), true);
    const Gofer__Extension__V1__RunOutcome *outcome =
        script_expect_outcome(&script, script_start_run(&script, "nightly", "key"));
    cr_assert_eq(outcome->kind, RUN(STARTED));
}
