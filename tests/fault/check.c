#include "tests/fault/check.h"

#include "tests/fault/steps.h"

#include <inttypes.h>

enum {
    ARENA_BYTES = 256 << 20,
    RUNS_MAX = 4096,
    EVENTS_AT_ONCE = 1000,
};

/* A look at the store. */
struct look {
    struct gf_store *store;
    struct gf_store_reader *reader;
    struct gf_arena arena;
    const struct ledger *past;
};

static void begin(struct look *look, struct gf_store *store, const struct ledger *past) {
    *look = (struct look){.store = store, .past = past};
    gf_arena_init(&look->arena, ARENA_BYTES);
    look->reader = store->ops->open_reader(store);
}

static void end(struct look *look) {
    look->store->ops->close_reader(look->store, look->reader);
    gf_arena_fini(&look->arena);
}

static bool find_pipeline(struct look *look, enum step_pipeline pipeline, struct gf_pipeline *out) {
    return look->store->ops->get_pipeline(look->reader, GF_STR("default"),
                                          gf_str_from(step_pipeline_id(pipeline)), &look->arena,
                                          out, NULL) == GF_OK;
}

/* The run that a step started, as the ledger has it. */
static struct gf_run run_of(struct look *look, int step, const struct ledger_record *record) {
    const enum step_pipeline name = step_at(step).pipeline;
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    must(find_pipeline(look, name, &pipeline), "pipeline '%s' is lost", step_pipeline_id(name));
    must(look->store->ops->get_run(look->reader, pipeline.pipeline_key, record->run_id,
                                   &look->arena, &run, NULL) == GF_OK,
         "step %d: run %" PRId64 " of '%s' is lost", step, record->run_id, step_pipeline_id(name));
    return run;
}

static struct gf_task_execution task_of(struct look *look, struct gf_attempt attempt) {
    struct gf_task_execution *tasks = NULL;
    size_t count = 0;
    must(look->store->ops->list_tasks(look->reader, attempt.run_key, attempt.task_index - 1, 1,
                                      &look->arena, &tasks, &count, NULL) == GF_OK &&
             count == 1,
         "run_key %" PRId64 ": task %d is lost", attempt.run_key, attempt.task_index);
    return tasks[0];
}

/* ---- After a crash ---- */

static void check_step(struct look *look, const struct ledger_record *record) {
    const struct step step = step_at(record->step);
    struct gf_namespace ns = {0};
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    struct gf_extension extension = {0};
    struct gf_subscription subscription = {0};
    switch (step.kind) {
    case STEP_CREATE_NAMESPACE:
        must(look->store->ops->get_namespace(look->reader, GF_STR("other"), &look->arena, &ns,
                                             NULL) == GF_OK,
             "the namespace is lost");
        break;
    case STEP_REGISTER:
        must(find_pipeline(look, step.pipeline, &pipeline), "step %d is lost", record->step);
        must(pipeline.live_version >= record->number, "step %d: version %" PRId64 " is not live",
             record->step, record->number);
        break;
    case STEP_INSTALL:
        must(look->store->ops->extensions->get(look->reader, STEP_EXTENSION, &look->arena,
                                               &extension, NULL) == GF_OK,
             "the extension is lost");
        break;
    case STEP_SUBSCRIBE:
        must(look->store->ops->extensions->get_subscription(
                 look->reader, GF_STR("default"), gf_str_from(step_pipeline_id(step.pipeline)),
                 STEP_EXTENSION, STEP_SUBSCRIPTION, &look->arena, &subscription, NULL) == GF_OK,
             "the subscription is lost");
        break;
    case STEP_EVENT:
        if (record->run_id == 0) {
            break; /* it waits for the end of the pause */
        }
        /* fall through */
    case STEP_START:
    case STEP_RETRY:
        run = run_of(look, record->step, record);
        must(run.run_key == record->run_key || record->run_key == 0,
             "step %d: its run has another key", record->step);
        break;
    case STEP_CANCEL:
        run = run_of(look, step.target,
                     ledger_find_step(look->past, LEDGER_ACKNOWLEDGED, step.target));
        must(run.cancel_requested || run.state == GF_RUN_STATE_COMPLETE,
             "step %d: the cancel is lost", record->step);
        break;
    case STEP_PAUSE:
    case STEP_RESUME:
    case STEP_DISABLE:
    case STEP_ENABLE:
        break; /* check_switches */
    }
}

/* A switch is as the last acknowledgement says, unless a later step may have turned it. */
static void check_switches(struct look *look) {
    struct gf_preferences preferences = {0};
    struct gf_pipeline plain = {0};
    must(look->store->ops->get_preferences(look->reader, &look->arena, &preferences, NULL) == GF_OK,
         "the preferences cannot be read");
    const bool has_plain = find_pipeline(look, STEP_PIPELINE_plain, &plain);
    for (int i = 0; i < STEP_COUNT; i++) {
        const enum step_kind kind = step_at(i).kind;
        if (ledger_find_step(look->past, LEDGER_ACKNOWLEDGED, i) == NULL) {
            continue;
        }
        const bool turned_back =
            i + 2 * STEP_WINDOW < STEP_COUNT &&
            ledger_find_step(look->past, LEDGER_GIVEN, i + 2 * STEP_WINDOW) != NULL;
        if (kind == STEP_PAUSE && !turned_back) {
            must(preferences.run_starts_paused, "the pause is lost");
        } else if (kind == STEP_RESUME) {
            must(!preferences.run_starts_paused, "the end of the pause is lost");
        } else if (kind == STEP_DISABLE && !turned_back) {
            must(has_plain && plain.state == GF_PIPELINE_STATE_DISABLED, "the disabling is lost");
        } else if (kind == STEP_ENABLE) {
            must(has_plain && plain.state == GF_PIPELINE_STATE_ACTIVE, "the enabling is lost");
        }
    }
}

void check_acknowledged(struct gf_store *store, const struct ledger *past) {
    struct look look;
    begin(&look, store, past);
    for (size_t i = 0; i < past->count; i++) {
        const struct ledger_record *record = &past->items[i];
        if (record->kind == LEDGER_ACKNOWLEDGED) {
            check_step(&look, record);
        } else if (record->kind == LEDGER_LAUNCHED) {
            must(task_of(&look, record->attempt).attempt >= record->attempt.attempt,
                 "an attempt of run_key %" PRId64 " was launched before it was stored",
                 record->attempt.run_key);
        } else if (record->kind == LEDGER_FORGOTTEN) {
            const struct gf_task_execution task = task_of(&look, record->attempt);
            must(task.attempt > record->attempt.attempt || task.state == GF_TASK_STATE_COMPLETE ||
                     task.state == GF_TASK_STATE_WAITING,
                 "the end of an attempt of run_key %" PRId64 " was forgotten before it was stored",
                 record->attempt.run_key);
        }
    }
    check_switches(&look);
    end(&look);
}

/* ---- In the end ---- */

/* What the run was asked for with: a request_id, or the key of an extension. */
static struct gf_str name_of(const struct gf_run *run) {
    return run->request_id.len > 0 ? run->request_id : run->initiator.key;
}

/* The step that started the run; -1 = none. */
static int step_of(const struct gf_run *run) {
    int64_t number = -1;
    struct gf_str rest = name_of(run);
    if (!gf_str_has_prefix(rest, GF_STR("step-"))) {
        return -1;
    }
    rest = (struct gf_str){rest.ptr + 5, rest.len - 5};
    return gf_parse_i64(rest, &number) && number < STEP_COUNT ? (int)number : -1;
}

/* Whether a cancel of the step's run was acknowledged as one, or given without an answer. */
static bool cancelled(const struct ledger *past, int step, bool *out_perhaps) {
    bool surely = false;
    for (int i = 0; i < STEP_COUNT; i++) {
        const struct step other = step_at(i);
        if (other.kind == STEP_CANCEL && other.target == step) {
            const struct ledger_record *record = ledger_find_step(past, LEDGER_ACKNOWLEDGED, i);
            surely = surely || (record != NULL && !record->unchanged);
            *out_perhaps = *out_perhaps || ledger_find_step(past, LEDGER_GIVEN, i) != NULL;
        }
    }
    return surely;
}

static void check_status(struct look *look, const struct gf_run *run, int number) {
    const struct step step = step_at(number);
    bool perhaps = false;
    const bool surely = cancelled(look->past, number, &perhaps);
    const enum gf_run_status natural =
        step.pipeline == STEP_PIPELINE_flaky ? GF_RUN_STATUS_FAILED : GF_RUN_STATUS_SUCCESSFUL;
    const bool displaced =
        (run->reason.kind == GF_REASON_DISPLACED && step.pipeline == STEP_PIPELINE_oldest) ||
        (run->reason.kind == GF_REASON_COALESCED && step.ordering == GF_RUN_ORDERING_NEWEST);
    /* A cancel may come too late for the last task: then the run is what its tasks are. */
    must(!surely || run->status == GF_RUN_STATUS_CANCELLED || run->start_time != 0,
         "run %" PRId64 " of '%s' was cancelled before it started, and ran", run->run_id,
         step_pipeline_id(step.pipeline));
    must(run->status == natural ||
             (run->status == GF_RUN_STATUS_CANCELLED && (surely || perhaps || displaced)),
         "run %" PRId64 " of '%s' (step %d) ended as %s: %.*s", run->run_id,
         step_pipeline_id(step.pipeline), number, gf_run_status_name(run->status),
         (int)run->reason.text.len, run->reason.text.ptr);
}

static void check_tasks(struct look *look, const struct gf_run *run, enum step_pipeline pipeline) {
    struct gf_task_execution *tasks = NULL;
    struct gf_task_execution *attempts = NULL;
    size_t count = 0;
    size_t attempt_count = 0;
    must(look->store->ops->list_tasks(look->reader, run->run_key, -1, 100, &look->arena, &tasks,
                                      &count, NULL) == GF_OK,
         "tasks cannot be read");
    for (size_t i = 0; i < count; i++) {
        const bool flaky = gf_str_eq(tasks[i].task_id, GF_STR("flaky"));
        const bool bad = gf_str_eq(tasks[i].task_id, GF_STR("bad"));
        const int32_t attempts_max = flaky ? 3 : bad ? 2 : 1;
        must(tasks[i].state == GF_TASK_STATE_COMPLETE,
             "run_key %" PRId64 ": task %zu has not ended", run->run_key, i);
        must(tasks[i].attempt <= attempts_max,
             "run_key %" PRId64 ": task %zu was made %d times, %d are allowed", run->run_key, i,
             tasks[i].attempt, attempts_max);
        must(look->store->ops->list_attempts(look->reader, run->run_key, (int32_t)i, &look->arena,
                                             &attempts, &attempt_count, NULL) == GF_OK &&
                 (tasks[i].attempt == 0 || attempt_count == (size_t)tasks[i].attempt - 1),
             "run_key %" PRId64 ": task %zu has %zu earlier attempts, its number is %d",
             run->run_key, i, attempt_count, tasks[i].attempt);
        must(run->status != GF_RUN_STATUS_SUCCESSFUL ||
                 tasks[i].status == GF_TASK_STATUS_SUCCESSFUL ||
                 tasks[i].status == GF_TASK_STATUS_SKIPPED,
             "run_key %" PRId64 " was successful, its task %zu %s", run->run_key, i,
             gf_task_status_name(tasks[i].status));
        if (pipeline == STEP_PIPELINE_flaky && run->status == GF_RUN_STATUS_FAILED) {
            const bool never = gf_str_eq(tasks[i].task_id, GF_STR("fine-never"));
            must(tasks[i].status == (bad     ? GF_TASK_STATUS_FAILED
                                     : never ? GF_TASK_STATUS_SKIPPED
                                             : GF_TASK_STATUS_SUCCESSFUL),
                 "run_key %" PRId64 ": task %zu ended as %s", run->run_key, i,
                 gf_task_status_name(tasks[i].status));
        }
    }
}

/* `later` may not have begun before `run` had ended. */
static void check_order(const struct gf_run *run, const struct gf_run *later, const char *what) {
    must(later->start_time == 0 || run->start_time == 0 || run->end_time <= later->start_time,
         "runs %" PRId64 " and %" PRId64 " were under way at once: %s", run->run_id, later->run_id,
         what);
}

static void check_pair(const struct gf_run *run, const struct gf_run *later,
                       enum step_pipeline pipeline) {
    must(name_of(run).len == 0 || !gf_str_eq(name_of(run), name_of(later)),
         "runs %" PRId64 " and %" PRId64 " of '%s' were asked for once", run->run_id, later->run_id,
         step_pipeline_id(pipeline));
    if (run->ordering_key.len > 0 && gf_str_eq(run->ordering_key, later->ordering_key)) {
        check_order(run, later, "they have the same ordering key");
    }
    if (pipeline == STEP_PIPELINE_queue || pipeline == STEP_PIPELINE_reject) {
        const bool earlier = run->start_time <= later->start_time;
        check_order(earlier ? run : later, earlier ? later : run, "their pipeline allows one");
    }
}

static void check_pipeline(struct look *look, enum step_pipeline name) {
    struct gf_pipeline pipeline = {0};
    if (!find_pipeline(look, name, &pipeline)) {
        return;
    }
    const struct gf_run_list_options options = {.ascending = true, .limit = RUNS_MAX};
    struct gf_run *runs = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    must(look->store->ops->list_runs(look->reader, pipeline.pipeline_key, &options, &look->arena,
                                     &runs, &count, &scanned, NULL) == GF_OK,
         "runs cannot be read");
    for (size_t i = 0; i < count; i++) {
        must(runs[i].state == GF_RUN_STATE_COMPLETE, "run %" PRId64 " of '%s' has not ended",
             runs[i].run_id, step_pipeline_id(name));
        must(i == 0 || runs[i].run_id > runs[i - 1].run_id, "a run is listed twice");
        const int step = step_of(&runs[i]);
        must(step >= 0, "a run of '%s' was started by nobody", step_pipeline_id(name));
        check_status(look, &runs[i], step);
        check_tasks(look, &runs[i], name);
        for (size_t j = i + 1; j < count; j++) {
            check_pair(&runs[i], &runs[j], name);
        }
    }
}

/* No gap, and one end of each run that has ended. */
static void check_events(struct look *look) {
    const struct gf_event_filter filter = {0};
    int64_t sequence = 0;
    int64_t started = 0;
    int64_t ended = 0;
    for (;;) {
        struct gf_event *events = NULL;
        size_t count = 0;
        int64_t scanned = 0;
        must(look->store->ops->list_events(look->reader, &filter, sequence, EVENTS_AT_ONCE,
                                           &look->arena, &events, &count, &scanned, NULL) == GF_OK,
             "events cannot be read");
        for (size_t i = 0; i < count; i++) {
            must(events[i].sequence == ++sequence, "event %" PRId64 " is missing", sequence);
            started += events[i].kind == GF_EVENT_RUN_QUEUED;
            ended += events[i].kind == GF_EVENT_RUN_COMPLETED;
        }
        if (count == 0) {
            break;
        }
    }
    must(started == 0 || started == ended,
         "%" PRId64 " runs were queued and %" PRId64 " ended, the events say", started, ended);
}

void check_ended(struct gf_store *store, const struct ledger *past) {
    struct look look;
    begin(&look, store, past);
    for (int i = 0; i < STEP_PIPELINE_COUNT; i++) {
        check_pipeline(&look, (enum step_pipeline)i);
    }
    check_events(&look);
    end(&look);
}
