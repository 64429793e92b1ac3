/*
 * Design: the directories are listed before the store is asked. A log is made after the commit of
 * its run, and so of its pipeline: what is listed is known to the store by then, however new it is.
 */
#include "api/server/log_sweep.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engine/events/sweeper.h"

#include <stdlib.h>

enum {
    SCRATCH_BYTES_MAX = 1 << 20, /* of one pipeline's row */
};

struct gf_log_sweep {
    struct gf_log_sweep_options options;
    struct gf_sweeper sweeper;
    /* Keys of logs that are left alone. Those of the first sweep, which alone writes it. */
    struct gf_log_pipelines foreign;
    bool swept;
};

static bool contains(const struct gf_log_pipelines *keys, int64_t key) {
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->items[i] == key) {
            return true;
        }
    }
    return false;
}

/* Whether the store has deleted the pipeline; where it cannot tell, it has not. */
static bool is_deleted(struct gf_log_sweep *sweep, struct gf_store_reader *reader, int64_t key,
                       struct gf_arena *scratch) {
    struct gf_pipeline pipeline = {0};
    struct gf_error error = {0};
    gf_arena_reset(scratch);
    return !contains(&sweep->foreign, key) &&
           sweep->options.store->ops->get_pipeline_by_key(reader, key, scratch, &pipeline,
                                                          &error) == GF_NOT_FOUND;
}

/* Keeps the keys of what was deleted. */
static void keep_deleted(struct gf_log_sweep *sweep, struct gf_log_pipelines *keys) {
    struct gf_store *store = sweep->options.store;
    struct gf_arena scratch;
    size_t kept = 0;
    gf_arena_init(&scratch, SCRATCH_BYTES_MAX);
    struct gf_store_reader *reader = store->ops->open_reader(store);
    for (size_t i = 0; i < keys->count; i++) {
        if (is_deleted(sweep, reader, keys->items[i], &scratch)) {
            keys->items[kept++] = keys->items[i];
        }
    }
    store->ops->close_reader(store, reader);
    gf_arena_fini(&scratch);
    keys->count = kept;
}

static void note_foreign(struct gf_log_sweep *sweep, const struct gf_log_pipelines *keys) {
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->items[i] >= sweep->options.next_pipeline_key) {
            gf_vec_push(&sweep->foreign, keys->items[i]);
        }
    }
}

static void remove_all(struct gf_log_sweep *sweep, const struct gf_log_pipelines *keys) {
    for (size_t i = 0; i < keys->count && !gf_sweeper_stopping(&sweep->sweeper); i++) {
        struct gf_error error = {0};
        const enum gf_code rc =
            gf_log_store_remove_pipeline(sweep->options.logs, keys->items[i], &error);
        if (rc != GF_OK) {
            gf_log_warn("log_sweep_failed", GF_KV_I64("pipeline_key", keys->items[i]),
                        GF_KV_ERROR(&error));
        }
    }
}

/* On a worker, one at a time. */
static void run(void *ctx) {
    struct gf_log_sweep *sweep = ctx;
    struct gf_log_pipelines keys = {0};
    struct gf_error error = {0};
    if (gf_log_store_list_pipelines(sweep->options.logs, &keys, &error) == GF_OK) {
        if (!sweep->swept) {
            note_foreign(sweep, &keys);
            sweep->swept = true;
        }
        keep_deleted(sweep, &keys);
        remove_all(sweep, &keys);
    } else {
        gf_log_warn("log_sweep_failed", GF_KV_ERROR(&error));
    }
    gf_vec_fini(&keys);
}

enum gf_code gf_log_sweep_start(const struct gf_log_sweep_options *options,
                                struct gf_log_sweep **out_sweep, struct gf_error *err) {
    struct gf_log_sweep *sweep = GF_NEW(struct gf_log_sweep);
    sweep->options = *options;
    const enum gf_code rc =
        gf_sweeper_start(&sweep->sweeper, options->hub, options->pool, run, sweep, err);
    if (rc != GF_OK) {
        free(sweep);
        return rc;
    }
    *out_sweep = sweep;
    return GF_OK;
}

void gf_log_sweep_stop(struct gf_log_sweep *sweep) {
    if (sweep != NULL) {
        gf_sweeper_stop(&sweep->sweeper);
    }
}

void gf_log_sweep_destroy(struct gf_log_sweep *sweep) {
    if (sweep != NULL) {
        gf_sweeper_fini(&sweep->sweeper);
        gf_vec_fini(&sweep->foreign);
        free(sweep);
    }
}
