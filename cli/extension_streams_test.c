/* What commands of extensions do with streams: dialogs, watching, waiting and logs. */
#include "cli/cmd/commands.h"
#include "cli/testing/fake_server.h"
#include "cli/testing/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const struct gf_command *const items[] = {
    &gf_cmd_extension_install, &gf_cmd_extension_logs,     &gf_cmd_extension_update,
    &gf_cmd_extension_watch,   &gf_cmd_pipeline_subscribe,
};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;
static struct gf_fake_server fake;
static const char *variables[] = {"GOFER_HOST", fake.address, NULL};

#define MESSAGES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BEGIN(...)                                                                                 \
    const struct gf_fake_answer answers[] = {__VA_ARGS__};                                         \
    gf_fake_server_start(&fake, answers, GF_ARRAY_COUNT(answers));                                 \
    gf_fixture_init(&fixture, &set, variables)

/* The answers are on the stack of the test: its last line. */
static void end(void) {
    gf_fixture_fini(&fixture);
    gf_fake_server_stop(&fake);
}

TestSuite(extension_streams, .timeout = 30);

static enum gf_exit_code run(const char *line) {
    gf_fixture_reset(&fixture);
    return gf_fixture_run(&fixture, line);
}

static void expect_said(const char *text) {
    cr_expect_not_null(strstr(fixture.err, text), "%s is not in %s", text, fixture.err);
}

static void expect_request(const char *method, size_t index, const char *json) {
    cr_expect_str_eq(gf_fake_request_at(&fake, method, index), json);
}

/* ---- Dialogs ---- */

#define QUESTION_ZONE                                                                              \
    "{\"question\": {\"parameterName\": \"time_zone\", \"text\": \"Which?\", \"defaultAnswer\": "  \
    "\"UTC\"}}"
#define QUESTION_CHOICE                                                                            \
    "{\"question\": {\"parameterName\": \"overlap\", \"text\": \"And?\", \"choices\": "            \
    "[\"allow\", \"queue\"], \"errorDescription\": \"try again\"}}"

Test(extension_streams, an_installer_asks_and_what_comes_out_is_installed) {
    BEGIN({.method = "RunExtensionInstaller",
           .messages = MESSAGES(GF_FAKE_AWAIT, "{\"text\": \"hello\\u001b\"}", QUESTION_ZONE,
                                GF_FAKE_AWAIT, QUESTION_CHOICE, GF_FAKE_AWAIT,
                                "{\"settings\": {\"settings\": {\"time_zone\": \"UTC\", "
                                "\"overlap\": \"queue\"}}}")},
          {.method = "InstallExtension",
           .json = "{\"extension\": {\"extensionId\": \"cron\", \"image\": \"cron:1\"}}"});
    gf_fixture_input(&fixture, "\n2\n");
    cr_assert_eq(run("extension install cron cron:1 -i -s Overlap=allow --registry-user me "
                     "--registry-password-secret key"),
                 GF_EXIT_OK, "%s", fixture.err);
    expect_said("hello?\nWhich?\ntime_zone [UTC]: \ntry again\nAnd?\n  1) allow\n  2) queue\n"
                "overlap: \n");
    static const char login[] = "\"registryAuth\":{\"user\":\"me\",\"password\":"
                                "\"global_secret{{key}}\"}";
    expect_request("RunExtensionInstaller", 0,
                   "{\"start\":{\"image\":\"cron:1\",\"registryAuth\":{\"user\":\"me\","
                   "\"password\":\"global_secret{{key}}\"}}}");
    expect_request("RunExtensionInstaller", 1, "{\"reply\":{}}");
    expect_request("RunExtensionInstaller", 2, "{\"reply\":{\"text\":\"queue\"}}");
    const char *request = gf_fake_request(&fake, "InstallExtension");
    cr_expect_not_null(strstr(request, login), "%s", request);
    cr_expect_not_null(strstr(request, "\"time_zone\":\"UTC\""), "%s", request);
    cr_expect_not_null(strstr(request, "\"allow\""), "the command line counts: %s", request);
    end();
}

Test(extension_streams, a_configurator_leads_to_a_subscription) {
    BEGIN({.method = "RunSubscriptionConfigurator",
           .messages = MESSAGES(GF_FAKE_AWAIT, QUESTION_ZONE, GF_FAKE_AWAIT,
                                "{\"settings\": {\"settings\": {\"time_zone\": \"CET\"}}}")},
          {.method = "CreateSubscription",
           .json =
               "{\"subscription\": {\"pipelineId\": \"simple\", \"extensionId\": \"cron\", "
               "\"subscriptionId\": \"nightly\", \"status\": \"SUBSCRIPTION_STATUS_ACTIVE\"}}"});
    gf_fixture_input(&fixture, "CET\n");
    cr_assert_eq(run("pipeline subscribe simple cron nightly -i"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("RunSubscriptionConfigurator", 0,
                   "{\"start\":{\"namespaceId\":\"default\",\"pipelineId\":\"simple\","
                   "\"extensionId\":\"cron\"}}");
    expect_request("RunSubscriptionConfigurator", 1, "{\"reply\":{\"text\":\"CET\"}}");
    expect_request("CreateSubscription", 0,
                   "{\"namespaceId\":\"default\",\"pipelineId\":\"simple\",\"extensionId\":"
                   "\"cron\",\"subscriptionId\":\"nightly\",\"settings\":{\"time_zone\":\"CET\"}}");
    end();
}

Test(extension_streams, a_dialog_that_does_not_end_well_installs_nothing) {
    BEGIN({.method = "RunExtensionInstaller",
           .messages = MESSAGES(GF_FAKE_AWAIT),
           .code = GF_INVALID_ARGUMENT,
           .field = "image",
           .message = "no such thing"},
          {.method = "RunExtensionInstaller", .messages = MESSAGES(GF_FAKE_AWAIT, QUESTION_ZONE)},
          {.method = "RunExtensionInstaller",
           .messages = MESSAGES(GF_FAKE_AWAIT, QUESTION_ZONE, GF_FAKE_AWAIT)});
    gf_fixture_input(&fixture, "CET\n");
    cr_expect_eq(run("extension install cron cron:1 -i"), GF_EXIT_FAILED);
    expect_said("gofer: image: no such thing\n");
    cr_expect_neq(run("extension install cron cron:1 -i"), GF_EXIT_OK);
    gf_fixture_input(&fixture, "");
    cr_expect_neq(run("extension install cron cron:1 -i"), GF_EXIT_OK);
    expect_said("the dialog was broken off: there was no answer");
    cr_expect_str_eq(gf_fake_request(&fake, "InstallExtension"), "");
    end();
}

/* ---- Registries ---- */

Test(extension_streams, passwords_of_registries_come_unseen) {
    BEGIN({.method = "UpdateExtension", .json = "{\"extension\": {\"extensionId\": \"cron\"}}"});
    gf_fixture_input(&fixture, "from a pipe\n");
    cr_assert_eq(run("extension update cron --registry-user me"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("UpdateExtension", 0,
                   "{\"extensionId\":\"cron\",\"registryAuth\":{\"user\":\"me\",\"password\":"
                   "\"from a pipe\"}}");
    cr_expect_eq(run("extension update cron --registry-password-secret key"), GF_EXIT_USAGE);
    expect_said("--registry-password-secret needs --registry-user");
    cr_expect_eq(run("extension update cron --registry-user me --registry-password-secret key "
                     "--registry-password-file f"),
                 GF_EXIT_USAGE);
    cr_expect_eq(run("extension install cron cron:1 -i --registry-user me"), GF_EXIT_USAGE);
    expect_said("standard input has the answers");
    end();
}

/* ---- Watching and waiting ---- */

#define CRON(rest) "{\"extension\": {\"extensionId\": \"cron\"" rest "}}"
#define RUNNING ", \"state\": \"EXTENSION_STATE_RUNNING\""
#define AT(field, second) ", \"" field "\": \"2026-01-01T00:00:0" second "Z\""

Test(extension_streams, changes_are_shown_through_a_restart_of_the_server) {
    BEGIN({.method = "WatchExtension",
           .messages = MESSAGES(CRON(", \"state\": \"EXTENSION_STATE_STARTING\""), CRON(RUNNING)),
           .code = GF_UNAVAILABLE},
          {.method = "WatchExtension",
           .messages = MESSAGES(CRON(", \"state\": \"EXTENSION_STATE_BACKING_OFF\", "
                                     "\"stateReason\": \"exit code 1\"")),
           .code = GF_NOT_FOUND,
           .message = "extension 'cron' is not installed"});
    cr_expect_eq(run("extension watch cron"), GF_EXIT_NOT_FOUND);
    cr_expect_str_eq(fixture.out, "cron\tSTARTING\t-\t-\t0\t0\t0\t-\n"
                                  "cron\tRUNNING\t-\t-\t0\t0\t0\t-\n"
                                  "cron\tBACKING_OFF\t-\t-\t0\t0\t0\t-\n  exit code 1\n");
    expect_said("gofer: extension 'cron' is not installed\n");
    end();
}

#define UPDATED                                                                                    \
    "{\"extension\": {\"extensionId\": \"cron\"" AT("updateTime", "5") "}, \"changed\": true}"

Test(extension_streams, an_update_is_over_when_its_successor_is_connected) {
    BEGIN({.method = "UpdateExtension", .json = UPDATED},
          {.method = "WatchExtension",
           .messages = MESSAGES(
               CRON(RUNNING AT("updateTime", "5") AT("connectTime", "1")),
               CRON(RUNNING AT("updateTime", "5") AT("connectTime", "6") ", \"version\": \"2\""))},
          {.method = "WatchExtension",
           .messages = MESSAGES(CRON(RUNNING AT("updateTime", "6") AT(
               "connectTime", "1") ", \"stateReason\": \"given up: no image\""))},
          {.method = "WatchExtension",
           .messages = MESSAGES(CRON(RUNNING AT("updateTime", "5") AT(
               "connectTime", "6") ", \"health\": \"EXTENSION_HEALTH_FAILED\", "
                                   "\"healthDescription\": \"no zone\""))});
    cr_assert_eq(run("extension update cron cron:2 --wait"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "extension cron is being updated\n");
    expect_said("extension cron runs: version 2\n");
    cr_expect_eq(run("extension update cron cron:2 --wait -o name"), GF_EXIT_FAILED);
    expect_said("gofer: extension 'cron' is as it was: given up: no image\n");
    cr_expect_eq(run("extension update cron cron:2 --wait"), GF_EXIT_FAILED);
    expect_said("gofer: extension 'cron' runs, but does not work: no zone\n");
    /* Nothing starts anew for this: there is nothing to wait for. */
    cr_expect_eq(run("extension update cron --role ops --wait"), GF_EXIT_OK);
    end();
}

/* ---- Logs ---- */

Test(extension_streams, logs_go_on_where_they_were_when_the_server_is_back) {
    BEGIN({.method = "FollowExtensionLogs",
           .messages = MESSAGES("{\"chunks\": [{\"content\": \"b25lCg==\"}], \"resumeToken\": "
                                "\"t1\"}"),
           .code = GF_UNAVAILABLE},
          {.method = "FollowExtensionLogs",
           .messages = MESSAGES("{\"chunks\": [{\"content\": \"dHdvCg==\", \"droppedBytes\": "
                                "\"7\"}], \"resumeToken\": \"t2\"}")},
          {.method = "FollowExtensionLogs",
           .code = GF_INVALID_ARGUMENT,
           .field = "resume_token",
           .message = "nonsense"});
    cr_assert_eq(run("extension logs cron --follow"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "one\ntwo\n");
    expect_said("7 bytes are missing here");
    expect_request("FollowExtensionLogs", 0, "{\"extensionId\":\"cron\"}");
    expect_request("FollowExtensionLogs", 1, "{\"extensionId\":\"cron\",\"resumeToken\":\"t1\"}");
    cr_expect_eq(run("extension logs cron --resume x"), GF_EXIT_FAILED);
    expect_said("gofer: resume_token: nonsense\n");
    end();
}
