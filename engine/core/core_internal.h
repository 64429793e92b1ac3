/*
 * The insides of the core: its objects and what its files call of each other.
 *
 * Objects live as long as the core needs them and at least until the batch in which they were last
 * seen is done, because rows, events and replies of the batch point into them. So nothing is freed
 * in a step: what ends goes to a list of the dead, and gf_core_batch_done buries it.
 *
 * Who keeps whom: a run keeps its pipeline and its config in memory, a config its pipeline, a
 * pipeline its namespace. Pipelines and configs without active runs stay in a bounded cache.
 */
#ifndef GOFER_ENGINE_CORE_CORE_INTERNAL_H_
#define GOFER_ENGINE_CORE_CORE_INTERNAL_H_

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"

/*
 * The row is the first member of every object, so that a pointer to the row, as it stands in the
 * batch, is a pointer to the object. `dirty`: the row is in the batch.
 */
struct core_namespace {
    struct gf_namespace row; /* texts on the heap, owned */
    struct gf_list pipelines;
    int64_t runs_active;
    struct gf_list_link dead_link;
    bool dirty;
    bool deleted;
};

struct core_pipeline {
    struct gf_pipeline row; /* namespace_id is the namespace's, pipeline_id on the heap, owned */
    struct core_namespace *ns;
    struct gf_list configs;     /* all in memory */
    struct gf_list queued_runs; /* the oldest first */
    int64_t runs_running;
    int64_t runs_held; /* runs in memory; above 0 it cannot leave */
    struct gf_list_link ns_link;
    struct gf_list_link idle_link; /* among the idle ones, or among the dead */
    bool dirty;
};

struct core_config {
    struct gf_config row;
    struct gf_arena arena;
    struct core_pipeline *pipeline;
    int64_t runs_held;
    struct gf_list_link pipeline_link;
    struct gf_list_link idle_link;
    bool dirty;
};

struct core_run;

struct core_task {
    struct gf_task_execution row;
    struct core_run *run;
    struct gf_list_link ready_link; /* while it waits for a slot */
    int32_t parents_left;           /* that are not COMPLETE */
    bool dirty;
};

struct core_run {
    struct gf_run row; /* texts in the arena; ids are the pipeline's */
    struct gf_arena arena;
    struct core_pipeline *pipeline;
    struct core_config *config;
    struct core_task *tasks; /* NULL until it starts */
    size_t tasks_left;       /* that are not COMPLETE */
    size_t failed_count;
    size_t cancelled_count;
    /* Texts that most tasks of a run share: kept once. */
    struct gf_str image_digest;
    struct gf_str node;
    struct gf_list_link queue_link; /* in its pipeline's queue */
    struct gf_list_link dead_link;
    bool cancel_forced;
    bool dirty;
};

struct core_task_vec GF_VEC_FIELDS(struct core_task *);

struct gf_core {
    struct gf_core_limits limits;
    struct gf_core_start next;
    int64_t now; /* of the step under way */

    struct gf_map namespaces;            /* by namespace_id */
    struct gf_map_i64 namespaces_by_key; /* without deleted ones */
    struct gf_map pipelines;             /* by namespace_key and pipeline_id */
    struct gf_map_i64 pipelines_by_key;
    struct gf_map configs;         /* by pipeline_key and version */
    struct gf_map_i64 runs;        /* by run_key: active ones, and those that ended in this batch */
    struct gf_map runs_by_id;      /* the same by pipeline_key and run_id */
    struct gf_map runs_by_request; /* those with a request_id, by pipeline_key and it */
    struct gf_map given;           /* answers to NEEDs that are not objects above */

    struct gf_list idle_pipelines; /* the least recently used first */
    struct gf_list idle_configs;
    size_t idle_pipeline_count;
    size_t idle_config_count;
    size_t idle_config_bytes;

    struct gf_list ready; /* tasks that wait for a slot, the longest first */
    int64_t ready_count;
    int64_t attempts_running;
    int64_t runs_active;
    int64_t runs_queued;
    struct core_task_vec ended; /* tasks whose children are still to be told; empty between steps */

    struct gf_batch batch;
    struct gf_arena batch_arena; /* replies, deployments and answers of this batch */
    struct gf_list dead_runs;
    struct gf_list dead_pipelines;
    struct gf_list dead_namespaces;
};

/* ---- batch.c: what a step leaves in the batch ---- */

/* Puts the row into the batch, once. */
void gf_core__mark_namespace(struct gf_core *core, struct core_namespace *ns);
void gf_core__mark_pipeline(struct gf_core *core, struct core_pipeline *pipeline);
void gf_core__mark_config(struct gf_core *core, struct core_config *config);
void gf_core__mark_run(struct gf_core *core, struct core_run *run);
void gf_core__mark_task(struct gf_core *core, struct core_task *task);

/* Appends an event with the next number and the time of the step. The rest is for the caller. */
struct gf_event *gf_core__event(struct gf_core *core, enum gf_event_kind kind);
void gf_core__event_namespace(struct gf_core *core, enum gf_event_kind kind,
                              const struct core_namespace *ns);
struct gf_event *gf_core__event_pipeline(struct gf_core *core, enum gf_event_kind kind,
                                         const struct core_pipeline *pipeline);
struct gf_event *gf_core__event_run(struct gf_core *core, enum gf_event_kind kind,
                                    const struct core_run *run);
struct gf_event *gf_core__event_task(struct gf_core *core, enum gf_event_kind kind,
                                     const struct core_task *task);

/* A reply that says OK; the caller fills in the rest. */
struct gf_reply *gf_core__reply(struct gf_core *core, const struct gf_input *input);
/* A refusal. Gives GF_STEP_DONE, for `return`. */
enum gf_step gf_core__refuse(struct gf_core *core, const struct gf_input *input,
                             const struct gf_error *err);

void gf_core__effect(struct gf_core *core, enum gf_effect_kind kind, struct gf_attempt attempt);

/* Takes everything that belongs to a deleted namespace out of the batch. */
void gf_core__batch_drop_namespace(struct gf_core *core, const struct core_namespace *ns);

/* ---- lookup.c: finding objects, and asking for those that are not in memory ---- */

enum core_found {
    CORE_FOUND,
    CORE_ABSENT, /* it does not exist */
    CORE_NEED,   /* *out_need names what must be given first */
};

struct core_namespace *gf_core__find_namespace(const struct gf_core *core, struct gf_str id);
enum core_found gf_core__find_pipeline(struct gf_core *core, const struct core_namespace *ns,
                                       struct gf_str pipeline_id, struct core_pipeline **out,
                                       struct gf_need *out_need);
enum core_found gf_core__find_config(struct gf_core *core, struct core_pipeline *pipeline,
                                     int64_t version, struct core_config **out,
                                     struct gf_need *out_need);
/* The row of a run, active or complete. */
enum core_found gf_core__find_run(struct gf_core *core, const struct core_pipeline *pipeline,
                                  int64_t run_id, const struct gf_run **out,
                                  struct gf_need *out_need);
enum core_found gf_core__find_request(struct gf_core *core, const struct core_pipeline *pipeline,
                                      struct gf_str request_id, const struct gf_run **out,
                                      struct gf_need *out_need);
/* CORE_FOUND when the namespace has a pipeline, CORE_ABSENT when it has none. */
enum core_found gf_core__find_any_pipeline(struct gf_core *core, const struct core_namespace *ns,
                                           struct gf_need *out_need);

/* Finds namespace and pipeline of a command, or refuses it. False: return *out_step. */
bool gf_core__resolve_pipeline(struct gf_core *core, const struct gf_input *input,
                               struct gf_str namespace_id, struct gf_str pipeline_id,
                               struct core_pipeline **out, struct gf_need *out_need,
                               enum gf_step *out_step);

/* ---- cache.c: the objects in memory ---- */

/* An idle object was used: it leaves after those that were used before. */
void gf_core__touch_pipeline(struct gf_core *core, struct core_pipeline *pipeline);
void gf_core__touch_config(struct gf_core *core, struct core_config *config);

/* Adds objects; copies the texts of the row. */
struct core_namespace *gf_core__add_namespace(struct gf_core *core, const struct gf_namespace *row);
struct core_pipeline *gf_core__add_pipeline(struct gf_core *core, struct core_namespace *ns,
                                            const struct gf_pipeline *row);
struct core_config *gf_core__add_config(struct gf_core *core, struct core_pipeline *pipeline,
                                        const struct gf_config *row);
/* Takes a run's pipeline and config into use, and files the run under its keys. */
void gf_core__add_run(struct gf_core *core, struct core_run *run);
/* The run and its pipeline's namespace do no longer count as active; it is buried with the batch.
 */
void gf_core__bury_run(struct gf_core *core, struct core_run *run);
/* Removes a namespace without active runs, with its pipelines; they are buried with the batch. */
void gf_core__bury_namespace(struct gf_core *core, struct core_namespace *ns);

/* At the end of a batch: frees the dead, and what is idle beyond the limits. */
void gf_core__clean(struct gf_core *core);
/* Frees everything, for gf_core_destroy. */
void gf_core__free_all(struct gf_core *core);

/* ---- Commands: namespace.c, pipeline.c, run_commands.c ---- */

enum gf_step gf_core__create_namespace(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__update_namespace(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__delete_namespace(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need);
enum gf_step gf_core__register_config(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need);
enum gf_step gf_core__deploy(struct gf_core *core, const struct gf_input *input,
                             struct gf_need *out_need);
enum gf_step gf_core__start_run(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need);
enum gf_step gf_core__cancel_run(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need);

/* ---- reports.c: what the scheduler says ---- */

void gf_core__report(struct gf_core *core, const struct gf_input *input);

/* ---- run.c: the life of a run ---- */

/* Starts a run that is not in a queue: its tasks come into being, those without parents are ready.
 */
void gf_core__run_begin(struct gf_core *core, struct core_run *run);
/* Queues a run behind the others of its pipeline. */
void gf_core__run_enqueue(struct gf_core *core, struct core_run *run);
/* Whether its pipeline may have one more run at once. */
bool gf_core__run_may_begin(const struct gf_core *core, const struct core_run *run);
/* Starts the queued runs of a pipeline for which there is room. */
void gf_core__start_queued(struct gf_core *core, struct core_pipeline *pipeline);
/* Tells the children of tasks that ended, and ends the run when none of its tasks is left. */
void gf_core__run_settle(struct gf_core *core, struct core_run *run);
/* Ends a run that never began. */
void gf_core__run_end_queued(struct gf_core *core, struct core_run *run);
/* Makes the tasks of a run, all WAITING, without putting them into the batch. */
void gf_core__run_make_tasks(struct core_run *run);
/*
 * Does what a cancel that is recorded in the run's row asks for: what waits ends, what runs is told
 * to stop. In run_commands.c.
 */
void gf_core__run_cancel(struct gf_core *core, struct core_run *run, bool force);

/* ---- task.c: the life of a task ---- */

const struct gf_task *gf_core__task_config(const struct core_task *task);
struct gf_attempt gf_core__task_attempt(const struct core_task *task);
/* Whether a container of it may be there: it holds a slot. */
bool gf_core__task_is_live(const struct core_task *task);
/* Looks at a WAITING task whose parents are all COMPLETE: it becomes ready, or is SKIPPED. */
void gf_core__task_decide(struct gf_core *core, struct core_task *task);
/*
 * Ends a task, whatever its state; gives back its slot. `text` is copied. gf_core__run_settle must
 * follow before the step ends.
 */
void gf_core__task_end(struct gf_core *core, struct core_task *task, enum gf_task_status status,
                       enum gf_reason_kind kind, struct gf_str text);
/* Tells the scheduler to launch the present attempt of a task. */
void gf_core__effect_launch(struct gf_core *core, const struct core_task *task);
/* Launches ready tasks while there are slots. */
void gf_core__dispatch(struct gf_core *core);

#endif /* GOFER_ENGINE_CORE_CORE_INTERNAL_H_ */
