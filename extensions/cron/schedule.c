/*
 * Design: a fixed time of day is searched on the clock on the wall and then turned into a time;
 * this way round, order is kept (a later local time never is an earlier time), so that the first
 * one that is later than wanted is the right one. By real time, each stretch of time with one
 * offset is searched by itself.
 */
#include "extensions/cron/schedule.h"

#include "base/calendar.h"

enum {
    SECONDS_PER_MINUTE = 60,
};

static bool next_fixed(const struct gf_cron_expression *expression, const struct gf_zone *zone,
                       int64_t after_s, int64_t *out_time_s) {
    int64_t minute = gf_floor_div(gf_zone_local(zone, after_s), SECONDS_PER_MINUTE);
    /* More than one turn is needed only within what the clock shows twice or skips. */
    while (gf_cron_next_local_minute(expression, minute, &minute)) {
        const int64_t time_s = gf_zone_first_time(zone, minute * SECONDS_PER_MINUTE);
        if (time_s > after_s) {
            *out_time_s = time_s;
            return true;
        }
        minute++;
    }
    return false;
}

static bool next_by_real_time(const struct gf_cron_expression *expression,
                              const struct gf_zone *zone, int64_t after_s, int64_t *out_time_s) {
    int64_t from_s = after_s + 1;
    for (;;) {
        const int64_t local_s = gf_zone_local(zone, from_s);
        const int64_t end_s = gf_zone_next_change(zone, from_s);
        int64_t minute = -gf_floor_div(-local_s, SECONDS_PER_MINUTE);
        if (!gf_cron_next_local_minute(expression, minute, &minute)) {
            return false;
        }
        const int64_t time_s = minute * SECONDS_PER_MINUTE - (local_s - from_s);
        if (time_s < end_s) {
            *out_time_s = time_s;
            return true;
        }
        from_s = end_s;
    }
}

bool gf_cron_next_after(const struct gf_cron_expression *expression, const struct gf_zone *zone,
                        int64_t after_s, int64_t *out_time_s) {
    return expression->by_real_time ? next_by_real_time(expression, zone, after_s, out_time_s)
                                    : next_fixed(expression, zone, after_s, out_time_s);
}

bool gf_cron_last_until(const struct gf_cron_expression *expression, const struct gf_zone *zone,
                        int64_t from_s, int64_t until_s, int64_t *out_time_s) {
    int64_t last_s = 0;
    if (!gf_cron_next_after(expression, zone, from_s, &last_s) || last_s > until_s) {
        return false;
    }
    /* There is nothing due after none_after_s; the last time found so far moves towards it. */
    int64_t none_after_s = until_s;
    while (last_s < none_after_s) {
        const int64_t middle_s = last_s + (none_after_s - last_s) / 2;
        int64_t found_s = 0;
        if (gf_cron_next_after(expression, zone, middle_s, &found_s) && found_s <= until_s) {
            last_s = found_s;
        } else {
            none_after_s = middle_s;
        }
    }
    *out_time_s = last_s;
    return true;
}
