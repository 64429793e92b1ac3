#include "cli/cmd/commands.h"
#include "cli/pause.h"

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    return gf_pause_run_starts(cli, false, NULL);
}

const struct gf_command gf_cmd_service_resume = {
    .noun = "service",
    .verb = "resume",
    .summary = "take new runs again after gofer service pause",
    .run = run,
};
