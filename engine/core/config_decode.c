#include "engine/core/config.h"
#include "engine/core/config_codec.h"
#include "engine/core/config_records.h"

/* The lists of a task, or of the config, while they are filled: the model has them as const. */
struct lists {
    struct gf_str *entrypoint;
    struct gf_str *command;
    struct gf_variable *variables;
    struct gf_label *labels;
    struct gf_task_pool *pools;
};

static enum gf_code make_lists(const struct gf_config_decoder *decoder,
                               const struct gf_config_record *record, struct gf_task *task,
                               struct lists *out) {
    enum gf_code rc =
        gf_record_array(decoder, record->counts[TASK_ENTRYPOINT], GF_TASK_ARGUMENTS_MAX,
                        sizeof(*out->entrypoint), &out->entrypoint);
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[TASK_COMMAND], GF_TASK_ARGUMENTS_MAX,
                             sizeof(*out->command), &out->command);
    }
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[TASK_VARIABLE], GF_TASK_VARIABLES_MAX,
                             sizeof(*out->variables), &out->variables);
    }
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[TASK_PARENT], GF_TASK_PARENTS_MAX,
                             sizeof(*task->parents), &task->parents);
    }
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[TASK_LABEL], GF_LABELS_MAX,
                             sizeof(*out->labels), &out->labels);
    }
    if (rc == GF_OK) {
        task->entrypoint = out->entrypoint;
        task->command = out->command;
        task->variables = out->variables;
        task->labels = out->labels;
    }
    return rc;
}

static enum gf_code read_task_number(const struct gf_config_decoder *decoder,
                                     const struct gf_config_field *field, struct gf_task *out) {
    int64_t number = 0;
    const enum gf_code rc = gf_record_number(decoder, field, &number);
    if (rc != GF_OK) {
        return rc;
    }
    switch ((enum task_tag)field->tag) {
    case TASK_TIMEOUT_MS:
        out->timeout_ms = number;
        break;
    case TASK_STOP_TIMEOUT_MS:
        out->stop_timeout_ms = number;
        break;
    case TASK_CPU_MILLIS:
        out->resources.cpu_millis = number;
        break;
    case TASK_MEMORY_BYTES:
        out->resources.memory_bytes = number;
        break;
    case TASK_PIDS_COUNT:
        out->resources.pid_count = number;
        break;
    case TASK_DISK_BYTES:
        out->resources.disk_bytes = number;
        break;
    case TASK_NETWORK:
        if (number < 0 || number > GF_NETWORK_BRIDGE) {
            return gf_record_fail_at(decoder, field->payload.ptr, "an unknown network mode");
        }
        out->network = (enum gf_network_mode)number;
        break;
    case TASK_PULL:
        if (number < 0 || number > GF_PULL_ALWAYS) {
            return gf_record_fail_at(decoder, field->payload.ptr, "an unknown pull policy");
        }
        out->pull = (enum gf_pull_policy)number;
        break;
    case TASK_ID:
    case TASK_DESCRIPTION:
    case TASK_IMAGE:
    case TASK_ENTRYPOINT:
    case TASK_COMMAND:
    case TASK_VARIABLE:
    case TASK_PARENT:
    case TASK_USER:
    case TASK_WORKING_DIRECTORY:
    case TASK_LABEL:
    case TASK_RETRY:
    case TASK_POOL:
    case TASK_INJECT_TOKEN:
    case TASK_KEEP_FAILED:
    case TASK_DISABLE_LOGS:
    case TASK_OPEN_STDIN:
    case TASK_TERMINAL:
    case TASK_REGISTRY_AUTH:
        gf_unreachable();
    }
    return GF_OK;
}

static enum gf_code read_task_field(const struct gf_config_decoder *decoder,
                                    const struct gf_config_field *field, struct lists *lists,
                                    struct gf_task *out) {
    if (field->tag >= TAGS_END) {
        return GF_OK; /* of a later version */
    }
    switch ((enum task_tag)field->tag) {
    case TASK_ID:
        return gf_record_text(decoder, field, &out->task_id);
    case TASK_DESCRIPTION:
        return gf_record_text(decoder, field, &out->description);
    case TASK_IMAGE:
        return gf_record_text(decoder, field, &out->image);
    case TASK_ENTRYPOINT:
        lists->entrypoint[out->entrypoint_count++] = field->payload;
        return GF_OK;
    case TASK_COMMAND:
        lists->command[out->command_count++] = field->payload;
        return GF_OK;
    case TASK_VARIABLE:
        return gf_config_read_variable(decoder, field->payload,
                                       &lists->variables[out->variable_count++]);
    case TASK_PARENT:
        return gf_config_read_parent(decoder, field->payload, &out->parents[out->parent_count++]);
    case TASK_USER:
        return gf_record_text(decoder, field, &out->user);
    case TASK_WORKING_DIRECTORY:
        return gf_record_text(decoder, field, &out->working_directory);
    case TASK_TIMEOUT_MS:
    case TASK_CPU_MILLIS:
    case TASK_MEMORY_BYTES:
    case TASK_PIDS_COUNT:
    case TASK_DISK_BYTES:
    case TASK_NETWORK:
    case TASK_PULL:
    case TASK_STOP_TIMEOUT_MS:
        return read_task_number(decoder, field, out);
    case TASK_INJECT_TOKEN:
        return gf_record_flag(decoder, field, &out->inject_token);
    case TASK_KEEP_FAILED:
        return gf_record_flag(decoder, field, &out->keep_failed);
    case TASK_DISABLE_LOGS:
        return gf_record_flag(decoder, field, &out->disable_logs);
    case TASK_OPEN_STDIN:
        return gf_record_flag(decoder, field, &out->open_stdin);
    case TASK_TERMINAL:
        return gf_record_flag(decoder, field, &out->terminal);
    case TASK_REGISTRY_AUTH:
        return gf_config_read_registry_auth(decoder, field->payload, &out->registry_auth);
    case TASK_RETRY:
        return gf_config_read_retry(decoder, field->payload, &out->retry);
    case TASK_POOL:
        return gf_record_text(decoder, field, &out->pool);
    case TASK_LABEL:
        return gf_config_read_label(decoder, field->payload, &lists->labels[out->label_count++]);
    }
    return GF_OK;
}

static enum gf_code read_task(const struct gf_config_decoder *decoder, struct gf_str bytes,
                              struct gf_task *out) {
    const uint32_t repeated = 1u << TASK_ENTRYPOINT | 1u << TASK_COMMAND | 1u << TASK_VARIABLE |
                              1u << TASK_PARENT | 1u << TASK_LABEL;
    struct gf_config_record record;
    struct lists lists = {0};
    enum gf_code rc = gf_record_scan(decoder, bytes, repeated, &record);
    if (rc == GF_OK) {
        rc = make_lists(decoder, &record, out, &lists);
    }
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        rc = read_task_field(decoder, &field, &lists, out);
    }
    return rc;
}

static enum gf_code make_config_lists(const struct gf_config_decoder *decoder,
                                      const struct gf_config_record *record,
                                      struct gf_config *config, struct lists *out) {
    enum gf_code rc = gf_record_array(decoder, record->counts[CONFIG_TASK], GF_CONFIG_TASKS_MAX,
                                      sizeof(*config->tasks), &config->tasks);
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[CONFIG_VARIABLE], GF_TASK_VARIABLES_MAX,
                             sizeof(*out->variables), &out->variables);
    }
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[CONFIG_LABEL], GF_LABELS_MAX,
                             sizeof(*out->labels), &out->labels);
    }
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record->counts[CONFIG_POOL], GF_TASK_POOLS_MAX,
                             sizeof(*out->pools), &out->pools);
    }
    if (rc == GF_OK) {
        config->variables = out->variables;
        config->labels = out->labels;
        config->pools = out->pools;
    }
    return rc;
}

static enum gf_code read_queue_policy(const struct gf_config_decoder *decoder,
                                      const struct gf_config_field *field,
                                      enum gf_queue_policy *out) {
    int64_t number = 0;
    enum gf_code rc = gf_record_number(decoder, field, &number);
    if (rc == GF_OK && !gf_queue_policy_valid(number)) {
        rc = gf_record_fail_at(decoder, field->payload.ptr, "an unknown queue policy");
    }
    *out = (enum gf_queue_policy)number;
    return rc;
}

static enum gf_code read_config_field(const struct gf_config_decoder *decoder,
                                      const struct gf_config_field *field, struct lists *lists,
                                      struct gf_config *out) {
    if (field->tag >= TAGS_END) {
        return GF_OK; /* of a later version */
    }
    switch ((enum config_tag)field->tag) {
    case CONFIG_NAME:
        return gf_record_text(decoder, field, &out->name);
    case CONFIG_DESCRIPTION:
        return gf_record_text(decoder, field, &out->description);
    case CONFIG_PARALLELISM:
        return gf_record_number(decoder, field, &out->parallelism);
    case CONFIG_TASK:
        return read_task(decoder, field->payload, &out->tasks[out->task_count++]);
    case CONFIG_VARIABLE:
        return gf_config_read_variable(decoder, field->payload,
                                       &lists->variables[out->variable_count++]);
    case CONFIG_LABEL:
        return gf_config_read_label(decoder, field->payload, &lists->labels[out->label_count++]);
    case CONFIG_QUEUE_POLICY:
        return read_queue_policy(decoder, field, &out->queue_policy);
    case CONFIG_QUEUE_LIMIT:
        return gf_record_number(decoder, field, &out->queue_limit);
    case CONFIG_PRIORITY:
        return gf_record_int32(decoder, field, &out->priority);
    case CONFIG_TIMEOUT_MS:
        return gf_record_number(decoder, field, &out->timeout_ms);
    case CONFIG_TASK_PARALLELISM:
        return gf_record_number(decoder, field, &out->task_parallelism);
    case CONFIG_POOL:
        return gf_config_read_pool(decoder, field->payload, &lists->pools[out->pool_count++]);
    case CONFIG_DISABLE_LOGS:
        return gf_record_flag(decoder, field, &out->disable_logs);
    }
    return GF_OK;
}

static enum gf_code read_config(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                struct gf_config *out) {
    const uint32_t repeated =
        1u << CONFIG_TASK | 1u << CONFIG_VARIABLE | 1u << CONFIG_LABEL | 1u << CONFIG_POOL;
    struct gf_config_record record;
    struct lists lists = {0};
    enum gf_code rc = gf_record_scan(decoder, bytes, repeated, &record);
    if (rc == GF_OK) {
        rc = make_config_lists(decoder, &record, out, &lists);
    }
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        rc = read_config_field(decoder, &field, &lists, out);
    }
    return rc;
}

static void take_content(const struct gf_config *content, struct gf_config *out) {
    out->name = content->name;
    out->description = content->description;
    out->parallelism = content->parallelism;
    out->queue_policy = content->queue_policy;
    out->queue_limit = content->queue_limit;
    out->priority = content->priority;
    out->timeout_ms = content->timeout_ms;
    out->task_parallelism = content->task_parallelism;
    out->disable_logs = content->disable_logs;
    out->pools = content->pools;
    out->pool_count = content->pool_count;
    out->variables = content->variables;
    out->variable_count = content->variable_count;
    out->labels = content->labels;
    out->label_count = content->label_count;
    out->tasks = content->tasks;
    out->task_count = content->task_count;
}

enum gf_code gf_config_decode(struct gf_str bytes, struct gf_arena *arena, struct gf_config *out,
                              struct gf_error *err) {
    if (bytes.len == 0 || bytes.len > GF_CONFIG_BYTES_MAX) {
        return gf_fail(err, GF_DATA_LOSS, "stored config has %zu bytes, expected 1 to %d",
                       bytes.len, GF_CONFIG_BYTES_MAX);
    }
    if (bytes.ptr[0] != CONFIG_FORMAT) {
        return gf_fail(err, GF_DATA_LOSS,
                       "stored config has the format %d, this version knows %d only",
                       (unsigned char)bytes.ptr[0], CONFIG_FORMAT);
    }
    char *copy = gf_arena_try_alloc(arena, bytes.len);
    if (copy == NULL) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "stored config does not fit into the memory set apart for it");
    }
    memcpy(copy, bytes.ptr, bytes.len);
    const struct gf_config_decoder decoder = {.base = copy, .arena = arena, .err = err};
    struct gf_config content = {0};
    enum gf_code rc = read_config(&decoder, (struct gf_str){copy + 1, bytes.len - 1}, &content);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_error why = {0};
    rc = gf_config_check_content(&content, arena, &why);
    if (rc != GF_OK) {
        return gf_fail(err, GF_DATA_LOSS, "stored config is damaged: %s: %s", why.field,
                       why.message);
    }
    take_content(&content, out);
    return GF_OK;
}
