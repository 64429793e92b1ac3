/*
 * The insides of the engine.
 */
#ifndef GOFER_ENGINE_ENGINE_INTERNAL_H_
#define GOFER_ENGINE_ENGINE_INTERNAL_H_

#include "base/arena.h"
#include "base/sync.h"
#include "engine/engine.h"
#include "engine/engine_environment.h"
#include "engine/engine_loader.h"

/*
 * The request of a command, and what its step has added to the batch: the events and the effects
 * from `begin` up to `end`.
 */
struct gf_engine_range {
    size_t begin;
    size_t end;
};
struct gf_engine_cause {
    struct gf_engine_range events;
    struct gf_engine_range effects;
    size_t request_size;
    char request[GF_LOG_REQUEST_BYTES_MAX];
};
struct gf_engine_cause_vec GF_VEC_FIELDS(struct gf_engine_cause);

struct gf_engine {
    struct gf_engine_options options;
    struct gf_scheduler scheduler;
    struct gf_scheduler_events events; /* what the scheduler reports to */
    struct gf_queue *queue; /* of gf_command nodes; reports are commands without `done` */

    /* Thread: engine. */
    struct gf_core *core;
    struct gf_engine_loader loader;           /* of one batch */
    struct gf_arena scratch;                  /* of one launch */
    struct gf_secret_environment environment; /* likewise; wiped behind each */
    /* The document that was read last, for the launches of one batch; key 0 = none. */
    struct gf_arena input_arena;
    int64_t input_run_key;
    struct gf_str input;
    struct gf_engine_cause_vec causes; /* of the batch, in its order */
    struct gf_engine_stats counters;
    int64_t rows_since_checkpoint;
    int64_t stepped_wall_ns; /* the time of the last step */
    int64_t purge_mono_ns;   /* when to remove a portion of what was deleted; GF_NEVER = none */

    pthread_t thread;
    bool started; /* Thread: the owner's */

    /* Written on the engine thread, read by any. */
    struct gf_histogram wait;
    struct gf_histogram step;
    struct gf_histogram commit;

    _Atomic bool failed; /* a commit has failed: nothing is written any more */

    struct gf_mutex mutex; /* guards what follows */
    struct gf_cond checkpoint_ended;
    bool closed; /* no more urgent commands are queued */
    size_t urgent_queued;
    uint64_t urgent_refused_total;
    bool checkpoint_running;
    int64_t checkpoints_total;
    int64_t checkpoint_failures_total;
    struct gf_engine_stats stats; /* as of the last batch */
};

/* ---- engine_batch.c. Thread: engine ---- */

/*
 * Steps what is due and then items, up to GF_ENGINE_BATCH_INPUTS_MAX of them or
 * GF_ENGINE_BATCH_BYTES_MAX; commits, and releases what came of it. Without items it steps the
 * clock, due or not, and removes a portion of what was deleted, where that is due.
 */
void gf_engine__run_batch(struct gf_engine *engine, struct gf_queue_batch *items);
/* After the last batch: answers the commands that still wait for reports. */
void gf_engine__finish(struct gf_engine *engine);
/* Commits the core's batch; on success publishes its events. */
enum gf_code gf_engine__commit(struct gf_engine *engine, struct gf_error *err) GF_MUST_USE;

/* ---- engine_stats.c. Thread: engine ---- */

/* Counts what a batch did, once it is durable; a report that is stepped; and an effect that is
 * released. */
void gf_engine__count_batch(struct gf_engine *engine, const struct gf_batch *batch);
void gf_engine__count_report(struct gf_engine *engine, const struct gf_input *input);
void gf_engine__count_effect(struct gf_engine *engine, const struct gf_effect *effect);
/* Makes the figures visible to other threads. */
void gf_engine__publish_stats(struct gf_engine *engine);

/* ---- engine_log.c ---- */

/* Notes the request that this thread works for in the command. Thread: any. */
void gf_engine__take_request(struct gf_command *command);

/* The rest: thread engine. What the batch holds before the step of a command, and after it. */
void gf_engine__begin_cause(const struct gf_engine *engine, struct gf_engine_cause *out_cause);
void gf_engine__end_cause(struct gf_engine *engine, struct gf_engine_cause *cause,
                          const struct gf_command *command);
/* The request behind an effect of the batch. *at begins with 0, and the effects come in order. */
struct gf_str gf_engine__cause_of_effect(const struct gf_engine *engine, size_t effect, size_t *at);
/* Logs the events of the batch at debug. */
void gf_engine__log_events(const struct gf_engine *engine);

/* ---- engine_purge.c. Thread: engine ---- */

/* Decides whether and when a portion of what was deleted is due, after a commit of that length. */
void gf_engine__plan_purge(struct gf_engine *engine, int64_t commit_ns);
/* Removes a portion, where one is due. An error is that of a commit. */
enum gf_code gf_engine__maybe_purge(struct gf_engine *engine, struct gf_error *err) GF_MUST_USE;

/* ---- engine_clock.c. Thread: engine ---- */

/* Whether something happens by itself at wall time `now`. */
bool gf_engine__is_due(const struct gf_engine *engine, int64_t now);
/* The monotonic time until which the thread may wait for inputs. */
int64_t gf_engine__wake_time(const struct gf_engine *engine);
/*
 * The same from the three times: 0 when `deadline` has come, else at most GF_ENGINE_CLOCK_CHECK_MS
 * from now. Thread: any.
 */
int64_t gf_engine__wake_time_for(int64_t deadline_wall_ns, int64_t now_wall_ns,
                                 int64_t now_mono_ns);

/* ---- engine_effects.c. Thread: engine ---- */

/* Replies, launches, stops and forgets, in the order of the batch. */
void gf_engine__release_effects(struct gf_engine *engine);
/* Answers all commands of the batch with an error instead. */
void gf_engine__refuse_effects(struct gf_engine *engine, const struct gf_error *err);
void gf_engine__answer(struct gf_command *command, const struct gf_error *err);

/* ---- engine_launch.c. Thread: engine ---- */

/* Hands an attempt to the scheduler, or reports that it cannot be. */
void gf_engine__launch(struct gf_engine *engine, const struct gf_effect *effect);
/* The same of an extension's container: engine_launch_extension.c. */
void gf_engine__launch_extension(struct gf_engine *engine, const struct gf_effect *effect);
/* The launches of a batch are done: lets go of what was read for them. */
void gf_engine__end_launches(struct gf_engine *engine);

/* ---- engine_reports.c. Thread: any ---- */

/* Whether the command has the reserved lane. */
bool gf_engine__is_urgent(enum gf_input_kind kind);

void gf_engine__init_events(struct gf_engine *engine);
void gf_engine__free_report(struct gf_command *report);
static inline bool gf_engine__is_report(const struct gf_command *command) {
    return command->done == NULL;
}

/* ---- engine_checkpoint.c ---- */

/* Starts a checkpoint in the pool where one is due and none runs. Thread: engine. */
void gf_engine__maybe_checkpoint(struct gf_engine *engine);
/* Returns when no checkpoint runs. */
void gf_engine__wait_for_checkpoint(struct gf_engine *engine);

#endif /* GOFER_ENGINE_ENGINE_INTERNAL_H_ */
