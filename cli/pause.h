/*
 * Pausing the starts of runs, for the two commands that do it and undo it.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_PAUSE_H_
#define GOFER_CLI_PAUSE_H_

#include "cli/cli.h"

/* Turns the switch of the server and prints what it is now. `reason` may be NULL. */
enum gf_exit_code gf_pause_run_starts(struct gf_cli *cli, bool paused, const char *reason);

#endif /* GOFER_CLI_PAUSE_H_ */
