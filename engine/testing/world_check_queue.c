/* What must hold of the queue of a pipeline: see world_check.c for the list. */
#include "engine/testing/world_check.h"

#include <inttypes.h>

/* How many runs of its pipeline there may be at once by this run's config; 0 = any number. */
static int64_t parallelism(const struct check *check, const struct check_run *run) {
    return check_least(run->config->parallelism, check->world->limits.pipeline_runs_max);
}

static int64_t namespace_limit(const struct check *check, const struct gf_namespace *ns) {
    return check_least(ns->run_parallelism, check->world->limits.namespace_runs_max);
}

static int64_t namespace_running(const struct check *check, const struct gf_namespace *ns) {
    int64_t running = 0;
    for (size_t i = 0; i < check->pipelines.count; i++) {
        running += check->pipelines.items[i].ns == ns ? check->pipelines.items[i].running : 0;
    }
    return running;
}

static bool same_key(const struct gf_run *a, const struct gf_run *b) {
    return a->ordering_key.len > 0 && gf_str_eq(a->ordering_key, b->ordering_key);
}

/* Whether its ordering key holds it back: an older run with the same one has not ended. */
static bool is_held_back(const struct check_pipeline *pipeline, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (pipeline->runs[i].row.state != GF_RUN_STATE_COMPLETE &&
            same_key(&pipeline->runs[i].row, &pipeline->runs[index].row)) {
            return true;
        }
    }
    return false;
}

static void check_order(struct check *check, const struct check_pipeline *pipeline, size_t index) {
    const struct gf_run *run = &pipeline->runs[index].row;
    for (size_t i = 0; i < index && run->ordering_key.len > 0; i++) {
        const struct gf_run *older = &pipeline->runs[i].row;
        if (older->state == GF_RUN_STATE_COMPLETE || !same_key(older, run)) {
            continue;
        }
        EXPECT(check, run->start_time == 0,
               "run %" PRId64 " overtook run %" PRId64 " of the same key", run->run_id,
               older->run_id);
        EXPECT(check,
               run->ordering_policy != GF_RUN_ORDERING_NEWEST ||
                   older->state != GF_RUN_STATE_QUEUED || run->state != GF_RUN_STATE_QUEUED,
               "run %" PRId64 " waits besides the newer run %" PRId64 " of its key", older->run_id,
               run->run_id);
    }
}

/* The next run to begin: of those that their keys let go, by priority and age. */
static const struct check_run *first_queued(const struct check_pipeline *pipeline) {
    const struct check_run *first = NULL;
    for (size_t i = 0; i < pipeline->run_count; i++) {
        const struct check_run *run = &pipeline->runs[i];
        if (run->row.state == GF_RUN_STATE_QUEUED && !is_held_back(pipeline, i) &&
            (first == NULL || run->row.priority > first->row.priority)) {
            first = run;
        }
    }
    return first;
}

static void check_limits(struct check *check, const struct check_pipeline *pipeline) {
    int64_t allowed = 0;
    for (size_t i = 0; i < pipeline->run_count; i++) {
        const struct check_run *run = &pipeline->runs[i];
        if (run->row.state == GF_RUN_STATE_RUNNING) {
            const int64_t most = parallelism(check, run);
            allowed = most == 0 ? INT64_MAX : (most > allowed ? most : allowed);
        }
    }
    EXPECT(check, pipeline->running <= allowed,
           "%" PRId64 " runs of a pipeline at once, %" PRId64 " are allowed", pipeline->running,
           allowed);
    const int64_t of_namespace = namespace_limit(check, pipeline->ns);
    /* A limit that is lowered lets what runs go on. */
    EXPECT(check,
           of_namespace == 0 || check->events[GF_EVENT_NAMESPACE_UPDATED] > 0 ||
               namespace_running(check, pipeline->ns) <= of_namespace,
           "too many runs of a namespace at once");
}

/* With cancel_oldest, no more runs than may run have nothing that ends them. */
static void check_displaced(struct check *check, const struct check_pipeline *pipeline) {
    int64_t unended = 0;
    int64_t most = INT64_MAX;
    for (size_t i = 0; i < pipeline->run_count; i++) {
        const struct check_run *run = &pipeline->runs[i];
        if (run->row.state == GF_RUN_STATE_COMPLETE) {
            continue;
        }
        if (run->config->queue_policy != GF_QUEUE_POLICY_CANCEL_OLDEST ||
            run->row.version != pipeline->row->latest_version || parallelism(check, run) == 0) {
            return;
        }
        unended += !check_is_ending(&run->row);
        most = parallelism(check, run);
    }
    EXPECT(check, unended <= most, "%" PRId64 " runs are not displaced, %" PRId64 " may run",
           unended, most);
}

void check_queue(struct check *check, const struct check_pipeline *pipeline) {
    const struct check_run *first = first_queued(pipeline);
    for (size_t i = 0; i < pipeline->run_count; i++) {
        check_order(check, pipeline, i);
    }
    check_limits(check, pipeline);
    check_displaced(check, pipeline);
    EXPECT(check,
           first == NULL || check_is_full(pipeline->running, parallelism(check, first)) ||
               check_is_full(namespace_running(check, pipeline->ns),
                             namespace_limit(check, pipeline->ns)) ||
               check_is_full(check->runs_running, check->world->limits.runs_running_max),
           "run %" PRId64 " is queued for no reason", first == NULL ? 0 : first->row.run_id);
}
