/*
 * Design: a scan for "{{" that looks back at the word before it. All work at one "{{" is bounded by
 * the text since the last one (the word), or moves the position (the key), so the whole is linear.
 */
#include "engine/secrets/references.h"

#include "base/identifier.h"

enum {
    WORD_SHOWN_BYTES_MAX = 32,
    BRACES = 2,
};

const char *gf_reference_word(enum gf_reference_kind kind) {
    switch (kind) {
    case GF_REFERENCE_UNSPECIFIED:
        return "";
#define GF_X(name, number, word)                                                                   \
    case GF_REFERENCE_##name:                                                                      \
        return word;
        GF_REFERENCE_KINDS(GF_X)
#undef GF_X
    }
    return "";
}

static bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool has_at(struct gf_str text, size_t at, const char braces[BRACES + 1]) {
    return at + BRACES <= text.len && text.ptr[at] == braces[0] && text.ptr[at + 1] == braces[1];
}

/* The kind whose word stands at the end of `word`. */
static enum gf_reference_kind kind_of(struct gf_str word) {
#define GF_X(name, number, text)                                                                   \
    if (gf_str_has_suffix(word, GF_STR(text))) {                                                   \
        return GF_REFERENCE_##name;                                                                \
    }
    GF_REFERENCE_KINDS(GF_X)
#undef GF_X
    return GF_REFERENCE_UNSPECIFIED;
}

/* Whether a word is close enough to a kind to be meant as one. */
static bool looks_like_kind(struct gf_str word) {
    static const struct gf_str endings[] = {
        {"secret", 6}, {"secrets", 7}, {"object", 6}, {"objects", 7}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(endings); i++) {
        if (word.len < endings[i].len) {
            continue;
        }
        const struct gf_str end = {word.ptr + word.len - endings[i].len, endings[i].len};
        if (gf_str_eq_nocase(end, endings[i])) {
            return true;
        }
    }
    return false;
}

/* ---- Keys ---- */

static bool is_object_key_char(char c) {
    return is_word_char(c) || c == '-' || c == '.' || c == '/';
}

static enum gf_code check_object_key(struct gf_str key, struct gf_error *err) {
    if (key.len == 0 || key.len > GF_OBJECT_KEY_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "key has %zu characters, expected 1 to %d",
                       key.len, GF_OBJECT_KEY_BYTES_MAX);
    }
    for (size_t i = 0; i < key.len; i++) {
        if (!is_object_key_char(key.ptr[i])) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "key has the byte 0x%02x at position %zu, expected letters, digits, "
                           "'-', '_', '.' and '/'",
                           (unsigned char)key.ptr[i], i + 1);
        }
    }
    struct gf_str rest = key;
    bool more = true;
    while (more) {
        struct gf_str part = {0};
        more = gf_str_cut(rest, '/', &part, &rest);
        if (part.len == 0 || gf_str_eq(part, GF_STR(".."))) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "key has an empty part or '..' between its '/'");
        }
    }
    return GF_OK;
}

static enum gf_code check_key(enum gf_reference_kind kind, struct gf_str key,
                              struct gf_error *err) {
    if (kind == GF_REFERENCE_PIPELINE_OBJECT || kind == GF_REFERENCE_RUN_OBJECT) {
        return check_object_key(key, err);
    }
    struct gf_error why = {0};
    if (gf_identifier_check(key, "", &why) != GF_OK) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "key: %s", why.message);
    }
    return GF_OK;
}

/* ---- Parts ---- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct gf_str trim(struct gf_str text) {
    while (text.len != 0 && is_blank(text.ptr[0])) {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    while (text.len != 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Reads a reference that begins at `start`, its braces at `braces`. */
static enum gf_code read_reference(struct gf_str text, enum gf_reference_kind kind, unsigned kinds,
                                   size_t start, size_t braces, struct gf_text_part *out_part,
                                   struct gf_error *err) {
    const char *word = gf_reference_word(kind);
    const size_t key_at = braces + BRACES;
    size_t end = key_at;
    if ((kinds & GF_REFERENCE_BIT(kind)) == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "position %zu: '%s{{' cannot be used here; for the text itself write "
                       "'%s{{{{'",
                       start + 1, word, word);
    }
    while (end < text.len && !has_at(text, end, "}}")) {
        end++;
    }
    if (end == text.len) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "position %zu: '%s{{' has no '}}' behind it; for the text itself write "
                       "'%s{{{{'",
                       start + 1, word, word);
    }
    const struct gf_str key = trim((struct gf_str){text.ptr + key_at, end - key_at});
    const enum gf_code rc = check_key(kind, key, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "position %zu: '%s{{'", start + 1, word);
        return rc;
    }
    *out_part = (struct gf_text_part){
        .kind = kind,
        .key = key,
        .text = {text.ptr + start, end + BRACES - start},
        .offset = start,
    };
    return GF_OK;
}

/* The word may begin with what is nobody's business, so only its end is shown. */
static enum gf_code fail_word(struct gf_str word, size_t braces, struct gf_error *err) {
    const size_t len = word.len < WORD_SHOWN_BYTES_MAX ? word.len : WORD_SHOWN_BYTES_MAX;
    const struct gf_str shown = {word.ptr + word.len - len, len};
    return gf_fail(err, GF_INVALID_ARGUMENT,
                   "position %zu: '%" GF_STR_FMT "{{' is no kind of reference, expected "
                   "pipeline_secret, global_secret, pipeline_object or run_object; for the text "
                   "itself write '%" GF_STR_FMT "{{{{'",
                   braces - len + 1, GF_STR_ARG(shown), GF_STR_ARG(shown));
}

static void keep(struct gf_str text, size_t from, size_t to, struct gf_text_part *out_part) {
    *out_part = (struct gf_text_part){
        .text = {text.ptr + from, to - from},
        .offset = from,
    };
}

/* The next "{{" behind a word that is or looks like a kind; text.len where there is none. */
static size_t find_braces(struct gf_str text, size_t from, struct gf_str *out_word) {
    for (size_t at = from; at + BRACES <= text.len; at++) {
        if (!has_at(text, at, "{{")) {
            continue;
        }
        size_t start = at;
        while (start > from && is_word_char(text.ptr[start - 1])) {
            start--;
        }
        const struct gf_str word = {text.ptr + start, at - start};
        if (looks_like_kind(word)) {
            *out_word = word;
            return at;
        }
    }
    return text.len;
}

enum gf_code gf_text_next(struct gf_str text, unsigned kinds, size_t *position, bool *out_more,
                          struct gf_text_part *out_part, struct gf_error *err) {
    const size_t from = *position;
    if (from >= text.len) {
        *out_more = false;
        return GF_OK;
    }
    struct gf_str word = {0};
    struct gf_text_part part;
    const size_t braces = find_braces(text, from, &word);
    size_t next = 0;
    if (braces == text.len) {
        keep(text, from, text.len, &part);
        next = text.len;
    } else if (has_at(text, braces + BRACES, "{{")) {
        keep(text, from, braces + BRACES, &part);
        next = braces + BRACES + BRACES;
    } else {
        const enum gf_reference_kind kind = kind_of(word);
        if (kind == GF_REFERENCE_UNSPECIFIED) {
            return fail_word(word, braces, err);
        }
        const size_t start = braces - strlen(gf_reference_word(kind));
        const enum gf_code rc = read_reference(text, kind, kinds, start, braces, &part, err);
        if (rc != GF_OK) {
            return rc;
        }
        next = start + part.text.len;
        if (start > from) {
            keep(text, from, start, &part);
            next = start;
        }
    }
    *out_part = part;
    *out_more = true;
    *position = next;
    return GF_OK;
}

enum gf_code gf_references_list(struct gf_str text, unsigned kinds, struct gf_arena *arena,
                                struct gf_text_part **out_references, size_t *out_count,
                                struct gf_error *err) {
    struct gf_text_part found[GF_REFERENCES_MAX];
    size_t count = 0;
    size_t position = 0;
    for (;;) {
        struct gf_text_part part;
        bool more = false;
        const enum gf_code rc = gf_text_next(text, kinds, &position, &more, &part, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (!more) {
            break;
        }
        if (part.kind == GF_REFERENCE_UNSPECIFIED) {
            continue;
        }
        if (count == GF_REFERENCES_MAX) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "position %zu: more than %d references in one text", part.offset + 1,
                           GF_REFERENCES_MAX);
        }
        found[count++] = part;
    }
    *out_references = gf_arena_memdup(arena, found, count * sizeof(found[0]));
    *out_count = count;
    return GF_OK;
}
