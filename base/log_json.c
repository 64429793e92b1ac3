/*
 * Design: what does not fit must leave an object behind. So a value is added whole or, where it is
 * a text, as far as there is room with its closing quote; the end of the object has its room kept
 * free all the time.
 */
#include "base/log_internal.h"

#include <stdio.h>

#define LINE_END "}\n"
#define LINE_END_CUT ",\"cut\":true}\n"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Of a character that may not stand for itself; NULL of one that may. */
static const char *escape_of(const unsigned char *bytes, size_t size,
                             char out[GF_LOG_ESCAPE_BYTES_MAX]) {
    unsigned code = bytes[0];
    if (size == 2 && bytes[0] == 0xc2) {
        code = bytes[1]; /* U+0080 to U+00BF: those below U+00A0 are control characters */
    } else if (size > 1) {
        return NULL;
    }
    switch (code) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    case '\r':
        return "\\r";
    default:
        break;
    }
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
        (void)snprintf(out, GF_LOG_ESCAPE_BYTES_MAX, "\\u%04x", code);
        return out;
    }
    return NULL;
}

/* The text without its quotes, as far as there is room. */
static void add_characters(struct gf_log_line *line, struct gf_str text) {
    char escape[GF_LOG_ESCAPE_BYTES_MAX];
    while (text.len > 0 && !line->full) {
        const size_t size = gf_utf8_char(text);
        const char *escaped =
            size == 0 ? replacement : escape_of((const unsigned char *)text.ptr, size, escape);
        if (escaped != NULL) {
            gf_log__add_cstr(line, escaped);
        } else {
            gf_log__add(line, text.ptr, size);
        }
        const size_t taken = size == 0 ? 1 : size;
        text = (struct gf_str){text.ptr + taken, text.len - taken};
    }
}

static void add_string(struct gf_log_line *line, struct gf_str text) {
    gf_log__add(line, "\"", 1);
    line->room--; /* for the other one */
    add_characters(line, text);
    line->room++;
    line->bytes[line->len++] = '"';
}

static void add_value(struct gf_log_line *line, const struct gf_kv *kv) {
    char text[GF_LOG_NUMBER_BYTES_MAX + sizeof(":")];
    switch (kv->kind) {
    case GF_KV_KIND_STR:
        add_string(line, kv->value.str);
        break;
    case GF_KV_KIND_I64:
    case GF_KV_KIND_U64:
        gf_log__format_number(kv, text);
        gf_log__add_cstr(line, text);
        break;
    case GF_KV_KIND_BOOL:
        gf_log__add_cstr(line, kv->value.boolean ? "true" : "false");
        break;
    }
}

/* Bytes that a member needs at least: its key, and as much of its value as makes sense. */
static size_t least_size(const struct gf_kv *kv) {
    const size_t punctuation = strlen(",\"\":\"\"");
    return strlen(kv->key) + punctuation +
           (kv->kind == GF_KV_KIND_STR ? 0 : (size_t)GF_LOG_NUMBER_BYTES_MAX);
}

/* The first one that does not fit ends it: what follows would stand beside a gap. */
static void add_member(struct gf_log_line *line, const struct gf_kv *kv) {
    if (line->full || least_size(kv) > line->room - line->len) {
        line->full = true;
        return;
    }
    gf_log__add(line, ",\"", 2);
    gf_log__add_cstr(line, kv->key);
    gf_log__add(line, "\":", 2);
    add_value(line, kv);
}

void gf_log__write_json(const struct gf_log_record *record, struct gf_log_line *line) {
    line->room = sizeof(line->bytes) - (sizeof(LINE_END_CUT) - 1);
    gf_log__add_cstr(line, "{\"time\":");
    add_string(line, gf_str_from(record->time));
    add_member(line, &GF_KV_STR("level", record->level));
    add_member(line, &GF_KV_STR("event", record->event));
    for (size_t i = 0; i < record->context_count; i++) {
        add_member(line, &record->context[i]);
    }
    for (size_t i = 0; i < record->value_count; i++) {
        add_member(line, &record->values[i]);
    }
    const char *end = line->full ? LINE_END_CUT : LINE_END;
    memcpy(line->bytes + line->len, end, strlen(end));
    line->len += strlen(end);
}
