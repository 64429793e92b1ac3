/* Unary calls from both sides: what handlers get and give, and what clients see of it. */
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/sync.h"
#include "base/vec.h"

#include <stdio.h>

#include <criterion/criterion.h>

enum {
    TIMEOUT_MS = 30000
};

/* One call and all that it gave; fini frees it. */
struct result {
    struct gf_arena arena;
    enum gf_code code;
    struct gf_error err;
    const gf_echo_response *response;
};

static void result_fini(struct result *result) {
    gf_arena_fini(&result->arena);
}

static struct result call_with(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                               const struct gf_rpc_call_opts *opts,
                               const ProtobufCMessage *request) {
    const struct gf_rpc_call_opts defaults = {.timeout_ms = TIMEOUT_MS};
    struct result result = {.code = GF_OK};
    gf_arena_init(&result.arena, 64 << 20);
    ProtobufCMessage *response = NULL;
    result.code = gf_rpc_unary(channel, method, opts != NULL ? opts : &defaults, request,
                               &result.arena, &response, &result.err);
    result.response = (const gf_echo_response *)response;
    return result;
}

static struct result call_unary(const struct gf_echo_env *env, const gf_echo_request *request) {
    return call_with(env->channel, &gf_echo_methods[GF_ECHO_UNARY], NULL, &request->base);
}

#define RESULT GF_CLEANUP(result_fini) struct result

static void unary_env(struct gf_echo_env *env, const struct gf_rpc_server_opts *opts,
                      void (*start)(struct gf_rpc_call *, const ProtobufCMessage *, void *),
                      void *ctx) {
    const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_UNARY] = {.start = start},
    };
    gf_echo_env_start(env, opts, handlers, ctx);
}

Test(rpc_call, echo_of_nothing_and_of_the_most) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    /* With room for the id and the tags. */
    const size_t sizes[] = {0, 1, 100, 64 * 1024, GF_RPC_RECEIVE_BYTES_MAX_DEFAULT - 64};
    for (size_t i = 0; i < GF_ARRAY_COUNT(sizes); i++) {
        gf_echo_request request = gf_echo_request_make("hello", sizes[i], 0);
        RESULT result = call_unary(&env, &request);
        cr_assert_eq(result.code, GF_OK, "%zu: %s", sizes[i], result.err.message);
        cr_assert_str_eq(result.response->id, "hello");
        cr_assert_eq(result.response->payload.len, sizes[i]);
        cr_assert_eq(sizes[i] == 0
                         ? 0
                         : memcmp(result.response->payload.data, request.payload.data, sizes[i]),
                     0);
        free(request.payload.data);
    }
    gf_echo_env_stop(&env);
}

Test(rpc_call, empty_message_is_a_message) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_OK, "%s", result.err.message);
    cr_assert_str_eq(result.response->id, "");
    gf_echo_env_stop(&env);
}

Test(rpc_call, server_refuses_a_message_beyond_its_limit) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.receive_bytes_max = 1000}, NULL, NULL);
    gf_echo_request request = gf_echo_request_make("x", 1000, 0);
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_RESOURCE_EXHAUSTED, "%s", result.err.message);
    request.payload.len = 900;
    RESULT smaller = call_unary(&env, &request);
    cr_assert_eq(smaller.code, GF_OK, "%s", smaller.err.message);
    free(request.payload.data);
    gf_echo_env_stop(&env);
}

Test(rpc_call, server_refuses_a_message_that_unpacks_beyond_its_limit) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.decoded_bytes_max = 2000}, NULL, NULL);
    gf_echo_request request = gf_echo_request_make("x", 3000, 0);
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_RESOURCE_EXHAUSTED, "%s", result.err.message);
    free(request.payload.data);
    gf_echo_env_stop(&env);
}

Test(rpc_call, client_refuses_a_message_beyond_its_limit) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct gf_rpc_channel *channel = NULL;
    const struct gf_rpc_channel_opts opts = {.receive_bytes_max = 500};
    cr_assert_eq(gf_rpc_channel_create(env.target, &opts, &channel, NULL), GF_OK);
    gf_echo_request request = gf_echo_request_make("x", 600, 0);
    RESULT result = call_with(channel, &gf_echo_methods[GF_ECHO_UNARY], NULL, &request.base);
    cr_assert_eq(result.code, GF_RESOURCE_EXHAUSTED, "%s", result.err.message);
    free(request.payload.data);
    gf_rpc_channel_destroy(channel);
    gf_echo_env_stop(&env);
}

static void reply_huge(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.payload.data = ctx;
    response.payload.len = (size_t)GF_RPC_SEND_BYTES_MAX + 1;
    gf_rpc_reply(call, &response.base);
}

Test(rpc_call, message_beyond_the_send_limit_is_refused_on_either_side) {
    uint8_t *bytes = gf_calloc(1, (size_t)GF_RPC_SEND_BYTES_MAX + 1);
    struct gf_echo_env env;
    unary_env(&env, NULL, reply_huge, bytes);
    gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_RESOURCE_EXHAUSTED, "%s", result.err.message);
    cr_assert_str_eq(result.err.reason, "MESSAGE_TOO_LARGE");
    request.payload.data = bytes;
    request.payload.len = (size_t)GF_RPC_SEND_BYTES_MAX + 1;
    RESULT local = call_unary(&env, &request);
    cr_assert_eq(local.code, GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(local.err.reason, "MESSAGE_TOO_LARGE");
    gf_echo_env_stop(&env);
    free(bytes);
}

Test(rpc_call, unknown_method_and_service_are_unimplemented) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    const char *const paths[] = {"/gofer.testing.Echo/Nothing", "/no.Service/Unary", "/x"};
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        struct gf_rpc_method method = gf_echo_methods[GF_ECHO_UNARY];
        method.path = paths[i];
        RESULT result = call_with(env.channel, &method, NULL, &request.base);
        cr_assert_eq(result.code, GF_UNIMPLEMENTED, "%s", result.err.message);
        cr_assert_not_null(strstr(result.err.message, paths[i]), "%s", result.err.message);
    }
    gf_echo_env_stop(&env);
}

Test(rpc_call, empty_handler_slot_is_unimplemented) {
    static const struct gf_rpc_handler none[GF_ECHO_METHOD_COUNT];
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, none, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_UNIMPLEMENTED, "%s", result.err.message);
    cr_assert_not_null(strstr(result.err.message, "Echo/Unary"), "%s", result.err.message);
    gf_echo_env_stop(&env);
}

Test(rpc_call, bytes_that_are_no_message_are_an_invalid_argument) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    struct gf_rpc_method method = gf_echo_methods[GF_ECHO_UNARY];
    method.request = &gofer__testing__raw_request__descriptor;
    Gofer__Testing__RawRequest request = GOFER__TESTING__RAW_REQUEST__INIT;
    uint8_t bytes[] = {'a', 0xff, 'b'};
    request.id.data = bytes;
    request.id.len = sizeof(bytes);
    RESULT bad_text = call_with(env.channel, &method, NULL, &request.base);
    cr_assert_eq(bad_text.code, GF_INVALID_ARGUMENT, "%s", bad_text.err.message);
    cr_assert_str_eq(bad_text.err.field, "id");
    bytes[1] = '\0';
    RESULT embedded_nul = call_with(env.channel, &method, NULL, &request.base);
    cr_assert_eq(embedded_nul.code, GF_INVALID_ARGUMENT, "%s", embedded_nul.err.message);
    bytes[1] = 'x';
    RESULT good = call_with(env.channel, &method, NULL, &request.base);
    cr_assert_eq(good.code, GF_OK, "%s", good.err.message);
    gf_echo_env_stop(&env);
}

static void reply_bad_text(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    char text[] = "\xff";
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = text;
    gf_rpc_reply(call, &response.base);
}

Test(rpc_call, client_takes_a_bad_response_as_the_servers_fault) {
    struct gf_echo_env env;
    unary_env(&env, NULL, reply_bad_text, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_INTERNAL, "%s", result.err.message);
    cr_assert_not_null(strstr(result.err.message, env.target), "%s", result.err.message);
    cr_assert_null(result.response);
    gf_echo_env_stop(&env);
}

static void fail_fully(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    const struct gf_error error = {
        .code = GF_FAILED_PRECONDITION,
        .reason = "RUN_ALREADY_FINISHED",
        .field = "config.tasks[1].image",
        .message = "run 7 of '\xc3\xa9t\xc3\xa9' has ended, 100% of it",
    };
    gf_rpc_fail(call, &error);
}

Test(rpc_call, error_reaches_the_client_with_all_its_parts) {
    struct gf_echo_env env;
    unary_env(&env, NULL, fail_fully, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_FAILED_PRECONDITION);
    cr_assert_eq(result.err.code, GF_FAILED_PRECONDITION);
    cr_assert_str_eq(result.err.reason, "RUN_ALREADY_FINISHED");
    cr_assert_str_eq(result.err.field, "config.tasks[1].image");
    cr_assert_str_eq(result.err.message, "run 7 of '\xc3\xa9t\xc3\xa9' has ended, 100% of it");
    gf_echo_env_stop(&env);
}

static void reply_metadata(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    const struct gf_str plain = gf_rpc_call_metadata(call, "x-plain");
    const struct gf_str binary = gf_rpc_call_metadata(call, "x-blob-bin");
    const struct gf_str token = gf_rpc_call_metadata(call, "authorization");
    const struct gf_str absent = gf_rpc_call_metadata(call, "x-absent");
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = gf_arena_printf(gf_rpc_call_arena(call),
                                  "%" GF_STR_FMT "|%" GF_STR_FMT "|%" GF_STR_FMT "|%s",
                                  GF_STR_ARG(plain), GF_STR_ARG(binary), GF_STR_ARG(token),
                                  absent.ptr == NULL ? "absent" : "present");
    gf_rpc_reply(call, &response.base);
}

Test(rpc_call, metadata_and_token_reach_the_handler) {
    struct gf_echo_env env;
    unary_env(&env, NULL, reply_metadata, NULL);
    struct gf_rpc_channel *channel = NULL;
    const struct gf_rpc_channel_opts channel_opts = {.bearer_token = "gfr_u_123"};
    cr_assert_eq(gf_rpc_channel_create(env.target, &channel_opts, &channel, NULL), GF_OK);
    const struct gf_rpc_metadata metadata[] = {{"x-plain", "a b"}, {"x-blob-bin", "\x01\xff"}};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = TIMEOUT_MS, .metadata = metadata, .metadata_count = 2};
    struct gf_rpc_method method = gf_echo_methods[GF_ECHO_UNARY];
    /* The answer holds the binary value, so that it is no text. */
    method.response = &gofer__testing__raw_response__descriptor;
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_with(channel, &method, &opts, &request.base);
    cr_assert_eq(result.code, GF_OK, "%s", result.err.message);
    const Gofer__Testing__RawResponse *raw =
        (const Gofer__Testing__RawResponse *)(const void *)result.response;
    static const char expected[] = "a b|\x01\xff|Bearer gfr_u_123|absent";
    cr_assert_eq(raw->id.len, sizeof(expected) - 1);
    cr_assert_eq(memcmp(raw->id.data, expected, raw->id.len), 0);
    gf_rpc_channel_destroy(channel);
    gf_echo_env_stop(&env);
}

static void reply_facts(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    cr_assert_eq(gf_rpc_call_get_data(call), NULL);
    gf_rpc_call_set_data(call, ctx);
    cr_assert_eq(gf_rpc_call_get_data(call), ctx);
    cr_assert_eq(gf_rpc_call_method(call), &gf_echo_methods[GF_ECHO_UNARY]);
    cr_assert_eq(gf_rpc_call_handler(call)->start, reply_facts);
    cr_assert_not(gf_rpc_is_cancelled(call));
    const int64_t deadline_ns = gf_rpc_call_deadline(call);
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = gf_arena_strdup(gf_rpc_call_arena(call), gf_rpc_call_peer(call));
    response.sequence = deadline_ns == GF_NEVER ? -1 : (deadline_ns - gf_mono_ns()) / GF_NS_PER_MS;
    gf_rpc_reply(call, &response.base);
}

Test(rpc_call, handler_learns_deadline_peer_and_method) {
    struct gf_echo_env env;
    int mark = 0;
    unary_env(&env, NULL, reply_facts, &mark);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 20000};
    const struct gf_rpc_method *method = &gf_echo_methods[GF_ECHO_UNARY];
    RESULT limited = call_with(env.channel, method, &opts, &request.base);
    cr_assert_eq(limited.code, GF_OK, "%s", limited.err.message);
    cr_assert_leq(limited.response->sequence, 20100);
    cr_assert_geq(limited.response->sequence, 10000);
    cr_assert_eq(strncmp(limited.response->id, "ipv4:127.0.0.1:", 15), 0, "%s",
                 limited.response->id);
    const struct gf_rpc_call_opts no_limit = {.timeout_ms = 0};
    RESULT unlimited = call_with(env.channel, method, &no_limit, &request.base);
    cr_assert_eq(unlimited.response->sequence, -1);
    gf_echo_env_stop(&env);
}

Test(rpc_call, metadata_beyond_the_limit_is_refused) {
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.metadata_bytes_max = 2000}, NULL, NULL);
    char value[1001];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    const struct gf_rpc_metadata metadata[] = {{"x-one", value}, {"x-two", value}};
    struct gf_rpc_call_opts opts = {
        .timeout_ms = TIMEOUT_MS, .metadata = metadata, .metadata_count = 2};
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT refused = call_with(env.channel, &gf_echo_methods[GF_ECHO_UNARY], &opts, &request.base);
    cr_assert_eq(refused.code, GF_RESOURCE_EXHAUSTED, "%s", refused.err.message);
    cr_assert_str_eq(refused.err.reason, "METADATA_TOO_LARGE");
    opts.metadata_count = 1;
    RESULT taken = call_with(env.channel, &gf_echo_methods[GF_ECHO_UNARY], &opts, &request.base);
    cr_assert_eq(taken.code, GF_OK, "%s", taken.err.message);
    gf_echo_env_stop(&env);
}

/* A handler whose calls are ended by another thread. */
struct held {
    struct gf_latch arrived;
    struct gf_latch cancelled;
    struct gf_latch done;
    struct gf_rpc_call *call;
    int cancelled_count;
    int done_count;
};

static void held_init(struct held *held) {
    *held = (struct held){.call = NULL};
    gf_latch_init(&held->arrived);
    gf_latch_init(&held->cancelled);
    gf_latch_init(&held->done);
}

static void held_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    struct held *held = ctx;
    held->call = call;
    gf_latch_open(&held->arrived);
}

static void held_cancelled(struct gf_rpc_call *call, void *ctx) {
    struct held *held = ctx;
    cr_assert_eq(call, held->call);
    held->cancelled_count++;
    gf_latch_open(&held->cancelled);
}

static void held_done(struct gf_rpc_call *call, void *ctx) {
    struct held *held = ctx;
    cr_assert_eq(call, held->call);
    held->done_count++;
    gf_latch_open(&held->done);
}

static const struct gf_rpc_handler held_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = held_start, .cancelled = held_cancelled, .done = held_done},
};

static void *reply_from_here(void *ctx) {
    struct held *held = ctx;
    gf_latch_wait(&held->arrived);
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.sequence = 42;
    gf_rpc_reply(held->call, &response.base);
    return NULL;
}

Test(rpc_call, another_thread_may_reply) {
    struct held held;
    held_init(&held);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, held_handlers, &held);
    pthread_t replier;
    gf_thread_start(&replier, "replier", reply_from_here, &held);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_OK, "%s", result.err.message);
    cr_assert_eq(result.response->sequence, 42);
    gf_thread_join(replier);
    gf_latch_wait(&held.done);
    gf_echo_env_stop(&env);
    cr_assert_eq(held.done_count, 1);
    cr_assert_eq(held.cancelled_count, 0);
}

Test(rpc_call, deadline_ends_the_clients_wait_and_tells_the_handler) {
    struct held held;
    held_init(&held);
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, held_handlers, &held);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 100};
    RESULT result = call_with(env.channel, &gf_echo_methods[GF_ECHO_UNARY], &opts, &request.base);
    cr_assert_eq(result.code, GF_DEADLINE_EXCEEDED, "%s", result.err.message);
    cr_assert_not_null(strstr(result.err.message, "100 ms"), "%s", result.err.message);
    gf_latch_wait(&held.cancelled);
    cr_assert(gf_rpc_is_cancelled(held.call));
    const gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    gf_rpc_reply(held.call, &response.base);
    gf_latch_wait(&held.done);
    gf_echo_env_stop(&env);
    cr_assert_eq(held.cancelled_count, 1);
    cr_assert_eq(held.done_count, 1);
}

/* An interceptor that lets in who knows the word. */
static enum gf_code check_word(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    int *count = ctx;
    (void)__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    if (strcmp(gf_rpc_call_method(call)->name, "Unary") != 0) {
        return GF_OK;
    }
    const struct gf_str word = gf_rpc_call_metadata(call, "x-word");
    if (!gf_str_eq(word, GF_STR("sesame"))) {
        return gf_fail_reason(err, GF_PERMISSION_DENIED, "WRONG_WORD", "that is not the word");
    }
    gf_rpc_call_set_principal(call, gf_arena_strdup(gf_rpc_call_arena(call), "ali baba"));
    return GF_OK;
}

static void reply_principal(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = gf_rpc_call_principal(call);
    gf_rpc_reply(call, &response.base);
}

Test(rpc_call, interceptor_refuses_or_names_the_caller) {
    int count = 0;
    const struct gf_rpc_server_opts server_opts = {.interceptor = check_word,
                                                   .interceptor_ctx = &count};
    struct gf_echo_env env;
    unary_env(&env, &server_opts, reply_principal, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT refused = call_unary(&env, &request);
    cr_assert_eq(refused.code, GF_PERMISSION_DENIED);
    cr_assert_str_eq(refused.err.reason, "WRONG_WORD");
    const struct gf_rpc_metadata word = {"x-word", "sesame"};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = TIMEOUT_MS, .metadata = &word, .metadata_count = 1};
    RESULT let_in = call_with(env.channel, &gf_echo_methods[GF_ECHO_UNARY], &opts, &request.base);
    cr_assert_eq(let_in.code, GF_OK, "%s", let_in.err.message);
    cr_assert_str_eq(let_in.response->id, "ali baba");
    gf_echo_env_stop(&env);
    cr_assert_eq(count, 2);
}

Test(rpc_call, interceptor_comes_before_the_answer_unimplemented) {
    static const struct gf_rpc_handler none[GF_ECHO_METHOD_COUNT];
    int count = 0;
    const struct gf_rpc_server_opts opts = {.interceptor = check_word, .interceptor_ctx = &count};
    struct gf_echo_env env;
    gf_echo_env_start(&env, &opts, none, NULL);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    RESULT result = call_unary(&env, &request);
    cr_assert_eq(result.code, GF_PERMISSION_DENIED);
    gf_echo_env_stop(&env);
}

Test(rpc_call, calls_beyond_the_limit_are_refused_and_the_others_go_on) {
    struct held held;
    held_init(&held);
    struct gf_echo_env env;
    gf_echo_env_start(&env, &(struct gf_rpc_server_opts){.calls_max = 1}, held_handlers, &held);
    /* The connection itself allows one call only: another one is needed for a second. */
    struct gf_rpc_channel *second = NULL;
    cr_assert_eq(gf_rpc_channel_create(env.target, NULL, &second, NULL), GF_OK);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    const struct gf_rpc_method as_stream = {.path = gf_echo_methods[GF_ECHO_UNARY].path,
                                            .name = "Unary",
                                            .kind = GF_RPC_SERVER_STREAM,
                                            .request = gf_echo_methods[0].request,
                                            .response = gf_echo_methods[0].response};
    struct gf_rpc_stream *first = NULL;
    cr_assert_eq(gf_rpc_stream_open(env.channel, &as_stream, NULL, &request.base, &first, NULL),
                 GF_OK);
    gf_latch_wait(&held.arrived);
    RESULT refused = call_with(second, &gf_echo_methods[GF_ECHO_UNARY], NULL, &request.base);
    cr_assert_eq(refused.code, GF_RESOURCE_EXHAUSTED, "%s", refused.err.message);
    cr_assert_str_eq(refused.err.reason, "TOO_MANY_CALLS");
    (void)reply_from_here(&held);
    struct gf_error err;
    cr_assert_eq(gf_rpc_stream_finish(first, &err), GF_OK, "%s", err.message);
    gf_rpc_stream_destroy(first);
    gf_rpc_channel_destroy(second);
    gf_echo_env_stop(&env);
}

/* Replies of a thread of its own, in bulk, to calls that pile up. */
struct bulk {
    struct gf_mutex mutex;
    struct gf_cond changed;
    GF_VEC(struct gf_rpc_call *) calls;
};

enum {
    BULK_CALLS = 1000
};

static void bulk_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    struct bulk *bulk = ctx;
    GF_MUTEX_GUARD(&bulk->mutex);
    gf_vec_push(&bulk->calls, call);
    gf_cond_signal(&bulk->changed);
}

static void bulk_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    (void)ctx;
}

/* Waits for all, so that all are in progress at once, then answers in the opposite order. */
static void *bulk_reply(void *ctx) {
    struct bulk *bulk = ctx;
    gf_mutex_lock(&bulk->mutex);
    while (bulk->calls.count < BULK_CALLS) {
        gf_cond_wait(&bulk->changed, &bulk->mutex);
    }
    gf_mutex_unlock(&bulk->mutex);
    while (bulk->calls.count > 0) {
        gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
        response.sequence = (int64_t)bulk->calls.count;
        gf_rpc_reply(gf_vec_pop(&bulk->calls), &response.base);
    }
    return NULL;
}

Test(rpc_call, a_thousand_calls_at_once) {
    struct bulk bulk = {.calls = {NULL}};
    gf_mutex_init(&bulk.mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&bulk.changed);
    const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_UNARY] = {.start = bulk_start, .cancelled = bulk_cancelled},
    };
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, handlers, &bulk);
    pthread_t replier;
    gf_thread_start(&replier, "replier", bulk_reply, &bulk);
    /* One thread holds them all: a stream's receive need not wait. */
    struct gf_rpc_method method = gf_echo_methods[GF_ECHO_UNARY];
    method.kind = GF_RPC_SERVER_STREAM;
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    struct gf_rpc_stream **streams = gf_calloc(BULK_CALLS, sizeof(*streams));
    for (size_t i = 0; i < BULK_CALLS; i++) {
        cr_assert_eq(
            gf_rpc_stream_open(env.channel, &method, NULL, &request.base, &streams[i], NULL),
            GF_OK);
    }
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    int64_t sum = 0;
    for (size_t i = 0; i < BULK_CALLS; i++) {
        ProtobufCMessage *message = NULL;
        struct gf_error err;
        cr_assert_eq(gf_rpc_stream_recv(streams[i], TIMEOUT_MS, &arena, &message, &err), GF_OK,
                     "%s", err.message);
        sum += ((const gf_echo_response *)message)->sequence;
        cr_assert_eq(gf_rpc_stream_finish(streams[i], &err), GF_OK, "%s", err.message);
        gf_rpc_stream_destroy(streams[i]);
    }
    cr_assert_eq(sum, (int64_t)BULK_CALLS * (BULK_CALLS + 1) / 2, "each is answered once");
    gf_thread_join(replier);
    gf_arena_fini(&arena);
    free(streams);
    gf_vec_fini(&bulk.calls);
    gf_echo_env_stop(&env);
}
