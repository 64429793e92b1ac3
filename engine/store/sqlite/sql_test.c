/* The plans of all statements: nothing scans a table, nothing sorts. */
#include "engine/store/sqlite/sql.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>
#include <sqlite3.h>

/*
 * A SCAN reads all rows of a table or an index. These may, because what they read is short or
 * bounded by a LIMIT that the plan does not show.
 */
static bool may_scan(enum gf_sql sql, const char *detail) {
    switch ((int)sql) {
    case GF_SQL_LIST_OPEN_RUNS_ASCENDING:
    case GF_SQL_LIST_OPEN_RUNS_DESCENDING:
        return strstr(detail, "USING INDEX runs_active") != NULL;
    case GF_SQL_GET_BURIED_NAMESPACE:
        return strstr(detail, "USING INDEX namespaces_deleted") != NULL;
    case GF_SQL_GET_BURIED_PIPELINE:
        return strstr(detail, "USING INDEX pipelines_deleted") != NULL;
    case GF_SQL_GET_BURIED_EXTENSION:
        return strstr(detail, "USING INDEX extensions_deleted") != NULL;
    case GF_SQL_GET_BURIED_SUBSCRIPTION:
        return strstr(detail, "USING INDEX subscriptions_deleted") != NULL;
    case GF_SQL_COUNT_OF_EXTENSION:
    case GF_SQL_GET_RUN_BOUNDS:
    case GF_SQL_GET_EVENT_BOUNDS:
    case GF_SQL_GET_NEXT_KEYS:
        return strstr(detail, "CONSTANT ROW") != NULL;
    default:
        return false;
    }
}

static void check_step(enum gf_sql sql, const char *detail) {
    cr_expect(strstr(detail, "SCAN") == NULL || may_scan(sql, detail), "%s\n  in %s", detail,
              gf_sqlite__sql(sql));
    cr_expect_null(strstr(detail, "TEMP B-TREE"), "%s\n  in %s", detail, gf_sqlite__sql(sql));
    cr_expect_null(strstr(detail, "AUTOMATIC"), "%s\n  in %s", detail, gf_sqlite__sql(sql));
}

Test(sqlite_sql, every_statement_has_a_plan_without_scans) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, NULL);
    store->ops->destroy(store);
    sqlite3 *handle = NULL;
    cr_assert_eq(sqlite3_open(fixture.path, &handle), SQLITE_OK);
    int steps = 0;
    for (int sql = 0; sql < GF_SQL_COUNT; sql++) {
        char text[4096];
        (void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s",
                       gf_sqlite__sql((enum gf_sql)sql));
        sqlite3_stmt *stmt = NULL;
        cr_assert_eq(sqlite3_prepare_v2(handle, text, -1, &stmt, NULL), SQLITE_OK, "%s: %s", text,
                     sqlite3_errmsg(handle));
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            check_step((enum gf_sql)sql, (const char *)sqlite3_column_text(stmt, 3));
            steps++;
        }
        (void)sqlite3_finalize(stmt);
    }
    cr_assert_gt(steps, GF_SQL_COUNT / 2);
    (void)sqlite3_close(handle);
    gf_sqlite_fixture_fini(&fixture);
}
