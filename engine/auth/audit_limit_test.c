#include "engine/auth/audit_limit.h"

#include <stdio.h>

#include <criterion/criterion.h>

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

static const struct gf_audit_limit_opts opts = {
    .keys = 4,
    .burst = 3,
    .per_minute = 6,
    .total_burst = 1000,
    .total_per_minute = 1000,
};

static bool take(struct gf_audit_limit *limit, const char *key, int64_t now_ns) {
    int64_t left_out = 0;
    return gf_audit_limit_take(limit, gf_str_from(key), now_ns, &left_out);
}

Test(audit_limit, burst_then_rate) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    for (int i = 0; i < 3; i++) {
        cr_assert(take(limit, "a", 0));
    }
    cr_assert_not(take(limit, "a", 0));
    cr_assert_not(take(limit, "a", 10 * SECOND - 1));
    cr_assert(take(limit, "a", 10 * SECOND));
    cr_assert_not(take(limit, "a", 10 * SECOND));
    cr_assert(take(limit, "b", 10 * SECOND));
    gf_audit_limit_destroy(limit);
    gf_audit_limit_destroy(NULL);
}

Test(audit_limit, rate_holds_over_hours) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    int count = 0;
    for (int64_t now = 0; now < 60 * MINUTE; now += SECOND / 3) {
        count += take(limit, "a", now) ? 1 : 0;
    }
    cr_assert(count >= 6 * 60 && count <= 6 * 60 + 3, "%d", count);
    gf_audit_limit_destroy(limit);
}

Test(audit_limit, rest_wins_back_no_more_than_the_burst) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    cr_assert(take(limit, "a", 0));
    int count = 0;
    while (take(limit, "a", INT64_MAX)) {
        count++;
    }
    cr_assert_eq(count, 3);
    gf_audit_limit_destroy(limit);
}

Test(audit_limit, time_that_goes_back_gives_nothing) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    for (int i = 0; i < 3; i++) {
        cr_assert(take(limit, "a", 10 * SECOND));
    }
    cr_assert_not(take(limit, "a", INT64_MIN));
    cr_assert_not(take(limit, "a", 19 * SECOND));
    cr_assert(take(limit, "a", 20 * SECOND));
    gf_audit_limit_destroy(limit);
}

Test(audit_limit, what_was_left_out_is_told_once) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    int64_t left_out = -1;
    for (int i = 0; i < 3; i++) {
        cr_assert(gf_audit_limit_take(limit, GF_STR("a"), 0, &left_out));
        cr_assert_eq(left_out, 0);
    }
    left_out = -1;
    for (int i = 0; i < 5; i++) {
        cr_assert_not(gf_audit_limit_take(limit, GF_STR("a"), 0, &left_out));
    }
    cr_assert_eq(left_out, -1);
    cr_assert(gf_audit_limit_take(limit, GF_STR("b"), 0, &left_out));
    cr_assert_eq(left_out, 5);
    cr_assert(gf_audit_limit_take(limit, GF_STR("b"), 0, &left_out));
    cr_assert_eq(left_out, 0);
    gf_audit_limit_destroy(limit);
}

Test(audit_limit, least_recently_seen_key_goes_first) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    for (int i = 0; i < 3; i++) {
        cr_assert(take(limit, "a", 0));
    }
    cr_assert(take(limit, "b", 0));
    cr_assert(take(limit, "c", 0));
    cr_assert(take(limit, "d", 0));
    cr_assert_not(take(limit, "a", 0)); /* and is now the last seen */
    cr_assert(take(limit, "e", 0));     /* b goes */
    cr_assert_eq(gf_audit_limit_key_count(limit), 4);
    cr_assert_not(take(limit, "a", 0));
    gf_audit_limit_destroy(limit);
}

/* Who uses a new address for each call is stopped by the bucket of all. */
Test(audit_limit, a_crowd_of_keys_is_bounded) {
    struct gf_audit_limit_opts crowd = opts;
    crowd.total_burst = 50;
    crowd.total_per_minute = 60;
    struct gf_audit_limit *limit = gf_audit_limit_create(&crowd);
    int count = 0;
    for (int i = 0; i < 10000; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "10.0.%d.%d", i / 256, i % 256);
        count += take(limit, key, 0) ? 1 : 0;
    }
    cr_assert_eq(count, 50);
    cr_assert_eq(gf_audit_limit_key_count(limit), 4);
    cr_assert(take(limit, "x", SECOND));
    cr_assert_not(take(limit, "y", SECOND));
    gf_audit_limit_destroy(limit);
}

Test(audit_limit, keys_may_be_any_bytes) {
    struct gf_audit_limit *limit = gf_audit_limit_create(&opts);
    char longer[500];
    int64_t left_out = 0;
    memset(longer, 'k', sizeof(longer));
    for (int i = 0; i < 3; i++) {
        cr_assert(
            gf_audit_limit_take(limit, (struct gf_str){longer, 400u + (size_t)i}, 0, &left_out));
    }
    cr_assert_not(
        gf_audit_limit_take(limit, (struct gf_str){longer, sizeof(longer)}, 0, &left_out));
    cr_assert_eq(gf_audit_limit_key_count(limit), 1);
    cr_assert(gf_audit_limit_take(limit, (struct gf_str){NULL, 0}, 0, &left_out));
    cr_assert(gf_audit_limit_take(limit, GF_STR("a\0b"), 0, &left_out));
    cr_assert(gf_audit_limit_take(limit, GF_STR("a\0c"), 0, &left_out));
    cr_assert_eq(gf_audit_limit_key_count(limit), 4);
    gf_audit_limit_destroy(limit);
}

Test(login_delay, grows_and_has_an_end) {
    struct gf_login_delay *delay = gf_login_delay_create(&gf_login_delay_defaults);
    const int64_t expected[] = {0, 0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000, 5000};
    for (size_t i = 0; i < GF_ARRAY_COUNT(expected); i++) {
        cr_assert_eq(gf_login_delay_failed(delay, GF_STR("a"), 0), expected[i]);
        cr_assert_eq(gf_login_delay_now(delay, GF_STR("a"), 0), expected[i]);
    }
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("b"), 0), 0);
    cr_assert_eq(gf_login_delay_failed(delay, GF_STR("b"), 0), 0);
    cr_assert_eq(gf_login_delay_key_count(delay), 2);
    gf_login_delay_destroy(delay);
    gf_login_delay_destroy(NULL);
}

Test(login_delay, is_forgiven_one_by_one) {
    struct gf_login_delay *delay = gf_login_delay_create(&gf_login_delay_defaults);
    for (int i = 0; i < 5; i++) {
        (void)gf_login_delay_failed(delay, GF_STR("a"), 0);
    }
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("a"), MINUTE - 1), 500);
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("a"), MINUTE), 250);
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("a"), 2 * MINUTE), 0);
    cr_assert_eq(gf_login_delay_failed(delay, GF_STR("a"), 2 * MINUTE), 250);
    cr_assert_eq(gf_login_delay_failed(delay, GF_STR("a"), INT64_MAX), 0);
    gf_login_delay_destroy(delay);
}

/* However long it went on, the end of it is as far away as after the failures that count. */
Test(login_delay, counts_no_further_than_its_limit) {
    struct gf_login_delay *delay = gf_login_delay_create(&gf_login_delay_defaults);
    for (int i = 0; i < 100000; i++) {
        (void)gf_login_delay_failed(delay, GF_STR("a"), 0);
    }
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("a"), GF_LOGIN_FAILURES_MAX * MINUTE), 0);
    cr_assert_gt(gf_login_delay_now(delay, GF_STR("b"), 0) +
                     gf_login_delay_failed(delay, GF_STR("a"), GF_LOGIN_FAILURES_MAX * MINUTE),
                 0);
    gf_login_delay_destroy(delay);
}

Test(login_delay, keeps_a_bounded_number_of_addresses) {
    struct gf_login_delay_opts few = gf_login_delay_defaults;
    few.keys = 10;
    few.free_count = 0;
    struct gf_login_delay *delay = gf_login_delay_create(&few);
    for (int i = 0; i < 1000; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "2001:db8:%d::/64", i);
        cr_assert_eq(gf_login_delay_failed(delay, gf_str_from(key), i), 250);
    }
    cr_assert_eq(gf_login_delay_key_count(delay), 10);
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("2001:db8:999::/64"), 1000), 250);
    cr_assert_eq(gf_login_delay_now(delay, GF_STR("2001:db8:0::/64"), 1000), 0);
    gf_login_delay_destroy(delay);
}
