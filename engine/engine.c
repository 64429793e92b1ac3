/*
 * Design: while a commit syncs, inputs queue up, and the next batch takes all of them: batches grow
 * by themselves under load and are of one input without it. A report is a gf_command without
 * `done`, so that one kind of item is in the queue.
 *
 * What the store has left of deleted things wakes the thread as well (engine_purge.c).
 *
 * Each batch first looks at the clock, so that what is due is not held up by load; a batch without
 * items is how a deadline alone is met.
 *
 * The thread ends when the queue is closed and empty. Until then it answers every command, also
 * after a failed commit, so that each submitted command comes back exactly once.
 */
#include "engine/engine.h"

#include "base/alloc.h"
#include "engine/engine_internal.h"
#include "engine/engine_loader.h"

enum {
    SCRATCH_BYTES_MAX = 64 << 20, /* what one launch takes, several times over */
};

struct gf_engine *gf_engine_create(const struct gf_engine_options *options) {
    gf_assert(options->store != NULL && options->hub != NULL && options->clock != NULL);
    struct gf_engine *engine = GF_NEW(struct gf_engine);
    engine->options = *options;
    engine->loader.store = options->store;
    engine->queue = gf_queue_create(GF_ENGINE_QUEUE_COMMANDS_MAX);
    gf_mutex_init(&engine->mutex, GF_RANK_ENGINE);
    gf_cond_init(&engine->checkpoint_ended);
    gf_arena_init(&engine->scratch, SCRATCH_BYTES_MAX);
    gf_arena_init(&engine->input_arena, SCRATCH_BYTES_MAX);
    gf_secret_environment_init(&engine->environment);
    gf_engine__init_events(engine);
    return engine;
}

/* Frees reports that came after the thread had ended. */
static void drop_late_reports(struct gf_engine *engine) {
    struct gf_queue_batch items = {0};
    (void)gf_queue_drain(engine->queue, 0, &items);
    struct gf_queue_node *node = NULL;
    while ((node = gf_queue_batch_pop(&items)) != NULL) {
        struct gf_command *command = GF_CONTAINER_OF(node, struct gf_command, node);
        gf_assert(gf_engine__is_report(command));
        gf_engine__free_report(command);
    }
}

void gf_engine_destroy(struct gf_engine *engine) {
    if (engine == NULL) {
        return;
    }
    gf_engine_stop(engine);
    drop_late_reports(engine);
    gf_core_destroy(engine->core);
    gf_queue_destroy(engine->queue);
    gf_arena_fini(&engine->scratch);
    gf_arena_fini(&engine->input_arena);
    gf_secret_environment_fini(&engine->environment);
    gf_vec_fini(&engine->causes);
    gf_cond_fini(&engine->checkpoint_ended);
    gf_mutex_fini(&engine->mutex);
    free(engine);
}

const struct gf_scheduler_events *gf_engine_scheduler_events(struct gf_engine *engine) {
    return &engine->events;
}

void gf_engine_set_scheduler(struct gf_engine *engine, struct gf_scheduler scheduler) {
    gf_assert(!engine->started);
    engine->scheduler = scheduler;
}

/* ---- Starting and stopping ---- */

static void *run(void *ctx) {
    struct gf_engine *engine = ctx;
    struct gf_queue_batch items = {0};
    while (gf_queue_drain(engine->queue, gf_engine__wake_time(engine), &items) != GF_QUEUE_CLOSED) {
        do {
            gf_engine__run_batch(engine, &items);
        } while (items.first != NULL);
    }
    gf_engine__finish(engine);
    return NULL;
}

/* Namespace "default" is there from the first start on. */
static void make_default_namespace(struct gf_engine *engine) {
    const struct gf_input input = {
        .kind = GF_INPUT_CREATE_NAMESPACE,
        .u.ns = {.namespace_id = GF_STR("default"),
                 .name = GF_STR("Default"),
                 .description = GF_STR("Where pipelines are when no namespace is named.")},
    };
    struct gf_need need;
    const int64_t now = gf_clock_wall_ns(engine->options.clock);
    gf_assert(gf_core_step(engine->core, &input, now, &need) == GF_STEP_DONE);
}

static enum gf_code restore(struct gf_engine *engine, struct gf_attempt_vec *out_attempts,
                            struct gf_error *err) {
    struct gf_store *store = engine->options.store;
    struct gf_core_start start = {0};
    enum gf_code rc = store->ops->load_start(store, &engine->scratch, &start, err);
    if (rc == GF_OK) {
        rc = gf_engine_restore(store, &engine->options.limits, &engine->core, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_core_skip_keys(engine->core, engine->options.namespace_key_min,
                      engine->options.pipeline_key_min, engine->options.run_key_min);
    if (engine->options.allow_bootstrap) {
        gf_core_allow_bootstrap(engine->core);
    }
    gf_event_hub_set_newest(engine->options.hub, start.next_event_sequence - 1);
    if (engine->options.listener.restored != NULL) {
        gf_core_visit_runs(engine->core, engine->options.listener.restored,
                           engine->options.listener.ctx);
    }
    gf_core_resume(engine->core, gf_clock_wall_ns(engine->options.clock), out_attempts);
    make_default_namespace(engine);
    return gf_engine__commit(engine, err);
}

enum gf_code gf_engine_start(struct gf_engine *engine, struct gf_error *err) {
    gf_assert(engine->scheduler.ops != NULL && engine->core == NULL);
    struct gf_attempt_vec attempts = {0};
    const enum gf_code rc = restore(engine, &attempts, err);
    if (rc == GF_OK) {
        engine->scheduler.ops->recover(engine->scheduler.self, attempts.items, attempts.count);
        gf_engine__release_effects(engine);
        gf_core_batch_done(engine->core);
        gf_engine__plan_purge(engine, 0);
        gf_engine__publish_stats(engine);
        engine->started = true;
        gf_thread_start(&engine->thread, "engine", run, engine);
    }
    gf_vec_fini(&attempts);
    return rc;
}

void gf_engine_stop(struct gf_engine *engine) {
    if (!engine->started) {
        return;
    }
    gf_mutex_lock(&engine->mutex);
    engine->closed = true;
    gf_mutex_unlock(&engine->mutex);
    gf_queue_close(engine->queue);
    gf_thread_join(engine->thread);
    engine->started = false;
    gf_engine__wait_for_checkpoint(engine);
}

/* ---- Commands ---- */

static enum gf_code fail_stopped(struct gf_error *err) {
    return gf_fail(err, GF_UNAVAILABLE, "the engine has stopped");
}

/* What flows all day long is not among them, whatever it ends: it would fill the lane. */
bool gf_engine__is_urgent(enum gf_input_kind kind) {
    static const bool urgent[GF_INPUT_CLOCK + 1] = {
        [GF_INPUT_CANCEL_RUN] = true,           [GF_INPUT_CANCEL_TASK] = true,
        [GF_INPUT_CANCEL_ALL_RUNS] = true,      [GF_INPUT_REPAIR_RUN] = true,
        [GF_INPUT_UPDATE_PREFERENCES] = true,   [GF_INPUT_DISABLE_TOKEN] = true,
        [GF_INPUT_DELETE_TOKEN] = true,         [GF_INPUT_RECORD_EVENT] = true,
        [GF_INPUT_UNINSTALL_EXTENSION] = true,  [GF_INPUT_DISABLE_EXTENSION] = true,
        [GF_INPUT_DISABLE_SUBSCRIPTION] = true, [GF_INPUT_DELETE_SUBSCRIPTION] = true,
        [GF_INPUT_EXTENSION_REGISTERED] = true, [GF_INPUT_EXTENSION_READY] = true,
        [GF_INPUT_EXTENSION_DRAINED] = true,    [GF_INPUT_EXTENSION_GONE] = true,
    };
    return urgent[kind];
}

/* Whatever else waits, what runs can be ended, and new starts can be paused. */
static enum gf_code submit_urgent(struct gf_engine *engine, struct gf_command *command,
                                  struct gf_error *err) {
    GF_MUTEX_GUARD(&engine->mutex);
    if (engine->closed) {
        return fail_stopped(err);
    }
    if (engine->urgent_queued == GF_ENGINE_QUEUE_URGENT_MAX) {
        engine->urgent_refused_total++;
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "%d urgent commands are waiting: try again later",
                       GF_ENGINE_QUEUE_URGENT_MAX);
    }
    engine->urgent_queued++;
    gf_queue_push_reserved(engine->queue, &command->node);
    return GF_OK;
}

enum gf_code gf_engine_submit(struct gf_engine *engine, struct gf_command *command,
                              struct gf_error *err) {
    gf_assert(command->done != NULL && gf_input_is_command(command->input.kind));
    gf_engine__take_request(command);
    if (engine->failed) {
        return fail_stopped(err);
    }
    command->submitted_ns = gf_clock_mono_ns(engine->options.clock);
    if (gf_engine__is_urgent(command->input.kind)) {
        return submit_urgent(engine, command, err);
    }
    const enum gf_code rc = gf_queue_push(engine->queue, &command->node, NULL);
    if (rc == GF_OK) {
        return GF_OK;
    }
    return rc == GF_UNAVAILABLE
               ? fail_stopped(err)
               : gf_fail(err, GF_RESOURCE_EXHAUSTED, "%d commands are waiting: try again later",
                         GF_ENGINE_QUEUE_COMMANDS_MAX);
}
