/* What the scripts of `gofer completion` ask; see cli/complete.h. */
#include "cli/complete.h"

#include "cli/cmd/commands.h"

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    gf_complete(cli, parsed->words, parsed->word_count);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_complete = {
    .verb = "__complete",
    .summary = "print what could stand in the place of the last word",
    .hidden = true,
    .raw = true,
    .run = run,
};
