/*
 * Design: an empty buffer points at a constant empty string, so that its text is NUL-terminated
 * without an allocation; capacity 0 tells that the memory is not its own. The capacity counts the
 * final NUL, the limit does not.
 */
#include "base/str.h"

#include "base/alloc.h"

#include <stdio.h>

enum {
    STRBUF_CAPACITY_MIN = 64
};

static const char empty_text[] = "";

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool gf_str_eq(struct gf_str a, struct gf_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool gf_str_eq_nocase(struct gf_str a, struct gf_str b) {
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

int gf_str_cmp(struct gf_str a, struct gf_str b) {
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0) {
        return order;
    }
    return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

int gf_str_cmp_nocase(struct gf_str a, struct gf_str b) {
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        const unsigned char left = (unsigned char)lower(a.ptr[i]);
        const unsigned char right = (unsigned char)lower(b.ptr[i]);
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

bool gf_str_has_prefix(struct gf_str text, struct gf_str prefix) {
    return text.len >= prefix.len && gf_str_eq((struct gf_str){text.ptr, prefix.len}, prefix);
}

bool gf_str_has_suffix(struct gf_str text, struct gf_str suffix) {
    if (text.len < suffix.len || suffix.len == 0) {
        return suffix.len == 0;
    }
    return gf_str_eq((struct gf_str){text.ptr + text.len - suffix.len, suffix.len}, suffix);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

struct gf_str gf_str_trim(struct gf_str text) {
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

int gf_hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool gf_str_cut(struct gf_str text, char separator, struct gf_str *out_head,
                struct gf_str *out_rest) {
    const char *place = text.len == 0 ? NULL : memchr(text.ptr, separator, text.len);
    if (place == NULL) {
        *out_head = text;
        *out_rest = (struct gf_str){NULL, 0};
        return false;
    }
    const size_t head_len = (size_t)(place - text.ptr);
    *out_head = (struct gf_str){text.ptr, head_len};
    *out_rest = (struct gf_str){place + 1, text.len - head_len - 1};
    return true;
}

size_t gf_str_distance(struct gf_str a, struct gf_str b) {
    if (a.len > GF_STR_DISTANCE_BYTES_MAX || b.len > GF_STR_DISTANCE_BYTES_MAX) {
        return SIZE_MAX;
    }
    /* One row of the table of distances between what the two begin with. */
    size_t row[GF_STR_DISTANCE_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const size_t changed = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            const size_t moved = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = changed < moved ? changed : moved;
        }
    }
    return row[b.len];
}

bool gf_parse_u64(struct gf_str text, uint64_t *out_value) {
    if (text.len == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        const uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

bool gf_parse_i64(struct gf_str text, int64_t *out_value) {
    const bool negative = gf_str_has_prefix(text, GF_STR("-"));
    const struct gf_str digits = negative ? (struct gf_str){text.ptr + 1, text.len - 1} : text;
    uint64_t magnitude = 0;
    if (!gf_parse_u64(digits, &magnitude)) {
        return false;
    }
    const uint64_t magnitude_max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (magnitude > magnitude_max) {
        return false;
    }
    *out_value = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* The length of the well-formed UTF-8 sequence at bytes (size > 0), or 0. */
static size_t utf8_sequence(const unsigned char *bytes, size_t size) {
    const unsigned char first = bytes[0];
    if (first < 0x80) {
        return 1;
    }
    /* The second byte's range is what excludes overlong forms, surrogates and beyond U+10FFFF. */
    unsigned char second_min = 0x80;
    unsigned char second_max = 0xbf;
    size_t len = 0;
    if (first >= 0xc2 && first <= 0xdf) {
        len = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        len = 3;
        second_min = first == 0xe0 ? 0xa0 : 0x80;
        second_max = first == 0xed ? 0x9f : 0xbf;
    } else if (first >= 0xf0 && first <= 0xf4) {
        len = 4;
        second_min = first == 0xf0 ? 0x90 : 0x80;
        second_max = first == 0xf4 ? 0x8f : 0xbf;
    }
    if (len == 0 || size < len || bytes[1] < second_min || bytes[1] > second_max) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool gf_utf8_valid(struct gf_str text) {
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    size_t at = 0;
    while (at < text.len) {
        const size_t len = utf8_sequence(bytes + at, text.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

size_t gf_utf8_char(struct gf_str text) {
    return text.len == 0 ? 0 : utf8_sequence((const unsigned char *)text.ptr, text.len);
}

void gf_strbuf_init(struct gf_strbuf *buf, size_t limit_bytes) {
    gf_assert(limit_bytes < SIZE_MAX / 2);
    *buf = (struct gf_strbuf){.ptr = (char *)empty_text, .limit = limit_bytes};
}

void gf_strbuf_init_secret(struct gf_strbuf *buf, size_t limit_bytes) {
    gf_strbuf_init(buf, limit_bytes);
    buf->wipes = true;
}

void gf_strbuf_init_in(struct gf_strbuf *buf, char *memory, size_t size) {
    gf_assert(size > 0 && size < SIZE_MAX / 2);
    memory[0] = '\0';
    *buf = (struct gf_strbuf){.ptr = memory, .capacity = size, .limit = size - 1};
}

static void release(struct gf_strbuf *buf) {
    if (buf->wipes) {
        explicit_bzero(buf->ptr, buf->capacity);
    }
    free(buf->ptr);
}

void gf_strbuf_fini(struct gf_strbuf *buf) {
    if (buf == NULL) {
        return;
    }
    if (buf->capacity != 0) {
        release(buf);
    }
    *buf = (struct gf_strbuf){.ptr = (char *)empty_text};
}

void gf_strbuf_reset(struct gf_strbuf *buf) {
    gf_strbuf_truncate(buf, 0);
    buf->overflowed = false;
}

/* realloc leaves what it moved where it was. */
static void grow(struct gf_strbuf *buf, size_t capacity) {
    if (buf->wipes && buf->capacity != 0) {
        char *ptr = gf_malloc(capacity);
        memcpy(ptr, buf->ptr, buf->len + 1);
        release(buf);
        buf->ptr = ptr;
    } else {
        buf->ptr = gf_realloc_array(buf->capacity == 0 ? NULL : buf->ptr, capacity, 1);
    }
    buf->capacity = capacity;
}

/* Makes room for `more` bytes and the final NUL; false (and overflowed) beyond the limit. */
static bool reserve(struct gf_strbuf *buf, size_t more) {
    if (more > buf->limit - buf->len) {
        buf->overflowed = true;
        return false;
    }
    const size_t wanted = buf->len + more + 1;
    if (wanted <= buf->capacity) {
        return true;
    }
    size_t capacity = buf->capacity == 0 ? STRBUF_CAPACITY_MIN : buf->capacity * 2;
    capacity = capacity > buf->limit + 1 ? buf->limit + 1 : capacity;
    capacity = capacity < wanted ? wanted : capacity;
    grow(buf, capacity);
    return true;
}

void gf_strbuf_append_bytes(struct gf_strbuf *buf, const void *bytes, size_t size) {
    if (!reserve(buf, size)) {
        return;
    }
    if (size != 0) {
        memcpy(buf->ptr + buf->len, bytes, size);
    }
    buf->len += size;
    buf->ptr[buf->len] = '\0';
}

void gf_strbuf_append(struct gf_strbuf *buf, struct gf_str text) {
    gf_strbuf_append_bytes(buf, text.ptr, text.len);
}

void gf_strbuf_append_cstr(struct gf_strbuf *buf, const char *text) {
    gf_strbuf_append(buf, gf_str_from(text));
}

void gf_strbuf_append_char(struct gf_strbuf *buf, char c) {
    gf_strbuf_append_bytes(buf, &c, 1);
}

void gf_strbuf_printf(struct gf_strbuf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    gf_strbuf_vprintf(buf, fmt, args);
    va_end(args);
}

void gf_strbuf_vprintf(struct gf_strbuf *buf, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    char text[256];
    const int len = vsnprintf(text, sizeof(text), fmt, args);
    gf_assert(len >= 0);
    if ((size_t)len < sizeof(text)) {
        gf_strbuf_append_bytes(buf, text, (size_t)len);
    } else if (reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void gf_strbuf_truncate(struct gf_strbuf *buf, size_t len) {
    gf_assert(len <= buf->len);
    buf->len = len;
    if (buf->capacity != 0) {
        buf->ptr[len] = '\0';
    }
}

struct gf_str gf_strbuf_view(const struct gf_strbuf *buf) {
    return (struct gf_str){buf->ptr, buf->len};
}

char *gf_strbuf_take(struct gf_strbuf *buf) {
    char *text = buf->capacity == 0 ? gf_strdup("") : buf->ptr;
    *buf = (struct gf_strbuf){.ptr = (char *)empty_text, .limit = buf->limit, .wipes = buf->wipes};
    return text;
}
