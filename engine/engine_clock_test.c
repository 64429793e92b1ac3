/* From a wall time that is due to the monotonic time until which the thread waits. */
#include "engine/engine_internal.h"

#include <criterion/criterion.h>

static const int64_t NOW = INT64_C(1700000000) * GF_NS_PER_SEC;
static const int64_t MONO = 5 * GF_NS_PER_SEC;

Test(engine_clock, without_a_deadline_nothing_wakes_it) {
    cr_expect_eq(gf_engine__wake_time_for(GF_NEVER, NOW, MONO), GF_NEVER);
}

Test(engine_clock, wakes_when_the_deadline_comes_and_not_before) {
    cr_expect_eq(gf_engine__wake_time_for(NOW + 7, NOW, MONO), MONO + 7);
    cr_expect_eq(gf_engine__wake_time_for(NOW + 30 * GF_NS_PER_SEC, NOW, MONO),
                 MONO + 30 * GF_NS_PER_SEC);
}

Test(engine_clock, does_not_wait_for_what_is_due) {
    cr_expect_eq(gf_engine__wake_time_for(NOW, NOW, MONO), 0);
    cr_expect_eq(gf_engine__wake_time_for(NOW - GF_NS_PER_HOUR, NOW, MONO), 0);
    cr_expect_eq(gf_engine__wake_time_for(0, NOW, MONO), 0);
}

Test(engine_clock, looks_at_the_clock_every_minute_while_there_is_a_deadline) {
    cr_expect_eq(gf_engine__wake_time_for(NOW + 3 * GF_NS_PER_DAY, NOW, MONO),
                 MONO + GF_NS_PER_MIN);
    /* Somebody has set the clock back by fifty years. */
    cr_expect_eq(gf_engine__wake_time_for(NOW, 0, MONO), MONO + GF_NS_PER_MIN);
    cr_expect_eq(gf_engine__wake_time_for(GF_NEVER - 1, -NOW, MONO), MONO + GF_NS_PER_MIN);
}
