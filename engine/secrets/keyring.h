/*
 * Data keys: the keys that encrypt values, one after the other for each namespace. A data key
 * lies in the store as a row, wrapped by a master key, and is opened here for use. seal.h encrypts
 * values with it, sealed_box.h makes the key pair of sealed boxes of it; the service of secrets
 * creates, rotates and rewraps.
 *
 * A wrapped key is bound to its place: purpose, namespace, number and master key. Put in another
 * place, changed or wrapped by a key that is not there, it does not open.
 *
 * Of each purpose and namespace exactly one key is ACTIVE, that with the highest number: it
 * encrypts. The others are RETIRED and decrypt what they have encrypted, until nothing is left of
 * it and their rows can be deleted.
 */
#ifndef GOFER_ENGINE_SECRETS_KEYRING_H_
#define GOFER_ENGINE_SECRETS_KEYRING_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/secrets/master_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are stored and bound, so they never change. */
enum gf_secret_key_purpose {
    GF_SECRET_KEY_PURPOSE_UNSPECIFIED = 0,
    GF_SECRET_KEY_VALUES = 1,     /* of one namespace, or of the global secrets */
    GF_SECRET_KEY_SEALING = 2,    /* of the server */
    GF_SECRET_KEY_RUN_TOKENS = 3, /* of the server; for the tokens of runs (engine/auth) */
    GF_SECRET_KEY_REQUESTS = 4,   /* of the server; for the fingerprints of requests */
    GF_SECRET_KEY_SETTINGS = 5,   /* of the server; for settings of extensions */
};

enum gf_secret_key_state {
    GF_SECRET_KEY_STATE_UNSPECIFIED = 0,
    GF_SECRET_KEY_ACTIVE = 1,
    GF_SECRET_KEY_RETIRED = 2,
};

enum {
    GF_DATA_KEY_BYTES = 32,
    GF_SECRET_KEY_WRAPPED_BYTES = 1 + 24 + GF_DATA_KEY_BYTES + 16, /* version, nonce, key, tag */
    GF_KEYRING_KEYS_MAX = 64, /* of one purpose and namespace; delete old ones after rotations */
};

/* The namespace_key of the keys of global secrets, and of those of the server. */
#define GF_SECRET_KEY_GLOBAL INT64_C(0)

/* A row. */
struct gf_secret_key {
    enum gf_secret_key_purpose purpose;
    int64_t namespace_key; /* GF_SECRET_KEY_GLOBAL or that of a namespace */
    int64_t number; /* from 1, of this purpose and namespace, without gaps but at the front */
    struct gf_str wrapped; /* GF_SECRET_KEY_WRAPPED_BYTES */
    struct gf_str master_key_id;
    int64_t create_time;
    enum gf_secret_key_state state;
};

/* ---- Rows. Results are in the arena. Thread: any. ---- */

/*
 * Makes the first key (count 0) or the next one of those in `rows`, which all are of that purpose
 * and namespace: random, wrapped by the newest master key, ACTIVE. The store retires the one before
 * when it takes the new row (secret_store.h). Codes: GF_FAILED_PRECONDITION (no master key),
 * GF_RESOURCE_EXHAUSTED (GF_KEYRING_KEYS_MAX).
 */
enum gf_code gf_secret_key_create(struct gf_master_keys *masters,
                                  enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                  const struct gf_secret_key *rows, size_t count, int64_t now,
                                  struct gf_arena *arena, struct gf_secret_key *out_row,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Wraps the same key by the newest master key. Where it is that already, *out_row is the row as it
 * was and *out_changed is false. Codes: GF_FAILED_PRECONDITION (the master key that it was wrapped
 * by is not there), GF_DATA_LOSS (it was changed).
 */
enum gf_code gf_secret_key_rewrap(struct gf_master_keys *masters, const struct gf_secret_key *row,
                                  struct gf_arena *arena, struct gf_secret_key *out_row,
                                  bool *out_changed, struct gf_error *err) GF_MUST_USE;

/* ---- Opened keys ---- */

/*
 * The keys of one purpose and namespace, opened: one page of guarded memory, unreadable while none
 * is used. Heap object. Thread: any, also several at once.
 */
struct gf_keyring;

/*
 * Opens the keys in `rows`, in any order. Codes: GF_FAILED_PRECONDITION (the ACTIVE one is wrapped
 * by a master key that is not there), GF_DATA_LOSS (there is no ACTIVE one, or several, or it is
 * not the newest; the ACTIVE one was changed; a row is of another place or there twice),
 * GF_RESOURCE_EXHAUSTED (GF_KEYRING_KEYS_MAX). A RETIRED key that does not open fails when it is
 * used: the rest is of use without it.
 */
enum gf_code gf_keyring_create(struct gf_master_keys *masters, enum gf_secret_key_purpose purpose,
                               int64_t namespace_key, const struct gf_secret_key *rows,
                               size_t count, struct gf_keyring **out,
                               struct gf_error *err) GF_MUST_USE;
/* Wipes the keys. Accepts NULL. */
void gf_keyring_destroy(struct gf_keyring *ring);
void gf_keyring_destroy_p(struct gf_keyring **ring);

enum gf_secret_key_purpose gf_keyring_purpose(const struct gf_keyring *ring);
int64_t gf_keyring_namespace_key(const struct gf_keyring *ring);
/* The number of the key that encrypts. */
int64_t gf_keyring_active(const struct gf_keyring *ring);
/* How many keys there are, and the number of one of them, oldest first. */
size_t gf_keyring_count(const struct gf_keyring *ring);
int64_t gf_keyring_number(const struct gf_keyring *ring, size_t index);

/* What keys of their own are derived of a data key for. Numbers are bound, so they never change. */
enum gf_data_key_use {
    GF_DATA_KEY_ENCRYPT = 1, /* values */
    GF_DATA_KEY_MARK = 2,    /* what is known of secrets */
    GF_DATA_KEY_BOX = 3,     /* the seed of a key pair */
    GF_DATA_KEY_RUN_TOKEN = 4,
    GF_DATA_KEY_FINGERPRINT = 5,
    GF_DATA_KEY_SETTINGS = 6,
    GF_DATA_KEY_USE_COUNT = 6,
};

/*
 * What is derived of a data key for a use, GF_DATA_KEY_BYTES: readable until gf_keyring_close_key,
 * once for each success. Holds no lock; cheap while others have keys open. Codes: GF_DATA_LOSS
 * (there is no such key, or it was changed), GF_FAILED_PRECONDITION (its master key is not there).
 */
enum gf_code gf_keyring_open_key(struct gf_keyring *ring, int64_t number, enum gf_data_key_use use,
                                 const unsigned char **out_key, struct gf_error *err) GF_MUST_USE;
void gf_keyring_close_key(struct gf_keyring *ring);

/* The same as a copy in guarded memory that outlives the ring, freed with gf_guarded_free. */
enum gf_code gf_keyring_derive(struct gf_keyring *ring, int64_t number, enum gf_data_key_use use,
                               unsigned char **out_key, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_KEYRING_H_ */
