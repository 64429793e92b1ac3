/*
 * Why a lock file of its own: SQLite lets many processes write one database in turn, which is what
 * a second server on the same data would do, each believing that it alone starts containers. The
 * lock is a flock and goes with the process, however it ends; the file stays, because removing it
 * would let two processes lock two files of the same name.
 */
#include "engine/sqlite/guard.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MODE = 0600,
    LOCK_BYTES_MAX = 64,
    MAGIC_BYTES = 16,
};

/* The process that holds the lock, as the lock file has it; "" where it has nothing readable. */
static void read_owner(int fd, char out[LOCK_BYTES_MAX]) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, LOCK_BYTES_MAX - 1);
    struct gf_str first = {NULL, 0};
    struct gf_str rest = {NULL, 0};
    int64_t pid = 0;
    out[0] = '\0';
    if (gf_read_all(fd, &text, NULL) == GF_OK) {
        (void)gf_str_cut(gf_strbuf_view(&text), '\n', &first, &rest);
        if (gf_parse_i64(first, &pid) && pid > 0) {
            (void)snprintf(out, LOCK_BYTES_MAX, " (process %" PRId64 ")", pid);
        }
    }
    gf_strbuf_fini(&text);
}

enum gf_code gf_sqlite__lock(const char *path, int *out_fd, struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *lock_path = gf_asprintf("%s.lock", path);
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(AT_FDCWD, lock_path, O_RDWR | O_CREAT, FILE_MODE, &fd, err);
    if (rc == GF_PERMISSION_DENIED) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the lock file '%s' may not be written by this user", lock_path);
    }
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_file_lock(fd, err);
    if (rc == GF_FAILED_PRECONDITION) {
        char owner[LOCK_BYTES_MAX];
        read_owner(fd, owner);
        return gf_fail_reason(err, rc, "DATABASE_IN_USE",
                              "database '%s' is in use by another server%s", path, owner);
    }
    if (rc != GF_OK) {
        return rc;
    }
    char text[LOCK_BYTES_MAX];
    const int length = snprintf(text, sizeof(text), "%lld\n", (long long)getpid());
    /* For people only: where it cannot be written, the lock holds all the same. */
    if (ftruncate(fd, 0) == 0) {
        gf_ignore(gf_write_all(fd, text, (size_t)length, NULL));
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

static enum gf_code not_a_database(const char *path, const char *why, struct gf_error *err) {
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NOT_A_DATABASE",
                          "'%s' is not a database: %s", path, why);
}

enum gf_code gf_sqlite__check_file(const char *path, struct gf_error *err) {
    static const char MAGIC[MAGIC_BYTES] = "SQLite format 3";
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err);
    if (rc == GF_NOT_FOUND) {
        return gf_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE, &fd, err);
    }
    if (rc == GF_PERMISSION_DENIED) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "database '%s' may not be read by this user",
                       path);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct stat status = {0};
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return not_a_database(path, "it is not a regular file", err);
    }
    if (status.st_size == 0) {
        return GF_OK;
    }
    char start[MAGIC_BYTES];
    if (gf_pread_exact(fd, start, sizeof(start), 0, NULL) != GF_OK ||
        memcmp(start, MAGIC, sizeof(start)) != 0) {
        return not_a_database(path, "it does not begin as SQLite's files do", err);
    }
    return GF_OK;
}

enum gf_code gf_sqlite__check_owner(struct gf_sqlite_db *db, struct gf_error *err) {
    int64_t application_id = 0;
    int64_t objects = 0;
    enum gf_code rc =
        gf_sqlite__query_i64(db, "PRAGMA application_id", "open", &application_id, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__query_i64(db, "SELECT count(*) FROM sqlite_schema", "open", &objects, err);
    }
    if (rc != GF_OK || application_id == db->profile->application_id) {
        return rc;
    }
    /* A crash between making the file and its first migration leaves an empty database. */
    if (application_id == 0 && objects == 0) {
        return GF_OK;
    }
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NOT_GOFERS_DATABASE",
                          "'%s' is a database of another program", db->path);
}

static void finalize_p(sqlite3_stmt **stmt) {
    (void)sqlite3_finalize(*stmt);
}

/* SQLite's own check: "ok", or the first fault that it finds. */
static enum gf_code quick_check(struct gf_sqlite_db *db, struct gf_error *err) {
    GF_CLEANUP(finalize_p) sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    if (result != SQLITE_ROW) {
        return gf_sqlite__fail(db, result, "check the file", err);
    }
    const char *verdict = (const char *)sqlite3_column_text(stmt, 0);
    if (verdict == NULL || strcmp(verdict, "ok") != 0) {
        return gf_fail(err, GF_DATA_LOSS, "database '%s' is damaged (%s); restore it from a backup",
                       db->path, verdict == NULL ? "no verdict" : verdict);
    }
    return GF_OK;
}

enum gf_code gf_sqlite__check_sound(struct gf_sqlite_db *db, struct gf_error *err) {
    const int result =
        sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    /* Another program may be reading, a backup perhaps: then the log stays for now. */
    if (result != SQLITE_OK && (result & 0xff) != SQLITE_BUSY) {
        return gf_sqlite__fail(db, result, "recover the write-ahead log", err);
    }
    int64_t pages = 0;
    const enum gf_code rc =
        gf_sqlite__query_i64(db, "PRAGMA page_count", "check the file", &pages, err);
    if (rc != GF_OK || pages > db->profile->check_bytes_max / GF_SQLITE_PAGE_BYTES) {
        return rc;
    }
    return quick_check(db, err);
}
