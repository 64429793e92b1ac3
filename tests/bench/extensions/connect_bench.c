/*
 * Many extensions at once, each with a connection and a subscription of its own.
 *
 * Usage: connect_bench ADDRESS setup EXTENSIONS
 *        connect_bench ADDRESS run EXTENSIONS --server-pid PID [--shared]
 *
 * `setup` installs them and subscribes a pipeline to each; then the server is started again, so
 * that its memory is that of what it keeps. `run` measures, in this order: what a connection costs
 * that has no call, what the stream of an extension costs on top, how long it takes until all are
 * ready, the processor at rest with one ping of each, and what it takes to tell all of them of a
 * change. With --shared all streams are on one connection: what the hub and the call cost alone.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/sync.h"
#include "tests/bench/engine/client.h"
#include "tests/bench/extensions/setup.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXTENSIONS_MAX = 4000,
    CALLERS = 8, /* threads that change subscriptions */
    REST_MS = 15 * 1000,
    SETTLE_MS = 500,
    POLL_MS = 5,
};

struct crowd {
    const char *address;
    int64_t count;
    int64_t server_pid;
    bool shared;
    struct gf_rpc_channel *calls;
    struct peer_loop loop;
    grpc_channel **channels; /* one, where they share it */
    struct peer *peers;
    int64_t memory_kib;
    int64_t cpu_us;
};

/* Private memory of the server: what it alone has. */
static int64_t memory_kib(const struct crowd *crowd) {
    return client_status_kib(crowd->server_pid, "RssAnon");
}

static void turn_for(struct crowd *crowd, int64_t ms) {
    const int64_t until = gf_mono_ns() + ms * GF_NS_PER_MS;
    while (gf_mono_ns() < until) {
        (void)peer_loop_turn(&crowd->loop, until);
    }
}

static void show_memory(struct crowd *crowd, const char *what) {
    turn_for(crowd, SETTLE_MS);
    const int64_t now = memory_kib(crowd);
    print_figure((double)(now - crowd->memory_kib) / (double)crowd->count, "KiB", "%s", what);
    crowd->memory_kib = now;
}

static const char *kind(const struct crowd *crowd) {
    return crowd->shared ? "on one connection" : "a connection each";
}

/* ---- Steps ---- */

static void set_up(struct crowd *crowd) {
    client_register_pipelines(crowd->calls, 1 + (crowd->count - 1) / 1000);
    for (int64_t i = 0; i < crowd->count; i++) {
        setup_install(crowd->calls, i);
        setup_subscribe(crowd->calls, i / 1000, i, i);
    }
}

static void connect_all(struct crowd *crowd) {
    const int64_t channels = crowd->shared ? 1 : crowd->count;
    crowd->channels = gf_calloc((size_t)channels, sizeof(grpc_channel *));
    for (int64_t i = 0; i < channels; i++) {
        crowd->channels[i] = peer_channel(crowd->address);
        peer_channel_connect(&crowd->loop, crowd->channels[i]);
    }
}

static void open_all(struct crowd *crowd) {
    crowd->peers = gf_calloc((size_t)crowd->count, sizeof(struct peer));
    for (int64_t i = 0; i < crowd->count; i++) {
        struct peer *peer = &crowd->peers[i];
        (void)setup_extension_name(i, peer->id);
        peer_open(peer, &crowd->loop, crowd->channels[crowd->shared ? 0 : i]);
    }
}

static void wait_until_running(struct crowd *crowd) {
    for (int64_t ready = 0; ready < crowd->count; ready++) {
        while (!crowd->peers[ready].ready) {
            (void)peer_loop_turn(&crowd->loop, GF_NEVER);
        }
    }
    while (setup_count_running(crowd->calls) < crowd->count) {
        turn_for(crowd, POLL_MS);
    }
}

static int64_t sum(const struct crowd *crowd, size_t offset) {
    int64_t total = 0;
    for (int64_t i = 0; i < crowd->count; i++) {
        total += *(const int64_t *)(const void *)((const char *)&crowd->peers[i] + offset);
    }
    return total;
}

static void show_rest(struct crowd *crowd) {
    const int64_t pings = sum(crowd, offsetof(struct peer, pinged));
    const int64_t cpu_us = client_cpu_us(crowd->server_pid);
    turn_for(crowd, REST_MS);
    print_figure((double)(client_cpu_us(crowd->server_pid) - cpu_us) / (REST_MS * 10.0), "%",
                 "connect, %s: at rest, share of a core", kind(crowd));
    print_figure((double)(sum(crowd, offsetof(struct peer, pinged)) - pings) / (double)crowd->count,
                 "", "connect, %s: pings of each meanwhile", kind(crowd));
}

struct caller {
    struct crowd *crowd;
    atomic_llong *next;
    bool enable;
    pthread_t thread;
};

static void *call(void *ctx) {
    struct caller *caller = ctx;
    for (;;) {
        const int64_t i = atomic_fetch_add(caller->next, 1);
        if (i >= caller->crowd->count) {
            return NULL;
        }
        setup_enable(caller->crowd->calls, i / 1000, i, i, caller->enable);
    }
}

/* Changes every subscription, and waits until every extension has heard of it. */
static void show_change(struct crowd *crowd, bool enable, size_t heard) {
    struct caller callers[CALLERS];
    atomic_llong next = 0;
    const int64_t want = sum(crowd, heard) + crowd->count;
    const int64_t cpu_us = client_cpu_us(crowd->server_pid);
    const int64_t begin = gf_mono_ns();
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.crowd = crowd, .next = &next, .enable = enable};
        gf_thread_start(&callers[i].thread, "caller", call, &callers[i]);
    }
    while (sum(crowd, heard) < want) {
        (void)peer_loop_turn(&crowd->loop, gf_mono_ns() + POLL_MS * GF_NS_PER_MS);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        gf_thread_join(callers[i].thread);
    }
    const char *what = enable ? "enabled" : "disabled";
    print_figure((double)(gf_mono_ns() - begin) / 1e6, "ms", "connect, %s: all are told: %s",
                 kind(crowd), what);
    print_figure((double)(client_cpu_us(crowd->server_pid) - cpu_us) / (double)crowd->count, "us",
                 "connect, %s: %s, server's processor each", kind(crowd), what);
}

static void run(struct crowd *crowd) {
    char what[96];
    peer_loop_init(&crowd->loop);
    crowd->memory_kib = memory_kib(crowd);
    print_figure((double)crowd->memory_kib / 1024, "MiB", "connect, %s: private memory before",
                 kind(crowd));
    connect_all(crowd);
    if (!crowd->shared) {
        show_memory(crowd, "connect, a connection each: memory of one without a call");
    }
    const int64_t cpu_us = client_cpu_us(crowd->server_pid);
    const int64_t begin = gf_mono_ns();
    open_all(crowd);
    wait_until_running(crowd);
    print_figure((double)(gf_mono_ns() - begin) / 1e6, "ms",
                 "connect, %s: until all %" PRId64 " are ready", kind(crowd), crowd->count);
    print_figure((double)(client_cpu_us(crowd->server_pid) - cpu_us) / (double)crowd->count, "us",
                 "connect, %s: server's processor each", kind(crowd));
    (void)snprintf(what, sizeof(what), "connect, %s: memory of an extension's stream", kind(crowd));
    show_memory(crowd, what);
    show_rest(crowd);
    show_change(crowd, /* enable= */ false, offsetof(struct peer, unsubscribed));
    show_change(crowd, /* enable= */ true, offsetof(struct peer, subscribed));
    (void)snprintf(what, sizeof(what), "connect, %s: more memory after that", kind(crowd));
    show_memory(crowd, what);
}

static void finish(struct crowd *crowd) {
    for (int64_t i = 0; i < crowd->count; i++) {
        peer_close(&crowd->peers[i]);
    }
    for (int64_t i = 0; i < crowd->count; i++) {
        while (!crowd->peers[i].over || crowd->peers[i].pending > 0) {
            (void)peer_loop_turn(&crowd->loop, GF_NEVER);
        }
        peer_fini(&crowd->peers[i]);
    }
    for (int64_t i = 0; i < (crowd->shared ? 1 : crowd->count); i++) {
        grpc_channel_destroy(crowd->channels[i]);
    }
    free(crowd->channels);
    free(crowd->peers);
    peer_loop_fini(&crowd->loop);
}

int main(int argc, char **argv) {
    struct crowd crowd = {0};
    const bool measure = argc > 2 && gf_str_eq(gf_str_from(argv[2]), GF_STR("run"));
    bool ok = argc > 3 && gf_parse_i64(gf_str_from(argv[3]), &crowd.count) && crowd.count > 0 &&
              crowd.count <= EXTENSIONS_MAX;
    for (int i = 4; ok && i < argc; i++) {
        if (gf_str_eq(gf_str_from(argv[i]), GF_STR("--shared"))) {
            crowd.shared = true;
        } else {
            ok = gf_str_eq(gf_str_from(argv[i]), GF_STR("--server-pid")) && i + 1 < argc &&
                 gf_parse_i64(gf_str_from(argv[++i]), &crowd.server_pid);
        }
    }
    if (!ok || (measure && crowd.server_pid == 0)) {
        (void)fprintf(stderr, "usage: connect_bench ADDRESS setup|run EXTENSIONS [--server-pid PID]"
                              " [--shared]\n");
        return 2;
    }
    crowd.address = argv[1];
    crowd.calls = client_connect(crowd.address);
    if (measure) {
        run(&crowd);
        finish(&crowd);
    } else {
        set_up(&crowd);
    }
    gf_rpc_channel_destroy(crowd.calls);
    return 0;
}
