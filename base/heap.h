/*
 * An intrusive binary min-heap on int64 keys, with removal from the middle: for timers and
 * deadlines.
 *
 *     struct timer { struct gf_heap_node node; ... };
 *     gf_heap_push(&heap, &timer->node, deadline_ns);
 *
 * Nodes with equal keys leave in the order in which they were pushed. The heap owns its array, not
 * the nodes. A zeroed node is in no heap; a zeroed heap is empty.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_BASE_HEAP_H_
#define GOFER_BASE_HEAP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_heap_node {
    int64_t key;
    uint64_t sequence; /* of the push, to order equal keys */
    size_t position;   /* in the array + 1; 0 when the node is in no heap */
};

struct gf_heap {
    struct gf_heap_node **nodes;
    size_t count;
    size_t capacity;
    uint64_t next_sequence;
};

void gf_heap_init(struct gf_heap *heap);

/* Frees the array. Nodes that are still in the heap stay marked as such: remove them first. */
void gf_heap_fini(struct gf_heap *heap);

static inline bool gf_heap_contains(const struct gf_heap_node *node) {
    return node->position != 0;
}

/* Adds a node that is in no heap. */
void gf_heap_push(struct gf_heap *heap, struct gf_heap_node *node, int64_t key);

/* The node with the least key, which stays; NULL when the heap is empty. */
struct gf_heap_node *gf_heap_peek(const struct gf_heap *heap);

/* Removes and gives the node with the least key; NULL when the heap is empty. */
struct gf_heap_node *gf_heap_pop(struct gf_heap *heap);

/* Removes the node. Does nothing for a node that is in no heap. */
void gf_heap_remove(struct gf_heap *heap, struct gf_heap_node *node);

#endif /* GOFER_BASE_HEAP_H_ */
