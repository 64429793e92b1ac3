#include "engine/store/sqlite/variables.h"

#include "engine/core/limits.h"
#include "engine/store/sqlite/packed.h"

#include <string.h>

enum {
    FORMAT = 1,
    VARIABLE_BYTES_MIN = 3, /* a source and two lengths of 0 */
};

void gf_sqlite__variables_encode(const struct gf_variable *variables, size_t count,
                                 struct gf_strbuf *out) {
    if (count == 0) {
        return;
    }
    gf_strbuf_append_char(out, FORMAT);
    gf_sqlite__put_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_append_char(out, (char)variables[i].source);
        gf_sqlite__put_text(out, variables[i].key);
        gf_sqlite__put_text(out, variables[i].value);
    }
}

static bool read_variable(struct gf_sqlite_cursor *cursor, struct gf_variable *out) {
    unsigned char source = 0;
    if (!gf_sqlite__take_byte(cursor, &source)) {
        return false;
    }
    out->source = (enum gf_variable_source)source;
    return gf_variable_source_valid(source) && gf_sqlite__take_text(cursor, &out->key) &&
           out->key.len > 0 && gf_sqlite__take_text(cursor, &out->value);
}

static bool read_variables(struct gf_sqlite_cursor *cursor, struct gf_variable *variables,
                           size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!read_variable(cursor, &variables[i])) {
            return false;
        }
        if (i > 0 && gf_str_cmp(variables[i - 1].key, variables[i].key) >= 0) {
            return false;
        }
    }
    return gf_sqlite__cursor_left(cursor) == 0;
}

enum gf_code gf_sqlite__variables_decode(struct gf_str bytes, struct gf_arena *arena,
                                         const struct gf_variable **out_variables,
                                         size_t *out_count, struct gf_error *err) {
    if (bytes.len == 0) {
        *out_variables = NULL;
        *out_count = 0;
        return GF_OK;
    }
    struct gf_sqlite_cursor cursor = gf_sqlite__cursor(bytes);
    unsigned char format = 0;
    int64_t stored = 0;
    if (!gf_sqlite__take_byte(&cursor, &format) || format != FORMAT ||
        !gf_sqlite__take_number(&cursor, &stored) || stored == 0 || stored > GF_RUN_VARIABLES_MAX ||
        (size_t)stored > gf_sqlite__cursor_left(&cursor) / VARIABLE_BYTES_MIN) {
        return gf_fail(err, GF_DATA_LOSS, "the stored variables are damaged");
    }
    /* One copy of all bytes holds the text of all variables. */
    const size_t count = (size_t)stored;
    const size_t left = gf_sqlite__cursor_left(&cursor);
    struct gf_variable *variables = gf_arena_try_alloc(arena, count * sizeof(*variables));
    char *copy = gf_arena_try_alloc(arena, left);
    if (variables == NULL || copy == NULL) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the variables do not fit into the memory of one answer");
    }
    memcpy(copy, cursor.next, left);
    cursor = gf_sqlite__cursor((struct gf_str){copy, left});
    if (!read_variables(&cursor, variables, count)) {
        return gf_fail(err, GF_DATA_LOSS, "the stored variables are damaged");
    }
    *out_variables = variables;
    *out_count = count;
    return GF_OK;
}
