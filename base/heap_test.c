#include "base/heap.h"
#include "base/macros.h"

#include <signal.h>

#include <criterion/criterion.h>

Test(heap, empty_heap_has_nothing) {
    struct gf_heap heap = {0};
    cr_assert_null(gf_heap_peek(&heap));
    cr_assert_null(gf_heap_pop(&heap));
    struct gf_heap_node node = {0};
    gf_heap_remove(&heap, &node);
    gf_heap_fini(&heap);
    gf_heap_fini(NULL);
}

Test(heap, least_key_leaves_first) {
    struct gf_heap heap;
    struct gf_heap_node nodes[5] = {0};
    const int64_t keys[] = {7, INT64_MAX, -3, INT64_MIN, 0};
    const size_t order[] = {3, 2, 4, 0, 1};
    gf_heap_init(&heap);
    for (size_t i = 0; i < 5; i++) {
        gf_heap_push(&heap, &nodes[i], keys[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(gf_heap_peek(&heap), &nodes[order[i]]);
        cr_assert_eq(gf_heap_pop(&heap), &nodes[order[i]]);
        cr_assert_not(gf_heap_contains(&nodes[order[i]]));
    }
    gf_heap_fini(&heap);
}

Test(heap, equal_keys_leave_in_the_order_of_their_push) {
    enum {
        COUNT = 100
    };
    struct gf_heap heap = {0};
    struct gf_heap_node nodes[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        gf_heap_push(&heap, &nodes[i], (int64_t)(i % 2));
    }
    for (size_t i = 0; i < COUNT; i++) {
        const size_t expected = i < COUNT / 2 ? i * 2 : (i - COUNT / 2) * 2 + 1;
        cr_assert_eq(gf_heap_pop(&heap), &nodes[expected]);
    }
    gf_heap_fini(&heap);
}

/* Pushes and removes at random; what leaves must never be less than what left before. */
Test(heap, removal_from_the_middle_keeps_the_order) {
    enum {
        COUNT = 500
    };
    struct gf_heap heap = {0};
    struct gf_heap_node nodes[COUNT] = {0};
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            gf_heap_push(&heap, &nodes[i], (int64_t)(random >> 40));
        }
        size_t left = COUNT;
        for (size_t i = (size_t)round % 3; i < COUNT; i += 3) {
            gf_heap_remove(&heap, &nodes[i]);
            gf_heap_remove(&heap, &nodes[i]);
            left--;
        }
        int64_t last = INT64_MIN;
        for (; left > 0; left--) {
            const struct gf_heap_node *node = gf_heap_pop(&heap);
            cr_assert_not_null(node);
            cr_assert_leq(last, node->key);
            last = node->key;
        }
        cr_assert_null(gf_heap_pop(&heap));
    }
    gf_heap_fini(&heap);
}

Test(heap, second_push_of_one_node_aborts, .signal = SIGABRT) {
    struct gf_heap heap = {0};
    struct gf_heap_node node = {0};
    gf_heap_push(&heap, &node, 1);
    gf_heap_push(&heap, &node, 2);
}
