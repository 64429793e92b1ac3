#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/subscription.h"
#include "gofer/v1/subscription.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},
    {.name = "EXTENSION", .complete = "extension", .help = "the extension"},
    {.name = "SUBSCRIPTION", .complete = "subscription", .help = "the subscription to enable"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    return gf_show_subscription(
        cli, ((const Gofer__V1__EnableSubscriptionResponse *)message)->subscription);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const Gofer__V1__EnableSubscriptionResponse *response =
        (const Gofer__V1__EnableSubscriptionResponse *)message;
    gf_print_subscription_outcome(cli, response->subscription,
                                  response->changed ? "enabled" : "is in use already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__EnableSubscriptionRequest request = GOFER__V1__ENABLE_SUBSCRIPTION_REQUEST__INIT;
    request.namespace_id = gf_request_text(cli->namespace_id);
    request.pipeline_id = gf_request_text(parsed->arguments[0]);
    request.extension_id = gf_request_text(parsed->arguments[1]);
    request.subscription_id = gf_request_text(parsed->arguments[2]);
    return gf_cli_answer(
        cli,
        &gofer_v1_subscription_service.methods[GOFER_V1_SUBSCRIPTION_SERVICE_ENABLE_SUBSCRIPTION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_subscription_enable = {
    .noun = "subscription",
    .verb = "enable",
    .summary = "take a disabled or failed subscription into use again",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = run,
};
