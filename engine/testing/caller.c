#include "engine/testing/caller.h"

static void on_done(struct gf_command *command, const struct gf_reply *reply) {
    struct caller *caller = GF_CONTAINER_OF(command, struct caller, command);
    caller->done_count++;
    caller->error = reply->error;
    caller->unchanged = reply->unchanged;
    if (reply->run != NULL) {
        caller->run_id = reply->run->run_id;
        caller->run_key = reply->run->run_key;
        caller->run_state = reply->run->state;
    }
    if (reply->config != NULL) {
        caller->version = reply->config->version;
    }
    if (caller->on_done != NULL) {
        caller->on_done(caller->ctx, reply);
    }
    gf_latch_open(&caller->done);
}

static void init(struct caller *caller, enum gf_input_kind kind) {
    *caller = (struct caller){.command.input.kind = kind, .command.done = on_done};
    gf_latch_init(&caller->done);
}

void caller_start_run(struct caller *caller, const char *pipeline_id) {
    init(caller, GF_INPUT_START_RUN);
    caller->command.input.u.start_run.namespace_id = GF_STR("default");
    caller->command.input.u.start_run.pipeline_id = gf_str_from(pipeline_id);
}

void caller_cancel_run(struct caller *caller, const char *pipeline_id, int64_t run_id, bool force) {
    init(caller, GF_INPUT_CANCEL_RUN);
    caller->command.input.u.cancel.namespace_id = GF_STR("default");
    caller->command.input.u.cancel.pipeline_id = gf_str_from(pipeline_id);
    caller->command.input.u.cancel.run_id = run_id;
    caller->command.input.u.cancel.force = force;
}

void caller_retry_run(struct caller *caller, const char *pipeline_id, int64_t run_id,
                      bool failed_tasks_only) {
    init(caller, GF_INPUT_RETRY_RUN);
    caller->command.input.u.retry_run.namespace_id = GF_STR("default");
    caller->command.input.u.retry_run.pipeline_id = gf_str_from(pipeline_id);
    caller->command.input.u.retry_run.run_id = run_id;
    caller->command.input.u.retry_run.failed_tasks_only = failed_tasks_only;
}

void caller_end(struct caller *caller, enum gf_input_kind kind, const char *pipeline_id,
                int64_t run_id, const char *task_id) {
    init(caller, kind);
    caller->command.input.u.cancel.namespace_id = GF_STR("default");
    caller->command.input.u.cancel.pipeline_id = gf_str_from(pipeline_id);
    caller->command.input.u.cancel.run_id = run_id;
    caller->command.input.u.cancel.task_id = gf_str_from(task_id == NULL ? "" : task_id);
}

void caller_pause_run_starts(struct caller *caller, bool paused) {
    init(caller, GF_INPUT_UPDATE_PREFERENCES);
    caller->command.input.u.preferences.set_run_starts_paused = true;
    caller->command.input.u.preferences.run_starts_paused = paused;
}

void caller_up(struct caller *caller, const struct gf_config *config) {
    init(caller, GF_INPUT_REGISTER_CONFIG);
    caller->command.input.u.register_config.namespace_id = GF_STR("default");
    caller->command.input.u.register_config.config = config;
    caller->command.input.u.register_config.deploy = true;
}

void caller_delete_pipeline(struct caller *caller, const char *pipeline_id) {
    init(caller, GF_INPUT_DELETE_PIPELINE);
    caller->command.input.u.pipeline.namespace_id = GF_STR("default");
    caller->command.input.u.pipeline.pipeline_id = gf_str_from(pipeline_id);
}

void caller_token(struct caller *caller, enum gf_input_kind kind, const struct gf_token *row) {
    init(caller, kind);
    caller->command.input.u.token.row = row;
}

void caller_extension(struct caller *caller, enum gf_input_kind kind, const char *extension_id,
                      const struct gf_extension_spec *spec) {
    init(caller, kind);
    struct gf_extension_change *change = &caller->command.input.u.extension.change;
    change->extension_id = gf_str_from(extension_id);
    change->spec = spec;
    if (kind == GF_INPUT_UPDATE_EXTENSION) {
        change->set_image = true;
        change->set_registry_auth = true;
        change->set_network = true;
        change->set_settings = true;
    }
}

void caller_extension_choice(struct caller *caller, enum gf_input_kind kind,
                             const char *extension_id) {
    init(caller, kind);
    caller->command.input.u.choice.extension_id = gf_str_from(extension_id);
}

void caller_extension_word(struct caller *caller, enum gf_input_kind kind, int64_t extension_key,
                           int32_t attempt) {
    init(caller, kind);
    caller->command.input.u.word.extension_key = extension_key;
    caller->command.input.u.word.attempt = attempt;
}

void caller_create_namespace(struct caller *caller, const char *namespace_id) {
    init(caller, GF_INPUT_CREATE_NAMESPACE);
    caller->command.input.u.ns.namespace_id = gf_str_from(namespace_id);
}

void caller_submit(struct caller *caller, struct gf_engine *engine) {
    gf_assert(gf_engine_submit(engine, &caller->command, NULL) == GF_OK);
}

enum gf_code caller_wait(struct caller *caller) {
    gf_latch_wait(&caller->done);
    gf_latch_fini(&caller->done);
    gf_assert(caller->done_count == 1);
    return caller->error.code;
}

enum gf_code caller_call(struct caller *caller, struct gf_engine *engine) {
    caller_submit(caller, engine);
    return caller_wait(caller);
}
