#include "engine/store/sqlite/packed_fields.h"

#include <string.h>

enum {
    FORMAT = 1,
    TEXT_BYTES_MIN = 1,  /* a length of 0 */
    LABEL_BYTES_MIN = 3, /* two lengths and a key of one byte */
};

/* ---- Writing ---- */

void gf_sqlite__put_field(struct gf_strbuf *out, size_t start, unsigned char field) {
    if (out->len == start) {
        gf_strbuf_append_char(out, FORMAT);
    }
    gf_strbuf_append_char(out, (char)field);
}

void gf_sqlite__put_texts(struct gf_strbuf *out, const struct gf_str *texts, size_t count) {
    gf_sqlite__put_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        gf_sqlite__put_text(out, texts[i]);
    }
}

void gf_sqlite__put_labels(struct gf_strbuf *out, const struct gf_label *labels, size_t count) {
    gf_sqlite__put_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        /* Others could never be read again. */
        gf_assert(i == 0 || gf_str_cmp(labels[i - 1].key, labels[i].key) < 0);
        gf_sqlite__put_text(out, labels[i].key);
        gf_sqlite__put_text(out, labels[i].value);
    }
}

/* ---- Reading ---- */

static bool take_all(struct gf_sqlite_fields *fields, gf_sqlite_take_field *take, void *item) {
    unsigned char format = 0;
    unsigned char last = 0;
    if (!gf_sqlite__take_byte(&fields->cursor, &format) || format != FORMAT ||
        gf_sqlite__cursor_left(&fields->cursor) == 0) {
        return false;
    }
    while (gf_sqlite__cursor_left(&fields->cursor) > 0) {
        unsigned char field = 0;
        if (!gf_sqlite__take_byte(&fields->cursor, &field) || field <= last ||
            !take(fields, field, item)) {
            return false;
        }
        last = field;
    }
    return true;
}

enum gf_code gf_sqlite__fields_decode(struct gf_str bytes, const char *what, struct gf_arena *arena,
                                      gf_sqlite_take_field *take, void *item,
                                      struct gf_error *err) {
    if (bytes.len == 0) {
        return GF_OK;
    }
    struct gf_sqlite_fields fields = {.arena = arena};
    char *copy = gf_sqlite__fields_alloc(&fields, bytes.len, 1);
    if (copy != NULL) {
        memcpy(copy, bytes.ptr, bytes.len);
        fields.cursor = gf_sqlite__cursor((struct gf_str){copy, bytes.len});
        if (take_all(&fields, take, item)) {
            return GF_OK;
        }
    }
    return fields.exhausted ? gf_fail(err, GF_RESOURCE_EXHAUSTED,
                                      "%s do not fit into the memory of one answer", what)
                            : gf_fail(err, GF_DATA_LOSS, "%s are damaged", what);
}

void *gf_sqlite__fields_alloc(struct gf_sqlite_fields *fields, size_t count, size_t size) {
    void *memory = gf_arena_try_alloc(fields->arena, count * size);
    fields->exhausted = fields->exhausted || memory == NULL;
    return memory;
}

bool gf_sqlite__take_count(struct gf_sqlite_fields *fields, size_t bytes_min, size_t max,
                           size_t *out_count) {
    int64_t count = 0;
    if (!gf_sqlite__take_number(&fields->cursor, &count) || (uint64_t)count > max ||
        (uint64_t)count > gf_sqlite__cursor_left(&fields->cursor) / bytes_min) {
        return false;
    }
    *out_count = (size_t)count;
    return true;
}

bool gf_sqlite__take_texts(struct gf_sqlite_fields *fields, size_t max,
                           const struct gf_str **out_texts, size_t *out_count) {
    size_t count = 0;
    if (!gf_sqlite__take_count(fields, TEXT_BYTES_MIN, max, &count)) {
        return false;
    }
    struct gf_str *texts = NULL;
    if (count > 0) {
        texts = gf_sqlite__fields_alloc(fields, count, sizeof(*texts));
        if (texts == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!gf_sqlite__take_text(&fields->cursor, &texts[i])) {
            return false;
        }
    }
    *out_texts = texts;
    *out_count = count;
    return true;
}

bool gf_sqlite__take_labels(struct gf_sqlite_fields *fields, const struct gf_label **out_labels,
                            size_t *out_count) {
    size_t count = 0;
    if (!gf_sqlite__take_count(fields, LABEL_BYTES_MIN, SIZE_MAX, &count) || count == 0) {
        return false;
    }
    struct gf_label *labels = gf_sqlite__fields_alloc(fields, count, sizeof(*labels));
    if (labels == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!gf_sqlite__take_text(&fields->cursor, &labels[i].key) || labels[i].key.len == 0 ||
            !gf_sqlite__take_text(&fields->cursor, &labels[i].value) ||
            (i > 0 && gf_str_cmp(labels[i - 1].key, labels[i].key) >= 0)) {
            return false;
        }
    }
    *out_labels = labels;
    *out_count = count;
    return true;
}
