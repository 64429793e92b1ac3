#include "tests/integration/scripted.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sync.h"

#include <inttypes.h>
#include <stdarg.h>

#include <criterion/criterion.h>

enum {
    SESSIONS_MAX = 64,
    TEXT_BYTES_MAX = 1 << 20,
};

struct gf_session {
    struct gf_session_events events;
    struct gf_strbuf request;
    struct gf_strbuf ops;
    int64_t input_bytes; /* that are taken; -1 = all */
    bool ended;
    bool closed;
    bool in_event;
};

/* The whole back end. The mutex is never held while an event is told. */
static struct {
    const struct gf_scheduler_events *events;
    struct gf_mutex mutex;
    struct gf_cond changed;
    struct gf_attempt attempt; /* the one that was launched last */
    struct gf_session *sessions[SESSIONS_MAX];
    size_t count;
    size_t taken;
} back;

/* ---- Sessions ---- */

static void note(struct gf_session *session, const char *fmt, ...) GF_PRINTF(2, 3);

static void note(struct gf_session *session, const char *fmt, ...) {
    va_list args;
    char text[512];
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    gf_mutex_lock(&back.mutex);
    gf_strbuf_append_char(&session->ops, ' ');
    gf_strbuf_append_cstr(&session->ops, text);
    gf_cond_broadcast(&back.changed);
    gf_mutex_unlock(&back.mutex);
}

static enum gf_code input(struct gf_session *session, struct gf_str bytes, struct gf_error *err) {
    gf_mutex_lock(&back.mutex);
    const bool fits = session->input_bytes < 0 || session->input_bytes >= (int64_t)bytes.len;
    if (fits && session->input_bytes > 0) {
        session->input_bytes -= (int64_t)bytes.len;
    }
    gf_mutex_unlock(&back.mutex);
    if (!fits) {
        note(session, "refused(%zu)", bytes.len);
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "the program does not read its input");
    }
    note(session, "input(%" GF_STR_FMT ")", GF_STR_ARG(bytes));
    return GF_OK;
}

static void close_input(struct gf_session *session) {
    note(session, "eof");
}

static void resize(struct gf_session *session, struct gf_terminal_size size) {
    note(session, "resize(%" PRId32 "x%" PRId32 ")", size.columns, size.rows);
}

static void send_signal(struct gf_session *session, int number) {
    note(session, "signal(%d)", number);
}

static void pause_output(struct gf_session *session, bool paused) {
    note(session, "%s", paused ? "pause" : "resume");
}

static void close_session(struct gf_session *session) {
    gf_mutex_lock(&back.mutex);
    cr_assert(!session->closed, "a session is closed once");
    session->closed = true;
    while (session->in_event) {
        gf_cond_wait(&back.changed, &back.mutex);
    }
    gf_mutex_unlock(&back.mutex);
    note(session, "close");
}

static const struct gf_session_ops session_ops = {
    .input = input,
    .close_input = close_input,
    .resize = resize,
    .signal = send_signal,
    .pause = pause_output,
    .close = close_session,
};

static void describe(const struct gf_session_request *request, struct gf_strbuf *out) {
    static const char *const kinds[] = {"", "attach", "exec", "kept"};
    gf_strbuf_printf(out, "%s attempt=%" PRId32, kinds[request->kind], request->attempt.attempt);
    if (request->terminal.columns != 0) {
        gf_strbuf_printf(out, " size=%" PRId32 "x%" PRId32, request->terminal.columns,
                         request->terminal.rows);
    }
    for (size_t i = 0; i < request->command_count; i++) {
        gf_strbuf_printf(out, "%s%" GF_STR_FMT "%s", i == 0 ? " command=[" : " ",
                         GF_STR_ARG(request->command[i]),
                         i + 1 == request->command_count ? "]" : "");
    }
    for (size_t i = 0; i < request->environment_count; i++) {
        gf_strbuf_printf(out, "%s%" GF_STR_FMT "%s", i == 0 ? " env=[" : " ",
                         GF_STR_ARG(request->environment[i]),
                         i + 1 == request->environment_count ? "]" : "");
    }
    if (request->user.len > 0) {
        gf_strbuf_printf(out, " user=%" GF_STR_FMT, GF_STR_ARG(request->user));
    }
    if (request->working_directory.len > 0) {
        gf_strbuf_printf(out, " dir=%" GF_STR_FMT, GF_STR_ARG(request->working_directory));
    }
    if (request->task != NULL) {
        gf_strbuf_printf(out, " task=%" GF_STR_FMT " image=%" GF_STR_FMT,
                         GF_STR_ARG(request->task->task_id), GF_STR_ARG(request->image_digest));
    }
}

static void open_session(GF_UNUSED void *self, const struct gf_session_request *request,
                         const struct gf_session_events *events, struct gf_session **out) {
    struct gf_session *session = GF_NEW(struct gf_session);
    session->events = *events;
    session->input_bytes = -1;
    gf_strbuf_init(&session->request, TEXT_BYTES_MAX);
    gf_strbuf_init(&session->ops, TEXT_BYTES_MAX);
    describe(request, &session->request);
    *out = session;
    gf_mutex_lock(&back.mutex);
    gf_assert(back.count < SESSIONS_MAX);
    back.sessions[back.count++] = session;
    gf_cond_broadcast(&back.changed);
    gf_mutex_unlock(&back.mutex);
}

/* ---- The test's side ---- */

/* Waits for the next change, with the mutex; fails the test in the end. */
static void wait_change(int64_t deadline, const char *what) {
    if (!gf_cond_wait_until(&back.changed, &back.mutex, deadline)) {
        gf_mutex_unlock(&back.mutex);
        cr_assert_fail("waited in vain for %s", what);
    }
}

static int64_t deadline_of_wait(void) {
    return gf_mono_ns() + TIMEOUT_MS * GF_NS_PER_MS;
}

struct gf_session *scripted_session(void) {
    const int64_t deadline = deadline_of_wait();
    gf_mutex_lock(&back.mutex);
    while (back.taken == back.count) {
        wait_change(deadline, "a session");
    }
    struct gf_session *session = back.sessions[back.taken++];
    gf_mutex_unlock(&back.mutex);
    return session;
}

const char *scripted_request(const struct gf_session *session) {
    return session->request.ptr;
}

void scripted_expect(struct gf_session *session, const char *text) {
    const int64_t deadline = deadline_of_wait();
    gf_mutex_lock(&back.mutex);
    while (!gf_str_has_suffix(gf_strbuf_view(&session->ops), gf_str_from(text))) {
        if (gf_mono_ns() > deadline) {
            const char *seen = gf_arena_str(&arena, gf_strbuf_view(&session->ops)).ptr;
            gf_mutex_unlock(&back.mutex);
            cr_assert_fail("there is '%s', not '%s'", seen, text);
        }
        (void)gf_cond_wait_until(&back.changed, &back.mutex, deadline);
    }
    gf_mutex_unlock(&back.mutex);
}

void scripted_take_input(struct gf_session *session, int64_t bytes) {
    gf_mutex_lock(&back.mutex);
    session->input_bytes = bytes;
    gf_mutex_unlock(&back.mutex);
}

static bool begin_event(struct gf_session *session) {
    GF_MUTEX_GUARD(&back.mutex);
    session->in_event = !session->closed && !session->ended;
    return session->in_event;
}

static void end_event(struct gf_session *session) {
    GF_MUTEX_GUARD(&back.mutex);
    session->in_event = false;
    gf_cond_broadcast(&back.changed);
}

void scripted_started(struct gf_session *session, bool terminal) {
    const struct gf_session_start start = {.terminal = terminal, .accepts_input = true};
    if (begin_event(session)) {
        session->events.started(session->events.ctx, &start);
        end_event(session);
    }
}

void scripted_output(struct gf_session *session, enum gf_log_stream stream, struct gf_str bytes) {
    if (begin_event(session)) {
        session->events.output(session->events.ctx, stream, bytes);
        end_event(session);
    }
}

void scripted_writable(struct gf_session *session) {
    if (begin_event(session)) {
        session->events.writable(session->events.ctx);
        end_event(session);
    }
}

void scripted_ended(struct gf_session *session, const struct gf_session_end *end) {
    if (begin_event(session)) {
        session->events.ended(session->events.ctx, end);
        session->ended = true;
        end_event(session);
    }
}

/* ---- Attempts: they run until the test or somebody ends them. ---- */

static void launch(GF_UNUSED void *self, const struct gf_launch *launch) {
    const struct gf_start start = {
        .start_time = gf_wall_ns(), .node = GF_STR("here"), .image_digest = GF_STR("sha256:feed")};
    gf_mutex_lock(&back.mutex);
    back.attempt = launch->attempt;
    gf_mutex_unlock(&back.mutex);
    back.events->started(back.events->ctx, launch->attempt, &start);
}

static void report_exit(struct gf_attempt attempt, const struct gf_exit *exit) {
    back.events->exited(back.events->ctx, attempt, exit, GF_STR("sha256:feed"), GF_STR("here"));
}

void scripted_exit(int32_t exit_code, int64_t root_expire_time) {
    const int64_t now = gf_wall_ns();
    const struct gf_exit exit = {.exit_code = exit_code,
                                 .start_time = now,
                                 .end_time = now,
                                 .root_expire_time = root_expire_time};
    report_exit(back.attempt, &exit);
}

static void stop(GF_UNUSED void *self, struct gf_attempt attempt, GF_UNUSED bool force) {
    const int64_t now = gf_wall_ns();
    const struct gf_exit exit = {
        .exit_code = 137, .exit_signal = 9, .stopped = true, .start_time = now, .end_time = now};
    report_exit(attempt, &exit);
}

static void forget(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt) {
}

static void inquire(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt) {
}

static void recover(GF_UNUSED void *self, GF_UNUSED const struct gf_attempt *attempts,
                    GF_UNUSED size_t count) {
}

static enum gf_code check_image(GF_UNUSED void *self, GF_UNUSED struct gf_str image,
                                GF_UNUSED enum gf_pull_policy pull,
                                GF_UNUSED struct gf_error *err) {
    return GF_OK;
}

static void stop_reporting(GF_UNUSED void *self) {
}

static const struct gf_scheduler_ops ops = {
    .name = "scripted",
    .launch = launch,
    .stop = stop,
    .forget = forget,
    .inquire = inquire,
    .recover = recover,
    .check_image = check_image,
    .open_session = open_session,
    .sessions = &session_ops,
    .stop_reporting = stop_reporting,
};

static struct gf_scheduler make(GF_UNUSED void *ctx, const struct gf_scheduler_events *events) {
    back.events = events;
    return (struct gf_scheduler){.ops = &ops, .self = &back};
}

void scripted_setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_mutex_init(&back.mutex, GF_RANK_SESSION);
    gf_cond_init(&back.changed);
    gf_harness_start_given(&harness, make, NULL);
}

void scripted_teardown(void) {
    access_teardown();
    for (size_t i = 0; i < back.count; i++) {
        cr_expect(back.sessions[i]->closed, "every session is closed");
        gf_strbuf_fini(&back.sessions[i]->request);
        gf_strbuf_fini(&back.sessions[i]->ops);
        free(back.sessions[i]);
    }
    gf_cond_fini(&back.changed);
    gf_mutex_fini(&back.mutex);
}
