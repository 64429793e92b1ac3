/*
 * A secret store that keeps everything in memory: for tests and simulations.
 *
 * It follows the port to the letter but for durability: what was stored is gone with the process.
 * Its rows are in lists that are searched from the front, so it is for small numbers.
 */
#ifndef GOFER_ENGINE_SECRETS_MEMORY_MEMORY_H_
#define GOFER_ENGINE_SECRETS_MEMORY_MEMORY_H_

#include "base/macros.h"
#include "engine/secrets/secret_store.h"

/* An empty store, destroyed through its ops. */
struct gf_secret_store *gf_memory_secret_store_create(void) GF_MUST_USE;

/*
 * The call that changes something after the next `changes_left` ones fails with GF_UNAVAILABLE and
 * changes nothing; so do all behind it. Negative: none fails (the default).
 */
void gf_memory_secret_store_fail_after(struct gf_secret_store *store, int64_t changes_left);

#endif /* GOFER_ENGINE_SECRETS_MEMORY_MEMORY_H_ */
