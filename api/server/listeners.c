#include "api/server/listeners.h"

void gf_listeners_add(struct gf_listeners *listeners, struct gf_engine_listener listener) {
    gf_assert(listeners->count < GF_LISTENERS_MAX);
    listeners->items[listeners->count++] = listener;
}

static void restored(void *ctx, const struct gf_run *run, const struct gf_config *config) {
    const struct gf_listeners *listeners = ctx;
    for (size_t i = 0; i < listeners->count; i++) {
        const struct gf_engine_listener *listener = &listeners->items[i];
        if (listener->restored != NULL) {
            listener->restored(listener->ctx, run, config);
        }
    }
}

static void committed(void *ctx, const struct gf_batch *batch) {
    const struct gf_listeners *listeners = ctx;
    for (size_t i = 0; i < listeners->count; i++) {
        const struct gf_engine_listener *listener = &listeners->items[i];
        if (listener->committed != NULL) {
            listener->committed(listener->ctx, batch);
        }
    }
}

struct gf_engine_listener gf_listeners_as_one(struct gf_listeners *listeners) {
    return (struct gf_engine_listener){
        .ctx = listeners, .restored = restored, .committed = committed};
}
