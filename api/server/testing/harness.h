/*
 * A server in the test's own process: a data directory of its own below /tmp, a unix socket, and a
 * channel to it. What goes wrong ends the test with a message.
 *
 * By default it is in development mode. With authentication, `channel` carries the first token of
 * the server, which may do everything; gf_harness_open gives channels with other tokens, or none.
 *
 * Thread: the test's.
 */
#ifndef GOFER_API_SERVER_TESTING_HARNESS_H_
#define GOFER_API_SERVER_TESTING_HARNESS_H_

#include "api/rpc/client.h"
#include "api/server/server.h"

struct gf_harness {
    char dir[64];           /* holds the data directory and the socket */
    char data_dir[80];      /* below dir */
    char address[96];       /* "unix:..." */
    char task_address[112]; /* of the door for tasks */
    char token[128];        /* the first one; empty in development mode */
    struct gf_server *server;
    struct gf_rpc_channel *channel;
    struct gf_server_options options;
    struct gf_server_listener listener;
};

/* Makes the directory and starts the server. */
void gf_harness_start(struct gf_harness *harness, enum gf_server_scheduler scheduler);

/* The same with authentication: makes the first token. */
void gf_harness_start_auth(struct gf_harness *harness, enum gf_server_scheduler scheduler);

/* The same with a scheduler of the test's (GF_SERVER_SCHEDULER_GIVEN). */
typedef struct gf_scheduler gf_harness_make_fn(void *ctx, const struct gf_scheduler_events *events);
void gf_harness_start_given(struct gf_harness *harness, gf_harness_make_fn *make, void *ctx);

/*
 * Another channel: to `address` or, with NULL, the one of the harness, with a token or, with NULL,
 * without. Owned by the caller, who destroys it before the harness stops.
 */
struct gf_rpc_channel *gf_harness_open(const struct gf_harness *harness, const char *address,
                                       const char *token) GF_MUST_USE;

/* Ends the server, and starts another one with what `options` are then. */
void gf_harness_pause(struct gf_harness *harness);
void gf_harness_resume(struct gf_harness *harness);

/* Ends the server and starts another one on the same data. */
void gf_harness_restart(struct gf_harness *harness);

/* Ends the server and removes the directory. */
void gf_harness_stop(struct gf_harness *harness);

#endif /* GOFER_API_SERVER_TESTING_HARNESS_H_ */
