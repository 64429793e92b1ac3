/*
 * Removes the secrets of pipelines and namespaces that were deleted from the vault: in the
 * background, at the start of the server and after every deletion.
 *
 * What the store does not know was deleted, but for one case: the store was replaced by an older or
 * an empty one. So secrets that were there at the start under a key that the store has not given
 * away yet are left alone.
 *
 * Thread: the owner's.
 */
#ifndef GOFER_API_SERVICE_SECRET_SWEEP_H_
#define GOFER_API_SERVICE_SECRET_SWEEP_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/pool.h"
#include "engine/events/hub.h"
#include "engine/secrets/vault.h"
#include "engine/store/store.h"

struct gf_secret_sweep;

/*
 * The least keys above those of all places with secrets, for the engine not to give them away
 * again: whatever the store was replaced by, a new pipeline never gets at the secrets of another
 * one. Blocks. Code: GF_DATA_LOSS (a key that cannot be).
 */
enum gf_code gf_secret_next_keys(struct gf_vault *vault, int64_t *out_namespace_key,
                                 int64_t *out_pipeline_key, struct gf_error *err) GF_MUST_USE;

/* All is borrowed until destroy. */
struct gf_secret_sweep_options {
    struct gf_store *store; /* one reader is lent to a sweep at times */
    struct gf_vault *vault;
    struct gf_event_hub *hub;
    struct gf_pool *pool;       /* for jobs that may take long */
    int64_t next_namespace_key; /* as of the start */
    int64_t next_pipeline_key;  /* likewise */
};

/* Sweeps for the first time, and follows the events. Codes: those of gf_event_hub_add. */
enum gf_code gf_secret_sweep_start(const struct gf_secret_sweep_options *options,
                                   struct gf_secret_sweep **out_sweep,
                                   struct gf_error *err) GF_MUST_USE;

/* A sweep under way ends soon, and none begins. Accepts NULL. */
void gf_secret_sweep_stop(struct gf_secret_sweep *sweep);

/* After the pool was joined. Accepts NULL. */
void gf_secret_sweep_destroy(struct gf_secret_sweep *sweep);

#endif /* GOFER_API_SERVICE_SECRET_SWEEP_H_ */
