/* What stands between a carried call and its handler, and what the handler learns of the call. */
#include "api/rpc/testdata/carrier.h"
#include "base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    LONG_DELAY_MS = 60 * 1000, /* longer than any test */
};

/* What the hooks do, and what came of it. */
struct guard {
    bool refuse_all;
    bool secret;
    int64_t delay_ms;
    size_t request_bytes_max;
    const char *refused_id;
    atomic_int authorized;
    atomic_int started;
    atomic_int ended;
    const void *payload; /* where the decoded request of the last call was */
    const void *copied;  /* and what its handler had in the arena */
};

static enum gf_code intercept(struct gf_rpc_call *call, void *ctx, struct gf_error *err) {
    struct guard *guard = ctx;
    gf_rpc_call_limit_requests(call, guard->request_bytes_max);
    if (guard->secret) {
        gf_rpc_call_set_secret(call);
    }
    if (!guard->refuse_all) {
        return GF_OK;
    }
    gf_rpc_call_delay_refusal(call, guard->delay_ms);
    return gf_fail_reason(err, GF_UNAUTHENTICATED, "NOBODY", "nobody gets in");
}

static enum gf_code authorize(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx,
                              struct gf_error *err) {
    (void)call;
    struct guard *guard = ctx;
    atomic_fetch_add(&guard->authorized, 1);
    const char *id = ((const gf_echo_request *)request)->id;
    return guard->refused_id == NULL || strcmp(id, guard->refused_id) != 0
               ? GF_OK
               : gf_fail(err, GF_PERMISSION_DENIED, "not '%s'", id);
}

static void ended(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct guard *guard = ctx;
    atomic_fetch_add(&guard->ended, 1);
}

static void start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct guard *guard = ctx;
    atomic_fetch_add(&guard->started, 1);
    const gf_echo_request *echo = (const gf_echo_request *)request;
    guard->payload = echo->payload.data;
    guard->copied = gf_arena_memdup(gf_rpc_call_arena(call), echo->payload.data, echo->payload.len);
    gf_echo_handlers[gf_rpc_call_method(call) - gf_echo_methods].start(call, request, ctx);
}

/* Every method but Collect has a handler. */
static const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = start},
    [GF_ECHO_REPEAT] = {.start = start},
    [GF_ECHO_CHAT] = {.start = start},
};

struct rig {
    struct guard guard;
    struct gf_echo_env env;
    struct gf_echo_carrier carrier;
};

static void rig_start(struct rig *rig, struct gf_rpc_server_opts opts) {
    opts.interceptor = intercept;
    opts.authorizer = authorize;
    opts.ended = ended;
    opts.interceptor_ctx = &rig->guard;
    gf_echo_env_start(&rig->env, &opts, handlers, &rig->guard);
    gf_echo_carrier_init(&rig->carrier);
}

static void rig_stop(struct rig *rig) {
    cr_assert_eq(gf_rpc_server_call_count(rig->env.server), 0);
    gf_echo_env_stop(&rig->env);
    gf_echo_carrier_fini(&rig->carrier);
}

static struct gf_rpc_call *begin(struct rig *rig, enum gf_echo_method method) {
    return gf_echo_carry(rig->env.server, &rig->carrier, method);
}

/* The end, which is the next; the call is not released. */
static struct gf_rpc_carried_item end_of(struct gf_rpc_call *call, enum gf_code code) {
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_END);
    cr_assert_eq(item.code, code, "%s: %" GF_STR_FMT, gf_code_name(item.code),
                 GF_STR_ARG(item.status_message));
    return item;
}

static void finish(struct gf_rpc_call *call, enum gf_code code) {
    cr_assert_eq(end_of(call, code).delay_ms, 0);
    gf_rpc_carried_release(call);
}

/* ---- who gets in ---- */

Test(rpc_carried_guard, interceptor_refuses_before_the_request) {
    struct rig rig = {.guard = {.refuse_all = true, .delay_ms = LONG_DELAY_MS}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    cr_assert_not(gf_rpc_carried_wants_request(call));
    const struct gf_rpc_carried_item item = end_of(call, GF_UNAUTHENTICATED);
    cr_assert(gf_str_eq(item.status_message, GF_STR("nobody gets in")));
    cr_assert_neq(memmem(item.status_details.ptr, item.status_details.len, "NOBODY", 6), NULL);
    cr_assert_eq(item.delay_ms, LONG_DELAY_MS, "the carrier holds it back");
    cr_assert_eq(atomic_load(&rig.guard.ended), 0);
    gf_rpc_carried_release(call);
    cr_assert_eq(atomic_load(&rig.guard.ended), 1);
    cr_assert_eq(atomic_load(&rig.guard.started), 0);
    rig_stop(&rig);
}

Test(rpc_carried_guard, authorizer_refuses_before_the_handler) {
    struct rig rig = {.guard = {.refused_id = "bad"}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "bad", 0, 3);
    finish(call, GF_PERMISSION_DENIED);
    cr_assert_eq(atomic_load(&rig.guard.started), 0);
    call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "good", 0, 3);
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
    cr_assert_eq(atomic_load(&rig.guard.authorized), 2);
    cr_assert_eq(atomic_load(&rig.guard.ended), 2);
    rig_stop(&rig);
}

Test(rpc_carried_guard, no_more_refusals_are_held_than_the_limit) {
    static struct gf_rpc_call *calls[GF_RPC_HELD_REFUSALS_MAX];
    struct rig rig = {.guard = {.refuse_all = true, .delay_ms = LONG_DELAY_MS}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    for (size_t i = 0; i < GF_ARRAY_COUNT(calls); i++) {
        calls[i] = begin(&rig, GF_ECHO_UNARY);
        cr_assert_gt(end_of(calls[i], GF_UNAUTHENTICATED).delay_ms, 0);
    }
    finish(begin(&rig, GF_ECHO_UNARY), GF_UNAUTHENTICATED); /* at once */
    gf_rpc_carried_release(calls[0]);
    calls[0] = begin(&rig, GF_ECHO_UNARY);
    cr_assert_gt(end_of(calls[0], GF_UNAUTHENTICATED).delay_ms, 0, "there is room again");
    for (size_t i = 0; i < GF_ARRAY_COUNT(calls); i++) {
        gf_rpc_carried_release(calls[i]);
    }
    rig_stop(&rig);
}

Test(rpc_carried_guard, streams_of_requests_and_empty_slots_are_unimplemented) {
    struct rig rig = {.guard = {.secret = false}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_CHAT);
    cr_assert_not(gf_rpc_carried_wants_request(call));
    const struct gf_rpc_carried_item item = end_of(call, GF_UNIMPLEMENTED);
    cr_assert_neq(memmem(item.status_message.ptr, item.status_message.len, "gRPC only", 9), NULL);
    gf_rpc_carried_release(call);
    finish(begin(&rig, GF_ECHO_COLLECT), GF_UNIMPLEMENTED);
    cr_assert_eq(atomic_load(&rig.guard.started), 0);
    rig_stop(&rig);
}

/* ---- limits ---- */

Test(rpc_carried_guard, requests_have_the_smaller_of_both_limits) {
    struct rig rig = {.guard = {.request_bytes_max = 100}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1, .receive_bytes_max = 500});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    cr_assert_eq(gf_rpc_carried_request_bytes_max(call), 100);
    gf_echo_carry_request(call, "x", 101, 0);
    finish(call, GF_RESOURCE_EXHAUSTED);
    rig.guard.request_bytes_max = 0;
    call = begin(&rig, GF_ECHO_UNARY);
    cr_assert_eq(gf_rpc_carried_request_bytes_max(call), 500);
    gf_echo_carry_request(call, "x", 500, 0);
    finish(call, GF_RESOURCE_EXHAUSTED);
    call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 400, 0);
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
    rig_stop(&rig);
}

Test(rpc_carried_guard, requests_are_bounded_in_memory_too) {
    struct rig rig = {.guard = {.secret = false}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1, .decoded_bytes_max = 1000});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 2000, 0);
    finish(call, GF_RESOURCE_EXHAUSTED);
    rig_stop(&rig);
}

Test(rpc_carried_guard, what_is_no_request_ends_the_call) {
    struct rig rig = {.guard = {.secret = false}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_rpc_carried_request(call, GF_STR("\xff\xff\xff\xff"));
    finish(call, GF_INVALID_ARGUMENT);
    call = begin(&rig, GF_ECHO_UNARY);
    struct gf_error error;
    (void)gf_fail(&error, GF_DATA_LOSS, "cut off");
    gf_rpc_carried_refuse(call, &error);
    cr_assert_not(gf_rpc_carried_wants_request(call));
    finish(call, GF_DATA_LOSS);
    cr_assert_eq(atomic_load(&rig.guard.started), 0);
    rig_stop(&rig);
}

static enum gf_code call_by_grpc(struct rig *rig) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 30000};
    ProtobufCMessage *response = NULL;
    const enum gf_code code = gf_rpc_unary(rig->env.channel, &gf_echo_methods[GF_ECHO_UNARY], &opts,
                                           &request.base, &arena, &response, NULL);
    gf_arena_fini(&arena);
    return code;
}

/* A call by gRPC is counted a little longer than its client knows of it. */
static void await_call_count(const struct rig *rig, size_t count) {
    while (gf_rpc_server_call_count(rig->env.server) != count) {
        (void)nanosleep(&(struct timespec){.tv_nsec = GF_NS_PER_MS}, NULL);
    }
}

Test(rpc_carried_guard, calls_of_grpc_and_others_count_together) {
    struct rig rig = {.guard = {.secret = false}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1, .calls_max = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    cr_assert_eq(call_by_grpc(&rig), GF_RESOURCE_EXHAUSTED);
    await_call_count(&rig, 1);
    finish(begin(&rig, GF_ECHO_UNARY), GF_RESOURCE_EXHAUSTED);
    gf_echo_carry_request(call, "x", 0, 0);
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
    cr_assert_eq(call_by_grpc(&rig), GF_OK);
    await_call_count(&rig, 0);
    rig_stop(&rig);
}

/* Nobody but the carrier could end and release what it has begun. */
Test(rpc_carried_guard, server_does_not_stop_under_a_carrier, .signal = SIGABRT) {
    struct rig rig = {.guard = {.secret = false}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 0, 0);
    gf_rpc_server_stop(rig.env.server, 0);
}

/* ---- what the handler learns ---- */

static void reply_facts(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    cr_assert_str_eq(gf_rpc_call_peer(call), "ipv4:127.0.0.1:4711");
    cr_assert_eq(gf_rpc_call_transport(call), GF_RPC_TRANSPORT_GRPC_WEB);
    cr_assert_eq(gf_rpc_call_deadline(call), INT64_C(1234567890));
    cr_assert(gf_str_eq(gf_rpc_call_metadata(call, "x-blob-bin"), GF_STR("\x01\xff")));
    cr_assert(gf_str_eq(gf_rpc_call_metadata(call, "x-twice"), GF_STR("one")));
    cr_assert(gf_str_eq(gf_rpc_call_metadata_at(call, "x-twice", 1), GF_STR("two")));
    cr_assert_null(gf_rpc_call_metadata_at(call, "x-twice", 2).ptr);
    cr_assert_eq(gf_rpc_call_metadata(call, "x-empty").len, 0);
    cr_assert_not_null(gf_rpc_call_metadata(call, "x-empty").ptr);
    cr_assert_null(gf_rpc_call_metadata(call, "x-absent").ptr);
    gf_rpc_pause_reading(call); /* there is nothing to read: no harm */
    gf_rpc_resume_reading(call);
    const gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    gf_rpc_reply(call, &response.base);
}

Test(rpc_carried_guard, handler_learns_what_the_carrier_says) {
    struct gf_echo_env env;
    struct gf_echo_carrier carrier;
    const struct gf_rpc_handler facts[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_UNARY] = {.start = reply_facts}};
    gf_echo_env_start(&env, NULL, facts, NULL);
    gf_echo_carrier_init(&carrier);
    const struct gf_rpc_header metadata[] = {{GF_STR("x-twice"), GF_STR("one")},
                                             {GF_STR("x-blob-bin"), GF_STR("\x01\xff")},
                                             {GF_STR("x-empty"), GF_STR("")},
                                             {GF_STR("x-twice"), GF_STR("two")}};
    struct gf_rpc_arrival arrival = gf_echo_arrival(&carrier, GF_ECHO_UNARY);
    arrival.transport = GF_RPC_TRANSPORT_GRPC_WEB;
    arrival.deadline_ns = 1234567890; /* long ago: that is the carrier's matter */
    arrival.metadata = metadata;
    arrival.metadata_count = GF_ARRAY_COUNT(metadata);
    struct gf_rpc_call *call = gf_rpc_carried_begin(env.server, &arrival);
    gf_echo_carry_request(call, "x", 0, 0);
    cr_assert_eq(gf_echo_carry_finish(&carrier, call), GF_OK);
    gf_echo_env_stop(&env);
    gf_echo_carrier_fini(&carrier);
}

Test(rpc_carried_guard, metadata_beyond_the_limit_is_refused) {
    struct rig rig = {.guard = {.secret = false}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1, .metadata_bytes_max = 100});
    char value[96];
    memset(value, 'v', sizeof(value));
    const struct gf_rpc_header metadata[] = {{GF_STR("x-long"), {value, sizeof(value)}}};
    struct gf_rpc_arrival arrival = gf_echo_arrival(&rig.carrier, GF_ECHO_UNARY);
    arrival.metadata = metadata;
    arrival.metadata_count = 1;
    finish(gf_rpc_carried_begin(rig.env.server, &arrival), GF_RESOURCE_EXHAUSTED);
    cr_assert_eq(atomic_load(&rig.guard.ended), 0, "nobody was asked");
    rig_stop(&rig);
}

/* ---- secrets ---- */

enum {
    SECRET_BYTES = 2000,
    /* Where what the heap writes into free memory has no place any more. */
    LOOKED_AT = 1000,
};

/* Whether memory that was freed is zero, without touching it as a pointer. */
static bool is_wiped(const void *place) {
    const int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    char bytes[256];
    const off_t offset = (off_t)(uintptr_t)place + LOOKED_AT;
    cr_assert_eq(pread(fd, bytes, sizeof(bytes), offset), (ssize_t)sizeof(bytes));
    (void)close(fd);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (bytes[i] == 'x') {
            return false;
        }
    }
    return true;
}

Test(rpc_carried_guard, secrets_are_wiped) {
    struct rig rig = {.guard = {.secret = true}};
    rig_start(&rig, (struct gf_rpc_server_opts){.thread_count = 1});
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    cr_assert(gf_rpc_carried_is_secret(call));
    gf_echo_carry_request(call, "x", SECRET_BYTES, 0);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    const char *answer = item.message.ptr;
    cr_assert_not(is_wiped(answer));
    cr_assert_not(is_wiped(rig.guard.payload));
    cr_assert_not(is_wiped(rig.guard.copied));
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
    cr_assert(is_wiped(answer));
    cr_assert(is_wiped(rig.guard.payload));
    cr_assert(is_wiped(rig.guard.copied));
    rig_stop(&rig);
}
