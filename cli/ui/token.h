/*
 * Tokens for people: what is known of them, never their text.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_TOKEN_H_
#define GOFER_CLI_UI_TOKEN_H_

#include "cli/call.h"
#include "gofer/v1/token.pb-c.h"

/* How a list of tokens is shown. */
extern const struct gf_listing gf_token_listing;

/* "reader,developer"; "-" for none. In the cli's arena. */
const char *gf_show_token_roles(struct gf_cli *cli, const Gofer__V1__Token *token);

/* Prints all that is known of one. */
void gf_print_token(struct gf_cli *cli, const Gofer__V1__Token *token);

/*
 * A new token: its text goes to standard output and nothing else does, so that it can be sent to a
 * file; what it is goes to standard error. The text is wiped in the response afterwards.
 */
enum gf_exit_code gf_print_new_token(struct gf_cli *cli, const ProtobufCMessage *response,
                                     const Gofer__V1__Token *token, char *text);

#endif /* GOFER_CLI_UI_TOKEN_H_ */
