/*
 * Design: a mutex and a condition variable. The consumer says under the mutex that it sleeps, so
 * that a producer pays for a wake-up only then; while the consumer works, items pile up and it
 * takes all of them with one lock. Both lanes are lists with a tail, and a drain joins them, so
 * that it costs the same for one item and for a thousand.
 */
#include "base/queue.h"

#include "base/alloc.h"
#include "base/sync.h"

struct lane {
    struct gf_queue_node *first;
    struct gf_queue_node **end; /* where the next node's address goes */
    size_t count;
};

struct gf_queue {
    struct gf_mutex mutex;
    struct gf_cond not_empty;
    struct lane normal;
    struct lane reserved;
    size_t normal_limit;
    uint64_t refused_total; /* because the normal lane was full */
    bool sleeping;          /* the consumer waits and nobody has signalled it yet */
    bool woken;             /* by gf_queue_wake */
    bool closed;
};

static void lane_clear(struct lane *lane) {
    lane->first = NULL;
    lane->end = &lane->first;
    lane->count = 0;
}

static void lane_push(struct lane *lane, struct gf_queue_node *node) {
    node->next = NULL;
    *lane->end = node;
    lane->end = &node->next;
    lane->count++;
}

struct gf_queue *gf_queue_create(size_t normal_limit) {
    gf_assert(normal_limit > 0);
    struct gf_queue *queue = GF_NEW(struct gf_queue);
    gf_mutex_init(&queue->mutex, GF_RANK_QUEUE);
    gf_cond_init(&queue->not_empty);
    lane_clear(&queue->normal);
    lane_clear(&queue->reserved);
    queue->normal_limit = normal_limit;
    return queue;
}

void gf_queue_destroy(struct gf_queue *queue) {
    if (queue == NULL) {
        return;
    }
    gf_assert(queue->normal.count == 0 && queue->reserved.count == 0);
    gf_cond_fini(&queue->not_empty);
    gf_mutex_fini(&queue->mutex);
    free(queue);
}

/* Unlocks, and wakes the consumer when it sleeps: the system call is outside of the lock. */
static void unlock_and_wake(struct gf_queue *queue) {
    const bool wake = queue->sleeping;
    queue->sleeping = false;
    gf_mutex_unlock(&queue->mutex);
    if (wake) {
        gf_cond_signal(&queue->not_empty);
    }
}

enum gf_code gf_queue_push(struct gf_queue *queue, struct gf_queue_node *node,
                           struct gf_error *err) {
    gf_mutex_lock(&queue->mutex);
    const bool closed = queue->closed;
    if (closed || queue->normal.count == queue->normal_limit) {
        queue->refused_total += !closed;
        gf_mutex_unlock(&queue->mutex);
        return closed ? gf_fail(err, GF_UNAVAILABLE, "queue is closed")
                      : gf_fail(err, GF_RESOURCE_EXHAUSTED, "queue is full with %zu items",
                                queue->normal_limit);
    }
    lane_push(&queue->normal, node);
    unlock_and_wake(queue);
    return GF_OK;
}

void gf_queue_push_reserved(struct gf_queue *queue, struct gf_queue_node *node) {
    gf_mutex_lock(&queue->mutex);
    lane_push(&queue->reserved, node);
    unlock_and_wake(queue);
}

static bool is_empty(const struct gf_queue *queue) {
    gf_mutex_assert_held(&queue->mutex);
    return queue->normal.count == 0 && queue->reserved.count == 0;
}

static void wait_for_items(struct gf_queue *queue, int64_t deadline_mono_ns) {
    bool in_time = deadline_mono_ns > 0;
    while (in_time && is_empty(queue) && !queue->closed && !queue->woken) {
        queue->sleeping = true;
        in_time = gf_cond_wait_until(&queue->not_empty, &queue->mutex, deadline_mono_ns);
    }
    queue->sleeping = false;
    queue->woken = false;
}

enum gf_queue_drained gf_queue_drain(struct gf_queue *queue, int64_t deadline_mono_ns,
                                     struct gf_queue_batch *out_batch) {
    GF_MUTEX_GUARD(&queue->mutex);
    wait_for_items(queue, deadline_mono_ns);
    *out_batch = (struct gf_queue_batch){0};
    if (is_empty(queue)) {
        return queue->closed ? GF_QUEUE_CLOSED : GF_QUEUE_TIMEOUT;
    }
    *queue->reserved.end = queue->normal.first;
    out_batch->first = queue->reserved.first;
    out_batch->count = queue->reserved.count + queue->normal.count;
    lane_clear(&queue->reserved);
    lane_clear(&queue->normal);
    return GF_QUEUE_ITEMS;
}

struct gf_queue_node *gf_queue_batch_pop(struct gf_queue_batch *batch) {
    struct gf_queue_node *node = batch->first;
    if (node == NULL) {
        return NULL;
    }
    batch->first = node->next;
    batch->count--;
    node->next = NULL;
    return node;
}

void gf_queue_close(struct gf_queue *queue) {
    gf_mutex_lock(&queue->mutex);
    queue->closed = true;
    unlock_and_wake(queue);
}

void gf_queue_wake(struct gf_queue *queue) {
    gf_mutex_lock(&queue->mutex);
    queue->woken = true;
    unlock_and_wake(queue);
}

size_t gf_queue_depth(struct gf_queue *queue) {
    GF_MUTEX_GUARD(&queue->mutex);
    return queue->normal.count + queue->reserved.count;
}

void gf_queue_stats(struct gf_queue *queue, struct gf_queue_stats *out) {
    GF_MUTEX_GUARD(&queue->mutex);
    *out = (struct gf_queue_stats){
        .normal = queue->normal.count,
        .normal_limit = queue->normal_limit,
        .reserved = queue->reserved.count,
        .refused_total = queue->refused_total,
    };
}
