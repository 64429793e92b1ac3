/*
 * Design: step_state says who may touch what is of the steps, as in the streams of api/service.
 * IDLE: nobody, the next kick submits a job. BUSY: a job waits or runs. AGAIN: as BUSY, and one
 * more step is wanted. ENDED: for ever.
 *
 * Reading is paused by the callback that finds a reason for it, first, and then noted under the
 * mutex if the reason is still there; steps take the note away and resume. So no reason that goes
 * away between the two is missed.
 */
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "base/random.h"

#include <stdio.h>

enum {
    IDLE,
    BUSY,
    AGAIN,
    ENDED,
};

static void run(void *ctx);

/* ---- References and kicks ---- */

void gf_connection__ref(struct gf_hub_connection *self) {
    (void)atomic_fetch_add(&self->references, 1);
}

void gf_connection__unref(struct gf_hub_connection *self) {
    gf_assert(self->magic == GF_CONNECTION_MAGIC);
    if (atomic_fetch_sub(&self->references, 1) != 1) {
        return;
    }
    gf_starts__free(self);
    gf_set__free(self);
    gf_feed__free(self);
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&self->items)) != NULL) {
        struct gf_hub_item *item = GF_CONTAINER_OF(link, struct gf_hub_item, link);
        explicit_bzero(item->bytes, item->size);
        free(item);
    }
    size_t position = 0;
    void *sent = NULL;
    while (gf_map_i64_next(&self->sent, &position, NULL, &sent)) {
        free(sent);
    }
    gf_map_i64_fini(&self->sent);
    gf_arena_fini(&self->arena);
    gf_arena_fini(&self->declared_arena);
    free(self->health_description);
    free((void *)self->health_report.ptr);
    self->magic = 0;
    free(self);
}

void gf_connection__kick(struct gf_hub_connection *self) {
    int state = atomic_load(&self->step_state);
    for (;;) {
        if (state == ENDED || state == AGAIN) {
            return;
        }
        const int next = state == IDLE ? BUSY : AGAIN;
        if (atomic_compare_exchange_weak(&self->step_state, &state, next)) {
            if (next == BUSY) {
                gf_connection__ref(self);
                gf_pool_submit_reserved(self->hub->options.pool, run, self);
            }
            return;
        }
    }
}

void gf_connection__end(struct gf_hub_connection *self, const struct gf_error *error) {
    gf_mutex_assert_held(&self->hub->mutex);
    if (!self->ending) {
        self->ending = true;
        self->end = *error;
    }
}

void gf_connection__fail(struct gf_hub_connection *self, enum gf_code code, const char *reason,
                         const char *fmt, ...) {
    struct gf_error error = {.code = code};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(error.message, sizeof(error.message), fmt, args);
    va_end(args);
    (void)snprintf(error.reason, sizeof(error.reason), "%s", reason);
    gf_connection__end(self, &error);
}

/* ---- Sending ---- */

Gofer__Extension__V1__ConnectResponse *gf_connection__message(struct gf_hub_connection *self) {
    return GF_MESSAGE_NEW(&self->arena, Gofer__Extension__V1__ConnectResponse,
                          gofer__extension__v1__connect_response);
}

static bool send(struct gf_hub_connection *self, const ProtobufCMessage *message) {
    struct gf_error error = {0};
    const enum gf_code rc = gf_rpc_send(self->call, message, &error);
    self->pending = NULL;
    if (rc == GF_OK) {
        return true;
    }
    if (rc == GF_RESOURCE_EXHAUSTED && error.reason[0] == '\0') {
        self->pending = message;
        return false;
    }
    gf_mutex_lock(&self->hub->mutex);
    gf_connection__end(self, &error);
    gf_mutex_unlock(&self->hub->mutex);
    return false;
}

bool gf_connection__send(struct gf_hub_connection *self,
                         const Gofer__Extension__V1__ConnectResponse *message) {
    gf_assert(self->pending == NULL);
    return send(self, &message->base);
}

void gf_connection__queue(struct gf_hub_connection *self,
                          const Gofer__Extension__V1__ConnectResponse *message) {
    gf_mutex_assert_held(&self->hub->mutex);
    if (self->ended) {
        return;
    }
    const size_t size = gf_wire_encoded_size(&message->base);
    struct gf_hub_item *item = gf_malloc(sizeof(*item) + size);
    *item = (struct gf_hub_item){.size = gf_wire_encode(&message->base, item->bytes)};
    gf_list_push_back(&self->items, &item->link);
    self->item_count++;
    gf_connection__kick(self);
}

bool gf_connection__is_full(const struct gf_hub_connection *self) {
    return !gf_list_empty(&self->held) || self->item_count >= GF_HUB_ITEMS_MAX ||
           self->judging >= GF_HUB_JUDGING_MAX || self->in_bytes > GF_EXTENSION_WINDOW_BYTES_MAX;
}

bool gf_connection__is_long(const struct gf_hub_connection *self) {
    return self->arena.used_bytes > GF_HUB_STEP_BYTES;
}

/* ---- Times ---- */

static int64_t earlier(int64_t a, int64_t b) {
    return b != 0 && b < a ? b : a;
}

void gf_connection__plan(struct gf_hub_connection *self) {
    gf_mutex_assert_held(&self->hub->mutex);
    int64_t next = GF_NEVER;
    if (!self->ended) {
        next = earlier(next, self->phase_deadline);
        next = earlier(next, self->close_deadline);
        next = earlier(next, self->held_mono);
        next = earlier(next, gf_asks__deadline(self));
        next = earlier(next, gf_feed__deadline(self));
        if (self->phase >= GF_PHASE_COMPLETE) {
            next = earlier(next, self->next_ping_mono);
        }
    }
    gf_hub__set_time(self->hub, &self->time, next);
}

void gf_connection__time_is_due(struct gf_extension_hub *hub, struct gf_hub_time *time) {
    (void)hub;
    gf_connection__kick(GF_CONTAINER_OF(time, struct gf_hub_connection, time));
}

/* The handshake takes no longer than it may, nor does the end. (m) */
static void check_phase_time(struct gf_hub_connection *self, int64_t now) {
    if (self->close_deadline != 0 && now >= self->close_deadline) {
        const struct gf_error well = {0};
        gf_connection__end(self, &well);
    }
    if (self->phase_deadline != 0 && now >= self->phase_deadline) {
        gf_connection__fail(self, GF_DEADLINE_EXCEEDED, "",
                            self->phase == GF_PHASE_NEW ? "there was no registration in time"
                                                        : "there was no Ready in time");
    }
}

/*
 * Who promised HealthReports is heard of in the time that it said, and a little; all others are
 * asked, and answer before they are asked again. (m)
 */
static bool check_silence(struct gf_hub_connection *self, int64_t now) {
    if (self->phase < GF_PHASE_COMPLETE || now < self->next_ping_mono) {
        return false;
    }
    const struct gf_extension_hub_options *options = &self->hub->options;
    const int64_t promised_ns = self->facts.health_interval_ms * GF_NS_PER_MS;
    const int64_t patience = gf_hub__ms(options->pong_ms, GF_EXTENSION_PONG_MS);
    if (self->read_paused) {
        /* Nothing is heard because nobody listens. */
        self->next_ping_mono = now + patience;
        return false;
    }
    if (promised_ns != 0) {
        if (now - self->last_message_mono >= promised_ns + patience) {
            gf_connection__fail(self, GF_DEADLINE_EXCEEDED, "SILENT",
                                "nothing was heard for longer than its health interval");
            return false;
        }
        self->next_ping_mono = self->last_message_mono + promised_ns + patience;
        return false;
    }
    if (self->ping_mono != 0) {
        gf_connection__fail(self, GF_DEADLINE_EXCEEDED, "SILENT",
                            "a ping was not answered in time");
        return false;
    }
    self->ping_mono = now;
    self->ping_id++;
    self->next_ping_mono = now + patience;
    return true;
}

/* ---- Steps ---- */

static enum gf_connection_next go_on(struct gf_hub_connection *self,
                                     enum gf_connection_phase phase) {
    switch (phase) {
    case GF_PHASE_REGISTERING:
        return gf_handshake__register(self);
    case GF_PHASE_WELCOME:
        return gf_handshake__welcome(self);
    case GF_PHASE_SUBSCRIBING:
        return gf_set__scan(self);
    case GF_PHASE_COMPLETE:
    case GF_PHASE_READYING:
    case GF_PHASE_READY:
        return gf_outgoing__send(self);
    case GF_PHASE_NEW:
    case GF_PHASE_ENTERING:
        break;
    }
    return GF_CONNECTION_WAIT;
}

static void check(struct gf_hub_connection *self) {
    struct gf_extension_hub *hub = self->hub;
    struct gf_error lost = {0};
    const bool cancelled = gf_rpc_is_cancelled(self->call);
    const bool allowed = hub->options.gate == NULL ||
                         gf_gate_check_stream(self->call, &self->gate_watch, &lost) == GF_OK;
    const int64_t now = gf_mono_ns();
    gf_mutex_lock(&hub->mutex);
    if (cancelled) {
        gf_connection__fail(self, GF_CANCELLED, "", "the extension went away");
    }
    if (hub->stopping) {
        gf_connection__fail(self, GF_UNAVAILABLE, "", "the server is stopping");
    }
    if (!allowed) {
        gf_connection__end(self, &lost);
    }
    if (self->half_closed) {
        const struct gf_error well = {0};
        gf_connection__end(self, &well);
    }
    check_phase_time(self, now);
    if (check_silence(self, now)) {
        Gofer__Extension__V1__Ping ping = GOFER__EXTENSION__V1__PING__INIT;
        Gofer__Extension__V1__ConnectResponse message =
            GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
        ping.ping_id = self->ping_id;
        message.message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_PING;
        message.ping = &ping;
        gf_connection__queue(self, &message);
    }
    gf_mutex_unlock(&hub->mutex);
    gf_asks__expire(self);
}

static void resume_reading(struct gf_hub_connection *self) {
    const int64_t patience = gf_hub__ms(self->hub->options.pong_ms, GF_EXTENSION_PONG_MS);
    gf_mutex_lock(&self->hub->mutex);
    const bool resume = self->read_paused && !gf_connection__is_full(self);
    self->read_paused = self->read_paused && !resume;
    if (resume) {
        /* What it said meanwhile comes now. */
        self->last_message_mono = gf_mono_ns();
        self->next_ping_mono = self->last_message_mono + patience;
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (resume) {
        gf_rpc_resume_reading(self->call);
    }
}

/* The extension is told that it must end, where there is still somebody to tell. */
static void say_shutdown(struct gf_hub_connection *self) {
    gf_mutex_lock(&self->hub->mutex);
    const bool say = self->shutdown_asked && !self->shutdown_sent &&
                     self->phase >= GF_PHASE_SUBSCRIBING && self->pending == NULL;
    self->shutdown_sent |= say;
    const struct gf_error error = self->end;
    gf_mutex_unlock(&self->hub->mutex);
    if (!say) {
        return;
    }
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_SHUTDOWN;
    message->shutdown = GF_MESSAGE_NEW(&self->arena, Gofer__Extension__V1__Shutdown,
                                       gofer__extension__v1__shutdown);
    message->shutdown->reason = (char *)(uintptr_t)error.message;
    message->shutdown->deadline_time =
        gf_message_time(gf_clock_wall_ns(self->hub->options.clock), &self->arena);
    (void)gf_connection__send(self, message);
}

static void forget(struct gf_hub_connection *self) {
    struct gf_extension_hub *hub = self->hub;
    gf_mutex_lock(&hub->mutex);
    struct gf_hub_extension *extension = self->extension;
    self->ended = true;
    self->extension = NULL;
    gf_list_remove(&self->link);
    hub->connection_count--;
    gf_hub__set_time(hub, &self->time, GF_NEVER);
    if (extension != NULL) {
        gf_list_remove(&self->of_extension);
        gf_hub__choose_active(hub, extension);
        gf_hub__let_go(hub, extension);
    }
    gf_mutex_unlock(&hub->mutex);
}

/* What it had and did not acknowledge comes again, on the next connection. */
static void give_back(struct gf_hub_connection *self) {
    for (;;) {
        size_t position = 0;
        int64_t sequence = 0;
        void *value = NULL;
        gf_mutex_lock(&self->hub->mutex);
        if (gf_map_i64_next(&self->sent, &position, &sequence, &value)) {
            (void)gf_map_i64_remove(&self->sent, sequence);
        }
        gf_mutex_unlock(&self->hub->mutex);
        struct gf_hub_sent *sent = value;
        if (sent == NULL) {
            return;
        }
        if (sent->delivery_key != 0) {
            gf_deliveries__settle(self->hub, sent->delivery_key, GF_SETTLED_FAILED,
                                  GF_STR("the connection ended before it was acknowledged"), 0);
        } else {
            gf_feed__acked(self, sent->event_sequence, NULL);
        }
        free(sent);
    }
}

/* Another connection of the same program that works; NULL: none. (m) */
static struct gf_hub_connection *find_other(struct gf_hub_connection *self,
                                            enum gf_connection_phase phase) {
    const struct gf_hub_extension *extension = gf_hub__find(self->hub, self->extension_key);
    if (extension == NULL) {
        return NULL;
    }
    GF_LIST_FOREACH(link, &extension->connections) {
        struct gf_hub_connection *other =
            GF_CONTAINER_OF(link, struct gf_hub_connection, of_extension);
        if (other->attempt == self->attempt && other->phase >= phase && !other->ending) {
            return other;
        }
    }
    return NULL;
}

/*
 * The core has noted that the connection is gone. Where another one became ready before that, and
 * this word went past its word, it says so again.
 */
static void gone_told(struct gf_hub_command *command, const struct gf_reply *reply) {
    struct gf_hub_connection *self = command->connection;
    (void)reply;
    gf_mutex_lock(&self->hub->mutex);
    struct gf_hub_connection *other = find_other(self, GF_PHASE_READY);
    if (other != NULL) {
        gf_connection__ref(other);
    }
    gf_mutex_unlock(&self->hub->mutex);
    if (other != NULL) {
        gf_hub__submit(gf_incoming__word(other, GF_INPUT_EXTENSION_READY));
        gf_connection__unref(other);
    }
}

static void tell_gone(struct gf_hub_connection *self, const struct gf_error *error) {
    gf_mutex_lock(&self->hub->mutex);
    const bool tell =
        self->was_ready && !self->hub->stopping && find_other(self, GF_PHASE_READYING) == NULL;
    gf_mutex_unlock(&self->hub->mutex);
    if (!tell) {
        return;
    }
    const char *reason = error->code == GF_OK ? "it closed the connection" : error->message;
    struct gf_hub_command *command = gf_incoming__word(self, GF_INPUT_EXTENSION_GONE);
    command->done = gone_told;
    command->command.input.u.word.reason = gf_arena_str(&command->arena, gf_str_from(reason));
    gf_hub__submit(command);
}

static void end(struct gf_hub_connection *self) {
    struct gf_rpc_call *call = self->call;
    say_shutdown(self);
    struct gf_error error = self->end;
    if (error.field[0] != '\0') {
        /* Authors see the message alone: few libraries show the details of a status. */
        (void)gf_wrap(&error, "%s", error.field);
    }
    /* Whoever comes next finds how far this one got, and what counts as an attempt. */
    gf_feed__stop(self);
    give_back(self);
    forget(self);
    gf_asks__end(self);
    gf_dialogs__end(self, &error);
    tell_gone(self, &error);
    gf_hub__tell(self->hub, self->extension_key);
    gf_arena_wipe(&self->arena);
    atomic_store(&self->step_state, ENDED);
    if (error.code == GF_OK) {
        gf_rpc_finish(call);
    } else {
        gf_rpc_fail(call, &error);
    }
}

/* Gives GF_CONNECTION_AGAIN, or WAIT; `self->ending` says that it is over. */
static enum gf_connection_next step(struct gf_hub_connection *self) {
    check(self);
    gf_mutex_lock(&self->hub->mutex);
    const bool ending = self->ending;
    const enum gf_connection_phase phase = self->phase;
    gf_mutex_unlock(&self->hub->mutex);
    if (ending) {
        return GF_CONNECTION_WAIT;
    }
    if (self->pending != NULL && !send(self, self->pending)) {
        return GF_CONNECTION_WAIT;
    }
    gf_arena_wipe(&self->arena);
    gf_arena_reset(&self->arena);
    return go_on(self, phase);
}

/* On a worker. */
static void run(void *ctx) {
    struct gf_hub_connection *self = ctx;
    struct gf_extension_hub *hub = self->hub;
    gf_assert(self->magic == GF_CONNECTION_MAGIC);
    /* Kicks from here on are for what this step may not see. */
    atomic_store(&self->step_state, BUSY);
    const enum gf_connection_next next = step(self);
    gf_mutex_lock(&hub->mutex);
    const bool ending = self->ending;
    gf_connection__plan(self);
    gf_mutex_unlock(&hub->mutex);
    if (ending) {
        end(self);
        gf_connection__unref(self);
        return;
    }
    resume_reading(self);
    if (self->pending == NULL) {
        gf_arena_wipe(&self->arena);
        gf_arena_fini(&self->arena);
        gf_arena_init(&self->arena, GF_HUB_ARENA_BYTES_MAX);
    }
    int busy = BUSY;
    if (next == GF_CONNECTION_WAIT &&
        atomic_compare_exchange_strong(&self->step_state, &busy, IDLE)) {
        gf_connection__unref(self);
        return;
    }
    gf_pool_submit_reserved(hub->options.pool, run, self);
}
