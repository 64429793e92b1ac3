/* Disks that fail: nothing acknowledged is lost, nothing is half there, and errors are sentences.
 */
#include "base/alloc.h"
#include "base/testing/skip.h"
#include "engine/store/sqlite/testing/fault_vfs.h"
#include "engine/store/sqlite/testing/fixture.h"
#include "engine/store/sqlite/testing/ledger.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <criterion/criterion.h>

enum {
    BATCHES = 24,
    WAL_MAX = 128 << 10, /* so small that commits move the log too */
};

static struct gf_sqlite_options faulty(void) {
    return (struct gf_sqlite_options){
        .reader_count = 1, .vfs = gf_fault_vfs(), .wal_bytes_max = WAL_MAX};
}

/* After a commit has failed: readers work, further commits are refused with the first reason. */
static void check_failed_store(struct gf_store *store, struct gf_ledger *ledger,
                               const struct gf_error *first) {
    struct gf_error err = {0};
    cr_assert_eq(gf_ledger_commit(ledger, store, &err), GF_UNAVAILABLE);
    cr_assert_not_null(strstr(err.message, "takes no more writes"), "%s", err.message);
    cr_assert_not_null(strstr(err.message, first->message), "'%s' does not tell of '%s'",
                       err.message, first->message);
}

/* Commits with a fault armed. Gives false when it never struck. */
static bool run_with_fault(enum gf_fault_kind kind, int64_t nth, bool forever) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    const struct gf_sqlite_options options = faulty();
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, &options);
    struct gf_ledger ledger;
    gf_ledger_init(&ledger, store);
    struct gf_error err = {0};
    enum gf_code rc = GF_OK;
    gf_fault_arm(kind, nth, forever);
    while (rc == GF_OK && ledger.next_batch <= BATCHES) {
        rc = gf_ledger_commit(&ledger, store, &err);
    }
    const bool struck = gf_fault_happened();
    const int64_t acknowledged = ledger.next_batch - 1;
    if (rc != GF_OK) {
        cr_assert(struck);
        cr_assert_eq(rc, GF_UNAVAILABLE, "%s", err.message);
        cr_assert_not_null(strstr(err.message, fixture.path), "%s", err.message);
        check_failed_store(store, &ledger, &err);
        cr_assert_eq(gf_ledger_check(store), acknowledged, "readers see what was acknowledged");
    }
    store->ops->destroy(store);
    gf_fault_disarm();
    gf_ledger_fini(&ledger);

    store = gf_sqlite_fixture_open(&fixture, &options);
    const int64_t stored = gf_ledger_check(store);
    /* A commit whose sync failed may be there or not; what was acknowledged is. */
    cr_assert(stored == acknowledged || (rc != GF_OK && stored == acknowledged + 1),
              "%lld batches acknowledged, %lld stored", (long long)acknowledged, (long long)stored);
    gf_ledger_check_start(store, stored);
    gf_ledger_init(&ledger, store);
    cr_assert_eq(gf_ledger_commit(&ledger, store, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_ledger_check(store), stored + 1);
    store->ops->destroy(store);
    gf_ledger_fini(&ledger);
    gf_sqlite_fixture_fini(&fixture);
    return struck;
}

/* Lets every operation fail in turn, in growing steps, until none is left to fail. */
static void run_all(enum gf_fault_kind kind, bool forever) {
    int64_t struck = 0;
    for (int64_t nth = 1; run_with_fault(kind, nth, forever); nth += 1 + nth / 8) {
        struck++;
    }
    cr_assert_gt(struck, 10);
}

Test(sqlite_fault, a_disk_that_fills_up_loses_nothing) {
    run_all(GF_FAULT_WRITE_FULL, true);
}

Test(sqlite_fault, a_disk_that_was_full_once_loses_nothing) {
    run_all(GF_FAULT_WRITE_FULL, false);
}

Test(sqlite_fault, writes_that_fail_lose_nothing) {
    run_all(GF_FAULT_WRITE_ERROR, true);
}

Test(sqlite_fault, syncs_that_fail_lose_nothing) {
    run_all(GF_FAULT_SYNC_ERROR, true);
}

Test(sqlite_fault, a_sync_that_failed_once_loses_nothing) {
    run_all(GF_FAULT_SYNC_ERROR, false);
}

Test(sqlite_fault, a_commit_syncs_before_it_returns) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    const struct gf_sqlite_options options = faulty();
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, &options);
    struct gf_ledger ledger;
    gf_ledger_init(&ledger, store);
    for (int i = 0; i < 20; i++) {
        const int64_t before = gf_fault_sync_count();
        cr_assert_eq(gf_ledger_commit(&ledger, store, NULL), GF_OK);
        cr_assert_gt(gf_fault_sync_count(), before);
    }
    store->ops->destroy(store);
    gf_ledger_fini(&ledger);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_fault, opening_on_a_failing_disk_says_so_and_can_be_repeated) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    const struct gf_sqlite_options options = faulty();
    bool struck = true;
    for (int64_t nth = 1; struck; nth++) {
        struct gf_store *store = NULL;
        struct gf_error err = {0};
        gf_fault_arm(nth % 2 == 0 ? GF_FAULT_SYNC_ERROR : GF_FAULT_WRITE_FULL, (nth + 1) / 2, true);
        const enum gf_code rc = gf_sqlite_store_open(fixture.path, &options, &store, &err);
        struck = gf_fault_happened();
        gf_fault_disarm();
        if (rc == GF_OK) {
            store->ops->destroy(store);
            break;
        }
        cr_assert_eq(rc, GF_UNAVAILABLE, "%s", err.message);
        cr_assert_null(store);
    }
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, &options);
    cr_assert_eq(gf_ledger_check(store), -1);
    store->ops->destroy(store);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_fault, a_file_system_without_space_is_named) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    /* In a mount namespace of its own: it goes with this test's process. */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture.dir, "tmpfs", 0, "size=1m") != 0) {
        gf_sqlite_fixture_fini(&fixture);
        gf_test_skip("this user cannot mount a small file system");
    }
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, NULL);
    struct gf_ledger ledger;
    gf_ledger_init(&ledger, store);
    struct gf_error err = {0};
    enum gf_code rc = GF_OK;
    while (rc == GF_OK) {
        rc = gf_ledger_commit(&ledger, store, &err);
    }
    const int64_t acknowledged = ledger.next_batch - 1;
    cr_assert_eq(rc, GF_UNAVAILABLE);
    cr_assert_not_null(strstr(err.message, "the disk is full"), "%s", err.message);
    cr_assert_eq(gf_ledger_check(store), acknowledged);
    store->ops->destroy(store);
    gf_ledger_fini(&ledger);
    cr_assert_eq(mount("tmpfs", fixture.dir, "tmpfs", MS_REMOUNT, "size=8m"), 0);
    store = gf_sqlite_fixture_open(&fixture, NULL);
    cr_assert_eq(gf_ledger_check(store), acknowledged);
    store->ops->destroy(store);
    cr_assert_eq(umount(fixture.dir), 0);
    gf_sqlite_fixture_fini(&fixture);
}
