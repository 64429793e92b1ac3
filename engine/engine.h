/*
 * The engine: one thread that owns the core, and group commit.
 *
 * Inputs queue up: commands in a bounded lane (a full one refuses with GF_RESOURCE_EXHAUSTED);
 * reports of the scheduler in a reserved lane that never refuses and is bounded by what runs, and
 * what ends, repairs, pauses or locks out there too, with a bound of its own, so that a flooded
 * server can still be brought to rest. The thread drains the queue, steps every input, writes the
 * core's batch in one transaction, and only then releases the effects: replies, launches, stops,
 * events to followers. Nothing is acknowledged, launched or published before it is on the disk.
 *
 * Time is an input like others: the thread waits until the core's next deadline at most, and steps
 * GF_INPUT_CLOCK when that has come. Deadlines are times of the wall clock, because they survive a
 * restart; when somebody sets that clock, what is due changes with it, within a minute.
 *
 * What is deleted is removed in portions: one with each commit, and while nothing else waits one
 * after the other, for a tenth of that time at most.
 *
 * What the engine does because of a command is logged with the request of whoever submitted it:
 * `done`, what the scheduler is told in the same step, and at debug each event of the batch
 * (`event_committed`).
 *
 * When a commit fails the engine cannot know what is on the disk: it answers the batch's commands
 * with GF_UNAVAILABLE, takes no more, and tells the owner by on_fatal. The server then ends and its
 * successor restores everything from the store; containers run on meanwhile.
 */
#ifndef GOFER_ENGINE_ENGINE_H_
#define GOFER_ENGINE_ENGINE_H_

#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/queue.h"
#include "engine/core/core.h"
#include "engine/events/hub.h"
#include "engine/scheduler/scheduler.h"
#include "engine/store/store.h"

enum {
    GF_ENGINE_QUEUE_COMMANDS_MAX = 16384, /* waiting commands; more are refused */
    GF_ENGINE_QUEUE_URGENT_MAX = 4096,    /* waiting commands of the reserved lane */
    GF_ENGINE_BATCH_INPUTS_MAX = 4096,    /* inputs of one transaction */
    GF_ENGINE_BATCH_ROWS_MAX = 64 << 10,  /* a batch that holds more takes no further input */
    GF_ENGINE_BATCH_BYTES_MAX = 16 << 20, /* likewise */
    GF_ENGINE_CLOCK_CHECK_MS = 60 * 1000, /* how long a clock that was set may go unnoticed */
    GF_ENGINE_CHECKPOINT_ROWS = 1000,     /* written since the last checkpoint of the store */
    /*
     * How long the thread is idle before it removes a portion of what was deleted, at least; and
     * how many times as long as the last portion took.
     */
    GF_ENGINE_PURGE_PAUSE_MS = 20,
    GF_ENGINE_PURGE_PAUSE_TIMES = 10,
};

struct gf_engine;

/*
 * A command on its way through the engine. The submitter allocates it (usually embedded in the
 * state of a call), fills `input`, whose strings must live until `done`, and gets it back in
 * `done`, on the engine thread, exactly once: after the commit, or when the engine stops. `done`
 * must not block; `reply` is borrowed for the call. input.token is set by the engine.
 */
struct gf_command {
    struct gf_queue_node node; /* private to the engine, as is the next one */
    int64_t submitted_ns;
    struct gf_input input;
    void (*done)(struct gf_command *command, const struct gf_reply *reply);
    /* The request that the submitter's thread works for (gf_log_request), for the log; private. */
    size_t request_size;
    char request[GF_LOG_REQUEST_BYTES_MAX];
};

/*
 * Who wants to know what the engine knows. Called on the engine thread (before it starts: on that
 * of gf_engine_start); must not block; what is given is borrowed for the call.
 */
struct gf_engine_listener {
    void *ctx;
    /* A run that was not complete at the start. */
    void (*restored)(void *ctx, const struct gf_run *run, const struct gf_config *config);
    /* A batch is durable: before its replies and launches leave. */
    void (*committed)(void *ctx, const struct gf_batch *batch);
};

struct gf_vault;

struct gf_engine_options {
    struct gf_store *store;       /* borrowed until destroy */
    struct gf_event_hub *hub;     /* borrowed until destroy */
    const struct gf_clock *clock; /* borrowed until destroy */
    struct gf_pool *pool; /* borrowed until stop; for checkpoints of the store; NULL = none */
    struct gf_core_limits limits;
    struct gf_engine_listener listener; /* its functions may be NULL */
    /* For the secrets and tokens of tasks (engine/secrets/vault.h); borrowed until destroy. NULL:
     * tasks that need one fail to launch. */
    struct gf_vault *vault;
    /* Nothing gets a key below these (gf_core_skip_keys); 0 = any. */
    int64_t namespace_key_min;
    int64_t pipeline_key_min;
    int64_t run_key_min;  /* of runs and extensions */
    bool allow_bootstrap; /* a token can be bootstrapped once more (gf_core_allow_bootstrap) */
    /* Called once, on the engine thread, when a commit has failed. Must not block. */
    void (*on_fatal)(void *ctx, const struct gf_error *error);
    void *ctx;
};

/*
 * Thread of all: the owner's. Order: create, set_scheduler, start, stop, the scheduler's
 * stop_reporting, destroy. Destroy accepts NULL and stops an engine that runs.
 */
struct gf_engine *gf_engine_create(const struct gf_engine_options *options) GF_MUST_USE;
void gf_engine_destroy(struct gf_engine *engine);

/* What a back end reports to; valid from create to destroy. */
const struct gf_scheduler_events *gf_engine_scheduler_events(struct gf_engine *engine);
void gf_engine_set_scheduler(struct gf_engine *engine, struct gf_scheduler scheduler);

/*
 * Restores the core from the store, makes the namespace "default" where there is none, asks the
 * scheduler to recover, and starts the thread. Until it returns, the caller's thread is the engine
 * thread. On an error nothing runs, and destroy is next. Errors: what the store says.
 */
enum gf_code gf_engine_start(struct gf_engine *engine, struct gf_error *err) GF_MUST_USE;

/*
 * Takes no more commands, finishes what is queued, answers those that wait for reports of the
 * scheduler (REPAIR_RUN) with GF_UNAVAILABLE, and joins the thread. Containers run on. Reports
 * that come later are dropped: the scheduler tells of them again after the next start. Does nothing
 * when the engine was not started.
 */
void gf_engine_stop(struct gf_engine *engine);

/*
 * Queues a command. CANCEL_RUN, CANCEL_TASK, CANCEL_ALL_RUNS, REPAIR_RUN, UPDATE_PREFERENCES,
 * DISABLE_TOKEN, DELETE_TOKEN, RECORD_EVENT, UNINSTALL_EXTENSION, DISABLE_EXTENSION,
 * DISABLE_SUBSCRIPTION, DELETE_SUBSCRIPTION and what connections of extensions say of themselves
 * (EXTENSION_REGISTERED, _READY, _DRAINED, _GONE) take the reserved lane; what extensions deliver,
 * acknowledge and judge goes the common way, and whoever sends it tries again.
 * GF_RESOURCE_EXHAUSTED when the lane is full, GF_UNAVAILABLE when the engine has stopped; then
 * `done` is not called. Thread: any.
 */
enum gf_code gf_engine_submit(struct gf_engine *engine, struct gf_command *command,
                              struct gf_error *err) GF_MUST_USE;

enum {
    GF_ENGINE_CODES = 17,   /* of enum gf_code */
    GF_ENGINE_STATUSES = 5, /* of runs, and of tasks */
    GF_ENGINE_REASONS = 32, /* enough for all kinds */
};

struct gf_engine_stats {
    struct gf_core_stats core;
    int64_t inputs_total;
    int64_t clock_steps_total; /* not among the inputs above */
    int64_t commits_total;
    int64_t rows_total; /* written */
    int64_t commit_time_ns_total;
    int64_t step_time_ns_total;
    int64_t checkpoints_total;
    int64_t checkpoint_failures_total;
    int64_t purges_total; /* portions of what was deleted, without a batch; not commits */

    /* What came of it, as far as it is durable. */
    int64_t replies_total[GF_ENGINE_CODES]; /* to commands, by enum gf_code */
    int64_t launches_total;                 /* attempts that the scheduler was to start */
    int64_t stops_total;                    /* attempts that it was to end */
    int64_t events_total[GF_EVENT_KIND_END];
    int64_t runs_ended_total[GF_ENGINE_STATUSES];     /* by enum gf_run_status */
    int64_t tasks_ended_total[GF_ENGINE_STATUSES];    /* by enum gf_task_status */
    int64_t attempts_failed_total[GF_ENGINE_REASONS]; /* by enum gf_reason_kind */
    int64_t log_bytes_total;        /* that attempts wrote, as they told when they ended */
    int64_t logs_truncated_total;   /* logs that ended at their limit */
    int64_t attempts_retried_total; /* of those: others follow */

    /* As of the call. */
    size_t commands_queued;
    size_t commands_limit;
    size_t urgent_queued; /* commands of the reserved lane */
    size_t urgent_limit;
    size_t reports_queued;           /* of the scheduler; bounded by what runs */
    uint64_t commands_refused_total; /* because their lane was full */
    uint64_t urgent_refused_total;
    bool checkpoint_running;
    struct gf_histogram_snapshot wait;   /* of inputs in the queue */
    struct gf_histogram_snapshot step;   /* of batches: all their steps */
    struct gf_histogram_snapshot commit; /* of batches that had rows */
};

/* A snapshot that the engine thread published after its last batch, but for what is said to be as
 * of the call. Thread: any. */
struct gf_engine_stats gf_engine_get_stats(struct gf_engine *engine);

#endif /* GOFER_ENGINE_ENGINE_H_ */
