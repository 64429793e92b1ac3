/*
 * The sha256 of what passes by.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_SHA256_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_SHA256_H_

#include "base/error.h"
#include "base/str.h"
#include "engine/scheduler/native/images/digest.h"

#include <stddef.h>

/*
 * OpenSSL's, which uses what processors have for it: five times as fast as plain C, and a pull
 * hashes each layer twice. These functions, not the newer ones, because their state is a value.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

/* A value. */
struct gf_sha256 {
    SHA256_CTX state;
};

void gf_sha256_init(struct gf_sha256 *hash);
void gf_sha256_update(struct gf_sha256 *hash, const void *bytes, size_t size);
/* The hash must be initialised again before it is used again. */
struct gf_digest gf_sha256_final(struct gf_sha256 *hash);

struct gf_digest gf_sha256_of(struct gf_str bytes);

/* GF_OK when they are equal; else GF_INVALID_ARGUMENT, reason DIGEST_MISMATCH, with both. */
enum gf_code gf_digest_check(const struct gf_digest *expected, const struct gf_digest *got,
                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_SHA256_H_ */
