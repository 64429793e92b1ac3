/*
 * Why the settings are as they are:
 *
 * - WAL with synchronous=FULL: a commit is on the disk when it returns, and readers never wait for
 * it.
 * - No automatic checkpoints: they would run on the engine's thread, in the middle of a commit. The
 * wal hook of the writer takes their place (checkpoint.c).
 * - Small page caches and no mmap: the kernel caches the file already, and a server at rest should
 * not hold memory for what it read once. A fault of the disk in mapped memory would be a SIGBUS.
 * - secure_delete, which Debian's build turns on, would write zeros over all that is purged;
 * secrets are not kept in this file.
 * - trusted_schema=OFF and DEFENSIVE: a database that somebody tampered with cannot run functions
 * from its schema, and nothing here can write to it.
 */
#include "engine/sqlite/db.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

/* What a result code means: X(primary code of SQLite, code, sentence) */
#define MEANINGS(X)                                                                                \
    X(SQLITE_FULL, GF_UNAVAILABLE, "the disk is full")                                             \
    X(SQLITE_IOERR, GF_UNAVAILABLE, "reading or writing the file failed")                          \
    X(SQLITE_BUSY, GF_UNAVAILABLE, "another process holds the database locked")                    \
    X(SQLITE_LOCKED, GF_UNAVAILABLE, "another connection holds the database locked")               \
    X(SQLITE_PROTOCOL, GF_UNAVAILABLE, "another process holds the write-ahead log locked")         \
    X(SQLITE_CORRUPT, GF_DATA_LOSS, "the file is damaged; restore it from a backup")               \
    X(SQLITE_NOTADB, GF_DATA_LOSS, "the file is not a database")                                   \
    X(SQLITE_READONLY, GF_FAILED_PRECONDITION, "the file or its directory cannot be written")      \
    X(SQLITE_PERM, GF_FAILED_PRECONDITION, "the file may not be opened")                           \
    X(SQLITE_CANTOPEN, GF_FAILED_PRECONDITION, "the file cannot be opened")                        \
    X(SQLITE_NOMEM, GF_RESOURCE_EXHAUSTED, "there is not enough memory")                           \
    X(SQLITE_TOOBIG, GF_RESOURCE_EXHAUSTED, "a value is too large")

static const struct meaning {
    int result;
    enum gf_code code;
    const char *sentence;
} MEANING[] = {
#define GF_X(result, code, sentence) {result, code, sentence},
    MEANINGS(GF_X)
#undef GF_X
};

enum gf_code gf_sqlite__fail(struct gf_sqlite_db *db, int result, const char *doing,
                             struct gf_error *err) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(MEANING); i++) {
        if (MEANING[i].result != (result & 0xff)) {
            continue;
        }
        const int errnum = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
        if (errnum != 0 &&
            (MEANING[i].result == SQLITE_IOERR || MEANING[i].result == SQLITE_CANTOPEN)) {
            return gf_fail_errno(err, MEANING[i].code, errnum, "%s in database '%s': %s", doing,
                                 db->path, MEANING[i].sentence);
        }
        return gf_fail(err, MEANING[i].code, "%s in database '%s': %s", doing, db->path,
                       MEANING[i].sentence);
    }
    return gf_fail(err, GF_INTERNAL, "%s in database '%s': %s (%d)", doing, db->path,
                   db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(result),
                   result);
}

static enum gf_code apply_settings(struct gf_sqlite_db *db, enum gf_sqlite_role role,
                                   struct gf_error *err) {
    char text[512];
    (void)snprintf(
        text, sizeof(text),
        "PRAGMA foreign_keys = %s; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;"
        "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
        "PRAGMA secure_delete = %s; PRAGMA synchronous = FULL;"
        "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -%d;",
        role == GF_SQLITE_WRITER ? "ON" : "OFF", db->profile->secure_delete ? "ON" : "OFF",
        role == GF_SQLITE_WRITER ? db->profile->writer_cache_kib : db->profile->reader_cache_kib);
    return gf_sqlite__exec(db, text, "set up the connection", err);
}

enum gf_code gf_sqlite__db_open(struct gf_sqlite_db *db, const char *path, const char *vfs,
                                enum gf_sqlite_role role, const struct gf_sqlite_profile *profile,
                                struct gf_error *err) {
    memset(db, 0, sizeof(*db));
    db->path = path;
    db->profile = profile;
    db->statements = gf_calloc(profile->statement_count, sizeof(db->statements[0]));
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (role) {
    case GF_SQLITE_WRITER:
        flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
        break;
    case GF_SQLITE_CHECKPOINTER:
        flags |= SQLITE_OPEN_READWRITE;
        break;
    case GF_SQLITE_READER:
        flags |= SQLITE_OPEN_READONLY;
        break;
    }
    const int result = sqlite3_open_v2(path, &db->handle, flags, vfs);
    if (result != SQLITE_OK) {
        const enum gf_code rc = gf_sqlite__fail(db, result, "open", err);
        gf_sqlite__db_close(db);
        return rc;
    }
    /* Where it may not write, SQLite opens for reading without a word. */
    if (role != GF_SQLITE_READER && sqlite3_db_readonly(db->handle, "main") != 0) {
        gf_sqlite__db_close(db);
        return gf_fail(err, GF_FAILED_PRECONDITION, "database '%s' may not be written by this user",
                       path);
    }
    (void)sqlite3_busy_timeout(db->handle, GF_SQLITE_BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    const enum gf_code rc = apply_settings(db, role, err);
    if (rc != GF_OK) {
        gf_sqlite__db_close(db);
    }
    return rc;
}

void gf_sqlite__db_close(struct gf_sqlite_db *db) {
    for (size_t i = 0; db->statements != NULL && i < db->profile->statement_count; i++) {
        (void)sqlite3_finalize(db->statements[i]);
    }
    free(db->statements);
    db->statements = NULL;
    if (db->handle != NULL) {
        const int result = sqlite3_close(db->handle);
        gf_assert(result == SQLITE_OK);
        db->handle = NULL;
    }
}

enum gf_code gf_sqlite__prepare(struct gf_sqlite_db *db, size_t sql, sqlite3_stmt **out_stmt,
                                struct gf_error *err) {
    gf_assert(db->handle != NULL && sql < db->profile->statement_count);
    if (db->statements[sql] == NULL) {
        const int result =
            sqlite3_prepare_v3(db->handle, db->profile->statements[sql], -1,
                               SQLITE_PREPARE_PERSISTENT, &db->statements[sql], NULL);
        if ((result & 0xff) == SQLITE_ERROR) {
            /* The statements fit what the migrations make: somebody or something has changed it. */
            return gf_fail(err, GF_DATA_LOSS, "the schema of database '%s' is damaged (%s)",
                           db->path, sqlite3_errmsg(db->handle));
        }
        if (result != SQLITE_OK) {
            return gf_sqlite__fail(db, result, "prepare a statement", err);
        }
    }
    *out_stmt = db->statements[sql];
    return GF_OK;
}

enum gf_code gf_sqlite__run(struct gf_sqlite_db *db, sqlite3_stmt *stmt, const char *doing,
                            int64_t *out_changed, struct gf_error *err) {
    const int result = sqlite3_step(stmt);
    if (result != SQLITE_DONE) {
        /* The error is read before the reset, which may put another one in its place. */
        const enum gf_code rc = gf_sqlite__fail(db, result, doing, err);
        (void)sqlite3_reset(stmt);
        return rc;
    }
    if (out_changed != NULL) {
        *out_changed = sqlite3_changes64(db->handle);
    }
    (void)sqlite3_reset(stmt);
    return GF_OK;
}

enum gf_code gf_sqlite__run_sql(struct gf_sqlite_db *db, size_t sql, const char *doing,
                                struct gf_error *err) {
    sqlite3_stmt *stmt = NULL;
    const enum gf_code rc = gf_sqlite__prepare(db, sql, &stmt, err);
    if (rc != GF_OK) {
        return rc;
    }
    return gf_sqlite__run(db, stmt, doing, NULL, err);
}

enum gf_code gf_sqlite__exec(struct gf_sqlite_db *db, const char *text, const char *doing,
                             struct gf_error *err) {
    const int result = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
    return result == SQLITE_OK ? GF_OK : gf_sqlite__fail(db, result, doing, err);
}

static void finalize_p(sqlite3_stmt **stmt) {
    (void)sqlite3_finalize(*stmt);
}

enum gf_code gf_sqlite__query_i64(struct gf_sqlite_db *db, const char *text, const char *doing,
                                  int64_t *out_number, struct gf_error *err) {
    GF_CLEANUP(finalize_p) sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(db->handle, text, -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        return gf_sqlite__fail(db, result, doing, err);
    }
    *out_number = result == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    return GF_OK;
}
