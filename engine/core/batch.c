#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

void gf_core__mark_namespace(struct gf_core *core, struct core_namespace *ns) {
    if (!ns->dirty) {
        ns->dirty = true;
        gf_vec_push(&core->batch.namespaces, &ns->row);
    }
}

void gf_core__mark_pipeline(struct gf_core *core, struct core_pipeline *pipeline) {
    if (!pipeline->dirty) {
        pipeline->dirty = true;
        gf_vec_push(&core->batch.pipelines, &pipeline->row);
    }
}

void gf_core__mark_config(struct gf_core *core, struct core_config *config) {
    if (!config->dirty) {
        config->dirty = true;
        gf_vec_push(&core->batch.configs, &config->row);
    }
}

void gf_core__mark_run(struct gf_core *core, struct core_run *run) {
    if (!run->dirty) {
        run->dirty = true;
        gf_vec_push(&core->batch.runs, &run->row);
    }
}

void gf_core__mark_task(struct gf_core *core, struct core_task *task) {
    if (!task->dirty) {
        task->dirty = true;
        gf_vec_push(&core->batch.tasks, &task->row);
    }
}

void gf_core__mark_role(struct gf_core *core, struct core_role *role) {
    if (!role->dirty) {
        role->dirty = true;
        gf_vec_push(&core->batch.roles, &role->row);
    }
}

void gf_core__mark_token(struct gf_core *core, struct core_token *token) {
    if (!token->dirty) {
        token->dirty = true;
        gf_vec_push(&core->batch.tokens, &token->row);
    }
}

void gf_core__mark_extension(struct gf_core *core, struct core_extension *extension) {
    if (!extension->dirty) {
        extension->dirty = true;
        gf_vec_push(&core->batch.extensions, &extension->row);
    }
}

/* ---- Events ---- */

/* What somebody asks for. All else is the course that gofer makes it take. */
static const bool has_actor[GF_EVENT_KIND_END] = {
    [GF_EVENT_NAMESPACE_CREATED] = true,
    [GF_EVENT_NAMESPACE_UPDATED] = true,
    [GF_EVENT_NAMESPACE_DELETED] = true,
    [GF_EVENT_PIPELINE_CREATED] = true,
    [GF_EVENT_PIPELINE_ENABLED] = true,
    [GF_EVENT_PIPELINE_DISABLED] = true,
    [GF_EVENT_PIPELINE_DELETED] = true,
    [GF_EVENT_PIPELINE_CONFIG_REGISTERED] = true,
    [GF_EVENT_PIPELINE_CONFIG_DELETED] = true,
    [GF_EVENT_DEPLOYMENT_STARTED] = true,
    [GF_EVENT_DEPLOYMENT_COMPLETED] = true,
    [GF_EVENT_RUN_QUEUED] = true,
    [GF_EVENT_RUN_CANCELLATION_STARTED] = true,
    [GF_EVENT_RUN_REPAIRED] = true,
    [GF_EVENT_TASK_EXECUTION_CANCELLATION_STARTED] = true,
    [GF_EVENT_TASK_EXECUTION_LOGS_DELETED] = true,
    [GF_EVENT_TOKEN_CREATED] = true,
    [GF_EVENT_TOKEN_ENABLED] = true,
    [GF_EVENT_TOKEN_DISABLED] = true,
    [GF_EVENT_TOKEN_DELETED] = true,
    [GF_EVENT_ROLE_CREATED] = true,
    [GF_EVENT_ROLE_UPDATED] = true,
    [GF_EVENT_ROLE_DELETED] = true,
    [GF_EVENT_SYSTEM_PREFERENCES_UPDATED] = true,
    [GF_EVENT_EXTENSION_INSTALLED] = true,
    [GF_EVENT_EXTENSION_UPDATED] = true,
    [GF_EVENT_EXTENSION_UNINSTALLED] = true,
    [GF_EVENT_EXTENSION_ENABLED] = true,
    [GF_EVENT_EXTENSION_DISABLED] = true,
    [GF_EVENT_SUBSCRIPTION_CREATED] = true,
    [GF_EVENT_SUBSCRIPTION_UPDATED] = true,
    [GF_EVENT_SUBSCRIPTION_ENABLED] = true,
    [GF_EVENT_SUBSCRIPTION_DISABLED] = true,
    [GF_EVENT_SUBSCRIPTION_DELETED] = true,
};

static bool is_same_actor(const struct gf_actor *a, const struct gf_actor *b) {
    return gf_str_eq(a->token_id, b->token_id) && gf_str_eq(a->user, b->user) &&
           gf_str_eq(a->peer, b->peer);
}

/* The actor of the step in the arena of the batch, which has one copy of who gives many commands.
 */
static struct gf_actor actor_of_step(struct gf_core *core) {
    const struct gf_actor *from = core->actor;
    if (!is_same_actor(from, &core->actor_copy)) {
        struct gf_arena *arena = &core->batch_arena;
        core->actor_copy = (struct gf_actor){
            .token_id = gf_text_copy_cut(from->token_id, GF_ACTOR_BYTES_MAX, arena),
            .user = gf_text_copy_cut(from->user, GF_ACTOR_BYTES_MAX, arena),
            .peer = gf_text_copy_cut(from->peer, GF_ACTOR_BYTES_MAX, arena),
        };
    }
    return core->actor_copy;
}

struct gf_event *gf_core__event(struct gf_core *core, enum gf_event_kind kind) {
    struct gf_event *event = gf_vec_push_zeroed(&core->batch.events);
    event->sequence = core->next.next_event_sequence++;
    event->time = core->now;
    event->kind = kind;
    if (core->actor != NULL && has_actor[kind]) {
        event->actor = actor_of_step(core);
    }
    return event;
}

struct gf_event *gf_core__event_subject(struct gf_core *core, enum gf_event_kind kind,
                                        struct gf_str subject_id) {
    struct gf_event *event = gf_core__event(core, kind);
    event->subject_id = subject_id;
    return event;
}

struct gf_event *gf_core__event_extension(struct gf_core *core, enum gf_event_kind kind,
                                          const struct core_extension *extension) {
    struct gf_event *event = gf_core__event(core, kind);
    event->extension_id = gf_text_copy(extension->row.extension_id, &core->batch_arena);
    return event;
}

void gf_core__event_namespace(struct gf_core *core, enum gf_event_kind kind,
                              const struct core_namespace *ns) {
    gf_core__event(core, kind)->namespace_id = ns->row.namespace_id;
}

struct gf_event *gf_core__event_pipeline(struct gf_core *core, enum gf_event_kind kind,
                                         const struct core_pipeline *pipeline) {
    struct gf_event *event = gf_core__event(core, kind);
    event->namespace_id = pipeline->row.namespace_id;
    event->pipeline_id = pipeline->row.pipeline_id;
    return event;
}

struct gf_event *gf_core__event_run(struct gf_core *core, enum gf_event_kind kind,
                                    const struct core_run *run) {
    struct gf_event *event = gf_core__event_pipeline(core, kind, run->pipeline);
    event->run_id = run->row.run_id;
    event->version = run->row.version;
    return event;
}

struct gf_event *gf_core__event_task(struct gf_core *core, enum gf_event_kind kind,
                                     const struct core_task *task) {
    struct gf_event *event = gf_core__event_pipeline(core, kind, task->run->pipeline);
    event->run_id = task->run->row.run_id;
    event->task_id = task->row.task_id;
    event->attempt = task->row.attempt;
    return event;
}

/* ---- Effects ---- */

struct gf_reply *gf_core__reply(struct gf_core *core, const struct gf_input *input) {
    return gf_core__reply_to(core, input->token);
}

struct gf_reply *gf_core__reply_to(struct gf_core *core, void *token) {
    struct gf_effect *effect = gf_vec_push_zeroed(&core->batch.effects);
    effect->kind = GF_EFFECT_REPLY;
    effect->token = token;
    effect->reply = GF_ARENA_NEW(&core->batch_arena, struct gf_reply);
    return effect->reply;
}

enum gf_step gf_core__refuse(struct gf_core *core, const struct gf_input *input,
                             const struct gf_error *err) {
    gf_assert(err->code != GF_OK);
    gf_core__reply(core, input)->error = *err;
    return GF_STEP_DONE;
}

struct gf_effect *gf_core__effect(struct gf_core *core, enum gf_effect_kind kind,
                                  struct gf_attempt attempt) {
    struct gf_effect *effect = gf_vec_push_zeroed(&core->batch.effects);
    effect->kind = kind;
    effect->attempt = attempt;
    return effect;
}

/* ---- The batch as a whole ---- */

const struct gf_batch *gf_core_batch(const struct gf_core *core) {
    return &core->batch;
}

size_t gf_batch_row_count(const struct gf_batch *batch) {
    return batch->namespaces.count + batch->deleted_namespaces.count + batch->pipelines.count +
           batch->deleted_pipelines.count + batch->configs.count + batch->deleted_configs.count +
           batch->deployments.count + batch->runs.count + batch->inputs.count + batch->tasks.count +
           batch->attempts.count + batch->requests.count + (batch->preferences != NULL) +
           batch->roles.count + batch->deleted_roles.count + batch->tokens.count +
           batch->deleted_tokens.count + batch->bootstrapped + (batch->source_sequence != 0) +
           batch->extensions.count + batch->deleted_extensions.count + batch->subscriptions.count +
           batch->deleted_subscriptions.count + batch->start_keys.count + batch->deliveries.count +
           batch->deleted_deliveries.count + batch->delivery_ids.count + batch->reports.count +
           batch->events.count;
}

bool gf_core_batch_is_empty(const struct gf_core *core) {
    return gf_batch_row_count(&core->batch) == 0 && core->batch.effects.count == 0;
}

/* Keeps the items of `vec` for which `keep` holds, in their order. */
#define FILTER(vec, item, keep)                                                                    \
    do {                                                                                           \
        size_t kept_ = 0;                                                                          \
        for (size_t i_ = 0; i_ < (vec)->count; i_++) {                                             \
            __typeof__((vec)->items[0]) item = (vec)->items[i_];                                   \
            if (keep) {                                                                            \
                (vec)->items[kept_++] = item;                                                      \
            }                                                                                      \
        }                                                                                          \
        (vec)->count = kept_;                                                                      \
    } while (0)

static const struct core_pipeline *pipeline_by_key(const struct gf_core *core, int64_t key) {
    const struct core_pipeline *pipeline = gf_map_i64_get(&core->pipelines_by_key, key);
    gf_assert(pipeline != NULL);
    return pipeline;
}

/* The pipeline of a run that has rows in the batch. */
static const struct core_pipeline *pipeline_of(const struct gf_core *core, int64_t run_key) {
    const struct core_run *run = gf_map_i64_get(&core->runs, run_key);
    return run->pipeline;
}

void gf_core__batch_drop_config(struct gf_core *core, const struct core_config *config) {
    FILTER(&core->batch.configs, row, row != &config->row);
}

void gf_core__batch_drop_role(struct gf_core *core, const struct core_role *role) {
    FILTER(&core->batch.roles, row, row != &role->row);
}

void gf_core__batch_drop_tokens(struct gf_core *core) {
    FILTER(&core->batch.tokens, row, !((const struct core_token *)row)->deleted);
}

void gf_core__batch_drop_extensions(struct gf_core *core) {
    FILTER(&core->batch.extensions, row, !((const struct core_extension *)row)->deleted);
}

/*
 * Takes the rows of pipelines for which `is_meant` holds out of the batch. Those of pipelines that
 * were deleted before have left it, so each row has its pipeline.
 */
static void drop_pipelines(struct gf_core *core,
                           bool (*is_meant)(const struct core_pipeline *pipeline, const void *what),
                           const void *what) {
    struct gf_batch *batch = &core->batch;
    FILTER(&batch->pipelines, row, !is_meant((const struct core_pipeline *)row, what));
    FILTER(&batch->configs, row, !is_meant(((const struct core_config *)row)->pipeline, what));
    FILTER(&batch->deleted_configs, row, !is_meant(pipeline_by_key(core, row.pipeline_key), what));
    FILTER(&batch->deployments, row, !is_meant(pipeline_by_key(core, row->pipeline_key), what));
    FILTER(&batch->inputs, row, !is_meant(pipeline_of(core, row.run_key), what));
    FILTER(&batch->tasks, row, !is_meant(((const struct core_task *)row)->run->pipeline, what));
    FILTER(&batch->attempts, row, !is_meant(pipeline_of(core, row->run_key), what));
    FILTER(&batch->runs, row, !is_meant(((const struct core_run *)row)->pipeline, what));
}

static bool is_pipeline(const struct core_pipeline *pipeline, const void *what) {
    return pipeline == what;
}

static bool is_in_namespace(const struct core_pipeline *pipeline, const void *what) {
    return pipeline->ns == what;
}

void gf_core__batch_drop_pipeline(struct gf_core *core, const struct core_pipeline *pipeline) {
    drop_pipelines(core, is_pipeline, pipeline);
}

void gf_core__batch_drop_namespace(struct gf_core *core, const struct core_namespace *ns) {
    FILTER(&core->batch.namespaces, row, row != &ns->row);
    drop_pipelines(core, is_in_namespace, ns);
}
