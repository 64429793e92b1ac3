/*
 * Sealed boxes: values on their way. A client encrypts to a public key of the server, so that
 * nothing in between can read the value; the service of secrets opens the box and seals the value
 * in its place (seal.h).
 *
 * The key pair is derived of a data key of purpose GF_SECRET_KEY_SEALING, so it lies in the store
 * wrapped, as all data keys do, and is renewed as they are: gf_secret_key_create makes the next
 * one. The newest is given to clients; boxes for older ones open as long as their rows are kept,
 * for those who fetched the key before.
 *
 * A box is what libsodium's crypto_box_seal gives: X25519, XSalsa20-Poly1305. It proves nothing
 * about who made it: that is what the caller's token is for. Thread: any.
 */
#ifndef GOFER_ENGINE_SECRETS_SEALED_BOX_H_
#define GOFER_ENGINE_SECRETS_SEALED_BOX_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/secrets/guarded.h"
#include "engine/secrets/keyring.h"
#include "engine/secrets/secret.h"

enum {
    GF_SEALING_PUBLIC_KEY_BYTES = 32,
    GF_SEALING_KEY_ID_BYTES = 64, /* with the final NUL */
    GF_SEALED_BOX_OVERHEAD_BYTES = 32 + 16,
    GF_SEALED_BOX_BYTES_MAX = GF_SECRET_VALUE_BYTES_MAX + GF_SEALED_BOX_OVERHEAD_BYTES,
};

struct gf_sealing_key {
    /* "seal-<number>-<16 hexadecimal digits of a hash of the public key>" */
    char key_id[GF_SEALING_KEY_ID_BYTES];
    unsigned char public_key[GF_SEALING_PUBLIC_KEY_BYTES];
};

/* The newest public key. `ring` has purpose GF_SECRET_KEY_SEALING. */
enum gf_code gf_sealing_key_get(struct gf_keyring *ring, struct gf_sealing_key *out,
                                struct gf_error *err) GF_MUST_USE;

/*
 * Appends what is in the box to out, which has room for GF_SECRET_VALUE_BYTES_MAX more. Code:
 * GF_INVALID_ARGUMENT on "<field>.key_id" (unknown or no longer kept; reason SEALING_KEY_UNKNOWN)
 * or on "<field>.ciphertext" (it does not open, is empty or too large).
 */
enum gf_code gf_sealed_box_open(struct gf_keyring *ring, struct gf_str key_id, struct gf_str box,
                                const char *field, struct gf_secret_buffer *out,
                                struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_SEALED_BOX_H_ */
