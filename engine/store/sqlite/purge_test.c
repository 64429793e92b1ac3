/* What is deleted, or too old, goes in portions, and none is forgotten. */
#include "engine/core/limits.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

/* A store with namespace 1 "default" and pipeline 1 "pipe". */
struct fixture {
    struct gf_sqlite_fixture sqlite;
    struct gf_store *store;
    struct gf_rows rows;
};

static void open_fixture(struct fixture *fixture) {
    gf_sqlite_fixture_init(&fixture->sqlite);
    gf_rows_init(&fixture->rows);
    fixture->store = gf_sqlite_fixture_open(&fixture->sqlite, NULL);
    const struct gf_namespace *ns = gf_rows_namespace(&fixture->rows, 1, "default");
    (void)gf_rows_pipeline(&fixture->rows, ns, 1, "pipe");
    gf_rows_commit(&fixture->rows, fixture->store);
}

static void close_fixture(struct fixture *fixture) {
    fixture->store->ops->destroy(fixture->store);
    gf_rows_fini(&fixture->rows);
    gf_sqlite_fixture_fini(&fixture->sqlite);
}

/* Rows of every table that hangs below a namespace. */
static int64_t rows_left(struct fixture *fixture) {
    return gf_sqlite_fixture_query(
        &fixture->sqlite,
        "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM task_executions)"
        " + (SELECT count(*) FROM task_attempts) + (SELECT count(*) FROM run_inputs)"
        " + (SELECT count(*) FROM configs) + (SELECT count(*) FROM deployments)"
        " + (SELECT count(*) FROM pipelines) + (SELECT count(*) FROM namespaces)");
}

Test(sqlite_purge, a_deleted_namespace_goes_in_portions) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_namespace *ns = gf_rows_namespace(&fixture.rows, 2, "doomed");
    for (int64_t key = 2; key <= 4; key++) {
        const struct gf_str id = gf_rows_text(&fixture.rows, "pipe-%d", (int)key);
        const struct gf_pipeline *pipeline = gf_rows_pipeline(&fixture.rows, ns, key, id.ptr);
        (void)gf_rows_config(&fixture.rows, pipeline, 1, "one");
        (void)gf_rows_deployment(&fixture.rows, pipeline, 1);
        for (int64_t i = 1; i <= 300; i++) {
            const struct gf_run *run = gf_rows_run(&fixture.rows, pipeline, key * 1000 + i, i);
            /* One run alone has more tasks than go at once. */
            for (int32_t t = 0; t < (i == 150 ? GF_SQLITE_PURGE_ROWS_MAX + 1 : 1); t++) {
                (void)gf_rows_task(&fixture.rows, run, t, "task");
            }
        }
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    int64_t left = rows_left(&fixture);
    gf_rows_delete_namespace(&fixture.rows, 2);
    gf_rows_commit(&fixture.rows, fixture.store);
    for (int64_t before = left;; before = left) {
        left = rows_left(&fixture);
        cr_assert_leq(before - left, GF_SQLITE_PURGE_ROWS_MAX);
        if (left == 2) {
            break;
        }
        cr_assert_lt(left, before, "a commit removed nothing");
        /* A restart does not forget what is left to do. */
        fixture.store->ops->destroy(fixture.store);
        fixture.store = gf_sqlite_fixture_open(&fixture.sqlite, NULL);
        gf_rows_commit(&fixture.rows, fixture.store);
    }
    close_fixture(&fixture);
}

Test(sqlite_purge, a_deleted_pipeline_goes_in_portions) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *doomed = gf_rows_pipeline(&fixture.rows, &ns, 2, "doomed");
    (void)gf_rows_config(&fixture.rows, doomed, 1, "one");
    for (int64_t i = 1; i <= 100; i++) {
        const struct gf_run *run = gf_rows_run(&fixture.rows, doomed, i, i);
        struct gf_task_execution *task = gf_rows_task(&fixture.rows, run, 0, "task");
        /* One task alone has more attempts than go at once. */
        for (int32_t a = 0; a < (i == 50 ? GF_SQLITE_PURGE_ROWS_MAX + 1 : 1); a++) {
            task->attempt = a + 1;
            (void)gf_rows_attempt(&fixture.rows, task);
        }
        gf_rows_input(&fixture.rows, run, GF_STR("input"));
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    int64_t left = rows_left(&fixture);
    gf_rows_delete_pipeline(&fixture.rows, 2);
    const struct gf_pipeline *again = gf_rows_pipeline(&fixture.rows, &ns, 3, "doomed");
    (void)gf_rows_run(&fixture.rows, again, 1000, 1);
    gf_rows_commit(&fixture.rows, fixture.store);
    left += 2;
    for (int64_t before = left;; before = left) {
        left = rows_left(&fixture);
        cr_assert_leq(before - left, GF_SQLITE_PURGE_ROWS_MAX);
        if (left == 4) {
            break;
        }
        cr_assert_lt(left, before, "a commit removed nothing");
        fixture.store->ops->destroy(fixture.store);
        fixture.store = gf_sqlite_fixture_open(&fixture.sqlite, NULL);
        gf_rows_commit(&fixture.rows, fixture.store);
    }
    close_fixture(&fixture);
}

Test(sqlite_purge, large_configs_go_one_at_a_time) {
    enum {
        CONFIGS = 4,
        CONFIG_BYTES = 5 << 20,
        SMALL = 100,
    };
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *doomed = gf_rows_pipeline(&fixture.rows, &ns, 2, "doomed");
    char *description = malloc(CONFIG_BYTES);
    cr_assert_not_null(description);
    memset(description, 'x', CONFIG_BYTES);
    for (int64_t version = 1; version <= CONFIGS + SMALL; version++) {
        struct gf_config *config = gf_rows_config(&fixture.rows, doomed, version, "one");
        if (version <= CONFIGS) {
            config->description = (struct gf_str){description, CONFIG_BYTES};
        }
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    gf_rows_delete_pipeline(&fixture.rows, 2);
    for (int64_t i = 1; i <= CONFIGS; i++) {
        gf_rows_commit(&fixture.rows, fixture.store);
        cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM configs"),
                     CONFIGS + SMALL - i);
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    cr_assert_eq(rows_left(&fixture), 2); /* all of the small ones, and the pipeline */
    cr_assert_not(fixture.store->ops->has_backlog(fixture.store));
    free(description);
    close_fixture(&fixture);
}

Test(sqlite_purge, old_requests_go_a_few_at_a_time) {
    struct fixture fixture;
    open_fixture(&fixture);
    for (int i = 0; i < 1000; i++) {
        const struct gf_str id = gf_rows_text(&fixture.rows, "old-%d", i);
        (void)gf_rows_request(&fixture.rows, "", id.ptr, 1 + i);
    }
    gf_rows_commit(&fixture.rows, fixture.store);
    for (int i = 1; i <= 10; i++) {
        const struct gf_str id = gf_rows_text(&fixture.rows, "new-%d", i);
        (void)gf_rows_request(&fixture.rows, "", id.ptr, 2 * GF_REQUEST_AGE_NS_MAX);
        gf_rows_commit(&fixture.rows, fixture.store);
        cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM requests"),
                     1000 - i);
    }
    close_fixture(&fixture);
}
