#include "tests/bench/engine/client.h"

#include "base/arena.h"
#include "base/str.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/run.gofer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SETTLE_SECONDS = 120,
};

void client_fail(const char *what, const struct gf_error *err) {
    (void)fprintf(stderr, "bench: %s: %s: %s\n", what, gf_code_name(err->code), err->message);
    exit(1);
}

char *client_pipeline_name(int64_t index, char out[CLIENT_PIPELINE_NAME_BYTES]) {
    (void)snprintf(out, CLIENT_PIPELINE_NAME_BYTES, "pipeline-%" PRId64, index);
    return out;
}

struct gf_rpc_channel *client_connect(const char *address) {
    struct gf_error err = {0};
    struct gf_rpc_channel *channel = NULL;
    if (gf_rpc_channel_create(address, NULL, &channel, &err) != GF_OK) {
        client_fail("connect", &err);
    }
    return channel;
}

static void register_pipeline(struct gf_rpc_channel *channel, int64_t index,
                              struct gf_arena *arena) {
    char name[CLIENT_PIPELINE_NAME_BYTES];
    struct gf_error err = {0};
    char *command[] = {"true"};
    Gofer__V1__TaskSpec task = GOFER__V1__TASK_SPEC__INIT;
    task.id = "main";
    task.image = "busybox:latest";
    task.command = command;
    task.n_command = GF_ARRAY_COUNT(command);
    Gofer__V1__TaskSpec *tasks[] = {&task};
    Gofer__V1__PipelineSpec spec = GOFER__V1__PIPELINE_SPEC__INIT;
    spec.id = client_pipeline_name(index, name);
    spec.tasks = tasks;
    spec.n_tasks = GF_ARRAY_COUNT(tasks);
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    request.spec = &spec;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    if (gofer_v1_pipeline_config_service_register_pipeline_config(channel, NULL, &request, arena,
                                                                  &response, &err) != GF_OK) {
        client_fail("register", &err);
    }
    Gofer__V1__DeployPipelineRequest deploy = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    deploy.pipeline_id = spec.id;
    deploy.version = response->config->version;
    Gofer__V1__DeployPipelineResponse *deployed = NULL;
    if (gofer_v1_deployment_service_deploy_pipeline(channel, NULL, &deploy, arena, &deployed,
                                                    &err) != GF_OK) {
        client_fail("deploy", &err);
    }
}

void client_register_pipelines(struct gf_rpc_channel *channel, int64_t count) {
    struct gf_arena arena;
    gf_arena_init(&arena, CLIENT_ARENA_BYTES);
    for (int64_t i = 0; i < count; i++) {
        register_pipeline(channel, i, &arena);
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
}

void client_wait_for_run(struct gf_rpc_channel *channel, int64_t pipeline, int64_t run_id) {
    char name[CLIENT_PIPELINE_NAME_BYTES];
    struct gf_error err = {0};
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    request.pipeline_id = client_pipeline_name(pipeline, name);
    request.run_id = run_id;
    struct gf_rpc_call_opts opts = {.timeout_ms = SETTLE_SECONDS * 1000};
    struct gf_rpc_stream *stream = NULL;
    if (gofer_v1_run_service_watch_run_stream_open(channel, &opts, &request, &stream, &err) !=
            GF_OK ||
        gf_rpc_stream_finish(stream, &err) != GF_OK) {
        client_fail("watch", &err);
    }
    gf_rpc_stream_destroy(stream);
}

int64_t client_status_kib(int64_t pid, const char *name) {
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
    (void)fclose(file);
    return value;
}

int64_t client_cpu_us(int64_t pid) {
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    int64_t user = 0;
    int64_t system = 0;
    /* The 14th and the 15th value; the second is the name, in parentheses. */
    const int count = fscanf(
        file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64,
        &user, &system);
    (void)fclose(file);
    return count == 2 ? (user + system) * (1000000 / sysconf(_SC_CLK_TCK)) : -1;
}
