/*
 * Every container begins with a line of its task and its attempt: so the log of an attempt that was
 * started twice has two of them, and one that was lost has none.
 */
#include "tests/fault/kill/verify_tasks.h"

#include "base/alloc.h"
#include "base/str.h"
#include "gofer/v1/task_execution.gofer.h"
#include "tests/fault/kill/things.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ARENA_BYTES = 16 << 20,
    CALL_TIMEOUT_MS = 30 * 1000,
    LOG_BYTES_MAX = 1 << 20,
    TOKEN_BYTES_MIN = 20, /* of the text of a run's token */
};

static const struct gf_rpc_call_opts OPTS = {.timeout_ms = CALL_TIMEOUT_MS};

#define SUCCESSFUL GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SUCCESSFUL
#define FAILED GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_FAILED
#define CANCELLED GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_CANCELLED
#define SKIPPED GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_SKIPPED

/* How a task ends that nobody cancels. The null scheduler lets every attempt succeed. */
struct fate {
    enum work_pipeline pipeline;
    const char *task_id;
    const char *output; /* behind the first line; NULL = the run's input, or of secrets */
    int attempts;
    Gofer__V1__TaskExecutionStatus status;
    Gofer__V1__TaskExecutionStatus null_status;
};

static const struct fate FATES[] = {
    {WORK_plain, "main", NULL, 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_flaky, "flaky", "", 3, SUCCESSFUL, SUCCESSFUL},
    {WORK_flaky, "after", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_flaky, "bad", "", 2, FAILED, SUCCESSFUL},
    {WORK_flaky, "mourns", "", 1, SUCCESSFUL, SKIPPED},
    {WORK_flaky, "never", "", 0, SKIPPED, SKIPPED},
    {WORK_queue, "main", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_queue, "second", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_reject, "main", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_oldest, "main", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_keyed, "main", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_keyed, "second", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_swept, "main", "", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_slow, "counts", "1\n2\n3\n4\n5\n6\n7\n8\n", 1, SUCCESSFUL, SUCCESSFUL},
    {WORK_late, "main", "", 2, FAILED, SUCCESSFUL},
    {WORK_secret, "main", NULL, 1, SUCCESSFUL, SUCCESSFUL},
};

void verify_tasks_init(struct verify_tasks *tasks, struct worker *worker,
                       enum work_pipeline pipeline) {
    *tasks = (struct verify_tasks){.worker = worker, .pipeline = pipeline};
    gf_arena_init(&tasks->arena, ARENA_BYTES);
}

void verify_tasks_fini(struct verify_tasks *tasks) {
    gf_arena_fini(&tasks->arena);
}

static const struct fate *fate_of(enum work_pipeline pipeline, const char *task_id) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(FATES); i++) {
        if (FATES[i].pipeline == pipeline && strcmp(FATES[i].task_id, task_id) == 0) {
            return &FATES[i];
        }
    }
    work_failed("'%s' has a task '%s'", work_pipeline_id(pipeline), task_id);
}

/* ---- What the containers wrote ---- */

static void read_log(struct verify_tasks *tasks, const Gofer__V1__TaskExecution *task, int attempt,
                     struct gf_strbuf *out) {
    Gofer__V1__FollowTaskExecutionLogsRequest request =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    request.pipeline_id = task->pipeline_id;
    request.run_id = task->run_id;
    request.task_id = task->task_id;
    request.attempt = attempt;
    request.no_wait = true;
    struct gf_error err = {0};
    struct gf_rpc_stream *stream = NULL;
    Gofer__V1__FollowTaskExecutionLogsResponse *response = NULL;
    enum gf_code rc = gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
        tasks->worker->channel, &OPTS, &request, &stream, &err);
    while (rc == GF_OK) {
        rc = gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
            stream, -1, &tasks->arena, &response, &err);
        if (rc != GF_OK || response == NULL) {
            break;
        }
        for (size_t i = 0; i < response->n_chunks; i++) {
            const ProtobufCBinaryData *content = &response->chunks[i]->content;
            gf_strbuf_append(out, (struct gf_str){(const char *)content->data, content->len});
        }
    }
    gf_rpc_stream_destroy(stream);
    if (rc != GF_OK) {
        work_failed("log of '%s' run %" PRId64 ", task '%s', attempt %d: %s", task->pipeline_id,
                    task->run_id, task->task_id, attempt, err.message);
    }
}

/*
 * The task got a value of `size` bytes that ends with `number`: it must be a whole one, and not one
 * that had been replaced before the run was asked for.
 */
static void check_value(struct verify_tasks *tasks, const struct operation *operation,
                        const char *key, int64_t size, int64_t number) {
    const struct thing *thing = things_used(tasks->worker, key);
    const struct change *change = thing_change(thing, number);
    if (change == NULL || size != (int64_t)strlen(thing_value(tasks->worker, number))) {
        work_failed("operation %" PRId64 ": its task got a value of '%s' of %" PRId64
                    " bytes of change %" PRId64 ", which is none",
                    operation->number, key, size, number);
    }
    if (change != thing_newest(thing) && change[1].answered_ns <= operation->given_ns) {
        work_failed("operation %" PRId64 ": its task got the value of '%s' of change %" PRId64
                    ", which was replaced before",
                    operation->number, key, number);
    }
}

/* Behind the first line: a value, which is masked, and numbers that tell of the values. */
static void check_secrets(struct verify_tasks *tasks, const struct operation *operation,
                          const char *text, bool stopped) {
    const struct gf_str start = GF_STR("main 1\n***\n");
    const struct gf_str log = gf_str_from(text);
    int64_t numbers[5] = {0};
    size_t count = 0;
    if (stopped && (log.len <= start.len || !gf_str_has_suffix(log, GF_STR("\n")))) {
        return;
    }
    bool well = gf_str_has_prefix(log, start) && gf_str_has_suffix(log, GF_STR("\n"));
    struct gf_str rest =
        well ? (struct gf_str){log.ptr + start.len, log.len - start.len - 1} : GF_STR("");
    for (; well && count < GF_ARRAY_COUNT(numbers); count++) {
        struct gf_str word = rest;
        (void)gf_str_cut(rest, ' ', &word, &rest);
        well = gf_parse_i64(word, &numbers[count]);
    }
    if (!well || numbers[4] < TOKEN_BYTES_MIN) {
        work_failed("operation %" PRId64 ": the log of its task is \"%s\"", operation->number,
                    text);
    }
    check_value(tasks, operation, THING_USED_SECRET, numbers[0], numbers[1]);
    check_value(tasks, operation, THING_USED_GLOBAL, numbers[2] - (int64_t)strlen("with "),
                numbers[3]);
}

/* Whole, unless the attempt was stopped: then it may end anywhere. */
static void check_log(struct verify_tasks *tasks, const struct fate *fate,
                      const struct operation *operation, const Gofer__V1__TaskExecution *task,
                      int attempt, bool stopped) {
    struct gf_strbuf log;
    gf_strbuf_init(&log, LOG_BYTES_MAX);
    read_log(tasks, task, attempt, &log);
    if (fate->pipeline == WORK_secret) {
        GF_CLEANUP(gf_free_p) char *secrets = gf_strbuf_take(&log);
        check_secrets(tasks, operation, secrets, stopped);
        return;
    }
    const char *output = fate->output != NULL
                             ? fate->output
                             : gf_arena_printf(&tasks->arena, "kill-%" PRId64, operation->number);
    const char *wanted =
        gf_arena_printf(&tasks->arena, "%s %d\n%s", fate->task_id, attempt, output);
    GF_CLEANUP(gf_free_p) char *text = gf_strbuf_take(&log);
    const size_t length = strlen(text);
    if (strcmp(text, wanted) != 0 && !(stopped && strncmp(text, wanted, length) == 0)) {
        work_failed("'%s' run %" PRId64 ", task '%s', attempt %d: the log is \"%s\", expected "
                    "\"%s\"",
                    task->pipeline_id, task->run_id, task->task_id, attempt, text, wanted);
    }
}

/* ---- Tasks ---- */

/*
 * A run that somebody wanted to end: what had not ended by then is CANCELLED or SKIPPED, and an
 * attempt that failed by itself just then is not followed by another one.
 */
static bool may_end_early(const struct fate *fate, Gofer__V1__TaskExecutionStatus status) {
    return status == CANCELLED || status == SKIPPED || (fate->attempts > 1 && status == FAILED);
}

static void check_task(struct verify_tasks *tasks, const struct operation *operation,
                       const Gofer__V1__TaskExecution *task, bool cancelled) {
    const struct fate *fate = fate_of(tasks->pipeline, task->task_id);
    const bool native = tasks->worker->work->native;
    const int attempts = native ? fate->attempts : fate->attempts < 1 ? fate->attempts : 1;
    const Gofer__V1__TaskExecutionStatus natural = native ? fate->status : fate->null_status;
    const bool whole = task->status == natural &&
                       (task->attempt == attempts || task->kept_run_id != 0 || natural == SKIPPED);
    if (task->state != GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE ||
        task->attempt > attempts || !(whole || (cancelled && may_end_early(fate, task->status)))) {
        work_failed("'%s' run %" PRId64 " (%s), task '%s': state %d, status %d, attempt %d: %s",
                    task->pipeline_id, task->run_id, cancelled ? "cancelled" : "not cancelled",
                    task->task_id, task->state, task->status, task->attempt,
                    task->status_reason == NULL ? "" : task->status_reason->description);
    }
    tasks->attempt_count += task->attempt;
    for (int attempt = 1; native && attempt <= task->attempt; attempt++) {
        check_log(tasks, fate, operation, task, attempt,
                  task->status == CANCELLED && attempt == task->attempt);
    }
}

void verify_tasks_check(struct verify_tasks *tasks, const struct operation *operation,
                        const Gofer__V1__Run *run, bool cancelled) {
    Gofer__V1__ListTaskExecutionsRequest request = GOFER__V1__LIST_TASK_EXECUTIONS_REQUEST__INIT;
    Gofer__V1__ListTaskExecutionsResponse *response = NULL;
    struct gf_error err = {0};
    gf_arena_reset(&tasks->arena);
    request.pipeline_id = run->pipeline_id;
    request.run_id = run->run_id;
    if (gofer_v1_task_execution_service_list_task_executions(
            tasks->worker->channel, &OPTS, &request, &tasks->arena, &response, &err) != GF_OK) {
        work_failed("tasks of '%s' run %" PRId64 ": %s", run->pipeline_id, run->run_id,
                    err.message);
    }
    for (size_t i = 0; i < response->n_task_executions; i++) {
        check_task(tasks, operation, response->task_executions[i], cancelled);
    }
}
