/*
 * What the commands that start a run have in common: the options that say whether to stay until its
 * end, and what is printed.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_STAY_H_
#define GOFER_CLI_STAY_H_

#include "cli/cli.h"
#include "gofer/v1/run.pb-c.h"

/* For the option table of such a command. */
#define GF_STAY_OPTIONS                                                                            \
    {.name = "wait", .kind = GF_OPTION_FLAG, .help = "wait for the end of the run"},               \
        {.name = "follow",                                                                         \
         .letter = 'f',                                                                            \
         .kind = GF_OPTION_FLAG,                                                                   \
         .help = "show changes and logs until the end of the run"},                                \
    {                                                                                              \
        .name = "timeout", .kind = GF_OPTION_DURATION, .value_name = "DURATION",                   \
        .help = "with --wait or --follow: give up waiting after this time"                         \
    }

/* False, with the error printed and *out_code set, where the options contradict each other. */
bool gf_stay_check(struct gf_cli *cli, enum gf_exit_code *out_code);

/*
 * The run was started, as `response` says: prints that, or stays until its end as the options say
 * and prints how it ended. GF_EXIT_RUN_UNSUCCESSFUL for a run that was not successful.
 */
enum gf_exit_code gf_stay(struct gf_cli *cli, const ProtobufCMessage *response,
                          const Gofer__V1__Run *run);

#endif /* GOFER_CLI_STAY_H_ */
