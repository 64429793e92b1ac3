/*
 * Design: the forms of a text are made twice by the same code, once to count and once to write, so
 * that they are written into memory of the right size and no copy of a secret is left behind in
 * some buffer that has been outgrown. A form is left out where the text has nothing that would make
 * it differ from one before; the few that are the same nevertheless fall together when the patterns
 * are sorted.
 */
#include "base/mask_internal.h"

#include <string.h>

static const char LOWER[] = "0123456789abcdef";
static const char UPPER[] = "0123456789ABCDEF";

/* A set of bytes. */
struct byte_set {
    uint64_t bits[4];
};

static bool has(const struct byte_set *set, unsigned char byte) {
    return (set->bits[byte >> 6] >> (byte & 63) & 1) != 0;
}

static void include(struct byte_set *set, unsigned char byte) {
    set->bits[byte >> 6] |= (uint64_t)1 << (byte & 63);
}

static bool has_any(const struct byte_set *set, const char *of) {
    for (; *of != '\0'; of++) {
        if (has(set, (unsigned char)*of)) {
            return true;
        }
    }
    return false;
}

static void put(struct gf_mask__forms *forms, unsigned char byte) {
    if (forms->pool != NULL) {
        forms->pool[forms->pool_size] = byte;
    }
    forms->pool_size++;
}

/* ---- from forms to patterns ---- */

static void add_pattern(struct gf_mask__forms *forms, size_t offset, size_t length) {
    if (forms->patterns != NULL) {
        forms->patterns[forms->pattern_count] = (struct gf_mask_pattern){
            .offset = (uint32_t)offset,
            .parent = GF_MASK__NONE,
            .length = (uint32_t)length,
        };
    }
    forms->pattern_count++;
}

/* The form that is in the pool from `start` to `end`, whole or in pieces that cover it. */
static void add_form(struct gf_mask__forms *forms, size_t start, size_t end) {
    enum {
        PIECE = GF_MASK_PATTERN_BYTES_MAX
    };
    if (end - start < GF_MASK_FORM_BYTES_MIN) {
        return;
    }
    if (end - start <= PIECE) {
        add_pattern(forms, start, end - start);
        return;
    }
    for (size_t at = start; at + PIECE <= end; at += PIECE) {
        add_pattern(forms, at, PIECE);
    }
    if ((end - start) % PIECE != 0) {
        add_pattern(forms, end - PIECE, PIECE);
    }
}

/* The lines that a program makes of the form from `start` to the end of the pool. */
static void add_wrapped(struct gf_mask__forms *forms, size_t start, size_t width) {
    const size_t end = forms->pool_size;
    for (size_t at = start; at < end && end - start > width; at += width) {
        add_form(forms, at, end - at < width ? end : at + width);
    }
}

/* ---- as it is, hexadecimal, base64 ---- */

static void add_raw(struct gf_mask__forms *forms, struct gf_str text) {
    const size_t start = forms->pool_size;
    for (size_t i = 0; i < text.len; i++) {
        put(forms, (unsigned char)text.ptr[i]);
    }
    add_form(forms, start, forms->pool_size);
}

static void add_hex(struct gf_mask__forms *forms, struct gf_str text, const char *digits) {
    enum {
        XXD_COLUMNS = 60
    };
    const size_t start = forms->pool_size;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        put(forms, (unsigned char)digits[byte >> 4]);
        put(forms, (unsigned char)digits[byte & 15]);
    }
    add_form(forms, start, forms->pool_size);
    add_wrapped(forms, start, XXD_COLUMNS);
}

/*
 * The characters whose six bits are all of the text, when `before` bytes (0 to 2) stand before it
 * in what is encoded. True when one of them is not the same in the other alphabet.
 */
static bool put_base64(struct gf_mask__forms *forms, struct gf_str text, size_t before,
                       const char *last_two) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bool differs = false;
    const size_t first = (8 * before + 5) / 6;
    const size_t end = 8 * (before + text.len) / 6;
    for (size_t i = first; i < end; i++) {
        const size_t bit = 6 * i - 8 * before;
        const size_t at = bit >> 3;
        const unsigned high = (unsigned char)text.ptr[at];
        const unsigned low = at + 1 < text.len ? (unsigned char)text.ptr[at + 1] : 0;
        const unsigned six = (high << 8 | low) >> (10 - (bit & 7)) & 63;
        put(forms, (unsigned char)(six < 62 ? alphabet[six] : last_two[six - 62]));
        differs |= six >= 62;
    }
    return differs;
}

static void add_base64(struct gf_mask__forms *forms, struct gf_str text) {
    enum {
        COREUTILS_COLUMNS = 76,
        OPENSSL_COLUMNS = 64,
    };
    for (size_t before = 0; before < 3; before++) {
        size_t start = forms->pool_size;
        const bool differs = put_base64(forms, text, before, "+/");
        add_form(forms, start, forms->pool_size);
        if (before == 0) {
            add_wrapped(forms, start, COREUTILS_COLUMNS);
            add_wrapped(forms, start, OPENSSL_COLUMNS);
        }
        if (differs) {
            start = forms->pool_size;
            (void)put_base64(forms, text, before, "-_");
            add_form(forms, start, forms->pool_size);
        }
    }
}

/* ---- URL ---- */

/* What encoders leave alone beside letters and digits. */
static const char *const URL_PLAIN[] = {
    "-._~",                /* RFC 3986: most of them */
    "-._~/",               /* paths: Python's quote */
    "-._~!*'()",           /* encodeURIComponent */
    "-._*",                /* forms: URLSearchParams, URLEncoder of Java */
    "-._~!*'();,/?:@&=+$#" /* encodeURI */
};

static bool is_alphanumeric(unsigned char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

/* Of the bytes that are present, those that the encoder changes. */
static struct byte_set to_escape(const struct byte_set *present, const char *plain) {
    struct byte_set escaped = {0};
    for (unsigned byte = 0; byte < 256; byte++) {
        if (has(present, (unsigned char)byte) && !is_alphanumeric((unsigned char)byte) &&
            (byte == 0 || strchr(plain, (int)byte) == NULL)) {
            include(&escaped, (unsigned char)byte);
        }
    }
    return escaped;
}

static void add_escaped_url(struct gf_mask__forms *forms, struct gf_str text,
                            const struct byte_set *escaped, const char *digits, bool plus) {
    const size_t start = forms->pool_size;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        if (byte == ' ' && plus) {
            put(forms, '+');
        } else if (has(escaped, byte)) {
            put(forms, '%');
            put(forms, (unsigned char)digits[byte >> 4]);
            put(forms, (unsigned char)digits[byte & 15]);
        } else {
            put(forms, byte);
        }
    }
    add_form(forms, start, forms->pool_size);
}

static bool same_set(const struct byte_set *a, const struct byte_set *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void add_url(struct gf_mask__forms *forms, struct gf_str text,
                    const struct byte_set *present) {
    struct byte_set done[GF_ARRAY_COUNT(URL_PLAIN) + 1] = {0}; /* the first: nothing to escape */
    size_t done_count = 1;
    for (size_t i = 0; i < GF_ARRAY_COUNT(URL_PLAIN); i++) {
        const struct byte_set escaped = to_escape(present, URL_PLAIN[i]);
        bool seen = false;
        for (size_t k = 0; k < done_count; k++) {
            seen |= same_set(&done[k], &escaped);
        }
        if (seen) {
            continue;
        }
        done[done_count++] = escaped;
        for (int plus = 0; plus <= (has(present, ' ') ? 1 : 0); plus++) {
            add_escaped_url(forms, text, &escaped, UPPER, plus != 0);
            add_escaped_url(forms, text, &escaped, LOWER, plus != 0);
        }
    }
}

/* ---- JSON ---- */

struct json_style {
    bool slash; /* "\/", as PHP writes */
    bool html;  /* "<", ">" and "&" as \u00XX, as Go writes */
    bool ascii; /* all that is not ASCII as \uXXXX, as Python and PHP write */
    const char *digits;
};

static void put_u16(struct gf_mask__forms *forms, uint32_t unit, const char *digits) {
    put(forms, '\\');
    put(forms, 'u');
    for (int shift = 12; shift >= 0; shift -= 4) {
        put(forms, (unsigned char)digits[unit >> shift & 15]);
    }
}

/* Bytes of the character at the start of text, which is well-formed UTF-8; and the character. */
static size_t decode_utf8(struct gf_str text, uint32_t *out_char) {
    const unsigned char *at = (const unsigned char *)text.ptr;
    if (at[0] < 0x80) {
        *out_char = at[0];
        return 1;
    }
    if (at[0] < 0xe0) {
        *out_char = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
        return 2;
    }
    if (at[0] < 0xf0) {
        *out_char = (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        return 3;
    }
    *out_char =
        (at[0] & 0x07u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
    return 4;
}

static void put_json_ascii(struct gf_mask__forms *forms, unsigned char byte,
                           const struct json_style *style) {
    static const char escaped[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = byte == 0 ? NULL : strchr(escaped, byte);
    if (found != NULL) {
        put(forms, '\\');
        put(forms, (unsigned char)letters[found - escaped]);
    } else if (byte == '/' && style->slash) {
        put(forms, '\\');
        put(forms, '/');
    } else if (byte < 0x20 || (style->html && (byte == '<' || byte == '>' || byte == '&'))) {
        put_u16(forms, byte, style->digits);
    } else {
        put(forms, byte);
    }
}

static void add_json_style(struct gf_mask__forms *forms, struct gf_str text, bool utf8,
                           const struct json_style *style) {
    const size_t start = forms->pool_size;
    size_t step = 1;
    for (size_t i = 0; i < text.len; i += step) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        step = 1;
        if (byte < 0x80) {
            put_json_ascii(forms, byte, style);
        } else if (!style->ascii) {
            put(forms, byte);
        } else if (!utf8) {
            put_u16(forms, byte, style->digits); /* taken for Latin-1 */
        } else {
            uint32_t c = 0;
            step = decode_utf8((struct gf_str){text.ptr + i, text.len - i}, &c);
            if (c >= 0x10000) {
                put_u16(forms, 0xd800 + ((c - 0x10000) >> 10), style->digits);
                c = 0xdc00 + ((c - 0x10000) & 0x3ff);
            }
            put_u16(forms, c, style->digits);
        }
    }
    add_form(forms, start, forms->pool_size);
}

static void add_json(struct gf_mask__forms *forms, struct gf_str text,
                     const struct byte_set *present) {
    const int slashes = has(present, '/') ? 1 : 0;
    const int htmls = has_any(present, "<>&") ? 1 : 0;
    const int asciis = (present->bits[2] | present->bits[3]) != 0 ? 1 : 0;
    const bool controls = (present->bits[0] & 0xffffffffu) != 0;
    if (slashes + htmls + asciis == 0 && !controls && !has_any(present, "\"\\")) {
        return;
    }
    const bool utf8 = gf_utf8_valid(text);
    for (int variant = 0; variant < 8; variant++) {
        struct json_style style = {
            .slash = (variant & 1) != 0,
            .html = (variant & 2) != 0,
            .ascii = (variant & 4) != 0,
            .digits = LOWER,
        };
        if (style.slash > slashes || style.html > htmls || style.ascii > asciis) {
            continue;
        }
        add_json_style(forms, text, utf8, &style);
        if (controls || style.html || style.ascii) {
            style.digits = UPPER;
            add_json_style(forms, text, utf8, &style);
        }
    }
}

/* ---- values ---- */

static void add_text(struct gf_mask__forms *forms, struct gf_str text) {
    struct byte_set present = {0};
    for (size_t i = 0; i < text.len; i++) {
        include(&present, (unsigned char)text.ptr[i]);
    }
    add_raw(forms, text);
    add_hex(forms, text, LOWER);
    add_hex(forms, text, UPPER);
    add_base64(forms, text);
    add_url(forms, text, &present);
    add_json(forms, text, &present);
    explicit_bzero(&present, sizeof(present));
}

struct gf_str gf_mask__trim(struct gf_str text) {
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4) != NULL) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[text.len - 1], 4) != NULL) {
        text.len--;
    }
    return text;
}

static bool is_one_character(struct gf_str text) {
    return text.len > 0 && memcmp(text.ptr, text.ptr + 1, text.len - 1) == 0;
}

void gf_mask__add_value(struct gf_mask__forms *forms, struct gf_str value) {
    const struct gf_str text = gf_mask__trim(value);
    if (text.len < GF_MASK_FORM_BYTES_MIN) {
        return;
    }
    add_text(forms, text);
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.ptr[i] != '\n' && text.ptr[i] != '\r') {
            continue;
        }
        const struct gf_str line = gf_mask__trim((struct gf_str){text.ptr + start, i - start});
        if (line.len >= GF_MASK_FORM_BYTES_MIN && line.len < text.len && !is_one_character(line)) {
            add_text(forms, line);
        }
        start = i + 1;
    }
}
