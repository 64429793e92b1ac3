/*
 * The latency of single calls, one after another, on a server that has nothing else to do.
 *
 * Usage: calls_bench ADDRESS PIPELINES RUNS
 *
 * RUNS is how many runs there are, spread evenly over the pipelines. Prints a line for each kind of
 * call: its name, the median and the 99th percentile in microseconds.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/task_execution.gofer.h"
#include "tests/bench/engine/client.h"
#include "tests/bench/engine/load.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WARM_UP = 50,
    SAMPLES = 1000,
};

struct calls {
    struct gf_rpc_channel *channel;
    struct gf_arena arena;
    int64_t pipelines;
    int64_t runs;
    char name[CLIENT_PIPELINE_NAME_BYTES]; /* of the pipeline of this sample */
    int64_t run_id;
};

static enum gf_code start_run(struct calls *calls, struct gf_error *err) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    request.pipeline_id = calls->name;
    Gofer__V1__StartRunResponse *response = NULL;
    return gofer_v1_run_service_start_run(calls->channel, NULL, &request, &calls->arena, &response,
                                          err);
}

static enum gf_code get_run(struct calls *calls, struct gf_error *err) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.pipeline_id = calls->name;
    request.run_id = calls->run_id;
    Gofer__V1__GetRunResponse *response = NULL;
    return gofer_v1_run_service_get_run(calls->channel, NULL, &request, &calls->arena, &response,
                                        err);
}

static enum gf_code list_with(struct calls *calls, Gofer__V1__ListRunsRequest *request,
                              struct gf_error *err) {
    request->pipeline_id = calls->name;
    Gofer__V1__ListRunsResponse *response = NULL;
    return gofer_v1_run_service_list_runs(calls->channel, NULL, request, &calls->arena, &response,
                                          err);
}

static enum gf_code list_runs(struct calls *calls, struct gf_error *err) {
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    return list_with(calls, &request, err);
}

static enum gf_code list_running(struct calls *calls, struct gf_error *err) {
    Gofer__V1__RunState state = GOFER__V1__RUN_STATE__RUN_STATE_RUNNING;
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    request.states = &state;
    request.n_states = 1;
    return list_with(calls, &request, err);
}

static enum gf_code list_tasks(struct calls *calls, struct gf_error *err) {
    Gofer__V1__ListTaskExecutionsRequest request = GOFER__V1__LIST_TASK_EXECUTIONS_REQUEST__INIT;
    request.pipeline_id = calls->name;
    request.run_id = calls->run_id;
    Gofer__V1__ListTaskExecutionsResponse *response = NULL;
    return gofer_v1_task_execution_service_list_task_executions(calls->channel, NULL, &request,
                                                                &calls->arena, &response, err);
}

static enum gf_code get_pipeline(struct calls *calls, struct gf_error *err) {
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    request.pipeline_id = calls->name;
    Gofer__V1__GetPipelineResponse *response = NULL;
    return gofer_v1_pipeline_service_get_pipeline(calls->channel, NULL, &request, &calls->arena,
                                                  &response, err);
}

/* X(function, name) */
#define CALLS(X)                                                                                   \
    X(start_run, "start")                                                                          \
    X(get_run, "get")                                                                              \
    X(list_runs, "list")                                                                           \
    X(list_running, "list-running")                                                                \
    X(list_tasks, "list-tasks")                                                                    \
    X(get_pipeline, "get-pipeline")

static void measure(struct calls *calls, const char *name,
                    enum gf_code (*call)(struct calls *calls, struct gf_error *err)) {
    struct load_latencies latencies = {0};
    for (int64_t i = -WARM_UP; i < SAMPLES; i++) {
        /* Spread over all runs, in no order that a cache could follow. */
        const int64_t index = (i + WARM_UP) * INT64_C(7919);
        (void)client_pipeline_name(index % calls->pipelines, calls->name);
        calls->run_id = 1 + index % (calls->runs / calls->pipelines);
        struct gf_error err = {0};
        const int64_t begin_ns = gf_mono_ns();
        if (call(calls, &err) != GF_OK) {
            client_fail(name, &err);
        }
        if (i >= 0) {
            gf_vec_push(&latencies, (uint32_t)((gf_mono_ns() - begin_ns) / 1000));
        }
        gf_arena_reset(&calls->arena);
    }
    load_sort(&latencies);
    printf("%s %.0f %.0f\n", name, load_percentile_ms(&latencies, 500) * 1000,
           load_percentile_ms(&latencies, 990) * 1000);
    gf_vec_fini(&latencies);
}

int main(int argc, char **argv) {
    struct calls calls = {0};
    if (argc != 4 || !gf_parse_i64(gf_str_from(argv[2]), &calls.pipelines) || calls.pipelines < 1 ||
        !gf_parse_i64(gf_str_from(argv[3]), &calls.runs) || calls.runs < calls.pipelines) {
        (void)fprintf(stderr, "usage: calls_bench ADDRESS PIPELINES RUNS\n");
        return 2;
    }
    calls.channel = client_connect(argv[1]);
    gf_arena_init(&calls.arena, CLIENT_ARENA_BYTES);
#define GF_X(function, name) measure(&calls, name, function);
    CALLS(GF_X)
#undef GF_X
    gf_arena_fini(&calls.arena);
    gf_rpc_channel_destroy(calls.channel);
    return 0;
}
