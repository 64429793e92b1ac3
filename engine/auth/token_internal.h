/* Private to engine/auth: what the texts of all kinds of tokens are made of. */
#ifndef GOFER_ENGINE_AUTH_TOKEN_INTERNAL_H_
#define GOFER_ENGINE_AUTH_TOKEN_INTERNAL_H_

#include "engine/auth/token.h"

#include <stddef.h>

enum {
    GF_BASE62_BYTES_MAX = 32,
};

/*
 * Writes a number of at most GF_BASE62_BYTES_MAX bytes, the highest first, as `count` digits; of a
 * number that needs more the highest are left out. No final NUL. The time does not depend on the
 * number but for its size.
 */
void gf_token__base62(const uint8_t *bytes, size_t size, char *out, size_t count);

/* The value of a digit, or -1. */
int gf_token__base62_value(char c);

/* Starts a text with "gfr_K_". */
void gf_token__start(struct gf_token_text *text, enum gf_token_kind kind);

/* Ends a text with its checksum and a NUL. */
void gf_token__finish(struct gf_token_text *text);

#endif /* GOFER_ENGINE_AUTH_TOKEN_INTERNAL_H_ */
