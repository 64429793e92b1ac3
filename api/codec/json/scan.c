#include "api/codec/json/scan_internal.h"

#include <stdio.h>
#include <string.h>

enum gf_code gf_json__fail_unexpected(const struct gf_json__scanner *scanner, const char *wanted) {
    char found[32];
    unsigned char c = (unsigned char)gf_json__peek(scanner);
    if (gf_json__at_end(scanner)) {
        (void)snprintf(found, sizeof(found), "the end of the text");
    } else if (c < 0x20 || c == 0x7f) {
        (void)snprintf(found, sizeof(found), "the control character 0x%02x", c);
    } else {
        size_t size = 1;
        while (scanner->at + size < scanner->text.len &&
               ((unsigned char)scanner->text.ptr[scanner->at + size] & 0xc0) == 0x80) {
            size++;
        }
        (void)snprintf(found, sizeof(found), "'%.*s'", (int)size, scanner->text.ptr + scanner->at);
    }
    const char *hint = "";
    if (c == '\'') {
        hint = "; strings take double quotes";
    } else if (c == '/' || c == '#') {
        hint = "; JSON has no comments";
    }
    return gf_json_fail(scanner->err, scanner->text, scanner->at, "", "expected %s, found %s%s",
                        wanted, found, hint);
}

enum gf_code gf_json__fail_here(const struct gf_json__scanner *scanner, const char *what) {
    return gf_json_fail(scanner->err, scanner->text, scanner->at, "", "%s", what);
}

enum gf_code gf_json__fail_exhausted(const struct gf_json__scanner *scanner) {
    return gf_fail(scanner->err, GF_RESOURCE_EXHAUSTED,
                   "JSON text of %zu bytes is too large parsed", scanner->text.len);
}

static size_t skip_digits(struct gf_json__scanner *scanner) {
    size_t start = scanner->at;
    while (gf_json__peek(scanner) >= '0' && gf_json__peek(scanner) <= '9') {
        scanner->at++;
    }
    return scanner->at - start;
}

enum gf_code gf_json__scan_number(struct gf_json__scanner *scanner, struct gf_str *out_text) {
    size_t start = scanner->at;
    if (gf_json__peek(scanner) == '-') {
        scanner->at++;
    }
    size_t integer_start = scanner->at;
    size_t digits = skip_digits(scanner);
    if (digits == 0) {
        return gf_json__fail_unexpected(scanner, "a digit");
    }
    if (digits > 1 && scanner->text.ptr[integer_start] == '0') {
        scanner->at = integer_start;
        return gf_json__fail_here(scanner, "a number must not begin with 0");
    }
    if (gf_json__peek(scanner) == '.') {
        scanner->at++;
        if (skip_digits(scanner) == 0) {
            return gf_json__fail_unexpected(scanner, "a digit");
        }
    }
    if (gf_json__peek(scanner) == 'e' || gf_json__peek(scanner) == 'E') {
        scanner->at++;
        if (gf_json__peek(scanner) == '+' || gf_json__peek(scanner) == '-') {
            scanner->at++;
        }
        if (skip_digits(scanner) == 0) {
            return gf_json__fail_unexpected(scanner, "a digit");
        }
    }
    *out_text = (struct gf_str){scanner->text.ptr + start, scanner->at - start};
    return GF_OK;
}

/* Four hexadecimal digits under the cursor. */
static enum gf_code scan_hex(struct gf_json__scanner *scanner, uint32_t *out_value) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = gf_json__peek(scanner);
        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint32_t)(c - '0');
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
            value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        } else {
            return gf_json__fail_unexpected(scanner, "a hexadecimal digit");
        }
        scanner->at++;
    }
    *out_value = value;
    return GF_OK;
}

/* Writes a character as UTF-8. Gives its bytes, at most four. */
static size_t put_utf8(uint32_t c, char *out) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[size] | c);
    return size;
}

/* What stands behind "\u", together with the second half of a surrogate pair. */
static enum gf_code scan_unicode_escape(struct gf_json__scanner *scanner, uint32_t *out_value) {
    size_t start = scanner->at;
    uint32_t value = 0;
    enum gf_code code = scan_hex(scanner, &value);
    if (code != GF_OK) {
        return code;
    }
    if (value >= 0xd800 && value < 0xdc00 && gf_json__peek(scanner) == '\\') {
        scanner->at++;
        uint32_t low = 0;
        if (gf_json__peek(scanner) == 'u') {
            scanner->at++;
            code = scan_hex(scanner, &low);
            if (code != GF_OK) {
                return code;
            }
        }
        if (low >= 0xdc00 && low < 0xe000) {
            *out_value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            return GF_OK;
        }
    }
    if (value >= 0xd800 && value < 0xe000) {
        scanner->at = start;
        return gf_json__fail_here(scanner, "half a surrogate pair");
    }
    *out_value = value;
    return GF_OK;
}

/* What stands behind a backslash. Writes at most four bytes. */
static enum gf_code scan_escape(struct gf_json__scanner *scanner, char *out, size_t *out_size) {
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    char c = gf_json__peek(scanner);
    if (c == 'u') {
        scanner->at++;
        uint32_t value = 0;
        enum gf_code code = scan_unicode_escape(scanner, &value);
        if (code == GF_OK) {
            *out_size = put_utf8(value, out);
        }
        return code;
    }
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    if (name == NULL) {
        return gf_json__fail_unexpected(scanner, "an escape (one of \" \\ / b f n r t u)");
    }
    scanner->at++;
    out[0] = values[name - names];
    *out_size = 1;
    return GF_OK;
}

/* Decodes a string with escapes, from the cursor to its closing quote; raw_size bytes are between.
 */
static enum gf_code decode_string(struct gf_json__scanner *scanner, size_t raw_size,
                                  struct gf_str *out_text) {
    char *decoded = gf_arena_try_alloc(scanner->arena, raw_size + 1);
    if (decoded == NULL) {
        return gf_json__fail_exhausted(scanner);
    }
    size_t len = 0;
    while (gf_json__peek(scanner) != '"') {
        if (gf_json__peek(scanner) != '\\') {
            decoded[len++] = scanner->text.ptr[scanner->at++];
            continue;
        }
        scanner->at++;
        size_t size = 0;
        enum gf_code code = scan_escape(scanner, decoded + len, &size);
        if (code != GF_OK) {
            return code;
        }
        len += size;
    }
    *out_text = (struct gf_str){decoded, len};
    return GF_OK;
}

enum gf_code gf_json__scan_string(struct gf_json__scanner *scanner, struct gf_str *out_text) {
    size_t quote = scanner->at++;
    size_t start = scanner->at;
    bool escaped = false;
    while (!gf_json__at_end(scanner) && gf_json__peek(scanner) != '"') {
        if ((unsigned char)gf_json__peek(scanner) < 0x20) {
            return gf_json__fail_here(scanner,
                                      "a string must not hold control characters; escape them");
        }
        if (gf_json__peek(scanner) == '\\') {
            escaped = true;
            scanner->at++;
        }
        scanner->at += gf_json__at_end(scanner) ? 0 : 1;
    }
    if (gf_json__at_end(scanner)) {
        scanner->at = quote;
        return gf_json__fail_here(scanner, "the string has no end");
    }
    *out_text = (struct gf_str){scanner->text.ptr + start, scanner->at - start};
    if (escaped) {
        size_t raw_size = scanner->at - start;
        scanner->at = start;
        enum gf_code code = decode_string(scanner, raw_size, out_text);
        if (code != GF_OK) {
            return code;
        }
    }
    scanner->at++;
    return GF_OK;
}
