/* What gofer delivers to an extension: requests from outside, and its own events. */
#include "base/alloc.h"
#include "base/sync.h"
#include "engine/core/limits.h"
#include "tests/extension/rig.h"

#include <stdatomic.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_##name

static struct hub_rig rig;
static struct script script;

static void setup(void) {
    hub_rig_init(&rig, NULL);
    hub_rig_install(&rig, "hook", "", "");
}

static void teardown(void) {
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(extension_deliveries, .init = setup, .fini = teardown, .timeout = 60);

static Gofer__Extension__V1__Registration *registration(int32_t window) {
    Gofer__Extension__V1__Registration *message = script_registration(&rig, "hook");
    message->accepts_external_events = true;
    message->window = window;
    return message;
}

static bool once, duplicate;

struct incoming {
    struct gf_extension_external external;
    struct gf_latch stored;
    struct gf_error error;
};

static void stored(struct gf_extension_external *external, const struct gf_error *error) {
    struct incoming *incoming = GF_CONTAINER_OF(external, struct incoming, external);
    incoming->error = *error;
    duplicate = external->duplicate;
    gf_latch_open(&incoming->stored);
}

static enum gf_code accept_body(const char *id, ProtobufCBinaryData body,
                                struct gf_error *out_error) {
    Gofer__Extension__V1__ExternalEvent event = GOFER__EXTENSION__V1__EXTERNAL_EVENT__INIT;
    event.delivery_id = (char *)(uintptr_t)id;
    event.method = "POST";
    event.body = body;
    struct incoming incoming = {
        .external = {.extension_key = hub_rig_row(&rig, "hook").extension_key,
                     .once = once,
                     .event = &event,
                     .stored = stored}};
    gf_latch_init(&incoming.stored);
    enum gf_code rc =
        gf_extension_hub_accept_external(rig.hub, &incoming.external, &incoming.error);
    if (rc == GF_OK) {
        gf_latch_wait(&incoming.stored);
        rc = incoming.error.code;
    }
    gf_latch_fini(&incoming.stored);
    if (out_error != NULL) {
        *out_error = incoming.error;
    }
    return rc;
}

static enum gf_code accept(const char *id, struct gf_error *out_error) {
    return accept_body(id, (ProtobufCBinaryData){4, (uint8_t *)"body"}, out_error);
}

static void await_pending(int64_t pending, int64_t dead) {
    for (int i = 0; i < HUB_RIG_WAIT_MS; i++) {
        const struct gf_extension_counts counts = hub_rig_counts(&rig, "hook");
        if (counts.pending_deliveries == pending && counts.dead_letters == dead) {
            return;
        }
        (void)usleep(1000);
    }
    cr_assert(false, "there are never %d pending and %d dead", (int)pending, (int)dead);
}

Test(extension_deliveries, who_takes_no_requests_gets_none) {
    struct gf_error error = {0};
    cr_assert_eq(accept("one", &error), GF_FAILED_PRECONDITION);
    cr_assert_str_eq(error.reason, "NO_EXTERNAL_EVENTS");
}

Test(extension_deliveries, requests_are_taken_up_to_their_limits) {
    enum {
        OTHERS = 64 /* of the message beside its body */
    };
    struct gf_error error = {0};
    char id[GF_START_KEY_CHARS_MAX + 2];
    (void)script_connect_with(&script, &rig, registration(0), true);
    memset(id, 'i', sizeof(id));
    id[GF_START_KEY_CHARS_MAX + 1] = '\0';
    cr_assert_eq(accept(id, &error), GF_INVALID_ARGUMENT);
    id[GF_START_KEY_CHARS_MAX] = '\0';
    cr_assert_eq(accept(id, &error), GF_OK, "%s", error.message);
    cr_assert_str_eq(script_expect(&script, MESSAGE(EXTERNAL_EVENT))->external_event->delivery_id,
                     id);
    uint8_t *bytes = gf_calloc(1, GF_DELIVERY_BYTES_MAX);
    cr_assert_eq(accept_body("large", (ProtobufCBinaryData){GF_DELIVERY_BYTES_MAX, bytes}, &error),
                 GF_RESOURCE_EXHAUSTED);
    cr_assert_eq(
        accept_body("large", (ProtobufCBinaryData){GF_DELIVERY_BYTES_MAX - OTHERS, bytes}, &error),
        GF_OK, "%s", error.message);
    free(bytes);
    await_pending(2, 0);
}

Test(extension_deliveries, a_request_is_stored_delivered_and_done) {
    (void)script_connect_with(&script, &rig, registration(0), true);
    cr_assert_eq(accept("one", NULL), GF_OK);
    const from_gofer *message = script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    cr_assert_eq(message->sequence, 1);
    cr_assert_eq(message->external_event->attempt, 1);
    cr_assert_str_eq(message->external_event->delivery_id, "one");
    cr_assert_eq(message->external_event->body.len, 4);
    script_ack(&script, 1, OUTCOME(DONE), "");
    await_pending(0, 0);
}

Test(extension_deliveries, what_comes_again_is_delivered_once) {
    (void)script_connect_with(&script, &rig, registration(0), true);
    once = true;
    cr_assert_eq(accept("one", NULL), GF_OK);
    cr_expect_not(duplicate);
    cr_assert_eq(accept("one", NULL), GF_OK);
    cr_expect(duplicate);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    script_ack(&script, 1, OUTCOME(DONE), "");
    await_pending(0, 0);
    hub_rig_restart(&rig);
    cr_assert_eq(accept("one", NULL), GF_OK);
    cr_expect(duplicate);
    cr_assert_eq(accept("two", NULL), GF_OK);
    cr_expect_not(duplicate);
    await_pending(1, 0);
}

Test(extension_deliveries, what_was_not_acknowledged_comes_again) {
    (void)script_connect_with(&script, &rig, registration(0), true);
    cr_assert_eq(accept("one", NULL), GF_OK);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    script_close(&script);
    (void)script_connect_with(&script, &rig, registration(0), true);
    const from_gofer *message = script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    cr_assert_eq(message->sequence, 1);
    cr_assert_eq(message->external_event->attempt, 2);
    cr_assert_str_eq(message->external_event->delivery_id, "one");
}

Test(extension_deliveries, what_was_not_acknowledged_comes_again_after_a_restart) {
    (void)script_connect_with(&script, &rig, registration(0), true);
    cr_assert_eq(accept("one", NULL), GF_OK);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    script_close(&script);
    hub_rig_restart(&rig);
    (void)script_connect_with(&script, &rig, registration(0), true);
    cr_assert_str_eq(script_expect(&script, MESSAGE(EXTERNAL_EVENT))->external_event->delivery_id,
                     "one");
}

Test(extension_deliveries, what_is_rejected_becomes_a_dead_letter) {
    (void)script_connect_with(&script, &rig, registration(0), true);
    cr_assert_eq(accept("one", NULL), GF_OK);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    script_ack(&script, 1, OUTCOME(REJECTED), "no such thing");
    await_pending(0, 1);
    struct gf_input input = {.kind = GF_INPUT_REPLAY_DELIVERIES};
    input.u.delivery.extension_id = GF_STR("hook");
    cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
    const from_gofer *message = script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    cr_assert_eq(message->sequence, 2);
    cr_assert_eq(message->external_event->attempt, 1);
    script_ack(&script, 2, OUTCOME(UNSUPPORTED), "");
    await_pending(0, 1);
}

Test(extension_deliveries, the_window_is_kept) {
    (void)script_connect_with(&script, &rig, registration(2), true);
    cr_assert_eq(accept("one", NULL), GF_OK);
    cr_assert_eq(accept("two", NULL), GF_OK);
    cr_assert_eq(accept("three", NULL), GF_OK);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    struct gf_extension_live live;
    gf_extension_hub_live(rig.hub, hub_rig_row(&rig, "hook").extension_key, &live);
    cr_assert_eq(live.sent_total, 2);
    cr_assert_eq(live.pending_count, 3);
    script_ack(&script, 2, OUTCOME(DONE), "");
    cr_assert_eq(script_expect(&script, MESSAGE(EXTERNAL_EVENT))->sequence, 3);
}

Test(extension_deliveries, nothing_is_delivered_to_a_disabled_extension) {
    (void)script_connect_with(&script, &rig, registration(0), true);
    hub_rig_switch(&rig, GF_INPUT_DISABLE_EXTENSION, "hook");
    struct gf_error error = {0};
    cr_assert_eq(accept("one", &error), GF_FAILED_PRECONDITION);
    cr_assert_str_eq(error.reason, "EXTENSION_DISABLED");
}

/* ---- gofer's own events ---- */

static Gofer__Extension__V1__Registration *follower(void) {
    static Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    static Gofer__V1__EventFilter *filters[] = {&filter};
    static Gofer__V1__EventKind kinds[] = {GOFER__V1__EVENT_KIND__EVENT_KIND_NAMESPACE_CREATED};
    filter.n_kinds = 1;
    filter.kinds = kinds;
    Gofer__Extension__V1__Registration *message = script_registration(&rig, "hook");
    message->n_event_filters = 1;
    message->event_filters = filters;
    return message;
}

static void make_namespace(const char *id) {
    struct gf_input input = {.kind = GF_INPUT_CREATE_NAMESPACE};
    input.u.ns.namespace_id = gf_str_from(id);
    input.u.ns.name = gf_str_from(id);
    cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
}

static const from_gofer *expect_event(const char *namespace_id, int32_t attempt) {
    const from_gofer *message = script_expect(&script, MESSAGE(EVENT_DELIVERY));
    cr_assert_str_eq(message->event_delivery->event->namespace_id, namespace_id);
    cr_assert_eq(message->event_delivery->attempt, attempt);
    return message;
}

static void await_gone(void) {
    struct gf_extension_live live = {.connected = true};
    const int64_t key = hub_rig_row(&rig, "hook").extension_key;
    for (int i = 0; i < HUB_RIG_WAIT_MS && live.connected; i++) {
        gf_extension_hub_live(rig.hub, key, &live);
        (void)usleep(1000);
    }
    cr_assert_not(live.connected);
}

static void await_place(int64_t sequence) {
    for (int i = 0; i < HUB_RIG_WAIT_MS; i++) {
        if (hub_rig_row(&rig, "hook").event_sequence >= sequence) {
            return;
        }
        (void)usleep(1000);
    }
    cr_assert(false, "the place in the events is never stored");
}

Test(extension_deliveries, events_come_from_now_on_and_from_where_it_left_off) {
    make_namespace("before");
    (void)script_connect_with(&script, &rig, follower(), true);
    await_place(1);
    make_namespace("first");
    make_namespace("second");
    const from_gofer *message = expect_event("first", 1);
    script_ack(&script, message->sequence, OUTCOME(DONE), "");
    const int64_t place = message->event_delivery->event->event_id;
    (void)expect_event("second", 1);
    await_place(place);
    script_close(&script);
    await_gone(); /* what is sent into a connection that is closing counts as an attempt */
    make_namespace("third");
    (void)script_connect_with(&script, &rig, follower(), true);
    (void)expect_event("second", 2);
    (void)expect_event("third", 1);
}

Test(extension_deliveries, an_event_is_tried_again_and_then_buried) {
    (void)script_connect_with(&script, &rig, follower(), true);
    await_place(1);
    make_namespace("first");
    for (int32_t attempt = 1; attempt <= GF_DELIVERY_ATTEMPTS_MAX; attempt++) {
        to_gofer answer = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
        Gofer__Extension__V1__DeliveryAck ack = GOFER__EXTENSION__V1__DELIVERY_ACK__INIT;
        Google__Protobuf__Duration soon = GOOGLE__PROTOBUF__DURATION__INIT;
        soon.nanos = 1000000;
        ack.acked_sequence = expect_event("first", attempt)->sequence;
        ack.outcome = OUTCOME(RETRY);
        ack.description = "not now";
        ack.retry_delay = &soon;
        answer.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_ACK;
        answer.ack = &ack;
        script_send(&script, &answer);
    }
    await_pending(0, 1);
    make_namespace("second");
    (void)expect_event("second", 1);
    struct gf_input input = {.kind = GF_INPUT_REPLAY_DELIVERIES};
    input.u.delivery.extension_id = GF_STR("hook");
    cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
    const from_gofer *message = expect_event("first", 1);
    script_ack(&script, message->sequence, OUTCOME(DONE), "");
    await_pending(0, 0);
}

Test(extension_deliveries, an_event_that_is_not_understood_is_passed_over) {
    (void)script_connect_with(&script, &rig, follower(), true);
    await_place(1);
    make_namespace("first");
    const from_gofer *message = expect_event("first", 1);
    script_ack(&script, message->sequence, OUTCOME(UNSUPPORTED), "");
    await_place(message->event_delivery->event->event_id);
    await_pending(0, 0);
}

Test(extension_deliveries, events_of_one_extension_are_followed_alone) {
    static Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    static Gofer__V1__EventFilter *filters[] = {&filter};
    Gofer__Extension__V1__Registration *registration = script_registration(&rig, "hook");
    filter.extension_id = "other";
    registration->n_event_filters = 1;
    registration->event_filters = filters;
    (void)script_connect_with(&script, &rig, registration, true);
    await_place(1);
    make_namespace("first");
    hub_rig_install(&rig, "none", "", "");
    hub_rig_install(&rig, "other", "", "");
    const from_gofer *message = script_expect(&script, MESSAGE(EVENT_DELIVERY));
    cr_assert_str_eq(message->event_delivery->event->extension_id, "other");
}
