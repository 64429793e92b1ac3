#include "api/access/limits.h"
#include "base/clock.h"
#include "base/macros.h"

#include <stdio.h>

#include <criterion/criterion.h>

static const struct gf_str here = {"192.0.2.7", 9};

static struct gf_access_limits *make_limits(int64_t rate_max, int64_t calls_max) {
    const struct gf_access_limits_opts opts = {rate_max, calls_max};
    return gf_access_limits_create(&opts);
}

Test(access_limits, bucket_holds_a_second_and_fills_with_time) {
    _Atomic int64_t bucket = 0;
    int64_t now = GF_NS_PER_HOUR;
    for (int i = 0; i < 10; i++) {
        cr_assert(gf_rate_take(&bucket, 10, now));
    }
    cr_assert_not(gf_rate_take(&bucket, 10, now));
    now += GF_NS_PER_SEC / 10;
    cr_assert(gf_rate_take(&bucket, 10, now));
    cr_assert_not(gf_rate_take(&bucket, 10, now));
    now += GF_NS_PER_HOUR;
    for (int i = 0; i < 10; i++) {
        cr_assert(gf_rate_take(&bucket, 10, now));
    }
    cr_assert_not(gf_rate_take(&bucket, 10, now), "it never holds more");
}

Test(access_limits, bucket_without_a_limit) {
    _Atomic int64_t bucket = 0;
    for (int i = 0; i < 100000; i++) {
        cr_assert(gf_rate_take(&bucket, -1, 5));
    }
}

Test(access_limits, addresses_are_limited_apart) {
    struct gf_access_limits *limits = make_limits(2, -1);
    const struct gf_str there = GF_STR("192.0.2.8");
    cr_assert(gf_access_limits_take_address(limits, here, 0));
    cr_assert(gf_access_limits_take_address(limits, here, 0));
    cr_assert_not(gf_access_limits_take_address(limits, here, 0));
    cr_assert(gf_access_limits_take_address(limits, there, 0));
    cr_assert(gf_access_limits_take_address(limits, here, GF_NS_PER_SEC / 2));
    gf_access_limits_destroy(limits);
}

Test(access_limits, open_calls_are_counted_until_they_close) {
    struct gf_access_limits *limits = make_limits(-1, 2);
    cr_assert(gf_access_limits_open(limits, here));
    cr_assert(gf_access_limits_open(limits, here));
    cr_assert_not(gf_access_limits_open(limits, here));
    gf_access_limits_close(limits, here);
    cr_assert(gf_access_limits_open(limits, here));
    gf_access_limits_close(limits, here);
    gf_access_limits_close(limits, here);
    gf_access_limits_destroy(limits);
}

Test(access_limits, crowd_of_addresses_forgets_none_with_open_calls) {
    struct gf_access_limits *limits = make_limits(1, 1);
    cr_assert(gf_access_limits_open(limits, here));
    for (int i = 0; i < 10000; i++) {
        char key[32];
        const int length = snprintf(key, sizeof(key), "10.0.%d.%d", i / 256, i % 256);
        cr_assert(gf_access_limits_take_address(limits, (struct gf_str){key, (size_t)length}, 0));
    }
    cr_assert_not(gf_access_limits_open(limits, here));
    gf_access_limits_close(limits, here);
    gf_access_limits_destroy(limits);
}

Test(access_limits, failed_logins_wait_longer_each_time) {
    struct gf_access_limits *limits = make_limits(-1, -1);
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        const int64_t delay = gf_access_limits_failed_login(limits, here, 0);
        cr_assert_geq(delay, last);
        last = delay;
    }
    cr_assert_gt(last, 1000);
    gf_access_limits_destroy(limits);
}

Test(access_limits, audit_lines_are_limited_and_counted) {
    struct gf_access_limits *limits = make_limits(-1, -1);
    int64_t left_out = 0;
    int lines = 0;
    for (int i = 0; i < 1000; i++) {
        lines += gf_access_limits_audit(limits, here, 0, &left_out) ? 1 : 0;
    }
    cr_assert_gt(lines, 0);
    cr_assert_lt(lines, 100);
    cr_assert(gf_access_limits_audit(limits, here, GF_NS_PER_HOUR, &left_out));
    cr_assert_eq(left_out, 1000 - lines);
    gf_access_limits_destroy(limits);
}
