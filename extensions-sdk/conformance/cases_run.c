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

const struct gf_case gf_cases_run[] = {
    {"run", "it starts a run of the subscription, with a key", run},
    {"redelivery", "it wants what was not acknowledged again, with the same key", redelivery},
    {"acknowledged", "it does not want again what was acknowledged", acknowledged},
    {"window", "it keeps to the window that gofer gives it", window},
    {0},
};
