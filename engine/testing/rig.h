/*
 * An engine for tests of its thread: on a memory store, with a puppet for a scheduler and a wall
 * clock that the test may set.
 *
 * Thread: the test's. Every failure that is not the test's subject aborts.
 */
#ifndef GOFER_ENGINE_TESTING_RIG_H_
#define GOFER_ENGINE_TESTING_RIG_H_

#include "base/arena.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/testing/puppet.h"

/* The machine's clock, whose wall time is off by what the test says. */
struct rig_clock {
    struct gf_clock clock;
    _Atomic int64_t wall_offset_ns;
};

struct rig {
    struct gf_arena arena; /* what a test builds, to the end of the test */
    struct gf_store *store;
    struct gf_event_hub *hub;
    struct gf_engine *engine;
    struct puppet puppet;
    struct rig_clock clock;
    struct gf_engine_listener listener; /* of the next start */
    struct gf_vault *vault;             /* likewise; borrowed, NULL = none */
    int64_t hub_begin;                  /* the newest event when the hub was new */
    _Atomic int fatal_count;
};

/* Starts it; `limits` in zeros = none. */
void rig_init(struct rig *rig, struct gf_core_limits limits);
/* The same on another store, which is the rig's from then on. */
void rig_init_on(struct rig *rig, struct gf_store *store, struct gf_core_limits limits);
void rig_fini(struct rig *rig);

/*
 * Ends the engine and starts another one on the same store, with a new puppet and, where it is not
 * NULL, a pool for checkpoints.
 */
void rig_restart(struct rig *rig, struct gf_core_limits limits, struct gf_pool *pool);

/* Registers and deploys a config as gf_fixture_checked writes it, or any. */
void rig_up(struct rig *rig, const char *tasks);
void rig_up_config(struct rig *rig, const struct gf_config *config);

/* Starts a run of "pipe" and gives its id. */
int64_t rig_start_run(struct rig *rig);

/* The rows of "pipe" as they are stored; in the rig's arena. */
struct gf_run rig_stored_run(struct rig *rig, int64_t run_id);
struct gf_task_execution rig_stored_task(struct rig *rig, int64_t run_id, const char *task_id);

/* Waits for an event of this kind about the run, from the hub's beginning on. */
void rig_wait_for(struct rig *rig, int64_t run_id, enum gf_event_kind kind);

#endif /* GOFER_ENGINE_TESTING_RIG_H_ */
