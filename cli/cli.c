/*
 * From words to a command, and from its outcome to an exit code.
 */
#include "cli/cli.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/help.h"
#include "cli/hints.h"
#include "cli/settings.h"
#include "cli/ui/message.h"

#include <stdarg.h>
#include <string.h>

void gf_cli_hint(struct gf_cli *cli, const char *fmt, ...) {
    if (cli->quiet) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    fprintf(cli->err, "hint: ");
    vfprintf(cli->err, fmt, args);
    fprintf(cli->err, "\n");
    va_end(args);
}

void gf_cli_note(struct gf_cli *cli, const char *fmt, ...) {
    if (cli->quiet) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    vfprintf(cli->err, fmt, args);
    fprintf(cli->err, "\n");
    va_end(args);
}

const char *gf_cli_namespace_option(struct gf_cli *cli) {
    bool is_default =
        cli->namespace_id == NULL || strcmp(cli->namespace_id, GF_DEFAULT_NAMESPACE) == 0;
    return is_default ? "" : gf_show_text(cli, " -n %s", cli->namespace_id);
}

enum gf_exit_code gf_cli_fail(struct gf_cli *cli, const struct gf_error *error) {
    /* Messages may quote a file or a server. */
    fprintf(cli->err, "gofer: %s\n", gf_show_line(cli, error->message));
    if (cli->verbose) {
        fprintf(cli->err, "code: %s", gf_code_name(error->code));
        if (error->reason[0] != '\0') {
            fprintf(cli->err, ", reason: %s", error->reason);
        }
        if (error->field[0] != '\0') {
            fprintf(cli->err, ", field: %s", error->field);
        }
        fprintf(cli->err, "\n");
    }
    gf_hint_at_way_out(cli, error);
    return gf_exit_code_of(error->code);
}

enum gf_exit_code gf_cli_fail_usage(struct gf_cli *cli, const struct gf_error *error) {
    return gf_cli_usage(cli, cli->parsed->command, error);
}

enum gf_exit_code gf_cli_usage(struct gf_cli *cli, const struct gf_command *command,
                               const struct gf_error *error) {
    char name[GF_COMMAND_NAME_BYTES_MAX];
    gf_command_name(command, name);
    fprintf(cli->err, "gofer: %s\nusage: ", error->message);
    gf_help_usage_line(cli->err, command);
    fprintf(cli->err, "\n");
    gf_cli_hint(cli, "gofer %s --help", name);
    return GF_EXIT_USAGE;
}

enum gf_exit_code gf_cli_unknown(struct gf_cli *cli, const char *const *words, size_t word_count,
                                 const struct gf_error *error) {
    const char *noun =
        word_count == 0 ? NULL : gf_command_noun(cli->commands, gf_str_from(words[0]));
    fprintf(cli->err, "gofer: %s\n", error->message);
    if (noun == NULL) {
        gf_cli_hint(cli, "gofer help");
    } else {
        gf_cli_hint(cli, "gofer %s --help", noun);
    }
    return GF_EXIT_USAGE;
}

static enum gf_output output_of(const char *name) {
    if (name == NULL || strcmp(name, "table") == 0) {
        return GF_OUTPUT_TABLE;
    }
    if (strcmp(name, "json") == 0) {
        return GF_OUTPUT_JSON;
    }
    return strcmp(name, "jsonl") == 0 ? GF_OUTPUT_JSONL : GF_OUTPUT_NAME;
}

static void apply_common_options(struct gf_cli *cli, const struct gf_parsed *parsed) {
    cli->output = output_of(gf_parsed_text(parsed, "output"));
    cli->quiet = gf_parsed_flag(parsed, "quiet");
    cli->verbose = gf_parsed_flag(parsed, "verbose");
    if (cli->verbose) {
        gf_log_set_level(GF_LOG_INFO);
    }
    if (gf_parsed_flag(parsed, "no-color")) {
        cli->colour = false;
    }
}

/* `gofer`, `gofer --help`, `gofer pipeline --help`: words that name no command. */
static bool run_shortcut(struct gf_cli *cli, const char *const *words, size_t word_count,
                         enum gf_exit_code *out_code) {
    *out_code = GF_EXIT_OK;
    if (word_count == 0) {
        gf_help_overview(cli, cli->err);
        *out_code = GF_EXIT_USAGE;
        return true;
    }
    bool help =
        strcmp(words[word_count - 1], "--help") == 0 || strcmp(words[word_count - 1], "-h") == 0;
    if (word_count == 1 && help) {
        gf_help_overview(cli, cli->out);
        return true;
    }
    const char *noun = gf_command_noun(cli->commands, gf_str_from(words[0]));
    if (word_count == 2 && help && noun != NULL) {
        gf_help_noun(cli, cli->out, noun, NULL);
        return true;
    }
    if (word_count == 3 && help && noun != NULL &&
        gf_command_is_verb_group(cli->commands, noun, words[1])) {
        gf_help_noun(cli, cli->out, noun, words[1]);
        return true;
    }
    return false;
}

/* The options that stand before the command go behind its name, where the parser reads them. */
static const char *const *options_behind(struct gf_cli *cli, const char *const *words,
                                         size_t word_count, size_t leading, size_t name_words) {
    const char **moved = GF_ARENA_ARRAY(cli->arena, word_count + 1, const char *);
    memcpy(moved, words + leading, name_words * sizeof(*words));
    memcpy(moved + name_words, words, leading * sizeof(*words));
    memcpy(moved + name_words + leading, words + leading + name_words,
           (word_count - leading - name_words) * sizeof(*words));
    return moved;
}

enum gf_exit_code gf_cli_main(struct gf_cli *cli, const char *const *words, size_t word_count) {
    static const char *const version_words[] = {"version"};
    if (word_count == 1 && strcmp(words[0], "--version") == 0) {
        words = version_words;
    }
    enum gf_exit_code code = GF_EXIT_OK;
    size_t leading = gf_parse_leading(words, word_count);
    bool only_options = leading == word_count;
    if (run_shortcut(cli, only_options ? words : words + leading,
                     only_options ? word_count : word_count - leading, &code)) {
        return code;
    }
    struct gf_error err = {0};
    size_t used = 0;
    const struct gf_command *command =
        gf_command_find(cli->commands, words + leading, word_count - leading, &used, &err);
    if (command == NULL) {
        return gf_cli_unknown(cli, words + leading, word_count - leading, &err);
    }
    words = options_behind(cli, words, word_count, leading, used);
    struct gf_parsed *parsed = GF_ARENA_NEW(cli->arena, struct gf_parsed);
    if (gf_parse(command, words + used, word_count - used, cli->arena, parsed, &err) != GF_OK) {
        return gf_cli_usage(cli, command, &err);
    }
    cli->parsed = parsed;
    apply_common_options(cli, parsed);
    if (!command->raw && gf_parsed_flag(parsed, "help")) {
        gf_help_command(cli->out, command);
        return GF_EXIT_OK;
    }
    if (!command->raw && !command->offline) {
        struct gf_settings_given given = gf_settings_given_of(parsed);
        if (gf_settings_apply(cli, &given, true, &err) != GF_OK) {
            return gf_cli_fail(cli, &err);
        }
    }
    return command->run(cli, parsed);
}
