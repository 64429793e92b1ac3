/* Statuses that change while watchers come and go: for --config=tsan. */
#include "api/rpc/health/health.h"
#include "base/sync.h"
#include "grpc/health/v1/health.gofer.h"

#include <stdio.h>

enum {
    WATCHER_THREADS = 3,
    ROUNDS = 40,
    RECEIVE_MS = 5,
};

struct setter {
    struct gf_rpc_health *health;
    _Atomic bool stop;
};

static void *flip(void *ctx) {
    struct setter *setter = ctx;
    for (bool serving = true; !setter->stop; serving = !serving) {
        gf_rpc_health_set(setter->health, "", serving);
        (void)sched_yield();
    }
    return NULL;
}

/* Opens a stream, reads what comes within a moment and leaves. */
static void *watch(void *ctx) {
    struct gf_rpc_channel *channel = ctx;
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    for (int i = 0; i < ROUNDS; i++) {
        const Grpc__Health__V1__HealthCheckRequest request =
            GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
        struct gf_rpc_stream *stream = NULL;
        enum gf_code code =
            grpc_health_v1_health_watch_stream_open(channel, NULL, &request, &stream, NULL);
        gf_assert(code == GF_OK);
        for (int k = 0; k < i % 4; k++) {
            Grpc__Health__V1__HealthCheckResponse *response = NULL;
            code = grpc_health_v1_health_watch_stream_recv(stream, RECEIVE_MS, &arena, &response,
                                                           NULL);
            gf_assert(code == GF_OK || code == GF_DEADLINE_EXCEEDED);
        }
        gf_rpc_stream_destroy(stream);
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return NULL;
}

int main(void) {
    struct gf_rpc_server *server = NULL;
    struct gf_rpc_channel *channel = NULL;
    struct setter setter = {.stop = false};
    int port = 0;
    char target[32];
    gf_assert(gf_rpc_server_create(NULL, &server, NULL) == GF_OK);
    setter.health = gf_rpc_health_create(server);
    gf_assert(gf_rpc_server_listen(server, "127.0.0.1:0", NULL, &port, NULL) == GF_OK);
    gf_rpc_server_start(server);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    gf_assert(gf_rpc_channel_create(target, NULL, &channel, NULL) == GF_OK);

    pthread_t flipper;
    pthread_t watchers[WATCHER_THREADS];
    gf_thread_start(&flipper, "flipper", flip, &setter);
    for (size_t i = 0; i < WATCHER_THREADS; i++) {
        gf_thread_start(&watchers[i], "watcher", watch, channel);
    }
    for (size_t i = 0; i < WATCHER_THREADS; i++) {
        gf_thread_join(watchers[i]);
    }
    gf_rpc_health_shutdown(setter.health);
    setter.stop = true;
    gf_thread_join(flipper);
    gf_rpc_channel_destroy(channel);
    gf_rpc_server_destroy(server);
    gf_rpc_health_destroy(setter.health);
    (void)printf("health_tsan_test: passed\n");
    return 0;
}
