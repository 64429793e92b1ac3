#include "cli/cmd/commands.h"
#include "cli/pause.h"

static const struct gf_option options[] = {
    {.name = "reason",
     .kind = GF_OPTION_TEXT,
     .value_name = "TEXT",
     .help = "why, told to whoever is refused"},
};

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    return gf_pause_run_starts(cli, true, gf_parsed_text(parsed, "reason"));
}

const struct gf_command gf_cmd_service_pause = {
    .noun = "service",
    .verb = "pause",
    .summary = "refuse new runs of all pipelines",
    .description = "Holds until gofer service resume, through restarts. Runs that exist go on.",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer service pause --reason \"the registry moves\"",
    .run = run,
};
