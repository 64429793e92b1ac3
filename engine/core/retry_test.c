#include "base/macros.h"
#include "engine/core/limits.h"
#include "engine/core/retry.h"

#include <criterion/criterion.h>

static const struct gf_retry_policy twice = {.max_attempts = 2};

static bool allows(const struct gf_retry_policy *policy, enum gf_reason_kind kind) {
    return gf_retry_allows(policy, kind, true, 1);
}

Test(retry, failures_of_the_container_are_retried) {
    cr_expect(allows(&twice, GF_REASON_ABNORMAL_EXIT));
    cr_expect(allows(&twice, GF_REASON_OUT_OF_MEMORY));
    cr_expect(gf_retry_allows(&twice, GF_REASON_SCHEDULER_ERROR, false, 0));
}

Test(retry, what_no_attempt_can_change_is_never_retried) {
    const struct gf_retry_policy all = {
        .max_attempts = 100, .retry_orphaned = true, .retry_timed_out = true};
    cr_expect_not(allows(&all, GF_REASON_UNSPECIFIED));
    cr_expect_not(allows(&all, GF_REASON_FAILED_PRECONDITION));
    cr_expect_not(allows(&all, GF_REASON_USER_CANCELLED));
    cr_expect_not(allows(&all, GF_REASON_DISPLACED));
    cr_expect_not(allows(&all, GF_REASON_COALESCED));
}

Test(retry, lost_and_late_attempts_are_retried_where_asked_for) {
    const struct gf_retry_policy orphaned = {.max_attempts = 2, .retry_orphaned = true};
    const struct gf_retry_policy timed_out = {.max_attempts = 2, .retry_timed_out = true};
    cr_expect_not(allows(&twice, GF_REASON_ORPHANED));
    cr_expect_not(allows(&twice, GF_REASON_TIMED_OUT));
    cr_expect(allows(&orphaned, GF_REASON_ORPHANED));
    cr_expect_not(allows(&orphaned, GF_REASON_TIMED_OUT));
    cr_expect(allows(&timed_out, GF_REASON_TIMED_OUT));
    cr_expect_not(allows(&timed_out, GF_REASON_ORPHANED));
}

Test(retry, exit_codes_bound_what_is_retried) {
    const int32_t codes[] = {3, 137};
    const struct gf_retry_policy policy = {
        .max_attempts = 2, .exit_codes = codes, .exit_code_count = GF_ARRAY_COUNT(codes)};
    cr_expect(gf_retry_allows(&policy, GF_REASON_ABNORMAL_EXIT, true, 3));
    cr_expect_not(gf_retry_allows(&policy, GF_REASON_ABNORMAL_EXIT, true, 1));
    cr_expect_not(gf_retry_allows(&policy, GF_REASON_ABNORMAL_EXIT, false, 3));
    cr_expect(gf_retry_allows(&policy, GF_REASON_OUT_OF_MEMORY, true, 137));
    cr_expect_not(gf_retry_allows(&policy, GF_REASON_OUT_OF_MEMORY, true, 9));
    cr_expect_not(gf_retry_allows(&policy, GF_REASON_SCHEDULER_ERROR, false, 0));
    cr_expect_not(gf_retry_allows(&policy, GF_REASON_SCHEDULER_ERROR, true, 3));
}

Test(retry, one_attempt_is_no_policy) {
    const struct gf_retry_policy none = {0};
    const struct gf_retry_policy one = {.max_attempts = 1, .retry_orphaned = true};
    cr_expect_not(allows(&none, GF_REASON_ABNORMAL_EXIT));
    cr_expect_not(allows(&one, GF_REASON_ORPHANED));
}

Test(retry, waits_grow_to_the_longest_one) {
    const struct gf_retry_policy policy = {.max_attempts = 100,
                                           .initial_backoff_ms = 100,
                                           .max_backoff_ms = 1000,
                                           .backoff_multiplier = 3};
    cr_expect_eq(gf_retry_backoff_ms(&policy, 1, 7), 100);
    cr_expect_eq(gf_retry_backoff_ms(&policy, 2, 7), 300);
    cr_expect_eq(gf_retry_backoff_ms(&policy, 3, 7), 900);
    cr_expect_eq(gf_retry_backoff_ms(&policy, 4, 7), 1000);
    cr_expect_eq(gf_retry_backoff_ms(&policy, 99, 7), 1000);
}

Test(retry, defaults_are_those_of_the_limits) {
    cr_expect_eq(gf_retry_backoff_ms(&twice, 1, 0), GF_RETRY_INITIAL_BACKOFF_MS_DEFAULT);
    cr_expect_eq(gf_retry_backoff_ms(&twice, 2, 0), GF_RETRY_INITIAL_BACKOFF_MS_DEFAULT * 2);
    cr_expect_eq(gf_retry_backoff_ms(&twice, 50, 0), GF_RETRY_MAX_BACKOFF_MS_DEFAULT);
}

Test(retry, bounds_that_are_given_win_over_defaults) {
    const struct gf_retry_policy slow = {.max_attempts = 9, .initial_backoff_ms = 3600 * 1000};
    const struct gf_retry_policy fast = {.max_attempts = 9, .max_backoff_ms = 20};
    const struct gf_retry_policy even = {
        .max_attempts = 9, .initial_backoff_ms = 50, .backoff_multiplier = 1};
    cr_expect_eq(gf_retry_backoff_ms(&slow, 1, 0), 3600 * 1000);
    cr_expect_eq(gf_retry_backoff_ms(&slow, 2, 0), 3600 * 1000);
    cr_expect_eq(gf_retry_backoff_ms(&fast, 1, 0), 20);
    cr_expect_eq(gf_retry_backoff_ms(&even, 8, 0), 50);
}

Test(retry, numbers_beyond_all_bounds_do_no_harm) {
    const struct gf_retry_policy policy = {.max_attempts = GF_RETRY_ATTEMPTS_MAX,
                                           .initial_backoff_ms = GF_RETRY_INITIAL_BACKOFF_MS_MAX,
                                           .max_backoff_ms = GF_RETRY_MAX_BACKOFF_MS_MAX,
                                           .backoff_multiplier = GF_RETRY_BACKOFF_MULTIPLIER_MAX,
                                           .jitter_percent = 100};
    const int32_t attempts[] = {INT32_MIN, 0, 1, 2, 100, INT32_MAX};
    for (size_t i = 0; i < GF_ARRAY_COUNT(attempts); i++) {
        const int64_t wait = gf_retry_backoff_ms(&policy, attempts[i], UINT64_MAX);
        cr_expect(wait >= 0 && wait <= GF_RETRY_MAX_BACKOFF_MS_MAX);
    }
}

Test(retry, jitter_spreads_the_waits_below_the_full_one) {
    const struct gf_retry_policy policy = {
        .max_attempts = 9, .initial_backoff_ms = 1000, .jitter_percent = 20};
    int64_t least = INT64_MAX;
    int64_t most = 0;
    int64_t sum = 0;
    for (uint64_t seed = 0; seed < 10000; seed++) {
        const int64_t wait = gf_retry_backoff_ms(&policy, 1, seed);
        cr_expect_eq(wait, gf_retry_backoff_ms(&policy, 1, seed));
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
        sum += wait;
    }
    cr_expect_eq(least, 800);
    cr_expect_eq(most, 1000);
    cr_expect(sum / 10000 > 895 && sum / 10000 < 905, "mean %ld", (long)(sum / 10000));
}
