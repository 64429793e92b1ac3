/*
 * Commands as data: what a command is called, what it takes, and the function behind it.
 *
 * One table for each command (cli/cmd/<noun>_<verb>.c) is all there is: the parser, --help,
 * completion and the reference page are made from it. Options that every command has are in
 * GF_COMMON_OPTIONS.
 *
 * Thread: one at a time. Tables are static.
 */
#ifndef GOFER_CLI_COMMAND_H_
#define GOFER_CLI_COMMAND_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "cli/exit_code.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_COMMAND_WORDS_MAX = 4096, /* words of a command line that are looked at */
};

enum gf_option_kind {
    GF_OPTION_FLAG,     /* --wait */
    GF_OPTION_TEXT,     /* --name REF; the last one counts */
    GF_OPTION_COUNT,    /* --limit 10: a whole number that is not negative */
    GF_OPTION_NUMBER,   /* --priority -5: a whole number */
    GF_OPTION_DURATION, /* --timeout 1m30s: in milliseconds */
    GF_OPTION_LIST,     /* -v A=B -v C=D: every one counts */
};

struct gf_option {
    const char *name; /* without the dashes */
    char letter;      /* of the short form; 0 = none */
    enum gf_option_kind kind;
    const char *value_name; /* as shown in the help; NULL for a flag */
    const char *choices;    /* "table|json|name": the only values; NULL = any */
    const char *complete;   /* the noun whose ids complete the value, or "file"; NULL = nothing */
    const char *help;       /* one line, lower case, no final period */
    bool rare;              /* a common option that only `gofer help connection` tells of */
    /* Bounds of a count, a number, or a duration in milliseconds; both 0 = those of its kind. */
    int64_t min;
    int64_t max;
};

struct gf_argument {
    const char *name;     /* as shown in the usage, e.g. "PIPELINE" */
    const char *complete; /* as of an option */
    const char *help;
    bool optional; /* only the last ones */
};

struct gf_cli;
struct gf_parsed;

struct gf_command {
    const char *noun;        /* "pipeline"; NULL for a command of one word */
    const char *verb;        /* "list"; of things of a thing two words: "report list" */
    const char *summary;     /* one line, lower case, no final period */
    const char *description; /* what else to know; NULL = nothing */
    const char *examples;    /* command lines, one a line; NULL = none */
    const char *usage;       /* the words behind its name; NULL = its arguments */
    const struct gf_argument *arguments;
    size_t argument_count;
    /* What the words behind its arguments are, from the first one that is no option or from behind
     * "--": "COMMAND". None of them is looked at. NULL = there are none. */
    const char *tail;
    bool tail_is_optional;
    const struct gf_option *options; /* besides the common ones */
    size_t option_count;
    bool hidden;  /* not in the help and not completed */
    bool raw;     /* the words behind the command are its own: nothing is parsed */
    bool offline; /* asks no server: contexts and tokens are not read for it */
    enum gf_exit_code (*run)(struct gf_cli *cli, const struct gf_parsed *parsed);
};

/* Options of every command. */
extern const struct gf_option gf_common_options[];
extern const size_t gf_common_option_count;

/* The options of a command with the common ones behind them; index below the sum of both counts. */
const struct gf_option *gf_option_at(const struct gf_command *command, size_t index);

/*
 * The option that a word gives ("--limit", "--limit=3", "-n", "-nprod"), NULL for none. *out_value
 * is the value within the word, NULL when it has none.
 */
const struct gf_option *gf_option_of_word(const struct gf_command *command, const char *word,
                                          const char **out_value);

/* ---- Parsing ---- */

/* A parsed command line: in the arena that was given to gf_parse. The words are borrowed. */
struct gf_parsed {
    const struct gf_command *command;
    const char *
        *arguments; /* command->argument_count of them; NULL where an optional one is missing */
    struct gf_parsed_value *values;
    size_t value_count;
    const char *const *tail; /* of a command that has one */
    size_t tail_count;
    const char *const *words; /* everything behind the command's name; for raw commands */
    size_t word_count;
    struct gf_arena *arena;
};

/*
 * Reads the words behind the command's name: options anywhere, "--" ends them, "--name=value" and
 * "--name value", "-n value" and "-nvalue", flags in one word ("-qf"). GF_INVALID_ARGUMENT says
 * what is wrong, for a person.
 */
enum gf_code gf_parse(const struct gf_command *command, const char *const *words, size_t word_count,
                      struct gf_arena *arena, struct gf_parsed *out_parsed,
                      struct gf_error *err) GF_MUST_USE;

/*
 * How many of the first words are common options with their values: "-n prod pipeline list" has
 * two. They may stand before the command as well as behind it.
 */
size_t gf_parse_leading(const char *const *words, size_t word_count);

/* Values by the option's long name, which must be one of the command's (asserted). */
bool gf_parsed_flag(const struct gf_parsed *parsed, const char *name);
const char *gf_parsed_text(const struct gf_parsed *parsed, const char *name); /* NULL = not given */
bool gf_parsed_has(const struct gf_parsed *parsed, const char *name);
/* A count, a number or a duration; `fallback` where it was not given. */
int64_t gf_parsed_number(const struct gf_parsed *parsed, const char *name, int64_t fallback);
/* Every value of a list, in order. In the arena. */
const char *const *gf_parsed_list(const struct gf_parsed *parsed, const char *name,
                                  size_t *out_count);

/* ---- The set of commands ---- */

/* Ordered by noun and verb, those of one word first. Borrowed. */
struct gf_command_set {
    const struct gf_command *const *items;
    size_t count;
};

/*
 * Finds the command that the first words name; nouns may be given in the plural. *out_used is how
 * many words are its name. NULL when there is none; then err (GF_INVALID_ARGUMENT) says what is
 * nearest.
 */
const struct gf_command *gf_command_find(const struct gf_command_set *set, const char *const *words,
                                         size_t word_count, size_t *out_used, struct gf_error *err);

/* Whether some verb of the noun has two words, of which this is the first. */
bool gf_command_is_verb_group(const struct gf_command_set *set, const char *noun, const char *word);

/* The noun of some command that the word is, in the singular; NULL when there is none. */
const char *gf_command_noun(const struct gf_command_set *set, struct gf_str word);

/* "pipeline run", "up": as it is typed. At most size bytes. */
enum {
    GF_COMMAND_NAME_BYTES_MAX = 64
};
void gf_command_name(const struct gf_command *command, char out[GF_COMMAND_NAME_BYTES_MAX]);

#endif /* GOFER_CLI_COMMAND_H_ */
