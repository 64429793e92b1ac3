/*
 * Being in a container: what `task attach`, `task exec` and `task shell` have in common. Output
 * goes to standard output and standard error; keys, or what a pipe has, go to the program.
 *
 * Thread: the main thread; a thread of its own reads the input.
 */
#ifndef GOFER_CLI_SESSION_H_
#define GOFER_CLI_SESSION_H_

#include "cli/cli.h"

/* What each of the commands has. */
#define GF_SESSION_ARGUMENTS                                                                       \
    {.name = "PIPELINE", .complete = "pipeline", .help = "the pipeline"},                          \
        {.name = "RUN", .complete = "run", .help = "the number of the run"}, {                     \
        .name = "TASK", .complete = "task", .help = "the task"                                     \
    }
#define GF_SESSION_OPTION_NO_STDIN                                                                 \
    { .name = "no-stdin", .kind = GF_OPTION_FLAG, .help = "send no input" }
#define GF_SESSION_OPTIONS_EXEC                                                                    \
    GF_SESSION_OPTION_NO_STDIN,                                                                    \
        {.name = "interactive",                                                                    \
         .letter = 'i',                                                                            \
         .kind = GF_OPTION_FLAG,                                                                   \
         .help = "send input, which is the default"},                                              \
        {.name = "tty",                                                                            \
         .letter = 't',                                                                            \
         .kind = GF_OPTION_FLAG,                                                                   \
         .help = "give the program a terminal (default: where input and output are one here)"},    \
        {.name = "no-tty", .kind = GF_OPTION_FLAG, .help = "give it pipes"},                       \
        {.name = "env",                                                                            \
         .letter = 'e',                                                                            \
         .kind = GF_OPTION_LIST,                                                                   \
         .value_name = "KEY=VALUE",                                                                \
         .help = "a variable besides those of the task; may be given many times"},                 \
        {.name = "user",                                                                           \
         .letter = 'u',                                                                            \
         .kind = GF_OPTION_TEXT,                                                                   \
         .value_name = "USER",                                                                     \
         .help = "run as this user of the container (default: the task's)"},                       \
    {                                                                                              \
        .name = "workdir", .letter = 'w', .kind = GF_OPTION_TEXT, .value_name = "DIR",             \
        .help = "start in this directory (default: the task's)"                                    \
    }

/* Borrowed for the call. */
struct gf_session_options {
    bool attach; /* to the program of the task; else runs one */
    int64_t run_id;
    const char *const *command; /* of an exec */
    size_t command_count;
    bool close_input;        /* an attached program reads an end of file when the input here ends */
    const char *detach_keys; /* leave an attached program; "" = none */
};

/*
 * Connects, and stays until the program has ended or somebody leaves. Gives the program's exit
 * code as this one's; GF_EXIT_OK for who leaves by keys; GF_EXIT_INTERRUPTED; else that of the
 * error, which is printed.
 */
enum gf_exit_code gf_session_run(struct gf_cli *cli, const struct gf_session_options *options);

#endif /* GOFER_CLI_SESSION_H_ */
