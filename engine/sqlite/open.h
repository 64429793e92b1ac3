/*
 * Opening a database: the order of it is the point. The lock before the file is looked at, whose
 * file it is before anything is written to it, recovery before the schema is read, the schema
 * before any reader.
 *
 * Thread: the owner's.
 */
#ifndef GOFER_ENGINE_SQLITE_OPEN_H_
#define GOFER_ENGINE_SQLITE_OPEN_H_

#include "engine/sqlite/db.h"
#include "engine/sqlite/migrate.h"

/*
 * Settings of the library, once for the process and before its first connection. gf_sqlite__open
 * does it.
 */
void gf_sqlite__configure(void);

/*
 * Takes the lock, makes the file where there is none, checks it, turns on the write-ahead log and
 * applies the migrations. `db` is zeroed, and on success the writing connection. *out_lock_fd holds
 * the lock; close it after the last connection. On an error the caller closes both all the same.
 * Borrowed until close: path. Codes: those of guard.h, migrate.h and db.h.
 */
enum gf_code gf_sqlite__open(struct gf_sqlite_db *db, const char *path, const char *vfs,
                             const struct gf_sqlite_profile *profile,
                             const struct gf_sqlite_migration *migrations, size_t migration_count,
                             int *out_lock_fd, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SQLITE_OPEN_H_ */
