/* The ids under which deliveries came in. What does not count any more goes a few rows at a time.
 */
#include "engine/core/limits.h"
#include "engine/store/sqlite/store_internal.h"

static enum gf_code write_id(struct gf_sqlite_store *store, const struct gf_delivery_id *row,
                             struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_WRITE_DELIVERY_ID, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, row->delivery_key);
    gf_sqlite__bind_i64(&bind, row->extension_key);
    gf_sqlite__bind_str(&bind, row->id);
    gf_sqlite__bind_i64(&bind, row->number);
    gf_sqlite__bind_i64(&bind, row->create_time);
    return gf_sqlite__run_bound(&bind, "write an id of a delivery", NULL, err);
}

static enum gf_code drop_old(struct gf_sqlite_store *store, int64_t newest, size_t limit,
                             struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DROP_OLD_DELIVERY_IDS, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, newest - GF_DELIVERY_ID_AGE_NS);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    return gf_sqlite__run_bound(&bind, "drop old ids of deliveries", NULL, err);
}

/* Of an extension whose latest id is this one. */
static enum gf_code drop_many(struct gf_sqlite_store *store, const struct gf_delivery_id *latest,
                              size_t limit, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DROP_MANY_DELIVERY_IDS, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, latest->extension_key);
    gf_sqlite__bind_i64(&bind, latest->number - GF_DELIVERY_IDS_MAX);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    return gf_sqlite__run_bound(&bind, "drop ids of deliveries", NULL, err);
}

enum gf_code gf_sqlite__write_delivery_ids(struct gf_sqlite_store *store,
                                           const struct gf_delivery_id_vec *ids,
                                           struct gf_error *err) {
    int64_t newest = INT64_MIN;
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < ids->count && rc == GF_OK; i++) {
        const struct gf_delivery_id *row = &ids->items[i];
        newest = row->create_time > newest ? row->create_time : newest;
        rc = write_id(store, row, err);
        /* Once for those of one extension that stand together. */
        if (rc == GF_OK && row->number > GF_DELIVERY_IDS_MAX &&
            (i + 1 == ids->count || ids->items[i + 1].extension_key != row->extension_key)) {
            rc = drop_many(store, row, 2 * ids->count, err);
        }
    }
    if (rc == GF_OK && newest > GF_DELIVERY_ID_AGE_NS) {
        rc = drop_old(store, newest, 2 * ids->count, err);
    }
    return rc;
}

static enum gf_code read_id(struct gf_sqlite_row *row, void *item, GF_UNUSED struct gf_error *err) {
    struct gf_delivery_id *id = item;
    id->delivery_key = gf_sqlite__i64(row);
    id->extension_key = gf_sqlite__i64(row);
    id->id = gf_sqlite__str(row);
    id->number = gf_sqlite__i64(row);
    id->create_time = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_delivery_id(struct gf_store_reader *reader, int64_t extension_key,
                                        struct gf_str id, struct gf_arena *arena,
                                        struct gf_delivery_id *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_DELIVERY_ID, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, extension_key);
    gf_sqlite__bind_str(&bind, id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "ids of deliveries", read_id, sizeof(*out), arena, out,
                               &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "delivery id '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(id));
    }
    return rc;
}
