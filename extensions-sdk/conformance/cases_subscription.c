/* Cases about subscriptions: how they are answered, and what becomes of them. */
#include "base/clock.h"
#include "extensions-sdk/conformance/suite.h"

#include <string.h>

enum {
    LATER = 7, /* the number of a subscription that comes when the others are there */
    LARGE_MS = 30 * 1000,
};

#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__SUBSCRIPTION_OUTCOME__SUBSCRIPTION_OUTCOME_##name

/* The answer about that subscription, of that generation; NULL after a failure. */
static const Gofer__Extension__V1__SubscriptionResult *
expect_result(struct gf_suite *suite, int number, int64_t generation) {
    const gf_play_request *request =
        gf_suite_expect(suite, REQUEST(SUBSCRIPTION_RESULT), "a SubscriptionResult");
    if (request == NULL) {
        return NULL;
    }
    const Gofer__Extension__V1__SubscriptionResult *result = request->subscription_result;
    if (!gf_suite_is(result->subscription, number)) {
        gf_case_fail(suite, "the SubscriptionResult is about another subscription");
        return NULL;
    }
    if (result->generation != generation) {
        gf_case_fail(suite, "the SubscriptionResult has generation %lld, the Subscribe had %lld",
                     (long long)result->generation, (long long)generation);
        return NULL;
    }
    return result;
}

static void expect_accepted(struct gf_suite *suite, int number, int64_t generation) {
    const Gofer__Extension__V1__SubscriptionResult *result =
        expect_result(suite, number, generation);
    if (result != NULL && (int)result->outcome != OUTCOME(ACCEPTED)) {
        gf_case_fail(suite, "it does not accept the settings that are said to be right: %s",
                     result->description);
    }
}

static void subscribe(struct gf_suite *suite) {
    if (!gf_suite_begin(suite, 2)) {
        return;
    }
    (void)gf_suite_subscribe(suite, LATER, 3);
    expect_accepted(suite, LATER, 3);
}

static void resubscribe(struct gf_suite *suite) {
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    (void)gf_suite_subscribe(suite, 1, 1);
    expect_accepted(suite, 1, 1);
    if (!gf_case_is_over(suite)) {
        (void)gf_suite_subscribe(suite, 1, 2);
        expect_accepted(suite, 1, 2);
    }
}

static void unsubscribe(struct gf_suite *suite) {
    struct gf_suite_start start;
    if (!gf_suite_begin(suite, 2)) {
        return;
    }
    gf_suite_unsubscribe(suite, 1);
    if (!gf_suite_ping(suite)) { /* what was under way has come by now */
        return;
    }
    gf_suite_provoke(suite, "unsubscribed", 1);
    const int64_t wait_ms = suite->options->run_within_ms + suite->options->quiet_ms;
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), wait_ms);
    while (gf_mono_ns() < deadline &&
           gf_suite_next_start(suite, suite->options->quiet_ms, &start)) {
        gf_suite_ack_start(suite, &start);
        for (size_t i = 0; i < start.subscription_count; i++) {
            if (gf_suite_is(start.subscriptions[i], 1)) {
                gf_case_fail(suite, "it starts a run (key '%s') of a subscription that is over",
                             start.key);
                return;
            }
        }
    }
    (void)gf_suite_ping(suite);
}

static void unsubscribe_unknown(struct gf_suite *suite) {
    if (gf_suite_begin(suite, 1)) {
        gf_suite_unsubscribe(suite, LATER);
        (void)gf_suite_ping(suite);
    }
}

/* ---- Wrong settings ---- */

/* The right settings with one of them wrong. */
static struct gf_suite_pairs spoil(struct gf_suite *suite, const struct gf_suite_pair *bad) {
    const struct gf_suite_pairs *right = &suite->options->settings;
    struct gf_suite_pairs out = {.count = right->count};
    bool replaced = false;
    out.items = GF_ARENA_ARRAY(&suite->arena, right->count + 1, struct gf_suite_pair);
    for (size_t i = 0; i < right->count; i++) {
        out.items[i] = right->items[i];
        if (strcasecmp(out.items[i].name, bad->name) == 0) {
            out.items[i] = *bad;
            replaced = true;
        }
    }
    if (!replaced) {
        out.items[out.count++] = *bad;
    }
    return out;
}

static bool names_it(const Gofer__Extension__V1__SubscriptionResult *result, const char *name) {
    for (size_t i = 0; i < result->n_setting_problems; i++) {
        if (strcasecmp(result->setting_problems[i]->parameter_name, name) == 0 &&
            result->setting_problems[i]->description[0] != '\0') {
            return true;
        }
    }
    return false;
}

static void refuse_one(struct gf_suite *suite, int number, const struct gf_suite_pair *bad) {
    const struct gf_suite_pairs settings = spoil(suite, bad);
    (void)gf_suite_subscribe_with(suite, number, 1, &settings);
    const Gofer__Extension__V1__SubscriptionResult *result = expect_result(suite, number, 1);
    if (result == NULL) {
        return;
    }
    if ((int)result->outcome != OUTCOME(REFUSED)) {
        gf_case_fail(suite, "%s=%s has outcome %d, REFUSED was expected", bad->name, bad->value,
                     (int)result->outcome);
    } else if (strlen(result->description) < 10 || strchr(result->description, ' ') == NULL) {
        gf_case_fail(suite, "%s=%s is refused without a sentence: '%s'", bad->name, bad->value,
                     result->description);
    } else if (!names_it(result, bad->name)) {
        gf_case_fail(suite,
                     "%s=%s is refused, but no setting_problem with a description names "
                     "'%s'",
                     bad->name, bad->value, bad->name);
    }
}

static void bad_settings(struct gf_suite *suite) {
    if (suite->options->bad.count == 0) {
        gf_case_skip(suite, "it takes --bad NAME=VALUE");
        return;
    }
    if (!gf_suite_begin(suite, 1)) {
        return;
    }
    for (size_t i = 0; i < suite->options->bad.count && !gf_case_is_over(suite); i++) {
        refuse_one(suite, LATER + (int)i, &suite->options->bad.items[i]);
    }
    if (!gf_case_is_over(suite)) { /* the others work on, and right settings are accepted still */
        (void)gf_suite_subscribe(suite, LATER, 2);
        expect_accepted(suite, LATER, 2);
    }
}

/* ---- The whole set ---- */

static void full_set(struct gf_suite *suite) {
    struct gf_suite_start start;
    if (!gf_suite_can_run(suite) || !gf_suite_begin(suite, 2)) {
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    gf_play_close_eyes(suite->play, false);
    if (!gf_suite_begin_again(suite, 2, 1, 100)) { /* the first one is gone */
        return;
    }
    gf_suite_provoke(suite, "full-set", 1);
    const int64_t wait_ms = suite->options->run_within_ms + suite->options->quiet_ms;
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), wait_ms);
    bool has_started = false;
    /* What was wanted before the connection broke is told still; it has the keys of that time. */
    const int64_t old_ns = gf_mono_ns() + suite->options->quiet_ms * GF_NS_PER_MS;
    while (gf_mono_ns() < deadline && gf_suite_next_start(suite, wait_ms, &start)) {
        gf_suite_ack_start(suite, &start);
        for (size_t i = 0; i < start.subscription_count; i++) {
            has_started = has_started || gf_suite_is(start.subscriptions[i], 2);
            if (gf_suite_is(start.subscriptions[i], 1) && gf_mono_ns() > old_ns) {
                gf_case_fail(suite,
                             "it starts a run (key '%s') of a subscription that gofer did "
                             "not tell at the last connection",
                             start.key);
                return;
            }
        }
    }
    if (!has_started) {
        gf_case_fail(suite, "it starts no run of the subscription that is left");
    }
}

static void large_set(struct gf_suite *suite) {
    gf_suite_start(suite);
    if (gf_case_is_over(suite) ||
        !gf_suite_begin_again(suite, 1, GF_SUITE_SUBSCRIPTIONS_LARGE, 10000)) {
        return;
    }
    gf_play_end(suite->play, GF_UNAVAILABLE, "the suite breaks the connection");
    if (gf_suite_begin_again(suite, 1, GF_SUITE_SUBSCRIPTIONS_LARGE, 10000)) {
        (void)gf_suite_ping(suite);
    }
}

const struct gf_case gf_cases_subscription[] = {
    {"subscribe", "it accepts right settings and answers with their generation", subscribe},
    {"resubscribe", "it answers the same subscription again, and each generation with its number",
     resubscribe},
    {"unsubscribe", "it starts no run of a subscription that is over", unsubscribe},
    {"unsubscribe-unknown", "it does not mind the end of what it does not know",
     unsubscribe_unknown},
    {"bad-settings", "it refuses wrong settings with a sentence and the parameter's name",
     bad_settings},
    {"full-set", "it forgets what gofer does not tell it at a new connection", full_set},
    {"large-set", "it takes 1,000 subscriptions, twice", large_set},
    {0},
};
