/* The durations and ages of base/time.h. */
#include "base/clock.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>

struct unit {
    struct gf_str name;
    int64_t ns;
};

/* Largest first. */
static const struct unit units[] = {
    {{"d", 1}, GF_NS_PER_DAY},
    {{"h", 1}, GF_NS_PER_HOUR},
    {{"m", 1}, GF_NS_PER_MIN},
    {{"s", 1}, GF_NS_PER_SEC},
    {{"ms", 2}, GF_NS_PER_MS},
    {{"us", 2}, GF_NS_PER_US},
    {{"ns", 2}, 1},
};

/* Two whole units, the second one only where it is not 0. */
static int format_pair(char *out, size_t space, int64_t ns, size_t larger) {
    const struct unit *first = &units[larger];
    const struct unit *second = &units[larger + 1];
    const int second_count = (int)(ns % first->ns / second->ns);
    if (second_count == 0) {
        return snprintf(out, space, "%lld%s", (long long)(ns / first->ns), first->name.ptr);
    }
    return snprintf(out, space, "%lld%s%d%s", (long long)(ns / first->ns), first->name.ptr,
                    second_count, second->name.ptr);
}

char *gf_duration_format(int64_t duration_ns, char out[GF_DURATION_BYTES_MAX]) {
    char *at = out;
    int64_t ns = duration_ns;
    if (ns < 0) {
        *at++ = '-';
        ns = ns == INT64_MIN ? INT64_MAX : -ns;
    }
    const size_t space = GF_DURATION_BYTES_MAX - (size_t)(at - out);
    if (ns == 0) {
        (void)snprintf(at, space, "0s");
    } else if (ns < GF_NS_PER_US) {
        (void)snprintf(at, space, "%lldns", (long long)ns);
    } else if (ns < GF_NS_PER_MS) {
        (void)snprintf(at, space, "%lldus", (long long)(ns / GF_NS_PER_US));
    } else if (ns < GF_NS_PER_SEC) {
        (void)snprintf(at, space, "%lldms", (long long)(ns / GF_NS_PER_MS));
    } else if (ns < 10 * GF_NS_PER_SEC) {
        const long long tenths = (long long)(ns / (GF_NS_PER_SEC / 10));
        if (tenths % 10 == 0) {
            (void)snprintf(at, space, "%llds", tenths / 10);
        } else {
            (void)snprintf(at, space, "%lld.%llds", tenths / 10, tenths % 10);
        }
    } else if (ns < GF_NS_PER_MIN) {
        (void)snprintf(at, space, "%llds", (long long)(ns / GF_NS_PER_SEC));
    } else {
        const size_t larger = ns < GF_NS_PER_HOUR ? 2 : (ns < GF_NS_PER_DAY ? 1 : 0);
        (void)format_pair(at, space, ns, larger);
    }
    return out;
}

/* Takes digits up to the first other character; at least one. False on overflow too. */
static bool take_number(struct gf_str *text, uint64_t *out_number) {
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9') {
        len++;
    }
    if (!gf_parse_u64((struct gf_str){text->ptr, len}, out_number)) {
        return false;
    }
    *text = (struct gf_str){text->ptr + len, text->len - len};
    return true;
}

/* Takes a unit's name: all letters up to the next digit. Gives its index, or a negative number. */
static int take_unit(struct gf_str *text) {
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= 'a' && text->ptr[len] <= 'z') {
        len++;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(units); i++) {
        if (gf_str_eq((struct gf_str){text->ptr, len}, units[i].name)) {
            *text = (struct gf_str){text->ptr + len, text->len - len};
            return (int)i;
        }
    }
    return -1;
}

/* The value of ".25" of a unit: up to nine digits. Nothing where there is no point. */
static bool take_fraction(struct gf_str *text, int64_t *out_billionths) {
    *out_billionths = 0;
    if (text->len == 0 || text->ptr[0] != '.') {
        return true;
    }
    *text = (struct gf_str){text->ptr + 1, text->len - 1};
    const size_t len_before = text->len;
    uint64_t number = 0;
    if (!take_number(text, &number)) {
        return false;
    }
    const size_t digits = len_before - text->len;
    if (digits > 9) {
        return false;
    }
    for (size_t i = digits; i < 9; i++) {
        number *= 10;
    }
    *out_billionths = (int64_t)number;
    return true;
}

/* Takes one number with its unit, which must be smaller than the one before, and adds it to *ns. */
static bool take_part(struct gf_str *text, int *last_unit, int64_t *ns) {
    uint64_t whole = 0;
    int64_t billionths = 0;
    if (!take_number(text, &whole) || !take_fraction(text, &billionths)) {
        return false;
    }
    const int unit = take_unit(text);
    if (unit <= *last_unit) {
        return false;
    }
    *last_unit = unit;
    int64_t part_ns = 0;
    if (__builtin_mul_overflow(whole, units[unit].ns, &part_ns) ||
        __builtin_add_overflow(*ns, part_ns, ns)) {
        return false;
    }
    /* A fraction of the largest unit, a day, does not fit into int64 before it is divided. */
    const int64_t fraction_ns = (int64_t)((__int128)billionths * units[unit].ns / GF_NS_PER_SEC);
    return !__builtin_add_overflow(*ns, fraction_ns, ns);
}

enum gf_code gf_duration_parse(struct gf_str text, int64_t *out_ns, struct gf_error *err) {
    struct gf_str rest = text;
    int64_t ns = 0;
    int last_unit = -1;
    bool valid = rest.len > 0;
    if (gf_str_eq(text, GF_STR("0"))) {
        rest.len = 0;
    }
    while (valid && rest.len > 0) {
        valid = take_part(&rest, &last_unit, &ns);
    }
    if (!valid) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "duration is malformed or too long, expected a form like 90s or 1h30m");
    }
    *out_ns = ns;
    return GF_OK;
}

char *gf_age_format(int64_t wall_ns, int64_t now_wall_ns, char out[GF_DURATION_BYTES_MAX]) {
    static const struct {
        int64_t ns;
        const char *name;
    } steps[] = {
        {365 * GF_NS_PER_DAY, "year"}, {30 * GF_NS_PER_DAY, "month"}, {GF_NS_PER_DAY, "day"},
        {GF_NS_PER_HOUR, "hour"},      {GF_NS_PER_MIN, "minute"},     {GF_NS_PER_SEC, "second"},
    };
    int64_t age_ns = 0;
    if (__builtin_sub_overflow(now_wall_ns, wall_ns, &age_ns)) {
        age_ns = now_wall_ns > wall_ns ? INT64_MAX : 0;
    }
    if (age_ns < 5 * GF_NS_PER_SEC) {
        (void)snprintf(out, GF_DURATION_BYTES_MAX, "just now");
        return out;
    }
    size_t step = 0;
    while (age_ns < steps[step].ns) {
        step++;
    }
    const long long count = (long long)(age_ns / steps[step].ns);
    (void)snprintf(out, GF_DURATION_BYTES_MAX, "%lld %s%s ago", count, steps[step].name,
                   count == 1 ? "" : "s");
    return out;
}
