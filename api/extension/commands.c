/*
 * Design: what the hub tells the engine must get there (that a connection is over, that a delivery
 * is done), so a full queue of the engine is waited for. Those that wait keep their order, and
 * those that come later stand behind them.
 */
#include "api/extension/hub_internal.h"
#include "base/alloc.h"

enum {
    COMMAND_ARENA_BYTES_MAX = 64 << 20, /* far above any delivery or report */
};

static void done(struct gf_command *base, const struct gf_reply *reply) {
    struct gf_hub_command *self = GF_CONTAINER_OF(base, struct gf_hub_command, command);
    if (self->done != NULL) {
        self->done(self, reply);
    }
    gf_hub__free_command(self);
}

struct gf_hub_command *gf_hub__command(struct gf_extension_hub *hub, enum gf_input_kind kind) {
    struct gf_hub_command *self = GF_NEW(struct gf_hub_command);
    self->hub = hub;
    self->command.input.kind = kind;
    self->command.done = done;
    gf_arena_init(&self->arena, COMMAND_ARENA_BYTES_MAX);
    return self;
}

void gf_hub__free_command(struct gf_hub_command *self) {
    if (self->connection != NULL) {
        gf_connection__unref(self->connection);
    }
    gf_arena_fini(&self->arena);
    free(self);
}

static void refuse(struct gf_hub_command *self, const struct gf_error *error) {
    const struct gf_reply reply = {.error = *error};
    done(&self->command, &reply);
}

/* Takes out the first; NULL: there is none any more. */
static struct gf_hub_command *next_held(struct gf_extension_hub *hub) {
    GF_MUTEX_GUARD(&hub->mutex);
    struct gf_list_link *first = gf_list_pop_front(&hub->held);
    hub->retrying = first != NULL;
    return first == NULL ? NULL : GF_CONTAINER_OF(first, struct gf_hub_command, link);
}

/* On a worker. */
static void retry(void *ctx) {
    struct gf_extension_hub *hub = ctx;
    struct gf_hub_command *self = NULL;
    while ((self = next_held(hub)) != NULL) {
        struct gf_error error = {0};
        const enum gf_code rc = gf_engine_submit(hub->engine, &self->command, &error);
        if (rc == GF_RESOURCE_EXHAUSTED) {
            gf_mutex_lock(&hub->mutex);
            gf_list_push_front(&hub->held, &self->link);
            hub->retrying = false;
            gf_hub__set_time(hub, &hub->held_time, gf_mono_ns() + GF_HUB_RETRY_MS * GF_NS_PER_MS);
            gf_mutex_unlock(&hub->mutex);
            return;
        }
        if (rc != GF_OK) {
            refuse(self, &error);
        }
    }
}

static void retry_is_due(struct gf_extension_hub *hub, struct gf_hub_time *time) {
    (void)time;
    hub->retrying = true; /* from now on: a second job would break the order */
    gf_pool_submit_reserved(hub->options.pool, retry, hub);
}

void gf_hub__submit(struct gf_hub_command *self) {
    struct gf_extension_hub *hub = self->hub;
    struct gf_error error = {0};
    enum gf_code rc = GF_RESOURCE_EXHAUSTED;
    gf_mutex_lock(&hub->mutex);
    const bool others_wait = hub->retrying || !gf_list_empty(&hub->held);
    gf_mutex_unlock(&hub->mutex);
    if (!others_wait) {
        rc = gf_engine_submit(hub->engine, &self->command, &error);
    }
    if (rc == GF_RESOURCE_EXHAUSTED) {
        gf_mutex_lock(&hub->mutex);
        gf_list_push_back(&hub->held, &self->link);
        hub->held_time.due = retry_is_due;
        if (!hub->retrying && !gf_heap_contains(&hub->held_time.node)) {
            gf_hub__set_time(hub, &hub->held_time, gf_mono_ns() + GF_HUB_RETRY_MS * GF_NS_PER_MS);
        }
        gf_mutex_unlock(&hub->mutex);
    } else if (rc != GF_OK) {
        refuse(self, &error);
    }
}

void gf_hub__free_held(struct gf_extension_hub *hub) {
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&hub->held)) != NULL) {
        gf_hub__free_command(GF_CONTAINER_OF(link, struct gf_hub_command, link));
    }
}
