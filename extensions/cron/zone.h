/*
 * Time zones: the clock on the wall at a time, and the time at which a clock on the wall shows
 * something.
 *
 * Times are whole seconds since 1970-01-01 00:00 UTC. Local times are counted in the same way on
 * the clock on the wall, from 1970-01-01 00:00 there: local time minus time is the offset from UTC.
 *
 * The zones are those of the time zone database, in $TZDIR or /usr/share/zoneinfo, each read once:
 * a newer database is seen after a restart. They are right up to the year 2100 and beyond as far as
 * the rules of today hold.
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_CRON_ZONE_H_
#define GOFER_EXTENSIONS_CRON_ZONE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    GF_ZONE_NAME_BYTES_MAX = 64,
};

struct gf_zone;

/*
 * The zone of a name as "Europe/Berlin" or "UTC". Owned by the caller: gf_zone_destroy. NULL if
 * there is none of this name, or if it is no name: of letters, digits, '_', '+', '-' and '/', with
 * a letter first.
 */
struct gf_zone *gf_zone_create(const char *name, size_t name_len);
void gf_zone_destroy(struct gf_zone *zone);
void gf_zone_destroy_p(struct gf_zone **zone);

/* What the clock on the wall shows at a time. */
int64_t gf_zone_local(const struct gf_zone *zone, int64_t time_s);

/*
 * When the clock on the wall shows a local time for the first time; if it never does, because it is
 * set forward over it, the time at which it is set.
 */
int64_t gf_zone_first_time(const struct gf_zone *zone, int64_t local_s);

/* When the offset changes next, after a time. INT64_MAX: never. */
int64_t gf_zone_next_change(const struct gf_zone *zone, int64_t time_s);

#ifdef __cplusplus
}
#endif

#endif /* GOFER_EXTENSIONS_CRON_ZONE_H_ */
