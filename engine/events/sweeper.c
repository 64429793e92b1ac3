#include "engine/events/sweeper.h"

#include <stdatomic.h>

/* On a worker; one at a time, because the follower is armed at the end of each. */
static void run(void *ctx) {
    struct gf_sweeper *sweeper = ctx;
    const int64_t sequence = gf_event_hub_newest(sweeper->hub);
    if (gf_sweeper_stopping(sweeper)) {
        return;
    }
    sweeper->sweep(sweeper->ctx);
    if (!gf_sweeper_stopping(sweeper)) {
        gf_event_hub_arm(sweeper->hub, &sweeper->follower, sequence);
    }
}

static void wake(struct gf_event_follower *follower) {
    struct gf_sweeper *sweeper = GF_CONTAINER_OF(follower, struct gf_sweeper, follower);
    gf_pool_submit_reserved(sweeper->pool, run, sweeper);
}

enum gf_code gf_sweeper_start(struct gf_sweeper *sweeper, struct gf_event_hub *hub,
                              struct gf_pool *pool, void (*sweep)(void *ctx), void *ctx,
                              struct gf_error *err) {
    struct gf_event_follower *follower = &sweeper->follower;
    *follower = (struct gf_event_follower){.wake = wake};
    gf_event_kinds_add(&follower->filter.kinds, GF_EVENT_PIPELINE_DELETED);
    gf_event_kinds_add(&follower->filter.kinds, GF_EVENT_NAMESPACE_DELETED);
    const enum gf_code rc = gf_event_hub_add(hub, follower, err);
    if (rc != GF_OK) {
        return rc;
    }
    sweeper->hub = hub;
    sweeper->pool = pool;
    sweeper->sweep = sweep;
    sweeper->ctx = ctx;
    gf_pool_submit_reserved(pool, run, sweeper);
    return GF_OK;
}

bool gf_sweeper_stopping(const struct gf_sweeper *sweeper) {
    return atomic_load(&sweeper->stopping);
}

void gf_sweeper_stop(struct gf_sweeper *sweeper) {
    atomic_store(&sweeper->stopping, true);
}

void gf_sweeper_fini(struct gf_sweeper *sweeper) {
    if (sweeper->hub != NULL) {
        gf_event_hub_remove(sweeper->hub, &sweeper->follower);
        sweeper->hub = NULL;
    }
}
