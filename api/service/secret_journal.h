/*
 * The journal of secrets: turns the vault's records of changes into events, in their order, each
 * exactly once. A record is forgotten when its event is durable; what a crash left is told after
 * the next start, and the engine leaves out what it knows already (gf_input, RECORD_EVENT).
 *
 * Order: create, the vault with gf_secret_journal_changed as its `changed`, start, stop, destroy.
 */
#ifndef GOFER_API_SERVICE_SECRET_JOURNAL_H_
#define GOFER_API_SERVICE_SECRET_JOURNAL_H_

#include "base/macros.h"
#include "base/pool.h"
#include "engine/engine.h"
#include "engine/secrets/vault.h"

struct gf_secret_journal;

/* Thread of create, start, stop and destroy: the owner's. */
struct gf_secret_journal *gf_secret_journal_create(void) GF_MUST_USE;

/* For gf_vault_options: `journal` is a struct gf_secret_journal. Does not block. Thread: any. */
void gf_secret_journal_changed(void *journal);

/*
 * Publishes what is there, and from then on whatever comes. The engine has been started. Borrowed
 * until destroy: all, and of the pool until it is joined.
 */
void gf_secret_journal_start(struct gf_secret_journal *journal, struct gf_vault *vault,
                             struct gf_engine *engine, struct gf_pool *pool);

/* What is on its way comes to rest, nothing new begins. Before the pool is joined. Accepts NULL. */
void gf_secret_journal_stop(struct gf_secret_journal *journal);

/* After the pool was joined and the engine stopped. Accepts NULL. */
void gf_secret_journal_destroy(struct gf_secret_journal *journal);

#endif /* GOFER_API_SERVICE_SECRET_JOURNAL_H_ */
