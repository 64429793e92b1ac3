#include "api/extension/log.h"

#include <stdbool.h>

/* What stands before the rest of a text of several lines. */
#define CONTINUATION "    "

static const char *level_name(Gofer__Extension__V1__LogLevel level) {
    switch ((int)level) {
    case GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_DEBUG:
        return "DEBUG";
    case GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_WARNING:
        return "WARNING";
    case GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_ERROR:
        return "ERROR";
    default:
        return "INFO";
    }
}

static bool is_control(char c) {
    return ((unsigned char)c < ' ' && c != '\t') || (unsigned char)c == 0x7f;
}

/* White space at its end is left out: a line end of the writer's own is no empty line here. */
static void append_text(struct gf_strbuf *out, struct gf_str text) {
    while (text.len > 0 && (is_control(text.ptr[text.len - 1]) || text.ptr[text.len - 1] == ' ')) {
        text.len--;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            gf_strbuf_append_cstr(out, "\n" CONTINUATION);
        } else {
            gf_strbuf_append_char(out, is_control(text.ptr[i]) ? ' ' : text.ptr[i]);
        }
    }
}

static bool is_plain(struct gf_str value) {
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == ' ' || value.ptr[i] == '"' || value.ptr[i] == '=' ||
            value.ptr[i] == '\\' || is_control(value.ptr[i]) || value.ptr[i] == '\t') {
            return false;
        }
    }
    return value.len > 0;
}

static void append_value(struct gf_strbuf *out, struct gf_str value) {
    if (is_plain(value)) {
        gf_strbuf_append(out, value);
        return;
    }
    gf_strbuf_append_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.ptr[i];
        if (c == '\n') {
            gf_strbuf_append_cstr(out, "\\n");
            continue;
        }
        if (c == '"' || c == '\\') {
            gf_strbuf_append_char(out, '\\');
        }
        gf_strbuf_append_char(out, is_control(c) ? ' ' : c);
    }
    gf_strbuf_append_char(out, '"');
}

static void append_line(const struct gf_extension_log_line *line, struct gf_strbuf *out) {
    gf_strbuf_append_cstr(out, level_name(line->level));
    gf_strbuf_append_cstr(out, line->from_gofer ? " gofer: " : " ");
    append_text(out, line->text);
    if (line->subscription_id.len > 0) {
        /* As texts: what an extension sends as names need not be any. */
        gf_strbuf_append_cstr(out, " (");
        append_text(out, line->subscription_id);
        gf_strbuf_append_cstr(out, " of ");
        append_text(out, line->namespace_id);
        gf_strbuf_append_char(out, '/');
        append_text(out, line->pipeline_id);
        gf_strbuf_append_char(out, ')');
    }
    for (size_t i = 0; i < line->metadata_count; i++) {
        gf_strbuf_append_char(out, ' ');
        append_text(out, line->metadata[i].key);
        gf_strbuf_append_char(out, '=');
        append_value(out, line->metadata[i].value);
    }
}

/* A limit in the middle of a character leaves none of it. */
static size_t whole_characters(struct gf_str text) {
    size_t len = text.len;
    while (len > 0 && ((unsigned char)text.ptr[len - 1] & 0xc0) == 0x80) {
        len--;
    }
    return len > 0 && (unsigned char)text.ptr[len - 1] >= 0xc0 ? len - 1 : len;
}

void gf_extension_log_line_write(const struct gf_extension_log_line *line, struct gf_strbuf *out) {
    static const char CUT[] = "...\n";
    struct gf_strbuf text;
    gf_strbuf_init(&text, (size_t)4 << 20);
    append_line(line, &text);
    struct gf_str view = gf_strbuf_view(&text);
    const size_t room = GF_EXTENSION_LOG_LINE_BYTES_MAX - sizeof(CUT);
    if (!text.overflowed && view.len <= room) {
        gf_strbuf_append(out, view);
        gf_strbuf_append_char(out, '\n');
    } else {
        view.len = view.len < room ? view.len : room;
        view.len = whole_characters(view);
        gf_strbuf_append(out, view);
        gf_strbuf_append_cstr(out, CUT);
    }
    gf_strbuf_fini(&text);
}
