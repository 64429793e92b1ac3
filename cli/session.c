/*
 * DESIGN. The main thread receives and prints. A thread of its own waits for what is typed, for the
 * terminal to change its size and for the end, all of them by poll, and sends; it may be held up by
 * the server when the program does not read. When the stream is over, that thread is told by a
 * pipe, and by the stream being cancelled, which ends a send that is held up.
 *
 * The terminal is raw from the moment at which the server says that the program has one, so that
 * errors before that are printed as always; it is itself again before anything is said at the end.
 */
#include "cli/session.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/sync.h"
#include "cli/call.h"
#include "cli/detach_keys.h"
#include "cli/interrupt.h"
#include "cli/raw_terminal.h"
#include "gofer/v1/task_execution.gofer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    INPUT_BYTES_MAX = 64 << 10, /* of one message, as the server takes them */
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
    /* Of a terminal that is asked for where there is none here. */
    COLUMNS_DEFAULT = 80,
    ROWS_DEFAULT = 24,
    BYTE_RESIZED = 'r',
    BYTE_STOP = 's',
};

struct session {
    struct gf_cli *cli;
    const struct gf_session_options *options;
    const char *pipeline_id;
    const char *task_id;
    struct gf_rpc_stream *stream;
    bool wants_terminal; /* of an exec */
    bool sends_input;
    struct gf_detach_keys detach_keys;
    int wake[2]; /* of the thread that reads input */
    pthread_t input_thread;
    bool has_input_thread;
    bool is_raw;
    atomic_bool detached;
    bool has_exit;
    int32_t exit_code;
};

/* What the handler of SIGWINCH knows. */
static atomic_int resize_fd = -1;

static void on_resize(int number) {
    (void)number;
    const int before = errno;
    const char byte = BYTE_RESIZED;
    (void)!write(atomic_load(&resize_fd), &byte, 1);
    errno = before;
}

/* ---- Sending. Thread: that of the input, after the start. ---- */

static enum gf_code send_input(struct session *session, Gofer__V1__TerminalInput *input) {
    struct gf_error ignored; /* the end of the stream says why */
    if (session->options->attach) {
        Gofer__V1__AttachTaskExecutionRequest request =
            GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__INIT;
        request.message_case = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_INPUT;
        request.input = input;
        return gf_rpc_stream_send(session->stream, &request.base, &ignored);
    }
    Gofer__V1__ExecTaskExecutionRequest request = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__INIT;
    request.message_case = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_INPUT;
    request.input = input;
    return gf_rpc_stream_send(session->stream, &request.base, &ignored);
}

static enum gf_code send_bytes(struct session *session, uint8_t *bytes, size_t size) {
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    if (size == 0) {
        return GF_OK;
    }
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_CONTENT;
    input.content.data = bytes;
    input.content.len = size;
    return send_input(session, &input);
}

static enum gf_code send_close(struct session *session) {
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_CLOSE_INPUT;
    input.close_input = true;
    return send_input(session, &input);
}

static bool read_size(const struct session *session, Gofer__V1__TerminalSize *size) {
    const struct gf_cli *cli = session->cli;
    return gf_terminal_read_size(fileno(cli->out), &size->columns, &size->rows) ||
           gf_terminal_read_size(fileno(cli->in), &size->columns, &size->rows);
}

static enum gf_code send_size(struct session *session) {
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    Gofer__V1__TerminalSize size = GOFER__V1__TERMINAL_SIZE__INIT;
    if (!read_size(session, &size)) {
        return GF_OK;
    }
    input.action_case = GOFER__V1__TERMINAL_INPUT__ACTION_RESIZE;
    input.resize = &size;
    return send_input(session, &input);
}

/* The input here has ended. One who looks on a program leaves its input alone, unless asked. */
static void end_input(struct session *session) {
    if (!session->options->attach || session->options->close_input) {
        (void)send_close(session);
    }
}

/* Reads once. False: there is no more. */
static bool read_input(struct session *session, uint8_t *bytes, uint8_t *typed) {
    const ssize_t got = read(fileno(session->cli->in), bytes, INPUT_BYTES_MAX - GF_DETACH_KEYS_MAX);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return true;
    }
    if (got <= 0) {
        end_input(session);
        return false;
    }
    if (!session->is_raw) {
        return send_bytes(session, bytes, (size_t)got) == GF_OK;
    }
    size_t size = 0;
    const bool leaves =
        gf_detach_keys_take(&session->detach_keys, bytes, (size_t)got, typed, &size);
    if (send_bytes(session, typed, size) != GF_OK) {
        return false;
    }
    if (leaves) {
        atomic_store(&session->detached, true);
        gf_rpc_stream_cancel(session->stream);
    }
    return !leaves;
}

static void *take_input(void *ctx) {
    struct session *session = ctx;
    uint8_t *bytes = gf_malloc(2 * (size_t)INPUT_BYTES_MAX);
    bool reads = session->sends_input;
    for (;;) {
        struct pollfd fds[] = {
            {.fd = session->wake[0], .events = POLLIN},
            {.fd = reads ? fileno(session->cli->in) : -1, .events = POLLIN},
        };
        if (poll(fds, GF_ARRAY_COUNT(fds), -1) < 0 && errno != EINTR) {
            break;
        }
        if ((fds[0].revents & POLLIN) != 0) {
            char byte = BYTE_STOP;
            if (read(session->wake[0], &byte, 1) != 1 || byte == BYTE_STOP) {
                break;
            }
            (void)send_size(session);
        }
        if (reads && fds[1].revents != 0) {
            reads = read_input(session, bytes, bytes + INPUT_BYTES_MAX);
        }
    }
    free(bytes);
    return NULL;
}

/* ---- Starting ---- */

static void fill_variables(struct gf_cli *cli, Gofer__V1__ExecStart *start) {
    size_t count = 0;
    const char *const *given = gf_parsed_list(cli->parsed, "env", &count);
    start->variables = GF_ARENA_ARRAY(cli->arena, count, Gofer__V1__ExecStart__VariablesEntry *);
    for (size_t i = 0; i < count; i++) {
        struct gf_str key;
        struct gf_str value;
        (void)gf_str_cut(gf_str_from(given[i]), '=', &key, &value);
        Gofer__V1__ExecStart__VariablesEntry *entry =
            GF_ARENA_NEW(cli->arena, Gofer__V1__ExecStart__VariablesEntry);
        gofer__v1__exec_start__variables_entry__init(entry);
        entry->key = (char *)(uintptr_t)gf_arena_str(cli->arena, key).ptr;
        entry->value = (char *)(uintptr_t)gf_arena_str(cli->arena, value).ptr;
        start->variables[i] = entry;
    }
    start->n_variables = count;
}

static void fill_size(const struct session *session, Gofer__V1__TerminalSize *size) {
    if (!read_size(session, size)) {
        size->columns = COLUMNS_DEFAULT;
        size->rows = ROWS_DEFAULT;
    }
}

static enum gf_code open_attach(struct session *session, struct gf_rpc_channel *channel,
                                struct gf_error *err) {
    struct gf_cli *cli = session->cli;
    Gofer__V1__AttachTaskExecutionRequest request = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__AttachStart start = GOFER__V1__ATTACH_START__INIT;
    Gofer__V1__TerminalSize size = GOFER__V1__TERMINAL_SIZE__INIT;
    start.namespace_id = gf_request_text(cli->namespace_id);
    start.pipeline_id = gf_request_text(session->pipeline_id);
    start.run_id = session->options->run_id;
    start.task_id = gf_request_text(session->task_id);
    if (session->sends_input && cli->in_is_terminal && cli->out_is_terminal) {
        fill_size(session, &size);
        start.terminal_size = &size;
    }
    request.message_case = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_START;
    request.start = &start;
    const enum gf_code rc = gofer_v1_task_execution_service_attach_task_execution_stream_open(
        channel, NULL, &session->stream, err);
    if (rc == GF_OK) {
        (void)!gf_rpc_stream_send(session->stream, &request.base, err);
    }
    return rc;
}

static enum gf_code open_exec(struct session *session, struct gf_rpc_channel *channel,
                              struct gf_error *err) {
    struct gf_cli *cli = session->cli;
    const struct gf_session_options *options = session->options;
    Gofer__V1__ExecTaskExecutionRequest request = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__ExecStart start = GOFER__V1__EXEC_START__INIT;
    Gofer__V1__TerminalSize size = GOFER__V1__TERMINAL_SIZE__INIT;
    start.namespace_id = gf_request_text(cli->namespace_id);
    start.pipeline_id = gf_request_text(session->pipeline_id);
    start.run_id = options->run_id;
    start.task_id = gf_request_text(session->task_id);
    start.command = (char **)(uintptr_t)options->command;
    start.n_command = options->command_count;
    start.user = gf_request_text(gf_parsed_text(cli->parsed, "user"));
    start.working_directory = gf_request_text(gf_parsed_text(cli->parsed, "workdir"));
    fill_variables(cli, &start);
    if (session->wants_terminal) {
        fill_size(session, &size);
        start.terminal_size = &size;
    }
    request.message_case = GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_START;
    request.start = &start;
    const enum gf_code rc = gofer_v1_task_execution_service_exec_task_execution_stream_open(
        channel, NULL, &session->stream, err);
    if (rc == GF_OK) {
        (void)!gf_rpc_stream_send(session->stream, &request.base, err);
    }
    return rc;
}

/* ---- Receiving ---- */

/* The parts of a response of either kind. */
struct response_parts {
    const Gofer__V1__TerminalStarted *started;
    const Gofer__V1__TerminalOutput *output;
    const Gofer__V1__TaskExit *exit;
};

static struct response_parts parts_of(const struct session *session,
                                      const ProtobufCMessage *message) {
    struct response_parts parts = {0};
    if (session->options->attach) {
        const Gofer__V1__AttachTaskExecutionResponse *response = (const void *)message;
        switch ((int)response->message_case) {
        case GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED:
            parts.started = response->started;
            break;
        case GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_OUTPUT:
            parts.output = response->output;
            break;
        case GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT:
            parts.exit = response->exit;
            break;
        default:
            break;
        }
        return parts;
    }
    const Gofer__V1__ExecTaskExecutionResponse *response = (const void *)message;
    switch ((int)response->message_case) {
    case GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED:
        parts.started = response->started;
        break;
    case GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_OUTPUT:
        parts.output = response->output;
        break;
    case GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT:
        parts.exit = response->exit;
        break;
    default:
        break;
    }
    return parts;
}

static bool print_output(struct session *session, const Gofer__V1__TerminalOutput *output) {
    FILE *out = output->stream == GOFER__V1__LOG_STREAM__LOG_STREAM_STDERR ? session->cli->err
                                                                           : session->cli->out;
    return fwrite(output->content.data, 1, output->content.len, out) == output->content.len &&
           fflush(out) == 0;
}

/* The program is connected: keys go to it from now on. */
static enum gf_code begin(struct session *session, const Gofer__V1__TerminalStarted *started,
                          struct gf_error *err) {
    struct gf_cli *cli = session->cli;
    if (session->sends_input && !started->accepts_input) {
        session->sends_input = false;
        gf_cli_note(cli, "the program reads no input");
    }
    if (session->sends_input && started->terminal && cli->in_is_terminal) {
        if (session->options->attach && session->detach_keys.count > 0) {
            gf_cli_note(cli, "%s leaves; the program goes on", session->options->detach_keys);
        }
        const enum gf_code rc = gf_raw_terminal_start(fileno(cli->in), err);
        if (rc != GF_OK) {
            return rc;
        }
        session->is_raw = true;
    }
    gf_thread_start(&session->input_thread, "input", take_input, session);
    session->has_input_thread = true;
    if (!session->sends_input && !session->options->attach) {
        (void)send_close(session);
    }
    return GF_OK;
}

static enum gf_code receive_all(struct session *session, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    for (;;) {
        ProtobufCMessage *message = NULL;
        rc = gf_rpc_stream_recv(session->stream, -1, &arena, &message, err);
        if (rc != GF_OK || message == NULL) {
            break;
        }
        const struct response_parts parts = parts_of(session, message);
        if (parts.started != NULL && !session->has_input_thread) {
            rc = begin(session, parts.started, err);
        } else if (parts.exit != NULL) {
            session->has_exit = true;
            session->exit_code = parts.exit->code;
        } else if (parts.output != NULL && !print_output(session, parts.output)) {
            break; /* of output that could not be written, main tells */
        }
        if (rc != GF_OK) {
            break;
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return rc;
}

/* ---- The whole of it ---- */

static void on_interrupt(void *ctx) {
    struct session *session = ctx;
    gf_rpc_stream_cancel(session->stream);
}

static void stop_input(struct session *session) {
    if (session->has_input_thread) {
        const char byte = BYTE_STOP;
        gf_rpc_stream_cancel(session->stream);
        (void)!write(session->wake[1], &byte, 1);
        gf_thread_join(session->input_thread);
    }
    gf_raw_terminal_stop();
}

static enum gf_exit_code tell_detached(struct session *session) {
    struct gf_cli *cli = session->cli;
    gf_cli_note(cli, "left; the program goes on");
    gf_cli_hint(cli, "gofer task attach %s %lld %s%s", session->pipeline_id,
                (long long)session->options->run_id, session->task_id,
                gf_cli_namespace_option(cli));
    return GF_EXIT_OK;
}

static enum gf_exit_code converse(struct session *session, struct gf_error *err) {
    struct sigaction before;
    const struct sigaction resized = {.sa_handler = on_resize, .sa_flags = SA_RESTART};
    atomic_store(&resize_fd, session->wake[1]);
    (void)sigaction(SIGWINCH, &resized, &before);
    struct gf_interrupt *interrupt = gf_interrupt_start(on_interrupt, session);
    const enum gf_code rc = receive_all(session, err);
    stop_input(session);
    const bool interrupted = gf_interrupt_seen(interrupt);
    gf_interrupt_stop(interrupt);
    (void)sigaction(SIGWINCH, &before, NULL);
    atomic_store(&resize_fd, -1);
    if (atomic_load(&session->detached)) {
        return tell_detached(session);
    }
    if (session->has_exit) {
        return (enum gf_exit_code)session->exit_code;
    }
    if (interrupted) {
        if (session->options->attach) {
            (void)tell_detached(session);
        }
        return GF_EXIT_INTERRUPTED;
    }
    if (ferror(session->cli->out) != 0) {
        return GF_EXIT_OK; /* main tells */
    }
    if (rc == GF_OK) {
        (void)gf_fail(err, GF_UNAVAILABLE, "the connection ended before the program");
    }
    return gf_cli_fail_call(session->cli, err);
}

static enum gf_code check_options(struct session *session, struct gf_error *err) {
    struct gf_cli *cli = session->cli;
    session->sends_input = !gf_parsed_flag(cli->parsed, "no-stdin");
    if (session->options->attach) {
        return gf_detach_keys_parse(gf_str_from(session->options->detach_keys),
                                    &session->detach_keys, err);
    }
    const bool tty = gf_parsed_flag(cli->parsed, "tty");
    const bool no_tty = gf_parsed_flag(cli->parsed, "no-tty");
    if (tty && no_tty) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "--tty and --no-tty contradict each other");
    }
    if (gf_parsed_flag(cli->parsed, "interactive") && !session->sends_input) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "--interactive and --no-stdin contradict each other");
    }
    size_t count = 0;
    const char *const *variables = gf_parsed_list(cli->parsed, "env", &count);
    for (size_t i = 0; i < count; i++) {
        if (strchr(variables[i], '=') == NULL) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "--env takes KEY=VALUE, not '%s'",
                           variables[i]);
        }
    }
    session->wants_terminal =
        tty || (!no_tty && session->sends_input && cli->in_is_terminal && cli->out_is_terminal);
    return GF_OK;
}

enum gf_exit_code gf_session_run(struct gf_cli *cli, const struct gf_session_options *options) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_error err = {0};
    struct session session = {
        .cli = cli,
        .options = options,
        .pipeline_id = cli->parsed->arguments[0],
        .task_id = cli->parsed->arguments[2],
        .wake = {-1, -1},
    };
    if (check_options(&session, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    const int made = pipe2(session.wake, O_CLOEXEC);
    gf_assert(made == 0);
    struct gf_rpc_channel *channel = gf_client_channel(client);
    const enum gf_code rc =
        options->attach ? open_attach(&session, channel, &err) : open_exec(&session, channel, &err);
    code = rc == GF_OK ? converse(&session, &err) : gf_cli_fail_call(cli, &err);
    gf_rpc_stream_destroy(session.stream);
    gf_close(&session.wake[0]);
    gf_close(&session.wake[1]);
    return code;
}
