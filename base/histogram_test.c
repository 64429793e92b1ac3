#include "base/clock.h"
#include "base/histogram.h"

#include <stddef.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(histogram, bounds_rise_from_10_us_to_500_s) {
    cr_assert(eq(i64, gf_histogram_bounds_ns[0], 10 * GF_NS_PER_US));
    cr_assert(eq(i64, gf_histogram_bounds_ns[1], 25 * GF_NS_PER_US));
    cr_assert(eq(i64, gf_histogram_bounds_ns[GF_HISTOGRAM_BOUNDS - 1], 500 * GF_NS_PER_SEC));
    for (size_t i = 1; i < GF_HISTOGRAM_BOUNDS; i++) {
        cr_assert(gt(i64, gf_histogram_bounds_ns[i], gf_histogram_bounds_ns[i - 1]));
    }
}

/* The bucket of one duration. */
static size_t bucket_of(int64_t duration_ns) {
    struct gf_histogram histogram = {0};
    gf_histogram_add(&histogram, duration_ns);
    struct gf_histogram_snapshot snapshot;
    gf_histogram_read(&histogram, &snapshot);
    cr_assert(eq(u64, snapshot.count, 1));
    cr_assert(eq(u64, snapshot.sum_ns, duration_ns < 0 ? 0 : (uint64_t)duration_ns));
    size_t bucket = 0;
    while (snapshot.buckets[bucket] == 0) {
        bucket++;
    }
    return bucket;
}

Test(histogram, a_bound_belongs_to_its_bucket) {
    for (size_t i = 0; i < GF_HISTOGRAM_BOUNDS; i++) {
        cr_assert(eq(sz, bucket_of(gf_histogram_bounds_ns[i] - 1), i));
        cr_assert(eq(sz, bucket_of(gf_histogram_bounds_ns[i]), i));
        cr_assert(eq(sz, bucket_of(gf_histogram_bounds_ns[i] + 1), i + 1));
    }
}

Test(histogram, extremes_have_a_bucket) {
    cr_assert(eq(sz, bucket_of(INT64_MIN), 0));
    cr_assert(eq(sz, bucket_of(-1), 0));
    cr_assert(eq(sz, bucket_of(0), 0));
    cr_assert(eq(sz, bucket_of(INT64_MAX), GF_HISTOGRAM_BUCKETS - 1));
}

Test(histogram, a_snapshot_has_all_that_was_added) {
    struct gf_histogram histogram = {0};
    for (int64_t i = 1; i <= 1000; i++) {
        gf_histogram_add(&histogram, i * GF_NS_PER_US);
    }
    struct gf_histogram_snapshot snapshot;
    gf_histogram_read(&histogram, &snapshot);
    cr_assert(eq(u64, snapshot.count, 1000));
    cr_assert(eq(u64, snapshot.sum_ns, 500500 * (uint64_t)GF_NS_PER_US));
    cr_assert(eq(u64, snapshot.buckets[0], 10));  /* to 10 us */
    cr_assert(eq(u64, snapshot.buckets[1], 15));  /* to 25 us */
    cr_assert(eq(u64, snapshot.buckets[6], 500)); /* 500 us to 1 ms */
}

Test(histogram, merging_adds) {
    struct gf_histogram short_ones = {0};
    struct gf_histogram long_ones = {0};
    gf_histogram_add(&short_ones, 1);
    gf_histogram_add(&short_ones, GF_NS_PER_SEC);
    gf_histogram_add(&long_ones, GF_NS_PER_SEC);
    struct gf_histogram_snapshot sum;
    struct gf_histogram_snapshot other;
    gf_histogram_read(&short_ones, &sum);
    gf_histogram_read(&long_ones, &other);
    gf_histogram_merge(&sum, &other);
    cr_assert(eq(u64, sum.count, 3));
    cr_assert(eq(u64, sum.sum_ns, 2 * (uint64_t)GF_NS_PER_SEC + 1));
    cr_assert(eq(u64, sum.buckets[0], 1));
    cr_assert(eq(u64, sum.buckets[15], 2));
}
