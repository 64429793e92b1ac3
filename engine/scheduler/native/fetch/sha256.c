#include "engine/scheduler/native/fetch/sha256.h"

void gf_sha256_init(struct gf_sha256 *hash) {
    (void)SHA256_Init(&hash->state); /* cannot fail */
}

void gf_sha256_update(struct gf_sha256 *hash, const void *bytes, size_t size) {
    (void)SHA256_Update(&hash->state, bytes, size); /* cannot fail */
}

struct gf_digest gf_sha256_final(struct gf_sha256 *hash) {
    uint8_t raw[GF_DIGEST_RAW_BYTES];
    _Static_assert(sizeof(raw) == SHA256_DIGEST_LENGTH, "a sha256 has 32 bytes");
    (void)SHA256_Final(raw, &hash->state); /* cannot fail */
    return gf_digest_from_raw(raw);
}

struct gf_digest gf_sha256_of(struct gf_str bytes) {
    struct gf_sha256 hash;
    gf_sha256_init(&hash);
    gf_sha256_update(&hash, bytes.ptr, bytes.len);
    return gf_sha256_final(&hash);
}

enum gf_code gf_digest_check(const struct gf_digest *expected, const struct gf_digest *got,
                             struct gf_error *err) {
    if (gf_digest_eq(expected, got)) {
        return GF_OK;
    }
    return gf_fail_reason(err, GF_INVALID_ARGUMENT, "DIGEST_MISMATCH",
                          "sha256 mismatch: expected %s, got %s", gf_digest_hex(expected),
                          gf_digest_hex(got));
}
