/*
 * A vault for tests, over any store, with a clock that stands still. Everything aborts the test
 * where it fails, but for the functions that give a code. Thread: one.
 */
#ifndef GOFER_ENGINE_SECRETS_TESTING_VAULT_FIXTURE_H_
#define GOFER_ENGINE_SECRETS_TESTING_VAULT_FIXTURE_H_

#include "base/arena.h"
#include "base/clock.h"
#include "engine/secrets/vault.h"

#define GF_VAULT_TEST_NAMESPACE INT64_C(7)
#define GF_VAULT_TEST_PIPELINE INT64_C(70)

struct gf_vault_fixture {
    struct gf_arena arena; /* to the end of the test */
    struct gf_secret_store *store;
    struct gf_vault *vault;
    struct gf_fake_clock clock;
    const char *master_texts[3]; /* newest first, NULL behind the last */
    int changed_count;
    struct gf_error err; /* of the last call that failed */
};

/* A vault with a new master key on the store, which is the fixture's from now on. */
void gf_vault_fixture_init(struct gf_vault_fixture *fixture, struct gf_secret_store *store);
void gf_vault_fixture_fini(struct gf_vault_fixture *fixture);

/* Only the vault, with the fixture's master keys: as a server that starts and ends. */
enum gf_code gf_vault_fixture_open(struct gf_vault_fixture *fixture);
void gf_vault_fixture_close(struct gf_vault_fixture *fixture);

/* The master keys anew. */
struct gf_master_keys *gf_vault_fixture_masters(struct gf_vault_fixture *fixture);
/* A new one in front of the others (keep_old), or alone. */
void gf_vault_fixture_new_master(struct gf_vault_fixture *fixture, bool keep_old);

/* "name": of pipeline 70 in namespace 7; "7/71/name": of another one; "/name": global. */
struct gf_secret_place gf_vault_fixture_place(struct gf_vault_fixture *fixture, const char *path);

/* Stores with force; a global one for namespaces "team-*". */
enum gf_code gf_vault_fixture_try_put(struct gf_vault_fixture *fixture, const char *path,
                                      const char *value);
void gf_vault_fixture_put(struct gf_vault_fixture *fixture, const char *path, const char *value);

/* The value as its pipeline's tasks get it (namespace id "team-a"), in the arena. */
enum gf_code gf_vault_fixture_try_read(struct gf_vault_fixture *fixture, const char *path,
                                       const char **out_value);
void gf_vault_fixture_expect(struct gf_vault_fixture *fixture, const char *path, const char *value);

enum gf_code gf_vault_fixture_rotate(struct gf_vault_fixture *fixture, enum gf_vault_scope scope,
                                     int64_t namespace_key, int64_t *out_pending);
/* Encrypts anew until nothing is left; how many calls that took. */
enum gf_code gf_vault_fixture_reencrypt(struct gf_vault_fixture *fixture, int *out_calls);

/* How many keys there are in the store. */
size_t gf_vault_fixture_count_keys(struct gf_vault_fixture *fixture,
                                   enum gf_secret_key_purpose purpose, int64_t namespace_key);

#endif /* GOFER_ENGINE_SECRETS_TESTING_VAULT_FIXTURE_H_ */
