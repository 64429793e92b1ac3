/*
 * Durable acknowledgements of what one extension wants started.
 *
 * Usage: events_bench ADDRESS --database FILE --server-pid PID [--rate N | --window N] [--seconds
 * N]
 *                     [--subscriptions N] [--keys N | --observed]
 *
 * Registers pipelines, an extension, and a subscription of each pipeline. Then the extension sends
 * StartRun, each with a key of its own and of the subscriptions in turn: at a rate of N a second
 * (an open loop, whose latencies count from the time at which each was due), or as many as leave N
 * unacknowledged (a closed loop). With --keys there are N keys, which come again and again: what is
 * measured are repetitions. With --observed each is an ObservedEvent of all subscriptions, and
 * counts once for each of them. An acknowledgement comes after the run is on the disk. The same
 * load is then given to bare SQLite (tests/bench/engine/floor_load.h), but for repetitions, which
 * write nothing.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "tests/bench/engine/client.h"
#include "tests/bench/engine/floor_load.h"
#include "tests/bench/extensions/setup.h"
#include "tests/bench/extensions/threads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WINDOW = 1000, /* of the server */
    SECONDS_DEFAULT = 5,
    SUBSCRIPTIONS_MAX = 1000,
    THREAD_US_MIN = 1, /* of one acknowledgement; threads with less are not shown */
};

struct bench {
    struct load_options load; /* `calls` is the window */
    const char *database;
    int64_t server_pid;
    int64_t subscriptions;
    int64_t keys; /* 0 = each its own */
    bool observed;
    char title[80];

    struct peer_loop loop;
    struct peer peer;
    Gofer__V1__SubscriptionReference *references;
    Gofer__V1__SubscriptionReference **reference_list;
    int64_t due_ns[WINDOW + 1]; /* of the deliveries under way, by their number */
    int64_t sent, acknowledged;
    int64_t measure_from_ns, end_ns;
    int64_t unexpected; /* outcomes */
    struct load_result result;
};

/* ---- Acknowledgements ---- */

static void acked(struct peer *peer, const Gofer__Extension__V1__RequestAck *ack) {
    struct bench *bench = peer->ctx;
    const int64_t now_ns = gf_mono_ns();
    const int64_t due_ns = bench->due_ns[ack->acked_sequence % (WINDOW + 1)];
    bench->acknowledged++;
    for (size_t i = 0; i < ack->n_outcomes; i++) {
        const int kind = (int)ack->outcomes[i]->kind;
        bench->unexpected +=
            kind != GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_STARTED &&
            kind != GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_DUPLICATE;
    }
    /* An open loop measures what was due in the time, a closed one what ended in it. */
    const int64_t when = bench->load.rate > 0 ? due_ns : now_ns;
    if (when >= bench->measure_from_ns && when < bench->end_ns) {
        gf_vec_push(&bench->result.latencies_us, (uint32_t)((now_ns - due_ns) / 1000));
    }
}

/* ---- Sending ---- */

static void send_one(struct bench *bench, int64_t due_ns) {
    char key[32];
    const int64_t number = bench->keys > 0 ? bench->sent % bench->keys : bench->sent;
    (void)snprintf(key, sizeof(key), "key-%012" PRId64, number);
    Gofer__Extension__V1__StartRun start = GOFER__EXTENSION__V1__START_RUN__INIT;
    Gofer__Extension__V1__ObservedEvent event = GOFER__EXTENSION__V1__OBSERVED_EVENT__INIT;
    Gofer__Extension__V1__ConnectRequest message = GOFER__EXTENSION__V1__CONNECT_REQUEST__INIT;
    if (bench->observed) {
        event.idempotency_key = key;
        event.subscriptions = bench->reference_list;
        event.n_subscriptions = (size_t)bench->subscriptions;
        message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_OBSERVED_EVENT;
        message.observed_event = &event;
    } else {
        start.idempotency_key = key;
        start.subscription = &bench->references[number % bench->subscriptions];
        message.message_case = GOFER__EXTENSION__V1__CONNECT_REQUEST__MESSAGE_START_RUN;
        message.start_run = &start;
    }
    message.sequence = ++bench->sent;
    bench->due_ns[message.sequence % (WINDOW + 1)] = due_ns;
    peer_send(&bench->peer, &message);
}

/* Sends what is due; gives the time at which more will be. */
static int64_t send_due(struct bench *bench) {
    const int64_t now_ns = gf_mono_ns();
    const int64_t start_ns = bench->measure_from_ns - LOAD_WARM_UP_MS * GF_NS_PER_MS;
    if (now_ns >= bench->end_ns) {
        return GF_NEVER;
    }
    while (bench->sent - bench->acknowledged < bench->load.calls) {
        int64_t due_ns = now_ns;
        if (bench->load.rate > 0) {
            due_ns = start_ns + bench->sent * GF_NS_PER_SEC / bench->load.rate;
            if (due_ns > now_ns) {
                return due_ns;
            }
        }
        send_one(bench, due_ns);
    }
    return bench->end_ns;
}

static void drain(struct bench *bench) {
    while (bench->acknowledged < bench->sent) {
        (void)peer_loop_turn(&bench->loop, GF_NEVER);
    }
}

/* Every key once, so that all that follow are repetitions. */
static void send_keys(struct bench *bench) {
    while (bench->sent < bench->keys) {
        while (bench->sent < bench->keys && bench->sent - bench->acknowledged < bench->load.calls) {
            send_one(bench, gf_mono_ns());
        }
        (void)peer_loop_turn(&bench->loop, GF_NEVER);
    }
    drain(bench);
}

static void run_load(struct bench *bench) {
    bench->measure_from_ns = gf_mono_ns() + LOAD_WARM_UP_MS * GF_NS_PER_MS;
    bench->end_ns = bench->measure_from_ns + bench->load.seconds * GF_NS_PER_SEC;
    int64_t due_ns = send_due(bench);
    while (due_ns != GF_NEVER) {
        (void)peer_loop_turn(&bench->loop, due_ns);
        due_ns = send_due(bench);
    }
    drain(bench);
    load_sort(&bench->result.latencies_us);
}

/* ---- Figures ---- */

static void show_result(struct bench *bench, const char *who, const struct load_result *result,
                        int64_t times) {
    const double rate = (double)result->latencies_us.count * (double)times / result->seconds;
    print_figure(rate, "1/s", "events: %s%s, acknowledged", who, bench->title);
    print_figure(load_percentile_ms(&result->latencies_us, 500), "ms", "events: %s%s, p50", who,
                 bench->title);
    print_figure(load_percentile_ms(&result->latencies_us, 990), "ms", "events: %s%s, p99", who,
                 bench->title);
}

static void show_cost(struct bench *bench, const struct thread_times *before, int64_t count) {
    struct thread_times after = {0};
    threads_read(bench->server_pid, &after);
    int64_t total_us = 0;
    for (size_t i = 0; i < after.count; i++) {
        total_us += threads_since(before, &after.items[i]);
    }
    print_figure((double)total_us / (double)count, "us", "events: %s, server's processor",
                 bench->title);
    for (size_t i = 0; i < after.count; i++) {
        const int64_t us = threads_since(before, &after.items[i]);
        if (us >= THREAD_US_MIN * count) {
            print_figure((double)us / (double)count, "us", "events: %s, of that '%s'", bench->title,
                         after.items[i].name);
        }
    }
    gf_vec_fini(&after);
}

static void show_floor(struct bench *bench, int64_t times) {
    struct load_options load = bench->load;
    struct load_result result;
    load.calls *= times;
    floor_load_run(&load, bench->database, &result);
    show_result(bench, "floor, SQLite: ", &result, 1);
    load_result_fini(&result);
}

/* ---- All of it ---- */

static void set_up(struct bench *bench) {
    struct gf_rpc_channel *channel = client_connect(bench->load.address);
    const size_t count = (size_t)bench->subscriptions;
    client_register_pipelines(channel, bench->subscriptions);
    setup_install(channel, 0);
    bench->references = gf_calloc(count, sizeof(*bench->references));
    bench->reference_list = gf_calloc(count, sizeof(Gofer__V1__SubscriptionReference *));
    for (size_t i = 0; i < count; i++) {
        char name[CLIENT_PIPELINE_NAME_BYTES];
        setup_subscribe(channel, (int64_t)i, 0, 0);
        gofer__v1__subscription_reference__init(&bench->references[i]);
        bench->references[i].namespace_id = "default";
        bench->references[i].pipeline_id = gf_strdup(client_pipeline_name((int64_t)i, name));
        bench->references[i].subscription_id = "subscription-0";
        bench->reference_list[i] = &bench->references[i];
    }
    gf_rpc_channel_destroy(channel);
}

static void run(struct bench *bench) {
    struct thread_times before = {0};
    const int64_t times = bench->observed ? bench->subscriptions : 1;
    set_up(bench);
    peer_loop_init(&bench->loop);
    grpc_channel *channel = peer_channel(bench->load.address);
    bench->peer = (struct peer){.acked = acked, .ctx = bench};
    (void)setup_extension_name(0, bench->peer.id);
    peer_open(&bench->peer, &bench->loop, channel);
    while (!bench->peer.ready) {
        (void)peer_loop_turn(&bench->loop, GF_NEVER);
    }
    bench->result.seconds = (double)bench->load.seconds;
    send_keys(bench);
    const int64_t sent_before = bench->sent;
    threads_read(bench->server_pid, &before);
    run_load(bench);
    show_result(bench, "", &bench->result, times);
    show_cost(bench, &before, (bench->sent - sent_before) * times);
    if (bench->unexpected > 0) {
        print_figure((double)bench->unexpected, "", "events: %s, not started", bench->title);
    }
    peer_close(&bench->peer);
    while (!bench->peer.over || bench->peer.pending > 0) {
        (void)peer_loop_turn(&bench->loop, GF_NEVER);
    }
    peer_fini(&bench->peer);
    grpc_channel_destroy(channel);
    peer_loop_fini(&bench->loop);
    if (bench->keys == 0) {
        show_floor(bench, times);
    }
    gf_vec_fini(&before);
    load_result_fini(&bench->result);
}

static void clean_up(struct bench *bench) {
    for (int64_t i = 0; i < bench->subscriptions; i++) {
        free(bench->references[i].pipeline_id);
    }
    free(bench->references);
    free(bench->reference_list);
}

static bool parse(int argc, char **argv, struct bench *bench) {
    bench->load = (struct load_options){.seconds = SECONDS_DEFAULT, .pipelines = 1};
    bench->load.calls = WINDOW;
    bench->subscriptions = 1;
    for (int i = 1; i < argc; i++) {
        const struct gf_str name = gf_str_from(argv[i]);
        int64_t *number = gf_str_eq(name, GF_STR("--rate"))            ? &bench->load.rate
                          : gf_str_eq(name, GF_STR("--window"))        ? &bench->load.calls
                          : gf_str_eq(name, GF_STR("--seconds"))       ? &bench->load.seconds
                          : gf_str_eq(name, GF_STR("--subscriptions")) ? &bench->subscriptions
                          : gf_str_eq(name, GF_STR("--keys"))          ? &bench->keys
                          : gf_str_eq(name, GF_STR("--server-pid"))    ? &bench->server_pid
                                                                       : NULL;
        if (gf_str_eq(name, GF_STR("--observed"))) {
            bench->observed = true;
        } else if (gf_str_eq(name, GF_STR("--database")) && i + 1 < argc) {
            bench->database = argv[++i];
        } else if (number != NULL) {
            if (i + 1 >= argc || !gf_parse_i64(gf_str_from(argv[++i]), number) || *number < 1) {
                return false;
            }
        } else if (bench->load.address == NULL) {
            bench->load.address = argv[i];
        } else {
            return false;
        }
    }
    return bench->load.address != NULL && bench->database != NULL && bench->server_pid != 0 &&
           bench->load.calls <= WINDOW && bench->subscriptions <= SUBSCRIPTIONS_MAX;
}

static void name_load(struct bench *bench) {
    char what[32];
    if (bench->load.rate > 0) {
        (void)snprintf(what, sizeof(what), "%" PRId64 "/s", bench->load.rate);
    } else {
        (void)snprintf(what, sizeof(what), "window %" PRId64, bench->load.calls);
    }
    (void)snprintf(bench->title, sizeof(bench->title), "%s%s, %" PRId64 " subscription%s",
                   bench->observed   ? "one for all, "
                   : bench->keys > 0 ? "repeated, "
                                     : "",
                   what, bench->subscriptions, bench->subscriptions == 1 ? "" : "s");
}

int main(int argc, char **argv) {
    static struct bench bench;
    if (!parse(argc, argv, &bench)) {
        (void)fprintf(stderr, "usage: events_bench ADDRESS --database FILE --server-pid PID "
                              "[--rate N | --window N] [--seconds N] [--subscriptions N] "
                              "[--keys N | --observed]\n");
        return 2;
    }
    name_load(&bench);
    run(&bench);
    clean_up(&bench);
    return 0;
}
