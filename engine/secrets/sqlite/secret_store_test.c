/* The battery on SQLite, and what only this back end promises. */
#include "engine/secrets/seal.h"
#include "engine/secrets/sqlite/sql.h"
#include "engine/secrets/sqlite/testing/fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <sqlite3.h>

#define CASE(name)                                                                                 \
    Test(sqlite_secret_store, name) {                                                              \
        struct gf_secret_fixture fixture;                                                          \
        gf_secret_fixture_init(&fixture);                                                          \
        gf_secret_store_battery_##name(&fixture.factory);                                          \
        gf_secret_fixture_fini(&fixture);                                                          \
    }
GF_SECRET_STORE_BATTERY(CASE)

Test(sqlite_secret_store, files_are_for_their_owner_alone) {
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    struct gf_secret_fixture fixture;
    gf_secret_fixture_init(&fixture);
    struct gf_secret_store *store = gf_secret_fixture_open(&fixture);
    for (size_t i = 0; i < GF_ARRAY_COUNT(suffixes); i++) {
        char path[512];
        struct stat status = {0};
        (void)snprintf(path, sizeof(path), "%s%s", fixture.path, suffixes[i]);
        cr_assert_eq(stat(path, &status), 0, "%s", path);
        cr_expect_eq(status.st_mode & 0777, 0600, "%s", path);
    }
    store->ops->destroy(store);
    gf_secret_fixture_fini(&fixture);
}

Test(sqlite_secret_store, one_process_has_it) {
    struct gf_secret_fixture fixture;
    gf_secret_fixture_init(&fixture);
    struct gf_secret_store *store = gf_secret_fixture_open(&fixture);
    gf_secret_fixture_refused(&fixture, GF_FAILED_PRECONDITION);
    store->ops->destroy(store);
    store = gf_secret_fixture_open(&fixture);
    store->ops->destroy(store);
    gf_secret_fixture_fini(&fixture);
}

Test(sqlite_secret_store, databases_of_others_and_of_the_future_are_refused) {
    struct gf_secret_fixture fixture;
    gf_secret_fixture_init(&fixture);
    struct gf_secret_store *store = gf_secret_fixture_open(&fixture);
    store->ops->destroy(store);
    cr_expect_eq(gf_secret_fixture_query(&fixture, "PRAGMA application_id"), 0x676f6673);
    gf_secret_fixture_exec(&fixture, "PRAGMA application_id = 0x676f6672");
    gf_secret_fixture_refused(&fixture, GF_FAILED_PRECONDITION);
    gf_secret_fixture_exec(&fixture, "PRAGMA application_id = 0x676f6673");
    gf_secret_fixture_exec(&fixture, "INSERT INTO schema_migrations VALUES (2, 'later', 1)");
    gf_secret_fixture_refused(&fixture, GF_FAILED_PRECONDITION);
    gf_secret_fixture_exec(&fixture, "DELETE FROM schema_migrations WHERE number = 2");
    store = gf_secret_fixture_open(&fixture);
    store->ops->destroy(store);
    gf_secret_fixture_save(&fixture, GF_STR("gofer-master-key-1:"));
    gf_secret_fixture_refused(&fixture, GF_FAILED_PRECONDITION);
    gf_secret_fixture_fini(&fixture);
}

/* ---- What is removed ---- */

static const char NEEDLE[] = "a sealed value that one can find again";

static void put_needle(struct gf_secret_store *store) {
    const struct gf_secret_key key = {
        .purpose = GF_SECRET_KEY_VALUES,
        .namespace_key = 7,
        .number = 1,
        .wrapped = {NEEDLE, sizeof(NEEDLE)},
        .master_key_id = GF_STR("master-a"),
        .state = GF_SECRET_KEY_ACTIVE,
    };
    static const char mark[GF_SECRET_MARK_BYTES] = {1, 1};
    const struct gf_secret secret = {
        .place = {7, 70, GF_STR("password")},
        .latest_version = 1,
        .mark = {mark, sizeof(mark)},
    };
    const struct gf_secret_version version = {
        .version = 1, .key_number = 1, .sealed = {NEEDLE, sizeof(NEEDLE)}};
    struct gf_error err = {0};
    cr_assert_eq(store->ops->put_key(store, &key, NULL, NULL, &err), GF_OK, "%s", err.message);
    cr_assert_eq(store->ops->put(store, &secret, &version, NULL, NULL, &err), GF_OK, "%s",
                 err.message);
}

static bool is_in_file(const struct gf_secret_fixture *fixture, const char *suffix) {
    struct gf_secret_fixture file = *fixture;
    struct gf_strbuf bytes;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s%s", fixture->path, suffix);
    file.path = path;
    gf_strbuf_init(&bytes, 16 << 20);
    gf_secret_fixture_load(&file, &bytes);
    const struct gf_str view = gf_strbuf_view(&bytes);
    const bool found = memmem(view.ptr, view.len, NEEDLE, sizeof(NEEDLE)) != NULL;
    gf_strbuf_fini(&bytes);
    return found;
}

Test(sqlite_secret_store, what_is_removed_is_overwritten) {
    const struct gf_secret_place place = {7, 70, GF_STR("password")};
    const struct gf_secret_change change = {.kind = GF_SECRET_CHANGE_DELETED, .place = place};
    struct gf_secret_fixture fixture;
    struct gf_error err = {0};
    gf_secret_fixture_init(&fixture);
    struct gf_secret_store *store = gf_secret_fixture_open(&fixture);
    put_needle(store);
    cr_assert(is_in_file(&fixture, "-wal"));
    cr_assert_eq(store->ops->remove(store, &place, &change, &err), GF_OK, "%s", err.message);
    cr_assert_eq(store->ops->remove_namespace(store, 7, &err), GF_OK, "%s", err.message);
    cr_expect_not(is_in_file(&fixture, "-wal"));
    cr_expect_not(is_in_file(&fixture, ""));
    store->ops->destroy(store);
    cr_expect_not(is_in_file(&fixture, ""));
    gf_secret_fixture_fini(&fixture);
}

/* ---- Rows that no server writes ---- */

struct bad_row {
    const char *name;
    const char *sql;
};

static const struct bad_row bad_rows[] = {
    {"a key that is no identifier", "UPDATE secrets SET key = 'pass word'"},
    {"a long key", "UPDATE secrets SET key = replace(hex(zeroblob(500)), '0', 'a')"},
    {"half a place", "UPDATE secrets SET pipeline_key = 0"},
    {"version 0", "UPDATE secrets SET latest_version = 0"},
    {"a long mark", "UPDATE secrets SET mark = zeroblob(1000000)"},
    {"too many globs", "UPDATE secrets SET namespaces = replace(hex(zeroblob(100)), '00', 'a*\n')"},
    {"bad globs", "UPDATE secrets SET namespaces = 'team a'"},
    {"text that is none", "UPDATE secrets SET description = CAST(x'ff' AS TEXT)"},
    {"a long text", "UPDATE secrets SET description = hex(zeroblob(1000000))"},
};

Test(sqlite_secret_store, rows_that_no_server_writes_are_damaged) {
    struct gf_arena arena;
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad_rows); i++) {
        struct gf_secret_fixture fixture;
        struct gf_error err = {0};
        struct gf_secret *items = NULL;
        size_t count = 0;
        gf_arena_init(&arena, 1 << 20);
        gf_secret_fixture_init(&fixture);
        struct gf_secret_store *store = gf_secret_fixture_open(&fixture);
        put_needle(store);
        store->ops->destroy(store);
        gf_secret_fixture_exec(&fixture, bad_rows[i].sql);
        store = gf_secret_fixture_open(&fixture);
        cr_expect_eq(store->ops->list_marks_below(store, 7, 9, 10, &arena, &items, &count, &err),
                     GF_DATA_LOSS, "%s: %s", bad_rows[i].name, err.message);
        store->ops->destroy(store);
        gf_secret_fixture_fini(&fixture);
        gf_arena_fini(&arena);
    }
}

/* ---- Plans ---- */

/* Short tables, or all of what is asked for. */
static bool may_scan(int sql) {
    return sql == GF_SECRET_SQL_LIST_KEYS_NOT_WRAPPED_BY || sql == GF_SECRET_SQL_LIST_MASTER_KEYS ||
           sql == GF_SECRET_SQL_KEY_IS_USED || sql == GF_SECRET_SQL_INSERT_CHANGE;
}

Test(sqlite_secret_store, every_statement_has_a_plan_without_scans) {
    struct gf_secret_fixture fixture;
    gf_secret_fixture_init(&fixture);
    struct gf_secret_store *store = gf_secret_fixture_open(&fixture);
    store->ops->destroy(store);
    sqlite3 *handle = NULL;
    int steps = 0;
    cr_assert_eq(sqlite3_open(fixture.path, &handle), SQLITE_OK);
    for (int sql = 0; sql < GF_SECRET_SQL_COUNT; sql++) {
        const char *statement = gf_sqlite_secret__profile.statements[sql];
        char text[4096];
        sqlite3_stmt *stmt = NULL;
        (void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", statement);
        cr_assert_eq(sqlite3_prepare_v2(handle, text, -1, &stmt, NULL), SQLITE_OK, "%s: %s", text,
                     sqlite3_errmsg(handle));
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);
            cr_expect(strstr(detail, "SCAN") == NULL || may_scan(sql), "%s\n  in %s", detail,
                      statement);
            cr_expect_null(strstr(detail, "TEMP B-TREE"), "%s\n  in %s", detail, statement);
            cr_expect_null(strstr(detail, "AUTOMATIC"), "%s\n  in %s", detail, statement);
            steps++;
        }
        (void)sqlite3_finalize(stmt);
    }
    cr_assert_gt(steps, GF_SECRET_SQL_COUNT / 2);
    (void)sqlite3_close(handle);
    gf_secret_fixture_fini(&fixture);
}
