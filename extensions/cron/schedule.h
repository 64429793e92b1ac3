/*
 * When a cron expression is due in a time zone.
 *
 * What happens when clocks are set, as by daylight saving, is what Debian's cron does. There are
 * two kinds of expressions:
 *
 *  - Those with a fixed time of day, in which neither minute nor hour begins with `*`. A time that
 *    is skipped is due at the moment at which the clock is set forward: `30 2 * * *` at 03:00 if
 *    02:00 to 03:00 is skipped; several skipped times are due once. A time that comes twice is due
 *    the first time only.
 *  - Those that go by real time, in which minute or hour begins with `*`, as `*`, or with a step
 *    behind it. They are due whenever the clock on the wall shows a minute that matches: in an hour
 *    that comes twice as often as in two hours, in a skipped one not at all.
 *
 * (Debian's cron takes changes of three hours or more for an operator who sets the clock; here the
 * rules hold for every change, as that of Samoa over a whole day.)
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_CRON_SCHEDULE_H_
#define GOFER_EXTENSIONS_CRON_SCHEDULE_H_

#include "extensions/cron/expression.h"
#include "extensions/cron/zone.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The first time after `after_s` at which the expression is due, in seconds since 1970. False if
 * there is none up to the year GF_CRON_YEAR_MAX. Takes microseconds, whatever the expression.
 */
bool gf_cron_next_after(const struct gf_cron_expression *expression, const struct gf_zone *zone,
                        int64_t after_s, int64_t *out_time_s) GF_MUST_USE;

/*
 * The last time at which the expression is due that is later than `from_s` and not later than
 * `until_s`. False if there is none. Takes some tens of microseconds.
 */
bool gf_cron_last_until(const struct gf_cron_expression *expression, const struct gf_zone *zone,
                        int64_t from_s, int64_t until_s, int64_t *out_time_s) GF_MUST_USE;

#endif /* GOFER_EXTENSIONS_CRON_SCHEDULE_H_ */
