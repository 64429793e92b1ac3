/*
 * Ranges of user ids: each container has one for itself, so that what it writes and runs belongs to
 * nobody else on the host, other containers included. Which ones are in use is known to the
 * attempts alone (GF_ATTEMPT_LINK_IDS); a server that starts again adopts those that it finds.
 *
 * A range that was given back is taken again as late as possible.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_USER_RANGES_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_USER_RANGES_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/sync.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value in the caller's memory. */
struct gf_user_ranges {
    struct gf_mutex mutex;
    struct gf_cond given; /* one was given back */
    int64_t first;        /* the first id of the first range */
    uint16_t *taken;      /* of each range: how many hold a part of it */
    size_t count;
    size_t next; /* where to look first */
};

/*
 * `count` ranges of GF_SHIM_USER_IDS ids each, from id `first` on; none is taken. Code:
 * GF_INVALID_ARGUMENT (no range at all, the first one begins below GF_SHIM_USER_IDS, where the
 * host's own users are, or the last one ends beyond what the kernel knows).
 */
enum gf_code gf_user_ranges_init(struct gf_user_ranges *ranges, int64_t first, int64_t count,
                                 struct gf_error *err) GF_MUST_USE;

/* Accepts a zeroed one. */
void gf_user_ranges_fini(struct gf_user_ranges *ranges);

/*
 * Takes a range that nobody has; gives its first id. Where there is none it waits for one until
 * deadline_mono_ns (0: not at all): that of a container that has just ended comes back soon.
 * Whoever sets *cancelled and calls gf_user_ranges_wake ends the wait. Codes:
 * GF_RESOURCE_EXHAUSTED, GF_CANCELLED.
 */
enum gf_code gf_user_ranges_take(struct gf_user_ranges *ranges, int64_t deadline_mono_ns,
                                 const atomic_bool *cancelled, int64_t *out_first,
                                 struct gf_error *err) GF_MUST_USE;

/* All who wait look again whether they still should. */
void gf_user_ranges_wake(struct gf_user_ranges *ranges);

/*
 * Takes the ids from `first` on for a container that has them already. They need not be a range of
 * this configuration: all that they touch are taken.
 */
void gf_user_ranges_adopt(struct gf_user_ranges *ranges, int64_t first);

/* Gives back what was taken or adopted, once for each time. */
void gf_user_ranges_give(struct gf_user_ranges *ranges, int64_t first);

/* How many of the ranges are taken. */
size_t gf_user_ranges_used(struct gf_user_ranges *ranges);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_USER_RANGES_H_ */
