/* Cases about connections: how they begin, what is said on them, and what follows their end. */
#include "base/clock.h"
#include "extensions-sdk/conformance/declaration.h"
#include "extensions-sdk/conformance/suite.h"

enum {
    PATIENCE_MS = 300, /* a Welcome is held back for so long */
    REFUSALS_MS = 3000,
    REFUSALS_MAX = 8, /* connections within that time */
    UNKNOWN_FIELD = 900,
    MINOR_VERSION = 99,
    EVENT_ID = 41,
};

#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RESPONSE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name

static void handshake(struct gf_suite *suite) {
    gf_suite_start(suite);
    if (gf_case_is_over(suite) || !gf_suite_accept(suite, GF_SUITE_ANSWER_MS)) {
        return;
    }
    bool speaks = false;
    for (size_t i = 0; i < suite->registration->n_protocol_major_versions; i++) {
        speaks = speaks || suite->registration->protocol_major_versions[i] == 1;
    }
    if (!speaks) {
        gf_case_fail(suite, "protocol_major_versions does not have 1");
        return;
    }
    const gf_play_request *early = gf_play_next(suite->play, PATIENCE_MS, &suite->arena);
    if (early != NULL) {
        gf_case_fail(suite, "it went on (field %d) before the Welcome", (int)early->message_case);
        return;
    }
    (void)gf_suite_welcome(suite, 100);
    early = gf_suite_look(suite, REQUEST(READY), PATIENCE_MS);
    if (early != NULL) {
        gf_case_fail(suite, "it sent Ready before SubscriptionsComplete");
        return;
    }
    gf_suite_complete(suite, 0);
    (void)gf_suite_expect(suite, REQUEST(READY), "Ready");
}

static void declaration(struct gf_suite *suite) {
    gf_suite_start(suite);
    if (!gf_case_is_over(suite) && gf_suite_accept(suite, GF_SUITE_ANSWER_MS)) {
        gf_declaration_check(suite);
    }
}

static void ping(struct gf_suite *suite) {
    if (gf_suite_begin(suite, 1)) {
        (void)(gf_suite_ping(suite) && gf_suite_ping(suite));
    }
}

static void debug(struct gf_suite *suite) {
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    gf_play_response *response = gf_suite_message(suite, RESPONSE(DEBUG_REQUEST));
    Gofer__Extension__V1__DebugRequest request = GOFER__EXTENSION__V1__DEBUG_REQUEST__INIT;
    request.request_id = gf_arena_strdup(&suite->arena, "debug-7");
    response->debug_request = &request;
    (void)gf_play_say(suite->play, response);
    const gf_play_request *info = gf_suite_expect(suite, REQUEST(DEBUG_INFO), "DebugInfo");
    if (info != NULL && strcmp(info->debug_info->request_id, "debug-7") != 0) {
        gf_case_fail(suite, "the DebugInfo has another request_id: '%s'",
                     info->debug_info->request_id);
    }
}

/* ---- What it does not know ---- */

/* A message with a field that no version of the protocol has yet. */
static void say_unknown(struct gf_suite *suite, int64_t sequence) {
    gf_play_response *response = gf_suite_message(suite, 0);
    uint8_t content[] = {0}; /* a message of no bytes */
    ProtobufCMessageUnknownField field = {.tag = UNKNOWN_FIELD,
                                          .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                          .len = sizeof(content),
                                          .data = content};
    response->sequence = sequence;
    response->base.n_unknown_fields = 1;
    response->base.unknown_fields = &field;
    (void)gf_play_say(suite->play, response);
}

static void unknown_message(struct gf_suite *suite) {
    if (gf_suite_begin(suite, 1)) {
        say_unknown(suite, 0);
        (void)gf_suite_ping(suite);
    }
}

/* The acknowledgement of that delivery; false after a failure. */
static bool expect_ack(struct gf_suite *suite, int64_t sequence, int *out_outcome) {
    const gf_play_request *request =
        gf_suite_expect(suite, REQUEST(ACK), "the DeliveryAck of a delivery");
    if (request == NULL) {
        return false;
    }
    if (request->ack->acked_sequence != sequence) {
        gf_case_fail(suite, "it acknowledges %lld, the delivery was %lld",
                     (long long)request->ack->acked_sequence, (long long)sequence);
        return false;
    }
    *out_outcome = (int)request->ack->outcome;
    return true;
}

static void unknown_delivery(struct gf_suite *suite) {
    int outcome = 0;
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    say_unknown(suite, 1);
    if (expect_ack(suite, 1, &outcome) &&
        outcome != GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED) {
        gf_case_fail(suite,
                     "a delivery that nobody knows is acknowledged with outcome %d, "
                     "UNSUPPORTED was expected",
                     outcome);
    }
}

static void say_event(struct gf_suite *suite, int64_t sequence, int32_t attempt) {
    gf_play_response *response = gf_suite_message(suite, RESPONSE(EVENT_DELIVERY));
    Gofer__Extension__V1__EventDelivery delivery = GOFER__EXTENSION__V1__EVENT_DELIVERY__INIT;
    Gofer__V1__Event event = GOFER__V1__EVENT__INIT;
    event.event_id = EVENT_ID;
    event.kind = GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED;
    event.namespace_id = gf_arena_strdup(&suite->arena, "conformance");
    event.pipeline_id = gf_arena_strdup(&suite->arena, "pipeline");
    event.run_id = 1;
    delivery.event = &event;
    delivery.attempt = attempt;
    response->sequence = sequence;
    response->event_delivery = &delivery;
    (void)gf_play_say(suite->play, response);
}

static void deliveries(struct gf_suite *suite) {
    int outcome = 0;
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    say_event(suite, 1, 1);
    if (!expect_ack(suite, 1, &outcome)) {
        return;
    }
    if (outcome == 0) {
        gf_case_fail(suite, "the outcome of a DeliveryAck is UNSPECIFIED");
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    if (gf_suite_begin_again(suite, 1, 1, 100)) {
        say_event(suite, 1, 2); /* the acknowledgement may have been lost */
        (void)expect_ack(suite, 1, &outcome);
    }
}

static void minor_version(struct gf_suite *suite) {
    gf_suite_start(suite);
    if (gf_case_is_over(suite) || !gf_suite_accept(suite, GF_SUITE_ANSWER_MS)) {
        return;
    }
    gf_play_response *response = gf_suite_message(suite, RESPONSE(WELCOME));
    Gofer__Extension__V1__Welcome welcome = GOFER__EXTENSION__V1__WELCOME__INIT;
    uint8_t text[] = {3, 'n', 'e', 'w'};
    ProtobufCMessageUnknownField field = {.tag = UNKNOWN_FIELD,
                                          .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                          .len = sizeof(text),
                                          .data = text};
    welcome.protocol_major_version = 1;
    welcome.protocol_minor_version = MINOR_VERSION;
    welcome.mode = GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK;
    welcome.window = 100;
    welcome.base.n_unknown_fields = 1;
    welcome.base.unknown_fields = &field;
    response->welcome = &welcome;
    (void)gf_play_say(suite->play, response);
    gf_suite_complete(suite, 0);
    if (gf_suite_expect(suite, REQUEST(READY), "Ready, although gofer is newer,") != NULL) {
        (void)gf_suite_ping(suite);
    }
}

/* ---- After the end of a connection ---- */

static void reconnect(struct gf_suite *suite) {
    if (!gf_suite_begin(suite, 2)) {
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    if (gf_suite_begin_again(suite, 1, 2, 100)) {
        (void)gf_suite_ping(suite);
    }
}

/* Refuses for a while, and counts who asks. */
static int64_t count_attempts(struct gf_suite *suite, enum gf_code code, const char *message) {
    gf_play_refuse(suite->play, code, message);
    const int64_t before = gf_play_attempts(suite->play);
    gf_play_end(suite->play, code, message);
    (void)gf_suite_wait_exit(suite, REFUSALS_MS);
    return gf_play_attempts(suite->play) - before;
}

static void back_off(struct gf_suite *suite) {
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    const int64_t attempts = count_attempts(suite, GF_UNAVAILABLE, "the suite is away");
    if (!suite->is_running) {
        gf_case_fail(suite, "it ended because gofer was away for %d s", REFUSALS_MS / 1000);
    } else if (attempts > REFUSALS_MAX) {
        gf_case_fail(suite, "it connected %lld times within %d s, without a growing pause",
                     (long long)attempts, REFUSALS_MS / 1000);
    } else {
        gf_play_admit(suite->play);
        (void)gf_suite_begin_again(suite, 1, 1, 100);
    }
}

/* After an end that is for good it ends, or asks now and then. */
static void ends_or_waits(struct gf_suite *suite, enum gf_code code, const char *message) {
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    const int64_t attempts = count_attempts(suite, code, message);
    if (!suite->is_running && !suite->exit.signaled && suite->exit.status == 0) {
        gf_case_fail(suite, "it ended with exit code 0, as if all were well (%s)", message);
    } else if (attempts > REFUSALS_MAX / 2) {
        gf_case_fail(suite, "it connected %lld times within %d s although %s", (long long)attempts,
                     REFUSALS_MS / 1000, message);
    }
}

static void revoked(struct gf_suite *suite) {
    ends_or_waits(suite, GF_UNAUTHENTICATED, "its token was revoked");
}

static void replaced(struct gf_suite *suite) {
    ends_or_waits(suite, GF_ABORTED, "another program took its place");
}

const struct gf_case gf_cases_connection[] = {
    {"handshake", "it connects with its token, registers, and waits for its turn", handshake},
    {"declaration", "what it says about itself is complete and without contradictions",
     declaration},
    {"ping", "it answers a Ping with the Pong of the same number", ping},
    {"debug", "it answers a DebugRequest", debug},
    {"unknown-message", "it ignores what a newer gofer says", unknown_message},
    {"unknown-delivery", "it acknowledges a delivery that it does not know with UNSUPPORTED",
     unknown_delivery},
    {"deliveries", "it acknowledges deliveries, also those that come again", deliveries},
    {"minor-version", "it works with a newer minor version", minor_version},
    {"reconnect", "it comes back after a connection broke and takes in everything anew", reconnect},
    {"back-off", "it pauses, longer and longer, while gofer is away, and comes back", back_off},
    {"revoked", "it ends, not with 0, or seldom tries again when its token is revoked", revoked},
    {"replaced", "it ends, not with 0, or seldom tries again when another takes its place",
     replaced},
    {0},
};
