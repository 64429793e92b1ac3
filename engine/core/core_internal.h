/*
 * What the files of the core call of each other. The objects are in core_objects.h.
 */
#ifndef GOFER_ENGINE_CORE_CORE_INTERNAL_H_
#define GOFER_ENGINE_CORE_CORE_INTERNAL_H_

#include "engine/core/core_extensions.h"
#include "engine/core/core_objects.h"

/* ---- batch.c: what a step leaves in the batch ---- */

/* Puts the row into the batch, once. */
void gf_core__mark_namespace(struct gf_core *core, struct core_namespace *ns);
void gf_core__mark_pipeline(struct gf_core *core, struct core_pipeline *pipeline);
void gf_core__mark_config(struct gf_core *core, struct core_config *config);
void gf_core__mark_run(struct gf_core *core, struct core_run *run);
void gf_core__mark_task(struct gf_core *core, struct core_task *task);
void gf_core__mark_role(struct gf_core *core, struct core_role *role);
void gf_core__mark_token(struct gf_core *core, struct core_token *token);
void gf_core__mark_extension(struct gf_core *core, struct core_extension *extension);

/*
 * Appends an event with the next number and the time of the step; and with the actor of the command
 * under way, where it tells of what somebody did. The rest is for the caller.
 */
struct gf_event *gf_core__event(struct gf_core *core, enum gf_event_kind kind);
/* About a token or a role. */
struct gf_event *gf_core__event_subject(struct gf_core *core, enum gf_event_kind kind,
                                        struct gf_str subject_id);
/* About an extension; its id is copied into the arena of the batch. */
struct gf_event *gf_core__event_extension(struct gf_core *core, enum gf_event_kind kind,
                                          const struct core_extension *extension);
void gf_core__event_namespace(struct gf_core *core, enum gf_event_kind kind,
                              const struct core_namespace *ns);
struct gf_event *gf_core__event_pipeline(struct gf_core *core, enum gf_event_kind kind,
                                         const struct core_pipeline *pipeline);
struct gf_event *gf_core__event_run(struct gf_core *core, enum gf_event_kind kind,
                                    const struct core_run *run);
struct gf_event *gf_core__event_task(struct gf_core *core, enum gf_event_kind kind,
                                     const struct core_task *task);

/*
 * Facts of an event, as EventKind in event.proto names them. Texts of initiators and tasks are
 * borrowed for as long as the batch. Facts that are not known are left out.
 */
void gf_core__tell_config(struct gf_core *core, struct gf_event *event,
                          const struct gf_config *config);
void gf_core__tell_deployment(struct gf_core *core, struct gf_event *event,
                              const struct gf_deployment *deployment);
void gf_core__tell_initiator(struct gf_core *core, struct gf_event *event,
                             const struct gf_initiator *initiator);
void gf_core__tell_force(struct gf_event *event, bool force);
void gf_core__tell_reason(struct gf_event *event, enum gf_reason_kind kind);
/* Those that are not empty; copied. */
struct core_extension_facts {
    struct gf_str image, reason, version;
};
void gf_core__tell_extension(struct gf_core *core, struct gf_event *event,
                             const struct core_extension_facts *facts);
/* How the task, or its attempt, ended. */
void gf_core__tell_end(struct gf_core *core, struct gf_event *event,
                       const struct gf_task_execution *task);
/* What runs, and where. */
void gf_core__tell_place(struct gf_core *core, struct gf_event *event,
                         const struct gf_task_execution *task);

/* Why a subscription does not work. */
void gf_core__tell_subscription_reason(struct gf_event *event, enum gf_subscription_reason reason);
void gf_core__tell_dead_letter(struct gf_core *core, struct gf_event *event, int64_t delivery_key);

/* A reply that says OK; the caller fills in the rest. */
struct gf_reply *gf_core__reply(struct gf_core *core, const struct gf_input *input);
struct gf_reply *gf_core__reply_to(struct gf_core *core, void *token);
/* A refusal. Gives GF_STEP_DONE, for `return`. */
enum gf_step gf_core__refuse(struct gf_core *core, const struct gf_input *input,
                             const struct gf_error *err);

struct gf_effect *gf_core__effect(struct gf_core *core, enum gf_effect_kind kind,
                                  struct gf_attempt attempt);

/* Takes everything that belongs to something deleted out of the batch. */
void gf_core__batch_drop_namespace(struct gf_core *core, const struct core_namespace *ns);
void gf_core__batch_drop_pipeline(struct gf_core *core, const struct core_pipeline *pipeline);
void gf_core__batch_drop_config(struct gf_core *core, const struct core_config *config);
void gf_core__batch_drop_role(struct gf_core *core, const struct core_role *role);
/* Of all tokens that are deleted. */
void gf_core__batch_drop_tokens(struct gf_core *core);
/* Of all extensions that are deleted: their own rows alone. */
void gf_core__batch_drop_extensions(struct gf_core *core);

/* ---- lookup.c: finding objects, and asking for those that are not in memory ---- */

struct core_namespace *gf_core__find_namespace(const struct gf_core *core, struct gf_str id);
enum core_found gf_core__find_pipeline(struct gf_core *core, const struct core_namespace *ns,
                                       struct gf_str pipeline_id, struct core_pipeline **out,
                                       struct gf_need *out_need);
enum core_found gf_core__find_config(struct gf_core *core, struct core_pipeline *pipeline,
                                     int64_t version, struct core_config **out,
                                     struct gf_need *out_need);
/* The newest version that is there; that of the highest number may be deleted. */
enum core_found gf_core__find_newest_config(struct gf_core *core, struct core_pipeline *pipeline,
                                            struct core_config **out, struct gf_need *out_need);
/* The row of a run, active or complete. */
enum core_found gf_core__find_run(struct gf_core *core, const struct core_pipeline *pipeline,
                                  int64_t run_id, const struct gf_run **out,
                                  struct gf_need *out_need);
enum core_found gf_core__find_request(struct gf_core *core, const struct core_pipeline *pipeline,
                                      struct gf_str request_id, const struct gf_run **out,
                                      struct gf_need *out_need);
enum core_found gf_core__find_outcome(struct gf_core *core, const struct gf_request_ref *request,
                                      const struct gf_request **out, struct gf_need *out_need);
/* The task executions of a complete run; `out` is on the heap, for the caller to free. */
enum core_found gf_core__find_run_tasks(struct gf_core *core, const struct gf_run *run,
                                        struct gf_task_execution_vec *out,
                                        struct gf_need *out_need);
enum core_found gf_core__find_run_input(struct gf_core *core, const struct gf_run *run,
                                        struct gf_str *out_content, struct gf_need *out_need);
/* What is deleted is not asked for again in this batch: until its commit the store has it still. */
void gf_core__remember_no_pipeline(struct gf_core *core, const struct core_pipeline *pipeline);
void gf_core__remember_no_config(struct gf_core *core, const struct core_config *config);
/* From now on it is found, for the rest of the batch. */
void gf_core__remember_outcome(struct gf_core *core, const struct gf_request *outcome);
/* CORE_FOUND when the namespace has a pipeline, CORE_ABSENT when it has none. */
enum core_found gf_core__find_any_pipeline(struct gf_core *core, const struct core_namespace *ns,
                                           struct gf_need *out_need);

/* Finds namespace and pipeline of a command, or refuses it. False: return *out_step. */
bool gf_core__resolve_pipeline(struct gf_core *core, const struct gf_input *input,
                               struct gf_str namespace_id, struct gf_str pipeline_id,
                               struct core_pipeline **out, struct gf_need *out_need,
                               enum gf_step *out_step);
/*
 * Finds pipeline and run of a command, or refuses it. False: return *out_step. *out_run is NULL
 * where the run is COMPLETE; *out_row is set in any case.
 */
bool gf_core__resolve_run(struct gf_core *core, const struct gf_input *input,
                          struct gf_str namespace_id, struct gf_str pipeline_id, int64_t run_id,
                          struct core_pipeline **out_pipeline, const struct gf_run **out_row,
                          struct core_run **out_run, struct gf_need *out_need,
                          enum gf_step *out_step);

/*
 * Finds a task of an active run, or refuses the command: GF_NOT_FOUND, or reason RUN_NOT_STARTED
 * where the run waits, because it has no tasks yet. False: return *out_step.
 */
bool gf_core__resolve_task(struct gf_core *core, const struct gf_input *input, struct core_run *run,
                           struct gf_str task_id, struct core_task **out, enum gf_step *out_step);

/* Finds a version of a command, or refuses it as not found. False: return *out_step. */
bool gf_core__resolve_version(struct gf_core *core, const struct gf_input *input,
                              struct core_pipeline *pipeline, int64_t version,
                              struct core_config **out, struct gf_need *out_need,
                              enum gf_step *out_step);

/* ---- requests.c: commands that are given twice ---- */

/*
 * Answers a command whose request was given before, or refuses it when that was another one. True:
 * return *out_step. `fingerprint` is what gf_core__fingerprint gives of all that counts.
 */
bool gf_core__replay(struct gf_core *core, const struct gf_input *input,
                     const struct gf_request_ref *request, enum gf_request_kind kind,
                     int64_t fingerprint, struct gf_need *out_need, enum gf_step *out_step);
/* Records the first outcome. Texts and the rest of `outcome` are the caller's. */
void gf_core__record(struct gf_core *core, const struct gf_request_ref *request,
                     const struct gf_request *outcome);
int64_t gf_core__fingerprint(const struct gf_str *texts, size_t count, const int64_t *numbers,
                             size_t number_count);

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
/* Something ends it from now on: it goes to its pipeline's list of those. */
void gf_core__run_mark_ending(struct core_run *run);
/* The run and its pipeline's namespace do no longer count as active; it is buried with the batch.
 */
void gf_core__bury_run(struct gf_core *core, struct core_run *run);
/* Remove what has no active runs, with all below it; it is buried with the batch. */
void gf_core__bury_namespace(struct gf_core *core, struct core_namespace *ns);
void gf_core__bury_pipeline(struct gf_core *core, struct core_pipeline *pipeline);
void gf_core__bury_config(struct gf_core *core, struct core_config *config);

/* At the end of a batch: frees the dead, and what is idle beyond the limits. */
void gf_core__clean(struct gf_core *core);
/* Frees everything, for gf_core_destroy. */
void gf_core__free_all(struct gf_core *core);

/* The reason of a refusal by a pipeline whose runs do not queue (run_create.c). */
#define GF_REASON_PIPELINE_BUSY "PIPELINE_BUSY"

/* ---- Commands: namespace.c, pipeline.c, config_commands.c, run_start.c, run_cancel.c, ... ---- */

enum gf_step gf_core__create_namespace(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need);
enum gf_step gf_core__update_namespace(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__delete_namespace(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need);
enum gf_step gf_core__register_config(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need);
enum gf_step gf_core__delete_config(struct gf_core *core, const struct gf_input *input,
                                    struct gf_need *out_need);
enum gf_step gf_core__deploy(struct gf_core *core, const struct gf_input *input,
                             struct gf_need *out_need);
/* ENABLE_PIPELINE, DISABLE_PIPELINE */
enum gf_step gf_core__switch_pipeline(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need);
enum gf_step gf_core__delete_pipeline(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need);
enum gf_step gf_core__start_run(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need);
enum gf_step gf_core__retry_run(struct gf_core *core, const struct gf_input *input,
                                struct gf_need *out_need);
enum gf_step gf_core__cancel_run(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need);
enum gf_step gf_core__cancel_all_runs(struct gf_core *core, const struct gf_input *input,
                                      struct gf_need *out_need);
enum gf_step gf_core__cancel_task(struct gf_core *core, const struct gf_input *input,
                                  struct gf_need *out_need);
enum gf_step gf_core__repair_run(struct gf_core *core, const struct gf_input *input,
                                 struct gf_need *out_need);
enum gf_step gf_core__delete_task_logs(struct gf_core *core, const struct gf_input *input,
                                       struct gf_need *out_need);
enum gf_step gf_core__update_preferences(struct gf_core *core, const struct gf_input *input);
/* Something that happened outside of the core: record.c. */
enum gf_step gf_core__record_event(struct gf_core *core, const struct gf_input *input);

/* ---- roles.c ---- */

/* A role of a user, or NULL. */
struct core_role *gf_core__find_role(const struct gf_core *core, struct gf_str role_id);
/* Refuses roles that do not exist, or that nobody can be given. */
enum gf_code gf_core__check_roles(const struct gf_core *core, const struct gf_str *role_ids,
                                  size_t count, struct gf_error *err);
/* Tells the roles of users that an extension has them, or no longer has. */
void gf_core__count_extension_roles(struct gf_core *core, const struct gf_extension *row,
                                    int64_t by);
enum gf_step gf_core__create_role(struct gf_core *core, const struct gf_input *input,
                                  struct gf_need *out_need);
enum gf_step gf_core__update_role(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__delete_role(struct gf_core *core, const struct gf_input *input);
void gf_core__free_role(struct core_role *role);

/* ---- tokens.c ---- */

enum gf_step gf_core__bootstrap_token(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__create_token(struct gf_core *core, const struct gf_input *input,
                                   struct gf_need *out_need);
/* ENABLE_TOKEN, DISABLE_TOKEN */
enum gf_step gf_core__switch_token(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__delete_token(struct gf_core *core, const struct gf_input *input);
enum gf_step gf_core__touch_tokens(struct gf_core *core, const struct gf_input *input);
/* Removes a token with its event. gf_core__batch_drop_tokens must follow before the step ends. */
void gf_core__bury_token(struct gf_core *core, struct core_token *token);
/* Removes the tokens of an extension, with an event each. */
void gf_core__drop_extension_tokens(struct gf_core *core, struct gf_str extension_id);
/* Takes a token that was buried out of the map, and frees it. */
void gf_core__free_token(struct gf_core *core, struct core_token *token);

/* ---- token_expiry.c ---- */

enum gf_step gf_core__delete_expired_tokens(struct gf_core *core, const struct gf_input *input);
/* When the clock has to remove tokens; GF_NEVER = not at all. */
int64_t gf_core__expiry_deadline(const struct gf_core *core);
/* Goes on with a sweep, or begins one where it is time. */
void gf_core__expire_tokens(struct gf_core *core);
/* Answers the commands that wait for the end of a sweep with GF_UNAVAILABLE. */
void gf_core__expiry_stop(struct gf_core *core);
void gf_core__expiry_free(struct gf_core *core);

/* ---- run_create.c: what every new run goes through ---- */

/* What a new run is made of. Borrowed. */
struct core_new_run {
    struct core_pipeline *pipeline;
    struct core_config *config;
    const struct gf_variable *variables;
    size_t variable_count;
    const struct gf_label *labels;
    size_t label_count;
    struct gf_initiator initiator;
    struct gf_str request_id;
    const struct gf_run_document *document; /* NULL = none */
    int32_t priority;
    bool has_priority; /* of the run's own, not of its config */
    struct gf_str ordering_key;
    enum gf_run_ordering_policy ordering_policy;
    int64_t retried_run_id;
    bool used_live_version;
    const struct gf_kept_tasks *kept_tasks;
    size_t kept_count;
    int32_t chain_depth;
    /* For a check before several are created in one step: of how many before it is not known yet
     * whether they are. It passes only if it would after all of them. */
    int64_t ahead;
};

/* Refuses a pipeline that starts no run, whatever runs there are. */
enum gf_code gf_core__check_enabled(const struct core_pipeline *pipeline, struct gf_error *err);
/* Refuses it where the server, the pipeline or its queue takes no run now. */
enum gf_code gf_core__check_new_run(const struct gf_core *core, const struct core_new_run *new_run,
                                    struct gf_error *err);
/* Creates and queues it; what has to give way to it does. */
struct core_run *gf_core__create_run(struct gf_core *core, const struct core_new_run *new_run);

/* ---- run_start.c: what starting and retrying share ---- */

/* Refuses a pipeline of which nothing is live. */
enum gf_code gf_core__check_live(const struct core_pipeline *pipeline, struct gf_error *err);
/*
 * Answers with the run that the same request has started before. True: return *out_step. `is_same`
 * tells whether the input asks for such a run; otherwise it is refused.
 */
bool gf_core__answer_run_request(struct gf_core *core, const struct gf_input *input,
                                 const struct core_pipeline *pipeline, struct gf_str request_id,
                                 bool (*is_same)(const struct gf_input *input,
                                                 const struct gf_run *run),
                                 struct gf_need *out_need, enum gf_step *out_step);
/* Finds a version for a new run, or refuses it. False: return *out_step. */
bool gf_core__find_version(struct gf_core *core, const struct gf_input *input,
                           struct core_pipeline *pipeline, int64_t version,
                           struct core_config **out, struct gf_need *out_need,
                           enum gf_step *out_step);

/* ---- reports.c: what the scheduler says ---- */

void gf_core__report(struct gf_core *core, const struct gf_input *input);

/* ---- queue.c: runs that wait for their turn ---- */

/* Queues a run, or takes it up again into the queue where it is. */
void gf_core__run_enqueue(struct gf_core *core, struct core_run *run);
/* Takes a run that will not begin out of the queue. */
void gf_core__run_dequeue(struct gf_core *core, struct core_run *run);
/* Counts a run as running, or no longer; what waits may follow. */
void gf_core__run_take_slot(struct gf_core *core, struct core_run *run);
void gf_core__run_give_slot(struct gf_core *core, struct core_run *run);
/* A namespace's own limit has changed. */
void gf_core__namespace_limit_changed(struct gf_core *core, struct core_namespace *ns);
/* Begins queued runs while there is room, up to GF_CORE_STEP_TASKS_MAX; the rest is due at once. */
void gf_core__start_runs(struct gf_core *core);
/* How many runs of its pipeline such a run may be one of, at once; 0 = no limit. */
int64_t gf_core__pipeline_parallelism(const struct gf_core *core, const struct core_config *config);
/* Whether a new run would begin in this step. */
bool gf_core__run_would_begin(const struct gf_core *core, const struct core_pipeline *pipeline,
                              const struct core_config *config, struct gf_str ordering_key);

/* ---- run.c: the life of a run ---- */

/* Starts a run: its tasks come into being, those without parents are ready. */
void gf_core__run_begin(struct gf_core *core, struct core_run *run);
/* Tells the children of tasks that ended, and ends a run that has begun when no task is left. */
void gf_core__run_settle(struct gf_core *core, struct core_run *run);
/* Ends a run that has not begun. */
void gf_core__run_end_queued(struct gf_core *core, struct core_run *run);
/* Makes the tasks of a run, all WAITING, without putting them into the batch. */
void gf_core__run_make_tasks(struct core_run *run);

/* ---- run_end.c: ending a run before its time ---- */

/* Whether something ends it: a cancel, or its timeout. */
static inline bool gf_core__run_is_ending(const struct core_run *run) {
    return run->row.reason.kind != GF_REASON_UNSPECIFIED;
}
/*
 * Begins to end an active run that nothing ends yet. kind: USER_CANCELLED, DISPLACED, COALESCED or
 * TIMED_OUT. `text` is copied.
 */
void gf_core__run_stop(struct gf_core *core, struct core_run *run, enum gf_reason_kind kind,
                       struct gf_str text, bool force);
/* Does what the row of an ending run asks for: what waits ends, what runs is told to stop. */
void gf_core__run_stop_tasks(struct gf_core *core, struct core_run *run, bool force);
/* Tells what runs of an ending run to end at once. False: it was told so before, or nothing runs.
 */
bool gf_core__run_stop_now(struct gf_core *core, struct core_run *run);

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
/*
 * A live attempt has failed: it is made again later where the task allows that and nothing ends it,
 * else the task ends. gf_core__run_settle must follow.
 */
void gf_core__attempt_fail(struct gf_core *core, struct core_task *task, enum gf_reason_kind kind,
                           struct gf_str text);
/* Launches the next attempt. */
void gf_core__task_launch(struct gf_core *core, struct core_task *task);
/* Tells the scheduler to launch the present attempt of a task. */
void gf_core__effect_launch(struct gf_core *core, const struct core_task *task);

/* ---- slots.c: tasks that wait for a slot ---- */

void gf_core__run_make_groups(struct core_run *run);
void gf_core__run_free_groups(struct core_run *run);
/* A task may run: it waits for a slot. */
void gf_core__task_ready(struct gf_core *core, struct core_task *task);
/* It waits no longer, if it did. */
void gf_core__task_unready(struct gf_core *core, struct core_task *task);
/* Counts an attempt of a task as running, or no longer. */
void gf_core__task_take_slot(struct gf_core *core, struct core_task *task);
void gf_core__task_give_slot(struct gf_core *core, struct core_task *task);
/* Launches ready tasks while there are slots. */
void gf_core__dispatch(struct gf_core *core);

/* ---- clock.c: what happens by itself, and the patience with the scheduler ---- */

void gf_core__timer_set(struct gf_core *core, struct core_timer *timer, enum core_timer_kind kind,
                        int64_t time);
void gf_core__timer_clear(struct gf_core *core, struct core_timer *timer);
/* Does what is due. */
void gf_core__clock(struct gf_core *core);
/* The clock was set back: what is due later moves with it. */
void gf_core__clock_set_back(struct gf_core *core, int64_t by_ns);
/* Sets the timer of a waiting or live task: a launch has its patience from now on, the others have
 * what their rows tell; what is long past is due now. */
void gf_core__task_watch(struct gf_core *core, struct core_task *task);
/* Sets the timer of a run that has begun from its row. */
void gf_core__run_watch(struct gf_core *core, struct core_run *run);
/* Tells a live attempt to stop, and waits for its end with limited patience. */
void gf_core__task_stop(struct gf_core *core, struct core_task *task, bool force);
/* How long the scheduler may take to tell of a start, and of an end that is due. */
int64_t gf_core__launch_lease_ms(const struct gf_core *core);
int64_t gf_core__stop_lease_ms(const struct gf_core *core);
/* The time between SIGTERM and SIGKILL where nobody says otherwise, and that of a task. */
int64_t gf_core__default_stop_timeout_ms(const struct gf_core *core);
int64_t gf_core__stop_timeout_ms(const struct gf_core *core, const struct gf_task *config);
/* The timeout that holds for a task, or a run; 0 = none. */
int64_t gf_core__task_timeout_ms(const struct gf_core *core, const struct gf_task *config);
int64_t gf_core__run_timeout_ms(const struct gf_core *core, const struct gf_config *config);

/* ---- repair.c ---- */

/* An inquiry about a task is answered, or pointless. `action`: what came of it, NULL = nothing. */
void gf_core__repair_answer(struct gf_core *core, struct core_task *task, const char *action);
/* The patience with the inquiries of a run is at an end, or there is nobody to answer any more. */
void gf_core__repair_give_up(struct gf_core *core, struct core_run *run, const char *why);

/* Accepts NULL. */
void gf_core__repair_free(struct core_repair *repair);

#endif /* GOFER_ENGINE_CORE_CORE_INTERNAL_H_ */
