/*
 * The invariants, checked on the stored rows of all pipelines of all namespaces:
 *   - events are numbered without gaps, and tell of each run and task exactly one beginning and
 * end;
 *   - a run is COMPLETE exactly when all its tasks are, with the status that follows from theirs;
 *   - a RUNNING run has a task that runs or that waits for a slot while all slots are taken;
 *   - a run is QUEUED only while its pipeline has as many runs as it may, and no younger one began;
 *   - a task was launched only when its parents ended as it asks, skipped only when one did not;
 *   - the core counts as many running attempts as there are rows, and never more than allowed;
 *   - every running attempt has a container at the scheduler, and every container such a row; one
 * of a run that is being cancelled has been told to stop;
 *   - there are no more runs of a pipeline at once than the most generous of them allows.
 */
#include "engine/core/dag.h"
#include "engine/testing/world.h"

#include <inttypes.h>

enum {
    ROWS_MAX = 1 << 20,
};

struct check {
    struct world *world;
    struct gf_arena arena;
    struct gf_store_reader *reader;
    const struct gf_store_ops *ops;
    int64_t attempts_running;
    int64_t runs_active;
    int64_t runs_queued;
    int64_t rows_by_event[64]; /* how many rows say that an event of this kind must be there */
    const char *fault;         /* the first that was found */
};

#define EXPECT(check, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition) && (check)->fault == NULL) {                                              \
            (check)->fault = gf_arena_printf(&(check)->world->arena, __VA_ARGS__);                 \
        }                                                                                          \
    } while (0)

static void check_events(struct check *check) {
    const struct gf_event_filter filter = {.run_id = 0};
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    gf_assert(check->ops->list_events(check->reader, &filter, 0, ROWS_MAX, &check->arena, &events,
                                      &count, &scanned, NULL) == GF_OK);
    int64_t counts[64] = {0};
    for (size_t i = 0; i < count; i++) {
        EXPECT(check, events[i].sequence == (int64_t)i + 1, "event %zu has number %" PRId64, i + 1,
               events[i].sequence);
        counts[events[i].kind]++;
    }
    const enum gf_event_kind kinds[] = {
        GF_EVENT_RUN_QUEUED,
        GF_EVENT_RUN_STARTED,
        GF_EVENT_RUN_CANCELLATION_STARTED,
        GF_EVENT_RUN_COMPLETED,
        GF_EVENT_TASK_EXECUTION_CREATED,
        GF_EVENT_TASK_EXECUTION_STARTED,
        GF_EVENT_TASK_EXECUTION_COMPLETED,
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(kinds) && counts[GF_EVENT_NAMESPACE_DELETED] == 0; i++) {
        EXPECT(check, counts[kinds[i]] == check->rows_by_event[kinds[i]],
               "%" PRId64 " events %s, rows for %" PRId64, counts[kinds[i]],
               gf_event_kind_name(kinds[i]), check->rows_by_event[kinds[i]]);
    }
}

static void count_events_of_run(struct check *check, const struct gf_run *run) {
    check->rows_by_event[GF_EVENT_RUN_QUEUED]++;
    check->rows_by_event[GF_EVENT_RUN_STARTED] += run->start_time != 0;
    check->rows_by_event[GF_EVENT_RUN_CANCELLATION_STARTED] += run->cancel_requested;
    check->rows_by_event[GF_EVENT_RUN_COMPLETED] += run->state == GF_RUN_STATE_COMPLETE;
}

static void count_events_of_task(struct check *check, const struct gf_task_execution *task) {
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_CREATED]++;
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_STARTED] += task->start_time != 0;
    check->rows_by_event[GF_EVENT_TASK_EXECUTION_COMPLETED] +=
        task->state == GF_TASK_STATE_COMPLETE;
}

static bool is_live(const struct gf_task_execution *task) {
    return task->state == GF_TASK_STATE_PROCESSING || task->state == GF_TASK_STATE_RUNNING;
}

static const struct world_container *find_container(const struct world *world,
                                                    const struct gf_task_execution *task) {
    for (size_t i = 0; i < world->containers.count; i++) {
        const struct gf_attempt attempt = world->containers.items[i].attempt;
        if (attempt.run_key == task->run_key && attempt.task_index == task->task_index &&
            attempt.attempt == task->attempt) {
            return &world->containers.items[i];
        }
    }
    return NULL;
}

/* Parents of a task: all complete, and as the task asks? */
static void look_at_parents(const struct gf_task *config, const struct gf_task_execution *tasks,
                            bool *out_complete, bool *out_met) {
    *out_complete = true;
    *out_met = true;
    for (size_t p = 0; p < config->parent_count; p++) {
        const struct gf_task_execution *parent = &tasks[config->parents[p].index];
        *out_complete = *out_complete && parent->state == GF_TASK_STATE_COMPLETE;
        *out_met = *out_met && gf_dag_rule_met(config->parents[p].rule, parent->status);
    }
}

static void check_task(struct check *check, const struct gf_run *run,
                       const struct gf_config *config, const struct gf_task_execution *tasks,
                       size_t index) {
    const struct gf_task_execution *task = &tasks[index];
    const char *id = gf_arena_printf(&check->arena, "%s, run %" PRId64 ", task %" GF_STR_FMT,
                                     run->pipeline_id.ptr, run->run_id, GF_STR_ARG(task->task_id));
    bool complete = true;
    bool met = true;
    look_at_parents(&config->tasks[index], tasks, &complete, &met);
    if (task->attempt > 0) {
        EXPECT(check, complete && met, "%s: launched before its parents allow", id);
    }
    if (task->state == GF_TASK_STATE_COMPLETE && task->status == GF_TASK_STATUS_SKIPPED) {
        EXPECT(check, complete && !met && task->attempt == 0, "%s: skipped for no reason", id);
    }
    if (task->state == GF_TASK_STATE_WAITING && complete) {
        const int64_t most = check->world->limits.attempts_running_max;
        EXPECT(check, met && most > 0, "%s: waits for nothing", id);
    }
    if (task->state == GF_TASK_STATE_COMPLETE) {
        EXPECT(check, task->status != GF_TASK_STATUS_UNSPECIFIED, "%s: ended without status", id);
        EXPECT(check, task->end_time >= task->start_time, "%s: ended before its start", id);
    } else {
        EXPECT(check, task->status == GF_TASK_STATUS_UNSPECIFIED, "%s: status too early", id);
        EXPECT(check, !run->cancel_requested || is_live(task), "%s: waits though cancelled", id);
    }
    const struct world_container *container = find_container(check->world, task);
    EXPECT(check, is_live(task) == (container != NULL), "%s: %s", id,
           is_live(task) ? "has no container" : "has a container that nobody wants");
    EXPECT(check, container == NULL || !run->cancel_requested || container->stop_asked,
           "%s: was not told to stop", id);
    check->attempts_running += is_live(task);
    count_events_of_task(check, task);
}

static void check_run_status(struct check *check, const struct gf_run *run, const int64_t *counts,
                             size_t task_count) {
    enum gf_run_status expected = GF_RUN_STATUS_SUCCESSFUL;
    if (task_count == 0 || counts[GF_TASK_STATUS_CANCELLED] > 0) {
        expected = GF_RUN_STATUS_CANCELLED;
    } else if (counts[GF_TASK_STATUS_FAILED] > 0) {
        expected = GF_RUN_STATUS_FAILED;
    }
    EXPECT(check, run->status == expected, "run %" PRId64 " ended %s, expected %s", run->run_id,
           gf_run_status_name(run->status), gf_run_status_name(expected));
    EXPECT(check, (run->status == GF_RUN_STATUS_SUCCESSFUL) == (run->reason.text.len == 0),
           "run %" PRId64 " ended %s with the reason '%s'", run->run_id,
           gf_run_status_name(run->status), run->reason.text.ptr);
    EXPECT(check, run->end_time >= run->start_time && run->end_time >= run->create_time,
           "run %" PRId64 " ended before its start", run->run_id);
}

static void check_run(struct check *check, const struct gf_run *run) {
    struct gf_config config = {0};
    struct gf_task_execution *tasks = NULL;
    size_t count = 0;
    int64_t counts[5] = {0};
    gf_assert(check->ops->get_config(check->reader, run->pipeline_key, run->version, &check->arena,
                                     &config, NULL) == GF_OK);
    gf_assert(check->ops->list_tasks(check->reader, run->run_key, -1, ROWS_MAX, &check->arena,
                                     &tasks, &count, NULL) == GF_OK);
    EXPECT(check, count == 0 || count == config.task_count, "run %" PRId64 " has %zu tasks",
           run->run_id, count);
    count_events_of_run(check, run);
    size_t live = 0;
    for (size_t i = 0; i < count; i++) {
        check_task(check, run, &config, tasks, i);
        counts[tasks[i].status]++;
        live += is_live(&tasks[i]);
    }
    const bool all_complete = counts[GF_TASK_STATUS_UNSPECIFIED] == 0;
    if (run->state == GF_RUN_STATE_COMPLETE) {
        EXPECT(check, all_complete, "run %" PRId64 " ended before its tasks", run->run_id);
        check_run_status(check, run, counts, count);
        return;
    }
    check->runs_active++;
    if (run->state == GF_RUN_STATE_QUEUED) {
        EXPECT(check, count == 0, "run %" PRId64 " is queued and has tasks", run->run_id);
        check->runs_queued++;
        return;
    }
    EXPECT(check, run->state == GF_RUN_STATE_RUNNING && !all_complete,
           "run %" PRId64 " is %s with nothing left to do", run->run_id,
           gf_run_state_name(run->state));
    const int64_t most = check->world->limits.attempts_running_max;
    EXPECT(check, live > 0 || most > 0, "run %" PRId64 " is stuck", run->run_id);
}

/* How many runs of its pipeline there may be at once by this run's config; 0 = any number. */
static int64_t parallelism(struct check *check, const struct gf_run *run) {
    struct gf_config config = {0};
    gf_assert(check->ops->get_config(check->reader, run->pipeline_key, run->version, &check->arena,
                                     &config, NULL) == GF_OK);
    const int64_t of_server = check->world->limits.pipeline_runs_max;
    if (config.parallelism == 0 || of_server == 0) {
        return config.parallelism + of_server;
    }
    return config.parallelism < of_server ? config.parallelism : of_server;
}

static void check_pipeline(struct check *check, const struct gf_pipeline *pipeline) {
    const struct gf_run_list_options options = {.ascending = true, .limit = ROWS_MAX};
    struct gf_run *runs = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    int64_t running = 0;
    int64_t allowed = 0;
    const struct gf_run *first_queued = NULL;
    gf_assert(check->ops->list_runs(check->reader, pipeline->pipeline_key, &options, &check->arena,
                                    &runs, &count, &scanned, NULL) == GF_OK);
    EXPECT(check, (int64_t)count == pipeline->latest_run_id, "pipeline lacks runs");
    for (size_t i = 0; i < count; i++) {
        check_run(check, &runs[i]);
        if (runs[i].state == GF_RUN_STATE_RUNNING) {
            const int64_t most = parallelism(check, &runs[i]);
            const int64_t any_number = INT64_MAX;
            running++;
            allowed = most == 0 ? any_number : (most > allowed ? most : allowed);
        }
        if (runs[i].state == GF_RUN_STATE_QUEUED && first_queued == NULL) {
            first_queued = &runs[i];
        }
        EXPECT(check, first_queued == NULL || runs[i].state != GF_RUN_STATE_RUNNING,
               "run %" PRId64 " overtook a queued one", runs[i].run_id);
    }
    EXPECT(check, running <= allowed, "%" PRId64 " runs at once, %" PRId64 " are allowed", running,
           allowed);
    if (first_queued != NULL) {
        const int64_t most = parallelism(check, first_queued);
        EXPECT(check, most > 0 && running >= most, "run %" PRId64 " is queued for no reason",
               first_queued->run_id);
    }
}

static void check_counts(struct check *check) {
    const struct gf_core_stats stats = gf_core_get_stats(check->world->core);
    const int64_t most = check->world->limits.attempts_running_max;
    EXPECT(check, stats.attempts_running == check->attempts_running,
           "core counts %" PRId64 " attempts, there are %" PRId64, stats.attempts_running,
           check->attempts_running);
    EXPECT(check, most == 0 || stats.attempts_running <= most, "too many attempts");
    EXPECT(check, stats.tasks_ready == 0 || stats.attempts_running == most,
           "%" PRId64 " tasks wait while there are slots", stats.tasks_ready);
    EXPECT(check, stats.runs_active == check->runs_active,
           "core counts %" PRId64 " runs, there are %" PRId64, stats.runs_active,
           check->runs_active);
    EXPECT(check, stats.runs_queued == check->runs_queued,
           "core counts %" PRId64 " queued runs, there are %" PRId64, stats.runs_queued,
           check->runs_queued);
    EXPECT(check, (int64_t)check->world->containers.count == check->attempts_running,
           "%zu containers for %" PRId64 " attempts", check->world->containers.count,
           check->attempts_running);
}

const char *world_check(struct world *world) {
    struct check check = {.world = world, .ops = world->store->ops};
    struct gf_namespace *namespaces = NULL;
    size_t namespace_count = 0;
    gf_arena_init(&check.arena, (size_t)1 << 32);
    check.reader = check.ops->open_reader(world->store);
    gf_assert(check.ops->list_namespaces(check.reader, GF_STR(""), ROWS_MAX, &check.arena,
                                         &namespaces, &namespace_count, NULL) == GF_OK);
    for (size_t i = 0; i < namespace_count; i++) {
        struct gf_pipeline *pipelines = NULL;
        size_t pipeline_count = 0;
        gf_assert(check.ops->list_pipelines(check.reader, namespaces[i].namespace_key, GF_STR(""),
                                            ROWS_MAX, &check.arena, &pipelines, &pipeline_count,
                                            NULL) == GF_OK);
        for (size_t p = 0; p < pipeline_count; p++) {
            check_pipeline(&check, &pipelines[p]);
        }
    }
    check_events(&check);
    check_counts(&check);
    check.ops->close_reader(world->store, check.reader);
    gf_arena_fini(&check.arena);
    return check.fault;
}
