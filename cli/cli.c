/*
 * From words to a command, and from its outcome to an exit code.
 */
#include "cli/cli.h"

#include "base/str.h"
#include "cli/help.h"
#include "cli/ui/message.h"

#include <stdarg.h>
#include <string.h>

static const char DEFAULT_HOST[] = "127.0.0.1:8080";
static const char DEFAULT_NAMESPACE[] = "default";

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

/* An argument of the command line by its name in the usage; NULL when it has none of it. */
static const char *argument_named(const struct gf_cli *cli, const char *name) {
    if (cli->parsed == NULL) {
        return NULL;
    }
    const struct gf_command *command = cli->parsed->command;
    for (size_t i = 0; i < command->argument_count; i++) {
        if (strcmp(command->arguments[i].name, name) == 0) {
            return cli->parsed->arguments[i];
        }
    }
    return NULL;
}

const char *gf_cli_namespace_option(struct gf_cli *cli) {
    bool is_default =
        cli->namespace_id == NULL || strcmp(cli->namespace_id, DEFAULT_NAMESPACE) == 0;
    return is_default ? "" : gf_show_text(cli, " -n %s", cli->namespace_id);
}

/* Tells how to list what there is. The server's sentences begin with what is missing. */
static void hint_missing(struct gf_cli *cli, const struct gf_error *error) {
    struct gf_str what;
    struct gf_str rest;
    (void)gf_str_cut(gf_str_from(error->message), ' ', &what, &rest);
    const char *pipeline_id = argument_named(cli, "PIPELINE");
    const char *run_id = argument_named(cli, "RUN");
    const char *option = gf_cli_namespace_option(cli);
    if (gf_str_eq(what, GF_STR("namespace"))) {
        gf_cli_hint(cli, "gofer namespace list");
    } else if (gf_str_eq(what, GF_STR("pipeline"))) {
        gf_cli_hint(cli, "gofer pipeline list%s", option);
    } else if (gf_str_eq(what, GF_STR("image"))) {
        gf_cli_hint(cli, "gofer image list");
    } else if (gf_str_eq(what, GF_STR("run")) && pipeline_id != NULL) {
        gf_cli_hint(cli, "gofer run list %s%s", pipeline_id, option);
    } else if (gf_str_eq(what, GF_STR("task")) && pipeline_id != NULL && run_id != NULL) {
        gf_cli_hint(cli, "gofer task list %s %s%s", pipeline_id, run_id, option);
    }
}

/* Tells how to get out of the way what is in it. */
static void hint_unmet(struct gf_cli *cli, const struct gf_error *error) {
    static const struct {
        const char *reason;
        const char *command;
        bool of_pipeline;
        const char *rest;
    } ways[] = {
        {"PIPELINE_DISABLED", "gofer pipeline enable", true, ""},
        {"PIPELINE_HAS_ACTIVE_RUNS", "gofer run cancel", true, " --all"},
        {"RUN_NOT_ENDED", "gofer run list", true, " --state running --state queued"},
        {"RUN_STARTS_PAUSED", "gofer service resume", false, ""},
        {"NOTHING_LIVE", "gofer up FILE", false, ""},
    };
    const char *pipeline_id = argument_named(cli, "PIPELINE");
    for (size_t i = 0; i < GF_ARRAY_COUNT(ways); i++) {
        if (strcmp(error->reason, ways[i].reason) != 0) {
            continue;
        }
        if (!ways[i].of_pipeline) {
            gf_cli_hint(cli, "%s", ways[i].command);
        } else if (pipeline_id != NULL) {
            gf_cli_hint(cli, "%s %s%s%s", ways[i].command, pipeline_id, ways[i].rest,
                        gf_cli_namespace_option(cli));
        }
    }
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
    if (error->code == GF_NOT_FOUND) {
        hint_missing(cli, error);
    } else if (error->code == GF_FAILED_PRECONDITION) {
        hint_unmet(cli, error);
    } else if (error->code == GF_UNAVAILABLE) {
        gf_cli_hint(cli, "is the server running? gofer service start --dev; or name another one by "
                         "--host or GOFER_HOST");
    }
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

/* The value of an option, else of a variable of the environment that is not empty, else the
 * default. */
static const char *setting(struct gf_cli *cli, const char *option, const char *variable,
                           const char *fallback) {
    if (option != NULL) {
        return option;
    }
    const char *value = cli->getenv(variable);
    return value != NULL && value[0] != '\0' ? value : fallback;
}

static void apply_common_options(struct gf_cli *cli, const struct gf_parsed *parsed) {
    cli->output = output_of(gf_parsed_text(parsed, "output"));
    cli->quiet = gf_parsed_flag(parsed, "quiet");
    cli->verbose = gf_parsed_flag(parsed, "verbose");
    if (gf_parsed_flag(parsed, "no-color")) {
        cli->colour = false;
    }
    cli->host = setting(cli, gf_parsed_text(parsed, "host"), "GOFER_HOST", DEFAULT_HOST);
    cli->token = setting(cli, NULL, "GOFER_TOKEN", NULL);
    cli->namespace_id =
        setting(cli, gf_parsed_text(parsed, "namespace"), "GOFER_NAMESPACE", DEFAULT_NAMESPACE);
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
        gf_help_noun(cli, cli->out, noun);
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
    return command->run(cli, parsed);
}
