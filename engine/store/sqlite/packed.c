#include "engine/store/sqlite/packed.h"

#include <string.h>

void gf_sqlite__put_number(struct gf_strbuf *out, int64_t number) {
    gf_assert(number >= 0);
    while (number >= 0x80) {
        gf_strbuf_append_char(out, (char)(0x80 | (number & 0x7f)));
        number >>= 7;
    }
    gf_strbuf_append_char(out, (char)number);
}

void gf_sqlite__put_text(struct gf_strbuf *out, struct gf_str text) {
    gf_sqlite__put_number(out, (int64_t)text.len);
    gf_strbuf_append(out, text);
}

bool gf_sqlite__take_byte(struct gf_sqlite_cursor *cursor, unsigned char *out_byte) {
    if (cursor->next == cursor->end) {
        return false;
    }
    *out_byte = *cursor->next++;
    return true;
}

/* At most 63 bits: 9 bytes. */
bool gf_sqlite__take_number(struct gf_sqlite_cursor *cursor, int64_t *out_number) {
    int64_t number = 0;
    unsigned char byte = 0;
    for (unsigned shift = 0; shift < 63 && gf_sqlite__take_byte(cursor, &byte); shift += 7) {
        number |= (int64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out_number = number;
            return byte != 0 || shift == 0;
        }
    }
    return false;
}

bool gf_sqlite__take_bytes(struct gf_sqlite_cursor *cursor, struct gf_str *out_bytes) {
    int64_t length = 0;
    if (!gf_sqlite__take_number(cursor, &length) ||
        (uint64_t)length > gf_sqlite__cursor_left(cursor)) {
        return false;
    }
    *out_bytes = (struct gf_str){(const char *)cursor->next, (size_t)length};
    cursor->next += length;
    return true;
}

bool gf_sqlite__take_text(struct gf_sqlite_cursor *cursor, struct gf_str *out_text) {
    return gf_sqlite__take_bytes(cursor, out_text) &&
           (out_text->len == 0 || memchr(out_text->ptr, '\0', out_text->len) == NULL) &&
           gf_utf8_valid(*out_text);
}
