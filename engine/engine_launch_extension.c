/*
 * From a LAUNCH effect of an extension to what a back end needs. To a back end the container of an
 * extension is a task like others: that of pipeline_key 0, whose run is the extension's key. Its
 * settings are not in its environment, where every tool would find them: it gets them when it
 * connects.
 *
 * Its image is taken as it is here, where there is one: an extension that is started again must not
 * become another one by that, nor wait for a registry. It is looked up again where an update asks
 * for nothing else.
 */
#include "engine/engine_internal.h"

enum {
    VARIABLES = 4,
};

/* NULL = nobody says who fetches its image. */
static const struct gf_registry_auth *registry_auth_of(const struct gf_extension_spec *spec) {
    return spec->registry_auth.user.len > 0 ? &spec->registry_auth : NULL;
}

static enum gf_code make_token(struct gf_engine *engine, const struct gf_effect *effect,
                               struct gf_token_text *out, struct gf_error *err) {
    const struct gf_extension_identity identity = {
        .extension_key = effect->extension->extension_key,
        .attempt = effect->attempt.attempt,
        .extension_id = effect->extension->extension_id,
        .create_time = effect->extension->create_time,
    };
    if (engine->options.vault == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the extension gets a token, and this server makes none");
    }
    gf_vault_make_extension_token(engine->options.vault, &identity, out);
    return GF_OK;
}

static enum gf_code make_environment(struct gf_engine *engine, const struct gf_effect *effect,
                                     struct gf_str token, struct gf_launch *launch,
                                     struct gf_error *err) {
    const enum gf_variable_source source = GF_VARIABLE_SOURCE_SYSTEM;
    const struct gf_variable variables[VARIABLES] = {
        {GF_STR("GOFER_API_TOKEN"), token, source},
        {GF_STR("GOFER_EXTENSION_ID"), effect->extension->extension_id, source},
        {GF_STR("GOFER_HOST"), GF_STR(GF_TASK_API_HOST), source},
        {GF_STR("GOFER_TOKEN"), token, source},
    };
    const struct gf_secret_environment_sources sources = {
        .vault = engine->options.vault,
        .user = NULL, /* no pipeline: the vault has a rule for extensions */
        .variables = variables,
        .variable_count = VARIABLES,
        .token = token,
        .registry_auth = registry_auth_of(effect->spec),
    };
    struct gf_secret_environment_texts texts = {0};
    const enum gf_code rc =
        gf_secret_environment_make(&engine->environment, &sources, &engine->scratch, &texts, err);
    if (rc == GF_OK) {
        launch->environment = texts.strings;
        launch->environment_count = VARIABLES;
        launch->masked = texts.masked;
        launch->masked_count = texts.masked_count;
        launch->registry_user = texts.registry_user;
        launch->registry_password = texts.registry_password;
    }
    return rc;
}

void gf_engine__launch_extension(struct gf_engine *engine, const struct gf_effect *effect) {
    const struct gf_extension *extension = effect->extension;
    const struct gf_task task = {
        .task_id = extension->extension_id,
        .image = effect->spec->image,
        .network = effect->spec->network,
        .pull = effect->renew_image ? GF_PULL_ALWAYS : GF_PULL_UNSPECIFIED,
    };
    struct gf_launch launch = {
        .attempt = effect->attempt,
        .namespace_id = GF_STR(""),
        .pipeline_id = extension->extension_id,
        .run_id = extension->extension_key,
        .task = &task,
        .stop_timeout_ms = effect->stop_timeout_ms,
        .task_api = true,
        .ring_log_bytes = GF_RING_LOG_BYTES_DEFAULT,
    };
    struct gf_token_text token = {0};
    struct gf_error err = {0};
    GF_LOG_SCOPE(.extension_id = extension->extension_id);
    gf_arena_reset(&engine->scratch);
    enum gf_code rc = make_token(engine, effect, &token, &err);
    if (rc == GF_OK) {
        rc = make_environment(engine, effect, gf_token_text_view(&token), &launch, &err);
    }
    if (rc == GF_OK) {
        gf_log_debug("attempt_launched", GF_KV_VIEW("image", task.image));
        engine->scheduler.ops->launch(engine->scheduler.self, &launch);
    } else {
        gf_log_debug("attempt_not_launched", GF_KV_ERROR(&err));
        engine->events.launch_failed(engine, effect->attempt, GF_LAUNCH_FAILURE_SCHEDULER,
                                     gf_str_from(err.message));
    }
    gf_secret_environment_clear(&engine->environment);
    gf_token_text_wipe(&token);
}
