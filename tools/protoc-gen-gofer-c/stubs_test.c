/* Generated handlers and clients against each other, over a server and a channel of api/rpc. */
#include "gofer/testing/shapes.gofer.h"

#include <stdlib.h>

#include <criterion/criterion.h>

enum {
    ARENA_BYTES = 8 << 20,
    TIMEOUT_MS = 30000,
    GRACE_MS = 10000,
};

/* What the handlers share, as their ctx. */
struct shop {
    const char *greeting;
    _Atomic int done_count;
};

/* What the handlers of streams keep of a call. */
struct counter {
    int64_t shape_count;
    int64_t task_count;
    int32_t wanted;
};

static void count_done(struct gf_rpc_call *call, void *ctx) {
    struct shop *shop = ctx;
    free(gf_rpc_call_get_data(call));
    shop->done_count++;
}

/* The client went away: nobody hears the end of the call. */
static void end_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct gf_error err;
    (void)gf_fail(&err, GF_CANCELLED, "the client is gone");
    gf_rpc_fail(call, &err);
}

static void attach_counter(struct gf_rpc_call *call) {
    gf_rpc_call_set_data(call, calloc(1, sizeof(struct counter)));
}

static void echo_scalars(struct gf_rpc_call *call, const Shapes__V1__EchoScalarsRequest *request,
                         void *ctx) {
    struct shop *shop = ctx;
    cr_assert_str_eq(shop->greeting, "hello");
    Shapes__V1__EchoScalarsResponse response = SHAPES__V1__ECHO_SCALARS_RESPONSE__INIT;
    response.scalars = request->scalars;
    shapes_v1_shape_service_echo_scalars_reply(call, &response);
}

static void echo_everything(struct gf_rpc_call *call,
                            const Shapes__V1__EchoEverythingRequest *request, void *ctx) {
    (void)ctx;
    if (request->everything == NULL) {
        struct gf_error err;
        (void)gf_fail_field(&err, "everything", "everything is required");
        gf_rpc_fail(call, &err);
        return;
    }
    Shapes__V1__EchoEverythingResponse response = SHAPES__V1__ECHO_EVERYTHING_RESPONSE__INIT;
    response.everything = request->everything;
    shapes_v1_shape_service_echo_everything_reply(call, &response);
}

static void count_start(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    attach_counter(call);
}

static void count_message(struct gf_rpc_call *call, const Shapes__V1__CountShapesRequest *request,
                          void *ctx) {
    (void)ctx;
    struct counter *counter = gf_rpc_call_get_data(call);
    if (request != NULL) {
        counter->shape_count++;
        counter->task_count += (int64_t)request->everything->config->n_tasks;
        return;
    }
    Shapes__V1__CountShapesResponse response = SHAPES__V1__COUNT_SHAPES_RESPONSE__INIT;
    response.shape_count = counter->shape_count;
    response.task_count = counter->task_count;
    shapes_v1_shape_service_count_shapes_reply(call, &response);
}

/* Sends until the queue is full or all is sent; goes on when there is room again. */
static void watch_more(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct counter *counter = gf_rpc_call_get_data(call);
    while (counter->shape_count < counter->wanted) {
        Shapes__V1__WatchShapesResponse response = SHAPES__V1__WATCH_SHAPES_RESPONSE__INIT;
        response.index = (int32_t)counter->shape_count;
        enum gf_code code = shapes_v1_shape_service_watch_shapes_send(call, &response, NULL);
        if (code == GF_RESOURCE_EXHAUSTED) {
            return;
        }
        cr_assert_eq(code, GF_OK);
        counter->shape_count++;
    }
    gf_rpc_finish(call);
}

static void watch_start(struct gf_rpc_call *call, const Shapes__V1__WatchShapesRequest *request,
                        void *ctx) {
    attach_counter(call);
    ((struct counter *)gf_rpc_call_get_data(call))->wanted = request->shape_count;
    watch_more(call, ctx);
}

static void exchange_message(struct gf_rpc_call *call,
                             const Shapes__V1__ExchangeShapesRequest *request, void *ctx) {
    (void)ctx;
    struct counter *counter = gf_rpc_call_get_data(call);
    if (request == NULL) {
        gf_rpc_finish(call);
        return;
    }
    Shapes__V1__ExchangeShapesResponse response = SHAPES__V1__EXCHANGE_SHAPES_RESPONSE__INIT;
    response.text = request->text;
    response.bytes_before = counter->shape_count;
    counter->shape_count += (int64_t)strlen(request->text);
    cr_assert_eq(shapes_v1_shape_service_exchange_shapes_send(call, &response, NULL), GF_OK);
}

/* ForgetShapes has no handler. */
static const struct shapes_v1_shape_service_handlers shape_handlers = {
    .echo_scalars = {.start = echo_scalars, .done = count_done},
    .echo_everything = {.start = echo_everything, .done = count_done},
    .count_shapes = {.start = count_start,
                     .message = count_message,
                     .cancelled = end_cancelled,
                     .done = count_done},
    .watch_shapes = {.start = watch_start,
                     .writable = watch_more,
                     .cancelled = end_cancelled,
                     .done = count_done},
    .exchange_shapes = {.start = count_start,
                        .message = exchange_message,
                        .cancelled = end_cancelled,
                        .done = count_done},
};

static void echo_other(struct gf_rpc_call *call, const Shapes__V1__EchoScalarsRequest *request,
                       void *ctx) {
    (void)request;
    (void)ctx;
    Shapes__V1__EchoScalarsResponse response = SHAPES__V1__ECHO_SCALARS_RESPONSE__INIT;
    shapes_v1_other_shape_service_echo_scalars_reply(call, &response);
}

static const struct shapes_v1_other_shape_service_handlers other_handlers = {
    .echo_scalars = {.start = echo_other},
};

/* A server with both services, and a channel to it. */
struct env {
    struct shop shop;
    struct gf_rpc_server *server;
    struct gf_rpc_channel *channel;
    struct gf_arena arena;
    struct gf_error err;
};

static const struct gf_rpc_call_opts call_opts = {.timeout_ms = TIMEOUT_MS};

static void env_start(struct env *env) {
    *env = (struct env){.shop = {.greeting = "hello"}};
    gf_arena_init(&env->arena, ARENA_BYTES);
    cr_assert_eq(gf_rpc_server_create(NULL, &env->server, &env->err), GF_OK);
    shapes_v1_shape_service_add_to_server(env->server, &shape_handlers, &env->shop);
    shapes_v1_other_shape_service_add_to_server(env->server, &other_handlers, NULL);
    int port = 0;
    cr_assert_eq(gf_rpc_server_listen(env->server, "127.0.0.1:0", NULL, &port, &env->err), GF_OK,
                 "%s", env->err.message);
    gf_rpc_server_start(env->server);
    char target[32];
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    cr_assert_eq(gf_rpc_channel_create(target, NULL, &env->channel, &env->err), GF_OK);
}

/* Stops everything; every call that was started must have been done. */
static void env_stop(struct env *env, int calls) {
    gf_rpc_channel_destroy(env->channel);
    gf_rpc_server_stop(env->server, GRACE_MS);
    cr_expect_eq(env->shop.done_count, calls);
    gf_rpc_server_destroy(env->server);
    gf_arena_fini(&env->arena);
}

Test(stubs, unary_call_is_answered) {
    struct env env;
    env_start(&env);
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.an_int64 = INT64_MIN;
    scalars.a_string = (char *)"gr\xc3\xbc\xc3\x9f dich";
    Shapes__V1__EchoScalarsRequest request = SHAPES__V1__ECHO_SCALARS_REQUEST__INIT;
    request.scalars = &scalars;
    Shapes__V1__EchoScalarsResponse *response = NULL;
    enum gf_code code = shapes_v1_shape_service_echo_scalars(env.channel, &call_opts, &request,
                                                             &env.arena, &response, &env.err);
    cr_assert_eq(code, GF_OK, "%s", env.err.message);
    cr_expect_eq(response->scalars->an_int64, INT64_MIN);
    cr_expect_str_eq(response->scalars->a_string, scalars.a_string);
    env_stop(&env, 1);
}

Test(stubs, unary_call_may_fail_with_a_field) {
    struct env env;
    env_start(&env);
    Shapes__V1__EchoEverythingRequest request = SHAPES__V1__ECHO_EVERYTHING_REQUEST__INIT;
    Shapes__V1__EchoEverythingResponse *response = NULL;
    enum gf_code code = shapes_v1_shape_service_echo_everything(env.channel, &call_opts, &request,
                                                                &env.arena, &response, &env.err);
    cr_assert_eq(code, GF_INVALID_ARGUMENT);
    cr_expect_str_eq(env.err.field, "everything");
    cr_expect_null(response);
    env_stop(&env, 1);
}

Test(stubs, request_that_is_no_utf8_never_reaches_the_handler) {
    struct env env;
    env_start(&env);
    Shapes__V1__Scalars scalars = SHAPES__V1__SCALARS__INIT;
    scalars.a_string = (char *)"\xc3(";
    Shapes__V1__EchoScalarsRequest request = SHAPES__V1__ECHO_SCALARS_REQUEST__INIT;
    request.scalars = &scalars;
    Shapes__V1__EchoScalarsResponse *response = NULL;
    enum gf_code code = shapes_v1_shape_service_echo_scalars(env.channel, &call_opts, &request,
                                                             &env.arena, &response, &env.err);
    cr_assert_eq(code, GF_INVALID_ARGUMENT);
    cr_expect_str_eq(env.err.field, "scalars.a_string");
    env_stop(&env, 0);
}

Test(stubs, rpc_without_a_handler_is_unimplemented) {
    struct env env;
    env_start(&env);
    Shapes__V1__ForgetShapesRequest request = SHAPES__V1__FORGET_SHAPES_REQUEST__INIT;
    Shapes__V1__ForgetShapesResponse *response = NULL;
    enum gf_code code = shapes_v1_shape_service_forget_shapes(env.channel, &call_opts, &request,
                                                              &env.arena, &response, &env.err);
    cr_assert_eq(code, GF_UNIMPLEMENTED);
    env_stop(&env, 0);
}

Test(stubs, services_of_one_file_are_apart) {
    struct env env;
    env_start(&env);
    Shapes__V1__EchoScalarsRequest request = SHAPES__V1__ECHO_SCALARS_REQUEST__INIT;
    Shapes__V1__EchoScalarsResponse *response = NULL;
    enum gf_code code = shapes_v1_other_shape_service_echo_scalars(
        env.channel, &call_opts, &request, &env.arena, &response, &env.err);
    cr_assert_eq(code, GF_OK, "%s", env.err.message);
    cr_expect_null(response->scalars);
    env_stop(&env, 0);
}

Test(stubs, client_stream_is_counted) {
    struct env env;
    env_start(&env);
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(shapes_v1_shape_service_count_shapes_stream_open(env.channel, &call_opts, &stream,
                                                                  &env.err),
                 GF_OK);
    Shapes__V1__Task task = SHAPES__V1__TASK__INIT;
    Shapes__V1__Task *tasks[] = {&task, &task, &task};
    Shapes__V1__Config config = SHAPES__V1__CONFIG__INIT;
    config.n_tasks = GF_ARRAY_COUNT(tasks);
    config.tasks = tasks;
    Shapes__V1__Everything everything = SHAPES__V1__EVERYTHING__INIT;
    everything.config = &config;
    Shapes__V1__CountShapesRequest request = SHAPES__V1__COUNT_SHAPES_REQUEST__INIT;
    request.everything = &everything;
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(shapes_v1_shape_service_count_shapes_stream_send(stream, &request, &env.err),
                     GF_OK);
    }
    gf_rpc_stream_close_send(stream);
    Shapes__V1__CountShapesResponse *response = NULL;
    enum gf_code code = shapes_v1_shape_service_count_shapes_stream_recv(stream, -1, &env.arena,
                                                                         &response, &env.err);
    cr_assert_eq(code, GF_OK, "%s", env.err.message);
    cr_expect_eq(response->shape_count, 10);
    cr_expect_eq(response->task_count, 30);
    cr_expect_eq(gf_rpc_stream_finish(stream, &env.err), GF_OK);
    gf_rpc_stream_destroy(stream);
    env_stop(&env, 1);
}

Test(stubs, server_stream_comes_in_order_to_its_end) {
    enum {
        SHAPES = 20000
    }; /* more than the queue of a call holds */
    struct env env;
    env_start(&env);
    Shapes__V1__WatchShapesRequest request = SHAPES__V1__WATCH_SHAPES_REQUEST__INIT;
    request.shape_count = SHAPES;
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(shapes_v1_shape_service_watch_shapes_stream_open(env.channel, &call_opts, &request,
                                                                  &stream, &env.err),
                 GF_OK);
    for (int i = 0; i <= SHAPES; i++) {
        gf_arena_reset(&env.arena);
        Shapes__V1__WatchShapesResponse *response = NULL;
        enum gf_code code = shapes_v1_shape_service_watch_shapes_stream_recv(stream, -1, &env.arena,
                                                                             &response, &env.err);
        cr_assert_eq(code, GF_OK, "%s", env.err.message);
        cr_assert_eq(response == NULL, i == SHAPES);
        cr_assert(response == NULL || response->index == i);
    }
    gf_rpc_stream_destroy(stream);
    env_stop(&env, 1);
}

Test(stubs, bidirectional_stream_goes_both_ways) {
    struct env env;
    env_start(&env);
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(shapes_v1_shape_service_exchange_shapes_stream_open(env.channel, &call_opts,
                                                                     &stream, &env.err),
                 GF_OK);
    static const char *const texts[] = {"one", "", "three"};
    static const int64_t bytes_before[] = {0, 3, 3};
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        Shapes__V1__ExchangeShapesRequest request = SHAPES__V1__EXCHANGE_SHAPES_REQUEST__INIT;
        request.text = (char *)texts[i];
        cr_assert_eq(
            shapes_v1_shape_service_exchange_shapes_stream_send(stream, &request, &env.err), GF_OK);
        Shapes__V1__ExchangeShapesResponse *response = NULL;
        enum gf_code code = shapes_v1_shape_service_exchange_shapes_stream_recv(
            stream, -1, &env.arena, &response, &env.err);
        cr_assert_eq(code, GF_OK, "%s", env.err.message);
        cr_expect_str_eq(response->text, texts[i]);
        cr_expect_eq(response->bytes_before, bytes_before[i]);
    }
    cr_expect_eq(gf_rpc_stream_finish(stream, &env.err), GF_OK);
    gf_rpc_stream_destroy(stream);
    env_stop(&env, 1);
}

Test(stubs, client_that_goes_away_is_seen) {
    struct env env;
    env_start(&env);
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(shapes_v1_shape_service_exchange_shapes_stream_open(env.channel, &call_opts,
                                                                     &stream, &env.err),
                 GF_OK);
    Shapes__V1__ExchangeShapesRequest request = SHAPES__V1__EXCHANGE_SHAPES_REQUEST__INIT;
    cr_assert_eq(shapes_v1_shape_service_exchange_shapes_stream_send(stream, &request, &env.err),
                 GF_OK);
    Shapes__V1__ExchangeShapesResponse *response = NULL;
    cr_assert_eq(shapes_v1_shape_service_exchange_shapes_stream_recv(stream, -1, &env.arena,
                                                                     &response, &env.err),
                 GF_OK);
    gf_rpc_stream_destroy(stream);
    /* The grace of the stop ends at once only if the handler was told. */
    env_stop(&env, 1);
}
