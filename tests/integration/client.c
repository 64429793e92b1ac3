#include "tests/integration/client.h"

#include "base/str.h"

#include <criterion/criterion.h>

struct gf_harness harness;
struct gf_arena arena;
struct gf_error error;

static void start(enum gf_server_scheduler scheduler) {
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_harness_start(&harness, scheduler);
}

void client_setup(void) {
    start(GF_SERVER_SCHEDULER_NULL);
}

void client_setup_native(void) {
    start(GF_SERVER_SCHEDULER_NATIVE);
}

void client_setup_auth(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_harness_start_auth(&harness, GF_SERVER_SCHEDULER_NULL);
}

void client_setup_auth_native(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_harness_start_auth(&harness, GF_SERVER_SCHEDULER_NATIVE);
}

void client_teardown(void) {
    gf_harness_stop(&harness);
    gf_arena_fini(&arena);
}

void expect_error(enum gf_code rc, enum gf_code code, const char *field, const char *message) {
    cr_assert_eq(rc, code, "%s: %s (%s), expected %s: %s (%s)", gf_code_name(rc), error.message,
                 error.field, gf_code_name(code), message, field);
    cr_expect_str_eq(error.field, field);
    cr_expect_str_eq(error.message, message);
}

static void must(enum gf_code rc, const char *what) {
    cr_assert_eq(rc, GF_OK, "%s: %s: %s (%s)", what, gf_code_name(rc), error.message, error.field);
}

/* ---- Specs ---- */

static struct gf_str trim(struct gf_str text) {
    while (text.len > 0 && text.ptr[0] == ' ') {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static char *copy(struct gf_str text) {
    return (char *)gf_arena_str(&arena, text).ptr;
}

static void add_parent(Gofer__V1__TaskSpec *task, struct gf_str text) {
    struct gf_str id = {0};
    struct gf_str rule = {0};
    if (!gf_str_cut(text, ':', &id, &rule)) {
        rule = GF_STR("success");
    }
    Gofer__V1__TaskSpec__DependsOnEntry *entry =
        GF_ARENA_NEW(&arena, Gofer__V1__TaskSpec__DependsOnEntry);
    gofer__v1__task_spec__depends_on_entry__init(entry);
    entry->key = copy(id);
    entry->value = copy(rule);
    task->depends_on[task->n_depends_on++] = entry;
}

static Gofer__V1__TaskSpec *make_task(struct gf_str text) {
    static char *command[] = {"true"};
    Gofer__V1__TaskSpec *task = GF_ARENA_NEW(&arena, Gofer__V1__TaskSpec);
    struct gf_str id = {0};
    struct gf_str parents = {0};
    gofer__v1__task_spec__init(task);
    (void)gf_str_cut(text, '<', &id, &parents);
    task->id = copy(trim(id));
    task->image = "busybox:latest";
    task->n_command = 1;
    task->command = command;
    task->depends_on = GF_ARENA_ARRAY(&arena, text.len, Gofer__V1__TaskSpec__DependsOnEntry *);
    parents = trim(parents);
    while (parents.len > 0) {
        struct gf_str parent = {0};
        (void)gf_str_cut(parents, ' ', &parent, &parents);
        add_parent(task, parent);
        parents = trim(parents);
    }
    return task;
}

Gofer__V1__PipelineSpec *make_spec(char *id, const char *tasks) {
    Gofer__V1__PipelineSpec *spec = GF_ARENA_NEW(&arena, Gofer__V1__PipelineSpec);
    struct gf_str rest = gf_str_from(tasks);
    gofer__v1__pipeline_spec__init(spec);
    spec->id = id;
    spec->tasks = GF_ARENA_ARRAY(&arena, rest.len, Gofer__V1__TaskSpec *);
    while (rest.len > 0) {
        struct gf_str task = {0};
        (void)gf_str_cut(rest, ';', &task, &rest);
        spec->tasks[spec->n_tasks++] = make_task(task);
    }
    return spec;
}

/* ---- Calls ---- */

int64_t register_spec(Gofer__V1__PipelineSpec *spec) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    request.spec = spec;
    must(gofer_v1_pipeline_config_service_register_pipeline_config(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
         "register");
    return response->config->version;
}

int64_t up_made(Gofer__V1__PipelineSpec *spec) {
    const int64_t version = register_spec(spec);
    Gofer__V1__DeployPipelineRequest request = GOFER__V1__DEPLOY_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeployPipelineResponse *response = NULL;
    request.pipeline_id = spec->id;
    request.version = version;
    must(gofer_v1_deployment_service_deploy_pipeline(harness.channel, NULL, &request, &arena,
                                                     &response, &error),
         "deploy");
    return version;
}

int64_t up(char *id, const char *tasks) {
    return up_made(make_spec(id, tasks));
}

Gofer__V1__Run *start_run(char *pipeline_id) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    must(gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response, &error),
         "start");
    return response->run;
}

Gofer__V1__Run *wait_run(char *pipeline_id, int64_t run_id) {
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__Run *run = NULL;
    request.pipeline_id = pipeline_id;
    request.run_id = run_id;
    must(gofer_v1_run_service_watch_run_stream_open(harness.channel, NULL, &request, &stream,
                                                    &error),
         "watch");
    for (;;) {
        Gofer__V1__WatchRunResponse *message = NULL;
        must(gofer_v1_run_service_watch_run_stream_recv(stream, TIMEOUT_MS, &arena, &message,
                                                        &error),
             "watch");
        if (message == NULL) {
            break;
        }
        run = message->run;
    }
    gf_rpc_stream_destroy(stream);
    cr_assert_not_null(run);
    cr_assert_eq((int)run->state, GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE);
    return run;
}

Gofer__V1__TaskExecution *get_task(char *pipeline_id, int64_t run_id, char *task_id) {
    Gofer__V1__GetTaskExecutionRequest request = GOFER__V1__GET_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__GetTaskExecutionResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.run_id = run_id;
    request.task_id = task_id;
    must(gofer_v1_task_execution_service_get_task_execution(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
         "get task");
    return response->task_execution;
}

Gofer__V1__Run *get_run(char *pipeline_id, int64_t run_id) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    Gofer__V1__GetRunResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.run_id = run_id;
    must(gofer_v1_run_service_get_run(harness.channel, NULL, &request, &arena, &response, &error),
         "get run");
    return response->run;
}

void cancel_run(char *pipeline_id, int64_t run_id) {
    Gofer__V1__CancelRunRequest request = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    Gofer__V1__CancelRunResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.run_id = run_id;
    request.force = true;
    must(
        gofer_v1_run_service_cancel_run(harness.channel, NULL, &request, &arena, &response, &error),
        "cancel");
}
