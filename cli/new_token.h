/*
 * Making a token: the call, and what becomes of the text, which nobody can have again.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_NEW_TOKEN_H_
#define GOFER_CLI_NEW_TOKEN_H_

#include "cli/cli.h"
#include "gofer/v1/token.pb-c.h"

#include <protobuf-c/protobuf-c.h>

struct gf_rpc_method;

/* The option that gf_make_token goes by; for the tables of the commands. */
#define GF_OPTION_SAVE_AS_CONTEXT                                                                  \
    {                                                                                              \
        .name = "save-as-context", .kind = GF_OPTION_TEXT, .value_name = "CONTEXT",                \
        .complete = "context",                                                                     \
        .help = "keep the token in this context, with what leads to the server, instead of "       \
                "printing it"                                                                      \
    }

/*
 * Calls the method, whose response has a `token` and a `token_text`, and prints the text or, with
 * --save-as-context, keeps it in a context. The place is made sure of before the call. An answer
 * without a text is that to a repeated call.
 */
enum gf_exit_code gf_make_token(struct gf_cli *cli, const struct gf_rpc_method *method,
                                const ProtobufCMessage *request);

#endif /* GOFER_CLI_NEW_TOKEN_H_ */
