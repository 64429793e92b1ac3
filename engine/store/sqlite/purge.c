/*
 * Removing namespaces.
 *
 * The rows below a namespace may be millions, and deleting them in one transaction would stop the
 * engine for seconds and fill the write-ahead log. So a namespace is buried first: marked, and its
 * id changed to what no id looks like, so that it is free for a new one. From then on nobody finds
 * what is below it. Each commit then removes a portion, children before parents.
 */
#include "engine/store/sqlite/store_internal.h"

enum gf_code gf_sqlite__bury_namespace(struct gf_sqlite_store *store, int64_t namespace_key,
                                       struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_BURY_NAMESPACE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, namespace_key);
    return gf_sqlite__run_bound(&bind, "delete a namespace", NULL, err);
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

/* The key that a statement finds; 0 = none. `parent_key` is its parameter, where it has one. */
static enum gf_code find_key(struct gf_sqlite_store *store, enum gf_sql sql, int64_t parent_key,
                             int64_t *out_key, struct gf_error *err) {
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
    *out_key = result == SQLITE_ROW ? sqlite3_column_int64(bind.stmt, 0) : 0;
    (void)sqlite3_reset(bind.stmt);
    return GF_OK;
}

/* Deletes by key and takes what went from the budget. */
static enum gf_code purge_by_key(struct gf_sqlite_store *store, enum gf_sql sql, int64_t key,
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

/* *out_gone: nothing of the run is left. With a budget of 0 nothing more is removed. */
static enum gf_code purge_run(struct gf_sqlite_store *store, int64_t run_key, int64_t *budget,
                              struct gf_error *err) {
    const enum gf_code rc = purge_by_key(store, GF_SQL_PURGE_TASKS, run_key, budget, err);
    if (rc != GF_OK || *budget == 0) {
        return rc;
    }
    return purge_by_key(store, GF_SQL_PURGE_RUN, run_key, budget, err);
}

static enum gf_code purge_pipeline(struct gf_sqlite_store *store, int64_t pipeline_key,
                                   int64_t *budget, struct gf_error *err) {
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
    static const enum gf_sql REST[] = {GF_SQL_PURGE_DEPLOYMENTS, GF_SQL_PURGE_CONFIGS,
                                       GF_SQL_PURGE_PIPELINE};
    for (size_t i = 0; i < GF_ARRAY_COUNT(REST) && *budget > 0; i++) {
        const enum gf_code rc = purge_by_key(store, REST[i], pipeline_key, budget, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

static enum gf_code purge_namespace(struct gf_sqlite_store *store, int64_t namespace_key,
                                    int64_t *budget, struct gf_error *err) {
    while (*budget > 0) {
        int64_t pipeline_key = 0;
        enum gf_code rc =
            find_key(store, GF_SQL_GET_BURIED_PIPELINE, namespace_key, &pipeline_key, err);
        if (rc == GF_OK && pipeline_key == 0) {
            return purge_by_key(store, GF_SQL_PURGE_NAMESPACE, namespace_key, budget, err);
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

enum gf_code gf_sqlite__purge(struct gf_sqlite_store *store, bool *out_more, struct gf_error *err) {
    int64_t budget = GF_SQLITE_PURGE_ROWS_MAX;
    for (;;) {
        int64_t namespace_key = 0;
        enum gf_code rc = find_key(store, GF_SQL_GET_BURIED_NAMESPACE, 0, &namespace_key, err);
        if (rc == GF_OK && namespace_key != 0 && budget > 0) {
            rc = purge_namespace(store, namespace_key, &budget, err);
        } else if (rc == GF_OK) {
            *out_more = namespace_key != 0;
            return GF_OK;
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
}
