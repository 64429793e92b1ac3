#include "base/log_internal.h"

#include <stdio.h>

/* What is kept free for the end of a line: its newline, or the mark that it was cut. */
#define LINE_END_CUT "...\n"

static bool is_plain(struct gf_str text) {
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return text.len > 0;
}

/* Nothing that a terminal would obey may come through, nor may a value look like another line. */
static void add_quoted(struct gf_log_line *line, struct gf_str text) {
    const bool utf8 = gf_utf8_valid(text);
    gf_log__add(line, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        /* U+0080 to U+009F are control characters too; in UTF-8 they begin with 0xc2. */
        const bool c1_control =
            utf8 && c == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0; /* valid: there is one */
        if (c == '"' || c == '\\') {
            gf_log__add(line, (const char[]){'\\', (char)c}, 2);
        } else if (c == '\n') {
            gf_log__add(line, "\\n", 2);
        } else if (c == '\t') {
            gf_log__add(line, "\\t", 2);
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
            char escape[GF_LOG_ESCAPE_BYTES_MAX];
            (void)snprintf(escape, sizeof(escape), "\\x%02x", c);
            gf_log__add_cstr(line, escape);
        } else if (c1_control) {
            char escape[GF_LOG_ESCAPE_BYTES_MAX];
            (void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)text.ptr[++i]);
            gf_log__add_cstr(line, escape);
        } else {
            /* A character is there whole or not at all, also where the line ends. */
            const size_t size = gf_utf8_char((struct gf_str){text.ptr + i, text.len - i});
            gf_log__add(line, text.ptr + i, size);
            i += size - 1;
        }
    }
    gf_log__add(line, "\"", 1);
}

static void add_value(struct gf_log_line *line, const struct gf_kv *kv) {
    char number[GF_LOG_NUMBER_BYTES_MAX];
    switch (kv->kind) {
    case GF_KV_KIND_STR:
        if (is_plain(kv->value.str)) {
            gf_log__add(line, kv->value.str.ptr, kv->value.str.len);
        } else {
            add_quoted(line, kv->value.str);
        }
        break;
    case GF_KV_KIND_I64:
    case GF_KV_KIND_U64:
        gf_log__format_number(kv, number);
        gf_log__add_cstr(line, number);
        break;
    case GF_KV_KIND_BOOL:
        gf_log__add_cstr(line, kv->value.boolean ? "true" : "false");
        break;
    }
}

static void add_values(struct gf_log_line *line, const struct gf_kv *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        gf_log__add(line, " ", 1);
        gf_log__add_cstr(line, values[i].key);
        gf_log__add(line, "=", 1);
        add_value(line, &values[i]);
    }
}

void gf_log__write_text(const struct gf_log_record *record, struct gf_log_line *line) {
    line->room = sizeof(line->bytes) - (sizeof(LINE_END_CUT) - 1);
    gf_log__add_cstr(line, record->time);
    gf_log__add(line, " ", 1);
    gf_log__add_cstr(line, record->level);
    gf_log__add(line, " ", 1);
    gf_log__add_cstr(line, record->event);
    add_values(line, record->context, record->context_count);
    add_values(line, record->values, record->value_count);
    const char *end = line->full ? LINE_END_CUT : "\n";
    memcpy(line->bytes + line->len, end, strlen(end));
    line->len += strlen(end);
}
