#include "engine/secrets/sealed_box.h"

#include <inttypes.h>
#include <stdio.h>

#include <sodium.h>

enum {
    ID_DIGEST_BYTES = 16,
    ID_HEX_BYTES = 17, /* half of the digest, and the final NUL */
};

_Static_assert(GF_SEALING_PUBLIC_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "public key");
_Static_assert(GF_SEALED_BOX_OVERHEAD_BYTES == crypto_box_SEALBYTES, "overhead");
_Static_assert(GF_DATA_KEY_BYTES == crypto_box_SEEDBYTES, "seed");

/* The key pair of a number; the secret half is guarded memory that the caller frees. */
static enum gf_code key_pair(struct gf_keyring *ring, int64_t number, struct gf_sealing_key *out,
                             unsigned char **out_secret_key, struct gf_error *err) {
    GF_CLEANUP(gf_guarded_free_p) unsigned char *seed = NULL;
    const enum gf_code rc = gf_keyring_derive(ring, number, GF_DATA_KEY_BOX, &seed, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "sealing key");
        return rc;
    }
    unsigned char digest[ID_DIGEST_BYTES];
    char hex[ID_HEX_BYTES];
    *out_secret_key = gf_guarded_alloc(crypto_box_SECRETKEYBYTES);
    gf_assert(crypto_box_seed_keypair(out->public_key, *out_secret_key, seed) == 0);
    gf_guarded_wipe_stack();
    gf_assert(crypto_generichash(digest, sizeof(digest), out->public_key, sizeof(out->public_key),
                                 NULL, 0) == 0);
    (void)sodium_bin2hex(hex, sizeof(hex), digest, ID_DIGEST_BYTES / 2);
    (void)snprintf(out->key_id, sizeof(out->key_id), "seal-%" PRId64 "-%s", number, hex);
    return GF_OK;
}

enum gf_code gf_sealing_key_get(struct gf_keyring *ring, struct gf_sealing_key *out,
                                struct gf_error *err) {
    gf_assert(gf_keyring_purpose(ring) == GF_SECRET_KEY_SEALING);
    GF_CLEANUP(gf_guarded_free_p) unsigned char *secret_key = NULL;
    struct gf_sealing_key key = {0};
    const enum gf_code rc = key_pair(ring, gf_keyring_active(ring), &key, &secret_key, err);
    if (rc == GF_OK) {
        *out = key;
    }
    return rc;
}

static enum gf_code fail_box(const char *field, const char *what, struct gf_error *err) {
    char path[GF_ERROR_FIELD_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s.ciphertext", field);
    return gf_fail_field(err, path, "the sealed value %s", what);
}

static enum gf_code fail_key_id(const char *field, struct gf_error *err) {
    char path[GF_ERROR_FIELD_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s.key_id", field);
    const enum gf_code rc =
        gf_fail_field(err, path,
                      "the value is sealed to a key that the server does not have, or not any "
                      "more: get the current one and seal it again");
    if (err != NULL) {
        (void)snprintf(err->reason, sizeof(err->reason), "SEALING_KEY_UNKNOWN");
    }
    return rc;
}

/* The number in a key id; the whole id is compared later. */
static bool number_of(struct gf_str key_id, int64_t *out_number) {
    struct gf_str word = {0};
    struct gf_str rest = {0};
    struct gf_str number = {0};
    return gf_str_cut(key_id, '-', &word, &rest) && gf_str_cut(rest, '-', &number, &word) &&
           gf_parse_i64(number, out_number);
}

static bool has_number(const struct gf_keyring *ring, int64_t number) {
    for (size_t i = 0; i < gf_keyring_count(ring); i++) {
        if (gf_keyring_number(ring, i) == number) {
            return true;
        }
    }
    return false;
}

enum gf_code gf_sealed_box_open(struct gf_keyring *ring, struct gf_str key_id, struct gf_str box,
                                const char *field, struct gf_secret_buffer *out,
                                struct gf_error *err) {
    gf_assert(gf_keyring_purpose(ring) == GF_SECRET_KEY_SEALING);
    int64_t number = 0;
    if (!number_of(key_id, &number) || !has_number(ring, number)) {
        return fail_key_id(field, err);
    }
    GF_CLEANUP(gf_guarded_free_p) unsigned char *secret_key = NULL;
    struct gf_sealing_key key = {0};
    const enum gf_code rc = key_pair(ring, number, &key, &secret_key, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_str_eq(key_id, gf_str_from(key.key_id))) {
        return fail_key_id(field, err);
    }
    if (box.len <= GF_SEALED_BOX_OVERHEAD_BYTES) {
        return fail_box(field, "is empty or was cut", err);
    }
    if (box.len > GF_SEALED_BOX_BYTES_MAX) {
        return fail_box(field, "is larger than 64 KiB", err);
    }
    const size_t size = box.len - GF_SEALED_BOX_OVERHEAD_BYTES;
    const size_t len_before = out->len;
    unsigned char *value = gf_secret_buffer_extend(out, size);
    gf_assert(value != NULL);
    const int opened = crypto_box_seal_open(value, (const unsigned char *)box.ptr, box.len,
                                            key.public_key, secret_key);
    gf_guarded_wipe_stack();
    if (opened != 0) {
        gf_secret_buffer_truncate(out, len_before);
        return fail_box(field, "does not open: it was changed, or sealed to another key", err);
    }
    return GF_OK;
}
