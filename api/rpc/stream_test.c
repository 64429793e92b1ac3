/* Streams of all shapes, from both sides. Flow control has tests of its own: flow_test.c. */
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/sync.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    TIMEOUT_MS = 30000
};

/* A stream under test and where its messages go. */
struct client {
    struct gf_rpc_stream *stream;
    struct gf_arena arena;
    struct gf_error err;
};

static struct client open_stream(const struct gf_echo_env *env, const struct gf_rpc_method *method,
                                 const ProtobufCMessage *request) {
    struct client client = {.stream = NULL};
    gf_arena_init(&client.arena, 64 << 20);
    const struct gf_rpc_call_opts opts = {.timeout_ms = TIMEOUT_MS};
    cr_assert_eq(gf_rpc_stream_open(env->channel, method, &opts, request, &client.stream, NULL),
                 GF_OK);
    return client;
}

static struct client open_echo(const struct gf_echo_env *env, enum gf_echo_method method,
                               const gf_echo_request *request) {
    return open_stream(env, &gf_echo_methods[method], request != NULL ? &request->base : NULL);
}

static void client_fini(struct client *client) {
    gf_rpc_stream_destroy(client->stream);
    gf_arena_fini(&client->arena);
}

static void send(struct client *client, const char *id) {
    gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id;
    cr_assert_eq(gf_rpc_stream_send(client->stream, &request.base, &client->err), GF_OK, "%s",
                 client->err.message);
}

/* The next message, or NULL at a good end. */
static const gf_echo_response *receive(struct client *client) {
    ProtobufCMessage *message = NULL;
    const enum gf_code code =
        gf_rpc_stream_recv(client->stream, -1, &client->arena, &message, &client->err);
    cr_assert_eq(code, GF_OK, "%s", client->err.message);
    return (const gf_echo_response *)message;
}

/* The stream must end with this code. */
static void assert_fails(struct client *client, enum gf_code code) {
    for (int i = 0; i < 2; i++) {
        ProtobufCMessage *message = NULL;
        cr_assert_eq(gf_rpc_stream_recv(client->stream, -1, &client->arena, &message, &client->err),
                     code, "%s", client->err.message);
        cr_assert_null(message);
    }
    cr_assert_eq(gf_rpc_stream_finish(client->stream, &client->err), code);
}

/* ---- the shapes ---- */

Test(rpc_stream, client_stream_collects) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct client client = open_echo(&env, GF_ECHO_COLLECT, NULL);
    gf_echo_request request = gf_echo_request_make("x", 1000, 0);
    for (int i = 0; i < 500; i++) {
        cr_assert_eq(gf_rpc_stream_send(client.stream, &request.base, &client.err), GF_OK);
    }
    gf_rpc_stream_close_send(client.stream);
    gf_rpc_stream_close_send(client.stream);
    const gf_echo_response *response = receive(&client);
    cr_assert_eq(response->sequence, 500);
    cr_assert_str_eq(response->id, "500000");
    cr_assert_null(receive(&client));
    cr_assert_null(receive(&client));
    cr_assert_eq(gf_rpc_stream_finish(client.stream, NULL), GF_OK);
    free(request.payload.data);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, client_stream_of_nothing) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct client client = open_echo(&env, GF_ECHO_COLLECT, NULL);
    gf_rpc_stream_close_send(client.stream);
    cr_assert_eq(receive(&client)->sequence, 0);
    cr_assert_null(receive(&client));
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, server_stream_keeps_its_order) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    const int counts[] = {0, 1, 2, 20000};
    for (size_t i = 0; i < GF_ARRAY_COUNT(counts); i++) {
        gf_echo_request request = gf_echo_request_make("again", 100, counts[i]);
        struct client client = open_echo(&env, GF_ECHO_REPEAT, &request);
        for (int k = 0; k < counts[i]; k++) {
            const gf_echo_response *response = receive(&client);
            cr_assert_eq(response->sequence, k);
            cr_assert_eq(response->payload.len, 100);
            gf_arena_reset(&client.arena);
        }
        cr_assert_null(receive(&client));
        free(request.payload.data);
        client_fini(&client);
    }
    gf_echo_env_stop(&env);
}

Test(rpc_stream, bidi_stream_answers_each) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
    for (int i = 0; i < 100; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "m%d", i);
        send(&client, id);
        const gf_echo_response *response = receive(&client);
        cr_assert_str_eq(response->id, id);
        cr_assert_eq(response->sequence, i);
    }
    gf_rpc_stream_close_send(client.stream);
    cr_assert_null(receive(&client));
    client_fini(&client);
    gf_echo_env_stop(&env);
}

enum {
    PIPELINED = 20000
};

static void *send_many(void *ctx) {
    struct client *client = ctx;
    for (int i = 0; i < PIPELINED; i++) {
        send(client, "pipelined");
    }
    gf_rpc_stream_close_send(client->stream);
    return NULL;
}

Test(rpc_stream, one_thread_sends_while_another_receives) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
    pthread_t sender;
    gf_thread_start(&sender, "sender", send_many, &client);
    for (int i = 0; i < PIPELINED; i++) {
        cr_assert_eq(receive(&client)->sequence, i);
        gf_arena_reset(&client.arena);
    }
    cr_assert_null(receive(&client));
    gf_thread_join(sender);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

/* ---- ends ---- */

/* What a handler saw, and when it is over. */
struct watch {
    struct gf_latch started;
    struct gf_latch cancelled;
    struct gf_latch done;
    struct gf_rpc_call *call;
    int messages;
    int ends_of_requests;
};

static void watch_init(struct watch *watch) {
    *watch = (struct watch){.call = NULL};
    gf_latch_init(&watch->started);
    gf_latch_init(&watch->cancelled);
    gf_latch_init(&watch->done);
}

static void fail_aborted(struct gf_rpc_call *call) {
    struct gf_error error;
    (void)gf_fail_reason(&error, GF_ABORTED, "HANDLER", "ended by the handler");
    gf_rpc_fail(call, &error);
}

static void watch_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    struct watch *watch = ctx;
    watch->call = call;
    gf_latch_open(&watch->started);
}

static void watch_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    struct watch *watch = ctx;
    if (message != NULL) {
        watch->messages++;
        return;
    }
    watch->ends_of_requests++;
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.sequence = watch->messages;
    gf_rpc_reply(call, &response.base);
}

static void watch_cancelled(struct gf_rpc_call *call, void *ctx) {
    struct watch *watch = ctx;
    cr_assert(gf_rpc_is_cancelled(call));
    fail_aborted(call);
    gf_latch_open(&watch->cancelled);
}

static void watch_done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct watch *watch = ctx;
    gf_latch_open(&watch->done);
}

/* The handlers of a watch: each call is held until it is cancelled, or its requests end. */
#define WATCH_HANDLER                                                                              \
    {                                                                                              \
        .start = watch_start, .message = watch_message, .cancelled = watch_cancelled,              \
        .done = watch_done                                                                         \
    }

static const struct gf_rpc_handler watch_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_COLLECT] = WATCH_HANDLER,
    [GF_ECHO_REPEAT] = WATCH_HANDLER,
    [GF_ECHO_CHAT] = WATCH_HANDLER,
};

static void watch_env(struct gf_echo_env *env, struct watch *watch) {
    watch_init(watch);
    gf_echo_env_start(env, NULL, watch_handlers, watch);
}

Test(rpc_stream, cancel_of_the_client_reaches_the_handler) {
    const enum gf_echo_method methods[] = {GF_ECHO_COLLECT, GF_ECHO_REPEAT, GF_ECHO_CHAT};
    for (size_t i = 0; i < GF_ARRAY_COUNT(methods); i++) {
        struct watch watch;
        struct gf_echo_env env;
        watch_env(&env, &watch);
        const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
        struct client client =
            open_echo(&env, methods[i], methods[i] == GF_ECHO_REPEAT ? &request : NULL);
        gf_latch_wait(&watch.started);
        gf_rpc_stream_cancel(client.stream);
        gf_latch_wait(&watch.cancelled);
        gf_latch_wait(&watch.done);
        assert_fails(&client, GF_CANCELLED);
        client_fini(&client);
        gf_echo_env_stop(&env);
    }
}

Test(rpc_stream, destroy_of_an_open_stream_cancels_it) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
    send(&client, "x");
    gf_latch_wait(&watch.started);
    client_fini(&client);
    gf_latch_wait(&watch.done);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, torn_upload_is_never_taken_for_a_whole_one) {
    struct watch watch;
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, watch_handlers, &watch);
    for (int i = 0; i < 300; i++) {
        watch_init(&watch);
        struct client client = open_echo(&env, GF_ECHO_COLLECT, NULL);
        send(&client, "first");
        send(&client, "second");
        gf_latch_wait(&watch.started);
        gf_rpc_stream_cancel(client.stream);
        gf_latch_wait(&watch.done);
        cr_assert_eq(watch.ends_of_requests, 0, "round %d", i);
        client_fini(&client);
    }
    gf_echo_env_stop(&env);
}

/* As above, after the server has sent its headers: they cannot confirm the end then. */
static void greet_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    const gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    cr_assert_eq(gf_rpc_send(call, &response.base, NULL), GF_OK);
    watch_start(call, request, ctx);
}

static void count_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    struct watch *watch = ctx;
    watch->messages += message != NULL ? 1 : 0;
    watch->ends_of_requests += message == NULL ? 1 : 0;
    if (message == NULL) {
        gf_rpc_finish(call);
    }
}

static const struct gf_rpc_handler greet_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_CHAT] = {.start = greet_start,
                      .message = count_message,
                      .cancelled = watch_cancelled,
                      .done = watch_done},
};

Test(rpc_stream, torn_bidi_stream_is_never_taken_for_an_ended_one) {
    struct watch watch;
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, greet_handlers, &watch);
    for (int i = 0; i < 300; i++) {
        watch_init(&watch);
        struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
        send(&client, "first");
        (void)receive(&client);
        gf_rpc_stream_cancel(client.stream);
        gf_latch_wait(&watch.done);
        cr_assert_eq(watch.ends_of_requests, 0, "round %d", i);
        client_fini(&client);
    }
    gf_echo_env_stop(&env);
}

Test(rpc_stream, end_of_requests_comes_once_on_a_greeted_bidi_stream) {
    struct watch watch;
    watch_init(&watch);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, greet_handlers, &watch);
    struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
    (void)receive(&client);
    send(&client, "first");
    gf_rpc_stream_close_send(client.stream);
    cr_assert_null(receive(&client));
    gf_latch_wait(&watch.done);
    cr_assert_eq(watch.messages, 1);
    cr_assert_eq(watch.ends_of_requests, 1);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

/* The program beside this test that opens a stream and waits to be killed. */
#define HANGING_CLIENT "api/rpc/testdata/hanging_client"

Test(rpc_stream, killed_client_is_noticed) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    const char *const argv[] = {"hanging_client", env.target, NULL};
    const struct gf_proc_spec spec = {.program = "./" HANGING_CLIENT, .argv = argv};
    struct gf_proc proc;
    struct gf_error err;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_OK, "%s", err.message);
    gf_latch_wait(&watch.started);
    cr_assert_eq(kill(proc.pid, SIGKILL), 0);
    const int64_t killed_ns = gf_mono_ns();
    gf_latch_wait(&watch.cancelled);
    cr_assert_lt(gf_mono_ns() - killed_ns, 5 * GF_NS_PER_SEC);
    gf_latch_wait(&watch.done);
    cr_assert_eq(watch.ends_of_requests, 0);
    struct gf_proc_exit exit_status;
    cr_assert_eq(gf_proc_wait(&proc, GF_NEVER, &exit_status, &err), GF_OK);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, client_that_stands_still_is_noticed_by_keepalive) {
    struct watch watch;
    watch_init(&watch);
    struct gf_echo_env env;
    const struct gf_rpc_server_opts opts = {.keepalive_ms = 100, .keepalive_timeout_ms = 100};
    gf_echo_env_start(&env, &opts, watch_handlers, &watch);
    const char *const argv[] = {"hanging_client", env.target, NULL};
    const struct gf_proc_spec spec = {.program = "./" HANGING_CLIENT, .argv = argv};
    struct gf_proc proc;
    struct gf_error err;
    cr_assert_eq(gf_proc_spawn(&spec, &proc, &err), GF_OK, "%s", err.message);
    gf_latch_wait(&watch.started);
    cr_assert_eq(kill(proc.pid, SIGSTOP), 0);
    gf_latch_wait(&watch.cancelled);
    gf_latch_wait(&watch.done);
    cr_assert_eq(kill(proc.pid, SIGKILL), 0);
    struct gf_proc_exit exit_status;
    cr_assert_eq(gf_proc_wait(&proc, GF_NEVER, &exit_status, &err), GF_OK);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, deadline_ends_both_sides) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    struct client client = {.stream = NULL};
    gf_arena_init(&client.arena, 1 << 20);
    const struct gf_rpc_call_opts opts = {.timeout_ms = 100};
    cr_assert_eq(gf_rpc_stream_open(env.channel, &gf_echo_methods[GF_ECHO_CHAT], &opts, NULL,
                                    &client.stream, NULL),
                 GF_OK);
    assert_fails(&client, GF_DEADLINE_EXCEEDED);
    cr_assert_str_eq(client.err.reason, "", "the call is over: it is no timeout of recv");
    gf_latch_wait(&watch.done);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

static void send_three_and_fail(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                void *ctx) {
    (void)request;
    (void)ctx;
    for (int i = 0; i < 3; i++) {
        gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
        response.sequence = i;
        cr_assert_eq(gf_rpc_send(call, &response.base, NULL), GF_OK);
    }
    fail_aborted(call);
}

Test(rpc_stream, messages_before_an_error_arrive) {
    const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_REPEAT] = {.start = send_three_and_fail},
    };
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, handlers, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct client client = open_echo(&env, GF_ECHO_REPEAT, &request);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(receive(&client)->sequence, i);
    }
    assert_fails(&client, GF_ABORTED);
    cr_assert_str_eq(client.err.reason, "HANDLER");
    client_fini(&client);
    gf_echo_env_stop(&env);
}

static void fail_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    fail_aborted(call);
}

Test(rpc_stream, server_may_end_a_stream_that_the_client_still_sends) {
    const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_COLLECT] = {.start = fail_start},
    };
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, handlers, NULL);
    struct client client = open_echo(&env, GF_ECHO_COLLECT, NULL);
    gf_echo_request request = gf_echo_request_make("x", 1 << 16, 0);
    enum gf_code code = GF_OK;
    for (int i = 0; i < 100000 && code == GF_OK; i++) {
        code = gf_rpc_stream_send(client.stream, &request.base, &client.err);
    }
    cr_assert_eq(code, GF_CANCELLED, "%s", client.err.message);
    assert_fails(&client, GF_ABORTED);
    free(request.payload.data);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, bad_message_within_a_stream_ends_it_with_its_fault) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    struct gf_rpc_method method = gf_echo_methods[GF_ECHO_COLLECT];
    method.request = &gofer__testing__raw_request__descriptor;
    struct client client = open_stream(&env, &method, NULL);
    Gofer__Testing__RawRequest request = GOFER__TESTING__RAW_REQUEST__INIT;
    cr_assert_eq(gf_rpc_stream_send(client.stream, &request.base, NULL), GF_OK);
    uint8_t bytes[] = {0xff};
    request.id.data = bytes;
    request.id.len = sizeof(bytes);
    cr_assert_eq(gf_rpc_stream_send(client.stream, &request.base, NULL), GF_OK);
    assert_fails(&client, GF_INVALID_ARGUMENT);
    cr_assert_str_eq(client.err.field, "id");
    gf_latch_wait(&watch.cancelled);
    gf_latch_wait(&watch.done);
    cr_assert_eq(watch.messages, 1);
    cr_assert_eq(watch.ends_of_requests, 0);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, message_beyond_the_limit_within_a_stream_ends_it) {
    struct watch watch;
    watch_init(&watch);
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.receive_bytes_max = 1000}, watch_handlers,
                      &watch);
    struct client client = open_echo(&env, GF_ECHO_COLLECT, NULL);
    send(&client, "small");
    gf_echo_request request = gf_echo_request_make("x", 2000, 0);
    cr_assert_eq(gf_rpc_stream_send(client.stream, &request.base, NULL), GF_OK);
    assert_fails(&client, GF_RESOURCE_EXHAUSTED);
    gf_latch_wait(&watch.done);
    cr_assert_eq(watch.ends_of_requests, 0);
    free(request.payload.data);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, handler_without_message_reads_nothing) {
    const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_CHAT] = {.start = send_three_and_fail},
    };
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, handlers, NULL);
    struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(receive(&client)->sequence, i);
    }
    assert_fails(&client, GF_ABORTED);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

static enum gf_code refuse_all(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    (void)call;
    (void)ctx;
    return gf_fail(err, GF_UNAUTHENTICATED, "no token");
}

Test(rpc_stream, interceptor_refuses_streams_of_every_shape) {
    struct watch watch;
    watch_init(&watch);
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.interceptor = refuse_all}, watch_handlers,
                      &watch);
    const enum gf_echo_method methods[] = {GF_ECHO_COLLECT, GF_ECHO_REPEAT, GF_ECHO_CHAT};
    for (size_t i = 0; i < GF_ARRAY_COUNT(methods); i++) {
        const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
        struct client client =
            open_echo(&env, methods[i], methods[i] == GF_ECHO_REPEAT ? &request : NULL);
        assert_fails(&client, GF_UNAUTHENTICATED);
        client_fini(&client);
    }
    cr_assert_null(watch.call, "no handler was started");
    gf_echo_env_stop(&env);
}

/* ---- the client's receive ---- */

static void *send_and_finish(void *ctx) {
    struct watch *watch = ctx;
    gf_latch_wait(&watch->started);
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.sequence = 5;
    cr_assert_eq(gf_rpc_send(watch->call, &response.base, NULL), GF_OK);
    gf_rpc_finish(watch->call);
    return NULL;
}

Test(rpc_stream, receive_may_time_out_and_go_on) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct client client = open_echo(&env, GF_ECHO_REPEAT, &request);
    const int64_t timeouts_ms[] = {0, 20, 0};
    for (size_t i = 0; i < GF_ARRAY_COUNT(timeouts_ms); i++) {
        ProtobufCMessage *message = NULL;
        cr_assert_eq(
            gf_rpc_stream_recv(client.stream, timeouts_ms[i], &client.arena, &message, &client.err),
            GF_DEADLINE_EXCEEDED);
        cr_assert_str_eq(client.err.reason, GF_RPC_REASON_RECV_TIMEOUT);
    }
    pthread_t sender;
    gf_thread_start(&sender, "sender", send_and_finish, &watch);
    cr_assert_eq(receive(&client)->sequence, 5);
    cr_assert_null(receive(&client));
    gf_thread_join(sender);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

static void *cancel_stream(void *ctx) {
    struct client *client = ctx;
    gf_rpc_stream_cancel(client->stream);
    return NULL;
}

Test(rpc_stream, cancel_from_another_thread_ends_a_blocked_receive) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct client client = open_echo(&env, GF_ECHO_REPEAT, &request);
    gf_latch_wait(&watch.started);
    pthread_t canceller;
    gf_thread_start(&canceller, "canceller", cancel_stream, &client);
    assert_fails(&client, GF_CANCELLED);
    gf_thread_join(canceller);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, finish_drops_what_was_not_read) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    gf_echo_request request = gf_echo_request_make("x", 1000, 5000);
    struct client client = open_echo(&env, GF_ECHO_REPEAT, &request);
    (void)receive(&client);
    cr_assert_eq(gf_rpc_stream_finish(client.stream, &client.err), GF_OK, "%s", client.err.message);
    free(request.payload.data);
    client_fini(&client);
    gf_echo_env_stop(&env);
}

Test(rpc_stream, server_that_goes_away_is_unavailable_by_name) {
    struct watch watch;
    struct gf_echo_env env;
    watch_env(&env, &watch);
    struct client client = open_echo(&env, GF_ECHO_CHAT, NULL);
    gf_latch_wait(&watch.started);
    gf_rpc_server_stop(env.server, 0);
    assert_fails(&client, GF_UNAVAILABLE);
    cr_assert_not_null(strstr(client.err.message, env.target), "%s", client.err.message);
    client_fini(&client);
    gf_echo_env_stop(&env);
}
