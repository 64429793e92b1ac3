/*
 * The whole library under all the threads that it promises to bear: for --config=tsan. A scripted
 * gofer breaks the connection again and again; nothing is lost, doubled or out of order.
 *
 * With an argument it is a measurement: so many runs through one stream that holds.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/sync.h"
#include "extensions-sdk/conformance/play.h"

#include <gofer/extension.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PRODUCERS = 3,
    STARTS = 300, /* of each producer */
    BREAK_AFTER = 120,
    WINDOW = 40,
    WINDOW_MEASURED = 1000,
    WAIT_MS = 60 * 1000,
    EVENT_ID = 77,
    ARENA_BYTES_MAX = 256 << 20,
};

#define REQUEST(name) GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_##name
#define RESPONSE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name

/* What the extension has; its threads are the program's. */
struct program {
    struct gofer_extension *extension;
    struct gofer_subscription *subscription;
    pthread_t producers[PRODUCERS];
    int starts; /* of each */
    atomic_int next_producer;
    atomic_bool stopping;
    atomic_int outcomes;
    atomic_int events;
    struct gofer_delivery *delivery;
    pthread_t finisher;
    bool has_threads;
    bool has_finisher;
    int exit_code;
};

static struct program program;

/* ---- The extension ---- */

static void *produce(void *ctx) {
    const int number = atomic_fetch_add(&program.next_producer, 1);
    (void)ctx;
    for (int i = 0; i < program.starts; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "%d:%d", number, i);
        const struct gofer_pair variables[] = {{"NUMBER", key}};
        const struct gofer_run_start start = {
            .size = sizeof(start),
            .idempotency_key = key,
            .variables = variables,
            .variable_count = 1,
            .checkpoint = key,
        };
        enum gofer_result result = GOFER_FULL;
        while (result == GOFER_FULL && !atomic_load(&program.stopping)) {
            result = gofer_extension_start_run(program.extension, program.subscription, &start);
            if (result == GOFER_FULL) {
                (void)usleep(1000);
            }
        }
        gf_assert(result == GOFER_OK || atomic_load(&program.stopping));
        if (i % 50 == 0) {
            gofer_subscription_log(program.subscription, GOFER_DEBUG, "%d of %d", i, number);
            (void)gofer_extension_set_metric(program.extension, "starts_total", i);
        }
    }
    return NULL;
}

static enum gofer_outcome subscribe(struct gofer_extension *extension,
                                    struct gofer_subscription *subscription, void *ctx) {
    (void)ctx;
    program.extension = extension;
    program.subscription = gofer_subscription_ref(subscription);
    return GOFER_ACCEPTED;
}

static void ready(struct gofer_extension *extension, void *ctx) {
    (void)extension;
    (void)ctx;
    for (size_t i = 0; !program.has_threads && i < PRODUCERS; i++) {
        gf_thread_start(&program.producers[i], "producer", produce, NULL);
    }
    program.has_threads = true;
}

static void run_outcome(struct gofer_extension *extension, const struct gofer_run_outcome *outcome,
                        void *ctx) {
    (void)extension;
    (void)ctx;
    gf_assert(outcome->kind == GOFER_RUN_STARTED);
    atomic_fetch_add(&program.outcomes, 1);
}

/* Acknowledges from a thread of its own, later. */
static void *finish(void *ctx) {
    gofer_delivery_done(ctx);
    return NULL;
}

static void event(struct gofer_extension *extension, struct gofer_delivery *delivery,
                  const struct gofer_event *event_, void *ctx) {
    (void)extension;
    (void)ctx;
    gf_assert(event_->event_id == EVENT_ID && strcmp(event_->kind, "RUN_COMPLETED") == 0);
    gf_assert(atomic_fetch_add(&program.events, 1) == 0);
    program.has_finisher = true;
    gf_thread_start(&program.finisher, "finisher", finish, delivery);
}

static void stopped(struct gofer_extension *extension, void *ctx) {
    (void)extension;
    (void)ctx;
    atomic_store(&program.stopping, true);
    for (size_t i = 0; program.has_threads && i < PRODUCERS; i++) {
        gf_thread_join(program.producers[i]);
    }
    if (program.has_finisher) {
        gf_thread_join(program.finisher);
    }
    gofer_subscription_unref(program.subscription);
}

static void *run_extension(void *ctx) {
    static const struct gofer_event_filter filters[] = {{.namespace_id = "ns"}};
    const struct gofer_extension_definition definition = {
        .size = sizeof(definition),
        .version = "1.0.0",
        .event_filters = filters,
        .event_filter_count = 1,
        .subscribe = subscribe,
        .ready = ready,
        .run_outcome = run_outcome,
        .event = event,
        .stopped = stopped,
    };
    char name[] = "extension";
    char *argv[] = {name, NULL};
    (void)ctx;
    program.exit_code = gofer_extension_run(&definition, 1, argv);
    return NULL;
}

/* ---- Gofer ---- */

static gf_play_response make(int message_case) {
    gf_play_response response = GOFER__EXTENSION__V1__CONNECT_RESPONSE__INIT;
    response.message_case = (Gofer__Extension__V1__ConnectResponse__MessageCase)message_case;
    return response;
}

static Gofer__V1__SubscriptionReference reference_of(void) {
    Gofer__V1__SubscriptionReference reference = GOFER__V1__SUBSCRIPTION_REFERENCE__INIT;
    reference.namespace_id = (char *)(uintptr_t) "ns";
    reference.pipeline_id = (char *)(uintptr_t) "pipeline";
    reference.subscription_id = (char *)(uintptr_t) "subscription";
    return reference;
}

static void welcome(struct gf_play *play, int32_t window) {
    gf_assert(gf_play_accept(play, WAIT_MS));
    gf_play_response response = make(RESPONSE(WELCOME));
    Gofer__Extension__V1__Welcome message = GOFER__EXTENSION__V1__WELCOME__INIT;
    message.protocol_major_version = 1;
    message.mode = GOFER__EXTENSION__V1__CONNECTION_MODE__CONNECTION_MODE_WORK;
    message.window = window;
    response.welcome = &message;
    gf_play_set_window(play, window);
    (void)gf_play_say(play, &response);

    response = make(RESPONSE(SUBSCRIBE));
    Gofer__Extension__V1__Subscribe subscribe_ = GOFER__EXTENSION__V1__SUBSCRIBE__INIT;
    Gofer__V1__SubscriptionReference reference = reference_of();
    subscribe_.subscription = &reference;
    subscribe_.generation = 1;
    response.subscribe = &subscribe_;
    (void)gf_play_say(play, &response);

    response = make(RESPONSE(SUBSCRIPTIONS_COMPLETE));
    Gofer__Extension__V1__SubscriptionsComplete complete =
        GOFER__EXTENSION__V1__SUBSCRIPTIONS_COMPLETE__INIT;
    response.subscriptions_complete = &complete;
    (void)gf_play_say(play, &response);
}

static void acknowledge(struct gf_play *play, const gf_play_request *request) {
    gf_play_response response = make(RESPONSE(ACK));
    Gofer__Extension__V1__RequestAck ack = GOFER__EXTENSION__V1__REQUEST_ACK__INIT;
    Gofer__Extension__V1__RunOutcome outcome = GOFER__EXTENSION__V1__RUN_OUTCOME__INIT;
    Gofer__Extension__V1__RunOutcome *outcomes[] = {&outcome};
    outcome.kind = GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_STARTED;
    outcome.run_id = request->sequence;
    ack.acked_sequence = request->sequence;
    ack.outcomes = outcomes;
    ack.n_outcomes = 1;
    response.ack = &ack;
    (void)gf_play_say(play, &response);
}

static void say_event(struct gf_play *play) {
    gf_play_response response = make(RESPONSE(EVENT_DELIVERY));
    Gofer__Extension__V1__EventDelivery delivery = GOFER__EXTENSION__V1__EVENT_DELIVERY__INIT;
    Gofer__V1__Event happened = GOFER__V1__EVENT__INIT;
    happened.event_id = EVENT_ID;
    happened.kind = GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED;
    delivery.event = &happened;
    delivery.attempt = 1;
    response.sequence = 1;
    response.event_delivery = &delivery;
    (void)gf_play_say(play, &response);
}

/* What was acknowledged, and the next number of each producer. */
struct ledger {
    struct gf_map keys;
    int next[PRODUCERS];
    int taken;
};

/* Each producer's runs come in their order; what comes again was not acknowledged. */
static void book(struct ledger *ledger, const char *key) {
    int producer = 0;
    int number = 0;
    gf_assert(sscanf(key, "%d:%d", &producer, &number) == 2);
    gf_assert(gf_map_put(&ledger->keys, gf_str_from(key), ledger) == NULL);
    gf_assert(ledger->next[producer] == number);
    ledger->next[producer]++;
    ledger->taken++;
}

/* Serves one connection until `count` runs were acknowledged on it, or all were. */
static void serve(struct gf_play *play, struct ledger *ledger, int count, int total) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    for (int acked = 0; acked < count && ledger->taken < total;) {
        const gf_play_request *request = gf_play_next(play, WAIT_MS, &arena);
        gf_assert(request != NULL);
        if ((int)request->message_case == REQUEST(START_RUN)) {
            book(ledger, request->start_run->idempotency_key);
            acknowledge(play, request);
            acked++;
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
}

/* The event comes twice, because the acknowledgement is "lost", and is given to the program once.
 */
static void deliver_twice(struct gf_play *play, int32_t window) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    for (int attempt = 0; attempt < 2; attempt++) {
        const gf_play_request *request = NULL;
        say_event(play);
        do {
            request = gf_play_next(play, WAIT_MS, &arena);
            gf_assert(request != NULL);
        } while ((int)request->message_case != REQUEST(ACK));
        gf_assert(request->ack->acked_sequence == 1);
        if (attempt == 0) {
            gf_play_end(play, GF_UNAVAILABLE, "broken on purpose");
            welcome(play, window);
        }
    }
    gf_arena_fini(&arena);
}

static void shut_down(struct gf_play *play) {
    gf_play_response response = make(RESPONSE(SHUTDOWN));
    Gofer__Extension__V1__Shutdown message = GOFER__EXTENSION__V1__SHUTDOWN__INIT;
    response.shutdown = &message;
    (void)gf_play_say(play, &response);
}

static void start_all(const char *folder, struct gf_play **out_play, pthread_t *out_thread) {
    gf_assert(gf_play_create(folder, "extension", out_play, NULL) == GF_OK);
    gf_assert(setenv("GOFER_EXTENSION_ID", "extension", 1) == 0);
    gf_assert(setenv("GOFER_HOST", gf_play_address(*out_play), 1) == 0);
    gf_assert(setenv("GOFER_TOKEN", gf_play_token(*out_play), 1) == 0);
    gf_assert(setenv("GOFER_LOG_LEVEL", "error", 1) == 0);
    gf_thread_start(out_thread, "extension", run_extension, NULL);
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/gofer-sdk-XXXXXX";
    char fault[GF_PLAY_FAULT_BYTES_MAX];
    struct ledger ledger = {0};
    struct gf_play *play = NULL;
    pthread_t thread;
    int64_t measured = 0;
    const bool measures = argc == 2 && gf_parse_i64(gf_str_from(argv[1]), &measured);
    const int32_t window = measures ? WINDOW_MEASURED : WINDOW;
    program.starts = measures ? (int)(measured / PRODUCERS) : STARTS;
    const int total = program.starts * PRODUCERS;
    gf_assert(mkdtemp(folder) != NULL);
    start_all(folder, &play, &thread);
    welcome(play, window);
    const int64_t began = gf_mono_ns();
    while (ledger.taken < total) {
        serve(play, &ledger, measures ? total : BREAK_AFTER, total);
        if (ledger.taken < total) {
            gf_play_end(play, GF_UNAVAILABLE, "broken on purpose");
            welcome(play, window);
        }
    }
    const int64_t took = gf_mono_ns() - began;
    deliver_twice(play, window);
    shut_down(play);
    gf_thread_join(thread);
    gf_assert(program.exit_code == GOFER_EXIT_OK);
    gf_assert(atomic_load(&program.events) == 1);
    gf_assert(gf_play_take_fault(play, fault)[0] == '\0');
    gf_assert(atomic_load(&program.outcomes) == total);
    gf_play_destroy(play);
    gf_map_fini(&ledger.keys);
    (void)rmdir(folder);
    if (measures) {
        printf("%d runs through one stream: %.0f/s\n", total, (double)total * 1e9 / (double)took);
    }
    (void)printf("run_tsan_test: passed\n");
    return 0;
}
