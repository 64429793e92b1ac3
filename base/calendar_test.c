#include "base/calendar.h"

#include <criterion/criterion.h>

Test(calendar, days_of_known_dates) {
    static const struct {
        struct gf_date date;
        int64_t days;
        int weekday;
    } cases[] = {
        {{1970, 1, 1}, 0, 4},      {{1969, 12, 31}, -1, 3},    {{2000, 2, 29}, 11016, 2},
        {{2024, 2, 29}, 19782, 4}, {{2026, 11, 22}, 20779, 0}, {{2100, 3, 1}, 47541, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(gf_days_from_date(cases[i].date), cases[i].days, "case %zu", i);
        cr_expect_eq(gf_weekday_from_days(cases[i].days), cases[i].weekday, "case %zu", i);
    }
}

Test(calendar, dates_follow_one_another_and_go_both_ways) {
    struct gf_date date = {1899, 12, 31};
    int64_t days = gf_days_from_date(date);
    int weekday = gf_weekday_from_days(days);
    while (date.year < 2101) {
        days++;
        weekday = (weekday + 1) % 7;
        if (++date.day > gf_days_of_month(date.year, date.month)) {
            date.day = 1;
            date.month = date.month % 12 + 1;
            date.year += date.month == 1 ? 1 : 0;
        }
        const struct gf_date same = gf_date_from_days(days);
        cr_assert_eq(gf_days_from_date(date), days);
        cr_assert(same.year == date.year && same.month == date.month && same.day == date.day);
        cr_assert_eq(gf_weekday_from_days(days), weekday);
    }
}

Test(calendar, leap_years) {
    cr_expect_eq(gf_days_of_month(1900, 2), 28);
    cr_expect_eq(gf_days_of_month(2000, 2), 29);
    cr_expect_eq(gf_days_of_month(2023, 2), 28);
    cr_expect_eq(gf_days_of_month(2024, 2), 29);
    cr_expect_eq(gf_days_of_month(2024, 4), 30);
}

Test(calendar, division_rounds_down) {
    cr_expect_eq(gf_floor_div(7, 2), 3);
    cr_expect_eq(gf_floor_div(-7, 2), -4);
    cr_expect_eq(gf_floor_div(-8, 2), -4);
}
