/*
 * Design: what is counted by the engine thread is counted in plain fields and copied, once for each
 * batch, to where others may read it; latencies go into histograms, which anybody may read at any
 * time. Readers ask the queue itself what waits.
 */
#include "engine/engine_internal.h"

_Static_assert((int)GF_TASK_STATUS_SKIPPED < (int)GF_ENGINE_STATUSES, "room for all");
_Static_assert((int)GF_UNAUTHENTICATED < (int)GF_ENGINE_CODES, "room for all");
#define GF_X(name, number) _Static_assert((number) < (int)GF_ENGINE_REASONS, "room for all");
GF_REASON_KINDS(GF_X)
#undef GF_X

/* Why an attempt failed, as the event tells; UNSPECIFIED where it does not. */
static enum gf_reason_kind reason_of(const struct gf_event *event) {
    for (size_t i = 0; i < event->metadata_count; i++) {
        if (!gf_str_eq(event->metadata[i].key, GF_STR("reason"))) {
            continue;
        }
        for (int kind = 1; kind < GF_ENGINE_REASONS; kind++) {
            const char *name = gf_reason_kind_name((enum gf_reason_kind)kind);
            if (gf_str_eq(event->metadata[i].value, gf_str_from(name))) {
                return (enum gf_reason_kind)kind;
            }
        }
    }
    return GF_REASON_UNSPECIFIED;
}

static void count_attempt(struct gf_engine_stats *counters, const struct gf_event *event) {
    if (event->status == GF_TASK_STATUS_FAILED) {
        counters->attempts_failed_total[reason_of(event)]++;
    }
}

void gf_engine__count_batch(struct gf_engine *engine, const struct gf_batch *batch) {
    struct gf_engine_stats *counters = &engine->counters;
    for (size_t i = 0; i < batch->events.count; i++) {
        const struct gf_event *event = &batch->events.items[i];
        counters->events_total[event->kind]++;
        if (event->kind == GF_EVENT_RUN_COMPLETED) {
            counters->runs_ended_total[event->status]++;
        } else if (event->kind == GF_EVENT_TASK_EXECUTION_COMPLETED) {
            counters->tasks_ended_total[event->status]++;
            count_attempt(counters, event);
        } else if (event->kind == GF_EVENT_TASK_EXECUTION_RETRIED) {
            counters->attempts_retried_total++;
            count_attempt(counters, event);
        }
    }
}

void gf_engine__count_report(struct gf_engine *engine, const struct gf_input *input) {
    if (input->kind == GF_INPUT_TASK_EXITED) {
        engine->counters.log_bytes_total += input->u.exited.exit.log_bytes;
        engine->counters.logs_truncated_total += input->u.exited.exit.log_truncated;
    }
}

void gf_engine__count_effect(struct gf_engine *engine, const struct gf_effect *effect) {
    struct gf_engine_stats *counters = &engine->counters;
    if (effect->kind == GF_EFFECT_REPLY && effect->token != NULL) {
        counters->replies_total[effect->reply->error.code]++;
    }
    counters->launches_total += effect->kind == GF_EFFECT_LAUNCH;
    counters->stops_total += effect->kind == GF_EFFECT_STOP;
}

void gf_engine__publish_stats(struct gf_engine *engine) {
    engine->counters.core = gf_core_get_stats(engine->core);
    GF_MUTEX_GUARD(&engine->mutex);
    engine->stats = engine->counters;
}

struct gf_engine_stats gf_engine_get_stats(struct gf_engine *engine) {
    struct gf_queue_stats queue = {0};
    gf_mutex_lock(&engine->mutex);
    struct gf_engine_stats stats = engine->stats;
    stats.checkpoints_total = engine->checkpoints_total;
    stats.checkpoint_failures_total = engine->checkpoint_failures_total;
    stats.checkpoint_running = engine->checkpoint_running;
    stats.urgent_queued = engine->urgent_queued;
    stats.urgent_refused_total = engine->urgent_refused_total;
    gf_mutex_unlock(&engine->mutex);
    gf_queue_stats(engine->queue, &queue);
    stats.commands_queued = queue.normal;
    stats.commands_limit = queue.normal_limit;
    stats.commands_refused_total = queue.refused_total;
    stats.urgent_limit = GF_ENGINE_QUEUE_URGENT_MAX;
    /* Commands of that lane are counted until they are stepped, reports until they are taken. */
    stats.reports_queued =
        queue.reserved > stats.urgent_queued ? queue.reserved - stats.urgent_queued : 0;
    gf_histogram_read(&engine->wait, &stats.wait);
    gf_histogram_read(&engine->step, &stats.step);
    gf_histogram_read(&engine->commit, &stats.commit);
    return stats;
}
