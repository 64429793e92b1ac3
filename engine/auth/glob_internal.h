/* Private to engine/auth: a glob made ready to be matched many times. */
#ifndef GOFER_ENGINE_AUTH_GLOB_INTERNAL_H_
#define GOFER_ENGINE_AUTH_GLOB_INTERNAL_H_

#include "engine/auth/glob.h"

#include <stdint.h>

enum {
    GF_GLOB_CODE_OTHER = 64, /* every byte that no identifier has */
    GF_GLOB_CODES = 65,
};

/*
 * The elements of a glob are its characters and `?`; stars stand between them. Bit i of accepts[c]
 * tells whether element i takes the character with code c; bit i of stars, whether a star stands
 * before element i (or behind the last, where i is element_count). A glob with a star has at most
 * 63 elements, so that all its places are in one word.
 */
struct gf_glob__program {
    uint64_t accepts[GF_GLOB_CODES];
    uint64_t any; /* elements that are `?` */
    uint64_t stars;
    uint32_t element_count;
};

/* 0 to 63 for the characters of identifiers, else GF_GLOB_CODE_OTHER. */
uint8_t gf_glob__code(char c);

/* False, and the program untouched, for a glob that gf_glob_check refuses. */
bool gf_glob__compile(struct gf_str glob, struct gf_glob__program *out_program) GF_MUST_USE;

bool gf_glob__run(const struct gf_glob__program *program, const uint8_t *codes, size_t count);

#endif /* GOFER_ENGINE_AUTH_GLOB_INTERNAL_H_ */
