/*
 * Values, encrypted and bound to their place: namespace, pipeline, key, version, and when that was
 * stored. A ciphertext that is changed, put under another key, pipeline, namespace or version, or
 * exchanged for an older one of the same secret does not open. The service of secrets encrypts when
 * a value is put and decrypts for launches, subscriptions and reveals.
 *
 * What is known of a secret (who may use it, which version is the newest, when it was created and
 * when it got that version) is proven by a mark, a keyed hash: who can write to the store can
 * neither let another namespace in nor make an older version the newest one. The times tell a
 * secret from one of the same name that was deleted before. What nothing here can tell is a store
 * that is set back as a whole: a secret, its mark and its versions as they all were at some time.
 *
 * Errors name the key and the version, never a value. Code of all that is opened: GF_DATA_LOSS (it
 * was changed or put in another place, or its data key is not there), GF_FAILED_PRECONDITION (the
 * master key is not there). Thread: any.
 */
#ifndef GOFER_ENGINE_SECRETS_SEAL_H_
#define GOFER_ENGINE_SECRETS_SEAL_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/secrets/guarded.h"
#include "engine/secrets/keyring.h"
#include "engine/secrets/secret.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* What encryption adds: format, number of the data key, nonce, tag. */
    GF_SEALED_OVERHEAD_BYTES = 1 + 8 + 24 + 16,
    GF_SEALED_BYTES_MAX = GF_SECRET_VALUE_BYTES_MAX + GF_SEALED_OVERHEAD_BYTES,
    GF_SECRET_MARK_BYTES = 1 + 8 + 32, /* format, number of the data key, hash */
};

/*
 * Encrypts a value under the newest data key. Fills in of *out_version: version, size_bytes,
 * key_number and, in the arena, sealed; the rest is as it was, and create_time, which is bound, has
 * been filled in before. `ring` is that of the place's
 * namespace, or of the global secrets. Code: GF_INVALID_ARGUMENT (size of the value).
 */
enum gf_code gf_secret_seal(struct gf_keyring *ring, const struct gf_secret_place *place,
                            int64_t version, struct gf_str value, struct gf_arena *arena,
                            struct gf_secret_version *out_version,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Appends the value to out, which must have room for it (GF_RESOURCE_EXHAUSTED). `wanted_version`
 * is the one that was asked for: that the row says so too is checked.
 */
enum gf_code gf_secret_open(struct gf_keyring *ring, const struct gf_secret_place *place,
                            int64_t wanted_version, const struct gf_secret_version *row,
                            struct gf_secret_buffer *out, struct gf_error *err) GF_MUST_USE;

/*
 * Encrypts the same value under the newest data key, for rotation. Where it is that already,
 * *out_row is the row as it was and *out_changed is false.
 */
enum gf_code gf_secret_reseal(struct gf_keyring *ring, const struct gf_secret_place *place,
                              const struct gf_secret_version *row, struct gf_arena *arena,
                              struct gf_secret_version *out_row, bool *out_changed,
                              struct gf_error *err) GF_MUST_USE;

/*
 * The mark of what a secret says of itself, under the newest data key, in the arena. It covers
 * place, globs of namespaces, latest_version, create_time and update_time. Call it when all else is
 * filled in.
 */
enum gf_code gf_secret_mark(struct gf_keyring *ring, const struct gf_secret *secret,
                            struct gf_arena *arena, struct gf_str *out_mark,
                            struct gf_error *err) GF_MUST_USE;

/*
 * GF_OK when a version, as the store has it, can be one of this secret, whose mark is right: it is
 * not newer than the newest, not older than the secret, and stored when the secret says. Code:
 * GF_DATA_LOSS.
 */
enum gf_code gf_secret_check_version(const struct gf_secret *secret,
                                     const struct gf_secret_version *version,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * GF_OK when the mark is right: before the value of a secret is used. *out_old tells whether it was
 * made with an older data key than the newest; it may be NULL.
 */
enum gf_code gf_secret_check_mark(struct gf_keyring *ring, const struct gf_secret *secret,
                                  bool *out_old, struct gf_error *err) GF_MUST_USE;

/* The number of the data key of a mark, for stores; 0 for what is no mark. */
int64_t gf_secret_mark_key_number(struct gf_str mark);

#endif /* GOFER_ENGINE_SECRETS_SEAL_H_ */
