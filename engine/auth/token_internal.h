/* Private to engine/auth: what the texts of all kinds of tokens are made of. */
#ifndef GOFER_ENGINE_AUTH_TOKEN_INTERNAL_H_
#define GOFER_ENGINE_AUTH_TOKEN_INTERNAL_H_

#include "engine/auth/token.h"

#include <stddef.h>

#include <sodium.h>

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

/* The number that `count` digits are, the highest first; false where it does not fit. */
bool gf_token__number(const char *chars, size_t count, int64_t *out_number);

/* A number for a tag: eight bytes, the highest first. */
void gf_token__put_u64(uint8_t out[8], int64_t number);

/* Adds an id, a valid identifier, to what a tag is made of. */
void gf_token__absorb_id(crypto_generichash_state *state, struct gf_str id);

/* Starts a text with "gfr_K_". */
void gf_token__start(struct gf_token_text *text, enum gf_token_kind kind);

/* Ends a text with its checksum and a NUL. */
void gf_token__finish(struct gf_token_text *text);

#endif /* GOFER_ENGINE_AUTH_TOKEN_INTERNAL_H_ */
