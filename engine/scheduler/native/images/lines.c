#include "engine/scheduler/native/images/lines.h"

#include "engine/scheduler/native/images/text.h"

void gf_lines_begin(struct gf_strbuf *out, const char *kind, int version) {
    gf_strbuf_printf(out, "%s %d\n", kind, version);
}

void gf_lines_put(struct gf_strbuf *out, const char *key, struct gf_str value) {
    gf_strbuf_append_cstr(out, key);
    gf_strbuf_append_char(out, '=');
    gf_text_escape(value, out);
    gf_strbuf_append_char(out, '\n');
}

void gf_lines_put_i64(struct gf_strbuf *out, const char *key, int64_t value) {
    gf_strbuf_printf(out, "%s=%lld\n", key, (long long)value);
}

void gf_lines_end(struct gf_strbuf *out) {
    gf_strbuf_append(out, GF_STR("end\n"));
}

enum gf_code gf_lines_fail(const struct gf_lines *lines, struct gf_error *err, const char *fmt,
                           ...) {
    char message[GF_ERROR_MESSAGE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    return gf_fail(err, GF_DATA_LOSS, "line %zu: %s", lines->line_number, message);
}

/* Every line ends in a newline, the last one too: a text that does not has been cut. */
static bool take_line(struct gf_lines *lines, struct gf_str *out_line) {
    lines->line_number++;
    return gf_str_cut(lines->rest, '\n', out_line, &lines->rest);
}

enum gf_code gf_lines_open(struct gf_lines *lines, struct gf_str text, const char *kind,
                           int version, struct gf_arena *arena, struct gf_error *err) {
    *lines = (struct gf_lines){.rest = text, .arena = arena};
    struct gf_str line;
    struct gf_str line_kind;
    struct gf_str line_version;
    int64_t number = 0;
    if (!take_line(lines, &line) || !gf_str_cut(line, ' ', &line_kind, &line_version) ||
        !gf_str_eq(line_kind, gf_str_from(kind)) || !gf_parse_i64(line_version, &number)) {
        return gf_lines_fail(lines, err, "must be '%s %d'", kind, version);
    }
    if (number != version) {
        return gf_fail(err, GF_UNIMPLEMENTED, "%s of version %lld, this gofer reads version %d",
                       kind, (long long)number, version);
    }
    return GF_OK;
}

enum gf_code gf_lines_next(struct gf_lines *lines, bool *out_more, struct gf_str *out_key,
                           struct gf_str *out_value, struct gf_error *err) {
    struct gf_str line;
    struct gf_str key;
    struct gf_str value;
    if (!take_line(lines, &line)) {
        return gf_lines_fail(lines, err, "the text is cut: no line 'end'");
    }
    if (gf_str_eq(line, GF_STR("end"))) {
        if (lines->rest.len > 0) {
            return gf_lines_fail(lines, err, "something follows the end");
        }
        *out_more = false;
        return GF_OK;
    }
    if (!gf_str_cut(line, '=', &key, &value) || key.len == 0) {
        return gf_lines_fail(lines, err, "must be key=value");
    }
    if (!gf_text_unescape(value, lines->arena, &value)) {
        return gf_lines_fail(lines, err, "the value of '%s' is malformed or too long",
                             gf_show(key).text);
    }
    *out_key = key;
    *out_value = value;
    *out_more = true;
    return GF_OK;
}
