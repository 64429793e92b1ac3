/*
 * Times as text: RFC 3339 for machines and files, short durations and ages for people.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_TIME_H_
#define GOFER_BASE_TIME_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdint.h>

enum {
    GF_TIME_BYTES_MAX = 48,     /* room for any RFC 3339 text made here, with the final NUL */
    GF_DURATION_BYTES_MAX = 48, /* room for any duration or age made here, with the final NUL */
};

/*
 * Writes wall_ns as RFC 3339 in UTC: "2026-11-21T20:12:52Z", with 3, 6 or 9 digits of a second as
 * needed ("2026-11-21T20:12:52.120Z"), as proto3 JSON does. Every int64_t has a text. Gives `out`.
 */
char *gf_time_format(int64_t wall_ns, char out[GF_TIME_BYTES_MAX]);

/* The same in full seconds ("2026-11-21T20:12:52Z"), the rest cut off: for tables. */
char *gf_time_format_seconds(int64_t wall_ns, char out[GF_TIME_BYTES_MAX]);

/*
 * Reads RFC 3339: full date, 'T', full time, 1 to 9 digits of a second or none, 'Z' or "+hh:mm".
 * Both letters may be lower case. No leap seconds, no white space, nothing behind it. Code:
 * GF_INVALID_ARGUMENT (malformed, no such date, or outside of int64 nanoseconds: the years 1677 to
 * 2262).
 */
enum gf_code gf_time_parse(struct gf_str text, int64_t *out_wall_ns,
                           struct gf_error *err) GF_MUST_USE;

/*
 * A duration in its two largest units: "0s", "850us", "12ms", "1.5s" below ten seconds, "42s",
 * "1m3s", "2h5m", "3d4h". Negative ones have a "-" in front. Gives `out`.
 */
char *gf_duration_format(int64_t duration_ns, char out[GF_DURATION_BYTES_MAX]);

/*
 * Reads durations that people write: a sum of number and unit, "90s", "1h30m", "1.5s", "250ms",
 * largest unit first, units d h m s ms us ns, each at most once. "0" needs no unit.
 * Code: GF_INVALID_ARGUMENT (malformed, negative, or more than int64 nanoseconds).
 */
enum gf_code gf_duration_parse(struct gf_str text, int64_t *out_ns,
                               struct gf_error *err) GF_MUST_USE;

/*
 * How long ago: "just now" (below five seconds, and for times in the future), "42 seconds ago",
 * "1 minute ago", "3 hours ago", "5 days ago", "2 months ago", "1 year ago". Gives `out`.
 */
char *gf_age_format(int64_t wall_ns, int64_t now_wall_ns, char out[GF_DURATION_BYTES_MAX]);

#endif /* GOFER_BASE_TIME_H_ */
