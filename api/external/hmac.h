/*
 * HMACs (RFC 2104), by OpenSSL: SHA-1 is among them, for senders that know nothing better.
 *
 * Thread: any; one key may be used by several at once.
 */
#ifndef GOFER_API_EXTERNAL_HMAC_H_
#define GOFER_API_EXTERNAL_HMAC_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_HMAC_BYTES_MAX = 64,
};

/* Numbers as in the proto. */
enum gf_hmac_algorithm {
    GF_HMAC_SHA256 = 1,
    GF_HMAC_SHA512 = 2,
    GF_HMAC_SHA1 = 3,
};

/* A key that is ready to be used, so that a small message costs about a microsecond. */
struct gf_hmac_key;

/* Copies the text, into memory that is wiped when it is freed. */
struct gf_hmac_key *gf_hmac_key_create(enum gf_hmac_algorithm algorithm,
                                       struct gf_str text) GF_MUST_USE;
/* Accepts NULL. */
void gf_hmac_key_destroy(struct gf_hmac_key *key);

/* How long its HMACs are. */
size_t gf_hmac_size(const struct gf_hmac_key *key);

/* The HMAC of the parts, one behind the other. */
void gf_hmac(const struct gf_hmac_key *key, const struct gf_str *parts, size_t count,
             uint8_t out[GF_HMAC_BYTES_MAX]);

/* Whether `claimed`, of gf_hmac_size bytes, is that HMAC. Takes the same time wherever the first
 * wrong byte is. */
bool gf_hmac_is(const struct gf_hmac_key *key, const struct gf_str *parts, size_t count,
                const uint8_t *claimed) GF_MUST_USE;

#endif /* GOFER_API_EXTERNAL_HMAC_H_ */
