/* Request ids, figures, and the line of the log for each call. */
#include "api/rpc/testdata/carrier.h"
#include "base/log.h"
#include "base/request_name.h"

#include <pthread.h>
#include <string.h>

#include <criterion/criterion.h>

/* ---- the log ---- */

static struct {
    pthread_mutex_t mutex;
    char text[16 * 1024];
    size_t length;
} lines = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void keep_line(void *ctx, struct gf_str line) {
    (void)ctx;
    (void)pthread_mutex_lock(&lines.mutex);
    if (line.len < sizeof(lines.text) - lines.length) {
        memcpy(lines.text + lines.length, line.ptr, line.len);
        lines.length += line.len;
    }
    (void)pthread_mutex_unlock(&lines.mutex);
}

static bool logged(const char *text) {
    (void)pthread_mutex_lock(&lines.mutex);
    const bool found = memmem(lines.text, lines.length, text, strlen(text)) != NULL;
    (void)pthread_mutex_unlock(&lines.mutex);
    return found;
}

/* ---- a server, and calls to it ---- */

struct rig {
    struct gf_echo_env env;
    struct gf_echo_carrier carrier;
};

static void rig_start(struct rig *rig, const struct gf_rpc_handler *handlers) {
    gf_echo_env_start(&rig->env, NULL, handlers, NULL);
    gf_echo_carrier_init(&rig->carrier);
}

static void rig_stop(struct rig *rig) {
    gf_echo_env_stop(&rig->env);
    gf_echo_carrier_fini(&rig->carrier);
}

/* Replies with the request id of the call as its own id. */
static void reply_request_id(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    gf_log_info("handled");
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    const struct gf_str id = gf_rpc_call_request_id(call);
    response.id = (char *)(uintptr_t)gf_arena_str(gf_rpc_call_arena(call), id).ptr;
    gf_rpc_reply(call, &response.base);
}

static void fail_internally(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    struct gf_error error;
    (void)gf_fail(&error, GF_INTERNAL, "it broke");
    gf_rpc_fail(call, &error);
}

static const struct gf_rpc_handler handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = reply_request_id},
    [GF_ECHO_REPEAT] = {.start = fail_internally},
};

/* The request id that a call by gRPC has got, with this in its metadata (NULL: none). In arena. */
static const char *id_by_grpc(struct rig *rig, const char *sent, struct gf_arena *arena) {
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    const struct gf_rpc_metadata metadata = {GF_RPC_REQUEST_ID_KEY, sent};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = 30000, .metadata = &metadata, .metadata_count = sent != NULL ? 1 : 0};
    ProtobufCMessage *response = NULL;
    cr_assert_eq(gf_rpc_unary(rig->env.channel, &gf_echo_methods[GF_ECHO_UNARY], &opts,
                              &request.base, arena, &response, NULL),
                 GF_OK);
    return ((const gf_echo_response *)response)->id;
}

static bool is_ours(const char *id) {
    return strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16;
}

Test(rpc_stats, fit_request_ids_are_kept_and_others_replaced) {
    struct rig rig;
    rig_start(&rig, handlers);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    static const char longest[] =
        "AZaz09._-AZaz09._-AZaz09._-AZaz09._-AZaz09._-AZaz09._-AZaz09._-1";
    cr_assert_eq(strlen(longest), GF_REQUEST_NAME_CHARS_MAX);
    cr_assert_str_eq(id_by_grpc(&rig, longest, &arena), longest);
    cr_assert_str_eq(id_by_grpc(&rig, "x", &arena), "x");
    cr_assert(is_ours(id_by_grpc(&rig, NULL, &arena)));
    cr_assert(is_ours(id_by_grpc(&rig, "", &arena)));
    cr_assert(is_ours(id_by_grpc(&rig, "with space", &arena)));
    cr_assert(is_ours(id_by_grpc(&rig, "a/b", &arena)));
    cr_assert(is_ours(id_by_grpc(
        &rig, "AZaz09._-AZaz09._-AZaz09._-AZaz09._-AZaz09._-AZaz09._-AZaz09._-12", &arena)));
    gf_arena_fini(&arena);
    rig_stop(&rig);
}

Test(rpc_stats, carried_calls_have_request_ids_of_their_own) {
    enum {
        CALLS = 500
    };
    static char ids[CALLS][17];
    struct rig rig;
    rig_start(&rig, NULL);
    for (size_t i = 0; i < CALLS; i++) {
        struct gf_rpc_arrival arrival = gf_echo_arrival(&rig.carrier, GF_ECHO_UNARY);
        arrival.transport = i % 2 == 0 ? GF_RPC_TRANSPORT_CONNECT : GF_RPC_TRANSPORT_GRPC_WEB;
        struct gf_rpc_call *call = gf_rpc_carried_begin(rig.env.server, &arrival);
        const struct gf_str id = gf_rpc_call_request_id(call);
        cr_assert_eq(id.len, 16);
        memcpy(ids[i], id.ptr, id.len);
        cr_assert(is_ours(ids[i]));
        gf_echo_carry_request(call, "x", 0, 0);
        cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
        for (size_t before = 0; before < i; before++) {
            cr_assert_str_neq(ids[before], ids[i]);
        }
    }
    rig_stop(&rig);
}

/* ---- figures ---- */

static struct gf_rpc_method_stats stats_of(const struct rig *rig, size_t index,
                                           enum gf_rpc_transport transport) {
    struct gf_rpc_method_stats stats;
    gf_rpc_server_method_stats(rig->env.server, index, transport, &stats);
    return stats;
}

Test(rpc_stats, calls_are_counted_by_method_transport_and_code) {
    struct rig rig;
    rig_start(&rig, NULL);
    cr_assert_eq(gf_rpc_server_method_count(rig.env.server), GF_ECHO_METHOD_COUNT + 1);
    cr_assert_eq(gf_rpc_server_method_at(rig.env.server, GF_ECHO_REPEAT),
                 &gf_echo_methods[GF_ECHO_REPEAT]);
    cr_assert_null(gf_rpc_server_method_at(rig.env.server, GF_ECHO_METHOD_COUNT));
    struct gf_rpc_call *call = gf_echo_carry(rig.env.server, &rig.carrier, GF_ECHO_REPEAT);
    struct gf_rpc_method_stats stats = stats_of(&rig, GF_ECHO_REPEAT, GF_RPC_TRANSPORT_CONNECT);
    cr_assert_eq(stats.begun, 1);
    cr_assert_eq(stats.ended[GF_OK], 0);
    gf_echo_carry_request(call, "abc", 100, 200); /* more than are counted at once */
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
    stats = stats_of(&rig, GF_ECHO_REPEAT, GF_RPC_TRANSPORT_CONNECT);
    cr_assert_eq(stats.begun, 1);
    cr_assert_eq(stats.ended[GF_OK], 1);
    cr_assert_eq(stats.received_messages, 1);
    cr_assert_geq(stats.received_bytes, 105);
    cr_assert_leq(stats.received_bytes, 125);
    cr_assert_eq(stats.sent_messages, 200);
    cr_assert_geq(stats.sent_bytes, 200 * 105);
    cr_assert_eq(stats.durations.count, 1);
    cr_assert_eq(stats_of(&rig, GF_ECHO_REPEAT, GF_RPC_TRANSPORT_GRPC_WEB).begun, 0);
    cr_assert_eq(stats_of(&rig, GF_ECHO_UNARY, GF_RPC_TRANSPORT_CONNECT).begun, 0);
    call = gf_echo_carry(rig.env.server, &rig.carrier, GF_ECHO_CHAT);
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_UNIMPLEMENTED);
    stats = stats_of(&rig, GF_ECHO_CHAT, GF_RPC_TRANSPORT_CONNECT);
    cr_assert_eq(stats.ended[GF_UNIMPLEMENTED], 1);
    cr_assert_eq(stats.ended[GF_OK], 0);
    rig_stop(&rig);
}

/* One of several servers of a process is asked for all of them, while they start. */
Test(rpc_stats, a_server_that_is_not_started_has_counted_nothing) {
    struct gf_rpc_server *server = NULL;
    cr_assert_eq(gf_rpc_server_create(NULL, &server, NULL), GF_OK);
    gf_rpc_server_add_service(server, &gf_echo_service, handlers, NULL);
    cr_assert_eq(gf_rpc_server_method_count(server), GF_ECHO_METHOD_COUNT + 1);
    struct gf_rpc_method_stats stats = {.begun = 1};
    gf_rpc_server_method_stats(server, 0, GF_RPC_TRANSPORT_CONNECT, &stats);
    cr_assert_eq(stats.begun, 0);
    gf_rpc_server_destroy(server);
}

Test(rpc_stats, calls_of_grpc_are_counted_on_all_workers) {
    enum {
        CALLS = 40
    };
    struct rig rig;
    rig_start(&rig, handlers);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    for (int i = 0; i < CALLS; i++) {
        (void)id_by_grpc(&rig, NULL, &arena);
    }
    struct gf_rpc_method unknown = gf_echo_methods[GF_ECHO_UNARY];
    unknown.path = "/gofer.testing.Echo/Nothing";
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    cr_assert_eq(
        gf_rpc_unary(rig.env.channel, &unknown, NULL, &request.base, &arena, &response, NULL),
        GF_UNIMPLEMENTED);
    gf_arena_fini(&arena);
    /* A call counts as ended after its client has heard of that. */
    gf_rpc_channel_destroy(rig.env.channel);
    rig.env.channel = NULL;
    gf_rpc_server_stop(rig.env.server, 30000);
    const struct gf_rpc_method_stats stats = stats_of(&rig, GF_ECHO_UNARY, GF_RPC_TRANSPORT_GRPC);
    cr_assert_eq(stats.begun, CALLS);
    cr_assert_eq(stats.ended[GF_OK], CALLS);
    cr_assert_eq(stats.received_messages, CALLS);
    cr_assert_eq(stats.sent_messages, CALLS);
    cr_assert_eq(stats.sent_bytes, CALLS * 18, "each is a tag, a length and an id");
    cr_assert_eq(stats.durations.count, CALLS);
    const struct gf_rpc_method_stats others =
        stats_of(&rig, GF_ECHO_METHOD_COUNT, GF_RPC_TRANSPORT_GRPC);
    cr_assert_eq(others.begun, 1);
    cr_assert_eq(others.ended[GF_UNIMPLEMENTED], 1);
    rig_stop(&rig);
}

Test(rpc_stats, server_tells_what_is_in_progress) {
    struct rig rig;
    rig_start(&rig, NULL);
    struct gf_rpc_call *call = gf_echo_carry(rig.env.server, &rig.carrier, GF_ECHO_UNARY);
    struct gf_rpc_server_stats stats;
    gf_rpc_server_stats(rig.env.server, &stats);
    cr_assert_eq(stats.calls_in_progress, 1);
    cr_assert_eq(stats.calls_max, GF_RPC_CALLS_MAX_DEFAULT);
    cr_assert_eq(stats.held_refusals, 0);
    const uint64_t taken = stats.connections_taken;
    gf_echo_carry_request(call, "x", 0, 0);
    cr_assert_eq(gf_echo_carry_finish(&rig.carrier, call), GF_OK);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    (void)id_by_grpc(&rig, NULL, &arena);
    gf_arena_fini(&arena);
    gf_rpc_server_stats(rig.env.server, &stats);
    cr_assert_eq(stats.connections_taken, taken + 1);
    rig_stop(&rig);
}

/* ---- lines ---- */

static void carry_named(struct rig *rig, enum gf_echo_method method, const char *id) {
    const struct gf_rpc_header metadata = {GF_STR(GF_RPC_REQUEST_ID_KEY), gf_str_from(id)};
    struct gf_rpc_arrival arrival = gf_echo_arrival(&rig->carrier, method);
    arrival.metadata = &metadata;
    arrival.metadata_count = 1;
    struct gf_rpc_call *call = gf_rpc_carried_begin(rig->env.server, &arrival);
    gf_echo_carry_request(call, "x", 0, 0);
    (void)gf_echo_carry_finish(&rig->carrier, call);
}

Test(rpc_stats, calls_have_a_line_each_when_wanted) {
    struct rig rig;
    rig_start(&rig, handlers);
    gf_log_set_sink(keep_line, NULL);
    carry_named(&rig, GF_ECHO_UNARY, "quiet-1");
    cr_assert_not(logged("call_ended"));
    gf_log_set_level(GF_LOG_DEBUG);
    carry_named(&rig, GF_ECHO_UNARY, "loud-1");
    cr_assert(logged("debug call_ended request=loud-1 method=/gofer.testing.Echo/Unary code=OK "
                     "duration_us="));
    cr_assert(logged("transport=connect peer=ipv4:127.0.0.1:4711 received_bytes=3 sent_bytes="));
    gf_log_set_sink(NULL, NULL);
    rig_stop(&rig);
}

Test(rpc_stats, faults_of_this_side_are_warnings) {
    struct rig rig;
    rig_start(&rig, handlers);
    gf_log_set_sink(keep_line, NULL);
    carry_named(&rig, GF_ECHO_REPEAT, "broken-1");
    cr_assert(logged("warn call_ended request=broken-1 method=/gofer.testing.Echo/Repeat "
                     "code=INTERNAL"));
    cr_assert(logged("error=\"it broke\""));
    gf_log_set_sink(NULL, NULL);
    rig_stop(&rig);
}

Test(rpc_stats, handlers_log_with_the_request_id) {
    struct rig rig;
    rig_start(&rig, handlers);
    gf_log_set_sink(keep_line, NULL);
    carry_named(&rig, GF_ECHO_UNARY, "carried-1");
    cr_assert(logged("handled request=carried-1"));
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    (void)id_by_grpc(&rig, "by-grpc-1", &arena);
    cr_assert(logged("handled request=by-grpc-1"));
    gf_arena_fini(&arena);
    gf_log_info("outside");
    cr_assert(logged("info outside\n"), "what the carrier logs itself has none");
    gf_log_set_sink(NULL, NULL);
    rig_stop(&rig);
}
