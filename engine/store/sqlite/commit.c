/*
 * Writing a batch.
 *
 * New rows and changed rows arrive in one list. Keys are handed out in rising order and never
 * twice, so a key at or above `next` of the last commit is certainly new and is inserted at once;
 * any other row is updated, and inserted only if there was none. The usual row therefore costs one
 * statement, and no UPSERT has to write all columns, and with them the indexes, of a row that
 * changed two numbers.
 */
#include "engine/store/sqlite/store_internal.h"

/*
 * Applies `write` to each item of a list of the batch. The lists are of different types, so this is
 * a macro; it returns from the function on the first error.
 */
#define WRITE_ALL(store, list, write, err)                                                         \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < (list)->count; i_++) {                                            \
            const enum gf_code rc_ = write((store), (list)->items[i_], (err));                     \
            if (rc_ != GF_OK) {                                                                    \
                return rc_;                                                                        \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* The same for lists of the items themselves. */
#define WRITE_EACH(store, list, write, err)                                                        \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < (list)->count; i_++) {                                            \
            const enum gf_code rc_ = write((store), &(list)->items[i_], (err));                    \
            if (rc_ != GF_OK) {                                                                    \
                return rc_;                                                                        \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static enum gf_code write_rows(struct gf_sqlite_store *store, const struct gf_batch *batch,
                               struct gf_error *err) {
    /* First, because something new may take the id of what is deleted. */
    WRITE_ALL(store, &batch->deleted_namespaces, gf_sqlite__bury_namespace, err);
    WRITE_ALL(store, &batch->deleted_pipelines, gf_sqlite__bury_pipeline, err);
    WRITE_EACH(store, &batch->deleted_configs, gf_sqlite__delete_config, err);
    WRITE_ALL(store, &batch->deleted_extensions, gf_sqlite__bury_extension, err);
    WRITE_ALL(store, &batch->deleted_subscriptions, gf_sqlite__bury_subscription, err);
    /* Parents before children. */
    WRITE_ALL(store, &batch->namespaces, gf_sqlite__write_namespace, err);
    WRITE_ALL(store, &batch->pipelines, gf_sqlite__write_pipeline, err);
    WRITE_ALL(store, &batch->configs, gf_sqlite__write_config, err);
    WRITE_ALL(store, &batch->deployments, gf_sqlite__write_deployment, err);
    WRITE_ALL(store, &batch->runs, gf_sqlite__write_run, err);
    WRITE_EACH(store, &batch->inputs, gf_sqlite__write_input, err);
    WRITE_ALL(store, &batch->tasks, gf_sqlite__write_task, err);
    WRITE_ALL(store, &batch->attempts, gf_sqlite__write_attempt, err);
    WRITE_EACH(store, &batch->events, gf_sqlite__write_event, err);
    enum gf_code rc = gf_sqlite__write_requests(store, &batch->requests, err);
    if (rc == GF_OK && batch->preferences != NULL) {
        rc = gf_sqlite__write_preferences(store, batch->preferences, err);
    }
    return rc;
}

/* A delivery may come and go within one batch, so that those that are deleted go behind. */
static enum gf_code write_extensions(struct gf_sqlite_store *store, const struct gf_batch *batch,
                                     struct gf_error *err) {
    WRITE_ALL(store, &batch->extensions, gf_sqlite__write_extension, err);
    WRITE_ALL(store, &batch->subscriptions, gf_sqlite__write_subscription, err);
    enum gf_code rc = gf_sqlite__write_start_keys(store, &batch->start_keys, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__write_deliveries(store, &batch->deliveries, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__write_delivery_ids(store, &batch->delivery_ids, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__write_reports(store, &batch->reports, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    WRITE_ALL(store, &batch->deleted_deliveries, gf_sqlite__delete_delivery, err);
    return gf_sqlite__drop_orphans(store, batch, err);
}

/* One that goes and one that comes may have the same id. */
static enum gf_code write_access(struct gf_sqlite_store *store, const struct gf_batch *batch,
                                 struct gf_error *err) {
    WRITE_EACH(store, &batch->deleted_roles, gf_sqlite__delete_role, err);
    WRITE_EACH(store, &batch->deleted_tokens, gf_sqlite__delete_token, err);
    WRITE_ALL(store, &batch->roles, gf_sqlite__write_role, err);
    WRITE_ALL(store, &batch->tokens, gf_sqlite__write_token, err);
    return GF_OK;
}

static enum gf_code write_service_state(struct gf_sqlite_store *store,
                                        const struct gf_core_start *next, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_SERVICE_STATE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, next->bootstrapped);
    gf_sqlite__bind_i64(&bind, next->source_sequence);
    return gf_sqlite__run_bound(&bind, "update the state of the service", NULL, err);
}

static void raise(int64_t *next, int64_t key) {
    *next = key >= *next ? key + 1 : *next;
}

static void raise_all(int64_t *next, const struct gf_key_vec *keys) {
    for (size_t i = 0; i < keys->count; i++) {
        raise(next, keys->items[i]);
    }
}

/* The keys that come from the counter of runs. */
static void raise_run_key(int64_t *next, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->runs.count; i++) {
        raise(next, batch->runs.items[i]->run_key);
    }
    for (size_t i = 0; i < batch->extensions.count; i++) {
        raise(next, batch->extensions.items[i]->extension_key);
    }
    for (size_t i = 0; i < batch->subscriptions.count; i++) {
        raise(next, batch->subscriptions.items[i]->subscription_key);
    }
    for (size_t i = 0; i < batch->deliveries.count; i++) {
        raise(next, batch->deliveries.items[i].delivery_key);
    }
    raise_all(next, &batch->deleted_extensions);
    raise_all(next, &batch->deleted_subscriptions);
    raise_all(next, &batch->deleted_deliveries);
}

/* What the next start begins with once the batch is stored. What it deletes it may have made
 * itself. */
static struct gf_core_start next_after(const struct gf_sqlite_store *store,
                                       const struct gf_batch *batch) {
    struct gf_core_start next = store->next;
    raise_all(&next.next_namespace_key, &batch->deleted_namespaces);
    raise_all(&next.next_pipeline_key, &batch->deleted_pipelines);
    for (size_t i = 0; i < batch->namespaces.count; i++) {
        raise(&next.next_namespace_key, batch->namespaces.items[i]->namespace_key);
    }
    for (size_t i = 0; i < batch->pipelines.count; i++) {
        raise(&next.next_pipeline_key, batch->pipelines.items[i]->pipeline_key);
    }
    raise_run_key(&next.next_run_key, batch);
    if (batch->events.count > 0) {
        raise(&next.next_event_sequence, batch->events.items[batch->events.count - 1].sequence);
    }
    next.bootstrapped = next.bootstrapped || batch->bootstrapped;
    next.source_sequence =
        batch->source_sequence != 0 ? batch->source_sequence : next.source_sequence;
    return next;
}

static enum gf_code write_transaction(struct gf_sqlite_store *store, const struct gf_batch *batch,
                                      const struct gf_core_start *next, bool *out_purging,
                                      struct gf_error *err) {
    const bool buries = batch->deleted_namespaces.count + batch->deleted_pipelines.count +
                            batch->deleted_extensions.count + batch->deleted_subscriptions.count >
                        0;
    bool purging = store->purging || buries;
    enum gf_code rc =
        gf_sqlite__run_sql(&store->writer, GF_SQL_BEGIN_WRITE, "begin a transaction", err);
    if (rc == GF_OK) {
        rc = write_rows(store, batch, err);
    }
    if (rc == GF_OK) {
        rc = write_extensions(store, batch, err);
    }
    if (rc == GF_OK) {
        rc = write_access(store, batch, err);
    }
    if (rc == GF_OK && (batch->bootstrapped || batch->source_sequence != 0)) {
        rc = write_service_state(store, next, err);
    }
    if (rc == GF_OK && (buries || batch->deleted_deliveries.count > 0)) {
        rc = gf_sqlite__raise_key_floors(store, next, err);
    }
    if (rc == GF_OK && purging) {
        rc = gf_sqlite__purge(store, &purging, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__run_sql(&store->writer, GF_SQL_COMMIT, "commit", err);
    }
    if (rc == GF_OK) {
        *out_purging = purging;
    }
    return rc;
}

static enum gf_code refuse(struct gf_sqlite_store *store, struct gf_error *err) {
    return gf_fail(err, GF_UNAVAILABLE, "the store takes no more writes since one failed: %s",
                   store->failure.message);
}

enum gf_code gf_sqlite__commit(struct gf_store *base, const struct gf_batch *batch,
                               struct gf_error *err) {
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    if (store->failed) {
        return refuse(store, err);
    }
    const struct gf_core_start next = next_after(store, batch);
    bool purging = false;
    const enum gf_code rc = write_transaction(store, batch, &next, &purging, &store->failure);
    if (rc != GF_OK) {
        store->failed = true;
        if (sqlite3_get_autocommit(store->writer.handle) == 0) {
            /* If this fails too, closing the connection does the same. */
            gf_ignore(gf_sqlite__run_sql(&store->writer, GF_SQL_ROLLBACK, "roll back", NULL));
        }
        if (err != NULL) {
            *err = store->failure;
        }
        return rc;
    }
    store->next = next;
    store->purging = purging;
    gf_sqlite__wal_bound(store);
    return GF_OK;
}

bool gf_sqlite__has_backlog(struct gf_store *base) {
    return gf_sqlite__store(base)->purging;
}

enum gf_code gf_sqlite__load_start(struct gf_store *base, struct gf_arena *arena,
                                   struct gf_core_start *out_start, struct gf_error *err) {
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    struct gf_core_start start = store->next;
    const enum gf_code rc = gf_sqlite__load_preferences(store, arena, &start.preferences, err);
    if (rc == GF_OK) {
        *out_start = start;
    }
    return rc;
}
