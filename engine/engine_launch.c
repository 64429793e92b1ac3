/*
 * From a LAUNCH effect to what a back end needs besides: the environment, and the document that the
 * run works on. That one is not in the core, which would hold it for as long as the run lives: it
 * is read from the store when tasks are launched, once for those of a run in the same batch, and
 * only runs that have one pay for it.
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

/* ---- The launch ---- */

void gf_engine__launch(struct gf_engine *engine, const struct gf_effect *effect) {
    const struct gf_run *run = effect->run;
    const struct gf_task *task = &effect->config->tasks[effect->attempt.task_index];
    const struct gf_environment_sources sources = {
        .config = effect->config,
        .task = task,
        .run = run,
        .attempt = effect->attempt.attempt,
        .input_path = run->has_input ? GF_STR(GF_INPUT_PATH) : GF_STR(""),
    };
    struct gf_error err = {0};
    struct gf_str input = {0};
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_arena_reset(&engine->scratch);
    if (run->has_input && read_input(engine, run->run_key, &input, &err) != GF_OK) {
        engine->events.launch_failed(engine, effect->attempt, gf_str_from(err.message));
        return;
    }
    gf_environment_merge(&sources, &engine->scratch, &variables, &count);
    const struct gf_launch launch = {
        .attempt = effect->attempt,
        .namespace_id = run->namespace_id,
        .pipeline_id = run->pipeline_id,
        .pipeline_key = run->pipeline_key,
        .run_id = run->run_id,
        .task = task,
        .environment = gf_environment_strings(variables, count, &engine->scratch),
        .environment_count = count,
        .timeout_ms = effect->timeout_ms,
        .stop_timeout_ms = effect->stop_timeout_ms,
        .input = run->has_input ? &input : NULL,
    };
    engine->scheduler.ops->launch(engine->scheduler.self, &launch);
}
