#include "engine/core/config_codec.h"
#include "engine/core/config_tags.h"

#include <stdint.h>

static void put_varint(struct gf_strbuf *out, uint64_t value) {
    while (value >= 0x80) {
        gf_strbuf_append_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    gf_strbuf_append_char(out, (char)value);
}

static void put_item(struct gf_strbuf *out, uint64_t tag, struct gf_str payload) {
    put_varint(out, tag);
    put_varint(out, payload.len);
    gf_strbuf_append(out, payload);
}

static void put_text(struct gf_strbuf *out, uint64_t tag, struct gf_str text) {
    if (text.len > 0) {
        put_item(out, tag, text);
    }
}

static void put_number(struct gf_strbuf *out, uint64_t tag, int64_t value) {
    if (value == 0) {
        return;
    }
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); /* zigzag */
    char bytes[VARINT_BYTES_MAX];
    size_t len = 0;
    for (; rest >= 0x80; rest >>= 7) {
        bytes[len++] = (char)(rest | 0x80);
    }
    bytes[len++] = (char)rest;
    put_item(out, tag, (struct gf_str){bytes, len});
}

/* `item` is scratch memory for what is nested, here and below. */
static void put_pair(struct gf_strbuf *out, uint64_t tag, struct gf_str key, struct gf_str value,
                     struct gf_strbuf *item) {
    gf_strbuf_reset(item);
    put_text(item, VARIABLE_KEY, key);
    put_text(item, VARIABLE_VALUE, value);
    put_item(out, tag, gf_strbuf_view(item));
}

static void put_variables(struct gf_strbuf *out, uint64_t tag, const struct gf_variable *variables,
                          size_t count, struct gf_strbuf *item) {
    for (size_t i = 0; i < count; i++) {
        put_pair(out, tag, variables[i].key, variables[i].value, item);
    }
}

static void put_labels(struct gf_strbuf *out, uint64_t tag, const struct gf_label *labels,
                       size_t count, struct gf_strbuf *item) {
    for (size_t i = 0; i < count; i++) {
        put_pair(out, tag, labels[i].key, labels[i].value, item);
    }
}

static void put_retry(struct gf_strbuf *out, const struct gf_retry_policy *retry,
                      struct gf_strbuf *item) {
    int64_t multiplier_bits = 0;
    if (retry->backoff_multiplier > 0) { /* -0 is the default as well */
        memcpy(&multiplier_bits, &retry->backoff_multiplier, sizeof(multiplier_bits));
    }
    gf_strbuf_reset(item);
    put_number(item, RETRY_MAX_ATTEMPTS, retry->max_attempts);
    put_number(item, RETRY_INITIAL_BACKOFF_MS, retry->initial_backoff_ms);
    put_number(item, RETRY_MAX_BACKOFF_MS, retry->max_backoff_ms);
    put_number(item, RETRY_BACKOFF_MULTIPLIER, multiplier_bits);
    put_number(item, RETRY_JITTER_PERCENT, retry->jitter_percent);
    for (size_t i = 0; i < retry->exit_code_count; i++) {
        put_number(item, RETRY_EXIT_CODE, retry->exit_codes[i]);
    }
    put_number(item, RETRY_ORPHANED, retry->retry_orphaned);
    put_number(item, RETRY_TIMED_OUT, retry->retry_timed_out);
    if (item->len > 0) {
        put_item(out, TASK_RETRY, gf_strbuf_view(item));
    }
}

static void put_registry_auth(struct gf_strbuf *out, const struct gf_registry_auth *auth,
                              struct gf_strbuf *item) {
    gf_strbuf_reset(item);
    put_text(item, REGISTRY_AUTH_SECRET_KEY, auth->secret_key);
    put_text(item, REGISTRY_AUTH_USER, auth->user);
    put_text(item, REGISTRY_AUTH_PASSWORD, auth->password);
    if (item->len > 0) {
        put_item(out, TASK_REGISTRY_AUTH, gf_strbuf_view(item));
    }
}

static void put_pools(struct gf_strbuf *out, const struct gf_config *config,
                      struct gf_strbuf *item) {
    for (size_t i = 0; i < config->pool_count; i++) {
        gf_strbuf_reset(item);
        put_text(item, POOL_ID, config->pools[i].pool_id);
        put_number(item, POOL_PARALLELISM, config->pools[i].parallelism);
        put_item(out, CONFIG_POOL, gf_strbuf_view(item));
    }
}

static void put_task(struct gf_strbuf *out, const struct gf_task *task, struct gf_strbuf *item) {
    put_text(out, TASK_ID, task->task_id);
    put_text(out, TASK_DESCRIPTION, task->description);
    put_text(out, TASK_IMAGE, task->image);
    for (size_t i = 0; i < task->entrypoint_count; i++) {
        put_item(out, TASK_ENTRYPOINT, task->entrypoint[i]);
    }
    for (size_t i = 0; i < task->command_count; i++) {
        put_item(out, TASK_COMMAND, task->command[i]);
    }
    put_variables(out, TASK_VARIABLE, task->variables, task->variable_count, item);
    for (size_t i = 0; i < task->parent_count; i++) {
        gf_strbuf_reset(item);
        put_text(item, PARENT_TASK_ID, task->parents[i].task_id);
        put_number(item, PARENT_RULE, (int64_t)task->parents[i].rule);
        put_item(out, TASK_PARENT, gf_strbuf_view(item));
    }
    put_text(out, TASK_USER, task->user);
    put_text(out, TASK_WORKING_DIRECTORY, task->working_directory);
    put_number(out, TASK_TIMEOUT_MS, task->timeout_ms);
    put_number(out, TASK_CPU_MILLIS, task->resources.cpu_millis);
    put_number(out, TASK_MEMORY_BYTES, task->resources.memory_bytes);
    put_number(out, TASK_PIDS_COUNT, task->resources.pid_count);
    put_number(out, TASK_DISK_BYTES, task->resources.disk_bytes);
    put_number(out, TASK_NETWORK, (int64_t)task->network);
    put_number(out, TASK_PULL, (int64_t)task->pull);
    put_labels(out, TASK_LABEL, task->labels, task->label_count, item);
    put_number(out, TASK_STOP_TIMEOUT_MS, task->stop_timeout_ms);
    put_retry(out, &task->retry, item);
    put_text(out, TASK_POOL, task->pool);
    put_number(out, TASK_INJECT_TOKEN, task->inject_token);
    put_number(out, TASK_KEEP_FAILED, task->keep_failed);
    put_number(out, TASK_DISABLE_LOGS, task->disable_logs);
    put_number(out, TASK_OPEN_STDIN, task->open_stdin);
    put_number(out, TASK_TERMINAL, task->terminal);
    put_registry_auth(out, &task->registry_auth, item);
}

void gf_config_encode(const struct gf_config *config, struct gf_strbuf *out) {
    struct gf_strbuf task;
    struct gf_strbuf item;
    gf_strbuf_init(&task, out->limit);
    gf_strbuf_init(&item, out->limit);
    gf_strbuf_append_char(out, CONFIG_FORMAT);
    put_text(out, CONFIG_NAME, config->name);
    put_text(out, CONFIG_DESCRIPTION, config->description);
    put_number(out, CONFIG_PARALLELISM, config->parallelism);
    for (size_t i = 0; i < config->task_count && !out->overflowed; i++) {
        gf_strbuf_reset(&task);
        put_task(&task, &config->tasks[i], &item);
        put_item(out, CONFIG_TASK, gf_strbuf_view(&task));
        out->overflowed = out->overflowed || task.overflowed || item.overflowed;
    }
    put_variables(out, CONFIG_VARIABLE, config->variables, config->variable_count, &item);
    put_labels(out, CONFIG_LABEL, config->labels, config->label_count, &item);
    if (config->queue_policy != GF_QUEUE_POLICY_QUEUE) { /* which is the default by name */
        put_number(out, CONFIG_QUEUE_POLICY, (int64_t)config->queue_policy);
    }
    put_number(out, CONFIG_QUEUE_LIMIT, config->queue_limit);
    put_number(out, CONFIG_PRIORITY, config->priority);
    put_number(out, CONFIG_TIMEOUT_MS, config->timeout_ms);
    put_number(out, CONFIG_TASK_PARALLELISM, config->task_parallelism);
    put_pools(out, config, &item);
    put_number(out, CONFIG_DISABLE_LOGS, config->disable_logs);
    out->overflowed = out->overflowed || item.overflowed;
    gf_strbuf_fini(&task);
    gf_strbuf_fini(&item);
}
