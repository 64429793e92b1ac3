#include "base/clock.h"
#include "base/queue.h"

#include <signal.h>

#include <criterion/criterion.h>

struct item {
    struct gf_queue_node node;
    int number;
};

static void push(struct gf_queue *queue, struct item *item) {
    cr_assert_eq(gf_queue_push(queue, &item->node, NULL), GF_OK);
}

static void expect_numbers(struct gf_queue *queue, const int *numbers, size_t count) {
    struct gf_queue_batch batch;
    cr_assert_eq(gf_queue_drain(queue, 0, &batch), GF_QUEUE_ITEMS);
    cr_assert_eq(batch.count, count);
    for (size_t i = 0; i < count; i++) {
        struct gf_queue_node *node = gf_queue_batch_pop(&batch);
        cr_assert_eq(GF_CONTAINER_OF(node, struct item, node)->number, numbers[i]);
    }
    cr_assert_null(gf_queue_batch_pop(&batch));
    cr_assert_eq(batch.count, 0u);
}

Test(queue, reserved_lane_comes_first_and_order_is_kept) {
    struct gf_queue *queue = gf_queue_create(10);
    struct item items[] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    push(queue, &items[0]);
    gf_queue_push_reserved(queue, &items[1].node);
    push(queue, &items[2]);
    gf_queue_push_reserved(queue, &items[3].node);
    cr_assert_eq(gf_queue_depth(queue), 4u);
    expect_numbers(queue, (const int[]){1, 3, 0, 2}, 4);
    cr_assert_eq(gf_queue_depth(queue), 0u);
    push(queue, &items[2]);
    expect_numbers(queue, (const int[]){2}, 1);
    gf_queue_push_reserved(queue, &items[1].node);
    expect_numbers(queue, (const int[]){1}, 1);
    gf_queue_destroy(queue);
    gf_queue_destroy(NULL);
}

Test(queue, full_lane_refuses_and_the_reserved_one_does_not) {
    struct gf_queue *queue = gf_queue_create(2);
    struct item items[5] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct gf_error err;
    push(queue, &items[0]);
    push(queue, &items[1]);
    cr_assert_eq(gf_queue_push(queue, &items[2].node, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.message, "queue is full with 2 items");
    gf_queue_push_reserved(queue, &items[3].node);
    cr_assert_eq(gf_queue_push(queue, &items[2].node, &err), GF_RESOURCE_EXHAUSTED);
    expect_numbers(queue, (const int[]){3, 0, 1}, 3);
    push(queue, &items[2]);
    expect_numbers(queue, (const int[]){2}, 1);
    gf_queue_destroy(queue);
}

Test(queue, drain_waits_until_its_deadline) {
    struct gf_queue *queue = gf_queue_create(2);
    struct gf_queue_batch batch;
    cr_assert_eq(gf_queue_drain(queue, 0, &batch), GF_QUEUE_TIMEOUT);
    cr_assert_null(gf_queue_batch_pop(&batch));
    const int64_t deadline_ns = gf_mono_ns() + 5 * GF_NS_PER_MS;
    cr_assert_eq(gf_queue_drain(queue, deadline_ns, &batch), GF_QUEUE_TIMEOUT);
    cr_assert_geq(gf_mono_ns(), deadline_ns);
    gf_queue_destroy(queue);
}

Test(queue, wake_ends_one_wait) {
    struct gf_queue *queue = gf_queue_create(2);
    struct gf_queue_batch batch;
    gf_queue_wake(queue);
    cr_assert_eq(gf_queue_drain(queue, GF_NEVER, &batch), GF_QUEUE_TIMEOUT);
    const int64_t deadline_ns = gf_mono_ns() + GF_NS_PER_MS;
    cr_assert_eq(gf_queue_drain(queue, deadline_ns, &batch), GF_QUEUE_TIMEOUT);
    cr_assert_geq(gf_mono_ns(), deadline_ns, "the wake-up was used up");
    gf_queue_destroy(queue);
}

Test(queue, closed_queue_gives_what_is_left_and_then_says_so) {
    struct gf_queue *queue = gf_queue_create(2);
    struct item items[] = {{.number = 0}, {.number = 1}};
    struct gf_queue_batch batch;
    push(queue, &items[0]);
    gf_queue_close(queue);
    gf_queue_close(queue);
    cr_assert_eq(gf_queue_push(queue, &items[1].node, NULL), GF_UNAVAILABLE);
    expect_numbers(queue, (const int[]){0}, 1);
    cr_assert_eq(gf_queue_drain(queue, GF_NEVER, &batch), GF_QUEUE_CLOSED);
    gf_queue_push_reserved(queue, &items[1].node);
    expect_numbers(queue, (const int[]){1}, 1);
    cr_assert_eq(gf_queue_drain(queue, GF_NEVER, &batch), GF_QUEUE_CLOSED);
    gf_queue_destroy(queue);
}

Test(queue, destroying_one_with_items_aborts, .signal = SIGABRT) {
    struct gf_queue *queue = gf_queue_create(2);
    struct item item = {0};
    push(queue, &item);
    gf_queue_destroy(queue);
}

Test(queue, stats_tell_the_lanes_apart) {
    struct gf_queue *queue = gf_queue_create(1);
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct gf_queue_stats stats;
    push(queue, &items[0]);
    cr_assert_eq(gf_queue_push(queue, &items[1].node, NULL), GF_RESOURCE_EXHAUSTED);
    gf_queue_push_reserved(queue, &items[1].node);
    gf_queue_push_reserved(queue, &items[2].node);
    gf_queue_stats(queue, &stats);
    cr_assert_eq(stats.normal, 1u);
    cr_assert_eq(stats.normal_limit, 1u);
    cr_assert_eq(stats.reserved, 2u);
    cr_assert_eq(stats.refused_total, 1u);
    expect_numbers(queue, (const int[]){1, 2, 0}, 3);
    gf_queue_close(queue);
    cr_assert_eq(gf_queue_push(queue, &items[0].node, NULL), GF_UNAVAILABLE);
    gf_queue_stats(queue, &stats);
    cr_assert_eq(stats.normal + stats.reserved, 0u);
    cr_assert_eq(stats.refused_total, 1u);
    gf_queue_destroy(queue);
}
