/* Statistics of more runs than one call looks at. */
#include "engine/store/sqlite/testing/fixture.h"

#include <stdio.h>

#include <criterion/criterion.h>

/* Copies of run 1, each of which ended 1 ns after the one before it, up to run %d. */
#define COPY                                                                                       \
    "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"                \
    "INSERT INTO runs (run_key, pipeline_key, run_id, version, state, status, reason_kind,"        \
    " reason_text, initiator_kind, initiator_id, initiator_reason, variables, request_id,"         \
    " cancel_requested, create_time, start_time, end_time, options, deadline_time)"                \
    " SELECT i, pipeline_key, i, version, state, status, reason_kind, reason_text,"                \
    " initiator_kind,"                                                                             \
    " initiator_id, initiator_reason, variables, request_id, cancel_requested, create_time,"       \
    " start_time, end_time + i - 1, options, deadline_time FROM n, runs WHERE run_key = 1;"

static void fill(struct gf_sqlite_fixture *sqlite, int runs) {
    struct gf_store *store = gf_sqlite_fixture_open(sqlite, NULL);
    struct gf_rows rows;
    gf_rows_init(&rows);
    const struct gf_namespace *ns = gf_rows_namespace(&rows, 1, "default");
    struct gf_run *run = gf_rows_run(&rows, gf_rows_pipeline(&rows, ns, 1, "pipe"), 1, 1);
    run->state = GF_RUN_STATE_COMPLETE;
    run->status = GF_RUN_STATUS_FAILED;
    run->create_time = 1000;
    run->start_time = 1000;
    run->end_time = 1001;
    gf_rows_commit(&rows, store);
    gf_rows_fini(&rows);
    store->ops->destroy(store);
    char text[1024];
    (void)snprintf(text, sizeof(text), COPY, runs);
    gf_sqlite_fixture_exec(sqlite, text);
}

Test(sqlite_run_stats, only_the_runs_that_ended_last_are_looked_at) {
    enum {
        RUNS = GF_RUN_STATS_RUNS_MAX + 500, /* run i lasted i */
    };
    struct gf_sqlite_fixture sqlite;
    gf_sqlite_fixture_init(&sqlite);
    fill(&sqlite, RUNS);
    struct gf_store *store = gf_sqlite_fixture_open(&sqlite, NULL);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    /* All; the last so many that are looked at, and one more; and the last one. */
    const int64_t since_times[] = {0, 1000 + 501, 1000 + 500, 1000 + RUNS};
    struct gf_run_stats stats[GF_ARRAY_COUNT(since_times)];
    cr_assert_eq(
        store->ops->get_run_stats(reader, 1, since_times, GF_ARRAY_COUNT(since_times), stats, NULL),
        GF_OK);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(stats[i].failed_count, GF_RUN_STATS_RUNS_MAX);
        cr_expect_eq(stats[i].median_duration, 500 + GF_RUN_STATS_RUNS_MAX / 2);
        cr_expect_eq(stats[i].truncated, i != 1, "window %zu", i);
    }
    cr_expect_eq(stats[3].failed_count, 1);
    cr_expect_eq(stats[3].p95_duration, RUNS);
    cr_expect_not(stats[3].truncated);
    store->ops->close_reader(store, reader);
    store->ops->destroy(store);
    gf_sqlite_fixture_fini(&sqlite);
}
