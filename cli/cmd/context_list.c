#include "cli/cmd/commands.h"
#include "cli/settings.h"
#include "cli/ui/context.h"

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    struct gf_contexts contexts;
    struct gf_error err = {0};
    if (gf_settings_contexts(cli, &contexts, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    gf_print_contexts(cli, &contexts);
    return GF_EXIT_OK;
}

const struct gf_command gf_cmd_context_list = {
    .noun = "context",
    .verb = "list",
    .summary = "list the contexts that are kept",
    .description = "Tokens are never shown: TOKEN is what the token is called, as far as that is "
                   "known, or where it is.",
    .offline = true,
    .run = run,
};
