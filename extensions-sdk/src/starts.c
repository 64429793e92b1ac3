/*
 * What the program asks for: runs, checkpoints, reports. Each becomes an item of the outbox,
 * checked first, so that a fault of the program does not end the connection.
 *
 * Thread: any, but for gf_sdk_starts_acked (main).
 */
#include "base/alloc.h"
#include "extensions-sdk/src/internal.h"

#include <stdarg.h>
#include <string.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
    START_BYTES_MAX = 4 << 20, /* of one message; gofer takes no larger ones */
    TITLE_BYTES_MAX = 4 * 255,
    BODY_BYTES_MAX = 64 * 1024,
    URL_BYTES_MAX = 8 * 1024,
    START_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN,
    OBSERVED_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT,
    CHECKPOINT_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT,
    REPORT_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT,
};

static enum gofer_result invalid(struct gofer_extension *extension, const char *function,
                                 const char *what) {
    gf_sdk_say(extension, GOFER_ERROR, "%s: %s", function, what);
    return GOFER_INVALID;
}

/* The caller's struct as of this version. False for a size that is none. */
static bool read_struct(void *out, size_t own_size, const void *from) {
    size_t size = 0;
    if (from == NULL) {
        return false;
    }
    memcpy(&size, from, sizeof(size));
    if (size < sizeof(size)) {
        return false;
    }
    memset(out, 0, own_size);
    memcpy(out, from, size < own_size ? size : own_size);
    return true;
}

/* Characters of a text that is UTF-8. */
static size_t count_characters(const char *text) {
    size_t count = 0;
    for (; text != NULL && *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static bool key_is_valid(const char *key) {
    return key != NULL && key[0] != '\0' && gf_sdk_text_fits(key, 4 * GOFER_KEY_CHARS_MAX) &&
           count_characters(key) <= GOFER_KEY_CHARS_MAX;
}

/* What is wrong with a start; NULL: nothing. */
static const char *fault_of(const struct gofer_run_start *start) {
    if (!key_is_valid(start->idempotency_key)) {
        return "the idempotency key is 1 to 255 characters of UTF-8";
    }
    if (!gf_sdk_pairs_valid(start->variables, start->variable_count)) {
        return "a variable has no name or value, is there twice, or is no UTF-8";
    }
    if (!gf_sdk_pairs_valid(start->labels, start->label_count)) {
        return "a label has no name or value, is there twice, or is no UTF-8";
    }
    if (!gf_sdk_text_fits(start->reason, 4 * GOFER_REASON_CHARS_MAX) ||
        count_characters(start->reason) > GOFER_REASON_CHARS_MAX) {
        return "the reason is at most 1024 characters of UTF-8";
    }
    if (start->input_bytes > GOFER_INPUT_BYTES_MAX ||
        (start->input == NULL && start->input_bytes > 0)) {
        return "the input is at most 256 KiB";
    }
    if (!gf_sdk_text_fits(start->input_media_type, GOFER_KEY_CHARS_MAX) ||
        !gf_sdk_text_fits(start->ordering_key, 4 * GOFER_KEY_CHARS_MAX)) {
        return "the media type or the ordering key is too long or no UTF-8";
    }
    if (!gf_sdk_text_fits(start->checkpoint, GOFER_CHECKPOINT_BYTES_MAX)) {
        return "a checkpoint is at most 4096 bytes of UTF-8";
    }
    if (start->cause.run_id < 0 || !gf_sdk_text_fits(start->cause.namespace_id, 255) ||
        !gf_sdk_text_fits(start->cause.pipeline_id, 255)) {
        return "the cause is no run";
    }
    return NULL;
}

/* Checks what all starts have in common, and copies the caller's struct. */
static enum gofer_result check(struct gofer_extension *extension, const char *function,
                               const struct gofer_run_start *from, struct gofer_run_start *out) {
    if (!read_struct(out, sizeof(*out), from)) {
        return invalid(extension, function, "`size` of struct gofer_run_start is not set");
    }
    const char *fault = fault_of(out);
    if (fault != NULL) {
        return invalid(extension, function, fault);
    }
    return atomic_load(&extension->program_drained) ? GOFER_DRAINED : GOFER_OK;
}

/* The parts of a start that are messages of their own. */
struct parts {
    Gofer__V1__RunInput input;
    Gofer__V1__RunReference cause;
    Google__Protobuf__Timestamp event_time;
};

static Gofer__V1__RunInput *fill_input(const struct gofer_run_start *start,
                                       Gofer__V1__RunInput *out) {
    if (start->input == NULL) {
        return NULL;
    }
    gofer__v1__run_input__init(out);
    out->media_type = gf_sdk_text(start->input_media_type);
    out->source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    out->content.data = (uint8_t *)(uintptr_t)start->input;
    out->content.len = start->input_bytes;
    return out;
}

static Gofer__V1__RunReference *fill_run(const struct gofer_run_reference *run,
                                         Gofer__V1__RunReference *out) {
    if (run->run_id == 0) {
        return NULL;
    }
    gofer__v1__run_reference__init(out);
    out->namespace_id = gf_sdk_text(run->namespace_id);
    out->pipeline_id = gf_sdk_text(run->pipeline_id);
    out->run_id = run->run_id;
    return out;
}

static Gofer__V1__RunOrderingPolicy ordering_of(const struct gofer_run_start *start) {
    if (start->ordering_key == NULL || start->ordering_key[0] == '\0') {
        return GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_UNSPECIFIED;
    }
    return start->ordering_newest ? GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_NEWEST
                                  : GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_STRICT;
}

/* StartRun and ObservedEvent have the same fields but for the subscriptions. */
#define FILL_START(out, start, arena, parts, variables_descriptor, labels_descriptor)              \
    do {                                                                                           \
        (out)->idempotency_key = gf_sdk_text((start)->idempotency_key);                            \
        (out)->variables = gf_sdk_entries((arena), (variables_descriptor), (start)->variables,     \
                                          (start)->variable_count);                                \
        (out)->n_variables = (start)->variable_count;                                              \
        (out)->reason = gf_sdk_text((start)->reason);                                              \
        (out)->input = fill_input((start), &(parts)->input);                                       \
        (out)->event_time = gf_sdk_time_fill(&(parts)->event_time, (start)->event_time_ns);        \
        (out)->ordering_key = gf_sdk_text((start)->ordering_key);                                  \
        (out)->ordering_policy = ordering_of(start);                                               \
        (out)->labels =                                                                            \
            gf_sdk_entries((arena), (labels_descriptor), (start)->labels, (start)->label_count);   \
        (out)->n_labels = (start)->label_count;                                                    \
        (out)->checkpoint = gf_sdk_text((start)->checkpoint);                                      \
        (out)->cause_run = fill_run(&(start)->cause, &(parts)->cause);                             \
    } while (0)

/* Takes references to the subscriptions of an item. */
static void attach(struct gf_sdk_item *item, struct gofer_subscription *const *subscriptions,
                   size_t count) {
    item->subscriptions = gf_calloc(count, sizeof(item->subscriptions[0]));
    item->subscription_count = count;
    for (size_t i = 0; i < count; i++) {
        item->subscriptions[i] = gofer_subscription_ref(subscriptions[i]);
    }
}

/* Counts a checkpoint of the item until the item is gone. */
static void count_checkpoint(struct gf_sdk_item *item, atomic_int *pending) {
    item->pending = pending;
    atomic_fetch_add(pending, 1);
}

/* Hands an item over. An item that is larger than a message may be is the caller's fault. */
static enum gofer_result deliver(struct gofer_extension *extension, const char *function,
                                 struct gf_sdk_item *item) {
    if (item->size_bytes > START_BYTES_MAX - 1024) {
        gf_sdk_item_destroy(item);
        return invalid(extension, function, "all of it together is larger than 4 MiB");
    }
    return gf_sdk_outbox_deliver(extension->outbox, item);
}

enum gofer_result gofer_extension_start_run(struct gofer_extension *extension,
                                            struct gofer_subscription *subscription,
                                            const struct gofer_run_start *start) {
    struct gofer_run_start own;
    enum gofer_result result = check(extension, "gofer_extension_start_run", start, &own);
    if (result != GOFER_OK) {
        return result;
    }
    if (subscription == NULL || gf_sdk_subscription_is_over(subscription)) {
        return GOFER_GONE;
    }
    struct gf_arena arena;
    struct parts parts;
    Gofer__V1__SubscriptionReference reference;
    Gofer__Extension__V1__StartRun message = GOFER__EXTENSION__V1__START_RUN__INIT;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    FILL_START(&message, &own, &arena, &parts,
               &gofer__extension__v1__start_run__variables_entry__descriptor,
               &gofer__extension__v1__start_run__labels_entry__descriptor);
    gf_sdk_subscription_reference(subscription, &reference);
    message.subscription = &reference;
    struct gf_sdk_item *item = gf_sdk_item_create(START_FIELD, &message.base);
    gf_arena_fini(&arena);
    attach(item, &subscription, 1);
    item->key = gf_strdup(own.idempotency_key);
    item->data = own.data;
    if (own.checkpoint != NULL) {
        count_checkpoint(item, gf_sdk_subscription_pending(subscription));
    }
    result = deliver(extension, "gofer_extension_start_run", item);
    if (result == GOFER_OK && own.checkpoint != NULL) {
        gf_sdk_note_checkpoint(extension, subscription, own.checkpoint);
    }
    return result;
}

/* Those that are not over, each of them once. Gives their number. */
static size_t choose(struct gofer_subscription *const *from, size_t count,
                     struct gofer_subscription **out) {
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        bool known = from[i] == NULL || gf_sdk_subscription_is_over(from[i]);
        for (size_t before = 0; before < chosen && !known; before++) {
            known = out[before] == from[i];
        }
        if (!known) {
            out[chosen++] = from[i];
        }
    }
    return chosen;
}

static struct gf_sdk_item *make_observed(struct gofer_subscription *const *chosen, size_t count,
                                         const struct gofer_run_start *start) {
    struct gf_arena arena;
    struct parts parts;
    Gofer__Extension__V1__ObservedEvent message = GOFER__EXTENSION__V1__OBSERVED_EVENT__INIT;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    FILL_START(&message, start, &arena, &parts,
               &gofer__extension__v1__observed_event__variables_entry__descriptor,
               &gofer__extension__v1__observed_event__labels_entry__descriptor);
    message.subscriptions = GF_ARENA_ARRAY(&arena, count, Gofer__V1__SubscriptionReference *);
    message.n_subscriptions = count;
    for (size_t i = 0; i < count; i++) {
        message.subscriptions[i] = GF_ARENA_NEW(&arena, Gofer__V1__SubscriptionReference);
        gf_sdk_subscription_reference(chosen[i], message.subscriptions[i]);
    }
    struct gf_sdk_item *item = gf_sdk_item_create(OBSERVED_FIELD, &message.base);
    gf_arena_fini(&arena);
    attach(item, chosen, count);
    item->key = gf_strdup(start->idempotency_key);
    item->data = start->data;
    return item;
}

enum gofer_result gofer_extension_observe(struct gofer_extension *extension,
                                          struct gofer_subscription *const *subscriptions,
                                          size_t subscription_count,
                                          const struct gofer_run_start *start) {
    struct gofer_run_start own;
    enum gofer_result result = check(extension, "gofer_extension_observe", start, &own);
    if (result != GOFER_OK) {
        return result;
    }
    if (subscription_count < 1 || subscription_count > GOFER_SUBSCRIPTIONS_MAX) {
        return invalid(extension, "gofer_extension_observe", "there are 1 to 1000 subscriptions");
    }
    GF_CLEANUP(gf_free_p)
    struct gofer_subscription **chosen = gf_calloc(subscription_count, sizeof(*chosen));
    const size_t count = choose(subscriptions, subscription_count, chosen);
    if (count == 0) {
        return GOFER_GONE;
    }
    struct gf_sdk_item *item = make_observed(chosen, count, &own);
    if (own.checkpoint != NULL) {
        count_checkpoint(item, &extension->checkpoints_pending);
    }
    result = deliver(extension, "gofer_extension_observe", item);
    if (result == GOFER_OK && own.checkpoint != NULL) {
        gf_sdk_note_checkpoint(extension, NULL, own.checkpoint);
    }
    return result;
}

enum gofer_result gofer_extension_set_checkpoint(struct gofer_extension *extension,
                                                 struct gofer_subscription *subscription,
                                                 const char *checkpoint) {
    static const char function[] = "gofer_extension_set_checkpoint";
    if (checkpoint == NULL || !gf_sdk_text_fits(checkpoint, GOFER_CHECKPOINT_BYTES_MAX)) {
        return invalid(extension, function, "a checkpoint is at most 4096 bytes of UTF-8");
    }
    if (subscription != NULL && gf_sdk_subscription_is_over(subscription)) {
        return GOFER_GONE;
    }
    if (atomic_load(&extension->program_drained)) {
        return GOFER_DRAINED;
    }
    Gofer__Extension__V1__Checkpoint message = GOFER__EXTENSION__V1__CHECKPOINT__INIT;
    Gofer__V1__SubscriptionReference reference;
    if (subscription != NULL) {
        gf_sdk_subscription_reference(subscription, &reference);
        message.subscription = &reference;
    }
    message.value = gf_sdk_text(checkpoint);
    struct gf_sdk_item *item = gf_sdk_item_create(CHECKPOINT_FIELD, &message.base);
    if (subscription != NULL) {
        attach(item, &subscription, 1);
        item->key = gf_asprintf("%p", (void *)subscription); /* tells them apart */
    } else {
        item->key = gf_strdup("");
    }
    count_checkpoint(item, subscription != NULL ? gf_sdk_subscription_pending(subscription)
                                                : &extension->checkpoints_pending);
    const enum gofer_result result = deliver(extension, function, item);
    if (result == GOFER_OK) {
        gf_sdk_note_checkpoint(extension, subscription, checkpoint);
    }
    return result;
}

enum gofer_result gofer_extension_report(struct gofer_extension *extension,
                                         const struct gofer_report *report) {
    static const char function[] = "gofer_extension_report";
    struct gofer_report own;
    if (!read_struct(&own, sizeof(own), report)) {
        return invalid(extension, function, "`size` of struct gofer_report is not set");
    }
    if (!key_is_valid(own.report_id) || own.title == NULL || own.title[0] == '\0' ||
        !gf_sdk_text_fits(own.title, TITLE_BYTES_MAX) || count_characters(own.title) > 255 ||
        !gf_sdk_text_fits(own.body, BODY_BYTES_MAX) || !gf_sdk_text_fits(own.url, URL_BYTES_MAX)) {
        return invalid(extension, function,
                       "a report has an id and a title, each up to 255 characters, a body of up to "
                       "64 KiB, and all of it is UTF-8");
    }
    if (atomic_load(&extension->program_drained)) {
        return GOFER_DRAINED;
    }
    Gofer__Extension__V1__Report message = GOFER__EXTENSION__V1__REPORT__INIT;
    Gofer__V1__SubscriptionReference reference;
    Gofer__V1__RunReference run;
    if (own.subscription != NULL) {
        gf_sdk_subscription_reference(own.subscription, &reference);
        message.subscription = &reference;
    }
    message.report_id = gf_sdk_text(own.report_id);
    message.run = fill_run(&own.run, &run);
    message.outcome = (Gofer__V1__ExtensionReportOutcome)own.outcome;
    message.title = gf_sdk_text(own.title);
    message.body = gf_sdk_text(own.body);
    message.url = gf_sdk_text(own.url);
    return deliver(extension, function, gf_sdk_item_create(REPORT_FIELD, &message.base));
}

/* ---- What became of it ---- */

static void tell(struct gofer_extension *extension, const struct gf_sdk_item *item, size_t index,
                 const Gofer__Extension__V1__RunOutcome *from) {
    const struct gofer_run_outcome outcome = {
        .subscription = item->subscriptions[index],
        .idempotency_key = item->key,
        .kind = (enum gofer_run_kind)from->kind,
        .run_id = from->run_id,
        .reason = from->reason,
        .description = from->description,
        .data = item->data,
    };
    if (outcome.kind == GOFER_RUN_REFUSED) {
        gofer_subscription_log(outcome.subscription, GOFER_WARNING,
                               "no run is started under the key '%s': %s", item->key,
                               from->description);
    }
    if (extension->definition.run_outcome != NULL) {
        extension->definition.run_outcome(extension, &outcome, extension->definition.ctx);
    }
}

static void tell_all(struct gofer_extension *extension, const struct gf_sdk_item *item,
                     const Gofer__Extension__V1__RequestAck *ack) {
    Gofer__Extension__V1__RunOutcome none = GOFER__EXTENSION__V1__RUN_OUTCOME__INIT;
    none.kind = (Gofer__Extension__V1__RunOutcomeKind)GOFER_RUN_REFUSED;
    none.reason = gf_sdk_text("NO_OUTCOME");
    none.description =
        ack->description[0] != '\0' ? ack->description : gf_sdk_text("gofer gave no outcome");
    for (size_t i = 0; i < item->subscription_count; i++) {
        tell(extension, item, i, i < ack->n_outcomes ? ack->outcomes[i] : &none);
    }
}

void gf_sdk_starts_acked(struct gofer_extension *extension,
                         const Gofer__Extension__V1__RequestAck *ack) {
    bool has_room = false;
    struct gf_sdk_item *item =
        gf_sdk_outbox_acked(extension->outbox, ack->acked_sequence, &has_room);
    if (item == NULL) {
        return;
    }
    if (item->field == START_FIELD || item->field == OBSERVED_FIELD) {
        tell_all(extension, item, ack);
    } else if ((int)ack->outcome >
               (int)GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DONE) {
        gf_sdk_say(extension, GOFER_WARNING, "gofer does not take a %s: %s",
                   item->field == REPORT_FIELD ? "report" : "checkpoint", ack->description);
    }
    gf_sdk_item_destroy(item);
    if (has_room && extension->definition.room != NULL) {
        extension->definition.room(extension, extension->definition.ctx);
    }
}

void gf_sdk_starts_drop(struct gofer_extension *extension,
                        struct gofer_subscription *subscription) {
    struct gf_list items;
    struct gf_list_link *link;
    Gofer__Extension__V1__RunOutcome outcome = GOFER__EXTENSION__V1__RUN_OUTCOME__INIT;
    outcome.kind = (Gofer__Extension__V1__RunOutcomeKind)GOFER_RUN_REFUSED;
    outcome.reason = gf_sdk_text("SUBSCRIPTION_GONE");
    outcome.description = gf_sdk_text("the subscription was over before gofer heard of it");
    gf_sdk_outbox_drop(extension->outbox, subscription, &items);
    while ((link = gf_list_pop_front(&items)) != NULL) {
        struct gf_sdk_item *item = GF_CONTAINER_OF(link, struct gf_sdk_item, link);
        if (item->field == START_FIELD || item->field == OBSERVED_FIELD) {
            tell(extension, item, 0, &outcome);
        }
        gf_sdk_item_destroy(item);
    }
}
