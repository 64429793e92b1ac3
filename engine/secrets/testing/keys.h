/* Keys for tests of secrets. Everything aborts the test where it fails. Thread: one. */
#ifndef GOFER_ENGINE_SECRETS_TESTING_KEYS_H_
#define GOFER_ENGINE_SECRETS_TESTING_KEYS_H_

#include "base/arena.h"
#include "engine/secrets/keyring.h"
#include "engine/secrets/master_key.h"

/* Random master keys, newest first. */
struct gf_master_keys *gf_test_masters(size_t count) GF_MUST_USE;

/* As gf_test_masters, with the texts given; NULL ends them. */
struct gf_master_keys *gf_test_masters_of(const char *const *texts) GF_MUST_USE;

/* The text of a random master key, in the arena. */
const char *gf_test_master_text(struct gf_arena *arena);

/* Data keys 1 to count of a purpose and namespace, the last one ACTIVE. In the arena. */
struct gf_secret_key *gf_test_keys(struct gf_master_keys *masters,
                                   enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                   size_t count, struct gf_arena *arena);

/* The same, opened. */
struct gf_keyring *gf_test_ring(struct gf_master_keys *masters, enum gf_secret_key_purpose purpose,
                                int64_t namespace_key, size_t count) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_TESTING_KEYS_H_ */
