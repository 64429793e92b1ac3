#include "tests/sim/rows.h"

#include <string.h>

void sim_rows_init(struct sim_rows *rows, struct gf_arena *arena) {
    memset(rows, 0, sizeof(*rows));
    rows->arena = arena;
    rows->newest = (struct gf_core_start){.next_namespace_key = 1,
                                          .next_pipeline_key = 1,
                                          .next_run_key = 1,
                                          .next_event_sequence = 1};
    rows->saved_newest = rows->newest;
}

void sim_rows_fini(struct sim_rows *rows) {
    for (size_t i = 0; i < SIM_PIPELINES_MAX; i++) {
        gf_vec_fini(&rows->pipelines[i].configs);
        gf_vec_fini(&rows->pipelines[i].runs);
    }
    gf_vec_fini(&rows->runs);
    gf_vec_fini(&rows->requests);
    gf_vec_fini(&rows->active);
    gf_vec_fini(&rows->touched_namespaces);
    gf_vec_fini(&rows->touched_pipelines);
    gf_vec_fini(&rows->touched_configs);
    gf_vec_fini(&rows->touched_runs);
    gf_vec_fini(&rows->touched_tasks);
    gf_vec_fini(&rows->touched_roles);
    gf_vec_fini(&rows->touched_tokens);
    gf_vec_fini(&rows->tokens);
    gf_vec_fini(&rows->deleted_pipelines);
}

struct sim_namespace *sim_rows_namespace(struct sim_rows *rows, int64_t namespace_key) {
    if (namespace_key < 1 || namespace_key > SIM_NAMESPACES_MAX) {
        return NULL;
    }
    struct sim_namespace *ns = &rows->namespaces[namespace_key - 1];
    return ns->there.now ? ns : NULL;
}

struct sim_namespace *sim_rows_namespace_by_id(struct sim_rows *rows, struct gf_str namespace_id) {
    for (int64_t key = 1; key < rows->newest.next_namespace_key; key++) {
        struct sim_namespace *ns = sim_rows_namespace(rows, key);
        if (ns != NULL && gf_str_eq(ns->row.namespace_id, namespace_id)) {
            return ns;
        }
    }
    return NULL;
}

struct sim_pipeline *sim_rows_pipeline(struct sim_rows *rows, int64_t pipeline_key) {
    if (pipeline_key < 1 || pipeline_key > SIM_PIPELINES_MAX) {
        return NULL;
    }
    struct sim_pipeline *pipeline = &rows->pipelines[pipeline_key - 1];
    return pipeline->there.now && pipeline->ns->there.now ? pipeline : NULL;
}

struct sim_pipeline *sim_rows_pipeline_by_id(struct sim_rows *rows, struct gf_str namespace_id,
                                             struct gf_str pipeline_id) {
    for (int64_t key = 1; key < rows->newest.next_pipeline_key; key++) {
        struct sim_pipeline *pipeline = sim_rows_pipeline(rows, key);
        if (pipeline != NULL && gf_str_eq(pipeline->row.pipeline_id, pipeline_id) &&
            gf_str_eq(pipeline->row.namespace_id, namespace_id)) {
            return pipeline;
        }
    }
    return NULL;
}

struct sim_run *sim_rows_run(struct sim_rows *rows, int64_t run_key) {
    if (run_key < 1 || (size_t)run_key > rows->runs.count) {
        return NULL;
    }
    struct sim_run *run = rows->runs.items[run_key - 1];
    return run != NULL && run->there.now ? run : NULL;
}

struct sim_run *sim_rows_run_by_id(struct sim_pipeline *pipeline, int64_t run_id) {
    if (run_id < 1 || (size_t)run_id > pipeline->runs.count) {
        return NULL;
    }
    struct sim_run *run = pipeline->runs.items[run_id - 1];
    return run != NULL && run->there.now ? run : NULL;
}

struct sim_config *sim_rows_config(struct sim_pipeline *pipeline, int64_t version) {
    if (version < 1 || (size_t)version > pipeline->configs.count) {
        return NULL;
    }
    struct sim_config *config = pipeline->configs.items[version - 1];
    return config != NULL && config->there.now ? config : NULL;
}

struct sim_config *sim_rows_newest_config(struct sim_pipeline *pipeline) {
    struct sim_config *config = NULL;
    for (size_t version = pipeline->configs.count; version > 0 && config == NULL; version--) {
        config = sim_rows_config(pipeline, (int64_t)version);
    }
    return config;
}

int64_t sim_kept_run_id(const struct gf_run *run, size_t task_index) {
    size_t next = 0;
    for (size_t i = 0; i < run->kept_count; i++) {
        next += (size_t)run->kept_tasks[i].task_count;
        if (task_index < next) {
            return run->kept_tasks[i].run_id;
        }
    }
    return 0;
}

struct sim_request *sim_rows_request(struct sim_rows *rows, struct gf_str caller,
                                     struct gf_str request_id) {
    for (size_t i = rows->requests.count; i > 0; i--) {
        struct sim_request *request = &rows->requests.items[i - 1];
        if (gf_str_eq(request->row.request_id, request_id) &&
            gf_str_eq(request->row.caller, caller)) {
            return request;
        }
    }
    return NULL;
}

/* ---- Tokens and roles ---- */

/* The number behind a prefix; -1 = it is another name. */
static int64_t number_of(struct gf_str name, struct gf_str prefix) {
    int64_t number = -1;
    if (!gf_str_has_prefix(name, prefix) ||
        !gf_parse_i64((struct gf_str){name.ptr + prefix.len, name.len - prefix.len}, &number)) {
        return -1;
    }
    return number;
}

struct sim_role *sim_rows_role_place(struct sim_rows *rows, struct gf_str role_id) {
    const int64_t number = number_of(role_id, GF_STR("role-"));
    return number < 0 || number >= SIM_ROLES ? NULL : &rows->roles[number];
}

struct sim_role *sim_rows_role(struct sim_rows *rows, struct gf_str role_id) {
    struct sim_role *role = sim_rows_role_place(rows, role_id);
    return role != NULL && role->there.now ? role : NULL;
}

struct sim_token *sim_rows_token_place(struct sim_rows *rows, struct gf_str token_id) {
    const int64_t number = number_of(token_id, GF_STR("tok-"));
    if (number < 0 || number >= SIM_TOKENS_MAX) {
        return NULL;
    }
    while (rows->tokens.count <= (size_t)number) {
        gf_vec_push(&rows->tokens, GF_ARENA_NEW(rows->arena, struct sim_token));
    }
    return rows->tokens.items[number];
}

struct sim_token *sim_rows_token(struct sim_rows *rows, struct gf_str token_id) {
    struct sim_token *token = sim_rows_token_place(rows, token_id);
    return token != NULL && token->there.now ? token : NULL;
}

int64_t sim_rows_role_uses(const struct sim_rows *rows, struct gf_str role_id) {
    int64_t uses = 0;
    for (size_t i = 0; i < rows->tokens.count; i++) {
        const struct sim_token *token = rows->tokens.items[i];
        for (size_t r = 0; token->there.now && r < token->row.role_count; r++) {
            uses += gf_str_eq(token->row.role_ids[r], role_id);
        }
    }
    return uses;
}
