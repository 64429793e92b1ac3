/*
 * Design: the proleptic Gregorian calendar has a period of 400 years, and a year that begins in
 * March keeps its leap day last, so that both ways are a few divisions. That is shorter than the C
 * library's way with its struct tm, its time zones and its static buffers.
 */
#include "base/calendar.h"

#include "base/macros.h"

#include <stdbool.h>

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    YEARS_PER_ERA = 400,
    WEEKDAY_OF_1970 = 4, /* 1970-01-01 was a Thursday */
};

int64_t gf_floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

int64_t gf_days_from_date(struct gf_date date) {
    const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const int64_t era = gf_floor_div(year, YEARS_PER_ERA);
    const int64_t year_of_era = year - era * YEARS_PER_ERA;
    const int64_t month_from_march = (date.month + 9) % 12;
    const int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

struct gf_date gf_date_from_days(int64_t days_since_1970) {
    const int64_t days = days_since_1970 + DAYS_TO_1970;
    const int64_t era = gf_floor_div(days, DAYS_PER_ERA);
    const int64_t day_of_era = days - era * DAYS_PER_ERA;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct gf_date date = {
        .year = year_of_era + era * YEARS_PER_ERA,
        .month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9),
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
    if (date.month <= 2) {
        date.year++;
    }
    return date;
}

int gf_days_of_month(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    gf_assert(month >= 1 && month <= 12);
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int gf_weekday_from_days(int64_t days_since_1970) {
    const int64_t days = days_since_1970 + WEEKDAY_OF_1970;
    return (int)(days - gf_floor_div(days, 7) * 7);
}
