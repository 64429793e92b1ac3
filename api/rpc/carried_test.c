/* Calls that the test carries itself, as a gateway does. */
#include "api/codec/wire/wire.h"
#include "api/rpc/carried.h"
#include "api/rpc/testdata/carrier.h"
#include "base/sync.h"

#include <stdatomic.h>
#include <string.h>

#include <criterion/criterion.h>

/* A server with the echo service, or with handlers of the test's own, and what carries calls to it.
 */
struct rig {
    struct gf_echo_env env;
    struct gf_echo_carrier carrier;
};

static void rig_start(struct rig *rig, const struct gf_rpc_server_opts *opts,
                      const struct gf_rpc_handler *handlers, void *ctx) {
    gf_echo_env_start(&rig->env, opts, handlers, ctx);
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

/* The sequence of an answer, whose id must be as given. */
static int64_t answer_sequence(const struct gf_rpc_carried_item *item, const char *id) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    ProtobufCMessage *message = NULL;
    cr_assert_eq(gf_wire_decode(gf_echo_methods[0].response, (const uint8_t *)item->message.ptr,
                                item->message.len, &arena, &message, NULL),
                 GF_OK);
    const gf_echo_response *response = (const gf_echo_response *)message;
    cr_assert_str_eq(response->id, id);
    const int64_t sequence = response->sequence;
    gf_arena_fini(&arena);
    return sequence;
}

/* Takes the end, which must be the next, and releases the call. Gives its delay. */
static int64_t finish(struct gf_rpc_call *call, enum gf_code code, const char *message) {
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_END);
    cr_assert_eq(item.code, code, "%s", gf_code_name(item.code));
    cr_assert(gf_str_eq(item.status_message, gf_str_from(message)), "%" GF_STR_FMT,
              GF_STR_ARG(item.status_message));
    cr_assert_eq(item.status_details.len > 0, code != GF_OK);
    gf_rpc_carried_release(call);
    return item.delay_ms;
}

/* ---- calls that go well ---- */

Test(rpc_carried, unary_call_gives_its_message_and_the_end) {
    struct rig rig;
    rig_start(&rig, NULL, NULL, NULL);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    cr_assert(gf_rpc_carried_wants_request(call));
    cr_assert_eq(gf_rpc_server_call_count(rig.env.server), 1);
    gf_echo_carry_request(call, "one", 100, 0);
    cr_assert_not(gf_rpc_carried_wants_request(call));
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cr_assert_eq(answer_sequence(&item, "one"), 0);
    finish(call, GF_OK, "");
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 0, "nobody waited");
    rig_stop(&rig);
}

Test(rpc_carried, stream_gives_its_messages_in_order) {
    struct rig rig;
    rig_start(&rig, NULL, NULL, NULL);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "many", 10, 50);
    struct gf_rpc_carried_item item;
    for (int64_t i = 0; i < 50; i++) {
        cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
        cr_assert_eq(answer_sequence(&item, "many"), i);
    }
    finish(call, GF_OK, "");
    rig_stop(&rig);
}

Test(rpc_carried, writable_comes_within_take_when_there_is_room) {
    struct rig rig;
    const struct gf_rpc_server_opts opts = {.send_queue_bytes_max = 4096};
    rig_start(&rig, &opts, NULL, NULL);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "flow", 1000, 200); /* far beyond the queue */
    struct gf_rpc_carried_item item;
    for (int64_t i = 0; i < 200; i++) {
        cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
        cr_assert_eq(answer_sequence(&item, "flow"), i);
    }
    finish(call, GF_OK, "");
    rig_stop(&rig);
}

Test(rpc_carried, methods_are_found_by_their_paths) {
    struct rig rig;
    rig_start(&rig, NULL, NULL, NULL);
    cr_assert_eq(gf_rpc_server_method(rig.env.server, GF_STR("/gofer.testing.Echo/Repeat")),
                 &gf_echo_methods[GF_ECHO_REPEAT]);
    cr_assert_null(gf_rpc_server_method(rig.env.server, GF_STR("/gofer.testing.Echo/Nothing")));
    cr_assert_null(gf_rpc_server_method(rig.env.server, GF_STR("")));
    rig_stop(&rig);
}

/* ---- handlers that answer later, from other threads ---- */

struct later {
    struct gf_rpc_call *call;
    atomic_int started;
    atomic_int cancelled;
    atomic_int done;
};

static void later_start(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    (void)message;
    struct later *later = ctx;
    later->call = call;
    atomic_fetch_add(&later->started, 1);
}

static void later_cancelled(struct gf_rpc_call *call, void *ctx) {
    struct later *later = ctx;
    cr_assert(gf_rpc_is_cancelled(call));
    atomic_fetch_add(&later->cancelled, 1);
}

static void later_done(struct gf_rpc_call *call, void *ctx) {
    (void)call;
    struct later *later = ctx;
    atomic_fetch_add(&later->done, 1);
}

#define LATER                                                                                      \
    { .start = later_start, .cancelled = later_cancelled, .done = later_done }

static const struct gf_rpc_handler later_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = LATER,
    [GF_ECHO_REPEAT] = LATER,
};

static void *reply_from_thread(void *ctx) {
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    static char id[] = "later";
    response.id = id;
    gf_rpc_reply(ctx, &response.base);
    return NULL;
}

static void run_thread(void *(*fn)(void *ctx), void *ctx) {
    pthread_t thread;
    gf_thread_start(&thread, "handler", fn, ctx);
    gf_thread_join(thread);
}

Test(rpc_carried, reply_of_another_thread_wakes_once) {
    struct rig rig;
    struct later later = {.call = NULL};
    rig_start(&rig, NULL, later_handlers, &later);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 0, 0);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_NOTHING);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 0);
    run_thread(reply_from_thread, later.call);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 1);
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cr_assert_eq(answer_sequence(&item, "later"), 0);
    cr_assert_eq(atomic_load(&later.done), 0);
    finish(call, GF_OK, "");
    cr_assert_eq(atomic_load(&later.done), 1);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 1);
    rig_stop(&rig);
}

static void *send_two(void *ctx) {
    const gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    cr_assert_eq(gf_rpc_send(ctx, &response.base, NULL), GF_OK);
    cr_assert_eq(gf_rpc_send(ctx, &response.base, NULL), GF_OK);
    return NULL;
}

static void *finish_from_thread(void *ctx) {
    gf_rpc_finish(ctx);
    return NULL;
}

Test(rpc_carried, wake_comes_once_after_each_take_that_gave_nothing) {
    struct rig rig;
    struct later later = {.call = NULL};
    rig_start(&rig, NULL, later_handlers, &later);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "x", 0, 0);
    struct gf_rpc_carried_item item;
    run_thread(send_two, call);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 0, "nothing was looked for");
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_NOTHING);
    run_thread(send_two, call);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 1, "not for the second");
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_NOTHING);
    run_thread(finish_from_thread, call);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 2);
    finish(call, GF_OK, "");
    rig_stop(&rig);
}

/* ---- cancellation ---- */

static struct gf_error gone(void) {
    struct gf_error error;
    (void)gf_fail(&error, GF_CANCELLED, "the client is gone");
    return error;
}

static void cancel(struct gf_rpc_call *call) {
    const struct gf_error error = gone();
    gf_rpc_carried_cancel(call, &error);
}

Test(rpc_carried, cancelled_before_its_request) {
    struct rig rig;
    struct later later = {.call = NULL};
    rig_start(&rig, NULL, later_handlers, &later);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    cancel(call);
    cr_assert_not(gf_rpc_carried_wants_request(call));
    finish(call, GF_CANCELLED, "the client is gone");
    cr_assert_eq(atomic_load(&later.started), 0);
    cr_assert_eq(atomic_load(&later.done), 0);
    rig_stop(&rig);
}

Test(rpc_carried, cancelled_call_ends_when_its_handler_says_so) {
    struct rig rig;
    struct later later = {.call = NULL};
    rig_start(&rig, NULL, later_handlers, &later);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 0, 0);
    cancel(call);
    cancel(call); /* tells nobody twice */
    cr_assert_eq(atomic_load(&later.cancelled), 1);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_NOTHING);
    run_thread(reply_from_thread, later.call);
    gf_echo_carrier_await(&rig.carrier);
    finish(call, GF_CANCELLED, "the client is gone"); /* and no message */
    cr_assert_eq(atomic_load(&later.done), 1);
    rig_stop(&rig);
}

Test(rpc_carried, cancelled_stream_gives_no_more_messages) {
    struct rig rig;
    const struct gf_rpc_server_opts opts = {.send_queue_bytes_max = 4096};
    rig_start(&rig, &opts, NULL, NULL);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "x", 1000, 100);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cancel(call);
    finish(call, GF_CANCELLED, "the client is gone");
    rig_stop(&rig);
}

static void fail_when_cancelled(struct gf_rpc_call *call, void *ctx) {
    later_cancelled(call, ctx);
    struct gf_error error;
    (void)gf_fail(&error, GF_ABORTED, "of the handler");
    gf_rpc_fail(call, &error);
}

Test(rpc_carried, handler_that_ends_within_cancelled_wakes_who_waits) {
    static const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
        [GF_ECHO_UNARY] = {.start = later_start,
                           .cancelled = fail_when_cancelled,
                           .done = later_done},
    };
    struct rig rig;
    struct later later = {.call = NULL};
    rig_start(&rig, NULL, handlers, &later);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 0, 0);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_NOTHING);
    cancel(call);
    cr_assert_eq(gf_echo_carrier_wakes(&rig.carrier), 1);
    finish(call, GF_CANCELLED, "the client is gone"); /* whatever the handler says */
    cr_assert_eq(atomic_load(&later.cancelled), 1);
    cr_assert_eq(atomic_load(&later.done), 1);
    rig_stop(&rig);
}

Test(rpc_carried, ended_stream_that_is_cut_short_does_not_look_whole) {
    struct rig rig;
    rig_start(&rig, NULL, NULL, NULL);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_REPEAT);
    gf_echo_carry_request(call, "x", 10, 3);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    struct gf_error late;
    (void)gf_fail(&late, GF_DEADLINE_EXCEEDED, "too late");
    gf_rpc_carried_cancel(call, &late);
    finish(call, GF_DEADLINE_EXCEEDED, "too late");
    rig_stop(&rig);
}

Test(rpc_carried, cancel_behind_the_last_message_changes_nothing) {
    struct rig rig;
    rig_start(&rig, NULL, NULL, NULL);
    struct gf_rpc_call *call = begin(&rig, GF_ECHO_UNARY);
    gf_echo_carry_request(call, "x", 10, 0);
    struct gf_rpc_carried_item item;
    cr_assert_eq(gf_rpc_carried_take(call, &item), GF_RPC_CARRIED_MESSAGE);
    cancel(call);
    finish(call, GF_OK, "");
    rig_stop(&rig);
}
