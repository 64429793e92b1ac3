/*
 * The invariants, checked on the stored rows of all pipelines of all namespaces.
 *   Events: numbered without gaps, and as many of each kind as the rows say.
 *   Runs: COMPLETE exactly when all its tasks are, with the status that follows from theirs; none
 * is without something that it waits for.
 *   Queues (world_check_queue.c): no more runs at once than pipeline, namespace and server allow;
 * of those that wait, the first one, by priority and age, waits for a reason; runs of one ordering
 * key run one after the other, oldest first, and where only the newest is wanted no older one
 * waits; with cancel_oldest, no more are left alone than may run.
 *   Tasks (world_check_task.c): launched only when the parents ended as it asks, skipped only when
 * one did not; never more at once than server, run and pool allow, and none waits while there is a
 * slot; one outcome is recorded of each attempt, and there are no more attempts than the policy
 * says; what a retry keeps does not run.
 *   The scheduler: every live attempt has a container and every container such a row; one that is
 * to end has been told so.
 *   Extensions (world_check_extensions.c): what each row must have and may not have, and a
 * container for each seat that is taken. The core counts as many of each as there are rows, and has
 * a deadline for all that needs one.
 *   What they start (world_check_intake.c): a subscription has all that it belongs to; what waits
 * is not dead, and is counted.
 */
#include "engine/testing/world_check.h"

#include <inttypes.h>

enum {
    ROWS_MAX = 1 << 20,
};

/* ---- Reading ---- */

static const struct gf_config *read_config(struct check *check, const struct check_run *runs,
                                           size_t count, const struct gf_run *run) {
    for (size_t i = count; i > 0; i--) {
        if (runs[i - 1].config != NULL && runs[i - 1].row.version == run->version) {
            return runs[i - 1].config;
        }
    }
    struct gf_config *config = GF_ARENA_NEW(&check->arena, struct gf_config);
    /* Only that of a run that is over may have been deleted. */
    const enum gf_code rc = check->ops->get_config(check->reader, run->pipeline_key, run->version,
                                                   &check->arena, config, NULL);
    gf_assert(rc == GF_OK || (rc == GF_NOT_FOUND && run->state == GF_RUN_STATE_COMPLETE));
    return rc == GF_OK ? config : NULL;
}

static void read_pipeline(struct check *check, const struct gf_namespace *ns,
                          const struct gf_pipeline *row) {
    const struct gf_run_list_options options = {.ascending = true, .limit = ROWS_MAX};
    struct check_pipeline pipeline = {.ns = ns, .row = row};
    struct gf_run *rows = NULL;
    int64_t scanned = 0;
    gf_assert(check->ops->list_runs(check->reader, row->pipeline_key, &options, &check->arena,
                                    &rows, &pipeline.run_count, &scanned, NULL) == GF_OK);
    EXPECT(check, (int64_t)pipeline.run_count == row->latest_run_id, "pipeline lacks runs");
    pipeline.runs = GF_ARENA_ARRAY(&check->arena, pipeline.run_count, struct check_run);
    for (size_t i = 0; i < pipeline.run_count; i++) {
        struct check_run *run = &pipeline.runs[i];
        run->row = rows[i];
        run->config = read_config(check, pipeline.runs, i, &rows[i]);
        gf_assert(check->ops->list_tasks(check->reader, rows[i].run_key, -1, ROWS_MAX,
                                         &check->arena, &run->tasks, &run->task_count,
                                         NULL) == GF_OK);
        for (size_t t = 0; t < run->task_count; t++) {
            run->live += check_is_live(&run->tasks[t]);
        }
        pipeline.running += rows[i].state == GF_RUN_STATE_RUNNING;
    }
    check->runs_running += pipeline.running;
    gf_vec_push(&check->pipelines, pipeline);
}

static void read_all(struct check *check) {
    struct gf_namespace *namespaces = NULL;
    size_t namespace_count = 0;
    gf_assert(check->ops->list_namespaces(check->reader, GF_STR(""), ROWS_MAX, &check->arena,
                                          &namespaces, &namespace_count, NULL) == GF_OK);
    for (size_t i = 0; i < namespace_count; i++) {
        struct gf_pipeline *pipelines = NULL;
        size_t count = 0;
        gf_assert(check->ops->list_pipelines(check->reader, namespaces[i].namespace_key, GF_STR(""),
                                             ROWS_MAX, &check->arena, &pipelines, &count,
                                             NULL) == GF_OK);
        for (size_t p = 0; p < count; p++) {
            read_pipeline(check, &namespaces[i], &pipelines[p]);
        }
    }
}

static void read_events(struct check *check) {
    const struct gf_event_filter filter = {.run_id = 0};
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    gf_assert(check->ops->list_events(check->reader, &filter, 0, ROWS_MAX, &check->arena, &events,
                                      &count, &scanned, NULL) == GF_OK);
    for (size_t i = 0; i < count; i++) {
        EXPECT(check, events[i].sequence == (int64_t)i + 1, "event %zu has number %" PRId64, i + 1,
               events[i].sequence);
        check->events[events[i].kind]++;
    }
}

/* ---- Runs ---- */

static void check_result(struct check *check, const struct check_run *run) {
    enum gf_run_status expected = GF_RUN_STATUS_SUCCESSFUL;
    bool any_cancelled = run->task_count == 0;
    bool any_failed = false;
    for (size_t i = 0; i < run->task_count; i++) {
        any_cancelled = any_cancelled || run->tasks[i].status == GF_TASK_STATUS_CANCELLED;
        any_failed = any_failed || run->tasks[i].status == GF_TASK_STATUS_FAILED ||
                     run->tasks[i].reason.kind == GF_REASON_TIMED_OUT;
    }
    if (any_cancelled) {
        expected = GF_RUN_STATUS_CANCELLED;
    } else if (any_failed) {
        expected = GF_RUN_STATUS_FAILED;
    }
    const struct gf_run *row = &run->row;
    EXPECT(check, row->status == expected, "run %" PRId64 " ended %s, expected %s", row->run_id,
           gf_run_status_name(row->status), gf_run_status_name(expected));
    EXPECT(check,
           (row->status == GF_RUN_STATUS_SUCCESSFUL) == (row->reason.text.len == 0) &&
               (row->reason.text.len == 0) == (row->reason.kind == GF_REASON_UNSPECIFIED),
           "run %" PRId64 " ended %s with the reason '%" GF_STR_FMT "'", row->run_id,
           gf_run_status_name(row->status), GF_STR_ARG(row->reason.text));
    EXPECT(check, row->end_time >= row->start_time && row->end_time >= row->create_time,
           "run %" PRId64 " ended before its start", row->run_id);
}

static void check_running(struct check *check, const struct check_run *run) {
    const struct gf_run *row = &run->row;
    const int64_t timeout_ms =
        check_least(run->config->timeout_ms, check->world->limits.run_timeout_ms_max);
    bool all_complete = true;
    for (size_t i = 0; i < run->task_count; i++) {
        all_complete = all_complete && run->tasks[i].state == GF_TASK_STATE_COMPLETE;
    }
    EXPECT(check, row->state == GF_RUN_STATE_RUNNING && !all_complete && run->task_count > 0,
           "run %" PRId64 " is %s with nothing left to do", row->run_id,
           gf_run_state_name(row->state));
    EXPECT(check, (timeout_ms > 0) == (row->deadline_time > 0), "run %" PRId64 " %s a deadline",
           row->run_id, timeout_ms > 0 ? "lacks" : "has");
    EXPECT(check, !check_is_ending(row) || run->live > 0, "run %" PRId64 " should have ended",
           row->run_id);
    EXPECT(check, !check_is_full(run->live - 1, run->config->task_parallelism),
           "run %" PRId64 " has %" PRId64 " tasks at once", row->run_id, run->live);
    check->deadlines += row->deadline_time > 0 && !check_is_ending(row);
}

static void check_run(struct check *check, const struct check_pipeline *pipeline,
                      const struct check_run *run) {
    const struct gf_run *row = &run->row;
    check->rows_by_event[GF_EVENT_RUN_QUEUED]++;
    check->rows_by_event[GF_EVENT_RUN_STARTED] += row->start_time != 0;
    check->rows_by_event[GF_EVENT_RUN_CANCELLATION_STARTED] += row->cancel_requested;
    check->rows_by_event[GF_EVENT_RUN_COMPLETED] += row->state == GF_RUN_STATE_COMPLETE;
    EXPECT(check,
           run->task_count == 0 || run->config == NULL ||
               run->task_count == run->config->task_count,
           "run %" PRId64 " has %zu tasks", row->run_id, run->task_count);
    EXPECT(check, (run->task_count > 0) == (row->start_time > 0),
           "run %" PRId64 ": tasks and start", row->run_id);
    for (size_t i = 0; run->config != NULL && i < run->task_count; i++) {
        check_task(check, pipeline, run, i);
    }
    if (row->state == GF_RUN_STATE_COMPLETE) {
        EXPECT(check, run->live == 0, "run %" PRId64 " ended before its tasks", row->run_id);
        check_result(check, run);
        return;
    }
    check->runs_active++;
    if (row->state == GF_RUN_STATE_QUEUED) {
        EXPECT(check, !check_is_ending(row), "run %" PRId64 " waits though ended", row->run_id);
        check->runs_queued++;
        return;
    }
    check_running(check, run);
}

/* ---- Sums ---- */

static void check_events(struct check *check) {
    const enum gf_event_kind kinds[] = {
        GF_EVENT_RUN_QUEUED,
        GF_EVENT_RUN_STARTED,
        GF_EVENT_RUN_CANCELLATION_STARTED,
        GF_EVENT_RUN_COMPLETED,
        GF_EVENT_TASK_EXECUTION_CREATED,
        GF_EVENT_TASK_EXECUTION_STARTED,
        GF_EVENT_TASK_EXECUTION_COMPLETED,
        GF_EVENT_TASK_EXECUTION_RETRIED,
        GF_EVENT_TASK_EXECUTION_CANCELLATION_STARTED,
    };
    /* Events stay when what they tell of is deleted. */
    const bool all_there = check->events[GF_EVENT_NAMESPACE_DELETED] == 0 &&
                           check->events[GF_EVENT_PIPELINE_DELETED] == 0 &&
                           check->events[GF_EVENT_PIPELINE_CONFIG_DELETED] == 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(kinds) && all_there; i++) {
        EXPECT(check, check->events[kinds[i]] == check->rows_by_event[kinds[i]],
               "%" PRId64 " events %s, rows for %" PRId64, check->events[kinds[i]],
               gf_event_kind_name(kinds[i]), check->rows_by_event[kinds[i]]);
    }
}

static void check_count(struct check *check, const char *what, int64_t counted, int64_t rows) {
    EXPECT(check, counted == rows, "core counts %" PRId64 " %s, there are %" PRId64, counted, what,
           rows);
}

static void check_counts(struct check *check) {
    const struct gf_core_stats stats = gf_core_get_stats(check->world->core);
    const struct gf_core_limits *limits = &check->world->limits;
    check_count(check, "attempts", stats.attempts_running, check->attempts_running);
    check_count(check, "ready tasks", stats.tasks_ready, check->tasks_ready);
    check_count(check, "tasks in back-off", stats.tasks_backoff, check->tasks_backoff);
    check_count(check, "runs", stats.runs_active, check->runs_active);
    check_count(check, "queued runs", stats.runs_queued, check->runs_queued);
    check_count(check, "containers", (int64_t)check->world->containers.count,
                check->attempts_running + check->instances);
    EXPECT(check, !check_is_full(stats.attempts_running - 1, limits->attempts_running_max),
           "too many attempts");
    EXPECT(check, !check_is_full(check->runs_running - 1, limits->runs_running_max),
           "too many runs at once");
    EXPECT(check, stats.deadlines >= check->deadlines,
           "%" PRId64 " deadlines are set, %" PRId64 " are needed", stats.deadlines,
           check->deadlines);
}

const char *world_check(struct world *world) {
    struct check check = {.world = world, .ops = world->store->ops};
    gf_arena_init(&check.arena, (size_t)1 << 32);
    check.reader = check.ops->open_reader(world->store);
    read_events(&check);
    read_all(&check);
    for (size_t p = 0; p < check.pipelines.count; p++) {
        const struct check_pipeline *pipeline = &check.pipelines.items[p];
        for (size_t i = 0; i < pipeline->run_count; i++) {
            check_run(&check, pipeline, &pipeline->runs[i]);
        }
        check_queue(&check, pipeline);
    }
    check_access(&check);
    check_extensions(&check);
    check_intake(&check);
    check_events(&check);
    check_counts(&check);
    check.ops->close_reader(world->store, check.reader);
    gf_vec_fini(&check.pipelines);
    gf_arena_fini(&check.arena);
    return check.fault;
}
