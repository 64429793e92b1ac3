#include "tests/fault/kill/verify.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "gofer/v1/run.gofer.h"
#include "tests/fault/kill/verify_tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SETTLE_SECONDS = 120,
    PAGE = 1000,
    CALL_TIMEOUT_MS = 30 * 1000,
};

static const struct gf_rpc_call_opts OPTS = {.timeout_ms = CALL_TIMEOUT_MS};

/* What is kept of a run until all of its pipeline are known. */
struct seen_run {
    int64_t run_id;
    int64_t start_ns; /* 0 = it never started */
    int64_t end_ns;
    char key[WORK_NAME_BYTES];
};

struct seen_runs GF_VEC_FIELDS(struct seen_run);

static int64_t nanoseconds(const Google__Protobuf__Timestamp *time) {
    return time == NULL ? 0 : time->seconds * GF_NS_PER_SEC + time->nanos;
}

/* ---- Settling ---- */

/* How many runs of the pipeline have not ended, up to a page. */
static size_t count_active(struct worker *worker, enum work_pipeline pipeline) {
    Gofer__V1__RunState states[] = {GOFER__V1__RUN_STATE__RUN_STATE_PENDING,
                                    GOFER__V1__RUN_STATE__RUN_STATE_QUEUED,
                                    GOFER__V1__RUN_STATE__RUN_STATE_RUNNING};
    Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    Gofer__V1__ListRunsResponse *response = NULL;
    struct gf_error err = {0};
    gf_arena_reset(&worker->arena);
    request.pipeline_id = gf_arena_printf(&worker->arena, "%s", work_pipeline_id(pipeline));
    request.page_size = PAGE;
    request.states = states;
    request.n_states = GF_ARRAY_COUNT(states);
    if (gofer_v1_run_service_list_runs(worker->channel, &OPTS, &request, &worker->arena, &response,
                                       &err) != GF_OK) {
        work_failed("list active runs: %s", err.message);
    }
    return response->n_runs > 0 || response->next_page_token[0] != '\0' ? response->n_runs + 1 : 0;
}

void verify_settled(struct worker *worker) {
    const int64_t deadline_ns = gf_mono_ns() + SETTLE_SECONDS * GF_NS_PER_SEC;
    for (int i = 0; i < WORK_PIPELINE_COUNT; i++) {
        while (count_active(worker, (enum work_pipeline)i) > 0) {
            if (gf_mono_ns() > deadline_ns) {
                work_failed("runs of '%s' are stuck", work_pipeline_id((enum work_pipeline)i));
            }
            const struct timespec pause = {.tv_nsec = 20 * GF_NS_PER_MS};
            (void)nanosleep(&pause, NULL);
        }
    }
}

/* ---- One run ---- */

static void check_status(const struct operation *operation, const Gofer__V1__Run *run,
                         bool native) {
    const bool fails =
        native && (operation->pipeline == WORK_flaky || operation->pipeline == WORK_late);
    const Gofer__V1__RunStatus natural = fails ? GOFER__V1__RUN_STATUS__RUN_STATUS_FAILED
                                               : GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL;
    const Gofer__V1__RunStatusReasonKind reason =
        run->status_reason == NULL
            ? GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_UNSPECIFIED
            : run->status_reason->kind;
    const bool displaced =
        (operation->pipeline == WORK_oldest &&
         reason == GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_DISPLACED) ||
        (operation->key == WORK_KEYS &&
         reason == GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_COALESCED);
    const bool may_be_cancelled =
        operation->cancelled || displaced || operation->pipeline == WORK_swept;
    if (run->state != GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE ||
        (run->status != natural &&
         !(run->status == GOFER__V1__RUN_STATUS__RUN_STATUS_CANCELLED && may_be_cancelled))) {
        work_failed("run %" PRId64 " of '%s': state %d, status %d, reason %d: %s", run->run_id,
                    run->pipeline_id, run->state, run->status, reason,
                    run->status_reason == NULL ? "" : run->status_reason->description);
    }
}

/* The label says by which operation it was started. A retry has the label of what it repeats. */
static void check_label(const struct operation *operation, const Gofer__V1__Run *run) {
    while (operation->kind == OPERATION_RETRY) {
        operation = operation->target;
    }
    char wanted[WORK_NAME_BYTES];
    (void)snprintf(wanted, sizeof(wanted), "kill-%" PRId64, operation->number);
    if (run->n_labels != 1 || strcmp(run->labels[0]->value, wanted) != 0) {
        work_failed("run %" PRId64 " of '%s' has not the label of its operation, %s", run->run_id,
                    run->pipeline_id, wanted);
    }
}

static void see(struct seen_runs *seen, const Gofer__V1__Run *run) {
    struct seen_run one = {.run_id = run->run_id,
                           .start_ns = nanoseconds(run->start_time),
                           .end_ns = nanoseconds(run->end_time)};
    (void)snprintf(one.key, sizeof(one.key), "%s", run->ordering_key);
    gf_vec_push(seen, one);
}

/* ---- The runs of a pipeline ---- */

static void check_apart(const struct seen_run *run, const struct seen_run *later,
                        enum work_pipeline pipeline, const char *why) {
    if (later->start_ns < run->end_ns) {
        work_failed("runs %" PRId64 " and %" PRId64 " of '%s' were under way at once: %s",
                    run->run_id, later->run_id, work_pipeline_id(pipeline), why);
    }
}

/* `seen` is in the order of creation. */
static void check_keys(const struct seen_runs *seen, enum work_pipeline pipeline) {
    for (int key = 1; key <= WORK_KEYS; key++) {
        char name[WORK_NAME_BYTES];
        (void)snprintf(name, sizeof(name), "key-%d", key);
        const struct seen_run *last = NULL;
        for (size_t i = 0; i < seen->count; i++) {
            const struct seen_run *run = &seen->items[i];
            if (run->start_ns != 0 && strcmp(run->key, name) == 0) {
                if (last != NULL) {
                    check_apart(last, run, pipeline, "they have the same ordering key");
                }
                last = run;
            }
        }
    }
}

static int compare_starts(const void *a, const void *b) {
    const struct seen_run *left = a;
    const struct seen_run *right = b;
    return left->start_ns != right->start_ns ? (left->start_ns < right->start_ns ? -1 : 1)
           : left->end_ns < right->end_ns    ? -1
                                             : left->end_ns > right->end_ns;
}

/* At most `limit` runs at once: a run starts after the end of the one `limit` places before. */
static void check_parallelism(struct seen_runs *seen, enum work_pipeline pipeline, size_t limit) {
    if (seen->count == 0) {
        return;
    }
    qsort(seen->items, seen->count, sizeof(*seen->items), compare_starts);
    int64_t ends[2] = {0};
    gf_assert(limit <= GF_ARRAY_COUNT(ends));
    for (size_t i = 0; i < seen->count; i++) {
        const struct seen_run *run = &seen->items[i];
        if (run->start_ns == 0) {
            continue;
        }
        size_t slot = 0;
        for (size_t j = 1; j < limit; j++) {
            slot = ends[j] < ends[slot] ? j : slot;
        }
        if (run->start_ns < ends[slot]) {
            work_failed("run %" PRId64 " of '%s' was one too many at a time", run->run_id,
                        work_pipeline_id(pipeline));
        }
        ends[slot] = run->end_ns;
    }
}

static size_t parallelism(enum work_pipeline pipeline) {
    switch (pipeline) {
    case WORK_queue:
    case WORK_reject:
        return 1;
    case WORK_oldest:
    case WORK_swept:
        return 2;
    case WORK_plain:
    case WORK_flaky:
    case WORK_keyed:
    case WORK_slow:
    case WORK_late:
    case WORK_secret:
    case WORK_PIPELINE_COUNT:
        break;
    }
    return 0;
}

/* The acknowledged operations of a pipeline by the number of their run. */
struct expected {
    const struct operation **by_run;
    int64_t newest;
    int64_t count;
};

static struct expected expect(const struct work *work, enum work_pipeline pipeline) {
    struct expected expected = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < work->operations.count; i++) {
            const struct operation *operation = work->operations.items[i];
            if ((operation->kind != OPERATION_START && operation->kind != OPERATION_RETRY) ||
                operation->pipeline != pipeline || operation->code != GF_OK) {
                continue;
            }
            if (pass == 0) {
                expected.newest =
                    operation->result > expected.newest ? operation->result : expected.newest;
            } else if (expected.by_run[operation->result] != NULL) {
                work_failed("run %" PRId64 " of '%s' was given to two operations",
                            operation->result, work_pipeline_id(pipeline));
            } else {
                expected.by_run[operation->result] = operation;
                expected.count++;
            }
        }
        if (pass == 0) {
            expected.by_run = gf_calloc((size_t)expected.newest + 1, sizeof(struct operation *));
        }
    }
    return expected;
}

static int64_t check_page(struct worker *worker, const Gofer__V1__ListRunsResponse *page,
                          enum work_pipeline pipeline, const struct expected *expected,
                          struct seen_runs *seen) {
    struct verify_tasks tasks;
    verify_tasks_init(&tasks, worker, pipeline);
    for (size_t i = 0; i < page->n_runs; i++) {
        const Gofer__V1__Run *run = page->runs[i];
        const struct operation *operation =
            run->run_id <= expected->newest ? expected->by_run[run->run_id] : NULL;
        if (operation == NULL) {
            work_failed("run %" PRId64 " of '%s' was acknowledged to nobody", run->run_id,
                        run->pipeline_id);
        }
        check_status(operation, run, worker->work->native);
        check_label(operation, run);
        verify_tasks_check(&tasks, operation, run,
                           operation->cancelled ||
                               run->status == GOFER__V1__RUN_STATUS__RUN_STATUS_CANCELLED);
        see(seen, run);
    }
    verify_tasks_fini(&tasks);
    return tasks.attempt_count;
}

static void check_pipeline(struct worker *worker, enum work_pipeline pipeline, int64_t *out_runs,
                           int64_t *out_attempts) {
    const struct expected expected = expect(worker->work, pipeline);
    struct seen_runs seen = {0};
    char *token = gf_strdup("");
    do {
        Gofer__V1__ListRunsRequest request = GOFER__V1__LIST_RUNS_REQUEST__INIT;
        Gofer__V1__ListRunsResponse *response = NULL;
        struct gf_error err = {0};
        gf_arena_reset(&worker->arena);
        request.pipeline_id = gf_arena_printf(&worker->arena, "%s", work_pipeline_id(pipeline));
        request.page_size = PAGE;
        request.oldest_first = true;
        request.page_token = token;
        if (gofer_v1_run_service_list_runs(worker->channel, &OPTS, &request, &worker->arena,
                                           &response, &err) != GF_OK) {
            work_failed("list runs: %s", err.message);
        }
        *out_attempts += check_page(worker, response, pipeline, &expected, &seen);
        free(token);
        token = gf_strdup(response->next_page_token);
    } while (token[0] != '\0');
    free(token);
    if ((int64_t)seen.count != expected.count) {
        work_failed("'%s' has %zu runs, %" PRId64 " were acknowledged", work_pipeline_id(pipeline),
                    seen.count, expected.count);
    }
    check_keys(&seen, pipeline);
    if (parallelism(pipeline) > 0) {
        check_parallelism(&seen, pipeline, parallelism(pipeline));
    }
    *out_runs += expected.count;
    gf_vec_fini(&seen);
    free(expected.by_run);
}

void verify_ledger(struct worker *worker, int64_t *out_runs, int64_t *out_attempts) {
    *out_runs = 0;
    *out_attempts = 0;
    for (int i = 0; i < WORK_PIPELINE_COUNT; i++) {
        check_pipeline(worker, (enum work_pipeline)i, out_runs, out_attempts);
    }
}
