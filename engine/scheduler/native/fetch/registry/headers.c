#include "engine/scheduler/native/fetch/registry/headers.h"

/* What is left to read. */
struct cursor {
    struct gf_str rest;
};

static bool is_token_char(char c) {
    const bool is_alphanumeric =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_alphanumeric || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void skip(struct cursor *cursor, size_t count) {
    cursor->rest = (struct gf_str){cursor->rest.ptr + count, cursor->rest.len - count};
}

static void skip_any(struct cursor *cursor, const char *chars) {
    while (cursor->rest.len > 0 && cursor->rest.ptr[0] != '\0' &&
           strchr(chars, cursor->rest.ptr[0]) != NULL) {
        skip(cursor, 1);
    }
}

static bool take_char(struct cursor *cursor, char c) {
    if (cursor->rest.len == 0 || cursor->rest.ptr[0] != c) {
        return false;
    }
    skip(cursor, 1);
    return true;
}

static bool take_token(struct cursor *cursor, struct gf_str *out) {
    size_t len = 0;
    while (len < cursor->rest.len && is_token_char(cursor->rest.ptr[len])) {
        len++;
    }
    *out = (struct gf_str){cursor->rest.ptr, len};
    skip(cursor, len);
    return len > 0;
}

/* A quoted string without its quotes and backslashes, or a token; no control characters. */
static bool take_value(struct cursor *cursor, char *out, size_t size) {
    size_t len = 0;
    struct gf_str token;
    if (!take_char(cursor, '"')) {
        if (!take_token(cursor, &token) || token.len >= size) {
            return false;
        }
        memcpy(out, token.ptr, token.len);
        out[token.len] = '\0';
        return true;
    }
    while (!take_char(cursor, '"')) {
        (void)take_char(cursor, '\\');
        if (cursor->rest.len == 0 || len + 1 >= size || (unsigned char)cursor->rest.ptr[0] < 0x20 ||
            cursor->rest.ptr[0] == 0x7f) {
            return false;
        }
        out[len++] = cursor->rest.ptr[0];
        skip(cursor, 1);
    }
    out[len] = '\0';
    return true;
}

/* The parameter behind "name=" of the challenge that is being read. */
static bool take_parameter(struct cursor *cursor, struct gf_str name, struct gf_challenge *found) {
    char unknown[GF_REGISTRY_URL_CHARS_MAX + 1];
    if (gf_str_eq_nocase(name, GF_STR("realm"))) {
        return take_value(cursor, found->realm, sizeof(found->realm));
    }
    if (gf_str_eq_nocase(name, GF_STR("service"))) {
        return take_value(cursor, found->service, sizeof(found->service));
    }
    if (gf_str_eq_nocase(name, GF_STR("scope"))) {
        return take_value(cursor, found->scope, sizeof(found->scope));
    }
    return take_value(cursor, unknown, sizeof(unknown));
}

static void settle(struct gf_challenge *best, const struct gf_challenge *found) {
    const bool is_useful = found->kind != GF_CHALLENGE_BEARER || found->realm[0] != '\0';
    if (is_useful && found->kind > best->kind) {
        *best = *found;
    }
}

static enum gf_challenge_kind kind_of(struct gf_str scheme) {
    return gf_str_eq_nocase(scheme, GF_STR("Bearer"))  ? GF_CHALLENGE_BEARER
           : gf_str_eq_nocase(scheme, GF_STR("Basic")) ? GF_CHALLENGE_BASIC
                                                       : GF_CHALLENGE_NONE;
}

/*
 * A word with "=" behind it is a parameter, any other begins a challenge. A challenge may have one
 * word with padding instead of parameters ("Negotiate abc==").
 */
bool gf_challenge_add(struct gf_challenge *challenge, struct gf_str value) {
    struct cursor cursor = {value};
    struct gf_challenge best = *challenge;
    struct gf_challenge found = {GF_CHALLENGE_NONE};
    bool is_first = true;
    skip_any(&cursor, " \t,");
    while (cursor.rest.len > 0) {
        struct gf_str word;
        if (!take_token(&cursor, &word)) {
            return false;
        }
        skip_any(&cursor, " \t");
        if (is_first || !take_char(&cursor, '=')) {
            settle(&best, &found);
            found = (struct gf_challenge){kind_of(word)};
            is_first = false;
        } else {
            skip_any(&cursor, "=");
            skip_any(&cursor, " \t");
            const bool has_value = cursor.rest.len > 0 && cursor.rest.ptr[0] != ',';
            if (has_value && !take_parameter(&cursor, word, &found)) {
                return false;
            }
        }
        skip_any(&cursor, " \t,");
    }
    settle(&best, &found);
    *challenge = best;
    return true;
}

/* Whether the words of a "rel" hold "next". */
static bool holds_next(struct gf_str words) {
    bool more = true;
    while (more) {
        struct gf_str word;
        more = gf_str_cut(words, ' ', &word, &words);
        if (gf_str_eq_nocase(word, GF_STR("next"))) {
            return true;
        }
    }
    return false;
}

/* The parameters behind an address. False: malformed. */
static bool take_link_parameters(struct cursor *cursor, bool *out_is_next) {
    *out_is_next = false;
    skip_any(cursor, " \t");
    while (take_char(cursor, ';')) {
        struct gf_str name;
        char value[GF_REGISTRY_VALUE_CHARS_MAX + 1] = "";
        skip_any(cursor, " \t");
        if (!take_token(cursor, &name)) {
            return false;
        }
        skip_any(cursor, " \t");
        if (take_char(cursor, '=')) {
            skip_any(cursor, " \t");
            if (!take_value(cursor, value, sizeof(value))) {
                return false;
            }
        }
        *out_is_next |= gf_str_eq_nocase(name, GF_STR("rel")) && holds_next(gf_str_from(value));
        skip_any(cursor, " \t");
    }
    return true;
}

bool gf_link_next(struct gf_str value, struct gf_str *out_address) {
    struct cursor cursor = {value};
    skip_any(&cursor, " \t,");
    while (take_char(&cursor, '<')) {
        struct gf_str address;
        bool is_next = false;
        if (!gf_str_cut(cursor.rest, '>', &address, &cursor.rest) ||
            !take_link_parameters(&cursor, &is_next)) {
            return false;
        }
        if (is_next) {
            *out_address = address;
            return address.len > 0;
        }
        skip_any(&cursor, " \t,");
    }
    return false;
}

bool gf_content_range_start(struct gf_str value, int64_t *out_start) {
    const struct gf_str unit = GF_STR("bytes ");
    struct gf_str start;
    struct gf_str rest;
    int64_t number = 0;
    if (!gf_str_has_prefix(value, unit)) {
        return false;
    }
    const struct gf_str range = {value.ptr + unit.len, value.len - unit.len};
    if (!gf_str_cut(range, '-', &start, &rest) || !gf_parse_i64(start, &number) || number < 0) {
        return false;
    }
    *out_start = number;
    return true;
}
