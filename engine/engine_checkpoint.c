#include "engine/engine_internal.h"

static void run_checkpoint(void *ctx) {
    struct gf_engine *engine = ctx;
    struct gf_store *store = engine->options.store;
    const enum gf_code rc = store->ops->checkpoint(store, NULL);
    GF_MUTEX_GUARD(&engine->mutex);
    engine->checkpoints_total++;
    engine->checkpoint_failures_total += rc != GF_OK;
    engine->checkpoint_running = false;
    gf_cond_broadcast(&engine->checkpoint_ended);
}

void gf_engine__maybe_checkpoint(struct gf_engine *engine) {
    if (engine->options.pool == NULL || engine->rows_since_checkpoint < GF_ENGINE_CHECKPOINT_ROWS) {
        return;
    }
    gf_mutex_lock(&engine->mutex);
    const bool busy = engine->checkpoint_running;
    engine->checkpoint_running = true;
    gf_mutex_unlock(&engine->mutex);
    if (!busy) {
        engine->rows_since_checkpoint = 0;
        gf_pool_submit_reserved(engine->options.pool, run_checkpoint, engine);
    }
}

void gf_engine__wait_for_checkpoint(struct gf_engine *engine) {
    GF_MUTEX_GUARD(&engine->mutex);
    while (engine->checkpoint_running) {
        gf_cond_wait(&engine->checkpoint_ended, &engine->mutex);
    }
}
