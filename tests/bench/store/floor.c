#include "tests/bench/store/floor.h"

#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RUN = 0,
    TASK = 1,
    EVENT = 2,
    EVENTS_AT_START = 3,
    EVENTS_AT_END = 2,
    ROW_BYTES_MAX = 4096,
};

static const char *const TABLES[] = {"runs", "task_executions", "events"};

static void must(sqlite3 *handle, int result, const char *doing) {
    if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW) {
        (void)fprintf(stderr, "floor: %s: %s\n", doing, sqlite3_errmsg(handle));
        exit(1);
    }
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *text) {
    sqlite3_stmt *stmt = NULL;
    must(handle, sqlite3_prepare_v3(handle, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL),
         text);
    return stmt;
}

static int mean_payload(sqlite3 *handle, const char *table) {
    sqlite3_stmt *stmt =
        prepare(handle, "SELECT sum(payload) / max(sum(ncell), 1) FROM dbstat WHERE name = ?1"
                        " AND pagetype = 'leaf'");
    must(handle, sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC), table);
    must(handle, sqlite3_step(stmt), table);
    const int size = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return size < ROW_BYTES_MAX ? size : ROW_BYTES_MAX;
}

struct floor_sizes floor_measure(const char *store_path) {
    sqlite3 *handle = NULL;
    must(handle, sqlite3_open_v2(store_path, &handle, SQLITE_OPEN_READONLY, NULL), store_path);
    const struct floor_sizes sizes = {
        .run = mean_payload(handle, TABLES[RUN]),
        .task = mean_payload(handle, TABLES[TASK]),
        .event = mean_payload(handle, TABLES[EVENT]),
    };
    (void)sqlite3_close(handle);
    return sizes;
}

void floor_open(struct bare *bare, const char *path, struct floor_sizes sizes) {
    *bare =
        (struct bare){.sizes = sizes, .next_run_key = 1, .next_sequence = 1, .first_open_key = 1};
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    must(NULL, sqlite3_open_v2(path, &bare->handle, flags, NULL), path);
    must(bare->handle,
         sqlite3_exec(bare->handle,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "PRAGMA secure_delete = OFF; PRAGMA cache_size = -8192;"
                      "PRAGMA wal_autocheckpoint = 4096;"
                      "CREATE TABLE runs (k INTEGER PRIMARY KEY, v BLOB);"
                      "CREATE TABLE task_executions (k INTEGER PRIMARY KEY, v BLOB);"
                      "CREATE TABLE events (k INTEGER PRIMARY KEY, v BLOB);",
                      NULL, NULL, NULL),
         "make the tables");
    bare->begin = prepare(bare->handle, "BEGIN IMMEDIATE");
    bare->commit = prepare(bare->handle, "COMMIT");
    for (int i = RUN; i <= EVENT; i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "INSERT INTO %s VALUES (?1, ?2)", TABLES[i]);
        bare->insert[i] = prepare(bare->handle, text);
    }
    for (int i = RUN; i <= TASK; i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "UPDATE %s SET v = ?2 WHERE k = ?1", TABLES[i]);
        bare->update[i] = prepare(bare->handle, text);
    }
}

void floor_close(struct bare *bare) {
    sqlite3_stmt *const all[] = {bare->begin,     bare->commit,    bare->insert[0], bare->insert[1],
                                 bare->insert[2], bare->update[0], bare->update[1]};
    for (size_t i = 0; i < GF_ARRAY_COUNT(all); i++) {
        (void)sqlite3_finalize(all[i]);
    }
    (void)sqlite3_close(bare->handle);
}

static void run(struct bare *bare, sqlite3_stmt *stmt) {
    must(bare->handle, sqlite3_step(stmt), "step");
    must(bare->handle, sqlite3_reset(stmt), "reset");
}

static void write_row(struct bare *bare, sqlite3_stmt *stmt, int64_t key, int size) {
    static const char BYTES[ROW_BYTES_MAX] = {0};
    must(bare->handle, sqlite3_bind_int64(stmt, 1, key), "bind");
    must(bare->handle, sqlite3_bind_blob(stmt, 2, BYTES, size, SQLITE_STATIC), "bind");
    run(bare, stmt);
}

static void write_events(struct bare *bare, int count) {
    for (int i = 0; i < count; i++) {
        write_row(bare, bare->insert[EVENT], bare->next_sequence++, bare->sizes.event);
    }
}

void floor_commit(struct bare *bare, int64_t runs) {
    run(bare, bare->begin);
    const int64_t first = bare->next_run_key;
    for (int64_t key = bare->first_open_key; key < first; key++) {
        write_row(bare, bare->update[RUN], key, bare->sizes.run);
        write_row(bare, bare->update[TASK], key, bare->sizes.task);
        write_events(bare, EVENTS_AT_END);
    }
    for (int64_t i = 0; i < runs; i++) {
        const int64_t key = bare->next_run_key++;
        write_row(bare, bare->insert[RUN], key, bare->sizes.run);
        write_row(bare, bare->insert[TASK], key, bare->sizes.task);
        write_events(bare, EVENTS_AT_START);
    }
    bare->first_open_key = first;
    run(bare, bare->commit);
}
