/*
 * Runs a program that somebody works on: shows what it prints, and runs it anew whenever its file
 * changes.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_DEV_H_
#define GOFER_CLI_DEV_H_

#include "cli/cli.h"

#include <stdbool.h>

enum {
    GF_DEV_STOP_MS = 10 * 1000, /* from SIGTERM to SIGKILL */
    GF_DEV_LINE_BYTES_MAX = 64 * 1024,
};

/* Borrowed for the call. */
struct gf_dev_options {
    const char *program;     /* a path with a '/' */
    const char *const *argv; /* ends with NULL */
    const char *const *envp; /* ends with NULL */
    const char *prefix;      /* of each line that it prints */
    int stop_fd;             /* an eventfd: whoever writes to it ends the program */
    bool no_restart;         /* end with the program, whose file is not watched */
};

/*
 * Runs until there is something in stop_fd, which ends the program by SIGTERM, and by SIGKILL when
 * there is something again; a program that ends by itself is started again when its file changes.
 * What it prints goes line by line to the command's standard error. GF_EXIT_OK when it was stopped;
 * with no_restart GF_EXIT_FAILED for a program that ended with another code than 0; else an error
 * that is printed.
 */
enum gf_exit_code gf_dev_run(struct gf_cli *cli, const struct gf_dev_options *options);

#endif /* GOFER_CLI_DEV_H_ */
