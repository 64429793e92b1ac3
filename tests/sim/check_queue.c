/*
 * Who may run, and in what order. Limits are those that held when something began: a limit that
 * was lowered since ends nothing.
 */
#include "tests/sim/check.h"

#include <inttypes.h>

#define RUN_FMT "run %" PRId64 " of '%" GF_STR_FMT "'"
#define RUN_ARG(run) (run)->row.run_id, GF_STR_ARG((run)->row.pipeline_id)

static int64_t pipeline_limit(const struct sim *sim, const struct sim_run *run) {
    return sim_least(run->config->content.parallelism, sim->limits.pipeline_runs_max);
}

static int64_t namespace_limit(const struct sim *sim, const struct sim_namespace *ns) {
    return sim_least(ns->row.run_parallelism, sim->limits.namespace_runs_max);
}

static bool has_room(int64_t used, int64_t limit) {
    return limit == 0 || used < limit;
}

/* Higher priority first, then the older one. */
static bool is_before(const struct gf_run *a, const struct gf_run *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->run_key < b->run_key;
}

/* An older run with the same key that has not ended; NULL = none. */
static const struct sim_run *held_back_by(const struct sim *sim, const struct sim_run *run) {
    if (run->row.ordering_key.len == 0) {
        return NULL;
    }
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *other = sim->rows.active.items[i];
        if (other != run && other->pipeline == run->pipeline &&
            other->row.run_key < run->row.run_key &&
            gf_str_eq(other->row.ordering_key, run->row.ordering_key)) {
            return other;
        }
    }
    return NULL;
}

/* ---- Runs that began ---- */

static bool began(const struct sim_run_look *look) {
    return look->run->row.start_time > 0 && look->old.start_time == 0;
}

/* The greatest limit of those of the pipeline that began in this step; 0 = no limit. */
static int64_t limit_of_those_that_began(const struct sim *sim,
                                         const struct sim_pipeline *pipeline) {
    int64_t most = 1;
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        if (look->run->pipeline == pipeline && began(look)) {
            const int64_t limit = pipeline_limit(sim, look->run);
            if (limit == 0) {
                return 0;
            }
            most = limit > most ? limit : most;
        }
    }
    return most;
}

static void check_run_limits(struct sim *sim, const struct sim_run *run) {
    const struct sim_pipeline *pipeline = run->pipeline;
    const int64_t of_server = sim->limits.runs_running_max;
    const int64_t of_namespace = namespace_limit(sim, pipeline->ns);
    const int64_t of_pipeline = limit_of_those_that_began(sim, pipeline);
    SIM_EXPECT(sim, server_runs_limit, of_server == 0 || sim->rows.runs_running <= of_server,
               RUN_FMT " begins: %" PRId64 " run, %" PRId64 " may", RUN_ARG(run),
               sim->rows.runs_running, of_server);
    SIM_EXPECT(sim, namespace_runs_limit,
               of_namespace == 0 || pipeline->ns->runs_running <= of_namespace,
               RUN_FMT " begins: %" PRId64 " run, %" PRId64 " may", RUN_ARG(run),
               pipeline->ns->runs_running, of_namespace);
    SIM_EXPECT(sim, pipeline_runs_limit, of_pipeline == 0 || pipeline->runs_running <= of_pipeline,
               RUN_FMT " begins: %" PRId64 " run, %" PRId64 " may", RUN_ARG(run),
               pipeline->runs_running, of_pipeline);
}

/* Of each pipeline the first queued run that its key lets go, by pipeline_key - 1. */
struct heads {
    const struct sim_run *of[SIM_PIPELINES_MAX];
};

static void find_heads(const struct sim *sim, struct heads *heads) {
    memset(heads, 0, sizeof(*heads));
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *run = sim->rows.active.items[i];
        const struct sim_run **head = &heads->of[run->row.pipeline_key - 1];
        if (run->row.state == GF_RUN_STATE_QUEUED &&
            (*head == NULL || is_before(&run->row, &(*head)->row)) &&
            held_back_by(sim, run) == NULL) {
            *head = run;
        }
    }
}

/* What comes before a run that began, and waits, could not have taken its place. */
static void check_overtaken(struct sim *sim, const struct sim_run *run, const struct heads *heads) {
    for (int64_t i = 0; i < sim->rows.newest.next_pipeline_key - 1; i++) {
        const struct sim_run *other = heads->of[i];
        if (other == NULL || !is_before(&other->row, &run->row)) {
            continue;
        }
        const bool same_pipeline = other->pipeline == run->pipeline;
        const bool same_namespace = other->pipeline->ns == run->pipeline->ns;
        const bool could = has_room(other->pipeline->ns->runs_running - same_namespace,
                                    namespace_limit(sim, other->pipeline->ns)) &&
                           has_room(other->pipeline->runs_running, pipeline_limit(sim, other));
        SIM_EXPECT(sim, queue_order, !could && !same_pipeline,
                   RUN_FMT " begins before " RUN_FMT ", which comes first", RUN_ARG(run),
                   RUN_ARG(other));
    }
}

static void check_began(struct sim *sim, const struct sim_run *run) {
    const struct sim_run *older = held_back_by(sim, run);
    SIM_EXPECT(sim, key_order, older == NULL,
               RUN_FMT " begins before run %" PRId64 " with the same key has ended", RUN_ARG(run),
               older->row.run_id);
    check_run_limits(sim, run);
}

/* ---- Runs that are new ---- */

static void check_new(struct sim *sim, const struct sim_run *run) {
    const struct gf_config *config = &run->config->content;
    const int64_t limit = sim_queue_limit(sim, config);
    const int64_t most = pipeline_limit(sim, run);
    int64_t unended = 0;
    SIM_EXPECT(sim, queue_limit,
               limit == 0 || run->row.state != GF_RUN_STATE_QUEUED ||
                   run->pipeline->runs_queued <= limit,
               RUN_FMT " is queued: %" PRId64 " wait, %" PRId64 " may; %" PRId64 " run of %" PRId64,
               RUN_ARG(run), run->pipeline->runs_queued, limit, run->pipeline->runs_running, most);
    SIM_EXPECT(sim, active_runs_limit,
               sim->limits.runs_active_max == 0 ||
                   (int64_t)sim->rows.active.count <= sim->limits.runs_active_max,
               RUN_FMT " is one of %zu", RUN_ARG(run), sim->rows.active.count);
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *other = sim->rows.active.items[i];
        const bool same = other->pipeline == run->pipeline;
        unended += same && !sim_run_is_ending(&other->row);
        SIM_EXPECT(sim, key_newest,
                   !same || other->row.run_key >= run->row.run_key ||
                       run->row.ordering_policy != GF_RUN_ORDERING_NEWEST ||
                       other->row.state != GF_RUN_STATE_QUEUED ||
                       !gf_str_eq(other->row.ordering_key, run->row.ordering_key),
                   RUN_FMT " is the newest, and run %" PRId64 " waits", RUN_ARG(run),
                   other->row.run_id);
    }
    SIM_EXPECT(sim, displacement,
               config->queue_policy != GF_QUEUE_POLICY_CANCEL_OLDEST || most == 0 ||
                   unended <= most,
               RUN_FMT " should have displaced others: there are %" PRId64 " of %" PRId64,
               RUN_ARG(run), unended, most);
    SIM_EXPECT(sim, refusal,
               config->queue_policy != GF_QUEUE_POLICY_REJECT || most == 0 ||
                   run->pipeline->runs_running + run->pipeline->runs_queued <= most,
               RUN_FMT " should have been rejected", RUN_ARG(run));
}

/* ---- Runs that wait ---- */

/* The first run of each pipeline is held back by a limit. */
static void check_waiting_runs(struct sim *sim, const struct heads *heads) {
    if (!has_room(sim->rows.runs_running, sim->limits.runs_running_max)) {
        return;
    }
    for (int64_t i = 0; i < sim->rows.newest.next_pipeline_key - 1; i++) {
        const struct sim_run *run = heads->of[i];
        SIM_EXPECT(sim, run_waits_for_something,
                   run == NULL ||
                       !has_room(run->pipeline->ns->runs_running,
                                 namespace_limit(sim, run->pipeline->ns)) ||
                       !has_room(run->pipeline->runs_running, pipeline_limit(sim, run)),
                   RUN_FMT " waits for nothing", RUN_ARG(run));
    }
}

/* ---- Tasks ---- */

static bool was_launched(const struct sim_task_look *look) {
    return look->task->row.attempt > look->old.attempt;
}

static int64_t pool_limit(const struct sim_task *task, int *out_number) {
    const struct sim_config *config = task->run->config;
    const int32_t pool = sim_task_config(task)->pool_index;
    *out_number = pool < 0 ? -1 : config->pool_numbers[pool];
    return pool < 0 ? 0 : config->content.pools[pool].parallelism;
}

/* The greatest limit of a pool among the tasks that this step launched. */
static int64_t launched_pool_limit(const struct sim *sim, const struct sim_pipeline *pipeline,
                                   int number) {
    int64_t most = 0;
    for (size_t i = 0; i < sim->task_looks.count; i++) {
        const struct sim_task_look *look = &sim->task_looks.items[i];
        int other = -1;
        const int64_t limit = pool_limit(look->task, &other);
        if (was_launched(look) && other == number && look->task->run->pipeline == pipeline) {
            most = limit > most ? limit : most;
        }
    }
    return most;
}

static void check_launched(struct sim *sim, const struct sim_task *task) {
    const int64_t of_server = sim->limits.attempts_running_max;
    const int64_t of_run = task->run->config->content.task_parallelism;
    int number = -1;
    int64_t of_pool = pool_limit(task, &number);
    SIM_EXPECT(sim, attempts_limit, of_server == 0 || sim->rows.live <= of_server,
               "%" PRId64 " attempts run, %" PRId64 " may", sim->rows.live, of_server);
    SIM_EXPECT(sim, task_parallelism_limit, of_run == 0 || task->run->live <= of_run,
               RUN_FMT ": %" PRId64 " tasks run, %" PRId64 " may", RUN_ARG(task->run),
               task->run->live, of_run);
    if (number < 0) {
        return;
    }
    const int64_t used = task->run->pipeline->pool_live[number];
    if (used > of_pool) {
        of_pool = launched_pool_limit(sim, task->run->pipeline, number);
    }
    SIM_EXPECT(sim, pool_limit, used <= of_pool,
               RUN_FMT ": %" PRId64 " tasks of pool %d run, %" PRId64 " may", RUN_ARG(task->run),
               used, number, of_pool);
}

/* Runs that wait, and whether those that began were the first. */
static void check_heads(struct sim *sim) {
    struct heads heads;
    bool any_ended = false;
    find_heads(sim, &heads);
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        /* One that ended at once may have let others go after some had begun. */
        any_ended = any_ended || (began(look) && look->run->row.state == GF_RUN_STATE_COMPLETE);
    }
    for (size_t i = 0; i < sim->run_looks.count && !any_ended; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        if (began(look)) {
            check_overtaken(sim, look->run, &heads);
        }
    }
    check_waiting_runs(sim, &heads);
}

void sim_check_queues(struct sim *sim) {
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        if (began(look)) {
            check_began(sim, look->run);
        }
        if (look->old.run_key == 0) {
            check_new(sim, look->run);
        }
    }
    for (size_t i = 0; i < sim->task_looks.count; i++) {
        if (was_launched(&sim->task_looks.items[i])) {
            check_launched(sim, sim->task_looks.items[i].task);
        }
    }
    if (sim->rows.runs_queued > 0 &&
        (sim->run_looks.count > 0 || sim->rows_touched > sim->task_looks.count)) {
        check_heads(sim);
    }
}
