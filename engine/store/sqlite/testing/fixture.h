/*
 * A directory for one database, for tests. Everything aborts the test on an error.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_TESTING_FIXTURE_H_
#define GOFER_ENGINE_STORE_SQLITE_TESTING_FIXTURE_H_

#include "engine/store/sqlite/store.h"
#include "engine/store/testing/rows.h"
#include "engine/store/testing/store_battery.h"

struct gf_sqlite_fixture {
    char *dir;
    char *path; /* of the database */
    struct gf_store_factory factory;
};

void gf_sqlite_fixture_init(struct gf_sqlite_fixture *fixture);
/* Removes the directory. */
void gf_sqlite_fixture_fini(struct gf_sqlite_fixture *fixture);

/* Opens the store; options may be NULL. */
struct gf_store *gf_sqlite_fixture_open(struct gf_sqlite_fixture *fixture,
                                        const struct gf_sqlite_options *options);
/* Opens it and expects that to fail with `rc` and a message in which `part` stands. */
void gf_sqlite_fixture_refused(struct gf_sqlite_fixture *fixture, enum gf_code rc,
                               const char *part);

/* The size of the file PATH + suffix; -1 where there is none. */
int64_t gf_sqlite_fixture_size(const struct gf_sqlite_fixture *fixture, const char *suffix);

/* The number that a query gives, read past the store. */
int64_t gf_sqlite_fixture_query(const struct gf_sqlite_fixture *fixture, const char *sql);
/* Changes the file past the store, which is closed. */
void gf_sqlite_fixture_exec(const struct gf_sqlite_fixture *fixture, const char *sql);

#endif /* GOFER_ENGINE_STORE_SQLITE_TESTING_FIXTURE_H_ */
