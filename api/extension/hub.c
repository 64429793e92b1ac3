#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "base/siphash.h"
#include "gofer/extension/v1/extension.gofer.h"

enum {
    LOAD_ROWS = 100,
    LOAD_BYTES_MAX = 1 << 30,
};

struct gf_extension_hub *gf_extension_hub_create(const struct gf_extension_hub_options *options) {
    struct gf_extension_hub *hub = GF_NEW(struct gf_extension_hub);
    hub->options = *options;
    gf_mutex_init(&hub->mutex, GF_RANK_EXTENSIONS);
    gf_cond_init(&hub->changed_cond);
    gf_list_init(&hub->connections);
    gf_list_init(&hub->watchers);
    gf_list_init(&hub->refused_asks);
    gf_list_init(&hub->refused_debugs);
    gf_list_init(&hub->runs_due);
    gf_list_init(&hub->held);
    gf_heap_init(&hub->times);
    hub->armed_mono = GF_NEVER;
    return hub;
}

static void free_extension(struct gf_hub_extension *extension) {
    gf_intake__free(extension);
    gf_vec_fini(&extension->tries);
    free(extension->extension_id);
    free(extension);
}

void gf_extension_hub_destroy(struct gf_extension_hub *hub) {
    if (hub == NULL) {
        return;
    }
    gf_assert(gf_list_empty(&hub->connections));
    gf_assert(gf_list_empty(&hub->watchers));
    gf_hub__free_held(hub);
    gf_deliveries__free(hub);
    size_t position = 0;
    void *extension = NULL;
    while (gf_map_i64_next(&hub->extensions, &position, NULL, &extension)) {
        free_extension(extension);
    }
    gf_map_i64_fini(&hub->extensions);
    gf_map_fini(&hub->by_id);
    gf_heap_fini(&hub->times);
    gf_cond_fini(&hub->changed_cond);
    gf_mutex_fini(&hub->mutex);
    free(hub);
}

/* ---- Extensions ---- */

struct gf_hub_extension *gf_hub__find(struct gf_extension_hub *hub, int64_t extension_key) {
    gf_mutex_assert_held(&hub->mutex);
    return gf_map_i64_get(&hub->extensions, extension_key);
}

uint64_t gf_hub__settings_hash(const struct gf_extension *row) {
    static const uint64_t key[2] = {0x676f666572206578, 0x74656e73696f6e73};
    return gf_siphash(key, row->spec.settings.ptr, row->spec.settings.len);
}

const struct gf_extension_spec *gf_hub__spec_of(const struct gf_extension *row, int32_t attempt) {
    const bool is_older = row->has_fallback && row->successor.attempt != attempt;
    return is_older && attempt != 0 ? &row->fallback : &row->spec;
}

static struct gf_hub_instance instance_of(const struct gf_extension_instance *instance) {
    return (struct gf_hub_instance){instance->attempt, instance->state};
}

static bool accepts_external(const struct gf_extension *row) {
    struct gf_arena arena;
    gf_arena_init(&arena, 64 << 20);
    const Gofer__Extension__V1__Registration *registration =
        gf_registration_read(row->registration, &arena);
    const bool accepts = registration != NULL && registration->accepts_external_events;
    gf_arena_fini(&arena);
    return accepts;
}

struct gf_hub_extension *gf_hub__put(struct gf_extension_hub *hub, const struct gf_extension *row) {
    gf_mutex_assert_held(&hub->mutex);
    struct gf_hub_extension *self = gf_hub__find(hub, row->extension_key);
    if (self == NULL) {
        self = GF_NEW(struct gf_hub_extension);
        self->extension_key = row->extension_key;
        self->extension_id = gf_str_dup(row->extension_id);
        self->installer = row->installer;
        gf_list_init(&self->connections);
        gf_list_init(&self->waiting);
        gf_list_init(&self->intake.asks);
        self->intake.version = 1;
        (void)gf_map_i64_put(&hub->extensions, row->extension_key, self);
        if (!row->installer) {
            (void)gf_map_put(&hub->by_id, row->extension_id, self);
        }
    }
    if (self->registration_size != row->registration.len) {
        /* A declaration that changes nearly always changes its size; connections set this too. */
        self->registration_size = row->registration.len;
        self->accepts_external = accepts_external(row);
        gf_intake__changed(self);
    }
    if (self->update_time != row->update_time || self->has_fallback != row->has_fallback) {
        self->update_time = row->update_time;
        self->has_fallback = row->has_fallback;
        gf_intake__changed(self);
    }
    const bool was_disabled = self->disabled;
    self->disabled = row->disabled;
    self->has_image = row->spec.image.len > 0;
    self->settings_hash = self->has_image ? 0 : gf_hub__settings_hash(row);
    self->serving = instance_of(&row->serving);
    self->successor = instance_of(&row->successor);
    self->leaving = instance_of(&row->leaving);
    if (row->event_sequence > self->event_sequence) {
        self->event_sequence = row->event_sequence;
    }
    if (was_disabled && !self->disabled) {
        gf_deliveries__wake(hub, self);
    }
    return self;
}

void gf_hub__let_go(struct gf_extension_hub *hub, struct gf_hub_extension *extension) {
    gf_mutex_assert_held(&hub->mutex);
    if (extension->gone && gf_list_empty(&extension->connections) &&
        extension->delivery_count == 0 && !extension->intake.in_progress) {
        (void)gf_map_i64_remove(&hub->extensions, extension->extension_key);
        free_extension(extension);
    }
}

void gf_hub__remove(struct gf_extension_hub *hub, int64_t extension_key) {
    struct gf_hub_extension *extension = gf_hub__find(hub, extension_key);
    if (extension == NULL) {
        return;
    }
    const struct gf_str id = gf_str_from(extension->extension_id);
    extension->gone = true;
    if (gf_map_get(&hub->by_id, id) == extension) {
        (void)gf_map_remove(&hub->by_id, id);
    }
    gf_deliveries__remove_all(hub, extension);
    gf_hub__apply(hub, extension);
    gf_hub__let_go(hub, extension);
}

/* ---- Connections of an extension ---- */

static bool may_be_active(const struct gf_hub_extension *extension,
                          const struct gf_hub_connection *connection) {
    if (connection->phase != GF_PHASE_READY || connection->ending || connection->drain_asked ||
        connection->shutdown_asked || connection->drained || extension->gone ||
        extension->disabled) {
        return false;
    }
    return extension->has_image ? connection->attempt == extension->serving.attempt
                                : connection->attempt == 0;
}

void gf_hub__choose_active(struct gf_extension_hub *hub, struct gf_hub_extension *extension) {
    gf_mutex_assert_held(&hub->mutex);
    struct gf_hub_connection *active = NULL;
    bool one_ends = false;
    GF_LIST_FOREACH(link, &extension->connections) {
        struct gf_hub_connection *connection =
            GF_CONTAINER_OF(link, struct gf_hub_connection, of_extension);
        one_ends = one_ends || (connection->ending && connection->was_ready);
        if (may_be_active(extension, connection)) {
            active = connection;
        }
    }
    if (one_ends && active != extension->active) {
        active = NULL; /* what the other one had is given back first; its end comes here again */
    }
    if (extension->active == active) {
        return;
    }
    extension->active = active;
    if (active != NULL) {
        gf_feed__start(active);
        gf_connection__kick(active);
    }
    gf_deliveries__wake(hub, extension);
}

static const struct gf_hub_instance *instance_for(const struct gf_hub_extension *extension,
                                                  int32_t attempt) {
    if (attempt == extension->serving.attempt) {
        return &extension->serving;
    }
    if (attempt == extension->successor.attempt) {
        return &extension->successor;
    }
    return attempt == extension->leaving.attempt ? &extension->leaving : NULL;
}

static void apply_instance(struct gf_hub_extension *extension,
                           struct gf_hub_connection *connection) {
    const struct gf_hub_instance *instance = instance_for(extension, connection->attempt);
    if (instance == NULL) {
        gf_connection__fail(connection, GF_ABORTED, "CONTAINER_REPLACED",
                            "the container of this program is none of extension '%s' any more",
                            extension->extension_id);
        return;
    }
    const enum gf_instance_state state = instance->state;
    connection->drain_asked |= state == GF_INSTANCE_DRAINING || instance == &extension->leaving;
    connection->shutdown_asked |= state == GF_INSTANCE_STOPPING;
}

static void apply(struct gf_hub_extension *extension, struct gf_hub_connection *connection) {
    const bool drain_asked = connection->drain_asked;
    const bool shutdown_asked = connection->shutdown_asked;
    const bool ending = connection->ending;
    if (extension->gone) {
        connection->shutdown_asked = true;
        gf_connection__fail(connection, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                            "extension '%s' is not installed any more", extension->extension_id);
    } else if (extension->disabled) {
        connection->shutdown_asked = true;
        gf_connection__fail(connection, GF_PERMISSION_DENIED, "EXTENSION_DISABLED",
                            "extension '%s' is disabled", extension->extension_id);
    } else if (connection->attempt != 0) {
        apply_instance(extension, connection);
    } else if (extension->has_image) {
        gf_connection__fail(connection, GF_FAILED_PRECONDITION, "EXTENSION_HAS_IMAGE",
                            "extension '%s' is run by gofer from its image",
                            extension->extension_id);
    } else if (connection->settings_hash != extension->settings_hash) {
        connection->shutdown_asked = true;
        gf_connection__fail(connection, GF_UNAVAILABLE, "SETTINGS_CHANGED",
                            "the settings of extension '%s' have changed: connect again",
                            extension->extension_id);
    }
    if (drain_asked != connection->drain_asked || shutdown_asked != connection->shutdown_asked ||
        ending != connection->ending) {
        gf_connection__kick(connection);
    }
}

void gf_hub__apply(struct gf_extension_hub *hub, struct gf_hub_extension *extension) {
    gf_mutex_assert_held(&hub->mutex);
    GF_LIST_FOREACH(link, &extension->connections) {
        apply(extension, GF_CONTAINER_OF(link, struct gf_hub_connection, of_extension));
    }
    gf_hub__choose_active(hub, extension);
}

/* ---- Start and stop ---- */

static enum gf_code load_extensions(struct gf_extension_hub *hub, struct gf_arena *arena,
                                    struct gf_error *err) {
    struct gf_store *store = hub->options.store;
    struct gf_str after = {NULL, 0};
    for (;;) {
        struct gf_extension *items = NULL;
        size_t count = 0;
        struct gf_store_reader *reader = store->ops->open_reader(store);
        const enum gf_code rc =
            store->ops->extensions->list(reader, after, LOAD_ROWS, arena, &items, &count, err);
        store->ops->close_reader(store, reader);
        if (rc != GF_OK || count == 0) {
            return rc;
        }
        gf_mutex_lock(&hub->mutex);
        for (size_t i = 0; i < count; i++) {
            /* What is known already is from a batch that is newer. */
            if (gf_hub__find(hub, items[i].extension_key) == NULL) {
                (void)gf_hub__put(hub, &items[i]);
            }
        }
        gf_mutex_unlock(&hub->mutex);
        after = items[count - 1].extension_id;
    }
}

enum gf_code gf_extension_hub_start(struct gf_extension_hub *hub, struct gf_engine *engine,
                                    struct gf_error *err) {
    hub->engine = engine;
    struct gf_arena arena;
    gf_arena_init(&arena, LOAD_BYTES_MAX);
    enum gf_code rc = load_extensions(hub, &arena, err);
    gf_arena_fini(&arena);
    if (rc == GF_OK) {
        rc = gf_deliveries__load(hub, err);
    }
    if (rc == GF_OK) {
        gf_mutex_lock(&hub->mutex);
        hub->started = true;
        gf_mutex_unlock(&hub->mutex);
    }
    return rc;
}

void gf_extension_hub_stop(struct gf_extension_hub *hub) {
    gf_mutex_lock(&hub->mutex);
    const bool stopping = hub->stopping;
    hub->stopping = true;
    GF_LIST_FOREACH(link, &hub->connections) {
        struct gf_hub_connection *connection =
            GF_CONTAINER_OF(link, struct gf_hub_connection, link);
        gf_connection__fail(connection, GF_UNAVAILABLE, "", "the server is stopping");
        gf_connection__kick(connection);
    }
    gf_mutex_unlock(&hub->mutex);
    if (!stopping) {
        gf_hub__stop_times(hub);
    }
}

void gf_extension_hub_check_tokens(struct gf_extension_hub *hub) {
    gf_mutex_lock(&hub->mutex);
    GF_LIST_FOREACH(link, &hub->connections) {
        gf_connection__kick(GF_CONTAINER_OF(link, struct gf_hub_connection, link));
    }
    gf_mutex_unlock(&hub->mutex);
}
