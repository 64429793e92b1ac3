/*
 * Who the server takes the caller for.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_CALLER_H_
#define GOFER_CLI_CALLER_H_

#include "cli/cli.h"

/* Prints "you are: ..." to cli->err; nothing where the server does not tell. */
void gf_print_caller(struct gf_cli *cli);

#endif /* GOFER_CLI_CALLER_H_ */
