/*
 * Design: every object is found by a map from its key. A pipeline or config is idle while no run
 * holds it; the idle ones are in a list, the least recently used first, and only they are thrown
 * away, at the end of a batch.
 */
#include "base/alloc.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

/* ---- Idle objects ---- */

static bool is_idle(const struct core_pipeline *pipeline) {
    return pipeline->runs_held == 0 && !pipeline->deleted;
}

static void idle_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    gf_list_push_back(&core->idle_pipelines, &pipeline->idle_link);
    core->idle_pipeline_count++;
}

static void unidle_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    gf_list_remove(&pipeline->idle_link);
    core->idle_pipeline_count--;
}

/* A large config goes first: keeping it would cost many small ones their place. */
static void idle_config(struct gf_core *core, struct core_config *config) {
    if (config->arena.used_bytes > GF_CORE_CONFIGS_IDLE_BYTES_MAX / 4) {
        gf_list_push_front(&core->idle_configs, &config->idle_link);
    } else {
        gf_list_push_back(&core->idle_configs, &config->idle_link);
    }
    core->idle_config_count++;
    core->idle_config_bytes += config->arena.used_bytes;
}

static void unidle_config(struct gf_core *core, struct core_config *config) {
    gf_list_remove(&config->idle_link);
    core->idle_config_count--;
    core->idle_config_bytes -= config->arena.used_bytes;
}

void gf_core__touch_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    if (is_idle(pipeline)) {
        unidle_pipeline(core, pipeline);
        idle_pipeline(core, pipeline);
    }
}

void gf_core__touch_config(struct gf_core *core, struct core_config *config) {
    if (config->runs_held == 0 && !config->deleted) {
        unidle_config(core, config);
        idle_config(core, config);
    }
}

/* ---- Adding ---- */

struct core_namespace *gf_core__add_namespace(struct gf_core *core,
                                              const struct gf_namespace *row) {
    struct core_namespace *ns = GF_NEW(struct core_namespace);
    ns->row = *row;
    ns->row.namespace_id = (struct gf_str){gf_str_dup(row->namespace_id), row->namespace_id.len};
    ns->row.name = (struct gf_str){gf_str_dup(row->name), row->name.len};
    ns->row.description = (struct gf_str){gf_str_dup(row->description), row->description.len};
    gf_list_init(&ns->pipelines);
    gf_list_init(&ns->subscriptions);
    gf_assert(gf_map_put(&core->namespaces, ns->row.namespace_id, ns) == NULL);
    (void)gf_map_i64_put(&core->namespaces_by_key, ns->row.namespace_key, ns);
    return ns;
}

struct core_pipeline *gf_core__add_pipeline(struct gf_core *core, struct core_namespace *ns,
                                            const struct gf_pipeline *row) {
    struct core_pipeline *pipeline = GF_NEW(struct core_pipeline);
    pipeline->row = *row;
    pipeline->row.namespace_key = ns->row.namespace_key;
    pipeline->row.namespace_id = ns->row.namespace_id;
    pipeline->row.pipeline_id = (struct gf_str){gf_str_dup(row->pipeline_id), row->pipeline_id.len};
    pipeline->row.state_reason =
        (struct gf_str){gf_str_dup(row->state_reason), row->state_reason.len};
    pipeline->ns = ns;
    gf_list_init(&pipeline->configs);
    gf_list_init(&pipeline->runs);
    gf_list_init(&pipeline->ending);
    gf_list_init(&pipeline->pools);
    gf_list_push_back(&ns->pipelines, &pipeline->ns_link);
    idle_pipeline(core, pipeline);
    const struct core_key key = gf_core__key_of_text(ns->row.namespace_key, row->pipeline_id);
    gf_assert(gf_map_put(&core->pipelines, gf_core__key_view(&key), pipeline) == NULL);
    (void)gf_map_i64_put(&core->pipelines_by_key, row->pipeline_key, pipeline);
    return pipeline;
}

struct core_config *gf_core__add_config(struct gf_core *core, struct core_pipeline *pipeline,
                                        const struct gf_config *row) {
    struct core_config *config = GF_NEW(struct core_config);
    gf_arena_init(&config->arena, GF_CORE_CONFIG_BYTES_MAX);
    gf_config_copy(row, &config->arena, &config->row);
    config->row.pipeline_key = pipeline->row.pipeline_key;
    config->row.namespace_id = pipeline->row.namespace_id;
    config->row.pipeline_id = pipeline->row.pipeline_id;
    config->pipeline = pipeline;
    gf_list_push_back(&pipeline->configs, &config->pipeline_link);
    idle_config(core, config);
    const struct core_key key = gf_core__key_of_numbers(pipeline->row.pipeline_key, row->version);
    gf_assert(gf_map_put(&core->configs, gf_core__key_view(&key), config) == NULL);
    return config;
}

void gf_core__add_run(struct gf_core *core, struct core_run *run) {
    struct core_pipeline *pipeline = run->pipeline;
    if (pipeline->runs_held++ == 0) {
        unidle_pipeline(core, pipeline);
    }
    if (run->config->runs_held++ == 0) {
        unidle_config(core, run->config);
    }
    if (gf_core__run_is_ending(run)) {
        gf_list_push_back(&pipeline->ending, &run->pipeline_link);
        run->ending = true;
    } else {
        gf_list_push_back(&pipeline->runs, &run->pipeline_link);
        pipeline->runs_unended++;
    }
    run->config->runs_active++;
    pipeline->ns->runs_active++;
    core->runs_active++;
    const struct core_key by_id =
        gf_core__key_of_numbers(pipeline->row.pipeline_key, run->row.run_id);
    (void)gf_map_i64_put(&core->runs, run->row.run_key, run);
    (void)gf_map_put(&core->runs_by_id, gf_core__key_view(&by_id), run);
    if (run->row.request_id.len > 0) {
        const struct core_key by_request =
            gf_core__key_of_text(pipeline->row.pipeline_key, run->row.request_id);
        (void)gf_map_put(&core->runs_by_request, gf_core__key_view(&by_request), run);
    }
}

/* ---- Removing ---- */

void gf_core__run_mark_ending(struct core_run *run) {
    gf_list_remove(&run->pipeline_link);
    gf_list_push_back(&run->pipeline->ending, &run->pipeline_link);
    run->pipeline->runs_unended--;
    run->ending = true;
}

void gf_core__bury_run(struct gf_core *core, struct core_run *run) {
    gf_list_remove(&run->pipeline_link);
    run->pipeline->runs_unended -= !run->ending;
    run->config->runs_active--;
    run->pipeline->ns->runs_active--;
    core->runs_active--;
    gf_list_push_back(&core->dead_runs, &run->dead_link);
}

static void forget_pipeline(struct gf_core *core, const struct core_pipeline *pipeline) {
    const struct core_key key =
        gf_core__key_of_text(pipeline->ns->row.namespace_key, pipeline->row.pipeline_id);
    (void)gf_map_remove(&core->pipelines, gf_core__key_view(&key));
    (void)gf_map_i64_remove(&core->pipelines_by_key, pipeline->row.pipeline_key);
}

void gf_core__bury_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    gf_assert(gf_list_empty(&pipeline->runs) && gf_list_empty(&pipeline->ending));
    if (is_idle(pipeline)) {
        unidle_pipeline(core, pipeline);
    }
    forget_pipeline(core, pipeline);
    gf_core__remember_no_pipeline(core, pipeline);
    gf_list_remove(&pipeline->ns_link);
    pipeline->deleted = true;
    gf_list_push_back(&core->dead_pipelines, &pipeline->idle_link);
}

static void forget_config(struct gf_core *core, const struct core_config *config) {
    const struct core_key key =
        gf_core__key_of_numbers(config->row.pipeline_key, config->row.version);
    (void)gf_map_remove(&core->configs, gf_core__key_view(&key));
}

void gf_core__bury_config(struct gf_core *core, struct core_config *config) {
    gf_assert(config->runs_active == 0);
    if (config->runs_held == 0) {
        unidle_config(core, config);
    }
    forget_config(core, config);
    gf_core__remember_no_config(core, config);
    config->deleted = true;
    gf_list_push_back(&core->dead_configs, &config->idle_link);
}

void gf_core__bury_namespace(struct gf_core *core, struct core_namespace *ns) {
    gf_assert(ns->runs_active == 0);
    GF_LIST_FOREACH(link, &ns->pipelines) {
        gf_core__bury_pipeline(core, GF_CONTAINER_OF(link, struct core_pipeline, ns_link));
    }
    ns->deleted = true;
    (void)gf_map_remove(&core->namespaces, ns->row.namespace_id);
    (void)gf_map_i64_remove(&core->namespaces_by_key, ns->row.namespace_key);
    gf_list_push_back(&core->dead_namespaces, &ns->dead_link);
}

static void free_config(struct gf_core *core, struct core_config *config) {
    gf_assert(config->runs_held == 0);
    if (!config->deleted) {
        unidle_config(core, config);
        forget_config(core, config);
    }
    gf_list_remove(&config->pipeline_link);
    gf_arena_fini(&config->arena);
    free(config);
}

/* There are some only where the core ends with active runs. */
static void free_orders(struct core_pipeline *pipeline) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&pipeline->orders, &position, NULL, &value)) {
        free(value);
    }
    gf_map_fini(&pipeline->orders);
}

/* A pipeline that no map and no idle list has any more. */
static void free_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    gf_assert(pipeline->runs_held == 0);
    GF_LIST_FOREACH(link, &pipeline->configs) {
        free_config(core, GF_CONTAINER_OF(link, struct core_config, pipeline_link));
    }
    if (!pipeline->deleted) {
        gf_list_remove(&pipeline->ns_link);
    }
    gf_heap_fini(&pipeline->queue);
    free_orders(pipeline);
    free((char *)pipeline->row.pipeline_id.ptr);
    free((char *)pipeline->row.state_reason.ptr);
    free(pipeline);
}

static void free_namespace(struct core_namespace *ns) {
    gf_heap_fini(&ns->startable);
    free((char *)ns->row.namespace_id.ptr);
    free((char *)ns->row.name.ptr);
    free((char *)ns->row.description.ptr);
    free(ns);
}

static void free_run(struct gf_core *core, struct core_run *run) {
    struct core_pipeline *pipeline = run->pipeline;
    const struct core_key by_id = gf_core__key_of_numbers(run->row.pipeline_key, run->row.run_id);
    (void)gf_map_i64_remove(&core->runs, run->row.run_key);
    (void)gf_map_remove(&core->runs_by_id, gf_core__key_view(&by_id));
    if (run->row.request_id.len > 0) {
        const struct core_key by_request =
            gf_core__key_of_text(run->row.pipeline_key, run->row.request_id);
        (void)gf_map_remove(&core->runs_by_request, gf_core__key_view(&by_request));
    }
    gf_core__run_free_groups(run);
    gf_core__repair_free(run->repair);
    if (--run->config->runs_held == 0 && !run->config->deleted) {
        idle_config(core, run->config);
    }
    if (--pipeline->runs_held == 0 && !pipeline->deleted) {
        idle_pipeline(core, pipeline);
    }
    gf_arena_fini(&run->arena);
    free(run);
}

static void free_dead(struct gf_core *core) {
    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&core->dead_tokens)) != NULL) {
        gf_core__free_token(core, GF_CONTAINER_OF(link, struct core_token, dead_link));
    }
    while ((link = gf_list_pop_front(&core->dead_roles)) != NULL) {
        gf_core__free_role(GF_CONTAINER_OF(link, struct core_role, dead_link));
    }
    while ((link = gf_list_pop_front(&core->dead_extensions)) != NULL) {
        gf_core__free_extension(GF_CONTAINER_OF(link, struct core_extension, dead_link));
    }
    while ((link = gf_list_pop_front(&core->dead_runs)) != NULL) {
        free_run(core, GF_CONTAINER_OF(link, struct core_run, dead_link));
    }
    while ((link = gf_list_pop_front(&core->dead_configs)) != NULL) {
        free_config(core, GF_CONTAINER_OF(link, struct core_config, idle_link));
    }
    while ((link = gf_list_pop_front(&core->dead_pipelines)) != NULL) {
        free_pipeline(core, GF_CONTAINER_OF(link, struct core_pipeline, idle_link));
    }
    while ((link = gf_list_pop_front(&core->dead_namespaces)) != NULL) {
        free_namespace(GF_CONTAINER_OF(link, struct core_namespace, dead_link));
    }
}

static void evict_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    unidle_pipeline(core, pipeline);
    forget_pipeline(core, pipeline);
    free_pipeline(core, pipeline);
}

void gf_core__clean(struct gf_core *core) {
    gf_core__intake_clean(core);
    free_dead(core);
    while (core->idle_config_count > GF_CORE_CONFIGS_IDLE_MAX ||
           core->idle_config_bytes > GF_CORE_CONFIGS_IDLE_BYTES_MAX) {
        struct gf_list_link *link = gf_list_first(&core->idle_configs);
        free_config(core, GF_CONTAINER_OF(link, struct core_config, idle_link));
    }
    while (core->idle_pipeline_count > GF_CORE_PIPELINES_IDLE_MAX) {
        struct gf_list_link *link = gf_list_first(&core->idle_pipelines);
        evict_pipeline(core, GF_CONTAINER_OF(link, struct core_pipeline, idle_link));
    }
    if (gf_map_count(&core->given) > 0) {
        gf_map_fini(&core->given);
    }
}

static void free_access(struct gf_core *core) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&core->tokens, &position, NULL, &value)) {
        gf_core__free_token(core, value);
    }
    position = 0;
    while (gf_map_next(&core->roles, &position, NULL, &value)) {
        gf_core__free_role(value);
    }
    gf_core__expiry_free(core);
    gf_map_fini(&core->tokens);
    gf_map_fini(&core->roles);
}

static void free_extensions(struct gf_core *core) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&core->extensions_by_key, &position, NULL, &value)) {
        gf_core__free_extension(value);
    }
    gf_map_fini(&core->extensions);
    gf_map_i64_fini(&core->extensions_by_key);
}

void gf_core__free_all(struct gf_core *core) {
    size_t position = 0;
    void *value = NULL;
    gf_core__intake_free(core);
    free_dead(core);
    while (gf_map_i64_next(&core->runs, &position, NULL, &value)) {
        free_run(core, value);
    }
    position = 0;
    while (gf_map_i64_next(&core->pipelines_by_key, &position, NULL, &value)) {
        evict_pipeline(core, value);
    }
    position = 0;
    while (gf_map_i64_next(&core->namespaces_by_key, &position, NULL, &value)) {
        free_namespace(value);
    }
    free_access(core);
    free_extensions(core);
    gf_map_fini(&core->given);
    gf_map_fini(&core->configs);
    gf_map_fini(&core->pipelines);
    gf_map_i64_fini(&core->pipelines_by_key);
    gf_map_fini(&core->namespaces);
    gf_map_i64_fini(&core->namespaces_by_key);
    gf_map_i64_fini(&core->runs);
    gf_map_fini(&core->runs_by_id);
    gf_map_fini(&core->runs_by_request);
}
