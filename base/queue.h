/*
 * A bounded queue from many producers to one consumer, with two lanes.
 *
 * The normal lane holds up to a limit of items and refuses more: overload is an error at the edge,
 * never a wait. The reserved lane never refuses: it is for what is already in flight (exits,
 * timers, cancels, acknowledgements) and is bounded by that. Order is kept inside a lane; the
 * reserved lane goes first.
 *
 * The consumer takes everything at once, so that batches grow by themselves under load. Producers
 * make a system call only when the consumer sleeps.
 *
 * Nodes are intrusive: the queue owns nothing and never allocates. A node belongs to the queue from
 * the push until it has been drained.
 *
 * Thread: push and close from any; drain from one at a time.
 */
#ifndef GOFER_BASE_QUEUE_H_
#define GOFER_BASE_QUEUE_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_queue;

struct gf_queue_node {
    struct gf_queue_node *next;
};

/* What one drain gave, in order: pop until NULL. */
struct gf_queue_batch {
    struct gf_queue_node *first;
    size_t count;
};

enum gf_queue_drained {
    GF_QUEUE_ITEMS,   /* the batch has at least one item */
    GF_QUEUE_TIMEOUT, /* the deadline passed; the batch is empty */
    GF_QUEUE_CLOSED,  /* closed and nothing left; the batch is empty */
};

/* A queue whose normal lane holds up to normal_limit (> 0) items. Owned by the caller. */
struct gf_queue *gf_queue_create(size_t normal_limit) GF_MUST_USE;

/* The queue must be empty and no longer in use by any thread. Accepts NULL. */
void gf_queue_destroy(struct gf_queue *queue);

/* Codes: GF_RESOURCE_EXHAUSTED (the normal lane is full), GF_UNAVAILABLE (closed). */
enum gf_code gf_queue_push(struct gf_queue *queue, struct gf_queue_node *node,
                           struct gf_error *err) GF_MUST_USE;

/* Never refuses, not even after gf_queue_close: what is in flight must be able to end. */
void gf_queue_push_reserved(struct gf_queue *queue, struct gf_queue_node *node);

/*
 * Takes all items of both lanes. Waits for the first until deadline_mono_ns: GF_NEVER waits without
 * end, 0 does not wait. After gf_queue_close it gives what is left and then GF_QUEUE_CLOSED, at
 * once.
 */
enum gf_queue_drained gf_queue_drain(struct gf_queue *queue, int64_t deadline_mono_ns,
                                     struct gf_queue_batch *out_batch);

/* The next node of a batch, which the caller now owns; NULL at its end. */
struct gf_queue_node *gf_queue_batch_pop(struct gf_queue_batch *batch);

/* Refuses further items of the normal lane and wakes the consumer. May be called twice. */
void gf_queue_close(struct gf_queue *queue);

/* Wakes a consumer that waits, as if its deadline had come. */
void gf_queue_wake(struct gf_queue *queue);

/* Items in both lanes now: for tests. */
size_t gf_queue_depth(struct gf_queue *queue);

struct gf_queue_stats {
    size_t normal;       /* items now */
    size_t normal_limit; /* of those */
    size_t reserved;     /* items now */
    uint64_t refused_total;
};
void gf_queue_stats(struct gf_queue *queue, struct gf_queue_stats *out);

#endif /* GOFER_BASE_QUEUE_H_ */
