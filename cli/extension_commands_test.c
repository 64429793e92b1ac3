/* The commands of extensions, subscriptions and events, against a server of written answers. */
#include "cli/cmd/commands.h"
#include "cli/complete.h"
#include "cli/testing/fake_server.h"
#include "cli/testing/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct gf_command *const items[] = {
    &gf_cmd_event_get,
    &gf_cmd_extension_dead_letter_delete,
    &gf_cmd_extension_dead_letter_get,
    &gf_cmd_extension_dead_letter_list,
    &gf_cmd_extension_dead_letter_replay,
    &gf_cmd_extension_debug,
    &gf_cmd_extension_disable,
    &gf_cmd_extension_enable,
    &gf_cmd_extension_get,
    &gf_cmd_extension_install,
    &gf_cmd_extension_list,
    &gf_cmd_extension_report_list,
    &gf_cmd_extension_uninstall,
    &gf_cmd_extension_update,
    &gf_cmd_pipeline_subscribe,
    &gf_cmd_pipeline_unsubscribe,
    &gf_cmd_subscription_delete,
    &gf_cmd_subscription_disable,
    &gf_cmd_subscription_enable,
    &gf_cmd_subscription_get,
    &gf_cmd_subscription_list,
    &gf_cmd_subscription_update,
};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;
static struct gf_fake_server fake;
static const char *variables[] = {"GOFER_HOST", fake.address, NULL};

#define BEGIN(...)                                                                                 \
    static const struct gf_fake_answer answers[] = {__VA_ARGS__};                                  \
    gf_fake_server_start(&fake, answers, GF_ARRAY_COUNT(answers));                                 \
    gf_fixture_init(&fixture, &set, variables)

static void teardown(void) {
    gf_fixture_fini(&fixture);
    gf_fake_server_stop(&fake);
}

TestSuite(extension_commands, .fini = teardown, .timeout = 30);

static enum gf_exit_code run(const char *line) {
    gf_fixture_reset(&fixture);
    return gf_fixture_run(&fixture, line);
}

static void expect_request(const char *method, const char *json) {
    cr_expect_str_eq(gf_fake_request(&fake, method), json);
}

static void expect_said(const char *text) {
    cr_expect_not_null(strstr(fixture.err, text), "%s is not in %s", text, fixture.err);
}

static void expect_shown(const char *text) {
    cr_expect_not_null(strstr(fixture.out, text), "%s is not in %s", text, fixture.out);
}

#define CRON                                                                                       \
    "{\"extension\": {\"extensionId\": \"cron\", \"image\": \"cron:1\", \"state\": "               \
    "\"EXTENSION_STATE_RUNNING\", \"status\": \"EXTENSION_STATUS_ENABLED\", \"health\": "          \
    "\"EXTENSION_HEALTH_DEGRADED\", \"healthDescription\": \"slow\\u001b\", \"version\": "         \
    "\"1.2.3\", \"latency\": \"0.002s\", \"settings\": {\"zone\": \"UTC\"}, "                      \
    "\"subscriptionCount\": \"2\", \"documentation\": \"# Cron\\nruns\", "                         \
    "\"subscriptionParameters\": [{\"name\": \"expression\", \"required\": true, \"type\": "       \
    "\"EXTENSION_PARAMETER_TYPE_STRING\", \"help\": \"when\"}, {\"name\": \"overlap\", "           \
    "\"type\": \"EXTENSION_PARAMETER_TYPE_CHOICE\", \"choices\": [\"skip\", \"queue\"], "          \
    "\"defaultValue\": \"skip\"}]}}"

#define HOOK                                                                                       \
    "{\"extension\": {\"extensionId\": \"hook\", \"externalEvents\": {\"path\": "                  \
    "\"/external/hook\", \"algorithm\": \"SHA256\", \"keyParameterName\": \"secret\", "            \
    "\"signatureHeader\": \"X-Hub-Signature-256\", \"deliveryIdHeader\": "                         \
    "\"X-GitHub-Delivery\"}}}"

/* ---- Extensions ---- */

Test(extension_commands, an_extension_is_installed_as_asked_for) {
    BEGIN({.method = "InstallExtension", .json = CRON});
    cr_assert_eq(run("extension install cron cron:1 -s zone=UTC -s Zone=CET -s a=b=c --role ops "
                     "--update-policy minor --network none --request-id r1"),
                 GF_EXIT_OK, "%s", fixture.err);
    expect_request("InstallExtension",
                   "{\"extensionId\":\"cron\",\"image\":\"cron:1\",\"settings\":{\"Zone\":\"CET\","
                   "\"a\":\"b=c\"},\"roleIds\":[\"ops\"],\"updatePolicy\":"
                   "\"EXTENSION_UPDATE_POLICY_MINOR\",\"requestId\":\"r1\",\"network\":\"none\"}");
    cr_expect_str_eq(fixture.out, "extension cron installed\n");
    cr_expect_eq(run("extension install cron cron:1 -s novalue"), GF_EXIT_USAGE);
    expect_said("-s takes KEY=VALUE, not 'novalue'");
    cr_expect_eq(run("extension install cron -i"), GF_EXIT_USAGE);
    expect_said("-i goes with an image");
}

Test(extension_commands, one_that_is_run_by_hand_tells_of_its_token) {
    BEGIN({.method = "InstallExtension", .json = "{\"extension\": {\"extensionId\": \"bell\"}}"});
    cr_assert_eq(run("extension install bell"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "extension bell installed; it is run by hand\n");
    expect_said("gofer token create --kind extension --extension bell --user bell");
}

Test(extension_commands, a_second_install_is_told_to_update) {
    BEGIN({.method = "InstallExtension",
           .code = GF_ALREADY_EXISTS,
           .message = "extension 'cron' is installed"});
    cr_expect_eq(run("extension install cron cron:2"), GF_EXIT_CONFLICT);
    expect_said("gofer: extension 'cron' is installed\nhint: gofer extension update cron\n");
}

Test(extension_commands, an_update_changes_what_is_given) {
    BEGIN({.method = "UpdateExtension",
           .json = "{\"extension\": {\"extensionId\": \"cron\"}, \"changed\": true}"},
          {.method = "UpdateExtension", .json = "{\"extension\": {\"extensionId\": \"cron\"}}"});
    cr_assert_eq(run("extension update cron"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("UpdateExtension", "{\"extensionId\":\"cron\"}");
    cr_expect_str_eq(fixture.out, "extension cron is being updated\n");
    cr_assert_eq(run("extension update cron cron:2 -s a=b --no-roles --update-policy never"),
                 GF_EXIT_OK, "%s", fixture.err);
    expect_request("UpdateExtension",
                   "{\"extensionId\":\"cron\",\"image\":\"cron:2\",\"settings\":{\"settings\":"
                   "{\"a\":\"b\"}},\"roles\":{},\"updatePolicy\":"
                   "\"EXTENSION_UPDATE_POLICY_NEVER\"}");
    cr_expect_str_eq(fixture.out, "extension cron is as asked for already\n");
    cr_expect_eq(run("extension update cron -s a=b --no-settings"), GF_EXIT_USAGE);
}

Test(extension_commands, it_is_shown_how_requests_from_outside_are_taken) {
    BEGIN({.method = "GetExtension", .json = HOOK},
          {.method = "GetExtension",
           .json = "{\"extension\": {\"extensionId\": \"hook\", \"externalEvents\": {\"path\": "
                   "\"/external/hook\"}}}"},
          {.method = "GetExtension", .json = CRON});
    cr_assert_eq(run("extension get hook"), GF_EXIT_OK, "%s", fixture.err);
    expect_shown("Takes:         POST /external/hook\n"
                 "Verified:      by an HMAC with SHA256 in X-Hub-Signature-256, under the setting "
                 "secret\n"
                 "Delivery ids:  X-GitHub-Delivery\n");
    cr_assert_eq(run("extension get hook"), GF_EXIT_OK, "%s", fixture.err);
    expect_shown("Verified:      no; every request is taken\n");
    cr_assert_eq(run("extension get cron"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_null(strstr(fixture.out, "Takes:"));
}

Test(extension_commands, extensions_are_listed_and_shown) {
    BEGIN({.method = "ListExtensions",
           .json = "{\"extensions\": [{\"extensionId\": \"cron\", \"state\": "
                   "\"EXTENSION_STATE_RUNNING\", \"version\": \"1.2.3\", \"runCount\": \"7\"}, "
                   "{\"extensionId\": \"old\", \"status\": \"EXTENSION_STATUS_DISABLED\"}]}"},
          {.method = "GetExtension", .json = CRON},
          {.method = "GetExtensionDebugInfo",
           .json = "{\"info\": \"queue: 0\\nx\", \"metrics\": [{\"name\": \"ticks_total\", "
                   "\"labels\": {\"zone\": \"UTC\"}, \"value\": 12, \"help\": \"ticks\"}]}"});
    cr_assert_eq(run("extension list"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "cron\tRUNNING\t-\t1.2.3\t0\t7\t0\t-\n"
                                  "old\tDISABLED\t-\t-\t0\t0\t0\t-\n");
    cr_assert_eq(run("extension get cron"), GF_EXIT_OK, "%s", fixture.err);
    expect_shown("Health:        DEGRADED, slow?\n");
    expect_shown("Settings:      zone=UTC\n");
    expect_shown("Settings of a subscription:\nexpression\tstring\tyes\t-\twhen\n"
                 "overlap\tskip|queue\tno\tskip\t\n");
    cr_assert_eq(run("extension get cron --documentation"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "# Cron\nruns\n");
    cr_assert_eq(run("extension debug cron"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "queue: 0\nx\nticks_total\tzone=UTC\t12\tticks\n");
}

Test(extension_commands, what_ends_it_needs_consent) {
    BEGIN({.method = "UninstallExtension", .json = "{\"subscriptionCount\": \"2\"}"},
          {.method = "DisableExtension",
           .json = "{\"extension\": {\"extensionId\": \"cron\"}, \"changed\": true}"},
          {.method = "EnableExtension", .json = "{\"extension\": {\"extensionId\": \"cron\"}}"});
    cr_expect_eq(run("extension uninstall cron"), GF_EXIT_USAGE);
    expect_said("nobody is there to be asked");
    cr_expect_eq(run("extension disable cron"), GF_EXIT_USAGE);
    expect_request("UninstallExtension", "");
    cr_assert_eq(run("extension uninstall cron --force --yes"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("UninstallExtension", "{\"extensionId\":\"cron\",\"force\":true}");
    cr_expect_str_eq(fixture.out, "extension cron uninstalled, with 2 subscriptions\n");
    cr_assert_eq(run("extension disable cron --yes"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "extension cron disabled\n");
    cr_assert_eq(run("extension enable cron"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "extension cron is enabled already\n");
}

Test(extension_commands, who_is_asked_learns_of_the_subscriptions) {
    BEGIN({.method = "GetExtension", .json = CRON}, {.method = "UninstallExtension"});
    fixture.cli.in_is_terminal = true;
    fixture.cli.err_is_terminal = true;
    gf_fixture_input(&fixture, "n\n");
    cr_expect_eq(run("extension uninstall cron"), GF_EXIT_FAILED);
    expect_said("uninstall extension 'cron'? Its 2 subscriptions will go with it. [y/N] ");
    expect_request("UninstallExtension", "");
    gf_fixture_input(&fixture, "y\n");
    cr_expect_eq(run("extension uninstall cron"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("UninstallExtension", "{\"extensionId\":\"cron\",\"force\":true}");
}

Test(extension_commands, subscriptions_in_the_way_are_named) {
    BEGIN({.method = "UninstallExtension",
           .code = GF_FAILED_PRECONDITION,
           .reason = "HAS_SUBSCRIPTIONS",
           .message = "2 subscriptions"},
          {.method = "GetExtension", .code = GF_NOT_FOUND, .message = "extension 'x' not found"});
    cr_expect_eq(run("extension uninstall cron --yes"), GF_EXIT_CONFLICT);
    expect_said("gofer subscription list --extension cron --all-namespaces; --force");
    cr_expect_eq(run("extension get x"), GF_EXIT_NOT_FOUND);
    expect_said("hint: gofer extension list\n");
}

/* ---- Reports and dead letters ---- */

Test(extension_commands, reports_are_of_an_extension_or_a_run) {
    BEGIN({.method = "ListExtensionReports",
           .json = "{\"reports\": [{\"extensionId\": \"notify\", \"title\": \"told\", \"outcome\": "
                   "\"EXTENSION_REPORT_OUTCOME_SUCCESSFUL\", \"run\": {\"namespaceId\": "
                   "\"default\", \"pipelineId\": \"simple\", \"runId\": \"3\"}}]}"});
    cr_assert_eq(run("extension report list --pipeline simple --run 3"), GF_EXIT_OK, "%s",
                 fixture.err);
    expect_request("ListExtensionReports",
                   "{\"run\":{\"namespaceId\":\"default\",\"pipelineId\":\"simple\",\"runId\":\"3\""
                   "},\"pageSize\":50}");
    cr_expect_str_eq(fixture.out, "-\tnotify\t-\tdefault/simple/3\tSUCCESSFUL\ttold\n");
    cr_expect_eq(run("extension report list"), GF_EXIT_USAGE);
    cr_expect_eq(run("extension report list notify --run 3"), GF_EXIT_USAGE);
    cr_expect_eq(run("extension report"), GF_EXIT_USAGE);
    expect_said("'extension report' needs a verb");
}

Test(extension_commands, dead_letters_are_seen_and_sent_again) {
    BEGIN({.method = "ListDeadLetters",
           .json = "{\"deadLetters\": [{\"deadLetterId\": \"7\", \"kind\": "
                   "\"DEAD_LETTER_KIND_RUN_START\", \"attemptCount\": 20, \"idempotencyKey\": "
                   "\"k1\", \"description\": \"full\", \"subscription\": {\"namespaceId\": \"n\", "
                   "\"pipelineId\": \"p\", \"subscriptionId\": \"s\"}}]}"},
          {.method = "GetDeadLetter",
           .json = "{\"deadLetter\": {\"deadLetterId\": \"7\", \"content\": \"YQpi\"}}"},
          {.method = "ReplayDeadLetters", .json = "{\"replayedCount\": \"1\"}"},
          {.method = "ReplayDeadLetters", .json = "{\"replayedCount\": \"5\"}"},
          {.method = "DeleteDeadLetters", .json = "{\"deletedCount\": \"1\"}"});
    cr_assert_eq(run("extension dead-letter list cron"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "7\tRUN_START\tn/p/s\tk1\t20\t-\tfull\n");
    cr_assert_eq(run("extension dead-letter get cron 7"), GF_EXIT_OK, "%s", fixture.err);
    expect_shown("Content:\na\nb\n");
    cr_assert_eq(run("extension dead-letter replay cron 7"), GF_EXIT_OK, "%s", fixture.err);
    expect_request("ReplayDeadLetters", "{\"extensionId\":\"cron\",\"deadLetterIds\":[\"7\"]}");
    cr_expect_str_eq(fixture.out, "1 dead letter delivered again\n");
    cr_assert_eq(run("extension dead-letter replay cron --all"), GF_EXIT_OK);
    expect_request("ReplayDeadLetters", "{\"extensionId\":\"cron\"}");
    cr_expect_str_eq(fixture.out, "5 dead letters delivered again\n");
    cr_expect_eq(run("extension dead-letter replay cron"), GF_EXIT_USAGE);
    cr_expect_eq(run("extension dead-letter delete cron 7"), GF_EXIT_USAGE);
    cr_assert_eq(run("extension dead-letter delete cron 7 --yes"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "1 dead letter deleted\n");
}

/* ---- Subscriptions ---- */

#define NIGHTLY                                                                                    \
    "\"subscription\": {\"namespaceId\": \"default\", \"pipelineId\": \"simple\", "                \
    "\"extensionId\": \"cron\", \"subscriptionId\": \"nightly\", \"settings\": {\"expression\": "  \
    "\"0 1 * * *\"}, \"status\": \"SUBSCRIPTION_STATUS_ACTIVE\"}"

Test(extension_commands, a_pipeline_subscribes) {
    BEGIN({.method = "CreateSubscription", .json = "{" NIGHTLY "}"},
          {.method = "CreateSubscription",
           .code = GF_INVALID_ARGUMENT,
           .field = "settings[\"expression\"]",
           .message = "there is no hour 25"},
          {.method = "CreateSubscription",
           .json = "{\"subscription\": {\"pipelineId\": \"p\", \"extensionId\": \"e\", "
                   "\"subscriptionId\": \"s\", \"status\": \"SUBSCRIPTION_STATUS_PENDING\"}}"});
    cr_assert_eq(run("pipeline subscribe simple cron nightly -s expression=0_1_*_*_*"), GF_EXIT_OK,
                 "%s", fixture.err);
    expect_request("CreateSubscription",
                   "{\"namespaceId\":\"default\",\"pipelineId\":\"simple\",\"extensionId\":\"cron\""
                   ",\"subscriptionId\":\"nightly\",\"settings\":{\"expression\":\"0_1_*_*_*\"}}");
    cr_expect_str_eq(fixture.out, "subscription simple/cron/nightly created: ACTIVE\n");
    cr_expect_eq(run("pipeline subscribe simple cron nightly -s expression=x"), GF_EXIT_FAILED);
    expect_said("gofer: setting 'expression': there is no hour 25\n"
                "hint: gofer extension get cron shows which settings there are\n");
    cr_assert_eq(run("pipeline subscribe p e s"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "subscription p/e/s created: PENDING\n");
    expect_said("the extension is asked when it connects");
}

Test(extension_commands, subscriptions_are_kept) {
    BEGIN({.method = "ListSubscriptions",
           .json = "{\"subscriptions\": [{\"pipelineId\": \"simple\", \"extensionId\": \"cron\", "
                   "\"subscriptionId\": \"nightly\", \"status\": \"SUBSCRIPTION_STATUS_ERROR\", "
                   "\"settings\": {\"a\": \"1\", \"b\": \"2\"}}]}"},
          {.method = "GetSubscription", .json = "{" NIGHTLY "}"},
          {.method = "UpdateSubscription", .json = "{" NIGHTLY ", \"changed\": true}"},
          {.method = "DisableSubscription", .json = "{" NIGHTLY ", \"changed\": true}"},
          {.method = "EnableSubscription", .json = "{" NIGHTLY "}"},
          {.method = "DeleteSubscription"});
    cr_assert_eq(run("subscription list --extension cron --all-namespaces"), GF_EXIT_OK, "%s",
                 fixture.err);
    expect_request("ListSubscriptions", "{\"extensionId\":\"cron\",\"pageSize\":1000}");
    cr_expect_str_eq(fixture.out, "nightly\tsimple\tcron\tERROR\t0\t-\ta=1 b=2\n");
    cr_expect_eq(run("subscription list --all-namespaces"), GF_EXIT_USAGE);
    cr_assert_eq(run("subscription get simple cron nightly"), GF_EXIT_OK, "%s", fixture.err);
    expect_shown("Settings:     expression=0 1 * * *\n");
    cr_assert_eq(run("subscription update simple cron nightly -s expression=@daily"), GF_EXIT_OK,
                 "%s", fixture.err);
    cr_expect_not_null(strstr(gf_fake_request(&fake, "UpdateSubscription"),
                              "\"settings\":{\"expression\":\"@daily\"},\"updateMask\":"
                              "\"settings\""));
    cr_expect_eq(run("subscription update simple cron nightly"), GF_EXIT_USAGE);
    cr_assert_eq(run("subscription disable simple cron nightly"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "subscription simple/cron/nightly disabled: ACTIVE\n");
    cr_assert_eq(run("subscription enable simple cron nightly"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "subscription simple/cron/nightly is in use already: ACTIVE\n");
    cr_expect_eq(run("pipeline unsubscribe simple cron nightly"), GF_EXIT_USAGE);
    cr_assert_eq(run("pipeline unsubscribe simple cron nightly --yes"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "subscription simple/cron/nightly deleted\n");
    cr_assert_eq(run("subscription delete simple cron nightly --yes"), GF_EXIT_OK);
}

/* ---- The rest ---- */

Test(extension_commands, an_event_is_shown_with_its_facts) {
    BEGIN({.method = "GetEvent",
           .json = "{\"event\": {\"eventId\": \"9\", \"kind\": \"EVENT_KIND_EXTENSION_RESTARTED\", "
                   "\"extensionId\": \"cron\", \"metadata\": {\"reason\": \"exit\"}}}"});
    cr_assert_eq(run("event get 9"), GF_EXIT_OK, "%s", fixture.err);
    cr_expect_str_eq(fixture.out, "Event:       9\nKind:        EXTENSION_RESTARTED\n"
                                  "Time:        -\nSubject:     cron\n"
                                  "Facts:       reason=exit\n");
    cr_expect_eq(run("event get x"), GF_EXIT_USAGE);
}

static void complete(const char *const *words, size_t count) {
    gf_fixture_reset(&fixture);
    gf_complete(&fixture.cli, words, count);
    gf_fixture_flush(&fixture);
}

Test(extension_commands, names_are_completed) {
    BEGIN({.method = "GetExtension", .json = CRON},
          {.method = "ListExtensions", .json = "{\"extensions\": [{\"extensionId\": \"cron\"}]}"},
          {.method = "ListSubscriptions",
           .json = "{\"subscriptions\": [{\"subscriptionId\": \"nightly\"}]}"});
    static const char *const verbs[] = {"extension", "dead-letter", "re"};
    complete(verbs, 3);
    cr_expect_eq(strncmp(fixture.out, "replay\t", 7), 0, "%s", fixture.out);
    static const char *const groups[] = {"extension", "dea"};
    complete(groups, 2);
    cr_expect_str_eq(fixture.out, "dead-letter\t\n");
    static const char *const ids[] = {"extension", "get", ""};
    complete(ids, 3);
    cr_expect_str_eq(fixture.out, "cron\textension\n");
    static const char *const subscriptions[] = {"subscription", "get", "simple", "cron", "n"};
    complete(subscriptions, 5);
    cr_expect_str_eq(fixture.out, "nightly\tsubscription\n");
    expect_request("ListSubscriptions", "{\"namespaceId\":\"default\",\"pipelineId\":\"simple\","
                                        "\"extensionId\":\"cron\",\"pageSize\":100}");
    static const char *const settings[] = {"pipeline", "subscribe", "simple", "cron",
                                           "nightly",  "-s",        ""};
    complete(settings, 7);
    cr_expect_str_eq(fixture.out, "expression=\trequired\noverlap=\toptional\n");
}
