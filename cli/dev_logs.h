/*
 * What an extension that somebody works on logs to gofer, and what gofer says about it, on standard
 * error while the program runs.
 *
 * An extension that is made with the library for C prints its entries itself: then only what gofer
 * says is shown.
 *
 * Thread: the main thread; a thread of its own receives and prints whole lines.
 */
#ifndef GOFER_CLI_DEV_LOGS_H_
#define GOFER_CLI_DEV_LOGS_H_

#include "cli/cli.h"

struct gf_dev_logs;

/*
 * From now on, with what is there already left out. Borrowed: both, until stop. NULL where there
 * is nothing to follow, which is not an error: the caller may not read logs. While the server is
 * away it is tried again.
 */
struct gf_dev_logs *gf_dev_logs_start(struct gf_cli *cli, const char *extension_id) GF_MUST_USE;

/* Shows what has come since, and ends. Accepts NULL. */
void gf_dev_logs_stop(struct gf_dev_logs *logs);

#endif /* GOFER_CLI_DEV_LOGS_H_ */
