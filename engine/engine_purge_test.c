/* What was deleted leaves the file without any further input, also when the server is killed. */
#include "engine/store/sqlite/testing/fixture.h"
#include "engine/store/testing/rows.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(engine_purge, .timeout = 120);

enum {
    RUNS = 1500, /* with a task each: a dozen portions */
};

/* A store that tells of each look for a backlog: true = there is one. Thread of `told`: engine. */
static struct gf_store_ops telling;
static bool (*true_has_backlog)(struct gf_store *store);
static void (*told)(bool backlog);

static bool tell_backlog(struct gf_store *store) {
    const bool backlog = true_has_backlog(store);
    told(backlog);
    return backlog;
}

static struct gf_store *open_telling(struct gf_sqlite_fixture *sqlite, void (*tell)(bool backlog)) {
    struct gf_store *store = gf_sqlite_fixture_open(sqlite, NULL);
    telling = *store->ops;
    true_has_backlog = telling.has_backlog;
    telling.has_backlog = tell_backlog;
    told = tell;
    store->ops = &telling;
    return store;
}

/* Namespace "default" with a pipeline "doomed" of many runs that have ended, and a row that stays.
 */
static void fill(struct gf_sqlite_fixture *sqlite) {
    struct gf_store *store = gf_sqlite_fixture_open(sqlite, NULL);
    struct gf_rows rows;
    gf_rows_init(&rows);
    const struct gf_namespace *ns = gf_rows_namespace(&rows, 1, "default");
    (void)gf_rows_pipeline(&rows, ns, 1, "kept");
    const struct gf_pipeline *doomed = gf_rows_pipeline(&rows, ns, 2, "doomed");
    (void)gf_rows_config(&rows, doomed, 1, "one");
    for (int64_t i = 1; i <= RUNS; i++) {
        struct gf_run *run = gf_rows_run(&rows, doomed, i, i);
        run->state = GF_RUN_STATE_COMPLETE;
        run->status = GF_RUN_STATUS_SUCCESSFUL;
        run->end_time = run->create_time + 1;
        (void)gf_rows_task(&rows, run, 0, "one");
    }
    gf_rows_commit(&rows, store);
    gf_rows_fini(&rows);
    store->ops->destroy(store);
}

static int64_t rows_left(const struct gf_sqlite_fixture *sqlite) {
    return gf_sqlite_fixture_query(
        sqlite, "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM task_executions)"
                " + (SELECT count(*) FROM configs) + (SELECT count(*) FROM pipelines)");
}

static void delete_doomed(struct rig *rig) {
    struct caller caller;
    caller_delete_pipeline(&caller, "doomed");
    if (caller_call(&caller, rig->engine) != GF_OK) {
        abort();
    }
}

/* ---- A quiet server ---- */

static struct gf_latch finished;
static bool had_backlog; /* Thread: engine */

/* Opens the latch when the last row is gone. */
static void note_end(bool backlog) {
    if (had_backlog && !backlog) {
        gf_latch_open(&finished);
    }
    had_backlog = backlog;
}

Test(engine_purge, a_deleted_pipeline_goes_without_any_further_input) {
    struct gf_sqlite_fixture sqlite;
    struct rig rig;
    gf_sqlite_fixture_init(&sqlite);
    fill(&sqlite);
    gf_latch_init(&finished);
    rig_init_on(&rig, open_telling(&sqlite, note_end), (struct gf_core_limits){0});
    delete_doomed(&rig);
    gf_latch_wait(&finished);
    cr_expect_eq(rows_left(&sqlite), 1);
    gf_engine_stop(rig.engine);
    const struct gf_engine_stats stats = gf_engine_get_stats(rig.engine);
    cr_expect_eq(stats.inputs_total, 1);
    cr_expect_eq(stats.commits_total, 1);
    cr_expect_geq(stats.purges_total,
                  (2 * RUNS - GF_SQLITE_PURGE_ROWS_MAX) / GF_SQLITE_PURGE_ROWS_MAX);
    gf_latch_fini(&finished);
    rig_fini(&rig);
    gf_sqlite_fixture_fini(&sqlite);
}

/* ---- A server that is killed ---- */

static int reports = -1; /* the end of the pipe that the server writes to */

static void report(bool backlog) {
    if (write(reports, &backlog, sizeof(backlog)) != sizeof(backlog)) {
        abort();
    }
}

/* Deletes the pipeline, and waits to be killed. */
static void serve(struct gf_sqlite_fixture *sqlite) {
    struct rig rig;
    rig_init_on(&rig, open_telling(sqlite, report), (struct gf_core_limits){0});
    delete_doomed(&rig);
    for (;;) {
        (void)pause();
    }
}

/* Kills the server when it has looked `looks` times and found a backlog each time but the first. */
static void serve_and_kill(struct gf_sqlite_fixture *sqlite, int looks) {
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        (void)close(ends[0]);
        reports = ends[1];
        serve(sqlite);
    }
    (void)close(ends[1]);
    for (int i = 0; i < looks; i++) {
        bool backlog = false;
        cr_assert_eq(read(ends[0], &backlog, sizeof(backlog)), sizeof(backlog));
        cr_assert_eq(backlog, i > 0);
    }
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
}

Test(engine_purge, a_server_goes_on_where_one_was_killed) {
    struct gf_sqlite_fixture sqlite;
    struct rig rig;
    gf_sqlite_fixture_init(&sqlite);
    fill(&sqlite);
    serve_and_kill(&sqlite, 4);
    const int64_t left = rows_left(&sqlite);
    cr_assert_gt(left, 1);
    cr_assert_lt(left, 2 * RUNS);
    gf_latch_init(&finished);
    rig_init_on(&rig, open_telling(&sqlite, note_end), (struct gf_core_limits){0});
    gf_latch_wait(&finished);
    cr_expect_eq(rows_left(&sqlite), 1);
    cr_expect_eq(gf_engine_get_stats(rig.engine).inputs_total, 0);
    gf_latch_fini(&finished);
    rig_fini(&rig);
    gf_sqlite_fixture_fini(&sqlite);
}

/* ---- A disk that fails ---- */

static enum gf_code (*true_commit)(struct gf_store *store, const struct gf_batch *batch,
                                   struct gf_error *err);

static enum gf_code fail_empty(struct gf_store *store, const struct gf_batch *batch,
                               struct gf_error *err) {
    if (gf_batch_row_count(batch) == 0) {
        gf_latch_open(&finished);
        return gf_fail(err, GF_UNAVAILABLE, "the disk is full");
    }
    return true_commit(store, batch, err);
}

static void ignore(GF_UNUSED bool backlog) {
}

Test(engine_purge, an_engine_whose_purge_fails_stops) {
    struct gf_sqlite_fixture sqlite;
    struct rig rig;
    gf_sqlite_fixture_init(&sqlite);
    fill(&sqlite);
    gf_latch_init(&finished);
    struct gf_store *store = open_telling(&sqlite, ignore);
    true_commit = telling.commit;
    telling.commit = fail_empty;
    rig_init_on(&rig, store, (struct gf_core_limits){0});
    delete_doomed(&rig);
    gf_latch_wait(&finished);
    gf_engine_stop(rig.engine);
    cr_expect_eq(rig.fatal_count, 1);
    gf_latch_fini(&finished);
    rig_fini(&rig);
    gf_sqlite_fixture_fini(&sqlite);
}
