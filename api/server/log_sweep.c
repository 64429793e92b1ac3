/*
 * Design: the directories are listed before the store is asked. A log is made after the commit of
 * its run, and so of its pipeline, or of its extension: what is listed is known to the store by
 * then, however new it is.
 */
#include "api/server/log_sweep.h"

#include "base/alloc.h"
#include "base/identifier.h"
#include "base/log.h"
#include "base/map.h"
#include "engine/events/sweeper.h"

#include <stdlib.h>
#include <string.h>

enum {
    SCRATCH_BYTES_MAX = 1 << 20, /* of one pipeline's row */
    PAGE_ROWS = 100,             /* extensions that are read at once */
};

#define PAGE_BYTES_MAX ((size_t)1 << 30)

struct gf_log_sweep {
    struct gf_log_sweep_options options;
    struct gf_sweeper sweeper;
    /* Keys of logs that are left alone. Those of the first sweep, which alone writes it. */
    struct gf_log_pipelines foreign;
    struct gf_log_runs foreign_extensions;
    bool swept;
    bool swept_extensions;
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

static void sweep_pipelines(struct gf_log_sweep *sweep) {
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

/* ---- Of extensions ---- */

/* Puts the keys of all that are installed into the map. */
static enum gf_code read_installed(struct gf_log_sweep *sweep, struct gf_map_i64 *out,
                                   struct gf_error *err) {
    const struct gf_store_extension_ops *ops = sweep->options.store->ops->extensions;
    struct gf_store_reader *reader = sweep->options.store->ops->open_reader(sweep->options.store);
    char after_id[GF_IDENTIFIER_CHARS_MAX];
    struct gf_str after = {after_id, 0};
    struct gf_arena arena;
    size_t count = PAGE_ROWS;
    enum gf_code rc = GF_OK;
    gf_arena_init(&arena, PAGE_BYTES_MAX);
    while (rc == GF_OK && count == PAGE_ROWS) {
        struct gf_extension *rows = NULL;
        gf_arena_reset(&arena);
        rc = ops->list(reader, after, PAGE_ROWS, &arena, &rows, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            (void)gf_map_i64_put(out, rows[i].extension_key, sweep);
            after.len = rows[i].extension_id.len;
            memcpy(after_id, rows[i].extension_id.ptr, after.len);
        }
    }
    gf_arena_fini(&arena);
    sweep->options.store->ops->close_reader(sweep->options.store, reader);
    return rc;
}

static void remove_uninstalled(struct gf_log_sweep *sweep, const struct gf_log_runs *keys,
                               struct gf_map_i64 *kept) {
    for (size_t i = 0; i < sweep->foreign_extensions.count; i++) {
        (void)gf_map_i64_put(kept, sweep->foreign_extensions.items[i], sweep);
    }
    for (size_t i = 0; i < keys->count && !gf_sweeper_stopping(&sweep->sweeper); i++) {
        if (gf_map_i64_get(kept, keys->items[i]) == NULL) {
            gf_extension_logs_remove(sweep->options.extension_logs, keys->items[i]);
        }
    }
}

static void note_foreign_extensions(struct gf_log_sweep *sweep, const struct gf_log_runs *keys) {
    for (size_t i = 0; !sweep->swept_extensions && i < keys->count; i++) {
        if (keys->items[i] >= sweep->options.next_run_key) {
            gf_vec_push(&sweep->foreign_extensions, keys->items[i]);
        }
    }
    sweep->swept_extensions = true;
}

static void sweep_extensions(struct gf_log_sweep *sweep) {
    struct gf_log_runs keys = {0};
    struct gf_map_i64 kept = {0};
    struct gf_error error = {0};
    enum gf_code rc = gf_extension_logs_list(sweep->options.extension_logs, &keys, &error);
    if (rc == GF_OK) {
        note_foreign_extensions(sweep, &keys);
        rc = read_installed(sweep, &kept, &error);
    }
    if (rc == GF_OK) {
        remove_uninstalled(sweep, &keys, &kept);
    } else {
        gf_log_warn("log_sweep_failed", GF_KV_ERROR(&error));
    }
    gf_map_i64_fini(&kept);
    gf_vec_fini(&keys);
}

/* On a worker, one at a time. */
static void run(void *ctx) {
    struct gf_log_sweep *sweep = ctx;
    sweep_pipelines(sweep);
    sweep_extensions(sweep);
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
        gf_vec_fini(&sweep->foreign_extensions);
        free(sweep);
    }
}
