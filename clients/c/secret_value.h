/*
 * The value of a secret on its way from the user to the server: in memory that is wiped, kept out
 * of core dumps and off the swap as far as the system allows, and sealed to the server's public
 * key so that nothing on the way can read it.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLIENTS_C_SECRET_VALUE_H_
#define GOFER_CLIENTS_C_SECRET_VALUE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GF_SECRET_VALUE_SIZE_MAX = 64 << 10, /* as the server's limit */
    GF_SEALING_PUBLIC_KEY_SIZE = 32,
};

/* Fields are readable; `bytes` has room for GF_SECRET_VALUE_SIZE_MAX and a final NUL. */
struct gf_secret_value {
    char *bytes;
    size_t size;
};

void gf_secret_value_init(struct gf_secret_value *value);
/* Wipes and frees. Can be called with GF_CLEANUP; a zeroed one is fine. */
void gf_secret_value_fini(struct gf_secret_value *value);

/* Appends; false, and nothing is appended, beyond the limit. */
bool gf_secret_value_append(struct gf_secret_value *value, struct gf_str bytes) GF_MUST_USE;

/* Shortens to size bytes and wipes the rest. */
void gf_secret_value_truncate(struct gf_secret_value *value, size_t size);

/*
 * Appends all that can be read up to the end of file. `source` names it in messages, which hold
 * nothing of the value. Code: GF_INVALID_ARGUMENT (larger than the limit).
 */
enum gf_code gf_secret_value_read(struct gf_secret_value *value, int fd, const char *source,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Seals the value (crypto_box_seal of libsodium: X25519, XSalsa20-Poly1305). *out_box is in the
 * arena, 48 bytes longer than the value. Code: GF_INVALID_ARGUMENT (no key of that kind).
 */
enum gf_code gf_secret_value_seal(const struct gf_secret_value *value, struct gf_str public_key,
                                  struct gf_arena *arena, struct gf_str *out_box,
                                  struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLIENTS_C_SECRET_VALUE_H_ */
