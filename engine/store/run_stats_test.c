#include "engine/store/run_stats.h"

#include <stdlib.h>

#include <criterion/criterion.h>

enum {
    END = 1 << 30, /* of all runs, where it does not matter */
};

static const int64_t EVER = 0;

/* Adds a run that waited `queued` and lasted `duration`. */
static bool add(struct gf_run_sampler *sampler, int64_t queued, int64_t duration,
                int64_t end_time) {
    return gf_run_sampler_add(sampler, GF_RUN_STATUS_SUCCESSFUL, end_time - duration - queued,
                              end_time - duration, end_time);
}

Test(run_stats, nothing_seen_is_zero) {
    struct gf_run_sampler sampler = {0};
    struct gf_run_stats stats = {.p95_duration = 77, .truncated = true};
    gf_run_sampler_init(&sampler, &EVER, 1);
    gf_run_sampler_finish(&sampler, &stats);
    cr_assert_eq(stats.successful_count, 0);
    cr_assert_eq(stats.median_duration, 0);
    cr_assert_eq(stats.p95_duration, 0);
    cr_assert_eq(stats.median_queue_duration, 0);
    cr_assert_not(stats.truncated);
}

Test(run_stats, percentiles_are_the_nearest_rank) {
    /* Of 1 to n: the smallest number that half, or 95 of 100, are not above. */
    static const struct {
        int64_t n, median, p95;
    } CASES[] = {{1, 1, 1},    {2, 1, 2},    {3, 2, 3},     {4, 2, 4},    {19, 10, 19},
                 {20, 10, 19}, {21, 11, 20}, {100, 50, 95}, {101, 51, 96}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_run_sampler sampler = {0};
        gf_run_sampler_init(&sampler, &EVER, 1);
        for (int64_t k = 1; k <= CASES[i].n; k++) {
            cr_assert(add(&sampler, 2 * k, k, END));
        }
        struct gf_run_stats stats = {0};
        gf_run_sampler_finish(&sampler, &stats);
        cr_assert_eq(stats.successful_count, CASES[i].n);
        cr_assert_eq(stats.median_duration, CASES[i].median, "n %lld", (long long)CASES[i].n);
        cr_assert_eq(stats.p95_duration, CASES[i].p95, "n %lld", (long long)CASES[i].n);
        cr_assert_eq(stats.median_queue_duration, 2 * CASES[i].median);
    }
}

static int compare(const void *a, const void *b) {
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

Test(run_stats, percentiles_are_those_of_the_sorted_durations) {
    enum {
        RUNS = 1000
    };
    /* From all the same to spread over all bytes of a number. */
    for (int bits = 0; bits <= 62; bits++) {
        struct gf_run_sampler sampler = {0};
        int64_t durations[RUNS];
        uint64_t random = 88172645463325252u + (uint64_t)bits;
        gf_run_sampler_init(&sampler, &EVER, 1);
        for (size_t i = 0; i < RUNS; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            durations[i] = bits == 0 ? 7 : (int64_t)(random >> (64 - bits));
            (void)gf_run_sampler_add(&sampler, GF_RUN_STATUS_FAILED, 1, 1, 1 + durations[i]);
        }
        qsort(durations, RUNS, sizeof(durations[0]), compare);
        struct gf_run_stats stats = {0};
        gf_run_sampler_finish(&sampler, &stats);
        cr_assert_eq(stats.median_duration, durations[499], "%d bits", bits);
        cr_assert_eq(stats.p95_duration, durations[949], "%d bits", bits);
    }
}

Test(run_stats, each_window_has_the_runs_that_ended_in_it) {
    const int64_t since_times[] = {END - 3, END + 1, END - 100, END, END - 3};
    static const int64_t counts[] = {4, 0, 10, 1, 4};
    static const int64_t medians[] = {2, 0, 5, 1, 2}; /* run i lasted i */
    struct gf_run_sampler sampler = {0};
    struct gf_run_stats stats[GF_ARRAY_COUNT(since_times)] = {0};
    gf_run_sampler_init(&sampler, since_times, GF_ARRAY_COUNT(since_times));
    cr_assert_eq(gf_run_sampler_earliest(&sampler), END - 100);
    for (int64_t i = 1; i <= 10; i++) {
        cr_assert(add(&sampler, 1, i, END + 1 - i));
    }
    cr_assert_not(add(&sampler, 1, 1000, END - 101));
    gf_run_sampler_finish(&sampler, stats);
    for (size_t i = 0; i < GF_ARRAY_COUNT(since_times); i++) {
        cr_expect_eq(stats[i].successful_count, counts[i], "window %zu", i);
        cr_expect_eq(stats[i].median_duration, medians[i], "window %zu", i);
        cr_expect_not(stats[i].truncated);
    }
}

Test(run_stats, windows_with_more_runs_than_the_limit_are_truncated) {
    const int64_t since_times[] = {END + 1, END, 0};
    for (int more = 0; more <= 1; more++) {
        struct gf_run_sampler sampler = {0};
        struct gf_run_stats stats[GF_ARRAY_COUNT(since_times)] = {0};
        gf_run_sampler_init(&sampler, since_times, GF_ARRAY_COUNT(since_times));
        for (int64_t i = 0; i < GF_RUN_STATS_RUNS_MAX; i++) {
            cr_assert(add(&sampler, 1, 5, i < 10 ? END + 1 : END));
        }
        cr_assert(more == 0 || !add(&sampler, 9, 9, END));
        gf_run_sampler_finish(&sampler, stats);
        cr_expect_eq(stats[0].successful_count, 10);
        cr_expect_not(stats[0].truncated);
        for (size_t i = 1; i < GF_ARRAY_COUNT(since_times); i++) {
            cr_expect_eq(stats[i].successful_count, GF_RUN_STATS_RUNS_MAX);
            cr_expect_eq(stats[i].p95_duration, 5);
            cr_expect_eq(stats[i].median_queue_duration, 1);
            cr_expect_eq(stats[i].truncated, more == 1);
        }
    }
}

Test(run_stats, runs_that_never_started_have_no_duration) {
    struct gf_run_sampler sampler = {0};
    gf_run_sampler_init(&sampler, &EVER, 1);
    (void)gf_run_sampler_add(&sampler, GF_RUN_STATUS_CANCELLED, 1000, 0, 5000);
    (void)gf_run_sampler_add(&sampler, GF_RUN_STATUS_FAILED, 1000, 0, 5000);
    (void)add(&sampler, 3, 4, END);
    struct gf_run_stats stats = {0};
    gf_run_sampler_finish(&sampler, &stats);
    cr_assert_eq(stats.cancelled_count, 1);
    cr_assert_eq(stats.failed_count, 1);
    cr_assert_eq(stats.successful_count, 1);
    cr_assert_eq(stats.median_duration, 4);
    cr_assert_eq(stats.median_queue_duration, 3);
}
