/* Cases about runs; they take an extension that can be made to start some (--expect-run-within). */
#include "base/clock.h"
#include "extensions-sdk/conformance/suite.h"

#include <string.h>

enum {
    SUBSCRIPTIONS = 5,
    WINDOW = 2,
    KEY_CHARS_MAX = 255,
};

/* The next start; false after a failure. */
static bool expect_start(struct gf_suite *suite, struct gf_suite_start *out) {
    if (!gf_suite_next_start(suite, suite->options->run_within_ms, out)) {
        gf_case_fail(suite, "it started no run within %lld ms",
                     (long long)suite->options->run_within_ms);
        return false;
    }
    const size_t length = strlen(out->key);
    if (length == 0 || length > KEY_CHARS_MAX * 4) {
        gf_case_fail(suite, "an idempotency key has %zu bytes, 1 to 255 characters are right",
                     length);
        return false;
    }
    return true;
}

static void run(struct gf_suite *suite) {
    struct gf_suite_start start;
    if (!gf_suite_can_run(suite) || !gf_suite_begin(suite, 1)) {
        return;
    }
    gf_suite_provoke(suite, "run", 1);
    if (!expect_start(suite, &start)) {
        return;
    }
    if (start.subscription_count != 1 || !gf_suite_is(start.subscriptions[0], 1)) {
        gf_case_fail(suite, "it starts a run of what gofer did not tell it");
        return;
    }
    gf_suite_ack_start(suite, &start);
    (void)gf_suite_ping(suite);
}

static void redelivery(struct gf_suite *suite) {
    struct gf_suite_start first;
    struct gf_suite_start again;
    if (!gf_suite_can_run(suite) || !gf_suite_begin(suite, 1)) {
        return;
    }
    gf_suite_provoke(suite, "redelivery", 1);
    if (!expect_start(suite, &first)) {
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    if (!gf_suite_begin_again(suite, 1, 1, 100)) {
        return;
    }
    gf_suite_provoke(suite, "redelivery", 1);
    if (!expect_start(suite, &again)) {
        return;
    }
    if (strcmp(first.key, again.key) != 0) {
        gf_case_fail(suite,
                     "the run with the key '%s' was not acknowledged; after the reconnect "
                     "it is not wanted again, but '%s'",
                     first.key, again.key);
    } else if (again.request->sequence != 1) {
        gf_case_fail(suite, "the first delivery of a connection has the sequence %lld",
                     (long long)again.request->sequence);
    }
}

static void acknowledged(struct gf_suite *suite) {
    struct gf_suite_start first;
    struct gf_suite_start next;
    if (!gf_suite_can_run(suite) || !gf_suite_begin(suite, 1)) {
        return;
    }
    gf_suite_provoke(suite, "acknowledged", 1);
    if (!expect_start(suite, &first)) {
        return;
    }
    gf_suite_ack_start(suite, &first);
    if (!gf_suite_ping(suite)) {
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    if (!gf_suite_begin_again(suite, 1, 1, 100)) {
        return;
    }
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), suite->options->quiet_ms);
    while (gf_mono_ns() < deadline && gf_suite_next_start(suite, suite->options->quiet_ms, &next)) {
        gf_suite_ack_start(suite, &next);
        if (strcmp(first.key, next.key) == 0) {
            gf_case_fail(suite,
                         "the run with the key '%s' was acknowledged, and is wanted again "
                         "after a reconnect",
                         first.key);
            return;
        }
    }
}

static void window(struct gf_suite *suite) {
    struct gf_suite_start start;
    if (!gf_suite_can_run(suite)) {
        return;
    }
    gf_suite_start(suite);
    if (gf_case_is_over(suite) || !gf_suite_begin_again(suite, 1, SUBSCRIPTIONS, WINDOW)) {
        return;
    }
    gf_suite_provoke(suite, "window", 1);
    if (!expect_start(suite, &start)) {
        return;
    }
    /* Nothing is acknowledged: what is beyond the window is a fault that is seen where it arrives.
     */
    (void)gf_suite_look(suite, -1, suite->options->run_within_ms);
}

/* The acknowledgement of a request from outside; runs that it starts are acknowledged meanwhile. */
static bool expect_external_ack(struct gf_suite *suite, int64_t sequence) {
    const gf_play_request *request =
        gf_suite_expect(suite, GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_ACK,
                        "the acknowledgement of a request from outside");
    if (request == NULL) {
        return false;
    }
    const int outcome = (int)request->ack->outcome;
    if (request->ack->acked_sequence != sequence) {
        gf_case_fail(suite, "delivery %lld is acknowledged, %lld was sent",
                     (long long)request->ack->acked_sequence, (long long)sequence);
    } else if (outcome == 0 ||
               outcome == GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_UNSUPPORTED) {
        gf_case_fail(suite, "it takes requests from outside, and acknowledges one as %s",
                     outcome == 0 ? "UNSPECIFIED" : "UNSUPPORTED");
    }
    return !gf_case_is_over(suite);
}

static void external(struct gf_suite *suite) {
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    if (!suite->registration->accepts_external_events) {
        gf_case_skip(suite, "it takes no requests from outside");
        return;
    }
    gf_suite_send_external(suite, "external", 1, 1);
    if (!expect_external_ack(suite, 1)) {
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    if (gf_suite_begin_again(suite, 1, 1, 100)) {
        gf_suite_send_external(suite, "external", 1, 2); /* the acknowledgement may be lost */
        (void)expect_external_ack(suite, 1);
    }
}

const struct gf_case gf_cases_run[] = {
    {"run", "it starts a run of the subscription, with a key", run},
    {"redelivery", "it wants what was not acknowledged again, with the same key", redelivery},
    {"acknowledged", "it does not want again what was acknowledged", acknowledged},
    {"external", "it acknowledges requests from outside, also those that come again", external},
    {"window", "it keeps to the window that gofer gives it", window},
    {0},
};
