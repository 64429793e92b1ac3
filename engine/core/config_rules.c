/*
 * Design: lists that have an order of their own here (pools, exit codes) are checked in any order
 * first, so that who reads them from a user can name the item as the user counts; that they are
 * sorted is checked apart.
 */
#include "base/identifier.h"
#include "engine/core/config.h"
#include "engine/core/config_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum gf_code gf_number_ranges_check(const struct gf_number_range *ranges, size_t count,
                                    struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        const struct gf_number_range *range = &ranges[i];
        if (range->value < range->min || range->value > range->max) {
            return gf_fail_field(err, range->field,
                                 "value is %" PRId64 ", expected %" PRId64 " to %" PRId64,
                                 range->value, range->min, range->max);
        }
    }
    return GF_OK;
}

/* ---- Pools ---- */

static int compare_pools(const void *left, const void *right) {
    return gf_str_cmp(((const struct gf_task_pool *)left)->pool_id,
                      ((const struct gf_task_pool *)right)->pool_id);
}

void gf_task_pools_sort(struct gf_task_pool *pools, size_t count) {
    if (count > 1) {
        qsort(pools, count, sizeof(*pools), compare_pools);
    }
}

/* There are few: each is compared with all before it. */
static enum gf_code check_pool(const struct gf_task_pool *pools, size_t index,
                               struct gf_error *err) {
    const struct gf_task_pool *pool = &pools[index];
    const struct gf_number_range range = {pool->parallelism, 1, GF_TASK_POOL_PARALLELISM_MAX,
                                          "parallelism"};
    enum gf_code rc = gf_identifier_check(pool->pool_id, "id", err);
    if (rc == GF_OK) {
        rc = gf_number_ranges_check(&range, 1, err);
    }
    for (size_t i = 0; i < index && rc == GF_OK; i++) {
        if (gf_str_eq(pools[i].pool_id, pool->pool_id)) {
            rc = gf_fail_field(err, "id", "pool '%" GF_STR_FMT "' is there twice",
                               GF_STR_ARG(pool->pool_id));
        }
    }
    return rc;
}

enum gf_code gf_task_pools_check(const struct gf_task_pool *pools, size_t count,
                                 struct gf_error *err) {
    if (count > GF_TASK_POOLS_MAX) {
        return gf_fail_field(err, "task_pools", "there are %zu pools, expected up to %d", count,
                             GF_TASK_POOLS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = check_pool(pools, i, err);
        if (rc != GF_OK) {
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "task_pools[%zu].", i);
            (void)gf_wrap_field(err, path);
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code find_pool(const struct gf_config *config, struct gf_task *task,
                              struct gf_error *err) {
    const struct gf_task_pool wanted = {.pool_id = task->pool};
    const struct gf_task_pool *pool = NULL;
    task->pool_index = -1;
    if (task->pool.len == 0) {
        return GF_OK;
    }
    if (config->pool_count > 0) {
        pool = bsearch(&wanted, config->pools, config->pool_count, sizeof(wanted), compare_pools);
    }
    if (pool == NULL) {
        const enum gf_code rc = gf_identifier_check(task->pool, "pool", err);
        return rc != GF_OK
                   ? rc
                   : gf_fail_field(err, "pool", "pool '%" GF_STR_FMT "' is not among task_pools",
                                   GF_STR_ARG(task->pool));
    }
    task->pool_index = (int32_t)(pool - config->pools);
    return GF_OK;
}

/* ---- Retries ---- */

static int compare_codes(const void *left, const void *right) {
    const int32_t a = *(const int32_t *)left;
    const int32_t b = *(const int32_t *)right;
    return (a > b) - (a < b);
}

void gf_exit_codes_sort(int32_t *codes, size_t count) {
    if (count > 1) {
        qsort(codes, count, sizeof(*codes), compare_codes);
    }
}

static enum gf_code check_exit_codes(const int32_t *codes, size_t count, struct gf_error *err) {
    bool seen[GF_EXIT_CODE_MAX + 1] = {false};
    if (count > GF_RETRY_EXIT_CODES_MAX) {
        return gf_fail_field(err, "exit_codes", "there are %zu exit codes, expected up to %d",
                             count, GF_RETRY_EXIT_CODES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "exit_codes[%zu]", i);
        const struct gf_number_range range = {codes[i], 1, GF_EXIT_CODE_MAX, path};
        const enum gf_code rc = gf_number_ranges_check(&range, 1, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (seen[codes[i]]) {
            return gf_fail_field(err, path, "exit code %d is there twice", (int)codes[i]);
        }
        seen[codes[i]] = true;
    }
    return GF_OK;
}

enum gf_code gf_retry_policy_check(const struct gf_retry_policy *policy, struct gf_error *err) {
    const struct gf_number_range ranges[] = {
        {policy->max_attempts, 1, GF_RETRY_ATTEMPTS_MAX, "max_attempts"},
        {policy->initial_backoff_ms, 0, GF_RETRY_INITIAL_BACKOFF_MS_MAX, "initial_backoff"},
        {policy->max_backoff_ms, 0, GF_RETRY_MAX_BACKOFF_MS_MAX, "max_backoff"},
        {policy->jitter_percent, 0, 100, "jitter_percent"},
    };
    const enum gf_code rc = gf_number_ranges_check(ranges, GF_ARRAY_COUNT(ranges), err);
    if (rc != GF_OK) {
        return rc;
    }
    if (policy->max_backoff_ms > 0 && policy->max_backoff_ms < policy->initial_backoff_ms) {
        return gf_fail_field(err, "max_backoff",
                             "longest wait is %" PRId64 " ms, expected no less than the first one, "
                             "%" PRId64 " ms",
                             policy->max_backoff_ms, policy->initial_backoff_ms);
    }
    /* Written so that what is no number is refused, too. */
    const double multiplier = policy->backoff_multiplier;
    if (!(multiplier == 0 || (multiplier >= 1 && multiplier <= GF_RETRY_BACKOFF_MULTIPLIER_MAX))) {
        return gf_fail_field(err, "backoff_multiplier", "value is %g, expected 1 to %d", multiplier,
                             GF_RETRY_BACKOFF_MULTIPLIER_MAX);
    }
    return check_exit_codes(policy->exit_codes, policy->exit_code_count, err);
}

static bool is_no_policy(const struct gf_retry_policy *policy) {
    return policy->max_attempts == 0 && policy->initial_backoff_ms == 0 &&
           policy->max_backoff_ms == 0 && policy->backoff_multiplier == 0 &&
           policy->jitter_percent == 0 && policy->exit_code_count == 0 && !policy->retry_orphaned &&
           !policy->retry_timed_out;
}

static enum gf_code check_retry(const struct gf_retry_policy *policy, struct gf_error *err) {
    if (is_no_policy(policy)) {
        return GF_OK;
    }
    enum gf_code rc = gf_retry_policy_check(policy, err);
    for (size_t i = 1; i < policy->exit_code_count && rc == GF_OK; i++) {
        if (policy->exit_codes[i - 1] >= policy->exit_codes[i]) {
            rc = gf_fail_field(err, "exit_codes", "exit codes are not sorted");
        }
    }
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, "retry.");
    }
    return rc;
}

/* ---- Registries ---- */

static enum gf_code check_registry_secret(const struct gf_registry_auth *auth,
                                          struct gf_error *err) {
    if (auth->user.len > 0 || auth->password.len > 0) {
        return gf_fail_field(err, auth->user.len > 0 ? "user" : "password",
                             "expected none: the secret of secret_key holds user and password");
    }
    return gf_identifier_check(auth->secret_key, "secret_key", err);
}

static enum gf_code check_registry_user(const struct gf_registry_auth *auth, struct gf_error *err) {
    if (auth->user.len == 0) {
        return gf_fail_field(err, "user", "a password needs a user");
    }
    if (auth->password.len == 0) {
        return gf_fail_field(err, "password", "a user needs a password");
    }
    enum gf_code rc = gf_text_check(auth->user, GF_REGISTRY_USER_CHARS_MAX, "user", err);
    if (rc == GF_OK && memchr(auth->user.ptr, ':', auth->user.len) != NULL) {
        rc = gf_fail_field(err, "user", "names of users at registries have no ':' in them");
    }
    if (rc == GF_OK) {
        rc = gf_text_check(auth->password, GF_REGISTRY_PASSWORD_CHARS_MAX, "password", err);
    }
    return rc;
}

static enum gf_code check_registry_auth(const struct gf_registry_auth *auth, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    if (auth->secret_key.len > 0) {
        rc = check_registry_secret(auth, err);
    } else if (auth->user.len > 0 || auth->password.len > 0) {
        rc = check_registry_user(auth, err);
    }
    if (rc != GF_OK) {
        (void)gf_wrap_field(err, "registry_auth.");
    }
    return rc;
}

/* ---- Resources ---- */

enum gf_code gf_config_check_maximums(const struct gf_config *config,
                                      const struct gf_resources *maximums, struct gf_error *err) {
    for (size_t i = 0; i < config->task_count; i++) {
        const struct gf_resources *asked = &config->tasks[i].resources;
        const struct gf_number_range ranges[] = {
            {asked->cpu_millis, 0, maximums->cpu_millis, "cpu_millis"},
            {asked->memory_bytes, 0, maximums->memory_bytes, "memory_bytes"},
            {asked->pid_count, 0, maximums->pid_count, "pid_count"},
            {asked->disk_bytes, 0, maximums->disk_bytes, "disk_bytes"},
        };
        for (size_t r = 0; r < GF_ARRAY_COUNT(ranges); r++) {
            if (ranges[r].max == 0 || ranges[r].value <= ranges[r].max) {
                continue;
            }
            char path[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(path, sizeof(path), "tasks[%zu].resources.%s", i, ranges[r].field);
            return gf_fail_field(err, path,
                                 "value is %" PRId64 ", this server gives at most %" PRId64,
                                 ranges[r].value, ranges[r].max);
        }
    }
    return GF_OK;
}

/* ---- The whole ---- */

enum gf_code gf_config_check_rules(const struct gf_config *config, struct gf_error *err) {
    const struct gf_number_range ranges[] = {
        {config->parallelism, 0, GF_PARALLELISM_MAX, "parallelism"},
        {config->queue_limit, 0, GF_QUEUE_LIMIT_MAX, "queue_limit"},
        {config->priority, -GF_PRIORITY_MAX, GF_PRIORITY_MAX, "priority"},
        {config->timeout_ms, 0, GF_RUN_TIMEOUT_MS_MAX, "timeout"},
        {config->task_parallelism, 0, GF_PARALLELISM_MAX, "task_parallelism"},
    };
    if (config->queue_policy != GF_QUEUE_POLICY_UNSPECIFIED &&
        !gf_queue_policy_valid((int64_t)config->queue_policy)) {
        return gf_fail_field(err, "queue_policy", "expected queue, reject or cancel_oldest");
    }
    enum gf_code rc = gf_number_ranges_check(ranges, GF_ARRAY_COUNT(ranges), err);
    if (rc == GF_OK) {
        rc = gf_task_pools_check(config->pools, config->pool_count, err);
    }
    for (size_t i = 1; i < config->pool_count && rc == GF_OK; i++) {
        if (compare_pools(&config->pools[i - 1], &config->pools[i]) > 0) {
            rc = gf_fail_field(err, "task_pools", "pools are not sorted by their ids");
        }
    }
    return rc;
}

enum gf_code gf_config_check_task_rules(const struct gf_config *config, struct gf_task *task,
                                        struct gf_error *err) {
    const struct gf_number_range ranges[] = {
        {task->timeout_ms, 0, GF_TASK_TIMEOUT_MS_MAX, "timeout"},
        {task->stop_timeout_ms, 0, GF_STOP_TIMEOUT_MS_MAX, "stop_timeout"},
    };
    enum gf_code rc = gf_number_ranges_check(ranges, GF_ARRAY_COUNT(ranges), err);
    if (rc == GF_OK) {
        rc = check_retry(&task->retry, err);
    }
    if (rc == GF_OK) {
        rc = check_registry_auth(&task->registry_auth, err);
    }
    return rc == GF_OK ? find_pool(config, task, err) : rc;
}
