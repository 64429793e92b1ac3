/*
 * When a failed attempt of a task is made again, as its retry policy says.
 *
 * Pure functions of what they are given. Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_RETRY_H_
#define GOFER_ENGINE_CORE_RETRY_H_

#include "engine/core/model.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether an attempt that failed like this may be followed by another one. How many there have been
 * is not looked at: that is for the caller to compare with max_attempts.
 *
 *   ABNORMAL_EXIT, OUT_OF_MEMORY   always; with exit_codes only if exit_code is one of them
 *   SCHEDULER_ERROR                only without exit_codes: there is no code that could be meant
 *   ORPHANED                       only with retry_orphaned
 *   TIMED_OUT                      only with retry_timed_out
 *   anything else                  never: another attempt would not change it
 *
 * exit_code counts only where has_exit_code is set. A policy of less than two attempts allows none.
 */
bool gf_retry_allows(const struct gf_retry_policy *policy, enum gf_reason_kind kind,
                     bool has_exit_code, int32_t exit_code);

/*
 * How long to wait, in milliseconds, after the attempt number `failed_attempts` (from 1) before the
 * next one: initial_backoff_ms the first time, backoff_multiplier times as long each further time,
 * never longer than max_backoff_ms. What is 0 in the policy has the default of limits.h; an initial
 * wait above the default of the longest one raises that.
 *
 * Jitter makes the wait shorter, by up to jitter_percent of it: max_backoff_ms stays a promise, and
 * tasks that failed together come back one after the other. `seed` decides by how much; it may be
 * any number that differs between attempts, even if only a little. The same arguments always give
 * the same wait.
 */
int64_t gf_retry_backoff_ms(const struct gf_retry_policy *policy, int32_t failed_attempts,
                            uint64_t seed);

#endif /* GOFER_ENGINE_CORE_RETRY_H_ */
