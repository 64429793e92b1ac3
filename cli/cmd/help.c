#include "cli/help.h"

#include "cli/cli.h"
#include "cli/cmd/commands.h"

/* Every word is a name here, so that `gofer help pipeline run` works. */
static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    const char *const *words = parsed->words;
    /* Options change nothing here: `gofer help --help` is about the command itself. */
    size_t leading = gf_parse_leading(words, parsed->word_count);
    words += leading;
    size_t word_count = parsed->word_count - leading;
    if (word_count == 0 && leading > 0) {
        gf_help_command(cli->out, parsed->command);
        return GF_EXIT_OK;
    }
    if (word_count == 0) {
        gf_help_overview(cli, cli->out);
        return GF_EXIT_OK;
    }
    if (word_count == 1 && gf_help_topic(cli->out, words[0])) {
        return GF_EXIT_OK;
    }
    struct gf_error err = {0};
    size_t used = 0;
    const struct gf_command *command =
        gf_command_find(cli->commands, words, word_count, &used, &err);
    if (command != NULL) {
        gf_help_command(cli->out, command);
        return GF_EXIT_OK;
    }
    const char *noun = gf_command_noun(cli->commands, gf_str_from(words[0]));
    if (word_count == 1 && noun != NULL) {
        gf_help_noun(cli, cli->out, noun, NULL);
        return GF_EXIT_OK;
    }
    if (word_count == 2 && noun != NULL &&
        gf_command_is_verb_group(cli->commands, noun, words[1])) {
        gf_help_noun(cli, cli->out, noun, words[1]);
        return GF_EXIT_OK;
    }
    return gf_cli_unknown(cli, words, word_count, &err);
}

const struct gf_command gf_cmd_help = {
    .verb = "help",
    .summary = "print help on a command or a topic",
    .examples = "gofer help pipeline run\ngofer help exit-codes",
    .raw = true,
    .run = run,
};
