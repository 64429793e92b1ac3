/* What stands between a call and its handler: interceptor, authorizer, refusals that are held. */
#include "api/rpc/testdata/echo_service.h"
#include "base/clock.h"
#include "base/sync.h"

#include <stdatomic.h>
#include <time.h>

#include <criterion/criterion.h>

enum {
    TIMEOUT_MS = 30000,
    LONG_DELAY_MS = 60000, /* longer than any test */
};

/* What the hooks do, and what came of it. */
struct guard {
    int64_t delay_ms;
    bool refuse_all;
    size_t request_bytes_max;
    const char *refused_id;
    atomic_int intercepted;
    atomic_int authorized;
    atomic_int started;
    atomic_int cancelled;
    atomic_int done;
    atomic_int ended;
    struct gf_latch all_ended;
    int ended_wanted;
};

static enum gf_code intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    struct guard *guard = ctx;
    atomic_fetch_add(&guard->intercepted, 1);
    gf_rpc_call_set_principal(call, guard);
    if (guard->request_bytes_max > 0) {
        gf_rpc_call_limit_requests(call, guard->request_bytes_max);
    }
    if (!guard->refuse_all) {
        return GF_OK;
    }
    gf_rpc_call_delay_refusal(call, guard->delay_ms);
    return gf_fail(err, GF_UNAUTHENTICATED, "nobody gets in");
}

static enum gf_code authorize(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx,
                              struct gf_error *err) {
    struct guard *guard = ctx;
    cr_assert_eq(gf_rpc_call_principal(call), guard);
    atomic_fetch_add(&guard->authorized, 1);
    const gf_echo_request *echo = (const gf_echo_request *)request;
    if (guard->refused_id == NULL || strcmp(echo->id, guard->refused_id) != 0) {
        return GF_OK;
    }
    gf_rpc_call_delay_refusal(call, guard->delay_ms);
    return gf_fail_reason(err, GF_PERMISSION_DENIED, "NOT_THIS", "not '%s'", echo->id);
}

static void ended(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct guard *guard = ctx;
    if (atomic_fetch_add(&guard->ended, 1) + 1 == guard->ended_wanted) {
        gf_latch_open(&guard->all_ended);
    }
}

/* ---- handlers that count ---- */

static void count_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct guard *guard = ctx;
    atomic_fetch_add(&guard->started, 1);
    gf_echo_handlers[gf_rpc_call_method(call) - gf_echo_methods].start(call, request, ctx);
}

static void count_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    gf_echo_handlers[gf_rpc_call_method(call) - gf_echo_methods].message(call, message, ctx);
}

static void count_cancelled(struct gf_rpc_call *call, void *ctx) {
    struct guard *guard = ctx;
    cr_assert_eq(atomic_load(&guard->done), 0);
    atomic_fetch_add(&guard->cancelled, 1);
    const struct gf_error error = {.code = GF_ABORTED, .message = "of the handler"};
    gf_rpc_fail(call, &error);
}

static void count_done(struct gf_rpc_call *call, void *ctx) {
    struct guard *guard = ctx;
    cr_assert_lt(atomic_load(&guard->ended), atomic_load(&guard->intercepted), "it comes later");
    atomic_fetch_add(&guard->done, 1);
    const struct gf_rpc_handler *echo =
        &gf_echo_handlers[gf_rpc_call_method(call) - gf_echo_methods];
    if (echo->done != NULL) {
        echo->done(call, ctx);
    }
}

#define COUNTED                                                                                    \
    {                                                                                              \
        .start = count_start, .message = count_message, .cancelled = count_cancelled,              \
        .done = count_done                                                                         \
    }

static const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = count_start, .done = count_done},
    [GF_ECHO_COLLECT] = COUNTED,
    [GF_ECHO_REPEAT] = {.start = count_start, .done = count_done},
    [GF_ECHO_CHAT] = COUNTED,
};

static void start_guarded(struct gf_echo_env *env, struct guard *guard, size_t thread_count) {
    gf_latch_init(&guard->all_ended);
    const struct gf_rpc_server_opts opts = {
        .thread_count = thread_count,
        .interceptor = intercept,
        .authorizer = authorize,
        .ended = ended,
        .interceptor_ctx = guard,
    };
    gf_echo_env_start(env, &opts, handlers, guard);
}

static void stop_guarded(struct gf_echo_env *env, struct guard *guard) {
    gf_echo_env_stop(env);
    cr_assert_eq(atomic_load(&guard->intercepted), atomic_load(&guard->ended));
    gf_latch_fini(&guard->all_ended);
}

/* ---- clients ---- */

static enum gf_code call_unary(const struct gf_echo_env *env, const char *id,
                               struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id;
    const struct gf_rpc_call_opts opts = {.timeout_ms = TIMEOUT_MS};
    ProtobufCMessage *response = NULL;
    const enum gf_code code = gf_rpc_unary(env->channel, &gf_echo_methods[GF_ECHO_UNARY], &opts,
                                           &request.base, &arena, &response, err);
    gf_arena_fini(&arena);
    return code;
}

static struct gf_rpc_stream *open_stream(const struct gf_echo_env *env, enum gf_echo_method method,
                                         const char *id) {
    gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id;
    const struct gf_rpc_call_opts opts = {.timeout_ms = TIMEOUT_MS};
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(gf_rpc_stream_open(env->channel, &gf_echo_methods[method], &opts,
                                    method == GF_ECHO_REPEAT ? &request.base : NULL, &stream, NULL),
                 GF_OK);
    return stream;
}

static void send(struct gf_rpc_stream *stream, const char *id) {
    gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id;
    cr_assert_eq(gf_rpc_stream_send(stream, &request.base, NULL), GF_OK);
}

/* ---- the authorizer ---- */

Test(rpc_guard, unary_request_is_refused_before_the_handler) {
    struct gf_echo_env env;
    struct guard guard = {.refused_id = "bad", .ended_wanted = 2};
    start_guarded(&env, &guard, 0);
    struct gf_error err;
    cr_assert_eq(call_unary(&env, "bad", &err), GF_PERMISSION_DENIED);
    cr_assert_str_eq(err.message, "not 'bad'");
    cr_assert_str_eq(err.reason, "NOT_THIS");
    cr_assert_eq(atomic_load(&guard.started), 0);
    cr_assert_eq(atomic_load(&guard.done), 0);
    stop_guarded(&env, &guard);
}

Test(rpc_guard, unary_request_is_let_through) {
    struct gf_echo_env env;
    struct guard guard = {.refused_id = "bad"};
    start_guarded(&env, &guard, 0);
    cr_assert_eq(call_unary(&env, "good", NULL), GF_OK);
    stop_guarded(&env, &guard);
    cr_assert_eq(atomic_load(&guard.authorized), 1);
    cr_assert_eq(atomic_load(&guard.started), 1);
    cr_assert_eq(atomic_load(&guard.done), 1);
}

Test(rpc_guard, server_stream_is_refused_before_the_handler) {
    struct gf_echo_env env;
    struct guard guard = {.refused_id = "bad"};
    start_guarded(&env, &guard, 0);
    struct gf_rpc_stream *stream = open_stream(&env, GF_ECHO_REPEAT, "bad");
    cr_assert_eq(gf_rpc_stream_finish(stream, NULL), GF_PERMISSION_DENIED);
    gf_rpc_stream_destroy(stream);
    stop_guarded(&env, &guard);
    cr_assert_eq(atomic_load(&guard.started), 0);
}

/* An id of n bytes makes a request of n + 2. */
Test(rpc_guard, request_beyond_the_limit_of_its_call_is_refused_undecoded) {
    struct gf_echo_env env;
    struct guard guard = {.request_bytes_max = 10};
    start_guarded(&env, &guard, 0);
    struct gf_error err;
    cr_assert_eq(call_unary(&env, "12345678", &err), GF_OK, "%s", err.message);
    cr_assert_eq(call_unary(&env, "123456789", &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.reason, "REQUEST_TOO_LARGE");
    stop_guarded(&env, &guard);
    cr_assert_eq(atomic_load(&guard.authorized), 1);
    cr_assert_eq(atomic_load(&guard.started), 1);
}

Test(rpc_guard, message_beyond_the_limit_of_its_stream_ends_it) {
    struct gf_echo_env env;
    struct guard guard = {.request_bytes_max = 10};
    start_guarded(&env, &guard, 0);
    struct gf_rpc_stream *stream = open_stream(&env, GF_ECHO_COLLECT, NULL);
    send(stream, "12345678");
    send(stream, "123456789");
    struct gf_error err;
    cr_assert_eq(gf_rpc_stream_finish(stream, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_str_eq(err.reason, "REQUEST_TOO_LARGE");
    gf_rpc_stream_destroy(stream);
    stop_guarded(&env, &guard);
    cr_assert_eq(atomic_load(&guard.authorized), 1);
    cr_assert_eq(atomic_load(&guard.cancelled), 1);
}

/* A stream whose second message is refused, from its start. */
static void refuse_second_message(enum gf_echo_method method) {
    struct gf_echo_env env;
    struct guard guard = {.refused_id = "bad"};
    start_guarded(&env, &guard, 0);
    struct gf_rpc_stream *stream = open_stream(&env, method, NULL);
    send(stream, "good");
    send(stream, "bad");
    struct gf_error err;
    cr_assert_eq(gf_rpc_stream_finish(stream, &err), GF_PERMISSION_DENIED);
    cr_assert_str_eq(err.message, "not 'bad'", "the handler's own error does not hide it");
    gf_rpc_stream_destroy(stream);
    stop_guarded(&env, &guard);
    cr_assert_eq(atomic_load(&guard.authorized), 2);
    cr_assert_eq(atomic_load(&guard.started), 1);
    cr_assert_eq(atomic_load(&guard.cancelled), 1);
    cr_assert_eq(atomic_load(&guard.done), 1);
}

Test(rpc_guard, later_message_of_a_bidi_stream_ends_it) {
    refuse_second_message(GF_ECHO_CHAT);
}

Test(rpc_guard, later_message_of_a_client_stream_ends_it) {
    refuse_second_message(GF_ECHO_COLLECT);
}

/* ---- refusals that are held back ---- */

Test(rpc_guard, refusal_is_held_back_and_no_thread_waits) {
    struct gf_echo_env env;
    struct guard guard = {.refused_id = "bad", .delay_ms = 300};
    start_guarded(&env, &guard, 1);
    const int64_t start_ns = gf_mono_ns();
    struct gf_rpc_stream *held = open_stream(&env, GF_ECHO_REPEAT, "bad");
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(call_unary(&env, "good", NULL), GF_OK);
    }
    cr_assert_lt(gf_mono_ns() - start_ns, 300 * GF_NS_PER_MS, "the one thread was free");
    cr_assert_eq(gf_rpc_stream_finish(held, NULL), GF_PERMISSION_DENIED);
    cr_assert_geq(gf_mono_ns() - start_ns, 300 * GF_NS_PER_MS);
    gf_rpc_stream_destroy(held);
    gf_echo_env_stop(&env);
}

Test(rpc_guard, unary_refusal_of_the_interceptor_is_held_back) {
    struct gf_echo_env env;
    struct guard guard = {.refuse_all = true, .delay_ms = 100};
    start_guarded(&env, &guard, 0);
    const int64_t start_ns = gf_mono_ns();
    struct gf_error err;
    cr_assert_eq(call_unary(&env, "x", &err), GF_UNAUTHENTICATED);
    cr_assert_str_eq(err.message, "nobody gets in");
    cr_assert_geq(gf_mono_ns() - start_ns, 100 * GF_NS_PER_MS);
    stop_guarded(&env, &guard);
}

Test(rpc_guard, stop_lets_go_of_held_refusals) {
    struct gf_echo_env env;
    struct guard guard = {.refuse_all = true, .delay_ms = LONG_DELAY_MS};
    start_guarded(&env, &guard, 0);
    struct gf_rpc_stream *streams[5];
    for (size_t i = 0; i < GF_ARRAY_COUNT(streams); i++) {
        streams[i] = open_stream(&env, GF_ECHO_REPEAT, "x");
    }
    while (atomic_load(&guard.intercepted) < (int)GF_ARRAY_COUNT(streams)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = GF_NS_PER_MS}, NULL);
    }
    const int64_t start_ns = gf_mono_ns();
    gf_rpc_server_stop(env.server, LONG_DELAY_MS);
    cr_assert_lt(gf_mono_ns() - start_ns, LONG_DELAY_MS / 2 * GF_NS_PER_MS);
    for (size_t i = 0; i < GF_ARRAY_COUNT(streams); i++) {
        cr_assert_eq(gf_rpc_stream_finish(streams[i], NULL), GF_UNAUTHENTICATED);
        gf_rpc_stream_destroy(streams[i]);
    }
    stop_guarded(&env, &guard);
}

Test(rpc_guard, client_that_goes_away_ends_a_held_refusal) {
    struct gf_echo_env env;
    struct guard guard = {.refuse_all = true, .delay_ms = LONG_DELAY_MS, .ended_wanted = 1};
    start_guarded(&env, &guard, 0);
    struct gf_rpc_stream *stream = open_stream(&env, GF_ECHO_REPEAT, "x");
    while (atomic_load(&guard.intercepted) == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = GF_NS_PER_MS}, NULL);
    }
    gf_rpc_stream_destroy(stream);
    cr_assert(gf_latch_wait_until(&guard.all_ended, gf_mono_ns() + TIMEOUT_MS * GF_NS_PER_MS));
    stop_guarded(&env, &guard);
}

Test(rpc_guard, more_refusals_than_are_held_leave_at_once) {
    struct gf_echo_env env;
    struct guard guard = {.refuse_all = true, .delay_ms = LONG_DELAY_MS};
    start_guarded(&env, &guard, 1);
    static struct gf_rpc_stream *streams[GF_RPC_HELD_REFUSALS_MAX];
    for (size_t i = 0; i < GF_ARRAY_COUNT(streams); i++) {
        streams[i] = open_stream(&env, GF_ECHO_REPEAT, "x");
    }
    while (atomic_load(&guard.intercepted) < GF_RPC_HELD_REFUSALS_MAX) {
        (void)nanosleep(&(struct timespec){.tv_nsec = GF_NS_PER_MS}, NULL);
    }
    cr_assert_eq(call_unary(&env, "x", NULL), GF_UNAUTHENTICATED, "not DEADLINE_EXCEEDED");
    for (size_t i = 0; i < GF_ARRAY_COUNT(streams); i++) {
        gf_rpc_stream_destroy(streams[i]);
    }
    stop_guarded(&env, &guard);
}
