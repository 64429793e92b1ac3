/*
 * The rows of a story: what a store would hold, kept as light as possible.
 *
 * Every object has its row twice: `row` as the core left it after the last step, and `saved` as it
 * was last committed. A step takes what the core's batch says into `row` and notes what it touched;
 * a commit makes `saved` of it; a crash brings `row` back to `saved`. What the core asks for, and
 * what it is restored from, is always `saved`.
 *
 * Counts over rows (`running`, `live` ...) follow `row`.
 */
#ifndef GOFER_TESTS_SIM_ROWS_H_
#define GOFER_TESTS_SIM_ROWS_H_

#include "base/arena.h"
#include "base/vec.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "tests/sim/intake.h"

enum {
    SIM_NAMESPACES_MAX = 16, /* of a story, deleted ones included */
    SIM_PIPELINES_MAX = 64,
    SIM_POOLS = 3,         /* names of pools that there are */
    SIM_KEYS = 3,          /* ordering keys that there are */
    SIM_ATTEMPTS = 8,      /* of a task, at most */
    SIM_ROLES = 4,         /* names of roles of users that there are: "role-0" ... */
    SIM_TOKENS_MAX = 1024, /* of a story, deleted ones included */
};

/* Whether an object is there: as the core left it, and as it was committed. */
struct sim_presence {
    bool now;
    bool saved;
    bool touched; /* since the last commit */
};

struct sim_namespace {
    struct gf_namespace row;
    struct gf_namespace saved;
    struct sim_presence there;
    int64_t runs_active;
    int64_t runs_running;
};

struct sim_config {
    struct gf_config content; /* what never changes */
    struct gf_config raw;     /* as the core had it at the last look: pointers are the core's */
    enum gf_config_state state;
    enum gf_config_state saved_state;
    int64_t deprecate_time;
    int64_t saved_deprecate_time;
    struct sim_presence there;
    struct sim_pipeline *pipeline;
    int64_t runs_active;
    int pool_numbers[SIM_POOLS]; /* of the pools of the config, in their order */
};

struct sim_run;
struct sim_command;

struct sim_pipeline {
    struct gf_pipeline row;
    struct gf_pipeline saved;
    struct sim_presence there;
    struct sim_namespace *ns;
    GF_VEC(struct sim_config *) configs; /* by version - 1 */
    GF_VEC(struct sim_run *) runs;       /* by run_id - 1; NULL where a crash undid it */
    int64_t deployment_id;               /* the newest row */
    int64_t saved_deployment_id;
    int64_t runs_active;
    int64_t runs_running;
    int64_t runs_queued;
    int64_t pool_live[SIM_POOLS];
};

/* How an attempt ended, as its row or the task's tells. */
struct sim_outcome {
    bool recorded;
    enum gf_task_status status;
    enum gf_reason_kind kind;
    int32_t exit_code;
    int32_t exit_signal;
};

struct sim_task {
    struct gf_task_execution row;
    struct gf_task_execution saved;
    struct gf_task_execution raw; /* as the core had it at the last look */
    struct sim_presence there;
    struct sim_run *run;
    int32_t containers[SIM_ATTEMPTS]; /* the scheduler's, index + 1, by attempt - 1 */
    struct sim_outcome outcomes[SIM_ATTEMPTS];
    int32_t attempts_recorded; /* rows of earlier attempts */
    int32_t saved_attempts_recorded;
    /* What the core said about its present attempt, since the core was made. */
    bool told_stop;
    bool told_force;

    /* The time as the core has seen it pass (sim.forward) when something was last told. */
    int64_t forward_launch;
    int64_t forward_start;
    int64_t forward_fail;
    int64_t forward_stop; /* the last time that it was told to stop */
};

struct sim_run {
    struct gf_run row;
    struct gf_run saved;
    struct gf_run raw;
    struct sim_presence there;
    struct sim_pipeline *pipeline;
    struct sim_config *config;
    struct sim_task *tasks; /* of all tasks of the config, whether they are there or not */
    struct gf_str input;    /* the document */
    const struct sim_command *original; /* the command that it is of */
    bool tasks_made;                    /* rows are there */
    bool saved_tasks_made;
    int64_t task_count;
    int64_t live;          /* containers that it may have */
    int64_t tasks_left;    /* that are not COMPLETE */
    int32_t active_index;  /* in the rows' active runs; -1 = it has ended */
    int64_t forward_start; /* as of a task */
    int64_t repair_step;   /* when a repair of it was begun that is not answered; 0 = none is */
    struct gf_actor repair_actor; /* who asked for it first */
};

struct sim_request {
    struct gf_request row;
    const struct sim_command *original; /* the command that it is of */
    struct sim_presence there;
};

/* A role of a user. Its permissions are about one kind of things, which tells them apart. */
struct sim_role {
    struct gf_role row;
    struct gf_role saved;
    struct sim_presence there;
};

struct sim_token {
    struct gf_token row;
    struct gf_token saved;
    struct sim_presence there;
    int64_t makings; /* how often one of that id was made */
};

struct sim_rows {
    struct gf_arena *arena;                              /* of the story */
    struct sim_namespace namespaces[SIM_NAMESPACES_MAX]; /* by key - 1 */
    struct sim_pipeline pipelines[SIM_PIPELINES_MAX];    /* by key - 1 */
    GF_VEC(struct sim_run *) runs;                       /* by key - 1 */
    GF_VEC(struct sim_request) requests;                 /* the newest of a name is the last */
    GF_VEC(struct sim_run *) active;                     /* in no order */
    struct gf_preferences preferences;
    struct gf_preferences saved_preferences;
    bool preferences_touched;
    struct sim_role roles[SIM_ROLES];  /* by the number of their names */
    GF_VEC(struct sim_token *) tokens; /* by number: "tok-0" is the first */
    struct sim_intake intake;
    /* The greatest that were ever used, and the same as committed. */
    struct gf_core_start newest;
    struct gf_core_start saved_newest;
    int64_t runs_running;
    int64_t runs_queued;
    int64_t live;
    /* Since the last commit. */
    GF_VEC(struct sim_namespace *) touched_namespaces;
    GF_VEC(struct sim_pipeline *) touched_pipelines;
    GF_VEC(struct sim_config *) touched_configs;
    GF_VEC(struct sim_run *) touched_runs;
    GF_VEC(struct sim_task *) touched_tasks;
    GF_VEC(struct sim_role *) touched_roles;
    GF_VEC(struct sim_token *) touched_tokens;
    GF_VEC(int64_t) deleted_pipelines; /* keys, in this batch */
    size_t requests_saved;             /* those before this index are committed */
};

void sim_rows_init(struct sim_rows *rows, struct gf_arena *arena);
void sim_rows_fini(struct sim_rows *rows);

/* NULL where there is none now. */
struct sim_namespace *sim_rows_namespace(struct sim_rows *rows, int64_t namespace_key);
struct sim_namespace *sim_rows_namespace_by_id(struct sim_rows *rows, struct gf_str namespace_id);
struct sim_pipeline *sim_rows_pipeline(struct sim_rows *rows, int64_t pipeline_key);
struct sim_pipeline *sim_rows_pipeline_by_id(struct sim_rows *rows, struct gf_str namespace_id,
                                             struct gf_str pipeline_id);
struct sim_run *sim_rows_run(struct sim_rows *rows, int64_t run_key);
struct sim_run *sim_rows_run_by_id(struct sim_pipeline *pipeline, int64_t run_id);
struct sim_config *sim_rows_config(struct sim_pipeline *pipeline, int64_t version);
/* NULL where all are deleted. */
struct sim_config *sim_rows_newest_config(struct sim_pipeline *pipeline);
/* The run whose result of a task is kept, as the row of the run says; 0 = none. */
int64_t sim_kept_run_id(const struct gf_run *run, size_t task_index);
struct sim_request *sim_rows_request(struct sim_rows *rows, struct gf_str caller,
                                     struct gf_str request_id);

/* By its name; NULL where there is none now. Of roles those of users alone. */
struct sim_role *sim_rows_role(struct sim_rows *rows, struct gf_str role_id);
struct sim_token *sim_rows_token(struct sim_rows *rows, struct gf_str token_id);
/* The place of one, whether it is there or not; NULL = there is none of that name. */
struct sim_role *sim_rows_role_place(struct sim_rows *rows, struct gf_str role_id);
struct sim_token *sim_rows_token_place(struct sim_rows *rows, struct gf_str token_id);
/* How many tokens have it. */
int64_t sim_rows_role_uses(const struct sim_rows *rows, struct gf_str role_id);

/* Whether a container may be there: the attempt holds a slot. */
static inline bool sim_row_is_live(const struct gf_task_execution *row) {
    return row->attempt > 0 &&
           (row->state == GF_TASK_STATE_PROCESSING || row->state == GF_TASK_STATE_RUNNING);
}

/* ---- rows_commit.c ---- */

/* The rows as they are now are on the disk. */
void sim_rows_commit(struct sim_rows *rows);
/* The rows are again as they were committed. */
void sim_rows_rollback(struct sim_rows *rows);
/* Counts anew what is counted over rows. */
void sim_rows_recount(struct sim_rows *rows);

/* ---- rows_answer.c ---- */

/* Gives the core what a step needs, from what is committed. */
void sim_rows_answer(struct sim_rows *rows, struct gf_core *core, const struct gf_need *need);
/* Makes a core of what is committed; gf_core_resume is the next to call. NULL = it refused. */
struct gf_core *sim_rows_restore(struct sim_rows *rows, const struct gf_core_limits *limits);

#endif /* GOFER_TESTS_SIM_ROWS_H_ */
