/*
 * Design: a step finds what it needs, checks, and only then changes state, so that a refusal or a
 * NEED leaves no trace. What it changed it puts into the batch (batch.c); at its end queued runs
 * begin (queue.c) and ready tasks are launched (slots.c). The work of a step is that of what
 * changes: runs, queues and tasks are reached by keys, lists and counters, never by looking through
 * all of them, and no step recurses.
 */
#include "engine/core/core.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/core/core_internal.h"

enum {
    /* A list of the batch that grew beyond this gives its memory back. */
    BATCH_ITEMS_KEPT = 16384,
};

/* Clocks are corrected by less than this all the time; by more, somebody has set it. */
#define CLOCK_SET_BACK_NS_MIN GF_NS_PER_SEC

struct gf_core *gf_core_create(const struct gf_core_limits *limits,
                               const struct gf_core_start *start) {
    gf_assert(start->next_namespace_key > 0 && start->next_pipeline_key > 0);
    gf_assert(start->next_run_key > 0 && start->next_event_sequence > 0);
    struct gf_core *core = GF_NEW(struct gf_core);
    core->limits = *limits;
    core->next = *start;
    core->preferences = start->preferences;
    core->preferences.run_starts_paused_reason.ptr =
        gf_str_dup(start->preferences.run_starts_paused_reason);
    gf_list_init(&core->idle_pipelines);
    gf_list_init(&core->idle_configs);
    gf_list_init(&core->launches);
    gf_list_init(&core->dead_tokens);
    gf_list_init(&core->dead_roles);
    gf_list_init(&core->dead_extensions);
    gf_core__intake_init(core);
    gf_list_init(&core->dead_runs);
    gf_list_init(&core->dead_configs);
    gf_list_init(&core->dead_pipelines);
    gf_list_init(&core->dead_namespaces);
    gf_arena_init(&core->batch_arena, GF_CORE_BATCH_BYTES_MAX);
    gf_arena_init(&core->sweep.arena, GF_CORE_TOKEN_BYTES_MAX);
    return core;
}

static void free_batch(struct gf_batch *batch) {
    gf_vec_fini(&batch->namespaces);
    gf_vec_fini(&batch->deleted_namespaces);
    gf_vec_fini(&batch->deleted_pipelines);
    gf_vec_fini(&batch->deleted_configs);
    gf_vec_fini(&batch->inputs);
    gf_vec_fini(&batch->attempts);
    gf_vec_fini(&batch->requests);
    gf_vec_fini(&batch->roles);
    gf_vec_fini(&batch->deleted_roles);
    gf_vec_fini(&batch->tokens);
    gf_vec_fini(&batch->deleted_tokens);
    gf_vec_fini(&batch->pipelines);
    gf_vec_fini(&batch->configs);
    gf_vec_fini(&batch->deployments);
    gf_vec_fini(&batch->runs);
    gf_vec_fini(&batch->tasks);
    gf_vec_fini(&batch->extensions);
    gf_vec_fini(&batch->deleted_extensions);
    gf_vec_fini(&batch->subscriptions);
    gf_vec_fini(&batch->deleted_subscriptions);
    gf_vec_fini(&batch->start_keys);
    gf_vec_fini(&batch->delivery_ids);
    gf_vec_fini(&batch->deliveries);
    gf_vec_fini(&batch->deleted_deliveries);
    gf_vec_fini(&batch->reports);
    gf_vec_fini(&batch->events);
    gf_vec_fini(&batch->effects);
}

void gf_core_destroy(struct gf_core *core) {
    if (core == NULL) {
        return;
    }
    gf_core__free_all(core);
    free_batch(&core->batch);
    gf_heap_fini(&core->startable);
    gf_heap_fini(&core->ready);
    gf_heap_fini(&core->timers);
    gf_heap_fini(&core->expiries);
    free((char *)core->preferences.run_starts_paused_reason.ptr);
    gf_vec_fini(&core->ended);
    gf_arena_fini(&core->batch_arena);
    free(core);
}

/* The commands for tokens and roles. */
static enum gf_step step_access(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need) {
    if (input->kind == GF_INPUT_BOOTSTRAP_TOKEN) {
        return gf_core__bootstrap_token(core, input);
    }
    if (input->kind == GF_INPUT_CREATE_TOKEN) {
        return gf_core__create_token(core, input, out_need);
    }
    if (input->kind == GF_INPUT_ENABLE_TOKEN || input->kind == GF_INPUT_DISABLE_TOKEN) {
        return gf_core__switch_token(core, input);
    }
    if (input->kind == GF_INPUT_DELETE_TOKEN) {
        return gf_core__delete_token(core, input);
    }
    if (input->kind == GF_INPUT_DELETE_EXPIRED_TOKENS) {
        return gf_core__delete_expired_tokens(core, input);
    }
    if (input->kind == GF_INPUT_TOUCH_TOKENS) {
        return gf_core__touch_tokens(core, input);
    }
    if (input->kind == GF_INPUT_CREATE_ROLE) {
        return gf_core__create_role(core, input, out_need);
    }
    gf_assert(input->kind == GF_INPUT_UPDATE_ROLE || input->kind == GF_INPUT_DELETE_ROLE);
    return input->kind == GF_INPUT_UPDATE_ROLE ? gf_core__update_role(core, input)
                                               : gf_core__delete_role(core, input);
}

static enum gf_step step(struct gf_core *core, const struct gf_input *input,
                         struct gf_need *out_need) {
    switch (input->kind) {
    case GF_INPUT_CREATE_NAMESPACE:
        return gf_core__create_namespace(core, input, out_need);
    case GF_INPUT_UPDATE_NAMESPACE:
        return gf_core__update_namespace(core, input);
    case GF_INPUT_DELETE_NAMESPACE:
        return gf_core__delete_namespace(core, input, out_need);
    case GF_INPUT_REGISTER_CONFIG:
        return gf_core__register_config(core, input, out_need);
    case GF_INPUT_DELETE_CONFIG:
        return gf_core__delete_config(core, input, out_need);
    case GF_INPUT_DEPLOY:
        return gf_core__deploy(core, input, out_need);
    case GF_INPUT_ENABLE_PIPELINE:
    case GF_INPUT_DISABLE_PIPELINE:
        return gf_core__switch_pipeline(core, input, out_need);
    case GF_INPUT_DELETE_PIPELINE:
        return gf_core__delete_pipeline(core, input, out_need);
    case GF_INPUT_START_RUN:
        return gf_core__start_run(core, input, out_need);
    case GF_INPUT_RETRY_RUN:
        return gf_core__retry_run(core, input, out_need);
    case GF_INPUT_CANCEL_RUN:
        return gf_core__cancel_run(core, input, out_need);
    case GF_INPUT_CANCEL_ALL_RUNS:
        return gf_core__cancel_all_runs(core, input, out_need);
    case GF_INPUT_CANCEL_TASK:
        return gf_core__cancel_task(core, input, out_need);
    case GF_INPUT_REPAIR_RUN:
        return gf_core__repair_run(core, input, out_need);
    case GF_INPUT_DELETE_TASK_LOGS:
        return gf_core__delete_task_logs(core, input, out_need);
    case GF_INPUT_UPDATE_PREFERENCES:
        return gf_core__update_preferences(core, input);
    case GF_INPUT_BOOTSTRAP_TOKEN:
    case GF_INPUT_CREATE_TOKEN:
    case GF_INPUT_ENABLE_TOKEN:
    case GF_INPUT_DISABLE_TOKEN:
    case GF_INPUT_DELETE_TOKEN:
    case GF_INPUT_DELETE_EXPIRED_TOKENS:
    case GF_INPUT_TOUCH_TOKENS:
    case GF_INPUT_CREATE_ROLE:
    case GF_INPUT_UPDATE_ROLE:
    case GF_INPUT_DELETE_ROLE:
        return step_access(core, input, out_need);
    case GF_INPUT_RECORD_EVENT:
        return gf_core__record_event(core, input);
    case GF_INPUT_INSTALL_EXTENSION:
    case GF_INPUT_UPDATE_EXTENSION:
    case GF_INPUT_UNINSTALL_EXTENSION:
    case GF_INPUT_ENABLE_EXTENSION:
    case GF_INPUT_DISABLE_EXTENSION:
    case GF_INPUT_EXTENSION_REGISTERED:
    case GF_INPUT_EXTENSION_READY:
    case GF_INPUT_EXTENSION_DRAINED:
    case GF_INPUT_EXTENSION_GONE:
        return gf_core__extension_step(core, input, out_need);
    case GF_INPUT_CREATE_SUBSCRIPTION:
    case GF_INPUT_UPDATE_SUBSCRIPTION:
    case GF_INPUT_ENABLE_SUBSCRIPTION:
    case GF_INPUT_DISABLE_SUBSCRIPTION:
    case GF_INPUT_DELETE_SUBSCRIPTION:
    case GF_INPUT_SUBSCRIPTION_JUDGED:
    case GF_INPUT_SET_CHECKPOINT:
    case GF_INPUT_SET_EVENT_SEQUENCE:
    case GF_INPUT_PUT_REPORT:
        return gf_core__subscription_step(core, input, out_need);
    case GF_INPUT_START_EXTENSION_RUNS:
        return gf_core__start_extension_runs(core, input, out_need);
    case GF_INPUT_REPLAY_DELIVERIES:
    case GF_INPUT_DELETE_DELIVERIES:
    case GF_INPUT_ADD_DELIVERY:
    case GF_INPUT_SETTLE_DELIVERY:
        return gf_core__delivery_step(core, input, out_need);
    case GF_INPUT_TASK_STARTED:
    case GF_INPUT_TASK_EXITED:
    case GF_INPUT_TASK_LAUNCH_FAILED:
    case GF_INPUT_TASK_LOST:
    case GF_INPUT_TASK_NEVER_STARTED:
        gf_core__report(core, input);
        return GF_STEP_DONE;
    case GF_INPUT_CLOCK:
        gf_core__clock(core);
        return GF_STEP_DONE;
    }
    gf_unreachable();
}

enum gf_step gf_core_step(struct gf_core *core, const struct gf_input *input, int64_t now,
                          struct gf_need *out_need) {
    if (now < core->now - CLOCK_SET_BACK_NS_MIN) {
        gf_core__clock_set_back(core, core->now - now);
    }
    core->now = now;
    core->actor = gf_input_is_command(input->kind) ? &input->actor : NULL;
    const enum gf_step result = step(core, input, out_need);
    core->actor = NULL;
    gf_assert(core->ended.count == 0);
    gf_assert(core->intake.needs.count == 0); /* all that was asked for is in *out_need */
    if (result == GF_STEP_DONE) {
        gf_core__start_runs(core);
        gf_core__dispatch(core);
    }
    return result;
}

#define CLEAN_ITEMS(vec, type)                                                                     \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < (vec)->count; i_++) {                                             \
            ((struct type *)(vec)->items[i_])->dirty = false;                                      \
        }                                                                                          \
    } while (0)

#define EMPTY(vec)                                                                                 \
    do {                                                                                           \
        if ((vec)->capacity > BATCH_ITEMS_KEPT) {                                                  \
            gf_vec_fini(vec);                                                                      \
        }                                                                                          \
        gf_vec_clear(vec);                                                                         \
    } while (0)

void gf_core_batch_done(struct gf_core *core) {
    struct gf_batch *batch = &core->batch;
    CLEAN_ITEMS(&batch->namespaces, core_namespace);
    CLEAN_ITEMS(&batch->pipelines, core_pipeline);
    CLEAN_ITEMS(&batch->configs, core_config);
    CLEAN_ITEMS(&batch->runs, core_run);
    CLEAN_ITEMS(&batch->tasks, core_task);
    CLEAN_ITEMS(&batch->roles, core_role);
    CLEAN_ITEMS(&batch->tokens, core_token);
    CLEAN_ITEMS(&batch->extensions, core_extension);
    CLEAN_ITEMS(&batch->subscriptions, core_subscription);
    EMPTY(&batch->namespaces);
    EMPTY(&batch->deleted_namespaces);
    EMPTY(&batch->deleted_pipelines);
    EMPTY(&batch->deleted_configs);
    EMPTY(&batch->inputs);
    EMPTY(&batch->attempts);
    EMPTY(&batch->requests);
    EMPTY(&batch->roles);
    EMPTY(&batch->deleted_roles);
    EMPTY(&batch->tokens);
    EMPTY(&batch->deleted_tokens);
    batch->preferences = NULL;
    batch->bootstrapped = false;
    batch->source_sequence = 0;
    EMPTY(&batch->pipelines);
    EMPTY(&batch->configs);
    EMPTY(&batch->deployments);
    EMPTY(&batch->runs);
    EMPTY(&batch->tasks);
    EMPTY(&batch->extensions);
    EMPTY(&batch->deleted_extensions);
    EMPTY(&batch->subscriptions);
    EMPTY(&batch->deleted_subscriptions);
    EMPTY(&batch->start_keys);
    EMPTY(&batch->delivery_ids);
    EMPTY(&batch->deliveries);
    EMPTY(&batch->deleted_deliveries);
    EMPTY(&batch->reports);
    EMPTY(&batch->events);
    EMPTY(&batch->effects);
    gf_core__clean(core);
    core->actor_copy = (struct gf_actor){0};
    gf_arena_reset(&core->batch_arena);
}

struct gf_core_stats gf_core_get_stats(const struct gf_core *core) {
    return (struct gf_core_stats){
        .runs_active = core->runs_active,
        .runs_queued = core->runs_queued,
        .runs_running = core->runs_running,
        .attempts_running = core->attempts_running,
        .tasks_ready = core->ready_count,
        .tasks_backoff = core->backoff_count,
        .deadlines = (int64_t)core->timers.count + core->launch_count,
        .pipelines_cached = (int64_t)gf_map_i64_count(&core->pipelines_by_key),
        .configs_cached = (int64_t)gf_map_count(&core->configs),
        .subscriptions = (int64_t)gf_map_i64_count(&core->intake.subscriptions),
        .deliveries_pending = core->intake.pending_count,
        .namespaces = (int64_t)gf_map_i64_count(&core->namespaces_by_key),
        .tokens = (int64_t)core->token_count,
        .roles = (int64_t)gf_map_count(&core->roles),
        .extensions = (int64_t)gf_map_i64_count(&core->extensions_by_key),
    };
}

size_t gf_core_batch_bytes(const struct gf_core *core) {
    return core->batch_arena.used_bytes;
}
