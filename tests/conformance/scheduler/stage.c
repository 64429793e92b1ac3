#include "tests/conformance/scheduler/stage.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/tree.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    LOG_BYTES_MAX = 16 << 20,
    PAUSE_MS = 1,
    PIPELINE_KEY = 1,
};

static bool same(struct gf_attempt a, struct gf_attempt b) {
    return a.run_key == b.run_key && a.task_index == b.task_index && a.attempt == b.attempt;
}

/* ---- The ears ---- */

/* The mutex is held. Entries may move: the pointer is good until the next call. */
static struct stage_attempt *entry_of(struct stage *stage, struct gf_attempt attempt) {
    for (size_t i = 0; i < stage->attempts.count; i++) {
        if (same(stage->attempts.items[i].attempt, attempt)) {
            return &stage->attempts.items[i];
        }
    }
    const struct stage_attempt entry = {.attempt = attempt};
    gf_vec_push(&stage->attempts, entry);
    return &stage->attempts.items[stage->attempts.count - 1];
}

static const char *check_report(struct stage *stage, const struct stage_event *event) {
    struct stage_attempt *entry = entry_of(stage, event->attempt);
    if (!stage->open) {
        return "something was reported after the back end was closed";
    }
    if (entry->launches + entry->questions == 0) {
        return "an attempt was reported of which nobody has spoken";
    }
    if (event->kind == STAGE_STARTED) {
        entry->starts++;
        if (entry->ends > 0 && entry->launches + entry->questions < 2) {
            return "a start was reported after the end";
        }
        return entry->starts > entry->launches + entry->questions
                   ? "a start was reported more often than asked for"
                   : NULL;
    }
    entry->ends++;
    return entry->ends > entry->launches + entry->questions
               ? "an end was reported more often than asked for"
               : NULL;
}

static void keep(struct stage *stage, const struct stage_event *from, struct gf_str text) {
    struct stage_event *event = gf_calloc(1, sizeof(*event));
    *event = *from;
    event->text = gf_str_dup(text);
    event->exit.failure = gf_str_from(event->text);
    GF_MUTEX_GUARD(&stage->mutex);
    const char *fault = check_report(stage, event);
    if (stage->fault == NULL) {
        stage->fault = fault;
    }
    gf_vec_push(&stage->seen, event);
    gf_cond_broadcast(&stage->changed);
}

static void on_started(void *ctx, struct gf_attempt attempt, const struct gf_start *start) {
    struct stage_event event = {
        .kind = STAGE_STARTED,
        .attempt = attempt,
        .start = *start,
        .has_place = start->image_digest.len > 0 && start->node.len > 0,
    };
    (void)snprintf(event.container_id, sizeof(event.container_id), "%" GF_STR_FMT,
                   GF_STR_ARG(start->container_id));
    event.start.image_digest = event.start.node = event.start.container_id = GF_STR("");
    keep(ctx, &event, GF_STR(""));
}

static void on_exited(void *ctx, struct gf_attempt attempt, const struct gf_exit *exit,
                      struct gf_str image_digest, struct gf_str node) {
    struct stage_event event = {
        .kind = STAGE_EXITED,
        .attempt = attempt,
        .exit = *exit,
        .has_place = image_digest.len > 0 && node.len > 0,
    };
    (void)snprintf(event.container_id, sizeof(event.container_id), "%" GF_STR_FMT,
                   GF_STR_ARG(exit->container_id));
    event.exit.container_id = GF_STR("");
    keep(ctx, &event, exit->failure);
}

static void on_launch_failed(void *ctx, struct gf_attempt attempt, enum gf_launch_failure failure,
                             struct gf_str message) {
    const struct stage_event event = {
        .kind = STAGE_LAUNCH_FAILED, .attempt = attempt, .failure = failure};
    keep(ctx, &event, message);
}

static void on_lost(void *ctx, struct gf_attempt attempt, struct gf_str message) {
    const struct stage_event event = {.kind = STAGE_LOST, .attempt = attempt};
    keep(ctx, &event, message);
}

static void on_never_started(void *ctx, struct gf_attempt attempt) {
    const struct stage_event event = {.kind = STAGE_NEVER_STARTED, .attempt = attempt};
    keep(ctx, &event, GF_STR(""));
}

/* ---- Opening and closing ---- */

static void set_open(struct stage *stage, bool open) {
    GF_MUTEX_GUARD(&stage->mutex);
    stage->open = open;
}

void stage_open(struct stage *stage, const struct conformance_driver *driver) {
    const char *parent = getenv("TEST_TMPDIR");
    *stage = (struct stage){.driver = driver};
    stage->dir = gf_asprintf("%s/gofer-conformance-XXXXXX", parent == NULL ? "/tmp" : parent);
    cr_assert_not_null(mkdtemp(stage->dir));
    if (driver->prepare != NULL) {
        driver->prepare(stage->dir);
    }
    gf_mutex_init(&stage->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&stage->changed);
    stage->events = (struct gf_scheduler_events){
        .ctx = stage,
        .started = on_started,
        .exited = on_exited,
        .launch_failed = on_launch_failed,
        .lost = on_lost,
        .never_started = on_never_started,
    };
    set_open(stage, true);
    stage->back_end = driver->open(stage->dir, &stage->events, &stage->scheduler);
    stage_recover(stage, NULL, 0);
}

static void close_back_end(struct stage *stage) {
    stage->driver->close(stage->back_end);
    set_open(stage, false);
}

/* What a case has left: nothing of it is to outlive the test. */
static void end_attempts(struct stage *stage) {
    for (size_t i = 0; i < stage->attempts.count; i++) {
        const struct stage_attempt entry = stage->attempts.items[i];
        if (entry.launches > 0 && entry.ends == 0 && !entry.forgotten) {
            stage_stop(stage, entry.attempt, true);
            (void)stage_wait_end(stage, entry.attempt);
        }
        stage_forget(stage, entry.attempt);
    }
}

void stage_close(struct stage *stage) {
    struct gf_error error;
    end_attempts(stage);
    close_back_end(stage);
    cr_expect_null(stage->fault, "%s", stage->fault);
    for (size_t i = 0; i < stage->seen.count; i++) {
        free(stage->seen.items[i]->text);
        free(stage->seen.items[i]);
    }
    gf_vec_fini(&stage->seen);
    gf_vec_fini(&stage->attempts);
    gf_cond_fini(&stage->changed);
    gf_mutex_fini(&stage->mutex);
    cr_expect_eq(gf_tree_remove(AT_FDCWD, stage->dir, &error), GF_OK, "%s", error.message);
    free(stage->dir);
}

void stage_restart(struct stage *stage) {
    close_back_end(stage);
    set_open(stage, true);
    stage->back_end = stage->driver->open(stage->dir, &stage->events, &stage->scheduler);
}

void stage_recover(struct stage *stage, const struct gf_attempt *attempts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        GF_MUTEX_GUARD(&stage->mutex);
        entry_of(stage, attempts[i])->questions++;
    }
    stage->scheduler.ops->recover(stage->scheduler.self, attempts, count);
}

void stage_restart_with(struct stage *stage, struct gf_attempt attempt) {
    stage_restart(stage);
    stage_recover(stage, &attempt, 1);
}

/* ---- Doing ---- */

struct gf_attempt stage_attempt(int64_t run_key) {
    return (struct gf_attempt){.run_key = run_key, .task_index = 2, .attempt = 1};
}

struct gf_launch stage_make_launch(struct gf_attempt attempt, const struct gf_task *task) {
    static const char *const none[] = {NULL};
    return (struct gf_launch){
        .attempt = attempt,
        .namespace_id = GF_STR("default"),
        .pipeline_id = GF_STR("pipeline"),
        .pipeline_key = PIPELINE_KEY,
        .run_id = attempt.run_key,
        .task = task,
        .environment = none,
        .timeout_ms = task->timeout_ms,
        .stop_timeout_ms =
            task->stop_timeout_ms > 0 ? task->stop_timeout_ms : STAGE_STOP_TIMEOUT_MS,
        .disable_logs = task->disable_logs,
    };
}

void stage_launch(struct stage *stage, const struct gf_launch *launch) {
    gf_mutex_lock(&stage->mutex);
    entry_of(stage, launch->attempt)->launches++;
    gf_mutex_unlock(&stage->mutex);
    stage->scheduler.ops->launch(stage->scheduler.self, launch);
}

void stage_make_task(const struct stage *stage, struct stage_task *out,
                     const char *const *command) {
    *out = (struct stage_task){.task = {.task_id = GF_STR("a-task"),
                                        .image = gf_str_from(stage->driver->image),
                                        .pull = GF_PULL_NEVER,
                                        .pool_index = -1,
                                        .command = out->command}};
    for (size_t i = 0; command[i] != NULL; i++) {
        gf_assert(i < GF_ARRAY_COUNT(out->command));
        out->command[i] = gf_str_from(command[i]);
        out->task.command_count++;
    }
}

void stage_make_script(const struct stage *stage, struct stage_task *out, const char *script) {
    const char *const command[] = {"sh", "-c", script, NULL};
    stage_make_task(stage, out, command);
}

void stage_launch_script(struct stage *stage, struct gf_attempt attempt, const char *script) {
    struct stage_task task;
    stage_make_script(stage, &task, script);
    const struct gf_launch launch = stage_make_launch(attempt, &task.task);
    stage_launch(stage, &launch);
}

static char *read_output(struct stage *stage, struct gf_attempt attempt) {
    struct stage_log log;
    (void)stage_wait(stage, attempt, STAGE_EXITED);
    cr_assert(stage_read_log(stage, attempt, &log), "there is no log");
    char *output = gf_str_dup(gf_strbuf_view(&log.out));
    stage_log_fini(&log);
    return output;
}

char *stage_run_task(struct stage *stage, struct gf_attempt attempt, const struct gf_task *task) {
    const struct gf_launch launch = stage_make_launch(attempt, task);
    stage_launch(stage, &launch);
    return read_output(stage, attempt);
}

char *stage_run_script(struct stage *stage, struct gf_attempt attempt, const char *script) {
    stage_launch_script(stage, attempt, script);
    return read_output(stage, attempt);
}

void stage_stop(struct stage *stage, struct gf_attempt attempt, bool force) {
    stage->scheduler.ops->stop(stage->scheduler.self, attempt, force);
}

void stage_forget(struct stage *stage, struct gf_attempt attempt) {
    gf_mutex_lock(&stage->mutex);
    entry_of(stage, attempt)->forgotten = true;
    gf_mutex_unlock(&stage->mutex);
    stage->scheduler.ops->forget(stage->scheduler.self, attempt);
}

void stage_inquire(struct stage *stage, struct gf_attempt attempt) {
    gf_mutex_lock(&stage->mutex);
    entry_of(stage, attempt)->questions++;
    gf_mutex_unlock(&stage->mutex);
    stage->scheduler.ops->inquire(stage->scheduler.self, attempt);
}

/* ---- Waiting ---- */

static bool is_end(enum stage_event_kind kind) {
    return kind != STAGE_STARTED;
}

/* The count-th report of that kind, 0 = any; the mutex is held. */
static const struct stage_event *find(const struct stage *stage, struct gf_attempt attempt,
                                      enum stage_event_kind kind, size_t count) {
    for (size_t i = 0; i < stage->seen.count; i++) {
        const struct stage_event *event = stage->seen.items[i];
        if (same(event->attempt, attempt) && (kind == 0 || event->kind == kind) && --count == 0) {
            return event;
        }
    }
    return NULL;
}

static const struct stage_event *find_end(const struct stage *stage, struct gf_attempt attempt) {
    for (size_t i = 0; i < stage->seen.count; i++) {
        const struct stage_event *event = stage->seen.items[i];
        if (same(event->attempt, attempt) && is_end(event->kind)) {
            return event;
        }
    }
    return NULL;
}

/* kind 0 with count 0: the first end. `only` = another end before it is a failure. */
static struct stage_event wait_for(struct stage *stage, struct gf_attempt attempt,
                                   enum stage_event_kind kind, size_t count, bool only) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), STAGE_WAIT_MS);
    struct stage_event result = {0};
    const char *other = NULL;
    gf_mutex_lock(&stage->mutex);
    for (bool more = true; more;) {
        const struct stage_event *end = find_end(stage, attempt);
        const struct stage_event *event = count == 0 ? end : find(stage, attempt, kind, count);
        if (event != NULL) {
            result = *event;
            break;
        }
        if (only && end != NULL) {
            other = end->text;
            result.kind = end->kind;
            break;
        }
        more = gf_cond_wait_until(&stage->changed, &stage->mutex, deadline);
    }
    gf_mutex_unlock(&stage->mutex);
    cr_assert_null(other, "it ended with report %d instead of %d: %s", (int)result.kind, (int)kind,
                   other);
    cr_assert_neq((int)result.kind, 0, "there was no report %d", (int)kind);
    return result;
}

struct stage_event stage_wait(struct stage *stage, struct gf_attempt attempt,
                              enum stage_event_kind kind) {
    return wait_for(stage, attempt, kind, 1, /* only= */ true);
}

struct stage_event stage_wait_end(struct stage *stage, struct gf_attempt attempt) {
    return wait_for(stage, attempt, 0, 0, /* only= */ false);
}

struct stage_event stage_wait_count(struct stage *stage, struct gf_attempt attempt,
                                    enum stage_event_kind kind, size_t count) {
    return wait_for(stage, attempt, kind, count, /* only= */ false);
}

size_t stage_count(struct stage *stage, struct gf_attempt attempt, enum stage_event_kind kind) {
    size_t count = 0;
    GF_MUTEX_GUARD(&stage->mutex);
    for (size_t i = 0; i < stage->seen.count; i++) {
        const struct stage_event *event = stage->seen.items[i];
        count += same(event->attempt, attempt) && (kind == 0 || event->kind == kind);
    }
    return count;
}

/* ---- Logs ---- */

static void take_frame(struct stage_log *log, const struct gf_logframe *frame, int64_t *last_ns) {
    log->ended = frame->end;
    log->cut = frame->cut;
    log->ordered = log->ordered && frame->wall_ns >= *last_ns;
    *last_ns = frame->wall_ns;
    if (!frame->end && frame->stream == GF_LOG_STREAM_STDOUT) {
        gf_strbuf_append(&log->out, frame->payload);
    } else if (!frame->end && frame->stream == GF_LOG_STREAM_STDERR) {
        gf_strbuf_append(&log->err, frame->payload);
    }
}

bool stage_read_log(struct stage *stage, struct gf_attempt attempt, struct stage_log *out) {
    const struct gf_log_name name = {
        .pipeline_key = PIPELINE_KEY,
        .run_id = attempt.run_key,
        .task_index = attempt.task_index,
        .attempt = attempt.attempt,
    };
    struct gf_error error = {0};
    struct gf_log_reader reader = {0};
    struct gf_logframe frame = {0};
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    int64_t last_ns = 0;
    const enum gf_code rc =
        gf_log_reader_open(stage->driver->logs(stage->back_end), &name, 0, &reader, &error);
    if (rc == GF_NOT_FOUND) {
        return false;
    }
    cr_assert_eq(rc, GF_OK, "%s", error.message);
    *out = (struct stage_log){.ordered = true};
    gf_strbuf_init(&out->out, LOG_BYTES_MAX);
    gf_strbuf_init(&out->err, LOG_BYTES_MAX);
    do {
        cr_assert_eq(gf_logframe_reader_next(&reader.frames, &event, &frame, &error), GF_OK, "%s",
                     error.message);
        if (event == GF_LOGFRAME_FRAME) {
            take_frame(out, &frame, &last_ns);
        }
    } while (event == GF_LOGFRAME_FRAME && !frame.end);
    gf_log_reader_close(&reader);
    return true;
}

void stage_log_fini(struct stage_log *log) {
    gf_strbuf_fini(&log->out);
    gf_strbuf_fini(&log->err);
}

void stage_wait_output(struct stage *stage, struct gf_attempt attempt) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), STAGE_WAIT_MS);
    (void)stage_wait(stage, attempt, STAGE_STARTED);
    for (bool written = false; !written;) {
        struct stage_log log;
        if (stage_read_log(stage, attempt, &log)) {
            written = log.out.len > 0;
            stage_log_fini(&log);
        }
        cr_assert(written || gf_mono_ns() < deadline, "it writes nothing");
        (void)poll(NULL, 0, written ? 0 : PAUSE_MS);
    }
}

bool stage_can(const struct stage *stage, unsigned capabilities) {
    return (stage->driver->capabilities & capabilities) == capabilities;
}
