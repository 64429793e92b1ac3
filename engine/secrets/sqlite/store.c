/*
 * Opening, connections, and transactions. Connections are lent by lists under the mutex, which is
 * held for no statement: the writer to one call at a time, readers beside it.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "engine/secrets/sqlite/migrate.h"
#include "engine/secrets/sqlite/secret_store.h"
#include "engine/secrets/sqlite/store_internal.h"
#include "engine/sqlite/open.h"

/* ---- Connections ---- */

static struct secret_connection *take(struct sqlite_secret_store *store,
                                      struct secret_connection **list) {
    GF_MUTEX_GUARD(&store->mutex);
    while (*list == NULL) {
        gf_cond_wait(&store->returned, &store->mutex);
    }
    struct secret_connection *connection = *list;
    *list = connection->next;
    connection->next = NULL;
    return connection;
}

static void give(struct sqlite_secret_store *store, struct secret_connection **list,
                 struct secret_connection *connection) {
    GF_MUTEX_GUARD(&store->mutex);
    connection->next = *list;
    *list = connection;
    /* Readers and writers wait for the same condition. */
    gf_cond_broadcast(&store->returned);
}

struct secret_connection *gf_sqlite_secret__read(struct sqlite_secret_store *store) {
    return take(store, &store->free_readers);
}

void gf_sqlite_secret__read_end(struct sqlite_secret_store *store,
                                struct secret_connection *connection) {
    give(store, &store->free_readers, connection);
}

/* ---- Transactions ---- */

enum gf_code gf_sqlite_secret__begin(struct sqlite_secret_store *store,
                                     struct gf_sqlite_db **out_db, struct gf_error *err) {
    struct secret_connection *writer = take(store, &store->free_writer);
    const enum gf_code rc = gf_sqlite__run_sql(&writer->db, GF_SECRET_SQL_BEGIN, "begin", err);
    if (rc != GF_OK) {
        give(store, &store->free_writer, writer);
        return rc;
    }
    *out_db = &writer->db;
    return GF_OK;
}

/* Moves the log into the file and empties it, where nobody reads. Where somebody does: later. */
static void empty_log(struct sqlite_secret_store *store) {
    sqlite3 *handle = store->writer.db.handle;
    (void)sqlite3_busy_timeout(handle, GF_SQLITE_SECRET_READERS_WAIT_MS);
    (void)sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(handle, GF_SQLITE_BUSY_TIMEOUT_MS);
}

enum gf_code gf_sqlite_secret__end(struct sqlite_secret_store *store, enum gf_code rc, bool removed,
                                   struct gf_error *err) {
    struct gf_sqlite_db *db = &store->writer.db;
    if (rc == GF_OK) {
        rc = gf_sqlite__run_sql(db, GF_SECRET_SQL_COMMIT, "commit", err);
    }
    if (sqlite3_get_autocommit(db->handle) == 0) {
        gf_ignore(gf_sqlite__run_sql(db, GF_SECRET_SQL_ROLLBACK, "roll back", NULL));
    }
    if (rc == GF_OK && (removed || store->wal_pages >= GF_SQLITE_SECRET_WAL_PAGES)) {
        empty_log(store);
    }
    give(store, &store->free_writer, &store->writer);
    return rc;
}

/* Called by SQLite after each commit of the writer. */
static int wal_grew(void *ctx, GF_UNUSED sqlite3 *handle, GF_UNUSED const char *name, int pages) {
    struct sqlite_secret_store *store = ctx;
    store->wal_pages = pages;
    return SQLITE_OK;
}

/* ---- Statements that give a number, or nothing ---- */

enum gf_code gf_sqlite_secret__run(struct gf_sqlite_db *db, enum gf_secret_sql sql, int64_t first,
                                   const int64_t *second, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, first);
    if (second != NULL) {
        gf_sqlite__bind_i64(&bind, *second);
    }
    return gf_sqlite__run_bound(&bind, "change secrets", NULL, err);
}

static enum gf_code read_number(struct gf_sqlite_row *row, void *ctx,
                                GF_UNUSED struct gf_error *err) {
    *(int64_t *)ctx = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite_secret__number(struct gf_sqlite_db *db, enum gf_secret_sql sql,
                                      int64_t first, int64_t second, int64_t *out,
                                      struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    int64_t number = 0;
    enum gf_code rc = gf_sqlite__bind_start(&bind, db, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, first);
    gf_sqlite__bind_i64(&bind, second);
    rc = gf_sqlite__visit(&bind, "secrets", read_number, &number, err);
    if (rc == GF_OK) {
        *out = number;
    }
    return rc;
}

/* ---- The store ---- */

static void destroy(struct gf_secret_store *base) {
    if (base == NULL) {
        return;
    }
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    for (size_t i = 0; i < GF_ARRAY_COUNT(store->readers); i++) {
        gf_sqlite__db_close(&store->readers[i].db);
    }
    /* The last connection: closing it moves the log into the file and removes it. */
    gf_sqlite__db_close(&store->writer.db);
    gf_close(&store->lock_fd);
    gf_cond_fini(&store->returned);
    gf_mutex_fini(&store->mutex);
    free(store->path);
    free(store);
}

static const struct gf_secret_store_ops OPS = {
    .destroy = destroy,
    .put = gf_sqlite_secret__put,
    .get = gf_sqlite_secret__get,
    .list_versions = gf_sqlite_secret__list_versions,
    .list = gf_sqlite_secret__list,
    .list_places = gf_sqlite_secret__list_places,
    .remove = gf_sqlite_secret__remove,
    .remove_pipeline = gf_sqlite_secret__remove_pipeline,
    .remove_namespace = gf_sqlite_secret__remove_namespace,
    .touch = gf_sqlite_secret__touch,
    .get_request = gf_sqlite_secret__get_request,
    .put_key = gf_sqlite_secret__put_key,
    .list_keys = gf_sqlite_secret__list_keys,
    .list_key_namespaces = gf_sqlite_secret__list_key_namespaces,
    .list_master_keys = gf_sqlite_secret__list_master_keys,
    .list_keys_not_wrapped_by = gf_sqlite_secret__list_keys_not_wrapped_by,
    .replace_key = gf_sqlite_secret__replace_key,
    .remove_key = gf_sqlite_secret__remove_key,
    .list_values_below = gf_sqlite_secret__list_values_below,
    .count_values_below = gf_sqlite_secret__count_values_below,
    .replace_value = gf_sqlite_secret__replace_value,
    .list_marks_below = gf_sqlite_secret__list_marks_below,
    .replace_mark = gf_sqlite_secret__replace_mark,
    .record = gf_sqlite_secret__record,
    .list_changes = gf_sqlite_secret__list_changes,
    .forget_changes = gf_sqlite_secret__forget_changes,
};

static enum gf_code open_all(struct sqlite_secret_store *store, const char *vfs,
                             struct gf_error *err) {
    const struct gf_sqlite_profile *profile = &gf_sqlite_secret__profile;
    enum gf_code rc =
        gf_sqlite__open(&store->writer.db, store->path, vfs, profile, gf_sqlite_secret__migrations,
                        gf_sqlite_secret__migration_count, &store->lock_fd, err);
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(store->readers); i++) {
        struct secret_connection *reader = &store->readers[i];
        rc = gf_sqlite__db_open(&reader->db, store->path, vfs, GF_SQLITE_READER, profile, err);
        reader->next = store->free_readers;
        store->free_readers = reader;
    }
    if (rc == GF_OK) {
        store->free_writer = &store->writer;
        (void)sqlite3_wal_hook(store->writer.db.handle, wal_grew, store);
    }
    return rc;
}

enum gf_code gf_sqlite_secret_store_open_vfs(const char *path, const char *vfs,
                                             struct gf_secret_store **out_store,
                                             struct gf_error *err) {
    struct sqlite_secret_store *store = GF_NEW(struct sqlite_secret_store);
    store->base.ops = &OPS;
    store->path = gf_strdup(path);
    store->lock_fd = -1;
    gf_mutex_init(&store->mutex, GF_RANK_STORE);
    gf_cond_init(&store->returned);
    const enum gf_code rc = open_all(store, vfs, err);
    if (rc != GF_OK) {
        destroy(&store->base);
        return rc;
    }
    *out_store = &store->base;
    return GF_OK;
}

enum gf_code gf_sqlite_secret_store_open(const char *path, struct gf_secret_store **out_store,
                                         struct gf_error *err) {
    return gf_sqlite_secret_store_open_vfs(path, NULL, out_store, err);
}
