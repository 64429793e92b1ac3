#include "base/time.h"
#include "extensions/cron/schedule.h"

#include <criterion/criterion.h>

static int64_t at(const char *text) {
    int64_t wall_ns = 0;
    cr_assert_eq(gf_time_parse(gf_str_from(text), &wall_ns, NULL), GF_OK, "%s", text);
    return wall_ns / 1000000000;
}

static struct gf_cron_expression parsed(const char *text) {
    struct gf_cron_expression expression = {0};
    cr_assert_eq(gf_cron_parse(gf_str_from(text), &expression, NULL), GF_OK, "%s", text);
    return expression;
}

static struct gf_zone *zone_of(const char *name) {
    struct gf_zone *zone = gf_zone_create(name, strlen(name));
    cr_assert_not_null(zone, "%s", name);
    return zone;
}

/* The times after a start are those given, up to a NULL. */
static void expect_times(const char *text, const char *zone_name, const char *start,
                         const char *const times[]) {
    const struct gf_cron_expression expression = parsed(text);
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = zone_of(zone_name);
    int64_t time_s = at(start);
    for (size_t i = 0; times[i] != NULL; i++) {
        cr_assert(gf_cron_next_after(&expression, zone, time_s, &time_s));
        char found[GF_TIME_BYTES_MAX];
        cr_expect_str_eq(gf_time_format(time_s * 1000000000, found), times[i], "'%s' gives %s",
                         text, found);
    }
}

Test(cron_schedule, a_skipped_fixed_time_is_due_when_the_clock_is_set) {
    expect_times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
                 (const char *const[]){"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", NULL});
    expect_times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z",
                 (const char *const[]){"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z", NULL});
}

Test(cron_schedule, several_skipped_times_are_due_once) {
    expect_times("0,20,40 2,3 * * *", "Europe/Berlin", "2026-03-29T00:59:00Z",
                 (const char *const[]){"2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", NULL});
}

Test(cron_schedule, a_repeated_fixed_time_is_due_the_first_time_only) {
    expect_times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
                 (const char *const[]){"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", NULL});
    expect_times("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z",
                 (const char *const[]){"2026-10-26T01:30:00Z", NULL});
}

Test(cron_schedule, what_goes_by_real_time_is_due_in_every_hour_that_there_is) {
    expect_times("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z",
                 (const char *const[]){"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z",
                                       "2026-10-25T02:00:00Z", NULL});
    expect_times("30 */2 * * *", "Europe/Berlin", "2026-03-28T23:00:00Z",
                 (const char *const[]){"2026-03-28T23:30:00Z", "2026-03-29T02:30:00Z", NULL});
}

Test(cron_schedule, a_day_that_is_skipped_whole) {
    expect_times("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z",
                 (const char *const[]){"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z", NULL});
}

Test(cron_schedule, seconds_of_the_start_do_not_matter) {
    expect_times("* * * * *", "UTC", "2026-11-22T10:00:59Z",
                 (const char *const[]){"2026-11-22T10:01:00Z", "2026-11-22T10:02:00Z", NULL});
}

Test(cron_schedule, the_last_year_has_an_end) {
    const struct gf_cron_expression expression = parsed("0 0 * * *");
    const struct gf_cron_expression past = parsed("* * * * * 2020");
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = zone_of("UTC");
    int64_t time_s = 0;
    cr_expect(gf_cron_next_after(&expression, zone, at("2100-12-30T00:00:00Z"), &time_s));
    cr_expect_eq(time_s, at("2100-12-31T00:00:00Z"));
    cr_expect(!gf_cron_next_after(&expression, zone, time_s, &time_s));
    cr_expect(!gf_cron_next_after(&past, zone, at("2026-01-01T00:00:00Z"), &time_s));
}

Test(cron_schedule, by_real_time_only_in_an_hour_that_is_skipped_is_never) {
    const struct gf_cron_expression expression = parsed("* 2 29 3 * 2026");
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = zone_of("Europe/Berlin");
    int64_t time_s = 0;
    cr_expect(!gf_cron_next_after(&expression, zone, at("2026-01-01T00:00:00Z"), &time_s));
}

Test(cron_schedule, the_last_time_is_what_walking_forward_finds) {
    static const char *const texts[] = {"*/7 * * * *", "30 2 * * *", "0 0 29 2 *", "5 */5 * * sun"};
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *zone = zone_of("Europe/Berlin");
    const int64_t from_s = at("2026-03-27T21:13:10Z");
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        const struct gf_cron_expression expression = parsed(texts[i]);
        for (int64_t until_s = from_s; until_s < from_s + 3 * 86400; until_s += 4321) {
            int64_t expected_s = 0;
            int64_t next_s = from_s;
            while (gf_cron_next_after(&expression, zone, next_s, &next_s) && next_s <= until_s) {
                expected_s = next_s;
            }
            int64_t last_s = 0;
            cr_assert_eq(gf_cron_last_until(&expression, zone, from_s, until_s, &last_s),
                         expected_s != 0);
            cr_assert_eq(last_s, expected_s, "'%s'", texts[i]);
        }
    }
}
