#include "engine/core/retry.h"

#include "base/macros.h"
#include "engine/core/limits.h"

static bool has_code(const struct gf_retry_policy *policy, int32_t exit_code) {
    for (size_t i = 0; i < policy->exit_code_count; i++) {
        if (policy->exit_codes[i] == exit_code) {
            return true;
        }
    }
    return false;
}

bool gf_retry_allows(const struct gf_retry_policy *policy, enum gf_reason_kind kind,
                     bool has_exit_code, int32_t exit_code) {
    if (policy->max_attempts < 2) {
        return false;
    }
    switch (kind) {
    case GF_REASON_ABNORMAL_EXIT:
    case GF_REASON_OUT_OF_MEMORY:
        return policy->exit_code_count == 0 || (has_exit_code && has_code(policy, exit_code));
    case GF_REASON_SCHEDULER_ERROR:
    case GF_REASON_IMAGE_ERROR:
        return policy->exit_code_count == 0;
    case GF_REASON_ORPHANED:
        return policy->retry_orphaned;
    case GF_REASON_TIMED_OUT:
        return policy->retry_timed_out;
    case GF_REASON_UNSPECIFIED:
    case GF_REASON_FAILED_PRECONDITION:
    case GF_REASON_USER_CANCELLED:
    case GF_REASON_DISPLACED:
    case GF_REASON_COALESCED:
        return false;
    }
    gf_unreachable();
}

/* Spreads seeds that differ in a few bits over all numbers (the finalizer of SplitMix64). */
static uint64_t mix(uint64_t seed) {
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ (seed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return seed ^ (seed >> 31);
}

static int64_t longest_wait(const struct gf_retry_policy *policy, int64_t initial) {
    if (policy->max_backoff_ms > 0) {
        return policy->max_backoff_ms;
    }
    return initial > GF_RETRY_MAX_BACKOFF_MS_DEFAULT ? initial : GF_RETRY_MAX_BACKOFF_MS_DEFAULT;
}

static int64_t wait_before_jitter(const struct gf_retry_policy *policy, int32_t failed_attempts) {
    const int64_t initial = policy->initial_backoff_ms > 0 ? policy->initial_backoff_ms
                                                           : GF_RETRY_INITIAL_BACKOFF_MS_DEFAULT;
    const int64_t longest = longest_wait(policy, initial);
    const double multiplier = policy->backoff_multiplier >= 1 ? policy->backoff_multiplier
                                                              : GF_RETRY_BACKOFF_MULTIPLIER_DEFAULT;
    /* Ends at the longest wait, so that no product is beyond what the integer holds. */
    double wait = (double)initial;
    for (int32_t n = 1; n < failed_attempts && n < GF_RETRY_ATTEMPTS_MAX; n++) {
        if (wait >= (double)longest) {
            break;
        }
        wait *= multiplier;
    }
    return wait < (double)longest ? (int64_t)wait : longest;
}

int64_t gf_retry_backoff_ms(const struct gf_retry_policy *policy, int32_t failed_attempts,
                            uint64_t seed) {
    const int64_t wait = wait_before_jitter(policy, failed_attempts);
    const int64_t spread = wait * policy->jitter_percent / 100;
    return wait - (int64_t)(mix(seed) % ((uint64_t)spread + 1));
}
