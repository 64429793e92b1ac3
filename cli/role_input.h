/*
 * What a role is to allow, as the commands that make and change roles take it.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_ROLE_INPUT_H_
#define GOFER_CLI_ROLE_INPUT_H_

#include "cli/cli.h"
#include "clients/c/message_file.h"
#include "gofer/v1/role.pb-c.h"

enum {
    GF_ROLE_FILE_BYTES_MAX = 1 << 20,
};

/* The options that gf_role_input_read goes by; for the tables of the commands. */
#define GF_OPTIONS_ROLE_INPUT                                                                      \
    {.name = "allow",                                                                              \
     .kind = GF_OPTION_LIST,                                                                       \
     .value_name = "ACTIONS:KINDS[@NAMESPACES]",                                                   \
     .help = "what it allows, as 'read,write:pipelines,runs@team-*'; without @ in the namespace "  \
             "of -n; may be given many times"},                                                    \
        {.name = "like",                                                                           \
         .kind = GF_OPTION_TEXT,                                                                   \
         .value_name = "ROLE",                                                                     \
         .complete = "role",                                                                       \
         .help = "what this role allows, with the namespace of -n in the place of 'default'"},     \
        {.name = "file",                                                                           \
         .letter = 'f',                                                                            \
         .kind = GF_OPTION_TEXT,                                                                   \
         .value_name = "FILE",                                                                     \
         .complete = "file",                                                                       \
         .help = "the role as JSON, in the form of gofer role get -o json; - is standard input"},  \
    {                                                                                              \
        .name = "description", .kind = GF_OPTION_TEXT, .value_name = "TEXT",                       \
        .help = "what it is for"                                                                   \
    }

/* In the cli's arena. */
struct gf_role_input {
    const char *description; /* NULL = not given */
    Gofer__V1__Permission **permissions;
    size_t permission_count;
    bool has_permissions;        /* given, be it none */
    struct gf_message_file file; /* path NULL = none was given */
};

/*
 * Reads the options, and what --like asks of the server. Permissions of the file come first. On
 * anything but GF_EXIT_OK the error is printed.
 */
enum gf_exit_code gf_role_input_read(struct gf_cli *cli, const char *role_id,
                                     struct gf_role_input *out_input);

/* Prints an error of the server, at its place in the file where it is about what that says. */
enum gf_exit_code gf_role_input_fail(struct gf_cli *cli, const struct gf_role_input *input,
                                     struct gf_error *error);

#endif /* GOFER_CLI_ROLE_INPUT_H_ */
