/*
 * DESIGN
 * A session is what is open of it: a connection, a process, streams, and texts that wait to be
 * sent. Every event changes those, and then what is possible next is done: the end is told when the
 * program has ended and its output is read, and the session is over when the end was sent, or when
 * the other side is gone, and no process is left. So no order of events can leave one behind.
 */
#include "engine/scheduler/native/shim/session.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/shim/init.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OWN_BACKLOG_BYTES = 256 << 10, /* of which one read of each stream is used */
    KEPT_BYTES_MAX = GF_SHIM_MESSAGE_BYTES_MAX,
    MESSAGES_AT_ONCE_MAX = 8, /* so that one that sends without end does not hold the others up */
};

_Static_assert(OWN_BACKLOG_BYTES > 6 * (GF_BACKLOG_PIECE_BYTES_MAX + GF_BACKLOG_ALIGN),
               "what a session reads at once fits");

/* ---- what is told ---- */

static void encode(struct gf_strbuf *out, const struct gf_shim_message *message) {
    gf_strbuf_reset(out);
    if (gf_shim_message_encode(message, out, NULL) != GF_OK) {
        gf_strbuf_reset(out);
        gf_unreachable(); /* numbers and bounded texts */
    }
}

static void encode_failure(struct gf_strbuf *out, enum gf_code code, const char *message) {
    const struct gf_shim_message failed = {
        .kind = GF_SHIM_MESSAGE_SESSION_FAILED,
        .u.session_failed = {.code = code, .message = message},
    };
    encode(out, &failed);
}

/* The first word about the end counts. */
static void fail(struct gf_shim_session *session, enum gf_code code, const char *message) {
    if (session->last.len == 0) {
        encode_failure(&session->last, code, message);
    }
}

static void tell_start(struct gf_shim_session *session, struct gf_shim_session_host *host,
                       bool terminal) {
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_SESSION_STARTED,
        .u.session_started =
            {
                .terminal = terminal,
                .accepts_input = *gf_shim_session__input_fd(session, host) >= 0,
                .window = GF_SHIM_SESSION_WINDOW_BYTES,
            },
    };
    encode(&session->first, &message);
}

static void tell_exit(struct gf_shim_session *session, const struct gf_shim_session_exited *exit) {
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_SESSION_EXITED,
        .u.session_exited = *exit,
    };
    if (session->last.len == 0) {
        encode(&session->last, &message);
    }
}

/* ---- beginning and end ---- */

void gf_shim_session_refuse(int socket_fd, enum gf_code code, const char *message) {
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, KEPT_BYTES_MAX);
    encode_failure(&bytes, code, message);
    /* Nothing else is in the socket, so there is room. */
    (void)!gf_socket_send(socket_fd, bytes.ptr, bytes.len, NULL, 0, NULL);
    gf_strbuf_fini(&bytes);
    gf_close(&socket_fd);
}

static void init(struct gf_shim_session *session, const struct gf_shim_session_host *host,
                 int socket_fd) {
    *session = (struct gf_shim_session){.used = true, .socket_fd = socket_fd, .drain_ns = GF_NEVER};
    gf_strbuf_init(&session->first, KEPT_BYTES_MAX);
    gf_strbuf_init(&session->last, KEPT_BYTES_MAX);
    gf_exec_init(&session->exec);
    gf_shim_session__init_output(session, host);
}

static void release(struct gf_shim_session *session) {
    gf_close(&session->socket_fd);
    gf_exec_close(&session->exec);
    gf_backlog_close(&session->own_backlog);
    gf_strbuf_fini(&session->first);
    gf_strbuf_fini(&session->last);
    gf_shim_session__fini_input(session);
    for (size_t i = 0; i < GF_SHIM_SESSION_STREAMS; i++) {
        gf_mask_stream_fini(&session->masks[i]);
    }
    *session = (struct gf_shim_session){.socket_fd = -1};
}

void gf_shim_session_attach(struct gf_shim_session *session, struct gf_shim_session_host *host,
                            int socket_fd, const struct gf_shim_size *size) {
    init(session, host, socket_fd);
    session->attached = true;
    session->backlog = &host->backlog;
    session->position = host->backlog.head;
    if (host->place.spec->terminal) {
        gf_terminal_resize(host->container->stdout_fd, size->columns, size->rows);
    }
    tell_start(session, host, host->place.spec->terminal);
}

void gf_shim_session_exec(struct gf_shim_session *session, struct gf_shim_session_host *host,
                          int socket_fd, const struct gf_exec_spec *spec) {
    struct gf_error error;
    init(session, host, socket_fd);
    session->terminal = spec->terminal;
    session->backlog = &session->own_backlog;
    enum gf_code rc = gf_backlog_open(&session->own_backlog, OWN_BACKLOG_BYTES, &error);
    if (rc == GF_OK) {
        rc = gf_exec_start(&host->place, spec, &session->exec, &error);
    }
    if (rc != GF_OK) {
        gf_shim_session_refuse(gf_take_fd(&session->socket_fd), rc, error.message);
        release(session);
    }
}

/* The other side is gone, or was told all there is: what is left is to be ended. */
static void hang_up(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    gf_close(&session->socket_fd);
    if (session->exec.pid != 0) {
        gf_exec_kill(&session->exec, host->place.cgroup);
        gf_close(&session->exec.ready_fd);
        gf_close(&session->exec.stdin_fd);
        gf_close(&session->exec.stdout_fd);
        gf_close(&session->exec.stderr_fd);
        gf_close(&session->exec.terminal_socket_fd);
        gf_close(&session->exec.terminal_fd);
    }
}

void gf_shim_session_drop(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    hang_up(session, host);
    if (session->exec.pid != 0) {
        (void)gf_exec_reap(&session->exec, /* now = */ false, &session->status);
    }
    release(session);
}

/* ---- the program of an exec ---- */

static void program_runs(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    if (session->terminal) {
        gf_exec_take_terminal(&session->exec);
    }
    if (session->terminal && session->exec.stdout_fd < 0) {
        fail(session, GF_INTERNAL, "the program's terminal was lost");
        gf_exec_kill(&session->exec, host->place.cgroup);
    } else {
        tell_start(session, host, session->terminal);
    }
}

static void read_ready(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    struct gf_init_failure failure;
    const ssize_t n = read(session->exec.ready_fd, &failure, sizeof(failure));
    if (n < 0 && errno == EINTR) {
        return;
    }
    if (n == (ssize_t)sizeof(failure) && failure.exit_code == GF_INIT_EXECUTES) {
        session->executes = true;
        return; /* what follows is a failure, or the end of file */
    }
    gf_close(&session->exec.ready_fd);
    if (n == (ssize_t)sizeof(failure)) {
        failure.sentence[sizeof(failure.sentence) - 1] = '\0';
        fail(session,
             failure.exit_code == GF_SHIM_EXIT_SETUP_FAILED ? GF_INTERNAL : GF_INVALID_ARGUMENT,
             failure.sentence);
    } else if (session->executes) {
        program_runs(session, host);
    } else {
        fail(session, GF_UNAVAILABLE, "the program was killed before it ran");
    }
}

/* Nothing that it has started in its session outlives it. */
static void reap(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    gf_exec_kill(&session->exec, host->place.cgroup);
    if (gf_exec_reap(&session->exec, /* now = */ true, &session->status)) {
        session->ended = true;
        session->drain_ns = gf_deadline_after_ms(gf_mono_ns(), GF_SHIM_SESSION_DRAIN_MS);
        gf_close(&session->exec.stdin_fd);
        gf_close(&session->exec.terminal_fd);
    }
}

static void describe_end(struct gf_shim_session *session, const struct gf_cgroup *cgroup) {
    const bool signaled = WIFSIGNALED(session->status);
    const int value = signaled ? WTERMSIG(session->status) : WEXITSTATUS(session->status);
    struct gf_shim_session_exited exit = {
        .exit_code = signaled ? 128 + value : value,
        .exit_signal = signaled ? value : 0,
    };
    if (signaled && value == SIGKILL) {
        struct gf_cgroup_usage usage;
        gf_cgroup_read_usage(cgroup, &usage);
        exit.out_of_memory = usage.oom_killed;
    }
    tell_exit(session, &exit);
}

/* ---- what is waited for ---- */

static struct pollfd slot(int fd, short events) {
    return (struct pollfd){.fd = events == 0 ? -1 : fd, .events = events};
}

void gf_shim_session_slots(const struct gf_shim_session *session,
                           const struct gf_shim_session_host *host,
                           struct pollfd out_fds[GF_SHIM_SESSION_SLOTS]) {
    const struct gf_exec *exec = &session->exec;
    const int input_fd = session->attached ? host->container->stdin_fd : exec->stdin_fd;
    const bool waits = gf_shim_session__has_output(session);
    /* The start is told before the output, and the end of one read before the next. */
    const short readable = waits || session->attached || exec->ready_fd >= 0 ? 0 : POLLIN;
    out_fds[GF_SHIM_SESSION_SLOT_SOCKET] =
        slot(session->socket_fd, (short)(POLLIN | (waits ? POLLOUT : 0)));
    out_fds[GF_SHIM_SESSION_SLOT_INPUT] =
        slot(input_fd, gf_shim_session__has_input(session) ? POLLOUT : 0);
    out_fds[GF_SHIM_SESSION_SLOT_STDOUT] = slot(exec->stdout_fd, readable);
    out_fds[GF_SHIM_SESSION_SLOT_STDERR] = slot(exec->stderr_fd, readable);
    out_fds[GF_SHIM_SESSION_SLOT_READY] = slot(exec->ready_fd, POLLIN);
    out_fds[GF_SHIM_SESSION_SLOT_PROCESS] = slot(exec->pidfd, POLLIN);
}

int64_t gf_shim_session_deadline(const struct gf_shim_session *session) {
    int64_t deadline = GF_NEVER;
    for (size_t i = 0; i < GF_SHIM_SESSION_STREAMS; i++) {
        deadline = session->show_ns[i] < deadline ? session->show_ns[i] : deadline;
    }
    const bool drains = session->exec.stdout_fd >= 0 || session->exec.stderr_fd >= 0;
    if (drains && !gf_shim_session__has_output(session) && session->drain_ns < deadline) {
        deadline = session->drain_ns;
    }
    return deadline;
}

/* False: the other side is gone, or breaks the rules. */
static bool receive(struct gf_shim_session *session, struct gf_shim_session_host *host) {
    static char bytes[GF_SHIM_SESSION_MESSAGE_BYTES_MAX];
    for (int i = 0; i < MESSAGES_AT_ONCE_MAX; i++) {
        struct gf_socket_message received;
        struct gf_shim_message message;
        const enum gf_code rc =
            gf_socket_receive(session->socket_fd, bytes, sizeof(bytes), &received, NULL);
        if (rc == GF_RESOURCE_EXHAUSTED) {
            return true;
        }
        if (rc == GF_OUT_OF_RANGE) {
            continue; /* a message of a later version */
        }
        if (rc != GF_OK || received.size == 0) {
            return false;
        }
        for (size_t k = 0; k < received.fd_count; k++) {
            gf_close(&received.fds[k]);
        }
        const bool decoded =
            gf_shim_message_decode((struct gf_str){bytes, received.size}, &message, NULL) == GF_OK;
        const bool legal = decoded && gf_shim_session__take(session, host, &message);
        explicit_bzero(bytes, received.size);
        if (!legal) {
            return false;
        }
    }
    return true;
}

static void handle_exec(struct gf_shim_session *session, struct gf_shim_session_host *host,
                        const struct pollfd *fds) {
    const struct gf_exec *exec = &session->exec;
    /* A process that has ended has said all about its start: that comes first. */
    if (exec->ready_fd >= 0 && fds[GF_SHIM_SESSION_SLOT_READY].revents != 0) {
        read_ready(session, host);
    }
    if (exec->pidfd >= 0 && exec->ready_fd < 0 && fds[GF_SHIM_SESSION_SLOT_PROCESS].revents != 0) {
        reap(session, host);
    }
    const bool drained = session->ended && !gf_shim_session__has_output(session) &&
                         gf_mono_ns() >= session->drain_ns;
    if (exec->stdout_fd >= 0 && (fds[GF_SHIM_SESSION_SLOT_STDOUT].revents != 0 || drained)) {
        gf_shim_session__read(session, 0);
    }
    if (exec->stderr_fd >= 0 && (fds[GF_SHIM_SESSION_SLOT_STDERR].revents != 0 || drained)) {
        gf_shim_session__read(session, 1);
    }
    gf_shim_session__show(session, gf_mono_ns());
    if (session->ended && exec->ready_fd < 0 && exec->stdout_fd < 0 && exec->stderr_fd < 0) {
        describe_end(session, host->place.cgroup);
    }
}

void gf_shim_session_handle(struct gf_shim_session *session, struct gf_shim_session_host *host,
                            const struct pollfd *fds) {
    static const struct pollfd NOTHING[GF_SHIM_SESSION_SLOTS];
    fds = fds == NULL ? NOTHING : fds;
    if (session->socket_fd >= 0 && fds[GF_SHIM_SESSION_SLOT_SOCKET].revents != 0 &&
        !receive(session, host)) {
        hang_up(session, host);
    }
    if (!session->attached) {
        handle_exec(session, host, fds);
    } else if (!gf_backlog_has(session->backlog, session->position)) {
        session->position = session->backlog->head;
        fail(session, GF_RESOURCE_EXHAUSTED, "the output was not read fast enough");
    }
    if (gf_shim_session__has_input(session)) {
        gf_shim_session__write(session, host);
    }
    if (session->socket_fd >= 0 && !gf_shim_session__send(session)) {
        hang_up(session, host);
    }
    if (session->socket_fd < 0 && session->exec.pid == 0) {
        release(session);
    }
}

void gf_shim_session_container_ended(struct gf_shim_session *session,
                                     struct gf_shim_session_host *host,
                                     const struct gf_shim_exit *exit) {
    if (session->attached) {
        const struct gf_shim_session_exited told = {
            .exit_code = exit->exit_code,
            .exit_signal = exit->exit_signal,
            .out_of_memory = exit->out_of_memory,
        };
        tell_exit(session, &told);
    } else if (session->exec.pid != 0) {
        /* The kernel kills it too, and process 1 cannot end before it was waited for. */
        gf_exec_kill(&session->exec, host->place.cgroup);
        (void)gf_exec_reap(&session->exec, /* now = */ false, &session->status);
        session->ended = true;
        session->drain_ns = gf_mono_ns();
        gf_close(&session->exec.stdin_fd);
        gf_close(&session->exec.terminal_fd);
    }
}
