/* Flow control: clients that read slowly, handlers that do, and how much waits between them. */
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/sync.h"

#include <criterion/criterion.h>

enum {
    MESSAGE_BYTES = 1000,
    /* More than all buffers between two ends hold together. */
    PLENTY_MESSAGES = 100000,
};

/* ---- the client reads slowly ---- */

/* A handler that sends without end until its queue is full, and counts. */
struct flood {
    struct gf_latch full;
    struct gf_latch done;
    int64_t limit;
    int64_t sent;
    int64_t refusals;
    int64_t writables;
    uint8_t payload[MESSAGE_BYTES];
};

static void flood_init(struct flood *flood, int64_t limit) {
    *flood = (struct flood){.limit = limit};
    gf_latch_init(&flood->full);
    gf_latch_init(&flood->done);
}

static void flood_more(struct gf_rpc_call *call, struct flood *flood) {
    while (flood->sent < flood->limit) {
        gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
        response.sequence = flood->sent;
        response.payload.data = flood->payload;
        response.payload.len = MESSAGE_BYTES;
        struct gf_error err;
        const enum gf_code code = gf_rpc_send(call, &response.base, &err);
        if (code != GF_OK) {
            cr_assert_eq(code, GF_RESOURCE_EXHAUSTED, "%s", err.message);
            flood->refusals++;
            gf_latch_open(&flood->full);
            return;
        }
        flood->sent++;
    }
    gf_rpc_finish(call);
}

static void flood_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    flood_more(call, ctx);
}

static void flood_writable(struct gf_rpc_call *call, void *ctx) {
    struct flood *flood = ctx;
    flood->writables++;
    flood_more(call, flood);
}

static void flood_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    struct gf_error err;
    cr_assert_eq(gf_rpc_send(call, &response.base, &err), GF_CANCELLED);
    gf_rpc_fail(call, &err);
}

static void flood_done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct flood *flood = ctx;
    gf_latch_open(&flood->done);
}

static const struct gf_rpc_handler flood_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_REPEAT] = {.start = flood_start,
                        .writable = flood_writable,
                        .cancelled = flood_cancelled,
                        .done = flood_done},
};

static struct gf_rpc_stream *open_repeat(const struct gf_echo_env *env) {
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(gf_rpc_stream_open(env->channel, &gf_echo_methods[GF_ECHO_REPEAT], NULL,
                                    &request.base, &stream, NULL),
                 GF_OK);
    return stream;
}

static const gf_echo_response *receive(struct gf_rpc_stream *stream, struct gf_arena *arena) {
    ProtobufCMessage *message = NULL;
    struct gf_error err;
    gf_arena_reset(arena);
    cr_assert_eq(gf_rpc_stream_recv(stream, -1, arena, &message, &err), GF_OK, "%s", err.message);
    return (const gf_echo_response *)message;
}

Test(rpc_flow, a_client_that_does_not_read_stops_the_handler_and_loses_nothing) {
    struct flood flood;
    flood_init(&flood, PLENTY_MESSAGES);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, flood_handlers, &flood);
    struct gf_rpc_stream *stream = open_repeat(&env);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    /* One receive lets gRPC begin to read; the rest waits. */
    int64_t received = 0;
    cr_assert_eq(receive(stream, &arena)->sequence, received++);
    gf_latch_wait(&flood.full);
    while (received < PLENTY_MESSAGES) {
        const gf_echo_response *response = receive(stream, &arena);
        cr_assert_eq(response->sequence, received++);
    }
    cr_assert_null(receive(stream, &arena));
    gf_latch_wait(&flood.done);
    cr_assert_gt(flood.refusals, 0);
    cr_assert_eq(flood.writables, flood.refusals, "one for each");
    gf_rpc_stream_destroy(stream);
    gf_arena_fini(&arena);
    gf_echo_env_stop(&env);
}

Test(rpc_flow, the_queue_of_a_call_is_bounded_in_bytes) {
    struct flood flood;
    flood_init(&flood, PLENTY_MESSAGES);
    const struct gf_rpc_server_opts opts = {.send_queue_bytes_max = 64 * 1024};
    struct gf_echo_env env;
    gf_echo_env_start(&env, &opts, flood_handlers, &flood);
    struct gf_rpc_stream *stream = open_repeat(&env);
    gf_latch_wait(&flood.full);
    /* Within its first callback the handler has nothing but the queue to fill. */
    cr_assert_geq(flood.sent * MESSAGE_BYTES, 50 * 1024);
    gf_rpc_stream_cancel(stream);
    gf_latch_wait(&flood.done);
    /* Beyond the queue the buffers of gRPC and the kernel have taken some. */
    cr_assert_lt(flood.sent * MESSAGE_BYTES, 16 << 20);
    cr_assert_geq(flood.refusals, 1);
    gf_rpc_stream_destroy(stream);
    gf_echo_env_stop(&env);
}

static void send_large(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    uint8_t *bytes = gf_calloc(1, 1 << 20);
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.payload.data = bytes;
    response.payload.len = 1 << 20;
    cr_assert_eq(gf_rpc_send(call, &response.base, NULL), GF_OK, "an empty queue takes any");
    cr_assert_eq(gf_rpc_send(call, &response.base, NULL), GF_RESOURCE_EXHAUSTED);
    free(bytes);
    gf_rpc_finish(call);
}

Test(rpc_flow, a_message_larger_than_the_queue_goes_through_an_empty_one) {
    const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_REPEAT] = {.start = send_large},
    };
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.send_queue_bytes_max = 1000}, handlers,
                      NULL);
    struct gf_rpc_stream *stream = open_repeat(&env);
    struct gf_arena arena;
    gf_arena_init(&arena, 4 << 20);
    cr_assert_eq(receive(stream, &arena)->payload.len, 1 << 20);
    cr_assert_null(receive(stream, &arena));
    gf_rpc_stream_destroy(stream);
    gf_arena_fini(&arena);
    gf_echo_env_stop(&env);
}

/* ---- the handler reads slowly ---- */

/* A handler that pauses at each message and hands it to another thread. */
struct slow {
    struct gf_mutex mutex;
    struct gf_cond changed;
    struct gf_rpc_call *call;
    const gf_echo_request *message; /* paused at, borrowed until resume */
    int64_t count;
    int64_t bytes;
    struct gf_latch ended;
    struct gf_latch done;
};

static void slow_init(struct slow *slow) {
    *slow = (struct slow){.call = NULL};
    gf_mutex_init(&slow->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&slow->changed);
    gf_latch_init(&slow->ended);
    gf_latch_init(&slow->done);
}

static void slow_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    struct slow *slow = ctx;
    slow->call = call;
}

static void slow_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    struct slow *slow = ctx;
    if (message == NULL) {
        gf_latch_open(&slow->ended);
        gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
        response.sequence = slow->count;
        gf_rpc_reply(call, &response.base);
        return;
    }
    gf_rpc_pause_reading(call);
    GF_MUTEX_GUARD(&slow->mutex);
    cr_assert_null(slow->message, "one at a time");
    slow->message = (const gf_echo_request *)message;
    gf_cond_signal(&slow->changed);
}

static void slow_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct gf_error error;
    (void)gf_fail(&error, GF_CANCELLED, "cancelled");
    gf_rpc_fail(call, &error);
}

static void slow_done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct slow *slow = ctx;
    gf_latch_open(&slow->done);
}

static const struct gf_rpc_handler slow_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_COLLECT] = {.start = slow_start,
                         .message = slow_message,
                         .cancelled = slow_cancelled,
                         .done = slow_done},
};

/* Waits for the message that the handler paused at, uses it, and lets the next one come. */
static void slow_take(struct slow *slow) {
    gf_mutex_lock(&slow->mutex);
    while (slow->message == NULL) {
        gf_cond_wait(&slow->changed, &slow->mutex);
    }
    const gf_echo_request *message = slow->message;
    slow->message = NULL;
    gf_mutex_unlock(&slow->mutex);
    for (size_t i = 0; i < message->payload.len; i++) {
        cr_assert_eq(message->payload.data[i], 'x');
    }
    slow->bytes += (int64_t)message->payload.len;
    slow->count++;
    gf_rpc_resume_reading(slow->call);
}

/* A client that sends `count` messages in a thread of its own. */
struct uploader {
    struct gf_rpc_stream *stream;
    struct gf_latch sent_all;
    int count;
    size_t size;
    enum gf_code code;
};

static void *upload(void *ctx) {
    struct uploader *uploader = ctx;
    gf_echo_request request = gf_echo_request_make("x", uploader->size, 0);
    for (int i = 0; i < uploader->count && uploader->code == GF_OK; i++) {
        uploader->code = gf_rpc_stream_send(uploader->stream, &request.base, NULL);
    }
    gf_rpc_stream_close_send(uploader->stream);
    gf_latch_open(&uploader->sent_all);
    free(request.payload.data);
    return NULL;
}

static void upload_start(struct uploader *uploader, const struct gf_echo_env *env,
                         pthread_t *out_thread) {
    gf_latch_init(&uploader->sent_all);
    cr_assert_eq(gf_rpc_stream_open(env->channel, &gf_echo_methods[GF_ECHO_COLLECT], NULL, NULL,
                                    &uploader->stream, NULL),
                 GF_OK);
    gf_thread_start(out_thread, "uploader", upload, uploader);
}

Test(rpc_flow, a_paused_handler_holds_the_client_back) {
    struct slow slow;
    slow_init(&slow);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, slow_handlers, &slow);
    /* 64 MiB: far more than windows and sockets hold. */
    struct uploader uploader = {.count = 1024, .size = 64 * 1024};
    pthread_t thread;
    upload_start(&uploader, &env, &thread);
    cr_assert_not(gf_latch_wait_until(&uploader.sent_all, gf_deadline_after_ms(gf_mono_ns(), 300)),
                  "the client must be held back");
    for (int i = 0; i < uploader.count; i++) {
        slow_take(&slow);
    }
    gf_latch_wait(&uploader.sent_all);
    gf_latch_wait(&slow.ended);
    cr_assert_eq(uploader.code, GF_OK);
    cr_assert_eq(slow.bytes, (int64_t)uploader.count * (int64_t)uploader.size);
    cr_assert_eq(gf_rpc_stream_finish(uploader.stream, NULL), GF_OK);
    gf_thread_join(thread);
    gf_rpc_stream_destroy(uploader.stream);
    gf_echo_env_stop(&env);
}

Test(rpc_flow, a_paused_handler_learns_that_the_client_went_away) {
    struct slow slow;
    slow_init(&slow);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, slow_handlers, &slow);
    struct uploader uploader = {.count = 1024, .size = 64 * 1024};
    pthread_t thread;
    upload_start(&uploader, &env, &thread);
    slow_take(&slow);
    gf_mutex_lock(&slow.mutex);
    while (slow.message == NULL) {
        gf_cond_wait(&slow.changed, &slow.mutex);
    }
    gf_mutex_unlock(&slow.mutex);
    gf_rpc_stream_cancel(uploader.stream);
    gf_latch_wait(&slow.done);
    gf_thread_join(thread);
    cr_assert_eq(uploader.code, GF_CANCELLED);
    gf_rpc_stream_destroy(uploader.stream);
    gf_echo_env_stop(&env);
}

/* ---- between busy streams ---- */

Test(rpc_flow, busy_streams_do_not_keep_a_cancel_waiting) {
    struct flood flood;
    flood_init(&flood, INT64_MAX);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    gf_echo_request request = gf_echo_request_make("busy", 100, INT32_MAX);
    struct gf_rpc_stream *streams[4];
    for (size_t i = 0; i < GF_ARRAY_COUNT(streams); i++) {
        cr_assert_eq(gf_rpc_stream_open(env.channel, &gf_echo_methods[GF_ECHO_REPEAT], NULL,
                                        &request.base, &streams[i], NULL),
                     GF_OK);
    }
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        (void)receive(streams[i % 4], &arena);
    }
    cr_assert_eq(gf_rpc_server_call_count(env.server), 4);
    const int64_t start_ns = gf_mono_ns();
    for (size_t i = 0; i < GF_ARRAY_COUNT(streams); i++) {
        gf_rpc_stream_destroy(streams[i]);
    }
    while (gf_rpc_server_call_count(env.server) > 0) {
        cr_assert_lt(gf_mono_ns() - start_ns, 20 * GF_NS_PER_SEC);
        (void)sched_yield();
    }
    gf_arena_fini(&arena);
    free(request.payload.data);
    gf_echo_env_stop(&env);
}
