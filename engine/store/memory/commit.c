#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/core/limits.h"
#include "engine/store/memory/memory_internal.h"

#include <string.h>

enum {
    ROW_BYTES_MAX = 1 << 30, /* of the texts of one row */
};

/* Puts a new state into an object: its texts live in the object's arena. */
#define SET_ROW(object, copy, from)                                                                \
    do {                                                                                           \
        gf_arena_fini(&(object)->arena);                                                           \
        gf_arena_init(&(object)->arena, ROW_BYTES_MAX);                                            \
        copy((from), &(object)->arena, &(object)->row);                                            \
    } while (0)

/* Appends to an array that is sorted by `field`, and moves the new item to its place. */
#define INSERT(vec, item, field)                                                                   \
    do {                                                                                           \
        gf_vec_push((vec), (item));                                                                \
        for (size_t at_ = (vec)->count - 1;                                                        \
             at_ > 0 && (vec)->items[at_ - 1]->row.field > (item)->row.field; at_--) {             \
            (vec)->items[at_] = (vec)->items[at_ - 1];                                             \
            (vec)->items[at_ - 1] = (item);                                                        \
        }                                                                                          \
    } while (0)

/* ---- Writing rows; parents are there before their children ---- */

static void put_namespace(struct memory_store *store, const struct gf_namespace *row) {
    struct memory_namespace *ns = gf_map_i64_get(&store->namespaces, row->namespace_key);
    if (ns == NULL) {
        gf_assert(gf_memory__find_namespace(store, row->namespace_id) == NULL);
        ns = GF_NEW(struct memory_namespace);
        (void)gf_map_i64_put(&store->namespaces, row->namespace_key, ns);
        (void)gf_map_put(&store->namespaces_by_id, row->namespace_id, ns);
    }
    SET_ROW(ns, gf_namespace_copy, row);
}

static void put_pipeline(struct memory_store *store, const struct gf_pipeline *row) {
    struct memory_pipeline *pipeline = gf_map_i64_get(&store->pipelines, row->pipeline_key);
    gf_assert(gf_map_i64_get(&store->namespaces, row->namespace_key) != NULL);
    if (pipeline == NULL) {
        gf_assert(gf_memory__find_pipeline(store, row->namespace_key, row->pipeline_id) == NULL);
        pipeline = GF_NEW(struct memory_pipeline);
        (void)gf_map_i64_put(&store->pipelines, row->pipeline_key, pipeline);
    }
    SET_ROW(pipeline, gf_pipeline_copy, row);
}

static void put_config(struct memory_store *store, const struct gf_config *row) {
    struct memory_pipeline *pipeline = gf_map_i64_get(&store->pipelines, row->pipeline_key);
    gf_assert(pipeline != NULL);
    struct memory_config *config = gf_memory__find_config(pipeline, row->version);
    if (config == NULL) {
        config = GF_NEW(struct memory_config);
        config->row.version = row->version;
        INSERT(&pipeline->configs, config, version);
    }
    SET_ROW(config, gf_config_copy, row);
}

static void put_deployment(struct memory_store *store, const struct gf_deployment *row) {
    struct memory_pipeline *pipeline = gf_map_i64_get(&store->pipelines, row->pipeline_key);
    gf_assert(pipeline != NULL);
    struct memory_deployment *deployment = gf_memory__find_deployment(pipeline, row->deployment_id);
    if (deployment == NULL) {
        deployment = GF_NEW(struct memory_deployment);
        deployment->row.deployment_id = row->deployment_id;
        INSERT(&pipeline->deployments, deployment, deployment_id);
    }
    SET_ROW(deployment, gf_deployment_copy, row);
}

static void put_run(struct memory_store *store, const struct gf_run *row) {
    struct memory_pipeline *pipeline = gf_map_i64_get(&store->pipelines, row->pipeline_key);
    gf_assert(pipeline != NULL);
    struct memory_run *run = gf_map_i64_get(&store->runs, row->run_key);
    if (run == NULL) {
        gf_assert(gf_memory__find_run(pipeline, row->run_id) == NULL);
        run = GF_NEW(struct memory_run);
        (void)gf_map_i64_put(&store->runs, row->run_key, run);
        run->row.run_id = row->run_id;
        INSERT(&pipeline->runs, run, run_id);
        if (row->request_id.len > 0) {
            (void)gf_map_put(&pipeline->requests, row->request_id, run);
        }
    }
    SET_ROW(run, gf_run_copy, row);
}

static void put_task(struct memory_store *store, const struct gf_task_execution *row) {
    struct memory_run *run = gf_map_i64_get(&store->runs, row->run_key);
    const size_t index = (size_t)row->task_index;
    gf_assert(run != NULL && row->task_index >= 0);
    while (run->tasks.count <= index) {
        gf_vec_push(&run->tasks, NULL);
    }
    if (run->tasks.items[index] == NULL) {
        run->tasks.items[index] = GF_NEW(struct memory_task);
    }
    SET_ROW(run->tasks.items[index], gf_task_execution_copy, row);
}

static void put_attempt(struct memory_store *store, const struct gf_task_execution *row) {
    struct memory_run *run = gf_map_i64_get(&store->runs, row->run_key);
    gf_assert(run != NULL);
    struct memory_task *attempt = NULL;
    for (size_t i = 0; i < run->attempts.count && attempt == NULL; i++) {
        struct memory_task *other = run->attempts.items[i];
        attempt = other->row.task_index == row->task_index && other->row.attempt == row->attempt
                      ? other
                      : NULL;
    }
    if (attempt == NULL) {
        attempt = GF_NEW(struct memory_task);
        attempt->row.attempt = row->attempt;
        INSERT(&run->attempts, attempt, attempt);
    }
    SET_ROW(attempt, gf_task_execution_copy, row);
}

static void put_input(struct memory_store *store, int64_t run_key, struct gf_str content) {
    struct memory_run *run = gf_map_i64_get(&store->runs, run_key);
    gf_assert(run != NULL);
    free(run->document);
    run->document = gf_malloc(content.len + 1);
    if (content.len > 0) {
        memcpy(run->document, content.ptr, content.len);
    }
    run->document_size = content.len;
    run->has_document = true;
}

static void put_request(struct memory_store *store, const struct gf_request *row) {
    struct gf_str key = {0};
    char *memory = gf_memory__request_key(row->caller, row->request_id, &key);
    struct memory_request *older = gf_map_remove(&store->requests, key);
    if (older != NULL) {
        gf_memory__free_request(older);
    }
    struct memory_request *request = GF_NEW(struct memory_request);
    SET_ROW(request, gf_request_copy, row);
    (void)gf_map_put(&store->requests, key, request);
    free(memory);
}

/* All that are too old, at once. */
static void put_requests(struct memory_store *store, const struct gf_request_vec *requests) {
    int64_t newest = 0;
    for (size_t i = 0; i < requests->count; i++) {
        const int64_t time = requests->items[i].create_time;
        newest = time > newest ? time : newest;
        put_request(store, &requests->items[i]);
    }
    size_t position = 0;
    struct gf_str key = {0};
    void *value = NULL;
    while (newest > 0 && gf_map_next(&store->requests, &position, &key, &value)) {
        struct memory_request *request = value;
        if (request->row.create_time < newest - GF_REQUEST_AGE_NS_MAX) {
            (void)gf_map_remove(&store->requests, key);
            gf_memory__free_request(request);
        }
    }
}

static void put_preferences(struct memory_store *store, const struct gf_preferences *row) {
    gf_arena_fini(&store->preferences_arena);
    gf_arena_init(&store->preferences_arena, ROW_BYTES_MAX);
    gf_preferences_copy(row, &store->preferences_arena, &store->preferences);
}

static void put_token(struct memory_store *store, const struct gf_token *row) {
    struct memory_token *token = gf_map_get(&store->tokens, row->token_id);
    if (token == NULL) {
        token = GF_NEW(struct memory_token);
        (void)gf_map_put(&store->tokens, row->token_id, token);
    }
    SET_ROW(token, gf_token_copy, row);
}

static void put_role(struct memory_store *store, const struct gf_role *row) {
    struct memory_role *role = gf_map_get(&store->roles, row->role_id);
    if (role == NULL) {
        role = GF_NEW(struct memory_role);
        (void)gf_map_put(&store->roles, row->role_id, role);
    }
    SET_ROW(role, gf_role_copy, row);
}

static void put_event(struct memory_store *store, const struct gf_event *row) {
    gf_assert(row->sequence == store->next.next_event_sequence);
    struct memory_event *event = GF_NEW(struct memory_event);
    SET_ROW(event, gf_event_copy, row);
    gf_vec_push(&store->events, event);
    store->next.next_event_sequence = row->sequence + 1;
}

static void raise_next(int64_t *next, int64_t key) {
    *next = key >= *next ? key + 1 : *next;
}

static void apply_deletions(struct memory_store *store, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->deleted_namespaces.count; i++) {
        raise_next(&store->next.next_namespace_key, batch->deleted_namespaces.items[i]);
        gf_memory__remove_namespace(store, batch->deleted_namespaces.items[i]);
    }
    for (size_t i = 0; i < batch->deleted_pipelines.count; i++) {
        raise_next(&store->next.next_pipeline_key, batch->deleted_pipelines.items[i]);
        gf_memory__remove_pipeline(store, batch->deleted_pipelines.items[i]);
    }
    for (size_t i = 0; i < batch->deleted_configs.count; i++) {
        gf_memory__remove_config(store, batch->deleted_configs.items[i]);
    }
    gf_memory__delete_extensions(store, batch);
    for (size_t i = 0; i < batch->deleted_roles.count; i++) {
        gf_memory__remove_role(store, batch->deleted_roles.items[i]);
    }
    for (size_t i = 0; i < batch->deleted_tokens.count; i++) {
        gf_memory__remove_token(store, batch->deleted_tokens.items[i]);
    }
}

static void apply_access(struct memory_store *store, const struct gf_batch *batch) {
    for (size_t i = 0; i < batch->roles.count; i++) {
        put_role(store, batch->roles.items[i]);
    }
    for (size_t i = 0; i < batch->tokens.count; i++) {
        put_token(store, batch->tokens.items[i]);
    }
    store->next.bootstrapped = store->next.bootstrapped || batch->bootstrapped;
    if (batch->source_sequence != 0) {
        store->next.source_sequence = batch->source_sequence;
    }
}

void gf_memory__apply(struct memory_store *store, const struct gf_batch *batch) {
    apply_deletions(store, batch);
    for (size_t i = 0; i < batch->namespaces.count; i++) {
        put_namespace(store, batch->namespaces.items[i]);
        raise_next(&store->next.next_namespace_key, batch->namespaces.items[i]->namespace_key);
    }
    for (size_t i = 0; i < batch->pipelines.count; i++) {
        put_pipeline(store, batch->pipelines.items[i]);
        raise_next(&store->next.next_pipeline_key, batch->pipelines.items[i]->pipeline_key);
    }
    for (size_t i = 0; i < batch->configs.count; i++) {
        put_config(store, batch->configs.items[i]);
    }
    for (size_t i = 0; i < batch->deployments.count; i++) {
        put_deployment(store, batch->deployments.items[i]);
    }
    for (size_t i = 0; i < batch->runs.count; i++) {
        put_run(store, batch->runs.items[i]);
        raise_next(&store->next.next_run_key, batch->runs.items[i]->run_key);
    }
    for (size_t i = 0; i < batch->inputs.count; i++) {
        put_input(store, batch->inputs.items[i].run_key, batch->inputs.items[i].content);
    }
    for (size_t i = 0; i < batch->tasks.count; i++) {
        put_task(store, batch->tasks.items[i]);
    }
    for (size_t i = 0; i < batch->attempts.count; i++) {
        put_attempt(store, batch->attempts.items[i]);
    }
    put_requests(store, &batch->requests);
    if (batch->preferences != NULL) {
        put_preferences(store, batch->preferences);
    }
    gf_memory__apply_extensions(store, batch);
    apply_access(store, batch);
    for (size_t i = 0; i < batch->events.count; i++) {
        put_event(store, &batch->events.items[i]);
    }
}

/* ---- Copying a whole store ---- */

static void copy_run(struct memory_store *to, const struct memory_run *run) {
    put_run(to, &run->row);
    for (size_t i = 0; i < run->tasks.count; i++) {
        if (run->tasks.items[i] != NULL) {
            put_task(to, &run->tasks.items[i]->row);
        }
    }
    for (size_t i = 0; i < run->attempts.count; i++) {
        put_attempt(to, &run->attempts.items[i]->row);
    }
    if (run->has_document) {
        put_input(to, run->row.run_key, (struct gf_str){run->document, run->document_size});
    }
}

void gf_memory__copy_all(struct memory_store *from, struct memory_store *to) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&from->namespaces, &position, NULL, &value)) {
        put_namespace(to, &((const struct memory_namespace *)value)->row);
    }
    position = 0;
    while (gf_map_i64_next(&from->pipelines, &position, NULL, &value)) {
        const struct memory_pipeline *pipeline = value;
        put_pipeline(to, &pipeline->row);
        for (size_t i = 0; i < pipeline->configs.count; i++) {
            put_config(to, &pipeline->configs.items[i]->row);
        }
        for (size_t i = 0; i < pipeline->deployments.count; i++) {
            put_deployment(to, &pipeline->deployments.items[i]->row);
        }
    }
    position = 0;
    while (gf_map_i64_next(&from->runs, &position, NULL, &value)) {
        copy_run(to, value);
    }
    for (size_t i = 0; i < from->events.count; i++) {
        put_event(to, &from->events.items[i]->row);
    }
    position = 0;
    while (gf_map_next(&from->requests, &position, NULL, &value)) {
        put_request(to, &((const struct memory_request *)value)->row);
    }
    position = 0;
    while (gf_map_next(&from->roles, &position, NULL, &value)) {
        put_role(to, &((const struct memory_role *)value)->row);
    }
    position = 0;
    while (gf_map_next(&from->tokens, &position, NULL, &value)) {
        put_token(to, &((const struct memory_token *)value)->row);
    }
    gf_memory__copy_extensions(from, to);
    put_preferences(to, &from->preferences);
    to->next = from->next;
}
