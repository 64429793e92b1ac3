/*
 * The fixed work of the fault tests: a list of commands, the same in every process, so that a
 * record in a ledger needs to name only the number of its step.
 *
 * Pipelines and what becomes of their runs if nobody cancels them:
 *
 *   plain    one task; SUCCESSFUL
 *   flaky    tasks that fail and are made again, and what follows from it; FAILED
 *   queue    one run at a time, the others wait; SUCCESSFUL
 *   reject   one run at a time, others are refused; SUCCESSFUL
 *   oldest   two runs at a time, a new one displaces the oldest; SUCCESSFUL or CANCELLED
 *   keyed    runs with ordering keys, STRICT and NEWEST; SUCCESSFUL, with NEWEST also CANCELLED
 *   held     tasks that take a while; SUCCESSFUL
 *   fed      one task; started by an extension only, with keys; SUCCESSFUL
 */
#ifndef GOFER_TESTS_FAULT_STEPS_H_
#define GOFER_TESTS_FAULT_STEPS_H_

#include "base/arena.h"
#include "engine/core/core.h"

#include <stdbool.h>
#include <stddef.h>

#define STEP_PIPELINES(X) X(plain) X(flaky) X(queue) X(reject) X(oldest) X(keyed) X(held) X(fed)

enum step_pipeline {
#define GF_X(name) STEP_PIPELINE_##name,
    STEP_PIPELINES(GF_X)
#undef GF_X
    STEP_PIPELINE_COUNT
};

enum step_kind {
    STEP_CREATE_NAMESPACE,
    STEP_REGISTER, /* and deploy */
    STEP_INSTALL,
    STEP_SUBSCRIBE,
    STEP_EVENT, /* of the extension, for its subscription */
    STEP_START,
    STEP_CANCEL, /* the run of step `target` */
    STEP_RETRY,  /* the run of step `target`, from its failed tasks */
    STEP_PAUSE,  /* all run starts */
    STEP_RESUME,
    STEP_DISABLE,
    STEP_ENABLE,
};

enum {
    STEP_COUNT = 320,
    STEP_WINDOW = 4, /* steps that are given at once; a target is at least two windows older */
};

struct step {
    enum step_kind kind;
    enum step_pipeline pipeline;
    int target;
    bool force;                           /* of a cancel */
    int32_t priority;                     /* of a start */
    int key;                              /* of a start: 0 = no ordering key */
    enum gf_run_ordering_policy ordering; /* of a start with a key */
};

/* Step `index` of STEP_COUNT. */
struct step step_at(int index);

/* "plain" and so on: static. */
const char *step_pipeline_id(enum step_pipeline pipeline);

/* Whether the step has a request_id, so that repeating it gives its first outcome. */
bool step_is_idempotent(const struct step *step);

/* The extension, and its subscription of "fed". */
#define STEP_EXTENSION GF_STR("feeder")
#define STEP_SUBSCRIPTION GF_STR("numbers")

/*
 * The input of the step; all of it in the arena. `target` is the run_id of its target, for the
 * kinds that have one, and the extension's key for an event.
 */
struct gf_input step_input(int index, int64_t target, struct gf_arena *arena);

#endif /* GOFER_TESTS_FAULT_STEPS_H_ */
