#include "api/rpc/health/health.h"
#include "base/clock.h"
#include "base/sync.h"
#include "grpc/health/v1/health.gofer.h"

#include <stdio.h>

#include <criterion/criterion.h>

typedef Grpc__Health__V1__HealthCheckRequest check_request;
typedef Grpc__Health__V1__HealthCheckResponse check_response;

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

struct env {
    struct gf_rpc_server *server;
    struct gf_rpc_health *health;
    struct gf_rpc_channel *channel;
    struct gf_arena arena;
};

static void env_start(struct env *env) {
    struct gf_error err;
    int port = 0;
    cr_assert_eq(gf_rpc_server_create(NULL, &env->server, &err), GF_OK);
    env->health = gf_rpc_health_create(env->server);
    cr_assert_eq(gf_rpc_server_listen(env->server, "127.0.0.1:0", NULL, &port, &err), GF_OK);
    gf_rpc_server_start(env->server);
    char target[32];
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    cr_assert_eq(gf_rpc_channel_create(target, NULL, &env->channel, &err), GF_OK);
    gf_arena_init(&env->arena, 1 << 20);
}

static void env_stop(struct env *env) {
    gf_rpc_health_shutdown(env->health);
    gf_rpc_channel_destroy(env->channel);
    gf_rpc_server_destroy(env->server);
    gf_rpc_health_destroy(env->health);
    gf_arena_fini(&env->arena);
}

static check_request request_for(const char *service) {
    check_request request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service; /* only read */
    return request;
}

static enum gf_code check(struct env *env, const char *service, int *out_status) {
    const check_request request = request_for(service);
    check_response *response = NULL;
    const enum gf_code code =
        grpc_health_v1_health_check(env->channel, NULL, &request, &env->arena, &response, NULL);
    if (code == GF_OK) {
        *out_status = (int)response->status;
    }
    return code;
}

static struct gf_rpc_stream *watch(struct env *env, const char *service) {
    const check_request request = request_for(service);
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(
        grpc_health_v1_health_watch_stream_open(env->channel, NULL, &request, &stream, NULL),
        GF_OK);
    return stream;
}

static int next_status(struct env *env, struct gf_rpc_stream *stream) {
    check_response *response = NULL;
    struct gf_error err;
    cr_assert_eq(
        grpc_health_v1_health_watch_stream_recv(stream, 30000, &env->arena, &response, &err), GF_OK,
        "%s", err.message);
    cr_assert_not_null(response);
    return (int)response->status;
}

Test(rpc_health, check_tells_what_was_set) {
    struct env env;
    env_start(&env);
    int status = -1;
    cr_assert_eq(check(&env, "", &status), GF_NOT_FOUND);
    gf_rpc_health_set(env.health, "", false);
    cr_assert_eq(check(&env, "", &status), GF_OK);
    cr_assert_eq(status, NOT_SERVING);
    gf_rpc_health_set(env.health, "", true);
    gf_rpc_health_set(env.health, "gofer.v1.RunService", false);
    cr_assert_eq(check(&env, "", &status), GF_OK);
    cr_assert_eq(status, SERVING);
    cr_assert_eq(check(&env, "gofer.v1.RunService", &status), GF_OK);
    cr_assert_eq(status, NOT_SERVING);
    cr_assert_eq(check(&env, "gofer.v1.Nothing", &status), GF_NOT_FOUND);
    env_stop(&env);
}

Test(rpc_health, watch_tells_the_present_and_each_change) {
    struct env env;
    env_start(&env);
    struct gf_rpc_stream *stream = watch(&env, "one");
    cr_assert_eq(next_status(&env, stream), SERVICE_UNKNOWN);
    gf_rpc_health_set(env.health, "one", true);
    cr_assert_eq(next_status(&env, stream), SERVING);
    gf_rpc_health_set(env.health, "one", true);
    gf_rpc_health_set(env.health, "two", false);
    gf_rpc_health_set(env.health, "one", false);
    cr_assert_eq(next_status(&env, stream), NOT_SERVING, "only changes of its own are told");
    gf_rpc_stream_destroy(stream);
    env_stop(&env);
}

Test(rpc_health, shutdown_tells_watchers_and_ends_them) {
    struct env env;
    env_start(&env);
    gf_rpc_health_set(env.health, "", true);
    struct gf_rpc_stream *stream = watch(&env, "");
    cr_assert_eq(next_status(&env, stream), SERVING);
    gf_rpc_health_shutdown(env.health);
    cr_assert_eq(next_status(&env, stream), NOT_SERVING);
    check_response *response = NULL;
    cr_assert_eq(
        grpc_health_v1_health_watch_stream_recv(stream, 30000, &env.arena, &response, NULL),
        GF_UNAVAILABLE);
    gf_rpc_stream_destroy(stream);
    gf_rpc_health_set(env.health, "", true);
    int status = -1;
    cr_assert_eq(check(&env, "", &status), GF_OK);
    cr_assert_eq(status, NOT_SERVING);
    /* Nothing holds the grace period open. */
    const int64_t start_ns = gf_mono_ns();
    gf_rpc_server_stop(env.server, 60000);
    cr_assert_lt(gf_mono_ns() - start_ns, 20 * GF_NS_PER_SEC);
    env_stop(&env);
}

Test(rpc_health, watchers_that_go_away_are_forgotten) {
    struct env env;
    env_start(&env);
    gf_rpc_health_set(env.health, "", true);
    for (int i = 0; i < 50; i++) {
        struct gf_rpc_stream *stream = watch(&env, "");
        if (i % 2 == 0) {
            cr_assert_eq(next_status(&env, stream), SERVING);
        }
        gf_rpc_stream_destroy(stream);
    }
    while (gf_rpc_server_call_count(env.server) > 0) {
        (void)sched_yield();
    }
    env_stop(&env);
}

/* Flips the status until it is told to stop. */
struct flipper {
    struct gf_rpc_health *health;
    _Atomic bool stop;
};

static void *flip(void *ctx) {
    struct flipper *flipper = ctx;
    bool serving = false;
    while (!flipper->stop) {
        gf_rpc_health_set(flipper->health, "", serving);
        serving = !serving;
        (void)sched_yield();
    }
    gf_rpc_health_set(flipper->health, "", true);
    return NULL;
}

Test(rpc_health, the_last_status_told_is_the_present_one) {
    struct env env;
    env_start(&env);
    gf_rpc_health_set(env.health, "", true);
    for (int i = 0; i < 20; i++) {
        struct flipper flipper = {.health = env.health};
        pthread_t thread;
        gf_thread_start(&thread, "flipper", flip, &flipper);
        struct gf_rpc_stream *stream = watch(&env, "");
        int last = next_status(&env, stream);
        flipper.stop = true;
        gf_thread_join(thread);
        check_response *response = NULL;
        while (grpc_health_v1_health_watch_stream_recv(stream, 50, &env.arena, &response, NULL) ==
               GF_OK) {
            last = (int)response->status;
            gf_arena_reset(&env.arena);
        }
        cr_assert_eq(last, SERVING, "round %d", i);
        gf_rpc_stream_destroy(stream);
    }
    env_stop(&env);
}
