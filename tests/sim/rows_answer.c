#include "tests/sim/rows.h"

/* ---- What is committed ---- */

static bool pipeline_is_saved(const struct sim_pipeline *pipeline) {
    return pipeline->there.saved && pipeline->ns->there.saved;
}

static const struct sim_pipeline *saved_pipeline(const struct sim_rows *rows, int64_t key) {
    if (key < 1 || key > SIM_PIPELINES_MAX) {
        return NULL;
    }
    const struct sim_pipeline *pipeline = &rows->pipelines[key - 1];
    return pipeline_is_saved(pipeline) ? pipeline : NULL;
}

static const struct sim_run *saved_run(const struct sim_rows *rows, int64_t key) {
    if (key < 1 || (size_t)key > rows->runs.count) {
        return NULL;
    }
    const struct sim_run *run = rows->runs.items[key - 1];
    return run != NULL && run->there.saved && pipeline_is_saved(run->pipeline) ? run : NULL;
}

static struct gf_config config_row(const struct sim_config *config) {
    struct gf_config row = config->content;
    row.state = config->saved_state;
    row.deprecate_time = config->saved_deprecate_time;
    return row;
}

/* ---- What a step asks for ---- */

static void answer_pipeline(const struct sim_rows *rows, struct gf_core *core,
                            const struct gf_need *need) {
    for (int64_t key = 1; key <= SIM_PIPELINES_MAX; key++) {
        const struct sim_pipeline *pipeline = saved_pipeline(rows, key);
        if (pipeline != NULL && pipeline->saved.namespace_key == need->namespace_key &&
            gf_str_eq(pipeline->saved.pipeline_id, need->text)) {
            gf_core_give_pipeline(core, need, &pipeline->saved);
            return;
        }
    }
    gf_core_give_pipeline(core, need, NULL);
}

static void answer_config(const struct sim_rows *rows, struct gf_core *core,
                          const struct gf_need *need) {
    const struct sim_pipeline *pipeline = saved_pipeline(rows, need->pipeline_key);
    const struct sim_config *config = NULL;
    if (pipeline != NULL && need->version >= 1 &&
        (size_t)need->version <= pipeline->configs.count) {
        config = pipeline->configs.items[need->version - 1];
    }
    if (config == NULL || !config->there.saved) {
        gf_core_give_config(core, need, NULL);
        return;
    }
    const struct gf_config row = config_row(config);
    gf_core_give_config(core, need, &row);
}

static void answer_older_version(const struct sim_rows *rows, struct gf_core *core,
                                 const struct gf_need *need) {
    const struct sim_pipeline *pipeline = saved_pipeline(rows, need->pipeline_key);
    int64_t older = 0;
    for (size_t i = 0; pipeline != NULL && i < pipeline->configs.count; i++) {
        const struct sim_config *config = pipeline->configs.items[i];
        if (config != NULL && config->there.saved && (int64_t)i + 1 < need->version) {
            older = (int64_t)i + 1;
        }
    }
    gf_core_give_older_version(core, need, older);
}

static void answer_run(const struct sim_rows *rows, struct gf_core *core,
                       const struct gf_need *need) {
    const struct sim_pipeline *pipeline = saved_pipeline(rows, need->pipeline_key);
    const struct sim_run *run = NULL;
    if (pipeline != NULL && need->run_id >= 1 && (size_t)need->run_id <= pipeline->runs.count) {
        run = pipeline->runs.items[need->run_id - 1];
    }
    gf_core_give_run(core, need, run != NULL && run->there.saved ? &run->saved : NULL);
}

static void answer_request(const struct sim_rows *rows, struct gf_core *core,
                           const struct gf_need *need) {
    const struct sim_pipeline *pipeline = saved_pipeline(rows, need->pipeline_key);
    for (size_t i = pipeline == NULL ? 0 : pipeline->runs.count; i > 0; i--) {
        const struct sim_run *run = pipeline->runs.items[i - 1];
        if (run != NULL && run->there.saved && gf_str_eq(run->saved.request_id, need->text)) {
            gf_core_give_request(core, need, &run->saved);
            return;
        }
    }
    gf_core_give_request(core, need, NULL);
}

static bool is_deleted(const struct gf_batch *batch, int64_t pipeline_key) {
    for (size_t i = 0; i < batch->deleted_pipelines.count; i++) {
        if (batch->deleted_pipelines.items[i] == pipeline_key) {
            return true;
        }
    }
    return false;
}

static void answer_namespace_pipelines(const struct sim_rows *rows, struct gf_core *core,
                                       const struct gf_need *need) {
    bool any = false;
    for (int64_t key = 1; key <= SIM_PIPELINES_MAX; key++) {
        const struct sim_pipeline *pipeline = saved_pipeline(rows, key);
        any = any || (pipeline != NULL && pipeline->saved.namespace_key == need->namespace_key &&
                      !is_deleted(gf_core_batch(core), key));
    }
    gf_core_give_namespace_pipelines(core, need, any);
}

static void answer_outcome(const struct sim_rows *rows, struct gf_core *core,
                           const struct gf_need *need) {
    for (size_t i = rows->requests_saved; i > 0; i--) {
        const struct gf_request *request = &rows->requests.items[i - 1].row;
        if (gf_str_eq(request->request_id, need->text) &&
            gf_str_eq(request->caller, need->caller)) {
            gf_core_give_outcome(core, need, request);
            return;
        }
    }
    gf_core_give_outcome(core, need, NULL);
}

/* The rows of the tasks of a run, in the arena of the story. */
static struct gf_task_execution *task_rows(const struct sim_rows *rows, const struct sim_run *run) {
    struct gf_task_execution *items =
        GF_ARENA_ARRAY(rows->arena, (size_t)run->task_count, struct gf_task_execution);
    for (int64_t i = 0; i < run->task_count; i++) {
        items[i] = run->tasks[i].saved;
    }
    return items;
}

static void answer_run_tasks(const struct sim_rows *rows, struct gf_core *core,
                             const struct gf_need *need) {
    const struct sim_run *run = saved_run(rows, need->run_key);
    if (run == NULL || !run->saved_tasks_made) {
        gf_core_give_run_tasks(core, need, NULL, 0);
        return;
    }
    gf_core_give_run_tasks(core, need, task_rows(rows, run), (size_t)run->task_count);
}

static void answer_run_input(const struct sim_rows *rows, struct gf_core *core,
                             const struct gf_need *need) {
    const struct sim_run *run = saved_run(rows, need->run_key);
    gf_core_give_run_input(core, need, run != NULL && run->saved.has_input ? &run->input : NULL);
}

static void answer(struct sim_rows *rows, struct gf_core *core, const struct gf_need *need) {
    switch (need->kind) {
    case GF_NEED_PIPELINE:
        answer_pipeline(rows, core, need);
        return;
    case GF_NEED_CONFIG:
        answer_config(rows, core, need);
        return;
    case GF_NEED_OLDER_VERSION:
        answer_older_version(rows, core, need);
        return;
    case GF_NEED_RUN:
        answer_run(rows, core, need);
        return;
    case GF_NEED_REQUEST:
        answer_request(rows, core, need);
        return;
    case GF_NEED_NAMESPACE_PIPELINES:
        answer_namespace_pipelines(rows, core, need);
        return;
    case GF_NEED_OUTCOME:
        answer_outcome(rows, core, need);
        return;
    case GF_NEED_RUN_TASKS:
        answer_run_tasks(rows, core, need);
        return;
    case GF_NEED_START_KEY:
    case GF_NEED_DELIVERY_ID:
    case GF_NEED_DELIVERY:
    case GF_NEED_DEAD_LETTERS:
        sim_intake_answer(rows, core, need);
        return;
    case GF_NEED_RUN_INPUT:
        answer_run_input(rows, core, need);
        return;
    }
    gf_unreachable();
}

void sim_rows_answer(struct sim_rows *rows, struct gf_core *core, const struct gf_need *need) {
    answer(rows, core, need);
    for (size_t i = 0; i < need->more_count; i++) {
        answer(rows, core, &need->more[i]);
    }
}

/* ---- Everything that is active ---- */

static bool restore_run(struct sim_rows *rows, struct gf_core *core, const struct sim_run *run) {
    const struct sim_pipeline *pipeline = run->pipeline;
    if (!gf_core_has_config(core, run->saved.pipeline_key, run->saved.version)) {
        const struct gf_need need_pipeline = {.kind = GF_NEED_PIPELINE,
                                              .namespace_key = pipeline->saved.namespace_key,
                                              .namespace_id = pipeline->saved.namespace_id,
                                              .text = pipeline->saved.pipeline_id};
        const struct gf_need need_config = {.kind = GF_NEED_CONFIG,
                                            .pipeline_key = run->saved.pipeline_key,
                                            .version = run->saved.version};
        gf_core_give_pipeline(core, &need_pipeline, &pipeline->saved);
        answer_config(rows, core, &need_config);
    }
    struct gf_task_execution *tasks = run->saved_tasks_made ? task_rows(rows, run) : NULL;
    return gf_core_restore_run(core, &run->saved, tasks,
                               tasks == NULL ? 0 : (size_t)run->task_count);
}

struct gf_core *sim_rows_restore(struct sim_rows *rows, const struct gf_core_limits *limits) {
    struct gf_core_start start = rows->saved_newest;
    start.preferences = rows->saved_preferences;
    struct gf_core *core = gf_core_create(limits, &start);
    for (int64_t key = 1; key < rows->saved_newest.next_namespace_key; key++) {
        const struct sim_namespace *ns = &rows->namespaces[key - 1];
        if (ns->there.saved) {
            gf_core_restore_namespace(core, &ns->saved);
        }
    }
    for (size_t i = 0; i < SIM_ROLES; i++) {
        if (rows->roles[i].there.saved) {
            gf_core_restore_role(core, &rows->roles[i].saved);
        }
    }
    /* The newest first, as a store lists them. */
    for (size_t i = rows->tokens.count; i > 0; i--) {
        if (rows->tokens.items[i - 1]->there.saved) {
            gf_core_restore_token(core, &rows->tokens.items[i - 1]->saved);
        }
    }
    if (!sim_intake_restore(rows, core)) {
        gf_core_destroy(core);
        return NULL;
    }
    for (size_t i = 0; i < rows->runs.count; i++) {
        const struct sim_run *run = saved_run(rows, (int64_t)i + 1);
        if (run != NULL && run->saved.state != GF_RUN_STATE_COMPLETE &&
            !restore_run(rows, core, run)) {
            gf_core_destroy(core);
            return NULL;
        }
    }
    return core;
}
