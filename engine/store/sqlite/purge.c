/*
 * Removing namespaces, pipelines, extensions and subscriptions; what is below the last two is in
 * purge_extensions.c.
 *
 * The rows below one may be millions, and deleting them in one transaction would stop the engine
 * for seconds and fill the write-ahead log. So it is buried first: marked, and its id changed to
 * what no id looks like, so that it is free for a new one. From then on nobody finds what is below
 * it. Each commit then removes a portion, children before parents, pipelines before namespaces;
 * while nothing is to be written, the engine commits empty batches for that.
 */
#include "engine/store/sqlite/store_internal.h"

enum {
    /* An input may have a hundred pages, so it counts as so many rows. */
    INPUT_ROWS = 32,
    /* So many bytes of a config count as a row more. */
    ROW_BYTES = 16 << 10,
};

enum gf_code gf_sqlite__bury(struct gf_sqlite_store *store, enum gf_sql sql, int64_t key,
                             struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, key);
    return gf_sqlite__run_bound(&bind, "delete", NULL, err);
}

enum gf_code gf_sqlite__bury_namespace(struct gf_sqlite_store *store, int64_t namespace_key,
                                       struct gf_error *err) {
    return gf_sqlite__bury(store, GF_SQL_BURY_NAMESPACE, namespace_key, err);
}

enum gf_code gf_sqlite__bury_pipeline(struct gf_sqlite_store *store, int64_t pipeline_key,
                                      struct gf_error *err) {
    return gf_sqlite__bury(store, GF_SQL_BURY_PIPELINE, pipeline_key, err);
}

enum gf_code gf_sqlite__raise_key_floors(struct gf_sqlite_store *store,
                                         const struct gf_core_start *next, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_KEY_FLOORS, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, next->next_namespace_key);
    gf_sqlite__bind_i64(&bind, next->next_pipeline_key);
    gf_sqlite__bind_i64(&bind, next->next_run_key);
    return gf_sqlite__run_bound(&bind, "keep the keys", NULL, err);
}

enum gf_code gf_sqlite__purge_find(struct gf_sqlite_store *store, enum gf_sql sql,
                                   int64_t parent_key, int64_t *out_key, int64_t *out_bytes,
                                   struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (sqlite3_bind_parameter_count(bind.stmt) > 0) {
        gf_sqlite__bind_i64(&bind, parent_key);
    }
    const int result = sqlite3_step(bind.stmt);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        const enum gf_code failed =
            gf_sqlite__fail(&store->writer, result, "find what is deleted", err);
        (void)sqlite3_reset(bind.stmt);
        return failed;
    }
    const bool found = result == SQLITE_ROW;
    *out_key = found ? sqlite3_column_int64(bind.stmt, 0) : 0;
    *out_bytes =
        found && sqlite3_column_count(bind.stmt) > 1 ? sqlite3_column_int64(bind.stmt, 1) : 0;
    (void)sqlite3_reset(bind.stmt);
    return GF_OK;
}

static enum gf_code find_key(struct gf_sqlite_store *store, enum gf_sql sql, int64_t parent_key,
                             int64_t *out_key, struct gf_error *err) {
    int64_t bytes = 0;
    return gf_sqlite__purge_find(store, sql, parent_key, out_key, &bytes, err);
}

enum gf_code gf_sqlite__purge_by_key(struct gf_sqlite_store *store, enum gf_sql sql, int64_t key,
                                     int64_t *budget, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, key);
    if (sqlite3_bind_parameter_count(bind.stmt) > 1) {
        gf_sqlite__bind_i64(&bind, *budget);
    }
    int64_t changed = 0;
    rc = gf_sqlite__run_bound(&bind, "remove what is deleted", &changed, err);
    if (rc == GF_OK) {
        *budget -= changed;
    }
    return rc;
}

static enum gf_code purge_input(struct gf_sqlite_store *store, int64_t run_key, int64_t *budget,
                                struct gf_error *err) {
    const int64_t before = *budget;
    const enum gf_code rc =
        gf_sqlite__purge_by_key(store, GF_SQL_PURGE_RUN_INPUT, run_key, budget, err);
    if (rc == GF_OK && *budget < before) {
        *budget = before - INPUT_ROWS;
    }
    return rc;
}

/* Whatever does not fit into the budget stays, with the run itself. */
static enum gf_code purge_run(struct gf_sqlite_store *store, int64_t run_key, int64_t *budget,
                              struct gf_error *err) {
    enum gf_code rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_TASKS, run_key, budget, err);
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_ATTEMPTS, run_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = purge_input(store, run_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_RUN, run_key, budget, err);
    }
    return rc;
}

/* One after the other, because one may have megabytes. */
static enum gf_code purge_configs(struct gf_sqlite_store *store, int64_t pipeline_key,
                                  int64_t *budget, struct gf_error *err) {
    while (*budget > 0) {
        struct gf_config_key key = {.pipeline_key = pipeline_key};
        int64_t bytes = 0;
        enum gf_code rc = gf_sqlite__purge_find(store, GF_SQL_GET_BURIED_CONFIG, pipeline_key,
                                                &key.version, &bytes, err);
        if (rc == GF_OK && key.version == 0) {
            break;
        }
        if (rc == GF_OK) {
            rc = gf_sqlite__delete_config(store, &key, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
        *budget -= 1 + bytes / ROW_BYTES;
    }
    return GF_OK;
}

static enum gf_code purge_runs(struct gf_sqlite_store *store, int64_t pipeline_key, int64_t *budget,
                               struct gf_error *err) {
    while (*budget > 0) {
        int64_t run_key = 0;
        enum gf_code rc = find_key(store, GF_SQL_GET_BURIED_RUN, pipeline_key, &run_key, err);
        if (rc == GF_OK && run_key == 0) {
            break;
        }
        if (rc == GF_OK) {
            rc = purge_run(store, run_key, budget, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code purge_pipeline(struct gf_sqlite_store *store, int64_t pipeline_key,
                                   int64_t *budget, struct gf_error *err) {
    enum gf_code rc = purge_runs(store, pipeline_key, budget, err);
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_subscriptions(store, GF_SQL_GET_SUBSCRIPTION_OF_PIPELINE,
                                            pipeline_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_DEPLOYMENTS, pipeline_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = purge_configs(store, pipeline_key, budget, err);
    }
    if (rc == GF_OK && *budget > 0) {
        rc = gf_sqlite__purge_by_key(store, GF_SQL_PURGE_PIPELINE, pipeline_key, budget, err);
    }
    return rc;
}

static enum gf_code purge_namespace(struct gf_sqlite_store *store, int64_t namespace_key,
                                    int64_t *budget, struct gf_error *err) {
    while (*budget > 0) {
        int64_t pipeline_key = 0;
        enum gf_code rc =
            find_key(store, GF_SQL_GET_BURIED_CHILD, namespace_key, &pipeline_key, err);
        if (rc == GF_OK && pipeline_key == 0) {
            return gf_sqlite__purge_by_key(store, GF_SQL_PURGE_NAMESPACE, namespace_key, budget,
                                           err);
        }
        if (rc == GF_OK) {
            rc = purge_pipeline(store, pipeline_key, budget, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

/* What can be buried, in the order in which it is removed. */
static const struct {
    enum gf_sql find;
    enum gf_code (*purge)(struct gf_sqlite_store *store, int64_t key, int64_t *budget,
                          struct gf_error *err);
} KINDS[] = {
    {GF_SQL_GET_BURIED_SUBSCRIPTION, gf_sqlite__purge_subscription},
    {GF_SQL_GET_BURIED_EXTENSION, gf_sqlite__purge_extension},
    {GF_SQL_GET_BURIED_PIPELINE, purge_pipeline},
    {GF_SQL_GET_BURIED_NAMESPACE, purge_namespace},
};

/* What is to be removed next: *out_key 0 = nothing. */
static enum gf_code find_next(struct gf_sqlite_store *store, size_t *out_kind, int64_t *out_key,
                              struct gf_error *err) {
    enum gf_code rc = GF_OK;
    *out_key = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(KINDS) && rc == GF_OK && *out_key == 0; i++) {
        *out_kind = i;
        rc = find_key(store, KINDS[i].find, 0, out_key, err);
    }
    return rc;
}

enum gf_code gf_sqlite__find_buried(struct gf_sqlite_store *store, bool *out_found,
                                    struct gf_error *err) {
    size_t kind = 0;
    int64_t key = 0;
    const enum gf_code rc = find_next(store, &kind, &key, err);
    if (rc == GF_OK) {
        *out_found = key != 0;
    }
    return rc;
}

enum gf_code gf_sqlite__purge(struct gf_sqlite_store *store, bool *out_more, struct gf_error *err) {
    int64_t budget = GF_SQLITE_PURGE_ROWS_MAX;
    int64_t key = 1;
    while (key != 0 && budget > 0) {
        size_t kind = 0;
        enum gf_code rc = find_next(store, &kind, &key, err);
        if (rc == GF_OK && key != 0) {
            rc = KINDS[kind].purge(store, key, &budget, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out_more = key != 0;
    return GF_OK;
}
