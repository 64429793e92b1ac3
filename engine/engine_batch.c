/*
 * One batch: step, commit, release. Nothing that a step decided leaves this file before the commit
 * has returned, and when it has failed nothing leaves it at all but refusals.
 */
#include "engine/engine_internal.h"
#include "engine/engine_loader.h"

enum {
    /*
     * What a command may ask for, each once: a retry for its pipeline, its request, the run with
     * its config, tasks and input, and the live config.
     */
    NEEDS_MAX = 16,
};

static int64_t mono_now(const struct gf_engine *engine) {
    return gf_clock_mono_ns(engine->options.clock);
}

/* ---- Stepping ---- */

static enum gf_code step(struct gf_engine *engine, const struct gf_input *input,
                         struct gf_error *err) {
    struct gf_need need;
    for (int needs = 0; needs <= NEEDS_MAX; needs++) {
        const int64_t now = gf_clock_wall_ns(engine->options.clock);
        engine->stepped_wall_ns = now;
        if (gf_core_step(engine->core, input, now, &need) == GF_STEP_DONE) {
            return GF_OK;
        }
        const enum gf_code rc = gf_engine_load_need(&engine->loader, engine->core, &need, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return gf_fail(err, GF_INTERNAL, "command asks for more and more of the store");
}

/* An urgent command leaves the queue: there is room for another one. */
static void count_urgent(struct gf_engine *engine, const struct gf_command *command) {
    if (gf_engine__is_urgent(command->input.kind)) {
        GF_MUTEX_GUARD(&engine->mutex);
        engine->urgent_queued--;
    }
}

/* Reports and the clock are about what the core holds: they need nothing of the store. */
static void step_own(struct gf_engine *engine, const struct gf_input *input) {
    struct gf_error err = {0};
    gf_assert(step(engine, input, &err) == GF_OK);
}

static void step_clock(struct gf_engine *engine) {
    const struct gf_input input = {.kind = GF_INPUT_CLOCK};
    engine->counters.clock_steps_total++;
    step_own(engine, &input);
}

/* `begin_ns` is when the batch began: a time for each input would cost more than most steps. */
static void step_item(struct gf_engine *engine, struct gf_command *command, int64_t begin_ns) {
    struct gf_error err = {0};
    engine->counters.inputs_total++;
    gf_histogram_add(&engine->wait, begin_ns - command->submitted_ns);
    if (gf_engine__is_report(command)) {
        gf_engine__count_report(engine, &command->input);
        step_own(engine, &command->input);
        gf_engine__free_report(command);
        return;
    }
    count_urgent(engine, command);
    command->input.token = command;
    struct gf_engine_cause cause;
    gf_engine__begin_cause(engine, &cause);
    if (step(engine, &command->input, &err) != GF_OK) {
        engine->counters.replies_total[err.code]++;
        gf_engine__answer(command, &err); /* it changed nothing, so it need not wait */
        return;
    }
    gf_engine__end_cause(engine, &cause, command);
}

/* What is queued when the engine has failed: commands are refused, reports dropped. */
static void drop_item(struct gf_engine *engine, struct gf_command *command) {
    if (gf_engine__is_report(command)) {
        gf_engine__free_report(command);
        return;
    }
    struct gf_error err = {0};
    count_urgent(engine, command);
    (void)gf_fail(&err, GF_UNAVAILABLE, "the engine has stopped because a write failed");
    gf_engine__answer(command, &err);
}

/* ---- Committing ---- */

enum gf_code gf_engine__commit(struct gf_engine *engine, struct gf_error *err) {
    const struct gf_batch *batch = gf_core_batch(engine->core);
    struct gf_store *store = engine->options.store;
    const size_t rows = gf_batch_row_count(batch);
    if (rows == 0) {
        return GF_OK;
    }
    const int64_t begin = mono_now(engine);
    const enum gf_code rc = store->ops->commit(store, batch, err);
    const int64_t commit_ns = mono_now(engine) - begin;
    engine->counters.commit_time_ns_total += commit_ns;
    gf_histogram_add(&engine->commit, commit_ns);
    if (rc != GF_OK) {
        return rc;
    }
    gf_engine__plan_purge(engine, commit_ns);
    engine->counters.commits_total++;
    engine->counters.rows_total += (int64_t)rows;
    engine->rows_since_checkpoint += (int64_t)rows;
    gf_engine__count_batch(engine, batch);
    if (engine->options.listener.committed != NULL) {
        engine->options.listener.committed(engine->options.listener.ctx, batch);
    }
    gf_engine__log_events(engine);
    gf_event_hub_publish(engine->options.hub, batch->events.items, batch->events.count);
    return GF_OK;
}

/*
 * Whether the batch is on the disk is not known: nobody may act on it. The core goes on from a
 * state that may not be the store's, so it is not used again.
 */
static void fail(struct gf_engine *engine, const struct gf_error *cause) {
    struct gf_error err = *cause;
    (void)gf_wrap(&err, "the outcome is unknown because a write failed");
    err.code = GF_UNAVAILABLE;
    engine->failed = true;
    gf_core_stop(engine->core); /* what waits for reports is answered, too */
    gf_engine__refuse_effects(engine, &err);
    if (engine->options.on_fatal != NULL) {
        engine->options.on_fatal(engine->options.ctx, cause);
    }
}

static void finish_batch(struct gf_engine *engine) {
    struct gf_error err = {0};
    if (gf_engine__commit(engine, &err) != GF_OK) {
        fail(engine, &err);
        return;
    }
    gf_engine__release_effects(engine);
    gf_core_batch_done(engine->core);
    gf_vec_clear(&engine->causes);
    gf_engine__publish_stats(engine);
    gf_engine__maybe_checkpoint(engine);
}

static void purge(struct gf_engine *engine) {
    struct gf_error err = {0};
    if (gf_engine__maybe_purge(engine, &err) != GF_OK) {
        fail(engine, &err);
    }
}

static bool is_full(const struct gf_engine *engine, int inputs) {
    return inputs == GF_ENGINE_BATCH_INPUTS_MAX ||
           gf_batch_row_count(gf_core_batch(engine->core)) > GF_ENGINE_BATCH_ROWS_MAX ||
           gf_core_batch_bytes(engine->core) > GF_ENGINE_BATCH_BYTES_MAX;
}

static struct gf_command *next_command(struct gf_queue_batch *items) {
    struct gf_queue_node *node = gf_queue_batch_pop(items);
    return node == NULL ? NULL : GF_CONTAINER_OF(node, struct gf_command, node);
}

static void drop_all(struct gf_engine *engine, struct gf_queue_batch *items) {
    struct gf_command *command = NULL;
    while ((command = next_command(items)) != NULL) {
        drop_item(engine, command);
    }
}

void gf_engine__run_batch(struct gf_engine *engine, struct gf_queue_batch *items) {
    if (engine->failed) {
        drop_all(engine, items);
        return;
    }
    const int64_t begin = mono_now(engine);
    const bool idle = items->first == NULL;
    if (idle || gf_engine__is_due(engine, gf_clock_wall_ns(engine->options.clock))) {
        step_clock(engine);
    }
    for (int inputs = 0; !is_full(engine, inputs); inputs++) {
        struct gf_command *command = next_command(items);
        if (command == NULL) {
            break;
        }
        step_item(engine, command, begin);
    }
    gf_engine_loader_release(&engine->loader);
    const int64_t step_ns = mono_now(engine) - begin;
    engine->counters.step_time_ns_total += step_ns;
    gf_histogram_add(&engine->step, step_ns);
    finish_batch(engine);
    if (idle && !engine->failed) {
        purge(engine);
    }
}

void gf_engine__finish(struct gf_engine *engine) {
    if (!engine->failed) {
        gf_core_stop(engine->core);
        finish_batch(engine);
    }
}
