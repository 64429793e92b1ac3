#include "tools/protoc-gen-gofer-c/writer.h"

#include <stdbool.h>

enum {
    INDENT = 4
};

void gen_writer_init(struct gen_writer *writer) {
    *writer = (struct gen_writer){.variable_count = 0};
    gf_strbuf_init(&writer->out, GEN_OUTPUT_BYTES_MAX);
}

void gen_writer_fini(struct gen_writer *writer) {
    gf_strbuf_fini(&writer->out);
}

static struct gen_variable *find_variable(struct gen_writer *writer, struct gf_str name) {
    for (size_t i = 0; i < writer->variable_count; i++) {
        if (gf_str_eq(gf_str_from(writer->variables[i].name), name)) {
            return &writer->variables[i];
        }
    }
    return NULL;
}

void gen_set(struct gen_writer *writer, const char *name, const char *value) {
    struct gen_variable *variable = find_variable(writer, gf_str_from(name));
    if (variable == NULL) {
        gf_assert(writer->variable_count < GEN_VARIABLES_MAX);
        variable = &writer->variables[writer->variable_count++];
        variable->name = name;
    }
    variable->value = value;
}

static void expand(struct gen_writer *writer, const char *template, struct gf_strbuf *out) {
    struct gf_str rest = gf_str_from(template);
    struct gf_str text;
    while (gf_str_cut(rest, '$', &text, &rest)) {
        gf_strbuf_append(out, text);
        struct gf_str name;
        bool closed = gf_str_cut(rest, '$', &name, &rest);
        gf_assert(closed);
        const struct gen_variable *variable = find_variable(writer, name);
        gf_assert(variable != NULL);
        gf_strbuf_append_cstr(out, variable->value);
    }
    gf_strbuf_append(out, text);
}

void gen_emit(struct gen_writer *writer, const char *template) {
    expand(writer, template, &writer->out);
}

/* One line of a comment. A slash next to an asterisk is kept away from it. */
static void emit_comment_line(struct gf_strbuf *out, struct gf_str line) {
    while (line.len > 0 && (line.ptr[line.len - 1] == ' ' || line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    gf_strbuf_append_cstr(out, " *");
    if (line.len > 0 && line.ptr[0] != ' ') {
        gf_strbuf_append_char(out, ' ');
    }
    for (size_t i = 0; i < line.len; i++) {
        bool meets = i > 0 && ((line.ptr[i] == '/' && line.ptr[i - 1] == '*') ||
                               (line.ptr[i] == '*' && line.ptr[i - 1] == '/'));
        if (meets) {
            gf_strbuf_append_char(out, ' ');
        }
        gf_strbuf_append_char(out, line.ptr[i]);
    }
    gf_strbuf_append_char(out, '\n');
}

void gen_emit_comment(struct gen_writer *writer, const char *heading, const char *text) {
    if (text == NULL || text[0] == '\0') {
        gen_emit(writer, "/* ");
        gen_emit(writer, heading);
        gen_emit(writer, " */\n");
        return;
    }
    gen_emit(writer, "/*\n * ");
    gen_emit(writer, heading);
    gen_emit(writer, "\n *\n");
    struct gf_str rest = gf_str_from(text);
    struct gf_str line;
    bool more = true;
    while (more) {
        more = gf_str_cut(rest, '\n', &line, &rest);
        if (more || line.len > 0) {
            emit_comment_line(&writer->out, line);
        }
    }
    gen_emit(writer, " */\n");
}

/*
 * Writes the parameters from `indent` columns on; the first of them stands at `column` already.
 * False, and nothing written, when one of them does not fit.
 */
static bool emit_parameters(struct gf_strbuf *out, const struct gf_strbuf *texts, size_t count,
                            size_t column, size_t indent, size_t tail_len) {
    size_t start = out->len;
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        /* What must follow the parameter on its line. */
        size_t width = texts[i].len + (last ? tail_len : 1);
        if (i > 0 && column + 1 + width <= GEN_COLUMNS_MAX) {
            gf_strbuf_append_char(out, ' ');
            column++;
        } else if (i > 0) {
            gf_strbuf_append_char(out, '\n');
            gf_strbuf_printf(out, "%*s", (int)indent, "");
            column = indent;
        }
        if (column + width > GEN_COLUMNS_MAX) {
            gf_strbuf_truncate(out, start);
            return false;
        }
        gf_strbuf_append(out, gf_strbuf_view(&texts[i]));
        gf_strbuf_append_cstr(out, last ? "" : ",");
        column += texts[i].len + 1;
    }
    return true;
}

void gen_emit_function(struct gen_writer *writer, const char *head, const char *const *parameters,
                       size_t count, const char *tail) {
    enum {
        PARAMETERS_MAX = 16
    };
    gf_assert(count > 0 && count <= PARAMETERS_MAX);
    struct gf_strbuf *out = &writer->out;
    struct gf_strbuf texts[PARAMETERS_MAX];
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_init(&texts[i], GEN_OUTPUT_BYTES_MAX);
        expand(writer, parameters[i], &texts[i]);
    }
    struct gf_strbuf tail_text;
    gf_strbuf_init(&tail_text, GEN_OUTPUT_BYTES_MAX);
    expand(writer, tail, &tail_text);
    size_t tail_len = 1;
    while (tail_len <= tail_text.len && tail_text.ptr[tail_len - 1] != '\n') {
        tail_len++;
    }

    size_t before = out->len;
    gen_emit(writer, head);
    gf_strbuf_append_char(out, '(');
    size_t column = out->len - before;
    if (!emit_parameters(out, texts, count, column, column, tail_len)) {
        gf_strbuf_printf(out, "\n%*s", INDENT, "");
        bool fits = emit_parameters(out, texts, count, INDENT, INDENT, tail_len);
        /* Names that fill a line leave nothing to break: then the line is long. */
        for (size_t i = 0; !fits && i < count; i++) {
            gf_strbuf_printf(out, "%s%s", i > 0 ? ", " : "", texts[i].ptr);
        }
    }
    gf_strbuf_append_char(out, ')');
    gf_strbuf_append(out, gf_strbuf_view(&tail_text));
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_fini(&texts[i]);
    }
    gf_strbuf_fini(&tail_text);
}
