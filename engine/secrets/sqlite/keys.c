/* Data keys, as they are wrapped. */
#include "engine/secrets/sqlite/store_internal.h"

#include <inttypes.h>

/* ---- Changing ---- */

static enum gf_code insert_key(struct gf_sqlite_db *db, const struct gf_secret_key *key,
                               struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_INSERT_KEY, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, key->purpose);
    gf_sqlite__bind_i64(&bind, key->namespace_key);
    gf_sqlite__bind_i64(&bind, key->number);
    gf_sqlite__bind_blob(&bind, key->wrapped);
    gf_sqlite__bind_str(&bind, key->master_key_id);
    gf_sqlite__bind_i64(&bind, key->create_time);
    gf_sqlite__bind_i64(&bind, key->state);
    return gf_sqlite__run_bound(&bind, "store a data key", NULL, err);
}

static enum gf_code put_key(struct gf_sqlite_db *db, const struct gf_secret_key *key,
                            const struct gf_secret_change *change,
                            const struct gf_secret_request *request, struct gf_error *err) {
    int64_t newest = 0;
    enum gf_code rc = gf_sqlite_secret__number(db, GF_SECRET_SQL_NEWEST_KEY, key->purpose,
                                               key->namespace_key, &newest, err);
    if (rc == GF_OK && (newest == INT64_MAX || key->number != newest + 1)) {
        return gf_fail(err, GF_ABORTED, "there is another data key by now");
    }
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__add_request(db, request, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_RETIRE_KEYS, key->purpose, &key->namespace_key,
                                   err);
    }
    if (rc == GF_OK) {
        rc = insert_key(db, key, err);
    }
    return rc == GF_OK ? gf_sqlite_secret__add_change(db, change, err) : rc;
}

enum gf_code gf_sqlite_secret__put_key(struct gf_secret_store *base,
                                       const struct gf_secret_key *key,
                                       const struct gf_secret_change *change,
                                       const struct gf_secret_request *request,
                                       struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    gf_assert(key->state == GF_SECRET_KEY_ACTIVE);
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = put_key(db, key, change, request, err);
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}

enum gf_code gf_sqlite_secret__replace_key(struct gf_secret_store *base,
                                           const struct gf_secret_key *from,
                                           const struct gf_secret_key *to, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    struct gf_sqlite_bind bind = {0};
    int64_t changed = 0;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_REPLACE_KEY, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, from->purpose);
        gf_sqlite__bind_i64(&bind, from->namespace_key);
        gf_sqlite__bind_i64(&bind, from->number);
        gf_sqlite__bind_blob(&bind, from->wrapped);
        gf_sqlite__bind_blob(&bind, to->wrapped);
        gf_sqlite__bind_str(&bind, to->master_key_id);
        rc = gf_sqlite__run_bound(&bind, "wrap a data key anew", &changed, err);
    }
    if (rc == GF_OK && changed == 0) {
        rc = gf_fail(err, GF_ABORTED, "the data key has changed meanwhile");
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}

/* One key by its number; *out_found tells whether it is there. */
static enum gf_code find_key(struct gf_sqlite_db *db, enum gf_secret_key_purpose purpose,
                             int64_t namespace_key, int64_t number, struct gf_arena *arena,
                             struct gf_secret_key *out, bool *out_found, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_GET_KEY, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, purpose);
    gf_sqlite__bind_i64(&bind, namespace_key);
    gf_sqlite__bind_i64(&bind, number);
    return gf_sqlite__select_one(&bind, "data keys", gf_sqlite_secret__read_key, sizeof(*out),
                                 arena, out, out_found, err);
}

enum gf_code gf_sqlite_secret__need_key(struct gf_sqlite_db *db, int64_t namespace_key,
                                        int64_t number, struct gf_error *err) {
    struct gf_arena arena;
    struct gf_secret_key key;
    bool found = false;
    gf_arena_init(&arena, 64 << 10);
    const enum gf_code rc =
        find_key(db, GF_SECRET_KEY_VALUES, namespace_key, number, &arena, &key, &found, err);
    gf_arena_fini(&arena);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_ABORTED, "the data key is gone by now");
    }
    return rc;
}

static enum gf_code remove_key(struct gf_sqlite_db *db, enum gf_secret_key_purpose purpose,
                               int64_t namespace_key, int64_t number, struct gf_error *err) {
    struct gf_arena arena;
    struct gf_secret_key key = {0};
    bool found = false;
    int64_t used = 0;
    gf_arena_init(&arena, 64 << 10);
    enum gf_code rc = find_key(db, purpose, namespace_key, number, &arena, &key, &found, err);
    gf_arena_fini(&arena);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "data key %" PRId64 " not found", number);
    }
    if (rc == GF_OK && purpose == GF_SECRET_KEY_VALUES) {
        rc = gf_sqlite_secret__number(db, GF_SECRET_SQL_KEY_IS_USED, namespace_key, number, &used,
                                      err);
    }
    if (rc == GF_OK && (key.state == GF_SECRET_KEY_ACTIVE || used != 0)) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "data key %" PRId64 " is in use", number);
    }
    struct gf_sqlite_bind bind = {0};
    if (rc == GF_OK) {
        rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_DELETE_KEY, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, purpose);
    gf_sqlite__bind_i64(&bind, namespace_key);
    gf_sqlite__bind_i64(&bind, number);
    return gf_sqlite__run_bound(&bind, "remove a data key", NULL, err);
}

enum gf_code gf_sqlite_secret__remove_key(struct gf_secret_store *base,
                                          enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                          int64_t number, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = remove_key(db, purpose, namespace_key, number, err);
    return gf_sqlite_secret__end(store, rc, /* removed= */ true, err);
}

/* ---- Reading ---- */

enum gf_code gf_sqlite_secret__list_keys(struct gf_secret_store *base,
                                         enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                         struct gf_arena *arena, struct gf_secret_key **out_items,
                                         size_t *out_count, struct gf_error *err) {
    /* One more than there may be: who gets it refuses it. */
    const size_t limit = GF_KEYRING_KEYS_MAX + 1;
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_KEYS, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, purpose);
        gf_sqlite__bind_i64(&bind, namespace_key);
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "data keys", gf_sqlite_secret__read_key, sizeof(**out_items),
                               limit, arena, (void **)out_items, out_count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

enum gf_code gf_sqlite_secret__list_keys_not_wrapped_by(struct gf_secret_store *base,
                                                        struct gf_str master_key_id, size_t limit,
                                                        struct gf_arena *arena,
                                                        struct gf_secret_key **out_items,
                                                        size_t *out_count, struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc =
        gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_KEYS_NOT_WRAPPED_BY, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_str(&bind, master_key_id);
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "data keys", gf_sqlite_secret__read_key, sizeof(**out_items),
                               limit, arena, (void **)out_items, out_count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

static enum gf_code read_namespace(struct gf_sqlite_row *row, void *item,
                                   GF_UNUSED struct gf_error *err) {
    *(int64_t *)item = gf_sqlite__i64(row);
    return GF_OK;
}

/* Step by step, each by an index: keys of one namespace are passed over, not read. */
enum gf_code gf_sqlite_secret__list_key_namespaces(struct gf_secret_store *base,
                                                   enum gf_secret_key_purpose purpose,
                                                   bool retired_only, int64_t after_namespace_key,
                                                   size_t limit, struct gf_arena *arena,
                                                   int64_t **out_items, size_t *out_count,
                                                   struct gf_error *err) {
    const enum gf_secret_sql sql =
        retired_only ? GF_SECRET_SQL_NEXT_RETIRED_NAMESPACE : GF_SECRET_SQL_NEXT_KEY_NAMESPACE;
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    int64_t *items = GF_ARENA_ARRAY(arena, limit, int64_t);
    int64_t last = after_namespace_key;
    size_t count = 0;
    bool found = true;
    enum gf_code rc = GF_OK;
    while (rc == GF_OK && found && count < limit) {
        struct gf_sqlite_bind bind = {0};
        rc = gf_sqlite__bind_start(&bind, &reader->db, sql, err);
        if (rc == GF_OK) {
            gf_sqlite__bind_i64(&bind, purpose);
            gf_sqlite__bind_i64(&bind, last);
            rc = gf_sqlite__select_one(&bind, "data keys", read_namespace, sizeof(last), arena,
                                       &last, &found, err);
        }
        if (rc == GF_OK && found) {
            items[count++] = last;
        }
    }
    gf_sqlite_secret__read_end(store, reader);
    if (rc == GF_OK) {
        *out_items = items;
        *out_count = count;
    }
    return rc;
}

static enum gf_code read_master_use(struct gf_sqlite_row *row, void *item,
                                    GF_UNUSED struct gf_error *err) {
    struct gf_secret_master_use *use = item;
    use->master_key_id = gf_sqlite_secret__text(row, GF_MASTER_KEY_ID_BYTES);
    use->key_count = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite_secret__list_master_keys(struct gf_secret_store *base,
                                                struct gf_arena *arena,
                                                struct gf_secret_master_use **out_items,
                                                size_t *out_count, struct gf_error *err) {
    /* More than there can be: one that is missing is among them. */
    const size_t limit = (size_t)4 * GF_MASTER_KEYS_MAX;
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc =
        gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_MASTER_KEYS, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "data keys", read_master_use, sizeof(**out_items), limit,
                               arena, (void **)out_items, out_count, err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}
