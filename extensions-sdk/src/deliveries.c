#include "extensions-sdk/src/deliveries.h"

#include "base/alloc.h"
#include "extensions-sdk/src/internal.h"

#include <string.h>

enum {
    ACK_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_ACK,
    KEY_BYTES_MAX = 300, /* a letter and an id of gofer's */
    EVENT_ARENA_BYTES_MAX = 64 << 20,
    DONE = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE,
    RETRY = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_RETRY,
    REJECTED = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_REJECTED,
    UNSUPPORTED = GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED,
};

struct gofer_delivery {
    struct gf_sdk_deliveries *owner;
    char *key;
    int64_t connection; /* on which it came last */
    int64_t sequence;
    bool done; /* kept to be acknowledged again */
};

struct gf_sdk_deliveries {
    struct gofer_extension *extension;
    struct gf_mutex mutex;
    struct gf_map working; /* by key; struct gofer_delivery */
    struct gf_map done;    /* by key, oldest first */
};

struct gf_sdk_deliveries *gf_sdk_deliveries_create(struct gofer_extension *extension) {
    struct gf_sdk_deliveries *deliveries = GF_NEW(struct gf_sdk_deliveries);
    deliveries->extension = extension;
    gf_mutex_init(&deliveries->mutex, GF_RANK_EXTENSION_DELIVERIES);
    return deliveries;
}

static void free_delivery(struct gofer_delivery *delivery) {
    if (delivery != NULL) {
        free(delivery->key);
        free(delivery);
    }
}

static void free_all(struct gf_map *map) {
    size_t position = 0;
    void *delivery = NULL;
    while (gf_map_next(map, &position, NULL, &delivery)) {
        free_delivery(delivery);
    }
    gf_map_fini(map);
}

void gf_sdk_deliveries_destroy(struct gf_sdk_deliveries *deliveries) {
    if (deliveries == NULL) {
        return;
    }
    free_all(&deliveries->working);
    free_all(&deliveries->done);
    gf_mutex_fini(&deliveries->mutex);
    free(deliveries);
}

size_t gf_sdk_deliveries_count(struct gf_sdk_deliveries *deliveries) {
    GF_MUTEX_GUARD(&deliveries->mutex);
    return gf_map_count(&deliveries->working);
}

/* ---- Acknowledging ---- */

static void acknowledge(struct gf_sdk_deliveries *deliveries, int64_t connection, int64_t sequence,
                        int outcome, const char *why, int64_t delay_ms) {
    Gofer__Extension__V1__DeliveryAck ack = GOFER__EXTENSION__V1__DELIVERY_ACK__INIT;
    Google__Protobuf__Duration delay;
    ack.acked_sequence = sequence;
    ack.outcome = (Gofer__Extension__V1__DeliveryOutcome)outcome;
    ack.description = gf_sdk_text(why);
    ack.retry_delay = gf_sdk_duration_fill(&delay, delay_ms);
    gf_sdk_outbox_say(deliveries->extension->outbox, connection, ACK_FIELD, &ack.base);
}

void gf_sdk_deliveries_refuse(struct gf_sdk_deliveries *deliveries, int64_t sequence) {
    acknowledge(deliveries, gf_sdk_outbox_connection(deliveries->extension->outbox), sequence,
                UNSUPPORTED, "this extension does not take such deliveries", 0);
}

/* Remembers a key; gives what is forgotten for it. */
static struct gofer_delivery *remember(struct gf_sdk_deliveries *deliveries,
                                       struct gofer_delivery *delivery) {
    delivery->done = true;
    struct gofer_delivery *old =
        gf_map_put(&deliveries->done, gf_str_from(delivery->key), delivery);
    if (old == NULL && gf_map_count(&deliveries->done) > GF_SDK_DELIVERIES_DONE_MAX) {
        size_t position = 0;
        void *oldest = NULL;
        (void)gf_map_next(&deliveries->done, &position, NULL, &oldest);
        old = oldest;
        (void)gf_map_remove(&deliveries->done, gf_str_from(old->key));
    }
    return old;
}

/* The program is through with it. An answer for a connection that is over is not said: gofer will
 * deliver again, and gets it then if it was DONE. */
static void finish(struct gofer_delivery *delivery, int outcome, const char *why,
                   int64_t delay_ms) {
    struct gf_sdk_deliveries *deliveries = delivery->owner;
    struct gofer_delivery *gone = delivery;
    int64_t connection = 0;
    int64_t sequence = 0;
    {
        GF_MUTEX_GUARD(&deliveries->mutex);
        connection = delivery->connection;
        sequence = delivery->sequence;
        (void)gf_map_remove(&deliveries->working, gf_str_from(delivery->key));
        if (outcome == DONE) {
            gone = remember(deliveries, delivery);
        }
    }
    acknowledge(deliveries, connection, sequence, outcome, why, delay_ms);
    free_delivery(gone);
}

void gofer_delivery_done(struct gofer_delivery *delivery) {
    finish(delivery, DONE, NULL, 0);
}

void gofer_delivery_retry(struct gofer_delivery *delivery, int64_t delay_ms, const char *why) {
    finish(delivery, RETRY, why == NULL || why[0] == '\0' ? "it does not work now" : why, delay_ms);
}

void gofer_delivery_reject(struct gofer_delivery *delivery, const char *why) {
    finish(delivery, REJECTED, why == NULL || why[0] == '\0' ? "it is not right" : why, 0);
}

/* ---- Coming in ---- */

/* The delivery to give to the program; NULL when it has it, or is through with it. */
static struct gofer_delivery *admit(struct gf_sdk_deliveries *deliveries, const char *key,
                                    int64_t sequence) {
    const int64_t connection = gf_sdk_outbox_connection(deliveries->extension->outbox);
    {
        GF_MUTEX_GUARD(&deliveries->mutex);
        struct gofer_delivery *known = gf_map_get(&deliveries->working, gf_str_from(key));
        if (known != NULL) {
            known->connection = connection;
            known->sequence = sequence;
            return NULL;
        }
        if (gf_map_get(&deliveries->done, gf_str_from(key)) == NULL) {
            struct gofer_delivery *delivery = GF_NEW(struct gofer_delivery);
            *delivery = (struct gofer_delivery){.owner = deliveries,
                                                .key = gf_strdup(key),
                                                .connection = connection,
                                                .sequence = sequence};
            (void)gf_map_put(&deliveries->working, gf_str_from(key), delivery);
            return delivery;
        }
    }
    acknowledge(deliveries, connection, sequence, DONE, NULL, 0);
    return NULL;
}

/* What an enum's value is called, without its prefix; digits for one that is not known. */
static const char *value_name(struct gf_arena *arena, const ProtobufCEnumDescriptor *descriptor,
                              int value, const char *prefix) {
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (value == 0) {
        return "";
    }
    return found == NULL ? gf_arena_printf(arena, "%d", value) : found->name + strlen(prefix);
}

static struct gofer_pair *copy_pairs(struct gf_arena *arena, const void *entries, size_t count) {
    const struct gf_sdk_entry *const *from = entries;
    struct gofer_pair *pairs = GF_ARENA_ARRAY(arena, count, struct gofer_pair);
    for (size_t i = 0; i < count; i++) {
        pairs[i] = (struct gofer_pair){.name = from[i]->key, .value = from[i]->value};
    }
    return pairs;
}

void gf_sdk_deliveries_take_event(struct gf_sdk_deliveries *deliveries, int64_t sequence,
                                  const Gofer__Extension__V1__EventDelivery *message) {
    struct gofer_extension *extension = deliveries->extension;
    const Gofer__V1__Event *from = message->event;
    if (extension->definition.event == NULL || from == NULL) {
        gf_sdk_deliveries_refuse(deliveries, sequence);
        return;
    }
    char key[KEY_BYTES_MAX];
    (void)snprintf(key, sizeof(key), "e%lld", (long long)from->event_id);
    struct gofer_delivery *delivery = admit(deliveries, key, sequence);
    if (delivery == NULL) {
        return;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, EVENT_ARENA_BYTES_MAX);
    const struct gofer_event event = {
        .event_id = from->event_id,
        .kind =
            value_name(&arena, &gofer__v1__event_kind__descriptor, (int)from->kind, "EVENT_KIND_"),
        .time_ns = gf_sdk_time_ns(from->event_time),
        .namespace_id = from->namespace_id,
        .pipeline_id = from->pipeline_id,
        .run_id = from->run_id,
        .task_id = from->task_id,
        .extension_id = from->extension_id,
        .subscription_id = from->subscription_id,
        .run_status = value_name(&arena, &gofer__v1__run_status__descriptor, (int)from->run_status,
                                 "RUN_STATUS_"),
        .description = from->description,
        .metadata = copy_pairs(&arena, from->metadata, from->n_metadata),
        .metadata_count = from->n_metadata,
        .attempt = message->attempt,
    };
    extension->definition.event(extension, delivery, &event, extension->definition.ctx);
    gf_arena_fini(&arena);
}

void gf_sdk_deliveries_take_external(struct gf_sdk_deliveries *deliveries, int64_t sequence,
                                     const Gofer__Extension__V1__ExternalEvent *message) {
    struct gofer_extension *extension = deliveries->extension;
    if (extension->definition.external_event == NULL) {
        gf_sdk_deliveries_refuse(deliveries, sequence);
        return;
    }
    char key[KEY_BYTES_MAX];
    (void)snprintf(key, sizeof(key), "x%s", message->delivery_id);
    struct gofer_delivery *delivery = admit(deliveries, key, sequence);
    if (delivery == NULL) {
        return;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, EVENT_ARENA_BYTES_MAX);
    struct gofer_pair *headers = GF_ARENA_ARRAY(&arena, message->n_headers, struct gofer_pair);
    for (size_t i = 0; i < message->n_headers; i++) {
        headers[i] = (struct gofer_pair){.name = message->headers[i]->name,
                                         .value = message->headers[i]->value};
    }
    const struct gofer_external_event event = {
        .delivery_id = message->delivery_id,
        .attempt = message->attempt,
        .receive_time_ns = gf_sdk_time_ns(message->receive_time),
        .method = message->method,
        .path = message->path,
        .query = message->query,
        .headers = headers,
        .header_count = message->n_headers,
        .body = message->body.data,
        .body_bytes = message->body.len,
        .peer = message->peer,
        .verified = message->verified,
    };
    extension->definition.external_event(extension, delivery, &event, extension->definition.ctx);
    gf_arena_fini(&arena);
}
