/*
 * Cron expressions: when something is due by the clock on the wall, without any time zone.
 *
 *     minute hour day-of-month month day-of-week [year]
 *
 *     minute        0 to 59
 *     hour          0 to 23
 *     day-of-month  1 to 31
 *     month         1 to 12, or jan to dec
 *     day-of-week   0 to 7, or sun to sat; 0 and 7 are both Sunday
 *     year          1970 to 2100; every year when it is left out
 *
 * A field is a list of parts with commas between. A part is `*` (every value), a value `a`, or a
 * range `a-b`; with a step `/n` behind it, it is every n-th of these values, or, behind a single
 * value, every n-th from it on. `?` is `*` in the two fields of days. Names are the first three
 * letters in English, in any case; `sun` at the end of a range is 7. Fields are divided by spaces
 * or tabs.
 *
 * Days: when neither day-of-month nor day-of-week begins with `*` or `?`, a day is right if either
 * of them matches; else both must. This is the rule of Vixie's cron: `0 0 1-7 * mon` means the days
 * 1 to 7 and every Monday. Its known corner is a step of `*`, which counts as a beginning with `*`:
 * with one of 2 in day-of-month and `mon`, the days are the Mondays with an odd date.
 *
 * Instead of fields: @yearly or @annually (0 0 1 1 *), @monthly (0 0 1 * *), @weekly (0 0 * * 0),
 * @daily or @midnight (0 0 * * *) and @hourly (0 * * * *). @reboot is refused: a subscription
 * outlives every server and every extension, so that there is no boot that it could mean.
 *
 * Thread: any.
 */
#ifndef GOFER_EXTENSIONS_CRON_EXPRESSION_H_
#define GOFER_EXTENSIONS_CRON_EXPRESSION_H_

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_CRON_EXPRESSION_BYTES_MAX = 512,
    GF_CRON_YEAR_MIN = 1970,
    GF_CRON_YEAR_MAX = 2100,
    GF_CRON_YEAR_WORDS = (GF_CRON_YEAR_MAX - GF_CRON_YEAR_MIN + 64) / 64,
};

/* A parsed expression. A value; bit n of a mask is the value n of the field. */
struct gf_cron_expression {
    uint64_t minutes;
    uint64_t hours;
    uint64_t days_of_month;
    uint64_t months;
    uint64_t days_of_week;              /* 0 to 6 */
    uint64_t years[GF_CRON_YEAR_WORDS]; /* bit 0 of the first word is GF_CRON_YEAR_MIN */
    bool both_days;                     /* day-of-month and day-of-week must both match */
    bool by_real_time;                  /* minute or hour begins with `*`; see schedule.h */
};

/*
 * Reads an expression. One that matches no day at all, as of 31 February, is refused too.
 * Code: GF_INVALID_ARGUMENT; the message names the field and the character, from 1, and says what
 * is expected.
 */
enum gf_code gf_cron_parse(struct gf_str text, struct gf_cron_expression *out,
                           struct gf_error *err) GF_MUST_USE;

/*
 * The first minute that matches, from one on. Minutes are counted by the clock on the wall, from
 * 1970-01-01 00:00 there. False if there is none up to the end of GF_CRON_YEAR_MAX.
 */
bool gf_cron_next_local_minute(const struct gf_cron_expression *expression, int64_t from_minute,
                               int64_t *out_minute) GF_MUST_USE;

#endif /* GOFER_EXTENSIONS_CRON_EXPRESSION_H_ */
