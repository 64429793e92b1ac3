#include "engine/store/sqlite/migrate.h"
#include "engine/store/sqlite/sql.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

struct fixture {
    struct gf_sqlite_fixture sqlite;
    struct gf_sqlite_db db;
    struct gf_error err;
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_sqlite_fixture_init(&fixture->sqlite);
    cr_assert_eq(gf_sqlite__db_open(&fixture->db, fixture->sqlite.path, NULL, GF_SQLITE_WRITER,
                                    &gf_sqlite__profile, &fixture->err),
                 GF_OK, "%s", fixture->err.message);
}

static void close_fixture(struct fixture *fixture) {
    gf_sqlite__db_close(&fixture->db);
    gf_sqlite_fixture_fini(&fixture->sqlite);
}

static int64_t query(struct fixture *fixture, const char *text) {
    int64_t number = 0;
    cr_assert_eq(gf_sqlite__query_i64(&fixture->db, text, "query", &number, &fixture->err), GF_OK,
                 "%s", fixture->err.message);
    return number;
}

static int64_t version(struct fixture *fixture) {
    int64_t number = -1;
    cr_assert_eq(gf_sqlite__schema_version(&fixture->db, &number, &fixture->err), GF_OK, "%s",
                 fixture->err.message);
    return number;
}

static const struct gf_sqlite_migration STEPS[] = {
    {1, "first",
     "CREATE TABLE parents (k INTEGER PRIMARY KEY) STRICT;"
     "CREATE TABLE children (k INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES parents)"
     " STRICT; INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1, 1);"},
    /* Rebuilds a table that others refer to, as a change of a column must. */
    {2, "rebuild",
     "CREATE TABLE parents_new (k INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"
     "INSERT INTO parents_new SELECT k, 'n' || k FROM parents; DROP TABLE parents;"
     "ALTER TABLE parents_new RENAME TO parents;"},
    {3, "third", "INSERT INTO parents VALUES (2, 'two');"},
};

Test(sqlite_migrate, an_empty_file_gets_the_whole_schema) {
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_eq(version(&fixture), 0);
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, gf_sqlite__migrations, gf_sqlite__migration_count,
                                    &fixture.err),
                 GF_OK, "%s", fixture.err.message);
    cr_assert_eq(version(&fixture), (int64_t)gf_sqlite__migration_count);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM runs"), 0);
    /* Every table of the schema holds what its columns say. */
    cr_assert_eq(query(&fixture,
                       "SELECT count(*) FROM pragma_table_list WHERE type = 'table'"
                       " AND schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0"),
                 0);
    close_fixture(&fixture);
}

Test(sqlite_migrate, numbers_have_no_gaps) {
    for (size_t i = 0; i < gf_sqlite__migration_count; i++) {
        cr_assert_eq(gf_sqlite__migrations[i].number, (int64_t)i + 1, "%s",
                     gf_sqlite__migrations[i].name);
    }
}

Test(sqlite_migrate, an_older_file_gets_what_is_missing) {
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, STEPS, 1, &fixture.err), GF_OK);
    cr_assert_eq(version(&fixture), 1);
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, STEPS, 3, &fixture.err), GF_OK, "%s",
                 fixture.err.message);
    cr_assert_eq(version(&fixture), 3);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM children JOIN parents ON parents.k = p"), 1);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM parents"), 2);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM schema_migrations WHERE apply_time > 0"), 3);
    cr_assert_eq(query(&fixture, "PRAGMA foreign_keys"), 1);
    /* A second time there is nothing to do. */
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, STEPS, 3, &fixture.err), GF_OK);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM parents"), 2);
    close_fixture(&fixture);
}

Test(sqlite_migrate, one_that_fails_leaves_the_version_before_it) {
    static const struct gf_sqlite_migration BROKEN[] = {
        {1, "first", "CREATE TABLE one (k INTEGER PRIMARY KEY) STRICT;"},
        {2, "broken",
         "CREATE TABLE two (k INTEGER PRIMARY KEY) STRICT; INSERT INTO nowhere "
         "VALUES (1);"},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_neq(gf_sqlite__migrate(&fixture.db, BROKEN, 2, &fixture.err), GF_OK);
    cr_assert_not_null(strstr(fixture.err.message, "migration 2 (broken)"), "%s",
                       fixture.err.message);
    cr_assert_eq(version(&fixture), 1);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM sqlite_schema WHERE name = 'two'"), 0);
    close_fixture(&fixture);
}

Test(sqlite_migrate, one_that_orphans_rows_is_refused) {
    static const struct gf_sqlite_migration ORPHANS[] = {
        {1, "first",
         "CREATE TABLE parents (k INTEGER PRIMARY KEY) STRICT;"
         "CREATE TABLE children (p INTEGER REFERENCES parents) STRICT;"
         "INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1);"},
        {2, "orphan", "DELETE FROM parents;"},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, ORPHANS, 2, &fixture.err), GF_DATA_LOSS);
    cr_assert_eq(version(&fixture), 1);
    cr_assert_eq(query(&fixture, "SELECT count(*) FROM parents"), 1);
    close_fixture(&fixture);
}

Test(sqlite_migrate, a_newer_file_is_refused) {
    struct fixture fixture;
    open_fixture(&fixture);
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, STEPS, 3, &fixture.err), GF_OK);
    cr_assert_eq(gf_sqlite__migrate(&fixture.db, STEPS, 2, &fixture.err), GF_FAILED_PRECONDITION);
    cr_assert_str_eq(fixture.err.reason, "DATABASE_TOO_NEW");
    cr_assert_not_null(strstr(fixture.err.message, "version 3"), "%s", fixture.err.message);
    cr_assert_eq(version(&fixture), 3);
    close_fixture(&fixture);
}
