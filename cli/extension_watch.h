/*
 * Watching one extension, through restarts of the server.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_EXTENSION_WATCH_H_
#define GOFER_CLI_EXTENSION_WATCH_H_

#include "cli/cli.h"
#include "gofer/v1/extension.pb-c.h"

/* For the table of a command that may wait. */
#define GF_OPTIONS_WAIT_EXTENSION                                                                  \
    {.name = "wait",                                                                               \
     .kind = GF_OPTION_FLAG,                                                                       \
     .help = "wait until it runs, or say why it does not"},                                        \
    {                                                                                              \
        .name = "timeout", .kind = GF_OPTION_DURATION, .value_name = "DURATION",                   \
        .help = "with --wait: give up waiting after this time"                                     \
    }

/* The same for one that updates. */
#define GF_OPTIONS_WAIT_UPDATE                                                                     \
    {.name = "wait",                                                                               \
     .kind = GF_OPTION_FLAG,                                                                       \
     .help = "wait until its successor runs, or say why the old one stays"},                       \
    {                                                                                              \
        .name = "timeout", .kind = GF_OPTION_DURATION, .value_name = "DURATION",                   \
        .help = "with --wait: give up waiting after this time"                                     \
    }

enum gf_watch_decision {
    GF_WATCH_ON,
    GF_WATCH_DONE,   /* well */
    GF_WATCH_FAILED, /* as it was said */
};

/*
 * Calls `changed` with the extension as it is and with every change, until it decides. Borrowed for
 * the call. timeout_ms 0 = none. GF_EXIT_OK for DONE, GF_EXIT_FAILED for FAILED,
 * GF_EXIT_INTERRUPTED after Ctrl-C, and what gf_cli_fail gives.
 */
enum gf_exit_code gf_watch_extension(
    struct gf_cli *cli, const char *extension_id, int64_t timeout_ms,
    enum gf_watch_decision (*changed)(void *ctx, const Gofer__V1__Extension *extension), void *ctx);

/* Waits as --wait and --timeout say, and says how it went; GF_EXIT_OK at once without --wait. */
enum gf_exit_code gf_wait_for_extension(struct gf_cli *cli, const char *extension_id);

/*
 * The same for an update, whose answer `updated` is: waits until its successor is connected, or
 * tells why the old one stays. Only for an update that starts a successor.
 */
enum gf_exit_code gf_wait_for_update(struct gf_cli *cli, const Gofer__V1__Extension *updated);

#endif /* GOFER_CLI_EXTENSION_WATCH_H_ */
