/*
 * Work that follows deletions: once at the start, and again after every deletion of a pipeline or a
 * namespace, in the background and one at a time. For what is kept outside of the store and has to
 * go with what it belongs to.
 *
 * The place in the events is noted before the work begins, so that a deletion that comes too late
 * for it causes the next one.
 *
 * Thread: the owner's, but for gf_sweeper_stopping.
 */
#ifndef GOFER_ENGINE_EVENTS_SWEEPER_H_
#define GOFER_ENGINE_EVENTS_SWEEPER_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/pool.h"
#include "engine/events/hub.h"

#include <stdbool.h>

/* A value in the owner's memory, which does not move; zeroed is one that was never started. */
struct gf_sweeper {
    struct gf_event_hub *hub;
    struct gf_pool *pool;
    void (*sweep)(void *ctx);
    void *ctx;
    struct gf_event_follower follower;
    _Atomic bool stopping;
};

/*
 * Sweeps for the first time, and follows the events. `sweep` is called on the pool; it looks at
 * gf_sweeper_stopping between its parts. Borrowed until fini: hub, pool, ctx. Codes: those of
 * gf_event_hub_add.
 */
enum gf_code gf_sweeper_start(struct gf_sweeper *sweeper, struct gf_event_hub *hub,
                              struct gf_pool *pool, void (*sweep)(void *ctx), void *ctx,
                              struct gf_error *err) GF_MUST_USE;

/* Whether a sweep under way is to end. Thread: any. */
bool gf_sweeper_stopping(const struct gf_sweeper *sweeper);

/* A sweep under way ends soon, and none begins. */
void gf_sweeper_stop(struct gf_sweeper *sweeper);

/* After the pool was joined. */
void gf_sweeper_fini(struct gf_sweeper *sweeper);

#endif /* GOFER_ENGINE_EVENTS_SWEEPER_H_ */
