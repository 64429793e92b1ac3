/*
 * Finding gofer-fetch, the helper program that reads and writes image archives.
 */
#ifndef GOFER_CLI_FETCH_H_
#define GOFER_CLI_FETCH_H_

#include "cli/cli.h"

/* $GOFER_FETCH, else "gofer-fetch" beside the running program. In the cli's arena. */
const char *gf_cli_fetch_program(struct gf_cli *cli);

#endif /* GOFER_CLI_FETCH_H_ */
