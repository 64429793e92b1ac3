/*
 * Contexts for people and programs; never their tokens.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_CONTEXT_H_
#define GOFER_CLI_UI_CONTEXT_H_

#include "cli/cli.h"
#include "clients/c/contexts.h"

/* Prints all of them in the form that was asked for. */
void gf_print_contexts(struct gf_cli *cli, const struct gf_contexts *contexts);

/* Prints one of them; `in_use` tells whether it is the current one. */
void gf_print_context(struct gf_cli *cli, const struct gf_context *context, bool in_use);

#endif /* GOFER_CLI_UI_CONTEXT_H_ */
