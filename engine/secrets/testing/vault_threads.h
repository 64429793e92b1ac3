/*
 * Threads as a server has them: some store versions of the same secret, some read it, one rotates
 * all keys and encrypts anew, one writes uses. Every value that is read is one that was stored, and
 * nothing is lost. Without Criterion, for --config=tsan too; aborts where it fails.
 */
#ifndef GOFER_ENGINE_SECRETS_TESTING_VAULT_THREADS_H_
#define GOFER_ENGINE_SECRETS_TESTING_VAULT_THREADS_H_

#include "engine/secrets/secret_store.h"

/* Over an empty store, which is destroyed. */
void gf_vault_threads(struct gf_secret_store *store);

#endif /* GOFER_ENGINE_SECRETS_TESTING_VAULT_THREADS_H_ */
