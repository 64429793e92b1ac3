/*
 * Deliveries of an extension: their way to the engine, and from the commit to the acknowledgement.
 * What they say is read in starts_read.c.
 *
 * Design: a delivery has an arena of its own, with a copy of its message, from which the input
 * borrows; the request of the rpc layer is gone when the callback returns. Where the engine has no
 * room, deliveries wait here in their order, and the connection is not read from; the window bounds
 * how many there can be. The engine's thread notes the outcome and kicks; a step sends it.
 */
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/extension/hub_internal.h"
#include "base/alloc.h"
#include "engine/core/limits.h"

enum {
    RECEIVED_BYTES_MAX = 128 << 20, /* far above a message of 4 MiB and what is made of it */
    ACKS_STEP = 256,
};

/* ---- Outcomes ---- */

static bool starts_runs(const struct gf_hub_received *received) {
    return received->request->message_case ==
               GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN ||
           received->request->message_case ==
               GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT;
}

static size_t subscription_count(const struct gf_hub_received *received) {
    return received->request->message_case ==
                   GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN
               ? 1
               : received->request->observed_event->n_subscriptions;
}

/* What is wrong with it, for all that it asks for. */
static void set_refused(struct gf_hub_received *received, const struct gf_error *error) {
    struct gf_arena *arena = &received->arena;
    const char *text = error->field[0] == '\0'
                           ? gf_arena_strdup(arena, error->message)
                           : gf_arena_printf(arena, "%s: %s", error->field, error->message);
    /* More than may be asked for have no outcome each: the answer would be larger by far than what
     * is answered. */
    if (!starts_runs(received) || subscription_count(received) > GF_START_SUBSCRIPTIONS_MAX) {
        received->outcome = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_REJECTED;
        received->description = text;
        return;
    }
    const size_t count = subscription_count(received);
    struct gf_start_result *results = GF_ARENA_ARRAY(arena, count, struct gf_start_result);
    for (size_t i = 0; i < count; i++) {
        results[i] = (struct gf_start_result){
            .outcome = GF_START_REFUSED,
            .reason = gf_arena_str(
                arena,
                gf_str_from(error->reason[0] != '\0' ? error->reason : gf_code_name(error->code))),
            .description = gf_str_from(text),
        };
    }
    received->starts = results;
    received->start_count = count;
    received->description = "";
}

static void set_starts(struct gf_hub_received *received, const struct gf_reply *reply) {
    struct gf_arena *arena = &received->arena;
    struct gf_start_result *results =
        GF_ARENA_ARRAY(arena, reply->start_count, struct gf_start_result);
    for (size_t i = 0; i < reply->start_count; i++) {
        results[i] = reply->starts[i];
        results[i].reason = gf_arena_str(arena, results[i].reason);
        results[i].description = gf_arena_str(arena, results[i].description);
    }
    received->starts = results;
    received->start_count = reply->start_count;
}

static void put_answered(struct gf_hub_received *received) {
    struct gf_hub_connection *self = received->connection;
    gf_mutex_lock(&self->hub->mutex);
    gf_list_push_back(&self->answered, &received->link);
    gf_mutex_unlock(&self->hub->mutex);
    gf_connection__kick(self);
}

static void free_received(struct gf_hub_received *received) {
    gf_arena_fini(&received->arena);
    free(received);
}

/* The connection cannot go on: nothing is acknowledged. */
static void give_up(struct gf_hub_received *received, const struct gf_error *error) {
    struct gf_hub_connection *self = received->connection;
    gf_mutex_lock(&self->hub->mutex);
    gf_connection__end(self, error);
    gf_mutex_unlock(&self->hub->mutex);
    gf_connection__kick(self);
    free_received(received);
}

static void hold(struct gf_hub_received *received, int64_t delay_ms) {
    struct gf_hub_connection *self = received->connection;
    gf_mutex_lock(&self->hub->mutex);
    gf_list_push_back(&self->held, &received->link);
    if (self->held_mono == 0) {
        self->held_mono = gf_mono_ns() + delay_ms * GF_NS_PER_MS;
    }
    gf_mutex_unlock(&self->hub->mutex);
    gf_connection__kick(self);
}

/* Whether the delivery alone is at fault, so that it is answered and the connection goes on. */
static bool is_refusal(const struct gf_error *error) {
    return error->code == GF_INVALID_ARGUMENT ||
           ((error->code == GF_NOT_FOUND || error->code == GF_FAILED_PRECONDITION) &&
            strcmp(error->reason, "EXTENSION_NOT_INSTALLED") != 0 &&
            strcmp(error->reason, "EXTENSION_DISABLED") != 0);
}

/* Thread: engine, or that of who submitted where the engine takes no more. */
static void done(struct gf_command *command, const struct gf_reply *reply) {
    struct gf_hub_received *received = GF_CONTAINER_OF(command, struct gf_hub_received, command);
    struct gf_hub_connection *self = received->connection;
    struct gf_error error = reply->error;
    if (error.code == GF_OK) {
        if (starts_runs(received)) {
            set_starts(received, reply);
        } else {
            received->outcome = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE;
        }
        put_answered(received);
    } else if (error.code == GF_RESOURCE_EXHAUSTED) {
        hold(received, GF_HUB_FULL_RETRY_MS);
    } else if (is_refusal(&error)) {
        set_refused(received, &error);
        put_answered(received);
    } else {
        if (strcmp(error.reason, "EXTENSION_DISABLED") == 0) {
            error.code = GF_PERMISSION_DENIED;
        }
        give_up(received, &error);
    }
    gf_connection__unref(self);
}

/* ---- Taking in ---- */

static enum gf_code read_request(struct gf_hub_received *received, struct gf_error *err) {
    const struct gf_hub_connection *self = received->connection;
    struct gf_input *input = &received->command.input;
    switch ((int)received->request->message_case) {
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN:
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT: {
        input->kind = GF_INPUT_START_EXTENSION_RUNS;
        const enum gf_code rc =
            gf_starts__read(received->request, &received->arena, &input->u.extension_start, err);
        input->u.extension_start.extension_key = self->extension_key;
        return rc;
    }
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT:
        input->kind = GF_INPUT_SET_CHECKPOINT;
        input->u.progress.extension_key = self->extension_key;
        return gf_starts__read_checkpoint(received->request->checkpoint, &input->u.progress, err);
    case GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT:
        input->kind = GF_INPUT_PUT_REPORT;
        return gf_starts__read_report(self, received->request->report, &received->arena,
                                      &input->u.report, err);
    default:
        return gf_fail(err, GF_UNIMPLEMENTED, "gofer does not know such a delivery");
    }
}

/* Hands it to the engine, or keeps it until that has room. */
static void submit(struct gf_hub_received *received) {
    struct gf_hub_connection *self = received->connection;
    struct gf_error error = {0};
    gf_connection__ref(self);
    const enum gf_code rc = gf_engine_submit(self->hub->engine, &received->command, &error);
    if (rc == GF_RESOURCE_EXHAUSTED) {
        hold(received, GF_HUB_RETRY_MS);
        gf_connection__unref(self);
    } else if (rc != GF_OK) {
        give_up(received, &error);
        gf_connection__unref(self);
    }
}

/* A copy of the message that lives as long as the delivery. */
static struct gf_hub_received *copy(struct gf_hub_connection *self,
                                    const Gofer__Extension__V1__ConnectRequest *request) {
    struct gf_hub_received *received = GF_NEW(struct gf_hub_received);
    received->connection = self;
    received->command.done = done;
    received->sequence = request->sequence;
    received->description = "";
    gf_arena_init(&received->arena, RECEIVED_BYTES_MAX);
    const size_t size = gf_wire_encoded_size(&request->base);
    uint8_t *bytes = gf_malloc(size + 1);
    ProtobufCMessage *message = NULL;
    (void)gf_wire_encode(&request->base, bytes);
    const enum gf_code rc =
        gf_wire_decode(request->base.descriptor, bytes, size, &received->arena, &message, NULL);
    free(bytes);
    if (rc != GF_OK) { /* larger in memory than any that is meant well */
        free_received(received);
        return NULL;
    }
    received->request = (const Gofer__Extension__V1__ConnectRequest *)(const void *)message;
    received->size = received->arena.used_bytes; /* which may be many times those of the wire */
    return received;
}

void gf_starts__take(struct gf_hub_connection *self,
                     const Gofer__Extension__V1__ConnectRequest *request) {
    struct gf_error error = {0};
    gf_mutex_lock(&self->hub->mutex);
    enum gf_code rc = gf_window_receive(&self->in, request->sequence, &error);
    if (rc != GF_OK) {
        gf_connection__end(self, &error);
    }
    self->received_total++;
    gf_counter_add(&self->hub->received, 1);
    gf_mutex_unlock(&self->hub->mutex);
    struct gf_hub_received *received = rc == GF_OK ? copy(self, request) : NULL;
    if (received == NULL) {
        gf_mutex_lock(&self->hub->mutex);
        gf_connection__fail(self, GF_RESOURCE_EXHAUSTED, "", "a delivery takes too much memory");
        gf_mutex_unlock(&self->hub->mutex);
        gf_connection__kick(self);
        return;
    }
    gf_mutex_lock(&self->hub->mutex);
    self->in_bytes += received->size;
    const bool others_wait = !gf_list_empty(&self->held);
    gf_mutex_unlock(&self->hub->mutex);
    rc = read_request(received, &error);
    if (rc == GF_UNIMPLEMENTED && error.field[0] == '\0') {
        received->outcome = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED;
        received->description = "gofer does not know such a delivery";
        put_answered(received);
    } else if (rc != GF_OK) {
        set_refused(received, &error);
        put_answered(received);
    } else if (others_wait) {
        hold(received, GF_HUB_RETRY_MS);
    } else {
        submit(received);
    }
}

void gf_starts__retry(struct gf_hub_connection *self) {
    struct gf_list held;
    gf_list_init(&held);
    gf_mutex_lock(&self->hub->mutex);
    if (self->held_mono != 0 && gf_mono_ns() >= self->held_mono) {
        self->held_mono = 0;
        gf_list_append_all(&held, &self->held);
    }
    gf_mutex_unlock(&self->hub->mutex);
    /* Reading is paused until the list is empty: nothing comes between. */
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&held)) != NULL) {
        struct gf_hub_received *received = GF_CONTAINER_OF(link, struct gf_hub_received, link);
        gf_mutex_lock(&self->hub->mutex);
        const bool full = self->held_mono != 0;
        gf_mutex_unlock(&self->hub->mutex);
        if (full) {
            hold(received, GF_HUB_RETRY_MS);
        } else {
            submit(received);
        }
    }
}

/* ---- Acknowledgements ---- */

static Gofer__Extension__V1__RunOutcomeKind kind_of(const struct gf_start_result *result) {
    if (result->outcome == GF_START_STARTED) {
        return result->duplicate
                   ? GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_DUPLICATE
                   : GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_STARTED;
    }
    return (Gofer__Extension__V1__RunOutcomeKind)result->outcome;
}

static void write_outcomes(struct gf_hub_connection *self, const struct gf_hub_received *received,
                           Gofer__Extension__V1__RequestAck *ack) {
    struct gf_arena *arena = &self->arena;
    Gofer__V1__SubscriptionReference *const *references =
        received->request->message_case == GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN
            ? &received->request->start_run->subscription
            : received->request->observed_event->subscriptions;
    ack->n_outcomes = received->start_count;
    ack->outcomes =
        GF_ARENA_ARRAY(arena, received->start_count, Gofer__Extension__V1__RunOutcome *);
    for (size_t i = 0; i < received->start_count; i++) {
        const struct gf_start_result *result = &received->starts[i];
        Gofer__Extension__V1__RunOutcome *outcome = GF_MESSAGE_NEW(
            arena, Gofer__Extension__V1__RunOutcome, gofer__extension__v1__run_outcome);
        if (references[i] != NULL) {
            Gofer__V1__SubscriptionReference *reference = GF_MESSAGE_NEW(
                arena, Gofer__V1__SubscriptionReference, gofer__v1__subscription_reference);
            reference->namespace_id = gf_arena_strdup(arena, references[i]->namespace_id);
            reference->pipeline_id = gf_arena_strdup(arena, references[i]->pipeline_id);
            reference->subscription_id = gf_arena_strdup(arena, references[i]->subscription_id);
            outcome->subscription = reference;
        }
        outcome->kind = kind_of(result);
        outcome->run_id = result->run_id;
        outcome->reason = gf_message_text(result->reason, arena);
        outcome->description = gf_message_text(result->description, arena);
        ack->outcomes[i] = outcome;
    }
}

static bool send_ack(struct gf_hub_connection *self, const struct gf_hub_received *received) {
    Gofer__Extension__V1__RequestAck *ack = GF_MESSAGE_NEW(
        &self->arena, Gofer__Extension__V1__RequestAck, gofer__extension__v1__request_ack);
    ack->acked_sequence = received->sequence;
    ack->outcome = received->outcome;
    ack->description = gf_arena_strdup(&self->arena, received->description);
    if (received->starts != NULL) {
        write_outcomes(self, received, ack);
    }
    Gofer__Extension__V1__ConnectResponse *message = gf_connection__message(self);
    message->message_case = GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_ACK;
    message->ack = ack;
    return gf_connection__send(self, message);
}

bool gf_starts__send_acks(struct gf_hub_connection *self, bool *out_more) {
    for (int i = 0; i < ACKS_STEP && !gf_connection__is_long(self); i++) {
        gf_mutex_lock(&self->hub->mutex);
        struct gf_list_link *link = gf_list_pop_front(&self->answered);
        struct gf_hub_received *received =
            link == NULL ? NULL : GF_CONTAINER_OF(link, struct gf_hub_received, link);
        if (received != NULL) {
            self->in_bytes -= received->size;
            self->acknowledged_total++;
            gf_counter_add(&self->hub->acknowledged, 1);
            gf_window_acknowledge(&self->in);
        }
        gf_mutex_unlock(&self->hub->mutex);
        if (received == NULL) {
            return true;
        }
        const bool go_on = send_ack(self, received);
        free_received(received);
        if (!go_on) {
            return false;
        }
    }
    *out_more = true;
    return true;
}

void gf_starts__free(struct gf_hub_connection *self) {
    struct gf_list *lists[] = {&self->held, &self->answered};
    for (size_t i = 0; i < GF_ARRAY_COUNT(lists); i++) {
        struct gf_list_link *link = NULL;
        while ((link = gf_list_pop_front(lists[i])) != NULL) {
            free_received(GF_CONTAINER_OF(link, struct gf_hub_received, link));
        }
    }
}
