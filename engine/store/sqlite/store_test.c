/* The battery on SQLite, and what only this back end promises. */
#include "base/clock.h"
#include "base/sync.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

#define CASE(name)                                                                                 \
    Test(sqlite_store, name) {                                                                     \
        struct gf_sqlite_fixture fixture;                                                          \
        gf_sqlite_fixture_init(&fixture);                                                          \
        gf_store_battery_##name(&fixture.factory);                                                 \
        gf_sqlite_fixture_fini(&fixture);                                                          \
    }
GF_STORE_BATTERY(CASE)

/* A store with namespace 1 "default" and pipeline 1 "pipe". */
struct fixture {
    struct gf_sqlite_fixture sqlite;
    struct gf_store *store;
    struct gf_rows rows;
    struct gf_arena arena;
    struct gf_error err;
    struct gf_pipeline *pipeline;
};

static void open_fixture(struct fixture *fixture, const struct gf_sqlite_options *options) {
    memset(fixture, 0, sizeof(*fixture));
    gf_sqlite_fixture_init(&fixture->sqlite);
    gf_rows_init(&fixture->rows);
    gf_arena_init(&fixture->arena, (size_t)1 << 30);
    fixture->store = gf_sqlite_fixture_open(&fixture->sqlite, options);
    const struct gf_namespace *ns = gf_rows_namespace(&fixture->rows, 1, "default");
    fixture->pipeline = gf_rows_pipeline(&fixture->rows, ns, 1, "pipe");
    gf_rows_commit(&fixture->rows, fixture->store);
}

static void close_fixture(struct fixture *fixture) {
    fixture->store->ops->destroy(fixture->store);
    gf_arena_fini(&fixture->arena);
    gf_rows_fini(&fixture->rows);
    gf_sqlite_fixture_fini(&fixture->sqlite);
}

static size_t count_runs(struct fixture *fixture, struct gf_store_reader *reader) {
    const struct gf_run_list_options options = {.limit = 1000};
    struct gf_run *items = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    cr_assert_eq(fixture->store->ops->list_runs(reader, 1, &options, &fixture->arena, &items,
                                                &count, &scanned, &fixture->err),
                 GF_OK, "%s", fixture->err.message);
    return count;
}

Test(sqlite_store, a_reader_sees_one_snapshot) {
    struct fixture fixture;
    open_fixture(&fixture, NULL);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    cr_assert_eq(count_runs(&fixture, reader), 0);
    (void)gf_rows_run(&fixture.rows, fixture.pipeline, 1, 1);
    gf_rows_commit(&fixture.rows, fixture.store);
    cr_assert_eq(count_runs(&fixture, reader), 0);
    fixture.store->ops->close_reader(fixture.store, reader);

    reader = fixture.store->ops->open_reader(fixture.store);
    cr_assert_eq(count_runs(&fixture, reader), 1);
    fixture.store->ops->close_reader(fixture.store, reader);
    close_fixture(&fixture);
}

struct borrower {
    struct gf_store *store;
    struct gf_latch started;
    struct gf_latch borrowed;
};

static void *borrow(void *ctx) {
    struct borrower *borrower = ctx;
    gf_latch_open(&borrower->started);
    struct gf_store_reader *reader = borrower->store->ops->open_reader(borrower->store);
    gf_latch_open(&borrower->borrowed);
    borrower->store->ops->close_reader(borrower->store, reader);
    return NULL;
}

Test(sqlite_store, open_reader_waits_for_one_that_comes_back) {
    struct fixture fixture;
    open_fixture(&fixture, &(struct gf_sqlite_options){.reader_count = 2});
    struct gf_store_reader *one = fixture.store->ops->open_reader(fixture.store);
    struct gf_store_reader *two = fixture.store->ops->open_reader(fixture.store);
    cr_assert_neq(one, two);
    struct borrower borrower = {.store = fixture.store};
    gf_latch_init(&borrower.started);
    gf_latch_init(&borrower.borrowed);
    pthread_t thread;
    gf_thread_start(&thread, "borrower", borrow, &borrower);
    gf_latch_wait(&borrower.started);
    cr_assert_not(gf_latch_wait_until(&borrower.borrowed, gf_mono_ns() + 20 * GF_NS_PER_MS));
    fixture.store->ops->close_reader(fixture.store, two);
    gf_latch_wait(&borrower.borrowed);
    gf_thread_join(thread);
    fixture.store->ops->close_reader(fixture.store, one);
    gf_latch_fini(&borrower.borrowed);
    gf_latch_fini(&borrower.started);
    close_fixture(&fixture);
}

Test(sqlite_store, an_answer_beyond_the_arena_is_refused) {
    struct fixture fixture;
    open_fixture(&fixture, NULL);
    for (int64_t i = 1; i <= 200; i++) {
        (void)gf_rows_run(&fixture.rows, fixture.pipeline, i, i);
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    /* Every cap is either enough or refused; none aborts, and the reader stays usable. */
    size_t refused = 0;
    for (size_t cap = 1; cap < 200000; cap += 5003) {
        struct gf_arena small;
        gf_arena_init(&small, cap);
        const struct gf_run_list_options options = {.limit = 1000};
        struct gf_run *items = NULL;
        size_t count = 0;
        int64_t scanned = 0;
        const enum gf_code rc = fixture.store->ops->list_runs(reader, 1, &options, &small, &items,
                                                              &count, &scanned, &fixture.err);
        if (rc == GF_OK) {
            cr_assert_eq(count, 200);
        } else {
            cr_assert_eq(rc, GF_RESOURCE_EXHAUSTED);
            cr_assert_null(items);
            refused++;
        }
        gf_arena_fini(&small);
    }
    cr_assert_gt(refused, 2);
    cr_assert_eq(count_runs(&fixture, reader), 200);
    fixture.store->ops->close_reader(fixture.store, reader);
    close_fixture(&fixture);
}

Test(sqlite_store, a_hundred_thousand_runs_are_paged) {
    enum {
        RUNS = 100000,
        PAGE = 1000,
    };
    struct fixture fixture;
    open_fixture(&fixture, NULL);
    for (int64_t i = 1; i <= RUNS; i++) {
        struct gf_run *run = gf_rows_run(&fixture.rows, fixture.pipeline, i, i);
        run->state = i % 1000 == 0 ? GF_RUN_STATE_QUEUED : GF_RUN_STATE_COMPLETE;
        if (i % 5000 == 0) {
            gf_rows_commit(&fixture.rows, fixture.store);
        }
    }
    struct gf_run_list_options options = {.limit = PAGE};
    int64_t expected = RUNS;
    for (size_t count = PAGE; count == PAGE;) {
        struct gf_arena arena;
        gf_arena_init(&arena, 4 << 20);
        struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
        struct gf_run *items = NULL;
        int64_t scanned = 0;
        cr_assert_eq(fixture.store->ops->list_runs(reader, 1, &options, &arena, &items, &count,
                                                   &scanned, &fixture.err),
                     GF_OK, "%s", fixture.err.message);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(items[i].run_id, expected--);
            options.after_run_id = items[i].run_id;
        }
        fixture.store->ops->close_reader(fixture.store, reader);
        gf_arena_fini(&arena);
    }
    cr_assert_eq(expected, 0);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    struct gf_run *items = NULL;
    size_t count = 0;
    cr_assert_eq(fixture.store->ops->list_active_runs(reader, 0, PAGE, &fixture.arena, &items,
                                                      &count, &fixture.err),
                 GF_OK);
    cr_assert_eq(count, RUNS / 1000);
    fixture.store->ops->close_reader(fixture.store, reader);
    close_fixture(&fixture);
}

/* Lists the runs of a status to the end; gives how many there are and how many calls it took. */
static size_t follow_runs(struct fixture *fixture, struct gf_run_list_options options,
                          int *out_calls) {
    struct gf_store_reader *reader = fixture->store->ops->open_reader(fixture->store);
    size_t seen = 0;
    *out_calls = 0;
    for (;;) {
        struct gf_run *items = NULL;
        size_t count = 0;
        int64_t scanned = 0;
        cr_assert_eq(fixture->store->ops->list_runs(reader, 1, &options, &fixture->arena, &items,
                                                    &count, &scanned, &fixture->err),
                     GF_OK, "%s", fixture->err.message);
        seen += count;
        if (scanned == options.after_run_id) {
            break;
        }
        options.after_run_id = scanned;
        (*out_calls)++;
    }
    fixture->store->ops->close_reader(fixture->store, reader);
    return seen;
}

Test(sqlite_store, one_call_looks_at_a_bounded_number_of_runs) {
    struct fixture fixture;
    open_fixture(&fixture, NULL);
    const int64_t all = 3 * GF_SQLITE_RUNS_SCANNED_MAX + 10;
    for (int64_t i = 1; i <= all; i++) {
        struct gf_run *run = gf_rows_run(&fixture.rows, fixture.pipeline, i, i);
        run->state = i == 7 ? GF_RUN_STATE_QUEUED : GF_RUN_STATE_COMPLETE;
        run->status = i == 7   ? GF_RUN_STATUS_UNSPECIFIED
                      : i == 5 ? GF_RUN_STATUS_FAILED
                               : GF_RUN_STATUS_SUCCESSFUL;
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    int calls = 0;
    struct gf_run_list_options options = {.limit = 10, .statuses = 1u << GF_RUN_STATUS_FAILED};
    cr_assert_eq(follow_runs(&fixture, options, &calls), 1);
    cr_assert_eq(calls, 4);
    options.ascending = true;
    cr_assert_eq(follow_runs(&fixture, options, &calls), 1);
    cr_assert_eq(calls, 4);
    /* Those that are not COMPLETE are found at once. */
    options = (struct gf_run_list_options){.limit = 10, .states = 1u << GF_RUN_STATE_QUEUED};
    cr_assert_eq(follow_runs(&fixture, options, &calls), 1);
    cr_assert_eq(calls, 1);
    /* Without a filter one call gives whatever is asked for. */
    options = (struct gf_run_list_options){.limit = (size_t)all};
    cr_assert_eq(follow_runs(&fixture, options, &calls), (size_t)all);
    cr_assert_eq(calls, 1);
    close_fixture(&fixture);
}

Test(sqlite_store, one_call_scans_a_bounded_number_of_events) {
    struct fixture fixture;
    open_fixture(&fixture, NULL);
    const int64_t all = GF_SQLITE_EVENTS_SCANNED_MAX + 10;
    for (int64_t i = 1; i <= all; i++) {
        (void)gf_rows_event(&fixture.rows, GF_EVENT_RUN_STARTED, "default", "pipe", i);
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    const struct gf_event_filter filter = {.run_id = all};
    struct gf_event *items = NULL;
    size_t count = 1;
    int64_t scanned = 0;
    cr_assert_eq(fixture.store->ops->list_events(reader, &filter, 0, 10, &fixture.arena, &items,
                                                 &count, &scanned, &fixture.err),
                 GF_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(scanned, GF_SQLITE_EVENTS_SCANNED_MAX);
    cr_assert_eq(fixture.store->ops->list_events(reader, &filter, scanned, 10, &fixture.arena,
                                                 &items, &count, &scanned, &fixture.err),
                 GF_OK);
    cr_assert_eq(count, 1);
    cr_assert_eq(scanned, all);
    fixture.store->ops->close_reader(fixture.store, reader);
    close_fixture(&fixture);
}

static void commit_runs(struct fixture *fixture, int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; i++) {
        struct gf_run *run = gf_rows_run(&fixture->rows, fixture->pipeline, i, i);
        run->initiator.reason = gf_rows_text(&fixture->rows, "%0500d", 0);
    }
    gf_rows_commit(&fixture->rows, fixture->store);
}

enum {
    SMALL_WAL_SOFT = 1 << 20,
    SMALL_WAL_MAX = 4 << 20,
};

static const struct gf_sqlite_options SMALL_WAL = {.wal_bytes_soft = SMALL_WAL_SOFT,
                                                   .wal_bytes_max = SMALL_WAL_MAX};

Test(sqlite_store, checkpoint_moves_the_log_when_it_is_due) {
    struct fixture fixture;
    open_fixture(&fixture, &SMALL_WAL);
    const int64_t before = gf_sqlite_fixture_size(&fixture.sqlite, "");
    commit_runs(&fixture, 1, 100);
    cr_assert_eq(fixture.store->ops->checkpoint(fixture.store, &fixture.err), GF_OK);
    cr_assert_eq(gf_sqlite_fixture_size(&fixture.sqlite, ""), before, "moved before it was due");
    commit_runs(&fixture, 101, 2000);
    cr_assert_gt(gf_sqlite_fixture_size(&fixture.sqlite, "-wal"), SMALL_WAL_SOFT);
    cr_assert_eq(fixture.store->ops->checkpoint(fixture.store, &fixture.err), GF_OK);
    cr_assert_gt(gf_sqlite_fixture_size(&fixture.sqlite, ""), before + SMALL_WAL_SOFT);
    close_fixture(&fixture);
}

Test(sqlite_store, the_log_stays_below_its_limit_without_checkpoints) {
    struct fixture fixture;
    open_fixture(&fixture, &SMALL_WAL);
    int64_t largest = 0;
    for (int64_t i = 0; i < 200; i++) {
        commit_runs(&fixture, i * 100 + 1, 100);
        const int64_t size = gf_sqlite_fixture_size(&fixture.sqlite, "-wal");
        largest = size > largest ? size : largest;
    }
    cr_assert_gt(gf_sqlite_fixture_size(&fixture.sqlite, ""), 2 * SMALL_WAL_MAX);
    cr_assert_leq(largest, SMALL_WAL_MAX + (1 << 20));
    close_fixture(&fixture);
}

Test(sqlite_store, a_reader_in_the_way_of_the_log_delays_and_loses_nothing) {
    struct fixture fixture;
    open_fixture(&fixture, &SMALL_WAL);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    cr_assert_eq(count_runs(&fixture, reader), 0);
    int64_t next = 1;
    while (gf_sqlite_fixture_size(&fixture.sqlite, "-wal") < SMALL_WAL_MAX + (1 << 18)) {
        commit_runs(&fixture, next, 200);
        next += 200;
    }
    cr_assert_eq(count_runs(&fixture, reader), 0, "the snapshot stands");
    fixture.store->ops->close_reader(fixture.store, reader);
    const int64_t grown = gf_sqlite_fixture_size(&fixture.sqlite, "-wal");
    for (int i = 0; i < 100; i++) {
        commit_runs(&fixture, next, 200);
        next += 200;
    }
    cr_assert_leq(gf_sqlite_fixture_size(&fixture.sqlite, "-wal"),
                  grown + SMALL_WAL_MAX / 8 + (1 << 20));
    cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM runs"), next - 1);
    close_fixture(&fixture);
}

Test(sqlite_store, stats_tell_of_readers_and_the_log) {
    const struct gf_sqlite_options options = {.reader_count = 2, .wal_bytes_soft = 1};
    struct fixture fixture;
    struct gf_sqlite_stats stats;
    open_fixture(&fixture, &options);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    gf_sqlite_store_stats(fixture.store, &stats);
    cr_expect_eq(stats.readers_used, 1);
    cr_expect_eq(stats.readers_limit, 2);
    cr_expect_eq(stats.reads_total, 1);
    cr_expect_eq(stats.reads_waited_total, 0);
    cr_expect_gt(stats.wal_bytes, 0);
    cr_expect_gt(stats.file_bytes, 0);
    cr_expect_eq(stats.checkpoint.count, 0);
    fixture.store->ops->close_reader(fixture.store, reader);
    cr_assert_eq(fixture.store->ops->checkpoint(fixture.store, &fixture.err), GF_OK);
    gf_sqlite_store_stats(fixture.store, &stats);
    cr_expect_eq(stats.readers_used, 0);
    cr_expect_eq(stats.checkpoint.count, 1);
    cr_expect_eq(stats.checkpoint_failures_total, 0);
    cr_expect_eq(stats.stall.count, 0);
    close_fixture(&fixture);
}
