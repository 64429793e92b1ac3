#include "tests/sim/rows.h"

/* What every kind of object has in common; `object` is its pointer. */
#define COMMIT(object)                                                                             \
    do {                                                                                           \
        (object)->there.saved = (object)->there.now;                                               \
        (object)->there.touched = false;                                                           \
    } while (0)

#define ROLL_BACK(object)                                                                          \
    do {                                                                                           \
        (object)->there.now = (object)->there.saved;                                               \
        (object)->there.touched = false;                                                           \
    } while (0)

static void forget_touched(struct sim_rows *rows) {
    gf_vec_clear(&rows->touched_namespaces);
    gf_vec_clear(&rows->touched_pipelines);
    gf_vec_clear(&rows->touched_configs);
    gf_vec_clear(&rows->touched_runs);
    gf_vec_clear(&rows->touched_tasks);
    gf_vec_clear(&rows->touched_roles);
    gf_vec_clear(&rows->touched_tokens);
    gf_vec_clear(&rows->deleted_pipelines);
    rows->preferences_touched = false;
}

void sim_rows_commit(struct sim_rows *rows) {
    for (size_t i = 0; i < rows->touched_namespaces.count; i++) {
        struct sim_namespace *ns = rows->touched_namespaces.items[i];
        ns->saved = ns->row;
        COMMIT(ns);
    }
    for (size_t i = 0; i < rows->touched_pipelines.count; i++) {
        struct sim_pipeline *pipeline = rows->touched_pipelines.items[i];
        pipeline->saved = pipeline->row;
        pipeline->saved_deployment_id = pipeline->deployment_id;
        COMMIT(pipeline);
    }
    for (size_t i = 0; i < rows->touched_configs.count; i++) {
        struct sim_config *config = rows->touched_configs.items[i];
        config->saved_state = config->state;
        config->saved_deprecate_time = config->deprecate_time;
        COMMIT(config);
    }
    for (size_t i = 0; i < rows->touched_runs.count; i++) {
        struct sim_run *run = rows->touched_runs.items[i];
        run->saved = run->row;
        run->saved_tasks_made = run->tasks_made;
        COMMIT(run);
    }
    for (size_t i = 0; i < rows->touched_tasks.count; i++) {
        struct sim_task *task = rows->touched_tasks.items[i];
        task->saved = task->row;
        task->saved_attempts_recorded = task->attempts_recorded;
        COMMIT(task);
    }
    for (size_t i = 0; i < rows->touched_roles.count; i++) {
        struct sim_role *role = rows->touched_roles.items[i];
        role->saved = role->row;
        COMMIT(role);
    }
    for (size_t i = 0; i < rows->touched_tokens.count; i++) {
        struct sim_token *token = rows->touched_tokens.items[i];
        token->saved = token->row;
        COMMIT(token);
    }
    if (rows->intake.touched) {
        sim_intake_copy(&rows->intake.saved, &rows->intake.now);
        rows->intake.touched = false;
    }
    rows->saved_preferences = rows->preferences;
    rows->saved_newest = rows->newest;
    rows->requests_saved = rows->requests.count;
    forget_touched(rows);
}

static void roll_back_task(struct sim_task *task) {
    for (int32_t i = 0; i < SIM_ATTEMPTS; i++) {
        if (i >= task->saved_attempts_recorded) {
            task->outcomes[i].recorded = false;
        }
    }
    task->row = task->saved;
    task->attempts_recorded = task->saved_attempts_recorded;
    memset(&task->raw, 0, sizeof(task->raw));
    ROLL_BACK(task);
}

void sim_rows_rollback(struct sim_rows *rows) {
    for (size_t i = 0; i < rows->touched_namespaces.count; i++) {
        struct sim_namespace *ns = rows->touched_namespaces.items[i];
        ns->row = ns->saved;
        ROLL_BACK(ns);
    }
    for (size_t i = 0; i < rows->touched_pipelines.count; i++) {
        struct sim_pipeline *pipeline = rows->touched_pipelines.items[i];
        pipeline->row = pipeline->saved;
        pipeline->deployment_id = pipeline->saved_deployment_id;
        ROLL_BACK(pipeline);
    }
    for (size_t i = 0; i < rows->touched_configs.count; i++) {
        struct sim_config *config = rows->touched_configs.items[i];
        config->state = config->saved_state;
        config->deprecate_time = config->saved_deprecate_time;
        ROLL_BACK(config);
    }
    for (size_t i = 0; i < rows->touched_runs.count; i++) {
        struct sim_run *run = rows->touched_runs.items[i];
        run->row = run->saved;
        run->tasks_made = run->saved_tasks_made;
        ROLL_BACK(run);
    }
    for (size_t i = 0; i < rows->touched_tasks.count; i++) {
        roll_back_task(rows->touched_tasks.items[i]);
    }
    for (size_t i = 0; i < rows->touched_roles.count; i++) {
        struct sim_role *role = rows->touched_roles.items[i];
        role->row = role->saved;
        ROLL_BACK(role);
    }
    for (size_t i = 0; i < rows->touched_tokens.count; i++) {
        struct sim_token *token = rows->touched_tokens.items[i];
        token->row = token->saved;
        ROLL_BACK(token);
    }
    if (rows->intake.touched) {
        sim_intake_copy(&rows->intake.now, &rows->intake.saved);
        rows->intake.touched = false;
    }
    rows->preferences = rows->saved_preferences;
    rows->newest = rows->saved_newest;
    rows->requests.count = rows->requests_saved;
    forget_touched(rows);
    sim_rows_recount(rows);
}

/* ---- Counting ---- */

static void count_run(struct sim_rows *rows, struct sim_run *run) {
    struct sim_pipeline *pipeline = run->pipeline;
    run->live = 0;
    run->tasks_left = run->task_count;
    for (int64_t i = 0; run->tasks_made && i < run->task_count; i++) {
        struct sim_task *task = &run->tasks[i];
        memset(&task->raw, 0, sizeof(task->raw));
        run->tasks_left -= task->row.state == GF_TASK_STATE_COMPLETE;
        if (sim_row_is_live(&task->row)) {
            const int pool = run->config->content.tasks[i].pool_index;
            run->live++;
            rows->live++;
            if (pool >= 0) {
                pipeline->pool_live[run->config->pool_numbers[pool]]++;
            }
        }
    }
    run->active_index = (int32_t)rows->active.count;
    gf_vec_push(&rows->active, run);
    run->config->runs_active++;
    pipeline->runs_active++;
    pipeline->ns->runs_active++;
    if (run->row.state == GF_RUN_STATE_RUNNING) {
        rows->runs_running++;
        pipeline->runs_running++;
        pipeline->ns->runs_running++;
    } else {
        rows->runs_queued++;
        pipeline->runs_queued++;
    }
}

void sim_rows_recount(struct sim_rows *rows) {
    rows->runs_running = 0;
    rows->runs_queued = 0;
    rows->live = 0;
    for (size_t i = 0; i < SIM_NAMESPACES_MAX; i++) {
        rows->namespaces[i].runs_active = 0;
        rows->namespaces[i].runs_running = 0;
    }
    for (size_t i = 0; i < SIM_PIPELINES_MAX; i++) {
        struct sim_pipeline *pipeline = &rows->pipelines[i];
        pipeline->runs_active = 0;
        pipeline->runs_running = 0;
        pipeline->runs_queued = 0;
        memset(pipeline->pool_live, 0, sizeof(pipeline->pool_live));
        for (size_t c = 0; c < pipeline->configs.count; c++) {
            if (pipeline->configs.items[c] != NULL) {
                pipeline->configs.items[c]->runs_active = 0;
            }
        }
    }
    gf_vec_clear(&rows->active);
    for (size_t i = 0; i < rows->runs.count; i++) {
        struct sim_run *run = rows->runs.items[i];
        if (run == NULL) {
            continue;
        }
        memset(&run->raw, 0, sizeof(run->raw));
        run->active_index = -1;
        if (run->there.now && run->row.state != GF_RUN_STATE_COMPLETE) {
            count_run(rows, run);
        }
    }
}
