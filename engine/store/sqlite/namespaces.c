#include "engine/store/sqlite/store_internal.h"

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_namespace *ns,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_NAMESPACE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, ns->name);
    gf_sqlite__bind_str(&bind, ns->description);
    gf_sqlite__bind_i64(&bind, ns->update_time);
    gf_sqlite__bind_i64(&bind, ns->run_parallelism);
    gf_sqlite__bind_i64(&bind, ns->namespace_key);
    return gf_sqlite__run_bound(&bind, "update a namespace", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_namespace *ns,
                           struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_NAMESPACE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, ns->namespace_key);
    gf_sqlite__bind_str(&bind, ns->namespace_id);
    gf_sqlite__bind_str(&bind, ns->name);
    gf_sqlite__bind_str(&bind, ns->description);
    gf_sqlite__bind_i64(&bind, ns->create_time);
    gf_sqlite__bind_i64(&bind, ns->update_time);
    gf_sqlite__bind_i64(&bind, ns->run_parallelism);
    return gf_sqlite__run_bound(&bind, "insert a namespace", NULL, err);
}

enum gf_code gf_sqlite__write_namespace(struct gf_sqlite_store *store,
                                        const struct gf_namespace *ns, struct gf_error *err) {
    int64_t changed = 0;
    if (ns->namespace_key < store->next.next_namespace_key) {
        const enum gf_code rc = update(store, ns, &changed, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return changed > 0 ? GF_OK : insert(store, ns, err);
}

static enum gf_code read_namespace(struct gf_sqlite_row *row, void *item,
                                   GF_UNUSED struct gf_error *err) {
    struct gf_namespace *ns = item;
    ns->namespace_key = gf_sqlite__i64(row);
    ns->namespace_id = gf_sqlite__str(row);
    ns->name = gf_sqlite__str(row);
    ns->description = gf_sqlite__str(row);
    ns->create_time = gf_sqlite__i64(row);
    ns->update_time = gf_sqlite__i64(row);
    ns->run_parallelism = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_namespace(struct gf_store_reader *reader, struct gf_str namespace_id,
                                      struct gf_arena *arena, struct gf_namespace *out,
                                      struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_NAMESPACE, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, namespace_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "namespaces", read_namespace, sizeof(*out), arena, out,
                               &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(namespace_id));
    }
    return rc;
}

enum gf_code gf_sqlite__list_namespaces(struct gf_store_reader *reader,
                                        struct gf_str after_namespace_id, size_t limit,
                                        struct gf_arena *arena, struct gf_namespace **out_items,
                                        size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_NAMESPACES, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, after_namespace_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "namespaces", read_namespace, sizeof(struct gf_namespace), limit,
                           arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
