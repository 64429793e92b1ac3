/*
 * What waits to be delivered: rows of the store, of which the hub knows when each is due. Content
 * is read when its turn comes, so that ten thousand of them cost little.
 *
 * Design: a row that is due goes to one of two places: runs to a queue of the hub, from which jobs
 * hand them to the engine again, a bounded number at once; everything else to its extension, from
 * where the active connection takes what its window allows. It is busy then, until the outcome is
 * in the store: what a commit says of it meanwhile is noted, and looked at afterwards.
 */
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "engine/core/limits.h"

enum {
    LOAD_ROWS = 500,
    LOAD_BYTES_MAX = 1 << 30,
    SEND_STEP = 16,
};

static void schedule(struct gf_extension_hub *hub, struct gf_hub_delivery *self);

/* ---- When ---- */

static void time_is_due(struct gf_extension_hub *hub, struct gf_hub_time *time) {
    schedule(hub, GF_CONTAINER_OF(time, struct gf_hub_delivery, time));
}

static void dispatch(void *ctx);

/* (m) */
static void queue_dispatch(struct gf_extension_hub *hub) {
    if (!hub->dispatch_queued && !hub->stopping && hub->dispatching < GF_HUB_DISPATCH_MAX &&
        !gf_list_empty(&hub->runs_due)) {
        hub->dispatch_queued = true;
        gf_pool_submit_reserved(hub->options.pool, dispatch, hub);
    }
}

/*
 * Times of rows are those of a clock that may be set back, before or after gofer was started: what
 * is not so far away when it is taken over is waited for by the clock that never is; and nothing is
 * waited for longer than the core would make it wait. A clock that is set forward ends the wait.
 */
static void set_time(struct gf_extension_hub *hub, struct gf_hub_delivery *self, int64_t time) {
    const int64_t longest = self->kind == GF_DELIVERY_RUN_START
                                ? GF_DELIVERY_BACKOFF_MS_MAX * GF_NS_PER_MS
                                : GF_DELIVERY_RETRY_NS_MAX;
    const int64_t wait = time - gf_clock_wall_ns(hub->options.clock);
    self->next_attempt_time = time;
    self->latest_mono = gf_mono_ns() + (wait < longest ? wait : longest);
}

/* Puts it where it belongs now. (m) */
static void schedule(struct gf_extension_hub *hub, struct gf_hub_delivery *self) {
    gf_mutex_assert_held(&hub->mutex);
    gf_list_remove(&self->link);
    gf_hub__set_time(hub, &self->time, GF_NEVER);
    if (self->busy || hub->stopping) {
        return;
    }
    const int64_t left = self->latest_mono - gf_mono_ns();
    int64_t wait = self->next_attempt_time - gf_clock_wall_ns(hub->options.clock);
    wait = wait < left ? wait : left;
    if (wait > 0) {
        const int64_t most = GF_HUB_CLOCK_CHECK_MS * GF_NS_PER_MS;
        gf_hub__set_time(hub, &self->time, gf_mono_ns() + (wait < most ? wait : most));
    } else if (self->kind == GF_DELIVERY_RUN_START && !self->extension->disabled) {
        gf_list_push_back(&hub->runs_due, &self->link);
        queue_dispatch(hub);
    } else {
        gf_list_push_back(&self->extension->waiting, &self->link);
        if (self->extension->active != NULL) {
            gf_connection__kick(self->extension->active);
        }
    }
}

void gf_deliveries__wake(struct gf_extension_hub *hub, struct gf_hub_extension *extension) {
    gf_mutex_assert_held(&hub->mutex);
    struct gf_list waiting;
    gf_list_init(&waiting);
    gf_list_append_all(&waiting, &extension->waiting);
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&waiting)) != NULL) {
        schedule(hub, GF_CONTAINER_OF(link, struct gf_hub_delivery, link));
    }
}

/* ---- Rows ---- */

/* (m) */
static void drop(struct gf_extension_hub *hub, struct gf_hub_delivery *self) {
    if (self->busy) {
        self->gone = true;
        return;
    }
    gf_list_remove(&self->link);
    gf_hub__set_time(hub, &self->time, GF_NEVER);
    (void)gf_map_i64_remove(&hub->deliveries, self->delivery_key);
    self->extension->delivery_count--;
    gf_hub__let_go(hub, self->extension);
    free(self);
}

void gf_deliveries__put(struct gf_extension_hub *hub, const struct gf_delivery *row) {
    gf_mutex_assert_held(&hub->mutex);
    struct gf_hub_delivery *self = gf_map_i64_get(&hub->deliveries, row->delivery_key);
    struct gf_hub_extension *extension = gf_hub__find(hub, row->extension_key);
    if (row->dead || extension == NULL || extension->gone) {
        if (self != NULL) {
            drop(hub, self);
        }
        return;
    }
    if (self == NULL) {
        self = GF_NEW(struct gf_hub_delivery);
        self->delivery_key = row->delivery_key;
        self->extension = extension;
        self->kind = row->kind;
        self->time.due = time_is_due;
        extension->delivery_count++;
        (void)gf_map_i64_put(&hub->deliveries, row->delivery_key, self);
    }
    self->gone = false;
    self->attempt_count = row->attempt_count;
    set_time(hub, self, row->next_attempt_time);
    schedule(hub, self);
}

void gf_deliveries__remove(struct gf_extension_hub *hub, int64_t delivery_key) {
    struct gf_hub_delivery *self = gf_map_i64_get(&hub->deliveries, delivery_key);
    if (self != NULL) {
        drop(hub, self);
    }
}

void gf_deliveries__remove_all(struct gf_extension_hub *hub, struct gf_hub_extension *extension) {
    size_t position = 0;
    void *value = NULL;
    /* Dropping the last one may free the extension. */
    extension->delivery_count++;
    while (gf_map_i64_next(&hub->deliveries, &position, NULL, &value)) {
        struct gf_hub_delivery *self = value;
        if (self->extension == extension) {
            drop(hub, self);
        }
    }
    extension->delivery_count--;
}

void gf_deliveries__free(struct gf_extension_hub *hub) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&hub->deliveries, &position, NULL, &value)) {
        free(value);
    }
    gf_map_i64_fini(&hub->deliveries);
}

static enum gf_code load(struct gf_extension_hub *hub, int64_t extension_key,
                         struct gf_arena *arena, struct gf_error *err) {
    struct gf_store *store = hub->options.store;
    struct gf_delivery_list_options options = {.extension_key = extension_key, .limit = LOAD_ROWS};
    for (;;) {
        struct gf_delivery *rows = NULL;
        size_t count = 0;
        struct gf_store_reader *reader = store->ops->open_reader(store);
        const enum gf_code rc =
            store->ops->extensions->list_deliveries(reader, &options, arena, &rows, &count, err);
        store->ops->close_reader(store, reader);
        if (rc != GF_OK || count == 0) {
            return rc;
        }
        gf_mutex_lock(&hub->mutex);
        for (size_t i = 0; i < count; i++) {
            /* What is known already is from a batch that is newer. */
            if (gf_map_i64_get(&hub->deliveries, rows[i].delivery_key) == NULL) {
                gf_deliveries__put(hub, &rows[i]);
            }
        }
        gf_mutex_unlock(&hub->mutex);
        options.after_key = rows[count - 1].delivery_key;
        gf_arena_reset(arena);
    }
}

enum gf_code gf_deliveries__load(struct gf_extension_hub *hub, struct gf_error *err) {
    GF_VEC(int64_t) keys = {0};
    size_t position = 0;
    int64_t key = 0;
    gf_mutex_lock(&hub->mutex);
    while (gf_map_i64_next(&hub->extensions, &position, &key, NULL)) {
        gf_vec_push(&keys, key);
    }
    gf_mutex_unlock(&hub->mutex);
    struct gf_arena arena;
    gf_arena_init(&arena, LOAD_BYTES_MAX);
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < keys.count; i++) {
        rc = load(hub, keys.items[i], &arena, err);
    }
    gf_arena_fini(&arena);
    gf_vec_fini(&keys);
    return rc;
}

static enum gf_code read_row(struct gf_extension_hub *hub, int64_t delivery_key,
                             struct gf_arena *arena, struct gf_delivery *out,
                             struct gf_error *err) {
    struct gf_store *store = hub->options.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    const enum gf_code rc =
        store->ops->extensions->get_delivery(reader, delivery_key, true, arena, out, err);
    store->ops->close_reader(store, reader);
    return rc == GF_OK && out->dead ? GF_NOT_FOUND : rc;
}

/* ---- Outcomes ---- */

/* It is not busy any more; delay_ms: what is to be waited beyond what its row says. */
static void finish(struct gf_extension_hub *hub, int64_t delivery_key, int64_t delay_ms) {
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_hub_delivery *self = gf_map_i64_get(&hub->deliveries, delivery_key);
    if (self == NULL) {
        return;
    }
    self->busy = false;
    if (self->gone) {
        drop(hub, self);
        return;
    }
    const int64_t delay_ns = delay_ms * GF_NS_PER_MS;
    const int64_t earliest = gf_clock_wall_ns(hub->options.clock) + delay_ns;
    if (delay_ms > 0 &&
        (self->next_attempt_time < earliest || self->latest_mono < gf_mono_ns() + delay_ns)) {
        set_time(hub, self, earliest);
    }
    schedule(hub, self);
}

static void settled(struct gf_hub_command *command, const struct gf_reply *reply) {
    const enum gf_code rc = reply->error.code;
    finish(command->hub, command->number,
           rc == GF_OK || rc == GF_NOT_FOUND ? 0 : GF_HUB_FULL_RETRY_MS);
}

void gf_deliveries__settle(struct gf_extension_hub *hub, int64_t delivery_key, int how,
                           struct gf_str description, int64_t retry_ns) {
    struct gf_hub_command *command = gf_hub__command(hub, GF_INPUT_SETTLE_DELIVERY);
    command->done = settled;
    command->number = delivery_key;
    struct gf_delivery_change *change = &command->command.input.u.delivery;
    *change = (struct gf_delivery_change){
        .delivery_key = delivery_key,
        .description = gf_arena_str(&command->arena, description),
        .retry_ns = retry_ns,
    };
    change->settled = how;
    gf_hub__submit(command);
}

/* ---- Runs ---- */

static void tried(struct gf_hub_command *command, const struct gf_reply *reply) {
    struct gf_extension_hub *hub = command->hub;
    gf_mutex_lock(&hub->mutex);
    hub->dispatching--;
    queue_dispatch(hub);
    gf_mutex_unlock(&hub->mutex);
    const enum gf_code rc = reply->error.code;
    if (rc == GF_NOT_FOUND) {
        /* What is known of it here is out of date. */
        gf_mutex_lock(&hub->mutex);
        gf_deliveries__remove(hub, command->number);
        gf_mutex_unlock(&hub->mutex);
    }
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        finish(hub, command->number, 0);
    } else if (rc == GF_INVALID_ARGUMENT) {
        gf_deliveries__settle(hub, command->number, GF_SETTLED_REJECTED,
                              gf_str_from(reply->error.message), 0);
    } else {
        finish(hub, command->number,
               rc == GF_RESOURCE_EXHAUSTED ? GF_HUB_FULL_RETRY_MS : GF_HUB_CLOCK_CHECK_MS);
    }
}

static void try_run(struct gf_extension_hub *hub, int64_t delivery_key) {
    struct gf_hub_command *command = gf_hub__command(hub, GF_INPUT_START_EXTENSION_RUNS);
    struct gf_reply reply = {0};
    struct gf_delivery row;
    command->done = tried;
    command->number = delivery_key;
    enum gf_code rc = read_row(hub, delivery_key, &command->arena, &row, &reply.error);
    if (rc == GF_OK) {
        rc = gf_starts__read_kept(row.content, &row, &command->arena,
                                  &command->command.input.u.extension_start, &reply.error);
    }
    if (rc == GF_OK) {
        gf_hub__submit(command);
        return;
    }
    reply.error.code = rc;
    tried(command, &reply);
    gf_hub__free_command(command);
}

/* On a worker. */
static void dispatch(void *ctx) {
    struct gf_extension_hub *hub = ctx;
    for (;;) {
        gf_mutex_lock(&hub->mutex);
        struct gf_list_link *link = hub->stopping || hub->dispatching >= GF_HUB_DISPATCH_MAX
                                        ? NULL
                                        : gf_list_pop_front(&hub->runs_due);
        int64_t key = 0;
        if (link != NULL) {
            struct gf_hub_delivery *self = GF_CONTAINER_OF(link, struct gf_hub_delivery, link);
            self->busy = true;
            key = self->delivery_key;
            hub->dispatching++;
        } else {
            hub->dispatch_queued = false;
        }
        gf_mutex_unlock(&hub->mutex);
        if (link == NULL) {
            return;
        }
        try_run(hub, key);
    }
}

/* ---- To extensions: steps ---- */

/* The next that may be sent; its number is *out_attempt. 0: none. */
static int64_t take_next(struct gf_hub_connection *self, int32_t *out_attempt) {
    GF_MUTEX_GUARD(&self->hub->mutex);
    struct gf_hub_extension *extension = self->extension;
    if (extension == NULL || extension->active != self || !gf_window_has_room(&self->out)) {
        return 0;
    }
    GF_LIST_FOREACH(link, &extension->waiting) {
        struct gf_hub_delivery *delivery = GF_CONTAINER_OF(link, struct gf_hub_delivery, link);
        if (delivery->kind != GF_DELIVERY_RUN_START) {
            gf_list_remove(link);
            delivery->busy = true;
            *out_attempt = delivery->attempt_count + 1;
            gf_counter_add(&self->hub->redelivered, delivery->attempt_count > 0);
            return delivery->delivery_key;
        }
    }
    return 0;
}

static int64_t note_sent(struct gf_hub_connection *self, int64_t delivery_key) {
    struct gf_hub_sent *sent = GF_NEW(struct gf_hub_sent);
    GF_MUTEX_GUARD(&self->hub->mutex);
    const int64_t sequence = gf_window_send(&self->out);
    *sent = (struct gf_hub_sent){.sequence = sequence, .delivery_key = delivery_key};
    (void)gf_map_i64_put(&self->sent, sequence, sent);
    self->sent_total++;
    gf_counter_add(&self->hub->sent, 1);
    return sequence;
}

/* The message of a row; NULL: its content is none. */
static Gofer__Extension__V1__ConnectResponse *
message_of(struct gf_hub_connection *self, const struct gf_delivery *row, int32_t attempt) {
    struct gf_arena *arena = &self->arena;
    const bool external = row->kind == GF_DELIVERY_EXTERNAL_EVENT;
    ProtobufCMessage *content = NULL;
    if (gf_wire_decode(external ? &gofer__extension__v1__external_event__descriptor
                                : &gofer__v1__event__descriptor,
                       (const uint8_t *)row->content.ptr, row->content.len, arena, &content,
                       NULL) != GF_OK) {
        return NULL;
    }
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    if (external) {
        message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EXTERNAL_EVENT;
        message->external_event = (Gofer__Extension__V1__ExternalEvent *)(void *)content;
        message->external_event->attempt = attempt;
    } else {
        message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_EVENT_DELIVERY;
        message->event_delivery = GF_MESSAGE_NEW(arena, Gofer__Extension__V1__EventDelivery,
                                                 gofer__extension__v1__event_delivery);
        message->event_delivery->event = (Gofer__V1__Event *)(void *)content;
        message->event_delivery->attempt = attempt;
    }
    return message;
}

static bool send_one(struct gf_hub_connection *self, int64_t delivery_key, int32_t attempt) {
    struct gf_delivery row;
    struct gf_error error = {0};
    const enum gf_code rc = read_row(self->hub, delivery_key, &self->arena, &row, &error);
    if (rc != GF_OK) {
        if (rc == GF_NOT_FOUND) {
            gf_mutex_lock(&self->hub->mutex);
            gf_deliveries__remove(self->hub, delivery_key);
            gf_mutex_unlock(&self->hub->mutex);
        }
        finish(self->hub, delivery_key, rc == GF_NOT_FOUND ? 0 : GF_HUB_FULL_RETRY_MS);
        return true;
    }
    Gofer__Extension__V1__ConnectResponse *message = message_of(self, &row, attempt);
    if (message == NULL) {
        gf_deliveries__settle(self->hub, delivery_key, GF_SETTLED_REJECTED,
                              GF_STR("what was kept of it cannot be read"), 0);
        return true;
    }
    message->sequence = note_sent(self, delivery_key);
    return gf_connection__send(self, message);
}

bool gf_deliveries__send(struct gf_hub_connection *self, bool *out_more) {
    for (int i = 0; i < SEND_STEP; i++) {
        int32_t attempt = 0;
        const int64_t key = take_next(self, &attempt);
        if (key == 0) {
            return true;
        }
        if (!send_one(self, key, attempt)) {
            return false;
        }
    }
    *out_more = true;
    return true;
}
