/* How a connection goes: who is let in, what is said, and how it ends. */
#include "tests/extension/rig.h"

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_##name
#define RUN(name) GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_##name

static struct hub_rig rig;
static struct script script;

static void setup(void) {
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "cron", "", "");
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(extension_connection, .init = setup, .fini = teardown, .timeout = 60);

Test(extension_connection, an_extension_is_welcomed_and_gets_its_subscriptions) {
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 0);
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "cron"));
    const from_gofer *welcome = script_expect(&script, MESSAGE(WELCOME));
    cr_assert_eq(welcome->welcome->protocol_major_version, 1);
    cr_assert_str_eq(welcome->welcome->gofer_version, "1.2.3");
    cr_assert_eq(welcome->welcome->window, GF_EXTENSION_WINDOW);
    cr_assert_eq(welcome->welcome->n_setting_problems, 0);
    const from_gofer *message = script_expect(&script, MESSAGE(SUBSCRIBE));
    cr_assert_str_eq(message->subscribe->subscription->subscription_id, "nightly");
    cr_assert_eq(message->subscribe->generation, 1);
    cr_assert_eq(message->subscribe->n_settings, 2);
    cr_assert_str_eq(message->subscribe->settings[0]->key, "every");
    cr_assert_str_eq(message->subscribe->settings[0]->value, "5m");
    cr_assert_str_eq(message->subscribe->settings[1]->key, "Note");
    cr_assert_str_eq(message->subscribe->settings[1]->value, "none");
    script_result(&script, message->subscribe, OUTCOME(ACCEPTED), "");
    message = script_expect(&script, MESSAGE(SUBSCRIPTIONS_COMPLETE));
    cr_assert_eq(message->subscriptions_complete->subscription_count, 1);
    (void)hub_rig_await_status(&rig, "cron", "nightly", GF_SUBSCRIPTION_ACTIVE);
}

Test(extension_connection, a_run_is_started_once_for_a_key) {
    hub_rig_subscription(&rig, GF_INPUT_CREATE_SUBSCRIPTION, "cron", "nightly", "every=5m", 0);
    cr_assert_eq(script_connect(&script, &rig, "cron"), 1);
    const int64_t first = script_start_run(&script, "nightly", "key");
    const Gofer__Extension__V1__RunOutcome *outcome = script_expect_outcome(&script, first);
    cr_assert_eq(outcome->kind, RUN(STARTED), "%s %s", outcome->reason, outcome->description);
    cr_assert_eq(outcome->run_id, 1);
    const int64_t second = script_start_run(&script, "nightly", "key");
    outcome = script_expect_outcome(&script, second);
    cr_assert_eq(outcome->kind, RUN(DUPLICATE));
    cr_assert_eq(outcome->run_id, 1);
    cr_assert_eq(hub_rig_run_count(&rig), 1);
}
