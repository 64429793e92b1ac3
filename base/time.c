/*
 * Design: the calendar is computed here, in integers, from days since 1970 (the proleptic Gregorian
 * calendar has a period of 400 years, and a year that begins in March keeps its leap day last).
 * That is shorter than the C library's way with its struct tm, its time zones and its static
 * buffers.
 */
#include "base/time.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>

enum {
    DAYS_PER_ERA = 146097, /* 400 years */
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    YEARS_PER_ERA = 400,
};

struct date {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t days_from_date(struct date date) {
    const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const int64_t era = floor_div(year, YEARS_PER_ERA);
    const int64_t year_of_era = year - era * YEARS_PER_ERA;
    const int64_t month_from_march = (date.month + 9) % 12;
    const int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static struct date date_from_days(int64_t days_since_1970) {
    const int64_t days = days_since_1970 + DAYS_TO_1970;
    const int64_t era = floor_div(days, DAYS_PER_ERA);
    const int64_t day_of_era = days - era * DAYS_PER_ERA;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct date date = {
        .year = year_of_era + era * YEARS_PER_ERA,
        .month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9),
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
    if (date.month <= 2) {
        date.year++;
    }
    return date;
}

static int days_of_month(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

char *gf_time_format_seconds(int64_t wall_ns, char out[GF_TIME_BYTES_MAX]) {
    const int64_t seconds = floor_div(wall_ns, GF_NS_PER_SEC);
    const int64_t days = floor_div(seconds, 86400);
    const int64_t second_of_day = seconds - days * 86400;
    const struct date date = date_from_days(days);
    (void)snprintf(out, GF_TIME_BYTES_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)date.year,
                   date.month, date.day, (int)(second_of_day / 3600),
                   (int)(second_of_day / 60 % 60), (int)(second_of_day % 60));
    return out;
}

char *gf_time_format(int64_t wall_ns, char out[GF_TIME_BYTES_MAX]) {
    (void)gf_time_format_seconds(wall_ns, out);
    int fraction_ns = (int)(wall_ns % GF_NS_PER_SEC);
    fraction_ns += fraction_ns < 0 ? (int)GF_NS_PER_SEC : 0;
    if (fraction_ns == 0) {
        return out;
    }
    int digits = 9;
    while (fraction_ns % 1000 == 0) {
        fraction_ns /= 1000;
        digits -= 3;
    }
    char *zone = out + strlen(out) - 1;
    (void)snprintf(zone, GF_TIME_BYTES_MAX - (size_t)(zone - out), ".%0*dZ", digits, fraction_ns);
    return out;
}

/* Takes exactly `count` digits from the front of text. */
static bool take_digits(struct gf_str *text, size_t count, int *out_number) {
    if (text->len < count) {
        return false;
    }
    uint64_t number = 0;
    if (!gf_parse_u64((struct gf_str){text->ptr, count}, &number)) {
        return false;
    }
    *out_number = (int)number;
    *text = (struct gf_str){text->ptr + count, text->len - count};
    return true;
}

static bool take_char(struct gf_str *text, char wanted, char or_wanted) {
    if (text->len == 0 || (text->ptr[0] != wanted && text->ptr[0] != or_wanted)) {
        return false;
    }
    *text = (struct gf_str){text->ptr + 1, text->len - 1};
    return true;
}

/* ".5" is 500000000; nothing where there is no point. */
static bool take_fraction(struct gf_str *text, int *out_ns) {
    *out_ns = 0;
    if (!take_char(text, '.', '.')) {
        return true;
    }
    int unit_ns = (int)GF_NS_PER_SEC;
    int digit = 0;
    while (take_digits(text, 1, &digit)) {
        if (unit_ns == 1) {
            return false; /* a tenth digit */
        }
        unit_ns /= 10;
        *out_ns += digit * unit_ns;
    }
    return unit_ns != (int)GF_NS_PER_SEC;
}

static bool take_offset(struct gf_str *text, int *out_seconds) {
    if (take_char(text, 'Z', 'z')) {
        *out_seconds = 0;
        return true;
    }
    const bool west = text->len > 0 && text->ptr[0] == '-';
    int hours = 0;
    int minutes = 0;
    if (!take_char(text, '+', '-') || !take_digits(text, 2, &hours) || !take_char(text, ':', ':') ||
        !take_digits(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

static bool take_date(struct gf_str *text, struct date *out_date) {
    int year = 0;
    struct date date = {0};
    if (!take_digits(text, 4, &year) || !take_char(text, '-', '-') ||
        !take_digits(text, 2, &date.month) || !take_char(text, '-', '-') ||
        !take_digits(text, 2, &date.day)) {
        return false;
    }
    date.year = year;
    if (date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > days_of_month(date.year, date.month)) {
        return false;
    }
    *out_date = date;
    return true;
}

static bool take_time_of_day(struct gf_str *text, int *out_seconds, int *out_ns) {
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take_digits(text, 2, &hour) || !take_char(text, ':', ':') ||
        !take_digits(text, 2, &minute) || !take_char(text, ':', ':') ||
        !take_digits(text, 2, &second) || !take_fraction(text, out_ns)) {
        return false;
    }
    *out_seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

enum gf_code gf_time_parse(struct gf_str text, int64_t *out_wall_ns, struct gf_error *err) {
    struct gf_str rest = text;
    struct date date = {0};
    int second_of_day = 0;
    int fraction_ns = 0;
    int offset_seconds = 0;
    if (!take_date(&rest, &date) || !take_char(&rest, 'T', 't') ||
        !take_time_of_day(&rest, &second_of_day, &fraction_ns) ||
        !take_offset(&rest, &offset_seconds) || rest.len != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "time is not RFC 3339, expected a form like 2026-11-21T20:12:52Z");
    }
    const int64_t seconds = days_from_date(date) * 86400 + second_of_day - offset_seconds;
    int64_t wall_ns = 0;
    /* The first second that int64 reaches is not whole: go through the one behind it. */
    const bool before_1970 = seconds < 0;
    if (__builtin_mul_overflow(before_1970 ? seconds + 1 : seconds, GF_NS_PER_SEC, &wall_ns) ||
        __builtin_add_overflow(wall_ns, fraction_ns - (before_1970 ? GF_NS_PER_SEC : 0),
                               &wall_ns)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "time is out of range, expected a year from 1678 to 2261");
    }
    *out_wall_ns = wall_ns;
    return GF_OK;
}
