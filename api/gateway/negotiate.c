#include "api/gateway/negotiate.h"

#include "base/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SECONDS_PER_DAY = 86400,
    YEAR_MAX = 9999,
};

/* ---- If-None-Match ---- */

/* Takes one entity tag, with its quotes, from the front. False where there is none. */
static bool take_etag(struct gf_str *rest, struct gf_str *out_etag) {
    struct gf_str text = gf_str_trim(*rest);
    if (gf_str_has_prefix(text, GF_STR("W/"))) {
        text.ptr += 2;
        text.len -= 2;
    }
    if (text.len < 2 || text.ptr[0] != '"') {
        return false;
    }
    const char *end = memchr(text.ptr + 1, '"', text.len - 1);
    if (end == NULL) {
        return false;
    }
    size_t size = (size_t)(end + 1 - text.ptr);
    *out_etag = (struct gf_str){text.ptr, size};
    *rest = gf_str_trim((struct gf_str){text.ptr + size, text.len - size});
    return true;
}

bool gf_gateway__none_match_has(struct gf_str if_none_match, struct gf_str etag) {
    struct gf_str rest = gf_str_trim(if_none_match);
    if (gf_str_eq(rest, GF_STR("*"))) {
        return true;
    }
    struct gf_str other;
    while (take_etag(&rest, &other)) {
        if (gf_str_eq(other, etag)) {
            return true;
        }
        if (rest.len == 0 || rest.ptr[0] != ',') {
            return false;
        }
        rest.ptr++;
        rest.len--;
    }
    return false;
}

/* ---- Dates ---- */

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char *gf_gateway__date_format(int64_t seconds, char out[GF_GATEWAY__DATE_BYTES_MAX]) {
    int64_t days = gf_floor_div(seconds, SECONDS_PER_DAY);
    int of_day = (int)(seconds - days * SECONDS_PER_DAY);
    struct gf_date date = gf_date_from_days(days);
    gf_assert(date.year >= 1 && date.year <= YEAR_MAX);
    (void)snprintf(out, GF_GATEWAY__DATE_BYTES_MAX, "%s, %02d %s %04" PRId64 " %02d:%02d:%02d GMT",
                   day_names[gf_weekday_from_days(days)], date.day, month_names[date.month - 1],
                   date.year, of_day / 3600, of_day / 60 % 60, of_day % 60);
    return out;
}

/* So many decimal digits at a place of the text; -1 where they are none. */
static int64_t digits_at(struct gf_str text, size_t offset, size_t count) {
    int64_t number = 0;
    for (size_t i = offset; i < offset + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return -1;
        }
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

bool gf_gateway__date_parse(struct gf_str text, int64_t *out_seconds) {
    if (text.len != strlen("Sun, 06 Nov 1994 08:49:37 GMT")) {
        return false;
    }
    int month = 0;
    while (month < 12 && memcmp(text.ptr + 8, month_names[month], 3) != 0) {
        month++;
    }
    int64_t day = digits_at(text, 5, 2);
    int64_t year = digits_at(text, 12, 4);
    int64_t hour = digits_at(text, 17, 2);
    int64_t minute = digits_at(text, 20, 2);
    int64_t second = digits_at(text, 23, 2);
    bool fits = month < 12 && year >= 1 && day >= 1 && hour >= 0 && hour < 24 && minute >= 0 &&
                minute < 60 && second >= 0 && second < 60;
    if (!fits || day > gf_days_of_month(year, month + 1)) {
        return false;
    }
    int64_t days = gf_days_from_date((struct gf_date){year, month + 1, (int)day});
    int64_t seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    /* What stands between the numbers, and the day of the week, must be as it is written here. */
    char again[GF_GATEWAY__DATE_BYTES_MAX];
    if (!gf_str_eq(text, gf_str_from(gf_gateway__date_format(seconds, again)))) {
        return false;
    }
    *out_seconds = seconds;
    return true;
}

/* ---- Range ---- */

enum gf_gateway__range gf_gateway__range_parse(struct gf_str range, uint64_t size,
                                               uint64_t *out_offset, uint64_t *out_size) {
    struct gf_str unit;
    struct gf_str spec;
    struct gf_str first_text;
    struct gf_str last_text;
    bool understood = gf_str_cut(gf_str_trim(range), '=', &unit, &spec) &&
                      gf_str_eq_nocase(unit, GF_STR("bytes")) &&
                      gf_str_cut(gf_str_trim(spec), '-', &first_text, &last_text);
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    bool has_first = understood && first_text.len > 0;
    bool has_last = understood && last_text.len > 0;
    if (!understood || (!has_first && !has_last) ||
        (has_first && !gf_parse_u64(first_text, &first)) ||
        (has_last && !gf_parse_u64(last_text, &last)) || (has_first && last < first)) {
        return GF_GATEWAY__RANGE_WHOLE;
    }
    if (!has_first) {
        /* The last so many bytes. */
        first = last < size ? size - last : 0;
        if (last == 0) {
            return GF_GATEWAY__RANGE_NONE;
        }
        last = UINT64_MAX;
    }
    if (first >= size) {
        return GF_GATEWAY__RANGE_NONE;
    }
    last = last < size ? last : size - 1;
    *out_offset = first;
    *out_size = last - first + 1;
    return GF_GATEWAY__RANGE_PART;
}
