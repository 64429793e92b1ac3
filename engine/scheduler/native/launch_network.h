/*
 * The network of a launch: what its shim is born with, and what the container's resolv.conf says.
 *
 * Thread: any; one launch by one thread at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_LAUNCH_NETWORK_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_LAUNCH_NETWORK_H_

#include "base/error.h"
#include "base/reactor.h"
#include "engine/core/model_enums.h"
#include "engine/scheduler/native/network/network.h"

#include <stdbool.h>

/* A value in the caller's memory; zeroed with fd -1 it is new. */
struct gf_launch_network {
    bool settled; /* what follows is what the launch gets */
    int fd;       /* owned; -1: the shim makes a namespace, or there is none to make */
    char resolv[GF_RESOLV_TEXT_BYTES_MAX];
    struct gf_error error; /* why there is no network; code GF_OK = there is */
    /* Private: how to go on when it has come. */
    struct gf_reactor *reactor;
    void (*resume)(void *ctx);
    void (*drop)(void *ctx);
    void *ctx;
};

/*
 * Gets what the mode needs, where nothing has to be waited for. True: it is settled. False: it has
 * to be requested. So a launch that waits for an address keeps no thread.
 */
bool gf_launch_network_find(struct gf_launch_network *launch, struct gf_network *network,
                            enum gf_network_mode mode) GF_MUST_USE;

/*
 * Requests a namespace behind the bridge. resume(ctx) will run on the reactor when it is settled,
 * or drop(ctx), on any thread, where the reactor has been stopped; until then nothing here may be
 * touched. A request cannot be taken back: who needs it no more lets go of it in resume.
 */
void gf_launch_network_request(struct gf_launch_network *launch, struct gf_network *network,
                               struct gf_reactor *reactor, void (*resume)(void *ctx),
                               void (*drop)(void *ctx), void *ctx);

/* Closes what was not used. */
void gf_launch_network_fini(struct gf_launch_network *launch);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_LAUNCH_NETWORK_H_ */
