/*
 * Design: secrets and logs lie beside the store, under the keys of its rows. Where the store was
 * lost or set back to a copy they have keys that it has not given away yet. Those are left alone by
 * the sweeps of this process, in case the right store is put back; and they are never given to
 * other namespaces, pipelines and extensions, who would find the secrets and logs of somebody else.
 */
#include "api/server/server_internal.h"

enum {
    START_BYTES_MAX = 256 << 20,
};

enum gf_code gf_server__next_keys(struct gf_server *server, struct gf_server_keys *out_keys,
                                  struct gf_error *err) {
    struct gf_core_start start = {0};
    struct gf_arena scratch;
    gf_arena_init(&scratch, START_BYTES_MAX);
    const enum gf_code rc = server->store->ops->load_start(server->store, &scratch, &start, err);
    gf_arena_fini(&scratch);
    if (rc == GF_OK) {
        *out_keys = (struct gf_server_keys){
            .ns = start.next_namespace_key,
            .pipeline = start.next_pipeline_key,
            .run = start.next_run_key,
        };
    }
    return rc;
}

/* A directory may have any name, also one that nothing will ever have for a key. */
static void raise_above(int64_t *least, int64_t key) {
    if (key >= *least && key < INT64_MAX / 2) {
        *least = key + 1;
    }
}

enum gf_code gf_server__least_keys(struct gf_server *server, struct gf_server_keys *out_keys,
                                   struct gf_error *err) {
    struct gf_log_pipelines pipelines = {0};
    struct gf_log_runs extensions = {0};
    struct gf_server_keys least = {0};
    enum gf_code rc = gf_secret_next_keys(server->vault, &least.ns, &least.pipeline, err);
    if (rc == GF_OK) {
        rc = gf_log_store_list_pipelines(server->logs, &pipelines, err);
    }
    if (rc == GF_OK) {
        rc = gf_log_store_list_runs(server->logs, /* pipeline_key= */ 0, &extensions, err);
    }
    for (size_t i = 0; i < pipelines.count; i++) {
        raise_above(&least.pipeline, pipelines.items[i]);
    }
    for (size_t i = 0; i < extensions.count; i++) {
        raise_above(&least.run, extensions.items[i]);
    }
    gf_vec_fini(&pipelines);
    gf_vec_fini(&extensions);
    if (rc == GF_OK) {
        *out_keys = least;
    }
    return rc;
}

enum gf_code gf_server__start_sweeps(struct gf_server *server, const struct gf_server_keys *next,
                                     struct gf_error *err) {
    const struct gf_log_sweep_options logs = {
        .store = server->store,
        .logs = server->logs,
        .extension_logs = server->extension_logs,
        .hub = server->hub,
        .pool = server->long_pool,
        .next_pipeline_key = next->pipeline,
        .next_run_key = next->run,
    };
    const struct gf_secret_sweep_options secrets = {
        .store = server->store,
        .vault = server->vault,
        .hub = server->hub,
        .pool = server->long_pool,
        .next_namespace_key = next->ns,
        .next_pipeline_key = next->pipeline,
    };
    const enum gf_code rc = gf_log_sweep_start(&logs, &server->log_sweep, err);
    return rc == GF_OK ? gf_secret_sweep_start(&secrets, &server->secret_sweep, err) : rc;
}
