/*
 * Following a run as it happens: the changes of its tasks, and their output line by line.
 *
 * Thread: the main thread; each task whose log is shown has a thread of its own.
 */
#ifndef GOFER_CLI_FOLLOW_H_
#define GOFER_CLI_FOLLOW_H_

#include "cli/watch.h"

enum {
    GF_FOLLOW_TASKS_MAX = 256, /* logs that are shown; of the others is told once */
};

/*
 * As gf_watch_run, and prints: changes to cli->err ("greet RUNNING"), output to cli->out with the
 * task in front ("greet | hello"). All output is printed before it returns.
 */
enum gf_exit_code gf_follow_run(struct gf_cli *cli, const struct gf_watch_options *options,
                                Gofer__V1__Run **out_run);

#endif /* GOFER_CLI_FOLLOW_H_ */
