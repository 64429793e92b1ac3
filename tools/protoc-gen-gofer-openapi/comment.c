#include "tools/protoc-gen-gofer-openapi/comment.h"

#include "base/error.h"
#include "base/macros.h"

#include <string.h>

enum {
    TEXT_BYTES_MAX = 1 << 20,
};

/* ---- Text ---- */

static struct gf_str trim(struct gf_str text) {
    while (text.len > 0 && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\r')) {
        text.len--;
    }
    return text;
}

const char *oas_comment_text(struct gf_arena *arena, const char *comment) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, TEXT_BYTES_MAX);
    struct gf_str rest = gf_str_from(comment);
    struct gf_str line;
    bool more = rest.len > 0;
    bool is_open = false; /* the line before goes on */
    while (more) {
        more = gf_str_cut(rest, '\n', &line, &rest);
        line = trim(line);
        if (line.len == 0) {
            is_open = false;
            continue;
        }
        bool is_item = gf_str_has_prefix(line, GF_STR("- "));
        is_open = is_open && !gf_str_has_prefix(line, GF_STR("Errors: "));
        if (out.len > 0) {
            gf_strbuf_append_cstr(&out, is_open && !is_item ? " " : is_item ? "\n" : "\n\n");
        }
        gf_strbuf_append(&out, line);
        is_open = true;
    }
    const char *text = gf_arena_strdup(arena, out.ptr != NULL ? out.ptr : "");
    gf_strbuf_fini(&out);
    return text;
}

const char *oas_comment_summary(struct gf_arena *arena, const char *text) {
    struct gf_str sentence = gf_str_from(text);
    const char *stop = strstr(text, ". ");
    const char *line = strchr(text, '\n');
    if (stop != NULL) {
        sentence.len = (size_t)(stop - text);
    }
    if (line != NULL && (size_t)(line - text) < sentence.len) {
        sentence.len = (size_t)(line - text);
    }
    if (gf_str_has_suffix(sentence, GF_STR("."))) {
        sentence.len--;
    }
    return gf_arena_str(arena, sentence).ptr;
}

bool oas_comment_says(const char *text, const char *phrase) {
    return strstr(text, phrase) != NULL;
}

bool oas_comment_is_unavailable(const char *text) {
    return oas_comment_says(text, "Not in this version.") ||
           oas_comment_says(text, "Not in this version: answers UNIMPLEMENTED.");
}

/* ---- Limits ---- */

/* Takes a decimal number, with its sign, from the front. */
static bool take_number(struct gf_str *text, int64_t *out_number) {
    size_t len = text->len > 0 && text->ptr[0] == '-' ? 1 : 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9') {
        len++;
    }
    if (!gf_parse_i64((struct gf_str){text->ptr, len}, out_number)) {
        return false;
    }
    text->ptr += len;
    text->len -= len;
    return true;
}

static bool take_prefix(struct gf_str *text, struct gf_str prefix) {
    if (!gf_str_has_prefix(*text, prefix)) {
        return false;
    }
    text->ptr += prefix.len;
    text->len -= prefix.len;
    return true;
}

/* True where a clause ends here. */
static bool is_over(struct gf_str text) {
    return text.len == 0 || memchr(".,;:", text.ptr[0], 4) != NULL;
}

/* One sentence, or what stands behind a colon. */
static void read_clause(struct gf_str clause, struct oas_limits *limits) {
    int64_t least = 0;
    int64_t most = 0;
    struct gf_str rest = clause;
    if (take_prefix(&rest, GF_STR("Up to ")) && take_number(&rest, &most) &&
        gf_str_has_prefix(rest, GF_STR(" characters"))) {
        limits->chars_max = most;
        return;
    }
    rest = clause;
    if (take_prefix(&rest, GF_STR("At most ")) && take_number(&rest, &most) && is_over(rest)) {
        limits->items_max = most;
        return;
    }
    rest = clause;
    if (!take_number(&rest, &least) || !take_prefix(&rest, GF_STR(" to ")) ||
        !take_number(&rest, &most)) {
        return;
    }
    if (take_prefix(&rest, GF_STR(" letters, digits, hyphens and underscores"))) {
        limits->pattern = least == 3 && most == 64   ? "[A-Za-z0-9_-]{3,64}"
                          : least == 1 && most == 64 ? "[A-Za-z0-9_-]{1,64}"
                                                     : NULL;
    } else if (gf_str_has_prefix(rest, GF_STR(" characters"))) {
        limits->chars_max = most;
    } else if (is_over(rest)) {
        limits->has_least = true;
        limits->has_most = true;
        limits->least = least < 0 ? least : 0;
        limits->most = most;
    }
}

void oas_comment_limits(const char *text, struct oas_limits *out_limits) {
    *out_limits = (struct oas_limits){.chars_max = -1, .items_max = -1};
    struct gf_str whole = gf_str_from(text);
    out_limits->is_required = gf_str_has_prefix(whole, GF_STR("Required. "));
    if (oas_comment_says(text, "Not negative.") || oas_comment_says(text, "negative is an error")) {
        out_limits->has_least = true;
        out_limits->least = 0;
    }
    for (size_t i = 0; i < whole.len; i++) {
        bool is_start = i == 0 || (i >= 2 && whole.ptr[i - 1] == ' ' &&
                                   (whole.ptr[i - 2] == '.' || whole.ptr[i - 2] == ':'));
        if (is_start) {
            read_clause((struct gf_str){whole.ptr + i, whole.len - i}, out_limits);
        }
    }
}

/* ---- Errors ---- */

/* The code that a clause begins with, or NULL. */
static const char *code_at(struct gf_str clause) {
    size_t len = 0;
    while (len < clause.len &&
           (clause.ptr[len] == '_' || (clause.ptr[len] >= 'A' && clause.ptr[len] <= 'Z'))) {
        len++;
    }
    for (int code = GF_CANCELLED; code <= GF_UNAUTHENTICATED; code++) {
        const char *name = gf_code_name((enum gf_code)code);
        if (gf_str_eq((struct gf_str){clause.ptr, len}, gf_str_from(name))) {
            return name;
        }
    }
    return NULL;
}

/* How long the clause is: up to the next "; " behind which a code stands. */
static size_t clause_len(struct gf_str text) {
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.ptr[i] == ';' && text.ptr[i + 1] == ' ' &&
            code_at((struct gf_str){text.ptr + i + 2, text.len - i - 2}) != NULL) {
            return i;
        }
    }
    return text.len;
}

void oas_comment_each_error(const char *text, struct gf_arena *arena,
                            void (*each)(const char *code, const char *clause, void *ctx),
                            void *ctx) {
    const struct gf_str mark = GF_STR("Errors: ");
    const char *start = strstr(text, mark.ptr);
    if (start == NULL) {
        return;
    }
    struct gf_str rest = gf_str_from(start + mark.len);
    while (rest.len > 0) {
        struct gf_str clause = {rest.ptr, clause_len(rest)};
        const char *code = code_at(clause);
        if (code != NULL) {
            struct gf_str shown = clause;
            shown.len -= gf_str_has_suffix(shown, GF_STR(".")) ? 1 : 0;
            each(code, gf_arena_str(arena, shown).ptr, ctx);
        }
        size_t taken = clause.len + 2 < rest.len ? clause.len + 2 : rest.len;
        rest.ptr += taken;
        rest.len -= taken;
    }
}
