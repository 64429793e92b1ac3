/*
 * A directory for one secret store, for tests. Everything aborts the test on an error.
 */
#ifndef GOFER_ENGINE_SECRETS_SQLITE_TESTING_FIXTURE_H_
#define GOFER_ENGINE_SECRETS_SQLITE_TESTING_FIXTURE_H_

#include "base/str.h"
#include "engine/secrets/sqlite/secret_store.h"
#include "engine/secrets/testing/secret_store_battery.h"

struct gf_secret_fixture {
    char *dir;
    char *path; /* of the database */
    struct gf_secret_store_factory factory;
};

void gf_secret_fixture_init(struct gf_secret_fixture *fixture);
/* Removes the directory. */
void gf_secret_fixture_fini(struct gf_secret_fixture *fixture);

/* Opens the store, on the VFS that fails on demand (engine/store/sqlite/testing/fault_vfs.h). */
struct gf_secret_store *gf_secret_fixture_open(struct gf_secret_fixture *fixture);
/* The same on the system's VFS: for threads, which the other one is not for. */
struct gf_secret_store *gf_secret_fixture_open_plain(struct gf_secret_fixture *fixture);
/* Opens it and expects that to fail with `rc`. */
void gf_secret_fixture_refused(struct gf_secret_fixture *fixture, enum gf_code rc);

/* Changes the file past the store, which is closed. */
void gf_secret_fixture_exec(const struct gf_secret_fixture *fixture, const char *sql);
/* The number that a query gives, read past the store. */
int64_t gf_secret_fixture_query(const struct gf_secret_fixture *fixture, const char *sql);

/* The file as it is, and another one in its place. The store is closed. */
void gf_secret_fixture_load(const struct gf_secret_fixture *fixture, struct gf_strbuf *out);
void gf_secret_fixture_save(const struct gf_secret_fixture *fixture, struct gf_str bytes);

#endif /* GOFER_ENGINE_SECRETS_SQLITE_TESTING_FIXTURE_H_ */
