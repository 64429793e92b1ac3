/*
 * Server and client under all the threads that they promise to bear: for --config=tsan. What calls
 * mean is tested elsewhere; here it matters who touches what at the same time.
 */
#include "api/rpc/testdata/carrier.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/sync.h"

#include <stdatomic.h>
#include <stdio.h>

enum {
    CLIENT_THREADS = 4,
    UNARY_CALLS = 200, /* of each client thread */
    STREAM_MESSAGES = 300,
    CANCELLED_CALLS = 30,
};

/* Handlers whose answers come from a pool's threads. */
struct service {
    struct gf_pool *pool;
    atomic_size_t started;
    atomic_size_t done;
};

static void reply_job(void *ctx) {
    struct gf_rpc_call *call = ctx;
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = gf_rpc_call_get_data(call);
    gf_rpc_reply(call, &response.base);
}

static void pool_unary_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct service *service = ctx;
    atomic_fetch_add(&service->started, 1);
    const gf_echo_request *echo = (const gf_echo_request *)request;
    gf_rpc_call_set_data(call, gf_arena_strdup(gf_rpc_call_arena(call), echo->id));
    gf_pool_submit_reserved(service->pool, reply_job, call);
}

static void count_done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct service *service = ctx;
    atomic_fetch_add(&service->done, 1);
}

/* A stream that a pool's thread sends while the client may cancel at any moment. */
static void send_job(void *ctx) {
    struct gf_rpc_call *call = ctx;
    for (int i = 0; i < STREAM_MESSAGES; i++) {
        gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
        response.sequence = i;
        if (gf_rpc_send(call, &response.base, NULL) != GF_OK || gf_rpc_is_cancelled(call)) {
            break;
        }
    }
    gf_rpc_finish(call);
}

static void pool_repeat_start(struct gf_rpc_call *call, const ProtobufCMessage *request,
                              void *ctx) {
    (void)request;
    struct service *service = ctx;
    atomic_fetch_add(&service->started, 1);
    gf_pool_submit_reserved(service->pool, send_job, call);
}

static void note_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    gf_assert(gf_rpc_is_cancelled(call)); /* the job ends the call */
}

/* An upload whose messages are used, and whose reading is resumed, by a pool's thread. */
struct upload {
    struct gf_rpc_call *call;
    const gf_echo_request *message;
    int64_t count;
};

static void use_message_job(void *ctx) {
    struct upload *upload = ctx;
    upload->count += (int64_t)strlen(upload->message->id);
    gf_rpc_resume_reading(upload->call);
}

static void upload_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    struct service *service = ctx;
    atomic_fetch_add(&service->started, 1);
    struct upload *upload = GF_ARENA_NEW(gf_rpc_call_arena(call), struct upload);
    upload->call = call;
    gf_rpc_call_set_data(call, upload);
}

static void upload_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    struct service *service = ctx;
    struct upload *upload = gf_rpc_call_get_data(call);
    if (message == NULL) {
        gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
        response.sequence = upload->count;
        gf_rpc_reply(call, &response.base);
        return;
    }
    gf_rpc_pause_reading(call);
    upload->message = (const gf_echo_request *)message;
    gf_pool_submit_reserved(service->pool, use_message_job, upload);
}

static void upload_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    (void)ctx;
    gf_unreachable(); /* No test cancels an upload: its job may still use the message. */
}

static const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = pool_unary_start, .done = count_done},
    [GF_ECHO_COLLECT] = {.start = upload_start,
                         .message = upload_message,
                         .cancelled = upload_cancelled,
                         .done = count_done},
    [GF_ECHO_REPEAT] = {.start = pool_repeat_start,
                        .cancelled = note_cancelled,
                        .done = count_done},
};

static struct gf_rpc_stream *open_stream(struct gf_rpc_channel *channel, enum gf_echo_method method,
                                         const gf_echo_request *request) {
    struct gf_rpc_stream *stream = NULL;
    gf_assert(gf_rpc_stream_open(channel, &gf_echo_methods[method], NULL,
                                 request != NULL ? &request->base : NULL, &stream, NULL) == GF_OK);
    return stream;
}

static void call_unary(struct gf_rpc_channel *channel, struct gf_arena *arena) {
    gf_echo_request request = gf_echo_request_make("same", 0, 0);
    ProtobufCMessage *response = NULL;
    gf_arena_reset(arena);
    const enum gf_code code = gf_rpc_unary(channel, &gf_echo_methods[GF_ECHO_UNARY], NULL,
                                           &request.base, arena, &response, NULL);
    gf_assert(code == GF_OK);
    gf_assert(strcmp(((const gf_echo_response *)response)->id, "same") == 0);
    free(request.payload.data);
}

static void upload_once(struct gf_rpc_channel *channel, struct gf_arena *arena) {
    struct gf_rpc_stream *stream = open_stream(channel, GF_ECHO_COLLECT, NULL);
    gf_echo_request request = gf_echo_request_make("four", 0, 0);
    for (int i = 0; i < STREAM_MESSAGES; i++) {
        gf_assert(gf_rpc_stream_send(stream, &request.base, NULL) == GF_OK);
    }
    gf_rpc_stream_close_send(stream);
    ProtobufCMessage *response = NULL;
    gf_assert(gf_rpc_stream_recv(stream, -1, arena, &response, NULL) == GF_OK);
    gf_assert(((const gf_echo_response *)response)->sequence == 4 * STREAM_MESSAGES);
    gf_assert(gf_rpc_stream_finish(stream, NULL) == GF_OK);
    gf_rpc_stream_destroy(stream);
    free(request.payload.data);
}

static void *cancel_stream(void *ctx) {
    gf_rpc_stream_cancel(ctx);
    return NULL;
}

/* Reads a stream while another thread cancels it. */
static void cancel_once(struct gf_rpc_channel *channel, struct gf_arena *arena) {
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct gf_rpc_stream *stream = open_stream(channel, GF_ECHO_REPEAT, &request);
    pthread_t canceller;
    gf_thread_start(&canceller, "canceller", cancel_stream, stream);
    ProtobufCMessage *message = NULL;
    enum gf_code code = GF_OK;
    do {
        gf_arena_reset(arena);
        code = gf_rpc_stream_recv(stream, -1, arena, &message, NULL);
    } while (code == GF_OK && message != NULL);
    gf_assert(code == GF_OK || code == GF_CANCELLED);
    gf_thread_join(canceller);
    gf_rpc_stream_destroy(stream);
}

static void *run_client(void *ctx) {
    struct gf_rpc_channel *channel = ctx;
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    for (int i = 0; i < UNARY_CALLS; i++) {
        call_unary(channel, &arena);
    }
    upload_once(channel, &arena);
    for (int i = 0; i < CANCELLED_CALLS; i++) {
        cancel_once(channel, &arena);
    }
    gf_arena_fini(&arena);
    return NULL;
}

/* ---- calls that are carried ---- */

enum {
    CARRIED_CALLS = 150, /* of each thread that carries */
};

/* One that carries calls to the server of the others, a few at a time. */
struct carrying {
    struct gf_rpc_server *server;
    struct gf_echo_carrier carrier;
};

/* Takes so many messages of a stream, and then cancels it. */
static void carry_cancelled(struct carrying *carrying, int taken_max) {
    struct gf_rpc_call *call = gf_echo_carry(carrying->server, &carrying->carrier, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "stream", 0, 0);
    struct gf_rpc_carried_item item;
    for (int i = 0; i < taken_max; i++) {
        const enum gf_rpc_carried_kind kind = gf_echo_carry_next(&carrying->carrier, call, &item);
        gf_assert(kind == GF_RPC_CARRIED_MESSAGE);
    }
    struct gf_error error;
    (void)gf_fail(&error, GF_CANCELLED, "no more");
    gf_rpc_carried_cancel(call, &error);
    gf_assert(gf_echo_carry_finish(&carrying->carrier, call) == GF_CANCELLED);
}

/* Looks again and again instead of waiting: it may see the end before it is woken for it, and no
 * wake may come once it has. */
static void carry_impatiently(struct carrying *carrying) {
    struct gf_echo_carrier carrier;
    gf_echo_carrier_init(&carrier);
    struct gf_rpc_call *call = gf_echo_carry(carrying->server, &carrier, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "one", 0, 0);
    struct gf_rpc_carried_item item;
    enum gf_rpc_carried_kind kind = GF_RPC_CARRIED_NOTHING;
    while (kind != GF_RPC_CARRIED_END) {
        kind = gf_rpc_carried_take(call, &item);
    }
    gf_rpc_carried_release(call);
    gf_echo_carrier_fini(&carrier);
}

static void *run_carrier(void *ctx) {
    struct carrying carrying = {.server = ctx};
    for (int i = 0; i < CARRIED_CALLS; i++) {
        gf_echo_carrier_init(&carrying.carrier);
        struct gf_rpc_call *call = gf_echo_carry(carrying.server, &carrying.carrier, GF_ECHO_UNARY);
        gf_echo_carry_request(call, "one", 0, 0);
        gf_assert(gf_echo_carry_finish(&carrying.carrier, call) == GF_OK);
        carry_cancelled(&carrying, i % 5);
        carry_impatiently(&carrying);
        gf_echo_carrier_fini(&carrying.carrier);
    }
    return NULL;
}

/* Reads the figures while they change. */
static void *read_figures(void *ctx) {
    const struct gf_rpc_server *server = ctx;
    for (int i = 0; i < 100; i++) {
        struct gf_rpc_server_stats stats;
        struct gf_rpc_method_stats method_stats;
        gf_rpc_server_stats(server, &stats);
        gf_rpc_server_method_stats(server, GF_ECHO_UNARY, GF_RPC_TRANSPORT_GRPC, &method_stats);
        gf_rpc_server_method_stats(server, GF_ECHO_REPEAT, GF_RPC_TRANSPORT_CONNECT, &method_stats);
    }
    return NULL;
}

/* ---- refusals that are held back ---- */

enum {
    REFUSED_CALLS = 60,
    REFUSED_GRACE_MS = 500,
};

/* Refuses all: some at once, some after a while, some for longer than the test lasts. */
static enum gf_code refuse(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    atomic_size_t *counts = ctx;
    const size_t number = atomic_fetch_add(&counts[0], 1);
    gf_rpc_call_delay_refusal(call, number % 3 == 2 ? 60 * 1000 : (int64_t)(number % 3) * 5);
    return gf_fail(err, GF_UNAUTHENTICATED, "refused");
}

static void count_ended(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    atomic_size_t *counts = ctx;
    atomic_fetch_add(&counts[1], 1);
}

/* Clients wait, go away, or are still there when the server stops. */
static void run_refused(void) {
    atomic_size_t counts[2] = {0, 0};
    struct gf_echo_env env;
    const struct gf_rpc_server_opts opts = {
        .interceptor = refuse, .ended = count_ended, .interceptor_ctx = counts};
    gf_echo_env_start(&env, &opts, NULL, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct gf_rpc_stream *streams[REFUSED_CALLS];
    for (size_t i = 0; i < REFUSED_CALLS; i++) {
        streams[i] = open_stream(env.channel, GF_ECHO_REPEAT, &request);
    }
    for (size_t i = 0; i < REFUSED_CALLS / 2; i++) {
        gf_rpc_stream_cancel(streams[i]);
    }
    /* Short, because gRPC waits for the connection too, and its client does not read now. */
    gf_rpc_server_stop(env.server, REFUSED_GRACE_MS);
    for (size_t i = 0; i < REFUSED_CALLS; i++) {
        gf_assert(gf_rpc_stream_finish(streams[i], NULL) != GF_OK);
        gf_rpc_stream_destroy(streams[i]);
    }
    gf_echo_env_stop(&env);
    gf_assert(atomic_load(&counts[0]) == atomic_load(&counts[1]));
}

/* The clients share one channel and run at once; the server stops while calls are in progress. */
static void run_round(void) {
    struct service service = {
        .pool = gf_pool_create(
            &(struct gf_pool_opts){.thread_count = 2, .queue_limit = 16, .name = "handlers"}),
    };
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, handlers, &service);
    pthread_t clients[CLIENT_THREADS];
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_start(&clients[i], "client", run_client, env.channel);
    }
    pthread_t others[3];
    gf_thread_start(&others[0], "carrier", run_carrier, env.server);
    gf_thread_start(&others[1], "carrier", run_carrier, env.server);
    gf_thread_start(&others[2], "figures", read_figures, env.server);
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_join(clients[i]);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        gf_thread_join(others[i]);
    }
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct gf_rpc_stream *streams[CLIENT_THREADS];
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        streams[i] = open_stream(env.channel, GF_ECHO_REPEAT, &request);
    }
    gf_rpc_server_stop(env.server, 0);
    gf_assert(atomic_load(&service.started) == atomic_load(&service.done));
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_rpc_stream_destroy(streams[i]);
    }
    gf_echo_env_stop(&env);
    gf_pool_destroy(service.pool);
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        run_round();
        run_refused();
    }
    (void)printf("rpc_tsan_test: passed\n");
    return 0;
}
