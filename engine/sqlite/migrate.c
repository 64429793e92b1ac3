#include "engine/sqlite/migrate.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const char CREATE_HISTORY[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                     " number INTEGER PRIMARY KEY,"
                                     " name TEXT NOT NULL,"
                                     " apply_time INTEGER NOT NULL"
                                     ") STRICT;";

enum gf_code gf_sqlite__schema_version(struct gf_sqlite_db *db, int64_t *out_version,
                                       struct gf_error *err) {
    int64_t exists = 0;
    const enum gf_code rc = gf_sqlite__query_i64(
        db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'",
        "read the schema", &exists, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (exists == 0) {
        *out_version = 0;
        return GF_OK;
    }
    return gf_sqlite__query_i64(db, "SELECT ifnull(max(number), 0) FROM schema_migrations",
                                "read the schema version", out_version, err);
}

/* Neither text nor number comes from outside: the statement is used once. */
static enum gf_code record(struct gf_sqlite_db *db, const struct gf_sqlite_migration *migration,
                           struct gf_error *err) {
    char text[256];
    const int size = snprintf(
        text, sizeof(text), "INSERT INTO schema_migrations VALUES (%" PRId64 ", '%s', %" PRId64 ")",
        migration->number, migration->name, gf_wall_ns());
    gf_assert(size > 0 && (size_t)size < sizeof(text));
    return gf_sqlite__exec(db, text, "record a migration", err);
}

static enum gf_code check_foreign_keys(struct gf_sqlite_db *db, struct gf_error *err) {
    int64_t broken = 0;
    const enum gf_code rc = gf_sqlite__query_i64(
        db, "SELECT count(*) FROM pragma_foreign_key_check", "check foreign keys", &broken, err);
    if (rc == GF_OK && broken > 0) {
        return gf_fail(err, GF_DATA_LOSS, "database '%s': %" PRId64 " rows have lost their parents",
                       db->path, broken);
    }
    return rc;
}

static enum gf_code apply(struct gf_sqlite_db *db, const struct gf_sqlite_migration *migration,
                          struct gf_error *err) {
    enum gf_code rc = gf_sqlite__exec(db, "BEGIN IMMEDIATE", "begin a transaction", err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite__exec(db, CREATE_HISTORY, "create the table of migrations", err);
    if (rc == GF_OK) {
        rc = gf_sqlite__exec(db, migration->sql, "change the schema", err);
    }
    if (rc == GF_OK) {
        rc = check_foreign_keys(db, err);
    }
    if (rc == GF_OK) {
        rc = record(db, migration, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__exec(db, "COMMIT", "commit", err);
    }
    if (rc != GF_OK) {
        if (sqlite3_get_autocommit(db->handle) == 0) {
            gf_ignore(gf_sqlite__exec(db, "ROLLBACK", "roll back", NULL));
        }
        return gf_wrap(err, "migration %" PRId64 " (%s)", migration->number, migration->name);
    }
    return GF_OK;
}

enum gf_code gf_sqlite__migrate(struct gf_sqlite_db *db,
                                const struct gf_sqlite_migration *migrations, size_t count,
                                struct gf_error *err) {
    int64_t version = 0;
    enum gf_code rc = gf_sqlite__schema_version(db, &version, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (version > (int64_t)count) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "DATABASE_TOO_NEW",
                              "database '%s' was written by a newer gofer: its schema has version "
                              "%" PRId64 ", this gofer knows up to %zu; start the newer gofer, or "
                              "restore a backup",
                              db->path, version, count);
    }
    if (version == (int64_t)count) {
        return GF_OK;
    }
    rc = gf_sqlite__exec(db, "PRAGMA foreign_keys = OFF", "begin migrating", err);
    for (size_t i = (size_t)version; i < count && rc == GF_OK; i++) {
        gf_assert(migrations[i].number == (int64_t)i + 1);
        rc = apply(db, &migrations[i], err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    return gf_sqlite__exec(db, "PRAGMA foreign_keys = ON", "end migrating", err);
}
