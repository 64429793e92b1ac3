#include "engine/store/testing/rows.h"

#include "base/vec.h"
#include "engine/core/testing/fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BYTES_MAX = 1 << 30,
    TEXT_BYTES_MAX = 512,
};

#define TIME INT64_C(1700000000000000000)

void gf_rows_init(struct gf_rows *rows) {
    *rows = (struct gf_rows){.next_sequence = 1};
    gf_arena_init(&rows->arena, ARENA_BYTES_MAX);
}

/* Applies an operation to every list of the batch. */
#define EACH_LIST(batch, op)                                                                       \
    do {                                                                                           \
        op(&(batch)->namespaces);                                                                  \
        op(&(batch)->deleted_namespaces);                                                          \
        op(&(batch)->deleted_pipelines);                                                           \
        op(&(batch)->deleted_configs);                                                             \
        op(&(batch)->pipelines);                                                                   \
        op(&(batch)->configs);                                                                     \
        op(&(batch)->deployments);                                                                 \
        op(&(batch)->runs);                                                                        \
        op(&(batch)->inputs);                                                                      \
        op(&(batch)->tasks);                                                                       \
        op(&(batch)->attempts);                                                                    \
        op(&(batch)->requests);                                                                    \
        op(&(batch)->roles);                                                                       \
        op(&(batch)->deleted_roles);                                                               \
        op(&(batch)->tokens);                                                                      \
        op(&(batch)->deleted_tokens);                                                              \
        op(&(batch)->extensions);                                                                  \
        op(&(batch)->deleted_extensions);                                                          \
        op(&(batch)->subscriptions);                                                               \
        op(&(batch)->deleted_subscriptions);                                                       \
        op(&(batch)->start_keys);                                                                  \
        op(&(batch)->deliveries);                                                                  \
        op(&(batch)->delivery_ids);                                                                \
        op(&(batch)->deleted_deliveries);                                                          \
        op(&(batch)->reports);                                                                     \
        op(&(batch)->events);                                                                      \
    } while (0)

void gf_rows_fini(struct gf_rows *rows) {
    EACH_LIST(&rows->batch, gf_vec_fini);
    gf_arena_fini(&rows->arena);
}

static void clear(struct gf_rows *rows) {
    EACH_LIST(&rows->batch, gf_vec_clear);
    rows->batch.preferences = NULL;
    rows->batch.bootstrapped = false;
    rows->batch.source_sequence = 0;
}

struct gf_str gf_rows_text(struct gf_rows *rows, const char *fmt, ...) {
    char text[TEXT_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return gf_arena_str(&rows->arena, gf_str_from(text));
}

struct gf_namespace *gf_rows_namespace(struct gf_rows *rows, int64_t namespace_key,
                                       const char *namespace_id) {
    struct gf_namespace *ns = GF_ARENA_NEW(&rows->arena, struct gf_namespace);
    ns->namespace_key = namespace_key;
    ns->namespace_id = gf_str_from(namespace_id);
    ns->create_time = TIME;
    ns->update_time = TIME;
    gf_vec_push(&rows->batch.namespaces, ns);
    return ns;
}

struct gf_pipeline *gf_rows_pipeline(struct gf_rows *rows, const struct gf_namespace *ns,
                                     int64_t pipeline_key, const char *pipeline_id) {
    struct gf_pipeline *pipeline = GF_ARENA_NEW(&rows->arena, struct gf_pipeline);
    pipeline->pipeline_key = pipeline_key;
    pipeline->namespace_key = ns->namespace_key;
    pipeline->namespace_id = ns->namespace_id;
    pipeline->pipeline_id = gf_str_from(pipeline_id);
    pipeline->state = GF_PIPELINE_STATE_ACTIVE;
    pipeline->create_time = TIME;
    pipeline->update_time = TIME;
    gf_vec_push(&rows->batch.pipelines, pipeline);
    return pipeline;
}

struct gf_config *gf_rows_config(struct gf_rows *rows, const struct gf_pipeline *pipeline,
                                 int64_t version, const char *tasks) {
    struct gf_config *config = gf_fixture_checked(&rows->arena, tasks);
    config->pipeline_key = pipeline->pipeline_key;
    config->namespace_id = pipeline->namespace_id;
    config->pipeline_id = pipeline->pipeline_id;
    config->version = version;
    config->state = GF_CONFIG_STATE_UNRELEASED;
    config->register_time = TIME + version;
    gf_vec_push(&rows->batch.configs, config);
    return config;
}

struct gf_deployment *gf_rows_deployment(struct gf_rows *rows, const struct gf_pipeline *pipeline,
                                         int64_t deployment_id) {
    struct gf_deployment *deployment = GF_ARENA_NEW(&rows->arena, struct gf_deployment);
    deployment->pipeline_key = pipeline->pipeline_key;
    deployment->namespace_id = pipeline->namespace_id;
    deployment->pipeline_id = pipeline->pipeline_id;
    deployment->deployment_id = deployment_id;
    deployment->start_version = 1;
    deployment->end_version = 2;
    deployment->state = GF_DEPLOYMENT_STATE_RUNNING;
    deployment->start_time = TIME + deployment_id;
    gf_vec_push(&rows->batch.deployments, deployment);
    return deployment;
}

struct gf_run *gf_rows_run(struct gf_rows *rows, const struct gf_pipeline *pipeline,
                           int64_t run_key, int64_t run_id) {
    struct gf_run *run = GF_ARENA_NEW(&rows->arena, struct gf_run);
    run->run_key = run_key;
    run->pipeline_key = pipeline->pipeline_key;
    run->namespace_id = pipeline->namespace_id;
    run->pipeline_id = pipeline->pipeline_id;
    run->run_id = run_id;
    run->version = 1;
    run->state = GF_RUN_STATE_RUNNING;
    run->initiator.kind = GF_INITIATOR_HUMAN;
    run->create_time = TIME + run_key;
    gf_vec_push(&rows->batch.runs, run);
    return run;
}

struct gf_task_execution *gf_rows_task(struct gf_rows *rows, const struct gf_run *run,
                                       int32_t task_index, const char *task_id) {
    struct gf_task_execution *task = GF_ARENA_NEW(&rows->arena, struct gf_task_execution);
    task->run_key = run->run_key;
    task->task_index = task_index;
    task->task_id = gf_str_from(task_id);
    task->state = GF_TASK_STATE_WAITING;
    task->create_time = TIME + task_index;
    gf_vec_push(&rows->batch.tasks, task);
    return task;
}

struct gf_task_execution *gf_rows_attempt(struct gf_rows *rows,
                                          const struct gf_task_execution *task) {
    struct gf_task_execution *attempt = GF_ARENA_NEW(&rows->arena, struct gf_task_execution);
    *attempt = *task;
    gf_vec_push(&rows->batch.attempts, attempt);
    return attempt;
}

void gf_rows_input(struct gf_rows *rows, const struct gf_run *run, struct gf_str content) {
    const struct gf_run_input_row input = {.run_key = run->run_key, .content = content};
    gf_vec_push(&rows->batch.inputs, input);
}

struct gf_request *gf_rows_request(struct gf_rows *rows, const char *caller, const char *request_id,
                                   int64_t create_time) {
    struct gf_request *request = gf_vec_push_zeroed(&rows->batch.requests);
    request->caller = gf_str_from(caller);
    request->request_id = gf_str_from(request_id);
    request->kind = GF_REQUEST_CREATE_NAMESPACE;
    request->fingerprint = ~create_time;
    request->create_time = create_time;
    return request;
}

void gf_rows_preferences(struct gf_rows *rows, const struct gf_preferences *preferences) {
    struct gf_preferences *copy = GF_ARENA_NEW(&rows->arena, struct gf_preferences);
    *copy = *preferences;
    rows->batch.preferences = copy;
}

struct gf_token *gf_rows_token(struct gf_rows *rows, const char *token_id, int64_t create_time) {
    struct gf_token *token = GF_ARENA_NEW(&rows->arena, struct gf_token);
    token->token_id = gf_str_from(token_id);
    gf_token_digest(token->token_id, &token->digest);
    token->kind = GF_TOKEN_KIND_HUMAN;
    token->create_time = create_time;
    gf_vec_push(&rows->batch.tokens, token);
    return token;
}

struct gf_role *gf_rows_role(struct gf_rows *rows, const char *role_id) {
    static const struct gf_str NAMESPACES[] = {GF_STR("*")};
    static const struct gf_permission_target TARGETS[] = {
        {.resource = GF_PERMISSION_RESOURCE_PIPELINES}};
    static const enum gf_permission_action ACTIONS[] = {GF_PERMISSION_ACTION_READ};
    static const struct gf_permission PERMISSIONS[] = {{.namespaces = NAMESPACES,
                                                        .namespace_count = 1,
                                                        .targets = TARGETS,
                                                        .target_count = 1,
                                                        .actions = ACTIONS,
                                                        .action_count = 1}};
    struct gf_role *role = GF_ARENA_NEW(&rows->arena, struct gf_role);
    role->role_id = gf_str_from(role_id);
    role->permissions = PERMISSIONS;
    role->permission_count = GF_ARRAY_COUNT(PERMISSIONS);
    role->create_time = TIME;
    role->update_time = TIME;
    gf_vec_push(&rows->batch.roles, role);
    return role;
}

void gf_rows_bootstrapped(struct gf_rows *rows) {
    rows->batch.bootstrapped = true;
}

void gf_rows_source_sequence(struct gf_rows *rows, int64_t source_sequence) {
    rows->batch.source_sequence = source_sequence;
}

struct gf_event *gf_rows_event(struct gf_rows *rows, enum gf_event_kind kind,
                               const char *namespace_id, const char *pipeline_id, int64_t run_id) {
    struct gf_event *event = gf_vec_push_zeroed(&rows->batch.events);
    event->sequence = rows->next_sequence++;
    event->time = TIME + event->sequence;
    event->kind = kind;
    event->namespace_id = gf_str_from(namespace_id);
    event->pipeline_id = gf_str_from(pipeline_id);
    event->run_id = run_id;
    return event;
}

void gf_rows_again_namespace(struct gf_rows *rows, const struct gf_namespace *ns) {
    gf_vec_push(&rows->batch.namespaces, ns);
}

void gf_rows_again_pipeline(struct gf_rows *rows, const struct gf_pipeline *pipeline) {
    gf_vec_push(&rows->batch.pipelines, pipeline);
}

void gf_rows_again_config(struct gf_rows *rows, const struct gf_config *config) {
    gf_vec_push(&rows->batch.configs, config);
}

void gf_rows_again_deployment(struct gf_rows *rows, const struct gf_deployment *deployment) {
    gf_vec_push(&rows->batch.deployments, deployment);
}

void gf_rows_again_run(struct gf_rows *rows, const struct gf_run *run) {
    gf_vec_push(&rows->batch.runs, run);
}

void gf_rows_again_task(struct gf_rows *rows, const struct gf_task_execution *task) {
    gf_vec_push(&rows->batch.tasks, task);
}

void gf_rows_again_token(struct gf_rows *rows, const struct gf_token *token) {
    gf_vec_push(&rows->batch.tokens, token);
}

void gf_rows_again_role(struct gf_rows *rows, const struct gf_role *role) {
    gf_vec_push(&rows->batch.roles, role);
}

void gf_rows_delete_token(struct gf_rows *rows, const char *token_id) {
    gf_vec_push(&rows->batch.deleted_tokens, gf_str_from(token_id));
}

void gf_rows_delete_role(struct gf_rows *rows, const char *role_id) {
    gf_vec_push(&rows->batch.deleted_roles, gf_str_from(role_id));
}

void gf_rows_delete_namespace(struct gf_rows *rows, int64_t namespace_key) {
    gf_vec_push(&rows->batch.deleted_namespaces, namespace_key);
}

void gf_rows_delete_pipeline(struct gf_rows *rows, int64_t pipeline_key) {
    gf_vec_push(&rows->batch.deleted_pipelines, pipeline_key);
}

void gf_rows_delete_config(struct gf_rows *rows, int64_t pipeline_key, int64_t version) {
    const struct gf_config_key key = {.pipeline_key = pipeline_key, .version = version};
    gf_vec_push(&rows->batch.deleted_configs, key);
}

enum gf_code gf_rows_try_commit(struct gf_rows *rows, struct gf_store *store,
                                struct gf_error *err) {
    const enum gf_code rc = store->ops->commit(store, &rows->batch, err);
    clear(rows);
    return rc;
}

void gf_rows_commit(struct gf_rows *rows, struct gf_store *store) {
    struct gf_error err = {0};
    if (gf_rows_try_commit(rows, store, &err) != GF_OK) {
        (void)fprintf(stderr, "commit: %s\n", err.message);
        abort();
    }
}
