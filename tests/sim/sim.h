/*
 * One story: a core, a store, a scheduler, people who give commands, time, and crashes, all from
 * one seed.
 *
 * A step is one input for the core: a command, a report, or the clock. After each one the rows that
 * it touched are checked (check.h), and at times everything is. Steps gather in batches of random
 * size; a batch is committed and its effects are released, or it is not: the server crashes at one
 * of the points in between, and a new core is restored from what is committed.
 *
 * A broken invariant ends the story by a longjmp to sim_story_tell.
 */
#ifndef GOFER_TESTS_SIM_SIM_H_
#define GOFER_TESTS_SIM_SIM_H_

#include "base/arena.h"
#include "base/vec.h"
#include "engine/core/core.h"
#include "tests/sim/invariants.h"
#include "tests/sim/random.h"
#include "tests/sim/rows.h"
#include "tests/sim/scheduler.h"

#include <setjmp.h>

enum {
    SIM_HISTORY = 24, /* the last inputs that are told with a broken invariant */
    SIM_TEXT_BYTES_MAX = 1024,
    SIM_CALLERS = 2,
    SIM_REQUEST_IDS = 40,
};

/* What this story is like: drawn from its seed, so that each seed looks elsewhere. */
struct sim_profile {
    int64_t crash_count; /* at least */
    uint32_t crashes;    /* more of them, in 1000 batches */
    uint32_t commit_fails;
    uint32_t commands; /* in 1000 steps, if there is also something else to do */
    uint32_t requests; /* of the commands that may have one */
    uint32_t repeats;  /* of those, that were given before */
    uint32_t queue_full;
    uint32_t keys; /* of the starts */
    uint32_t inputs;
    uint32_t clock_jumps;
    uint32_t late_clock;
    uint32_t load_fails;
    uint32_t switches; /* commands that disable, pause, delete: in 1000 commands */
    uint32_t cancels;
    uint32_t retries;
    uint32_t registers;
    uint32_t access; /* commands for tokens and roles, and what a journal tells */
    uint32_t intake; /* those about extensions and subscriptions, and what extensions want */
    int64_t batch_max;
    int64_t active_max; /* runs: no more are started beyond */
    int64_t tasks_max;
    int64_t pipelines_max;
    uint32_t twins; /* in 1000 batches */
};

/* A command, from its beginning to its reply. */
struct sim_command {
    struct gf_input input;
    const struct sim_command *original; /* the one that it repeats; itself if it repeats none */
    int64_t number;                     /* of all commands, from 1 */
    uint32_t allowed;                   /* bit GF_X: this code may be the answer */
    bool open;                          /* it waits for its reply */
    bool decided;                       /* its reply is in the batch */
    bool answered;                      /* its reply was released */
    enum gf_code code;
    bool changes; /* its reply does not say that it found everything as it wants it */
    bool replayed;
    /* What the reply told; 0 = nothing. */
    int64_t namespace_key;
    int64_t pipeline_key;
    int64_t run_key;
    int64_t version;
    int64_t deployment_id;
    int64_t token_makings;
    struct sim_wanted wanted[SIM_WANTED_MAX]; /* of START_EXTENSION_RUNS */
    int32_t chain_depth;                      /* that those have */
    int64_t delivered_before;                 /* ADD_DELIVERY: under the same id; 0 = nothing */
    int64_t delivery_key;                     /* likewise, as it was answered */
};

/* What a step changed in a row. */
struct sim_task_look {
    struct sim_task *task;
    struct gf_task_execution old; /* all zero = it is new */
    bool retried;                 /* the attempt that old tells of has a row of its own now */
};
struct sim_run_look {
    struct sim_run *run;
    struct gf_run old;
};

struct sim;

struct sim_options {
    uint64_t seed;
    int64_t steps;
    bool trace;
    void (*print)(const struct sim *sim); /* called when an invariant is broken; may be NULL */
};

struct sim_result {
    bool broken;
    enum sim_invariant invariant;
    int64_t step;
    char text[SIM_TEXT_BYTES_MAX];
    /* What happened, for those who want to know whether anything did. */
    int64_t steps;
    int64_t crashes;
    int64_t runs;
    int64_t launches;
    int64_t events;
    int64_t commands_done;
    int64_t retries;
};

struct sim {
    struct sim_options options;
    struct sim_profile profile;
    struct sim_random random;
    struct gf_arena arena;
    struct sim_rows rows;
    struct sim_scheduler scheduler;
    struct gf_core *core;
    struct gf_core_limits limits;
    int64_t mono;     /* never jumps */
    int64_t wall;     /* what the core is told */
    int64_t core_now; /* what a core was last told */
    int64_t forward;  /* how far the time has gone forward, as cores have seen it */
    int64_t step;
    int64_t crashes_left;
    int64_t next_crash_step;
    bool clock_set_back; /* ever */
    bool ending;         /* only reports and the clock are given */
    bool limits_changed;

    struct gf_core *twin; /* NULL = none */
    int64_t twin_last_step;
    GF_VEC(struct sim_command *) commands;
    int64_t next_token;  /* the number of the next one */
    int64_t next_source; /* of the journal; crashes leave it as it is */

    /* Of the step under way. */
    const struct gf_input *input;
    struct sim_command *command; /* NULL = the input is none */
    GF_VEC(struct sim_task_look) task_looks;
    GF_VEC(struct sim_run_look) run_looks;
    uint64_t events_due;   /* what the rows say that must have been told: a sum of hashes */
    bool stale;            /* its input is a report of an attempt that is over */
    size_t rows_touched;   /* by the step */
    bool answered_in_step; /* the command of the step has its reply */
    bool repair_ended;     /* a repair was answered, or given up */
    bool repaired;         /* a repair that did something was answered */
    int64_t replies_in_step;
    size_t events_seen; /* of the batch, by steps before */
    size_t effects_seen;
    size_t attempts_seen;
    size_t requests_seen;
    size_t inputs_seen;
    size_t deployments_seen;
    size_t deleted_namespaces_seen;
    size_t deleted_pipelines_seen;
    size_t deleted_configs_seen;
    size_t deleted_roles_seen;
    size_t deleted_tokens_seen;
    size_t deleted_extensions_seen;
    size_t deleted_subscriptions_seen;
    size_t deleted_deliveries_seen;
    int64_t first_key;      /* the next run_key before the step */
    int64_t keys_taken;     /* that it used */
    int64_t runs_wanted;    /* that it started for extensions */
    int64_t runs_counted;   /* of those, by extensions */
    int64_t keys_started;   /* of those, by keys */
    int64_t tokens_removed; /* by the step */
    size_t released;        /* effects of the batch */
    int64_t batch_steps;

    struct {
        int64_t step;
        struct gf_input input;
        int64_t wall;
    } history[SIM_HISTORY];

    jmp_buf out;
    struct sim_result result;
};

/* ---- story.c ---- */

/* Tells the story of a seed; *out_result says how it went. */
void sim_story_tell(const struct sim_options *options, struct sim_result *out_result);
/* Ends the story under way: an invariant is broken. */
GF_NORETURN void sim_break(struct sim *sim, enum sim_invariant invariant, const char *fmt, ...)
    GF_PRINTF(3, 4);
/* The story under way in this process; NULL = none. For the handler of faults. */
struct sim *sim_story_current(void);

#define SIM_EXPECT(sim, invariant, condition, ...)                                                 \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            sim_break((sim), SIM_INVARIANT_##invariant, __VA_ARGS__);                              \
        }                                                                                          \
    } while (0)

/* A core is told the time: notes how far it has gone on. */
void sim_see_time(struct sim *sim);

/* Steps one input, and checks what came of it. */
void sim_step(struct sim *sim, const struct gf_input *input, struct sim_command *command);

/* ---- profile.c ---- */

void sim_profile_draw(struct sim *sim);

/* ---- make.c: random configs ---- */

/* A config that was checked, in the arena of the story. */
struct gf_config *sim_make_config(struct sim *sim, struct gf_str pipeline_id);

/* ---- expect.c ---- */

/* The codes that the rows allow as the answer to a command, as bits. */
uint32_t sim_expect(struct sim *sim, struct sim_command *command);
/* Gives true when the request was made before; then *out is what is answered. */
bool sim_was_requested(struct sim *sim, const struct sim_command *command,
                       struct gf_request_ref ref, uint32_t *out);
/* Codes that refuse a new run of what is live; with GF_OK: or not. 0 = it is not refused. */
uint32_t sim_start_refusals(struct sim *sim, struct sim_pipeline *pipeline,
                            struct gf_str ordering_key, enum gf_run_ordering_policy policy);
/* expect_access.c: the same for the commands for tokens and roles. */
uint32_t sim_expect_access(struct sim *sim, const struct sim_command *command);
/* expect_intake.c: for those about extensions; fills in what is wanted. */
uint32_t sim_expect_intake(struct sim *sim, struct sim_command *command);

/* ---- commands.c: what people ask for ---- */

/* Makes a command and steps it, or has it refused at the edge. */
void sim_command_random(struct sim *sim);
/* The first ones: a namespace and a pipeline to begin with. */
void sim_command_begin(struct sim *sim);
/* The id and the caller of a request; the id may be empty. */
struct gf_request_ref sim_request_ref(struct sim *sim);

/* Tries again what waits to be started, where that is possible; false = nothing does. */
bool sim_command_last_try(struct sim *sim);

/* ---- commands_intake.c: extensions and subscriptions ---- */

void sim_make_intake(struct sim *sim, struct gf_input *input);
/* Whether the rows have room for it. */
bool sim_intake_is_possible(const struct sim *sim, const struct gf_input *input);
/* A try of something that waits to be started; false = nothing does. */
bool sim_make_last_try(struct sim *sim, struct gf_input *input);

/* ---- commands_access.c: tokens and roles ---- */

/* Who gives the next command. */
struct gf_actor sim_any_actor(struct sim *sim);
void sim_make_access(struct sim *sim, struct gf_input *input);
/* What creates a token is made again by somebody who repeats a call: it has another id. */
void sim_make_token_anew(struct sim *sim, struct gf_input *input);
/* Whether it is a system role of those that the simulator knows. */
bool sim_is_system_role(struct gf_str role_id);

/* ---- crash.c: commits, effects, crashes ---- */

/* Ends the batch in one of the ways there are. */
void sim_batch_end(struct sim *sim);
/* Commits and releases all effects. */
void sim_batch_commit(struct sim *sim);
/* The server dies now, wherever it stands, and another one starts. */
void sim_crash(struct sim *sim);

/* ---- twin.c: a core that was restored beside the one that lives on ---- */

/*
 * Whether the rows tell in which order tasks are launched: not where the clock was set back, where
 * two became ready in one step, or where a pool has several limits.
 */
bool sim_twin_order_is_known(const struct sim *sim);
/* Makes one, now and then, of what has just been committed. */
void sim_twin_maybe_begin(struct sim *sim);
/* Steps it as the other was stepped, and compares what came of it. */
void sim_twin_step(struct sim *sim);
/* The batch of the other was committed. */
void sim_twin_batch_done(struct sim *sim);
void sim_twin_end(struct sim *sim);

/* ---- print.c ---- */

void sim_print_input(struct gf_strbuf *out, const struct gf_input *input);
void sim_print_history(struct gf_strbuf *out, const struct sim *sim);
/* With --trace: what the step changed, to standard output. */
void sim_trace(struct sim *sim, const char *fmt, ...) GF_PRINTF(2, 3);

#endif /* GOFER_TESTS_SIM_SIM_H_ */
