/*
 * What came of the runs that extensions wanted, by their keys, and what waits to be delivered.
 *
 * Start keys that are too old, and dead letters beyond those that are kept, go when new ones come,
 * twice as many as come, as of requests. With the letter of a start its run is given up: its key
 * says so, as if somebody had deleted the letter.
 */
#include "engine/core/limits.h"
#include "engine/store/sqlite/store_internal.h"

#include <inttypes.h>

/* ---- Start keys ---- */

static enum gf_code write_start_key(struct gf_sqlite_store *store, const struct gf_start_key *row,
                                    struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_WRITE_START_KEY, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, row->subscription_key);
    gf_sqlite__bind_str(&bind, row->key);
    gf_sqlite__bind_i64(&bind, row->outcome);
    gf_sqlite__bind_i64(&bind, row->run_id);
    gf_sqlite__bind_str(&bind, row->reason);
    gf_sqlite__bind_str(&bind, row->description);
    gf_sqlite__bind_i64(&bind, row->create_time);
    return gf_sqlite__run_bound(&bind, "write a start key", NULL, err);
}

static enum gf_code drop_start_keys(struct gf_sqlite_store *store, int64_t newest, size_t limit,
                                    struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DROP_START_KEYS, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, newest - GF_START_KEY_AGE_NS);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    return gf_sqlite__run_bound(&bind, "drop old start keys", NULL, err);
}

enum gf_code gf_sqlite__write_start_keys(struct gf_sqlite_store *store,
                                         const struct gf_start_key_vec *keys,
                                         struct gf_error *err) {
    int64_t newest = INT64_MIN;
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < keys->count && rc == GF_OK; i++) {
        const struct gf_start_key *row = &keys->items[i];
        newest = row->create_time > newest ? row->create_time : newest;
        rc = write_start_key(store, row, err);
    }
    if (rc == GF_OK && newest > GF_START_KEY_AGE_NS) {
        rc = drop_start_keys(store, newest, 2 * keys->count, err);
    }
    return rc;
}

static enum gf_code read_start_key(struct gf_sqlite_row *row, void *item,
                                   GF_UNUSED struct gf_error *err) {
    struct gf_start_key *key = item;
    key->subscription_key = gf_sqlite__i64(row);
    key->key = gf_sqlite__str(row);
    key->outcome = (enum gf_start_outcome)gf_sqlite__enum(row, gf_start_outcome_valid);
    key->run_id = gf_sqlite__i64(row);
    key->reason = gf_sqlite__str(row);
    key->description = gf_sqlite__str(row);
    key->create_time = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_start_key(struct gf_store_reader *reader, int64_t subscription_key,
                                      struct gf_str key, struct gf_arena *arena,
                                      struct gf_start_key *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_START_KEY, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, subscription_key);
    gf_sqlite__bind_str(&bind, key);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "start keys", read_start_key, sizeof(*out), arena, out,
                               &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "start key '%" GF_STR_FMT "' not found", GF_STR_ARG(key));
    }
    return rc;
}

/* ---- Writing deliveries ---- */

static void bind_changing(struct gf_sqlite_bind *bind, const struct gf_delivery *row) {
    gf_sqlite__bind_i64(bind, row->dead);
    gf_sqlite__bind_i64(bind, row->attempt_count);
    gf_sqlite__bind_i64(bind, row->next_attempt_time);
    gf_sqlite__bind_i64(bind, row->dead_time);
    gf_sqlite__bind_str(bind, row->description);
}

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_delivery *row,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_DELIVERY, err);
    if (rc != GF_OK) {
        return rc;
    }
    bind_changing(&bind, row);
    gf_sqlite__bind_i64(&bind, row->delivery_key);
    return gf_sqlite__run_bound(&bind, "update a delivery", out_changed, err);
}

static enum gf_code replace(struct gf_sqlite_store *store, const struct gf_delivery *row,
                            struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_WRITE_DELIVERY, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, row->delivery_key);
    gf_sqlite__bind_i64(&bind, row->extension_key);
    gf_sqlite__bind_i64(&bind, row->kind);
    gf_sqlite__bind_i64(&bind, row->subscription_key);
    gf_sqlite__bind_str(&bind, row->namespace_id);
    gf_sqlite__bind_str(&bind, row->pipeline_id);
    gf_sqlite__bind_str(&bind, row->subscription_id);
    gf_sqlite__bind_str(&bind, row->key);
    gf_sqlite__bind_i64(&bind, row->create_time);
    gf_sqlite__bind_i64(&bind, (int64_t)row->content.len);
    bind_changing(&bind, row);
    gf_sqlite__bind_blob(&bind, row->content);
    return gf_sqlite__run_bound(&bind, "write a delivery", NULL, err);
}

/* One without content is known, or has none: the batch may have it twice, first with its content.
 */
static enum gf_code write_delivery(struct gf_sqlite_store *store, const struct gf_delivery *row,
                                   struct gf_error *err) {
    int64_t changed = 0;
    if (row->content.len == 0) {
        const enum gf_code rc = update(store, row, &changed, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return changed > 0 ? GF_OK : replace(store, row, err);
}

static enum gf_code bind_old_letters(struct gf_sqlite_store *store, enum gf_sql sql,
                                     int64_t extension_key, size_t limit,
                                     struct gf_sqlite_bind *bind, struct gf_error *err) {
    const enum gf_code rc = gf_sqlite__bind_start(bind, &store->writer, sql, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(bind, extension_key);
        gf_sqlite__bind_i64(bind, (int64_t)limit);
        gf_sqlite__bind_i64(bind, GF_DEAD_LETTERS_MAX);
    }
    return rc;
}

static enum gf_code drop_dead_letters(struct gf_sqlite_store *store, int64_t extension_key,
                                      size_t limit, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc =
        bind_old_letters(store, GF_SQL_GIVE_UP_START_KEYS, extension_key, limit, &bind, err);
    if (rc == GF_OK) {
        gf_sqlite__bind_i64(&bind, GF_START_REFUSED);
        gf_sqlite__bind_str(&bind, GF_STR(GF_START_GIVEN_UP_REASON));
        gf_sqlite__bind_str(&bind, GF_STR(GF_START_GIVEN_UP_DESCRIPTION));
        gf_sqlite__bind_i64(&bind, GF_DELIVERY_RUN_START);
        gf_sqlite__bind_i64(&bind, GF_START_PENDING);
        rc = gf_sqlite__run_bound(&bind, "give up old starts", NULL, err);
    }
    if (rc == GF_OK) {
        rc = bind_old_letters(store, GF_SQL_DROP_DEAD_LETTERS, extension_key, limit, &bind, err);
    }
    return rc == GF_OK ? gf_sqlite__run_bound(&bind, "drop old dead letters", NULL, err) : rc;
}

/* Only behind all rows, as one of them may be a letter that is replayed, and none any more. Those
 * of one extension mostly stand together, and are trimmed once then. */
static enum gf_code trim_dead_letters(struct gf_sqlite_store *store,
                                      const struct gf_delivery_vec *rows, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    size_t dead_count = 0;
    for (size_t i = 0; i < rows->count && rc == GF_OK; i++) {
        const struct gf_delivery *row = &rows->items[i];
        const bool is_last =
            i + 1 == rows->count || rows->items[i + 1].extension_key != row->extension_key;
        dead_count += row->dead;
        if (is_last && dead_count > 0) {
            rc = drop_dead_letters(store, row->extension_key, 2 * dead_count, err);
            dead_count = 0;
        }
    }
    return rc;
}

enum gf_code gf_sqlite__write_deliveries(struct gf_sqlite_store *store,
                                         const struct gf_delivery_vec *rows, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < rows->count && rc == GF_OK; i++) {
        rc = write_delivery(store, &rows->items[i], err);
    }
    return rc == GF_OK ? trim_dead_letters(store, rows, err) : rc;
}

enum gf_code gf_sqlite__delete_delivery(struct gf_sqlite_store *store, int64_t delivery_key,
                                        struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DELETE_DELIVERY, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, delivery_key);
    return gf_sqlite__run_bound(&bind, "delete a delivery", NULL, err);
}

/* ---- Reading deliveries ---- */

static enum gf_code read_head(struct gf_sqlite_row *row, void *item,
                              GF_UNUSED struct gf_error *err) {
    struct gf_delivery *delivery = item;
    delivery->delivery_key = gf_sqlite__i64(row);
    delivery->extension_key = gf_sqlite__i64(row);
    delivery->kind = (enum gf_delivery_kind)gf_sqlite__enum(row, gf_delivery_kind_valid);
    delivery->subscription_key = gf_sqlite__i64(row);
    delivery->namespace_id = gf_sqlite__str(row);
    delivery->pipeline_id = gf_sqlite__str(row);
    delivery->subscription_id = gf_sqlite__str(row);
    delivery->key = gf_sqlite__str(row);
    delivery->create_time = gf_sqlite__i64(row);
    delivery->content_bytes = gf_sqlite__i64(row);
    delivery->dead = gf_sqlite__bool(row);
    delivery->attempt_count = gf_sqlite__i32(row);
    delivery->next_attempt_time = gf_sqlite__i64(row);
    delivery->dead_time = gf_sqlite__i64(row);
    delivery->description = gf_sqlite__str(row);
    return GF_OK;
}

static enum gf_code read_delivery(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    const enum gf_code rc = read_head(row, item, err);
    ((struct gf_delivery *)item)->content = gf_sqlite__str(row);
    return rc;
}

enum gf_code gf_sqlite__get_delivery(struct gf_store_reader *reader, int64_t delivery_key,
                                     bool with_content, struct gf_arena *arena,
                                     struct gf_delivery *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(
        reader, with_content ? GF_SQL_GET_DELIVERY : GF_SQL_GET_DELIVERY_HEAD, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, delivery_key);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "deliveries", with_content ? read_delivery : read_head,
                               sizeof(*out), arena, out, &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "delivery %" PRId64 " not found", delivery_key);
    }
    return rc;
}

enum gf_code gf_sqlite__list_deliveries(struct gf_store_reader *reader,
                                        const struct gf_delivery_list_options *options,
                                        struct gf_arena *arena, struct gf_delivery **out_items,
                                        size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_sql sql =
        options->dead ? GF_SQL_LIST_DEAD_LETTERS : GF_SQL_LIST_PENDING_DELIVERIES;
    enum gf_code rc = gf_sqlite__read_start(reader, sql, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, options->extension_key);
    if (options->dead) {
        const bool from_newest = options->after_dead_time == 0 && options->after_key == 0;
        gf_sqlite__bind_i64(&bind, from_newest ? INT64_MAX : options->after_dead_time);
    }
    gf_sqlite__bind_i64(&bind, options->after_key);
    gf_sqlite__bind_i64(&bind, (int64_t)options->limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "deliveries", read_head, sizeof(struct gf_delivery),
                           options->limit, arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
