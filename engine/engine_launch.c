/*
 * From a LAUNCH effect of a task to what a back end needs besides: the environment, and the
 * document that the run works on. That one is not in the core, which would hold it for as long as
 * the run lives: it is read from the store when tasks are launched, once for those of a run in the
 * same batch, and only runs that have one pay for it. Likewise secrets: a launch without any does
 * not come near the vault.
 */
#include "engine/core/environment.h"
#include "engine/engine_internal.h"

/* ---- The document ---- */

static enum gf_code read_input(struct gf_engine *engine, int64_t run_key, struct gf_str *out,
                               struct gf_error *err) {
    struct gf_store *store = engine->options.store;
    if (engine->input_run_key != run_key) {
        gf_engine__end_launches(engine);
        struct gf_store_reader *reader = store->ops->open_reader(store);
        const enum gf_code rc =
            store->ops->get_run_input(reader, run_key, &engine->input_arena, &engine->input, err);
        store->ops->close_reader(store, reader);
        if (rc != GF_OK) {
            return gf_wrap(err, "cannot read the input of the run");
        }
        engine->input_run_key = run_key;
    }
    *out = engine->input;
    return GF_OK;
}

void gf_engine__end_launches(struct gf_engine *engine) {
    gf_arena_reset(&engine->input_arena);
    engine->input_run_key = 0;
}

/* ---- The environment ---- */

enum {
    TOKEN_VARIABLES = 3,
};

/* What one launch is made of. */
struct launching {
    struct gf_engine *engine;
    const struct gf_effect *effect;
    const struct gf_task *task;
    struct gf_token_text token; /* empty: the task has none */
    struct gf_variable token_variables[TOKEN_VARIABLES];
};

static enum gf_code make_token(struct launching *launching, struct gf_error *err) {
    const struct gf_run *run = launching->effect->run;
    if (!launching->task->inject_token) {
        return GF_OK;
    }
    if (launching->engine->options.vault == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the task gets a token of its run, and this server makes none");
    }
    const struct gf_run_identity identity = {
        .run_key = run->run_key,
        .run_id = run->run_id,
        .namespace_id = run->namespace_id,
        .pipeline_id = run->pipeline_id,
        .create_time = run->create_time,
    };
    gf_vault_make_run_token(launching->engine->options.vault, &identity, &launching->token);
    const struct gf_str token = gf_token_text_view(&launching->token);
    launching->token_variables[0] = (struct gf_variable){GF_STR("GOFER_API_TOKEN"), token, 0};
    launching->token_variables[1] =
        (struct gf_variable){GF_STR("GOFER_HOST"), GF_STR(GF_TASK_API_HOST), 0};
    launching->token_variables[2] = (struct gf_variable){GF_STR("GOFER_TOKEN"), token, 0};
    return GF_OK;
}

/* NULL = the task does not say who it is. */
static const struct gf_registry_auth *registry_auth_of(const struct gf_task *task) {
    const struct gf_registry_auth *auth = &task->registry_auth;
    return auth->secret_key.len > 0 || auth->user.len > 0 ? auth : NULL;
}

static enum gf_code make_environment(struct launching *launching, struct gf_launch *launch,
                                     struct gf_error *err) {
    struct gf_engine *engine = launching->engine;
    const struct gf_run *run = launching->effect->run;
    enum gf_code rc = make_token(launching, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_environment_sources sources = {
        .config = launching->effect->config,
        .task = launching->task,
        .run = run,
        .attempt = launching->effect->attempt.attempt,
        .input_path = run->has_input ? GF_STR(GF_INPUT_PATH) : GF_STR(""),
        .injected = launching->token_variables,
        .injected_count = launching->task->inject_token ? TOKEN_VARIABLES : 0,
    };
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_environment_merge(&sources, &engine->scratch, &variables, &count);
    launch->environment_count = count;
    const struct gf_registry_auth *registry_auth = registry_auth_of(launching->task);
    if (!launching->task->inject_token && registry_auth == NULL &&
        !gf_secret_environment_needed(variables, count)) {
        launch->environment = gf_environment_strings(variables, count, &engine->scratch);
        return GF_OK;
    }
    const struct gf_vault_user user = {
        .namespace_key = launching->effect->namespace_key,
        .pipeline_key = run->pipeline_key,
        .namespace_id = run->namespace_id,
    };
    const struct gf_secret_environment_sources secrets = {
        .vault = engine->options.vault,
        .user = &user,
        .variables = variables,
        .variable_count = count,
        .token = gf_token_text_view(&launching->token),
        .registry_auth = registry_auth,
    };
    struct gf_secret_environment_texts texts = {0};
    rc = gf_secret_environment_make(&engine->environment, &secrets, &engine->scratch, &texts, err);
    if (rc == GF_OK) {
        launch->environment = texts.strings;
        launch->masked = texts.masked;
        launch->masked_count = texts.masked_count;
        launch->registry_user = texts.registry_user;
        launch->registry_password = texts.registry_password;
    }
    return rc;
}

/* ---- The launch ---- */

static void launch_task(struct gf_engine *engine, const struct gf_effect *effect) {
    const struct gf_run *run = effect->run;
    struct launching launching = {
        .engine = engine,
        .effect = effect,
        .task = &effect->config->tasks[effect->attempt.task_index],
    };
    struct gf_error err = {0};
    struct gf_str input = {0};
    struct gf_launch launch = {
        .attempt = effect->attempt,
        .namespace_id = run->namespace_id,
        .pipeline_id = run->pipeline_id,
        .pipeline_key = run->pipeline_key,
        .run_id = run->run_id,
        .task = launching.task,
        .timeout_ms = effect->timeout_ms,
        .stop_timeout_ms = effect->stop_timeout_ms,
        .input = run->has_input ? &input : NULL,
        .task_api = launching.task->inject_token,
        .disable_logs = effect->config->disable_logs || launching.task->disable_logs,
    };
    GF_LOG_SCOPE(.namespace_id = run->namespace_id, .pipeline_id = run->pipeline_id,
                 .run_id = run->run_id, .task_id = launching.task->task_id,
                 .attempt = effect->attempt.attempt);
    gf_arena_reset(&engine->scratch);
    enum gf_code rc = run->has_input ? read_input(engine, run->run_key, &input, &err) : GF_OK;
    if (rc == GF_OK) {
        rc = make_environment(&launching, &launch, &err);
    }
    if (rc == GF_OK) {
        gf_log_debug("attempt_launched", GF_KV_VIEW("image", launching.task->image));
        engine->scheduler.ops->launch(engine->scheduler.self, &launch);
    } else {
        gf_log_debug("attempt_not_launched", GF_KV_ERROR(&err));
        engine->events.launch_failed(engine, effect->attempt, GF_LAUNCH_FAILURE_SCHEDULER,
                                     gf_str_from(err.message));
    }
    gf_secret_environment_clear(&engine->environment);
    gf_token_text_wipe(&launching.token);
}

void gf_engine__launch(struct gf_engine *engine, const struct gf_effect *effect) {
    if (effect->extension != NULL) {
        gf_engine__launch_extension(engine, effect);
    } else {
        launch_task(engine, effect);
    }
}
