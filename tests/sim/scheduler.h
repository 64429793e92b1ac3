/*
 * The simulated scheduler: containers that take their time, and a back end that may be slow, mute,
 * deaf, forgetful, or tell things twice.
 *
 * It keeps to the port's contract (engine/scheduler/scheduler.h) in what is about safety: it never
 * starts an attempt twice, and says never_started only of what was not started. It breaks it in
 * what is about liveness, as its temper says, until sim_scheduler_be_honest.
 *
 * Its time is the story's `mono`, which never jumps.
 */
#ifndef GOFER_TESTS_SIM_SCHEDULER_H_
#define GOFER_TESTS_SIM_SCHEDULER_H_

#include "base/heap.h"
#include "base/vec.h"
#include "engine/core/core.h"
#include "engine/core/protection.h"
#include "tests/sim/random.h"
#include "tests/sim/rows.h"

/* What every container that was started has. */
#define SIM_CONTAINER_ID GF_STR("container-1")
enum {
    SIM_MISSING_PROTECTIONS = GF_PROTECTION_DISK_LIMIT
};

/* How likely what is, in 1000. */
struct sim_temper {
    uint32_t launch_fails;
    uint32_t mute;            /* reports nothing about a container until it is asked */
    uint32_t mute_of_starts;  /* reports the end only */
    uint32_t deaf;            /* does not stop a container that it was told to stop */
    uint32_t loses;           /* reports a container as lost */
    uint32_t ignores_timeout; /* does not end a container at its timeout */
    uint32_t repeats;         /* reports again, later */
    uint32_t ignores_inquiry;
    uint32_t fails;         /* the command ends with a code other than 0 */
    uint32_t out_of_memory; /* of those that fail */
    uint32_t signalled;
    uint32_t breaks; /* the command never ran, though the container did */
    int64_t start_ns_max;
    int64_t run_ns_max;
};

enum sim_container_end {
    SIM_END_EXIT,
    SIM_END_LAUNCH_FAILED,
    SIM_END_LOST,
};

struct sim_container {
    struct gf_attempt attempt;
    struct sim_task *task;
    int64_t start_at; /* mono */
    int64_t end_at;
    enum sim_container_end end;
    struct gf_exit exit;
    int64_t timeout_ms;
    int64_t stop_timeout_ms;
    int32_t launches;      /* LAUNCH effects for it */
    int32_t never_started; /* reports of that */
    bool mute;
    bool mute_of_start;
    bool deaf;
    bool stop_asked; /* since it was launched, or the server restarted */
    bool stop_forced;
    bool start_reported;
    bool end_reported;
    bool forgotten;
};

/* What is still to be reported, as a copy. */
struct sim_report {
    struct gf_heap_node node; /* by the time at which it is due; mono */
    struct sim_report *next_free;
    int32_t container;
    bool is_wake;          /* look at the container then, and report what there is */
    struct gf_input input; /* else */
};

struct sim_scheduler {
    struct gf_arena *arena; /* of the story */
    struct sim_random *random;
    struct sim_temper temper;
    GF_VEC(struct sim_container) containers;
    struct gf_heap reports;
    struct sim_report *free_reports;
    bool honest;
};

void sim_scheduler_init(struct sim_scheduler *scheduler, struct gf_arena *arena,
                        struct sim_random *random);
void sim_scheduler_fini(struct sim_scheduler *scheduler);

/* NULL where it was never launched. */
struct sim_container *sim_scheduler_find(struct sim_scheduler *scheduler,
                                         const struct sim_task *task, int32_t attempt);

/* ---- What the engine asks for ---- */

/* A LAUNCH of a task. */
void sim_scheduler_launch(struct sim_scheduler *scheduler, struct sim_task *task,
                          const struct gf_effect *effect, int64_t mono);
void sim_scheduler_stop(struct sim_scheduler *scheduler, struct sim_container *container,
                        bool force, int64_t mono);
/* `container` may be NULL: one that it does not know. */
void sim_scheduler_inquire(struct sim_scheduler *scheduler, struct sim_container *container,
                           struct gf_attempt attempt, int64_t mono);
/* The server has gone: what was to be reported is lost. */
void sim_scheduler_crash(struct sim_scheduler *scheduler);
void sim_scheduler_recover(struct sim_scheduler *scheduler, struct sim_rows *rows,
                           const struct gf_attempt_vec *attempts, int64_t mono);
/* From now on it answers everything, soon, and tells of itself what it has kept back. */
void sim_scheduler_be_honest(struct sim_scheduler *scheduler, int64_t mono);

/* ---- What it reports ---- */

/* When the next report is due; GF_NEVER = none is. */
int64_t sim_scheduler_next(const struct sim_scheduler *scheduler);
/* The next report, where one is due. False: there is none, although one seemed to be. */
bool sim_scheduler_report(struct sim_scheduler *scheduler, int64_t mono, int64_t wall,
                          struct gf_input *out_input);

#endif /* GOFER_TESTS_SIM_SCHEDULER_H_ */
