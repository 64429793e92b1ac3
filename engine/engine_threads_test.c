/*
 * Many threads at one engine: submitters, a scheduler that reports from threads of its own,
 * followers of events, readers of figures, timers, and a stop in the middle of it. Every command is
 * answered once, every run that was acknowledged ends, and followers see each run's end.
 */
#include "base/alloc.h"
#include "engine/core/testing/fixture.h"
#include "engine/engine.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"

#include <stdio.h>

enum {
    SUBMITTERS = 4,
    RUNS_EACH = 150,
    SCHEDULER_THREADS = 2,
    JOBS_MAX = 1 << 16,
};

/* ---- A scheduler whose containers end on threads of its own ---- */

struct job {
    struct gf_queue_node node;
    struct gf_attempt attempt;
    int32_t exit_code;
    bool is_inquiry;
};

struct scheduler {
    const struct gf_scheduler_events *events;
    struct gf_queue *queues[SCHEDULER_THREADS];
    pthread_t threads[SCHEDULER_THREADS];
    size_t next;
};

static void on_launch(void *self, const struct gf_launch *launch) {
    struct scheduler *scheduler = self;
    struct job *job = GF_NEW(struct job);
    job->attempt = launch->attempt;
    job->exit_code = launch->attempt.run_key % 5 == 0;
    gf_queue_push_reserved(scheduler->queues[scheduler->next++ % SCHEDULER_THREADS], &job->node);
}

/* It runs, as far as anybody knows: its end is on its way. */
static void on_inquire(void *self, struct gf_attempt attempt) {
    struct scheduler *scheduler = self;
    struct job *job = GF_NEW(struct job);
    job->attempt = attempt;
    job->is_inquiry = true;
    gf_queue_push_reserved(scheduler->queues[scheduler->next++ % SCHEDULER_THREADS], &job->node);
}

static void on_stop(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt,
                    GF_UNUSED bool force) {
}

static void on_forget(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt) {
}

static void on_recover(GF_UNUSED void *self, GF_UNUSED const struct gf_attempt *attempts,
                       size_t count) {
    gf_assert(count == 0);
}

static const struct gf_scheduler_ops scheduler_ops = {
    .name = "threads",
    .launch = on_launch,
    .stop = on_stop,
    .forget = on_forget,
    .inquire = on_inquire,
    .recover = on_recover,
};

struct scheduler_thread {
    struct scheduler *scheduler;
    struct gf_queue *queue;
};

static void *run_containers(void *ctx) {
    const struct scheduler_thread *thread = ctx;
    const struct gf_scheduler_events *events = thread->scheduler->events;
    struct gf_queue_batch items = {0};
    while (gf_queue_drain(thread->queue, GF_NEVER, &items) != GF_QUEUE_CLOSED) {
        struct gf_queue_node *node = NULL;
        while ((node = gf_queue_batch_pop(&items)) != NULL) {
            struct job *job = GF_CONTAINER_OF(node, struct job, node);
            const struct gf_exit exit = {.exit_code = job->exit_code};
            const struct gf_start start = {
                .start_time = 1, .image_digest = GF_STR("sha256:x"), .node = GF_STR("here")};
            events->started(events->ctx, job->attempt, &start);
            if (!job->is_inquiry) {
                events->exited(events->ctx, job->attempt, &exit, GF_STR("sha256:x"),
                               GF_STR("here"));
            }
            free(job);
        }
    }
    return NULL;
}

/* ---- Submitters ---- */

struct submitter {
    struct gf_engine *engine;
    int64_t acknowledged;
    int64_t refused;
    pthread_t thread;
};

static void submit_one(struct submitter *submitter, struct caller *caller) {
    if (gf_engine_submit(submitter->engine, &caller->command, NULL) != GF_OK) {
        submitter->refused++;
        return;
    }
    const enum gf_code rc = caller_wait(caller);
    /* A repair may be under way when the engine stops. */
    gf_assert(rc == GF_OK || rc == GF_FAILED_PRECONDITION || rc == GF_UNAVAILABLE);
    submitter->acknowledged += rc == GF_OK && caller->command.input.kind == GF_INPUT_START_RUN;
}

static void *submit(void *ctx) {
    struct submitter *submitter = ctx;
    for (int i = 0; i < RUNS_EACH; i++) {
        struct caller caller;
        caller_start_run(&caller, "pipe");
        submit_one(submitter, &caller);
        if (i % 7 == 0 && caller.run_id > 0 && caller.error.code == GF_OK) {
            const int64_t run_id = caller.run_id;
            caller_end(&caller, GF_INPUT_REPAIR_RUN, "pipe", run_id, NULL);
            submit_one(submitter, &caller);
            caller_cancel_run(&caller, "pipe", run_id, false);
            submit_one(submitter, &caller);
        }
        (void)gf_engine_get_stats(submitter->engine);
    }
    return NULL;
}

/* ---- A follower that counts the ends of runs ---- */

struct watcher {
    struct gf_event_follower follower;
    struct gf_event_hub *hub;
    struct gf_mutex mutex;
    struct gf_cond cond;
    bool woken;
    bool ending;
    int64_t seen;
    int64_t ends;
    pthread_t thread;
};

static void on_wake(struct gf_event_follower *follower) {
    struct watcher *watcher = GF_CONTAINER_OF(follower, struct watcher, follower);
    GF_MUTEX_GUARD(&watcher->mutex);
    watcher->woken = true;
    gf_cond_signal(&watcher->cond);
}

static void count_ends(struct watcher *watcher) {
    struct gf_arena arena;
    struct gf_event *items = NULL;
    size_t count = 0;
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_assert(gf_event_hub_read(watcher->hub, &watcher->follower.filter, watcher->seen, 8192,
                                &arena, &items, &count, &watcher->seen, NULL) == GF_OK);
    watcher->ends += (int64_t)count;
    gf_arena_fini(&arena);
}

static void *watch(void *ctx) {
    struct watcher *watcher = ctx;
    for (bool ending = false; !ending;) {
        gf_event_hub_arm(watcher->hub, &watcher->follower, watcher->seen);
        gf_mutex_lock(&watcher->mutex);
        while (!watcher->woken && !watcher->ending) {
            gf_cond_wait(&watcher->cond, &watcher->mutex);
        }
        watcher->woken = false;
        ending = watcher->ending;
        gf_mutex_unlock(&watcher->mutex);
        count_ends(watcher);
    }
    return NULL;
}

static void start_watcher(struct watcher *watcher, struct gf_event_hub *hub) {
    *watcher = (struct watcher){.hub = hub};
    gf_event_kinds_add(&watcher->follower.filter.kinds, GF_EVENT_RUN_COMPLETED);
    watcher->follower.wake = on_wake;
    gf_mutex_init(&watcher->mutex, GF_RANK_TEST_INNER);
    gf_cond_init(&watcher->cond);
    gf_assert(gf_event_hub_add(hub, &watcher->follower, NULL) == GF_OK);
    gf_thread_start(&watcher->thread, "watcher", watch, watcher);
}

static int64_t stop_watcher(struct watcher *watcher) {
    gf_mutex_lock(&watcher->mutex);
    watcher->ending = true;
    gf_cond_signal(&watcher->cond);
    gf_mutex_unlock(&watcher->mutex);
    gf_thread_join(watcher->thread);
    gf_event_hub_remove(watcher->hub, &watcher->follower);
    gf_cond_fini(&watcher->cond);
    gf_mutex_fini(&watcher->mutex);
    return watcher->ends;
}

/* ---- The test ---- */

static void up(struct gf_engine *engine) {
    struct gf_arena arena;
    struct caller caller;
    gf_arena_init(&arena, 1 << 20);
    struct gf_config *config = gf_fixture_checked(&arena, "one; two < one:any; tri < one:failure");
    config->parallelism = 20;
    config->tasks[0].retry = (struct gf_retry_policy){.max_attempts = 2, .initial_backoff_ms = 1};
    caller_up(&caller, config);
    gf_assert(caller_call(&caller, engine) == GF_OK);
    gf_arena_fini(&arena);
}

/* Waits until no run is active: the containers of the last ones end by themselves. */
static void drain(struct gf_engine *engine) {
    struct gf_engine_stats stats = gf_engine_get_stats(engine);
    while (stats.core.runs_active > 0) {
        struct caller caller;
        caller_create_namespace(&caller, "default");
        (void)caller_call(&caller, engine);
        stats = gf_engine_get_stats(engine);
    }
}

int main(void) {
    struct gf_store *store = gf_memory_store_create();
    struct gf_event_hub *hub = gf_event_hub_create();
    const struct gf_pool_opts pool_options = {.thread_count = 1, .queue_limit = 4, .name = "pool"};
    struct gf_pool *pool = gf_pool_create(&pool_options);
    const struct gf_engine_options options = {
        .store = store, .hub = hub, .clock = gf_clock_system(), .pool = pool};
    struct gf_engine *engine = gf_engine_create(&options);
    struct scheduler scheduler = {.events = gf_engine_scheduler_events(engine)};
    struct scheduler_thread threads[SCHEDULER_THREADS];
    struct submitter submitters[SUBMITTERS];
    struct watcher watcher;

    for (size_t i = 0; i < SCHEDULER_THREADS; i++) {
        scheduler.queues[i] = gf_queue_create(JOBS_MAX);
        threads[i] = (struct scheduler_thread){&scheduler, scheduler.queues[i]};
        gf_thread_start(&scheduler.threads[i], "containers", run_containers, &threads[i]);
    }
    gf_engine_set_scheduler(engine, (struct gf_scheduler){&scheduler_ops, &scheduler});
    gf_assert(gf_engine_start(engine, NULL) == GF_OK);
    start_watcher(&watcher, hub);
    up(engine);

    int64_t acknowledged = 0;
    for (size_t i = 0; i < SUBMITTERS; i++) {
        submitters[i] = (struct submitter){.engine = engine};
        gf_thread_start(&submitters[i].thread, "submitter", submit, &submitters[i]);
    }
    for (size_t i = 0; i < SUBMITTERS; i++) {
        gf_thread_join(submitters[i].thread);
        gf_assert(submitters[i].refused == 0);
        acknowledged += submitters[i].acknowledged;
    }
    drain(engine);
    gf_assert(gf_engine_get_stats(engine).clock_steps_total > 0);
    gf_assert(acknowledged == SUBMITTERS * RUNS_EACH);

    /* Stopped while it has work: what was accepted is answered. */
    struct submitter late = {.engine = engine};
    gf_thread_start(&late.thread, "late", submit, &late);
    gf_engine_stop(engine);
    gf_thread_join(late.thread);
    gf_assert(late.acknowledged <= RUNS_EACH && late.refused > 0);
    for (size_t i = 0; i < SCHEDULER_THREADS; i++) {
        gf_queue_close(scheduler.queues[i]);
        gf_thread_join(scheduler.threads[i]);
        gf_queue_destroy(scheduler.queues[i]);
    }
    const int64_t ends = stop_watcher(&watcher);
    gf_assert(ends >= acknowledged && ends <= acknowledged + late.acknowledged);
    gf_engine_destroy(engine);
    gf_pool_destroy(pool);
    gf_event_hub_destroy(hub);
    store->ops->destroy(store);
    (void)printf("%lld runs ended\n", (long long)ends);
    return 0;
}
