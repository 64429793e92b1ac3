/*
 * Digests of content: "sha256:" and 64 lower-case hexadecimal digits, the only algorithm that gofer
 * accepts. A digest is compared as text.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_DIGEST_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_DIGEST_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_DIGEST_RAW_BYTES = 32,   /* of a sha256 */
    GF_DIGEST_PREFIX_CHARS = 7, /* "sha256:" */
    GF_DIGEST_HEX_CHARS = 64,
    GF_DIGEST_BYTES = GF_DIGEST_PREFIX_CHARS + GF_DIGEST_HEX_CHARS + 1, /* with the final NUL */
};

/* A value; zeroed: none. */
struct gf_digest {
    char text[GF_DIGEST_BYTES];
};

/*
 * Reads "sha256:<64 hex>". Codes: GF_INVALID_ARGUMENT (malformed), GF_UNIMPLEMENTED (another
 * algorithm).
 */
enum gf_code gf_digest_parse(struct gf_str text, struct gf_digest *out,
                             struct gf_error *err) GF_MUST_USE;

/* Reads the 64 hexadecimal digits alone. False on anything else. */
bool gf_digest_from_hex(struct gf_str hex, struct gf_digest *out) GF_MUST_USE;

/* The digest of a computed hash. */
struct gf_digest gf_digest_from_raw(const uint8_t raw[GF_DIGEST_RAW_BYTES]);

/* The 64 digits: what files in the store are called. Borrowed from the digest. */
static inline const char *gf_digest_hex(const struct gf_digest *digest) {
    return digest->text + GF_DIGEST_PREFIX_CHARS;
}

static inline bool gf_digest_is_set(const struct gf_digest *digest) {
    return digest->text[0] != '\0';
}

static inline bool gf_digest_eq(const struct gf_digest *a, const struct gf_digest *b) {
    return memcmp(a->text, b->text, sizeof(a->text)) == 0;
}

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_DIGEST_H_ */
