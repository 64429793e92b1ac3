/*
 * Following the event log, through restarts of the server.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_EVENT_FOLLOW_H_
#define GOFER_CLI_EVENT_FOLLOW_H_

#include "cli/cli.h"
#include "gofer/v1/event.pb-c.h"

struct gf_event_follow_options {
    Gofer__V1__EventFilter *filter; /* borrowed */
    bool include_history;           /* begin with the oldest event that is kept */
    const char *resume_token;       /* begin behind it; NULL = not at one */
    /* As JSON: the responses, each with its resume token. At the end: say how to go on. */
    bool with_tokens;
    int64_t limit; /* stop after so many events; 0 = never */
};

/*
 * Prints each event as it comes, none twice and none left out. GF_EXIT_OK at the limit,
 * GF_EXIT_INTERRUPTED after Ctrl-C.
 */
enum gf_exit_code gf_follow_events(struct gf_cli *cli,
                                   const struct gf_event_follow_options *options);

#endif /* GOFER_CLI_EVENT_FOLLOW_H_ */
