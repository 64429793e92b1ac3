/*
 * Design: the directories are listed before the store is asked. A log is made after the commit of
 * its run, and so of its pipeline: what is listed is known to the store by then, however new it is.
 * The place in the events is noted before both, so that a deletion that comes too late for this
 * sweep causes the next one.
 */
#include "api/server/log_sweep.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    SCRATCH_BYTES_MAX = 1 << 20, /* of one pipeline's row */
};

struct gf_log_sweep {
    struct gf_log_sweep_options options;
    struct gf_event_follower follower;
    /* Keys of logs that are left alone. Those of the first sweep, which alone writes it. */
    struct gf_log_pipelines foreign;
    bool swept;
    _Atomic bool stopping;
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
    for (size_t i = 0; i < keys->count && !atomic_load(&sweep->stopping); i++) {
        struct gf_error error = {0};
        const enum gf_code rc =
            gf_log_store_remove_pipeline(sweep->options.logs, keys->items[i], &error);
        if (rc != GF_OK) {
            gf_log_warn("log_sweep_failed", GF_KV_I64("pipeline_key", keys->items[i]),
                        GF_KV_ERROR(&error));
        }
    }
}

/* On a worker; one at a time, because the follower is armed at the end of each. */
static void run(void *ctx) {
    struct gf_log_sweep *sweep = ctx;
    struct gf_log_pipelines keys = {0};
    struct gf_error error = {0};
    const int64_t sequence = gf_event_hub_newest(sweep->options.hub);
    if (gf_log_store_list_pipelines(sweep->options.logs, &keys, &error) != GF_OK) {
        gf_log_warn("log_sweep_failed", GF_KV_ERROR(&error));
    }
    if (!sweep->swept) {
        note_foreign(sweep, &keys);
        sweep->swept = true;
    }
    keep_deleted(sweep, &keys);
    remove_all(sweep, &keys);
    gf_vec_fini(&keys);
    if (!atomic_load(&sweep->stopping)) {
        gf_event_hub_arm(sweep->options.hub, &sweep->follower, sequence);
    }
}

static void wake(struct gf_event_follower *follower) {
    struct gf_log_sweep *sweep = GF_CONTAINER_OF(follower, struct gf_log_sweep, follower);
    gf_pool_submit_reserved(sweep->options.pool, run, sweep);
}

enum gf_code gf_log_sweep_start(const struct gf_log_sweep_options *options,
                                struct gf_log_sweep **out_sweep, struct gf_error *err) {
    struct gf_log_sweep *sweep = GF_NEW(struct gf_log_sweep);
    sweep->options = *options;
    sweep->follower.wake = wake;
    gf_event_kinds_add(&sweep->follower.filter.kinds, GF_EVENT_PIPELINE_DELETED);
    gf_event_kinds_add(&sweep->follower.filter.kinds, GF_EVENT_NAMESPACE_DELETED);
    const enum gf_code rc = gf_event_hub_add(options->hub, &sweep->follower, err);
    if (rc != GF_OK) {
        free(sweep);
        return rc;
    }
    gf_pool_submit_reserved(options->pool, run, sweep);
    *out_sweep = sweep;
    return GF_OK;
}

void gf_log_sweep_stop(struct gf_log_sweep *sweep) {
    if (sweep != NULL) {
        atomic_store(&sweep->stopping, true);
    }
}

void gf_log_sweep_destroy(struct gf_log_sweep *sweep) {
    if (sweep != NULL) {
        gf_event_hub_remove(sweep->options.hub, &sweep->follower);
        gf_vec_fini(&sweep->foreign);
        free(sweep);
    }
}
