/* Requests from outside: stored first, then delivered as any other delivery. */
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "engine/core/limits.h"

struct request {
    struct gf_command command;
    struct gf_extension_external *external;
    struct gf_arena arena;
};

enum {
    ARENA_BYTES_MAX = 64 << 20,
};

static void free_request(struct request *self) {
    gf_arena_fini(&self->arena);
    free(self);
}

static void stored(struct gf_command *command, const struct gf_reply *reply) {
    struct request *self = GF_CONTAINER_OF(command, struct request, command);
    self->external->duplicate = reply->error.code == GF_OK && reply->unchanged;
    self->external->stored(self->external, &reply->error);
    free_request(self);
}

static enum gf_code check(struct gf_extension_hub *hub, int64_t extension_key,
                          struct gf_error *err) {
    GF_MUTEX_GUARD(&hub->mutex);
    const struct gf_hub_extension *extension = gf_hub__find(hub, extension_key);
    if (extension == NULL || extension->gone || extension->installer) {
        return gf_fail(err, GF_NOT_FOUND, "the extension is not installed");
    }
    if (!extension->accepts_external) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_EXTERNAL_EVENTS",
                              "extension '%s' takes no requests from outside",
                              extension->extension_id);
    }
    return GF_OK;
}

enum gf_code gf_extension_hub_accept_external(struct gf_extension_hub *hub,
                                              struct gf_extension_external *external,
                                              struct gf_error *err) {
    enum gf_code rc = check(hub, external->extension_key, err);
    if (rc != GF_OK) {
        return rc;
    }
    const size_t size = gf_wire_encoded_size(&external->event->base);
    if (size > GF_DELIVERY_BYTES_MAX) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "DELIVERY_TOO_LARGE",
                              "the request has %zu bytes, expected up to %d", size,
                              GF_DELIVERY_BYTES_MAX);
    }
    struct request *self = GF_NEW(struct request);
    self->external = external;
    gf_arena_init(&self->arena, ARENA_BYTES_MAX);
    uint8_t *bytes = gf_arena_alloc(&self->arena, size + 1);
    struct gf_delivery *row = GF_ARENA_NEW(&self->arena, struct gf_delivery);
    *row = (struct gf_delivery){
        .extension_key = external->extension_key,
        .kind = GF_DELIVERY_EXTERNAL_EVENT,
        .key = gf_arena_str(&self->arena, gf_str_from(external->event->delivery_id)),
        .content = {(const char *)bytes, gf_wire_encode(&external->event->base, bytes)},
    };
    self->command.input.kind = GF_INPUT_ADD_DELIVERY;
    self->command.input.u.delivery.row = row;
    self->command.input.u.delivery.once = external->once;
    self->command.done = stored;
    rc = gf_engine_submit(hub->engine, &self->command, err);
    if (rc != GF_OK) {
        free_request(self);
    }
    return rc;
}
