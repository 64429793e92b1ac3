/*
 * Design: sealed settings are a byte of format, a random nonce, and XChaCha20-Poly1305 of the
 * bytes, whose associated data is the place. There is one key, that of a purpose of its own: it is
 * wrapped by the master key as all keys are, and never renewed, as what lies under it is in
 * another store, where no rotation could find it.
 */
#include "engine/secrets/bound.h"
#include "engine/secrets/vault_internal.h"

#include <string.h>

#include <sodium.h>

enum {
    FORMAT = 1,
    NONCE_AT = 1,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    BOX_AT = NONCE_AT + NONCE_BYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

_Static_assert(BOX_AT + (int)TAG_BYTES == GF_VAULT_SETTINGS_OVERHEAD_BYTES, "overhead");
_Static_assert((int)crypto_aead_xchacha20poly1305_ietf_KEYBYTES == (int)GF_DATA_KEY_BYTES, "key");

static void bind(struct gf_str place, struct gf_bound *out) {
    gf_bound_init(out, GF_STR("gofer settings 1"));
    gf_bound_str(out, place);
}

enum gf_code gf_vault__load_settings_key(struct gf_vault *vault, struct gf_error *err) {
    unsigned char *key = NULL;
    const enum gf_code rc =
        gf_vault__server_secret(vault, GF_SECRET_KEY_SETTINGS, GF_DATA_KEY_SETTINGS, &key, err);
    if (rc == GF_OK) {
        gf_guarded_init(&vault->settings_key, GF_DATA_KEY_BYTES);
        memcpy(gf_guarded_unseal(&vault->settings_key), key, GF_DATA_KEY_BYTES);
        gf_guarded_seal(&vault->settings_key);
        gf_guarded_free(key);
    }
    return rc;
}

void gf_vault_seal_settings(struct gf_vault *vault, struct gf_str place, struct gf_str bytes,
                            struct gf_arena *arena, struct gf_str *out) {
    struct gf_bound bound;
    bind(place, &bound);
    const size_t size = bytes.len + GF_VAULT_SETTINGS_OVERHEAD_BYTES;
    unsigned char *sealed = gf_arena_alloc(arena, size);
    sealed[0] = FORMAT;
    randombytes_buf(sealed + NONCE_AT, NONCE_BYTES);
    const unsigned char *key = gf_guarded_open(&vault->settings_key);
    gf_assert(crypto_aead_xchacha20poly1305_ietf_encrypt(
                  sealed + BOX_AT, NULL, (const unsigned char *)bytes.ptr, bytes.len, bound.bytes,
                  bound.len, NULL, sealed + NONCE_AT, key) == 0);
    gf_guarded_close(&vault->settings_key);
    gf_guarded_wipe_stack();
    *out = (struct gf_str){(const char *)sealed, size};
}

static enum gf_code fail_changed(struct gf_str place, struct gf_error *err) {
    return gf_fail(err, GF_DATA_LOSS,
                   "the settings of '%" GF_STR_FMT
                   "' do not open: they were changed or put in another place",
                   GF_STR_ARG(place));
}

enum gf_code gf_vault_open_settings(struct gf_vault *vault, struct gf_str place,
                                    struct gf_str sealed, struct gf_secret_buffer *out,
                                    struct gf_error *err) {
    if (sealed.len < GF_VAULT_SETTINGS_OVERHEAD_BYTES || sealed.ptr[0] != FORMAT) {
        return fail_changed(place, err);
    }
    const unsigned char *box = (const unsigned char *)sealed.ptr;
    const size_t len_before = out->len;
    const size_t size = sealed.len - GF_VAULT_SETTINGS_OVERHEAD_BYTES;
    unsigned char *bytes = gf_secret_buffer_extend(out, size);
    if (bytes == NULL) {
        gf_secret_buffer_truncate(out, len_before);
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the settings of '%" GF_STR_FMT
                       "' have %zu bytes, more than there is room for",
                       GF_STR_ARG(place), size);
    }
    struct gf_bound bound;
    bind(place, &bound);
    const unsigned char *key = gf_guarded_open(&vault->settings_key);
    const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(bytes, NULL, NULL, box + BOX_AT,
                                                                  sealed.len - BOX_AT, bound.bytes,
                                                                  bound.len, box + NONCE_AT, key);
    gf_guarded_close(&vault->settings_key);
    gf_guarded_wipe_stack();
    if (opened != 0) {
        gf_secret_buffer_truncate(out, len_before);
        return fail_changed(place, err);
    }
    return GF_OK;
}

int64_t gf_vault_fingerprint_settings(struct gf_vault *vault, struct gf_str bytes) {
    struct gf_vault_fingerprint fingerprint;
    uint64_t number = 0;
    gf_vault__fingerprint_settings(vault, bytes, &fingerprint);
    for (unsigned i = 0; i < sizeof(number); i++) {
        number |= (uint64_t)fingerprint.bytes[i] << (8 * i);
    }
    return (int64_t)number;
}
