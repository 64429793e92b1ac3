/*
 * How requests from outside are verified. Nobody outside may cost a read of the store or of the
 * secrets with each request: what was found is kept until the extension, its declaration or a
 * secret has changed, and that something could not be found for a moment.
 *
 * A job makes it, one for each extension at a time. Versions are looked at before the rows are
 * read, so that what changes meanwhile is seen by the next who asks.
 */
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "api/extension/settings.h"
#include "base/alloc.h"
#include "engine/secrets/guarded.h"

enum {
    JOB_BYTES_MAX = 128 << 20, /* a registration, and settings filled in */
    INTAKE_BYTES_MAX = 1 << 20,
    RETRY_MS = 1000,
};

struct making {
    struct gf_extension_hub *hub;
    int64_t extension_key;
    char *extension_id;
    uint64_t version, secrets;
};

/* ---- The intake ---- */

void gf_extension_intake_ref(struct gf_extension_intake *intake) {
    atomic_fetch_add_explicit(&intake->references, 1, memory_order_relaxed);
}

void gf_extension_intake_unref(struct gf_extension_intake *intake) {
    if (intake != NULL &&
        atomic_fetch_sub_explicit(&intake->references, 1, memory_order_acq_rel) == 1) {
        gf_guarded_free(intake->guarded);
        gf_arena_fini(&intake->arena);
        free(intake);
    }
}

static struct gf_extension_intake *new_intake(int64_t extension_key) {
    struct gf_extension_intake *intake = GF_NEW(struct gf_extension_intake);
    intake->extension_key = extension_key;
    gf_arena_init(&intake->arena, INTAKE_BYTES_MAX);
    atomic_init(&intake->references, 1);
    return intake;
}

/* ---- Making one: on a worker ---- */

static enum gf_code read_key(struct gf_extension_hub *hub, const struct gf_extension *row,
                             const Gofer__Extension__V1__Registration *registration,
                             struct gf_arena *arena, struct gf_extension_intake *intake,
                             struct gf_error *err) {
    GF_CLEANUP(gf_settings_close) struct gf_open_settings given = {0};
    const struct gf_str name = gf_str_from(intake->verification->key_parameter_name);
    const struct gf_str place = gf_settings_place_of_extension(row->extension_id, arena);
    const struct gf_extension_spec *spec = gf_hub__spec_of(row, row->serving.attempt);
    if (gf_settings_open(hub->options.vault, place, spec->settings, &given, err) != GF_OK) {
        return gf_wrap(err, "settings of extension '%" GF_STR_FMT "'",
                       GF_STR_ARG(row->extension_id));
    }
    struct gf_hub_settings settings;
    gf_settings__prepare(hub, registration->config_parameters, registration->n_config_parameters,
                         given.items, given.count, NULL, arena, &settings);
    for (size_t i = 0; i < settings.check.count; i++) {
        const struct gf_setting *setting = &settings.check.settings[i];
        if (gf_str_eq_nocase(setting->name, name) && setting->value.len > 0) {
            intake->guarded = gf_guarded_alloc(setting->value.len);
            memcpy(intake->guarded, setting->value.ptr, setting->value.len);
            intake->key = (struct gf_str){intake->guarded, setting->value.len};
            return GF_OK;
        }
    }
    return gf_fail(err, GF_UNAVAILABLE,
                   "extension '%" GF_STR_FMT "' has no value of '%" GF_STR_FMT
                   "', by which requests from outside are verified",
                   GF_STR_ARG(row->extension_id), GF_STR_ARG(name));
}

/* A copy that lives as long as the intake. */
static const Gofer__Extension__V1__ExternalEventVerification *
copy_verification(const Gofer__Extension__V1__ExternalEventVerification *from,
                  struct gf_arena *arena) {
    ProtobufCMessage *message = NULL;
    const size_t size = gf_wire_encoded_size(&from->base);
    uint8_t *bytes = gf_arena_alloc(arena, size + 1);
    const enum gf_code rc =
        gf_wire_decode(&gofer__extension__v1__external_event_verification__descriptor, bytes,
                       gf_wire_encode(&from->base, bytes), arena, &message, NULL);
    gf_assert(rc == GF_OK);
    return (const Gofer__Extension__V1__ExternalEventVerification *)(const void *)message;
}

static enum gf_code make(const struct making *making, struct gf_arena *arena,
                         struct gf_extension_intake **out, struct gf_error *err) {
    struct gf_store *store = making->hub->options.store;
    struct gf_extension row;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    enum gf_code rc =
        store->ops->extensions->get(reader, gf_str_from(making->extension_id), arena, &row, err);
    store->ops->close_reader(store, reader);
    if (rc != GF_OK) {
        return rc;
    }
    const Gofer__Extension__V1__Registration *registration =
        row.extension_key == making->extension_key ? gf_registration_read(row.registration, arena)
                                                   : NULL;
    if (registration == NULL || !registration->accepts_external_events) {
        return gf_fail(err, GF_NOT_FOUND, "it takes no requests from outside");
    }
    struct gf_extension_intake *intake = new_intake(making->extension_key);
    if (registration->external_event_verification != NULL) {
        intake->verification =
            copy_verification(registration->external_event_verification, &intake->arena);
        rc = read_key(making->hub, &row, registration, arena, intake, err);
    }
    if (rc != GF_OK) {
        gf_extension_intake_unref(intake);
        return rc;
    }
    *out = intake;
    return GF_OK;
}

/* ---- Asking ---- */

/* What is known. False: it must be made. (m) */
static bool answer(struct gf_extension_hub *hub, struct gf_hub_extension *extension,
                   struct gf_extension_intake_ask *ask) {
    struct gf_hub_intake *intake = &extension->intake;
    if (intake->made_version != intake->version || intake->made_secrets != hub->secrets_version) {
        return false;
    }
    if (intake->known == NULL && gf_mono_ns() >= intake->retry_mono) {
        return false;
    }
    ask->error = intake->error;
    ask->intake = intake->known;
    if (ask->intake != NULL) {
        gf_extension_intake_ref(ask->intake);
    }
    return true;
}

/* Keeps what was made, and takes those who wait for it. */
static void keep(const struct making *making, struct gf_extension_intake *made,
                 const struct gf_error *error, struct gf_list *out_asks) {
    struct gf_extension_hub *hub = making->hub;
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_extension *extension = gf_hub__find(hub, making->extension_key);
    struct gf_hub_intake *intake = &extension->intake;
    gf_extension_intake_unref(intake->known);
    intake->known = made;
    intake->error = *error;
    intake->made_version = making->version;
    intake->made_secrets = making->secrets;
    intake->retry_mono = gf_mono_ns() + RETRY_MS * GF_NS_PER_MS;
    intake->in_progress = false;
    GF_LIST_FOREACH(link, &intake->asks) {
        struct gf_extension_intake_ask *ask =
            GF_CONTAINER_OF(link, struct gf_extension_intake_ask, link);
        ask->error = *error;
        ask->intake = made;
        if (made != NULL) {
            gf_extension_intake_ref(made);
        }
    }
    gf_list_append_all(out_asks, &intake->asks);
    gf_hub__let_go(hub, extension);
}

static void run(void *ctx) {
    struct making *making = ctx;
    struct gf_extension_intake *made = NULL;
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_list asks;
    gf_list_init(&asks);
    gf_arena_init(&arena, JOB_BYTES_MAX);
    const enum gf_code rc = make(making, &arena, &made, &error);
    gf_arena_wipe(&arena);
    gf_arena_fini(&arena);
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        error.code = GF_UNAVAILABLE;
    }
    keep(making, made, &error, &asks);
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&asks)) != NULL) {
        struct gf_extension_intake_ask *ask =
            GF_CONTAINER_OF(link, struct gf_extension_intake_ask, link);
        ask->known(ask);
    }
    free(making->extension_id);
    free(making);
}

/* (m) */
static void begin(struct gf_extension_hub *hub, struct gf_hub_extension *extension) {
    struct making *making = GF_NEW(struct making);
    *making = (struct making){.hub = hub,
                              .extension_key = extension->extension_key,
                              .extension_id = gf_str_dup(gf_str_from(extension->extension_id)),
                              .version = extension->intake.version,
                              .secrets = hub->secrets_version};
    extension->intake.in_progress = true;
    gf_pool_submit_reserved(hub->options.pool, run, making);
}

bool gf_extension_hub_takes_external(struct gf_extension_hub *hub, struct gf_str extension_id) {
    GF_MUTEX_GUARD(&hub->mutex);
    const struct gf_hub_extension *extension = gf_map_get(&hub->by_id, extension_id);
    return extension != NULL && extension->accepts_external;
}

bool gf_extension_hub_ask_intake(struct gf_extension_hub *hub,
                                 struct gf_extension_intake_ask *ask) {
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_extension *extension = gf_map_get(&hub->by_id, ask->extension_id);
    ask->error = (struct gf_error){0};
    ask->intake = NULL;
    if (hub->stopping) {
        gf_ignore(gf_fail(&ask->error, GF_UNAVAILABLE, "the server is stopping"));
        return true;
    }
    if (extension == NULL || !extension->accepts_external) {
        gf_ignore(gf_fail(&ask->error, GF_NOT_FOUND, "it takes no requests from outside"));
        return true;
    }
    if (answer(hub, extension, ask)) {
        return true;
    }
    gf_list_push_back(&extension->intake.asks, &ask->link);
    if (!extension->intake.in_progress) {
        begin(hub, extension);
    }
    return false;
}

/* ---- Changes ---- */

void gf_intake__changed(struct gf_hub_extension *extension) {
    extension->intake.version++;
}

void gf_intake__committed(struct gf_extension_hub *hub, const struct gf_batch *batch) {
    gf_mutex_assert_held(&hub->mutex);
    for (size_t i = 0; i < batch->events.count; i++) {
        const enum gf_event_kind kind = batch->events.items[i].kind;
        if (kind == GF_EVENT_SECRET_WRITTEN || kind == GF_EVENT_SECRET_DELETED) {
            hub->secrets_version++;
        }
    }
}

void gf_intake__free(struct gf_hub_extension *extension) {
    gf_assert(!extension->intake.in_progress);
    gf_extension_intake_unref(extension->intake.known);
}
