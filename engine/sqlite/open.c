#include "engine/sqlite/open.h"

#include "engine/sqlite/guard.h"

#include <pthread.h>
#include <stdio.h>

/*
 * SQLite counts every allocation under one lock of the process, which connections of many threads
 * would queue for. Nothing reads the count. If somebody else has started SQLite already, it goes on
 * counting.
 */
static void configure_library(void) {
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum gf_code turn_on_wal(struct gf_sqlite_db *db, struct gf_error *err) {
    /* The page size counts for new files only. */
    char text[128];
    (void)snprintf(text, sizeof(text), "PRAGMA page_size = %d; PRAGMA journal_mode = WAL;",
                   GF_SQLITE_PAGE_BYTES);
    enum gf_code rc = gf_sqlite__exec(db, text, "turn on the write-ahead log", err);
    int64_t on = 0;
    if (rc == GF_OK) {
        rc = gf_sqlite__query_i64(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode",
                                  "turn on the write-ahead log", &on, err);
    }
    /* SQLite goes on without one where it cannot have shared memory. */
    if (rc == GF_OK && on == 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the file system of database '%s' cannot hold a write-ahead log; use a "
                       "local one",
                       db->path);
    }
    return rc;
}

void gf_sqlite__configure(void) {
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    (void)pthread_once(&configured, configure_library);
}

enum gf_code gf_sqlite__open(struct gf_sqlite_db *db, const char *path, const char *vfs,
                             const struct gf_sqlite_profile *profile,
                             const struct gf_sqlite_migration *migrations, size_t migration_count,
                             int *out_lock_fd, struct gf_error *err) {
    gf_sqlite__configure();
    enum gf_code rc = gf_sqlite__lock(path, out_lock_fd, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__check_file(path, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__db_open(db, path, vfs, GF_SQLITE_WRITER, profile, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__check_owner(db, err);
    }
    if (rc == GF_OK) {
        rc = turn_on_wal(db, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__check_sound(db, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__migrate(db, migrations, migration_count, err);
    }
    return rc;
}
