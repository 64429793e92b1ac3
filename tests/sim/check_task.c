#include "base/clock.h"
#include "tests/sim/check.h"

#include <inttypes.h>

#define TASK_FMT "task '%" GF_STR_FMT "' of run %" PRId64 " of '%" GF_STR_FMT "'"
#define TASK_ARG(task)                                                                             \
    GF_STR_ARG((task)->row.task_id), (task)->run->row.run_id,                                      \
        GF_STR_ARG((task)->run->row.pipeline_id)

/* ---- What is allowed, told anew ---- */

static bool rule_met(enum gf_parent_rule rule, enum gf_task_status status) {
    return (rule == GF_PARENT_SUCCESS && status == GF_TASK_STATUS_SUCCESSFUL) ||
           (rule == GF_PARENT_FAILURE && status == GF_TASK_STATUS_FAILED) ||
           (rule == GF_PARENT_ANY &&
            (status == GF_TASK_STATUS_SUCCESSFUL || status == GF_TASK_STATUS_FAILED ||
             status == GF_TASK_STATUS_SKIPPED));
}

/* How the parents stand: whether all have ended, and whether all did so as the task asks. */
struct parents {
    bool ended;
    bool allow;
};

static struct parents look_at_parents(const struct sim_task *task) {
    const struct gf_task *config = sim_task_config(task);
    struct parents parents = {true, true};
    for (size_t i = 0; i < config->parent_count; i++) {
        const struct gf_task_execution *parent = &task->run->tasks[config->parents[i].index].row;
        parents.ended = parents.ended && parent->state == GF_TASK_STATE_COMPLETE;
        parents.allow = parents.allow && rule_met(config->parents[i].rule, parent->status);
    }
    return parents;
}

static bool retry_covers(const struct gf_retry_policy *policy,
                         const struct gf_task_execution *row) {
    bool code = policy->exit_code_count == 0;
    for (size_t i = 0; i < policy->exit_code_count; i++) {
        code = code || (row->has_exit_code && policy->exit_codes[i] == row->exit_code);
    }
    switch (row->reason.kind) {
    case GF_REASON_ABNORMAL_EXIT:
    case GF_REASON_OUT_OF_MEMORY:
        return code;
    case GF_REASON_SCHEDULER_ERROR:
    case GF_REASON_IMAGE_ERROR:
        return policy->exit_code_count == 0;
    case GF_REASON_ORPHANED:
        return policy->retry_orphaned;
    case GF_REASON_TIMED_OUT:
        return policy->retry_timed_out;
    case GF_REASON_UNSPECIFIED:
    case GF_REASON_FAILED_PRECONDITION:
    case GF_REASON_USER_CANCELLED:
    case GF_REASON_DISPLACED:
    case GF_REASON_COALESCED:
        break;
    }
    return false;
}

/* The shortest wait after so many attempts, in ms. */
static int64_t least_backoff_ms(const struct gf_retry_policy *policy, int32_t attempts) {
    const int64_t longest =
        policy->max_backoff_ms > 0 ? policy->max_backoff_ms : GF_RETRY_MAX_BACKOFF_MS_DEFAULT;
    double wait = policy->initial_backoff_ms > 0 ? (double)policy->initial_backoff_ms
                                                 : GF_RETRY_INITIAL_BACKOFF_MS_DEFAULT;
    const double by = policy->backoff_multiplier >= 1 ? policy->backoff_multiplier
                                                      : GF_RETRY_BACKOFF_MULTIPLIER_DEFAULT;
    for (int32_t i = 1; i < attempts; i++) {
        wait *= by;
    }
    const int64_t whole = wait < (double)longest ? (int64_t)wait : longest;
    return whole - whole * policy->jitter_percent / 100;
}

/* Whether the step's input is a report about this attempt. */
static bool is_reported(const struct sim *sim, const struct sim_task *task, int32_t attempt) {
    const struct gf_input *input = sim->input;
    if (input == NULL || gf_input_is_command(input->kind) || input->kind == GF_INPUT_CLOCK) {
        return false;
    }
    const struct gf_attempt about =
        input->kind == GF_INPUT_TASK_STARTED
            ? input->u.started.attempt
            : (input->kind == GF_INPUT_TASK_EXITED ? input->u.exited.attempt
                                                   : input->u.failed.attempt);
    return about.run_key == task->row.run_key && about.task_index == task->row.task_index &&
           about.attempt == attempt;
}

/* ---- Launches ---- */

static void check_launch(struct sim *sim, const struct sim_task_look *look) {
    struct sim_task *task = look->task;
    const struct gf_task_execution *row = &task->row;
    const struct gf_retry_policy *policy = &sim_task_config(task)->retry;
    const struct parents parents = look_at_parents(task);
    SIM_EXPECT(sim, parents_allow, parents.ended && parents.allow,
               TASK_FMT " is launched and its parents do not allow it", TASK_ARG(task));
    SIM_EXPECT(sim, row_states, row->attempt == look->old.attempt + 1,
               TASK_FMT ": attempt %" PRId32 " follows %" PRId32, TASK_ARG(task), row->attempt,
               look->old.attempt);
    SIM_EXPECT(sim, retry_allowed, row->attempt == 1 || row->attempt <= policy->max_attempts,
               TASK_FMT ": attempt %" PRId32 " of %" PRId32, TASK_ARG(task), row->attempt,
               policy->max_attempts);
    SIM_EXPECT(sim, stop_reaches, !sim_run_is_ending(&task->run->row) && !row->cancel_requested,
               TASK_FMT " is launched while it is being ended", TASK_ARG(task));
    SIM_EXPECT(sim, kept_results, row->kept_run_id == 0, TASK_FMT " is launched and was kept",
               TASK_ARG(task));
    SIM_EXPECT(sim, one_outcome, task->attempts_recorded == row->attempt - 1,
               TASK_FMT ": attempt %" PRId32 " is made before the outcome of the one before is "
                        "recorded",
               TASK_ARG(task), row->attempt);
    if (row->attempt > 1) {
        const int64_t least = least_backoff_ms(policy, row->attempt - 1) * GF_NS_PER_MS;
        SIM_EXPECT(sim, backoff_waited, sim->forward - task->forward_fail >= least,
                   TASK_FMT ": attempt %" PRId32 " waited %" PRId64 " ns of %" PRId64,
                   TASK_ARG(task), row->attempt, sim->forward - task->forward_fail, least);
        SIM_EXPECT(sim, row_immutable,
                   row->start_time == 0 && row->end_time == 0 && !row->has_exit_code &&
                       row->stop_time == 0 && row->reason.kind == GF_REASON_UNSPECIFIED,
                   TASK_FMT ": attempt %" PRId32 " has something of the one before", TASK_ARG(task),
                   row->attempt);
    }
    SIM_EXPECT(sim, row_immutable, row->launch_time == sim->wall && row->ready_time > 0,
               TASK_FMT ": times of its launch", TASK_ARG(task));
    task->forward_launch = sim->forward;
    task->told_stop = false;
    task->told_force = false;
}

/* ---- Ends of attempts ---- */

/* An end that was asked for, where one was. */
struct asked {
    bool any;
    enum gf_task_status status;
    enum gf_reason_kind kind;
};

static struct asked end_asked(const struct sim *sim, const struct sim_task_look *look) {
    const struct gf_run *run = sim_run_before(sim, look->task->run);
    if (sim_run_is_ending(run)) {
        const bool timed_out = run->reason.kind == GF_REASON_TIMED_OUT;
        return (struct asked){true, timed_out ? GF_TASK_STATUS_FAILED : GF_TASK_STATUS_CANCELLED,
                              run->reason.kind};
    }
    return (struct asked){look->old.cancel_requested, GF_TASK_STATUS_CANCELLED,
                          GF_REASON_USER_CANCELLED};
}

/* Whether the time of a run is over, also where that is not its reason in the end. */
static bool is_timed_out(const struct sim *sim, const struct sim_run *run) {
    const int64_t timeout_ms =
        sim_least(run->config->content.timeout_ms, sim->limits.run_timeout_ms_max);
    return run->row.reason.kind == GF_REASON_TIMED_OUT ||
           (sim->input != NULL && sim->input->kind == GF_INPUT_CLOCK &&
            run->row.deadline_time > 0 &&
            sim->forward - run->forward_start >= timeout_ms * GF_NS_PER_MS);
}

/* What becomes of an attempt with such an exit. */
static bool exit_allows(const struct sim *sim, const struct sim_task_look *look,
                        enum gf_task_status status, enum gf_reason_kind kind) {
    const struct gf_exit *exit = &sim->input->u.exited.exit;
    const struct asked asked = end_asked(sim, look);
    if (exit->stopped && asked.any) {
        return status == asked.status && kind == asked.kind;
    }
    if (exit->failure.len > 0) {
        return status == GF_TASK_STATUS_FAILED && kind == GF_REASON_SCHEDULER_ERROR;
    }
    if (exit->timed_out) {
        return status == GF_TASK_STATUS_FAILED && kind == GF_REASON_TIMED_OUT;
    }
    /* The core told it to stop because it was late. */
    if (exit->stopped && look->old.stop_time > 0 && status == GF_TASK_STATUS_FAILED &&
        (kind == GF_REASON_TIMED_OUT || kind == GF_REASON_SCHEDULER_ERROR)) {
        return true;
    }
    if (exit->exit_code == 0) {
        return status == GF_TASK_STATUS_SUCCESSFUL && kind == GF_REASON_UNSPECIFIED;
    }
    return status == GF_TASK_STATUS_FAILED &&
           kind == (exit->out_of_memory ? GF_REASON_OUT_OF_MEMORY : GF_REASON_ABNORMAL_EXIT);
}

/* An end without an exit: that which was asked for, where one was. */
static bool end_allows(const struct sim *sim, const struct sim_task_look *look,
                       enum gf_task_status status, enum gf_reason_kind kind,
                       enum gf_reason_kind otherwise) {
    const struct asked asked = end_asked(sim, look);
    return asked.any ? status == asked.status && kind == asked.kind
                     : status == GF_TASK_STATUS_FAILED && kind == otherwise;
}

/* The core has lost its patience with the scheduler. */
static void check_given_up(struct sim *sim, const struct sim_task_look *look,
                           enum gf_task_status status, enum gf_reason_kind kind) {
    const struct sim_task *task = look->task;
    SIM_EXPECT(sim, stop_reaches, task->told_force,
               TASK_FMT " is given up without having been told to end at once", TASK_ARG(task));
    if (end_asked(sim, look).any || task->run->row.cancel_requested ||
        is_timed_out(sim, task->run)) {
        return;
    }
    const bool late_start =
        sim->forward - task->forward_launch >= sim->limits.launch_lease_ms * GF_NS_PER_MS;
    /* It may have started long before that was reported. */
    const int64_t timeout_ns = sim_task_timeout_ms(sim, task) * GF_NS_PER_MS;
    const bool late_end = sim->forward - task->forward_start >= timeout_ns ||
                          sim->wall - look->old.start_time >= timeout_ns;
    SIM_EXPECT(sim, timeout_early,
               status == GF_TASK_STATUS_FAILED &&
                   ((kind == GF_REASON_SCHEDULER_ERROR && late_start) ||
                    (kind == GF_REASON_TIMED_OUT && late_end)),
               TASK_FMT " is given up (%s) %" PRId64 " ns after its launch", TASK_ARG(task),
               gf_reason_kind_name(kind), sim->forward - task->forward_launch);
}

/* The attempt that `old` tells of has ended, with this result. */
static void check_attempt_end(struct sim *sim, const struct sim_task_look *look,
                              enum gf_task_status status, enum gf_reason_kind kind) {
    const struct sim_task *task = look->task;
    if (!is_reported(sim, task, look->old.attempt)) {
        SIM_EXPECT(sim, task_result, sim->input != NULL && sim->input->kind == GF_INPUT_CLOCK,
                   TASK_FMT ": an attempt ended and nobody said so", TASK_ARG(task));
        check_given_up(sim, look, status, kind);
        return;
    }
    bool allowed = false;
    if (sim->input->kind == GF_INPUT_TASK_EXITED) {
        allowed = exit_allows(sim, look, status, kind);
    } else if (sim->input->kind == GF_INPUT_TASK_LOST) {
        allowed = end_allows(sim, look, status, kind, GF_REASON_ORPHANED);
    } else if (sim->input->kind == GF_INPUT_TASK_LAUNCH_FAILED) {
        allowed = end_allows(sim, look, status, kind, GF_REASON_SCHEDULER_ERROR);
    } else if (sim->input->kind == GF_INPUT_TASK_NEVER_STARTED) {
        allowed = end_allows(sim, look, status, kind, GF_REASON_SCHEDULER_ERROR) ||
                  end_allows(sim, look, status, kind, GF_REASON_ORPHANED);
    }
    SIM_EXPECT(sim, task_result, allowed, TASK_FMT " is %s (%s), and its container ended otherwise",
               TASK_ARG(task), gf_task_status_name(status), gf_reason_kind_name(kind));
}

static void check_retry(struct sim *sim, const struct sim_task_look *look) {
    struct sim_task *task = look->task;
    const int32_t attempt = look->old.attempt;
    const struct sim_outcome *outcome = &task->outcomes[attempt - 1];
    const struct gf_retry_policy *policy = &sim_task_config(task)->retry;
    struct gf_task_execution failed = task->row;
    SIM_EXPECT(sim, one_outcome, sim_row_is_live(&look->old) && outcome->recorded,
               TASK_FMT ": an attempt is recorded that was none", TASK_ARG(task));
    check_attempt_end(sim, look, outcome->status, outcome->kind);
    failed.reason.kind = outcome->kind;
    SIM_EXPECT(sim, retry_allowed,
               attempt < policy->max_attempts && retry_covers(policy, &failed) &&
                   !end_asked(sim, look).any,
               TASK_FMT ": attempt %" PRId32 " is to be made again after %s", TASK_ARG(task),
               attempt, gf_reason_kind_name(outcome->kind));
    task->forward_fail = sim->forward;
    const int64_t least = least_backoff_ms(policy, attempt) * GF_NS_PER_MS;
    SIM_EXPECT(sim, backoff_waited,
               least == 0 || task->row.state != GF_TASK_STATE_WAITING ||
                   task->row.next_attempt_time >= sim->wall + least,
               TASK_FMT ": the next attempt is due too early", TASK_ARG(task));
}

/* ---- Ends of tasks ---- */

static void check_skipped(struct sim *sim, const struct sim_task *task) {
    const struct parents parents = look_at_parents(task);
    if (task->row.reason.kind == GF_REASON_TIMED_OUT) {
        SIM_EXPECT(sim, skip_justified, task->row.ready_time == 0,
                   TASK_FMT " is skipped though it was ready", TASK_ARG(task));
        return;
    }
    SIM_EXPECT(sim, skip_justified, parents.ended && !parents.allow && task->row.attempt == 0,
               TASK_FMT " is skipped though its parents allow it", TASK_ARG(task));
}

static void check_kept(struct sim *sim, const struct sim_task *task) {
    const struct gf_run *run = &task->run->row;
    const size_t index = (size_t)task->row.task_index;
    const int64_t run_id = sim_kept_run_id(run, index);
    struct sim_run *origin = sim_rows_run_by_id(task->run->pipeline, run_id);
    SIM_EXPECT(sim, kept_results,
               origin != NULL && task->row.kept_run_id == run_id && origin->tasks_made &&
                   (int64_t)index < origin->task_count &&
                   origin->tasks[index].row.status == GF_TASK_STATUS_SUCCESSFUL &&
                   origin->tasks[index].row.attempt > 0 &&
                   task->row.status == GF_TASK_STATUS_SUCCESSFUL && task->row.attempt == 0,
               TASK_FMT " keeps a result that is none", TASK_ARG(task));
}

/* A task that ends without a container having ended. */
static void check_end_without_attempt(struct sim *sim, const struct sim_task_look *look) {
    const struct sim_task *task = look->task;
    const struct gf_run *run = &task->run->row;
    const bool cancelled = run->cancel_requested || task->row.cancel_requested;
    switch (task->row.status) {
    case GF_TASK_STATUS_SKIPPED:
        check_skipped(sim, task);
        return;
    case GF_TASK_STATUS_SUCCESSFUL:
        check_kept(sim, task);
        return;
    case GF_TASK_STATUS_CANCELLED:
        SIM_EXPECT(sim, cancel_recorded, cancelled,
                   TASK_FMT " is cancelled and nobody asked for it", TASK_ARG(task));
        return;
    case GF_TASK_STATUS_FAILED:
        SIM_EXPECT(sim, task_result,
                   is_timed_out(sim, task->run) && task->row.reason.kind == GF_REASON_TIMED_OUT &&
                       task->row.ready_time > 0,
                   TASK_FMT " failed without having run", TASK_ARG(task));
        return;
    case GF_TASK_STATUS_UNSPECIFIED:
        break;
    }
    sim_break(sim, SIM_INVARIANT_task_result, TASK_FMT " ended without a status", TASK_ARG(task));
}

static void check_end(struct sim *sim, const struct sim_task_look *look) {
    struct sim_task *task = look->task;
    const struct gf_task_execution *row = &task->row;
    const struct gf_retry_policy *policy = &sim_task_config(task)->retry;
    struct gf_event event = {.kind = GF_EVENT_TASK_EXECUTION_COMPLETED,
                             .namespace_id = task->run->row.namespace_id,
                             .pipeline_id = task->run->row.pipeline_id,
                             .run_id = task->run->row.run_id,
                             .task_id = row->task_id,
                             .attempt = row->attempt,
                             .status = (int32_t)row->status};
    struct sim_facts facts;
    sim_facts_end(&facts, row, &event);
    sim_check_event_due(sim, &event);
    SIM_EXPECT(sim, row_states,
               row->end_time > 0 && row->next_attempt_time == 0 &&
                   (row->start_time == 0 || row->end_time >= row->start_time),
               TASK_FMT ": times of its end", TASK_ARG(task));
    if (!sim_row_is_live(&look->old) || look->retried) {
        check_end_without_attempt(sim, look);
        return;
    }
    SIM_EXPECT(sim, one_outcome, task->attempts_recorded == row->attempt - 1,
               TASK_FMT ": its last attempt is recorded twice", TASK_ARG(task));
    check_attempt_end(sim, look, row->status, row->reason.kind);
    const bool ending = end_asked(sim, look).any || task->run->row.cancel_requested ||
                        is_timed_out(sim, task->run) || row->cancel_requested;
    SIM_EXPECT(sim, retry_made,
               ending || row->status != GF_TASK_STATUS_FAILED ||
                   row->attempt >= policy->max_attempts || !retry_covers(policy, row),
               TASK_FMT " failed (%s, code %" PRId32 ") after %" PRId32 " of %" PRId32
                        " attempts, and %zu codes are to be retried from %" PRId32 " on",
               TASK_ARG(task), gf_reason_kind_name(row->reason.kind), row->exit_code, row->attempt,
               policy->max_attempts, policy->exit_code_count,
               policy->exit_code_count > 0 ? policy->exit_codes[0] : 0);
}

/* ---- Every change ---- */

static void check_events_due(struct sim *sim, const struct sim_task_look *look) {
    const struct sim_task *task = look->task;
    const bool is_new = look->old.state == GF_TASK_STATE_UNSPECIFIED;
    struct gf_event event = {.namespace_id = task->run->row.namespace_id,
                             .pipeline_id = task->run->row.pipeline_id,
                             .run_id = task->run->row.run_id,
                             .task_id = task->row.task_id};
    struct sim_facts facts;
    if (is_new) {
        event.kind = GF_EVENT_TASK_EXECUTION_CREATED;
        sim_check_event_due(sim, &event);
    }
    event.attempt = look->old.attempt;
    if (sim_row_is_live(&look->old) && look->old.start_time == 0 && task->row.start_time != 0 &&
        task->row.attempt == look->old.attempt) {
        event.kind = GF_EVENT_TASK_EXECUTION_STARTED;
        sim_facts_place(&facts, &task->row, &event);
        sim_check_event_due(sim, &event);
        look->task->forward_start = sim->forward;
    }
    if (task->row.cancel_requested && !look->old.cancel_requested) {
        event.kind = GF_EVENT_TASK_EXECUTION_CANCELLATION_STARTED;
        sim_facts_force(&facts, sim, &event);
        sim_check_event_due(sim, &event);
        SIM_EXPECT(sim, cancel_recorded,
                   sim->input != NULL && sim->input->kind == GF_INPUT_CANCEL_TASK &&
                       gf_str_eq(sim->input->u.cancel.task_id, task->row.task_id),
                   TASK_FMT " is cancelled and nobody asked for it", TASK_ARG(task));
    }
}

static void check_state(struct sim *sim, const struct sim_task_look *look) {
    const struct gf_task_execution *old = &look->old;
    const struct gf_task_execution *row = &look->task->row;
    const bool complete = row->state == GF_TASK_STATE_COMPLETE;
    SIM_EXPECT(sim, row_states, complete == (row->status != GF_TASK_STATUS_UNSPECIFIED),
               TASK_FMT " is %s and %s", TASK_ARG(look->task), gf_task_state_name(row->state),
               gf_task_status_name(row->status));
    SIM_EXPECT(sim, row_immutable, old->state != GF_TASK_STATE_COMPLETE,
               TASK_FMT " had ended and changes", TASK_ARG(look->task));
    if (row->state == GF_TASK_STATE_RUNNING) {
        SIM_EXPECT(sim, row_states,
                   old->attempt == row->attempt && sim_row_is_live(old) && row->start_time > 0,
                   TASK_FMT " runs without having been launched", TASK_ARG(look->task));
    }
    const bool started = row->start_time > 0;
    SIM_EXPECT(sim, row_immutable,
               gf_str_eq(row->container_id, started ? SIM_CONTAINER_ID : GF_STR("")) &&
                   row->missing_protections == (started ? SIM_MISSING_PROTECTIONS : 0),
               TASK_FMT " has the container '%" GF_STR_FMT "', started at %" PRId64,
               TASK_ARG(look->task), GF_STR_ARG(row->container_id), row->start_time);
    if (row->state == GF_TASK_STATE_WAITING && old->state != GF_TASK_STATE_UNSPECIFIED) {
        SIM_EXPECT(sim, row_states, old->state == GF_TASK_STATE_WAITING || look->retried,
                   TASK_FMT " waits again", TASK_ARG(look->task));
        SIM_EXPECT(sim, row_states,
                   row->attempt == 0 || row->next_attempt_time > 0 || row->queue_time > 0,
                   TASK_FMT " waits for nothing", TASK_ARG(look->task));
    }
    if (old->state == GF_TASK_STATE_RUNNING && row->state == GF_TASK_STATE_PROCESSING) {
        SIM_EXPECT(sim, row_states, row->attempt > old->attempt, TASK_FMT " is launched again",
                   TASK_ARG(look->task));
    }
}

void sim_check_tasks(struct sim *sim) {
    for (size_t i = 0; i < sim->task_looks.count; i++) {
        const struct sim_task_look *look = &sim->task_looks.items[i];
        const struct gf_task_execution *row = &look->task->row;
        check_state(sim, look);
        check_events_due(sim, look);
        if (look->retried) {
            check_retry(sim, look);
        }
        if (row->attempt != look->old.attempt) {
            check_launch(sim, look);
        } else if (row->state == GF_TASK_STATE_COMPLETE) {
            check_end(sim, look);
        }
    }
}
