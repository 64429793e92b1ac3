/*
 * What the files of world_check share: all that is stored in a world, read at once, and the first
 * fault that was found in it.
 */
#ifndef GOFER_ENGINE_TESTING_WORLD_CHECK_H_
#define GOFER_ENGINE_TESTING_WORLD_CHECK_H_

#include "engine/testing/world.h"

struct check_run {
    struct gf_run row;
    const struct gf_config *config;
    struct gf_task_execution *tasks;
    size_t task_count;
    int64_t live;
};

struct check_pipeline {
    const struct gf_namespace *ns;
    const struct gf_pipeline *row;
    struct check_run *runs;
    size_t run_count;
    int64_t running;
};

/* What is counted in the rows is compared with what the core says of itself. */
struct check {
    struct world *world;
    struct gf_arena arena;
    struct gf_store_reader *reader;
    const struct gf_store_ops *ops;
    GF_VEC(struct check_pipeline) pipelines; /* of all namespaces */
    int64_t attempts_running;
    int64_t tasks_ready;
    int64_t tasks_backoff;
    int64_t deadlines; /* that there must be at least */
    int64_t runs_active;
    int64_t runs_queued;
    int64_t runs_running;
    int64_t instances;                        /* containers of extensions that there must be */
    int64_t events[GF_EVENT_KIND_END];        /* that are stored, by kind */
    int64_t rows_by_event[GF_EVENT_KIND_END]; /* how many rows say that there must be one */
    const char *fault;                        /* the first that was found */
};

#define EXPECT(check, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition) && (check)->fault == NULL) {                                              \
            (check)->fault = gf_arena_printf(&(check)->world->arena, __VA_ARGS__);                 \
        }                                                                                          \
    } while (0)

/* The least of two limits, where 0 is none. */
static inline int64_t check_least(int64_t a, int64_t b) {
    if (a == 0 || b == 0) {
        return a + b;
    }
    return a < b ? a : b;
}

/* Whether `used` is as much as a limit allows, 0 = any number. */
static inline bool check_is_full(int64_t used, int64_t limit) {
    return limit > 0 && used >= limit;
}

static inline bool check_is_live(const struct gf_task_execution *task) {
    return task->state == GF_TASK_STATE_PROCESSING || task->state == GF_TASK_STATE_RUNNING;
}

/* Something ends it: what waits of it is over, what runs has been told to stop. */
static inline bool check_is_ending(const struct gf_run *run) {
    return run->state != GF_RUN_STATE_COMPLETE && run->reason.kind != GF_REASON_UNSPECIFIED;
}

/* world_check_task.c: one task of a run that has begun. */
void check_task(struct check *check, const struct check_pipeline *pipeline,
                const struct check_run *run, size_t index);
/* world_check_queue.c: which runs of a pipeline run, and which wait. */
void check_queue(struct check *check, const struct check_pipeline *pipeline);
/* world_check_intake.c: subscriptions, what was started by them, and what waits. */
void check_intake(struct check *check);
/* world_check_access.c: tokens and roles. */
void check_access(struct check *check);
/* world_check_extensions.c: extensions and their containers. */
void check_extensions(struct check *check);

#endif /* GOFER_ENGINE_TESTING_WORLD_CHECK_H_ */
