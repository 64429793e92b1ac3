/*
 * What every command is given: where to print, how, and how to reach the server.
 *
 * There are no globals: a test makes a struct gf_cli of its own with pipes for streams and an
 * environment of its own.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_CLI_H_
#define GOFER_CLI_CLI_H_

#include "base/arena.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_code.h"

#include <stdbool.h>
#include <stdio.h>

struct gf_client;
struct gf_rpc_client_tls;

enum {
    GF_CLI_ARENA_BYTES_MAX = 256 << 20, /* everything that one command holds at once */
};

enum gf_output {
    GF_OUTPUT_TABLE, /* for people; plain tab-separated lines where stdout is no terminal */
    GF_OUTPUT_JSON,  /* the response as proto3 JSON, indented */
    GF_OUTPUT_JSONL, /* one object a line: list items, stream messages */
    GF_OUTPUT_NAME,  /* one identifier a line */
};

struct gf_cli {
    const struct gf_command_set *commands; /* what there is to run and to help with */
    const struct gf_parsed *parsed;        /* the command line; set by gf_cli_main */
    FILE *in;                              /* standard input */
    FILE *out;                             /* the answer */
    FILE *err;                             /* chatter, errors, progress */
    bool in_is_terminal;
    bool out_is_terminal;
    bool err_is_terminal;
    bool colour; /* on out */
    int columns; /* width of the terminal; 0 = not a terminal */
    enum gf_output output;
    bool quiet;
    bool verbose;
    const char *program; /* the path of the running gofer, for programs that stand beside it */
    /* From options, environment and context (settings.h). */
    const char *context_name; /* the context in use; NULL = none */
    const char *host;
    const char *namespace_id;
    const char *token;                   /* NULL = none */
    const char *token_source;            /* "GOFER_TOKEN": for messages; set with the token */
    const struct gf_rpc_client_tls *tls; /* NULL = no TLS */
    bool token_in_clear;                 /* the token may go to other machines without TLS */
    const char *(*getenv)(const char *name);
    struct gf_arena *arena;   /* for the whole command */
    struct gf_client *client; /* gf_cli_connect makes it; whoever made the cli destroys it */
};

/* Runs one command line (without the program's name) and gives the exit code. */
enum gf_exit_code gf_cli_main(struct gf_cli *cli, const char *const *words, size_t word_count);

/* Prints "gofer: <message>" (with the code where verbose) to err and gives the exit code of it. */
enum gf_exit_code gf_cli_fail(struct gf_cli *cli, const struct gf_error *error);

/* The words name no command, as err says: prints it with a hint; gives GF_EXIT_USAGE. */
enum gf_exit_code gf_cli_unknown(struct gf_cli *cli, const char *const *words, size_t word_count,
                                 const struct gf_error *error);

/* As gf_cli_fail, from within a command, for what the command line is to blame for. */
enum gf_exit_code gf_cli_fail_usage(struct gf_cli *cli, const struct gf_error *error);

/* Prints "gofer: <message>" and a hint how to get help; gives GF_EXIT_USAGE. */
enum gf_exit_code gf_cli_usage(struct gf_cli *cli, const struct gf_command *command,
                               const struct gf_error *error);

/*
 * Whether what cannot be undone is to be done: true with the command's option --yes; else on a
 * terminal the question is put ("delete pipeline 'hello'?") and 'y' or 'yes' is the only consent.
 * On false *out_code is set and everything is said.
 */
bool gf_cli_confirm(struct gf_cli *cli, const char *question, enum gf_exit_code *out_code);

/* The option --yes of a command that asks. */
#define GF_OPTION_YES                                                                              \
    {                                                                                              \
        .name = "yes", .letter = 'y', .kind = GF_OPTION_FLAG,                                      \
        .help = "do not ask; needed where there is no terminal to ask at"                          \
    }

/* "hint: ..." to err, unless quiet. */
void gf_cli_hint(struct gf_cli *cli, const char *fmt, ...) GF_PRINTF(2, 3);

/*
 * " -n prod" for a hint at a command that is to concern the same namespace; empty for the default
 * one. In the arena.
 */
const char *gf_cli_namespace_option(struct gf_cli *cli);

/* One line of chatter to err, unless quiet. */
void gf_cli_note(struct gf_cli *cli, const char *fmt, ...) GF_PRINTF(2, 3);

#endif /* GOFER_CLI_CLI_H_ */
