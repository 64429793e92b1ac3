/*
 * A scheduler for tests of the engine's thread: it notes what it is told, and the test reports.
 *
 * Thread: any; the functions that wait are for the test's thread.
 */
#ifndef GOFER_ENGINE_TESTING_PUPPET_H_
#define GOFER_ENGINE_TESTING_PUPPET_H_

#include "base/sync.h"
#include "base/vec.h"
#include "engine/scheduler/scheduler.h"

struct puppet_launch {
    struct gf_attempt attempt;
    char task_id[65];
    char pipeline_id[65];
    int64_t run_id;
    char *environment; /* entries, each with a newline behind; on the heap, owned */
    int64_t timeout_ms;
    int64_t stop_timeout_ms;
    char *input; /* on the heap, owned; NULL = none */
};

struct puppet_stop {
    struct gf_attempt attempt;
    bool force;
};

struct puppet {
    const struct gf_scheduler_events *events; /* set before the engine starts */
    /* Called inside launch(), on the engine's thread; may be NULL. */
    void (*on_launch)(void *ctx, const struct gf_launch *launch);
    void *ctx;

    struct gf_mutex mutex; /* guards what follows */
    struct gf_cond changed;
    GF_VEC(struct puppet_launch) launches;
    GF_VEC(struct puppet_stop) stops;
    GF_VEC(struct gf_attempt) forgotten;
    GF_VEC(struct gf_attempt) inquiries;
    GF_VEC(struct gf_attempt) recovered;
    bool recover_called;
};

void puppet_init(struct puppet *puppet);
void puppet_fini(struct puppet *puppet);
struct gf_scheduler puppet_port(struct puppet *puppet);

/* Returns when there were that many in all; gives the last of them. */
struct puppet_launch puppet_wait_launch(struct puppet *puppet, size_t count);
struct puppet_stop puppet_wait_stop(struct puppet *puppet, size_t count);
void puppet_wait_forget(struct puppet *puppet, size_t count);
struct gf_attempt puppet_wait_inquiry(struct puppet *puppet, size_t count);
size_t puppet_launch_count(struct puppet *puppet);
size_t puppet_stop_count(struct puppet *puppet);

void puppet_started(struct puppet *puppet, struct gf_attempt attempt);
void puppet_exit(struct puppet *puppet, struct gf_attempt attempt, int32_t exit_code);
void puppet_stopped(struct puppet *puppet, struct gf_attempt attempt);
void puppet_lost(struct puppet *puppet, struct gf_attempt attempt);
void puppet_never_started(struct puppet *puppet, struct gf_attempt attempt);

#endif /* GOFER_ENGINE_TESTING_PUPPET_H_ */
