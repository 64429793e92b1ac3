/*
 * Design: objects in memory are always looked for first, so that what the batch itself created
 * hides an older "does not exist". An answer that is no object (something does not exist, or a run
 * that is complete) is remembered in `given` until the batch is done.
 */
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"
#include "engine/core/core_keys.h"

#include <inttypes.h>

/* ---- Answers ---- */

struct given {
    bool exists;
    int64_t version;   /* of NEED_OLDER_VERSION */
    struct gf_run run; /* of NEED_RUN and NEED_REQUEST */
    struct gf_request outcome;
    struct gf_task_execution *tasks;
    size_t task_count;
    struct gf_str content; /* of an input */
};

static struct core_key key_of_need(const struct gf_need *need) {
    const char head[] = {(char)need->kind, (char)need->text.len};
    /* Each kind has at most one of them. */
    const int64_t number = need->version + need->run_id + need->run_key;
    struct core_key key = {.len = 0};
    gf_core__key_add(&key, head, sizeof(head));
    gf_core__key_add(&key, need->pipeline_key != 0 ? &need->pipeline_key : &need->namespace_key,
                     sizeof(int64_t));
    gf_core__key_add(&key, &number, sizeof(number));
    gf_core__key_add(&key, need->text.ptr, need->text.len);
    gf_core__key_add(&key, need->caller.ptr, need->caller.len);
    return key;
}

static struct given *find_given(const struct gf_core *core, const struct gf_need *need) {
    const struct core_key key = key_of_need(need);
    return gf_map_get(&core->given, gf_core__key_view(&key));
}

static struct given *remember(struct gf_core *core, const struct gf_need *need, bool exists) {
    const struct core_key key = key_of_need(need);
    struct given *given = GF_ARENA_NEW(&core->batch_arena, struct given);
    given->exists = exists;
    (void)gf_map_put(&core->given, gf_core__key_view(&key), given);
    return given;
}

void gf_core_give_pipeline(struct gf_core *core, const struct gf_need *need,
                           const struct gf_pipeline *pipeline) {
    struct core_namespace *ns = gf_map_i64_get(&core->namespaces_by_key, need->namespace_key);
    /* One of another namespace, that had the same id and is deleted in this batch, is not meant. */
    if (pipeline == NULL || ns == NULL || pipeline->namespace_key != need->namespace_key) {
        (void)remember(core, need, false);
    } else if (gf_map_i64_get(&core->pipelines_by_key, pipeline->pipeline_key) == NULL) {
        (void)gf_core__add_pipeline(core, ns, pipeline);
    }
}

void gf_core_give_config(struct gf_core *core, const struct gf_need *need,
                         const struct gf_config *config) {
    struct core_pipeline *pipeline = gf_map_i64_get(&core->pipelines_by_key, need->pipeline_key);
    if (config == NULL || pipeline == NULL) {
        (void)remember(core, need, false);
    } else if (!gf_core_has_config(core, need->pipeline_key, config->version)) {
        (void)gf_core__add_config(core, pipeline, config);
    }
}

void gf_core_give_older_version(struct gf_core *core, const struct gf_need *need, int64_t version) {
    remember(core, need, version != 0)->version = version;
}

static void give_run(struct gf_core *core, const struct gf_need *need, const struct gf_run *run) {
    struct given *given = remember(core, need, run != NULL && run->run_id != 0);
    if (given->exists) {
        gf_run_copy(run, &core->batch_arena, &given->run);
    }
}

void gf_core_give_run(struct gf_core *core, const struct gf_need *need, const struct gf_run *run) {
    give_run(core, need, run);
}

void gf_core_give_request(struct gf_core *core, const struct gf_need *need,
                          const struct gf_run *run) {
    give_run(core, need, run);
}

void gf_core_give_namespace_pipelines(struct gf_core *core, const struct gf_need *need,
                                      bool has_pipelines) {
    (void)remember(core, need, has_pipelines);
}

static void remember_outcome(struct gf_core *core, const struct gf_need *need,
                             const struct gf_request *outcome) {
    struct given *given = remember(core, need, outcome != NULL);
    if (outcome != NULL) {
        gf_request_copy(outcome, &core->batch_arena, &given->outcome);
    }
}

void gf_core_give_outcome(struct gf_core *core, const struct gf_need *need,
                          const struct gf_request *outcome) {
    remember_outcome(core, need, outcome);
}

void gf_core_give_run_tasks(struct gf_core *core, const struct gf_need *need,
                            const struct gf_task_execution *tasks, size_t task_count) {
    struct given *given = remember(core, need, true);
    given->tasks = GF_ARENA_ARRAY(&core->batch_arena, task_count, struct gf_task_execution);
    given->task_count = task_count;
    for (size_t i = 0; i < task_count; i++) {
        gf_task_execution_copy(&tasks[i], &core->batch_arena, &given->tasks[i]);
    }
}

void gf_core_give_run_input(struct gf_core *core, const struct gf_need *need,
                            const struct gf_str *content) {
    struct given *given = remember(core, need, content != NULL);
    if (content != NULL) {
        given->content = gf_text_copy(*content, &core->batch_arena);
    }
}

bool gf_core_has_config(const struct gf_core *core, int64_t pipeline_key, int64_t version) {
    const struct core_key key = gf_core__key_of_numbers(pipeline_key, version);
    return gf_map_get(&core->configs, gf_core__key_view(&key)) != NULL;
}

/* ---- Finding ---- */

struct core_namespace *gf_core__find_namespace(const struct gf_core *core, struct gf_str id) {
    return gf_map_get(&core->namespaces, id);
}

static enum core_found ask(const struct gf_core *core, const struct gf_need *need,
                           struct gf_need *out_need) {
    const struct given *given = find_given(core, need);
    if (given == NULL) {
        *out_need = *need;
        return CORE_NEED;
    }
    return given->exists ? CORE_FOUND : CORE_ABSENT;
}

static struct gf_need need_of_pipeline(const struct core_namespace *ns, struct gf_str pipeline_id) {
    return (struct gf_need){.kind = GF_NEED_PIPELINE,
                            .namespace_key = ns->row.namespace_key,
                            .namespace_id = ns->row.namespace_id,
                            .text = pipeline_id};
}

static struct gf_need need_of_config(const struct core_pipeline *pipeline, int64_t version) {
    return (struct gf_need){
        .kind = GF_NEED_CONFIG, .pipeline_key = pipeline->row.pipeline_key, .version = version};
}

static struct gf_need need_of_any_pipeline(const struct core_namespace *ns) {
    return (struct gf_need){.kind = GF_NEED_NAMESPACE_PIPELINES,
                            .namespace_key = ns->row.namespace_key,
                            .namespace_id = ns->row.namespace_id};
}

void gf_core__remember_no_pipeline(struct gf_core *core, const struct core_pipeline *pipeline) {
    const struct gf_need need = need_of_pipeline(pipeline->ns, pipeline->row.pipeline_id);
    const struct gf_need need_any = need_of_any_pipeline(pipeline->ns);
    const struct core_key any = key_of_need(&need_any);
    (void)remember(core, &need, false);
    /* It may have been the last one. */
    (void)gf_map_remove(&core->given, gf_core__key_view(&any));
}

void gf_core__remember_no_config(struct gf_core *core, const struct core_config *config) {
    const struct gf_need need = need_of_config(config->pipeline, config->row.version);
    (void)remember(core, &need, false);
}

enum core_found gf_core__find_pipeline(struct gf_core *core, const struct core_namespace *ns,
                                       struct gf_str pipeline_id, struct core_pipeline **out,
                                       struct gf_need *out_need) {
    if (pipeline_id.len == 0 || pipeline_id.len > GF_IDENTIFIER_CHARS_MAX) {
        return CORE_ABSENT;
    }
    const struct core_key key = gf_core__key_of_text(ns->row.namespace_key, pipeline_id);
    struct core_pipeline *pipeline = gf_map_get(&core->pipelines, gf_core__key_view(&key));
    if (pipeline == NULL) {
        const struct gf_need need = need_of_pipeline(ns, pipeline_id);
        return ask(core, &need, out_need);
    }
    gf_core__touch_pipeline(core, pipeline);
    *out = pipeline;
    return CORE_FOUND;
}

enum core_found gf_core__find_config(struct gf_core *core, struct core_pipeline *pipeline,
                                     int64_t version, struct core_config **out,
                                     struct gf_need *out_need) {
    const struct core_key key = gf_core__key_of_numbers(pipeline->row.pipeline_key, version);
    struct core_config *config = gf_map_get(&core->configs, gf_core__key_view(&key));
    if (config == NULL) {
        const struct gf_need need = need_of_config(pipeline, version);
        return ask(core, &need, out_need);
    }
    gf_core__touch_config(core, config);
    *out = config;
    return CORE_FOUND;
}

/* The newest below `version` of those in memory, some of which may not be stored yet; 0 = none. */
static int64_t older_in_memory(const struct core_pipeline *pipeline, int64_t version) {
    int64_t newest = 0;
    GF_LIST_FOREACH(link, &pipeline->configs) {
        const struct core_config *config = GF_CONTAINER_OF(link, struct core_config, pipeline_link);
        if (!config->deleted && config->row.version < version && config->row.version > newest) {
            newest = config->row.version;
        }
    }
    return newest;
}

enum core_found gf_core__find_newest_config(struct gf_core *core, struct core_pipeline *pipeline,
                                            struct core_config **out, struct gf_need *out_need) {
    int64_t version = pipeline->row.latest_version;
    while (version > 0) {
        const enum core_found found = gf_core__find_config(core, pipeline, version, out, out_need);
        if (found != CORE_ABSENT) {
            return found;
        }
        const struct gf_need need = {.kind = GF_NEED_OLDER_VERSION,
                                     .pipeline_key = pipeline->row.pipeline_key,
                                     .version = version};
        if (ask(core, &need, out_need) == CORE_NEED) {
            return CORE_NEED;
        }
        /* The batch may have deleted what the store has: then it is not found, and passed over. */
        const int64_t stored = find_given(core, &need)->version;
        const int64_t held = older_in_memory(pipeline, version);
        version = stored > held ? stored : held;
    }
    return CORE_ABSENT;
}

static enum core_found find_given_run(const struct gf_core *core, const struct gf_need *need,
                                      const struct gf_run **out, struct gf_need *out_need) {
    const enum core_found found = ask(core, need, out_need);
    if (found == CORE_FOUND) {
        *out = &find_given(core, need)->run;
    }
    return found;
}

enum core_found gf_core__find_run(struct gf_core *core, const struct core_pipeline *pipeline,
                                  int64_t run_id, const struct gf_run **out,
                                  struct gf_need *out_need) {
    if (run_id < 1 || run_id > pipeline->row.latest_run_id) {
        return CORE_ABSENT;
    }
    const struct core_key key = gf_core__key_of_numbers(pipeline->row.pipeline_key, run_id);
    const struct core_run *run = gf_map_get(&core->runs_by_id, gf_core__key_view(&key));
    if (run != NULL) {
        *out = &run->row;
        return CORE_FOUND;
    }
    const struct gf_need need = {
        .kind = GF_NEED_RUN, .pipeline_key = pipeline->row.pipeline_key, .run_id = run_id};
    return find_given_run(core, &need, out, out_need);
}

enum core_found gf_core__find_request(struct gf_core *core, const struct core_pipeline *pipeline,
                                      struct gf_str request_id, const struct gf_run **out,
                                      struct gf_need *out_need) {
    const struct core_key key = gf_core__key_of_text(pipeline->row.pipeline_key, request_id);
    const struct core_run *run = gf_map_get(&core->runs_by_request, gf_core__key_view(&key));
    if (run != NULL) {
        *out = &run->row;
        return CORE_FOUND;
    }
    const struct gf_need need = {
        .kind = GF_NEED_REQUEST, .pipeline_key = pipeline->row.pipeline_key, .text = request_id};
    return find_given_run(core, &need, out, out_need);
}

static struct gf_need need_of_request(const struct gf_request_ref *request) {
    return (struct gf_need){
        .kind = GF_NEED_OUTCOME, .text = request->request_id, .caller = request->caller};
}

enum core_found gf_core__find_outcome(struct gf_core *core, const struct gf_request_ref *request,
                                      const struct gf_request **out, struct gf_need *out_need) {
    const struct gf_need need = need_of_request(request);
    const enum core_found found = ask(core, &need, out_need);
    if (found == CORE_FOUND) {
        *out = &find_given(core, &need)->outcome;
    }
    return found;
}

void gf_core__remember_outcome(struct gf_core *core, const struct gf_request *outcome) {
    const struct gf_request_ref request = {.caller = outcome->caller,
                                           .request_id = outcome->request_id};
    const struct gf_need need = need_of_request(&request);
    remember_outcome(core, &need, outcome);
}

enum core_found gf_core__find_run_tasks(struct gf_core *core, const struct gf_run *row,
                                        struct gf_task_execution_vec *out,
                                        struct gf_need *out_need) {
    const struct core_run *run = gf_map_i64_get(&core->runs, row->run_key);
    if (run != NULL) {
        for (size_t i = 0; run->tasks != NULL && i < run->config->row.task_count; i++) {
            gf_vec_push(out, &run->tasks[i].row);
        }
        return CORE_FOUND;
    }
    const struct gf_need need = {.kind = GF_NEED_RUN_TASKS, .run_key = row->run_key};
    const enum core_found found = ask(core, &need, out_need);
    if (found == CORE_FOUND) {
        const struct given *given = find_given(core, &need);
        for (size_t i = 0; i < given->task_count; i++) {
            gf_vec_push(out, &given->tasks[i]);
        }
    }
    return found;
}

enum core_found gf_core__find_run_input(struct gf_core *core, const struct gf_run *row,
                                        struct gf_str *out_content, struct gf_need *out_need) {
    /* A run that was created in this batch is not stored yet. */
    for (size_t i = 0; i < core->batch.inputs.count; i++) {
        if (core->batch.inputs.items[i].run_key == row->run_key) {
            *out_content = core->batch.inputs.items[i].content;
            return CORE_FOUND;
        }
    }
    const struct gf_need need = {.kind = GF_NEED_RUN_INPUT, .run_key = row->run_key};
    const enum core_found found = ask(core, &need, out_need);
    if (found == CORE_FOUND) {
        *out_content = find_given(core, &need)->content;
    }
    return found;
}

enum core_found gf_core__find_any_pipeline(struct gf_core *core, const struct core_namespace *ns,
                                           struct gf_need *out_need) {
    if (!gf_list_empty(&ns->pipelines)) {
        return CORE_FOUND;
    }
    const struct gf_need need = need_of_any_pipeline(ns);
    return ask(core, &need, out_need);
}

/* ---- For commands ---- */

bool gf_core__resolve_version(struct gf_core *core, const struct gf_input *input,
                              struct core_pipeline *pipeline, int64_t version,
                              struct core_config **out, struct gf_need *out_need,
                              enum gf_step *out_step) {
    const bool possible = version >= 1 && version <= pipeline->row.latest_version;
    const enum core_found found =
        possible ? gf_core__find_config(core, pipeline, version, out, out_need) : CORE_ABSENT;
    if (found == CORE_NEED) {
        *out_step = GF_STEP_NEED;
        return false;
    }
    if (found == CORE_ABSENT) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_NOT_FOUND,
                      "version %" PRId64 " of pipeline '%" GF_STR_FMT "' not found", version,
                      GF_STR_ARG(pipeline->row.pipeline_id));
        *out_step = gf_core__refuse(core, input, &err);
        return false;
    }
    return true;
}

bool gf_core__resolve_run(struct gf_core *core, const struct gf_input *input,
                          struct gf_str namespace_id, struct gf_str pipeline_id, int64_t run_id,
                          struct core_pipeline **out_pipeline, const struct gf_run **out_row,
                          struct core_run **out_run, struct gf_need *out_need,
                          enum gf_step *out_step) {
    const struct gf_run *row = NULL;
    if (!gf_core__resolve_pipeline(core, input, namespace_id, pipeline_id, out_pipeline, out_need,
                                   out_step)) {
        return false;
    }
    if (gf_core__find_run(core, *out_pipeline, run_id, &row, out_need) == CORE_NEED) {
        *out_step = GF_STEP_NEED;
        return false;
    }
    if (row == NULL) {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_NOT_FOUND, "run %" PRId64 " of pipeline '%" GF_STR_FMT "' not found",
                      run_id, GF_STR_ARG((*out_pipeline)->row.pipeline_id));
        *out_step = gf_core__refuse(core, input, &err);
        return false;
    }
    *out_row = row;
    *out_run =
        row->state == GF_RUN_STATE_COMPLETE ? NULL : gf_map_i64_get(&core->runs, row->run_key);
    return true;
}

/* The index of a task in a config, or -1. */
static int32_t find_task(const struct gf_config *config, struct gf_str task_id) {
    for (size_t i = 0; i < config->task_count; i++) {
        if (gf_str_eq(config->tasks[i].task_id, task_id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

bool gf_core__resolve_task(struct gf_core *core, const struct gf_input *input, struct core_run *run,
                           struct gf_str task_id, struct core_task **out, enum gf_step *out_step) {
    struct gf_error err = {0};
    const int32_t index = find_task(&run->config->row, task_id);
    if (index < 0) {
        (void)gf_fail(
            &err, GF_NOT_FOUND,
            "task '%" GF_STR_FMT "' not found in run %" PRId64 " of pipeline '%" GF_STR_FMT "'",
            GF_STR_ARG(task_id), run->row.run_id, GF_STR_ARG(run->pipeline->row.pipeline_id));
    } else if (run->tasks == NULL) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "RUN_NOT_STARTED",
                             "run %" PRId64 " has not started, so it has no tasks yet",
                             run->row.run_id);
    } else {
        *out = &run->tasks[index];
        return true;
    }
    *out_step = gf_core__refuse(core, input, &err);
    return false;
}

bool gf_core__resolve_pipeline(struct gf_core *core, const struct gf_input *input,
                               struct gf_str namespace_id, struct gf_str pipeline_id,
                               struct core_pipeline **out, struct gf_need *out_need,
                               enum gf_step *out_step) {
    struct gf_error err = {0};
    const struct core_namespace *ns = gf_core__find_namespace(core, namespace_id);
    if (ns == NULL) {
        (void)gf_fail(&err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                      GF_STR_ARG(namespace_id));
        *out_step = gf_core__refuse(core, input, &err);
        return false;
    }
    switch (gf_core__find_pipeline(core, ns, pipeline_id, out, out_need)) {
    case CORE_FOUND:
        return true;
    case CORE_NEED:
        *out_step = GF_STEP_NEED;
        return false;
    case CORE_ABSENT:
        break;
    }
    (void)gf_fail(&err, GF_NOT_FOUND,
                  "pipeline '%" GF_STR_FMT "' not found in namespace '%" GF_STR_FMT "'",
                  GF_STR_ARG(pipeline_id), GF_STR_ARG(namespace_id));
    *out_step = gf_core__refuse(core, input, &err);
    return false;
}
