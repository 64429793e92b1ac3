/*
 * gofer's own events, for an extension that asked for some when it registered: those that match any
 * of its filters and that its roles let it read, in their order, from where the extension left off.
 *
 * Design: events are not copied anywhere: the log of events is the queue, and the row of the
 * extension has the place up to which all are dealt with. What is between that place and where was
 * read to is `flights`: events that were sent and not answered, that wait to be tried again, or
 * that are on their way to the dead letters. While one waits, nothing new is read: what comes
 * behind it should not overtake it by far. Attempts are counted with the extension, so that an
 * event that makes it crash does not do so for ever.
 */
#include "api/access/visibility.h"
#include "api/codec/model/event.h"
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/event_flights.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "engine/core/limits.h"

#include <stdio.h>

static int64_t backoff_ns(int32_t attempts) {
    int64_t ms = GF_DELIVERY_BACKOFF_MS_MIN;
    for (int32_t i = 1; i < attempts && ms < GF_DELIVERY_BACKOFF_MS_MAX; i++) {
        ms *= 2;
    }
    return (ms < GF_DELIVERY_BACKOFF_MS_MAX ? ms : GF_DELIVERY_BACKOFF_MS_MAX) * GF_NS_PER_MS;
}

/* ---- Life ---- */

static void store_place(struct gf_hub_connection *self, bool at_end);

static void wake(struct gf_event_follower *follower) {
    gf_connection__kick(GF_CONTAINER_OF(follower, struct gf_hub_connection, follower));
}

void gf_feed__start(struct gf_hub_connection *self) {
    gf_mutex_assert_held(&self->hub->mutex);
    if (self->selection_count == 0 || self->feed != NULL ||
        self->mode == GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_INSTALLER) {
        return;
    }
    struct gf_hub_feed *feed = GF_NEW(struct gf_hub_feed);
    feed->read = self->extension->event_sequence;
    feed->stored = feed->read;
    self->feed = feed;
}

void gf_feed__stop(struct gf_hub_connection *self) {
    if (self->follows) {
        gf_event_hub_remove(self->hub->options.events, &self->follower);
        self->follows = false;
        store_place(self, /* at_end= */ true);
    }
}

void gf_feed__free(struct gf_hub_connection *self) {
    struct gf_hub_feed *feed = self->feed;
    if (feed == NULL) {
        return;
    }
    for (size_t i = 0; i < feed->flights.count; i++) {
        free(feed->flights.items[i].description);
    }
    gf_vec_fini(&feed->flights);
    free(feed);
}

int64_t gf_feed__deadline(const struct gf_hub_connection *self) {
    gf_mutex_assert_held(&self->hub->mutex);
    const struct gf_hub_feed *feed = self->feed;
    if (feed == NULL || self->extension == NULL || self->extension->active != self) {
        return GF_NEVER;
    }
    int64_t next = gf_flights__done_up_to(feed) > feed->stored ? feed->next_store_mono : GF_NEVER;
    for (size_t i = 0; i < feed->flights.count; i++) {
        const struct gf_flight *flight = &feed->flights.items[i];
        if ((flight->state == GF_FLIGHT_WAITING || flight->state == GF_FLIGHT_DEAD) &&
            flight->due_mono < next) {
            next = flight->due_mono;
        }
    }
    return next;
}

/* ---- Answers ---- */

static void fail_flight(struct gf_hub_connection *self, struct gf_flight *flight,
                        const Gofer__Extension__V1__DeliveryAck *ack, int64_t delay_ns) {
    struct gf_hub_extension *extension = self->extension;
    const bool rejected =
        ack->outcome == GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_REJECTED;
    const int32_t attempts = gf_tries__count(extension, flight->sequence);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 16);
    free(flight->description);
    flight->description = gf_str_dup(gf_hub__sentence(
        ack->description[0] != '\0' ? ack->description : "the extension does not say why", &arena));
    gf_arena_fini(&arena);
    flight->state =
        rejected || attempts >= GF_DELIVERY_ATTEMPTS_MAX ? GF_FLIGHT_DEAD : GF_FLIGHT_WAITING;
    flight->due_mono = flight->state == GF_FLIGHT_DEAD
                           ? 0
                           : gf_mono_ns() + (delay_ns > 0 ? delay_ns : backoff_ns(attempts));
}

void gf_feed__acked(struct gf_hub_connection *self, int64_t sequence,
                    const Gofer__Extension__V1__DeliveryAck *ack) {
    struct gf_extension_hub *hub = self->hub;
    bool unsupported = false;
    gf_mutex_lock(&hub->mutex);
    struct gf_flight *flight = gf_flights__find(self->feed, sequence);
    struct gf_hub_extension *extension =
        self->extension != NULL ? self->extension : gf_hub__find(hub, self->extension_key);
    if (ack == NULL) {
        /* The connection is over: the next one gets it again. */
        if (extension != NULL) {
            (void)gf_tries__count(extension, sequence);
        }
    } else if (flight != NULL && extension != NULL && self->extension != NULL) {
        switch ((int)ack->outcome) {
        case GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_RETRY:
        case GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_REJECTED:
            fail_flight(self, flight, ack, gf_hub__retry_delay_ns(ack));
            break;
        case GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED:
            unsupported = true;
            gf_flights__land(self->feed, sequence);
            break;
        default:
            gf_flights__land(self->feed, sequence);
            break;
        }
    }
    gf_mutex_unlock(&hub->mutex);
    if (unsupported) {
        gf_hub__log(hub, self->extension_key, self->extension_id,
                    GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_WARNING,
                    "event %lld was passed over: the extension asked for it and does not know "
                    "such deliveries",
                    (long long)sequence);
    }
}

/* ---- Reading ---- */

/* What all filters together ask for: the store and the event hub look at one. */
static struct gf_event_filter union_of(const struct gf_hub_connection *self) {
    const struct gf_event_selection *first = &self->selections[0];
    struct gf_event_filter filter = {.kinds = first->kinds,
                                     .namespace_id = first->namespace_id,
                                     .pipeline_id = first->pipeline_id,
                                     .run_id = first->run_id,
                                     .extension_id = first->extension_id};
    for (size_t i = 1; i < self->selection_count; i++) {
        const struct gf_event_selection *other = &self->selections[i];
        if (!gf_str_eq(other->namespace_id, filter.namespace_id)) {
            filter.namespace_id = GF_STR("");
        }
        if (filter.namespace_id.len == 0 || !gf_str_eq(other->pipeline_id, filter.pipeline_id)) {
            filter.pipeline_id = GF_STR("");
        }
        if (filter.pipeline_id.len == 0 || other->run_id != filter.run_id) {
            filter.run_id = 0;
        }
        if (!gf_str_eq(other->extension_id, filter.extension_id)) {
            filter.extension_id = GF_STR("");
        }
    }
    /* Kinds are few to look at one by one, and one filter without any asks for all. */
    if (self->selection_count > 1) {
        filter.kinds = (struct gf_event_kinds){0};
    }
    return filter;
}

static bool is_wanted(const struct gf_hub_connection *self, const struct gf_event *event) {
    for (size_t i = 0; i < self->selection_count; i++) {
        const struct gf_event_selection *selection = &self->selections[i];
        const struct gf_event_filter filter = {
            .namespace_id = selection->namespace_id,
            .pipeline_id = selection->pipeline_id,
            .run_id = selection->run_id,
            .extension_id = selection->extension_id,
            .kinds = selection->kinds,
        };
        if (!selection->nothing && gf_event_filter_matches(&filter, event)) {
            return self->principal == NULL || gf_may_see_event(self->principal, event);
        }
    }
    return false;
}

static enum gf_code read_events(struct gf_hub_connection *self, int64_t after, size_t limit,
                                struct gf_event **out_events, size_t *out_count,
                                int64_t *out_scanned, struct gf_error *err) {
    struct gf_extension_hub *hub = self->hub;
    const struct gf_event_filter *filter = &self->follower.filter;
    enum gf_code rc = gf_event_hub_read(hub->options.events, filter, after, limit, &self->arena,
                                        out_events, out_count, out_scanned, err);
    if (rc == GF_OUT_OF_RANGE) {
        struct gf_store *store = hub->options.store;
        struct gf_store_reader *reader = store->ops->open_reader(store);
        rc = store->ops->list_events(reader, filter, after, limit, &self->arena, out_events,
                                     out_count, out_scanned, err);
        store->ops->close_reader(store, reader);
    }
    return rc;
}

/* ---- Sending ---- */

static bool send_event(struct gf_hub_connection *self, const struct gf_event *event) {
    struct gf_arena *arena = &self->arena;
    Gofer__Extension__V1__EventDelivery *delivery = GF_MESSAGE_NEW(
        arena, Gofer__Extension__V1__EventDelivery, gofer__extension__v1__event_delivery);
    delivery->event = gf_event_to_message(event, arena);
    struct gf_hub_sent *sent = GF_NEW(struct gf_hub_sent);
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EVENT_DELIVERY;
    message->event_delivery = delivery;
    gf_mutex_lock(&self->hub->mutex);
    delivery->attempt =
        self->extension != NULL ? gf_tries__of(self->extension, event->sequence) + 1 : 1;
    message->sequence = gf_window_send(&self->out);
    *sent = (struct gf_hub_sent){.sequence = message->sequence, .event_sequence = event->sequence};
    (void)gf_map_i64_put(&self->sent, message->sequence, sent);
    self->sent_total++;
    gf_counter_add(&self->hub->sent, 1);
    gf_counter_add(&self->hub->redelivered, delivery->attempt > 1);
    gf_mutex_unlock(&self->hub->mutex);
    return gf_connection__send(self, message);
}

/* How many may be sent now; 0 also where one waits for another attempt. */
static size_t room(struct gf_hub_connection *self, int64_t *out_after) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    *out_after = self->feed->read;
    if (self->feed->flights.count >= GF_EXTENSION_WINDOW) {
        return 0; /* dead ones, too, are no more than that while they cannot be stored */
    }
    for (size_t i = 0; i < self->feed->flights.count; i++) {
        if (self->feed->flights.items[i].state == GF_FLIGHT_WAITING) {
            return 0;
        }
    }
    const int64_t free_count = self->out.limit - self->out.pending;
    return free_count < GF_HUB_EVENTS_READ ? (size_t)free_count : GF_HUB_EVENTS_READ;
}

static void note_flight(struct gf_hub_connection *self, int64_t sequence) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    const bool tried_enough = self->extension != NULL &&
                              gf_tries__of(self->extension, sequence) >= GF_DELIVERY_ATTEMPTS_MAX;
    struct gf_flight flight = {
        .sequence = sequence,
        .state = tried_enough ? GF_FLIGHT_DEAD : GF_FLIGHT_SENT,
        .description =
            tried_enough ? gf_strdup("each connection ended before it was acknowledged") : NULL,
    };
    gf_vec_push(&self->feed->flights, flight);
    self->feed->read = sequence;
}

static bool is_sent_state(struct gf_hub_connection *self, int64_t sequence) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    const struct gf_flight *flight = gf_flights__find(self->feed, sequence);
    return flight != NULL && flight->state == GF_FLIGHT_SENT;
}

static void set_read(struct gf_hub_connection *self, int64_t sequence) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    self->feed->read = sequence;
}

static void end_with(struct gf_hub_connection *self, const struct gf_error *error) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    gf_connection__end(self, error);
}

static bool send_new(struct gf_hub_connection *self, bool *out_more) {
    int64_t after = 0;
    const size_t limit = room(self, &after);
    if (limit == 0) {
        return true;
    }
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    struct gf_error error = {0};
    if (read_events(self, after, limit, &events, &count, &scanned, &error) != GF_OK) {
        end_with(self, &error);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(self, &events[i])) {
            set_read(self, events[i].sequence);
            continue;
        }
        note_flight(self, events[i].sequence);
        if (is_sent_state(self, events[i].sequence) && !send_event(self, &events[i])) {
            return false;
        }
    }
    set_read(self, scanned);
    if (scanned == after) {
        gf_event_hub_arm(self->hub->options.events, &self->follower, scanned);
    } else {
        *out_more = true;
    }
    return true;
}

/* One event, which may be gone by now (then *out_event is NULL). */
static bool read_one(struct gf_hub_connection *self, int64_t sequence,
                     const struct gf_event **out_event) {
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    struct gf_error error = {0};
    *out_event = NULL;
    if (read_events(self, sequence - 1, 1, &events, &count, &scanned, &error) != GF_OK) {
        end_with(self, &error);
        return false;
    }
    if (count == 1 && events[0].sequence == sequence) {
        *out_event = &events[0];
    }
    return true;
}

/* ---- Dead letters ---- */

static void buried(struct gf_hub_command *command, const struct gf_reply *reply) {
    struct gf_hub_connection *self = command->connection;
    gf_mutex_lock(&self->hub->mutex);
    struct gf_flight *flight = gf_flights__find(self->feed, command->number);
    if (reply->error.code == GF_OK) {
        gf_flights__land(self->feed, command->number);
    } else if (flight != NULL) {
        flight->state = GF_FLIGHT_DEAD;
        flight->due_mono = gf_mono_ns() + GF_HUB_FULL_RETRY_MS * GF_NS_PER_MS;
    }
    gf_mutex_unlock(&self->hub->mutex);
    gf_connection__kick(self);
}

static void bury(struct gf_hub_connection *self, const struct gf_event *event) {
    struct gf_hub_command *command = gf_hub__command(self->hub, GF_INPUT_ADD_DELIVERY);
    struct gf_arena *arena = &command->arena;
    const Gofer__V1__Event *message = gf_event_to_message(event, arena);
    uint8_t *bytes = gf_arena_alloc(arena, gf_wire_encoded_size(&message->base) + 1);
    struct gf_delivery *row = GF_ARENA_NEW(arena, struct gf_delivery);
    *row = (struct gf_delivery){
        .extension_key = self->extension_key,
        .kind = GF_DELIVERY_EVENT_DELIVERY,
        .dead = true,
        .content = {(const char *)bytes, gf_wire_encode(&message->base, bytes)},
    };
    gf_mutex_lock(&self->hub->mutex);
    struct gf_flight *flight = gf_flights__find(self->feed, event->sequence);
    flight->state = GF_FLIGHT_BURIED;
    row->description = gf_arena_str(arena, gf_str_from(flight->description));
    row->attempt_count =
        self->extension != NULL ? gf_tries__of(self->extension, event->sequence) : 0;
    gf_mutex_unlock(&self->hub->mutex);
    command->command.input.u.delivery.row = row;
    command->number = event->sequence;
    command->done = buried;
    gf_connection__ref(self);
    command->connection = self;
    gf_hub__submit(command);
}

/* ---- What is due ---- */

/* The first that is to be tried again or buried now; 0: none. */
static int64_t next_due(struct gf_hub_connection *self, bool *out_dead) {
    const int64_t now = gf_mono_ns();
    GF_MUTEX_GUARD(&self->hub->mutex);
    for (size_t i = 0; i < self->feed->flights.count; i++) {
        struct gf_flight *flight = &self->feed->flights.items[i];
        *out_dead = flight->state == GF_FLIGHT_DEAD;
        const bool counts =
            *out_dead || (flight->state == GF_FLIGHT_WAITING && gf_window_has_room(&self->out));
        if (counts && flight->due_mono <= now) {
            flight->state = *out_dead ? GF_FLIGHT_DEAD : GF_FLIGHT_SENT;
            return flight->sequence;
        }
    }
    return 0;
}

static bool send_due(struct gf_hub_connection *self) {
    bool dead = false;
    int64_t sequence = 0;
    while ((sequence = next_due(self, &dead)) != 0) {
        const struct gf_event *event = NULL;
        if (!read_one(self, sequence, &event)) {
            return false;
        }
        if (event == NULL) {
            gf_mutex_lock(&self->hub->mutex);
            gf_flights__land(self->feed, sequence); /* it was removed because of its age */
            gf_mutex_unlock(&self->hub->mutex);
        } else if (dead) {
            bury(self, event);
        } else if (!send_event(self, event)) {
            return false;
        }
    }
    return true;
}

/* Tells the store how far it has got: now and then, and at the end. */
static void store_place(struct gf_hub_connection *self, bool at_end) {
    const int64_t now = gf_mono_ns();
    gf_mutex_lock(&self->hub->mutex);
    struct gf_hub_feed *feed = self->feed;
    const int64_t place = gf_flights__done_up_to(feed);
    const bool store = place > feed->stored && (at_end || now >= feed->next_store_mono);
    if (store) {
        feed->stored = place;
        if (self->extension != NULL && place > self->extension->event_sequence) {
            self->extension->event_sequence = place;
        }
        feed->next_store_mono = now + GF_HUB_SEQUENCE_MS * GF_NS_PER_MS;
        if (self->extension != NULL) {
            gf_tries__forget(self->extension, place);
        }
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (store) {
        struct gf_hub_command *command = gf_hub__command(self->hub, GF_INPUT_SET_EVENT_SEQUENCE);
        command->command.input.u.progress = (struct gf_extension_progress){
            .extension_key = self->extension_key,
            .event_sequence = place,
        };
        gf_hub__submit(command);
    }
}

static bool begin(struct gf_hub_connection *self) {
    struct gf_event_hub *events = self->hub->options.events;
    struct gf_error error = {0};
    self->follower.filter = union_of(self);
    self->follower.wake = wake;
    if (gf_event_hub_add(events, &self->follower, &error) != GF_OK) {
        end_with(self, &error);
        return false;
    }
    self->follows = true;
    const int64_t newest = gf_event_hub_newest(events);
    GF_MUTEX_GUARD(&self->hub->mutex);
    if (self->feed->read == 0) {
        self->feed->read = newest; /* for the first time: from now on */
    }
    return true;
}

static bool is_active(struct gf_hub_connection *self) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    return self->feed != NULL && self->extension != NULL && self->extension->active == self;
}

bool gf_feed__send(struct gf_hub_connection *self, bool *out_more) {
    if (!is_active(self)) {
        return true;
    }
    if (!self->follows && !begin(self)) {
        return false;
    }
    const bool go_on = send_due(self) && send_new(self, out_more);
    store_place(self, /* at_end= */ false);
    return go_on;
}
