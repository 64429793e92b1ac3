#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/ui/subscription.h"
#include "gofer/v1/subscription.gofer.h"

static const struct gf_option options[] = {
    {.name = "pipeline",
     .kind = GF_OPTION_TEXT,
     .value_name = "PIPELINE",
     .complete = "pipeline",
     .help = "only those of this pipeline"},
    {.name = "extension",
     .kind = GF_OPTION_TEXT,
     .value_name = "EXTENSION",
     .complete = "extension",
     .help = "only those with this extension"},
    {.name = "all-namespaces",
     .kind = GF_OPTION_FLAG,
     .help = "with --extension: those of every namespace that you may see"},
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many to list (default all)"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    Gofer__V1__ListSubscriptionsRequest request = GOFER__V1__LIST_SUBSCRIPTIONS_REQUEST__INIT;
    const bool everywhere = gf_parsed_flag(parsed, "all-namespaces");
    if (everywhere && !gf_parsed_has(parsed, "extension")) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--all-namespaces goes with --extension");
        return gf_cli_fail_usage(cli, &err);
    }
    request.namespace_id = gf_request_text(everywhere ? "" : cli->namespace_id);
    request.pipeline_id = gf_request_text(gf_parsed_text(parsed, "pipeline"));
    request.extension_id = gf_request_text(gf_parsed_text(parsed, "extension"));
    return gf_cli_list(
        cli,
        &gofer_v1_subscription_service.methods[GOFER_V1_SUBSCRIPTION_SERVICE_LIST_SUBSCRIPTIONS],
        &request.base, &gf_subscription_listing, gf_parsed_number(parsed, "limit", 0));
}

const struct gf_command gf_cmd_subscription_list = {
    .noun = "subscription",
    .verb = "list",
    .summary = "list the subscriptions of a namespace, a pipeline or an extension",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer subscription list --pipeline simple\n"
                "gofer subscription list --extension cron --all-namespaces",
    .run = run,
};
