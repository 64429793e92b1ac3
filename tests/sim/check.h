/*
 * The invariants (invariants.h). Those about a row are checked after the step that touched it,
 * those about all of them at times, after each crash, and at the end.
 */
#ifndef GOFER_TESTS_SIM_CHECK_H_
#define GOFER_TESTS_SIM_CHECK_H_

#include "tests/sim/sim.h"

/* ---- check.c ---- */

/* Looks at what a step has left in the batch: takes the rows over, and checks all about them. */
void sim_check_step(struct sim *sim);
/* A new core begins with an empty batch. */
void sim_check_reset(struct sim *sim);
/* The batch was committed: the next step begins with an empty one. */
void sim_check_batch_done(struct sim *sim);

/* ---- check_take.c: from the batch into the rows ---- */

void sim_check_take(struct sim *sim);
/* Copies a text that may have changed; the old one stays where it says the same. */
struct gf_str sim_take_text(struct sim *sim, struct gf_str old, struct gf_str text);

/* The step has changed a row: `vec` has those that it touched since the last commit. */
#define SIM_TOUCH(sim, object, vec)                                                                \
    do {                                                                                           \
        (sim)->rows_touched++;                                                                     \
        if (!(object)->there.touched) {                                                            \
            (object)->there.touched = true;                                                        \
            gf_vec_push(&(sim)->rows.vec, (object));                                               \
        }                                                                                          \
    } while (0)

/* ---- check_take_run.c: the same for runs and their tasks ---- */

void sim_take_run(struct sim *sim, const struct gf_run *row);
void sim_take_task(struct sim *sim, const struct gf_task_execution *row);
/* The row of an attempt that was followed by another one. */
void sim_take_attempt(struct sim *sim, const struct gf_task_execution *row);

/* ---- check_access.c: tokens, roles and actors ---- */

/* Takes their rows over, and what a journal tells. */
void sim_check_take_access(struct sim *sim);
void sim_check_expiry(struct sim *sim);
/* Whether the event tells who did it. */
void sim_check_actor(struct sim *sim, const struct gf_event *event);
/* A reply that is decided, or released. */
void sim_check_access_reply(struct sim *sim, struct sim_command *command,
                            const struct gf_reply *reply);
void sim_check_access_acknowledged(struct sim *sim, const struct sim_command *command);

/* ---- check_intake.c: extensions, subscriptions, keys and deliveries ---- */

void sim_check_take_intake(struct sim *sim);
/* A key of runs, subscriptions and so on was used by the step. */
void sim_take_key(struct sim *sim, int64_t key);
void sim_check_intake_reply(struct sim *sim, struct sim_command *command,
                            const struct gf_reply *reply);
void sim_check_intake_acknowledged(struct sim *sim, const struct sim_command *command);
void sim_check_intake_world(struct sim *sim);

/* ---- check_events.c ---- */

/* What a row says that an event must tell. */
void sim_check_event_due(struct sim *sim, const struct gf_event *event);
void sim_check_events(struct sim *sim);

/* ---- check_facts.c: the metadata that an event must have ---- */

/* Borrowed by the event that they were given to. */
struct sim_facts {
    struct gf_label items[2];
    size_t count;
    char number[24];
};

void sim_facts_config(struct sim_facts *facts, const struct gf_config *row, struct gf_event *event);
void sim_facts_deployment(struct sim_facts *facts, const struct gf_deployment *row,
                          struct gf_event *event);
void sim_facts_initiator(struct sim_facts *facts, const struct gf_run *row, struct gf_event *event);
void sim_facts_force(struct sim_facts *facts, const struct sim *sim, struct gf_event *event);
void sim_facts_reason(struct sim_facts *facts, const struct gf_reason *reason,
                      struct gf_event *event);
/* Of the end of a task, or of an attempt. */
void sim_facts_end(struct sim_facts *facts, const struct gf_task_execution *row,
                   struct gf_event *event);
void sim_facts_place(struct sim_facts *facts, const struct gf_task_execution *row,
                     struct gf_event *event);

/* ---- check_task.c, check_run.c, check_queue.c ---- */

void sim_check_tasks(struct sim *sim);
void sim_check_runs(struct sim *sim);
/* Who may run, and in what order. */
void sim_check_queues(struct sim *sim);

/* ---- check_effects.c ---- */

void sim_check_effects(struct sim *sim);
/* A reply that was released: what it told is committed. */
void sim_check_acknowledged(struct sim *sim, struct sim_command *command);

/* ---- check_world.c ---- */

/* Everything that can be seen in all rows together. */
void sim_check_world(struct sim *sim);
/*
 * The least limit of a task's pool among the active runs of its pipeline: a task of an older
 * version, whose limit is reached, may stand before others in its queue.
 */
int64_t sim_least_pool_limit(const struct sim *sim, const struct sim_task *task);
/* What was acknowledged is still there: after a crash, and at the end. */
void sim_check_ledger(struct sim *sim);

/* ---- Of use to several ---- */

/* Something ends the run before its time. */
static inline bool sim_run_is_ending(const struct gf_run *row) {
    return row->state != GF_RUN_STATE_COMPLETE && row->reason.kind != GF_REASON_UNSPECIFIED;
}

/* What a run was before the step. */
static inline const struct gf_run *sim_run_before(const struct sim *sim,
                                                  const struct sim_run *run) {
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        if (sim->run_looks.items[i].run == run) {
            return &sim->run_looks.items[i].old;
        }
    }
    return &run->row;
}

/* The least of two limits, where 0 is none. */
static inline int64_t sim_least(int64_t a, int64_t b) {
    if (a == 0 || b == 0) {
        return a + b;
    }
    return a < b ? a : b;
}

/* How many runs of a pipeline may wait; 0 = any number. Its own limit is one of those that queue.
 */
static inline int64_t sim_queue_limit(const struct sim *sim, const struct gf_config *config) {
    const bool queues = config->queue_policy == GF_QUEUE_POLICY_UNSPECIFIED ||
                        config->queue_policy == GF_QUEUE_POLICY_QUEUE;
    return sim_least(queues ? config->queue_limit : 0, sim->limits.pipeline_queue_max);
}

static inline const struct gf_task *sim_task_config(const struct sim_task *task) {
    return &task->run->config->content.tasks[task->row.task_index];
}

static inline int64_t sim_task_timeout_ms(const struct sim *sim, const struct sim_task *task) {
    return sim_least(sim_task_config(task)->timeout_ms, sim->limits.task_timeout_ms_max);
}

/* Between SIGTERM and SIGKILL. */
static inline int64_t sim_stop_timeout_ms(const struct sim *sim, const struct sim_task *task) {
    const int64_t own = sim_task_config(task)->stop_timeout_ms;
    const int64_t ms = own > 0 ? own : sim->limits.stop_timeout_ms;
    return ms > 0 ? ms : GF_STOP_TIMEOUT_MS_DEFAULT;
}

#endif /* GOFER_TESTS_SIM_CHECK_H_ */
