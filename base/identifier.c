#include "base/identifier.h"

static bool is_allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* The text is not repeated in the message unless it is short and printable: it may be anything. */
enum gf_code gf_identifier_check(struct gf_str id, const char *field, struct gf_error *err) {
    if (id.len == 0) {
        return gf_fail_field(err, field, "identifier is empty, expected %d to %d characters",
                             GF_IDENTIFIER_CHARS_MIN, GF_IDENTIFIER_CHARS_MAX);
    }
    if (id.len > GF_IDENTIFIER_CHARS_MAX) {
        return gf_fail_field(err, field, "identifier has %zu characters, expected %d to %d", id.len,
                             GF_IDENTIFIER_CHARS_MIN, GF_IDENTIFIER_CHARS_MAX);
    }
    for (size_t i = 0; i < id.len; i++) {
        const unsigned char c = (unsigned char)id.ptr[i];
        if (is_allowed((char)c)) {
            continue;
        }
        if (c < 0x20 || c >= 0x7f) {
            return gf_fail_field(err, field,
                                 "identifier has the byte 0x%02x at position %zu, "
                                 "expected letters, digits, '-' and '_'",
                                 c, i + 1);
        }
        return gf_fail_field(err, field,
                             "identifier has '%c' at position %zu, "
                             "expected letters, digits, '-' and '_'",
                             c, i + 1);
    }
    if (id.len < GF_IDENTIFIER_CHARS_MIN) {
        return gf_fail_field(err, field,
                             "identifier '%" GF_STR_FMT "' has %zu character%s, "
                             "expected %d to %d",
                             GF_STR_ARG(id), id.len, id.len == 1 ? "" : "s",
                             GF_IDENTIFIER_CHARS_MIN, GF_IDENTIFIER_CHARS_MAX);
    }
    return GF_OK;
}
