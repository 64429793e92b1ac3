/*
 * Calls, streams and questions while tokens, roles and runs change: for --config=tsan. What is
 * decided is tested elsewhere; here it matters who touches what at the same time.
 */
#include "api/access/testing/rig.h"
#include "base/sync.h"
#include "gofer/v1/run.gofer.h"

#include <stdio.h>

enum {
    CLIENT_THREADS = 4,
    CALLS = 90,    /* of each client */
    CHANGES = 400, /* of tokens, roles and runs */
    TOKENS = 4,
    TIMEOUT_MS = 200, /* of a call whose refusal is held back for longer */
};

static struct gf_gate_rig rig;
static struct gf_gate_rig_token tokens[TOKENS];

/* Asks as handlers and streams do. */
static void ask(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    struct gf_gate_watch watch = {0};
    const struct gf_principal *principal = gf_principal_of(call);
    const struct gf_access_query query = {GF_PERMISSION_RESOURCE_RUNS, GF_PERMISSION_ACTION_READ,
                                          GF_STR("red"), GF_STR("nightly"), 1};
    const struct gf_role **roles = NULL;
    size_t count = 0;
    gf_principal_roles(principal, gf_rpc_call_arena(call), &roles, &count);
    struct gf_error result;
    (void)gf_fail(&result, GF_ABORTED, "%d %d", gf_principal_allows(principal, &query),
                  gf_gate_check_stream(call, &watch, NULL) == GF_OK);
    gf_rpc_fail(call, &result);
}

static void *run_client(void *ctx) {
    const size_t number = (size_t)(uintptr_t)ctx;
    static const char *const methods[] = {
        "gofer.v1.RunService/GetRun",
        "gofer.v1.RunService/WatchRun",
        "gofer.v1.SystemService/GetSystemInfo",
    };
    Gofer__V1__GetRunRequest get = GOFER__V1__GET_RUN_REQUEST__INIT;
    Gofer__V1__WatchRunRequest watch = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    get.namespace_id = watch.namespace_id = "red";
    get.pipeline_id = watch.pipeline_id = "nightly";
    get.run_id = watch.run_id = 1;
    const ProtobufCMessage *const requests[] = {&get.base, &watch.base, NULL};
    for (size_t i = 0; i < CALLS; i++) {
        const enum gf_code rc =
            gf_gate_rig_call_as(&rig.people, gf_gate_rig_method(methods[i % 3]),
                                &tokens[(i + number) % TOKENS], requests[i % 3], NULL);
        gf_assert(rc == GF_ABORTED || rc == GF_UNAUTHENTICATED || rc == GF_PERMISSION_DENIED ||
                  rc == GF_RESOURCE_EXHAUSTED || rc == GF_DEADLINE_EXCEEDED);
    }
    return NULL;
}

/* What the engine thread tells. */
static void change(size_t i) {
    struct gf_gate_rig_token *token = &tokens[i % TOKENS];
    const struct gf_run run = {.run_key = (int64_t)(i % 5),
                               .run_id = 1,
                               .namespace_id = GF_STR("red"),
                               .pipeline_id = GF_STR("nightly")};
    struct gf_gate_rig_token row = *token; /* the text is used by others */
    switch (i % 6) {
    case 0:
        row.row.disabled = (i / 6) % 2 == 0;
        gf_gate_rig_put_token(&rig, &row);
        break;
    case 1:
        gf_gate_rig_put_namespace_role(&rig, "team", i % 4 == 1 ? "red" : "blue");
        break;
    case 2:
        gf_gate_rig_launch(&rig, &run, true);
        break;
    case 3:
        gf_gate_rig_complete(&rig, &run);
        break;
    case 4:
        gf_gate_rig_remove_token(&rig, token);
        break;
    default:
        gf_gate_rig_put_token(&rig, &row);
        break;
    }
}

/* What the owner does from time to time. */
static void look_after(void) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    struct gf_token_use *uses = NULL;
    size_t count = 0;
    gf_gate_take_uses(rig.gate, &arena, &uses, &count);
    (void)gf_gate_next_expiry(rig.gate);
    gf_gate_expire(rig.gate);
    gf_arena_fini(&arena);
    gf_fake_clock_advance(&rig.clock, GF_NS_PER_MIN);
}

static void note_change(void *ctx) {
    (void)ctx;
}

int main(void) {
    const struct gf_gate_options options = {
        .token_rate_max = -1, .address_rate_max = -1, .address_streams_max = -1};
    gf_gate_rig_start(&rig, &options, NULL);
    gf_gate_set_changed(rig.gate, note_change, NULL);
    rig.on_start = ask;
    rig.people.timeout_ms = TIMEOUT_MS;
    const char *const role = "team";
    for (size_t i = 0; i < TOKENS; i++) {
        gf_gate_rig_make_token(i, GF_TOKEN_KIND_BOT, &role, 1, &tokens[i]);
        gf_gate_rig_put_token(&rig, &tokens[i]);
    }
    pthread_t clients[CLIENT_THREADS];
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_start(&clients[i], "client", run_client, (void *)(uintptr_t)i);
    }
    for (size_t i = 0; i < CHANGES; i++) {
        change(i);
        sched_yield();
        if (i % 10 == 0) {
            look_after();
        }
    }
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_join(clients[i]);
    }
    gf_gate_rig_stop(&rig);
    (void)printf("gate_tsan_test: passed\n");
    return 0;
}
