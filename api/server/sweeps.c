/*
 * Design: secrets and logs lie beside the store, under the keys of its rows. Where the store was
 * lost or set back to a copy they have keys that it has not given away yet. Those are left alone by
 * the sweeps of this process, in case the right store is put back; and they are never given to
 * other namespaces and pipelines, who would find the secrets and logs of somebody else.
 */
#include "api/server/server_internal.h"

enum {
    START_BYTES_MAX = 256 << 20,
    EXTENSIONS_PAGE = 1000,
};

enum gf_code gf_server__next_keys(struct gf_server *server, struct gf_server_keys *out_keys,
                                  struct gf_error *err) {
    struct gf_core_start start = {0};
    struct gf_arena scratch;
    gf_arena_init(&scratch, START_BYTES_MAX);
    const enum gf_code rc = server->store->ops->load_start(server->store, &scratch, &start, err);
    gf_arena_fini(&scratch);
    if (rc == GF_OK) {
        *out_keys = (struct gf_server_keys){start.next_namespace_key, start.next_pipeline_key};
    }
    return rc;
}

enum gf_code gf_server__least_keys(struct gf_server *server, struct gf_server_keys *out_keys,
                                   struct gf_error *err) {
    struct gf_log_pipelines logged = {0};
    struct gf_server_keys least = {0};
    enum gf_code rc = gf_secret_next_keys(server->vault, &least.ns, &least.pipeline, err);
    if (rc == GF_OK) {
        rc = gf_log_store_list_pipelines(server->logs, &logged, err);
    }
    for (size_t i = 0; rc == GF_OK && i < logged.count; i++) {
        /* A directory may have any name, also one that no pipeline will ever have. */
        if (logged.items[i] >= least.pipeline && logged.items[i] < INT64_MAX / 2) {
            least.pipeline = logged.items[i] + 1;
        }
    }
    gf_vec_fini(&logged);
    if (rc == GF_OK) {
        *out_keys = least;
    }
    return rc;
}

/* Appends the keys of all extensions, also of those that are there for a dialog. */
static enum gf_code list_extensions(struct gf_server *server, struct gf_log_runs *out,
                                    struct gf_error *err) {
    const struct gf_store_ops *ops = server->store->ops;
    struct gf_store_reader *reader = ops->open_reader(server->store);
    struct gf_arena arena;
    struct gf_extension *items = NULL;
    size_t count = EXTENSIONS_PAGE;
    enum gf_code rc = GF_OK;
    gf_arena_init(&arena, START_BYTES_MAX);
    for (struct gf_str after = {0}; rc == GF_OK && count == EXTENSIONS_PAGE;) {
        rc = ops->extensions->list(reader, after, EXTENSIONS_PAGE, &arena, &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            gf_vec_push(out, items[i].extension_key);
            after = items[i].extension_id;
        }
    }
    gf_arena_fini(&arena);
    ops->close_reader(server->store, reader);
    return rc;
}

static int compare_keys(const void *a, const void *b) {
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* An extension never gets to see the log of another one that had its key. */
static enum gf_code sweep_extension_logs(struct gf_server *server, struct gf_error *err) {
    struct gf_log_runs keys = {0};
    enum gf_code rc = list_extensions(server, &keys, err);
    if (rc == GF_OK) {
        if (keys.count > 0) {
            qsort(keys.items, keys.count, sizeof(keys.items[0]), compare_keys);
        }
        rc = gf_extension_logs_sweep(server->extension_logs, keys.items, keys.count, err);
    }
    gf_vec_fini(&keys);
    return rc;
}

enum gf_code gf_server__start_sweeps(struct gf_server *server, const struct gf_server_keys *next,
                                     struct gf_error *err) {
    const struct gf_log_sweep_options logs = {
        .store = server->store,
        .logs = server->logs,
        .hub = server->hub,
        .pool = server->long_pool,
        .next_pipeline_key = next->pipeline,
    };
    const struct gf_secret_sweep_options secrets = {
        .store = server->store,
        .vault = server->vault,
        .hub = server->hub,
        .pool = server->long_pool,
        .next_namespace_key = next->ns,
        .next_pipeline_key = next->pipeline,
    };
    enum gf_code rc = sweep_extension_logs(server, err);
    if (rc == GF_OK) {
        rc = gf_log_sweep_start(&logs, &server->log_sweep, err);
    }
    return rc == GF_OK ? gf_secret_sweep_start(&secrets, &server->secret_sweep, err) : rc;
}
