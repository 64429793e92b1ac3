/* Records of changes, and what requests with an id have done. */
#include "engine/secrets/sqlite/store_internal.h"

/* ---- Records ---- */

enum gf_code gf_sqlite_secret__add_change(struct gf_sqlite_db *db,
                                          const struct gf_secret_change *change,
                                          struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    if (change == NULL) {
        return GF_OK;
    }
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_INSERT_CHANGE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, change->kind);
    gf_sqlite_secret__bind_place(&bind, &change->place);
    gf_sqlite__bind_str(&bind, change->namespace_id);
    gf_sqlite__bind_str(&bind, change->pipeline_id);
    gf_sqlite__bind_i64(&bind, change->version);
    gf_sqlite__bind_i64(&bind, change->time);
    gf_sqlite__bind_str(&bind, change->user);
    gf_sqlite__bind_str(&bind, change->address);
    gf_sqlite__bind_str(&bind, change->token_id);
    return gf_sqlite__run_bound(&bind, "record a change", NULL, err);
}

enum gf_code gf_sqlite_secret__record(struct gf_secret_store *base,
                                      const struct gf_secret_change *change,
                                      const struct gf_secret_request *request,
                                      struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite_secret__add_request(db, request, err);
    if (rc == GF_OK) {
        rc = gf_sqlite_secret__add_change(db, change, err);
    }
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}

enum gf_code gf_sqlite_secret__list_changes(struct gf_secret_store *base, int64_t after_sequence,
                                            size_t limit, struct gf_arena *arena,
                                            struct gf_secret_change **out_items, size_t *out_count,
                                            struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__bind_start(&bind, &reader->db, GF_SECRET_SQL_LIST_CHANGES, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, after_sequence);
        gf_sqlite__bind_i64(&bind, (int64_t)limit);
        rc = gf_sqlite__select(&bind, "records of changes", gf_sqlite_secret__read_change,
                               sizeof(**out_items), limit, arena, (void **)out_items, out_count,
                               err);
    }
    gf_sqlite_secret__read_end(store, reader);
    return rc;
}

enum gf_code gf_sqlite_secret__forget_changes(struct gf_secret_store *base, int64_t up_to_sequence,
                                              struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct gf_sqlite_db *db = NULL;
    enum gf_code rc = gf_sqlite_secret__begin(store, &db, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_CHANGES, up_to_sequence, NULL, err);
    return gf_sqlite_secret__end(store, rc, /* removed= */ false, err);
}

/* ---- Requests ---- */

static enum gf_code find_request(struct gf_sqlite_db *db, struct gf_str caller,
                                 struct gf_str request_id, struct gf_arena *arena,
                                 struct gf_secret_request *out, bool *out_found,
                                 struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_GET_REQUEST, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, caller);
    gf_sqlite__bind_str(&bind, request_id);
    return gf_sqlite__select_one(&bind, "requests", gf_sqlite_secret__read_request, sizeof(*out),
                                 arena, out, out_found, err);
}

static enum gf_code insert_request(struct gf_sqlite_db *db, const struct gf_secret_request *request,
                                   struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, db, GF_SECRET_SQL_INSERT_REQUEST, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, request->caller);
    gf_sqlite__bind_str(&bind, request->request_id);
    gf_sqlite__bind_blob(&bind, request->fingerprint);
    gf_sqlite__bind_i64(&bind, request->create_time);
    gf_sqlite__bind_i64(&bind, request->number);
    gf_sqlite__bind_i64(&bind, request->created ? 1 : 0);
    return gf_sqlite__run_bound(&bind, "keep a request", NULL, err);
}

enum gf_code gf_sqlite_secret__add_request(struct gf_sqlite_db *db,
                                           const struct gf_secret_request *request,
                                           struct gf_error *err) {
    if (request == NULL) {
        return GF_OK;
    }
    struct gf_arena arena;
    struct gf_secret_request other;
    bool found = false;
    gf_arena_init(&arena, 64 << 10);
    const int64_t oldest = request->create_time - GF_SECRET_REQUEST_KEEP_NS;
    enum gf_code rc =
        gf_sqlite_secret__run(db, GF_SECRET_SQL_DELETE_OLD_REQUESTS, oldest, NULL, err);
    if (rc == GF_OK) {
        rc = find_request(db, request->caller, request->request_id, &arena, &other, &found, err);
    }
    gf_arena_fini(&arena);
    if (rc == GF_OK && found) {
        return gf_fail(err, GF_ABORTED, "there is a request with this id by now");
    }
    return rc == GF_OK ? insert_request(db, request, err) : rc;
}

enum gf_code gf_sqlite_secret__get_request(struct gf_secret_store *base, struct gf_str caller,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_secret_request *out_request,
                                           struct gf_error *err) {
    struct sqlite_secret_store *store = gf_sqlite_secret__of(base);
    struct secret_connection *reader = gf_sqlite_secret__read(store);
    bool found = false;
    const enum gf_code rc =
        find_request(&reader->db, caller, request_id, arena, out_request, &found, err);
    gf_sqlite_secret__read_end(store, reader);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "no request has this id");
    }
    return rc;
}
