#include "cli/help.h"

#include "base/str.h"

#include <string.h>

enum {
    NAME_COLUMN = 24, /* width of the left column */
    LINE_COLUMNS = 100,
};

/*
 * Prints text from column `column` of the line on, broken between words before LINE_COLUMNS;
 * further lines begin at `column`.
 */
static void print_wrapped(FILE *to, const char *text, size_t column) {
    struct gf_str rest = gf_str_from(text);
    size_t at = column;
    while (rest.len > 0) {
        struct gf_str word;
        (void)gf_str_cut(rest, ' ', &word, &rest);
        bool first = at == column;
        if (!first && at + 1 + word.len > LINE_COLUMNS) {
            fprintf(to, "\n%*s", (int)column, "");
            at = column;
            first = true;
        }
        fprintf(to, "%s%" GF_STR_FMT, first ? "" : " ", GF_STR_ARG(word));
        at += word.len + (first ? 0 : 1);
    }
    (void)fputc('\n', to);
}

/* "  left      right"; a left side that is too long gets a line of its own. */
static void print_row(FILE *to, const char *left, const char *right) {
    if (strlen(left) > NAME_COLUMN - 2) {
        fprintf(to, "  %s\n  %*s", left, NAME_COLUMN, "");
    } else {
        fprintf(to, "  %-*s", NAME_COLUMN, left);
    }
    print_wrapped(to, right, NAME_COLUMN + 2);
}

void gf_help_overview(struct gf_cli *cli, FILE *to) {
    fprintf(to, "gofer runs pipelines of containers.\n\nUsage: gofer <command> [options]\n");
    const char *noun = NULL; /* of the command before */
    for (size_t i = 0; i < cli->commands->count; i++) {
        const struct gf_command *command = cli->commands->items[i];
        if (command->hidden) {
            continue;
        }
        const char *its_noun = command->noun == NULL ? "" : command->noun;
        if (noun == NULL || strcmp(noun, its_noun) != 0) {
            fprintf(to, "\n");
            noun = its_noun;
        }
        char name[GF_COMMAND_NAME_BYTES_MAX];
        gf_command_name(command, name);
        print_row(to, name, command->summary);
    }
    fprintf(to,
            "\nMore: gofer <command> --help; gofer help connection | environment | exit-codes |\n"
            "output\n");
}

void gf_help_noun(struct gf_cli *cli, FILE *to, const char *noun, const char *group) {
    fprintf(to, "Usage: gofer %s%s%s <verb> [options]\n\n", noun, group == NULL ? "" : " ",
            group == NULL ? "" : group);
    for (size_t i = 0; i < cli->commands->count; i++) {
        const struct gf_command *command = cli->commands->items[i];
        struct gf_str first;
        struct gf_str second;
        if (command->hidden || command->noun == NULL || strcmp(command->noun, noun) != 0) {
            continue;
        }
        const bool two = gf_str_cut(gf_str_from(command->verb), ' ', &first, &second);
        if (group == NULL) {
            print_row(to, command->verb, command->summary);
        } else if (two && gf_str_eq(first, gf_str_from(group))) {
            print_row(to, second.ptr, command->summary);
        }
    }
}

void gf_help_usage_line(FILE *to, const struct gf_command *command) {
    char name[GF_COMMAND_NAME_BYTES_MAX];
    gf_command_name(command, name);
    fprintf(to, "gofer %s", name);
    if (command->usage != NULL) {
        fprintf(to, " %s", command->usage);
    }
    for (size_t i = 0; command->usage == NULL && i < command->argument_count; i++) {
        const struct gf_argument *argument = &command->arguments[i];
        fprintf(to, argument->optional ? " [%s]" : " %s", argument->name);
    }
    fprintf(to, " [options]");
    if (command->tail != NULL) {
        fprintf(to, command->tail_is_optional ? " [-- %s...]" : " -- %s [ARGUMENT...]",
                command->tail);
    }
}

static void print_option(FILE *to, const struct gf_option *option) {
    char letter[8] = "    ";
    if (option->letter != 0) {
        (void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    }
    char left[64];
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name,
                   option->kind == GF_OPTION_FLAG ? "" : " ",
                   option->kind == GF_OPTION_FLAG ? ""
                   : option->choices != NULL      ? option->choices
                                                  : option->value_name);
    print_row(to, left, option->help);
}

/* The examples of a command, each line indented; nothing for NULL. */
static void print_examples(FILE *to, const char *examples) {
    if (examples != NULL) {
        fprintf(to, "\nExamples:\n");
    }
    struct gf_str rest = gf_str_from(examples);
    while (rest.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(rest, '\n', &line, &rest);
        fprintf(to, "  %" GF_STR_FMT "\n", GF_STR_ARG(line));
    }
}

/* What it does, usage, arguments and its own options. */
static void print_head(FILE *to, const struct gf_command *command) {
    fprintf(to, "%c%s.\n\nUsage: ", command->summary[0] - 'a' + 'A', command->summary + 1);
    gf_help_usage_line(to, command);
    fprintf(to, "\n");
    if (command->description != NULL) {
        (void)fputc('\n', to);
        print_wrapped(to, command->description, 0);
    }
    if (command->argument_count > 0) {
        fprintf(to, "\nArguments:\n");
        for (size_t i = 0; i < command->argument_count; i++) {
            print_row(to, command->arguments[i].name, command->arguments[i].help);
        }
    }
    if (command->option_count > 0) {
        fprintf(to, "\nOptions:\n");
        for (size_t i = 0; i < command->option_count; i++) {
            print_option(to, &command->options[i]);
        }
    }
}

/* The common options that are often needed, or the others. */
static void print_common_options(FILE *to, bool rare) {
    for (size_t i = 0; i < gf_common_option_count; i++) {
        if (gf_common_options[i].rare == rare) {
            print_option(to, &gf_common_options[i]);
        }
    }
}

void gf_help_common_options(FILE *to) {
    print_common_options(to, false);
    print_common_options(to, true);
}

void gf_help_own(FILE *to, const struct gf_command *command) {
    print_head(to, command);
    print_examples(to, command->examples);
}

void gf_help_command(FILE *to, const struct gf_command *command) {
    print_head(to, command);
    fprintf(to, "\nCommon options:\n");
    print_common_options(to, false);
    print_examples(to, command->examples);
}

static void help_environment(FILE *to) {
    fprintf(to, "Environment of gofer (options win over it):\n\n");
    print_row(to, "GOFER_HOST", "the server: HOST:PORT or unix:/PATH (default 127.0.0.1:8080)");
    print_row(to, "GOFER_NAMESPACE",
              "the namespace where --namespace is not given; else GOFER_NAMESPACE_ID, which tasks "
              "have");
    print_row(to, "GOFER_CONTEXT", "the context where --context is not given");
    print_row(to, "GOFER_CONTEXTS",
              "the file of the contexts (default ~/.config/gofer/contexts.json)");
    print_row(to, "GOFER_TOKEN", "the token that is sent with every call");
    print_row(to, "GOFER_TOKEN_FILE", "a file with the token, as --token-file");
    print_row(to, "GOFER_TOKEN_IN_CLEAR", "1: as --token-in-clear");
    print_row(to, "GOFER_TLS", "1: as --tls; 0: no TLS, whatever the context says");
    print_row(to, "GOFER_TLS_CA, GOFER_TLS_CERT, GOFER_TLS_KEY, GOFER_TLS_SERVER_NAME",
              "as --tls-ca, --tls-cert, --tls-key and --tls-server-name");
    print_row(to, "GOFER_CONFIG", "of service start: the configuration file, as --config");
    print_row(to, "GOFER_MASTER_KEY", "of service start: the master key of secrets");
    print_row(to, "GOFER_FETCH", "the gofer-fetch program (default: beside gofer)");
    print_row(to, "NO_COLOR", "any value: print without colour");
    print_row(to, "GOFER_FORCE_TTY", "a width: print as on a terminal of that many columns");
}

static void help_exit_codes(FILE *to) {
    static const struct {
        int number;
        const char *text;
    } exits[] = {
#define EXIT_ROW(name, number_, text_) {(number_), (text_)},
        GF_EXITS(EXIT_ROW)
#undef EXIT_ROW
    };
    fprintf(to, "Exit codes of gofer:\n\n");
    for (size_t i = 0; i < GF_ARRAY_COUNT(exits); i++) {
        fprintf(to, "  %3d  %s\n", exits[i].number, exits[i].text);
    }
}

static void help_output(FILE *to) {
    fprintf(to, "Output of gofer (-o FORMAT): the answer goes to standard output, all else to "
                "standard error.\n\n");
    print_row(
        to, "table",
        "for people; where standard output is no terminal: one line an item, fields separated "
        "by tabs, no header, times in RFC 3339");
    print_row(to, "json", "the server's response as proto3 JSON, indented");
    print_row(to, "jsonl", "one JSON object a line: the items of a list, the messages of a stream");
    print_row(to, "name", "one identifier a line");
}

static void help_connection(FILE *to) {
    fprintf(to, "How gofer reaches a server, and as whom.\n\n");
    print_wrapped(to,
                  "A context is a name for a server with all that belongs to it: address, TLS, "
                  "token, namespace. gofer context set makes one, gofer context use chooses one. "
                  "They are kept in ~/.config/gofer/contexts.json, which nobody else may read.",
                  0);
    fprintf(to, "\n");
    print_wrapped(to,
                  "A setting has the first value that is there: its option; the context that "
                  "--context names; its variable of the environment; the context that "
                  "$GOFER_CONTEXT names, else the current one; its default. A context that no "
                  "option names is left alone where the server is another one than its own, so "
                  "that a token never goes to the wrong server.",
                  0);
    fprintf(to, "\n");
    print_wrapped(to,
                  "A token goes to another machine over TLS only, unless --token-in-clear says "
                  "otherwise. No option takes a token itself, because others can see the arguments "
                  "of a program.",
                  0);
    fprintf(to, "\nOptions of every command:\n");
    print_common_options(to, true);
}

bool gf_help_topic(FILE *to, const char *topic) {
    if (strcmp(topic, "environment") == 0) {
        help_environment(to);
    } else if (strcmp(topic, "connection") == 0) {
        help_connection(to);
    } else if (strcmp(topic, "exit-codes") == 0) {
        help_exit_codes(to);
    } else if (strcmp(topic, "output") == 0 || strcmp(topic, "formatting") == 0) {
        help_output(to);
    } else {
        return false;
    }
    return true;
}
