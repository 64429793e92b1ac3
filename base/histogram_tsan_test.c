/* A histogram and a counter under many threads and a reader. Runs under the thread sanitizer too,
 * so it has a main of its own. */
#include "base/clock.h"
#include "base/counter.h"
#include "base/histogram.h"
#include "base/macros.h"
#include "base/sync.h"

#include <stddef.h>

enum {
    THREADS = 3,
    ADDITIONS = 20000,
};

struct story {
    struct gf_histogram histogram;
    struct gf_counter counter;
    struct gf_gauge gauge;
    struct gf_gauge adding; /* threads that are not done */
};

static void *add(void *ctx) {
    struct story *story = ctx;
    for (int64_t i = 0; i < ADDITIONS; i++) {
        gf_histogram_add(&story->histogram, i * GF_NS_PER_US);
        gf_counter_add(&story->counter, 2);
        gf_gauge_add(&story->gauge, i % 2 == 0 ? 3 : -2);
    }
    gf_gauge_add(&story->adding, -1);
    return NULL;
}

/* No figure falls, and the count is what the buckets have. */
static void read_all(const struct story *story, struct gf_histogram_snapshot *last) {
    struct gf_histogram_snapshot now;
    gf_histogram_read(&story->histogram, &now);
    uint64_t count = 0;
    for (size_t i = 0; i < GF_HISTOGRAM_BUCKETS; i++) {
        gf_assert(now.buckets[i] >= last->buckets[i]);
        count += now.buckets[i];
    }
    gf_assert(now.count == count);
    gf_assert(now.sum_ns >= last->sum_ns);
    *last = now;
}

int main(void) {
    struct story story = {0};
    gf_gauge_set(&story.adding, THREADS);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        gf_thread_start(&threads[i], "add", add, &story);
    }
    struct gf_histogram_snapshot last = {0};
    while (gf_gauge_read(&story.adding) > 0) {
        read_all(&story, &last);
    }
    for (size_t i = 0; i < THREADS; i++) {
        gf_thread_join(threads[i]);
    }
    read_all(&story, &last);
    gf_assert(last.count == (uint64_t)THREADS * ADDITIONS);
    gf_assert(last.sum_ns == (uint64_t)THREADS * ADDITIONS * (ADDITIONS - 1) / 2 * GF_NS_PER_US);
    gf_assert(gf_counter_read(&story.counter) == (uint64_t)2 * THREADS * ADDITIONS);
    gf_assert(gf_gauge_read(&story.gauge) == (int64_t)THREADS * ADDITIONS / 2);
    return 0;
}
