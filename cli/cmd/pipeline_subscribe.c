#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_settings.h"
#include "cli/ui/subscription.h"
#include "gofer/v1/subscription.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE",
     .complete = "pipeline",
     .help = "the pipeline whose runs are to be started"},
    {.name = "EXTENSION", .complete = "extension", .help = "the extension that is to start them"},
    {.name = "SUBSCRIPTION", .help = "what to call it: 3 to 64 letters, digits, - and _"},
};

static const struct gf_option options[] = {
    GF_OPTION_SETTING,
    {.name = "interactive",
     .letter = 'i',
     .kind = GF_OPTION_FLAG,
     .help = "let the extension ask for the settings"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "subscribes once only, however often the command is given"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    return gf_show_subscription(
        cli, ((const Gofer__V1__CreateSubscriptionResponse *)message)->subscription);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    gf_print_subscription_outcome(
        cli, ((const Gofer__V1__CreateSubscriptionResponse *)message)->subscription, "created");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__CreateSubscriptionRequest request = GOFER__V1__CREATE_SUBSCRIPTION_REQUEST__INIT;
    struct gf_setting_list asked = {0};
    struct gf_setting_list settings = {0};
    struct gf_error err = {0};
    if (gf_parsed_flag(parsed, "interactive")) {
        const enum gf_exit_code code =
            gf_run_configurator(cli, parsed->arguments[0], parsed->arguments[1], &asked);
        if (code != GF_EXIT_OK) {
            return code;
        }
    }
    if (gf_read_settings(cli, &asked, &settings, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.extension_id = gf_request_text(parsed->arguments[1]);
    request.subscription_id = gf_request_text(parsed->arguments[2]);
    request.settings = gf_settings_entries(
        cli, &gofer__v1__create_subscription_request__settings_entry__descriptor, &settings,
        &request.n_settings);
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    return gf_cli_answer(
        cli,
        &gofer_v1_subscription_service.methods[GOFER_V1_SUBSCRIPTION_SERVICE_CREATE_SUBSCRIPTION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_pipeline_subscribe = {
    .noun = "pipeline",
    .verb = "subscribe",
    .summary = "have an extension start runs of a pipeline",
    .description =
        "The extension is asked, and says what is wrong with a setting; gofer extension get shows "
        "which ones there are. Values may hold pipeline_secret{{KEY}} and global_secret{{KEY}}, so "
        "that no secret stands on a command line.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline subscribe simple cron nightly -s expression=\"0 1 * * *\"\n"
                "gofer pipeline subscribe simple github pushes -i",
    .run = run,
};
