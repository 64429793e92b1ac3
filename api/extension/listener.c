/*
 * What the engine has committed. Thread: engine. Rows of subscriptions and extensions come with
 * every run that they start, so what changes nothing for a connection is told apart here.
 */
#include "api/extension/hub_internal.h"

static void take_subscriptions(struct gf_extension_hub *hub, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->subscriptions.count; i++) {
        const struct gf_subscription *row = batch->subscriptions.items[i];
        struct gf_hub_extension *extension = gf_hub__find(hub, row->extension_key);
        if (extension == NULL) {
            continue;
        }
        GF_LIST_FOREACH(link, &extension->connections) {
            gf_set__committed(GF_CONTAINER_OF(link, struct gf_hub_connection, of_extension), row);
        }
    }
}

static void take_deletions(struct gf_extension_hub *hub, const struct gf_batch *batch) {
    if (batch->deleted_subscriptions.count + batch->deleted_pipelines.count == 0) {
        return;
    }
    GF_LIST_FOREACH(link, &hub->connections) {
        struct gf_hub_connection *connection =
            GF_CONTAINER_OF(link, struct gf_hub_connection, link);
        gf_set__note_deletions(connection);
        for (size_t i = 0; i < batch->deleted_subscriptions.count; i++) {
            gf_set__deleted(connection, batch->deleted_subscriptions.items[i]);
        }
        for (size_t i = 0; i < batch->deleted_pipelines.count; i++) {
            gf_set__pipeline_deleted(connection, batch->deleted_pipelines.items[i]);
        }
    }
}

static void take_deliveries(struct gf_extension_hub *hub, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->deleted_deliveries.count; i++) {
        gf_deliveries__remove(hub, batch->deleted_deliveries.items[i]);
    }
    for (size_t i = 0; i < batch->deliveries.count; i++) {
        gf_deliveries__put(hub, &batch->deliveries.items[i]);
    }
}

static void committed(void *ctx, const struct gf_batch *batch) {
    struct gf_extension_hub *hub = ctx;
    gf_mutex_lock(&hub->mutex);
    for (size_t i = 0; i < batch->extensions.count; i++) {
        gf_hub__apply(hub, gf_hub__put(hub, batch->extensions.items[i]));
    }
    gf_intake__committed(hub, batch);
    take_deletions(hub, batch);
    take_subscriptions(hub, batch);
    take_deliveries(hub, batch);
    for (size_t i = 0; i < batch->deleted_extensions.count; i++) {
        gf_hub__remove(hub, batch->deleted_extensions.items[i]);
    }
    gf_mutex_unlock(&hub->mutex);
    for (size_t i = 0; i < batch->extensions.count; i++) {
        gf_hub__tell(hub, batch->extensions.items[i]->extension_key);
    }
    for (size_t i = 0; i < batch->deleted_extensions.count; i++) {
        gf_hub__tell(hub, batch->deleted_extensions.items[i]);
    }
}

struct gf_engine_listener gf_extension_hub_listener(struct gf_extension_hub *hub) {
    return (struct gf_engine_listener){.ctx = hub, .committed = committed};
}
