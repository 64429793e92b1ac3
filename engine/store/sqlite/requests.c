/*
 * The first outcomes of commands that may be repeated.
 *
 * Those that are too old go when new ones come, twice as many as come: the table shrinks whenever
 * it is used, no commit pays for more than it brings, and nothing needs a timer.
 */
#include "engine/core/limits.h"
#include "engine/store/sqlite/store_internal.h"

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_request *request,
                           struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_REQUEST, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, request->caller);
    gf_sqlite__bind_str(&bind, request->request_id);
    gf_sqlite__bind_i64(&bind, request->kind);
    gf_sqlite__bind_i64(&bind, request->fingerprint);
    gf_sqlite__bind_i64(&bind, request->create_time);
    gf_sqlite__bind_str(&bind, request->namespace_id);
    gf_sqlite__bind_str(&bind, request->pipeline_id);
    gf_sqlite__bind_i64(&bind, request->resource_key);
    gf_sqlite__bind_i64(&bind, request->number);
    gf_sqlite__bind_i64(&bind, request->changed);
    gf_sqlite__bind_i64(&bind, request->created_first);
    gf_sqlite__bind_str(&bind, request->subject_id);
    return gf_sqlite__run_bound(&bind, "insert a request", NULL, err);
}

static enum gf_code drop_old(struct gf_sqlite_store *store, int64_t newest, size_t limit,
                             struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DROP_REQUESTS, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, newest - GF_REQUEST_AGE_NS_MAX);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    return gf_sqlite__run_bound(&bind, "drop old requests", NULL, err);
}

enum gf_code gf_sqlite__write_requests(struct gf_sqlite_store *store,
                                       const struct gf_request_vec *requests,
                                       struct gf_error *err) {
    int64_t newest = INT64_MIN;
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < requests->count && rc == GF_OK; i++) {
        const struct gf_request *request = &requests->items[i];
        newest = request->create_time > newest ? request->create_time : newest;
        rc = insert(store, request, err);
    }
    if (rc == GF_OK && newest > GF_REQUEST_AGE_NS_MAX) {
        rc = drop_old(store, newest, 2 * requests->count, err);
    }
    return rc;
}

static enum gf_code read_request(struct gf_sqlite_row *row, void *item,
                                 GF_UNUSED struct gf_error *err) {
    struct gf_request *request = item;
    request->caller = gf_sqlite__str(row);
    request->request_id = gf_sqlite__str(row);
    request->kind = (enum gf_request_kind)gf_sqlite__enum(row, gf_request_kind_valid);
    request->fingerprint = gf_sqlite__i64(row);
    request->create_time = gf_sqlite__i64(row);
    request->namespace_id = gf_sqlite__str(row);
    request->pipeline_id = gf_sqlite__str(row);
    request->resource_key = gf_sqlite__i64(row);
    request->number = gf_sqlite__i64(row);
    request->changed = gf_sqlite__bool(row);
    request->created_first = gf_sqlite__bool(row);
    request->subject_id = gf_sqlite__str(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_request(struct gf_store_reader *reader, struct gf_str caller,
                                    struct gf_str request_id, struct gf_arena *arena,
                                    struct gf_request *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_REQUEST, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, caller);
    gf_sqlite__bind_str(&bind, request_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "requests", read_request, sizeof(*out), arena, out, &found,
                               err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "request '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(request_id));
    }
    return rc;
}
