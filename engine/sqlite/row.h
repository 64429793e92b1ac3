/*
 * Binding parameters and reading columns, one after another in the order of the statement.
 *
 * Both remember the first thing that went wrong and are checked once: a noun's file binds or reads
 * all its members and leaves the rest to gf_sqlite__run_bound and gf_sqlite__select.
 *
 * Thread: that of the connection.
 */
#ifndef GOFER_ENGINE_SQLITE_ROW_H_
#define GOFER_ENGINE_SQLITE_ROW_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/sqlite/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Writing ---- */

/* A statement whose next parameter is `next`, from 1. */
struct gf_sqlite_bind {
    struct gf_sqlite_db *db;
    sqlite3_stmt *stmt;
    int next;
    int result; /* of the first bind that did not work */
};

/* Starts over with a prepared statement. */
enum gf_code gf_sqlite__bind_start(struct gf_sqlite_bind *bind, struct gf_sqlite_db *db, size_t sql,
                                   struct gf_error *err) GF_MUST_USE;

/* Text and bytes are borrowed until the statement has run. */
void gf_sqlite__bind_i64(struct gf_sqlite_bind *bind, int64_t number);
void gf_sqlite__bind_null(struct gf_sqlite_bind *bind);
void gf_sqlite__bind_str(struct gf_sqlite_bind *bind, struct gf_str text);
void gf_sqlite__bind_blob(struct gf_sqlite_bind *bind, struct gf_str bytes);

/* As gf_sqlite__run. All parameters are bound. */
enum gf_code gf_sqlite__run_bound(struct gf_sqlite_bind *bind, const char *doing,
                                  int64_t *out_changed, struct gf_error *err) GF_MUST_USE;

/* ---- Reading ---- */

/* A row whose next column is `next`, from 0. Text goes to the arena. */
struct gf_sqlite_row {
    sqlite3_stmt *stmt;
    struct gf_arena *arena;
    int next;
    bool exhausted; /* the arena's cap is reached */
    bool damaged;   /* a value that no server writes */
};

int64_t gf_sqlite__i64(struct gf_sqlite_row *row);
/* Outside of int32_t, or not 0 or 1: damaged. */
int32_t gf_sqlite__i32(struct gf_sqlite_row *row);
bool gf_sqlite__bool(struct gf_sqlite_row *row);
/* True where the next column is NULL, which is then skipped. */
bool gf_sqlite__skip_null(struct gf_sqlite_row *row);
/* In the arena. */
struct gf_str gf_sqlite__str(struct gf_sqlite_row *row);
/* Borrowed until the next row. */
struct gf_str gf_sqlite__blob(struct gf_sqlite_row *row);
/* A number of an enumeration that `valid` knows; gf_sqlite__enum_or_none lets 0 pass too. */
int gf_sqlite__enum(struct gf_sqlite_row *row, bool (*valid)(int64_t number));
int gf_sqlite__enum_or_none(struct gf_sqlite_row *row, bool (*valid)(int64_t number));
/* Memory of the arena; NULL, and the row is exhausted, at its cap. */
void *gf_sqlite__row_alloc(struct gf_sqlite_row *row, size_t size);

/* Fills the zeroed item from the row. An error beyond those that the row remembers is returned. */
typedef enum gf_code gf_sqlite_read(struct gf_sqlite_row *row, void *item, struct gf_error *err);

/*
 * Runs a bound SELECT for at most `limit` rows, and resets it. *out_items is an array of *out_count
 * items in the arena, NULL where there are none; nothing is left in the outputs on an error (the
 * arena may have grown). `what` names the rows in errors ("runs").
 *
 * Codes: those of gf_sqlite__fail, GF_DATA_LOSS (damaged), GF_RESOURCE_EXHAUSTED (the arena's cap).
 */
enum gf_code gf_sqlite__select(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                               size_t item_size, size_t limit, struct gf_arena *arena,
                               void **out_items, size_t *out_count,
                               struct gf_error *err) GF_MUST_USE;

/* The same for one row: *out_found tells whether there is one; only then `out` is written. */
enum gf_code gf_sqlite__select_one(struct gf_sqlite_bind *bind, const char *what,
                                   gf_sqlite_read *read, size_t item_size, struct gf_arena *arena,
                                   void *out, bool *out_found, struct gf_error *err) GF_MUST_USE;

/*
 * Runs a bound SELECT to its end, and resets it: hands every row to `read` with the same `ctx`, and
 * keeps none. For columns of numbers: there is no arena. Codes as above.
 */
enum gf_code gf_sqlite__visit(struct gf_sqlite_bind *bind, const char *what, gf_sqlite_read *read,
                              void *ctx, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SQLITE_ROW_H_ */
