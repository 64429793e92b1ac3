/*
 * Durable runs per second, over gRPC, with the null scheduler.
 *
 * Usage: runs_bench ADDRESS [--seconds N] [--callers N] [--pipelines N] [--server-pid PID]
 *
 * Registers pipelines of one task each, then lets a number of callers start runs in a closed loop:
 * each waits for the acknowledgement, which the server gives after the run is on the disk. The
 * clock stops when every run that was started has also ended. Prints one line for each figure.
 */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/sync.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/run.gofer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 1 << 20,
    CALLERS_MAX = 512,
    PIPELINES_MAX = 100000,
    LATENCIES_MAX = 2000000,
    SETTLE_SECONDS = 60,
};

struct options {
    const char *address;
    int64_t seconds;
    int64_t callers;
    int64_t pipelines;
    int64_t server_pid; /* 0 = not told */
};

struct caller {
    pthread_t thread;
    struct gf_rpc_channel *channel;
    const struct options *options;
    int64_t index;
    int64_t deadline_mono_ns;
    int64_t *last_run_ids; /* by pipeline, the newest this caller started; 0 = none */
    int64_t started;
    int64_t refused;
    uint32_t *latencies_us;
    size_t latency_count;
};

_Noreturn static void fail(const char *what, const struct gf_error *err) {
    fprintf(stderr, "runs_bench: %s: %s: %s\n", what, gf_code_name(err->code), err->message);
    exit(1);
}

static char *pipeline_name(struct gf_arena *arena, int64_t index) {
    return gf_arena_printf(arena, "bench-%" PRId64, index);
}

static void register_pipeline(struct gf_rpc_channel *channel, int64_t index) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    struct gf_error err = {0};
    char *command[] = {"true"};
    Gofer__V1__TaskSpec task = GOFER__V1__TASK_SPEC__INIT;
    task.id = "only";
    task.image = "busybox:latest";
    task.command = command;
    task.n_command = GF_ARRAY_COUNT(command);
    Gofer__V1__TaskSpec *tasks[] = {&task};
    Gofer__V1__PipelineSpec spec = GOFER__V1__PIPELINE_SPEC__INIT;
    spec.id = pipeline_name(&arena, index);
    spec.tasks = tasks;
    spec.n_tasks = GF_ARRAY_COUNT(tasks);
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    request.spec = &spec;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    if (gofer_v1_pipeline_config_service_register_pipeline_config(channel, NULL, &request, &arena,
                                                                  &response, &err) != GF_OK) {
        fail("register", &err);
    }
    Gofer__V1__DeployPipelineRequest deploy = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    deploy.pipeline_id = spec.id;
    deploy.version = response->config->version;
    Gofer__V1__DeployPipelineResponse *deployed = NULL;
    if (gofer_v1_deployment_service_deploy_pipeline(channel, NULL, &deploy, &arena, &deployed,
                                                    &err) != GF_OK) {
        fail("deploy", &err);
    }
    gf_arena_fini(&arena);
}

static void *call_until_deadline(void *ctx) {
    struct caller *caller = ctx;
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    struct gf_rpc_call_opts opts = {.timeout_ms = 30000};
    for (int64_t i = caller->index; gf_mono_ns() < caller->deadline_mono_ns; i++) {
        int64_t pipeline =
            (i * caller->options->callers + caller->index) % caller->options->pipelines;
        Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
        request.pipeline_id = pipeline_name(&arena, pipeline);
        Gofer__V1__StartRunResponse *response = NULL;
        struct gf_error err = {0};
        int64_t start = gf_mono_ns();
        enum gf_code rc = gofer_v1_run_service_start_run(caller->channel, &opts, &request, &arena,
                                                         &response, &err);
        int64_t end = gf_mono_ns();
        if (rc == GF_RESOURCE_EXHAUSTED) {
            caller->refused++;
        } else if (rc != GF_OK) {
            fail("start", &err);
        } else {
            caller->started++;
            caller->last_run_ids[pipeline] = response->run->run_id;
            if (caller->latency_count < LATENCIES_MAX / (size_t)caller->options->callers) {
                caller->latencies_us[caller->latency_count++] = (uint32_t)((end - start) / 1000);
            }
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return NULL;
}

/* Waits for the end of a run: runs of a pipeline end in their order with the null scheduler. */
static void wait_for_run(struct gf_rpc_channel *channel, int64_t pipeline, int64_t run_id) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES);
    struct gf_error err = {0};
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    request.pipeline_id = pipeline_name(&arena, pipeline);
    request.run_id = run_id;
    struct gf_rpc_call_opts opts = {.timeout_ms = SETTLE_SECONDS * 1000};
    struct gf_rpc_stream *stream = NULL;
    if (gofer_v1_run_service_watch_run_stream_open(channel, &opts, &request, &stream, &err) !=
            GF_OK ||
        gf_rpc_stream_finish(stream, &err) != GF_OK) {
        fail("watch", &err);
    }
    gf_rpc_stream_destroy(stream);
    gf_arena_fini(&arena);
}

static int compare_u32(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

/* A line "Name:   123 kB" of /proc/PID/status, in KiB; -1 when it cannot be read. */
static int64_t status_kib(int64_t pid, const char *name) {
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/status", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    char line[256];
    int64_t value = -1;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (gf_str_has_prefix(gf_str_from(line), gf_str_from(name))) {
            (void)sscanf(line + strlen(name), ": %" SCNd64, &value);
        }
    }
    fclose(file);
    return value;
}

static bool parse_options(int argc, char **argv, struct options *options) {
    *options = (struct options){.seconds = 5, .callers = 64, .pipelines = 1};
    for (int i = 1; i < argc; i++) {
        struct gf_str name = gf_str_from(argv[i]);
        int64_t *value = gf_str_eq(name, GF_STR("--seconds"))      ? &options->seconds
                         : gf_str_eq(name, GF_STR("--callers"))    ? &options->callers
                         : gf_str_eq(name, GF_STR("--pipelines"))  ? &options->pipelines
                         : gf_str_eq(name, GF_STR("--server-pid")) ? &options->server_pid
                                                                   : NULL;
        if (value != NULL) {
            if (i + 1 >= argc || !gf_parse_i64(gf_str_from(argv[++i]), value) || *value < 1) {
                return false;
            }
        } else if (options->address == NULL) {
            options->address = argv[i];
        } else {
            return false;
        }
    }
    return options->address != NULL && options->callers <= CALLERS_MAX &&
           options->pipelines <= PIPELINES_MAX;
}

static void print_figures(const struct options *options, struct caller *callers, double start_s,
                          double end_s) {
    int64_t started = 0;
    int64_t refused = 0;
    size_t count = 0;
    uint32_t *latencies = gf_calloc(LATENCIES_MAX, sizeof(*latencies));
    for (int64_t i = 0; i < options->callers; i++) {
        started += callers[i].started;
        refused += callers[i].refused;
        memcpy(latencies + count, callers[i].latencies_us,
               callers[i].latency_count * sizeof(*latencies));
        count += callers[i].latency_count;
    }
    qsort(latencies, count, sizeof(*latencies), compare_u32);
    printf("engine: %.0f runs/s acknowledged, %.0f runs/s ended; %" PRId64 " callers, %" PRId64
           " pipelines, %" PRId64 " refused\n",
           (double)started / start_s, (double)started / end_s, options->callers, options->pipelines,
           refused);
    if (count > 0) {
        printf("engine: start latency p50 %.2f ms, p99 %.2f ms, max %.2f ms\n",
               latencies[count / 2] / 1e3, latencies[count * 99 / 100] / 1e3,
               latencies[count - 1] / 1e3);
    }
    free(latencies);
}

int main(int argc, char **argv) {
    struct options options;
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "usage: runs_bench ADDRESS [--seconds N] [--callers N] [--pipelines N] "
                        "[--server-pid PID]\n");
        return 2;
    }
    if (options.server_pid != 0) {
        printf("engine: %.1f MiB resident at rest\n",
               (double)status_kib(options.server_pid, "VmRSS") / 1024);
    }
    struct gf_error err = {0};
    struct gf_rpc_channel *channel = NULL;
    if (gf_rpc_channel_create(options.address, NULL, &channel, &err) != GF_OK) {
        fail("connect", &err);
    }
    for (int64_t i = 0; i < options.pipelines; i++) {
        register_pipeline(channel, i);
    }
    struct caller *callers = gf_calloc((size_t)options.callers, sizeof(*callers));
    int64_t start = gf_mono_ns();
    for (int64_t i = 0; i < options.callers; i++) {
        callers[i] = (struct caller){
            .channel = channel,
            .options = &options,
            .index = i,
            .deadline_mono_ns = start + options.seconds * GF_NS_PER_SEC,
            .last_run_ids = gf_calloc((size_t)options.pipelines, sizeof(int64_t)),
            .latencies_us = gf_calloc(LATENCIES_MAX / (size_t)options.callers, sizeof(uint32_t)),
        };
        gf_thread_start(&callers[i].thread, "caller", call_until_deadline, &callers[i]);
    }
    for (int64_t i = 0; i < options.callers; i++) {
        gf_thread_join(callers[i].thread);
    }
    int64_t acknowledged = gf_mono_ns();
    for (int64_t pipeline = 0; pipeline < options.pipelines; pipeline++) {
        int64_t last = 0;
        for (int64_t i = 0; i < options.callers; i++) {
            int64_t run_id = callers[i].last_run_ids[pipeline];
            last = run_id > last ? run_id : last;
        }
        if (last > 0) {
            wait_for_run(channel, pipeline, last);
        }
    }
    int64_t ended = gf_mono_ns();
    print_figures(&options, callers, (double)(acknowledged - start) / 1e9,
                  (double)(ended - start) / 1e9);
    if (options.server_pid != 0) {
        printf("engine: %.1f MiB resident after, peak %.1f MiB\n",
               (double)status_kib(options.server_pid, "VmRSS") / 1024,
               (double)status_kib(options.server_pid, "VmHWM") / 1024);
    }
    for (int64_t i = 0; i < options.callers; i++) {
        free(callers[i].last_run_ids);
        free(callers[i].latencies_us);
    }
    free(callers);
    gf_rpc_channel_destroy(channel);
    return 0;
}
