/*
 * What commands about subscriptions have in common: three arguments that name one, and calls that
 * two nouns offer.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_SUBSCRIPTION_CALL_H_
#define GOFER_CLI_SUBSCRIPTION_CALL_H_

#include "cli/cli.h"

#define GF_ARGUMENTS_SUBSCRIPTION                                                                  \
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},                          \
        {.name = "EXTENSION", .complete = "extension", .help = "the extension"}, {                 \
        .name = "SUBSCRIPTION", .complete = "subscription", .help = "the subscription"             \
    }

/* Deletes the subscription that the arguments name, after a question as gf_cli_confirm asks. */
enum gf_exit_code gf_delete_subscription(struct gf_cli *cli, const struct gf_parsed *parsed);

#endif /* GOFER_CLI_SUBSCRIPTION_CALL_H_ */
