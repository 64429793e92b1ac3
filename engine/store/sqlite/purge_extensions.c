/*
 * Removing what deleted extensions and subscriptions leave behind, as purge.c says: keys of starts
 * before their subscription, all that an extension has before itself.
 */
#include "engine/store/sqlite/store_internal.h"

enum {
    /* A report may have sixteen pages, so it counts as so many rows. */
    REPORT_ROWS = 8,
    /* So many bytes of a delivery count as a row more. */
    ROW_BYTES = 16 << 10,
};

enum gf_code gf_sqlite__bury_extension(struct gf_sqlite_store *store, int64_t extension_key,
                                       struct gf_error *err) {
    return gf_sqlite__bury(store, GF_SQL_BURY_EXTENSION, extension_key, err);
}

enum gf_code gf_sqlite__bury_subscription(struct gf_sqlite_store *store, int64_t subscription_key,
                                          struct gf_error *err) {
    return gf_sqlite__bury(store, GF_SQL_BURY_SUBSCRIPTION, subscription_key, err);
}

/* Whatever does not fit into the budget stays, with the subscription itself. */
enum gf_code gf_sqlite__purge_subscription(struct gf_sqlite_store *store, int64_t subscription_key,
                                           int64_t *budget, struct gf_error *err) {
    enum gf_code rc =
        gf_sqlite__purge_by_key(store, GF_SQL_PURGE_START_KEYS, subscription_key, budget, err);
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_SUBSCRIPTION, subscription_key, budget,
                                     err);
    }
    return rc;
}

enum gf_code gf_sqlite__purge_subscriptions(struct gf_sqlite_store *store, enum gf_sql find,
                                            int64_t parent_key, int64_t *budget,
                                            struct gf_error *err) {
    while (*budget > 0) {
        int64_t key = 0;
        int64_t bytes = 0;
        enum gf_code rc = gf_sqlite__purge_find(store, find, parent_key, &key, &bytes, err);
        if (rc == GF_OK && key == 0) {
            break;
        }
        if (rc == GF_OK) {
            rc = gf_sqlite__purge_subscription(store, key, budget, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* One after the other, because one may have megabytes. */
static enum gf_code purge_deliveries(struct gf_sqlite_store *store, enum gf_sql find,
                                     int64_t extension_key, int64_t *budget, struct gf_error *err) {
    while (*budget > 0) {
        int64_t key = 0;
        int64_t bytes = 0;
        enum gf_code rc = gf_sqlite__purge_find(store, find, extension_key, &key, &bytes, err);
        if (rc == GF_OK && key == 0) {
            break;
        }
        if (rc == GF_OK) {
            rc = gf_sqlite__delete_delivery(store, key, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
        *budget -= 1 + bytes / ROW_BYTES;
    }
    return GF_OK;
}

static enum gf_code purge_reports(struct gf_sqlite_store *store, int64_t extension_key,
                                  int64_t *budget, struct gf_error *err) {
    const int64_t count = *budget / REPORT_ROWS + 1;
    int64_t left = count;
    const enum gf_code rc =
        gf_sqlite__purge_by_key(store, GF_SQL_PURGE_REPORTS, extension_key, &left, err);
    if (rc == GF_OK) {
        *budget -= (count - left) * REPORT_ROWS;
    }
    return rc;
}

enum gf_code gf_sqlite__purge_extension(struct gf_sqlite_store *store, int64_t extension_key,
                                        int64_t *budget, struct gf_error *err) {
    enum gf_code rc = gf_sqlite__purge_subscriptions(store, GF_SQL_GET_SUBSCRIPTION_OF_EXTENSION,
                                                     extension_key, budget, err);
    if (rc == GF_OK && *budget > 0) {
        rc = purge_deliveries(store, GF_SQL_GET_DELIVERY_OF_EXTENSION, extension_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = purge_deliveries(store, GF_SQL_GET_DEAD_LETTER_OF_EXTENSION, extension_key, budget,
                              err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_DELIVERY_IDS, extension_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = purge_reports(store, extension_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_EXTENSION_CONTENT, extension_key, budget,
                                     err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_EXTENSION, extension_key, budget, err);
    }
    return rc;
}

/* What came and went within one batch left nothing that could be found later. */
enum gf_code gf_sqlite__drop_orphans(struct gf_sqlite_store *store, const struct gf_batch *batch,
                                     struct gf_error *err) {
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < batch->deleted_subscriptions.count; i++) {
        const int64_t key = batch->deleted_subscriptions.items[i];
        int64_t all = INT64_MAX;
        if (key >= store->next.next_run_key) {
            rc = gf_sqlite__purge_subscription(store, key, &all, err);
        }
    }
    for (size_t i = 0; rc == GF_OK && i < batch->deleted_extensions.count; i++) {
        const int64_t key = batch->deleted_extensions.items[i];
        int64_t all = INT64_MAX;
        if (key >= store->next.next_run_key) {
            rc = gf_sqlite__purge_extension(store, key, &all, err);
        }
    }
    return rc;
}
