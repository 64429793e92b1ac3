#include "base/clock.h"

#include <signal.h>

#include <criterion/criterion.h>

Test(clock, system_clocks_run) {
    const int64_t mono_ns = gf_mono_ns();
    const struct gf_clock *clock = gf_clock_system();
    cr_assert_geq(gf_clock_mono_ns(clock), mono_ns);
    /* 2020-01-01: a machine that is behind that has no clock. */
    cr_assert_gt(gf_clock_wall_ns(clock), INT64_C(1577836800) * GF_NS_PER_SEC);
}

Test(clock, fake_clock_stands_still_until_it_is_moved) {
    struct gf_fake_clock fake;
    gf_fake_clock_init(&fake, 100, 5000);
    cr_assert_eq(gf_clock_mono_ns(&fake.clock), 100);
    cr_assert_eq(gf_clock_wall_ns(&fake.clock), 5000);
    gf_fake_clock_advance(&fake, 50);
    cr_assert_eq(gf_clock_mono_ns(&fake.clock), 150);
    cr_assert_eq(gf_clock_wall_ns(&fake.clock), 5050);
}

Test(clock, fake_clock_does_not_go_back, .signal = SIGABRT) {
    struct gf_fake_clock fake;
    gf_fake_clock_init(&fake, 0, 0);
    gf_fake_clock_advance(&fake, -1);
}

Test(clock, deadlines_do_not_overflow) {
    cr_assert_eq(gf_deadline_after_ms(1000, 2), 1000 + 2 * GF_NS_PER_MS);
    cr_assert_eq(gf_deadline_after_ms(1000, 0), 1000);
    cr_assert_eq(gf_deadline_after_ms(1000, -5), 1000);
    cr_assert_eq(gf_deadline_after_ms(1000, INT64_MAX), GF_NEVER);
    cr_assert_eq(gf_deadline_after_ms(GF_NEVER, 1), GF_NEVER);
}
