/*
 * Design: there is no counter of all durations: the sum of the buckets is their count, so that a
 * reader never sees a count that its buckets do not add up to. All is relaxed: nothing is published
 * by a histogram but its own figures, and each of these only grows.
 */
#include "base/histogram.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stddef.h>

#define DECADE(ns) (ns), (ns) / 2 * 5, (ns)*5

const int64_t gf_histogram_bounds_ns[GF_HISTOGRAM_BOUNDS] = {
    DECADE(10 * GF_NS_PER_US),  DECADE(100 * GF_NS_PER_US),  DECADE(GF_NS_PER_MS),
    DECADE(10 * GF_NS_PER_MS),  DECADE(100 * GF_NS_PER_MS),  DECADE(GF_NS_PER_SEC),
    DECADE(10 * GF_NS_PER_SEC), DECADE(100 * GF_NS_PER_SEC),
};

enum {
    FIRST_STEP = 16 /* the largest power of two that is not more than the bounds */
};

/* How many bounds are below the duration: five comparisons, whatever it is. */
static size_t bucket_of(int64_t duration_ns) {
    size_t below = 0;
    for (size_t step = FIRST_STEP; step > 0; step /= 2) {
        if (below + step <= GF_HISTOGRAM_BOUNDS &&
            gf_histogram_bounds_ns[below + step - 1] < duration_ns) {
            below += step;
        }
    }
    return below;
}

void gf_histogram_add(struct gf_histogram *histogram, int64_t duration_ns) {
    const int64_t ns = duration_ns < 0 ? 0 : duration_ns;
    atomic_fetch_add_explicit(&histogram->buckets[bucket_of(ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_ns, (uint64_t)ns, memory_order_relaxed);
}

void gf_histogram_read(const struct gf_histogram *histogram, struct gf_histogram_snapshot *out) {
    struct gf_histogram_snapshot snapshot = {
        .sum_ns = atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed),
    };
    for (size_t i = 0; i < GF_HISTOGRAM_BUCKETS; i++) {
        snapshot.buckets[i] = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        snapshot.count += snapshot.buckets[i];
    }
    *out = snapshot;
}

void gf_histogram_merge(struct gf_histogram_snapshot *into,
                        const struct gf_histogram_snapshot *from) {
    for (size_t i = 0; i < GF_HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
    into->count += from->count;
    into->sum_ns += from->sum_ns;
}
