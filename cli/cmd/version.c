#include "base/version.h"

#include "cli/cli.h"
#include "cli/cmd/commands.h"

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    fprintf(cli->out, "gofer %s\n", GF_VERSION);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_version = {
    .verb = "version",
    .summary = "print the version of this program",
    .offline = true,
    .run = run,
};
