/*
 * A connection as gRPC sees it: how a call becomes one, and what its callbacks do. They note what
 * came and leave the rest to the steps of connection.c; only messages after the registration are
 * taken here, so that many of them need no job each.
 */
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "gofer/extension/v1/extension.gofer.h"

#include <stdio.h>

static void init_lists(struct gf_hub_connection *self) {
    gf_list_init(&self->held);
    gf_list_init(&self->answered);
    gf_list_init(&self->items);
    gf_list_init(&self->dirty);
    gf_list_init(&self->asks);
    gf_list_init(&self->asked);
    gf_list_init(&self->debugs);
    gf_list_init(&self->dialogs);
    gf_arena_init(&self->arena, GF_HUB_ARENA_BYTES_MAX);
    gf_arena_init(&self->declared_arena, GF_HUB_ARENA_BYTES_MAX);
}

static struct gf_hub_connection *create(struct gf_extension_hub *hub, struct gf_rpc_call *call) {
    struct gf_hub_connection *self = GF_NEW(struct gf_hub_connection);
    self->magic = GF_CONNECTION_MAGIC;
    atomic_store(&self->references, 1);
    self->hub = hub;
    self->call = call;
    self->principal = hub->options.gate != NULL ? gf_principal_of(call) : NULL;
    self->accept_mono_ns = gf_mono_ns();
    self->last_message_mono = self->accept_mono_ns;
    self->connect_time = gf_clock_wall_ns(hub->options.clock);
    self->last_message_time = self->connect_time;
    self->in.limit = GF_EXTENSION_WINDOW;
    self->time.due = gf_connection__time_is_due;
    self->phase_deadline =
        self->accept_mono_ns + gf_hub__ms(hub->options.register_ms, GF_EXTENSION_REGISTER_MS);
    init_lists(self);
    return self;
}

static void start(struct gf_rpc_call *call, void *ctx) {
    struct gf_extension_hub *hub = ctx;
    struct gf_error error = {0};
    gf_mutex_lock(&hub->mutex);
    if (!hub->started || hub->stopping) {
        (void)gf_fail(&error, GF_UNAVAILABLE, "the server is %s",
                      hub->stopping ? "stopping" : "starting");
    } else if (hub->connection_count >= GF_EXTENSION_CONNECTIONS_MAX) {
        gf_counter_add(&hub->connections_refused, 1);
        (void)gf_fail(&error, GF_RESOURCE_EXHAUSTED, "there are %d connections of extensions",
                      GF_EXTENSION_CONNECTIONS_MAX);
    }
    if (error.code != GF_OK) {
        gf_mutex_unlock(&hub->mutex);
        gf_rpc_fail(call, &error);
        return;
    }
    struct gf_hub_connection *self = create(hub, call);
    (void)snprintf(self->id, sizeof(self->id), "c-%lld", (long long)++hub->next_connection);
    gf_rpc_call_set_data(call, self);
    gf_list_push_back(&hub->connections, &self->link);
    hub->connection_count++;
    gf_counter_add(&hub->connections_total, 1);
    gf_connection__plan(self);
    gf_mutex_unlock(&hub->mutex);
}

static void note_message(struct gf_hub_connection *self) {
    self->last_message_mono = gf_mono_ns();
    self->last_message_time = gf_clock_wall_ns(self->hub->options.clock);
}

static void message(struct gf_rpc_call *call, const Gofer__Extension__V1__ConnectRequest *request,
                    void *ctx) {
    struct gf_extension_hub *hub = ctx;
    struct gf_hub_connection *self = gf_rpc_call_get_data(call);
    gf_mutex_lock(&hub->mutex);
    note_message(self);
    const bool over = self->ended || self->ending;
    const bool is_first = self->phase == GF_PHASE_NEW;
    self->half_closed |= request == NULL;
    gf_mutex_unlock(&hub->mutex);
    if (over) {
        return;
    }
    if (request == NULL) {
        gf_connection__kick(self);
        return;
    }
    if (is_first) {
        gf_rpc_pause_reading(call);
        self->registration = request;
        gf_mutex_lock(&hub->mutex);
        self->phase = GF_PHASE_REGISTERING;
        gf_mutex_unlock(&hub->mutex);
        gf_connection__kick(self);
        return;
    }
    gf_incoming__take(self, request);
    gf_mutex_lock(&hub->mutex);
    bool full = gf_connection__is_full(self);
    gf_mutex_unlock(&hub->mutex);
    if (full) {
        gf_rpc_pause_reading(call);
        gf_mutex_lock(&hub->mutex);
        self->read_paused = true;
        gf_mutex_unlock(&hub->mutex);
        gf_connection__kick(self);
    }
}

static void kick(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    gf_connection__kick(gf_rpc_call_get_data(call));
}

static void done(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct gf_hub_connection *self = gf_rpc_call_get_data(call);
    if (self != NULL) {
        gf_connection__unref(self);
    }
}

void gf_extension_hub_add_to_server(struct gf_extension_hub *hub, struct gf_rpc_server *server) {
    static const struct gofer_extension_v1_extension_service_handlers handlers = {
        .connect =
            {.start = start, .message = message, .writable = kick, .cancelled = kick, .done = done},
    };
    gofer_extension_v1_extension_service_add_to_server(server, &handlers, hub);
}
