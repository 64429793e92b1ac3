/*
 * From words to a command, and from its outcome to an exit code.
 */
#include "cli/cli.h"

#include "base/str.h"
#include "cli/help.h"

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

enum gf_exit_code gf_cli_fail(struct gf_cli *cli, const struct gf_error *error) {
    fprintf(cli->err, "gofer: %s\n", error->message);
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
    if (error->code == GF_UNAVAILABLE) {
        gf_cli_hint(cli, "is the server running? gofer service start --dev; or name another one by "
                         "--host or GOFER_HOST");
    }
    return gf_exit_code_of(error->code);
}

enum gf_exit_code gf_cli_usage(struct gf_cli *cli, const struct gf_command *command,
                               const struct gf_error *error) {
    fprintf(cli->err, "gofer: %s\n", error->message);
    if (command == NULL) {
        gf_cli_hint(cli, "gofer help");
    } else {
        fprintf(cli->err, "usage: ");
        gf_help_usage_line(cli->err, command);
        fprintf(cli->err, "\n");
        gf_cli_hint(cli, "gofer %s%s%s --help", command->noun == NULL ? "" : command->noun,
                    command->noun == NULL ? "" : " ", command->verb);
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

/* `gofer`, `gofer --help`, `gofer --version`, `gofer pipeline`: words that name no command. */
static bool run_shortcut(struct gf_cli *cli, const char *const *words, size_t word_count,
                         enum gf_exit_code *out_code) {
    *out_code = GF_EXIT_OK;
    bool help = word_count == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0;
    if (help) {
        gf_help_overview(cli, word_count == 0 ? cli->err : cli->out);
        *out_code = word_count == 0 ? GF_EXIT_USAGE : GF_EXIT_OK;
        return true;
    }
    bool noun_help = word_count == 2 && gf_command_noun_exists(gf_str_from(words[0])) &&
                     (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0);
    if (noun_help) {
        gf_help_noun(cli, cli->out, words[0]);
        return true;
    }
    return false;
}

enum gf_exit_code gf_cli_main(struct gf_cli *cli, const char *const *words, size_t word_count) {
    static const char *const version_words[] = {"version"};
    if (word_count == 1 && strcmp(words[0], "--version") == 0) {
        words = version_words;
    }
    enum gf_exit_code code = GF_EXIT_OK;
    if (run_shortcut(cli, words, word_count, &code)) {
        return code;
    }
    struct gf_error err = {0};
    size_t used = 0;
    const struct gf_command *command = gf_command_find(words, word_count, &used, &err);
    if (command == NULL) {
        return gf_cli_usage(cli, NULL, &err);
    }
    struct gf_parsed parsed = {0};
    if (gf_parse(command, words + used, word_count - used, cli->arena, &parsed, &err) != GF_OK) {
        return gf_cli_usage(cli, command, &err);
    }
    apply_common_options(cli, &parsed);
    if (!command->raw && gf_parsed_flag(&parsed, "help")) {
        gf_help_command(cli, cli->out, command);
        return GF_EXIT_OK;
    }
    return command->run(cli, &parsed);
}
