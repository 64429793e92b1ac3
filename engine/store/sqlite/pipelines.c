#include "engine/store/sqlite/store_internal.h"

#include <inttypes.h>

static void bind_changing(struct gf_sqlite_bind *bind, const struct gf_pipeline *pipeline) {
    gf_sqlite__bind_i64(bind, pipeline->state);
    gf_sqlite__bind_str(bind, pipeline->state_reason);
    gf_sqlite__bind_i64(bind, pipeline->update_time);
    gf_sqlite__bind_i64(bind, pipeline->latest_version);
    gf_sqlite__bind_i64(bind, pipeline->live_version);
    gf_sqlite__bind_i64(bind, pipeline->latest_run_id);
    gf_sqlite__bind_i64(bind, pipeline->latest_deployment_id);
}

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_pipeline *pipeline,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_PIPELINE, err);
    if (rc != GF_OK) {
        return rc;
    }
    bind_changing(&bind, pipeline);
    gf_sqlite__bind_i64(&bind, pipeline->pipeline_key);
    return gf_sqlite__run_bound(&bind, "update a pipeline", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_pipeline *pipeline,
                           struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc =
        gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_PIPELINE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline->pipeline_key);
    gf_sqlite__bind_i64(&bind, pipeline->namespace_key);
    gf_sqlite__bind_str(&bind, pipeline->pipeline_id);
    gf_sqlite__bind_i64(&bind, pipeline->create_time);
    bind_changing(&bind, pipeline);
    return gf_sqlite__run_bound(&bind, "insert a pipeline", NULL, err);
}

enum gf_code gf_sqlite__write_pipeline(struct gf_sqlite_store *store,
                                       const struct gf_pipeline *pipeline, struct gf_error *err) {
    int64_t changed = 0;
    if (pipeline->pipeline_key < store->next.next_pipeline_key) {
        const enum gf_code rc = update(store, pipeline, &changed, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return changed > 0 ? GF_OK : insert(store, pipeline, err);
}

static enum gf_code read_pipeline(struct gf_sqlite_row *row, void *item,
                                  GF_UNUSED struct gf_error *err) {
    struct gf_pipeline *pipeline = item;
    pipeline->pipeline_key = gf_sqlite__i64(row);
    pipeline->namespace_key = gf_sqlite__i64(row);
    pipeline->namespace_id = gf_sqlite__str(row);
    pipeline->pipeline_id = gf_sqlite__str(row);
    pipeline->state = (enum gf_pipeline_state)gf_sqlite__enum(row, gf_pipeline_state_valid);
    pipeline->state_reason = gf_sqlite__str(row);
    pipeline->create_time = gf_sqlite__i64(row);
    pipeline->update_time = gf_sqlite__i64(row);
    pipeline->latest_version = gf_sqlite__i64(row);
    pipeline->live_version = gf_sqlite__i64(row);
    pipeline->latest_run_id = gf_sqlite__i64(row);
    pipeline->latest_deployment_id = gf_sqlite__i64(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_pipeline(struct gf_store_reader *reader, struct gf_str namespace_id,
                                     struct gf_str pipeline_id, struct gf_arena *arena,
                                     struct gf_pipeline *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_PIPELINE, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, namespace_id);
    gf_sqlite__bind_str(&bind, pipeline_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "pipelines", read_pipeline, sizeof(*out), arena, out, &found,
                               err);
    if (rc != GF_OK || found) {
        return rc;
    }
    struct gf_namespace ns = {0};
    rc = gf_sqlite__get_namespace(reader, namespace_id, arena, &ns, err);
    if (rc != GF_OK) {
        return rc;
    }
    return gf_fail(err, GF_NOT_FOUND,
                   "pipeline '%" GF_STR_FMT "' not found in namespace '%" GF_STR_FMT "'",
                   GF_STR_ARG(pipeline_id), GF_STR_ARG(namespace_id));
}

enum gf_code gf_sqlite__get_pipeline_by_key(struct gf_store_reader *reader, int64_t pipeline_key,
                                            struct gf_arena *arena, struct gf_pipeline *out,
                                            struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_PIPELINE_BY_KEY, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, pipeline_key);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "pipelines", read_pipeline, sizeof(*out), arena, out, &found,
                               err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "pipeline with key %" PRId64 " not found", pipeline_key);
    }
    return rc;
}

enum gf_code gf_sqlite__list_pipelines(struct gf_store_reader *reader, int64_t namespace_key,
                                       struct gf_str after_pipeline_id, size_t limit,
                                       struct gf_arena *arena, struct gf_pipeline **out_items,
                                       size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_PIPELINES, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, namespace_key);
    gf_sqlite__bind_str(&bind, after_pipeline_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "pipelines", read_pipeline, sizeof(struct gf_pipeline), limit,
                           arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}

enum gf_code gf_sqlite__missing_below(struct gf_store_reader *reader, int64_t pipeline_key,
                                      const char *what, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    struct gf_pipeline pipeline = {0};
    enum gf_code rc = gf_sqlite__get_pipeline_by_key(reader, pipeline_key, &arena, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_fail(err, GF_NOT_FOUND,
                     "%s not found in pipeline '%" GF_STR_FMT "' of namespace '%" GF_STR_FMT "'",
                     what, GF_STR_ARG(pipeline.pipeline_id), GF_STR_ARG(pipeline.namespace_id));
    }
    gf_arena_fini(&arena);
    return rc;
}
