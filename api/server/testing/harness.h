/*
 * A server in the test's own process: a data directory of its own below /tmp, a unix socket, and a
 * channel to it. What goes wrong ends the test with a message.
 *
 * Thread: the test's.
 */
#ifndef GOFER_API_SERVER_TESTING_HARNESS_H_
#define GOFER_API_SERVER_TESTING_HARNESS_H_

#include "api/rpc/client.h"
#include "api/server/server.h"

struct gf_harness {
    char dir[64];      /* holds the data directory and the socket */
    char data_dir[80]; /* below dir */
    char address[96];  /* "unix:..." */
    struct gf_server *server;
    struct gf_rpc_channel *channel;
    struct gf_server_options options;
};

/* Makes the directory and starts the server. */
void gf_harness_start(struct gf_harness *harness, enum gf_server_scheduler scheduler);

/* Ends the server and starts another one on the same data. */
void gf_harness_restart(struct gf_harness *harness);

/* Ends the server and removes the directory. */
void gf_harness_stop(struct gf_harness *harness);

#endif /* GOFER_API_SERVER_TESTING_HARNESS_H_ */
