/*
 * Subscriptions.
 *
 * A list is in the order of four ids, and may be narrowed down to a namespace, a pipeline, an
 * extension. Each of these fixes one of the ids, so that what is left is a stretch of an index; the
 * place to go on behind is cut down to the ids that are not fixed.
 */
#include "engine/store/sqlite/store_internal.h"

#include <string.h>

enum {
    NAMESPACE = 0,
    PIPELINE = 1,
    EXTENSION = 2,
    SUBSCRIPTION = 3,
};

/* Behind every id: they are of ASCII. */
static const struct gf_str LAST = {"\x7f", 1};

static void bind_changing(struct gf_sqlite_bind *bind, const struct gf_subscription *row) {
    gf_sqlite__bind_blob(bind, row->settings);
    gf_sqlite__bind_i64(bind, row->generation);
    gf_sqlite__bind_i64(bind, row->status);
    gf_sqlite__bind_i64(bind, row->reason);
    gf_sqlite__bind_str(bind, row->reason_text);
    gf_sqlite__bind_str(bind, row->checkpoint);
    gf_sqlite__bind_i64(bind, row->update_time);
    gf_sqlite__bind_i64(bind, row->last_run_time);
    gf_sqlite__bind_i64(bind, row->last_run_id);
    gf_sqlite__bind_i64(bind, row->run_count);
}

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_subscription *row,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_SUBSCRIPTION, err);
    if (rc != GF_OK) {
        return rc;
    }
    bind_changing(&bind, row);
    gf_sqlite__bind_i64(&bind, row->subscription_key);
    return gf_sqlite__run_bound(&bind, "update a subscription", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_subscription *row,
                           struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_SUBSCRIPTION, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, row->subscription_key);
    gf_sqlite__bind_i64(&bind, row->extension_key);
    gf_sqlite__bind_i64(&bind, row->pipeline_key);
    gf_sqlite__bind_i64(&bind, row->namespace_key);
    gf_sqlite__bind_str(&bind, row->namespace_id);
    gf_sqlite__bind_str(&bind, row->pipeline_id);
    gf_sqlite__bind_str(&bind, row->extension_id);
    gf_sqlite__bind_str(&bind, row->subscription_id);
    gf_sqlite__bind_i64(&bind, row->create_time);
    bind_changing(&bind, row);
    return gf_sqlite__run_bound(&bind, "insert a subscription", NULL, err);
}

enum gf_code gf_sqlite__write_subscription(struct gf_sqlite_store *store,
                                           const struct gf_subscription *row,
                                           struct gf_error *err) {
    int64_t changed = 0;
    if (row->subscription_key < store->next.next_run_key) {
        const enum gf_code rc = update(store, row, &changed, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return changed > 0 ? GF_OK : insert(store, row, err);
}

static enum gf_code read_subscription(struct gf_sqlite_row *row, void *item,
                                      GF_UNUSED struct gf_error *err) {
    struct gf_subscription *subscription = item;
    subscription->subscription_key = gf_sqlite__i64(row);
    subscription->extension_key = gf_sqlite__i64(row);
    subscription->pipeline_key = gf_sqlite__i64(row);
    subscription->namespace_key = gf_sqlite__i64(row);
    subscription->namespace_id = gf_sqlite__str(row);
    subscription->pipeline_id = gf_sqlite__str(row);
    subscription->extension_id = gf_sqlite__str(row);
    subscription->subscription_id = gf_sqlite__str(row);
    subscription->create_time = gf_sqlite__i64(row);
    subscription->settings = gf_sqlite__str(row);
    subscription->generation = gf_sqlite__i64(row);
    subscription->status =
        (enum gf_subscription_status)gf_sqlite__enum(row, gf_subscription_status_valid);
    subscription->reason =
        (enum gf_subscription_reason)gf_sqlite__enum_or_none(row, gf_subscription_reason_valid);
    subscription->reason_text = gf_sqlite__str(row);
    subscription->checkpoint = gf_sqlite__str(row);
    subscription->update_time = gf_sqlite__i64(row);
    subscription->last_run_time = gf_sqlite__i64(row);
    subscription->last_run_id = gf_sqlite__i64(row);
    subscription->run_count = gf_sqlite__i64(row);
    return GF_OK;
}

/* ---- One ---- */

static enum gf_code fail_missing(struct gf_store_reader *reader, struct gf_str namespace_id,
                                 struct gf_str pipeline_id, struct gf_str extension_id,
                                 struct gf_str subscription_id, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 16 << 20);
    struct gf_pipeline pipeline = {0};
    struct gf_extension extension = {0};
    enum gf_code rc =
        gf_sqlite__get_pipeline(reader, namespace_id, pipeline_id, &arena, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__get_extension(reader, extension_id, &arena, &extension, err);
    }
    gf_arena_fini(&arena);
    return rc != GF_OK
               ? rc
               : gf_fail(err, GF_NOT_FOUND,
                         "subscription '%" GF_STR_FMT "' of extension '%" GF_STR_FMT
                         "' not found in pipeline '%" GF_STR_FMT "' of namespace '%" GF_STR_FMT "'",
                         GF_STR_ARG(subscription_id), GF_STR_ARG(extension_id),
                         GF_STR_ARG(pipeline_id), GF_STR_ARG(namespace_id));
}

enum gf_code gf_sqlite__get_subscription(struct gf_store_reader *reader, struct gf_str namespace_id,
                                         struct gf_str pipeline_id, struct gf_str extension_id,
                                         struct gf_str subscription_id, struct gf_arena *arena,
                                         struct gf_subscription *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_SUBSCRIPTION, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, namespace_id);
    gf_sqlite__bind_str(&bind, pipeline_id);
    gf_sqlite__bind_str(&bind, extension_id);
    gf_sqlite__bind_str(&bind, subscription_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "subscriptions", read_subscription, sizeof(*out), arena, out,
                               &found, err);
    return rc != GF_OK || found ? rc
                                : fail_missing(reader, namespace_id, pipeline_id, extension_id,
                                               subscription_id, err);
}

/* ---- Lists ---- */

/* What a list is narrowed down to, by ids, and the place to go on behind. */
struct stretch {
    struct gf_str ids[SUBSCRIPTION]; /* ptr NULL = any */
    struct gf_str after[4];
    bool empty; /* there can be none */
};

static enum gf_code read_name(struct gf_sqlite_row *row, void *item,
                              GF_UNUSED struct gf_error *err) {
    *(struct gf_str *)item = gf_sqlite__str(row);
    return GF_OK;
}

static enum gf_code find_name(struct gf_store_reader *reader, enum gf_sql sql, int64_t key,
                              struct gf_arena *arena, struct gf_str *out, bool *out_found,
                              struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__read_start(reader, sql, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, key);
    return gf_sqlite__select_one(&bind, "ids", read_name, sizeof(*out), arena, out, out_found, err);
}

static enum gf_code find_pipeline(struct gf_store_reader *reader,
                                  const struct gf_subscription_list_options *options,
                                  struct gf_arena *arena, struct stretch *stretch,
                                  struct gf_error *err) {
    struct gf_pipeline pipeline = {0};
    struct gf_error missing;
    const enum gf_code rc =
        gf_sqlite__get_pipeline_by_key(reader, options->pipeline_key, arena, &pipeline, &missing);
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        if (err != NULL) {
            *err = missing;
        }
        return rc;
    }
    stretch->empty = rc == GF_NOT_FOUND || (options->namespace_key != 0 &&
                                            options->namespace_key != pipeline.namespace_key);
    stretch->ids[NAMESPACE] = pipeline.namespace_id;
    stretch->ids[PIPELINE] = pipeline.pipeline_id;
    return GF_OK;
}

static enum gf_code find_stretch(struct gf_store_reader *reader,
                                 const struct gf_subscription_list_options *options,
                                 struct gf_arena *arena, struct stretch *out,
                                 struct gf_error *err) {
    bool found = true;
    enum gf_code rc = GF_OK;
    *out = (struct stretch){.empty = false};
    memcpy(out->after, options->after, sizeof(out->after));
    if (options->pipeline_key != 0) {
        rc = find_pipeline(reader, options, arena, out, err);
    } else if (options->namespace_key != 0) {
        rc = find_name(reader, GF_SQL_GET_NAMESPACE_NAME, options->namespace_key, arena,
                       &out->ids[NAMESPACE], &found, err);
    }
    out->empty = out->empty || !found;
    if (rc == GF_OK && !out->empty && options->extension_key != 0) {
        rc = find_name(reader, GF_SQL_GET_EXTENSION_NAME, options->extension_key, arena,
                       &out->ids[EXTENSION], &found, err);
        out->empty = !found;
    }
    return rc;
}

/*
 * Cuts the place down to the ids that are not fixed: a fixed id behind that of the place takes all
 * that is below it, one before it none.
 */
static void cut(struct stretch *stretch) {
    for (int i = 0; i < SUBSCRIPTION; i++) {
        const int order =
            stretch->ids[i].ptr == NULL ? 0 : gf_str_cmp(stretch->ids[i], stretch->after[i]);
        for (int below = i + 1; order != 0 && below <= SUBSCRIPTION; below++) {
            stretch->after[below] = order > 0 ? GF_STR("") : LAST;
        }
        if (order != 0 && i != EXTENSION) {
            return;
        }
    }
}

static enum gf_sql statement_of(const struct stretch *stretch) {
    if (stretch->ids[PIPELINE].ptr != NULL) {
        return GF_SQL_LIST_SUBSCRIPTIONS_OF_PIPELINE;
    }
    const bool of_namespace = stretch->ids[NAMESPACE].ptr != NULL;
    if (stretch->ids[EXTENSION].ptr != NULL) {
        return of_namespace ? GF_SQL_LIST_SUBSCRIPTIONS_OF_BOTH
                            : GF_SQL_LIST_SUBSCRIPTIONS_OF_EXTENSION;
    }
    return of_namespace ? GF_SQL_LIST_SUBSCRIPTIONS_OF_NAMESPACE : GF_SQL_LIST_SUBSCRIPTIONS;
}

static void bind_list(struct gf_sqlite_bind *bind, enum gf_sql sql, const struct stretch *stretch,
                      const struct gf_subscription_list_options *options) {
    const bool by_extension =
        sql == GF_SQL_LIST_SUBSCRIPTIONS_OF_EXTENSION || sql == GF_SQL_LIST_SUBSCRIPTIONS_OF_BOTH;
    if (by_extension) {
        gf_sqlite__bind_i64(bind, options->extension_key);
    }
    for (int i = 0; i <= SUBSCRIPTION; i++) {
        if (i == EXTENSION && by_extension) {
            continue;
        }
        const bool is_fixed = i < EXTENSION && stretch->ids[i].ptr != NULL;
        gf_sqlite__bind_str(bind, is_fixed ? stretch->ids[i] : stretch->after[i]);
    }
    if (sql == GF_SQL_LIST_SUBSCRIPTIONS_OF_PIPELINE) {
        gf_sqlite__bind_i64(bind, options->extension_key);
    }
    gf_sqlite__bind_i64(bind, (int64_t)options->limit);
}

enum gf_code gf_sqlite__list_subscriptions(struct gf_store_reader *reader,
                                           const struct gf_subscription_list_options *options,
                                           struct gf_arena *arena,
                                           struct gf_subscription **out_items, size_t *out_count,
                                           struct gf_error *err) {
    struct stretch stretch;
    struct gf_sqlite_bind bind = {0};
    void *items = NULL;
    enum gf_code rc = find_stretch(reader, options, arena, &stretch, err);
    if (rc == GF_OK && stretch.empty) {
        *out_items = NULL;
        *out_count = 0;
        return GF_OK;
    }
    cut(&stretch);
    const enum gf_sql sql = statement_of(&stretch);
    if (rc == GF_OK) {
        rc = gf_sqlite__read_start(reader, sql, &bind, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    bind_list(&bind, sql, &stretch, options);
    rc =
        gf_sqlite__select(&bind, "subscriptions", read_subscription, sizeof(struct gf_subscription),
                          options->limit, arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}

enum gf_code gf_sqlite__scan_subscriptions(struct gf_store_reader *reader, int64_t extension_key,
                                           int64_t after_subscription_key, size_t limit,
                                           struct gf_arena *arena,
                                           struct gf_subscription **out_items, size_t *out_count,
                                           struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    void *items = NULL;
    enum gf_code rc = gf_sqlite__read_start(
        reader,
        extension_key != 0 ? GF_SQL_SCAN_SUBSCRIPTIONS_OF_EXTENSION : GF_SQL_SCAN_SUBSCRIPTIONS,
        &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (extension_key != 0) {
        gf_sqlite__bind_i64(&bind, extension_key);
    }
    gf_sqlite__bind_i64(&bind, after_subscription_key);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    rc = gf_sqlite__select(&bind, "subscriptions", read_subscription,
                           sizeof(struct gf_subscription), limit, arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
