/* What a connection is told once its subscriptions are sent, in the order of its importance. */
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "engine/core/limits.h"

#include <string.h>

static struct gf_hub_item *next_item(struct gf_hub_connection *self) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    struct gf_list_link *link = gf_list_pop_front(&self->items);
    self->item_count -= link != NULL;
    return link == NULL ? NULL : GF_CONTAINER_OF(link, struct gf_hub_item, link);
}

static bool send_items(struct gf_hub_connection *self, bool *out_more) {
    for (int i = 0; i < GF_HUB_STEP_MESSAGES && !gf_connection__is_long(self); i++) {
        struct gf_hub_item *item = next_item(self);
        if (item == NULL) {
            return true;
        }
        ProtobufCMessage *message = NULL;
        const enum gf_code rc =
            gf_wire_decode(&gofer__extension__v1__connect_response__descriptor, item->bytes,
                           item->size, &self->arena, &message, NULL);
        explicit_bzero(item->bytes, item->size); /* an answer of a person may be a secret */
        free(item);
        /* Only what was checked on its way in is queued. */
        if (rc == GF_OK &&
            !gf_connection__send(self,
                                 (const Gofer__Extension__V1__ConnectResponse *)(void *)message)) {
            return false;
        }
    }
    *out_more = true;
    return true;
}

static bool send_drain(struct gf_hub_connection *self) {
    gf_mutex_lock(&self->hub->mutex);
    const bool send = self->drain_asked && !self->drain_sent && !self->shutdown_asked;
    self->drain_sent |= send;
    gf_mutex_unlock(&self->hub->mutex);
    if (!send) {
        return true;
    }
    const int64_t now = gf_clock_wall_ns(self->hub->options.clock);
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_DRAIN;
    message->drain =
        GF_MESSAGE_NEW(&self->arena, Gofer__Extension__V1__Drain, gofer__extension__v1__drain);
    message->drain->reason = (char *)(uintptr_t) "another container takes its place, or it stops";
    message->drain->deadline_time =
        gf_message_time(now + GF_EXTENSION_DRAIN_LEASE_MS * GF_NS_PER_MS, &self->arena);
    return gf_connection__send(self, message);
}

static bool send_shutdown(struct gf_hub_connection *self) {
    const int64_t close_ns = gf_hub__ms(self->hub->options.close_ms, GF_EXTENSION_CLOSE_MS);
    gf_mutex_lock(&self->hub->mutex);
    const bool send = self->shutdown_asked && !self->shutdown_sent;
    self->shutdown_sent |= send;
    if (send) {
        self->close_deadline = gf_mono_ns() + close_ns;
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (!send) {
        return true;
    }
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SHUTDOWN;
    message->shutdown = GF_MESSAGE_NEW(&self->arena, Gofer__Extension__V1__Shutdown,
                                       gofer__extension__v1__shutdown);
    message->shutdown->reason = (char *)(uintptr_t) "its container is stopped";
    message->shutdown->deadline_time = gf_message_time(
        gf_clock_wall_ns(self->hub->options.clock) + GF_STOP_TIMEOUT_MS_DEFAULT * GF_NS_PER_MS,
        &self->arena);
    return gf_connection__send(self, message);
}

enum gf_connection_next gf_outgoing__send(struct gf_hub_connection *self) {
    bool more = false;
    gf_starts__retry(self);
    const bool go_on = gf_starts__send_acks(self, &more) && send_items(self, &more) &&
                       send_shutdown(self) && send_drain(self) && gf_set__send_dirty(self, &more) &&
                       gf_asks__send(self, &more) && gf_deliveries__send(self, &more) &&
                       gf_feed__send(self, &more);
    return go_on && more ? GF_CONNECTION_AGAIN : GF_CONNECTION_WAIT;
}
