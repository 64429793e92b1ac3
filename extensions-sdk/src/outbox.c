/*
 * DESIGN. Deliveries stand in one list in the order in which they came. Those that are under way on
 * this connection are its beginning, because they leave in order; `unsent` is the first of the
 * rest. A new connection makes all of them unsent again. Acknowledgements come in any order and
 * find their delivery by its sequence in a map.
 *
 * The sender reads the bytes of a delivery without the lock. Gofer's acknowledgement may overtake
 * the return of that send; whoever takes the delivery out then waits for `sending` to end.
 */
#include "extensions-sdk/src/outbox.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/sync.h"

#include <string.h>

enum {
    CONTROLS_MAX = 200000, /* more wait only for a server that does not read and goes on asking */
    READY_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY,
    CHECKPOINT_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT,
    LOG_FIELD = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_LOG,
};

/* A control or a line of the log. */
struct note {
    struct gf_list_link link;
    uint32_t field;
    size_t size_bytes;
    uint8_t bytes[];
};

struct gf_sdk_outbox {
    struct gf_mutex mutex;
    struct gf_cond changed; /* for the sender, and for who waits for the end of a send */
    int64_t connection;
    bool is_connected;
    bool is_welcome;
    bool is_open; /* Ready was said: deliveries may go */
    bool is_held; /* ... but not now */
    bool is_closing;
    bool close_said;
    int32_t window;
    int64_t last_sequence;

    struct gf_list items;
    struct gf_list_link *unsent; /* the list's head when all are under way */
    struct gf_map_i64 sent;      /* by sequence */
    size_t item_count;
    size_t item_bytes;
    bool was_full;

    struct gf_list controls;
    size_t control_count;
    struct gf_list logs;
    size_t log_count;
    int64_t dropped_log_count;
};

static struct note *note_create(uint32_t field, const ProtobufCMessage *message) {
    const size_t size = protobuf_c_message_get_packed_size(message);
    struct note *note = gf_malloc(sizeof(*note) + size);
    *note = (struct note){.field = field, .size_bytes = size};
    (void)protobuf_c_message_pack(message, note->bytes);
    return note;
}

static void free_notes(struct gf_list *notes) {
    struct gf_list_link *link;
    while ((link = gf_list_pop_front(notes)) != NULL) {
        free(GF_CONTAINER_OF(link, struct note, link));
    }
}

struct gf_sdk_item *gf_sdk_item_create(uint32_t field, const ProtobufCMessage *message) {
    const size_t size = protobuf_c_message_get_packed_size(message);
    struct gf_sdk_item *item = gf_malloc(sizeof(*item) + size);
    *item =
        (struct gf_sdk_item){.field = field, .size_bytes = size, .bytes = (uint8_t *)(item + 1)};
    (void)protobuf_c_message_pack(message, item->bytes);
    return item;
}

void gf_sdk_item_destroy(struct gf_sdk_item *item) {
    if (item == NULL) {
        return;
    }
    if (item->pending != NULL) {
        atomic_fetch_sub(item->pending, 1);
    }
    for (size_t i = 0; i < item->subscription_count; i++) {
        gofer_subscription_unref(item->subscriptions[i]);
    }
    free(item->subscriptions);
    free(item->key);
    free(item);
}

struct gf_sdk_outbox *gf_sdk_outbox_create(void) {
    struct gf_sdk_outbox *outbox = GF_NEW(struct gf_sdk_outbox);
    gf_mutex_init(&outbox->mutex, GF_RANK_EXTENSION_OUTBOX);
    gf_cond_init(&outbox->changed);
    gf_list_init(&outbox->items);
    gf_list_init(&outbox->controls);
    gf_list_init(&outbox->logs);
    gf_map_i64_init(&outbox->sent);
    outbox->unsent = &outbox->items.head;
    return outbox;
}

void gf_sdk_outbox_destroy(struct gf_sdk_outbox *outbox) {
    if (outbox == NULL) {
        return;
    }
    struct gf_list_link *link;
    while ((link = gf_list_pop_front(&outbox->items)) != NULL) {
        gf_sdk_item_destroy(GF_CONTAINER_OF(link, struct gf_sdk_item, link));
    }
    free_notes(&outbox->controls);
    free_notes(&outbox->logs);
    gf_map_i64_fini(&outbox->sent);
    gf_cond_fini(&outbox->changed);
    gf_mutex_fini(&outbox->mutex);
    free(outbox);
}

/* ---- Coming in ---- */

static size_t weight(const struct gf_sdk_item *item) {
    return sizeof(*item) + item->size_bytes;
}

/* The checkpoint that waits as the newest of all and that this one replaces; else NULL. */
static struct gf_sdk_item *replaced_by(struct gf_sdk_outbox *outbox,
                                       const struct gf_sdk_item *item) {
    if (item->field != CHECKPOINT_FIELD || outbox->unsent == &outbox->items.head) {
        return NULL;
    }
    struct gf_sdk_item *last = GF_CONTAINER_OF(outbox->items.head.prev, struct gf_sdk_item, link);
    return last->field == CHECKPOINT_FIELD && strcmp(last->key, item->key) == 0 ? last : NULL;
}

static void forget_item(struct gf_sdk_outbox *outbox, struct gf_sdk_item *item) {
    if (outbox->unsent == &item->link) {
        outbox->unsent = item->link.next;
    }
    gf_list_remove(&item->link);
    outbox->item_count--;
    outbox->item_bytes -= weight(item);
}

enum gofer_result gf_sdk_outbox_deliver(struct gf_sdk_outbox *outbox, struct gf_sdk_item *item) {
    struct gf_sdk_item *old = NULL;
    {
        GF_MUTEX_GUARD(&outbox->mutex);
        old = replaced_by(outbox, item);
        if (old != NULL) {
            forget_item(outbox, old);
        }
        if (outbox->item_count >= GOFER_UNACKNOWLEDGED_MAX ||
            outbox->item_bytes + weight(item) > (size_t)GOFER_UNACKNOWLEDGED_MIB_MAX << 20) {
            outbox->was_full = true;
        } else {
            gf_list_push_back(&outbox->items, &item->link);
            if (outbox->unsent == &outbox->items.head) {
                outbox->unsent = &item->link;
            }
            outbox->item_count++;
            outbox->item_bytes += weight(item);
            item = NULL;
            gf_cond_signal(&outbox->changed);
        }
    }
    const enum gofer_result result = item == NULL ? GOFER_OK : GOFER_FULL;
    gf_sdk_item_destroy(old);
    gf_sdk_item_destroy(item);
    return result;
}

void gf_sdk_outbox_say(struct gf_sdk_outbox *outbox, int64_t connection, uint32_t field,
                       const ProtobufCMessage *message) {
    struct note *note = note_create(field, message);
    {
        GF_MUTEX_GUARD(&outbox->mutex);
        if (outbox->is_connected && outbox->connection == connection &&
            outbox->control_count < CONTROLS_MAX) {
            gf_list_push_back(&outbox->controls, &note->link);
            outbox->control_count++;
            note = NULL;
            gf_cond_signal(&outbox->changed);
        }
    }
    free(note);
}

void gf_sdk_outbox_log(struct gf_sdk_outbox *outbox, const ProtobufCMessage *entry) {
    struct note *note = note_create(LOG_FIELD, entry);
    struct gf_list_link *oldest = NULL;
    {
        GF_MUTEX_GUARD(&outbox->mutex);
        gf_list_push_back(&outbox->logs, &note->link);
        if (++outbox->log_count > GOFER_LOG_ENTRIES_MAX) {
            oldest = gf_list_pop_front(&outbox->logs);
            outbox->log_count--;
            outbox->dropped_log_count++;
        }
        gf_cond_signal(&outbox->changed);
    }
    free(oldest == NULL ? NULL : GF_CONTAINER_OF(oldest, struct note, link));
}

/* ---- Connections ---- */

int64_t gf_sdk_outbox_begin(struct gf_sdk_outbox *outbox) {
    GF_MUTEX_GUARD(&outbox->mutex);
    free_notes(&outbox->controls);
    outbox->control_count = 0;
    GF_LIST_FOREACH(link, &outbox->items) {
        GF_CONTAINER_OF(link, struct gf_sdk_item, link)->sequence = 0;
    }
    gf_map_i64_fini(&outbox->sent);
    outbox->unsent = outbox->items.head.next;
    outbox->last_sequence = 0;
    outbox->window = 0;
    outbox->is_connected = true;
    outbox->is_welcome = false;
    outbox->is_open = false;
    outbox->is_closing = false;
    outbox->close_said = false;
    return ++outbox->connection;
}

void gf_sdk_outbox_welcome(struct gf_sdk_outbox *outbox, int32_t window) {
    GF_MUTEX_GUARD(&outbox->mutex);
    outbox->is_welcome = true;
    outbox->window = window;
    gf_cond_signal(&outbox->changed);
}

void gf_sdk_outbox_end(struct gf_sdk_outbox *outbox) {
    GF_MUTEX_GUARD(&outbox->mutex);
    outbox->is_connected = false;
    gf_cond_broadcast(&outbox->changed);
}

void gf_sdk_outbox_hold(struct gf_sdk_outbox *outbox, bool hold) {
    GF_MUTEX_GUARD(&outbox->mutex);
    outbox->is_held = hold;
    if (!hold) {
        gf_cond_signal(&outbox->changed);
    }
}

void gf_sdk_outbox_close(struct gf_sdk_outbox *outbox) {
    GF_MUTEX_GUARD(&outbox->mutex);
    outbox->is_open = false;
    outbox->is_closing = true;
    gf_cond_broadcast(&outbox->changed);
}

struct gf_sdk_item *gf_sdk_outbox_acked(struct gf_sdk_outbox *outbox, int64_t sequence,
                                        bool *out_room) {
    GF_MUTEX_GUARD(&outbox->mutex);
    struct gf_sdk_item *item = gf_map_i64_get(&outbox->sent, sequence);
    if (item == NULL) {
        return NULL;
    }
    while (item->sending) {
        gf_cond_wait(&outbox->changed, &outbox->mutex);
    }
    (void)gf_map_i64_remove(&outbox->sent, sequence);
    forget_item(outbox, item);
    if (outbox->was_full && outbox->item_count <= GOFER_UNACKNOWLEDGED_MAX / 2 &&
        outbox->item_bytes <= ((size_t)GOFER_UNACKNOWLEDGED_MIB_MAX << 20) / 2) {
        outbox->was_full = false;
        *out_room = true;
    }
    gf_cond_broadcast(&outbox->changed);
    return item;
}

void gf_sdk_outbox_drop(struct gf_sdk_outbox *outbox, const struct gofer_subscription *subscription,
                        struct gf_list *out_items) {
    GF_MUTEX_GUARD(&outbox->mutex);
    gf_list_init(out_items);
    GF_LIST_FOREACH(link, &outbox->items) {
        struct gf_sdk_item *item = GF_CONTAINER_OF(link, struct gf_sdk_item, link);
        if (!item->was_sent && item->subscription_count == 1 &&
            item->subscriptions[0] == subscription) {
            forget_item(outbox, item);
            gf_list_push_back(out_items, &item->link);
        }
    }
}

size_t gf_sdk_outbox_count(struct gf_sdk_outbox *outbox, size_t *out_sent) {
    GF_MUTEX_GUARD(&outbox->mutex);
    *out_sent = gf_map_i64_count(&outbox->sent);
    return outbox->item_count;
}

int64_t gf_sdk_outbox_connection(struct gf_sdk_outbox *outbox) {
    GF_MUTEX_GUARD(&outbox->mutex);
    return outbox->connection;
}

/* ---- Going out ---- */

static bool pop_note(struct gf_list *notes, enum gf_sdk_frame_kind kind,
                     struct gf_sdk_frame *out_frame) {
    struct gf_list_link *link = gf_list_pop_front(notes);
    if (link == NULL) {
        return false;
    }
    struct note *note = GF_CONTAINER_OF(link, struct note, link);
    *out_frame = (struct gf_sdk_frame){
        .kind = kind,
        .field = note->field,
        .bytes = note->bytes,
        .size_bytes = note->size_bytes,
        .owner = note,
    };
    return true;
}

static bool pop_item(struct gf_sdk_outbox *outbox, struct gf_sdk_frame *out_frame) {
    if (!outbox->is_open || outbox->is_held || outbox->unsent == &outbox->items.head ||
        gf_map_i64_count(&outbox->sent) >= (size_t)outbox->window) {
        return false;
    }
    struct gf_sdk_item *item = GF_CONTAINER_OF(outbox->unsent, struct gf_sdk_item, link);
    outbox->unsent = item->link.next;
    item->sequence = ++outbox->last_sequence;
    item->sending = true;
    item->was_sent = true;
    (void)gf_map_i64_put(&outbox->sent, item->sequence, item);
    *out_frame = (struct gf_sdk_frame){
        .kind = GF_SDK_FRAME_ITEM,
        .sequence = item->sequence,
        .field = item->field,
        .bytes = item->bytes,
        .size_bytes = item->size_bytes,
        .owner = item,
    };
    return true;
}

/* The line that stands for those that were dropped. */
static bool pop_dropped(struct gf_sdk_outbox *outbox, struct gf_sdk_frame *out_frame) {
    if (outbox->dropped_log_count == 0) {
        return false;
    }
    GF_CLEANUP(gf_free_p)
    char *text = gf_asprintf("%lld older lines of this log were dropped, because they waited for "
                             "too long",
                             (long long)outbox->dropped_log_count);
    Gofer__Extension__V1__LogEntry entry = GOFER__EXTENSION__V1__LOG_ENTRY__INIT;
    entry.level = (Gofer__Extension__V1__LogLevel)GOFER_WARNING;
    entry.text = text;
    struct note *note = note_create(LOG_FIELD, &entry.base);
    gf_list_push_front(&outbox->logs, &note->link);
    outbox->log_count++;
    outbox->dropped_log_count = 0;
    (void)pop_note(&outbox->logs, GF_SDK_FRAME_LOG, out_frame);
    outbox->log_count--;
    return true;
}

static bool pop(struct gf_sdk_outbox *outbox, struct gf_sdk_frame *out_frame) {
    if (pop_note(&outbox->controls, GF_SDK_FRAME_CONTROL, out_frame)) {
        outbox->control_count--;
        return true;
    }
    if (pop_item(outbox, out_frame)) {
        return true;
    }
    if (!outbox->is_welcome) {
        return false;
    }
    if (pop_dropped(outbox, out_frame)) {
        return true;
    }
    if (pop_note(&outbox->logs, GF_SDK_FRAME_LOG, out_frame)) {
        outbox->log_count--;
        return true;
    }
    return false;
}

bool gf_sdk_outbox_next(struct gf_sdk_outbox *outbox, struct gf_sdk_frame *out_frame) {
    GF_MUTEX_GUARD(&outbox->mutex);
    for (;;) {
        if (!outbox->is_connected) {
            return false;
        }
        if (!outbox->close_said && pop(outbox, out_frame)) {
            return true;
        }
        if (outbox->is_closing && !outbox->close_said) {
            outbox->close_said = true;
            *out_frame = (struct gf_sdk_frame){.kind = GF_SDK_FRAME_CLOSE};
            return true;
        }
        gf_cond_wait(&outbox->changed, &outbox->mutex);
    }
}

void gf_sdk_outbox_sent(struct gf_sdk_outbox *outbox, const struct gf_sdk_frame *frame, bool sent) {
    struct note *done = NULL;
    {
        GF_MUTEX_GUARD(&outbox->mutex);
        switch (frame->kind) {
        case GF_SDK_FRAME_CONTROL:
            done = frame->owner;
            /* Deliveries follow the Ready, not its place in the queue. */
            outbox->is_open =
                outbox->is_open || (sent && done->field == READY_FIELD && !outbox->is_closing);
            break;
        case GF_SDK_FRAME_LOG:
            done = frame->owner;
            if (!sent) { /* It is the next one of the next connection. */
                gf_list_push_front(&outbox->logs, &done->link);
                outbox->log_count++;
                done = NULL;
            }
            break;
        case GF_SDK_FRAME_ITEM: {
            struct gf_sdk_item *item = frame->owner;
            item->sending = false;
            gf_cond_broadcast(&outbox->changed);
            break;
        }
        case GF_SDK_FRAME_CLOSE:
            break;
        }
    }
    free(done);
}
