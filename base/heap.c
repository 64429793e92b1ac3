#include "base/heap.h"

#include "base/alloc.h"

enum {
    CAPACITY_MIN = 16
};

void gf_heap_init(struct gf_heap *heap) {
    *heap = (struct gf_heap){0};
}

void gf_heap_fini(struct gf_heap *heap) {
    if (heap == NULL) {
        return;
    }
    free(heap->nodes);
    gf_heap_init(heap);
}

static bool before(const struct gf_heap_node *a, const struct gf_heap_node *b) {
    return a->key != b->key ? a->key < b->key : a->sequence < b->sequence;
}

static void place(struct gf_heap *heap, size_t index, struct gf_heap_node *node) {
    heap->nodes[index] = node;
    node->position = index + 1;
}

/* Both move the parents (children) out of the way and put the node where the gap ends up. */
static void sift_up(struct gf_heap *heap, size_t index, struct gf_heap_node *node) {
    while (index > 0) {
        const size_t parent = (index - 1) / 2;
        if (!before(node, heap->nodes[parent])) {
            break;
        }
        place(heap, index, heap->nodes[parent]);
        index = parent;
    }
    place(heap, index, node);
}

static void sift_down(struct gf_heap *heap, size_t index, struct gf_heap_node *node) {
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child])) {
            child++;
        }
        if (!before(heap->nodes[child], node)) {
            break;
        }
        place(heap, index, heap->nodes[child]);
        index = child;
    }
    place(heap, index, node);
}

void gf_heap_push(struct gf_heap *heap, struct gf_heap_node *node, int64_t key) {
    gf_assert(!gf_heap_contains(node));
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? CAPACITY_MIN : heap->capacity * 2;
        heap->nodes = gf_realloc_array(heap->nodes, heap->capacity, sizeof(heap->nodes[0]));
    }
    node->key = key;
    node->sequence = heap->next_sequence++;
    heap->count++;
    sift_up(heap, heap->count - 1, node);
}

struct gf_heap_node *gf_heap_peek(const struct gf_heap *heap) {
    return heap->count == 0 ? NULL : heap->nodes[0];
}

struct gf_heap_node *gf_heap_pop(struct gf_heap *heap) {
    struct gf_heap_node *node = gf_heap_peek(heap);
    if (node != NULL) {
        gf_heap_remove(heap, node);
    }
    return node;
}

void gf_heap_remove(struct gf_heap *heap, struct gf_heap_node *node) {
    if (!gf_heap_contains(node)) {
        return;
    }
    const size_t index = node->position - 1;
    gf_assert(index < heap->count && heap->nodes[index] == node);
    struct gf_heap_node *last = heap->nodes[--heap->count];
    node->position = 0;
    if (last == node) {
        return;
    }
    if (before(last, node)) {
        sift_up(heap, index, last);
    } else {
        sift_down(heap, index, last);
    }
}
