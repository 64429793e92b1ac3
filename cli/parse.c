/*
 * Command lines to values, by the tables of command.h.
 */
#include "base/clock.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/command.h"

#include <inttypes.h>

struct gf_parsed_value {
    const struct gf_option *option;
    const char *text; /* NULL for a flag */
    int64_t number;
};

const struct gf_option gf_common_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = GF_OPTION_TEXT,
     .value_name = "FORMAT",
     .choices = "table|json|jsonl|name",
     .help = "how to print the answer (default table)"},
    {.name = "namespace",
     .letter = 'n',
     .kind = GF_OPTION_TEXT,
     .value_name = "NAMESPACE",
     .complete = "namespace",
     .help = "the namespace (default $GOFER_NAMESPACE, else 'default')"},
    {.name = "host",
     .kind = GF_OPTION_TEXT,
     .value_name = "ADDRESS",
     .help = "the server, HOST:PORT or unix:/PATH (default $GOFER_HOST, else 127.0.0.1:8080)"},
    {.name = "context",
     .letter = 'c',
     .kind = GF_OPTION_TEXT,
     .value_name = "CONTEXT",
     .complete = "context",
     .help = "the context: server, token and namespace (see gofer help connection)"},
    {.name = "token-file",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "a file with the token, which only its owner may read (default $GOFER_TOKEN, "
             "$GOFER_TOKEN_FILE, else that of the context)",
     .rare = true},
    {.name = "tls",
     .kind = GF_OPTION_FLAG,
     .help = "speak TLS, and trust the authorities of the system (default $GOFER_TLS)",
     .rare = true},
    {.name = "tls-ca",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "speak TLS, and trust the authorities in this PEM file (default $GOFER_TLS_CA)",
     .rare = true},
    {.name = "tls-cert",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "the certificate to show to the server, PEM (default $GOFER_TLS_CERT)",
     .rare = true},
    {.name = "tls-key",
     .kind = GF_OPTION_TEXT,
     .value_name = "FILE",
     .complete = "file",
     .help = "the key of the certificate, PEM (default $GOFER_TLS_KEY)",
     .rare = true},
    {.name = "tls-server-name",
     .kind = GF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "the name in the server's certificate, where it is not that of the address (default "
             "$GOFER_TLS_SERVER_NAME)",
     .rare = true},
    {.name = "token-in-clear",
     .kind = GF_OPTION_FLAG,
     .help = "send the token to another machine without TLS, where all on the way can read it",
     .rare = true},
    {.name = "quiet", .letter = 'q', .kind = GF_OPTION_FLAG, .help = "print the answer only"},
    {.name = "verbose", .kind = GF_OPTION_FLAG, .help = "print more about errors"},
    {.name = "no-color", .kind = GF_OPTION_FLAG, .help = "print without colour"},
    {.name = "help", .letter = 'h', .kind = GF_OPTION_FLAG, .help = "print this help"},
};
const size_t gf_common_option_count = GF_ARRAY_COUNT(gf_common_options);

struct parser {
    const struct gf_command *command;
    const char *const *words;
    size_t word_count;
    size_t next;
    size_t argument_count;
    struct gf_parsed *parsed;
    struct gf_error *err;
};

const struct gf_option *gf_option_at(const struct gf_command *command, size_t index) {
    return index < command->option_count ? &command->options[index]
                                         : &gf_common_options[index - command->option_count];
}

static size_t option_count(const struct gf_command *command) {
    return command->option_count + gf_common_option_count;
}

static const struct gf_option *find_long(const struct gf_command *command, struct gf_str name) {
    for (size_t i = 0; i < option_count(command); i++) {
        const struct gf_option *option = gf_option_at(command, i);
        if (gf_str_eq(gf_str_from(option->name), name)) {
            return option;
        }
    }
    return NULL;
}

static const struct gf_option *find_letter(const struct gf_command *command, char letter) {
    for (size_t i = 0; i < option_count(command); i++) {
        const struct gf_option *option = gf_option_at(command, i);
        if (option->letter == letter) {
            return option;
        }
    }
    return NULL;
}

/* True when text is one of the words of choices, which "|" separates. */
static bool is_choice(const char *choices, struct gf_str text) {
    struct gf_str rest = gf_str_from(choices);
    bool more = true;
    while (more) {
        struct gf_str choice;
        more = gf_str_cut(rest, '|', &choice, &rest);
        if (gf_str_eq(choice, text)) {
            return true;
        }
    }
    return false;
}

static bool has_bounds(const struct gf_option *option) {
    return option->min != 0 || option->max != 0;
}

static bool is_within(const struct gf_option *option, int64_t number) {
    return !has_bounds(option) || (number >= option->min && number <= option->max);
}

static enum gf_code read_number(const struct gf_option *option, const char *shown, const char *text,
                                int64_t *out_number, struct gf_error *err) {
    bool read = gf_parse_i64(gf_str_from(text), out_number);
    if (read && (*out_number >= 0 || option->kind == GF_OPTION_NUMBER) &&
        is_within(option, *out_number)) {
        return GF_OK;
    }
    if (has_bounds(option)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s takes a whole number from %" PRId64 " to %" PRId64 ", not '%s'", shown,
                       option->min, option->max, text);
    }
    return gf_fail(err, GF_INVALID_ARGUMENT, "%s takes a whole number, not '%s'", shown, text);
}

static enum gf_code read_duration(const struct gf_option *option, const char *shown,
                                  const char *text, int64_t *out_ms, struct gf_error *err) {
    int64_t duration_ns = 0;
    if (gf_duration_parse(gf_str_from(text), &duration_ns, NULL) != GF_OK || duration_ns < 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s takes a duration such as 30s or 1m30s, not '%s'", shown, text);
    }
    *out_ms = duration_ns / GF_NS_PER_MS;
    if (!is_within(option, *out_ms)) {
        char min[GF_DURATION_BYTES_MAX];
        char max[GF_DURATION_BYTES_MAX];
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s takes a duration from %s to %s, not '%s'",
                       shown, gf_duration_format(option->min * GF_NS_PER_MS, min),
                       gf_duration_format(option->max * GF_NS_PER_MS, max), text);
    }
    return GF_OK;
}

/* Checks and keeps one value; `shown` is the option as the user wrote it. */
static enum gf_code keep(struct parser *parser, const struct gf_option *option, const char *shown,
                         const char *text) {
    struct gf_parsed_value value = {.option = option, .text = text};
    enum gf_code rc = GF_OK;
    if (option->kind == GF_OPTION_COUNT || option->kind == GF_OPTION_NUMBER) {
        rc = read_number(option, shown, text, &value.number, parser->err);
    } else if (option->kind == GF_OPTION_DURATION) {
        rc = read_duration(option, shown, text, &value.number, parser->err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (option->choices != NULL && !is_choice(option->choices, gf_str_from(text))) {
        return gf_fail(parser->err, GF_INVALID_ARGUMENT, "%s takes one of %s, not '%s'", shown,
                       option->choices, text);
    }
    parser->parsed->values[parser->parsed->value_count++] = value;
    return GF_OK;
}

/* The value of an option that stands in the next word. */
static enum gf_code keep_next(struct parser *parser, const struct gf_option *option,
                              const char *shown) {
    if (parser->next >= parser->word_count) {
        return gf_fail(parser->err, GF_INVALID_ARGUMENT, "%s needs a value: %s", shown,
                       option->value_name);
    }
    return keep(parser, option, shown, parser->words[parser->next++]);
}

static enum gf_code parse_long(struct parser *parser, const char *word) {
    struct gf_str name;
    struct gf_str value;
    bool has_value = gf_str_cut(gf_str_from(word + 2), '=', &name, &value);
    const struct gf_option *option = find_long(parser->command, name);
    if (option == NULL) {
        return gf_fail(parser->err, GF_INVALID_ARGUMENT, "unknown option '--%" GF_STR_FMT "'",
                       GF_STR_ARG(name));
    }
    if (option->kind == GF_OPTION_FLAG) {
        if (has_value) {
            return gf_fail(parser->err, GF_INVALID_ARGUMENT, "--%s takes no value", option->name);
        }
        return keep(parser, option, word, NULL);
    }
    char shown[64];
    (void)snprintf(shown, sizeof(shown), "--%s", option->name);
    /* The value is the end of the word, so it is NUL-terminated. */
    return has_value ? keep(parser, option, shown, value.ptr) : keep_next(parser, option, shown);
}

static enum gf_code parse_letters(struct parser *parser, const char *word) {
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct gf_option *option = find_letter(parser->command, *letter);
        if (option == NULL) {
            return gf_fail(parser->err, GF_INVALID_ARGUMENT, "unknown option '-%c'", *letter);
        }
        char shown[3] = {'-', *letter, '\0'};
        if (option->kind != GF_OPTION_FLAG) {
            return letter[1] != '\0' ? keep(parser, option, shown, letter + 1)
                                     : keep_next(parser, option, shown);
        }
        enum gf_code rc = keep(parser, option, shown, NULL);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* All words from `first` on. */
static void take_tail(struct parser *parser, size_t first) {
    parser->parsed->tail = parser->words + first;
    parser->parsed->tail_count = parser->word_count - first;
    parser->next = parser->word_count;
}

static enum gf_code parse_argument(struct parser *parser, const char *word) {
    if (parser->argument_count >= parser->command->argument_count) {
        if (parser->command->tail != NULL) {
            take_tail(parser, parser->next - 1);
            return GF_OK;
        }
        return gf_fail(parser->err, GF_INVALID_ARGUMENT, "unexpected argument '%s'", word);
    }
    parser->parsed->arguments[parser->argument_count++] = word;
    return GF_OK;
}

static enum gf_code check_arguments(struct parser *parser) {
    /* --help is an answer to everything. */
    if (gf_parsed_flag(parser->parsed, "help")) {
        return GF_OK;
    }
    for (size_t i = parser->argument_count; i < parser->command->argument_count; i++) {
        const struct gf_argument *argument = &parser->command->arguments[i];
        if (!argument->optional) {
            return gf_fail(parser->err, GF_INVALID_ARGUMENT, "missing argument %s: %s",
                           argument->name, argument->help);
        }
    }
    return GF_OK;
}

enum gf_code gf_parse(const struct gf_command *command, const char *const *words, size_t word_count,
                      struct gf_arena *arena, struct gf_parsed *out_parsed, struct gf_error *err) {
    if (word_count > GF_COMMAND_WORDS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "more than %d words", GF_COMMAND_WORDS_MAX);
    }
    size_t letter_count = 0;
    for (size_t i = 0; i < word_count; i++) {
        letter_count += strlen(words[i]);
    }
    struct gf_parsed parsed = {
        .command = command,
        .arguments = GF_ARENA_ARRAY(arena, command->argument_count + 1, const char *),
        /* A word holds at most one option for each of its letters. */
        .values = GF_ARENA_ARRAY(arena, letter_count + 1, struct gf_parsed_value),
        .words = words,
        .word_count = word_count,
        .arena = arena,
    };
    struct parser parser = {.command = command,
                            .words = words,
                            .word_count = word_count,
                            .parsed = &parsed,
                            .err = err};
    bool options_ended = command->raw;
    while (!command->raw && parser.next < word_count) {
        const char *word = words[parser.next++];
        enum gf_code rc = GF_OK;
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
            if (command->tail != NULL && parser.argument_count == command->argument_count) {
                take_tail(&parser, parser.next);
            }
        } else if (!options_ended && word[0] == '-' && word[1] == '-') {
            rc = parse_long(&parser, word);
        } else if (!options_ended && word[0] == '-' && word[1] != '\0') {
            rc = parse_letters(&parser, word);
        } else {
            rc = parse_argument(&parser, word);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    enum gf_code rc = command->raw ? GF_OK : check_arguments(&parser);
    if (rc == GF_OK) {
        *out_parsed = parsed;
    }
    return rc;
}

const struct gf_option *gf_option_of_word(const struct gf_command *command, const char *word,
                                          const char **out_value) {
    *out_value = NULL;
    if (word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0) {
        return NULL;
    }
    if (word[1] == '-') {
        struct gf_str name;
        struct gf_str value;
        /* The value is the end of the word, so it is NUL-terminated. */
        *out_value = gf_str_cut(gf_str_from(word + 2), '=', &name, &value) ? value.ptr : NULL;
        return find_long(command, name);
    }
    *out_value = word[2] == '\0' ? NULL : word + 2;
    return find_letter(command, word[1]);
}

size_t gf_parse_leading(const char *const *words, size_t word_count) {
    static const struct gf_command no_command = {0};
    size_t used = 0;
    while (used < word_count) {
        const char *value = NULL;
        const struct gf_option *option = gf_option_of_word(&no_command, words[used], &value);
        if (option == NULL) {
            break;
        }
        bool takes_next = option->kind != GF_OPTION_FLAG && value == NULL;
        used += takes_next && used + 1 < word_count ? 2 : 1;
    }
    return used;
}

/* The last value of the option; NULL when it was not given. */
static const struct gf_parsed_value *find_value(const struct gf_parsed *parsed, const char *name) {
    gf_assert(find_long(parsed->command, gf_str_from(name)) != NULL);
    for (size_t i = parsed->value_count; i > 0; i--) {
        const struct gf_parsed_value *value = &parsed->values[i - 1];
        if (strcmp(value->option->name, name) == 0) {
            return value;
        }
    }
    return NULL;
}

bool gf_parsed_has(const struct gf_parsed *parsed, const char *name) {
    return find_value(parsed, name) != NULL;
}

bool gf_parsed_flag(const struct gf_parsed *parsed, const char *name) {
    return find_value(parsed, name) != NULL;
}

const char *gf_parsed_text(const struct gf_parsed *parsed, const char *name) {
    const struct gf_parsed_value *value = find_value(parsed, name);
    return value == NULL ? NULL : value->text;
}

int64_t gf_parsed_number(const struct gf_parsed *parsed, const char *name, int64_t fallback) {
    const struct gf_parsed_value *value = find_value(parsed, name);
    return value == NULL ? fallback : value->number;
}

const char *const *gf_parsed_list(const struct gf_parsed *parsed, const char *name,
                                  size_t *out_count) {
    gf_assert(find_long(parsed->command, gf_str_from(name)) != NULL);
    const char **texts = GF_ARENA_ARRAY(parsed->arena, parsed->value_count + 1, const char *);
    size_t count = 0;
    for (size_t i = 0; i < parsed->value_count; i++) {
        if (strcmp(parsed->values[i].option->name, name) == 0) {
            texts[count++] = parsed->values[i].text;
        }
    }
    *out_count = count;
    return texts;
}
