/*
 * The rules of protoc-gen-c are those of its version 1.4: types are CamelCase joined by "__",
 * functions snake_case joined by "__", where each capital that follows none starts a new word; that
 * differs from gen_snake, which keeps "HTTP" together in "GetHTTPUrl" but parts it from "Url".
 */
#include "tools/protoc-gen-gofer-c/names.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* An identifier at most doubles when every character gets a separator. */
static char *room_for(struct gf_arena *arena, const char *text) {
    return gf_arena_alloc(arena, 2 * strlen(text) + 2);
}

char *gen_snake(struct gf_arena *arena, const char *camel) {
    char *out = room_for(arena, camel);
    size_t len = 0;
    for (size_t i = 0; camel[i] != '\0'; i++) {
        bool starts_word =
            isupper((unsigned char)camel[i]) && i > 0 && camel[i - 1] != '_' &&
            (!isupper((unsigned char)camel[i - 1]) || islower((unsigned char)camel[i + 1]));
        if (starts_word) {
            out[len++] = '_';
        }
        out[len++] = (char)tolower((unsigned char)camel[i]);
    }
    return out;
}

char *gen_upper(struct gf_arena *arena, const char *text) {
    char *out = gf_arena_strdup(arena, text);
    for (size_t i = 0; out[i] != '\0'; i++) {
        out[i] = (char)toupper((unsigned char)out[i]);
    }
    return out;
}

char *gen_strip_proto(struct gf_arena *arena, const char *file_name) {
    struct gf_str name = gf_str_from(file_name);
    if (gf_str_has_suffix(name, GF_STR(".proto"))) {
        name.len -= strlen(".proto");
    }
    return gf_arena_printf(arena, "%" GF_STR_FMT, GF_STR_ARG(name));
}

char *gen_service_name(struct gf_arena *arena, const char *package, const char *service) {
    char *prefix = gf_arena_strdup(arena, package);
    for (size_t i = 0; prefix[i] != '\0'; i++) {
        prefix[i] = prefix[i] == '.' ? '_' : prefix[i];
    }
    return gf_arena_printf(arena, "%s%s%s", prefix, prefix[0] != '\0' ? "_" : "",
                           gen_snake(arena, service));
}

/* clang-format off */
static const char *const keywords[] = {
    "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "class", "compl", "const", "const_cast", "continue", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "extern", "false", "float", "for", "friend",
    "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "not", "not_eq",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "return", "short", "signed", "sizeof", "static", "static_cast", "struct", "switch",
    "template", "this", "throw", "true", "try", "typedef", "typeid", "typename", "union",
    "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
};
/* clang-format on */

static bool is_keyword(const char *word) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(keywords); i++) {
        if (strcmp(word, keywords[i]) == 0) {
            return true;
        }
    }
    return false;
}

char *gen_member(struct gf_arena *arena, const char *snake) {
    return gf_arena_printf(arena, "%s%s", snake, is_keyword(snake) ? "_" : "");
}

char *gen_message_type(struct gf_arena *arena, const char *full_name) {
    char *out = room_for(arena, full_name);
    size_t len = 0;
    bool capital = true;
    for (size_t i = 0; full_name[i] != '\0'; i++) {
        char c = full_name[i];
        if (c == '.') {
            out[len++] = '_';
            out[len++] = '_';
            capital = true;
        } else if (c == '_') {
            capital = true;
        } else {
            out[len++] = capital ? (char)toupper((unsigned char)c) : c;
            capital = false;
        }
    }
    return out;
}

char *gen_message_symbol(struct gf_arena *arena, const char *full_name) {
    char *out = room_for(arena, full_name);
    size_t len = 0;
    bool was_upper = true;
    for (size_t i = 0; full_name[i] != '\0'; i++) {
        char c = full_name[i];
        bool upper = isupper((unsigned char)c) || c == '.';
        if (c == '.') {
            out[len++] = '_';
            out[len++] = '_';
        } else {
            if (upper && !was_upper) {
                out[len++] = '_';
            }
            out[len++] = (char)tolower((unsigned char)c);
        }
        was_upper = upper;
    }
    return out;
}

char *gen_field_member(struct gf_arena *arena, const char *field) {
    char *out = gf_arena_strdup(arena, field);
    for (size_t i = 0; out[i] != '\0'; i++) {
        out[i] = (char)tolower((unsigned char)out[i]);
    }
    return gen_member(arena, out);
}
