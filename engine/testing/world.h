/*
 * A world for tests of the core: a memory store, and a scheduler that does what the test says.
 *
 * Each step is one batch: it is committed, its effects are taken in, and the invariants that must
 * hold at any time can be checked against the rows in the store. A crash throws the core away, and
 * with it the effects of the last batch if the test wants that; the containers stay.
 *
 * Thread: one.
 */
#ifndef GOFER_ENGINE_TESTING_WORLD_H_
#define GOFER_ENGINE_TESTING_WORLD_H_

#include "base/arena.h"
#include "base/vec.h"
#include "engine/core/core.h"
#include "engine/store/store.h"

enum {
    WORLD_ACTIONS_MAX = 8, /* of a repair, that are kept */
    WORLD_STARTS_MAX = 8,  /* of an extension, likewise */
};

/* What the scheduler knows of an attempt. */
struct world_container {
    struct gf_attempt attempt;
    struct gf_str task_id; /* or extension_id; in the world's arena */
    struct gf_str image;   /* of an extension; empty = it is one of a task */
    bool renew_image;      /* likewise */
    bool started;
    bool stop_asked;
    bool stop_forced;
};

struct world {
    struct gf_arena arena; /* everything a test builds, to the end of the test */
    struct gf_core_limits limits;
    struct gf_store *store;
    struct gf_core *core;
    int64_t now;
    GF_VEC(struct world_container)
    containers;                      /* launched and not ended, in the order of launches */
    struct gf_attempt_vec inquiries; /* that the scheduler was asked and has not answered */
    int64_t launch_count;
    int64_t forget_count;
    int64_t given_up_count; /* containers that were forgotten before their end was told */
    int64_t stop_count;
    /* Of the last command; rows are copies in the arena. */
    struct gf_error error;
    struct gf_run run;
    struct gf_pipeline pipeline;
    struct gf_config config;
    struct gf_deployment deployment;
    struct gf_namespace ns;
    struct gf_task_execution task; /* run_key 0 = there was none in the reply */
    struct gf_preferences preferences;
    struct gf_token token;               /* token_id empty = there was none in the reply */
    struct gf_role role;                 /* likewise */
    struct gf_extension extension;       /* likewise */
    struct gf_subscription subscription; /* subscription_key 0 = likewise */
    struct gf_start_result starts[WORLD_STARTS_MAX];
    size_t start_count;
    int64_t subscription_count;
    int64_t delivery_key;
    int64_t delivery_count;
    int64_t deleted_count;
    struct gf_request replayed; /* kind UNSPECIFIED = it was no repetition */
    int64_t run_count;          /* of those that were cancelled */
    int64_t run_ids[2];         /* the first of them */
    struct gf_str actions[WORLD_ACTIONS_MAX];
    size_t action_count;
    int64_t action_total;
    bool unchanged;
    bool created;
    int64_t reply_count;
    int64_t need_count; /* NEEDs so far */
};

/* A world with the namespace "default". */
void world_init(struct world *world, struct gf_core_limits limits);
void world_fini(struct world *world);

/* Steps an input and commits. A command's code is given; reports give GF_OK. */
enum gf_code world_step(struct world *world, const struct gf_input *input);
/* Steps without a commit: the batch goes on. The reply comes with the next world_commit. */
void world_step_only(struct world *world, const struct gf_input *input);
void world_commit(struct world *world);
/* Commits and loses all effects, as a crash at that moment would. */
void world_commit_without_effects(struct world *world);

/*
 * Throws the core away and restores another from the store. The scheduler then answers for every
 * attempt that it is asked about: a container that it has "runs" (and is reported as started
 * again), one that it does not have has never started. It ends containers of extensions about which
 * it is not asked.
 */
void world_restart(struct world *world);

/* ---- Commands; all in namespace "default", most on pipeline "pipe" ---- */

enum gf_code world_create_namespace(struct world *world, const char *namespace_id);
/* Registers and deploys a config as gf_fixture_checked writes it. */
enum gf_code world_up(struct world *world, const char *tasks);
enum gf_code world_up_parallel(struct world *world, const char *tasks, int64_t parallelism);
/* The same of a config as gf_fixture_config writes it, changed by the test: it is checked first. */
enum gf_code world_up_config(struct world *world, struct gf_config *config);
enum gf_code world_register(struct world *world, const struct gf_config *config, bool deploy);
enum gf_code world_deploy(struct world *world, int64_t version);
enum gf_code world_delete_config(struct world *world, int64_t version);
/* Enables, disables or deletes pipeline "pipe". */
enum gf_code world_pipeline(struct world *world, enum gf_input_kind kind);
enum gf_code world_pause(struct world *world, bool paused);
/* A start of "pipe", for the test to add to and to step. */
struct gf_input world_start_input(void);
enum gf_code world_start(struct world *world);
enum gf_code world_start_request(struct world *world, const char *request_id);
enum gf_code world_start_priority(struct world *world, int32_t priority);
enum gf_code world_start_key(struct world *world, const char *key,
                             enum gf_run_ordering_policy policy);
enum gf_code world_retry(struct world *world, int64_t run_id, bool failed_tasks_only);
/* A command about a run, or all, for the test to add to and to step. */
struct gf_input world_run_input(enum gf_input_kind kind, int64_t run_id);
enum gf_code world_cancel(struct world *world, int64_t run_id, bool force);
enum gf_code world_cancel_all(struct world *world, bool force);
enum gf_code world_cancel_task(struct world *world, int64_t run_id, const char *task_id,
                               bool force);
/* GF_OK may also mean that there is no answer yet: see reply_count. */
enum gf_code world_repair(struct world *world, int64_t run_id);

/* ---- Tokens and roles ---- */

/* A token of a user, for the test to add to; its id is made of `seed`. In the arena. */
struct gf_token *world_token(struct world *world, uint8_t seed, const char *user,
                             const char *role_id);
enum gf_code world_bootstrap(struct world *world, const struct gf_token *row);
enum gf_code world_create_token(struct world *world, const struct gf_token *row,
                                int64_t lifetime_ms);
/* ENABLE_TOKEN, DISABLE_TOKEN, DELETE_TOKEN */
enum gf_code world_token_command(struct world *world, enum gf_input_kind kind,
                                 struct gf_str token_id);
/* A role that may read one kind of things in all namespaces. In the arena. */
struct gf_role *world_role(struct world *world, const char *role_id,
                           enum gf_permission_resource resource);
enum gf_code world_create_role(struct world *world, const struct gf_role *row);
enum gf_code world_delete_role(struct world *world, const char *role_id);

/* ---- Extensions ---- */

/* An install without roles and settings, for the test to add to and to step; run by hand where the
 * image is empty. `*spec` is the caller's. */
struct gf_input world_install_input(struct gf_extension_spec *spec, const char *extension_id,
                                    const char *image);
enum gf_code world_install(struct world *world, const char *extension_id, const char *image);
/* An update to another image, or with NULL the same one anew. */
enum gf_code world_update_extension(struct world *world, const char *extension_id,
                                    const char *image);
/* UNINSTALL_EXTENSION, ENABLE_EXTENSION, DISABLE_EXTENSION */
enum gf_code world_extension_command(struct world *world, enum gf_input_kind kind,
                                     const char *extension_id, bool force);
/* EXTENSION_REGISTERED (as "I am EXTENSION_ID ATTEMPT"), _READY (of version 1.ATTEMPT), _DRAINED,
 * _GONE */
enum gf_code world_word(struct world *world, enum gf_input_kind kind, const char *extension_id,
                        int32_t attempt);
/* Its container; NULL where there is none. */
struct world_container *world_instance(struct world *world, const char *extension_id,
                                       int32_t attempt);
void world_instance_started(struct world *world, const char *extension_id, int32_t attempt);
/* It has started, and says that it is ready. */
void world_instance_ready(struct world *world, const char *extension_id, int32_t attempt);
void world_instance_exit(struct world *world, const char *extension_id, int32_t attempt,
                         int32_t exit_code);
/* As it is stored; there must be one. In the arena. */
struct gf_extension world_extension(struct world *world, const char *extension_id);
/*
 * The same as text: what is in the seats of the serving one, the successor and the leaving one ("-"
 * = nothing), each as its attempt and a letter: 'l' LAUNCHED, 'r' RUNNING, 'R' the same and was
 * ready, 'd' DRAINING, 's' STOPPING. Behind that "update", "wait" and "off", as far as that is so.
 */
const char *world_seats(struct world *world, const char *extension_id);

/* ---- Subscriptions, and what is started by them ---- */

/* A command about a subscription of "pipe" to "cron", for the test to add to and to step. */
struct gf_input world_subscription_input(enum gf_input_kind kind, const char *subscription_id);
enum gf_code world_subscription(struct world *world, enum gf_input_kind kind,
                                const char *subscription_id);
/* "cron", with "pipe" up and subscribed as "nightly". */
void world_cron(struct world *world);
/* A start of "pipe" by "cron" because of one subscription, for the test to add to and to step. */
struct gf_input world_cron_input(struct world *world, const char *subscription_id, const char *key);
/* Steps it, and gives the outcome of its one run; the code is in `error`. */
enum gf_start_outcome world_cron_start(struct world *world, const char *subscription_id,
                                       const char *key);
/* The same again for a delivery that waits. */
enum gf_start_outcome world_cron_retry(struct world *world, int64_t delivery_key);
/* As they are stored; in the arena. Abort where there is none, but for the code. */
struct gf_subscription world_stored_subscription(struct world *world, const char *subscription_id);
enum gf_code world_stored_key(struct world *world, const char *subscription_id, const char *key,
                              struct gf_start_key *out);
enum gf_code world_stored_delivery(struct world *world, int64_t delivery_key,
                                   struct gf_delivery *out);
/* All of "cron", the oldest first; or the dead ones, the newest first. */
size_t world_deliveries(struct world *world, bool dead, struct gf_delivery **out);
size_t world_reports(struct world *world, struct gf_report **out);

/* ---- Time ---- */

/* Moves the time; what is due happens, each thing when it is due. */
void world_advance(struct world *world, int64_t ms);
/* Moves it to the next thing that is due, which there must be; gives by how much, in ms. */
int64_t world_advance_to_next(struct world *world);
/* Somebody sets the clock back; nothing happens. */
void world_set_back(struct world *world, int64_t ms);

/* ---- Reports; the container is that of the task in the newest run that has one ---- */

/* NULL where there is none. */
struct world_container *world_find(struct world *world, const char *task_id);
/* The same of a certain run, which has it. */
struct world_container *world_find_in(struct world *world, int64_t run_id, const char *task_id);
void world_started(struct world *world, const char *task_id);
void world_exit(struct world *world, const char *task_id, int32_t exit_code);
/* The container ends because it was told to. */
void world_stopped(struct world *world, const char *task_id);
/* The same of a certain run. */
void world_exit_in(struct world *world, int64_t run_id, const char *task_id, int32_t exit_code);
void world_stopped_in(struct world *world, int64_t run_id, const char *task_id);
/* The scheduler answers the oldest inquiry, whatever its containers are. */
void world_answer(struct world *world, enum gf_input_kind kind);
void world_report(struct world *world, struct gf_attempt attempt, const struct gf_exit *exit);
void world_failed(struct world *world, enum gf_input_kind kind, struct gf_attempt attempt,
                  const char *message);
void world_image_failed(struct world *world, struct gf_attempt attempt,
                        enum gf_launch_failure failure, const char *message);

/* ---- What is stored ---- */

/* Run `run_id` of pipeline "pipe" as it is stored; aborts when it is not. In the world's arena. */
struct gf_run world_run(struct world *world, int64_t run_id);
struct gf_task_execution world_task(struct world *world, int64_t run_id, const char *task_id);
/* Its earlier attempts. */
size_t world_attempts(struct world *world, int64_t run_id, const char *task_id,
                      struct gf_task_execution **out);
/* The states of all runs, oldest first: 'q' QUEUED, 'r' RUNNING, 'S', 'F', 'C' as of tasks. */
const char *world_runs(struct world *world);
/*
 * States of all tasks of a run in the order of the file, as letters: '.' no row, 'w' WAITING, 'p'
 * PROCESSING, 'r' RUNNING, 'S' SUCCESSFUL, 'F' FAILED, 'C' CANCELLED, 'K' SKIPPED.
 */
const char *world_states(struct world *world, int64_t run_id);
/* The kinds of all events above a number, separated by blanks, without "TASK_EXECUTION_". */
const char *world_events(struct world *world, int64_t after_sequence);
int64_t world_newest_event(struct world *world);
/* All events above a number, in the arena. */
size_t world_list_events(struct world *world, int64_t after_sequence, struct gf_event **out_events);
/* The newest event; there must be one. */
struct gf_event world_event(struct world *world);
/* As they are stored: GF_OK or GF_NOT_FOUND. In the arena. */
enum gf_code world_stored_token(struct world *world, struct gf_str token_id, struct gf_token *out);
enum gf_code world_stored_role(struct world *world, const char *role_id, struct gf_role *out);

/*
 * Checks what must hold after every commit; gives NULL or what is wrong, in the arena. See
 * world_check.c for the list.
 */
const char *world_check(struct world *world);

#endif /* GOFER_ENGINE_TESTING_WORLD_H_ */
