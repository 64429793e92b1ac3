#include "engine/store/run_stats.h"
#include "engine/store/store.h"

#include <criterion/criterion.h>

/* Adds a run that waited `queued` and lasted `duration`. */
static void add(struct gf_run_sampler *sampler, int64_t queued, int64_t duration) {
    gf_run_sampler_add(sampler, GF_RUN_STATUS_SUCCESSFUL, 1000, 1000 + queued,
                       1000 + queued + duration);
}

Test(run_stats, nothing_seen_is_zero) {
    struct gf_run_sampler sampler = {0};
    struct gf_run_stats stats = {.p95_duration = 77};
    gf_run_sampler_finish(&sampler, &stats);
    cr_assert_eq(stats.successful_count, 0);
    cr_assert_eq(stats.median_duration, 0);
    cr_assert_eq(stats.p95_duration, 0);
    cr_assert_eq(stats.median_queue_duration, 0);
}

Test(run_stats, percentiles_are_the_nearest_rank) {
    /* Of 1 to n: the smallest number that half, or 95 of 100, are not above. */
    static const struct {
        int64_t n, median, p95;
    } CASES[] = {{1, 1, 1},    {2, 1, 2},    {3, 2, 3},     {4, 2, 4},    {19, 10, 19},
                 {20, 10, 19}, {21, 11, 20}, {100, 50, 95}, {101, 51, 96}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_run_sampler sampler = {0};
        for (int64_t k = 1; k <= CASES[i].n; k++) {
            add(&sampler, 2 * k, k);
        }
        struct gf_run_stats stats = {0};
        gf_run_sampler_finish(&sampler, &stats);
        cr_assert_eq(stats.successful_count, CASES[i].n);
        cr_assert_eq(stats.median_duration, CASES[i].median, "n %lld", (long long)CASES[i].n);
        cr_assert_eq(stats.p95_duration, CASES[i].p95, "n %lld", (long long)CASES[i].n);
        cr_assert_eq(stats.median_queue_duration, 2 * CASES[i].median);
    }
}

Test(run_stats, runs_beyond_the_limit_are_counted_and_not_timed) {
    struct gf_run_sampler sampler = {0};
    for (int64_t i = 0; i < GF_RUN_STATS_SAMPLES_MAX; i++) {
        add(&sampler, 1, 5);
    }
    for (int64_t i = 0; i < 3 * GF_RUN_STATS_SAMPLES_MAX; i++) {
        add(&sampler, 9, 9);
    }
    struct gf_run_stats stats = {0};
    gf_run_sampler_finish(&sampler, &stats);
    cr_assert_eq(stats.successful_count, 4 * GF_RUN_STATS_SAMPLES_MAX);
    cr_assert_eq(stats.median_duration, 5);
    cr_assert_eq(stats.p95_duration, 5);
    cr_assert_eq(stats.median_queue_duration, 1);
}

Test(run_stats, runs_that_never_started_have_no_duration) {
    struct gf_run_sampler sampler = {0};
    gf_run_sampler_add(&sampler, GF_RUN_STATUS_CANCELLED, 1000, 0, 5000);
    gf_run_sampler_add(&sampler, GF_RUN_STATUS_FAILED, 1000, 0, 5000);
    add(&sampler, 3, 4);
    struct gf_run_stats stats = {0};
    gf_run_sampler_finish(&sampler, &stats);
    cr_assert_eq(stats.cancelled_count, 1);
    cr_assert_eq(stats.failed_count, 1);
    cr_assert_eq(stats.successful_count, 1);
    cr_assert_eq(stats.median_duration, 4);
    cr_assert_eq(stats.median_queue_duration, 3);
}
