#include "base/alloc.h"
#include "extensions-sdk/src/outbox.h"

#include <criterion/criterion.h>

enum {
    CHECKPOINT = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_CHECKPOINT,
    REPORT = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_REPORT,
    READY = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_READY,
    PONG = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_PONG,
};

static struct gf_sdk_outbox *outbox;
static struct gf_sdk_frame frame;

static struct gf_sdk_item *item(uint32_t field, const char *key) {
    const Gofer__Extension__V1__Checkpoint message = GOFER__EXTENSION__V1__CHECKPOINT__INIT;
    struct gf_sdk_item *made = gf_sdk_item_create(field, &message.base);
    made->key = gf_strdup(key);
    return made;
}

static void deliver(const char *key) {
    cr_assert_eq(gf_sdk_outbox_deliver(outbox, item(REPORT, key)), GOFER_OK);
}

/* Takes the next frame as the sender does. */
static void next(void) {
    cr_assert(gf_sdk_outbox_next(outbox, &frame));
    gf_sdk_outbox_sent(outbox, &frame, true);
}

static void expect_item(const char *key, int64_t sequence) {
    cr_assert(gf_sdk_outbox_next(outbox, &frame));
    cr_assert_eq(frame.kind, GF_SDK_FRAME_ITEM);
    cr_expect_str_eq(((const struct gf_sdk_item *)frame.owner)->key, key);
    cr_expect_eq(frame.sequence, sequence);
    gf_sdk_outbox_sent(outbox, &frame, true);
}

static void ack(int64_t sequence) {
    bool room = false;
    struct gf_sdk_item *acked = gf_sdk_outbox_acked(outbox, sequence, &room);
    cr_assert_not_null(acked);
    gf_sdk_item_destroy(acked);
}

/* A connection that is ready. */
static void connect(int32_t window) {
    const Gofer__Extension__V1__Ready ready = GOFER__EXTENSION__V1__READY__INIT;
    const int64_t connection = gf_sdk_outbox_begin(outbox);
    gf_sdk_outbox_welcome(outbox, window);
    gf_sdk_outbox_say(outbox, connection, READY, &ready.base);
    next();
    cr_assert_eq(frame.field, READY);
}

static void begin(void) {
    outbox = gf_sdk_outbox_create();
}

static void end(void) {
    gf_sdk_outbox_destroy(outbox);
}

TestSuite(outbox, .init = begin, .fini = end);

Test(outbox, keeps_to_the_window) {
    deliver("a");
    deliver("b");
    deliver("c");
    connect(2);
    expect_item("a", 1);
    expect_item("b", 2);
    ack(1);
    expect_item("c", 3);
}

Test(outbox, says_again_what_was_not_acknowledged_in_the_same_order) {
    deliver("a");
    deliver("b");
    deliver("c");
    connect(10);
    expect_item("a", 1);
    expect_item("b", 2);
    expect_item("c", 3);
    ack(2);
    gf_sdk_outbox_end(outbox);
    cr_expect_not(gf_sdk_outbox_next(outbox, &frame));
    connect(10);
    expect_item("a", 1);
    expect_item("c", 2);
}

Test(outbox, answers_come_before_deliveries_and_end_with_their_connection) {
    const Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    deliver("a");
    connect(10);
    const int64_t connection = gf_sdk_outbox_connection(outbox);
    gf_sdk_outbox_say(outbox, connection, PONG, &pong.base);
    gf_sdk_outbox_end(outbox);
    gf_sdk_outbox_say(outbox, connection, PONG, &pong.base);
    connect(10);
    gf_sdk_outbox_say(outbox, connection, PONG, &pong.base);     /* of the old one */
    gf_sdk_outbox_say(outbox, connection + 1, PONG, &pong.base); /* of this one */
    next();
    cr_expect_eq(frame.field, PONG);
    expect_item("a", 1);
}

Test(outbox, nothing_is_delivered_before_ready_or_while_it_is_held) {
    const Gofer__Extension__V1__Pong pong = GOFER__EXTENSION__V1__PONG__INIT;
    deliver("a");
    const int64_t connection = gf_sdk_outbox_begin(outbox);
    gf_sdk_outbox_welcome(outbox, 10);
    gf_sdk_outbox_close(outbox);
    next();
    cr_expect_eq(frame.kind, GF_SDK_FRAME_CLOSE);
    gf_sdk_outbox_end(outbox);
    connect(10);
    gf_sdk_outbox_hold(outbox, true);
    gf_sdk_outbox_say(outbox, connection + 1, PONG, &pong.base);
    next();
    cr_expect_eq(frame.field, PONG);
    gf_sdk_outbox_hold(outbox, false);
    expect_item("a", 1);
}

Test(outbox, a_checkpoint_replaces_the_one_before_it) {
    deliver("a");
    cr_assert_eq(gf_sdk_outbox_deliver(outbox, item(CHECKPOINT, "s")), GOFER_OK);
    cr_assert_eq(gf_sdk_outbox_deliver(outbox, item(CHECKPOINT, "s")), GOFER_OK);
    size_t sent = 1;
    cr_expect_eq(gf_sdk_outbox_count(outbox, &sent), 2);
    cr_expect_eq(sent, 0);
    cr_assert_eq(gf_sdk_outbox_deliver(outbox, item(CHECKPOINT, "t")), GOFER_OK);
    cr_expect_eq(gf_sdk_outbox_count(outbox, &sent), 3);
    connect(10);
    expect_item("a", 1);
    expect_item("s", 2);
    cr_assert_eq(gf_sdk_outbox_deliver(outbox, item(CHECKPOINT, "t")), GOFER_OK);
    expect_item("t", 3);
}

Test(outbox, is_full_at_its_limit_and_tells_of_room) {
    for (size_t i = 0; i < GOFER_UNACKNOWLEDGED_MAX; i++) {
        deliver("a");
    }
    cr_expect_eq(gf_sdk_outbox_deliver(outbox, item(REPORT, "a")), GOFER_FULL);
    connect(GOFER_UNACKNOWLEDGED_MAX);
    bool room = false;
    for (int64_t i = 1; i <= GOFER_UNACKNOWLEDGED_MAX / 2; i++) {
        cr_expect_not(room);
        next();
        gf_sdk_item_destroy(gf_sdk_outbox_acked(outbox, i, &room));
    }
    cr_expect(room);
    deliver("a");
}

Test(outbox, an_acknowledgement_of_nothing_is_nothing) {
    bool room = false;
    connect(10);
    cr_expect_null(gf_sdk_outbox_acked(outbox, 1, &room));
}

Test(outbox, drops_the_oldest_lines_and_says_how_many) {
    Gofer__Extension__V1__LogEntry entry = GOFER__EXTENSION__V1__LOG_ENTRY__INIT;
    for (size_t i = 0; i < GOFER_LOG_ENTRIES_MAX + 5; i++) {
        gf_sdk_outbox_log(outbox, &entry.base);
    }
    connect(10);
    next();
    cr_assert_eq(frame.kind, GF_SDK_FRAME_LOG);
    for (size_t i = 0; i < GOFER_LOG_ENTRIES_MAX; i++) {
        next();
        cr_assert_eq(frame.kind, GF_SDK_FRAME_LOG);
    }
    gf_sdk_outbox_close(outbox);
    next();
    cr_expect_eq(frame.kind, GF_SDK_FRAME_CLOSE);
}

Test(outbox, a_line_that_could_not_be_said_is_the_next_one) {
    Gofer__Extension__V1__LogEntry entry = GOFER__EXTENSION__V1__LOG_ENTRY__INIT;
    gf_sdk_outbox_log(outbox, &entry.base);
    connect(10);
    cr_assert(gf_sdk_outbox_next(outbox, &frame));
    gf_sdk_outbox_sent(outbox, &frame, false);
    gf_sdk_outbox_end(outbox);
    connect(10);
    next();
    cr_expect_eq(frame.kind, GF_SDK_FRAME_LOG);
}
