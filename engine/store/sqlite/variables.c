#include "engine/store/sqlite/variables.h"

#include "engine/core/limits.h"

#include <string.h>

enum {
    FORMAT = 1,
    VARIABLE_BYTES_MIN = 3, /* a source and two lengths of 0 */
};

static void append_length(struct gf_strbuf *out, size_t length) {
    while (length >= 0x80) {
        gf_strbuf_append_char(out, (char)(0x80 | (length & 0x7f)));
        length >>= 7;
    }
    gf_strbuf_append_char(out, (char)length);
}

void gf_sqlite__variables_encode(const struct gf_variable *variables, size_t count,
                                 struct gf_strbuf *out) {
    if (count == 0) {
        return;
    }
    gf_strbuf_append_char(out, FORMAT);
    append_length(out, count);
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_append_char(out, (char)variables[i].source);
        append_length(out, variables[i].key.len);
        gf_strbuf_append(out, variables[i].key);
        append_length(out, variables[i].value.len);
        gf_strbuf_append(out, variables[i].value);
    }
}

/* What is left to read. */
struct cursor {
    const unsigned char *next;
    const unsigned char *end;
};

static size_t left(const struct cursor *cursor) {
    return (size_t)(cursor->end - cursor->next);
}

/* At most 28 bits, far more than any length here may have. */
static bool read_length(struct cursor *cursor, size_t *out_length) {
    size_t length = 0;
    for (unsigned shift = 0; shift < 28 && left(cursor) > 0; shift += 7) {
        const unsigned char byte = *cursor->next++;
        length |= (size_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            if (byte == 0 && shift > 0) {
                return false;
            }
            *out_length = length;
            return true;
        }
    }
    return false;
}

static bool read_text(struct cursor *cursor, struct gf_str *out_text) {
    size_t length = 0;
    if (!read_length(cursor, &length) || length > left(cursor)) {
        return false;
    }
    const struct gf_str text = {(const char *)cursor->next, length};
    cursor->next += length;
    *out_text = text;
    return (length == 0 || memchr(text.ptr, '\0', length) == NULL) && gf_utf8_valid(text);
}

static bool read_variable(struct cursor *cursor, struct gf_variable *out) {
    if (left(cursor) == 0) {
        return false;
    }
    const unsigned char source = *cursor->next++;
    out->source = (enum gf_variable_source)source;
    return gf_variable_source_valid(source) && read_text(cursor, &out->key) && out->key.len > 0 &&
           read_text(cursor, &out->value);
}

static bool read_variables(struct cursor *cursor, struct gf_variable *variables, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!read_variable(cursor, &variables[i])) {
            return false;
        }
        if (i > 0 && gf_str_cmp(variables[i - 1].key, variables[i].key) >= 0) {
            return false;
        }
    }
    return left(cursor) == 0;
}

enum gf_code gf_sqlite__variables_decode(struct gf_str bytes, struct gf_arena *arena,
                                         const struct gf_variable **out_variables,
                                         size_t *out_count, struct gf_error *err) {
    if (bytes.len == 0) {
        *out_variables = NULL;
        *out_count = 0;
        return GF_OK;
    }
    struct cursor cursor = {.next = (const unsigned char *)bytes.ptr,
                            .end = (const unsigned char *)bytes.ptr + bytes.len};
    const unsigned char format = *cursor.next++;
    size_t count = 0;
    if (format != FORMAT || !read_length(&cursor, &count) || count == 0 ||
        count > GF_RUN_VARIABLES_MAX || count > left(&cursor) / VARIABLE_BYTES_MIN) {
        return gf_fail(err, GF_DATA_LOSS, "the stored variables are damaged");
    }
    /* One copy of all bytes holds the text of all variables. */
    struct gf_variable *variables = gf_arena_try_alloc(arena, count * sizeof(*variables));
    unsigned char *copy = gf_arena_try_alloc(arena, left(&cursor));
    if (variables == NULL || copy == NULL) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the variables do not fit into the memory of one answer");
    }
    memcpy(copy, cursor.next, left(&cursor));
    cursor = (struct cursor){.next = copy, .end = copy + left(&cursor)};
    if (!read_variables(&cursor, variables, count)) {
        return gf_fail(err, GF_DATA_LOSS, "the stored variables are damaged");
    }
    *out_variables = variables;
    *out_count = count;
    return GF_OK;
}
