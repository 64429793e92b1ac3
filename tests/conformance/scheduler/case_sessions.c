/* Ways into a container (session.h). */
#include "base/clock.h"
#include "tests/conformance/scheduler/cases.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct gf_attempt ATTEMPT = {.run_key = 1, .task_index = 2, .attempt = 1};

enum {
    OUTPUT_BYTES_MAX = 1 << 20
};

/* A session and what has come of it. */
struct listener {
    struct stage *stage;
    struct gf_session_events events;
    struct gf_session *session;
    struct gf_mutex mutex; /* of the rest */
    struct gf_cond changed;
    bool started;
    struct gf_session_start start;
    struct gf_strbuf output;
    bool ended;
    struct gf_session_end end;
};

static void on_started(void *ctx, const struct gf_session_start *start) {
    struct listener *self = ctx;
    GF_MUTEX_GUARD(&self->mutex);
    cr_expect_not(self->started || self->ended);
    self->started = true;
    self->start = *start;
    gf_cond_broadcast(&self->changed);
}

static void on_output(void *ctx, GF_UNUSED enum gf_log_stream stream, struct gf_str bytes) {
    struct listener *self = ctx;
    GF_MUTEX_GUARD(&self->mutex);
    cr_expect(self->started && !self->ended);
    cr_expect_leq(bytes.len, GF_SESSION_CHUNK_BYTES_MAX);
    gf_strbuf_append(&self->output, bytes);
    gf_cond_broadcast(&self->changed);
}

static void on_writable(GF_UNUSED void *ctx) {
}

static void on_ended(void *ctx, const struct gf_session_end *end) {
    struct listener *self = ctx;
    GF_MUTEX_GUARD(&self->mutex);
    cr_expect_not(self->ended);
    self->ended = true;
    self->end = *end;
    gf_cond_broadcast(&self->changed);
}

static void open_session(struct stage *stage, struct listener *self,
                         const struct gf_session_request *request) {
    *self = (struct listener){.stage = stage};
    self->events = (struct gf_session_events){
        .ctx = self,
        .started = on_started,
        .output = on_output,
        .writable = on_writable,
        .ended = on_ended,
    };
    gf_mutex_init(&self->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&self->changed);
    gf_strbuf_init(&self->output, OUTPUT_BYTES_MAX);
    stage->scheduler.ops->open_session(stage->scheduler.self, request, &self->events,
                                       &self->session);
}

static void close_session(struct listener *self) {
    self->stage->scheduler.ops->sessions->close(self->session);
    gf_strbuf_fini(&self->output);
    gf_cond_fini(&self->changed);
    gf_mutex_fini(&self->mutex);
}

static bool has_output(const struct listener *self, const char *text) {
    return text != NULL && self->output.len > 0 && strstr(self->output.ptr, text) != NULL;
}

/* Waits for the start and, with a text, until it is in the output; or for the end. */
static void wait_started(struct listener *self, const char *text) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), STAGE_WAIT_MS);
    bool more = true;
    gf_mutex_lock(&self->mutex);
    while (more && !self->ended && !(self->started && (text == NULL || has_output(self, text)))) {
        more = gf_cond_wait_until(&self->changed, &self->mutex, deadline);
    }
    const bool good = self->started && (text == NULL || has_output(self, text));
    const struct gf_session_end end = self->end;
    gf_mutex_unlock(&self->mutex);
    cr_assert(good, "no start, or no output '%s': %s", text == NULL ? "" : text, end.error.message);
}

static struct gf_session_end wait_ended(struct listener *self) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), STAGE_WAIT_MS);
    bool more = true;
    gf_mutex_lock(&self->mutex);
    while (more && !self->ended) {
        more = gf_cond_wait_until(&self->changed, &self->mutex, deadline);
    }
    const bool ended = self->ended;
    gf_mutex_unlock(&self->mutex);
    cr_assert(ended, "the session does not end");
    return self->end;
}

static const struct gf_session_ops *ops_of(const struct listener *self) {
    return self->stage->scheduler.ops->sessions;
}

static void give(struct listener *self, const char *text) {
    struct gf_error err = {0};
    cr_assert_eq(ops_of(self)->input(self->session, gf_str_from(text), &err), GF_OK, "%s",
                 err.message);
}

static struct gf_session_request attach_to(struct gf_attempt attempt) {
    return (struct gf_session_request){.kind = GF_SESSION_ATTACH, .attempt = attempt};
}

/* `command` has three texts: sh -c SCRIPT. */
static struct gf_session_request exec_in(const struct gf_str *command) {
    return (struct gf_session_request){
        .kind = GF_SESSION_EXEC, .attempt = ATTEMPT, .command = command, .command_count = 3};
}

/* ---- Attaching ---- */

static void launch_with_input(struct stage *stage, const char *script) {
    struct stage_task task;
    stage_make_script(stage, &task, script);
    task.task.open_stdin = true;
    const struct gf_launch launch = stage_make_launch(ATTEMPT, &task.task);
    stage_launch(stage, &launch);
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
}

void conformance_attached_session_sees_output_and_end(struct stage *stage) {
    struct listener listener;
    launch_with_input(stage, "read go; echo went; exit 3");
    const struct gf_session_request request = attach_to(ATTEMPT);
    open_session(stage, &listener, &request);
    wait_started(&listener, NULL);
    cr_expect_not(listener.start.terminal);
    cr_expect(listener.start.accepts_input);
    give(&listener, "go\n");
    const struct gf_session_end end = wait_ended(&listener);
    cr_expect_eq(end.error.code, GF_OK, "%s", end.error.message);
    cr_expect_eq(end.exit_code, 3);
    cr_expect(has_output(&listener, "went\n"));
    cr_expect_eq(stage_wait(stage, ATTEMPT, STAGE_EXITED).exit.exit_code, 3);
    close_session(&listener);
}

void conformance_attached_session_gives_input(struct stage *stage) {
    struct listener listener;
    struct stage_log log;
    launch_with_input(stage, "cat; echo end");
    const struct gf_session_request request = attach_to(ATTEMPT);
    open_session(stage, &listener, &request);
    wait_started(&listener, NULL);
    give(&listener, "one\n");
    wait_started(&listener, "one\n");
    give(&listener, "two\n");
    ops_of(&listener)->close_input(listener.session);
    cr_expect_eq(wait_ended(&listener).exit_code, 0);
    close_session(&listener);
    (void)stage_wait(stage, ATTEMPT, STAGE_EXITED);
    cr_assert(stage_read_log(stage, ATTEMPT, &log));
    cr_expect_str_eq(log.out.ptr, "one\ntwo\nend\n", "the log has all of it, too");
    stage_log_fini(&log);
}

void conformance_program_goes_on_when_an_attached_session_is_closed(struct stage *stage) {
    struct listener listener;
    launch_with_input(stage, "read go; exit 4");
    const struct gf_session_request request = attach_to(ATTEMPT);
    open_session(stage, &listener, &request);
    wait_started(&listener, NULL);
    close_session(&listener);
    open_session(stage, &listener, &request);
    wait_started(&listener, NULL);
    give(&listener, "go\n");
    cr_expect_eq(wait_ended(&listener).exit_code, 4);
    close_session(&listener);
}

/* ---- Running something beside it ---- */

void conformance_exec_runs_beside_the_program(struct stage *stage) {
    struct listener listener;
    const struct gf_str command[] = {
        GF_STR("sh"), GF_STR("-c"),
        GF_STR("cat /tmp/theirs; echo $OWN; id -u; pwd; echo problem >&2; exit 9")};
    const struct gf_str environment[] = {GF_STR("OWN=mine")};
    stage_launch_script(stage, ATTEMPT, "echo theirs > /tmp/theirs; echo up; sleep 1000");
    stage_wait_output(stage, ATTEMPT);
    struct gf_session_request request = exec_in(command);
    request.environment = environment;
    request.environment_count = 1;
    request.user = GF_STR("worker");
    request.working_directory = GF_STR("/etc");
    open_session(stage, &listener, &request);
    const struct gf_session_end end = wait_ended(&listener);
    cr_expect_eq(end.error.code, GF_OK, "%s", end.error.message);
    cr_expect_eq(end.exit_code, 9);
    cr_expect(has_output(&listener, "theirs\nmine\n1000\n/etc\n"), "%s", listener.output.ptr);
    cr_expect(has_output(&listener, "problem\n"));
    close_session(&listener);
}

void conformance_exec_of_a_program_that_is_missing_is_refused(struct stage *stage) {
    struct listener listener;
    const struct gf_str command[] = {GF_STR("frobnicate"), GF_STR("-c"), GF_STR("x")};
    stage_launch_script(stage, ATTEMPT, "sleep 1000");
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    const struct gf_session_request request = exec_in(command);
    open_session(stage, &listener, &request);
    const struct gf_session_end end = wait_ended(&listener);
    cr_expect_eq(end.error.code, GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(end.error.message, "frobnicate"), "%s", end.error.message);
    close_session(&listener);
}

void conformance_exec_with_a_terminal_has_one(struct stage *stage) {
    struct listener listener;
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"),
                                     GF_STR("test -t 0 && test -t 1 && echo both")};
    stage_launch_script(stage, ATTEMPT, "sleep 1000");
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    struct gf_session_request request = exec_in(command);
    request.terminal = (struct gf_terminal_size){.columns = 80, .rows = 24};
    open_session(stage, &listener, &request);
    cr_expect_eq(wait_ended(&listener).exit_code, 0);
    cr_expect(listener.start.terminal);
    cr_expect(has_output(&listener, "both"));
    close_session(&listener);
}

void conformance_program_of_an_exec_ends_when_it_is_closed(struct stage *stage) {
    struct listener listener;
    struct listener looker;
    const struct gf_str sleeper[] = {GF_STR("sh"), GF_STR("-c"),
                                     GF_STR("echo $$ > /tmp/pid; echo up; exec sleep 1000")};
    const struct gf_str look[] = {
        GF_STR("sh"), GF_STR("-c"),
        GF_STR("while kill -0 $(cat /tmp/pid) 2>&-; do sleep 0.01; done; echo gone")};
    stage_launch_script(stage, ATTEMPT, "sleep 1000");
    (void)stage_wait(stage, ATTEMPT, STAGE_STARTED);
    const struct gf_session_request request = exec_in(sleeper);
    open_session(stage, &listener, &request);
    wait_started(&listener, "up\n");
    close_session(&listener);
    const struct gf_session_request second = exec_in(look);
    open_session(stage, &looker, &second);
    cr_expect_eq(wait_ended(&looker).exit_code, 0);
    cr_expect(has_output(&looker, "gone\n"));
    close_session(&looker);
    cr_expect_eq(stage_count(stage, ATTEMPT, STAGE_EXITED), 0);
}

void conformance_session_without_a_container_is_refused(struct stage *stage) {
    struct listener listener;
    struct gf_session_request request = attach_to(stage_attempt(99));
    open_session(stage, &listener, &request);
    enum gf_code code = wait_ended(&listener).error.code;
    cr_expect(code == GF_NOT_FOUND || code == GF_FAILED_PRECONDITION);
    cr_expect_not(listener.started);
    close_session(&listener);
    stage_launch_script(stage, ATTEMPT, "true");
    (void)stage_wait(stage, ATTEMPT, STAGE_EXITED);
    request = attach_to(ATTEMPT);
    open_session(stage, &listener, &request);
    code = wait_ended(&listener).error.code;
    cr_expect(code == GF_NOT_FOUND || code == GF_FAILED_PRECONDITION);
    close_session(&listener);
}
