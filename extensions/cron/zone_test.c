#include "base/time.h"
#include "extensions/cron/zone.h"

#include <criterion/criterion.h>

static int64_t at(const char *text) {
    int64_t wall_ns = 0;
    cr_assert_eq(gf_time_parse(gf_str_from(text), &wall_ns, NULL), GF_OK, "%s", text);
    return wall_ns / 1000000000;
}

static struct gf_zone *zone_of(const char *name) {
    struct gf_zone *zone = gf_zone_create(name, strlen(name));
    cr_assert_not_null(zone, "%s", name);
    return zone;
}

Test(cron_zone, local_time_is_time_and_offset) {
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *berlin = zone_of("Europe/Berlin");
    cr_expect_eq(gf_zone_local(berlin, at("2026-01-01T00:00:00Z")), at("2026-01-01T01:00:00Z"));
    cr_expect_eq(gf_zone_local(berlin, at("2026-07-01T00:00:00Z")), at("2026-07-01T02:00:00Z"));
    cr_expect_eq(gf_zone_local(berlin, at("2099-07-01T00:00:00Z")), at("2099-07-01T02:00:00Z"));
}

Test(cron_zone, a_skipped_local_time_is_that_of_the_change) {
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *berlin = zone_of("Europe/Berlin");
    cr_expect_eq(gf_zone_first_time(berlin, at("2026-03-29T01:59:00Z")),
                 at("2026-03-29T00:59:00Z"));
    cr_expect_eq(gf_zone_first_time(berlin, at("2026-03-29T02:30:00Z")),
                 at("2026-03-29T01:00:00Z"));
    cr_expect_eq(gf_zone_first_time(berlin, at("2026-03-29T03:00:00Z")),
                 at("2026-03-29T01:00:00Z"));
}

Test(cron_zone, a_repeated_local_time_is_the_first_one) {
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *berlin = zone_of("Europe/Berlin");
    cr_expect_eq(gf_zone_first_time(berlin, at("2026-10-25T02:30:00Z")),
                 at("2026-10-25T00:30:00Z"));
    cr_expect_eq(gf_zone_first_time(berlin, at("2026-10-25T03:00:00Z")),
                 at("2026-10-25T02:00:00Z"));
}

Test(cron_zone, changes_are_found_one_after_another) {
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *howe = zone_of("Australia/Lord_Howe");
    int64_t change_s = gf_zone_next_change(howe, at("2026-01-01T00:00:00Z"));
    cr_expect_eq(change_s, at("2026-04-04T15:00:00Z"));
    cr_expect_eq(gf_zone_next_change(howe, change_s - 1), change_s);
    change_s = gf_zone_next_change(howe, change_s);
    cr_expect_eq(change_s, at("2026-10-03T15:30:00Z"));
}

Test(cron_zone, utc_never_changes) {
    GF_CLEANUP(gf_zone_destroy_p) struct gf_zone *utc = zone_of("UTC");
    cr_expect_eq(gf_zone_next_change(utc, 0), INT64_MAX);
    cr_expect_eq(gf_zone_local(utc, 12345), 12345);
    cr_expect_eq(gf_zone_first_time(utc, 12345), 12345);
}

Test(cron_zone, what_is_no_zone_is_none) {
    static const char *const names[] = {
        "",         "Mars/Olympus", "/etc/localtime", "../zoneinfo/UTC", "Europe/../UTC",
        "file:UTC", "Europe",       "Europe/Berlin ", "UTC\n",           "Fixed/UTC+05:00:00",
        "/",        "tzdata.zi",    "zone.tab",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        cr_expect_null(gf_zone_create(names[i], strlen(names[i])), "'%s'", names[i]);
    }
    cr_expect_null(gf_zone_create("UTC\0x", 5));
}
