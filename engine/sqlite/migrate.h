/*
 * The schema and its history: numbered SQL files in migrations/ of the back end
 * (embed.sh makes C of them), applied once each, in order,
 * forward only.
 *
 * A migration is one transaction together with its line in the table schema_migrations: it is there
 * whole or not at all. A released file never changes; what must change is a new file. Files run
 * with foreign keys off, so that they may rebuild tables, and are checked for broken ones before
 * the commit.
 *
 * Thread: the owner's, before any reader is open.
 */
#ifndef GOFER_ENGINE_SQLITE_MIGRATE_H_
#define GOFER_ENGINE_SQLITE_MIGRATE_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/sqlite/db.h"

#include <stddef.h>
#include <stdint.h>

struct gf_sqlite_migration {
    int64_t number; /* from 1, without gaps */
    const char *name;
    const char *sql;
};

/* The number of the last migration that was applied; 0 = none, in an empty file. */
enum gf_code gf_sqlite__schema_version(struct gf_sqlite_db *db, int64_t *out_version,
                                       struct gf_error *err) GF_MUST_USE;

/*
 * Applies what is missing. Code: GF_FAILED_PRECONDITION (the file has migrations that are not in
 * the list: it was written by a newer gofer); nothing is changed then.
 */
enum gf_code gf_sqlite__migrate(struct gf_sqlite_db *db,
                                const struct gf_sqlite_migration *migrations, size_t count,
                                struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SQLITE_MIGRATE_H_ */
