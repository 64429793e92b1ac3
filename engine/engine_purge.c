/*
 * Design: a deleted pipeline may have left millions of rows. The store removes a portion of them
 * with each commit; when there is nothing to commit, the thread wakes for it and commits an empty
 * batch. Who comes meanwhile waits for one portion, a few milliseconds, so the pause between two is
 * many times as long as the last one took: on a slow disk it goes slowly.
 */
#include "engine/engine_internal.h"

static int64_t mono_now(const struct gf_engine *engine) {
    return gf_clock_mono_ns(engine->options.clock);
}

void gf_engine__plan_purge(struct gf_engine *engine, int64_t commit_ns) {
    struct gf_store *store = engine->options.store;
    if (!store->ops->has_backlog(store)) {
        engine->purge_mono_ns = GF_NEVER;
        return;
    }
    const int64_t pause_min_ns = GF_ENGINE_PURGE_PAUSE_MS * GF_NS_PER_MS;
    const int64_t pause_ns = commit_ns * GF_ENGINE_PURGE_PAUSE_TIMES;
    engine->purge_mono_ns = mono_now(engine) + (pause_ns > pause_min_ns ? pause_ns : pause_min_ns);
}

enum gf_code gf_engine__maybe_purge(struct gf_engine *engine, struct gf_error *err) {
    static const struct gf_batch NOTHING = {0};
    struct gf_store *store = engine->options.store;
    const int64_t begin = mono_now(engine);
    if (begin < engine->purge_mono_ns) {
        return GF_OK;
    }
    const enum gf_code rc = store->ops->commit(store, &NOTHING, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_engine__plan_purge(engine, mono_now(engine) - begin);
    engine->counters.purges_total++;
    gf_engine__publish_stats(engine);
    /* How much it wrote only the store knows, and whether that is worth a checkpoint. */
    engine->rows_since_checkpoint = GF_ENGINE_CHECKPOINT_ROWS;
    gf_engine__maybe_checkpoint(engine);
    return GF_OK;
}
