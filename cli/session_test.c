/*
 * The commands that get into containers, against a server that echoes: a program that has a
 * terminal writes back what it reads; "X" ends it with exit code 7, the end of input with 3.
 */
#include "api/rpc/server.h"
#include "base/file.h"
#include "base/sync.h"
#include "cli/cmd/commands.h"
#include "cli/testing/fixture.h"
#include "gofer/v1/task_execution.gofer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const struct gf_command *const items[] = {&gf_cmd_task_attach, &gf_cmd_task_exec,
                                                 &gf_cmd_task_shell};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;
static struct gf_rpc_server *server;
static char address[32];
static const char *variables[] = {"GOFER_HOST", address, "GOFER_CONTEXTS", "/nowhere/c.json", NULL};

/* ---- The server ---- */

static void say(struct gf_rpc_call *call, Gofer__V1__LogStream stream, struct gf_str text) {
    Gofer__V1__ExecTaskExecutionResponse response = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__INIT;
    Gofer__V1__TerminalOutput output = GOFER__V1__TERMINAL_OUTPUT__INIT;
    struct gf_error ignored;
    output.stream = stream;
    output.content.data = (uint8_t *)(uintptr_t)text.ptr;
    output.content.len = text.len;
    response.message_case = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_OUTPUT;
    response.output = &output;
    response.base.descriptor = gf_rpc_call_method(call)->response;
    (void)!gf_rpc_send(call, &response.base, &ignored);
}

static void say_text(struct gf_rpc_call *call, const char *text) {
    say(call, GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT, gf_str_from(text));
}

static void end_program(struct gf_rpc_call *call, int32_t code) {
    Gofer__V1__ExecTaskExecutionResponse response = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__INIT;
    Gofer__V1__TaskExit end = GOFER__V1__TASK_EXIT__INIT;
    struct gf_error ignored;
    end.code = code;
    response.message_case = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT;
    response.exit = &end;
    response.base.descriptor = gf_rpc_call_method(call)->response;
    (void)!gf_rpc_send(call, &response.base, &ignored);
    gf_rpc_finish(call);
}

static void begin_program(struct gf_rpc_call *call, bool terminal) {
    Gofer__V1__ExecTaskExecutionResponse response = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__INIT;
    Gofer__V1__TerminalStarted started = GOFER__V1__TERMINAL_STARTED__INIT;
    struct gf_error ignored;
    started.attempt = 1;
    started.terminal = terminal;
    started.accepts_input = true;
    response.message_case = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED;
    response.started = &started;
    response.base.descriptor = gf_rpc_call_method(call)->response;
    (void)!gf_rpc_send(call, &response.base, &ignored);
}

static void take_start(struct gf_rpc_call *call, const Gofer__V1__ExecStart *start) {
    char text[256];
    if (start->n_command > 0 && strcmp(start->command[0], "nothing") == 0) {
        struct gf_error error = {0};
        (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, "TASK_NOT_RUNNING", "it is over");
        gf_rpc_fail(call, &error);
        return;
    }
    begin_program(call, start->terminal_size != NULL);
    (void)snprintf(text, sizeof(text), "%s/%d/%s %zu %s=%s %s %s|", start->pipeline_id,
                   (int)start->run_id, start->task_id, start->n_command,
                   start->n_variables > 0 ? start->variables[0]->key : "",
                   start->n_variables > 0 ? start->variables[0]->value : "", start->user,
                   start->n_command > 1 ? start->command[1] : "");
    say_text(call, text);
}

static void take_input(struct gf_rpc_call *call, const Gofer__V1__TerminalInput *input) {
    char text[64];
    switch ((int)input->action_case) {
    case GOFER__V1__TERMINAL_INPUT__ACTION_CONTENT:
        if (memchr(input->content.data, 'X', input->content.len) != NULL) {
            end_program(call, 7);
        } else {
            say(call, GOFER__V1__LOG_STREAM__LOG_STREAM_STDOUT,
                (struct gf_str){(const char *)input->content.data, input->content.len});
        }
        break;
    case GOFER__V1__TERMINAL_INPUT__ACTION_RESIZE:
        (void)snprintf(text, sizeof(text), "%dx%d", (int)input->resize->columns,
                       (int)input->resize->rows);
        say_text(call, text);
        break;
    default:
        say(call, GOFER__V1__LOG_STREAM__LOG_STREAM_STDERR, GF_STR("end"));
        end_program(call, 3);
        break;
    }
}

static void start_call(GF_UNUSED struct gf_rpc_call *call, GF_UNUSED void *ctx) {
}

static void take_exec(struct gf_rpc_call *call, const Gofer__V1__ExecTaskExecutionRequest *request,
                      GF_UNUSED void *ctx) {
    if (request == NULL) {
        return;
    }
    if (request->message_case == GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_START) {
        take_start(call, request->start);
    } else {
        take_input(call, request->input);
    }
}

/* The responses of both are alike, field by field: those of exec are used for attach, too. */
static void take_attach(struct gf_rpc_call *call,
                        const Gofer__V1__AttachTaskExecutionRequest *request, GF_UNUSED void *ctx) {
    if (request == NULL) {
        return;
    }
    if (request->message_case == GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_START) {
        begin_program(call, request->start->terminal_size != NULL);
        say_text(call, "here|");
    } else {
        take_input(call, request->input);
    }
}

static void cancelled(struct gf_rpc_call *call, GF_UNUSED void *ctx) {
    gf_rpc_finish(call);
}

static const struct gofer_v1_task_execution_service_handlers handlers = {
    .attach_task_execution = {.start = start_call, .message = take_attach, .cancelled = cancelled},
    .exec_task_execution = {.start = start_call, .message = take_exec, .cancelled = cancelled},
};

static void setup(void) {
    int port = 0;
    gf_assert(gf_rpc_server_create(NULL, &server, NULL) == GF_OK);
    gofer_v1_task_execution_service_add_to_server(server, &handlers, NULL);
    gf_assert(gf_rpc_server_listen(server, "127.0.0.1:0", NULL, &port, NULL) == GF_OK);
    gf_rpc_server_start(server);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    gf_fixture_init(&fixture, &set, variables);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
    gf_rpc_server_destroy(server);
}

TestSuite(session, .init = setup, .fini = teardown, .timeout = 60);

/* ---- Without a terminal ---- */

static int run(const char *line) {
    return (int)gf_fixture_run(&fixture, line);
}

Test(session, exec_takes_a_pipe_and_gives_the_exit_code) {
    gf_fixture_input(&fixture, "abc");
    cr_expect_eq(run("task exec demo 12 one -e A=1=2 --user ada -- cat -n --quiet"), 3);
    cr_expect_str_eq(fixture.out, "demo/12/one 3 A=1=2 ada -n|abc");
    cr_expect_str_eq(fixture.err, "end");
}

Test(session, exec_needs_no_dashes_before_the_program) {
    gf_fixture_input(&fixture, "X");
    cr_expect_eq(run("task exec --no-stdin demo 1 one ls --tty"), 3);
    cr_expect_str_eq(fixture.out, "demo/1/one 2 =  --tty|");
}

Test(session, letters_that_other_programs_take_are_taken) {
    gf_fixture_input(&fixture, "abc");
    cr_expect_eq(run("task exec -it demo 1 one ls"), 3);
}

Test(session, shell_is_exec_of_a_shell) {
    gf_fixture_input(&fixture, "X");
    cr_expect_eq(run("task shell demo 1 one --shell bash"), 7);
    cr_expect_str_eq(fixture.out, "demo/1/one 1 =  |");
}

Test(session, errors_have_the_exit_codes_of_all_commands) {
    gf_fixture_input(&fixture, "");
    cr_expect_eq(run("task exec demo 1 one -- nothing"), GF_EXIT_CONFLICT);
    cr_expect_not_null(strstr(fixture.err, "gofer: it is over"));
    cr_expect_not_null(strstr(fixture.err, "hint: gofer task logs demo 1 one"));
    cr_expect_eq(run("task exec demo 1 one"), GF_EXIT_USAGE);
    cr_expect_eq(run("task exec demo 1 one --env A -- ls"), GF_EXIT_USAGE);
    cr_expect_eq(run("task exec demo 1 one --tty --no-tty -- ls"), GF_EXIT_USAGE);
    cr_expect_eq(run("task exec -i --no-stdin demo 1 one ls"), GF_EXIT_USAGE);
    cr_expect_eq(run("task attach demo 1 one --detach-keys what"), GF_EXIT_USAGE);
}

Test(session, attach_leaves_the_input_of_the_program_alone) {
    gf_fixture_input(&fixture, "abcX");
    cr_expect_eq(run("task attach demo 1 one"), 7);
    gf_fixture_input(&fixture, "abc");
    gf_fixture_reset(&fixture);
    cr_expect_eq(run("task attach demo 1 one --close-input"), 3);
    cr_expect_str_eq(fixture.out, "here|abc");
}

/* ---- With a terminal: the test types at its other side ---- */

static int keyboard = -1;
static pthread_t typist;

static void open_terminal(void) {
    keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(keyboard >= 0 && grantpt(keyboard) == 0 && unlockpt(keyboard) == 0);
    struct winsize size = {.ws_col = 90, .ws_row = 30};
    (void)ioctl(keyboard, TIOCSWINSZ, &size);
    /* Not the terminal of this process, which would get a SIGHUP when the test closes it. */
    fixture.cli.in = fdopen(open(ptsname(keyboard), O_RDWR | O_NOCTTY | O_CLOEXEC), "r+");
    cr_assert_not_null(fixture.cli.in);
    fixture.owns_in = true;
    fixture.cli.in_is_terminal = true;
    fixture.cli.out_is_terminal = true;
}

static bool is_raw(void) {
    struct termios settings;
    cr_assert_eq(tcgetattr(fileno(fixture.cli.in), &settings), 0);
    return (settings.c_lflag & ICANON) == 0;
}

/* Types once the terminal is raw: what came before would be for the line discipline. */
static void *type(void *text) {
    for (int i = 0; i < 1000 && !is_raw(); i++) {
        (void)usleep(10 * 1000);
    }
    (void)!write(keyboard, text, strlen(text));
    return NULL;
}

static int run_typing(const char *line, const char *text) {
    open_terminal();
    gf_thread_start(&typist, "typist", type, (void *)(uintptr_t)text);
    const int code = run(line);
    gf_thread_join(typist);
    cr_expect_not(is_raw(), "the terminal is as it was");
    gf_close(&keyboard);
    return code;
}

Test(session, terminal_is_raw_while_the_program_runs) {
    cr_expect_eq(run_typing("task exec demo 1 one -- sh", "\x03"
                                                          "aX"),
                 7);
    cr_expect_str_eq(fixture.out, "demo/1/one 1 =  |");
}

Test(session, detach_keys_leave_and_say_how_to_come_back) {
    cr_expect_eq(run_typing("task attach demo 1 one", "\x10\x11"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.err, "ctrl-p,ctrl-q leaves"));
    cr_expect_not_null(strstr(fixture.err, "left; the program goes on"));
    cr_expect_not_null(strstr(fixture.err, "hint: gofer task attach demo 1 one"));
}

Test(session, other_detach_keys_may_be_asked_for) {
    cr_expect_eq(run_typing("task attach demo 1 one --detach-keys ctrl-a,d", "\x01"
                                                                             "d"),
                 GF_EXIT_OK);
}

Test(session, no_tty_is_respected) {
    open_terminal();
    cr_expect_eq(run("task exec demo 1 one --no-tty --no-stdin -- ls"), 3);
    cr_expect_not(is_raw());
    gf_close(&keyboard);
}
