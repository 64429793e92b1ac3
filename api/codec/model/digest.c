#include "api/codec/model/digest.h"

#include <sodium.h>

enum {
    DIGEST_BYTES = 32,
};

struct gf_str gf_digest_text(struct gf_str bytes, struct gf_arena *arena) {
    unsigned char digest[DIGEST_BYTES];
    char *text = GF_ARENA_ARRAY(arena, 2 * DIGEST_BYTES + 1, char);
    (void)crypto_generichash(digest, sizeof(digest), (const unsigned char *)bytes.ptr, bytes.len,
                             NULL, 0);
    (void)sodium_bin2hex(text, 2 * DIGEST_BYTES + 1, digest, sizeof(digest));
    return (struct gf_str){text, 2 * DIGEST_BYTES};
}
