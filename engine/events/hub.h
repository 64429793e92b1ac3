/*
 * The event hub: hands committed events to those who follow them.
 *
 * The engine thread publishes each batch's events after the commit. The hub keeps the newest of
 * them in a ring; a follower reads from the ring by sequence number, or from the store where it is
 * too far behind. Reading and waiting are apart: a follower asks for what is behind its number and,
 * when there is nothing, is told once when there is more. So a slow follower costs nothing but its
 * own lag, and there is no gap and no duplicate: the sequence number is all the state there is.
 */
#ifndef GOFER_ENGINE_EVENTS_HUB_H_
#define GOFER_ENGINE_EVENTS_HUB_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/list.h"
#include "engine/core/model.h"
#include "engine/store/store.h"

enum {
    GF_EVENT_HUB_RING_EVENTS = 8192,    /* kept in memory */
    GF_EVENT_HUB_FOLLOWERS_MAX = 65536, /* more are refused with GF_RESOURCE_EXHAUSTED */
};

struct gf_event_hub;
struct gf_event_watch;

struct gf_event_hub *gf_event_hub_create(void) GF_MUST_USE;
/* No follower may be left. Accepts NULL. */
void gf_event_hub_destroy(struct gf_event_hub *hub);

/* Copies the events, which go on where the last ones ended. Thread: engine. */
void gf_event_hub_publish(struct gf_event_hub *hub, const struct gf_event *events, size_t count);

/* The newest sequence number that is published; 0 = none yet. Thread: any. */
int64_t gf_event_hub_newest(struct gf_event_hub *hub);
/* Before the first publish: what the store holds already. Thread: the owner's. */
void gf_event_hub_set_newest(struct gf_event_hub *hub, int64_t sequence);

/*
 * Up to `limit` events above after_sequence that match, oldest first, from the ring. *out_scanned
 * is the place to go on from. GF_OUT_OF_RANGE when after_sequence is older than the ring: read the
 * store. Thread: any; does not block on the engine.
 */
enum gf_code gf_event_hub_read(struct gf_event_hub *hub, const struct gf_event_filter *filter,
                               int64_t after_sequence, size_t limit, struct gf_arena *arena,
                               struct gf_event **out_items, size_t *out_count, int64_t *out_scanned,
                               struct gf_error *err);

/*
 * Somebody who waits. The memory is the follower's own; `filter`'s strings live as long as it is
 * added.
 */
struct gf_event_follower {
    struct gf_list_link link; /* private to the hub */
    struct gf_event_filter filter;
    /*
     * Called once when an event above the number given to arm() that matches is there, then not
     * again until armed anew. Thread: engine, or the caller of arm() when it is there already. Must
     * not block, and must not call the hub: it queues a job.
     */
    void (*wake)(struct gf_event_follower *follower);
    /* Private to the hub. */
    struct gf_event_watch *watch;
    int64_t after_sequence;
    int32_t waking_count;
    bool armed;
};

/*
 * Codes: GF_RESOURCE_EXHAUSTED (beyond the limit of followers), GF_INVALID_ARGUMENT (the filter has
 * an id that is too long for any). Thread: any.
 */
enum gf_code gf_event_hub_add(struct gf_event_hub *hub, struct gf_event_follower *follower,
                              struct gf_error *err);
void gf_event_hub_arm(struct gf_event_hub *hub, struct gf_event_follower *follower,
                      int64_t after_sequence);
/* After it returns `wake` is not called and is not running. Thread: any but inside wake. */
void gf_event_hub_remove(struct gf_event_hub *hub, struct gf_event_follower *follower);

/* What there is now. */
struct gf_event_hub_stats {
    size_t followers;
    size_t followers_limit;
    size_t waiting;  /* followers that have all there is; the others are behind, or busy */
    size_t buffered; /* events in memory */
    size_t buffer_limit;
    int64_t newest;        /* the number of the newest event */
    uint64_t wakes_total;  /* of followers */
    uint64_t misses_total; /* reads of what was no longer in memory: the store has it */
};
/* Thread: any. */
void gf_event_hub_stats(struct gf_event_hub *hub, struct gf_event_hub_stats *out);

#endif /* GOFER_ENGINE_EVENTS_HUB_H_ */
