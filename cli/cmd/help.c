#include "cli/help.h"

#include "cli/cli.h"
#include "cli/cmd/commands.h"

/* Every word is a name here, so that `gofer help pipeline run` works. */
static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *const *words = parsed->words;
    if (parsed->word_count == 0) {
        gf_help_overview(cli, cli->out);
        return GF_EXIT_OK;
    }
    if (parsed->word_count == 1 && gf_help_topic(cli, cli->out, words[0])) {
        return GF_EXIT_OK;
    }
    struct gf_error err = {0};
    size_t used = 0;
    const struct gf_command *command = gf_command_find(words, parsed->word_count, &used, &err);
    if (command != NULL) {
        gf_help_command(cli, cli->out, command);
        return GF_EXIT_OK;
    }
    if (parsed->word_count == 1 && gf_command_noun_exists(gf_str_from(words[0]))) {
        gf_help_noun(cli, cli->out, words[0]);
        return GF_EXIT_OK;
    }
    return gf_cli_usage(cli, NULL, &err);
}

const struct gf_command gf_cmd_help = {
    .verb = "help",
    .summary = "print help on a command or a topic",
    .examples = "gofer help pipeline run\ngofer help exit-codes",
    .raw = true,
    .run = run,
};
