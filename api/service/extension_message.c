#include "api/service/extension_message.h"

#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub.h"
#include "api/extension/settings.h"
#include "base/log.h"
#include "engine/core/limits.h"

#include <stdio.h>

/* Numbers of the model are those of the contract. */
#define SAME(model, message) _Static_assert((int)(model) == (int)(message), #model)
SAME(GF_EXTENSION_UPDATE_NEVER, GOFER__V1__EXTENSION_UPDATE_POLICY__EXTENSION_UPDATE_POLICY_NEVER);
SAME(GF_EXTENSION_UPDATE_PATCH, GOFER__V1__EXTENSION_UPDATE_POLICY__EXTENSION_UPDATE_POLICY_PATCH);
SAME(GF_SUBSCRIPTION_ACTIVE, GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_ACTIVE);
SAME(GF_SUBSCRIPTION_PENDING, GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_PENDING);
SAME(
    GF_SUBSCRIPTION_REASON_EXTENSION_NOT_FOUND,
    GOFER__V1__SUBSCRIPTION_STATUS_REASON_KIND__SUBSCRIPTION_STATUS_REASON_KIND_EXTENSION_NOT_FOUND);
SAME(GF_SUBSCRIPTION_REASON_EXTENSION_FAILED,
     GOFER__V1__SUBSCRIPTION_STATUS_REASON_KIND__SUBSCRIPTION_STATUS_REASON_KIND_EXTENSION_FAILED);

const Gofer__Extension__V1__Registration *gf_extension_declares(const struct gf_extension *row,
                                                                struct gf_arena *arena) {
    static const Gofer__Extension__V1__Registration none = GOFER__EXTENSION__V1__REGISTRATION__INIT;
    ProtobufCMessage *message = NULL;
    struct gf_error error = {0};
    if (row->registration.len == 0) {
        return &none;
    }
    if (gf_wire_decode(&gofer__extension__v1__registration__descriptor,
                       (const uint8_t *)row->registration.ptr, row->registration.len, arena,
                       &message, &error) != GF_OK) {
        gf_log_error("registration_unreadable", GF_KV_VIEW("extension", row->extension_id),
                     GF_KV_ERROR(&error));
        return &none;
    }
    return (const Gofer__Extension__V1__Registration *)(const void *)message;
}

/* ---- Settings ---- */

/* Names as they are declared, where they are. */
static struct gf_str shown_name(const struct gf_setting *setting,
                                Gofer__V1__ExtensionParameter *const *parameters, size_t count) {
    const Gofer__V1__ExtensionParameter *parameter =
        gf_parameter_find(parameters, count, setting->name);
    return parameter != NULL ? gf_str_from(parameter->name) : setting->name;
}

/* What can be opened of the sealed settings, as it is shown. Those that were tampered with are
 * left out: whoever wants to replace them must be able to see the rest. */
static size_t show_settings(struct gf_read *read, struct gf_str place, struct gf_str sealed,
                            Gofer__V1__ExtensionParameter *const *parameters,
                            size_t parameter_count, struct gf_setting **out) {
    GF_CLEANUP(gf_settings_close) struct gf_open_settings opened = {0};
    struct gf_error error = {0};
    if (gf_settings_open(read->services->vault, place, sealed, &opened, &error) != GF_OK) {
        gf_log_error("settings_unreadable", GF_KV_VIEW("place", place), GF_KV_ERROR(&error));
        return 0;
    }
    struct gf_setting *shown = GF_ARENA_ARRAY(read->arena, opened.count, struct gf_setting);
    for (size_t i = 0; i < opened.count; i++) {
        shown[i].name =
            gf_arena_str(read->arena, shown_name(&opened.items[i], parameters, parameter_count));
        shown[i].value = gf_arena_str(
            read->arena, gf_setting_shown(&opened.items[i], parameters, parameter_count));
    }
    *out = shown;
    return opened.count;
}

/* ---- Extensions ---- */

/* Where its program is, and why, as far as that is not well. */
struct condition {
    Gofer__V1__ExtensionState state;
    struct gf_str reason;
};

/* How the core begins what it notes of an update that failed (extension_update.c). */
#define UPDATE_GIVEN_UP "the update was given up: "

#define STATE(name) GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_##name

static bool is_leaving(const struct gf_extension_instance *instance) {
    return instance->attempt != 0 &&
           (instance->state == GF_INSTANCE_DRAINING || instance->state == GF_INSTANCE_STOPPING);
}

static struct condition condition_of(const struct gf_extension *row,
                                     const struct gf_extension_live *live) {
    const bool by_hand = row->spec.image.len == 0;
    if (row->disabled) {
        return is_leaving(&row->serving) || is_leaving(&row->leaving)
                   ? (struct condition){STATE(DRAINING), GF_STR("it was disabled")}
                   : (struct condition){STATE(EXITED), GF_STR("it is disabled")};
    }
    if (is_leaving(&row->serving)) {
        return (struct condition){STATE(DRAINING), row->last_trouble};
    }
    if (live->connected && live->ready) {
        /* Of what is over an update that failed alone is still of interest. */
        const bool gave_up = gf_str_has_prefix(row->last_trouble, GF_STR(UPDATE_GIVEN_UP));
        return (struct condition){STATE(RUNNING), gave_up ? row->last_trouble : GF_STR("")};
    }
    if (row->next_start_time != 0) {
        return (struct condition){STATE(BACKING_OFF), row->last_trouble};
    }
    if (by_hand && !live->connected) {
        return (struct condition){STATE(EXITED), GF_STR("it is run by hand, and is not connected")};
    }
    return (struct condition){STATE(STARTING), row->last_trouble};
}

static void show_live(struct gf_read *read, const struct gf_extension *row,
                      Gofer__V1__Extension *message) {
    struct gf_arena *arena = read->arena;
    struct gf_extension_live live = {0};
    gf_extension_hub_live(read->services->extension_hub, row->extension_key, &live);
    const struct condition condition = condition_of(row, &live);
    message->state = condition.state;
    message->state_reason = gf_message_text(condition.reason, arena);
    if (live.connected) {
        message->health = live.health;
        message->health_description = gf_message_text(gf_str_from(live.health_description), arena);
        message->connect_time = gf_message_time(live.connect_time, arena);
        message->latency = gf_message_duration(live.latency_ns, arena);
    }
    if (row->registration.len > 0) {
        const int major =
            live.protocol_major != 0 ? live.protocol_major : (int)GF_EXTENSION_PROTOCOL_MAJOR;
        const int minor =
            live.protocol_major != 0 ? live.protocol_minor : (int)GF_EXTENSION_PROTOCOL_MINOR;
        message->protocol_version = gf_arena_printf(arena, "%d.%d", major, minor);
    }
}

static void show_declaration(const Gofer__Extension__V1__Registration *declaration, bool full,
                             Gofer__V1__Extension *message) {
    message->version = declaration->version;
    message->sdk_version = declaration->sdk_version;
    if (full) {
        message->documentation = declaration->documentation;
    }
    message->n_config_parameters = declaration->n_config_parameters;
    message->config_parameters = declaration->config_parameters;
    message->n_subscription_parameters = declaration->n_subscription_parameters;
    message->subscription_parameters = declaration->subscription_parameters;
}

static Gofer__V1__ExtensionExternalEvents *
external_events(const struct gf_extension *row,
                const Gofer__Extension__V1__Registration *declaration, struct gf_arena *arena) {
    const Gofer__Extension__V1__ExternalEventVerification *verification =
        declaration->external_event_verification;
    if (!declaration->accepts_external_events) {
        return NULL;
    }
    Gofer__V1__ExtensionExternalEvents *message = GF_MESSAGE_NEW(
        arena, Gofer__V1__ExtensionExternalEvents, gofer__v1__extension_external_events);
    message->path = gf_arena_printf(arena, "/external/%" GF_STR_FMT, GF_STR_ARG(row->extension_id));
    if (verification != NULL) {
        static const char *const algorithms[] = {"", "SHA256", "SHA512", "SHA1"};
        const size_t number = (size_t)verification->algorithm;
        message->algorithm =
            (char *)(uintptr_t)(number < GF_ARRAY_COUNT(algorithms) ? algorithms[number] : "");
        message->key_parameter_name = verification->key_parameter_name;
        message->signature_header = verification->signature_header;
        message->delivery_id_header = verification->delivery_id_header;
        message->timestamp_header = verification->timestamp_header;
    }
    return message;
}

static const char *network_name(enum gf_network_mode mode) {
    switch (mode) {
    case GF_NETWORK_NONE:
        return "none";
    case GF_NETWORK_BRIDGE:
        return "bridge";
    case GF_NETWORK_HOST:
        return "host";
    case GF_NETWORK_UNSPECIFIED:
        break;
    }
    return "";
}

static void show_row(const struct gf_extension *row, struct gf_arena *arena,
                     Gofer__V1__Extension *message) {
    message->extension_id = gf_message_text(row->extension_id, arena);
    message->image = gf_message_text(row->spec.image, arena);
    message->image_digest = gf_message_text(row->serving.image_digest, arena);
    message->network = gf_message_text(gf_str_from(network_name(row->spec.network)), arena);
    message->role_ids = gf_message_texts(row->role_ids, row->role_count, arena);
    message->n_role_ids = row->role_count;
    message->update_policy = (Gofer__V1__ExtensionUpdatePolicy)row->update_policy;
    message->status = row->disabled ? GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_DISABLED
                                    : GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_ENABLED;
    message->create_time = gf_message_time(row->create_time, arena);
    message->update_time = gf_message_time(row->update_time, arena);
    message->next_start_time = gf_message_time(row->next_start_time, arena);
    message->restart_count = row->restart_count;
    message->run_count = row->run_count;
}

enum gf_code gf_extension_to_message(struct gf_read *read, const struct gf_extension *row,
                                     bool full, Gofer__V1__Extension **out, struct gf_error *err) {
    struct gf_arena *arena = read->arena;
    struct gf_extension_counts counts = {0};
    const enum gf_code rc =
        read->store->extensions->count(read->reader, row->extension_key, &counts, err);
    if (rc != GF_OK) {
        return rc;
    }
    const Gofer__Extension__V1__Registration *declaration = gf_extension_declares(row, arena);
    Gofer__V1__Extension *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__Extension, gofer__v1__extension);
    show_row(row, arena, message);
    show_declaration(declaration, full, message);
    message->external_events = external_events(row, declaration, arena);
    show_live(read, row, message);
    struct gf_setting *settings = NULL;
    const size_t setting_count = show_settings(
        read, gf_settings_place_of_extension(row->extension_id, arena), row->spec.settings,
        declaration->config_parameters, declaration->n_config_parameters, &settings);
    GF_MAP_WRITE(message, settings, Gofer__V1__Extension__SettingsEntry,
                 gofer__v1__extension__settings_entry, setting_count, settings[i].name,
                 settings[i].value, arena);
    message->subscription_count = counts.subscriptions;
    message->pending_delivery_count = counts.pending_deliveries;
    message->dead_letter_count = counts.dead_letters;
    *out = message;
    return GF_OK;
}

/* ---- Subscriptions ---- */

struct gf_shown_extension gf_extension_shown(const struct gf_extension *row,
                                             struct gf_arena *arena) {
    return (struct gf_shown_extension){gf_extension_declares(row, arena), row->disabled};
}

static void write_status(const struct gf_subscription *row, bool extension_disabled,
                         struct gf_arena *arena, Gofer__V1__Subscription *message) {
    enum gf_subscription_status status = row->status;
    enum gf_subscription_reason reason = row->reason;
    const char *text = gf_message_text(row->reason_text, arena);
    if (extension_disabled && status != GF_SUBSCRIPTION_DISABLED) {
        status = GF_SUBSCRIPTION_ERROR;
        reason = GF_SUBSCRIPTION_REASON_EXTENSION_DISABLED;
        text = gf_arena_printf(arena, "extension '%" GF_STR_FMT "' is disabled",
                               GF_STR_ARG(row->extension_id));
    }
    message->status = (Gofer__V1__SubscriptionStatus)status;
    if (reason != GF_SUBSCRIPTION_REASON_UNSPECIFIED) {
        message->status_reason = GF_MESSAGE_NEW(arena, Gofer__V1__SubscriptionStatusReason,
                                                gofer__v1__subscription_status_reason);
        message->status_reason->kind = (Gofer__V1__SubscriptionStatusReasonKind)reason;
        message->status_reason->description = (char *)(uintptr_t)text;
    }
}

Gofer__V1__Subscription *gf_subscription_to_message(struct gf_read *read,
                                                    const struct gf_subscription *row,
                                                    const struct gf_shown_extension *extension) {
    const Gofer__Extension__V1__Registration *declaration = extension->declaration;
    struct gf_arena *arena = read->arena;
    Gofer__V1__Subscription *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__Subscription, gofer__v1__subscription);
    message->namespace_id = gf_message_text(row->namespace_id, arena);
    message->pipeline_id = gf_message_text(row->pipeline_id, arena);
    message->extension_id = gf_message_text(row->extension_id, arena);
    message->subscription_id = gf_message_text(row->subscription_id, arena);
    struct gf_setting *settings = NULL;
    const struct gf_str place = gf_settings_place_of_subscription(
        row->namespace_id, row->pipeline_id, row->extension_id, row->subscription_id, arena);
    const size_t setting_count =
        show_settings(read, place, row->settings, declaration->subscription_parameters,
                      declaration->n_subscription_parameters, &settings);
    GF_MAP_WRITE(message, settings, Gofer__V1__Subscription__SettingsEntry,
                 gofer__v1__subscription__settings_entry, setting_count, settings[i].name,
                 settings[i].value, arena);
    write_status(row, extension->disabled, arena, message);
    message->create_time = gf_message_time(row->create_time, arena);
    message->update_time = gf_message_time(row->update_time, arena);
    message->last_run_time = gf_message_time(row->last_run_time, arena);
    message->last_run_id = row->last_run_id;
    message->run_count = row->run_count;
    return message;
}

Gofer__V1__SubscriptionReference *gf_subscription_reference(struct gf_str namespace_id,
                                                            struct gf_str pipeline_id,
                                                            struct gf_str subscription_id,
                                                            struct gf_arena *arena) {
    if (subscription_id.len == 0) {
        return NULL;
    }
    Gofer__V1__SubscriptionReference *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__SubscriptionReference, gofer__v1__subscription_reference);
    message->namespace_id = gf_message_text(namespace_id, arena);
    message->pipeline_id = gf_message_text(pipeline_id, arena);
    message->subscription_id = gf_message_text(subscription_id, arena);
    return message;
}
