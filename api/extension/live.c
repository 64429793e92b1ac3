/* What is seen of connections from outside. */
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"

#include <stdio.h>

enum {
    HEALTH_BYTES_MAX = 1 << 20, /* of a report that is kept */
};

/* The active one, else the newest. (m) */
static const struct gf_hub_connection *shown(const struct gf_hub_extension *extension) {
    if (extension->active != NULL) {
        return extension->active;
    }
    const struct gf_list_link *last = gf_list_last(&extension->connections);
    return last == NULL ? NULL : GF_CONTAINER_OF(last, struct gf_hub_connection, of_extension);
}

static void fill(const struct gf_hub_connection *connection, struct gf_extension_live *out) {
    out->connected = true;
    out->ready = connection->phase == GF_PHASE_READY;
    out->mode = connection->mode;
    out->attempt = connection->attempt;
    out->connect_time = connection->connect_time;
    out->latency_ns = connection->latency_ns;
    out->last_message_time = connection->last_message_time;
    out->health = connection->health;
    out->received_total = connection->received_total;
    out->acknowledged_total = connection->acknowledged_total;
    out->sent_total = connection->sent_total;
    out->answered_total = connection->answered_total;
    (void)snprintf(out->connection_id, sizeof(out->connection_id), "%s", connection->id);
    (void)snprintf(out->health_description, sizeof(out->health_description), "%s",
                   connection->health_description != NULL ? connection->health_description : "");
}

void gf_extension_hub_live(struct gf_extension_hub *hub, int64_t extension_key,
                           struct gf_extension_live *out) {
    *out = (struct gf_extension_live){0};
    GF_MUTEX_GUARD(&hub->mutex);
    const struct gf_hub_extension *extension = gf_hub__find(hub, extension_key);
    if (extension == NULL) {
        return;
    }
    out->protocol_major = extension->protocol_major;
    out->protocol_minor = extension->protocol_major != 0 ? GF_EXTENSION_PROTOCOL_MINOR : 0;
    out->pending_count = (int64_t)extension->delivery_count;
    const struct gf_hub_connection *connection = shown(extension);
    if (connection != NULL) {
        fill(connection, out);
    }
}

/* ---- Health ---- */

void gf_health__take(struct gf_hub_connection *self,
                     const Gofer__Extension__V1__HealthReport *report) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    const size_t size = gf_wire_encoded_size(&report->base);
    uint8_t *bytes = NULL;
    if (size <= HEALTH_BYTES_MAX) {
        bytes = gf_malloc(size + 1);
        (void)gf_wire_encode(&report->base, bytes);
    }
    char *description = gf_str_dup(gf_hub__sentence(report->description, &arena));
    gf_mutex_lock(&self->hub->mutex);
    const bool changed = self->health != report->health || self->health_description == NULL ||
                         strcmp(self->health_description, description) != 0;
    char *old_description = self->health_description;
    char *old_report = (char *)(uintptr_t)self->health_report.ptr;
    self->health = report->health;
    self->health_description = description;
    self->health_report = (struct gf_str){(char *)bytes, bytes != NULL ? size : 0};
    gf_mutex_unlock(&self->hub->mutex);
    free(old_description);
    free(old_report);
    gf_arena_fini(&arena);
    if (changed) {
        gf_hub__tell(self->hub, self->extension_key);
    }
}

/* ---- Metrics ---- */

struct figure {
    const char *name;
    const char *help;
    double value;
};

static Gofer__V1__ExtensionMetric *metric_of(const struct figure *figure, struct gf_arena *arena) {
    Gofer__V1__ExtensionMetric *metric =
        GF_MESSAGE_NEW(arena, Gofer__V1__ExtensionMetric, gofer__v1__extension_metric);
    metric->name = (char *)(uintptr_t)figure->name;
    metric->help = (char *)(uintptr_t)figure->help;
    metric->value = figure->value;
    return metric;
}

static int compare_metrics(const void *a, const void *b) {
    const Gofer__V1__ExtensionMetric *const *left = a;
    const Gofer__V1__ExtensionMetric *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* The bytes of its last report, in the arena; empty: there is none. */
static struct gf_str read_report(struct gf_extension_hub *hub, int64_t extension_key,
                                 struct gf_arena *arena) {
    GF_MUTEX_GUARD(&hub->mutex);
    const struct gf_hub_extension *extension = gf_hub__find(hub, extension_key);
    const struct gf_hub_connection *connection = extension == NULL ? NULL : shown(extension);
    return connection == NULL ? GF_STR("") : gf_arena_str(arena, connection->health_report);
}

void gf_extension_hub_metrics(struct gf_extension_hub *hub, int64_t extension_key,
                              struct gf_arena *arena, Gofer__V1__ExtensionMetric ***out_metrics,
                              size_t *out_count) {
    struct gf_extension_live live;
    gf_extension_hub_live(hub, extension_key, &live);
    const struct figure figures[] = {
        {"gofer_connection_ready", "1 if its connection is ready.", live.ready},
        {"gofer_deliveries_acknowledged_total",
         "Deliveries of its that gofer has acknowledged on this connection.",
         (double)live.acknowledged_total},
        {"gofer_deliveries_answered_total",
         "Deliveries to it that it has acknowledged on this connection.",
         (double)live.answered_total},
        {"gofer_deliveries_pending", "Deliveries to it, and runs of its, that wait.",
         (double)live.pending_count},
        {"gofer_deliveries_received_total", "Deliveries of its on this connection.",
         (double)live.received_total},
        {"gofer_deliveries_sent_total", "Deliveries to it on this connection.",
         (double)live.sent_total},
        {"gofer_latency_seconds", "Time that its last answer to a ping took.",
         (double)live.latency_ns / (double)GF_NS_PER_SEC},
    };
    const struct gf_str bytes = read_report(hub, extension_key, arena);
    ProtobufCMessage *message = NULL;
    const Gofer__Extension__V1__HealthReport *report = NULL;
    if (bytes.len > 0 &&
        gf_wire_decode(&gofer__extension__v1__health_report__descriptor, (const uint8_t *)bytes.ptr,
                       bytes.len, arena, &message, NULL) == GF_OK) {
        report = (const Gofer__Extension__V1__HealthReport *)(const void *)message;
    }
    const size_t own_count = report != NULL ? report->n_metrics : 0;
    const size_t count = own_count + GF_ARRAY_COUNT(figures);
    Gofer__V1__ExtensionMetric **metrics =
        GF_ARENA_ARRAY(arena, count, Gofer__V1__ExtensionMetric *);
    for (size_t i = 0; i < own_count; i++) {
        metrics[i] = report->metrics[i];
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(figures); i++) {
        metrics[own_count + i] = metric_of(&figures[i], arena);
    }
    qsort(metrics, count, sizeof(metrics[0]), compare_metrics);
    *out_metrics = metrics;
    *out_count = count;
}

/* ---- Watchers ---- */

void gf_extension_hub_watch(struct gf_extension_hub *hub, struct gf_extension_watcher *watcher) {
    GF_MUTEX_GUARD(&hub->mutex);
    watcher->running = 0;
    watcher->link = (struct gf_list_link){0};
    gf_list_push_back(&hub->watchers, &watcher->link);
}

void gf_extension_hub_unwatch(struct gf_extension_hub *hub, struct gf_extension_watcher *watcher) {
    GF_MUTEX_GUARD(&hub->mutex);
    gf_list_remove(&watcher->link);
    while (watcher->running > 0) {
        gf_cond_wait(&hub->changed_cond, &hub->mutex);
    }
}

void gf_hub__tell(struct gf_extension_hub *hub, int64_t extension_key) {
    /* Each is marked as running before the mutex is let go: unwatch waits for the mark. */
    GF_VEC(struct gf_extension_watcher *) watchers = {0};
    gf_mutex_lock(&hub->mutex);
    GF_LIST_FOREACH(link, &hub->watchers) {
        struct gf_extension_watcher *watcher =
            GF_CONTAINER_OF(link, struct gf_extension_watcher, link);
        if (watcher->extension_key == extension_key) {
            watcher->running++;
            gf_vec_push(&watchers, watcher);
        }
    }
    gf_mutex_unlock(&hub->mutex);
    for (size_t i = 0; i < watchers.count; i++) {
        watchers.items[i]->changed(watchers.items[i]);
    }
    gf_mutex_lock(&hub->mutex);
    for (size_t i = 0; i < watchers.count; i++) {
        watchers.items[i]->running--;
    }
    gf_cond_broadcast(&hub->changed_cond);
    gf_mutex_unlock(&hub->mutex);
    gf_vec_fini(&watchers);
}

struct gf_reactor *gf_extension_hub_reactor(struct gf_extension_hub *hub) {
    return hub->options.reactor;
}
