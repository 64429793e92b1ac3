/*
 * What is to be said to gofer, in its order.
 *
 * Three kinds of frames leave here, in this order of precedence:
 *   - controls (registration, answers, acknowledgements): of one connection, forgotten with it;
 *   - deliveries: kept until gofer acknowledges them, and said again on the next connection, in the
 *     order in which they came, with new sequences; no more of them are under way than the window;
 *   - logs: kept until they are said, the oldest are dropped where there are too many.
 *
 * Bytes are encoded when they come in: a frame is a field of ConnectRequest and its encoded
 * message.
 *
 * Thread: any, but for what says otherwise.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_OUTBOX_H_
#define GOFER_EXTENSIONS_SDK_SRC_OUTBOX_H_

#include "base/list.h"
#include "gofer/extension/v1/extension.pb-c.h"

#include <gofer/extension.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_sdk_outbox;

/* One delivery, from the program to the acknowledgement. */
struct gf_sdk_item {
    struct gf_list_link link; /* the outbox's */
    int64_t sequence;         /* on this connection; 0: not sent on it */
    bool sending;             /* the sender reads the bytes */
    bool was_sent;            /* on whatever connection */
    uint32_t field;           /* of ConnectRequest */
    size_t size_bytes;
    uint8_t *bytes; /* behind the item */
    /* What it is about, for the one who made it. */
    struct gofer_subscription **subscriptions; /* references; freed with the item */
    size_t subscription_count;
    char *key;
    void *data;
    atomic_int *pending; /* counted down with the item; lives as long as its subscriptions */
};

/* An item for the message. Owned by the caller until gf_sdk_outbox_deliver takes it. */
struct gf_sdk_item *gf_sdk_item_create(uint32_t field, const ProtobufCMessage *message);
void gf_sdk_item_destroy(struct gf_sdk_item *item);

enum gf_sdk_frame_kind {
    GF_SDK_FRAME_CONTROL,
    GF_SDK_FRAME_ITEM,
    GF_SDK_FRAME_LOG,
    GF_SDK_FRAME_CLOSE, /* say that no more follows */
};

/* What is to be sent next. Borrowed until gf_sdk_outbox_sent. */
struct gf_sdk_frame {
    enum gf_sdk_frame_kind kind;
    int64_t sequence;
    uint32_t field;
    const uint8_t *bytes;
    size_t size_bytes;
    void *owner; /* the outbox's */
};

struct gf_sdk_outbox *gf_sdk_outbox_create(void);
/* Nobody uses it any more. Accepts NULL. */
void gf_sdk_outbox_destroy(struct gf_sdk_outbox *outbox);

/* ---- For those who have something to say ---- */

/*
 * Takes a delivery, which is destroyed when there is no room for it (GOFER_FULL). A checkpoint (its
 * key) replaces the one of the same key that waits and is the newest that waits.
 */
enum gofer_result gf_sdk_outbox_deliver(struct gf_sdk_outbox *outbox, struct gf_sdk_item *item);

/* Says something on the connection of this number; nothing if that one is over. */
void gf_sdk_outbox_say(struct gf_sdk_outbox *outbox, int64_t connection, uint32_t field,
                       const ProtobufCMessage *message);

/* Adds a line for the log. */
void gf_sdk_outbox_log(struct gf_sdk_outbox *outbox, const ProtobufCMessage *entry);

/* ---- For main ---- */

/* Begins the next connection, on which nothing is under way, and gives its number. */
int64_t gf_sdk_outbox_begin(struct gf_sdk_outbox *outbox);

/* Gofer has let it in: logs may be said, and deliveries behind a Ready, up to the window. */
void gf_sdk_outbox_welcome(struct gf_sdk_outbox *outbox, int32_t window);

/* Ends the connection: gf_sdk_outbox_next gives false. */
void gf_sdk_outbox_end(struct gf_sdk_outbox *outbox);

/* Holds deliveries back, or lets them go again: while a subscription is not answered, no run of it
 * may overtake the answer. */
void gf_sdk_outbox_hold(struct gf_sdk_outbox *outbox, bool hold);

/* Nothing more is said on this connection, behind what waits in controls and logs. */
void gf_sdk_outbox_close(struct gf_sdk_outbox *outbox);

/* The delivery of that sequence, which the caller owns now; NULL: none. *out_room: there is room
 * again for one who was refused. */
struct gf_sdk_item *gf_sdk_outbox_acked(struct gf_sdk_outbox *outbox, int64_t sequence,
                                        bool *out_room);

/*
 * Takes out what was never sent and is about this subscription alone, which is over; gives it to
 * the caller as a list of items.
 */
void gf_sdk_outbox_drop(struct gf_sdk_outbox *outbox, const struct gofer_subscription *subscription,
                        struct gf_list *out_items);

/* Deliveries that are not acknowledged, and how many of them are under way. */
size_t gf_sdk_outbox_count(struct gf_sdk_outbox *outbox, size_t *out_sent);

/* The number of the connection, 0 before the first. */
int64_t gf_sdk_outbox_connection(struct gf_sdk_outbox *outbox);

/* ---- For the sender ---- */

/* Waits for the next frame; false when the connection is over. */
bool gf_sdk_outbox_next(struct gf_sdk_outbox *outbox, struct gf_sdk_frame *out_frame);

/* The frame was sent, or could not be. */
void gf_sdk_outbox_sent(struct gf_sdk_outbox *outbox, const struct gf_sdk_frame *frame, bool sent);

#endif /* GOFER_EXTENSIONS_SDK_SRC_OUTBOX_H_ */
