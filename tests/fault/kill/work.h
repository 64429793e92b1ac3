/*
 * What the load of the kill test does, and the ledger of it.
 *
 * An operation is one call, given again and again until the server has answered it: a server that
 * is killed leaves the caller without an answer, and the same request_id then gives the first
 * outcome. So in the end every operation has an outcome, and the runs of a pipeline are exactly
 * those that were acknowledged: one that is missing was lost, one too many was started twice.
 */
#ifndef GOFER_TESTS_FAULT_KILL_WORK_H_
#define GOFER_TESTS_FAULT_KILL_WORK_H_

#include "api/rpc/client.h"
#include "base/arena.h"
#include "base/macros.h"
#include "base/sync.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The pipelines, each in pipelines/NAME.json; runs are started of each. X(NAME)
 *
 *   plain   one task, which writes its run's input; disabled and enabled again meanwhile
 *   flaky   tasks that fail and are made again; new versions are registered and deployed meanwhile
 *   queue   one run at a time, the others wait, by priority
 *   reject  one run at a time, others are refused
 *   oldest  two at a time, a new one displaces the oldest
 *   keyed   with ordering keys, STRICT and NEWEST
 *   swept   all its runs are cancelled now and then
 *   slow    tasks that live through several kills
 *   late    tasks that reach their timeout, twice
 *   secret  a task that uses secrets, which are written anew meanwhile (things.h)
 */
#define WORK_PIPELINES(X)                                                                          \
    X(plain) X(flaky) X(queue) X(reject) X(oldest) X(keyed) X(swept) X(slow) X(late) X(secret)

enum work_pipeline {
#define GF_X(name) WORK_##name,
    WORK_PIPELINES(GF_X)
#undef GF_X
    WORK_PIPELINE_COUNT
};

enum operation_kind {
    OPERATION_START,
    OPERATION_RETRY,       /* the failed tasks of the run of `target` */
    OPERATION_CANCEL,      /* the run of `target` */
    OPERATION_CANCEL_ALL,  /* of a pipeline */
    OPERATION_CANCEL_TASK, /* the first task of the run of `target` */
    OPERATION_REPAIR,      /* the run of `target`, which needs none */
    OPERATION_REGISTER,
    OPERATION_DEPLOY, /* what `target` registered */
    OPERATION_PAUSE,
    OPERATION_RESUME,
    OPERATION_DISABLE,
    OPERATION_ENABLE,
};

struct operation {
    enum operation_kind kind;
    enum work_pipeline pipeline;
    int64_t number; /* of all operations, from 1; the request_id is made of it */
    struct operation *target;
    int key; /* of a start; 0 = no ordering key, WORK_KEYS = the one whose policy is NEWEST */
    int32_t priority;
    bool force;
    bool answered;
    enum gf_code code;
    int64_t result; /* the run, the version or the deployment */
    int64_t given_ns;
    bool cancelled; /* of a start: a cancel was given that concerns its run */
};

enum {
    WORK_KEYS = 3,
    WORK_NAME_BYTES = 32,
};

/* Owned by the program; operations live as long as it does. */
struct work {
    const char *address;
    const char *token; /* that the server was bootstrapped with */
    const char *pipeline_dir;
    bool native;
    struct gf_mutex mutex; /* guards what follows */
    GF_VEC(struct operation *) operations;
    int64_t repetitions; /* operations that were repeated after their outcome, with the same one */
    int64_t unanswered;  /* calls that got no answer */
    int64_t changes;     /* numbers that changes of things were given (things.h) */
    bool stopping;
    int late_logins; /* that failed on purpose since then */
};

struct thing;

/* Who gives operations: a channel of its own. */
struct worker {
    struct work *work;
    int index;
    uint64_t random;
    struct gf_rpc_channel *channel;
    int64_t connections;
    int64_t pause_us;              /* between operations */
    GF_VEC(struct thing *) things; /* its own (things.h) */
    bool has_slots;
    struct gf_arena arena;
};

const char *work_pipeline_id(enum work_pipeline pipeline);

/* Ends the program with 1. */
void work_failed(const char *format, ...) GF_PRINTF(1, 2) GF_NORETURN;

void worker_init(struct worker *worker, struct work *work, int index, uint64_t seed,
                 int64_t pause_us);
void worker_fini(struct worker *worker);

/* Gives operations until the work is stopping. */
void *worker_run(void *ctx);

/* The first things to do: registers and deploys every pipeline. */
void worker_set_up(struct worker *worker);

/* A number below `bound`. */
uint64_t worker_draw(struct worker *worker, uint64_t bound);

/* Whether the server was just not there: the call is to be given again. */
bool worker_must_repeat(struct worker *worker, enum gf_code rc);

#endif /* GOFER_TESTS_FAULT_KILL_WORK_H_ */
