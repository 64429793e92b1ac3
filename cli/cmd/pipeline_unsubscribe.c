#include "cli/cmd/commands.h"
#include "cli/subscription_call.h"

static const struct gf_argument arguments[] = {GF_ARGUMENTS_SUBSCRIPTION};

static const struct gf_option options[] = {GF_OPTION_YES};

const struct gf_command gf_cmd_pipeline_unsubscribe = {
    .noun = "pipeline",
    .verb = "unsubscribe",
    .summary = "end a subscription of a pipeline to an extension",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer pipeline unsubscribe simple cron nightly --yes",
    .run = gf_delete_subscription,
};
