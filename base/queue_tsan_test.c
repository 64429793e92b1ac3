/* The queue with real producers. Runs under the thread sanitizer too, so it has a main of its own.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/queue.h"
#include "base/sync.h"

enum {
    PRODUCERS = 4,
    ITEMS_PER_PRODUCER = 20000,
    LIMIT = 256,
};

struct item {
    struct gf_queue_node node;
    int producer;
    int number; /* rises per producer and lane */
    bool reserved;
};

struct producer {
    struct gf_queue *queue;
    pthread_t thread;
    int index;
    int accepted;
};

/* Every fourth item is reserved; a refused one is dropped, as an overloaded server would. */
static void *produce(void *ctx) {
    struct producer *producer = ctx;
    for (int i = 0; i < ITEMS_PER_PRODUCER; i++) {
        struct item *item = GF_NEW(struct item);
        item->producer = producer->index;
        item->number = i;
        item->reserved = i % 4 == 0;
        if (item->reserved) {
            gf_queue_push_reserved(producer->queue, &item->node);
            producer->accepted++;
        } else if (gf_queue_push(producer->queue, &item->node, NULL) == GF_OK) {
            producer->accepted++;
        } else {
            free(item);
        }
    }
    return NULL;
}

struct consumer {
    struct gf_queue *queue;
    int received;
    int last[PRODUCERS][2];
};

static void *consume(void *ctx) {
    struct consumer *consumer = ctx;
    struct gf_queue_batch batch;
    enum gf_queue_drained drained = GF_QUEUE_ITEMS;
    for (int round = 0; drained != GF_QUEUE_CLOSED; round++) {
        /* Both kinds of waiting, so that both race with the producers. */
        const int64_t deadline_ns = round % 3 == 0 ? gf_mono_ns() + GF_NS_PER_US : GF_NEVER;
        drained = gf_queue_drain(consumer->queue, deadline_ns, &batch);
        bool normal_seen = false;
        struct gf_queue_node *node = NULL;
        while ((node = gf_queue_batch_pop(&batch)) != NULL) {
            struct item *item = GF_CONTAINER_OF(node, struct item, node);
            gf_assert(!(item->reserved && normal_seen));
            normal_seen = !item->reserved;
            int *last = &consumer->last[item->producer][item->reserved ? 1 : 0];
            gf_assert(item->number > *last);
            *last = item->number;
            consumer->received++;
            free(item);
        }
    }
    return NULL;
}

int main(void) {
    struct gf_queue *queue = gf_queue_create(LIMIT);
    struct consumer consumer = {.queue = queue};
    for (int i = 0; i < PRODUCERS; i++) {
        consumer.last[i][0] = -1;
        consumer.last[i][1] = -1;
    }
    pthread_t consumer_thread;
    gf_thread_start(&consumer_thread, "consumer", consume, &consumer);

    struct producer producers[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.queue = queue, .index = i};
        gf_thread_start(&producers[i].thread, "producer", produce, &producers[i]);
    }
    int accepted = 0;
    for (int i = 0; i < PRODUCERS; i++) {
        gf_thread_join(producers[i].thread);
        accepted += producers[i].accepted;
    }
    gf_queue_close(queue);
    gf_thread_join(consumer_thread);
    gf_assert(accepted >= PRODUCERS * ITEMS_PER_PRODUCER / 4);
    gf_assert(consumer.received == accepted);
    gf_queue_destroy(queue);
    return 0;
}
