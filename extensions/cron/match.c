/*
 * Finding the next minute that an expression matches.
 *
 * Design: a field is a mask, and the next match is found by asking masks from the year down to the
 * minute: nowhere does anything walk over minutes, and the longest search, over all months of 131
 * years, takes some microseconds.
 */
#include "base/calendar.h"
#include "extensions/cron/expression.h"

enum {
    MINUTES_PER_DAY = 24 * 60,
};

/* The least value of the mask from `from` on; a negative number if there is none. */
static int next_bit(uint64_t mask, int from) {
    const uint64_t rest = from > 63 ? 0 : mask >> from << from;
    return rest == 0 ? -1 : __builtin_ctzll(rest);
}

static bool has_year(const struct gf_cron_expression *expression, int64_t year) {
    const int64_t bit = year - GF_CRON_YEAR_MIN;
    return (expression->years[bit / 64] >> (bit % 64) & 1) != 0;
}

/* The days of a month that match; bit n is day n. */
static uint64_t days_in_month(const struct gf_cron_expression *expression, int64_t year,
                              int month) {
    const int count = gf_days_of_month(year, month);
    int weekday = gf_weekday_from_days(gf_days_from_date((struct gf_date){year, month, 1}));
    uint64_t of_week = 0;
    for (int day = 1; day <= count; day++) {
        of_week |= (expression->days_of_week >> weekday & 1) << day;
        weekday = weekday == 6 ? 0 : weekday + 1;
    }
    const uint64_t of_month = expression->days_of_month & ((UINT64_C(2) << count) - 1);
    return expression->both_days ? of_month & of_week : of_month | of_week;
}

/* The first day that matches, from a date on. */
static bool next_day(const struct gf_cron_expression *expression, struct gf_date from,
                     int64_t *out_day) {
    int from_month = from.month;
    int from_day = from.day;
    for (int64_t year = from.year; year <= GF_CRON_YEAR_MAX; year++) {
        int month = has_year(expression, year) ? next_bit(expression->months, from_month) : -1;
        while (month > 0) {
            const bool same_month = year == from.year && month == from.month;
            const int day =
                next_bit(days_in_month(expression, year, month), same_month ? from_day : 1);
            if (day > 0) {
                *out_day = gf_days_from_date((struct gf_date){year, month, day});
                return true;
            }
            month = next_bit(expression->months, month + 1);
        }
        from_month = 1;
    }
    return false;
}

/* The first minute of a day that matches, from one on; a negative number if there is none. */
static int next_minute_of_day(const struct gf_cron_expression *expression, int from) {
    int hour = next_bit(expression->hours, from / 60);
    if (hour == from / 60) {
        const int minute = next_bit(expression->minutes, from % 60);
        if (minute >= 0) {
            return hour * 60 + minute;
        }
        hour = next_bit(expression->hours, hour + 1);
    }
    return hour < 0 ? -1 : hour * 60 + next_bit(expression->minutes, 0);
}

bool gf_cron_next_local_minute(const struct gf_cron_expression *expression, int64_t from_minute,
                               int64_t *out_minute) {
    const int64_t least =
        gf_days_from_date((struct gf_date){GF_CRON_YEAR_MIN, 1, 1}) * MINUTES_PER_DAY;
    const int64_t from = from_minute < least ? least : from_minute;
    int64_t day = gf_floor_div(from, MINUTES_PER_DAY);
    int minute_from = (int)(from - day * MINUTES_PER_DAY);
    /* A day may match with all its minutes over; then the next one has them all. */
    for (int tries = 0; tries < 2; tries++) {
        int64_t found = 0;
        if (!next_day(expression, gf_date_from_days(day), &found)) {
            return false;
        }
        const int minute = next_minute_of_day(expression, found == day ? minute_from : 0);
        if (minute >= 0) {
            *out_minute = found * MINUTES_PER_DAY + minute;
            return true;
        }
        day = found + 1;
        minute_from = 0;
    }
    gf_unreachable();
}
