#include "base/clock.h"
#include "base/time.h"

#include <criterion/criterion.h>

static int64_t parsed(const char *text) {
    int64_t wall_ns = -1;
    struct gf_error err;
    cr_assert_eq(gf_time_parse(gf_str_from(text), &wall_ns, &err), GF_OK, "'%s'", text);
    return wall_ns;
}

static const char *formatted(int64_t wall_ns) {
    static char text[GF_TIME_BYTES_MAX];
    return gf_time_format(wall_ns, text);
}

static const char *duration(int64_t ns) {
    static char text[GF_DURATION_BYTES_MAX];
    return gf_duration_format(ns, text);
}

static const char *age(int64_t ns) {
    static char text[GF_DURATION_BYTES_MAX];
    return gf_age_format(1000 * GF_NS_PER_DAY - ns, 1000 * GF_NS_PER_DAY, text);
}

Test(time, format_trims_the_fraction_by_three_digits) {
    cr_assert_str_eq(formatted(0), "1970-01-01T00:00:00Z");
    cr_assert_str_eq(formatted(1), "1970-01-01T00:00:00.000000001Z");
    cr_assert_str_eq(formatted(120 * GF_NS_PER_MS), "1970-01-01T00:00:00.120Z");
    cr_assert_str_eq(formatted(120 * GF_NS_PER_US), "1970-01-01T00:00:00.000120Z");
    cr_assert_str_eq(formatted(-1), "1969-12-31T23:59:59.999999999Z");
    cr_assert_str_eq(formatted(INT64_C(1795291972) * GF_NS_PER_SEC), "2026-11-21T20:12:52Z");
    cr_assert_str_eq(formatted(INT64_MAX), "2262-04-11T23:47:16.854775807Z");
    cr_assert_str_eq(formatted(INT64_MIN), "1677-09-21T00:12:43.145224192Z");
}

Test(time, format_seconds_cuts_the_rest_off) {
    char text[GF_TIME_BYTES_MAX];
    cr_assert_str_eq(gf_time_format_seconds(GF_NS_PER_SEC - 1, text), "1970-01-01T00:00:00Z");
    cr_assert_str_eq(gf_time_format_seconds(-1, text), "1969-12-31T23:59:59Z");
}

Test(time, every_time_survives_the_way_through_text) {
    int64_t ns = INT64_MIN;
    /* A step without a simple period, over all that int64 can hold. */
    const int64_t step_ns = INT64_C(9007199254740881);
    do {
        cr_assert_eq(parsed(formatted(ns)), ns);
    } while (!__builtin_add_overflow(ns, step_ns, &ns));
    cr_assert_eq(parsed(formatted(INT64_MAX)), INT64_MAX);
    cr_assert_eq(parsed(formatted(INT64_MIN)), INT64_MIN);
}

Test(time, parse_understands_offsets_case_and_fractions) {
    cr_assert_eq(parsed("1970-01-01t00:00:00z"), 0);
    cr_assert_eq(parsed("1970-01-01T01:00:00+01:00"), 0);
    cr_assert_eq(parsed("1969-12-31T22:30:00-01:30"), 0);
    cr_assert_eq(parsed("1970-01-01T23:59:00+23:59"), 0);
    cr_assert_eq(parsed("1970-01-01T00:00:00.5Z"), GF_NS_PER_SEC / 2);
    cr_assert_eq(parsed("1970-01-01T00:00:00.000000009Z"), 9);
    cr_assert_eq(parsed("2000-02-29T00:00:00Z"), INT64_C(951782400) * GF_NS_PER_SEC);
    cr_assert_eq(parsed("2024-02-29T23:59:59Z") + GF_NS_PER_SEC, parsed("2024-03-01T00:00:00Z"));
}

Test(time, parse_refuses_everything_else) {
    static const char *const texts[] = {
        "",
        "now",
        "2026-11-21",
        "2026-11-21T20:12:52",
        "2026-11-21 20:12:52Z",
        " 2026-11-21T20:12:52Z",
        "2026-11-21T20:12:52Z ",
        "2026-11-21T20:12:52ZZ",
        "2026-11-21T20:12:52.Z",
        "2026-11-21T20:12:52.1234567890Z",
        "2026-11-21T20:12:52,5Z",
        "2026-13-21T20:12:52Z",
        "2026-00-21T20:12:52Z",
        "2026-02-29T20:12:52Z",
        "1900-02-29T20:12:52Z",
        "2026-04-31T20:12:52Z",
        "2026-11-00T20:12:52Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T23:60:00Z",
        "2026-11-21T23:59:60Z",
        "2026-11-21T20:12:52+24:00",
        "2026-11-21T20:12:52+01:60",
        "2026-11-21T20:12:52+0100",
        "2026-11-21T20:12:52+01",
        "26-11-21T20:12:52Z",
        "+026-11-21T20:12:52Z",
        "2026-1-21T20:12:52Z",
        "2026-+1-21T20:12:52Z",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        int64_t wall_ns = 42;
        struct gf_error err;
        cr_assert_eq(gf_time_parse(gf_str_from(texts[i]), &wall_ns, &err), GF_INVALID_ARGUMENT,
                     "'%s'", texts[i]);
        cr_assert_not_null(strstr(err.message, "RFC 3339"), "'%s'", texts[i]);
        cr_assert_eq(wall_ns, 42);
    }
}

Test(time, parse_knows_the_ends_of_int64) {
    int64_t wall_ns = 0;
    cr_assert_eq(parsed("1677-09-21T00:12:43.145224192Z"), INT64_MIN);
    cr_assert_eq(gf_time_parse(GF_STR("1677-09-21T00:12:43.145224191Z"), &wall_ns, NULL),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_time_parse(GF_STR("2262-04-11T23:47:16.854775808Z"), &wall_ns, NULL),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_time_parse(GF_STR("9999-12-31T23:59:59Z"), &wall_ns, NULL),
                 GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_time_parse(GF_STR("0000-01-01T00:00:00Z"), &wall_ns, NULL),
                 GF_INVALID_ARGUMENT);
}

Test(duration, format_gives_two_units) {
    cr_assert_str_eq(duration(0), "0s");
    cr_assert_str_eq(duration(999), "999ns");
    cr_assert_str_eq(duration(850 * GF_NS_PER_US), "850us");
    cr_assert_str_eq(duration(12 * GF_NS_PER_MS + 1), "12ms");
    cr_assert_str_eq(duration(GF_NS_PER_SEC), "1s");
    cr_assert_str_eq(duration(1500 * GF_NS_PER_MS), "1.5s");
    cr_assert_str_eq(duration(42 * GF_NS_PER_SEC + 900 * GF_NS_PER_MS), "42s");
    cr_assert_str_eq(duration(63 * GF_NS_PER_SEC), "1m3s");
    cr_assert_str_eq(duration(2 * GF_NS_PER_MIN), "2m");
    cr_assert_str_eq(duration(2 * GF_NS_PER_HOUR + 5 * GF_NS_PER_MIN + 9 * GF_NS_PER_SEC), "2h5m");
    cr_assert_str_eq(duration(3 * GF_NS_PER_DAY + 4 * GF_NS_PER_HOUR), "3d4h");
    cr_assert_str_eq(duration(-63 * GF_NS_PER_SEC), "-1m3s");
    cr_assert_str_eq(duration(INT64_MIN), "-106751d23h");
}

Test(duration, parse_adds_its_parts) {
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"90s", 90 * GF_NS_PER_SEC},
        {"1h30m", 90 * GF_NS_PER_MIN},
        {"1.5s", 1500 * GF_NS_PER_MS},
        {"250ms", 250 * GF_NS_PER_MS},
        {"0.5d", 12 * GF_NS_PER_HOUR},
        {"1d2h3m4s5ms6us7ns", GF_NS_PER_DAY + 2 * GF_NS_PER_HOUR + 3 * GF_NS_PER_MIN +
                                  4 * GF_NS_PER_SEC + 5 * GF_NS_PER_MS + 6 * GF_NS_PER_US + 7},
        {"9223372036854775807ns", INT64_MAX},
        {"0.123456789s", 123456789},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        int64_t ns = -1;
        cr_assert_eq(gf_duration_parse(gf_str_from(cases[i].text), &ns, NULL), GF_OK, "'%s'",
                     cases[i].text);
        cr_assert_eq(ns, cases[i].ns, "'%s'", cases[i].text);
    }
}

Test(duration, parse_refuses_everything_else) {
    static const char *const texts[] = {
        "",
        "s",
        "1",
        "-1s",
        "1 s",
        "1s ",
        "1s1m",
        "1s1s",
        "1S",
        "1.s",
        ".5s",
        "1..5s",
        "1sec",
        "1s2",
        "1.0000000001s",
        "9223372036854775808ns",
        "106752d",
        "99999999999999999999s",
        "106751d24h",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        int64_t ns = 42;
        cr_assert_eq(gf_duration_parse(gf_str_from(texts[i]), &ns, NULL), GF_INVALID_ARGUMENT,
                     "'%s'", texts[i]);
        cr_assert_eq(ns, 42);
    }
}

Test(age, grows_from_seconds_to_years) {
    cr_assert_str_eq(age(-5 * GF_NS_PER_HOUR), "just now");
    cr_assert_str_eq(age(5 * GF_NS_PER_SEC - 1), "just now");
    cr_assert_str_eq(age(5 * GF_NS_PER_SEC), "5 seconds ago");
    cr_assert_str_eq(age(GF_NS_PER_MIN), "1 minute ago");
    cr_assert_str_eq(age(3 * GF_NS_PER_HOUR), "3 hours ago");
    cr_assert_str_eq(age(5 * GF_NS_PER_DAY), "5 days ago");
    cr_assert_str_eq(age(61 * GF_NS_PER_DAY), "2 months ago");
    cr_assert_str_eq(age(400 * GF_NS_PER_DAY), "1 year ago");
    char text[GF_DURATION_BYTES_MAX];
    cr_assert_str_eq(gf_age_format(INT64_MIN, INT64_MAX, text), "292 years ago");
    cr_assert_str_eq(gf_age_format(INT64_MAX, INT64_MIN, text), "just now");
}
