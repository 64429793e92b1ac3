#include "engine/scheduler/native/images/text.h"

static const char hex_digits[] = "0123456789abcdef";

static bool is_control(char c) {
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

void gf_text_escape(struct gf_str text, struct gf_strbuf *out) {
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c == '\\') {
            gf_strbuf_append(out, GF_STR("\\\\"));
        } else if (c == '\n') {
            gf_strbuf_append(out, GF_STR("\\n"));
        } else if (is_control(c)) {
            const char escaped[] = {'\\', 'x', hex_digits[(unsigned char)c >> 4],
                                    hex_digits[(unsigned char)c & 15]};
            gf_strbuf_append_bytes(out, escaped, sizeof(escaped));
        } else {
            gf_strbuf_append_char(out, c);
        }
    }
}

/* Reads one escape behind its backslash. The number of bytes that it takes, or 0. */
static size_t unescape_one(struct gf_str rest, char *out_char) {
    if (rest.len >= 1 && rest.ptr[0] == '\\') {
        *out_char = '\\';
        return 1;
    }
    if (rest.len >= 1 && rest.ptr[0] == 'n') {
        *out_char = '\n';
        return 1;
    }
    if (rest.len >= 3 && rest.ptr[0] == 'x') {
        const int high = hex_value(rest.ptr[1]);
        const int low = hex_value(rest.ptr[2]);
        if (high >= 0 && low >= 0 && (high | low) != 0) {
            *out_char = (char)(high * 16 + low);
            return 3;
        }
    }
    return 0;
}

bool gf_text_unescape(struct gf_str escaped, struct gf_arena *arena, struct gf_str *out_text) {
    /* Unescaped text is never longer. */
    char *text = gf_arena_try_alloc(arena, escaped.len + 1);
    if (text == NULL) {
        return false;
    }
    size_t len = 0;
    for (size_t i = 0; i < escaped.len; i++) {
        char c = escaped.ptr[i];
        if (is_control(c)) {
            return false;
        }
        if (c == '\\') {
            const struct gf_str rest = {escaped.ptr + i + 1, escaped.len - i - 1};
            const size_t taken = unescape_one(rest, &c);
            if (taken == 0) {
                return false;
            }
            i += taken;
        }
        text[len++] = c;
    }
    text[len] = '\0';
    *out_text = (struct gf_str){text, len};
    return true;
}

static bool is_shown_plain(char c) {
    return !is_control(c) && (unsigned char)c < 0x80 && c != '\\';
}

/* Whether the whole text fits, with the final NUL. */
static bool fits_shown(struct gf_str text) {
    size_t size = 1;
    for (size_t i = 0; i < text.len && size <= GF_SHOWN_BYTES; i++) {
        size += is_shown_plain(text.ptr[i]) ? 1 : 4;
    }
    return size <= GF_SHOWN_BYTES;
}

struct gf_shown gf_show(struct gf_str text) {
    struct gf_shown shown = {""};
    size_t len = 0;
    const bool fits = fits_shown(text);
    const size_t len_max = sizeof(shown.text) - (fits ? 1 : sizeof("..."));
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const bool plain = is_shown_plain(c);
        if (len + (plain ? 1 : 4) > len_max) {
            break;
        }
        if (plain) {
            shown.text[len++] = c;
        } else {
            shown.text[len++] = '\\';
            shown.text[len++] = 'x';
            shown.text[len++] = hex_digits[(unsigned char)c >> 4];
            shown.text[len++] = hex_digits[(unsigned char)c & 15];
        }
    }
    memcpy(shown.text + len, fits ? "" : "...", fits ? 1 : sizeof("..."));
    return shown;
}

struct gf_shown gf_show_cstr(const char *text) {
    return gf_show(gf_str_from(text));
}
