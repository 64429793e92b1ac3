/*
 * A glob runs as a set of places, one bit each, that moves with every character: place i says that
 * the elements before i have taken the characters so far. The usual way, to go on from the last
 * star when something does not fit, is quadratic for globs such as `*aaaab`; this one takes one
 * step for each character.
 */
#include "engine/auth/glob.h"

#include "engine/auth/glob_internal.h"

#include <string.h>

static bool is_wildcard(char c) {
    return c == '*' || c == '?';
}

uint8_t gf_glob__code(char c) {
    if (c >= 'a' && c <= 'z') {
        return (uint8_t)(c - 'a');
    }
    if (c >= 'A' && c <= 'Z') {
        return (uint8_t)(c - 'A' + 26);
    }
    if (c >= '0' && c <= '9') {
        return (uint8_t)(c - '0' + 52);
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : GF_GLOB_CODE_OTHER;
}

enum gf_code gf_glob_check(struct gf_str glob, const char *field, struct gf_error *err) {
    if (glob.len == 0) {
        return gf_fail_field(err, field, "glob is empty, expected 1 to %d characters",
                             GF_GLOB_CHARS_MAX);
    }
    if (glob.len > GF_GLOB_CHARS_MAX) {
        return gf_fail_field(err, field, "glob has %zu characters, expected 1 to %d", glob.len,
                             GF_GLOB_CHARS_MAX);
    }
    for (size_t i = 0; i < glob.len; i++) {
        if (!is_wildcard(glob.ptr[i]) && gf_glob__code(glob.ptr[i]) == GF_GLOB_CODE_OTHER) {
            return gf_fail_field(err, field,
                                 "glob has the byte 0x%02x at position %zu, expected letters, "
                                 "digits, '-', '_', '*' and '?'",
                                 (unsigned)(unsigned char)glob.ptr[i], i + 1);
        }
    }
    return GF_OK;
}

/* ---- programs ---- */

/* Of a run of wildcards the star goes behind the last `?`: it is the same, and has one form. */
bool gf_glob__compile(struct gf_str glob, struct gf_glob__program *out_program) {
    if (gf_glob_check(glob, "", NULL) != GF_OK) {
        return false;
    }
    struct gf_glob__program program = {0};
    bool star = false; /* in the run of wildcards that is being read */
    for (size_t i = 0; i < glob.len; i++) {
        const uint64_t bit = UINT64_C(1) << (program.element_count & 63);
        if (glob.ptr[i] == '*') {
            star = true;
        } else if (glob.ptr[i] == '?') {
            program.any |= bit;
            program.element_count++;
        } else {
            program.stars |= star ? bit : 0;
            star = false;
            program.accepts[gf_glob__code(glob.ptr[i])] |= bit;
            program.element_count++;
        }
    }
    if (star) {
        program.stars |= UINT64_C(1) << program.element_count;
    }
    for (size_t i = 0; i < GF_GLOB_CODES; i++) {
        program.accepts[i] |= program.any;
    }
    *out_program = program;
    return true;
}

/* Without a star every element has its own character. */
static bool run_fixed(const struct gf_glob__program *program, const uint8_t *codes, size_t count) {
    if (count != program->element_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if ((program->accepts[codes[i]] >> i & 1) == 0) {
            return false;
        }
    }
    return true;
}

bool gf_glob__run(const struct gf_glob__program *program, const uint8_t *codes, size_t count) {
    if (program->stars == 0) {
        return run_fixed(program, codes, count);
    }
    uint64_t places = 1;
    for (size_t i = 0; i < count && places != 0; i++) {
        places = (places & program->accepts[codes[i]]) << 1 | (places & program->stars);
    }
    return (places >> program->element_count & 1) != 0;
}

bool gf_glob_match(struct gf_str glob, struct gf_str text) {
    uint8_t codes[GF_IDENTIFIER_CHARS_MAX];
    struct gf_glob__program program;
    if (text.len > sizeof(codes)) {
        return gf_glob_matches_all(glob);
    }
    for (size_t i = 0; i < text.len; i++) {
        codes[i] = gf_glob__code(text.ptr[i]);
    }
    return gf_glob__compile(glob, &program) && gf_glob__run(&program, codes, text.len);
}

/* ---- what globs say of each other ---- */

bool gf_glob_matches_all(struct gf_str glob) {
    for (size_t i = 0; i < glob.len; i++) {
        if (glob.ptr[i] != '*') {
            return false;
        }
    }
    return glob.len > 0 && glob.len <= GF_GLOB_CHARS_MAX;
}

bool gf_glob_floats(struct gf_str glob) {
    size_t runs = 0;
    bool star = false;
    for (size_t i = 0; i < glob.len; i++) {
        if (glob.ptr[i] == '*') {
            runs += star ? 0 : 1;
            star = true;
        } else if (glob.ptr[i] != '?') {
            star = false;
        }
    }
    return runs > 1;
}

/* The program of `wide` over the elements and stars of `narrow`, as if they were characters. */
bool gf_glob_covers(struct gf_str wide, struct gf_str narrow) {
    struct gf_glob__program program;
    struct gf_glob__program of;
    if (!gf_glob__compile(wide, &program) || !gf_glob__compile(narrow, &of)) {
        return false;
    }
    if (program.stars == 0) {
        return of.stars == 0 &&
               gf_glob_match(wide, narrow); /* `?` is no character: only `?` fits */
    }
    uint64_t places = 1;
    for (size_t i = 0; i < narrow.len && places != 0;) {
        /* A run of wildcards, in its one form: first every `?`, then the star. */
        bool star = false;
        for (; i < narrow.len && is_wildcard(narrow.ptr[i]); i++) {
            star = star || narrow.ptr[i] == '*';
            if (narrow.ptr[i] == '?') {
                places = (places & program.any) << 1 | (places & program.stars);
            }
        }
        places &= star ? program.stars : UINT64_MAX;
        if (i < narrow.len) {
            const uint64_t accepts = program.accepts[gf_glob__code(narrow.ptr[i++])];
            places = (places & accepts) << 1 | (places & program.stars);
        }
    }
    return (places >> program.element_count & 1) != 0;
}
