/*
 * The text of a token: what a caller shows to be let in.
 *
 *     gfr_h_0123456789abcdefghijABCDEFGHIJ1x2Y3z
 *     ---- - ------------------------------------
 *      |   |  30 random characters, 6 of checksum
 *      |   kind: h human, b bot, e extension, r run, x container of an extension
 *      what scanners of leaked secrets look for
 *
 * All characters are of base 62 in the order 0-9 A-Z a-z; numbers are written with the highest
 * digit first and zeros in front. The checksum is the CRC-32 of zlib, gzip and PNG over everything
 * before it, so that a scanner in any language can tell a token from a look-alike without asking
 * anybody. It finds mistakes and proves nothing: what lets in is the digest, which is looked up.
 *
 * The random part has 178 bits, made of entropy that the caller gives: nothing here is random by
 * itself. The tokens of runs and of the containers of extensions have more characters, and are not
 * stored at all (run_token.h, extension_token.h).
 *
 * A text is a secret: no message here contains any of it, and who holds one wipes it
 * (gf_token_text_wipe). For the edge of the API, which finds callers, and for the service of
 * tokens.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_AUTH_TOKEN_H_
#define GOFER_ENGINE_AUTH_TOKEN_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, number, letter): numbers are stored and are those of TokenKind in token.proto. */
#define GF_TOKEN_KINDS(X) X(HUMAN, 1, 'h') X(BOT, 2, 'b') X(EXTENSION, 3, 'e') X(RUN, 4, 'r')

enum gf_token_kind {
    GF_TOKEN_KIND_UNSPECIFIED = 0,
#define GF_X(name, number, letter) GF_TOKEN_KIND_##name = (number),
    GF_TOKEN_KINDS(GF_X)
#undef GF_X
    /* Of the text alone, letter 'x': whoever shows it is told of as an EXTENSION, and no stored
     * token has it. */
    GF_TOKEN_KIND_CONTAINER = 5,
};

/* "HUMAN"; "UNSPECIFIED" for what is no kind. Static storage. */
const char *gf_token_kind_name(enum gf_token_kind kind);
/* Whether it is one of the table, which a stored token may have. */
bool gf_token_kind_valid(int64_t number);

enum {
    GF_TOKEN_ENTROPY_BYTES = 32,
    GF_TOKEN_DIGEST_BYTES = 32,
    GF_TOKEN_PREFIX_CHARS = 6, /* "gfr_h_" */
    GF_TOKEN_RANDOM_CHARS = 30,
    GF_TOKEN_CHECKSUM_CHARS = 6,
    GF_TOKEN_CHARS = GF_TOKEN_PREFIX_CHARS + GF_TOKEN_RANDOM_CHARS + GF_TOKEN_CHECKSUM_CHARS,
    GF_TOKEN_RUN_KEY_CHARS = 11, /* 63 bits */
    GF_TOKEN_TAG_CHARS = 43,     /* 256 bits */
    GF_TOKEN_RUN_CHARS = GF_TOKEN_PREFIX_CHARS + GF_TOKEN_RUN_KEY_CHARS + GF_TOKEN_TAG_CHARS +
                         GF_TOKEN_CHECKSUM_CHARS,
    GF_TOKEN_EXTENSION_KEY_CHARS = 11,
    GF_TOKEN_ATTEMPT_CHARS = 6, /* 31 bits */
    GF_TOKEN_CONTAINER_CHARS = GF_TOKEN_PREFIX_CHARS + GF_TOKEN_EXTENSION_KEY_CHARS +
                               GF_TOKEN_ATTEMPT_CHARS + GF_TOKEN_TAG_CHARS +
                               GF_TOKEN_CHECKSUM_CHARS,
    GF_TOKEN_CHARS_MAX = GF_TOKEN_CONTAINER_CHARS,
    GF_TOKEN_ID_CHARS = 26, /* "tok_" and 22 characters */
};

/* A text in the caller's memory, NUL-terminated. */
struct gf_token_text {
    char chars[GF_TOKEN_CHARS_MAX + 1];
    size_t len;
};

static inline struct gf_str gf_token_text_view(const struct gf_token_text *text) {
    return (struct gf_str){text->chars, text->len};
}

/* Overwrites the text, in a way that no compiler leaves out. */
void gf_token_text_wipe(struct gf_token_text *text);

/* What is stored of a token. */
struct gf_token_digest {
    uint8_t bytes[GF_TOKEN_DIGEST_BYTES];
};

/* The public name of a token, NUL-terminated; an identifier (base/identifier.h). */
struct gf_token_id {
    char chars[GF_TOKEN_ID_CHARS + 1];
};

/*
 * Makes the text of a token of a kind other than RUN and CONTAINER. The same entropy gives the same
 * text: it comes from gf_random_bytes and is used once. Wipe both afterwards.
 */
void gf_token_make(enum gf_token_kind kind, const uint8_t entropy[GF_TOKEN_ENTROPY_BYTES],
                   struct gf_token_text *out_text);

/*
 * Whether a text may be a token: its form and its checksum, any bytes of any length. GF_OK with its
 * kind, or GF_UNAUTHENTICATED with what is wrong. Says nothing about whether it lets in.
 */
enum gf_code gf_token_parse(struct gf_str text, enum gf_token_kind *out_kind,
                            struct gf_error *err) GF_MUST_USE;

/*
 * The digest of a text: BLAKE2b-256 of its characters, as `b2sum -l 256` prints it. A fast hash is
 * enough, as 178 random bits cannot be tried out; BLAKE2b is what gofer hashes everything else
 * with, and cannot be extended by who knows a digest, as SHA-256 can.
 */
void gf_token_digest(struct gf_str text, struct gf_token_digest *out_digest);

/* Takes the same time for every pair. */
bool gf_token_digest_eq(const struct gf_token_digest *a, const struct gf_token_digest *b);

/*
 * The id of the token with this digest. It is a hash of the digest: it tells nothing of the text or
 * the digest, and whoever finds a text in the wrong place can tell whose it is.
 */
void gf_token_id_of(const struct gf_token_digest *digest, struct gf_token_id *out_id);

#endif /* GOFER_ENGINE_AUTH_TOKEN_H_ */
