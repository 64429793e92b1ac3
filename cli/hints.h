/*
 * What to do about an error: the line behind it.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_HINTS_H_
#define GOFER_CLI_HINTS_H_

#include "cli/cli.h"

/* Prints the hint that fits the error, if any does, to cli->err. */
void gf_hint_at_way_out(struct gf_cli *cli, const struct gf_error *error);

#endif /* GOFER_CLI_HINTS_H_ */
