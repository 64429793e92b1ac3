/*
 * Page tokens and resume tokens: places in a list or a stream, as opaque text.
 *
 * A token holds a position and a hash of what else the call was asked, so that a token of another
 * question is refused instead of giving nonsense. It is no secret and no proof: who changes one
 * gets GF_INVALID_ARGUMENT or another place of the same list.
 *
 *     text   = base64url, without padding, of:
 *     bytes  = version (1)  hash (8)  GF_PAGE_TOKEN_NUMBERS numbers (8 each, little-endian)  text
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_PAGE_TOKEN_H_
#define GOFER_API_CODEC_MODEL_PAGE_TOKEN_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdint.h>

enum {
    GF_PAGE_TOKEN_NUMBERS = 3,
    GF_PAGE_TOKEN_TEXT_BYTES_MAX = 512,
    GF_PAGE_TOKEN_CHARS_MAX = 1024, /* longer ones are refused unread */
};

/* What a token belongs to. */
struct gf_page_scope {
    uint64_t hash;
};

/* Starts with a name that no other list or stream has; then everything that selects its items. */
struct gf_page_scope gf_page_scope(const char *name);
void gf_page_scope_text(struct gf_page_scope *scope, struct gf_str text);
void gf_page_scope_number(struct gf_page_scope *scope, int64_t number);

struct gf_page_token {
    int64_t numbers[GF_PAGE_TOKEN_NUMBERS];
    struct gf_str text; /* up to GF_PAGE_TOKEN_TEXT_BYTES_MAX bytes (asserted) */
};

/* The text of a token, in the arena. */
char *gf_page_token_write(const struct gf_page_scope *scope, const struct gf_page_token *token,
                          struct gf_arena *arena);

/*
 * Reads a token; an empty text gives a zeroed one. out->text is in the arena. Code:
 * GF_INVALID_ARGUMENT on `field` (malformed, or of another scope).
 */
enum gf_code gf_page_token_read(const struct gf_page_scope *scope, const char *text,
                                const char *field, struct gf_arena *arena,
                                struct gf_page_token *out, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_MODEL_PAGE_TOKEN_H_ */
