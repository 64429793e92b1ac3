/*
 * Design: a sealed value is a byte of format, the number of the data key (8 bytes, little endian),
 * a random nonce, and XChaCha20-Poly1305 of the value. The associated data is the place, the
 * version, when that was stored, and the number of the key. Keys for values and for marks are
 * derived apart.
 */
#include "engine/secrets/seal.h"

#include "base/identifier.h"
#include "engine/auth/glob.h"
#include "engine/secrets/bound.h"

#include <inttypes.h>

#include <sodium.h>

enum {
    FORMAT = 1,
    NUMBER_AT = 1,
    NUMBER_BYTES = 8,
    NONCE_AT = NUMBER_AT + NUMBER_BYTES,
    NONCE_BYTES = 24,
    BOX_AT = NONCE_AT + NONCE_BYTES,
    TAG_BYTES = 16,
    HASH_AT = NUMBER_AT + NUMBER_BYTES,
    HASH_BYTES = 32,
};

_Static_assert(BOX_AT + TAG_BYTES == GF_SEALED_OVERHEAD_BYTES, "overhead");
_Static_assert(HASH_AT + HASH_BYTES == GF_SECRET_MARK_BYTES, "mark");
_Static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

static void write_number(unsigned char *out, int64_t number) {
    for (unsigned i = 0; i < NUMBER_BYTES; i++) {
        out[i] = (unsigned char)((uint64_t)number >> (8 * i));
    }
}

static int64_t read_number(const char *bytes) {
    uint64_t number = 0;
    for (unsigned i = 0; i < NUMBER_BYTES; i++) {
        number |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return (int64_t)number;
}

/* A ring of another namespace is an error of the caller, not of the store. */
static void assert_ring(const struct gf_keyring *ring, const struct gf_secret_place *place) {
    gf_assert(gf_keyring_purpose(ring) == GF_SECRET_KEY_VALUES);
    gf_assert(gf_keyring_namespace_key(ring) == place->namespace_key);
}

/* A place that can be: one that a store tells may be anything. */
static bool place_fits(const struct gf_secret_place *place) {
    return (place->namespace_key == 0) == (place->pipeline_key == 0) &&
           place->key.len <= GF_IDENTIFIER_CHARS_MAX;
}

static void bind(const struct gf_secret_place *place, int64_t version, int64_t create_time,
                 int64_t key_number, struct gf_bound *out) {
    gf_bound_init(out, GF_STR("gofer secret value 1"));
    gf_bound_i64(out, place->namespace_key);
    gf_bound_i64(out, place->pipeline_key);
    gf_bound_str(out, place->key);
    gf_bound_i64(out, version);
    gf_bound_i64(out, create_time);
    gf_bound_i64(out, key_number);
}

/* The key for messages: what the store says may be anything. */
static struct gf_str shown_key(const struct gf_secret_place *place) {
    return gf_identifier_check(place->key, "", NULL) == GF_OK ? place->key : GF_STR("?");
}

static enum gf_code fail_changed(const struct gf_secret_place *place, int64_t version,
                                 struct gf_error *err) {
    return gf_fail(err, GF_DATA_LOSS,
                   "version %" PRId64 " of secret '%" GF_STR_FMT
                   "' does not open: it was changed or put in another place",
                   version, GF_STR_ARG(shown_key(place)));
}

/* Says which secret it was that the data key was for. */
static enum gf_code wrap_key(const struct gf_secret_place *place, enum gf_code code,
                             struct gf_error *err) {
    (void)gf_wrap(err, "secret '%" GF_STR_FMT "'", GF_STR_ARG(shown_key(place)));
    return code;
}

/* ---- Values ---- */

enum gf_code gf_secret_seal(struct gf_keyring *ring, const struct gf_secret_place *place,
                            int64_t version, struct gf_str value, struct gf_arena *arena,
                            struct gf_secret_version *out_version, struct gf_error *err) {
    assert_ring(ring, place);
    gf_assert(version > 0 && place_fits(place));
    enum gf_code rc = gf_secret_check_value(value, "value", err);
    if (rc != GF_OK) {
        return rc;
    }
    const int64_t number = gf_keyring_active(ring);
    const size_t size = value.len + GF_SEALED_OVERHEAD_BYTES;
    unsigned char *sealed = gf_arena_try_alloc(arena, size);
    if (sealed == NULL) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "no room for a sealed value of %zu bytes", size);
    }
    const unsigned char *key = NULL;
    rc = gf_keyring_open_key(ring, number, GF_DATA_KEY_ENCRYPT, &key, err);
    if (rc != GF_OK) {
        return wrap_key(place, rc, err);
    }
    struct gf_bound bound;
    bind(place, version, out_version->create_time, number, &bound);
    sealed[0] = FORMAT;
    write_number(sealed + NUMBER_AT, number);
    randombytes_buf(sealed + NONCE_AT, NONCE_BYTES);
    gf_assert(crypto_aead_xchacha20poly1305_ietf_encrypt(
                  sealed + BOX_AT, NULL, (const unsigned char *)value.ptr, value.len, bound.bytes,
                  bound.len, NULL, sealed + NONCE_AT, key) == 0);
    gf_keyring_close_key(ring);
    gf_guarded_wipe_stack();
    out_version->version = version;
    out_version->size_bytes = (int64_t)value.len;
    out_version->key_number = number;
    out_version->sealed = (struct gf_str){(const char *)sealed, size};
    return GF_OK;
}

/* Whether a row is what was asked for, as far as one can tell without a key. */
static bool row_fits(const struct gf_secret_version *row, int64_t wanted_version) {
    return row->version == wanted_version && row->sealed.len > GF_SEALED_OVERHEAD_BYTES &&
           row->sealed.len <= GF_SEALED_BYTES_MAX && row->sealed.ptr[0] == FORMAT &&
           read_number(row->sealed.ptr + NUMBER_AT) == row->key_number &&
           row->size_bytes == (int64_t)(row->sealed.len - GF_SEALED_OVERHEAD_BYTES);
}

enum gf_code gf_secret_open(struct gf_keyring *ring, const struct gf_secret_place *place,
                            int64_t wanted_version, const struct gf_secret_version *row,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    assert_ring(ring, place);
    if (!place_fits(place) || !row_fits(row, wanted_version)) {
        return fail_changed(place, wanted_version, err);
    }
    const unsigned char *sealed = (const unsigned char *)row->sealed.ptr;
    const size_t len_before = out->len;
    unsigned char *value = gf_secret_buffer_extend(out, (size_t)row->size_bytes);
    if (value == NULL) {
        gf_secret_buffer_truncate(out, len_before);
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "secret '%" GF_STR_FMT "' has %" PRId64 " bytes, more than there is room "
                       "for",
                       GF_STR_ARG(shown_key(place)), row->size_bytes);
    }
    const unsigned char *key = NULL;
    const enum gf_code rc =
        gf_keyring_open_key(ring, row->key_number, GF_DATA_KEY_ENCRYPT, &key, err);
    if (rc != GF_OK) {
        gf_secret_buffer_truncate(out, len_before);
        return wrap_key(place, rc, err);
    }
    struct gf_bound bound;
    bind(place, wanted_version, row->create_time, row->key_number, &bound);
    const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
        value, NULL, NULL, sealed + BOX_AT, row->sealed.len - BOX_AT, bound.bytes, bound.len,
        sealed + NONCE_AT, key);
    gf_keyring_close_key(ring);
    gf_guarded_wipe_stack();
    if (opened != 0) {
        gf_secret_buffer_truncate(out, len_before);
        return fail_changed(place, wanted_version, err);
    }
    return GF_OK;
}

enum gf_code gf_secret_reseal(struct gf_keyring *ring, const struct gf_secret_place *place,
                              const struct gf_secret_version *row, struct gf_arena *arena,
                              struct gf_secret_version *out_row, bool *out_changed,
                              struct gf_error *err) {
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer value;
    gf_secret_buffer_init(&value, GF_SECRET_VALUE_BYTES_MAX);
    enum gf_code rc = gf_secret_open(ring, place, row->version, row, &value, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_secret_version resealed = *row;
    const bool changed = row->key_number != gf_keyring_active(ring);
    if (changed) {
        rc = gf_secret_seal(ring, place, row->version, gf_secret_buffer_view(&value), arena,
                            &resealed, err);
    }
    if (rc == GF_OK) {
        *out_row = resealed;
        *out_changed = changed;
    }
    return rc;
}

/* ---- Marks ---- */

static void update(crypto_generichash_state *state, const struct gf_bound *bound) {
    gf_assert(crypto_generichash_update(state, bound->bytes, bound->len) == 0);
}

static void hash(const struct gf_secret *secret, int64_t number,
                 const unsigned char key[GF_DATA_KEY_BYTES], unsigned char out[HASH_BYTES]) {
    crypto_generichash_state state;
    struct gf_bound bound;
    gf_assert(crypto_generichash_init(&state, key, GF_DATA_KEY_BYTES, HASH_BYTES) == 0);
    gf_bound_init(&bound, GF_STR("gofer secret mark 1"));
    gf_bound_i64(&bound, secret->place.namespace_key);
    gf_bound_i64(&bound, secret->place.pipeline_key);
    gf_bound_str(&bound, secret->place.key);
    gf_bound_i64(&bound, number);
    gf_bound_i64(&bound, secret->latest_version);
    gf_bound_i64(&bound, secret->create_time);
    gf_bound_i64(&bound, secret->update_time);
    gf_bound_i64(&bound, (int64_t)secret->namespace_count);
    update(&state, &bound);
    for (size_t i = 0; i < secret->namespace_count; i++) {
        gf_bound_init(&bound, secret->namespaces[i]);
        update(&state, &bound);
    }
    gf_assert(crypto_generichash_final(&state, out, HASH_BYTES) == 0);
    sodium_memzero(&state, sizeof(state));
    gf_guarded_wipe_stack();
}

enum gf_code gf_secret_mark(struct gf_keyring *ring, const struct gf_secret *secret,
                            struct gf_arena *arena, struct gf_str *out_mark, struct gf_error *err) {
    assert_ring(ring, &secret->place);
    gf_assert(place_fits(&secret->place));
    const int64_t number = gf_keyring_active(ring);
    const unsigned char *key = NULL;
    const enum gf_code rc = gf_keyring_open_key(ring, number, GF_DATA_KEY_MARK, &key, err);
    if (rc != GF_OK) {
        return wrap_key(&secret->place, rc, err);
    }
    unsigned char *mark = gf_arena_alloc(arena, GF_SECRET_MARK_BYTES);
    mark[0] = FORMAT;
    write_number(mark + NUMBER_AT, number);
    hash(secret, number, key, mark + HASH_AT);
    gf_keyring_close_key(ring);
    *out_mark = (struct gf_str){(const char *)mark, GF_SECRET_MARK_BYTES};
    return GF_OK;
}

/* Lengths that cannot have been marked; longer ones would not fit what is hashed. */
static bool mark_fits(const struct gf_secret *secret) {
    if (secret->mark.len != GF_SECRET_MARK_BYTES || secret->mark.ptr[0] != FORMAT ||
        !place_fits(&secret->place) || secret->namespace_count > GF_SECRET_NAMESPACES_MAX) {
        return false;
    }
    for (size_t i = 0; i < secret->namespace_count; i++) {
        if (secret->namespaces[i].len > GF_GLOB_CHARS_MAX) {
            return false;
        }
    }
    return true;
}

enum gf_code gf_secret_check_mark(struct gf_keyring *ring, const struct gf_secret *secret,
                                  bool *out_old, struct gf_error *err) {
    assert_ring(ring, &secret->place);
    unsigned char expected[HASH_BYTES];
    bool right = mark_fits(secret);
    int64_t number = 0;
    if (right) {
        const unsigned char *key = NULL;
        number = read_number(secret->mark.ptr + NUMBER_AT);
        const enum gf_code rc = gf_keyring_open_key(ring, number, GF_DATA_KEY_MARK, &key, err);
        if (rc != GF_OK) {
            return wrap_key(&secret->place, rc, err);
        }
        hash(secret, number, key, expected);
        gf_keyring_close_key(ring);
        right = sodium_memcmp(expected, secret->mark.ptr + HASH_AT, HASH_BYTES) == 0;
    }
    if (!right) {
        return gf_fail(err, GF_DATA_LOSS,
                       "secret '%" GF_STR_FMT "' is not as it was stored: its namespaces, its "
                       "newest version or its times were changed",
                       GF_STR_ARG(shown_key(&secret->place)));
    }
    if (out_old != NULL) {
        *out_old = number != gf_keyring_active(ring);
    }
    return GF_OK;
}

enum gf_code gf_secret_check_version(const struct gf_secret *secret,
                                     const struct gf_secret_version *version,
                                     struct gf_error *err) {
    const bool newest = version->version == secret->latest_version;
    if (version->version < 1 || version->version > secret->latest_version ||
        version->create_time < secret->create_time || version->create_time > secret->update_time ||
        (newest && version->create_time != secret->update_time)) {
        return fail_changed(&secret->place, version->version, err);
    }
    return GF_OK;
}

int64_t gf_secret_mark_key_number(struct gf_str mark) {
    return mark.len == GF_SECRET_MARK_BYTES ? read_number(mark.ptr + NUMBER_AT) : 0;
}
