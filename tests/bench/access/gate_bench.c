/*
 * What authorisation adds to a call.
 *
 * First the gate alone: intercept, authorise and end, over and over, for a real call that waits in
 * its handler meanwhile; beside them the same in development mode, where nobody is asked for
 * anything. Then whole unary calls in a closed loop over a connection of this machine, client and
 * server in this process, with and without authentication by turns.
 *
 * Usage: gate_bench [SECONDS]      of each round of whole calls, default 1
 */
#include "api/access/testing/rig.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/sync.h"
#include "gofer/v1/run.gofer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TOKENS = 10000,
    ROLES_MAX = 32,
    CALLS_HELD = 2,
    ITERATIONS = 20000,
    ROUNDS = 7,
    CLIENTS = 8,
    WHOLE_ROUNDS = 5,
};

static struct gf_gate_rig rig;
static struct gf_rpc_call *held[CALLS_HELD];
static atomic_int held_count;

/* ---- roles and tokens ---- */

/* As a team has them: what it may do in its namespaces, for pipelines by prefix. */
static void put_role(size_t number, bool allows) {
    char role_id[32];
    char team[32];
    char glob[32];
    (void)snprintf(role_id, sizeof(role_id), "role-%zu", number);
    (void)snprintf(team, sizeof(team), "team-%zu", allows ? 0 : number + 1);
    (void)snprintf(glob, sizeof(glob), "web-%zu-*", number);
    const struct gf_str namespaces[] = {gf_str_from(team), GF_STR("shared-tools")};
    const struct gf_str globs[] = {gf_str_from(glob), GF_STR("nightly")};
    const enum gf_permission_action actions[] = {GF_PERMISSION_ACTION_READ,
                                                 GF_PERMISSION_ACTION_WRITE};
    const struct gf_permission_target targets[] = {
        {GF_PERMISSION_RESOURCE_PIPELINES, globs, 2},
        {GF_PERMISSION_RESOURCE_RUNS, globs, 2},
        {GF_PERMISSION_RESOURCE_TASK_EXECUTIONS, globs, 2},
        {GF_PERMISSION_RESOURCE_EVENTS, NULL, 0},
    };
    const struct gf_permission permission = {namespaces, 2, targets, 4, actions, 1, 0};
    const struct gf_role role = {
        .role_id = gf_str_from(role_id), .permissions = &permission, .permission_count = 1};
    gf_gate_rig_put_role(&rig, &role);
}

/* Of the roles of a token the last one is that which allows the call. */
static void put_tokens(size_t role_count, struct gf_gate_rig_token out_tokens[CALLS_HELD]) {
    static char ids[ROLES_MAX][32];
    const char *names[ROLES_MAX];
    for (size_t i = 0; i < role_count; i++) {
        put_role(i, i + 1 == role_count);
        (void)snprintf(ids[i], sizeof(ids[i]), "role-%zu", i);
        names[i] = ids[i];
    }
    struct gf_gate_rig_token token;
    for (size_t i = 0; i < TOKENS; i++) {
        gf_gate_rig_make_token(i, GF_TOKEN_KIND_BOT, names, role_count, &token);
        gf_gate_rig_put_token(&rig, &token);
        if (i < CALLS_HELD) {
            out_tokens[i] = token;
        }
    }
}

static Gofer__V1__GetRunRequest make_request(void) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.namespace_id = "team-0";
    request.pipeline_id = "nightly";
    request.run_id = 7;
    return request;
}

/* ---- the gate alone ---- */

static void hold(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    const int index = atomic_fetch_add(&held_count, 1);
    gf_assert(index < CALLS_HELD);
    held[index] = call;
}

static void *make_call(void *ctx) {
    const Gofer__V1__GetRunRequest request = make_request();
    const enum gf_code rc = gf_gate_rig_call_as(
        &rig.people, gf_gate_rig_method("gofer.v1.RunService/GetRun"), ctx, &request.base, NULL);
    gf_assert(rc == GF_ABORTED);
    return NULL;
}

struct loop {
    struct gf_rpc_call *call;
    atomic_int *started;
    int wanted;
    int64_t elapsed_ns;
};

/* Of the processor: what else the machine does is left out. */
static int64_t thread_ns(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * GF_NS_PER_SEC + time.tv_nsec;
}

static void *run_loop(void *ctx) {
    struct loop *loop = ctx;
    const Gofer__V1__GetRunRequest request = make_request();
    void *principal = gf_rpc_call_principal(loop->call);
    (void)atomic_fetch_add(loop->started, 1);
    while (atomic_load(loop->started) < loop->wanted) {
    }
    const int64_t start_ns = thread_ns();
    for (int i = 0; i < ITERATIONS; i++) {
        struct gf_error err;
        enum gf_code rc = gf_gate_intercept(loop->call, &rig.people.door, &err);
        gf_assert(rc == GF_OK);
        rc = gf_gate_authorize(loop->call, &request.base, &rig.people.door, &err);
        gf_assert(rc == GF_OK);
        gf_gate_ended(loop->call, &rig.people.door);
    }
    loop->elapsed_ns = thread_ns() - start_ns;
    gf_rpc_call_set_principal(loop->call, principal);
    return NULL;
}

/* Nanoseconds of one call, where thread_count threads do the same at once. */
static double measure_once(size_t thread_count) {
    struct loop loops[CALLS_HELD];
    pthread_t threads[CALLS_HELD];
    atomic_int started = 0;
    for (size_t i = 0; i < thread_count; i++) {
        loops[i] = (struct loop){held[i], &started, (int)thread_count, 0};
        gf_thread_start(&threads[i], "loop", run_loop, &loops[i]);
    }
    int64_t longest_ns = 0;
    for (size_t i = 0; i < thread_count; i++) {
        gf_thread_join(threads[i]);
        longest_ns = loops[i].elapsed_ns > longest_ns ? loops[i].elapsed_ns : longest_ns;
    }
    return (double)longest_ns / ITERATIONS;
}

static void measure(const char *name, size_t thread_count, bool same_token,
                    struct gf_gate_rig_token *tokens) {
    double least = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t clients[CALLS_HELD];
        atomic_store(&held_count, 0);
        for (size_t i = 0; i < thread_count; i++) {
            gf_thread_start(&clients[i], "client", make_call, &tokens[same_token ? 0 : i]);
        }
        while (atomic_load(&held_count) < (int)thread_count) {
            (void)sched_yield();
        }
        const double ns = measure_once(thread_count);
        least = round == 0 || ns < least ? ns : least;
        for (size_t i = 0; i < thread_count; i++) {
            struct gf_error done;
            (void)gf_fail(&done, GF_ABORTED, "measured");
            gf_rpc_fail(held[i], &done);
        }
        for (size_t i = 0; i < thread_count; i++) {
            gf_thread_join(clients[i]);
        }
    }
    (void)printf("%-44s %8.0f ns of cpu\n", name, least);
}

static void start_rig(bool development_mode) {
    const struct gf_gate_options options = {
        .clock = gf_clock_system(), .token_rate_max = -1, .development_mode = development_mode};
    const struct gf_rpc_server_opts server = {.arena_bytes_max = (size_t)1 << 30};
    gf_gate_rig_start(&rig, &options, &server);
}

static void measure_gate(void) {
    static const size_t role_counts[] = {1, 10, ROLES_MAX};
    struct gf_gate_rig_token tokens[CALLS_HELD];
    start_rig(/* development_mode= */ true);
    rig.on_start = hold;
    put_tokens(1, tokens);
    measure("gate, development mode (floor)", 1, true, tokens);
    gf_gate_rig_stop(&rig);
    for (size_t i = 0; i < GF_ARRAY_COUNT(role_counts); i++) {
        char name[64];
        start_rig(/* development_mode= */ false);
        rig.on_start = hold;
        put_tokens(role_counts[i], tokens);
        (void)snprintf(name, sizeof(name), "gate, %zu roles, 10000 tokens", role_counts[i]);
        measure(name, 1, true, tokens);
        (void)snprintf(name, sizeof(name), "  2 threads, a token each");
        measure(name, 2, false, tokens);
        (void)snprintf(name, sizeof(name), "  2 threads, the same token");
        measure(name, 2, true, tokens);
        gf_gate_rig_stop(&rig);
    }
}

/* ---- whole calls ---- */

struct client {
    const struct gf_gate_rig_token *token;
    int64_t end_ns;
    int64_t count;
};

static void *run_client(void *ctx) {
    struct client *client = ctx;
    const Gofer__V1__GetRunRequest request = make_request();
    const struct gf_rpc_method *method = gf_gate_rig_method("gofer.v1.RunService/GetRun");
    while (gf_mono_ns() < client->end_ns) {
        const enum gf_code rc =
            gf_gate_rig_call_as(&rig.people, method, client->token, &request.base, NULL);
        gf_assert(rc == GF_OK);
        client->count++;
    }
    return NULL;
}

/* Calls in a second. */
static double measure_whole(bool development_mode, int64_t seconds) {
    struct gf_gate_rig_token tokens[CALLS_HELD];
    struct client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    start_rig(development_mode);
    put_tokens(10, tokens);
    const int64_t end_ns = gf_mono_ns() + seconds * GF_NS_PER_SEC;
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){&tokens[0], end_ns, 0};
        gf_thread_start(&threads[i], "client", run_client, &clients[i]);
    }
    int64_t count = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        gf_thread_join(threads[i]);
        count += clients[i].count;
    }
    gf_gate_rig_stop(&rig);
    return (double)count / (double)seconds;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_calls(int64_t seconds) {
    double with[WHOLE_ROUNDS];
    double without[WHOLE_ROUNDS];
    for (size_t i = 0; i < WHOLE_ROUNDS; i++) {
        without[i] = measure_whole(/* development_mode= */ true, seconds);
        with[i] = measure_whole(/* development_mode= */ false, seconds);
    }
    qsort(with, WHOLE_ROUNDS, sizeof(with[0]), compare);
    qsort(without, WHOLE_ROUNDS, sizeof(without[0]), compare);
    const double ours = with[WHOLE_ROUNDS / 2];
    const double floor = without[WHOLE_ROUNDS / 2];
    (void)printf("%-44s %8.0f calls/s\n", "unary calls, development mode (floor)", floor);
    (void)printf("%-44s %8.0f calls/s  %.1f %% of the floor\n",
                 "unary calls, a token with 10 roles", ours, ours * 100 / floor);
}

int main(int argc, char **argv) {
    int64_t seconds = 1;
    if (argc > 2 || (argc == 2 && (!gf_parse_i64(gf_str_from(argv[1]), &seconds) || seconds < 1 ||
                                   seconds > 60))) {
        (void)fprintf(stderr, "usage: gate_bench [SECONDS]\n");
        return 2;
    }
    measure_gate();
    measure_calls(seconds);
    return 0;
}
