#include "base/clock.h"
#include "tests/sim/check.h"

#include <inttypes.h>

#define RUN_FMT "run %" PRId64 " of '%" GF_STR_FMT "'"
#define RUN_ARG(run) (run)->row.run_id, GF_STR_ARG((run)->row.pipeline_id)

/* ---- Creation ---- */

static void check_kept_tasks(struct sim *sim, const struct sim_run *run,
                             const struct sim_run *retried) {
    const bool failed_only = sim->input->u.retry_run.failed_tasks_only;
    bool any_to_make = run->row.kept_count == 0;
    for (int64_t i = 0; i < run->task_count; i++) {
        const size_t index = (size_t)i;
        const int64_t kept_run_id = sim_kept_run_id(&run->row, index);
        const bool was_successful = failed_only && retried->tasks_made && i < retried->task_count &&
                                    retried->tasks[i].row.status == GF_TASK_STATUS_SUCCESSFUL;
        const int64_t before = was_successful ? retried->tasks[i].row.kept_run_id : 0;
        const int64_t origin = before != 0 ? before : retried->row.run_id;
        SIM_EXPECT(sim, kept_results, kept_run_id == (was_successful ? origin : 0),
                   RUN_FMT ": task %" PRId64 " is kept without reason, or not kept", RUN_ARG(run),
                   i);
        any_to_make = any_to_make || kept_run_id == 0;
    }
    SIM_EXPECT(sim, kept_results, any_to_make, RUN_FMT " keeps everything", RUN_ARG(run));
}

static void check_retried(struct sim *sim, const struct sim_run *run) {
    struct sim_run *retried = sim_rows_run_by_id(run->pipeline, sim->input->u.retry_run.run_id);
    SIM_EXPECT(sim, kept_results,
               retried != NULL && run->row.retried_run_id == retried->row.run_id &&
                   retried->row.state == GF_RUN_STATE_COMPLETE,
               RUN_FMT " retries a run that has not ended", RUN_ARG(run));
    const int64_t version = sim->input->u.retry_run.use_live_version
                                ? run->pipeline->row.live_version
                                : retried->row.version;
    SIM_EXPECT(sim, version_bound, run->row.version == version,
               RUN_FMT " has version %" PRId64 ", not %" PRId64, RUN_ARG(run), run->row.version,
               version);
    SIM_EXPECT(sim, kept_results,
               gf_str_eq(run->row.ordering_key, retried->row.ordering_key) &&
                   run->row.variable_count == retried->row.variable_count &&
                   run->row.has_input == retried->row.has_input &&
                   gf_str_eq(run->input, retried->input) &&
                   run->row.priority == retried->row.priority,
               RUN_FMT " is not what it retries", RUN_ARG(run));
    check_kept_tasks(sim, run, retried);
}

static void check_started(struct sim *sim, const struct sim_run *run) {
    const struct gf_input *input = sim->input;
    const struct gf_run_document *document = input->u.start_run.document;
    SIM_EXPECT(sim, version_bound, run->row.version == run->pipeline->row.live_version,
               RUN_FMT " has version %" PRId64 ", not the live one", RUN_ARG(run),
               run->row.version);
    SIM_EXPECT(sim, row_immutable,
               gf_str_eq(run->row.ordering_key, input->u.start_run.ordering_key) &&
                   run->row.priority == (input->u.start_run.has_priority
                                             ? input->u.start_run.priority
                                             : run->config->content.priority) &&
                   run->row.has_input == (document != NULL) && run->row.retried_run_id == 0 &&
                   run->row.variable_count == input->u.start_run.variable_count &&
                   (document == NULL || gf_str_eq(run->input, document->content)),
               RUN_FMT " is not what was asked for", RUN_ARG(run));
}

/* That it was wanted once is told by its key. */
static void check_wanted(struct sim *sim, const struct sim_run *run) {
    const struct gf_extension_start *start = &sim->input->u.extension_start;
    SIM_EXPECT(sim, version_bound, run->row.version == run->pipeline->row.live_version,
               RUN_FMT " has version %" PRId64 ", not the live one", RUN_ARG(run),
               run->row.version);
    SIM_EXPECT(sim, row_immutable,
               gf_str_eq(run->row.ordering_key, start->ordering_key) &&
                   run->row.priority == run->config->content.priority && !run->row.has_input &&
                   run->row.retried_run_id == 0 && run->row.variable_count == 0 &&
                   gf_str_eq(run->row.initiator.token_id, sim->input->actor.token_id),
               RUN_FMT " is not what was asked for", RUN_ARG(run));
}

/* Somebody may start runs, and this pipeline may. */
static void check_allowed(struct sim *sim, const struct sim_run *run) {
    SIM_EXPECT(sim, refusal,
               !sim->rows.preferences.run_starts_paused &&
                   run->pipeline->row.state == GF_PIPELINE_STATE_ACTIVE,
               RUN_FMT " is started while starts are paused or the pipeline is disabled",
               RUN_ARG(run));
}

static void check_new(struct sim *sim, struct sim_run *run) {
    const enum gf_input_kind kind = sim->input == NULL ? GF_INPUT_CLOCK : sim->input->kind;
    if (kind == GF_INPUT_START_EXTENSION_RUNS) {
        check_allowed(sim, run);
        check_wanted(sim, run);
        return;
    }
    SIM_EXPECT(sim, request_once, kind == GF_INPUT_START_RUN || kind == GF_INPUT_RETRY_RUN,
               RUN_FMT " comes into being and nobody asked for it", RUN_ARG(run));
    const struct gf_str request_id = kind == GF_INPUT_START_RUN
                                         ? sim->input->u.start_run.request_id
                                         : sim->input->u.retry_run.request_id;
    SIM_EXPECT(sim, row_immutable,
               run->row.run_id == run->pipeline->row.latest_run_id &&
                   gf_str_eq(run->row.request_id, request_id) && run->row.create_time == sim->wall,
               RUN_FMT " is not the next", RUN_ARG(run));
    for (size_t i = 0; request_id.len > 0 && i < run->pipeline->runs.count; i++) {
        const struct sim_run *other = run->pipeline->runs.items[i];
        SIM_EXPECT(sim, request_once,
                   other == NULL || other == run || !other->there.now ||
                       !gf_str_eq(other->row.request_id, request_id),
                   RUN_FMT " was made by the request of run %" PRId64, RUN_ARG(run),
                   other->row.run_id);
    }
    check_allowed(sim, run);
    if (kind == GF_INPUT_RETRY_RUN) {
        check_retried(sim, run);
    } else {
        check_started(sim, run);
    }
}

/* ---- Ends ---- */

/* The status of a run, from the results of its tasks alone. */
static void check_final_status(struct sim *sim, const struct sim_run *run) {
    int64_t counts[5] = {0};
    int64_t timed_out = 0;
    for (int64_t i = 0; run->tasks_made && i < run->task_count; i++) {
        const struct gf_task_execution *task = &run->tasks[i].row;
        SIM_EXPECT(sim, final_status, task->state == GF_TASK_STATE_COMPLETE,
                   RUN_FMT " ends before its tasks", RUN_ARG(run));
        counts[task->status]++;
        timed_out += task->reason.kind == GF_REASON_TIMED_OUT;
    }
    enum gf_run_status status = GF_RUN_STATUS_SUCCESSFUL;
    if (!run->tasks_made || counts[GF_TASK_STATUS_CANCELLED] > 0) {
        status = GF_RUN_STATUS_CANCELLED;
    } else if (counts[GF_TASK_STATUS_FAILED] + timed_out > 0) {
        status = GF_RUN_STATUS_FAILED;
    }
    SIM_EXPECT(sim, final_status, run->row.status == status, RUN_FMT " is %s, its tasks say %s",
               RUN_ARG(run), gf_run_status_name(run->row.status), gf_run_status_name(status));
    SIM_EXPECT(sim, final_status, run->tasks_made || run->row.cancel_requested,
               RUN_FMT " ends without having begun", RUN_ARG(run));
    SIM_EXPECT(sim, final_status,
               (run->row.reason.kind == GF_REASON_UNSPECIFIED) ==
                   (status == GF_RUN_STATUS_SUCCESSFUL),
               RUN_FMT " is %s because of %s", RUN_ARG(run), gf_run_status_name(status),
               gf_reason_kind_name(run->row.reason.kind));
}

/* ---- Being ended ---- */

static bool names_run(const struct sim *sim, const struct sim_run *run) {
    const struct gf_input *input = sim->input;
    if (input == NULL ||
        (input->kind != GF_INPUT_CANCEL_RUN && input->kind != GF_INPUT_CANCEL_ALL_RUNS)) {
        return false;
    }
    return gf_str_eq(input->u.cancel.pipeline_id, run->row.pipeline_id) &&
           gf_str_eq(input->u.cancel.namespace_id, run->row.namespace_id) &&
           (input->kind == GF_INPUT_CANCEL_ALL_RUNS || input->u.cancel.run_id == run->row.run_id);
}

/* The last run of its pipeline that this step has made; NULL = none. */
static const struct sim_run *newest_run(const struct sim *sim,
                                        const struct sim_pipeline *pipeline) {
    const struct sim_run *newest = NULL;
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        if (look->old.run_key == 0 && look->run->pipeline == pipeline &&
            (newest == NULL || look->run->row.run_key > newest->row.run_key)) {
            newest = look->run;
        }
    }
    return newest;
}

/* A run was displaced: the newest one asks for that, and nothing older is spared. */
static void check_displaced(struct sim *sim, const struct sim_run *run) {
    const struct sim_run *newest = newest_run(sim, run->pipeline);
    SIM_EXPECT(sim, displacement,
               newest != NULL && newest->pipeline == run->pipeline &&
                   newest->config->content.queue_policy == GF_QUEUE_POLICY_CANCEL_OLDEST,
               RUN_FMT " is displaced by nobody", RUN_ARG(run));
    for (size_t i = 0; i < sim->rows.active.count; i++) {
        const struct sim_run *other = sim->rows.active.items[i];
        SIM_EXPECT(sim, displacement,
                   other->pipeline != run->pipeline || other->row.run_key > run->row.run_key ||
                       sim_run_is_ending(&other->row),
                   RUN_FMT " is displaced, and the older run %" PRId64 " is not", RUN_ARG(run),
                   other->row.run_id);
    }
}

static void check_begins_to_end(struct sim *sim, const struct sim_run_look *look) {
    const struct sim_run *run = look->run;
    switch (run->row.reason.kind) {
    case GF_REASON_USER_CANCELLED:
        SIM_EXPECT(sim, cancel_recorded, names_run(sim, run),
                   RUN_FMT " is cancelled and nobody asked for it", RUN_ARG(run));
        return;
    case GF_REASON_DISPLACED:
        check_displaced(sim, run);
        return;
    case GF_REASON_COALESCED: {
        const struct sim_run *newest = newest_run(sim, run->pipeline);
        SIM_EXPECT(sim, key_newest,
                   newest != NULL && newest->pipeline == run->pipeline &&
                       newest->row.ordering_policy == GF_RUN_ORDERING_NEWEST &&
                       gf_str_eq(newest->row.ordering_key, run->row.ordering_key) &&
                       look->old.start_time == 0,
                   RUN_FMT " is coalesced without reason", RUN_ARG(run));
        return;
    }
    case GF_REASON_TIMED_OUT: {
        const int64_t timeout_ms =
            sim_least(run->config->content.timeout_ms, sim->limits.run_timeout_ms_max);
        SIM_EXPECT(sim, timeout_early,
                   sim->input != NULL && sim->input->kind == GF_INPUT_CLOCK &&
                       sim->forward - run->forward_start >= timeout_ms * GF_NS_PER_MS,
                   RUN_FMT " is timed out after %" PRId64 " ns", RUN_ARG(run),
                   sim->forward - run->forward_start);
        return;
    }
    case GF_REASON_UNSPECIFIED:
    case GF_REASON_ABNORMAL_EXIT:
    case GF_REASON_SCHEDULER_ERROR:
    case GF_REASON_FAILED_PRECONDITION:
    case GF_REASON_ORPHANED:
    case GF_REASON_OUT_OF_MEMORY:
    case GF_REASON_IMAGE_ERROR:
        break;
    }
    sim_break(sim, SIM_INVARIANT_row_states, RUN_FMT " is being ended because of %s", RUN_ARG(run),
              gf_reason_kind_name(run->row.reason.kind));
}

/* ---- Every change ---- */

static void check_events_due(struct sim *sim, const struct sim_run_look *look) {
    struct sim_run *run = look->run;
    struct sim_facts facts;
    struct gf_event event = {.namespace_id = run->row.namespace_id,
                             .pipeline_id = run->row.pipeline_id,
                             .run_id = run->row.run_id,
                             .version = run->row.version};
    if (look->old.run_key == 0) {
        event.kind = GF_EVENT_RUN_QUEUED;
        sim_facts_initiator(&facts, &run->row, &event);
        sim_check_event_due(sim, &event);
        event.metadata_count = 0;
    }
    if (run->row.start_time > 0 && look->old.start_time == 0) {
        event.kind = GF_EVENT_RUN_STARTED;
        sim_check_event_due(sim, &event);
        run->forward_start = sim->forward;
    }
    if (run->row.cancel_requested && !look->old.cancel_requested) {
        event.kind = GF_EVENT_RUN_CANCELLATION_STARTED;
        sim_facts_force(&facts, sim, &event);
        sim_check_event_due(sim, &event);
    }
    if (run->row.state == GF_RUN_STATE_COMPLETE && look->old.state != GF_RUN_STATE_COMPLETE) {
        event.kind = GF_EVENT_RUN_COMPLETED;
        sim_facts_reason(&facts, &run->row.reason, &event);
        event.status = (int32_t)run->row.status;
        sim_check_event_due(sim, &event);
    }
}

static void check_state(struct sim *sim, const struct sim_run_look *look) {
    const struct gf_run *old = &look->old;
    const struct gf_run *row = &look->run->row;
    SIM_EXPECT(sim, row_immutable,
               old->state != GF_RUN_STATE_COMPLETE && row->state >= old->state &&
                   row->state != GF_RUN_STATE_PENDING,
               RUN_FMT " goes from %s to %s", RUN_ARG(look->run), gf_run_state_name(old->state),
               gf_run_state_name(row->state));
    SIM_EXPECT(sim, row_states,
               (row->state == GF_RUN_STATE_COMPLETE) ==
                       (row->status != GF_RUN_STATUS_UNSPECIFIED) &&
                   (row->state == GF_RUN_STATE_COMPLETE) == (row->end_time > 0) &&
                   (row->state == GF_RUN_STATE_RUNNING) <= (row->start_time > 0),
               RUN_FMT " is %s and %s", RUN_ARG(look->run), gf_run_state_name(row->state),
               gf_run_status_name(row->status));
    SIM_EXPECT(sim, row_immutable,
               (old->start_time == 0 || old->start_time == row->start_time) &&
                   (old->deadline_time == 0 || old->deadline_time == row->deadline_time) &&
                   row->cancel_requested >= old->cancel_requested,
               RUN_FMT ": times of its start", RUN_ARG(look->run));
    if (sim_run_is_ending(old) && row->state != GF_RUN_STATE_COMPLETE) {
        SIM_EXPECT(sim, row_immutable, old->reason.kind == row->reason.kind,
                   RUN_FMT " is ended for another reason than before", RUN_ARG(look->run));
    }
    SIM_EXPECT(sim, row_states,
               row->state == GF_RUN_STATE_QUEUED || row->start_time == 0 || look->run->tasks_made,
               RUN_FMT " runs without tasks", RUN_ARG(look->run));
    if (row->state == GF_RUN_STATE_RUNNING) {
        SIM_EXPECT(sim, row_states, look->run->tasks_left > 0, RUN_FMT " has nothing left to do",
                   RUN_ARG(look->run));
    }
}

/* Whatever runs of a run that is being ended was told to stop. */
static void check_told(struct sim *sim, const struct sim_run *run) {
    for (int64_t i = 0; run->tasks_made && i < run->task_count; i++) {
        const struct sim_task *task = &run->tasks[i];
        SIM_EXPECT(sim, stop_reaches,
                   task->row.state == GF_TASK_STATE_COMPLETE ||
                       (sim_row_is_live(&task->row) && task->told_stop),
                   RUN_FMT " is being ended, and its task '%" GF_STR_FMT "' is not", RUN_ARG(run),
                   GF_STR_ARG(task->row.task_id));
    }
}

void sim_check_runs(struct sim *sim) {
    for (size_t i = 0; i < sim->run_looks.count; i++) {
        const struct sim_run_look *look = &sim->run_looks.items[i];
        struct sim_run *run = look->run;
        check_state(sim, look);
        check_events_due(sim, look);
        if (look->old.run_key == 0) {
            check_new(sim, run);
        }
        const bool is_ending = run->row.cancel_requested ||
                               (run->row.state != GF_RUN_STATE_COMPLETE &&
                                run->row.reason.kind != GF_REASON_UNSPECIFIED) ||
                               run->row.reason.kind == GF_REASON_TIMED_OUT;
        if (is_ending && look->old.reason.kind == GF_REASON_UNSPECIFIED) {
            check_begins_to_end(sim, look);
        }
        if (run->row.state == GF_RUN_STATE_COMPLETE) {
            check_final_status(sim, run);
        } else if (is_ending) {
            check_told(sim, run);
        }
    }
    for (size_t i = 0; i < sim->task_looks.count; i++) {
        const struct sim_task *task = sim->task_looks.items[i].task;
        SIM_EXPECT(sim, stop_reaches,
                   !task->row.cancel_requested || !sim_row_is_live(&task->row) || task->told_stop,
                   RUN_FMT ": task '%" GF_STR_FMT "' is cancelled and was not told",
                   RUN_ARG(task->run), GF_STR_ARG(task->row.task_id));
    }
}
