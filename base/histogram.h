/*
 * Histograms of durations: how many there were of each length, and their sum. For figures about a
 * running program: any number of threads add, any thread reads, nobody waits. An addition costs
 * two atomic additions without an order between them.
 *
 * All histograms have the same buckets, from 10 microseconds to 500 seconds with three in each
 * decade (10, 25, 50, 100 ...), so that those of different parts can be added and compared.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_HISTOGRAM_H_
#define GOFER_BASE_HISTOGRAM_H_

#include "base/macros.h"

#include <stdint.h>

enum {
    GF_HISTOGRAM_BOUNDS = 24,
    GF_HISTOGRAM_BUCKETS = GF_HISTOGRAM_BOUNDS + 1, /* the last one has no upper bound */
};

/* The largest duration of each bucket but the last, rising. */
extern const int64_t gf_histogram_bounds_ns[GF_HISTOGRAM_BOUNDS];

/* The fields are private to histogram.c. A zeroed one is empty. */
struct gf_histogram {
    _Atomic uint64_t buckets[GF_HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_ns;
};

/* A negative duration counts as 0. */
void gf_histogram_add(struct gf_histogram *histogram, int64_t duration_ns);

/* What a histogram had when it was read. Value type. */
struct gf_histogram_snapshot {
    uint64_t buckets[GF_HISTOGRAM_BUCKETS]; /* each with its own alone, not those below */
    uint64_t count;                         /* the sum of the buckets, always */
    uint64_t sum_ns; /* may be without, or with, what is being added in this moment */
};

void gf_histogram_read(const struct gf_histogram *histogram, struct gf_histogram_snapshot *out);

/* Adds the figures of `from` to those of `into`. */
void gf_histogram_merge(struct gf_histogram_snapshot *into,
                        const struct gf_histogram_snapshot *from);

#endif /* GOFER_BASE_HISTOGRAM_H_ */
