/* How a connection goes: who is let in, what must be kept to, and how it ends. */
#include "tests/extension/rig.h"

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name

static struct hub_rig rig;
static struct script script;
static struct script other;

static void setup(void) {
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "cron", "", "");
}

static void teardown(void) {
    script_close(&script);
    script_close(&other);
    hub_rig_fini(&rig);
}

TestSuite(extension_connection, .init = setup, .fini = teardown, .timeout = 60);

Test(extension_connection, an_extension_that_is_not_installed_is_told_so) {
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "unknown"));
    script_expect_end(&script, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED");
}

Test(extension_connection, a_disabled_extension_is_not_let_in) {
    hub_rig_switch(&rig, GF_INPUT_DISABLE_EXTENSION, "cron");
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "cron"));
    script_expect_end(&script, GF_PERMISSION_DENIED, "EXTENSION_DISABLED");
}

Test(extension_connection, no_common_version_of_the_protocol_is_told_with_the_servers) {
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "cron");
    registration->protocol_major_versions[0] = 2;
    script_open(&script, &rig);
    script_register(&script, registration);
    script_expect_end(&script, GF_FAILED_PRECONDITION, "PROTOCOL_VERSION");
}

Test(extension_connection, what_gofer_runs_is_not_run_by_hand) {
    hub_rig_install(&rig, "boxed", "busybox:latest", "");
    script_open(&script, &rig);
    script_register(&script, script_registration(&rig, "boxed"));
    script_expect_end(&script, GF_FAILED_PRECONDITION, "EXTENSION_HAS_IMAGE");
}

Test(extension_connection, the_first_message_is_a_registration) {
    script_open(&script, &rig);
    script_ready(&script);
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_connection, a_second_registration_ends_it) {
    (void)script_connect(&script, &rig, "cron");
    script_register(&script, script_registration(&rig, "cron"));
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_connection, a_second_ready_ends_it) {
    (void)script_connect(&script, &rig, "cron");
    script_ready(&script);
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_connection, deliveries_begin_after_ready) {
    (void)script_connect_with(&script, &rig, script_registration(&rig, "cron"), false);
    (void)script_start_run(&script, "nightly", "key");
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_connection, numbers_of_deliveries_have_no_gaps) {
    (void)script_connect(&script, &rig, "cron");
    script.sequence = 1;
    (void)script_start_run(&script, "nightly", "key");
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_connection, an_acknowledgement_of_nothing_ends_it) {
    (void)script_connect(&script, &rig, "cron");
    script_ack(&script, 1, GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE, "");
    script_expect_end(&script, GF_INVALID_ARGUMENT, "");
}

Test(extension_connection, a_newer_connection_takes_the_place) {
    (void)script_connect(&script, &rig, "cron");
    (void)script_connect(&other, &rig, "cron");
    script_expect_end(&script, GF_ABORTED, "NEWER_CONNECTION");
    struct gf_extension_live live;
    gf_extension_hub_live(rig.hub, hub_rig_row(&rig, "cron").extension_key, &live);
    cr_assert(live.ready);
    cr_assert_str_eq(live.connection_id, "c-2");
}

Test(extension_connection, it_ends_when_the_extension_is_disabled) {
    (void)script_connect(&script, &rig, "cron");
    hub_rig_switch(&rig, GF_INPUT_DISABLE_EXTENSION, "cron");
    (void)script_expect(&script, MESSAGE(SHUTDOWN));
    script_expect_end(&script, GF_PERMISSION_DENIED, "EXTENSION_DISABLED");
}

Test(extension_connection, it_ends_when_the_extension_is_uninstalled) {
    (void)script_connect(&script, &rig, "cron");
    hub_rig_switch(&rig, GF_INPUT_UNINSTALL_EXTENSION, "cron");
    script_expect_end(&script, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED");
}

Test(extension_connection, it_ends_when_the_server_stops) {
    (void)script_connect(&script, &rig, "cron");
    gf_extension_hub_stop(rig.hub);
    script_expect_end(&script, GF_UNAVAILABLE, "");
}

Test(extension_connection, who_closes_it_ends_it_well) {
    (void)script_connect(&script, &rig, "cron");
    gf_rpc_stream_close_send(script.stream);
    script_expect_end(&script, GF_OK, "");
}

Test(extension_connection, settings_are_checked_and_come_with_the_welcome) {
    hub_rig_install(&rig, "other", "", "level=high port=x unknown=1");
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "other");
    registration->n_config_parameters = 2;
    registration->config_parameters = registration->subscription_parameters;
    registration->config_parameters[0]->name = "Level";
    registration->config_parameters[0]->type = 0;
    registration->config_parameters[1]->name = "port";
    registration->config_parameters[1]->type =
        GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_INTEGER;
    registration->config_parameters[1]->default_value = "1";
    script_open(&script, &rig);
    script_register(&script, registration);
    const from_gofer *message = script_expect(&script, MESSAGE(WELCOME));
    cr_assert_eq(message->welcome->n_settings, 2);
    cr_assert_str_eq(message->welcome->settings[0]->key, "Level");
    cr_assert_str_eq(message->welcome->settings[0]->value, "high");
    cr_assert_eq(message->welcome->n_setting_problems, 2);
    cr_assert_str_eq(message->welcome->setting_problems[0]->parameter_name, "unknown");
    cr_assert_str_eq(message->welcome->setting_problems[1]->parameter_name, "port");
}

Test(extension_connection, references_are_filled_in_where_they_are_given_only) {
    hub_rig_install(&rig, "other", "", "token=global_secret{{TOKEN}}");
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "other");
    registration->n_config_parameters = 2;
    registration->config_parameters = registration->subscription_parameters;
    registration->config_parameters[0]->name = "token";
    registration->config_parameters[0]->type = 0;
    registration->config_parameters[1]->name = "sly";
    registration->config_parameters[1]->default_value = "global_secret{{TOKEN}}";
    gf_vault_fixture_put(&rig.vault, "/TOKEN", "hunter2");
    script_open(&script, &rig);
    script_register(&script, registration);
    const from_gofer *message = script_expect(&script, MESSAGE(WELCOME));
    cr_assert_eq(message->welcome->n_setting_problems, 0);
    cr_assert_str_eq(message->welcome->settings[0]->value, "hunter2");
    cr_assert_str_eq(message->welcome->settings[1]->value, "global_secret{{TOKEN}}");
}

Test(extension_connection, a_broken_reference_is_told_by_the_name_that_is_declared) {
    hub_rig_install(&rig, "other", "", "token=global_secret{{TOKEN}}");
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "other");
    registration->n_config_parameters = 1;
    registration->config_parameters = registration->subscription_parameters;
    registration->config_parameters[0]->name = "Token";
    registration->config_parameters[0]->type = 0;
    script_open(&script, &rig);
    script_register(&script, registration);
    const from_gofer *message = script_expect(&script, MESSAGE(WELCOME));
    cr_assert_eq(message->welcome->n_setting_problems, 1);
    cr_assert_str_eq(message->welcome->setting_problems[0]->parameter_name, "Token");
    cr_assert_not_null(strstr(message->welcome->setting_problems[0]->description, "{{TOKEN}}"));
}

Test(extension_connection, what_it_says_of_itself_is_stored) {
    (void)script_connect(&script, &rig, "cron");
    const struct gf_extension row = hub_rig_row(&rig, "cron");
    cr_assert_gt(row.registration.len, 0);
}

Test(extension_connection, objects_are_not_kept_and_it_says_so) {
    (void)script_connect(&script, &rig, "cron");
    to_gofer message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    Gofer__Extension__V1__ObjectRequest request = GOFER__EXTENSION__V1__OBJECT_REQUEST__INIT;
    request.request_id = "a";
    request.key = "k";
    request.operation_case = GOFER__EXTENSION__V1__OBJECT_REQUEST__OPERATION_GET;
    request.get = true;
    message.message_case = REQUEST(OBJECT_REQUEST);
    message.object_request = &request;
    script_send(&script, &message);
    const from_gofer *answer = script_expect(&script, MESSAGE(OBJECT_RESPONSE));
    cr_assert_eq(answer->object_response->outcome,
                 GOFER__EXTENSION__V1__OBJECT_OUTCOME__OBJECT_OUTCOME_UNSUPPORTED);
    cr_assert_str_eq(answer->object_response->request_id, "a");
}
