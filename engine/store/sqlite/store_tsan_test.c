/*
 * Threads as a server has them: one commits, several read, one moves the log. Every reader must see
 * whole batches, and never fewer than before. A plain program, for --config=tsan too.
 */
#include "base/sync.h"
#include "engine/store/sqlite/testing/fixture.h"
#include "engine/store/sqlite/testing/ledger.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCHES = 80,
    THREADS = 5, /* more than there are readers, so that some wait */
    READERS = 3,
    WAL_SOFT = 64 << 10,
    WAL_MAX = 512 << 10,
};

struct shared {
    struct gf_store *store;
    atomic_bool done;
    _Atomic int64_t acknowledged;
    _Atomic int64_t checks;
};

static void must(bool condition, const char *what) {
    if (!condition) {
        (void)fprintf(stderr, "store_tsan_test: %s\n", what);
        abort();
    }
}

static void *read_all(void *ctx) {
    struct shared *shared = ctx;
    int64_t last = 0;
    bool done = false;
    while (!done) {
        done = atomic_load(&shared->done);
        const int64_t acknowledged = atomic_load(&shared->acknowledged);
        const int64_t seen = gf_ledger_check(shared->store);
        must(seen >= last, "a reader went back in time");
        must(seen >= acknowledged, "a reader does not see what was acknowledged");
        last = seen;
        (void)atomic_fetch_add(&shared->checks, 1);
    }
    must(last == BATCHES, "the last look does not see all batches");
    return NULL;
}

static void *move_log(void *ctx) {
    struct shared *shared = ctx;
    struct gf_error err = {0};
    while (!atomic_load(&shared->done)) {
        must(shared->store->ops->checkpoint(shared->store, &err) == GF_OK, err.message);
    }
    return NULL;
}

int main(void) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    const struct gf_sqlite_options options = {
        .reader_count = READERS, .wal_bytes_soft = WAL_SOFT, .wal_bytes_max = WAL_MAX};
    struct shared shared = {.store = gf_sqlite_fixture_open(&fixture, &options)};
    struct gf_ledger ledger;
    gf_ledger_init(&ledger, shared.store);
    pthread_t readers[THREADS];
    pthread_t mover;
    for (int i = 0; i < THREADS; i++) {
        gf_thread_start(&readers[i], "reader", read_all, &shared);
    }
    gf_thread_start(&mover, "mover", move_log, &shared);
    for (int i = 0; i < BATCHES; i++) {
        struct gf_error err = {0};
        must(gf_ledger_commit(&ledger, shared.store, &err) == GF_OK, err.message);
        atomic_store(&shared.acknowledged, ledger.next_batch - 1);
    }
    atomic_store(&shared.done, true);
    for (int i = 0; i < THREADS; i++) {
        gf_thread_join(readers[i]);
    }
    gf_thread_join(mover);
    must(atomic_load(&shared.checks) >= THREADS, "nobody has read");
    shared.store->ops->destroy(shared.store);
    gf_ledger_fini(&ledger);
    gf_sqlite_fixture_fini(&fixture);
    return 0;
}
