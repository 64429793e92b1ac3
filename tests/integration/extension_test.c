/* ExtensionService: what is installed, how it fares, and every error that it promises. */
#include "gofer/v1/secret.gofer.h"
#include "tests/integration/extension.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(extension, .init = client_setup, .fini = client_teardown, .timeout = 60);

#define POLICY(name) GOFER__V1__EXTENSION_UPDATE_POLICY__EXTENSION_UPDATE_POLICY_##name

typedef Gofer__V1__InstallExtensionRequest install_request;
typedef Gofer__V1__InstallExtensionRequest__SettingsEntry install_setting;

static Gofer__V1__Extension *installed; /* by the last call that succeeded */

static enum gf_code call_install(const install_request *request) {
    Gofer__V1__InstallExtensionResponse *response = NULL;
    memset(&error, 0, sizeof(error));
    const enum gf_code rc = gofer_v1_extension_service_install_extension(
        harness.channel, NULL, request, &arena, &response, &error);
    installed = rc == GF_OK ? response->extension : NULL;
    return rc;
}

static enum gf_code install_with(char *name, char *value) {
    install_request request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    install_setting entry = GOFER__V1__INSTALL_EXTENSION_REQUEST__SETTINGS_ENTRY__INIT;
    install_setting *entries[] = {&entry};
    request.extension_id = "cron";
    entry.key = name;
    entry.value = value;
    request.settings = entries;
    request.n_settings = 1;
    return call_install(&request);
}

static bool changed; /* by the last update or switch */

static enum gf_code call_update(const Gofer__V1__UpdateExtensionRequest *request) {
    Gofer__V1__UpdateExtensionResponse *response = NULL;
    memset(&error, 0, sizeof(error));
    const enum gf_code rc = gofer_v1_extension_service_update_extension(
        harness.channel, NULL, request, &arena, &response, &error);
    if (rc == GF_OK) {
        installed = response->extension;
        changed = response->changed;
    }
    return rc;
}

static enum gf_code update_settings(char *name, char *value) {
    Gofer__V1__UpdateExtensionRequest request = GOFER__V1__UPDATE_EXTENSION_REQUEST__INIT;
    Gofer__V1__ExtensionSettings settings = GOFER__V1__EXTENSION_SETTINGS__INIT;
    Gofer__V1__ExtensionSettings__SettingsEntry entry =
        GOFER__V1__EXTENSION_SETTINGS__SETTINGS_ENTRY__INIT;
    Gofer__V1__ExtensionSettings__SettingsEntry *entries[] = {&entry};
    request.extension_id = "cron";
    request.settings = &settings;
    settings.settings = entries;
    settings.n_settings = 1;
    entry.key = name;
    entry.value = value;
    return call_update(&request);
}

static enum gf_code call_get(char *extension_id) {
    Gofer__V1__GetExtensionRequest request = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
    Gofer__V1__GetExtensionResponse *response = NULL;
    request.extension_id = extension_id;
    return gofer_v1_extension_service_get_extension(harness.channel, NULL, &request, &arena,
                                                    &response, &error);
}

static enum gf_code disable(char *extension_id) {
    Gofer__V1__DisableExtensionRequest request = GOFER__V1__DISABLE_EXTENSION_REQUEST__INIT;
    Gofer__V1__DisableExtensionResponse *response = NULL;
    request.extension_id = extension_id;
    const enum gf_code rc = gofer_v1_extension_service_disable_extension(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        installed = response->extension;
        changed = response->changed;
    }
    return rc;
}

static enum gf_code enable(char *extension_id) {
    Gofer__V1__EnableExtensionRequest request = GOFER__V1__ENABLE_EXTENSION_REQUEST__INIT;
    Gofer__V1__EnableExtensionResponse *response = NULL;
    request.extension_id = extension_id;
    const enum gf_code rc = gofer_v1_extension_service_enable_extension(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        installed = response->extension;
        changed = response->changed;
    }
    return rc;
}

static enum gf_code uninstall(char *extension_id, bool force, int64_t *out_count) {
    Gofer__V1__UninstallExtensionRequest request = GOFER__V1__UNINSTALL_EXTENSION_REQUEST__INIT;
    Gofer__V1__UninstallExtensionResponse *response = NULL;
    request.extension_id = extension_id;
    request.force = force;
    const enum gf_code rc = gofer_v1_extension_service_uninstall_extension(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out_count = response->subscription_count;
    }
    return rc;
}

static void put_secret(char *key, char *value) {
    Gofer__V1__PutGlobalSecretRequest request = GOFER__V1__PUT_GLOBAL_SECRET_REQUEST__INIT;
    Gofer__V1__PutGlobalSecretResponse *response = NULL;
    char *elsewhere = "team-*"; /* whose pipelines may use it; extensions are none */
    request.key = key;
    Gofer__V1__SecretValue secret = GOFER__V1__SECRET_VALUE__INIT;
    secret.form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    secret.plaintext.data = (uint8_t *)value;
    secret.plaintext.len = strlen(value);
    request.value = &secret;
    request.namespaces = &elsewhere;
    request.n_namespaces = 1;
    cr_assert_eq(gofer_v1_secret_service_put_global_secret(harness.channel, NULL, &request, &arena,
                                                           &response, &error),
                 GF_OK, "%s", error.message);
}

/* ---- installing ---- */

Test(extension, one_that_is_run_by_hand_waits_for_its_program) {
    const Gofer__V1__Extension *cron = install("cron", "");
    cr_expect_str_eq(cron->extension_id, "cron");
    cr_expect_eq(cron->status, GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_ENABLED);
    cr_expect_eq(cron->state, STATE(EXITED));
    cr_expect_str_eq(cron->state_reason, "it is run by hand, and is not connected");
    cr_expect_eq(cron->update_policy, POLICY(NEVER));
    cr_expect_not_null(cron->create_time);
    cr_expect_str_eq(cron->protocol_version, "");
    cr_expect_null(cron->connect_time);
}

Test(extension, connected_one_tells_what_it_is) {
    struct extension program;
    (void)install("cron", "");
    extension_start(&program, harness.channel, "cron");
    const Gofer__V1__Extension *cron = get_extension("cron");
    cr_expect_eq(cron->state, STATE(RUNNING));
    cr_expect_str_eq(cron->state_reason, "");
    cr_expect_str_eq(cron->version, "1.4.2");
    cr_expect_str_eq(cron->sdk_version, "by-hand/1");
    cr_expect_str_eq(cron->protocol_version, "1.0");
    cr_expect_str_eq(cron->documentation, "# What it does");
    cr_expect_eq(cron->n_config_parameters, 2);
    cr_expect_eq(cron->n_subscription_parameters, 2);
    cr_expect_not_null(cron->connect_time);
    Gofer__V1__ListExtensionsRequest request = GOFER__V1__LIST_EXTENSIONS_REQUEST__INIT;
    Gofer__V1__ListExtensionsResponse *list = NULL;
    cr_assert_eq(gofer_v1_extension_service_list_extensions(harness.channel, NULL, &request, &arena,
                                                            &list, &error),
                 GF_OK);
    cr_assert_eq(list->n_extensions, 1);
    cr_expect_str_eq(list->extensions[0]->documentation, "");
    extension_stop(&program);
    cron = await_state("cron", STATE(EXITED));
    cr_expect_str_eq(cron->version, "1.4.2", "what it said stays");
}

Test(extension, second_of_the_name_is_refused_with_what_is_meant) {
    (void)install("cron", "");
    install_request request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    request.extension_id = "cron";
    expect_error(call_install(&request), GF_ALREADY_EXISTS, "",
                 "extension 'cron' is installed: update it instead");
}

Test(extension, repeated_install_answers_with_the_first_outcome) {
    install_request request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    install_setting entry = GOFER__V1__INSTALL_EXTENSION_REQUEST__SETTINGS_ENTRY__INIT;
    install_setting *entries[] = {&entry};
    request.extension_id = "cron";
    request.request_id = "one";
    request.settings = entries;
    request.n_settings = 1;
    entry.key = "Zone";
    entry.value = "UTC";
    cr_assert_eq(call_install(&request), GF_OK, "%s", error.message);
    entry.key = "zone";
    cr_assert_eq(call_install(&request), GF_OK, "the same but for case: %s", error.message);
    cr_assert_str_eq(installed->extension_id, "cron");
    entry.value = "Europe/Berlin";
    cr_assert_eq(call_install(&request), GF_FAILED_PRECONDITION, "another question");
    cr_assert_str_eq(error.reason, "REQUEST_ID_REUSED");
    int64_t count = 0;
    cr_assert_eq(uninstall("cron", false, &count), GF_OK);
    (void)install("cron", "");
    entry.value = "UTC";
    cr_assert_eq(call_install(&request), GF_NOT_FOUND, "that one was uninstalled");
}

Test(extension, bad_requests_name_their_field) {
    install_request request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    request.extension_id = "a b";
    cr_expect_eq(call_install(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "extension_id");
    request.extension_id = "cron";
    request.network = "moon";
    expect_error(call_install(&request), GF_INVALID_ARGUMENT, "network",
                 "'moon' is no network, expected none, bridge or host");
    request.network = "";
    request.update_policy = (Gofer__V1__ExtensionUpdatePolicy)77;
    expect_error(call_install(&request), GF_INVALID_ARGUMENT, "update_policy", "77 is no policy");
    request.update_policy = POLICY(UNSPECIFIED);
    request.request_id = "not good";
    cr_expect_eq(call_install(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "request_id");
    request.request_id = "";
    Gofer__V1__RegistryAuth auth = GOFER__V1__REGISTRY_AUTH__INIT;
    request.registry_auth = &auth;
    auth.secret_key = "some-key";
    cr_expect_eq(call_install(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "registry_auth.secret_key");
    auth.secret_key = "";
    auth.password = "secret";
    cr_expect_eq(call_install(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "registry_auth.user");
    auth.user = "puller";
    auth.password = "pipeline_secret{{KEY}}";
    cr_expect_eq(call_install(&request), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "registry_auth.password");
    request.registry_auth = NULL;
    char *role = "nobody";
    request.role_ids = &role;
    request.n_role_ids = 1;
    cr_expect_eq(call_install(&request), GF_NOT_FOUND);
    cr_expect_str_eq(error.field, "role_ids[0]");
    role = "bootstrap";
    cr_expect_eq(call_install(&request), GF_PERMISSION_DENIED);
}

/* ---- settings ---- */

Test(extension, settings_that_may_be_secrets_are_not_shown) {
    struct extension program;
    cr_assert_eq(install_with("KEY", "hunter2"), GF_OK, "%s", error.message);
    cr_assert_eq(installed->n_settings, 1);
    cr_expect_str_eq(installed->settings[0]->key, "key");
    cr_expect_str_eq(installed->settings[0]->value, "***", "nothing is declared yet");
    extension_start(&program, harness.channel, "cron");
    cr_expect_str_eq(program.config_key, "hunter2");
    cr_expect_str_eq(get_extension("cron")->settings[0]->value, "***", "it is a secret");
    cr_assert_eq(update_settings("ZONE", "UTC"), GF_OK, "%s", error.message);
    cr_expect(changed);
    cr_expect_str_eq(installed->settings[0]->key, "Zone", "as it is declared");
    cr_expect_str_eq(installed->settings[0]->value, "UTC");
    extension_wait(&program); /* it is to come again for its new settings */
}

Test(extension, settings_are_held_against_the_declaration) {
    struct extension program;
    (void)install("cron", "");
    extension_start(&program, harness.channel, "cron");
    cr_expect_eq(update_settings("zone", "Mars/Olympus"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings.settings[\"Zone\"]");
    cr_expect_eq(update_settings("colour", "red"), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "settings.settings[\"colour\"]");
    cr_expect_eq(update_settings("key", "***"), GF_INVALID_ARGUMENT);
    extension_stop(&program);
}

Test(extension, references_must_lead_somewhere) {
    cr_expect_eq(install_with("key", "global_secret{{nowhere}}"), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REFERENCE_BROKEN");
    cr_expect_str_eq(error.field, "settings[\"key\"]");
    cr_expect_eq(install_with("key", "pipeline_secret{{one}}"), GF_INVALID_ARGUMENT);
    struct extension program;
    put_secret("somewhere", "hunter2");
    cr_assert_eq(install_with("key", "global_secret{{somewhere}}"), GF_OK, "%s", error.message);
    cr_expect_str_eq(installed->settings[0]->value, "global_secret{{somewhere}}");
    extension_start(&program, harness.channel, "cron");
    cr_expect_str_eq(program.config_key, "hunter2");
    extension_stop(&program);
}

/* ---- updating ---- */

Test(extension, update_that_changes_nothing_says_so) {
    Gofer__V1__UpdateExtensionRequest request = GOFER__V1__UPDATE_EXTENSION_REQUEST__INIT;
    cr_assert_eq(install_with("zone", "UTC"), GF_OK);
    request.extension_id = "cron";
    cr_assert_eq(call_update(&request), GF_OK, "%s", error.message);
    cr_expect_not(changed, "it has no image");
    cr_assert_eq(update_settings("Zone", "UTC"), GF_OK);
    cr_expect_not(changed);
    request.update_policy = POLICY(MINOR);
    cr_assert_eq(call_update(&request), GF_OK);
    cr_expect(changed);
    cr_expect_eq(installed->update_policy, POLICY(MINOR));
    cr_assert_eq(call_update(&request), GF_OK);
    cr_expect_not(changed);
    Gofer__V1__ExtensionRoles roles = GOFER__V1__EXTENSION_ROLES__INIT;
    char *role = "reader";
    roles.role_ids = &role;
    roles.n_role_ids = 1;
    request.roles = &roles;
    cr_assert_eq(call_update(&request), GF_OK, "%s", error.message);
    cr_expect(changed);
    cr_expect_eq(installed->n_role_ids, 1);
    roles.n_role_ids = 0;
    cr_assert_eq(call_update(&request), GF_OK);
    cr_expect(changed, "none is another list than no change");
    cr_expect_eq(installed->n_role_ids, 0);
}

Test(extension, update_of_nothing_is_not_found) {
    Gofer__V1__UpdateExtensionRequest request = GOFER__V1__UPDATE_EXTENSION_REQUEST__INIT;
    request.extension_id = "cron";
    expect_error(call_update(&request), GF_NOT_FOUND, "", "extension 'cron' is not installed");
    cr_expect_str_eq(error.reason, "EXTENSION_NOT_INSTALLED");
    cr_expect_eq(call_get("cron"), GF_NOT_FOUND);
    cr_expect_eq(enable("cron"), GF_NOT_FOUND);
    cr_expect_eq(disable("cron"), GF_NOT_FOUND);
    int64_t count = 0;
    cr_expect_eq(uninstall("cron", false, &count), GF_NOT_FOUND);
}

/* ---- switches ---- */

Test(extension, disabled_one_loses_its_connection_and_may_not_come_back) {
    struct extension program;
    (void)install("cron", "");
    extension_start(&program, harness.channel, "cron");
    cr_assert_eq(disable("cron"), GF_OK);
    cr_expect(changed);
    cr_expect_eq(installed->status, GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_DISABLED);
    extension_wait(&program);
    cr_expect_eq(program.end, GF_PERMISSION_DENIED);
    const Gofer__V1__Extension *cron = await_state("cron", STATE(EXITED));
    cr_expect_str_eq(cron->state_reason, "it is disabled");
    cr_assert_eq(disable("cron"), GF_OK);
    cr_expect_not(changed);
    cr_assert_eq(enable("cron"), GF_OK);
    cr_expect(changed);
    cr_assert_eq(enable("cron"), GF_OK);
    cr_expect_not(changed);
    extension_start(&program, harness.channel, "cron");
    extension_stop(&program);
}

/* ---- uninstalling ---- */

Test(extension, one_with_subscriptions_goes_by_force_alone) {
    int64_t count = 0;
    (void)install("cron", "");
    (void)up("simple", "one");
    cr_assert_eq(subscribe("cron", "nightly", NULL, "every", "5m", NULL), GF_OK, "%s",
                 error.message);
    cr_expect_eq(uninstall("cron", false, &count), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "HAS_SUBSCRIPTIONS");
    cr_assert_eq(uninstall("cron", true, &count), GF_OK);
    cr_expect_eq(count, 1);
    cr_expect_eq(call_get("cron"), GF_NOT_FOUND);
    cr_expect_eq(uninstall("cron", true, &count), GF_NOT_FOUND);
}

Test(extension, watchers_learn_of_the_end) {
    Gofer__V1__WatchExtensionRequest request = GOFER__V1__WATCH_EXTENSION_REQUEST__INIT;
    Gofer__V1__WatchExtensionResponse *response = NULL;
    struct gf_rpc_stream *stream = NULL;
    int64_t count = 0;
    (void)install("cron", "");
    request.extension_id = "cron";
    cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_open(harness.channel, NULL,
                                                                        &request, &stream, &error),
                 GF_OK);
    cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                        &response, &error),
                 GF_OK);
    cr_expect_str_eq(response->extension->extension_id, "cron");
    cr_assert_eq(disable("cron"), GF_OK);
    cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                        &response, &error),
                 GF_OK);
    cr_expect_eq(response->extension->status,
                 GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_DISABLED);
    cr_assert_eq(uninstall("cron", false, &count), GF_OK);
    cr_assert_eq(gofer_v1_extension_service_watch_extension_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                        &response, &error),
                 GF_NOT_FOUND);
    gf_rpc_stream_destroy(stream);
}

/* ---- containers ---- */

Test(extension, container_that_ends_is_started_again_after_a_while) {
    const Gofer__V1__Extension *cron = install("cron", "busybox:latest");
    cr_expect_str_eq(cron->image, "busybox:latest");
    cron = await_state("cron", STATE(BACKING_OFF)); /* the programs of this scheduler end at once */
    cr_expect_gt(cron->restart_count, 0);
    cr_expect_not_null(cron->next_start_time);
    cr_expect_str_neq(cron->state_reason, "");
    cr_assert_eq(disable("cron"), GF_OK);
    (void)await_state("cron", STATE(EXITED));
}

/* ---- debugging ---- */

static Gofer__V1__GetExtensionDebugInfoResponse *debug_info;

static enum gf_code get_debug_info(void) {
    Gofer__V1__GetExtensionDebugInfoRequest request =
        GOFER__V1__GET_EXTENSION_DEBUG_INFO_REQUEST__INIT;
    request.extension_id = "cron";
    return gofer_v1_extension_service_get_extension_debug_info(harness.channel, NULL, &request,
                                                               &arena, &debug_info, &error);
}

Test(extension, debug_info_is_what_it_says_and_what_gofer_knows) {
    struct extension program;
    cr_expect_eq(get_debug_info(), GF_NOT_FOUND);
    (void)install("cron", "");
    cr_expect_eq(get_debug_info(), GF_UNAVAILABLE);
    extension_start(&program, harness.channel, "cron");
    cr_assert_eq(get_debug_info(), GF_OK, "%s", error.message);
    cr_expect_str_eq(debug_info->info, "two wheels, both turning");
    cr_expect_gt(debug_info->n_metrics, 0);
    for (size_t i = 1; i < debug_info->n_metrics; i++) {
        cr_expect_leq(strcmp(debug_info->metrics[i - 1]->name, debug_info->metrics[i]->name), 0);
    }
    extension_stop(&program);
}

/* ---- reports ---- */

static Gofer__V1__ListExtensionReportsResponse *reports;

static enum gf_code list_reports(char *extension_id, int64_t run_id, char *page_token) {
    Gofer__V1__ListExtensionReportsRequest request =
        GOFER__V1__LIST_EXTENSION_REPORTS_REQUEST__INIT;
    Gofer__V1__RunReference run = GOFER__V1__RUN_REFERENCE__INIT;
    request.extension_id = extension_id;
    request.page_size = 1;
    request.page_token = page_token;
    run.pipeline_id = "simple";
    run.run_id = run_id;
    request.run = run_id == 0 ? NULL : &run;
    return gofer_v1_extension_service_list_extension_reports(harness.channel, NULL, &request,
                                                             &arena, &reports, &error);
}

Test(extension, reports_are_listed_by_extension_and_by_run) {
    struct extension program;
    (void)install("cron", "");
    (void)up("simple", "one");
    const int64_t run_id = start_run("simple")->run_id;
    expect_error(list_reports("", 0, ""), GF_INVALID_ARGUMENT, "extension_id",
                 "an extension or a run must be named");
    cr_expect_eq(list_reports("other", 0, ""), GF_NOT_FOUND);
    cr_expect_eq(list_reports("", 4711, ""), GF_NOT_FOUND);
    extension_start(&program, harness.channel, "cron");
    extension_report(&program, "first", "said hello", 0);
    extension_report(&program, "second", "set a check", run_id);
    do {
        cr_assert_eq(list_reports("cron", 0, ""), GF_OK, "%s", error.message);
    } while (reports->n_reports == 0 || strcmp(reports->reports[0]->report_id, "second") != 0);
    cr_expect_eq(reports->reports[0]->run->run_id, run_id);
    cr_expect_str_eq(reports->reports[0]->extension_id, "cron");
    cr_assert_str_neq(reports->next_page_token, "");
    cr_assert_eq(list_reports("cron", 0, reports->next_page_token), GF_OK);
    cr_assert_eq(reports->n_reports, 1);
    cr_expect_str_eq(reports->reports[0]->title, "said hello");
    cr_expect_null(reports->reports[0]->run);
    cr_expect_str_eq(reports->next_page_token, "");
    cr_assert_eq(list_reports("", run_id, ""), GF_OK);
    cr_assert_eq(reports->n_reports, 1);
    cr_expect_str_eq(reports->reports[0]->report_id, "second");
    cr_expect_eq(list_reports("cron", 0, "nonsense"), GF_INVALID_ARGUMENT);
    extension_stop(&program);
}

/* ---- dead letters ---- */

Test(extension, dead_letters_that_are_not_there) {
    Gofer__V1__ListDeadLettersRequest list = GOFER__V1__LIST_DEAD_LETTERS_REQUEST__INIT;
    Gofer__V1__ListDeadLettersResponse *listed = NULL;
    Gofer__V1__GetDeadLetterRequest get = GOFER__V1__GET_DEAD_LETTER_REQUEST__INIT;
    Gofer__V1__GetDeadLetterResponse *got = NULL;
    Gofer__V1__ReplayDeadLettersRequest replay = GOFER__V1__REPLAY_DEAD_LETTERS_REQUEST__INIT;
    Gofer__V1__ReplayDeadLettersResponse *replayed = NULL;
    Gofer__V1__DeleteDeadLettersRequest delete = GOFER__V1__DELETE_DEAD_LETTERS_REQUEST__INIT;
    Gofer__V1__DeleteDeadLettersResponse *deleted = NULL;
    list.extension_id = get.extension_id = replay.extension_id = delete.extension_id = "cron";
    cr_expect_eq(gofer_v1_extension_service_list_dead_letters(harness.channel, NULL, &list, &arena,
                                                              &listed, &error),
                 GF_NOT_FOUND);
    (void)install("cron", "");
    cr_assert_eq(gofer_v1_extension_service_list_dead_letters(harness.channel, NULL, &list, &arena,
                                                              &listed, &error),
                 GF_OK);
    cr_expect_eq(listed->n_dead_letters, 0);
    static char *const ids[] = {"7", "seven", ""};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        get.dead_letter_id = ids[i];
        cr_expect_eq(gofer_v1_extension_service_get_dead_letter(harness.channel, NULL, &get, &arena,
                                                                &got, &error),
                     GF_NOT_FOUND);
    }
    cr_assert_eq(gofer_v1_extension_service_replay_dead_letters(harness.channel, NULL, &replay,
                                                                &arena, &replayed, &error),
                 GF_OK);
    cr_expect_eq(replayed->replayed_count, 0);
    cr_expect_eq(gofer_v1_extension_service_delete_dead_letters(harness.channel, NULL, &delete,
                                                                &arena, &deleted, &error),
                 GF_INVALID_ARGUMENT, "which ones must be said");
    char *id = "7";
    delete.dead_letter_ids = &id;
    delete.n_dead_letter_ids = 1;
    cr_assert_eq(gofer_v1_extension_service_delete_dead_letters(harness.channel, NULL, &delete,
                                                                &arena, &deleted, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(deleted->deleted_count, 0);
}
