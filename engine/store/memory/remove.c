/* Removing rows, and freeing a whole store. */
#include "engine/store/memory/memory_internal.h"

#include <stdlib.h>

static void free_task(struct memory_task *task) {
    if (task != NULL) {
        gf_arena_fini(&task->arena);
        free(task);
    }
}

static void free_run(struct memory_run *run) {
    for (size_t i = 0; i < run->tasks.count; i++) {
        free_task(run->tasks.items[i]);
    }
    for (size_t i = 0; i < run->attempts.count; i++) {
        free_task(run->attempts.items[i]);
    }
    gf_vec_fini(&run->tasks);
    gf_vec_fini(&run->attempts);
    free(run->document);
    gf_arena_fini(&run->arena);
    free(run);
}

static void free_config(struct memory_config *config) {
    gf_arena_fini(&config->arena);
    free(config);
}

static void free_pipeline(struct memory_store *store, struct memory_pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->configs.count; i++) {
        free_config(pipeline->configs.items[i]);
    }
    for (size_t i = 0; i < pipeline->deployments.count; i++) {
        gf_arena_fini(&pipeline->deployments.items[i]->arena);
        free(pipeline->deployments.items[i]);
    }
    for (size_t i = 0; i < pipeline->runs.count; i++) {
        (void)gf_map_i64_remove(&store->runs, pipeline->runs.items[i]->row.run_key);
        free_run(pipeline->runs.items[i]);
    }
    gf_memory__remove_subscriptions(store, pipeline->row.pipeline_key);
    (void)gf_map_i64_remove(&store->pipelines, pipeline->row.pipeline_key);
    gf_vec_fini(&pipeline->configs);
    gf_vec_fini(&pipeline->deployments);
    gf_vec_fini(&pipeline->runs);
    gf_map_fini(&pipeline->requests);
    gf_arena_fini(&pipeline->arena);
    free(pipeline);
}

void gf_memory__remove_pipeline(struct memory_store *store, int64_t pipeline_key) {
    struct memory_pipeline *pipeline = gf_map_i64_get(&store->pipelines, pipeline_key);
    if (pipeline != NULL) {
        free_pipeline(store, pipeline);
    }
}

void gf_memory__remove_config(struct memory_store *store, struct gf_config_key key) {
    struct memory_pipeline *pipeline = gf_map_i64_get(&store->pipelines, key.pipeline_key);
    size_t kept = 0;
    for (size_t i = 0; pipeline != NULL && i < pipeline->configs.count; i++) {
        struct memory_config *config = pipeline->configs.items[i];
        if (config->row.version == key.version) {
            free_config(config);
        } else {
            pipeline->configs.items[kept++] = config;
        }
    }
    if (pipeline != NULL) {
        pipeline->configs.count = kept;
    }
}

void gf_memory__free_request(struct memory_request *request) {
    gf_arena_fini(&request->arena);
    free(request);
}

void gf_memory__remove_namespace(struct memory_store *store, int64_t namespace_key) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&store->pipelines, &position, NULL, &value)) {
        struct memory_pipeline *pipeline = value;
        if (pipeline->row.namespace_key == namespace_key) {
            free_pipeline(store, pipeline);
        }
    }
    struct memory_namespace *ns = gf_map_i64_remove(&store->namespaces, namespace_key);
    if (ns != NULL) {
        (void)gf_map_remove(&store->namespaces_by_id, ns->row.namespace_id);
        gf_arena_fini(&ns->arena);
        free(ns);
    }
}

static void free_token(struct memory_token *token) {
    gf_arena_fini(&token->arena);
    free(token);
}

void gf_memory__remove_token(struct memory_store *store, struct gf_str token_id) {
    struct memory_token *token = gf_map_remove(&store->tokens, token_id);
    if (token != NULL) {
        free_token(token);
    }
}

static void free_role(struct memory_role *role) {
    gf_arena_fini(&role->arena);
    free(role);
}

void gf_memory__remove_role(struct memory_store *store, struct gf_str role_id) {
    struct memory_role *role = gf_map_remove(&store->roles, role_id);
    if (role != NULL) {
        free_role(role);
    }
}

static void free_access(struct memory_store *store) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&store->tokens, &position, NULL, &value)) {
        free_token(value);
    }
    position = 0;
    while (gf_map_next(&store->roles, &position, NULL, &value)) {
        free_role(value);
    }
    gf_map_fini(&store->tokens);
    gf_map_fini(&store->roles);
}

void gf_memory__free_all(struct memory_store *store) {
    size_t position = 0;
    int64_t key = 0;
    while (gf_map_i64_next(&store->namespaces, &position, &key, NULL)) {
        gf_memory__remove_namespace(store, key);
    }
    for (size_t i = 0; i < store->events.count; i++) {
        gf_arena_fini(&store->events.items[i]->arena);
        free(store->events.items[i]);
    }
    position = 0;
    void *request = NULL;
    while (gf_map_next(&store->requests, &position, NULL, &request)) {
        gf_memory__free_request(request);
    }
    gf_map_fini(&store->requests);
    free_access(store);
    gf_memory__free_extensions(store);
    gf_arena_fini(&store->preferences_arena);
    gf_vec_fini(&store->events);
    gf_map_i64_fini(&store->namespaces);
    gf_map_fini(&store->namespaces_by_id);
    gf_map_i64_fini(&store->pipelines);
    gf_map_i64_fini(&store->runs);
}
