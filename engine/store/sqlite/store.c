/* Opening and closing the store: the file (engine/sqlite/open.h) before the readers. */
#include "engine/store/sqlite/store.h"

#include "base/alloc.h"
#include "base/file.h"
#include "engine/core/limits.h"
#include "engine/sqlite/open.h"
#include "engine/store/sqlite/migrate.h"
#include "engine/store/sqlite/store_internal.h"

#include <sys/stat.h>

enum {
    SCRATCH_BYTES_MAX = 2 * GF_RUN_VARIABLES_BYTES_MAX, /* text and what stands around it */
};

static void destroy(struct gf_store *base) {
    if (base == NULL) {
        return;
    }
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    gf_sqlite__readers_close(store);
    gf_sqlite__db_close(&store->checkpointer);
    /* The last connection: closing it moves the log into the file and removes it. */
    gf_sqlite__db_close(&store->writer);
    gf_close(&store->lock_fd);
    gf_strbuf_fini(&store->scratch);
    free(store->path);
    free(store);
}

static const struct gf_store_extension_ops EXTENSION_OPS = {
    .get = gf_sqlite__get_extension,
    .list = gf_sqlite__list_extensions,
    .count = gf_sqlite__count_of_extension,
    .get_subscription = gf_sqlite__get_subscription,
    .list_subscriptions = gf_sqlite__list_subscriptions,
    .scan_subscriptions = gf_sqlite__scan_subscriptions,
    .get_start_key = gf_sqlite__get_start_key,
    .get_delivery_id = gf_sqlite__get_delivery_id,
    .get_delivery = gf_sqlite__get_delivery,
    .list_deliveries = gf_sqlite__list_deliveries,
    .list_reports = gf_sqlite__list_reports,
};

static const struct gf_store_ops OPS = {
    .destroy = destroy,
    .load_start = gf_sqlite__load_start,
    .commit = gf_sqlite__commit,
    .has_backlog = gf_sqlite__has_backlog,
    .open_reader = gf_sqlite__open_reader,
    .close_reader = gf_sqlite__close_reader,
    .checkpoint = gf_sqlite__checkpoint,
    .get_namespace = gf_sqlite__get_namespace,
    .get_pipeline = gf_sqlite__get_pipeline,
    .get_pipeline_by_key = gf_sqlite__get_pipeline_by_key,
    .get_config = gf_sqlite__get_config,
    .get_deployment = gf_sqlite__get_deployment,
    .get_run = gf_sqlite__get_run,
    .get_run_by_request = gf_sqlite__get_run_by_request,
    .get_run_input = gf_sqlite__get_run_input,
    .get_run_stats = gf_sqlite__get_run_stats,
    .get_request = gf_sqlite__get_request,
    .get_preferences = gf_sqlite__get_preferences,
    .count_tasks = gf_sqlite__count_tasks,
    .get_task = gf_sqlite__get_task,
    .get_event = gf_sqlite__get_event,
    .list_namespaces = gf_sqlite__list_namespaces,
    .list_pipelines = gf_sqlite__list_pipelines,
    .list_configs = gf_sqlite__list_configs,
    .list_deployments = gf_sqlite__list_deployments,
    .list_runs = gf_sqlite__list_runs,
    .list_tasks = gf_sqlite__list_tasks,
    .list_attempts = gf_sqlite__list_attempts,
    .list_events = gf_sqlite__list_events,
    .list_roles = gf_sqlite__list_roles,
    .get_role = gf_sqlite__get_role,
    .list_tokens = gf_sqlite__list_tokens,
    .get_token = gf_sqlite__get_token,
    .list_active_runs = gf_sqlite__list_active_runs,
    .extensions = &EXTENSION_OPS,
};

static enum gf_code read_next(struct gf_sqlite_row *row, void *item,
                              GF_UNUSED struct gf_error *err) {
    struct gf_core_start *next = item;
    next->next_namespace_key = gf_sqlite__i64(row);
    next->next_pipeline_key = gf_sqlite__i64(row);
    next->next_run_key = gf_sqlite__i64(row);
    next->next_event_sequence = gf_sqlite__i64(row);
    next->bootstrapped = gf_sqlite__bool(row);
    next->source_sequence = gf_sqlite__i64(row);
    return GF_OK;
}

static enum gf_code load_next(struct gf_sqlite_store *store, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 64 << 10);
    struct gf_sqlite_bind bind = {0};
    bool found = false;
    enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_GET_NEXT_KEYS, err);
    if (rc == GF_OK) {
        rc = gf_sqlite__select_one(&bind, "keys", read_next, sizeof(store->next), &arena,
                                   &store->next, &found, err);
    }
    gf_arena_fini(&arena);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_DATA_LOSS, "database '%s' has lost its table of keys", store->path);
    }
    return rc;
}

static enum gf_code open_all(struct gf_sqlite_store *store, int reader_count, const char *vfs,
                             struct gf_error *err) {
    enum gf_code rc =
        gf_sqlite__open(&store->writer, store->path, vfs, &gf_sqlite__profile,
                        gf_sqlite__migrations, gf_sqlite__migration_count, &store->lock_fd, err);
    if (rc == GF_OK) {
        rc = load_next(store, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__find_buried(store, &store->purging, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__db_open(&store->checkpointer, store->path, vfs, GF_SQLITE_CHECKPOINTER,
                                &gf_sqlite__profile, err);
    }
    if (rc == GF_OK) {
        rc = gf_sqlite__readers_open(store, reader_count, vfs, err);
    }
    if (rc == GF_OK) {
        gf_sqlite__wal_watch(store);
    }
    return rc;
}

enum gf_code gf_sqlite_store_open(const char *path, const struct gf_sqlite_options *options,
                                  struct gf_store **out_store, struct gf_error *err) {
    static const struct gf_sqlite_options DEFAULTS = {0};
    options = options == NULL ? &DEFAULTS : options;
    gf_assert(options->reader_count >= 0 && options->reader_count <= GF_SQLITE_READERS_MAX);
    struct gf_sqlite_store *store = GF_NEW(struct gf_sqlite_store);
    store->store.ops = &OPS;
    store->path = gf_strdup(path);
    store->lock_fd = -1;
    store->wal_bytes_soft =
        options->wal_bytes_soft > 0 ? options->wal_bytes_soft : GF_SQLITE_WAL_BYTES_SOFT_DEFAULT;
    store->wal_bytes_max =
        options->wal_bytes_max > 0 ? options->wal_bytes_max : GF_SQLITE_WAL_BYTES_MAX_DEFAULT;
    atomic_flag_clear(&store->checkpointing);
    gf_strbuf_init(&store->scratch, SCRATCH_BYTES_MAX);
    const int reader_count =
        options->reader_count == 0 ? GF_SQLITE_READERS_DEFAULT : options->reader_count;
    const enum gf_code rc = open_all(store, reader_count, options->vfs, err);
    if (rc != GF_OK) {
        destroy(&store->store);
        return rc;
    }
    *out_store = &store->store;
    return GF_OK;
}

void gf_sqlite_store_stats(struct gf_store *base, struct gf_sqlite_stats *out) {
    struct gf_sqlite_store *store = gf_sqlite__store(base);
    struct stat status = {0};
    *out = (struct gf_sqlite_stats){
        .readers_limit = store->reader_count,
        .wal_bytes = atomic_load_explicit(&store->wal_bytes, memory_order_relaxed),
        .wal_bytes_soft = store->wal_bytes_soft,
        .wal_bytes_max = store->wal_bytes_max,
        .file_bytes = stat(store->path, &status) == 0 ? status.st_size : 0,
        .checkpoint_failures_total = gf_counter_read(&store->checkpoint_failures),
        .checkpoints_busy_total = gf_counter_read(&store->checkpoints_busy),
    };
    gf_mutex_lock(&store->mutex);
    out->readers_used = store->readers_used;
    out->reads_total = store->reads_total;
    out->reads_waited_total = store->reads_waited_total;
    gf_mutex_unlock(&store->mutex);
    gf_histogram_read(&store->reader_wait, &out->reader_wait);
    gf_histogram_read(&store->checkpoint, &out->checkpoint);
    gf_histogram_read(&store->stall, &out->stall);
}
