/*
 * SQLite as the back ends of gofer use it (engine/store/sqlite, engine/secrets/sqlite); only they
 * include these headers. Here: one connection to a database, its settings, its prepared statements,
 * and what its errors mean.
 *
 * Thread: one at a time. Connections have no mutex of their own.
 */
#ifndef GOFER_ENGINE_SQLITE_DB_H_
#define GOFER_ENGINE_SQLITE_DB_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

enum {
    GF_SQLITE_PAGE_BYTES = 4096,
    /* How long a connection waits for a lock that another process holds: a backup, a person's
     * shell. */
    GF_SQLITE_BUSY_TIMEOUT_MS = 5000,
};

/* What a back end's databases are like. Static storage. */
struct gf_sqlite_profile {
    /* Every statement but the schema: prepared once per connection, when it is first used. */
    const char *const *statements;
    size_t statement_count;
    int64_t application_id;  /* PRAGMA application_id of its files; migration 1 sets it */
    int64_t check_bytes_max; /* larger files are looked at less closely when they are opened */
    /* Page caches, in KiB; they fill with use. */
    int writer_cache_kib;
    int reader_cache_kib;
    bool secure_delete; /* what is deleted is overwritten with zeroes */
};

/* A value in the memory of whoever owns it. Zeroed memory is a closed connection. */
struct gf_sqlite_db {
    sqlite3 *handle;
    const char *path; /* borrowed until close */
    const struct gf_sqlite_profile *profile;
    sqlite3_stmt **statements; /* as many as the profile has; NULL = not prepared yet */
};

enum gf_sqlite_role {
    GF_SQLITE_WRITER,       /* makes the file where there is none */
    GF_SQLITE_READER,       /* may not write rows */
    GF_SQLITE_CHECKPOINTER, /* moves the write-ahead log, nothing else */
};

/*
 * Opens the file and sets what must be set for every connection; reads nothing from the file yet.
 * Borrowed until close: path. `vfs` names a registered VFS; NULL = the system's.
 */
enum gf_code gf_sqlite__db_open(struct gf_sqlite_db *db, const char *path, const char *vfs,
                                enum gf_sqlite_role role, const struct gf_sqlite_profile *profile,
                                struct gf_error *err) GF_MUST_USE;

/* Accepts a closed connection. */
void gf_sqlite__db_close(struct gf_sqlite_db *db);

/*
 * Fills err with what the result code of SQLite means for the caller and what to do about it;
 * `doing` says what was tried ("list runs").
 *
 * Codes: GF_UNAVAILABLE (the disk is full or fails, another process holds the file), GF_DATA_LOSS
 * (the file is damaged), GF_FAILED_PRECONDITION (the file may not be opened or written),
 * GF_RESOURCE_EXHAUSTED (memory), GF_INTERNAL (anything else: a fault of the program).
 */
enum gf_code gf_sqlite__fail(struct gf_sqlite_db *db, int result, const char *doing,
                             struct gf_error *err);

/*
 * The prepared statement with this index in the profile, reset and ready for binding. Borrowed
 * until close. Codes: those of gf_sqlite__fail; GF_DATA_LOSS also where the schema is another one.
 */
enum gf_code gf_sqlite__prepare(struct gf_sqlite_db *db, size_t sql, sqlite3_stmt **out_stmt,
                                struct gf_error *err) GF_MUST_USE;

/*
 * Runs a bound statement that gives no rows, and resets it. *out_changed (may be NULL) is the
 * number of rows that it inserted, updated or deleted.
 */
enum gf_code gf_sqlite__run(struct gf_sqlite_db *db, sqlite3_stmt *stmt, const char *doing,
                            int64_t *out_changed, struct gf_error *err) GF_MUST_USE;

/* Prepares and runs a statement without parameters. */
enum gf_code gf_sqlite__run_sql(struct gf_sqlite_db *db, size_t sql, const char *doing,
                                struct gf_error *err) GF_MUST_USE;

/* Runs text that is not kept: settings and migrations. */
enum gf_code gf_sqlite__exec(struct gf_sqlite_db *db, const char *text, const char *doing,
                             struct gf_error *err) GF_MUST_USE;

/* The number in the first column of the first row of `text`; 0 where there is no row. */
enum gf_code gf_sqlite__query_i64(struct gf_sqlite_db *db, const char *text, const char *doing,
                                  int64_t *out_number, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SQLITE_DB_H_ */
