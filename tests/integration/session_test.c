/*
 * Attach, exec and terminals: what the API makes of a session of the scheduler, which is in the
 * hands of the test.
 */
#include "base/clock.h"
#include "base/random.h"
#include "tests/integration/scripted.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(session, .init = scripted_setup, .fini = scripted_teardown);

/* ---- A task that runs ---- */

static void wait_event(Gofer__V1__EventKind kind, Gofer__V1__Event **out) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    Gofer__V1__FollowEventsResponse *message = NULL;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    request.filter = &filter;
    request.include_history = true;
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_open(harness.channel, NULL, &request,
                                                                  &stream, &error),
                 GF_OK);
    do {
        cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                      &message, &error),
                     GF_OK, "%s", error.message);
    } while (message->event == NULL);
    if (out != NULL) {
        *out = message->event;
    }
}

static void run_task(Gofer__V1__PipelineSpec *spec) {
    up_made(spec);
    start_run("demo");
    wait_event(GOFER__V1__EVENT_KIND__EVENT_KIND_TASK_EXECUTION_STARTED, NULL);
}

/* ---- Exec: what all three have in common is shown with it ---- */

static Gofer__V1__ExecStart exec_start(void) {
    Gofer__V1__ExecStart start = GOFER__V1__EXEC_START__INIT;
    start.pipeline_id = "demo";
    start.run_id = 1;
    start.task_id = "one";
    return start;
}

static void send_exec(struct gf_rpc_stream *stream, Gofer__V1__ExecStart *start,
                      Gofer__V1__TerminalInput *input) {
    Gofer__V1__ExecTaskExecutionRequest request = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__INIT;
    if (start != NULL) {
        request.message_case = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_START;
        request.start = start;
    } else if (input != NULL) {
        request.message_case = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_INPUT;
        request.input = input;
    }
    const enum gf_code rc =
        gofer_v1_task_execution_service_exec_task_execution_stream_send(stream, &request, &error);
    /* A refusal may be faster than what is refused; the stream tells why. */
    cr_assert(rc == GF_OK || rc == GF_CANCELLED, "%s", error.message);
}

static struct gf_rpc_stream *open_exec_on(struct gf_rpc_channel *channel,
                                          Gofer__V1__ExecStart *start) {
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(gofer_v1_task_execution_service_exec_task_execution_stream_open(channel, NULL,
                                                                                 &stream, &error),
                 GF_OK);
    send_exec(stream, start, NULL);
    return stream;
}

static struct gf_rpc_stream *open_exec(Gofer__V1__ExecStart *start) {
    return open_exec_on(harness.channel, start);
}

static Gofer__V1__ExecTaskExecutionResponse *recv_exec(struct gf_rpc_stream *stream) {
    Gofer__V1__ExecTaskExecutionResponse *message = NULL;
    cr_assert_eq(gofer_v1_task_execution_service_exec_task_execution_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_OK, "%s", error.message);
    return message;
}

static void expect_failure(struct gf_rpc_stream *stream, enum gf_code code, const char *reason,
                           const char *field) {
    ProtobufCMessage *message = NULL;
    enum gf_code rc = GF_OK;
    do {
        rc = gf_rpc_stream_recv(stream, TIMEOUT_MS, &arena, &message, &error);
    } while (rc == GF_OK && message != NULL);
    cr_expect_eq(rc, code, "%s", error.message);
    cr_expect_str_eq(error.reason, reason, "%s", error.message);
    cr_expect_str_eq(error.field, field, "%s", error.message);
    gf_rpc_stream_destroy(stream);
}

static void send_bytes(struct gf_rpc_stream *stream, const char *text) {
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_CONTENT;
    input.content.data = (uint8_t *)(uintptr_t)text;
    input.content.len = strlen(text);
    send_exec(stream, NULL, &input);
}

/* An exec whose program runs. */
static struct gf_rpc_stream *begin_exec(struct gf_session **out_session) {
    Gofer__V1__ExecStart start = exec_start();
    struct gf_rpc_stream *stream = open_exec(&start);
    *out_session = scripted_session();
    scripted_started(*out_session, /* terminal= */ false);
    cr_expect_eq((int)recv_exec(stream)->message_case,
                 GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED);
    return stream;
}

Test(session, exec_runs_what_is_asked_for) {
    char *command[] = {"sh", "-c", "true"};
    Gofer__V1__ExecStart start = exec_start();
    Gofer__V1__ExecStart__VariablesEntry variable = GOFER__V1__EXEC_START__VARIABLES_ENTRY__INIT;
    Gofer__V1__ExecStart__VariablesEntry *variables[] = {&variable};
    Gofer__V1__TerminalSize size = GOFER__V1__TERMINAL_SIZE__INIT;
    Gofer__V1__Event *event = NULL;
    variable.key = "A";
    variable.value = "1";
    size.columns = 80;
    size.rows = 24;
    start.command = command;
    start.n_command = 3;
    start.variables = variables;
    start.n_variables = 1;
    start.user = "u";
    start.working_directory = "/d";
    start.terminal_size = &size;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = open_exec(&start);
    struct gf_session *session = scripted_session();
    cr_expect_str_eq(scripted_request(session),
                     "exec attempt=1 size=80x24 command=[sh -c true] env=[A=1] user=u dir=/d");
    scripted_started(session, /* terminal= */ true);
    const Gofer__V1__ExecTaskExecutionResponse *started = recv_exec(stream);
    cr_assert_eq((int)started->message_case,
                 GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED);
    cr_expect_eq(started->started->attempt, 1);
    cr_expect(started->started->terminal);
    cr_expect(started->started->accepts_input);
    cr_expect_str_eq(started->started->terminal_id, "");
    wait_event(GOFER__V1__EVENT_KIND__EVENT_KIND_TASK_EXECUTION_ATTACHED, &event);
    cr_expect_str_eq(event->task_id, "one");
    cr_expect_str_neq(event->actor->token_id, "");
    cr_assert_eq(event->n_metadata, 1);
    cr_expect_str_eq(event->metadata[0]->key, "command");
    cr_expect_str_eq(event->metadata[0]->value, "sh -c true");
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
}

Test(session, a_conversation_keeps_its_order) {
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    Gofer__V1__TerminalSize size = GOFER__V1__TERMINAL_SIZE__INIT;
    struct gf_session *session = NULL;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = begin_exec(&session);
    cr_expect_str_eq(scripted_request(session), "exec attempt=1 command=[sh]");
    send_bytes(stream, "ab");
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_RESIZE;
    input.resize = &size;
    size.columns = 100;
    size.rows = 30;
    send_exec(stream, NULL, &input);
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_SIGNAL;
    input.signal = 2;
    send_exec(stream, NULL, &input);
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_CLOSE_INPUT;
    input.close_input = true;
    send_exec(stream, NULL, &input);
    scripted_expect(session, " input(ab) resize(100x30) signal(2) eof");
    scripted_output(session, GF_LOG_STREAM_STDOUT, GF_STR("out"));
    scripted_output(session, GF_LOG_STREAM_STDERR, GF_STR("err"));
    scripted_ended(session, &(struct gf_session_end){.exit_code = 143, .exit_signal = 15});
    const Gofer__V1__ExecTaskExecutionResponse *message = recv_exec(stream);
    cr_expect_eq((int)message->output->stream, GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT);
    cr_expect_eq(message->output->content.len, 3);
    message = recv_exec(stream);
    cr_expect_eq((int)message->output->stream, GOFER__V1__LOG_STREAM__LOG_STREAM_STDERR);
    message = recv_exec(stream);
    cr_assert_eq((int)message->message_case, GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT);
    cr_expect_eq(message->exit->code, 143);
    cr_expect_eq(message->exit->signal, 15);
    cr_expect_eq(gf_rpc_stream_finish(stream, &error), GF_OK, "%s", error.message);
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " eof close");
}

Test(session, the_end_of_requests_is_the_end_of_input) {
    struct gf_session *session = NULL;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = begin_exec(&session);
    send_bytes(stream, "ab");
    gf_rpc_stream_close_send(stream);
    scripted_expect(session, " input(ab) eof");
    scripted_ended(session, &(struct gf_session_end){.exit_code = 1});
    cr_expect_eq(recv_exec(stream)->exit->code, 1);
    gf_rpc_stream_destroy(stream);
}

Test(session, input_waits_until_the_program_reads) {
    struct gf_session *session = NULL;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = begin_exec(&session);
    scripted_take_input(session, 0);
    send_bytes(stream, "ab");
    send_bytes(stream, "cd");
    scripted_expect(session, " refused(2)");
    scripted_take_input(session, -1);
    scripted_writable(session);
    scripted_expect(session, " input(ab) input(cd)");
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
}

/* The client takes nothing until the session is paused, then all of it. */
Test(session, output_waits_until_the_client_takes_it) {
    static char chunk[GF_SESSION_CHUNK_BYTES_MAX];
    struct gf_session *session = NULL;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = begin_exec(&session);
    const int sent = 100;
    for (int i = 0; i < sent; i++) {
        scripted_output(session, GF_LOG_STREAM_STDOUT, (struct gf_str){chunk, sizeof(chunk)});
    }
    scripted_expect(session, " pause");
    for (int i = 0; i < sent; i++) {
        cr_assert_eq(recv_exec(stream)->output->content.len, sizeof(chunk));
    }
    scripted_expect(session, " pause resume");
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
}

Test(session, what_cannot_be_started_says_why) {
    struct gf_session_end end = {0};
    Gofer__V1__ExecStart start = exec_start();
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = open_exec(&start);
    (void)gf_fail(&end.error, GF_INVALID_ARGUMENT, "there is no program 'x'");
    scripted_ended(scripted_session(), &end);
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "");
    cr_expect_str_eq(error.message, "there is no program 'x'");
}

Test(session, bad_requests_are_refused_with_their_field) {
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    Gofer__V1__TerminalSize size = GOFER__V1__TERMINAL_SIZE__INIT;
    Gofer__V1__ExecStart__VariablesEntry variable = GOFER__V1__EXEC_START__VARIABLES_ENTRY__INIT;
    Gofer__V1__ExecStart__VariablesEntry *variables[] = {&variable};
    Gofer__V1__ExecStart start = exec_start();
    struct gf_session *session = NULL;
    char *empty[] = {""};
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = open_exec(NULL);
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "start");
    size.columns = 10001;
    size.rows = 1;
    start.terminal_size = &size;
    expect_failure(open_exec(&start), GF_INVALID_ARGUMENT, "", "start.terminal_size.columns");
    start.terminal_size = NULL;
    start.command = empty;
    start.n_command = 1;
    expect_failure(open_exec(&start), GF_INVALID_ARGUMENT, "", "start.command[0]");
    start.n_command = 0;
    start.working_directory = "tmp";
    expect_failure(open_exec(&start), GF_INVALID_ARGUMENT, "", "start.working_directory");
    start.working_directory = "";
    variable.key = "GOFER_RUN_ID";
    start.variables = variables;
    start.n_variables = 1;
    expect_failure(open_exec(&start), GF_INVALID_ARGUMENT, "", "start.variables[\"GOFER_RUN_ID\"]");
    start.n_variables = 0;
    start.task_id = "two";
    expect_failure(open_exec(&start), GF_NOT_FOUND, "", "");
    start = exec_start();
    stream = begin_exec(&session);
    send_exec(stream, &start, NULL);
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "start");
    stream = begin_exec(&session);
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_SIGNAL;
    input.signal = 65;
    send_exec(stream, NULL, &input);
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "input.signal");
    scripted_expect(session, " close");
}

/* ---- Attach ---- */

static struct gf_rpc_stream *open_attach(void) {
    Gofer__V1__AttachTaskExecutionRequest request = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__AttachStart start = GOFER__V1__ATTACH_START__INIT;
    struct gf_rpc_stream *stream = NULL;
    start.pipeline_id = "demo";
    start.run_id = 1;
    start.task_id = "one";
    request.message_case = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_START;
    request.start = &start;
    cr_assert_eq(gofer_v1_task_execution_service_attach_task_execution_stream_open(
                     harness.channel, NULL, &stream, &error),
                 GF_OK);
    const enum gf_code rc =
        gofer_v1_task_execution_service_attach_task_execution_stream_send(stream, &request, &error);
    cr_assert(rc == GF_OK || rc == GF_CANCELLED, "%s", error.message);
    return stream;
}

static Gofer__V1__AttachTaskExecutionResponse *recv_attach(struct gf_rpc_stream *stream) {
    Gofer__V1__AttachTaskExecutionResponse *message = NULL;
    cr_assert_eq(gofer_v1_task_execution_service_attach_task_execution_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_OK, "%s", error.message);
    return message;
}

Test(session, attach_follows_the_program_of_the_task) {
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = open_attach();
    struct gf_session *session = scripted_session();
    cr_expect_str_eq(scripted_request(session), "attach attempt=1");
    scripted_started(session, /* terminal= */ false);
    cr_expect_eq((int)recv_attach(stream)->message_case,
                 GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED);
    /* The input of the program is not this client's: its end is not the client's. */
    gf_rpc_stream_close_send(stream);
    scripted_output(session, GF_LOG_STREAM_STDOUT, GF_STR("a"));
    cr_expect_eq(recv_attach(stream)->output->content.len, 1);
    scripted_ended(session, &(struct gf_session_end){.exit_code = 0});
    cr_expect_eq((int)recv_attach(stream)->message_case,
                 GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT);
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
    scripted_exit(0, 0);
    cr_expect_eq((int)wait_run("demo", 1)->status, GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    expect_failure(open_attach(), GF_FAILED_PRECONDITION, "TASK_NOT_RUNNING", "");
    Gofer__V1__ExecStart start = exec_start();
    expect_failure(open_exec(&start), GF_FAILED_PRECONDITION, "NO_CONTAINER", "");
}

/* ---- Who may, and until when ---- */

static void set_attach_disabled(bool disabled) {
    Gofer__V1__UpdateSystemPreferencesRequest request =
        GOFER__V1__UPDATE_SYSTEM_PREFERENCES_REQUEST__INIT;
    Gofer__V1__SystemPreferences preferences = GOFER__V1__SYSTEM_PREFERENCES__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    Gofer__V1__UpdateSystemPreferencesResponse *response = NULL;
    char *paths[] = {"attach_disabled"};
    mask.paths = paths;
    mask.n_paths = 1;
    preferences.attach_disabled = disabled;
    request.preferences = &preferences;
    request.update_mask = &mask;
    cr_assert_eq(gofer_v1_system_service_update_system_preferences(harness.channel, NULL, &request,
                                                                   &arena, &response, &error),
                 GF_OK, "%s", error.message);
}

Test(session, the_switch_puts_everybody_out) {
    struct gf_session *session = NULL;
    Gofer__V1__ExecStart start = exec_start();
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = begin_exec(&session);
    set_attach_disabled(true);
    expect_failure(stream, GF_FAILED_PRECONDITION, "ATTACH_DISABLED", "");
    scripted_expect(session, " close");
    expect_failure(open_attach(), GF_FAILED_PRECONDITION, "ATTACH_DISABLED", "");
    expect_failure(open_exec(&start), GF_FAILED_PRECONDITION, "ATTACH_DISABLED", "");
    set_attach_disabled(false);
    gf_rpc_stream_destroy(begin_exec(&session));
    scripted_expect(session, " close");
}

Test(session, a_server_may_have_it_off_for_good) {
    Gofer__V1__ExecStart start = exec_start();
    gf_harness_pause(&harness);
    harness.options.debugging_disabled = true;
    gf_harness_resume(&harness);
    run_task(make_spec("demo", "one"));
    expect_failure(open_exec(&start), GF_FAILED_PRECONDITION, "ATTACH_DISABLED", "");
}

Test(session, who_loses_the_token_is_put_out) {
    Gofer__V1__Token *token = NULL;
    Gofer__V1__ExecStart start = exec_start();
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    Gofer__V1__DeleteTokenResponse *response = NULL;
    run_task(make_spec("demo", "one"));
    make_role("debugger", may("default", RESOURCE(TASK_EXECUTIONS), NULL, ACTION(ATTACH)), NULL);
    struct gf_rpc_channel *channel = log_in_with(make_token("ada", "debugger", &token));
    struct gf_rpc_stream *stream = open_exec_on(channel, &start);
    struct gf_session *session = scripted_session();
    scripted_started(session, false);
    (void)recv_exec(stream);
    request.token_id = token->token_id;
    cr_assert_eq(gofer_v1_token_service_delete_token(harness.channel, NULL, &request, &arena,
                                                     &response, &error),
                 GF_OK);
    expect_failure(stream, GF_UNAUTHENTICATED, "TOKEN_INVALID", "");
    scripted_expect(session, " close");
    make_role("looker", may("default", RESOURCE(TASK_EXECUTIONS), NULL, ACTION(READ)), NULL);
    expect_failure(open_exec_on(log_in("bob", "looker"), &start), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING", "");
}

/* ---- Terminals ---- */

static struct gf_rpc_stream *open_terminal(void) {
    Gofer__V1__OpenTerminalRequest request = GOFER__V1__OPEN_TERMINAL_REQUEST__INIT;
    Gofer__V1__ExecStart start = exec_start();
    struct gf_rpc_stream *stream = NULL;
    request.target_case = GOFER__V1__OPEN_TERMINAL_REQUEST__TARGET_EXEC;
    request.exec = &start;
    cr_assert_eq(gofer_v1_task_execution_service_open_terminal_stream_open(
                     harness.channel, NULL, &request, &stream, &error),
                 GF_OK);
    return stream;
}

static Gofer__V1__OpenTerminalResponse *recv_terminal(struct gf_rpc_stream *stream) {
    Gofer__V1__OpenTerminalResponse *message = NULL;
    cr_assert_eq(gofer_v1_task_execution_service_open_terminal_stream_recv(
                     stream, TIMEOUT_MS, &arena, &message, &error),
                 GF_OK, "%s", error.message);
    return message;
}

static enum gf_code send_terminal(struct gf_rpc_channel *channel, char *id, int64_t sequence,
                                  const char *text, int64_t *out_accepted) {
    Gofer__V1__SendTerminalInputRequest request = GOFER__V1__SEND_TERMINAL_INPUT_REQUEST__INIT;
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    Gofer__V1__SendTerminalInputResponse *response = NULL;
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_CONTENT;
    input.content.data = (uint8_t *)(uintptr_t)text;
    input.content.len = strlen(text);
    request.terminal_id = id;
    request.sequence = sequence;
    request.input = &input;
    const enum gf_code rc = gofer_v1_task_execution_service_send_terminal_input(
        channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK && out_accepted != NULL) {
        *out_accepted = response->accepted_sequence;
    }
    return rc;
}

Test(session, a_terminal_takes_each_input_once) {
    int64_t accepted = 0;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = open_terminal();
    struct gf_session *session = scripted_session();
    scripted_started(session, true);
    char *id = recv_terminal(stream)->started->terminal_id;
    cr_assert_eq(strlen(id), GF_UUID_BYTES - 1);
    cr_assert_eq(send_terminal(harness.channel, id, 1, "a", &accepted), GF_OK);
    cr_assert_eq(send_terminal(harness.channel, id, 1, "a", &accepted), GF_OK);
    cr_expect_eq(accepted, 1);
    cr_expect_eq(send_terminal(harness.channel, id, 3, "c", NULL), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "SEQUENCE_GAP");
    cr_expect_eq(send_terminal(harness.channel, id, 0, "c", NULL), GF_INVALID_ARGUMENT);
    cr_assert_eq(send_terminal(harness.channel, id, 2, "b", &accepted), GF_OK);
    scripted_expect(session, " input(a) input(b)");
    scripted_take_input(session, 0);
    cr_expect_eq(send_terminal(harness.channel, id, 3, "c", NULL), GF_RESOURCE_EXHAUSTED);
    scripted_take_input(session, -1);
    cr_assert_eq(send_terminal(harness.channel, id, 3, "c", &accepted), GF_OK);
    cr_expect_eq(accepted, 3);
    scripted_output(session, GF_LOG_STREAM_STDOUT, GF_STR("x"));
    cr_expect_eq(recv_terminal(stream)->output->content.len, 1);
    scripted_ended(session, &(struct gf_session_end){.exit_code = 7});
    cr_expect_eq(recv_terminal(stream)->exit->code, 7);
    cr_expect_eq(gf_rpc_stream_finish(stream, &error), GF_OK);
    cr_expect_eq(send_terminal(harness.channel, id, 4, "d", NULL), GF_NOT_FOUND);
    gf_rpc_stream_destroy(stream);
}

Test(session, a_terminal_is_of_the_token_that_opened_it) {
    run_task(make_spec("demo", "one"));
    make_role("debugger", may("default", RESOURCE(TASK_EXECUTIONS), NULL, ACTION(ATTACH)), NULL);
    struct gf_rpc_stream *stream = open_terminal();
    struct gf_session *session = scripted_session();
    scripted_started(session, true);
    char *id = recv_terminal(stream)->started->terminal_id;
    cr_expect_eq(send_terminal(log_in("ada", "debugger"), id, 1, "a", NULL), GF_NOT_FOUND);
    cr_expect_eq(send_terminal(harness.channel, "nothing", 1, "a", NULL), GF_NOT_FOUND);
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
}

Test(session, a_terminal_needs_a_target) {
    Gofer__V1__OpenTerminalRequest request = GOFER__V1__OPEN_TERMINAL_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(gofer_v1_task_execution_service_open_terminal_stream_open(
                     harness.channel, NULL, &request, &stream, &error),
                 GF_OK);
    expect_failure(stream, GF_INVALID_ARGUMENT, "", "target");
}

/* Whoever is in a container does not keep the server from stopping. */
Test(session, a_server_that_stops_puts_everybody_out) {
    struct gf_session *session = NULL;
    run_task(make_spec("demo", "one"));
    struct gf_rpc_stream *stream = begin_exec(&session);
    gf_harness_pause(&harness);
    scripted_expect(session, " close");
    gf_rpc_stream_destroy(stream);
    gf_harness_resume(&harness);
}

/* ---- The root of a failed attempt ---- */

Test(session, a_kept_root_is_opened_without_secrets) {
    Gofer__V1__PipelineSpec *spec = make_spec("demo", "one");
    Gofer__V1__TaskSpec__VariablesEntry plain = GOFER__V1__TASK_SPEC__VARIABLES_ENTRY__INIT;
    Gofer__V1__TaskSpec__VariablesEntry escaped = GOFER__V1__TASK_SPEC__VARIABLES_ENTRY__INIT;
    Gofer__V1__TaskSpec__VariablesEntry *variables[] = {&plain, &escaped};
    Gofer__V1__ExecStart start = exec_start();
    plain.key = "PLAIN";
    plain.value = "1";
    escaped.key = "TEXT";
    escaped.value = "pipeline_secret{{{{k}}";
    spec->tasks[0]->variables = variables;
    spec->tasks[0]->n_variables = 2;
    run_task(spec);
    scripted_exit(4, gf_wall_ns() + GF_NS_PER_HOUR);
    (void)wait_run("demo", 1);
    cr_assert_not_null(get_task("demo", 1, "one")->root_expire_time);
    struct gf_rpc_stream *stream = open_exec(&start);
    struct gf_session *session = scripted_session();
    cr_expect_str_eq(scripted_request(session),
                     "kept attempt=1 command=[sh] env=[GOFER_NAMESPACE_ID=default "
                     "GOFER_PIPELINE_ID=demo GOFER_RUN_ID=1 GOFER_TASK_ATTEMPT=1 GOFER_TASK_ID=one "
                     "GOFER_TASK_IMAGE=busybox:latest PLAIN=1 TEXT=pipeline_secret{{k}}] task=one "
                     "image=sha256:feed");
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
    expect_failure(open_attach(), GF_FAILED_PRECONDITION, "TASK_NOT_RUNNING", "");
}

Test(session, variables_with_secrets_are_left_out_of_a_kept_root) {
    Gofer__V1__PipelineSpec *spec = make_spec("demo", "one");
    Gofer__V1__TaskSpec__VariablesEntry secret = GOFER__V1__TASK_SPEC__VARIABLES_ENTRY__INIT;
    Gofer__V1__TaskSpec__VariablesEntry *variables[] = {&secret};
    Gofer__V1__PutPipelineSecretRequest put = GOFER__V1__PUT_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__SecretValue value = GOFER__V1__SECRET_VALUE__INIT;
    Gofer__V1__PutPipelineSecretResponse *response = NULL;
    Gofer__V1__ExecStart start = exec_start();
    secret.key = "PASSWORD";
    secret.value = "x pipeline_secret{{password}}";
    spec->tasks[0]->variables = variables;
    spec->tasks[0]->n_variables = 1;
    (void)register_spec(make_spec("demo", "one"));
    put.pipeline_id = "demo";
    put.key = "password";
    put.value = &value;
    value.form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    value.plaintext.data = (uint8_t *)(uintptr_t) "hunter22";
    value.plaintext.len = 8;
    cr_assert_eq(gofer_v1_secret_service_put_pipeline_secret(harness.channel, NULL, &put, &arena,
                                                             &response, &error),
                 GF_OK, "%s", error.message);
    run_task(spec);
    scripted_exit(4, gf_wall_ns() + GF_NS_PER_HOUR);
    (void)wait_run("demo", 1);
    struct gf_rpc_stream *stream = open_exec(&start);
    struct gf_session *session = scripted_session();
    cr_expect_null(strstr(scripted_request(session), "PASSWORD"));
    cr_expect_null(strstr(scripted_request(session), "hunter22"));
    gf_rpc_stream_destroy(stream);
    scripted_expect(session, " close");
}
