/*
 * A store that keeps everything in memory: for tests and simulations.
 *
 * It follows the port to the letter but for durability: what a commit wrote is gone with the
 * process. gf_memory_store_clone takes a picture of it, as a disk would hold it after a crash, and
 * commits can be made to fail.
 *
 * Thread: as the port says; clone and the settings from any.
 */
#ifndef GOFER_ENGINE_STORE_MEMORY_MEMORY_H_
#define GOFER_ENGINE_STORE_MEMORY_MEMORY_H_

#include "base/macros.h"
#include "engine/store/store.h"

/* An empty store, destroyed through its ops. */
struct gf_store *gf_memory_store_create(void) GF_MUST_USE;

/* A second store with the same rows and events, independent of the first. */
struct gf_store *gf_memory_store_clone(struct gf_store *store) GF_MUST_USE;

/*
 * The commit after the next `commits_left` ones fails with GF_UNAVAILABLE and writes nothing; so do
 * all commits behind it. Negative: commits do not fail (the default).
 */
void gf_memory_store_fail_after(struct gf_store *store, int64_t commits_left);

/* How often commit and checkpoint have been called with success. */
int64_t gf_memory_store_commit_count(struct gf_store *store);
int64_t gf_memory_store_checkpoint_count(struct gf_store *store);

#endif /* GOFER_ENGINE_STORE_MEMORY_MEMORY_H_ */
