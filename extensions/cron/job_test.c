#include "base/time.h"
#include "extensions/cron/job.h"

#include <criterion/criterion.h>

static int64_t at(const char *text) {
    int64_t wall_ns = 0;
    cr_assert_eq(gf_time_parse(gf_str_from(text), &wall_ns, NULL), GF_OK, "%s", text);
    return wall_ns;
}

static const struct gf_cron_settings nightly = {
    .expression = "30 2 * * *",
    .time_zone = "Europe/Berlin",
    .names = {"default", "backup", "nightly"},
};

static struct gf_cron_job *job_of(const struct gf_cron_settings *settings) {
    struct gf_cron_job *job = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_cron_job_create(settings, &job, &err), GF_OK, "%s", err.message);
    return job;
}

static void expect_refused(struct gf_cron_settings settings, const char *field,
                           const char *message) {
    struct gf_cron_job *job = NULL;
    struct gf_error err = {0};
    cr_expect_eq(gf_cron_job_create(&settings, &job, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.field, field);
    cr_expect_str_eq(err.message, message);
    cr_expect_null(job);
}

Test(cron_job, wrong_settings_are_named) {
    struct gf_cron_settings wrong = nightly;
    wrong.expression = "30 25 * * *";
    expect_refused(wrong, "expression",
                   "'30 25 * * *': hour at character 4: 25 is out of range, expected 0 to 23");
    wrong = nightly;
    wrong.expression = NULL;
    expect_refused(wrong, "expression", "an expression is missing, as '0 1 * * *'");
    wrong = nightly;
    wrong.time_zone = "Europe/Atlantis";
    expect_refused(wrong, "time_zone",
                   "there is no time zone 'Europe/Atlantis', expected a name of the time zone "
                   "database as 'Europe/Berlin' or 'UTC'");
    wrong = nightly;
    wrong.jitter_ns = GF_CRON_JITTER_NS_MAX + 1;
    expect_refused(wrong, "jitter", "a jitter is a length of time of up to 24h");
    wrong = nightly;
    wrong.catch_up_ns = GF_CRON_CATCH_UP_NS_MAX + 1;
    expect_refused(wrong, "catch_up", "a window to catch up is up to 31d long");
    wrong = nightly;
    wrong.overlap = "skip";
    expect_refused(wrong, "overlap", "'skip' is none of allow, queue and newest");
}

Test(cron_job, a_start_tells_its_time_and_its_settings) {
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *job = job_of(&nightly);
    struct gf_start start = {0};
    job->starter.job.time_ns = at("2026-03-29T01:00:00Z");
    gf_cron_describe(&job->starter, &start);
    cr_expect_str_eq(start.reason,
                     "'30 2 * * *' in Europe/Berlin is due at 2026-03-29T03:00:00+02:00");
    cr_assert_eq(start.variable_count, 4);
    cr_expect_str_eq(start.variables[0].name, "GOFER_EXTENSION_CRON_SCHEDULED_TIME");
    cr_expect_str_eq(start.variables[0].value, "2026-03-29T01:00:00Z");
    cr_expect_str_eq(start.variables[1].name, "GOFER_EXTENSION_CRON_LOCAL_TIME");
    cr_expect_str_eq(start.variables[1].value, "2026-03-29T03:00:00+02:00");
    cr_expect_str_eq(start.variables[2].value, "Europe/Berlin");
    cr_expect_str_eq(start.variables[3].value, "30 2 * * *");
}

Test(cron_job, the_longest_settings_have_room_in_a_start) {
    char expression[GF_CRON_EXPRESSION_BYTES_MAX + 1];
    memset(expression, ' ', sizeof(expression));
    memcpy(expression, "* * * * *", 9);
    expression[GF_CRON_EXPRESSION_BYTES_MAX] = '\0';
    struct gf_cron_settings settings = nightly;
    settings.expression = expression;
    settings.time_zone = "America/Argentina/ComodRivadavia";
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *job = job_of(&settings);
    struct gf_start start = {0};
    gf_cron_describe(&job->starter, &start);
    cr_expect_neq(start.reason[0], '\0');
    cr_expect_str_eq(start.variables[1].value, "1969-12-31T21:00:00-03:00");
}

Test(cron_job, in_a_timetable_it_is_due_with_its_share) {
    struct gf_cron_settings settings = nightly;
    settings.jitter_ns = 10 * GF_NS_PER_MIN;
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *job = job_of(&settings);
    struct gf_timetable table = {0};
    job->starter.job.handled_ns = at("2026-10-24T12:00:00Z");
    cr_assert(gf_timetable_add(&table, &job->starter.job, at("2026-10-24T12:00:00Z")));
    cr_expect_eq(job->starter.job.time_ns, at("2026-10-25T00:30:00Z"));
    const int64_t share_ns = gf_timetable_next_due(&table) - job->starter.job.time_ns;
    cr_expect(share_ns > 0 && share_ns < 10 * GF_NS_PER_MIN);
    gf_timetable_fini(&table);
}

Test(cron_job, what_was_missed_is_made_up_for_as_asked) {
    struct gf_cron_settings settings = nightly;
    settings.expression = "*/10 * * * *";
    settings.catch_up_ns = GF_NS_PER_HOUR;
    settings.catch_up_mode = "all";
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *all = job_of(&settings);
    settings.catch_up_mode = "last";
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *last = job_of(&settings);
    const int64_t now_ns = at("2026-11-22T12:05:00Z");
    all->starter.job.handled_ns = at("2026-11-22T11:30:00Z");
    last->starter.job.handled_ns = at("2026-11-22T11:30:00Z");
    struct gf_timetable table = {0};
    cr_assert(gf_timetable_add(&table, &all->starter.job, now_ns));
    cr_assert(gf_timetable_add(&table, &last->starter.job, now_ns));
    cr_expect_eq(all->starter.job.time_ns, at("2026-11-22T11:40:00Z"));
    cr_expect_eq(last->starter.job.time_ns, at("2026-11-22T12:00:00Z"));
    gf_timetable_fini(&table);
}

Test(cron_job, other_settings_have_another_fingerprint) {
    struct gf_cron_settings settings = nightly;
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *a = job_of(&settings);
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *same = job_of(&settings);
    settings.time_zone = "Europe/Paris";
    GF_CLEANUP(gf_cron_job_destroy_p) struct gf_cron_job *other = job_of(&settings);
    cr_expect_eq(a->starter.fingerprint, same->starter.fingerprint);
    cr_expect_neq(a->starter.fingerprint, other->starter.fingerprint);
}
