/*
 * An extension that lives in containers: numbered events happen, and it keeps no memory of its own.
 *
 * Its settings are `count`, how many events there are, and `every`, how often one happens. How far
 * it has got is the checkpoint that goes with each event: all numbers up to it were answered. A
 * program that is new begins there, so that what its predecessor had asked for and not been told is
 * asked for again, with the same keys, also while the predecessor still is at work. Every tenth
 * event concerns all subscriptions, the others one of them in turn.
 */
#include "base/alloc.h"
#include "base/str.h"

#include <gofer/extension.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SUBSCRIPTIONS = 3,
    ALL_EVERY = 10,
    EVENTS_MAX = 1000000,
    UNDER_WAY_MAX = 100,
};

static const char *const pipelines[SUBSCRIPTIONS] = {"one", "two", "three"};

struct events {
    int64_t count;
    int64_t every_ns;
    int64_t asked;    /* the highest number that this program has asked for */
    int64_t answered; /* all up to this one */
    uint8_t *left;    /* by number: answers that are missing */
    struct gofer_subscription *subscriptions[SUBSCRIPTIONS];
};

static int pipeline_index(const char *name) {
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        if (gf_str_eq(gf_str_from(name), gf_str_from(pipelines[i]))) {
            return i;
        }
    }
    return -1;
}

static void configure(struct gofer_extension *extension, const struct gofer_settings *settings,
                      void *ctx) {
    struct events *events = ctx;
    if (events->left != NULL) {
        return; /* another connection of the same program */
    }
    events->count = gofer_settings_integer(settings, "count", 0);
    events->every_ns = gofer_settings_duration_ns(settings, "every", 0);
    if (events->count < 1 || events->count > EVENTS_MAX) {
        gofer_extension_fail(extension, "count is not 1 to %d", EVENTS_MAX);
        return;
    }
    (void)sscanf(gofer_extension_checkpoint(extension), "%" SCNd64, &events->answered);
    events->asked = events->answered;
    events->left = gf_calloc((size_t)events->count + 1, 1);
    gofer_extension_log(extension, GOFER_INFO, "begins behind %" PRId64, events->answered);
}

static bool ask(struct events *events, struct gofer_extension *extension, int64_t number) {
    const bool all = number % ALL_EVERY == 0;
    char key[32];
    char checkpoint[32];
    snprintf(key, sizeof(key), "event-%" PRId64, number);
    snprintf(checkpoint, sizeof(checkpoint), "%" PRId64, events->answered);
    const struct gofer_pair label = {"key", key};
    const struct gofer_run_start start = {
        .size = sizeof(start),
        .idempotency_key = key,
        .labels = &label,
        .label_count = 1,
        .checkpoint = checkpoint,
    };
    events->left[number] = all ? SUBSCRIPTIONS : 1;
    return gofer_extension_observe(extension,
                                   all ? events->subscriptions
                                       : &events->subscriptions[number % SUBSCRIPTIONS],
                                   all ? SUBSCRIPTIONS : 1, &start) == GOFER_OK;
}

static void work(struct gofer_extension *extension, void *ctx) {
    struct events *events = ctx;
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        if (events->subscriptions[i] == NULL) {
            return; /* `ready` comes again */
        }
    }
    if (events->asked < events->count && events->asked - events->answered < UNDER_WAY_MAX &&
        ask(events, extension, events->asked + 1)) {
        events->asked++;
    }
    gofer_extension_wake_at(extension, gofer_now_ns() + events->every_ns);
}

static enum gofer_outcome subscribe(struct gofer_extension *extension,
                                    struct gofer_subscription *subscription, void *ctx) {
    struct events *events = ctx;
    const int index = pipeline_index(gofer_subscription_pipeline_id(subscription));
    (void)extension;
    if (index < 0) {
        return gofer_subscription_refuse(subscription, NULL, "only one, two and three are known");
    }
    events->subscriptions[index] = subscription;
    return GOFER_ACCEPTED;
}

static void unsubscribe(struct gofer_extension *extension, struct gofer_subscription *subscription,
                        enum gofer_end why, void *ctx) {
    struct events *events = ctx;
    (void)extension;
    (void)why;
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        if (events->subscriptions[i] == subscription) {
            events->subscriptions[i] = NULL;
        }
    }
}

static void run_outcome(struct gofer_extension *extension, const struct gofer_run_outcome *outcome,
                        void *ctx) {
    struct events *events = ctx;
    int64_t number = 0;
    (void)extension;
    if (outcome->kind == GOFER_RUN_REFUSED ||
        sscanf(outcome->idempotency_key, "event-%" SCNd64, &number) != 1 || number < 1 ||
        number > events->count) {
        return; /* it counts as not answered */
    }
    events->left[number]--;
    while (events->answered < events->asked && events->left[events->answered + 1] == 0) {
        events->answered++;
    }
}

int main(int argc, char **argv) {
    static const struct gofer_parameter parameters[] = {
        {.name = "count", .type = GOFER_INTEGER, .required = true},
        {.name = "every", .type = GOFER_DURATION, .required = true},
        {.name = "round", .type = GOFER_INTEGER, .help = "Each update gives another one."},
    };
    struct events events = {0};
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .name = "event-count",
        .version = "1.0.0",
        .documentation = "Counts.",
        .config_parameters = parameters,
        .config_parameter_count = sizeof(parameters) / sizeof(parameters[0]),
        .ctx = &events,
        .configure = configure,
        .subscribe = subscribe,
        .unsubscribe = unsubscribe,
        .ready = work,
        .room = work,
        .wake = work,
        .run_outcome = run_outcome,
    };
    const int code = gofer_extension_run(&definition, argc, argv);
    free(events.left);
    return code;
}
