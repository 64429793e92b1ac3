#include "engine/store/sqlite/testing/fixture.h"

#include "base/alloc.h"
#include "base/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

static void must(bool done, const char *doing, const char *message) {
    if (!done) {
        (void)fprintf(stderr, "fixture: %s: %s\n", doing, message);
        abort();
    }
}

static struct gf_store *open_default(void *ctx) {
    return gf_sqlite_fixture_open(ctx, NULL);
}

void gf_sqlite_fixture_init(struct gf_sqlite_fixture *fixture) {
    const char *parent = getenv("TEST_TMPDIR");
    fixture->dir = gf_asprintf("%s/gofer-store-XXXXXX", parent != NULL ? parent : "/tmp");
    must(mkdtemp(fixture->dir) != NULL, "make a directory", fixture->dir);
    fixture->path = gf_asprintf("%s/gofer.db", fixture->dir);
    fixture->factory =
        (struct gf_store_factory){.create = open_default, .reopen = open_default, .ctx = fixture};
}

void gf_sqlite_fixture_fini(struct gf_sqlite_fixture *fixture) {
    struct gf_error err = {0};
    must(gf_tree_remove(AT_FDCWD, fixture->dir, &err) == GF_OK, "clean up", err.message);
    free(fixture->path);
    free(fixture->dir);
}

struct gf_store *gf_sqlite_fixture_open(struct gf_sqlite_fixture *fixture,
                                        const struct gf_sqlite_options *options) {
    struct gf_store *store = NULL;
    struct gf_error err = {0};
    must(gf_sqlite_store_open(fixture->path, options, &store, &err) == GF_OK, "open", err.message);
    return store;
}

void gf_sqlite_fixture_refused(struct gf_sqlite_fixture *fixture, enum gf_code rc,
                               const char *part) {
    struct gf_store *store = NULL;
    struct gf_error err = {0};
    const enum gf_code actual = gf_sqlite_store_open(fixture->path, NULL, &store, &err);
    must(actual == rc, "open was to be refused otherwise",
         actual == GF_OK ? "it was opened" : err.message);
    must(err.code == rc && strstr(err.message, part) != NULL, part, err.message);
    must(store == NULL, "open", "the output was touched");
}

int64_t gf_sqlite_fixture_size(const struct gf_sqlite_fixture *fixture, const char *suffix) {
    char *path = gf_asprintf("%s%s", fixture->path, suffix);
    struct stat status = {0};
    const int result = stat(path, &status);
    free(path);
    return result == 0 ? (int64_t)status.st_size : -1;
}

int64_t gf_sqlite_fixture_query(const struct gf_sqlite_fixture *fixture, const char *sql) {
    sqlite3 *handle = NULL;
    sqlite3_stmt *stmt = NULL;
    must(sqlite3_open_v2(fixture->path, &handle, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, sql,
         "cannot open");
    must(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) == SQLITE_OK, sql,
         sqlite3_errmsg(handle));
    must(sqlite3_step(stmt) == SQLITE_ROW, sql, sqlite3_errmsg(handle));
    const int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(handle);
    return number;
}

void gf_sqlite_fixture_exec(const struct gf_sqlite_fixture *fixture, const char *sql) {
    sqlite3 *handle = NULL;
    must(sqlite3_open(fixture->path, &handle) == SQLITE_OK, sql, "cannot open");
    must(sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK, sql, sqlite3_errmsg(handle));
    (void)sqlite3_close(handle);
}
