/* Encrypting anew: what lies under older keys. */
#include "engine/secrets/seal.h"
#include "engine/secrets/sqlite/store_internal.h"

enum gf_code gf_sqlite_secret__list_values_below(struct gf_secret_store *base,
                                                 int64_t namespace_key, int64_t number,
                                                 size_t limit, struct gf_arena *arena,
                                                 struct gf_secret_value_row **out_items,
                                                 size_t *out_count, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc =
        gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_VALUES_BELOW, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, namespace_key);
        gf_sqlite__bind_i64(&bind, number);
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "values", gf_sqlite_secret__read_value, sizeof(**out_items),
                               limit, arena, (void **)out_items, out_count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

enum gf_code gf_sqlite_secret__count_values_below(struct gf_secret_store *base,
                                                  int64_t namespace_key, int64_t number,
                                                  int64_t *out_count, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    const enum gf_code rc = gf_sqlite_secret__number(&reader->db, GF_SECRET_SQL_COUNT_VALUES_BELOW,
                                                     namespace_key, number, out_count, err);
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

enum gf_code gf_sqlite_secret__list_marks_below(struct gf_secret_store *base, int64_t namespace_key,
                                                int64_t number, size_t limit,
                                                struct gf_arena *arena,
                                                struct gf_secret **out_items, size_t *out_count,
                                                struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc =
        gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_MARKS_BELOW, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, namespace_key);
        gf_sqlite__bind_i64(&bind, number);
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "secrets", gf_sqlite_secret__read_secret, sizeof(**out_items),
                               limit, arena, (void **)out_items, out_count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

/* ---- Replacing ---- */

static enum gf_code replace_value(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                                  const struct gf_secret_version *from,
                                  const struct gf_secret_version *to, int64_t *out_changed,
                                  struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite_secret__need_key(db, place->namespace_key, to->key_number, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_REPLACE_VALUE, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite_secret__bind_place(&bind, place);
    gf_sqlite__bind_i64(&bind, from->version);
    gf_sqlite__bind_blob(&bind, from->sealed);
    gf_sqlite__bind_blob(&bind, to->sealed);
    gf_sqlite__bind_i64(&bind, to->key_number);
    return gf_sqlite__run_bound(&bind, "encrypt a value anew", out_changed, err);
}

enum gf_code gf_sqlite_secret__replace_value(struct gf_secret_store *base,
                                             const struct gf_secret_place *place,
                                             const struct gf_secret_version *from,
                                             const struct gf_secret_version *to,
                                             struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    int64_t changed = 0;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = replace_value(db, place, from, to, &changed, err);
    if (rc == GF_OK && changed == 0) {
        rc = gf_fail(err, GF_ABORTED, "the value has changed meanwhile");
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}

static enum gf_code replace_mark(struct gf_sqlite_db *db, const struct gf_secret_place *place,
                                 struct gf_str from, struct gf_str to, int64_t *out_changed,
                                 struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const int64_t number = gf_secret_mark_key_number(to);
    enum gf_code rc = gf_sqlite_secret__need_key(db, place->namespace_key, number, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_REPLACE_MARK, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite_secret__bind_place(&bind, place);
    gf_sqlite__bind_blob(&bind, from);
    gf_sqlite__bind_blob(&bind, to);
    gf_sqlite__bind_i64(&bind, number);
    return gf_sqlite__run_bound(&bind, "mark a secret anew", out_changed, err);
}

enum gf_code gf_sqlite_secret__replace_mark(struct gf_secret_store *base,
                                            const struct gf_secret_place *place, struct gf_str from,
                                            struct gf_str to, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    int64_t changed = 0;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = replace_mark(db, place, from, to, &changed, err);
    if (rc == GF_OK && changed == 0) {
        rc = gf_fail(err, GF_ABORTED, "the secret has changed meanwhile");
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}
