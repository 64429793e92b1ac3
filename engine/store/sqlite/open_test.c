/* What is opened, and what is refused, and that refusing leaves a file as it was. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sqlite3.h>

enum {
    FILE_BYTES_MAX = 8 << 20,
};

static void put(const struct gf_sqlite_fixture *fixture, struct gf_str bytes) {
    struct gf_error err = {0};
    cr_assert_eq(gf_file_replace(AT_FDCWD, fixture->path, bytes, 0600, GF_FILE_SYNC_NONE, &err),
                 GF_OK, "%s", err.message);
}

/* The bytes of the database; free them with gf_strbuf_fini. */
static void get(const struct gf_sqlite_fixture *fixture, struct gf_strbuf *out) {
    gf_strbuf_init(out, FILE_BYTES_MAX);
    cr_assert_eq(gf_file_read(AT_FDCWD, fixture->path, out, NULL), GF_OK);
}

/* Opens the file, which must be refused, and looks that nothing was written to it. */
static void must_be_refused_untouched(struct gf_sqlite_fixture *fixture, enum gf_code rc,
                                      const char *part) {
    struct gf_strbuf before;
    struct gf_strbuf after;
    get(fixture, &before);
    gf_sqlite_fixture_refused(fixture, rc, part);
    get(fixture, &after);
    cr_assert(gf_str_eq(gf_strbuf_view(&before), gf_strbuf_view(&after)), "the file has changed");
    gf_strbuf_fini(&after);
    gf_strbuf_fini(&before);
}

/* A closed database with 200 runs. */
static void make_database(struct gf_sqlite_fixture *fixture) {
    struct gf_store *store = gf_sqlite_fixture_open(fixture, NULL);
    struct gf_rows rows;
    gf_rows_init(&rows);
    const struct gf_namespace *ns = gf_rows_namespace(&rows, 1, "default");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&rows, ns, 1, "pipe");
    for (int64_t i = 1; i <= 200; i++) {
        gf_rows_run(&rows, pipeline, i, i)->initiator.reason = gf_rows_text(&rows, "%0300d", 0);
    }
    gf_rows_commit(&rows, store);
    gf_rows_fini(&rows);
    store->ops->destroy(store);
}

Test(sqlite_open, a_new_file_is_made) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    make_database(&fixture);
    cr_assert_eq(gf_sqlite_fixture_size(&fixture, "-wal"), -1, "closing has moved the log");
    struct stat status = {0};
    cr_assert_eq(stat(fixture.path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600, "others may not read it");
    cr_assert_eq(gf_sqlite_fixture_query(&fixture, "PRAGMA application_id"), 0x676f6672);
    cr_assert_eq(gf_sqlite_fixture_query(&fixture, "PRAGMA page_size"), 4096);
    cr_assert_eq(gf_sqlite_fixture_query(&fixture, "SELECT count(*) FROM runs"), 200);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, empty_files_and_empty_databases_are_used) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    put(&fixture, GF_STR(""));
    make_database(&fixture);
    gf_sqlite_fixture_fini(&fixture);

    /* What a crash between making the file and its first migration leaves. */
    gf_sqlite_fixture_init(&fixture);
    gf_sqlite_fixture_exec(&fixture,
                           "PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t;");
    make_database(&fixture);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, garbage_is_not_a_database) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    put(&fixture, GF_STR("These are somebody's notes, which are none of our business.\n"));
    must_be_refused_untouched(&fixture, GF_FAILED_PRECONDITION, "is not a database");
    put(&fixture, GF_STR("S"));
    must_be_refused_untouched(&fixture, GF_FAILED_PRECONDITION, "is not a database");
    /* The beginning alone does not make a database. */
    put(&fixture, GF_STR("SQLite format 3\0 and then something else, not even a whole header"));
    must_be_refused_untouched(&fixture, GF_DATA_LOSS, "not a database");
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, a_directory_is_not_a_database) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    cr_assert_eq(mkdir(fixture.path, 0700), 0);
    gf_sqlite_fixture_refused(&fixture, GF_FAILED_PRECONDITION, "is not a regular file");
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, the_database_of_another_program_is_refused) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    gf_sqlite_fixture_exec(&fixture, "CREATE TABLE notes (text TEXT);");
    must_be_refused_untouched(&fixture, GF_FAILED_PRECONDITION, "of another program");
    gf_sqlite_fixture_exec(&fixture, "PRAGMA application_id = 42;");
    must_be_refused_untouched(&fixture, GF_FAILED_PRECONDITION, "of another program");
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, a_database_of_a_newer_gofer_is_refused) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    make_database(&fixture);
    gf_sqlite_fixture_exec(&fixture, "INSERT INTO schema_migrations VALUES (1000, 'later', 1);");
    must_be_refused_untouched(&fixture, GF_FAILED_PRECONDITION, "newer gofer");
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, a_file_that_is_cut_off_is_refused) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    make_database(&fixture);
    struct gf_strbuf whole;
    get(&fixture, &whole);
    for (size_t size = 100; size < whole.len; size += whole.len / 7) {
        put(&fixture, (struct gf_str){whole.ptr, size});
        gf_sqlite_fixture_refused(&fixture, GF_DATA_LOSS, fixture.path);
    }
    gf_strbuf_fini(&whole);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, damage_is_found_or_harms_nothing) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    make_database(&fixture);
    struct gf_strbuf whole;
    get(&fixture, &whole);
    size_t refused = 0;
    const size_t pages = whole.len / 4096;
    for (size_t page = 0; page < pages; page++) {
        char *bytes = gf_memdup(whole.ptr, whole.len);
        /* The head of the page: its kind, its number of cells, where they are. */
        memset(bytes + page * 4096 + (page == 0 ? 100 : 0), 0x5a, 12);
        put(&fixture, (struct gf_str){bytes, whole.len});
        free(bytes);
        struct gf_store *store = NULL;
        struct gf_error err = {0};
        const enum gf_code rc = gf_sqlite_store_open(fixture.path, NULL, &store, &err);
        if (rc == GF_OK) {
            store->ops->destroy(store);
        } else {
            cr_assert_eq(rc, GF_DATA_LOSS, "page %zu: %s", page, err.message);
            refused++;
        }
    }
    cr_assert_geq(refused, pages - 1, "%zu of %zu", refused, pages);
    gf_strbuf_fini(&whole);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, a_second_server_is_refused) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, NULL);
    char owner[64];
    (void)snprintf(owner, sizeof(owner), "in use by another server (process %d)", getpid());
    gf_sqlite_fixture_refused(&fixture, GF_FAILED_PRECONDITION, owner);
    store->ops->destroy(store);
    store = gf_sqlite_fixture_open(&fixture, NULL);
    store->ops->destroy(store);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, a_dead_server_does_not_hold_the_lock) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    int ready[2];
    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)gf_sqlite_fixture_open(&fixture, NULL);
        (void)!write(ready[1], "!", 1);
        for (;;) {
            (void)pause();
        }
    }
    char byte = 0;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    gf_sqlite_fixture_refused(&fixture, GF_FAILED_PRECONDITION, "in use");
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, NULL);
    store->ops->destroy(store);
    gf_sqlite_fixture_fini(&fixture);
}

/* As a user who owns nothing: root may write everything. */
static int open_as_nobody(struct gf_sqlite_fixture *fixture, const char *part) {
    enum {
        NOBODY = 65534
    };
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
            _exit(77);
        }
        gf_sqlite_fixture_refused(fixture, GF_FAILED_PRECONDITION, part);
        _exit(0);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(sqlite_open, what_may_not_be_written_is_refused) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    make_database(&fixture);
    char *lock = gf_asprintf("%s.lock", fixture.path);
    cr_assert_eq(chmod(lock, 0666), 0);
    cr_assert_eq(chmod(fixture.path, 0444), 0);
    cr_assert_eq(chmod(fixture.dir, 0777), 0);
    const int file = open_as_nobody(&fixture, "may not be written by this user");
    cr_assert_eq(unlink(lock), 0);
    cr_assert_eq(chmod(fixture.dir, 0555), 0);
    const int dir = open_as_nobody(&fixture, "may not be written by this user");
    cr_assert_eq(chmod(fixture.dir, 0700), 0);
    free(lock);
    gf_sqlite_fixture_fini(&fixture);
    if (file == 77) {
        gf_test_skip("this user cannot become another one");
    }
    cr_assert_eq(file, 0);
    cr_assert_eq(dir, 0);
}

Test(sqlite_open, a_reader_of_another_program_is_not_in_the_way) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    make_database(&fixture);
    sqlite3 *other = NULL;
    cr_assert_eq(sqlite3_open(fixture.path, &other), SQLITE_OK);
    (void)sqlite3_busy_timeout(other, 10000);
    cr_assert_eq(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM runs;", NULL, NULL, NULL),
                 SQLITE_OK);
    struct gf_store *store = gf_sqlite_fixture_open(&fixture, NULL);
    store->ops->destroy(store);
    (void)sqlite3_close(other);
    gf_sqlite_fixture_fini(&fixture);
}

Test(sqlite_open, a_directory_that_is_missing_is_named) {
    struct gf_sqlite_fixture fixture;
    gf_sqlite_fixture_init(&fixture);
    struct gf_store *store = NULL;
    struct gf_error err = {0};
    char *path = gf_asprintf("%s/nowhere/gofer.db", fixture.dir);
    cr_assert_eq(gf_sqlite_store_open(path, NULL, &store, &err), GF_NOT_FOUND);
    cr_assert_not_null(strstr(err.message, "nowhere"), "%s", err.message);
    free(path);
    gf_sqlite_fixture_fini(&fixture);
}
