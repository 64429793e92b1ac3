/* How often, how long, and what is written down. */
#include "api/access/gate_internal.h"
#include "api/access/testing/rig.h"
#include "base/log.h"
#include "base/sync.h"
#include "engine/core/limits.h"
#include "gofer/v1/run.gofer.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_gate_rig rig;
static struct gf_gate_rig_token token;
static struct gf_error error;

static enum gf_code call(const char *authorization) {
    return gf_gate_rig_call(&rig.people, gf_gate_rig_method("gofer.v1.TokenService/WhoAmI"),
                            authorization, NULL, &error);
}

static enum gf_code call_as(void) {
    return gf_gate_rig_call_as(&rig.people, gf_gate_rig_method("gofer.v1.TokenService/WhoAmI"),
                               &token, NULL, &error);
}

static void start(const struct gf_gate_options *options) {
    gf_gate_rig_start(&rig, options, NULL);
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_BOT, NULL, 0, &token);
    gf_gate_rig_put_token(&rig, &token);
}

static void expect_limited(enum gf_code rc) {
    cr_expect_eq(rc, GF_RESOURCE_EXHAUSTED, "%s: %s", gf_code_name(rc), error.message);
    cr_expect_str_eq(error.reason, "RATE_LIMITED");
}

Test(access_gate_limits, token_has_a_rate) {
    start(&(struct gf_gate_options){.token_rate_max = 3});
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(call_as(), GF_OK);
    }
    expect_limited(call_as());
    gf_fake_clock_advance(&rig.clock, GF_NS_PER_SEC);
    cr_assert_eq(call_as(), GF_OK);
    struct gf_gate_rig_token other;
    gf_gate_rig_make_token(2, GF_TOKEN_KIND_BOT, NULL, 0, &other);
    gf_gate_rig_put_token(&rig, &other);
    token = other;
    cr_assert_eq(call_as(), GF_OK, "another token has another one");
    gf_gate_rig_stop(&rig);
}

Test(access_gate_limits, address_has_a_rate_for_calls_without_a_token) {
    start(&(struct gf_gate_options){.address_rate_max = 2});
    const struct gf_rpc_method *method = gf_gate_rig_method("gofer.v1.SystemService/GetSystemInfo");
    cr_assert_eq(gf_gate_rig_call(&rig.people, method, NULL, NULL, &error), GF_OK);
    cr_assert_eq(call(NULL), GF_UNAUTHENTICATED);
    expect_limited(gf_gate_rig_call(&rig.people, method, NULL, NULL, &error));
    expect_limited(call(NULL));
    expect_limited(call("Bearer nonsense"));
    cr_assert_eq(call_as(), GF_OK, "a good token is let in from anywhere");
    gf_gate_rig_stop(&rig);
}

Test(access_gate_limits, tasks_do_not_use_up_what_people_have) {
    start(&(struct gf_gate_options){.address_rate_max = 2});
    const struct gf_rpc_method *method = gf_gate_rig_method("gofer.v1.TokenService/WhoAmI");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(gf_gate_rig_call(&rig.tasks, method, NULL, NULL, &error), GF_UNAUTHENTICATED);
    }
    expect_limited(gf_gate_rig_call(&rig.tasks, method, NULL, NULL, &error));
    cr_assert_eq(call(NULL), GF_UNAUTHENTICATED);
    gf_gate_rig_stop(&rig);
}

/* A stream that stays open until its client goes. */
static void hold(struct gf_rpc_call *rpc, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)rpc;
    (void)ctx;
}

static struct gf_rpc_stream *open_stream(const char *name, const char *authorization) {
    const struct gf_rpc_method *method = gf_gate_rig_method(name);
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    ProtobufCMessage *request = gf_arena_alloc(&arena, method->request->sizeof_message);
    protobuf_c_message_init(method->request, request);
    const struct gf_rpc_metadata metadata = {"authorization", authorization};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = 30000, .metadata = &metadata, .metadata_count = authorization != NULL};
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(gf_rpc_stream_open(rig.people.channel, method, &opts, request, &stream, NULL),
                 GF_OK);
    gf_arena_fini(&arena);
    return stream;
}

static void expect_open_streams(const char *name, const char *authorization) {
    struct gf_rpc_stream *first = open_stream(name, authorization);
    struct gf_rpc_stream *second = open_stream(name, authorization);
    while (atomic_load(&rig.reached) < 2) {
        sched_yield();
    }
    struct gf_rpc_stream *third = open_stream(name, authorization);
    expect_limited(gf_rpc_stream_finish(third, &error));
    gf_rpc_stream_destroy(third);
    gf_rpc_stream_destroy(second);
    /* Its place is free when the server has seen that it is gone. */
    const int64_t deadline_ns = gf_mono_ns() + 30 * GF_NS_PER_SEC;
    while (gf_rpc_server_call_count(rig.people.server) > 1 && gf_mono_ns() < deadline_ns) {
        sched_yield();
    }
    struct gf_rpc_stream *fourth = open_stream(name, authorization);
    while (atomic_load(&rig.reached) < 3 && gf_mono_ns() < deadline_ns) {
        sched_yield();
    }
    cr_expect_eq(atomic_load(&rig.reached), 3);
    gf_rpc_stream_destroy(fourth);
    gf_rpc_stream_destroy(first);
}

Test(access_gate_limits, token_has_a_number_of_open_streams) {
    start(&(struct gf_gate_options){.token_streams_max = 2});
    rig.on_start = hold;
    gf_gate_rig_put_namespace_role(&rig, "all", "*");
    const char *const role = "all";
    gf_gate_rig_make_token(7, GF_TOKEN_KIND_BOT, &role, 1, &token);
    gf_gate_rig_put_token(&rig, &token);
    char value[GF_TOKEN_CHARS_MAX + 16];
    (void)snprintf(value, sizeof(value), "Bearer %s", token.text.chars);
    expect_open_streams("gofer.v1.EventService/FollowEvents", value);
    gf_gate_rig_stop(&rig);
}

Test(access_gate_limits, address_has_a_number_of_open_calls_without_a_token) {
    start(&(struct gf_gate_options){.address_streams_max = 2, .address_rate_max = -1});
    rig.on_start = hold;
    expect_open_streams("grpc.health.v1.Health/Watch", NULL);
    gf_gate_rig_stop(&rig);
}

Test(access_gate_limits, failed_logins_are_slowed_down) {
    start(&(struct gf_gate_options){.address_rate_max = -1});
    int64_t last_ns = 0;
    for (int i = 0; i < 4; i++) {
        const int64_t start_ns = gf_mono_ns();
        cr_assert_eq(call("Bearer nonsense"), GF_UNAUTHENTICATED);
        last_ns = gf_mono_ns() - start_ns;
    }
    cr_assert_geq(last_ns, 240 * GF_NS_PER_MS, "the fourth waits");
    const int64_t start_ns = gf_mono_ns();
    cr_assert_eq(call(NULL), GF_UNAUTHENTICATED);
    cr_assert_eq(call_as(), GF_OK);
    cr_assert_lt(gf_mono_ns() - start_ns, 240 * GF_NS_PER_MS, "nobody else does");
    gf_gate_rig_stop(&rig);
}

/* ---- the log ---- */

struct lines {
    struct gf_mutex mutex;
    char last[GF_LOG_LINE_BYTES_MAX + 1];
    int count;
};

static void keep_line(void *ctx, struct gf_str line) {
    struct lines *lines = ctx;
    if (memmem(line.ptr, line.len, "call_denied", 11) == NULL) {
        return;
    }
    memcpy(lines->last, line.ptr, line.len);
    lines->last[line.len] = '\0';
    lines->count++;
}

Test(access_gate_limits, refusals_are_written_down_without_the_token) {
    start(&(struct gf_gate_options){.address_rate_max = -1});
    static struct lines lines;
    gf_log_set_sink(keep_line, &lines);
    const struct gf_rpc_method *method =
        gf_gate_rig_method("gofer.v1.SystemService/GetSystemSummary");
    cr_assert_eq(gf_gate_rig_call_as(&rig.people, method, &token, NULL, &error),
                 GF_PERMISSION_DENIED);
    gf_log_set_sink(NULL, NULL);
    cr_expect_eq(lines.count, 1);
    static const char *const parts[] = {
        " warn call_denied request=",
        " method=gofer.v1.SystemService/GetSystemSummary token_id=tok_",
        " user=someone peer=ipv4:127.0.0.1:",
        " code=PERMISSION_DENIED reason=PERMISSION_MISSING ",
        "needs action READ on resource SYSTEM",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(parts); i++) {
        cr_expect_not_null(strstr(lines.last, parts[i]), "'%s' is not in %s", parts[i], lines.last);
    }
    cr_expect_null(strstr(lines.last, "gfr_"), "%s", lines.last);
    gf_gate_rig_stop(&rig);
}

Test(access_gate_limits, refusals_name_what_was_asked_for) {
    start(&(struct gf_gate_options){.address_rate_max = -1});
    static const char *const roles[] = {"dev"};
    struct gf_gate_rig_token other;
    gf_gate_rig_put_namespace_role(&rig, "dev", "dev");
    gf_gate_rig_make_token(2, GF_TOKEN_KIND_BOT, roles, 1, &other);
    gf_gate_rig_put_token(&rig, &other);
    static struct lines lines;
    gf_log_set_sink(keep_line, &lines);
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.namespace_id = (char *)"prod";
    request.pipeline_id = (char *)"nightly";
    request.run_id = 12;
    cr_assert_eq(gf_gate_rig_call_as(&rig.people, gf_gate_rig_method("gofer.v1.RunService/GetRun"),
                                     &other, &request.base, &error),
                 GF_PERMISSION_DENIED);
    gf_log_set_sink(NULL, NULL);
    cr_expect_not_null(
        strstr(lines.last, " namespace=prod pipeline=nightly run=12 method=gofer.v1.RunService"),
        "%s", lines.last);
    gf_gate_rig_stop(&rig);
}

Test(access_gate_limits, lines_of_one_token_are_limited) {
    start(&(struct gf_gate_options){.token_rate_max = -1});
    static struct lines lines;
    gf_log_set_sink(keep_line, &lines);
    const struct gf_rpc_method *method =
        gf_gate_rig_method("gofer.v1.SystemService/GetSystemSummary");
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(gf_gate_rig_call_as(&rig.people, method, &token, NULL, &error),
                     GF_PERMISSION_DENIED);
    }
    const int first = lines.count;
    gf_fake_clock_advance(&rig.clock, GF_NS_PER_HOUR);
    cr_assert_eq(gf_gate_rig_call_as(&rig.people, method, &token, NULL, &error),
                 GF_PERMISSION_DENIED);
    gf_log_set_sink(NULL, NULL);
    cr_expect_lt(first, 50);
    cr_expect_eq(lines.count, first + 1);
    char left_out[32];
    (void)snprintf(left_out, sizeof(left_out), "left_out=%d", 100 - first);
    cr_expect_not_null(strstr(lines.last, left_out), "%s", lines.last);
    gf_gate_rig_stop(&rig);
}

/* ---- last uses ---- */

static size_t take_uses(struct gf_arena *arena, struct gf_token_use **out_uses) {
    size_t count = 0;
    gf_gate_take_uses(rig.gate, arena, out_uses, &count);
    return count;
}

Test(access_gate_limits, uses_are_noted_once_in_a_minute) {
    start(&(struct gf_gate_options){.token_rate_max = -1});
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    struct gf_token_use *uses = NULL;
    cr_assert_eq(take_uses(&arena, &uses), 0);
    cr_assert_eq(call_as(), GF_OK);
    cr_assert_eq(call_as(), GF_OK);
    cr_assert_eq(take_uses(&arena, &uses), 1);
    cr_assert(gf_str_eq(uses[0].token_id, gf_str_from(token.id.chars)));
    cr_assert_eq(uses[0].time, gf_clock_wall_ns(&rig.clock.clock));
    cr_assert(gf_str_has_prefix(uses[0].peer, GF_STR("ipv4:127.0.0.1:")));
    cr_assert_eq(call_as(), GF_OK);
    cr_assert_eq(take_uses(&arena, &uses), 0);
    gf_fake_clock_advance(&rig.clock, GF_NS_PER_MIN);
    cr_assert_eq(call_as(), GF_OK);
    gf_gate_rig_remove_token(&rig, &token);
    cr_assert_eq(take_uses(&arena, &uses), 1, "also of a token that has gone since");
    gf_arena_fini(&arena);
    gf_gate_rig_stop(&rig);
}

/* As a call with the token would, without its way over the wire. */
static void use(uint64_t seed) {
    static struct gf_gate_rig_token used;
    gf_gate_rig_make_token(seed, GF_TOKEN_KIND_BOT, NULL, 0, &used);
    gf_gate_rig_put_token(&rig, &used);
    struct gf_access_entry *entry = gf_access_table_find_token(rig.gate->table, &used.row.digest);
    gf_list_push_back(&rig.gate->uses, &entry->use_link);
}

Test(access_gate_limits, uses_are_taken_in_portions_that_the_engine_takes) {
    start(&(struct gf_gate_options){.token_rate_max = -1});
    struct gf_arena arena;
    gf_arena_init(&arena, 16 << 20);
    struct gf_token_use *uses = NULL;
    for (uint64_t i = 0; i <= GF_TOKEN_USES_MAX; i++) {
        use(100 + i);
    }
    cr_expect_eq(take_uses(&arena, &uses), GF_TOKEN_USES_MAX);
    cr_expect_eq(take_uses(&arena, &uses), 1);
    cr_expect_eq(take_uses(&arena, &uses), 0);
    gf_arena_fini(&arena);
    gf_gate_rig_stop(&rig);
}
