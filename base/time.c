/* Times of base/time.h; the calendar behind them is base/calendar.h. */
#include "base/time.h"

#include "base/calendar.h"
#include "base/clock.h"

#include <stdbool.h>

/* The last `count` digits of a number that is not negative; gives what is behind them. Lists are
 * full of times, and printf takes more time over one than all else that is done with it. */
static char *put_digits(char *out, int64_t number, size_t count) {
    for (size_t i = count; i > 0; i--) {
        out[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return out + count;
}

char *gf_time_format_seconds(int64_t wall_ns, char out[GF_TIME_BYTES_MAX]) {
    const int64_t seconds = gf_floor_div(wall_ns, GF_NS_PER_SEC);
    const int64_t days = gf_floor_div(seconds, 86400);
    const int64_t second_of_day = seconds - days * 86400;
    const struct gf_date date = gf_date_from_days(days);
    char *next = put_digits(out, date.year, 4); /* of 64 bits of nanoseconds: 1677 to 2262 */
    *next++ = '-';
    next = put_digits(next, date.month, 2);
    *next++ = '-';
    next = put_digits(next, date.day, 2);
    *next++ = 'T';
    next = put_digits(next, second_of_day / 3600, 2);
    *next++ = ':';
    next = put_digits(next, second_of_day / 60 % 60, 2);
    *next++ = ':';
    next = put_digits(next, second_of_day % 60, 2);
    *next++ = 'Z';
    *next = '\0';
    return out;
}

char *gf_time_format(int64_t wall_ns, char out[GF_TIME_BYTES_MAX]) {
    (void)gf_time_format_seconds(wall_ns, out);
    int64_t fraction_ns = wall_ns % GF_NS_PER_SEC;
    fraction_ns += fraction_ns < 0 ? GF_NS_PER_SEC : 0;
    if (fraction_ns == 0) {
        return out;
    }
    size_t digits = 9;
    while (fraction_ns % 1000 == 0) {
        fraction_ns /= 1000;
        digits -= 3;
    }
    char *zone = out + strlen(out) - 1;
    *zone++ = '.';
    zone = put_digits(zone, fraction_ns, digits);
    *zone++ = 'Z';
    *zone = '\0';
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

static bool take_date(struct gf_str *text, struct gf_date *out_date) {
    int year = 0;
    struct gf_date date = {0};
    if (!take_digits(text, 4, &year) || !take_char(text, '-', '-') ||
        !take_digits(text, 2, &date.month) || !take_char(text, '-', '-') ||
        !take_digits(text, 2, &date.day)) {
        return false;
    }
    date.year = year;
    if (date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > gf_days_of_month(date.year, date.month)) {
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
    struct gf_date date = {0};
    int second_of_day = 0;
    int fraction_ns = 0;
    int offset_seconds = 0;
    if (!take_date(&rest, &date) || !take_char(&rest, 'T', 't') ||
        !take_time_of_day(&rest, &second_of_day, &fraction_ns) ||
        !take_offset(&rest, &offset_seconds) || rest.len != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "time is not RFC 3339, expected a form like 2026-11-21T20:12:52Z");
    }
    const int64_t seconds = gf_days_from_date(date) * 86400 + second_of_day - offset_seconds;
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
