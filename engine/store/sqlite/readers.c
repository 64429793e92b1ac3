/*
 * The pool of read connections. All are opened with the store: lending one out cannot fail, and a
 * server at its limit of descriptors finds out when it starts.
 *
 * A reader's first statement begins a read transaction, its return ends it, so that all that is
 * read in between is one state, and no forgotten statement keeps the write-ahead log from starting
 * over.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/store/sqlite/store_internal.h"

enum gf_code gf_sqlite__readers_open(struct gf_sqlite_store *store, int count, const char *vfs,
                                     struct gf_error *err) {
    gf_mutex_init(&store->mutex, GF_RANK_STORE);
    gf_cond_init(&store->reader_free);
    store->readers = gf_calloc((size_t)count, sizeof(*store->readers));
    for (int i = 0; i < count; i++) {
        struct gf_store_reader *reader = &store->readers[i];
        const enum gf_code rc = gf_sqlite__db_open(&reader->db, store->path, vfs, GF_SQLITE_READER,
                                                   &gf_sqlite__profile, err);
        store->reader_count = i + 1;
        if (rc != GF_OK) {
            return rc;
        }
        reader->store = store;
        reader->next = store->free_readers;
        store->free_readers = reader;
    }
    return GF_OK;
}

void gf_sqlite__readers_close(struct gf_sqlite_store *store) {
    if (store->readers == NULL) {
        return;
    }
    for (int i = 0; i < store->reader_count; i++) {
        gf_sqlite__db_close(&store->readers[i].db);
    }
    free(store->readers);
    store->readers = NULL;
    gf_cond_fini(&store->reader_free);
    gf_mutex_fini(&store->mutex);
}

static void wait_for_reader(struct gf_sqlite_store *store) {
    const int64_t begin_ns = gf_mono_ns();
    store->reads_waited_total++;
    while (store->free_readers == NULL) {
        gf_cond_wait(&store->reader_free, &store->mutex);
    }
    gf_histogram_add(&store->reader_wait, gf_mono_ns() - begin_ns);
}

struct gf_store_reader *gf_sqlite__open_reader(struct gf_store *base) {
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    GF_MUTEX_GUARD(&store->mutex);
    if (store->free_readers == NULL) {
        wait_for_reader(store);
    }
    store->readers_used++;
    store->reads_total++;
    struct gf_store_reader *reader = store->free_readers;
    store->free_readers = reader->next;
    reader->next = NULL;
    return reader;
}

void gf_sqlite__close_reader(struct gf_store *base, struct gf_store_reader *reader) {
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    gf_assert(reader->store == store);
    if (sqlite3_get_autocommit(reader->db.handle) == 0) {
        /* Nothing was written: whatever this says, the transaction is over. */
        gf_ignore(gf_sqlite__run_sql(&reader->db, GF_SQL_COMMIT, "end reading", NULL));
    }
    GF_MUTEX_GUARD(&store->mutex);
    store->readers_used--;
    reader->next = store->free_readers;
    store->free_readers = reader;
    gf_cond_signal(&store->reader_free);
}

enum gf_code gf_sqlite__read_start(struct gf_store_reader *reader, enum gf_sql sql,
                                   struct gf_sqlite_bind *out_bind, struct gf_error *err) {
    if (sqlite3_get_autocommit(reader->db.handle) != 0) {
        const enum gf_code rc =
            gf_sqlite__run_sql(&reader->db, GF_SQL_BEGIN_READ, "begin reading", err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return gf_sqlite__bind_start(out_bind, &reader->db, sql, err);
}
