#include "engine/store/sqlite/store_internal.h"

#include <inttypes.h>
#include <stdio.h>

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_deployment *deployment,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_DEPLOYMENT, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, deployment->state);
    gf_sqlite__bind_i64(&bind, deployment->status);
    gf_sqlite__bind_i64(&bind, deployment->reason.kind);
    gf_sqlite__bind_str(&bind, deployment->reason.text);
    gf_sqlite__bind_i64(&bind, deployment->end_time);
    gf_sqlite__bind_i64(&bind, deployment->pipeline_key);
    gf_sqlite__bind_i64(&bind, deployment->deployment_id);
    return gf_sqlite__run_bound(&bind, "update a deployment", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_deployment *deployment,
                           struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_DEPLOYMENT, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, deployment->pipeline_key);
    gf_sqlite__bind_i64(&bind, deployment->deployment_id);
    gf_sqlite__bind_i64(&bind, deployment->start_version);
    gf_sqlite__bind_i64(&bind, deployment->end_version);
    gf_sqlite__bind_i64(&bind, deployment->start_time);
    gf_sqlite__bind_str(&bind, deployment->start_user);
    gf_sqlite__bind_i64(&bind, deployment->state);
    gf_sqlite__bind_i64(&bind, deployment->status);
    gf_sqlite__bind_i64(&bind, deployment->reason.kind);
    gf_sqlite__bind_str(&bind, deployment->reason.text);
    gf_sqlite__bind_i64(&bind, deployment->end_time);
    return gf_sqlite__run_bound(&bind, "insert a deployment", NULL, err);
}

enum gf_code gf_sqlite__write_deployment(struct gf_sqlite_store *store,
                                         const struct gf_deployment *deployment,
                                         struct gf_error *err) {
    int64_t changed = 0;
    const enum gf_code rc = update(store, deployment, &changed, err);
    if (rc != GF_OK || changed > 0) {
        return rc;
    }
    return insert(store, deployment, err);
}

static enum gf_code read_deployment(struct gf_sqlite_row *row, void *item,
                                    GF_UNUSED struct gf_error *err) {
    struct gf_deployment *deployment = item;
    deployment->pipeline_key = gf_sqlite__i64(row);
    deployment->namespace_id = gf_sqlite__str(row);
    deployment->pipeline_id = gf_sqlite__str(row);
    deployment->deployment_id = gf_sqlite__i64(row);
    deployment->start_version = gf_sqlite__i64(row);
    deployment->end_version = gf_sqlite__i64(row);
    deployment->state = (enum gf_deployment_state)gf_sqlite__enum(row, gf_deployment_state_valid);
    deployment->status =
        (enum gf_deployment_status)gf_sqlite__enum_or_none(row, gf_deployment_status_valid);
    deployment->reason = gf_sqlite__reason(row);
    deployment->start_time = gf_sqlite__i64(row);
    deployment->end_time = gf_sqlite__i64(row);
    deployment->start_user = gf_sqlite__str(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_deployment(struct gf_store_reader *reader, int64_t pipeline_key,
                                       int64_t deployment_id, struct gf_arena *arena,
                                       struct gf_deployment *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_DEPLOYMENT, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, deployment_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "deployments", read_deployment, sizeof(*out), arena, out,
                               &found, err);
    if (rc == GF_OK && !found) {
        char what[64];
        (void)snprintf(what, sizeof(what), "deployment %" PRId64, deployment_id);
        return gf_sqlite__missing_below(reader, pipeline_key, what, err);
    }
    return rc;
}

enum gf_code gf_sqlite__list_deployments(struct gf_store_reader *reader, int64_t pipeline_key,
                                         int64_t before_deployment_id, size_t limit,
                                         struct gf_arena *arena, struct gf_deployment **out_items,
                                         size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_DEPLOYMENTS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    gf_sqlite__bind_i64(&bind, before_deployment_id == 0 ? INT64_MAX : before_deployment_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "deployments", read_deployment, sizeof(struct gf_deployment),
                           limit, arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
