/* Where things stand in JSON text, and the paths that lead to them. */
#include "api/codec/json/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct gf_json_place gf_json_place_of(struct gf_str text, size_t offset) {
    struct gf_json_place place = {1, 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

enum gf_code gf_json_fail(struct gf_error *err, struct gf_str text, size_t offset,
                          const char *field, const char *fmt, ...) {
    struct gf_json_place place = gf_json_place_of(text, offset);
    char message[GF_ERROR_MESSAGE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    return gf_fail_field(err, field, "line %zu, column %zu: %s", place.line, place.column, message);
}

static bool is_plain_name(struct gf_str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0;
}

void gf_json_path_key(struct gf_strbuf *path, struct gf_str key, bool quoted) {
    if (quoted || !is_plain_name(key)) {
        gf_strbuf_append_cstr(path, "[\"");
        for (size_t i = 0; i < key.len; i++) {
            gf_strbuf_append_char(path, (unsigned char)key.ptr[i] < 0x20 ? '?' : key.ptr[i]);
        }
        gf_strbuf_append_cstr(path, "\"]");
        return;
    }
    if (path->len > 0) {
        gf_strbuf_append_char(path, '.');
    }
    gf_strbuf_append(path, key);
}

void gf_json_path_index(struct gf_strbuf *path, size_t index) {
    gf_strbuf_printf(path, "[%zu]", index);
}

const char *gf_json_type_name(enum gf_json_type type) {
    switch (type) {
    case GF_JSON_NULL:
        return "null";
    case GF_JSON_FALSE:
    case GF_JSON_TRUE:
        return "a boolean";
    case GF_JSON_NUMBER:
        return "a number";
    case GF_JSON_STRING:
        return "a string";
    case GF_JSON_ARRAY:
        return "an array";
    case GF_JSON_OBJECT:
        return "an object";
    }
    gf_unreachable();
}
