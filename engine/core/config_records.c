#include "engine/core/config_records.h"

#include "engine/core/config.h"

enum gf_code gf_record_fail_at(const struct gf_config_decoder *decoder, const char *at,
                               const char *what) {
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

bool gf_record_take_field(struct gf_str *bytes, struct gf_config_field *out) {
    uint64_t tag = 0;
    uint64_t size = 0;
    if (!take_varint(bytes, &tag) || !take_varint(bytes, &size) || size > bytes->len) {
        return false;
    }
    *out = (struct gf_config_field){tag, {bytes->ptr, (size_t)size}};
    *bytes = (struct gf_str){bytes->ptr + size, bytes->len - (size_t)size};
    return true;
}

enum gf_code gf_record_scan(const struct gf_config_decoder *decoder, struct gf_str bytes,
                            uint32_t repeated, struct gf_config_record *out) {
    struct gf_config_record record = {.bytes = bytes};
    uint64_t last = 0;
    while (bytes.len > 0) {
        const char *at = bytes.ptr;
        struct gf_config_field field;
        if (!gf_record_take_field(&bytes, &field)) {
            return gf_record_fail_at(decoder, at, "a field is cut off");
        }
        const bool many = field.tag < TAGS_END && (repeated >> field.tag & 1) != 0;
        if (field.tag == 0 || field.tag < last || (field.tag == last && !many)) {
            return gf_record_fail_at(decoder, at, "a field is out of order");
        }
        last = field.tag;
        if (field.tag < TAGS_END) {
            record.counts[field.tag]++;
        }
    }
    *out = record;
    return GF_OK;
}

enum gf_code gf_record_text(const struct gf_config_decoder *decoder,
                            const struct gf_config_field *field, struct gf_str *out) {
    if (field->payload.len == 0) {
        return gf_record_fail_at(decoder, field->payload.ptr,
                                 "an empty text stands where none should");
    }
    *out = field->payload;
    return GF_OK;
}

enum gf_code gf_record_number(const struct gf_config_decoder *decoder,
                              const struct gf_config_field *field, int64_t *out) {
    struct gf_str bytes = field->payload;
    uint64_t value = 0;
    if (!take_varint(&bytes, &value) || bytes.len != 0 || value == 0) {
        return gf_record_fail_at(decoder, field->payload.ptr, "a number is malformed");
    }
    *out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    return GF_OK;
}

enum gf_code gf_record_int32(const struct gf_config_decoder *decoder,
                             const struct gf_config_field *field, int32_t *out) {
    int64_t number = 0;
    enum gf_code rc = gf_record_number(decoder, field, &number);
    if (rc == GF_OK && (number < INT32_MIN || number > INT32_MAX)) {
        rc = gf_record_fail_at(decoder, field->payload.ptr, "a number is out of its range");
    }
    if (rc == GF_OK) {
        *out = (int32_t)number;
    }
    return rc;
}

enum gf_code gf_record_flag(const struct gf_config_decoder *decoder,
                            const struct gf_config_field *field, bool *out) {
    int64_t number = 0;
    enum gf_code rc = gf_record_number(decoder, field, &number);
    if (rc == GF_OK && number != 1) {
        rc = gf_record_fail_at(decoder, field->payload.ptr, "a flag is neither set nor left out");
    }
    *out = rc == GF_OK;
    return rc;
}

enum gf_code gf_record_array(const struct gf_config_decoder *decoder, size_t count,
                             size_t count_max, size_t item_size, void *out_pointer) {
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

enum gf_code gf_config_read_variable(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                     struct gf_variable *out) {
    struct gf_config_record record;
    enum gf_code rc = gf_record_scan(decoder, bytes, 0, &record);
    out->source = GF_VARIABLE_SOURCE_PIPELINE_CONFIG;
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        if (field.tag == VARIABLE_KEY) {
            rc = gf_record_text(decoder, &field, &out->key);
        } else if (field.tag == VARIABLE_VALUE) {
            rc = gf_record_text(decoder, &field, &out->value);
        }
    }
    return rc;
}

enum gf_code gf_config_read_label(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                  struct gf_label *out) {
    struct gf_variable pair = {0};
    const enum gf_code rc = gf_config_read_variable(decoder, bytes, &pair);
    *out = (struct gf_label){pair.key, pair.value};
    return rc;
}

enum gf_code gf_config_read_parent(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                   struct gf_parent *out) {
    struct gf_config_record record;
    int64_t rule = 0;
    enum gf_code rc = gf_record_scan(decoder, bytes, 0, &record);
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        if (field.tag == PARENT_TASK_ID) {
            rc = gf_record_text(decoder, &field, &out->task_id);
        } else if (field.tag == PARENT_RULE) {
            rc = gf_record_number(decoder, &field, &rule);
        }
    }
    if (rc == GF_OK && !gf_parent_rule_valid(rule)) {
        rc = gf_record_fail_at(decoder, bytes.ptr, "a parent has no valid rule");
    }
    out->rule = (enum gf_parent_rule)rule;
    return rc;
}

enum gf_code gf_config_read_pool(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                 struct gf_task_pool *out) {
    struct gf_config_record record;
    enum gf_code rc = gf_record_scan(decoder, bytes, 0, &record);
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        if (field.tag == POOL_ID) {
            rc = gf_record_text(decoder, &field, &out->pool_id);
        } else if (field.tag == POOL_PARALLELISM) {
            rc = gf_record_number(decoder, &field, &out->parallelism);
        }
    }
    return rc;
}

static enum gf_code read_multiplier(const struct gf_config_decoder *decoder,
                                    const struct gf_config_field *field, double *out) {
    int64_t bits = 0;
    const enum gf_code rc = gf_record_number(decoder, field, &bits);
    memcpy(out, &bits, sizeof(bits));
    return rc;
}

static enum gf_code read_retry_field(const struct gf_config_decoder *decoder,
                                     const struct gf_config_field *field, int32_t *exit_codes,
                                     struct gf_retry_policy *out) {
    if (field->tag >= TAGS_END) {
        return GF_OK; /* of a later version */
    }
    switch ((enum retry_tag)field->tag) {
    case RETRY_MAX_ATTEMPTS:
        return gf_record_int32(decoder, field, &out->max_attempts);
    case RETRY_INITIAL_BACKOFF_MS:
        return gf_record_number(decoder, field, &out->initial_backoff_ms);
    case RETRY_MAX_BACKOFF_MS:
        return gf_record_number(decoder, field, &out->max_backoff_ms);
    case RETRY_BACKOFF_MULTIPLIER:
        return read_multiplier(decoder, field, &out->backoff_multiplier);
    case RETRY_JITTER_PERCENT:
        return gf_record_int32(decoder, field, &out->jitter_percent);
    case RETRY_EXIT_CODE:
        return gf_record_int32(decoder, field, &exit_codes[out->exit_code_count++]);
    case RETRY_ORPHANED:
        return gf_record_flag(decoder, field, &out->retry_orphaned);
    case RETRY_TIMED_OUT:
        return gf_record_flag(decoder, field, &out->retry_timed_out);
    }
    return GF_OK;
}

enum gf_code gf_config_read_retry(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                  struct gf_retry_policy *out) {
    struct gf_config_record record;
    int32_t *exit_codes = NULL;
    enum gf_code rc = gf_record_scan(decoder, bytes, 1u << RETRY_EXIT_CODE, &record);
    if (rc == GF_OK) {
        rc = gf_record_array(decoder, record.counts[RETRY_EXIT_CODE], GF_RETRY_EXIT_CODES_MAX,
                             sizeof(*exit_codes), &exit_codes);
    }
    out->exit_codes = exit_codes;
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        rc = read_retry_field(decoder, &field, exit_codes, out);
    }
    return rc;
}

static enum gf_code read_registry_auth_field(const struct gf_config_decoder *decoder,
                                             const struct gf_config_field *field,
                                             struct gf_registry_auth *out) {
    if (field->tag >= TAGS_END) {
        return GF_OK; /* of a later version */
    }
    switch ((enum registry_auth_tag)field->tag) {
    case REGISTRY_AUTH_SECRET_KEY:
        return gf_record_text(decoder, field, &out->secret_key);
    case REGISTRY_AUTH_USER:
        return gf_record_text(decoder, field, &out->user);
    case REGISTRY_AUTH_PASSWORD:
        return gf_record_text(decoder, field, &out->password);
    }
    return GF_OK;
}

enum gf_code gf_config_read_registry_auth(const struct gf_config_decoder *decoder,
                                          struct gf_str bytes, struct gf_registry_auth *out) {
    struct gf_config_record record;
    enum gf_code rc = gf_record_scan(decoder, bytes, 0, &record);
    while (rc == GF_OK && record.bytes.len > 0) {
        struct gf_config_field field;
        gf_assert(gf_record_take_field(&record.bytes, &field));
        rc = read_registry_auth_field(decoder, &field, out);
    }
    return rc;
}
