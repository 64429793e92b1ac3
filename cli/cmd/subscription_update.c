#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_settings.h"
#include "cli/subscription_call.h"
#include "cli/ui/subscription.h"
#include "gofer/v1/subscription.gofer.h"

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SUBSCRIPTION};

static const struct gf_option options[] = {
    GF_OPTION_SETTING,
    {.name = "interactive",
     .letter = 'i',
     .kind = GF_OPTION_FLAG,
     .help = "let the extension ask for the settings"},
    {.name = "no-settings", .kind = GF_OPTION_FLAG, .help = "take all settings away"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    return gf_show_subscription(
        cli, ((const Gofer__V1__UpdateSubscriptionResponse *)message)->subscription);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__UpdateSubscriptionResponse *response =
        (const Gofer__V1__UpdateSubscriptionResponse *)message;
    gf_print_subscription_outcome(cli, response->subscription,
                                  response->changed ? "updated" : "is as asked for already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__UpdateSubscriptionRequest request = GOFER__V1__UPDATE_SUBSCRIPTION_REQUEST__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *paths[] = {gf_request_text("settings")};
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
    if ((settings.count == 0) != gf_parsed_flag(parsed, "no-settings")) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "new settings are needed, or --no-settings");
        return gf_cli_fail_usage(cli, &err);
    }
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.extension_id = gf_request_text(parsed->arguments[1]);
    request.subscription_id = gf_request_text(parsed->arguments[2]);
    request.settings = gf_settings_entries(
        cli, &gofer__v1__update_subscription_request__settings_entry__descriptor, &settings,
        &request.n_settings);
    mask.paths = paths;
    mask.n_paths = GF_ARRAY_COUNT(paths);
    request.update_mask = &mask;
    return gf_cli_answer(
        cli,
        &gofer_v1_subscription_service.methods[GOFER_V1_SUBSCRIPTION_SERVICE_UPDATE_SUBSCRIPTION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_subscription_update = {
    .noun = "subscription",
    .verb = "update",
    .summary = "give a subscription new settings, in place of all that it had",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer subscription update simple cron nightly -s expression=\"0 2 * * *\"",
    .run = run,
};
