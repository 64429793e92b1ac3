/* The server as a whole: options, listeners, start and stop. */
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct gf_rpc_server *make_server(void) {
    struct gf_rpc_server *server = NULL;
    struct gf_error err;
    cr_assert_eq(gf_rpc_server_create(NULL, &server, &err), GF_OK);
    return server;
}

static enum gf_code call_unary(struct gf_rpc_channel *channel, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    gf_echo_request request = gf_echo_request_make("id", 10, 0);
    ProtobufCMessage *response = NULL;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 10000};
    const enum gf_code code = gf_rpc_unary(channel, &gf_echo_methods[GF_ECHO_UNARY], &opts,
                                           &request.base, &arena, &response, err);
    free(request.payload.data);
    gf_arena_fini(&arena);
    return code;
}

Test(rpc_server, create_refuses_options_out_of_range) {
    struct gf_rpc_server *server = NULL;
    struct gf_error err;
    const struct gf_rpc_server_opts threads = {.thread_count = GF_RPC_THREADS_MAX + 1};
    cr_assert_eq(gf_rpc_server_create(&threads, &server, &err), GF_INVALID_ARGUMENT);
    const struct gf_rpc_server_opts size = {.receive_bytes_max = (size_t)1 << 31};
    cr_assert_eq(gf_rpc_server_create(&size, &server, &err), GF_INVALID_ARGUMENT);
    cr_assert_null(server);
}

Test(rpc_server, destroy_of_a_server_that_never_started) {
    gf_rpc_server_destroy(NULL);
    gf_rpc_server_destroy(make_server());
    struct gf_rpc_server *server = make_server();
    gf_rpc_server_add_service(server, &gf_echo_service, gf_echo_handlers, NULL);
    cr_assert_eq(gf_rpc_server_listen(server, "127.0.0.1:0", NULL, NULL, NULL), GF_OK);
    gf_rpc_server_destroy(server);
}

Test(rpc_server, listen_says_that_a_port_is_in_use) {
    struct gf_rpc_server *first = make_server();
    int port = 0;
    cr_assert_eq(gf_rpc_server_listen(first, "127.0.0.1:0", NULL, &port, NULL), GF_OK);
    cr_assert_gt(port, 0);
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    struct gf_rpc_server *second = make_server();
    struct gf_error err;
    cr_assert_eq(gf_rpc_server_listen(second, address, NULL, NULL, &err), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, address), "%s", err.message);
    cr_assert_not_null(strstr(err.message, "in use"), "%s", err.message);
    gf_rpc_server_destroy(second);
    gf_rpc_server_destroy(first);
}

Test(rpc_server, listen_refuses_bad_addresses) {
    struct gf_rpc_server *server = make_server();
    struct gf_error err;
    cr_assert_eq(gf_rpc_server_listen(server, "nonsense", NULL, NULL, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_rpc_server_listen(server, "192.0.2.1:0", NULL, NULL, &err),
                 GF_FAILED_PRECONDITION);
    cr_assert_eq(gf_rpc_server_listen(server, "unix:/no/such/folder/s", NULL, NULL, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(err.message, "/no/such/folder/s"), "%s", err.message);
    gf_rpc_server_destroy(server);
}

Test(rpc_server, serves_several_listeners) {
    char folder[] = "/tmp/gofer-rpc-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char unix_address[64];
    (void)snprintf(unix_address, sizeof(unix_address), "unix:%s/s", folder);
    struct gf_rpc_server *server = make_server();
    gf_rpc_server_add_service(server, &gf_echo_service, gf_echo_handlers, NULL);
    int port = 0;
    int unix_port = -1;
    struct gf_error err;
    cr_assert_eq(gf_rpc_server_listen(server, "127.0.0.1:0", NULL, &port, &err), GF_OK);
    cr_assert_eq(gf_rpc_server_listen(server, unix_address, NULL, &unix_port, &err), GF_OK);
    cr_assert_eq(unix_port, 0);
    gf_rpc_server_start(server);
    char tcp_address[32];
    (void)snprintf(tcp_address, sizeof(tcp_address), "127.0.0.1:%d", port);
    const char *const addresses[] = {tcp_address, unix_address};
    for (size_t i = 0; i < GF_ARRAY_COUNT(addresses); i++) {
        GF_CLEANUP(gf_rpc_channel_destroy_p) struct gf_rpc_channel *channel = NULL;
        cr_assert_eq(gf_rpc_channel_create(addresses[i], NULL, &channel, &err), GF_OK);
        cr_assert_eq(call_unary(channel, &err), GF_OK, "%s", err.message);
    }
    gf_rpc_server_destroy(server);
    cr_assert_neq(access(unix_address + 5, F_OK), 0, "the socket must be gone");
    cr_assert_eq(rmdir(folder), 0);
}

Test(rpc_server, listen_does_not_take_a_live_unix_socket_away) {
    char folder[] = "/tmp/gofer-rpc-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char address[64];
    (void)snprintf(address, sizeof(address), "unix:%s/s", folder);
    struct gf_rpc_server *first = make_server();
    gf_rpc_server_add_service(first, &gf_echo_service, gf_echo_handlers, NULL);
    cr_assert_eq(gf_rpc_server_listen(first, address, NULL, NULL, NULL), GF_OK);
    gf_rpc_server_start(first);
    struct gf_rpc_server *second = make_server();
    struct gf_error err;
    cr_assert_eq(gf_rpc_server_listen(second, address, NULL, NULL, &err), GF_FAILED_PRECONDITION);
    gf_rpc_server_destroy(second);
    struct gf_rpc_channel *channel = NULL;
    cr_assert_eq(gf_rpc_channel_create(address, NULL, &channel, &err), GF_OK);
    cr_assert_eq(call_unary(channel, &err), GF_OK, "%s", err.message);
    gf_rpc_channel_destroy(channel);
    gf_rpc_server_destroy(first);
    cr_assert_eq(rmdir(folder), 0);
}

/* A unary handler that keeps its call until it is told to answer. */
struct keeper {
    struct gf_latch arrived;
    struct gf_latch cancelled;
    struct gf_latch done;
    _Atomic(struct gf_rpc_call *) call;
};

static void keeper_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    struct keeper *keeper = ctx;
    keeper->call = call;
    gf_latch_open(&keeper->arrived);
}

static void keeper_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct keeper *keeper = ctx;
    gf_latch_open(&keeper->cancelled);
}

static void keeper_done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct keeper *keeper = ctx;
    gf_latch_open(&keeper->done);
}

static const struct gf_rpc_handler keeper_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = keeper_start, .cancelled = keeper_cancelled, .done = keeper_done},
};

static void keeper_init(struct keeper *keeper) {
    gf_latch_init(&keeper->arrived);
    gf_latch_init(&keeper->cancelled);
    gf_latch_init(&keeper->done);
    keeper->call = NULL;
}

/* A client in a thread of its own that makes one call. */
struct caller {
    struct gf_rpc_channel *channel;
    enum gf_code code;
    struct gf_error err;
};

static void *run_caller(void *ctx) {
    struct caller *caller = ctx;
    caller->code = call_unary(caller->channel, &caller->err);
    return NULL;
}

static void *answer_soon(void *ctx) {
    struct keeper *keeper = ctx;
    /* The stop under test must be waiting by now in most runs; it may not be in any. */
    (void)usleep(50 * 1000);
    const gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    gf_rpc_reply(keeper->call, &response.base);
    return NULL;
}

Test(rpc_server, stop_lets_a_call_in_progress_end) {
    struct keeper keeper;
    keeper_init(&keeper);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, keeper_handlers, &keeper);
    struct caller caller = {.channel = env.channel};
    pthread_t client;
    pthread_t answerer;
    gf_thread_start(&client, "client", run_caller, &caller);
    gf_latch_wait(&keeper.arrived);
    cr_assert_eq(gf_rpc_server_call_count(env.server), 1);
    gf_thread_start(&answerer, "answerer", answer_soon, &keeper);
    gf_rpc_server_stop(env.server, 60 * 1000);
    cr_assert_eq(gf_rpc_server_call_count(env.server), 0);
    gf_thread_join(client);
    gf_thread_join(answerer);
    cr_assert_eq(caller.code, GF_OK, "%s", caller.err.message);
    gf_latch_wait(&keeper.done);
    gf_echo_env_stop(&env);
}

static void *end_when_cancelled(void *ctx) {
    struct keeper *keeper = ctx;
    gf_latch_wait(&keeper->cancelled);
    cr_assert(gf_rpc_is_cancelled(keeper->call));
    struct gf_error error;
    (void)gf_fail(&error, GF_ABORTED, "stopped");
    gf_rpc_fail(keeper->call, &error);
    return NULL;
}

Test(rpc_server, stop_cancels_what_outlives_the_grace) {
    struct keeper keeper;
    keeper_init(&keeper);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, keeper_handlers, &keeper);
    struct caller caller = {.channel = env.channel};
    pthread_t client;
    pthread_t ender;
    gf_thread_start(&client, "client", run_caller, &caller);
    gf_latch_wait(&keeper.arrived);
    gf_thread_start(&ender, "ender", end_when_cancelled, &keeper);
    const int64_t start_ns = gf_mono_ns();
    gf_rpc_server_stop(env.server, 100);
    cr_assert_geq(gf_mono_ns() - start_ns, 90 * GF_NS_PER_MS);
    gf_latch_wait(&keeper.done);
    gf_thread_join(client);
    gf_thread_join(ender);
    cr_assert_eq(caller.code, GF_UNAVAILABLE, "%s", caller.err.message);
    cr_assert_not_null(strstr(caller.err.message, env.target), "%s", caller.err.message);
    gf_echo_env_stop(&env);
}

Test(rpc_server, stop_twice_and_without_calls_is_quick) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct gf_error err;
    cr_assert_eq(call_unary(env.channel, &err), GF_OK);
    const int64_t start_ns = gf_mono_ns();
    gf_rpc_server_stop(env.server, 60 * 1000);
    gf_rpc_server_stop(env.server, 60 * 1000);
    cr_assert_lt(gf_mono_ns() - start_ns, 10 * GF_NS_PER_SEC);
    cr_assert_eq(call_unary(env.channel, &err), GF_UNAVAILABLE);
    gf_echo_env_stop(&env);
}

Test(rpc_server, address_is_free_after_destroy) {
    int port = 0;
    for (int i = 0; i < 3; i++) {
        struct gf_rpc_server *server = make_server();
        gf_rpc_server_add_service(server, &gf_echo_service, gf_echo_handlers, NULL);
        char address[32];
        (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
        struct gf_error err;
        cr_assert_eq(gf_rpc_server_listen(server, address, NULL, &port, &err), GF_OK, "%s",
                     err.message);
        gf_rpc_server_start(server);
        (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
        struct gf_rpc_channel *channel = NULL;
        cr_assert_eq(gf_rpc_channel_create(address, NULL, &channel, &err), GF_OK);
        cr_assert_eq(call_unary(channel, &err), GF_OK, "%s", err.message);
        gf_rpc_channel_destroy(channel);
        gf_rpc_server_destroy(server);
    }
}
