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

/* What the scheduler knows of an attempt. */
struct world_container {
    struct gf_attempt attempt;
    struct gf_str task_id; /* in the world's arena */
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
    /* Of the last command; rows are copies in the arena. */
    struct gf_error error;
    struct gf_run run;
    struct gf_pipeline pipeline;
    struct gf_config config;
    struct gf_deployment deployment;
    struct gf_namespace ns;
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
 * again), one that it does not have has never started.
 */
void world_restart(struct world *world);

/* ---- Commands; all in namespace "default", most on pipeline "pipe" ---- */

enum gf_code world_create_namespace(struct world *world, const char *namespace_id);
/* Registers and deploys a config as gf_fixture_checked writes it. */
enum gf_code world_up(struct world *world, const char *tasks);
enum gf_code world_up_parallel(struct world *world, const char *tasks, int64_t parallelism);
enum gf_code world_register(struct world *world, const struct gf_config *config, bool deploy);
enum gf_code world_deploy(struct world *world, int64_t version);
enum gf_code world_start(struct world *world);
enum gf_code world_start_request(struct world *world, const char *request_id);
enum gf_code world_cancel(struct world *world, int64_t run_id, bool force);

/* ---- Reports; the container is that of the task in the newest run that has one ---- */

/* NULL where there is none. */
struct world_container *world_find(struct world *world, const char *task_id);
void world_started(struct world *world, const char *task_id);
void world_exit(struct world *world, const char *task_id, int32_t exit_code);
/* The container ends because it was told to. */
void world_stopped(struct world *world, const char *task_id);
void world_report(struct world *world, struct gf_attempt attempt, const struct gf_exit *exit);
void world_failed(struct world *world, enum gf_input_kind kind, struct gf_attempt attempt,
                  const char *message);

/* ---- What is stored ---- */

/* Run `run_id` of pipeline "pipe" as it is stored; aborts when it is not. In the world's arena. */
struct gf_run world_run(struct world *world, int64_t run_id);
struct gf_task_execution world_task(struct world *world, int64_t run_id, const char *task_id);
/*
 * States of all tasks of a run in the order of the file, as letters: '.' no row, 'w' WAITING, 'p'
 * PROCESSING, 'r' RUNNING, 'S' SUCCESSFUL, 'F' FAILED, 'C' CANCELLED, 'K' SKIPPED.
 */
const char *world_states(struct world *world, int64_t run_id);
/* The kinds of all events above a number, separated by blanks, without "TASK_EXECUTION_". */
const char *world_events(struct world *world, int64_t after_sequence);
int64_t world_newest_event(struct world *world);

/*
 * Checks what must hold after every commit; gives NULL or what is wrong, in the arena. See world.c
 * for the list.
 */
const char *world_check(struct world *world);

#endif /* GOFER_ENGINE_TESTING_WORLD_H_ */
