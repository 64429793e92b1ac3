#include "engine/scheduler/native/launch_network.h"

#include "base/file.h"

#include <string.h>

/* On the network's thread. */
static void take_lease(const struct gf_network_lease *lease, const struct gf_error *error,
                       void *ctx) {
    struct gf_launch_network *launch = ctx;
    launch->settled = true;
    if (lease == NULL) {
        launch->error = *error;
    } else {
        launch->fd = lease->fd;
        memcpy(launch->resolv, lease->resolv, sizeof(launch->resolv));
    }
    if (!gf_reactor_post(launch->reactor, launch->resume, launch->ctx)) {
        launch->drop(launch->ctx);
    }
}

bool gf_launch_network_find(struct gf_launch_network *launch, struct gf_network *network,
                            enum gf_network_mode mode) {
    if (launch->settled) {
        return true;
    }
    if (mode == GF_NETWORK_BRIDGE) {
        return false;
    }
    if (mode == GF_NETWORK_HOST) {
        gf_network_host_resolv(network, launch->resolv);
    } else {
        launch->fd = gf_network_take_private(network);
    }
    launch->settled = true;
    return true;
}

void gf_launch_network_request(struct gf_launch_network *launch, struct gf_network *network,
                               struct gf_reactor *reactor, void (*resume)(void *ctx),
                               void (*drop)(void *ctx), void *ctx) {
    launch->reactor = reactor;
    launch->resume = resume;
    launch->drop = drop;
    launch->ctx = ctx;
    gf_network_request_bridged(network, take_lease, launch);
}

void gf_launch_network_fini(struct gf_launch_network *launch) {
    gf_close(&launch->fd);
}
