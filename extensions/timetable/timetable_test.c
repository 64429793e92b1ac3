#include "extensions/timetable/timetable.h"

#include <criterion/criterion.h>

/* Times are the multiples of a period, up to an end. */
struct every {
    int64_t period_ns;
    int64_t end_ns;
};

static bool every_next_after(const void *ctx, int64_t after_ns, int64_t *out_ns) {
    const struct every *every = ctx;
    const int64_t time_ns = (after_ns / every->period_ns + 1) * every->period_ns;
    if (time_ns > every->end_ns) {
        return false;
    }
    *out_ns = time_ns;
    return true;
}

static bool every_last_until(const void *ctx, int64_t from_ns, int64_t until_ns, int64_t *out_ns) {
    const struct every *every = ctx;
    const int64_t last_ns = until_ns < every->end_ns ? until_ns : every->end_ns;
    const int64_t time_ns = last_ns / every->period_ns * every->period_ns;
    if (time_ns <= from_ns) {
        return false;
    }
    *out_ns = time_ns;
    return true;
}

static const struct gf_timetable_rule rule = {every_next_after, every_last_until};

#define MIN GF_NS_PER_MIN
#define HOUR GF_NS_PER_HOUR

static const struct every hourly = {.period_ns = HOUR, .end_ns = 1000000 * HOUR};

static struct gf_timetable_job job_of(const struct every *every, int64_t handled_ns) {
    return (struct gf_timetable_job){
        .rule = &rule,
        .rule_ctx = every,
        .catch_up_count = 1,
        .handled_ns = handled_ns,
    };
}

/* The next job is this one, at a time that was due at due_ns; it is done then. */
static void expect_due(struct gf_timetable *table, struct gf_timetable_job *job, int64_t time_ns,
                       int64_t due_ns) {
    cr_assert_eq(gf_timetable_next_due(table), due_ns, "%lld minutes instead of %lld",
                 (long long)(gf_timetable_next_due(table) / MIN), (long long)(due_ns / MIN));
    cr_assert_null(gf_timetable_due(table, due_ns - 1));
    cr_assert_eq(gf_timetable_due(table, due_ns), job);
    cr_assert_eq(job->time_ns, time_ns, "%lld minutes instead of %lld",
                 (long long)(job->time_ns / MIN), (long long)(time_ns / MIN));
    cr_assert(gf_timetable_done(table, job, due_ns));
}

Test(timetable, jobs_are_due_one_after_another_with_their_shares) {
    struct gf_timetable table = {0};
    struct gf_timetable_job a = job_of(&hourly, 10 * HOUR);
    struct gf_timetable_job b = job_of(&hourly, 10 * HOUR);
    b.share_ns = 5 * MIN;
    cr_assert(gf_timetable_add(&table, &a, 10 * HOUR));
    cr_assert(gf_timetable_add(&table, &b, 10 * HOUR));
    expect_due(&table, &a, 11 * HOUR, 11 * HOUR);
    expect_due(&table, &b, 11 * HOUR, 11 * HOUR + 5 * MIN);
    expect_due(&table, &a, 12 * HOUR, 12 * HOUR);
    gf_timetable_remove(&table, &a);
    expect_due(&table, &b, 12 * HOUR, 12 * HOUR + 5 * MIN);
    gf_timetable_remove(&table, &b);
    cr_expect_eq(gf_timetable_next_due(&table), INT64_MAX);
    gf_timetable_fini(&table);
}

Test(timetable, what_is_late_by_a_minute_is_started_all_the_same) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 10 * HOUR);
    cr_assert(gf_timetable_add(&table, &job, 11 * HOUR + MIN - 1));
    cr_expect_eq(gf_timetable_due(&table, 11 * HOUR + MIN - 1), &job);
    cr_expect_eq(job.time_ns, 11 * HOUR);
    gf_timetable_fini(&table);
}

Test(timetable, what_was_missed_is_given_up) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 10 * HOUR);
    cr_assert(gf_timetable_add(&table, &job, 13 * HOUR + 2 * MIN));
    expect_due(&table, &job, 14 * HOUR, 14 * HOUR);
    /* And so is what nobody asked for in time. */
    cr_assert_null(gf_timetable_due(&table, 17 * HOUR + 2 * MIN));
    expect_due(&table, &job, 18 * HOUR, 18 * HOUR);
    gf_timetable_fini(&table);
}

Test(timetable, the_last_missed_time_is_made_up_for) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 10 * HOUR);
    job.catch_up_ns = 2 * HOUR;
    job.share_ns = 10 * MIN;
    const int64_t now_ns = 20 * HOUR + 30 * MIN;
    cr_assert(gf_timetable_add(&table, &job, now_ns));
    /* Spread by the share, but by no more than a minute. */
    expect_due(&table, &job, 20 * HOUR, now_ns + MIN);
    expect_due(&table, &job, 21 * HOUR, 21 * HOUR + 10 * MIN);
    gf_timetable_fini(&table);
}

Test(timetable, what_is_older_than_the_window_is_given_up) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 10 * HOUR);
    job.catch_up_ns = 20 * MIN;
    cr_assert(gf_timetable_add(&table, &job, 20 * HOUR + 30 * MIN));
    expect_due(&table, &job, 21 * HOUR, 21 * HOUR);
    gf_timetable_fini(&table);
}

Test(timetable, the_newest_missed_times_are_made_up_for) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 10 * HOUR);
    job.catch_up_ns = 24 * HOUR;
    job.catch_up_count = 3;
    const int64_t now_ns = 20 * HOUR + 30 * MIN;
    cr_assert(gf_timetable_add(&table, &job, now_ns));
    for (int hour = 18; hour <= 20; hour++) {
        cr_assert_eq(gf_timetable_due(&table, now_ns), &job);
        cr_expect_eq(job.time_ns, hour * HOUR);
        cr_assert(gf_timetable_done(&table, &job, now_ns));
    }
    expect_due(&table, &job, 21 * HOUR, 21 * HOUR);
    gf_timetable_fini(&table);
}

Test(timetable, no_more_are_made_up_for_than_there_are) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 18 * HOUR);
    job.catch_up_ns = 24 * HOUR;
    job.catch_up_count = GF_TIMETABLE_CATCH_UP_MAX;
    const int64_t now_ns = 20 * HOUR + 30 * MIN;
    cr_assert(gf_timetable_add(&table, &job, now_ns));
    for (int hour = 19; hour <= 20; hour++) {
        cr_assert_eq(gf_timetable_due(&table, now_ns), &job);
        cr_expect_eq(job.time_ns, hour * HOUR);
        cr_assert(gf_timetable_done(&table, &job, now_ns));
    }
    cr_expect_null(gf_timetable_due(&table, now_ns));
    gf_timetable_fini(&table);
}

Test(timetable, a_clock_that_is_set_back_brings_times_again) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 10 * HOUR);
    cr_assert(gf_timetable_add(&table, &job, 10 * HOUR));
    for (int hour = 11; hour <= 15; hour++) {
        expect_due(&table, &job, hour * HOUR, hour * HOUR);
    }
    cr_assert_null(gf_timetable_due(&table, 12 * HOUR + 30 * MIN));
    expect_due(&table, &job, 13 * HOUR, 13 * HOUR);
    gf_timetable_fini(&table);
}

Test(timetable, what_is_handled_in_the_future_is_not) {
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&hourly, 1000 * HOUR);
    cr_assert(gf_timetable_add(&table, &job, 10 * HOUR + MIN));
    expect_due(&table, &job, 11 * HOUR, 11 * HOUR);
    gf_timetable_fini(&table);
}

Test(timetable, a_job_without_further_times_is_left_out) {
    const struct every few = {.period_ns = HOUR, .end_ns = 12 * HOUR};
    struct gf_timetable table = {0};
    struct gf_timetable_job job = job_of(&few, 11 * HOUR);
    struct gf_timetable_job over = job_of(&few, 12 * HOUR);
    cr_expect(!gf_timetable_add(&table, &over, 12 * HOUR));
    cr_assert(gf_timetable_add(&table, &job, 11 * HOUR));
    cr_assert_eq(gf_timetable_due(&table, 12 * HOUR), &job);
    cr_expect(!gf_timetable_done(&table, &job, 12 * HOUR));
    cr_expect_eq(gf_timetable_next_due(&table), INT64_MAX);
    gf_timetable_fini(&table);
}

Test(timetable, shares_stay_and_are_spread) {
    int tenths[10] = {0};
    for (int i = 0; i < 10000; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "sub-%d", i);
        const char *const names[] = {"default", "pipeline", name};
        const int64_t share_ns = gf_timetable_share(names, 3, 10 * MIN);
        cr_assert(share_ns >= 0 && share_ns < 10 * MIN);
        cr_assert_eq(share_ns, gf_timetable_share(names, 3, 10 * MIN));
        tenths[share_ns / MIN]++;
    }
    for (int i = 0; i < 10; i++) {
        cr_expect(tenths[i] > 800 && tenths[i] < 1200, "%d of 10000 in tenth %d", tenths[i], i);
    }
    cr_expect_eq(gf_timetable_share((const char *const[]){"a"}, 1, 0), 0);
}
