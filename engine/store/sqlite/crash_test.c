/* A server that is killed at any moment: every batch that it acknowledged is there, whole. */
#include "engine/store/sqlite/testing/fixture.h"
#include "engine/store/sqlite/testing/ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    ROUNDS = 20,
    WAL_MAX = 256 << 10, /* so small that kills hit checkpoints too */
};

/* Commits without end, and writes the number of each batch to the pipe once it is acknowledged. */
static void serve(struct gf_sqlite_fixture *fixture, int acknowledged) {
    const struct gf_sqlite_options options = {.wal_bytes_max = WAL_MAX};
    struct gf_store *store = gf_sqlite_fixture_open(fixture, &options);
    struct gf_ledger ledger;
    gf_ledger_init(&ledger, store);
    for (;;) {
        const int64_t batch = ledger.next_batch;
        if (gf_ledger_commit(&ledger, store, NULL) != GF_OK ||
            write(acknowledged, &batch, sizeof(batch)) != sizeof(batch)) {
            abort();
        }
    }
}

/* Lets a server commit `count` batches, kills it, and gives the last batch that it acknowledged. */
static int64_t serve_and_kill(struct gf_sqlite_fixture *fixture, int count) {
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        (void)close(ends[0]);
        serve(fixture, ends[1]);
    }
    (void)close(ends[1]);
    int64_t last = 0;
    for (int i = 0; i < count; i++) {
        cr_assert_eq(read(ends[0], &last, sizeof(last)), sizeof(last));
    }
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    /* What it acknowledged between the last look and its death counts too. */
    while (read(ends[0], &last, sizeof(last)) == sizeof(last)) {
    }
    (void)close(ends[0]);
    return last;
}

Test(sqlite_crash, acknowledged_batches_survive_a_kill) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t acknowledged = serve_and_kill(&fixture, 1 + round * 7 % 40);
        struct gf_store *store = gf_sqlite_fixture_open(&fixture, NULL);
        const int64_t stored = gf_ledger_check(store);
        cr_assert(stored == acknowledged || stored == acknowledged + 1,
                  "%lld batches acknowledged, %lld stored", (long long)acknowledged,
                  (long long)stored);
        /* Every other time the next server finds what this one has recovered. */
        if (round % 2 == 0) {
            store->ops->destroy(store);
            continue;
        }
        gf_ledger_check_start(store, stored);
        store->ops->destroy(store);
    }
    gf_sqlite_fixture_fini(&fixture);
}
