/*
 * Which secret a command is about: one of a pipeline, or a global one.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_SECRET_PLACE_H_
#define GOFER_CLI_SECRET_PLACE_H_

#include "cli/cli.h"

/* For the tables of the commands: PIPELINE KEY, or KEY with --global. */
#define GF_USAGE_SECRET "{PIPELINE KEY | --global KEY}"
#define GF_ARGUMENTS_SECRET                                                                        \
    {.name = "PIPELINE",                                                                           \
     .complete = "pipeline",                                                                       \
     .help = "the pipeline whose tasks get it; left out with --global"},                           \
    {                                                                                              \
        .name = "KEY", .complete = "secret",                                                       \
        .help = "its key: 3 to 64 letters, digits, hyphens and underscores", .optional = true      \
    }
#define GF_OPTION_GLOBAL                                                                           \
    {                                                                                              \
        .name = "global", .letter = 'g', .kind = GF_OPTION_FLAG,                                   \
        .help = "a secret of no pipeline, for those of the namespaces that it names"               \
    }

struct gf_cli_secret_place {
    const char *pipeline_id; /* NULL = global */
    const char *key;
};

/* Reads arguments and --global; on failure everything is said and *out_code set. */
bool gf_secret_place_read(struct gf_cli *cli, struct gf_cli_secret_place *out_place,
                          enum gf_exit_code *out_code);

/* "hello/db-password", or "db-password" for a global one; in the cli's arena. */
const char *gf_secret_place_show(struct gf_cli *cli, const struct gf_cli_secret_place *place);

#endif /* GOFER_CLI_SECRET_PLACE_H_ */
