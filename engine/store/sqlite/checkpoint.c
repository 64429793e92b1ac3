/*
 * Moving the write-ahead log into the file.
 *
 * A worker does it with a connection of its own while the engine goes on committing (PASSIVE: it
 * waits for nobody). What was committed in the meantime stays in the log, so under constant load
 * the worker alone never reaches the end and the log would never start over. So when the log
 * reaches its limit the engine's thread moves the little that is left and waits for the readers
 * that still look at the log (RESTART): a few milliseconds in a few thousand commits.
 */
#include "base/clock.h"
#include "engine/store/sqlite/store_internal.h"

enum {
    /* How long a commit at the limit waits for readers before it tries again later. */
    READERS_WAIT_MS = 100,
    /* After readers were in the way: by what part of its limit the log grows until the next
     * attempt. */
    RETRY_DIVISOR = 8,
};

/* Called by SQLite after each commit of the writer. Takes the place of automatic checkpoints. */
static int wal_grew(void *ctx, GF_UNUSED sqlite3 *handle, GF_UNUSED const char *name, int pages) {
    struct gf_sqlite_store *store = ctx;
    atomic_store_explicit(&store->wal_bytes, (int64_t)pages * GF_SQLITE_PAGE_BYTES,
                          memory_order_relaxed);
    return SQLITE_OK;
}

void gf_sqlite__wal_watch(struct gf_sqlite_store *store) {
    store->wal_retry_bytes = store->wal_bytes_max;
    (void)sqlite3_wal_hook(store->writer.handle, wal_grew, store);
}

void gf_sqlite__wal_bound(struct gf_sqlite_store *store) {
    const int64_t bytes = atomic_load_explicit(&store->wal_bytes, memory_order_relaxed);
    if (bytes < store->wal_bytes_max) {
        store->wal_retry_bytes = store->wal_bytes_max;
        return;
    }
    if (bytes < store->wal_retry_bytes) {
        return;
    }
    const int64_t begin_ns = gf_mono_ns();
    (void)sqlite3_busy_timeout(store->writer.handle, READERS_WAIT_MS);
    const int result = sqlite3_wal_checkpoint_v2(store->writer.handle, NULL,
                                                 SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    (void)sqlite3_busy_timeout(store->writer.handle, GF_SQLITE_BUSY_TIMEOUT_MS);
    gf_histogram_add(&store->stall, gf_mono_ns() - begin_ns);
    gf_counter_add(&store->checkpoints_busy, (result & 0xff) == SQLITE_BUSY);
    /* A checkpoint that fails has lost nothing; the next commit meets the same disk. */
    store->wal_retry_bytes =
        result == SQLITE_OK ? store->wal_bytes_max : bytes + store->wal_bytes_max / RETRY_DIVISOR;
}

enum gf_code gf_sqlite__checkpoint(struct gf_store *base, struct gf_error *err) {
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    if (atomic_load_explicit(&store->wal_bytes, memory_order_relaxed) < store->wal_bytes_soft ||
        atomic_flag_test_and_set(&store->checkpointing)) {
        return GF_OK;
    }
    const int64_t begin_ns = gf_mono_ns();
    const int result = sqlite3_wal_checkpoint_v2(store->checkpointer.handle, NULL,
                                                 SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    gf_histogram_add(&store->checkpoint, gf_mono_ns() - begin_ns);
    const enum gf_code rc =
        result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY
            ? GF_OK
            : gf_sqlite__fail(&store->checkpointer, result, "move the write-ahead log", err);
    gf_counter_add(&store->checkpoint_failures, rc != GF_OK);
    atomic_flag_clear(&store->checkpointing);
    return rc;
}
