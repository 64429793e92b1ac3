/*
 * Watching a run to its end, through restarts of the server.
 *
 * Thread: the main thread; see the callbacks.
 */
#ifndef GOFER_CLI_WATCH_H_
#define GOFER_CLI_WATCH_H_

#include "cli/cli.h"
#include "gofer/v1/run.pb-c.h"

enum {
    GF_WATCH_RECONNECTS_MAX = 60, /* one after the other without a message in between */
    GF_WATCH_RECONNECT_PAUSE_MS = 500,
};

struct gf_watch_options {
    const char *pipeline_id;
    int64_t run_id;
    int64_t timeout_ms; /* 0 = none */
    /* Every change: the run, and the tasks that changed. Borrowed for the call. May be NULL. */
    void (*changed)(void *ctx, const Gofer__V1__WatchRunResponse *update);
    void *ctx;
};

/*
 * Follows the run until it has ended and prints nothing but errors. On GF_EXIT_OK *out_run is its
 * last state, in the cli's arena. GF_EXIT_INTERRUPTED after Ctrl-C, GF_EXIT_UNREACHABLE after the
 * timeout.
 */
enum gf_exit_code gf_watch_run(struct gf_cli *cli, const struct gf_watch_options *options,
                               Gofer__V1__Run **out_run);

#endif /* GOFER_CLI_WATCH_H_ */
