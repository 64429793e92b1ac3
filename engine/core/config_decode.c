/*
 * Design: a record (the config, a task, a variable, a parent) is read in two passes. The first
 * walks over its fields, checks their framing and order, and counts each tag, so that limits hold
 * before anything is allocated and every list is one array. The second fills in. The bytes are
 * copied into the arena once, and all text points into that copy.
 */
#include "engine/core/config.h"
#include "engine/core/config_codec.h"
#include "engine/core/config_tags.h"

#include <stdint.h>

struct decoder {
    const char *base; /* of all bytes: messages count from here */
    struct gf_arena *arena;
    struct gf_error *err;
};

struct field {
    uint64_t tag;
    struct gf_str payload;
};

/* A record whose framing has been checked, and how often it has each known tag. */
struct record {
    struct gf_str bytes;
    size_t counts[TAGS_END];
};

static enum gf_code fail_at(const struct decoder *decoder, const char *at, const char *what) {
    return gf_fail(decoder->err, GF_DATA_LOSS, "stored config is damaged at byte %zu: %s",
                   (size_t)(at - decoder->base), what);
}

/* Takes a number off the front of *bytes. False when it is cut off or not in its shortest form. */
static bool take_varint(struct gf_str *bytes, uint64_t *out_value) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes->len && i < VARINT_BYTES_MAX; i++) {
        const uint64_t byte = (unsigned char)bytes->ptr[i];
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            const bool shortest = i == 0 || byte != 0;
            const bool fits = i < VARINT_BYTES_MAX - 1 || byte == 1;
            *bytes = (struct gf_str){bytes->ptr + i + 1, bytes->len - i - 1};
            *out_value = value;
            return shortest && fits;
        }
    }
    return false;
}

/* Takes a field off the front of *bytes, which is not empty. */
static bool take_field(struct gf_str *bytes, struct field *out) {
    uint64_t tag = 0;
    uint64_t size = 0;
    if (!take_varint(bytes, &tag) || !take_varint(bytes, &size) || size > bytes->len) {
        return false;
    }
    *out = (struct field){tag, {bytes->ptr, (size_t)size}};
    *bytes = (struct gf_str){bytes->ptr + size, bytes->len - (size_t)size};
    return true;
}

/* The first pass. Tags in `repeated` (a bit each) may stand more than once. */
static enum gf_code scan(const struct decoder *decoder, struct gf_str bytes, uint32_t repeated,
                         struct record *out) {
    struct record record = {.bytes = bytes};
    uint64_t last = 0;
    while (bytes.len > 0) {
        const char *at = bytes.ptr;
        struct field field;
        if (!take_field(&bytes, &field)) {
            return fail_at(decoder, at, "a field is cut off");
        }
        const bool many = field.tag < TAGS_END && (repeated >> field.tag & 1) != 0;
        if (field.tag == 0 || field.tag < last || (field.tag == last && !many)) {
            return fail_at(decoder, at, "a field is out of order");
        }
        last = field.tag;
        if (field.tag < TAGS_END) {
            record.counts[field.tag]++;
        }
    }
    *out = record;
    return GF_OK;
}

static enum gf_code read_text(const struct decoder *decoder, const struct field *field,
                              struct gf_str *out) {
    if (field->payload.len == 0) {
        return fail_at(decoder, field->payload.ptr, "an empty text stands where none should");
    }
    *out = field->payload;
    return GF_OK;
}

static enum gf_code read_number(const struct decoder *decoder, const struct field *field,
                                int64_t *out) {
    struct gf_str bytes = field->payload;
    uint64_t value = 0;
    if (!take_varint(&bytes, &value) || bytes.len != 0 || value == 0) {
        return fail_at(decoder, field->payload.ptr, "a number is malformed");
    }
    *out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    return GF_OK;
}

/* An array for a list; NULL with GF_OK where it has no items. */
static enum gf_code make_array(const struct decoder *decoder, size_t count, size_t count_max,
                               size_t item_size, void *out_pointer) {
    void *array = NULL;
    if (count > count_max) {
        return gf_fail(decoder->err, GF_DATA_LOSS,
                       "stored config is damaged: a list has %zu items, expected up to %zu", count,
                       count_max);
    }
    if (count > 0) {
        array = gf_arena_try_alloc(decoder->arena, count * item_size);
        if (array == NULL) {
            return gf_fail(decoder->err, GF_RESOURCE_EXHAUSTED,
                           "stored config does not fit into the memory set apart for it");
        }
    }
    memcpy(out_pointer, &array, sizeof(array));
    return GF_OK;
}

static enum gf_code read_variable(const struct decoder *decoder, struct gf_str bytes,
                                  struct gf_variable *out) {
    struct record record;
    enum gf_code rc = scan(decoder, bytes, 0, &record);
    out->source = GF_VARIABLE_SOURCE_PIPELINE_CONFIG;
    while (rc == GF_OK && record.bytes.len > 0) {
        struct field field;
        gf_assert(take_field(&record.bytes, &field));
        if (field.tag == VARIABLE_KEY) {
            rc = read_text(decoder, &field, &out->key);
        } else if (field.tag == VARIABLE_VALUE) {
            rc = read_text(decoder, &field, &out->value);
        }
    }
    return rc;
}

static enum gf_code read_label(const struct decoder *decoder, struct gf_str bytes,
                               struct gf_label *out) {
    struct gf_variable pair = {0};
    const enum gf_code rc = read_variable(decoder, bytes, &pair);
    *out = (struct gf_label){pair.key, pair.value};
    return rc;
}

static enum gf_code read_parent(const struct decoder *decoder, struct gf_str bytes,
                                struct gf_parent *out) {
    struct record record;
    int64_t rule = 0;
    enum gf_code rc = scan(decoder, bytes, 0, &record);
    while (rc == GF_OK && record.bytes.len > 0) {
        struct field field;
        gf_assert(take_field(&record.bytes, &field));
        if (field.tag == PARENT_TASK_ID) {
            rc = read_text(decoder, &field, &out->task_id);
        } else if (field.tag == PARENT_RULE) {
            rc = read_number(decoder, &field, &rule);
        }
    }
    if (rc == GF_OK && !gf_parent_rule_valid(rule)) {
        rc = fail_at(decoder, bytes.ptr, "a parent has no valid rule");
    }
    out->rule = (enum gf_parent_rule)rule;
    return rc;
}

/* The lists of a task while they are filled; the model has some of them as const. */
struct task_lists {
    struct gf_str *entrypoint;
    struct gf_str *command;
    struct gf_variable *variables;
    struct gf_label *labels;
};

static enum gf_code make_lists(const struct decoder *decoder, const struct record *record,
                               struct gf_task *task, struct task_lists *out) {
    enum gf_code rc = make_array(decoder, record->counts[TASK_ENTRYPOINT], GF_TASK_ARGUMENTS_MAX,
                                 sizeof(*out->entrypoint), &out->entrypoint);
    if (rc == GF_OK) {
        rc = make_array(decoder, record->counts[TASK_COMMAND], GF_TASK_ARGUMENTS_MAX,
                        sizeof(*out->command), &out->command);
    }
    if (rc == GF_OK) {
        rc = make_array(decoder, record->counts[TASK_VARIABLE], GF_TASK_VARIABLES_MAX,
                        sizeof(*out->variables), &out->variables);
    }
    if (rc == GF_OK) {
        rc = make_array(decoder, record->counts[TASK_PARENT], GF_TASK_PARENTS_MAX,
                        sizeof(*task->parents), &task->parents);
    }
    if (rc == GF_OK) {
        rc = make_array(decoder, record->counts[TASK_LABEL], GF_LABELS_MAX, sizeof(*out->labels),
                        &out->labels);
    }
    if (rc == GF_OK) {
        task->entrypoint = out->entrypoint;
        task->command = out->command;
        task->variables = out->variables;
        task->labels = out->labels;
    }
    return rc;
}

static enum gf_code read_task_number(const struct decoder *decoder, const struct field *field,
                                     struct gf_task *out) {
    int64_t number = 0;
    const enum gf_code rc = read_number(decoder, field, &number);
    if (rc != GF_OK) {
        return rc;
    }
    switch ((enum task_tag)field->tag) {
    case TASK_TIMEOUT_MS:
        out->timeout_ms = number;
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
            return fail_at(decoder, field->payload.ptr, "an unknown network mode");
        }
        out->network = (enum gf_network_mode)number;
        break;
    case TASK_PULL:
        if (number != GF_PULL_NEVER) {
            return fail_at(decoder, field->payload.ptr, "an unknown pull policy");
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
        gf_unreachable();
    }
    return GF_OK;
}

static enum gf_code read_task_field(const struct decoder *decoder, const struct field *field,
                                    struct task_lists *lists, struct gf_task *out) {
    if (field->tag >= TAGS_END) {
        return GF_OK; /* of a later version */
    }
    switch ((enum task_tag)field->tag) {
    case TASK_ID:
        return read_text(decoder, field, &out->task_id);
    case TASK_DESCRIPTION:
        return read_text(decoder, field, &out->description);
    case TASK_IMAGE:
        return read_text(decoder, field, &out->image);
    case TASK_ENTRYPOINT:
        lists->entrypoint[out->entrypoint_count++] = field->payload;
        return GF_OK;
    case TASK_COMMAND:
        lists->command[out->command_count++] = field->payload;
        return GF_OK;
    case TASK_VARIABLE:
        return read_variable(decoder, field->payload, &lists->variables[out->variable_count++]);
    case TASK_PARENT:
        return read_parent(decoder, field->payload, &out->parents[out->parent_count++]);
    case TASK_USER:
        return read_text(decoder, field, &out->user);
    case TASK_WORKING_DIRECTORY:
        return read_text(decoder, field, &out->working_directory);
    case TASK_TIMEOUT_MS:
    case TASK_CPU_MILLIS:
    case TASK_MEMORY_BYTES:
    case TASK_PIDS_COUNT:
    case TASK_DISK_BYTES:
    case TASK_NETWORK:
    case TASK_PULL:
        return read_task_number(decoder, field, out);
    case TASK_LABEL:
        return read_label(decoder, field->payload, &lists->labels[out->label_count++]);
    }
    return GF_OK;
}

static enum gf_code read_task(const struct decoder *decoder, struct gf_str bytes,
                              struct gf_task *out) {
    const uint32_t repeated = 1u << TASK_ENTRYPOINT | 1u << TASK_COMMAND | 1u << TASK_VARIABLE |
                              1u << TASK_PARENT | 1u << TASK_LABEL;
    struct record record;
    struct task_lists lists = {0};
    enum gf_code rc = scan(decoder, bytes, repeated, &record);
    if (rc == GF_OK) {
        rc = make_lists(decoder, &record, out, &lists);
    }
    while (rc == GF_OK && record.bytes.len > 0) {
        struct field field;
        gf_assert(take_field(&record.bytes, &field));
        rc = read_task_field(decoder, &field, &lists, out);
    }
    return rc;
}

static enum gf_code make_config_lists(const struct decoder *decoder, const struct record *record,
                                      struct gf_config *config, struct task_lists *out) {
    enum gf_code rc = make_array(decoder, record->counts[CONFIG_TASK], GF_CONFIG_TASKS_MAX,
                                 sizeof(*config->tasks), &config->tasks);
    if (rc == GF_OK) {
        rc = make_array(decoder, record->counts[CONFIG_VARIABLE], GF_TASK_VARIABLES_MAX,
                        sizeof(*out->variables), &out->variables);
    }
    if (rc == GF_OK) {
        rc = make_array(decoder, record->counts[CONFIG_LABEL], GF_LABELS_MAX, sizeof(*out->labels),
                        &out->labels);
    }
    if (rc == GF_OK) {
        config->variables = out->variables;
        config->labels = out->labels;
    }
    return rc;
}

static enum gf_code read_config(const struct decoder *decoder, struct gf_str bytes,
                                struct gf_config *out) {
    const uint32_t repeated = 1u << CONFIG_TASK | 1u << CONFIG_VARIABLE | 1u << CONFIG_LABEL;
    struct record record;
    struct task_lists lists = {0};
    enum gf_code rc = scan(decoder, bytes, repeated, &record);
    if (rc == GF_OK) {
        rc = make_config_lists(decoder, &record, out, &lists);
    }
    while (rc == GF_OK && record.bytes.len > 0) {
        struct field field;
        gf_assert(take_field(&record.bytes, &field));
        if (field.tag == CONFIG_NAME) {
            rc = read_text(decoder, &field, &out->name);
        } else if (field.tag == CONFIG_DESCRIPTION) {
            rc = read_text(decoder, &field, &out->description);
        } else if (field.tag == CONFIG_PARALLELISM) {
            rc = read_number(decoder, &field, &out->parallelism);
        } else if (field.tag == CONFIG_TASK) {
            rc = read_task(decoder, field.payload, &out->tasks[out->task_count++]);
        } else if (field.tag == CONFIG_VARIABLE) {
            rc = read_variable(decoder, field.payload, &lists.variables[out->variable_count++]);
        } else if (field.tag == CONFIG_LABEL) {
            rc = read_label(decoder, field.payload, &lists.labels[out->label_count++]);
        }
    }
    return rc;
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
    const struct decoder decoder = {.base = copy, .arena = arena, .err = err};
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
    out->name = content.name;
    out->description = content.description;
    out->parallelism = content.parallelism;
    out->tasks = content.tasks;
    out->task_count = content.task_count;
    out->variables = content.variables;
    out->variable_count = content.variable_count;
    out->labels = content.labels;
    out->label_count = content.label_count;
    return GF_OK;
}
