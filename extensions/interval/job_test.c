#include "base/time.h"
#include "extensions/interval/job.h"

#include <criterion/criterion.h>

#define SEC GF_NS_PER_SEC
#define MIN GF_NS_PER_MIN

#define CREATED (1795341600 * SEC) /* 2026-11-22T10:00:00Z */

static const struct gf_interval_settings five_minutes = {
    .every_ns = 5 * MIN,
    .jitter_ns = 0,
    .min_ns = MIN,
    .create_time_ns = CREATED + 999,
    .names = {"default", "poll", "often"},
};

static struct gf_interval_job *job_of(const struct gf_interval_settings *settings) {
    struct gf_interval_job *job = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_interval_job_create(settings, &job, &err), GF_OK, "%s", err.message);
    return job;
}

static void expect_refused(struct gf_interval_settings settings, const char *field,
                           const char *message) {
    struct gf_interval_job *job = NULL;
    struct gf_error err = {0};
    cr_expect_eq(gf_interval_job_create(&settings, &job, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, field);
    cr_expect_str_eq(err.message, message);
    cr_expect_null(job);
}

Test(interval_job, wrong_settings_are_named) {
    struct gf_interval_settings wrong = five_minutes;
    wrong.every_ns = 30 * SEC;
    expect_refused(wrong, "every", "an interval of 30s is too short, expected 1m at least");
    wrong.every_ns = -1;
    expect_refused(wrong, "every", "an interval is missing, as '5m' or '1h30m'");
    wrong.every_ns = GF_INTERVAL_NS_MAX + GF_NS_PER_DAY;
    expect_refused(wrong, "every", "an interval of 367d is too long, expected 366d at most");
    wrong = five_minutes;
    wrong.jitter_ns = 6 * MIN;
    expect_refused(wrong, "jitter", "a jitter is not longer than the interval");
    wrong = five_minutes;
    wrong.overlap = "skip";
    expect_refused(wrong, "overlap", "'skip' is none of allow, queue and newest");
}

Test(interval_job, times_are_multiples_after_the_creation) {
    struct gf_interval_job *job = job_of(&five_minutes);
    const struct gf_timetable_rule *rule = job->starter.job.rule;
    int64_t time_ns = 0;
    cr_assert(rule->next_after(job, CREATED, &time_ns));
    cr_expect_eq(time_ns, CREATED + 5 * MIN);
    cr_assert(rule->next_after(job, time_ns, &time_ns));
    cr_expect_eq(time_ns, CREATED + 10 * MIN);
    cr_assert(rule->next_after(job, CREATED - 99 * MIN, &time_ns));
    cr_expect_eq(time_ns, CREATED + 5 * MIN);
    cr_expect(!rule->last_until(job, CREATED - MIN, CREATED + 5 * MIN - 1, &time_ns));
    cr_expect(!rule->last_until(job, CREATED + 5 * MIN, CREATED + 10 * MIN - 1, &time_ns));
    cr_assert(rule->last_until(job, CREATED, CREATED + 17 * MIN, &time_ns));
    cr_expect_eq(time_ns, CREATED + 15 * MIN);
    free(job);
}

Test(interval_job, what_is_no_creation_counts_as_1970) {
    struct gf_interval_settings settings = five_minutes;
    settings.create_time_ns = INT64_MAX;
    struct gf_interval_job *job = job_of(&settings);
    cr_expect_eq(job->origin_ns, 0);
    free(job);
}

Test(interval_job, a_restart_changes_nothing) {
    struct gf_timetable table = {0};
    struct gf_interval_job *job = job_of(&five_minutes);
    job->starter.job.handled_ns = CREATED + 10 * MIN;
    cr_assert(gf_timetable_add(&table, &job->starter.job, CREATED + 13 * MIN));
    cr_expect_eq(gf_timetable_next_due(&table), CREATED + 15 * MIN);
    gf_timetable_fini(&table);
    free(job);
}

Test(interval_job, what_was_missed_is_made_up_for_once) {
    struct gf_timetable table = {0};
    struct gf_interval_job *job = job_of(&five_minutes);
    const int64_t now_ns = CREATED + 5000 * MIN + 2 * MIN;
    job->starter.job.handled_ns = CREATED + 10 * MIN;
    cr_assert(gf_timetable_add(&table, &job->starter.job, now_ns));
    cr_expect_eq(gf_timetable_due(&table, now_ns), &job->starter.job);
    cr_expect_eq(job->starter.job.time_ns, CREATED + 5000 * MIN);
    cr_assert(gf_timetable_done(&table, &job->starter.job, now_ns));
    cr_expect_eq(gf_timetable_next_due(&table), CREATED + 5005 * MIN);
    gf_timetable_fini(&table);
    free(job);
}

Test(interval_job, the_default_jitter_is_a_tenth_but_no_more_than_a_minute) {
    struct gf_interval_settings settings = five_minutes;
    settings.jitter_ns = -1;
    for (int i = 0; i < 100; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "sub-%d", i);
        settings.names[2] = name;
        settings.every_ns = 5 * MIN;
        struct gf_interval_job *short_one = job_of(&settings);
        settings.every_ns = 24 * 60 * MIN;
        struct gf_interval_job *long_one = job_of(&settings);
        cr_expect_lt(short_one->starter.job.share_ns, 30 * SEC);
        cr_expect_lt(long_one->starter.job.share_ns, MIN);
        free(short_one);
        free(long_one);
    }
}

Test(interval_job, a_start_tells_its_time_and_its_interval) {
    struct gf_interval_job *job = job_of(&five_minutes);
    struct gf_start start = {0};
    job->starter.job.time_ns = CREATED;
    gf_interval_describe(&job->starter, &start);
    cr_expect_str_eq(start.reason, "every 5m, due at 2026-11-22T10:00:00Z");
    cr_assert_eq(start.variable_count, 2);
    cr_expect_str_eq(start.variables[0].name, "GOFER_EXTENSION_INTERVAL_SCHEDULED_TIME");
    cr_expect_str_eq(start.variables[0].value, "2026-11-22T10:00:00Z");
    cr_expect_str_eq(start.variables[1].value, "5m");
    free(job);
}
