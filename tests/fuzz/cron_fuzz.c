/*
 * Cron expressions: nothing crashes or takes long, and what is due next is later than asked for, at
 * a minute that matches or at a change of the clock, with nothing due in between that was left out.
 */
#include "base/calendar.h"
#include "extensions/cron/schedule.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True when the clock on the wall shows a minute that matches. */
static bool matches(const struct gf_cron_expression *expression, int64_t local_s) {
    int64_t minute = 0;
    return local_s % 60 == 0 && gf_cron_next_local_minute(expression, local_s / 60, &minute) &&
           minute == local_s / 60;
}

static void check_next(const struct gf_cron_expression *expression, const struct gf_zone *zone,
                       int64_t after_s) {
    int64_t next_s = 0;
    if (!gf_cron_next_after(expression, zone, after_s, &next_s)) {
        return;
    }
    gf_assert(next_s > after_s);
    const int64_t local_s = gf_zone_local(zone, next_s);
    const bool at_change = gf_zone_next_change(zone, next_s - 1) == next_s;
    gf_assert(matches(expression, local_s) || (at_change && !expression->by_real_time));
    /* Whatever lies between, the answer from there is the same. */
    int64_t again_s = 0;
    gf_assert(gf_cron_next_after(expression, zone, after_s + (next_s - after_s) / 2, &again_s));
    gf_assert(again_s == next_s || next_s - after_s == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"Europe/Berlin", "Australia/Lord_Howe", "UTC"};
    static struct gf_zone *zones[GF_ARRAY_COUNT(names)];
    struct gf_cron_expression expression = {0};
    uint32_t after_s = 0;
    if (size < 1 + sizeof(after_s)) {
        return 0;
    }
    memcpy(&after_s, data + 1, sizeof(after_s));
    const struct gf_str text = {(const char *)data + 1 + sizeof(after_s),
                                size - 1 - sizeof(after_s)};
    if (gf_cron_parse(text, &expression, NULL) != GF_OK) {
        return 0;
    }
    const size_t zone = data[0] % GF_ARRAY_COUNT(names);
    if (zones[zone] == NULL) {
        zones[zone] = gf_zone_create(names[zone], strlen(names[zone]));
        gf_assert(zones[zone] != NULL);
    }
    check_next(&expression, zones[zone], after_s);
    return 0;
}
