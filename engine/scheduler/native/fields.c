#include "engine/scheduler/native/fields.h"

#include "base/alloc.h"
#include "base/crc32c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct gf_str CRC_KEY = {"crc", 3};

/* ---- encoding ---- */

static void put(struct gf_strbuf *out, const char *key, const char *value) {
    gf_strbuf_append_cstr(out, key);
    gf_strbuf_append_char(out, '=');
    gf_strbuf_append_cstr(out, value);
    gf_strbuf_append_char(out, '\0');
}

static void put_number(struct gf_strbuf *out, const char *key, int64_t number) {
    gf_strbuf_printf(out, "%s=%" PRId64, key, number);
    gf_strbuf_append_char(out, '\0');
}

static enum gf_code check_bounds(const struct gf_field_def *field, int64_t value, const char *unit,
                                 struct gf_error *err) {
    if (value < field->min || value > field->max) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "field '%s' has %" PRId64 "%s, expected %" PRId64 " to %" PRId64, field->key,
                       value, unit, field->min, field->max);
    }
    return GF_OK;
}

static enum gf_code encode_list(const struct gf_field_def *field, const struct gf_field_list *list,
                                struct gf_strbuf *out, struct gf_error *err) {
    enum gf_code rc = check_bounds(field, (int64_t)list->count, " items", err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < list->count; i++) {
        put(out, field->key, list->items[i]);
    }
    return GF_OK;
}

static enum gf_code encode_field(const struct gf_field_def *field, const char *member,
                                 struct gf_strbuf *out, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    switch (field->type) {
    case GF_FIELD_TEXT: {
        const char *text = *(const char *const *)member;
        if (text == NULL) {
            text = "";
        }
        rc = check_bounds(field, (int64_t)strlen(text), " bytes", err);
        if (rc == GF_OK && text[0] != '\0') {
            put(out, field->key, text);
        }
        break;
    }
    case GF_FIELD_NUMBER: {
        const int64_t number = *(const int64_t *)member;
        rc = check_bounds(field, number, "", err);
        if (rc == GF_OK && number != 0) {
            put_number(out, field->key, number);
        }
        break;
    }
    case GF_FIELD_FLAG:
        if (*(const bool *)member) {
            put_number(out, field->key, 1);
        }
        break;
    case GF_FIELD_LIST:
        rc = encode_list(field, (const struct gf_field_list *)member, out, err);
        break;
    }
    return rc;
}

enum gf_code gf_record_encode(const struct gf_record_def *def, const void *object,
                              struct gf_strbuf *out, struct gf_error *err) {
    const size_t start = out->len;

    put_number(out, def->kind, def->version);
    for (size_t i = 0; i < def->field_count; i++) {
        const struct gf_field_def *field = &def->fields[i];
        enum gf_code rc = encode_field(field, (const char *)object + field->offset, out, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "%s record", def->kind);
        }
    }
    if (def->sealed && !out->overflowed) {
        const uint32_t crc = gf_crc32c(0, out->ptr + start, out->len - start);
        gf_strbuf_printf(out, "crc=%08" PRIx32, crc);
        gf_strbuf_append_char(out, '\0');
    }
    if (out->overflowed) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "%s record is larger than %zu bytes", def->kind,
                       out->limit);
    }
    return GF_OK;
}

/* ---- decoding ---- */

/* One field of an encoded record; the value is followed by a NUL. */
struct field {
    struct gf_str key;
    struct gf_str value;
};

static bool key_valid(struct gf_str key) {
    if (key.len == 0 || key.len > GF_FIELD_KEY_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        const char c = key.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

/* Takes the first field off *rest; false when what stands there is no field. */
static bool next_field(struct gf_str *rest, struct field *out) {
    struct gf_str line;
    struct gf_str behind;
    struct field field;
    if (!gf_str_cut(*rest, '\0', &line, &behind) ||
        !gf_str_cut(line, '=', &field.key, &field.value) || !key_valid(field.key)) {
        return false;
    }
    *rest = behind;
    *out = field;
    return true;
}

struct gf_str gf_record_kind(struct gf_str bytes) {
    struct field first;
    return next_field(&bytes, &first) ? first.key : (struct gf_str){NULL, 0};
}

static bool parse_hex32(struct gf_str text, uint32_t *out) {
    uint32_t value = 0;
    if (text.len != 8) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value << 4 | (uint32_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = value;
    return true;
}

static enum gf_code decode_list_item(const struct gf_field_def *field, struct gf_field_list *list,
                                     const char *item, struct gf_error *err) {
    if ((int64_t)list->count >= field->max) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "more than %" PRId64 " fields '%s'", field->max,
                       field->key);
    }
    /* Grows at powers of two; one more than the items, for the NULL at the end. */
    const size_t used = list->count + 1;
    if (list->items == NULL || (used & (used - 1)) == 0) {
        list->items = gf_realloc_array(list->items, used * 2, sizeof(*list->items));
    }
    list->items[list->count++] = item;
    list->items[list->count] = NULL;
    return GF_OK;
}

static enum gf_code decode_field(const struct gf_field_def *field, struct gf_str value,
                                 char *member, struct gf_error *err) {
    int64_t number = 0;
    enum gf_code rc = GF_OK;
    switch (field->type) {
    case GF_FIELD_TEXT:
        rc = check_bounds(field, (int64_t)value.len, " bytes", err);
        if (rc == GF_OK) {
            *(const char **)member = value.ptr;
        }
        return rc;
    case GF_FIELD_NUMBER:
        if (!gf_parse_i64(value, &number)) {
            break;
        }
        rc = check_bounds(field, number, "", err);
        if (rc == GF_OK) {
            *(int64_t *)member = number;
        }
        return rc;
    case GF_FIELD_FLAG:
        if (!gf_parse_i64(value, &number) || number < 0 || number > 1) {
            break;
        }
        *(bool *)member = number == 1;
        return GF_OK;
    case GF_FIELD_LIST:
        return decode_list_item(field, (struct gf_field_list *)member, value.ptr, err);
    }
    return gf_fail(err, GF_INVALID_ARGUMENT, "field '%s' is not a number in its range", field->key);
}

/* Every text and list is there after decoding, so that nobody has to check for NULL. */
static void fill_absent(const struct gf_record_def *def, char *object) {
    for (size_t i = 0; i < def->field_count; i++) {
        char *member = object + def->fields[i].offset;
        if (def->fields[i].type == GF_FIELD_TEXT && *(const char **)member == NULL) {
            *(const char **)member = "";
        } else if (def->fields[i].type == GF_FIELD_LIST) {
            struct gf_field_list *list = (struct gf_field_list *)member;
            if (list->items == NULL) {
                list->items = gf_calloc(1, sizeof(*list->items));
            }
        }
    }
}

/* Bounds that a missing field may break: what must not be empty or 0. */
static enum gf_code check_present(const struct gf_record_def *def, const char *object,
                                  struct gf_error *err) {
    for (size_t i = 0; i < def->field_count; i++) {
        const struct gf_field_def *field = &def->fields[i];
        const char *member = object + field->offset;
        enum gf_code rc = GF_OK;
        if (field->type == GF_FIELD_TEXT) {
            rc = check_bounds(field, (int64_t)strlen(*(const char *const *)member), " bytes", err);
        } else if (field->type == GF_FIELD_NUMBER) {
            rc = check_bounds(field, *(const int64_t *)member, "", err);
        } else if (field->type == GF_FIELD_LIST) {
            const struct gf_field_list *list = (const struct gf_field_list *)member;
            rc = check_bounds(field, (int64_t)list->count, " items", err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* Checks and takes off the last field of a sealed record. */
static enum gf_code unseal(struct gf_str *bytes, struct gf_error *err) {
    /* "crc=" + 8 digits + NUL */
    const size_t seal_len = CRC_KEY.len + 1 + 8 + 1;
    if (bytes->len >= seal_len) {
        struct gf_str body = {bytes->ptr, bytes->len - seal_len};
        struct gf_str rest = {bytes->ptr + body.len, seal_len};
        struct field seal;
        uint32_t crc = 0;
        if (next_field(&rest, &seal) && gf_str_eq(seal.key, CRC_KEY) &&
            parse_hex32(seal.value, &crc) && crc == gf_crc32c(0, body.ptr, body.len)) {
            *bytes = body;
            return GF_OK;
        }
    }
    return gf_fail(err, GF_INVALID_ARGUMENT, "the checksum does not match: the record is damaged");
}

static const struct gf_field_def *find_field(const struct gf_record_def *def, struct gf_str key) {
    for (size_t i = 0; i < def->field_count; i++) {
        if (gf_str_eq(gf_str_from(def->fields[i].key), key)) {
            return &def->fields[i];
        }
    }
    return NULL;
}

static enum gf_code decode_fields(const struct gf_record_def *def, struct gf_str rest, char *object,
                                  struct gf_error *err) {
    uint64_t seen = 0;
    while (rest.len > 0) {
        struct field found;
        if (!next_field(&rest, &found)) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "malformed field");
        }
        const struct gf_field_def *field = find_field(def, found.key);
        if (field == NULL) {
            if (def->strict) {
                return gf_fail(err, GF_INVALID_ARGUMENT, "unknown field '%" GF_STR_FMT "'",
                               GF_STR_ARG(found.key));
            }
            continue;
        }
        const uint64_t bit = UINT64_C(1) << (field - def->fields);
        if (field->type != GF_FIELD_LIST && (seen & bit) != 0) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "field '%s' is there twice", field->key);
        }
        seen |= bit;
        enum gf_code rc = decode_field(field, found.value, object + field->offset, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    fill_absent(def, object);
    return check_present(def, object, err);
}

enum gf_code gf_record_decode(const struct gf_record_def *def, struct gf_str bytes, void *object,
                              struct gf_error *err) {
    gf_assert(def->field_count <= 64);
    struct field first;
    int64_t version = 0;
    enum gf_code rc = def->sealed ? unseal(&bytes, err) : GF_OK;
    if (rc == GF_OK &&
        (!next_field(&bytes, &first) || !gf_str_eq(first.key, gf_str_from(def->kind)) ||
         !gf_parse_i64(first.value, &version) || version != def->version)) {
        rc = gf_fail(err, GF_INVALID_ARGUMENT, "expected '%s=%" PRId64 "' at the start", def->kind,
                     def->version);
    }
    if (rc == GF_OK) {
        rc = decode_fields(def, bytes, object, err);
        if (rc != GF_OK) {
            gf_record_release(def, object);
        }
    }
    return rc == GF_OK ? GF_OK : gf_wrap(err, "%s record", def->kind);
}

void gf_record_release(const struct gf_record_def *def, void *object) {
    for (size_t i = 0; i < def->field_count; i++) {
        if (def->fields[i].type == GF_FIELD_LIST) {
            struct gf_field_list *list =
                (struct gf_field_list *)((char *)object + def->fields[i].offset);
            free(list->items);
            *list = (struct gf_field_list){0};
        }
    }
}

void gf_field_list_wipe(const struct gf_field_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        explicit_bzero((char *)(uintptr_t)list->items[i], strlen(list->items[i]));
    }
}
