/*
 * Design: a wrapped key is one byte of format, a random nonce and the XChaCha20-Poly1305 of the
 * key. The nonce has 24 bytes, so that random ones do not meet. The data key itself encrypts
 * nothing: each use derives a key of its own (BLAKE2b), so that no use can be turned against
 * another. All of them are derived when the ring is opened, and the data keys themselves are not
 * kept: to use a key then takes a change of protection and no memory of its own.
 */
#include "engine/secrets/keyring.h"

#include "base/alloc.h"
#include "base/identifier.h"
#include "engine/secrets/bound.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

enum {
    FORMAT = 1,
    NONCE_BYTES = 24,
    NONCE_AT = 1,
    BOX_AT = NONCE_AT + NONCE_BYTES,
    TAG_BYTES = 16,
};

_Static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(GF_DATA_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "data key");
_Static_assert(GF_DATA_KEY_BYTES == crypto_kdf_KEYBYTES, "derivation");
_Static_assert(GF_MASTER_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "master key");
_Static_assert(BOX_AT + GF_DATA_KEY_BYTES + TAG_BYTES == GF_SECRET_KEY_WRAPPED_BYTES, "wrapped");

/* One opened key: what is derived of it is in the region, use by use, at the same index. */
struct slot {
    int64_t number;
    enum gf_code code;                          /* whether it opened; else as of unwrap */
    char master_key_id[GF_MASTER_KEY_ID_BYTES]; /* for the error where it did not */
};

struct gf_keyring {
    struct gf_guarded region;
    enum gf_secret_key_purpose purpose;
    int64_t namespace_key;
    int64_t active;
    size_t count;
    struct slot slots[]; /* by number */
};

static void bind(const struct gf_secret_key *row, struct gf_str master_key_id,
                 struct gf_bound *out) {
    gf_bound_init(out, GF_STR("gofer secret key 1"));
    gf_bound_i64(out, row->purpose);
    gf_bound_i64(out, row->namespace_key);
    gf_bound_i64(out, row->number);
    gf_bound_str(out, master_key_id);
}

/* Puts into row what wraps the key. */
static void wrap(struct gf_master_keys *masters, const unsigned char key[GF_DATA_KEY_BYTES],
                 struct gf_arena *arena, struct gf_secret_key *row) {
    const struct gf_str id = gf_master_keys_id(masters, 0);
    unsigned char *wrapped = gf_arena_alloc(arena, GF_SECRET_KEY_WRAPPED_BYTES);
    struct gf_bound bound;
    bind(row, id, &bound);
    wrapped[0] = FORMAT;
    randombytes_buf(wrapped + NONCE_AT, NONCE_BYTES);
    const unsigned char *master = gf_master_keys__open(masters, 0);
    gf_assert(crypto_aead_xchacha20poly1305_ietf_encrypt(wrapped + BOX_AT, NULL, key,
                                                         GF_DATA_KEY_BYTES, bound.bytes, bound.len,
                                                         NULL, wrapped + NONCE_AT, master) == 0);
    gf_master_keys__close(masters);
    gf_guarded_wipe_stack();
    row->wrapped = (struct gf_str){(const char *)wrapped, GF_SECRET_KEY_WRAPPED_BYTES};
    row->master_key_id = gf_arena_str(arena, id);
}

/* Why a key did not open. The id comes from the store and may be anything. */
static enum gf_code fail_closed(int64_t number, enum gf_code code, struct gf_str master_key_id,
                                struct gf_error *err) {
    if (code == GF_FAILED_PRECONDITION) {
        const bool printable = master_key_id.len < GF_MASTER_KEY_ID_BYTES &&
                               gf_identifier_check(master_key_id, "", NULL) == GF_OK;
        const struct gf_str shown = printable ? master_key_id : GF_STR("?");
        return gf_fail_reason(err, code, "MASTER_KEY_MISSING",
                              "data key %" PRId64 " is wrapped by the master key '%" GF_STR_FMT
                              "', which is not among those of the service: add it behind the "
                              "newest one",
                              number, GF_STR_ARG(shown));
    }
    return gf_fail(err, GF_DATA_LOSS,
                   "data key %" PRId64 " does not open: it was changed or put in another place",
                   number);
}

/* GF_FAILED_PRECONDITION: its master key is not there. GF_DATA_LOSS: it was changed. */
static enum gf_code unwrap(struct gf_master_keys *masters, const struct gf_secret_key *row,
                           unsigned char key[GF_DATA_KEY_BYTES]) {
    size_t index = 0;
    if (!gf_master_keys_find(masters, row->master_key_id, &index)) {
        return GF_FAILED_PRECONDITION;
    }
    if (row->wrapped.len != GF_SECRET_KEY_WRAPPED_BYTES || row->wrapped.ptr[0] != FORMAT) {
        return GF_DATA_LOSS;
    }
    const unsigned char *wrapped = (const unsigned char *)row->wrapped.ptr;
    struct gf_bound bound;
    bind(row, row->master_key_id, &bound);
    const unsigned char *master = gf_master_keys__open(masters, index);
    const int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(
        key, NULL, NULL, wrapped + BOX_AT, GF_DATA_KEY_BYTES + TAG_BYTES, bound.bytes, bound.len,
        wrapped + NONCE_AT, master);
    gf_master_keys__close(masters);
    gf_guarded_wipe_stack();
    return rc == 0 ? GF_OK : GF_DATA_LOSS;
}

/* ---- Rows ---- */

enum gf_code gf_secret_key_create(struct gf_master_keys *masters,
                                  enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                  const struct gf_secret_key *rows, size_t count, int64_t now,
                                  struct gf_arena *arena, struct gf_secret_key *out_row,
                                  struct gf_error *err) {
    int64_t newest = 0;
    for (size_t i = 0; i < count; i++) {
        gf_assert(rows[i].purpose == purpose && rows[i].namespace_key == namespace_key);
        newest = rows[i].number > newest ? rows[i].number : newest;
    }
    if (gf_master_keys_count(masters) == 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "MASTER_KEY_MISSING",
                              "the service has no master key to wrap a data key with");
    }
    if (count >= GF_KEYRING_KEYS_MAX || newest == INT64_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "%zu data keys are there already: wait until values are encrypted anew and "
                       "old keys are gone",
                       count);
    }
    GF_CLEANUP(gf_guarded_free_p) unsigned char *key = gf_guarded_alloc(GF_DATA_KEY_BYTES);
    randombytes_buf(key, GF_DATA_KEY_BYTES);
    struct gf_secret_key row = {
        .purpose = purpose,
        .namespace_key = namespace_key,
        .number = newest + 1,
        .create_time = now,
        .state = GF_SECRET_KEY_ACTIVE,
    };
    wrap(masters, key, arena, &row);
    *out_row = row;
    return GF_OK;
}

enum gf_code gf_secret_key_rewrap(struct gf_master_keys *masters, const struct gf_secret_key *row,
                                  struct gf_arena *arena, struct gf_secret_key *out_row,
                                  bool *out_changed, struct gf_error *err) {
    GF_CLEANUP(gf_guarded_free_p) unsigned char *key = gf_guarded_alloc(GF_DATA_KEY_BYTES);
    const enum gf_code rc = unwrap(masters, row, key);
    if (rc != GF_OK) {
        return fail_closed(row->number, rc, row->master_key_id, err);
    }
    struct gf_secret_key wrapped = *row;
    const bool changed = !gf_str_eq(row->master_key_id, gf_master_keys_id(masters, 0));
    if (changed) {
        wrap(masters, key, arena, &wrapped);
    }
    *out_row = wrapped;
    *out_changed = changed;
    return GF_OK;
}

/* ---- Opened keys ---- */

/* Puts the numbers of the rows in order, with what tells their rows. */
static enum gf_code take_numbers(struct gf_keyring *ring, const struct gf_secret_key *rows,
                                 size_t count, const struct gf_secret_key **sorted,
                                 struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        const struct gf_secret_key *row = &rows[i];
        if (row->purpose != ring->purpose || row->namespace_key != ring->namespace_key ||
            row->number < 1) {
            return fail_closed(row->number, GF_DATA_LOSS, row->master_key_id, err);
        }
        size_t at = i;
        while (at > 0 && sorted[at - 1]->number > row->number) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        if (at > 0 && sorted[at - 1]->number == row->number) {
            return gf_fail(err, GF_DATA_LOSS, "data key %" PRId64 " is there twice", row->number);
        }
        sorted[at] = row;
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_newest = i == count - 1;
        const enum gf_secret_key_state expected =
            is_newest ? GF_SECRET_KEY_ACTIVE : GF_SECRET_KEY_RETIRED;
        if (sorted[i]->state != expected) {
            return gf_fail(err, GF_DATA_LOSS,
                           "data key %" PRId64 " has another state than the %s of its kind should",
                           sorted[i]->number, is_newest ? "newest" : "older ones");
        }
    }
    return GF_OK;
}

/* The bytes of a key for a use in the region. */
static size_t offset_of(size_t index, enum gf_data_key_use use) {
    return (index * GF_DATA_KEY_USE_COUNT + (size_t)use - 1) * GF_DATA_KEY_BYTES;
}

static void derive_all(const unsigned char key[GF_DATA_KEY_BYTES], size_t index,
                       unsigned char *bytes) {
    for (int use = 1; use <= GF_DATA_KEY_USE_COUNT; use++) {
        gf_assert(crypto_kdf_derive_from_key(bytes + offset_of(index, (enum gf_data_key_use)use),
                                             GF_DATA_KEY_BYTES, (uint64_t)use, "gofersec",
                                             key) == 0);
    }
    gf_guarded_wipe_stack();
}

static void open_keys(struct gf_master_keys *masters, struct gf_keyring *ring,
                      const struct gf_secret_key *const *sorted, size_t count) {
    GF_CLEANUP(gf_guarded_free_p) unsigned char *key = gf_guarded_alloc(GF_DATA_KEY_BYTES);
    unsigned char *bytes = gf_guarded_unseal(&ring->region);
    for (size_t i = 0; i < count; i++) {
        const struct gf_str id = sorted[i]->master_key_id;
        struct slot *slot = &ring->slots[i];
        slot->number = sorted[i]->number;
        slot->code = unwrap(masters, sorted[i], key);
        if (slot->code == GF_OK) {
            derive_all(key, i, bytes);
        }
        if (id.len < sizeof(slot->master_key_id)) {
            (void)snprintf(slot->master_key_id, sizeof(slot->master_key_id), "%" GF_STR_FMT,
                           GF_STR_ARG(id));
        }
    }
    gf_guarded_seal(&ring->region);
    ring->count = count;
    ring->active = sorted[count - 1]->number;
}

static enum gf_code check_slot(const struct slot *slot, struct gf_error *err) {
    if (slot->code == GF_OK) {
        return GF_OK;
    }
    return fail_closed(slot->number, slot->code, gf_str_from(slot->master_key_id), err);
}

enum gf_code gf_keyring_create(struct gf_master_keys *masters, enum gf_secret_key_purpose purpose,
                               int64_t namespace_key, const struct gf_secret_key *rows,
                               size_t count, struct gf_keyring **out, struct gf_error *err) {
    if (count == 0) {
        return gf_fail(err, GF_DATA_LOSS, "there is no data key");
    }
    if (count > GF_KEYRING_KEYS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "%zu data keys, more than %d", count,
                       GF_KEYRING_KEYS_MAX);
    }
    GF_CLEANUP(gf_keyring_destroy_p)
    struct gf_keyring *ring = gf_calloc(1, sizeof(*ring) + count * sizeof(ring->slots[0]));
    const struct gf_secret_key *sorted[GF_KEYRING_KEYS_MAX] = {0};
    ring->purpose = purpose;
    ring->namespace_key = namespace_key;
    enum gf_code rc = take_numbers(ring, rows, count, sorted, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_guarded_init(&ring->region, count * GF_DATA_KEY_USE_COUNT * GF_DATA_KEY_BYTES);
    open_keys(masters, ring, sorted, count);
    rc = check_slot(&ring->slots[count - 1], err);
    if (rc == GF_OK) {
        *out = GF_TAKE(ring);
    }
    return rc;
}

void gf_keyring_destroy(struct gf_keyring *ring) {
    if (ring == NULL) {
        return;
    }
    gf_guarded_fini(&ring->region);
    free(ring);
}

void gf_keyring_destroy_p(struct gf_keyring **ring) {
    gf_keyring_destroy(*ring);
}

enum gf_secret_key_purpose gf_keyring_purpose(const struct gf_keyring *ring) {
    return ring->purpose;
}

int64_t gf_keyring_namespace_key(const struct gf_keyring *ring) {
    return ring->namespace_key;
}

int64_t gf_keyring_active(const struct gf_keyring *ring) {
    return ring->active;
}

size_t gf_keyring_count(const struct gf_keyring *ring) {
    return ring->count;
}

int64_t gf_keyring_number(const struct gf_keyring *ring, size_t index) {
    gf_assert(index < ring->count);
    return ring->slots[index].number;
}

enum gf_code gf_keyring_open_key(struct gf_keyring *ring, int64_t number, enum gf_data_key_use use,
                                 const unsigned char **out_key, struct gf_error *err) {
    size_t index = 0;
    while (index < ring->count && ring->slots[index].number != number) {
        index++;
    }
    if (index == ring->count) {
        return gf_fail(err, GF_DATA_LOSS, "there is no data key %" PRId64, number);
    }
    const enum gf_code rc = check_slot(&ring->slots[index], err);
    if (rc == GF_OK) {
        *out_key = gf_guarded_open(&ring->region) + offset_of(index, use);
    }
    return rc;
}

void gf_keyring_close_key(struct gf_keyring *ring) {
    gf_guarded_close(&ring->region);
}

enum gf_code gf_keyring_derive(struct gf_keyring *ring, int64_t number, enum gf_data_key_use use,
                               unsigned char **out_key, struct gf_error *err) {
    const unsigned char *key = NULL;
    const enum gf_code rc = gf_keyring_open_key(ring, number, use, &key, err);
    if (rc == GF_OK) {
        unsigned char *copy = gf_guarded_alloc(GF_DATA_KEY_BYTES);
        memcpy(copy, key, GF_DATA_KEY_BYTES);
        gf_keyring_close_key(ring);
        *out_key = copy;
    }
    return rc;
}
