#include "engine/secrets/sqlite/testing/fixture.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/store/sqlite/testing/fault_vfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

static void must(bool done, const char *doing, const char *message) {
    if (!done) {
        (void)fprintf(stderr, "fixture: %s: %s\n", doing, message);
        abort();
    }
}

static struct gf_secret_store *open_default(void *ctx) {
    return gf_secret_fixture_open(ctx);
}

/* Counts writes of the file, not changes: but all or none is all that the battery asks for. */
static void fail_after(GF_UNUSED struct gf_secret_store *store, int64_t changes_left) {
    if (changes_left < 0) {
        gf_fault_disarm();
    } else {
        gf_fault_arm(GF_FAULT_WRITE_ERROR, changes_left + 1, /* forever= */ true);
    }
}

void gf_secret_fixture_init(struct gf_secret_fixture *fixture) {
    const char *parent = getenv("TEST_TMPDIR");
    fixture->dir = gf_asprintf("%s/gofer-secrets-XXXXXX", parent != NULL ? parent : "/tmp");
    must(mkdtemp(fixture->dir) != NULL, "make a directory", fixture->dir);
    fixture->path = gf_asprintf("%s/secrets.db", fixture->dir);
    fixture->factory = (struct gf_secret_store_factory){
        .create = open_default, .reopen = open_default, .fail_after = fail_after, .ctx = fixture};
}

void gf_secret_fixture_fini(struct gf_secret_fixture *fixture) {
    struct gf_error err = {0};
    must(gf_tree_remove(AT_FDCWD, fixture->dir, &err) == GF_OK, "clean up", err.message);
    free(fixture->path);
    free(fixture->dir);
}

struct gf_secret_store *gf_secret_fixture_open(struct gf_secret_fixture *fixture) {
    struct gf_secret_store *store = NULL;
    struct gf_error err = {0};
    must(gf_sqlite_secret_store_open_vfs(fixture->path, gf_fault_vfs(), &store, &err) == GF_OK,
         "open", err.message);
    return store;
}

struct gf_secret_store *gf_secret_fixture_open_plain(struct gf_secret_fixture *fixture) {
    struct gf_secret_store *store = NULL;
    struct gf_error err = {0};
    must(gf_sqlite_secret_store_open(fixture->path, &store, &err) == GF_OK, "open", err.message);
    return store;
}

void gf_secret_fixture_refused(struct gf_secret_fixture *fixture, enum gf_code rc) {
    struct gf_secret_store *store = NULL;
    struct gf_error err = {0};
    const enum gf_code actual = gf_sqlite_secret_store_open(fixture->path, &store, &err);
    must(actual == rc, "open was to be refused otherwise",
         actual == GF_OK ? "it was opened" : err.message);
    must(store == NULL, "open", "the output was touched");
}

static sqlite3 *open_raw(const struct gf_secret_fixture *fixture) {
    sqlite3 *handle = NULL;
    must(sqlite3_open(fixture->path, &handle) == SQLITE_OK, "open", fixture->path);
    return handle;
}

void gf_secret_fixture_exec(const struct gf_secret_fixture *fixture, const char *sql) {
    sqlite3 *handle = open_raw(fixture);
    must(sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK, sql, sqlite3_errmsg(handle));
    (void)sqlite3_close(handle);
}

int64_t gf_secret_fixture_query(const struct gf_secret_fixture *fixture, const char *sql) {
    sqlite3 *handle = open_raw(fixture);
    sqlite3_stmt *stmt = NULL;
    must(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) == SQLITE_OK, sql,
         sqlite3_errmsg(handle));
    must(sqlite3_step(stmt) == SQLITE_ROW, sql, sqlite3_errmsg(handle));
    const int64_t number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(handle);
    return number;
}

void gf_secret_fixture_load(const struct gf_secret_fixture *fixture, struct gf_strbuf *out) {
    struct gf_error err = {0};
    GF_CLEANUP(gf_close_p) int fd = -1;
    must(gf_file_open(AT_FDCWD, fixture->path, O_RDONLY, 0, &fd, &err) == GF_OK, "open",
         err.message);
    gf_strbuf_reset(out);
    must(gf_read_all(fd, out, &err) == GF_OK, "read", err.message);
}

void gf_secret_fixture_save(const struct gf_secret_fixture *fixture, struct gf_str bytes) {
    struct gf_error err = {0};
    GF_CLEANUP(gf_close_p) int fd = -1;
    must(gf_file_open(AT_FDCWD, fixture->path, O_WRONLY | O_TRUNC, 0, &fd, &err) == GF_OK, "open",
         err.message);
    must(gf_write_all(fd, bytes.ptr, bytes.len, &err) == GF_OK, "write", err.message);
}
