#include "engine/sqlite/row.h"

#include "base/alloc.h"

#include <string.h>

enum gf_code gf_sqlite__bind_start(struct gf_sqlite_bind *bind, struct gf_sqlite_db *db, size_t sql,
                                   struct gf_error *err) {
    sqlite3_stmt *stmt = NULL;
    const enum gf_code rc = gf_sqlite__prepare(db, sql, &stmt, err);
    if (rc != GF_OK) {
        return rc;
    }
    *bind = (struct gf_sqlite_bind){.db = db, .stmt = stmt, .next = 1, .result = SQLITE_OK};
    return GF_OK;
}

static void bound(struct gf_sqlite_bind *bind, int result) {
    if (result != SQLITE_OK && bind->result == SQLITE_OK) {
        bind->result = result;
    }
}

void gf_sqlite__bind_i64(struct gf_sqlite_bind *bind, int64_t number) {
    bound(bind, sqlite3_bind_int64(bind->stmt, bind->next++, number));
}

void gf_sqlite__bind_null(struct gf_sqlite_bind *bind) {
    bound(bind, sqlite3_bind_null(bind->stmt, bind->next++));
}

/* A NULL pointer would bind NULL: the empty view is an empty value. */
void gf_sqlite__bind_str(struct gf_sqlite_bind *bind, struct gf_str text) {
    bound(bind, sqlite3_bind_text64(bind->stmt, bind->next++, text.len == 0 ? "" : text.ptr,
                                    text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void gf_sqlite__bind_blob(struct gf_sqlite_bind *bind, struct gf_str bytes) {
    bound(bind, sqlite3_bind_blob64(bind->stmt, bind->next++, bytes.len == 0 ? "" : bytes.ptr,
                                    bytes.len, SQLITE_STATIC));
}

enum gf_code gf_sqlite__run_bound(struct gf_sqlite_bind *bind, const char *doing,
                                  int64_t *out_changed, struct gf_error *err) {
    gf_assert(bind->next == sqlite3_bind_parameter_count(bind->stmt) + 1);
    if (bind->result != SQLITE_OK) {
        return gf_sqlite__fail(bind->db, bind->result, doing, err);
    }
    return gf_sqlite__run(bind->db, bind->stmt, doing, out_changed, err);
}

int64_t gf_sqlite__i64(struct gf_sqlite_row *row) {
    return sqlite3_column_int64(row->stmt, row->next++);
}

int32_t gf_sqlite__i32(struct gf_sqlite_row *row) {
    const int64_t number = gf_sqlite__i64(row);
    if (number < INT32_MIN || number > INT32_MAX) {
        row->damaged = true;
        return 0;
    }
    return (int32_t)number;
}

bool gf_sqlite__bool(struct gf_sqlite_row *row) {
    const int64_t number = gf_sqlite__i64(row);
    row->damaged = row->damaged || number < 0 || number > 1;
    return number == 1;
}

bool gf_sqlite__skip_null(struct gf_sqlite_row *row) {
    if (sqlite3_column_type(row->stmt, row->next) != SQLITE_NULL) {
        return false;
    }
    row->next++;
    return true;
}

void *gf_sqlite__row_alloc(struct gf_sqlite_row *row, size_t size) {
    void *memory = gf_arena_try_alloc(row->arena, size);
    row->exhausted = row->exhausted || memory == NULL;
    return memory;
}

struct gf_str gf_sqlite__str(struct gf_sqlite_row *row) {
    const struct gf_str text = gf_sqlite__blob(row);
    if (text.len == 0) {
        return (struct gf_str){NULL, 0};
    }
    char *copy = gf_sqlite__row_alloc(row, text.len + 1);
    if (copy == NULL) {
        return (struct gf_str){NULL, 0};
    }
    memcpy(copy, text.ptr, text.len);
    return (struct gf_str){copy, text.len};
}

struct gf_str gf_sqlite__blob(struct gf_sqlite_row *row) {
    const int column = row->next++;
    const void *bytes = sqlite3_column_blob(row->stmt, column);
    return (struct gf_str){bytes,
                           bytes == NULL ? 0 : (size_t)sqlite3_column_bytes(row->stmt, column)};
}

int gf_sqlite__enum(struct gf_sqlite_row *row, bool (*valid)(int64_t number)) {
    const int64_t number = gf_sqlite__i64(row);
    if (!valid(number)) {
        row->damaged = true;
        return 0;
    }
    return (int)number;
}

int gf_sqlite__enum_or_none(struct gf_sqlite_row *row, bool (*valid)(int64_t number)) {
    if (sqlite3_column_int64(row->stmt, row->next) == 0) {
        row->next++;
        return 0;
    }
    return gf_sqlite__enum(row, valid);
}

/* Items on the heap while their number is not known. */
struct collected {
    char *items;
    size_t count;
    size_t capacity;
    size_t item_size;
};

static void collected_fini(struct collected *collected) {
    free(collected->items);
}

static void *collected_push(struct collected *collected) {
    if (collected->count == collected->capacity) {
        collected->capacity = collected->capacity == 0 ? 16 : collected->capacity * 2;
        collected->items =
            gf_realloc_array(collected->items, collected->capacity, collected->item_size);
    }
    void *item = collected->items + collected->count++ * collected->item_size;
    memset(item, 0, collected->item_size);
    return item;
}

static enum gf_code read_row(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                             struct gf_arena *arena, void *item, struct gf_error *err) {
    struct gf_sqlite_row row = {.stmt = bind->stmt, .arena = arena};
    const enum gf_code rc = read(&row, item, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_assert(row.next == sqlite3_column_count(bind->stmt));
    if (row.exhausted) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "%s do not fit into the memory of one answer",
                       what);
    }
    if (row.damaged) {
        return gf_fail(err, GF_DATA_LOSS,
                       "database '%s': one of the %s holds values that no server writes",
                       bind->db->path, what);
    }
    return GF_OK;
}

static enum gf_code collect(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                            size_t limit, struct gf_arena *arena, struct collected *collected,
                            struct gf_error *err) {
    gf_assert(bind->next == sqlite3_bind_parameter_count(bind->stmt) + 1);
    int result = bind->result;
    if (result != SQLITE_OK) {
        return gf_sqlite__fail(bind->db, result, what, err);
    }
    while (collected->count < limit && (result = sqlite3_step(bind->stmt)) == SQLITE_ROW) {
        const enum gf_code rc = read_row(bind, what, read, arena, collected_push(collected), err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE) {
        return gf_sqlite__fail(bind->db, result, what, err);
    }
    return GF_OK;
}

enum gf_code gf_sqlite__select(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                               size_t item_size, size_t limit, struct gf_arena *arena,
                               void **out_items, size_t *out_count, struct gf_error *err) {
    GF_CLEANUP(collected_fini) struct collected collected = {.item_size = item_size};
    const enum gf_code rc = collect(bind, what, read, limit, arena, &collected, err);
    (void)sqlite3_reset(bind->stmt);
    if (rc != GF_OK) {
        return rc;
    }
    void *items = NULL;
    if (collected.count > 0) {
        items = gf_arena_try_alloc(arena, collected.count * item_size);
        if (items == NULL) {
            return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                           "%s do not fit into the memory of one answer", what);
        }
        memcpy(items, collected.items, collected.count * item_size);
    }
    *out_items = items;
    *out_count = collected.count;
    return GF_OK;
}

enum gf_code gf_sqlite__select_one(struct gf_sqlite_bind *bind, const char *what,
                                   gf_sqlite_read *read, size_t item_size, struct gf_arena *arena,
                                   void *out, bool *out_found, struct gf_error *err) {
    void *item = NULL;
    size_t count = 0;
    const enum gf_code rc =
        gf_sqlite__select(bind, what, read, item_size, 1, arena, &item, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (count == 1) {
        memcpy(out, item, item_size);
    }
    *out_found = count == 1;
    return GF_OK;
}

static enum gf_code visit_all(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                              void *ctx, struct gf_error *err) {
    gf_assert(bind->next == sqlite3_bind_parameter_count(bind->stmt) + 1);
    int result = bind->result;
    if (result != SQLITE_OK) {
        return gf_sqlite__fail(bind->db, result, what, err);
    }
    while ((result = sqlite3_step(bind->stmt)) == SQLITE_ROW) {
        const enum gf_code rc = read_row(bind, what, read, NULL, ctx, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return result == SQLITE_DONE ? GF_OK : gf_sqlite__fail(bind->db, result, what, err);
}

enum gf_code gf_sqlite__visit(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                              void *ctx, struct gf_error *err) {
    const enum gf_code rc = visit_all(bind, what, read, ctx, err);
    (void)sqlite3_reset(bind->stmt);
    return rc;
}
