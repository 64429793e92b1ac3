#include "engine/scheduler/native/shim/supervisor.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/shim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is waited for, besides the control sockets. */
enum slot {
    SLOT_STDOUT,
    SLOT_STDERR,
    SLOT_READY,
    SLOT_STATUS,
    SLOT_PROCESS,
    SLOT_SIGNAL,
    SLOT_CONTROL,
    SLOT_SESSIONS = SLOT_CONTROL + GF_CONTROL_POLL_FDS_MAX,
    SLOTS_MAX = SLOT_SESSIONS + GF_SESSIONS_POLL_FDS_MAX,
};

enum {
    SIGNAL_MAX = 64,
    EXIT_CODE_MAX = 255,
    ROOT_PATH_BYTES_MAX = 32,
};

void gf_supervisor_init(struct gf_supervisor *supervisor) {
    supervisor->running = false;
    supervisor->status_known = false;
    supervisor->reaped = false;
    supervisor->timed_out = false;
    supervisor->stopped = false;
    supervisor->missing_protections = (uint32_t)supervisor->spec->missing_protections;
    supervisor->root_fd = -1;
    supervisor->command_pid = 0;
    supervisor->execute_time = 0;
    supervisor->start_time = 0;
    supervisor->time_limit_ns = GF_NEVER;
    supervisor->kill_ns = GF_NEVER;
    supervisor->drain_ns = GF_NEVER;
    supervisor->status = (struct gf_init_status){0};
    supervisor->failure = (struct gf_init_failure){0};
}

/* ---- ending it ---- */

static void kill_all(struct gf_supervisor *supervisor) {
    supervisor->kill_ns = GF_NEVER;
    gf_container_signal(supervisor->container, SIGKILL);
}

/* The stop signal now and SIGKILL after the grace period; a command that does not run yet never
 * will. */
static void stop(struct gf_supervisor *supervisor, int64_t grace_ms) {
    const int64_t signal_number = supervisor->spec->stop_signal;
    if (!supervisor->running || grace_ms == 0) {
        kill_all(supervisor);
        return;
    }
    const int64_t kill_ns = gf_deadline_after_ms(gf_mono_ns(), grace_ms);
    /* A second request may shorten the grace period, never prolong it. */
    if (kill_ns < supervisor->kill_ns) {
        supervisor->kill_ns = kill_ns;
    }
    gf_container_signal(supervisor->container, signal_number == 0 ? SIGTERM : (int)signal_number);
}

void gf_supervisor_request(const struct gf_shim_message *request, void *ctx) {
    struct gf_supervisor *supervisor = ctx;
    if (request->kind == GF_SHIM_MESSAGE_STOP) {
        const struct gf_shim_stop *wanted = &request->u.stop;
        supervisor->stopped = true;
        stop(supervisor, wanted->own_grace ? supervisor->spec->grace_ms : wanted->grace_ms);
    } else if (supervisor->running) {
        gf_container_signal(supervisor->container, (int)request->u.signal.number);
    }
}

static void check_deadlines(struct gf_supervisor *supervisor) {
    const int64_t now = gf_mono_ns();
    if (now >= supervisor->time_limit_ns) {
        supervisor->time_limit_ns = GF_NEVER;
        supervisor->timed_out = true;
        stop(supervisor, supervisor->spec->grace_ms);
    }
    if (now >= supervisor->kill_ns) {
        kill_all(supervisor);
    }
    if (now >= gf_pump_deadline(supervisor->pump)) {
        gf_pump_show(supervisor->pump, now);
    }
    if (now >= supervisor->drain_ns) {
        gf_close(&supervisor->container->stdout_fd);
        gf_close(&supervisor->container->stderr_fd);
    }
}

/* ---- what happens ---- */

/* On a file system that others write to as well nobody can tell what is the container's. */
static void open_root(struct gf_supervisor *supervisor) {
    const struct gf_spec *spec = supervisor->spec;
    char path[ROOT_PATH_BYTES_MAX];
    if (spec->upper[0] == '\0' || spec->disk_template[0] != '\0') {
        snprintf(path, sizeof(path), "/proc/%d/root", (int)supervisor->container->pid);
        supervisor->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
}

static void command_runs(struct gf_supervisor *supervisor) {
    const struct gf_spec *spec = supervisor->spec;
    open_root(supervisor);
    supervisor->running = true;
    supervisor->start_time = supervisor->execute_time;
    gf_container_take_terminal(supervisor->container, spec);
    supervisor->sessions->host.place.command_pid = supervisor->command_pid;
    supervisor->sessions->open = true;
    if (spec->timeout_ms > 0) {
        supervisor->time_limit_ns = gf_deadline_after_ms(gf_mono_ns(), spec->timeout_ms);
    }
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_STARTED,
        .u.started =
            {
                .image_digest = spec->image_digest,
                .start_time = supervisor->start_time,
                .container_pid = supervisor->container->pid,
                .missing_protections = supervisor->missing_protections,
            },
    };
    gf_control_announce(supervisor->control, &message);
}

static void read_ready(struct gf_supervisor *supervisor) {
    struct gf_init_failure failure;
    const ssize_t n = read(supervisor->container->ready_fd, &failure, sizeof(failure));
    if (n < 0 && errno == EINTR) {
        return;
    }
    if (n == (ssize_t)sizeof(failure) && failure.exit_code == GF_INIT_EXECUTES) {
        supervisor->execute_time = failure.wall_ns;
        supervisor->missing_protections = failure.missing_protections;
        if ((failure.missing_protections & GF_PROTECTION_USER_NAMESPACE) != 0) {
            gf_user_namespace_drop(&supervisor->container->user_namespace);
        }
        supervisor->command_pid = failure.pid;
        return; /* what follows is a failure, or the end of file */
    }
    gf_close(&supervisor->container->ready_fd);
    if (n == (ssize_t)sizeof(failure)) {
        failure.exit_code &= EXIT_CODE_MAX;
        failure.sentence[sizeof(failure.sentence) - 1] = '\0';
        supervisor->failure = failure;
    } else if (supervisor->execute_time != 0) {
        command_runs(supervisor); /* else it was killed on the way */
    }
}

static void read_status(struct gf_supervisor *supervisor) {
    struct gf_init_status status = {0};
    const ssize_t n = read(supervisor->container->status_fd, &status, sizeof(status));
    if (n < 0 && errno == EINTR) {
        return;
    }
    gf_close(&supervisor->container->status_fd);
    gf_close(&supervisor->container->terminal_fd);
    /* It comes from inside the container, so it is checked like anything that does. */
    const int32_t value_max = status.signaled ? SIGNAL_MAX : EXIT_CODE_MAX;
    if (n == (ssize_t)sizeof(status) && status.value >= 0 && status.value <= value_max &&
        status.cpu_time_ns >= 0) {
        supervisor->status = status;
        supervisor->status_known = true;
    }
}

/* Where process 1 was killed itself, its own end is the command's. */
static void take_own_end(struct gf_supervisor *supervisor, int wait_status,
                         const struct rusage *usage) {
    supervisor->status = (struct gf_init_status){
        .signaled = WIFSIGNALED(wait_status),
        .value = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
        .cpu_time_ns = (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * GF_NS_PER_SEC +
                       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * GF_NS_PER_US,
    };
    supervisor->status_known = true;
}

void gf_supervisor_reap(struct gf_supervisor *supervisor) {
    int wait_status = 0;
    struct rusage usage = {0};
    pid_t pid = 0;
    if (supervisor->reaped || supervisor->container->pid == 0) {
        return;
    }
    do {
        pid = wait4(supervisor->container->pid, &wait_status, __WALL, &usage);
    } while (pid < 0 && errno == EINTR);
    supervisor->reaped = true;
    gf_close(&supervisor->container->pidfd);
    if (!supervisor->status_known) {
        /* It may have been told between the last look and the end. */
        if (supervisor->container->status_fd >= 0) {
            read_status(supervisor);
        }
        if (!supervisor->status_known) {
            take_own_end(supervisor, wait_status, &usage);
        }
    }
    supervisor->drain_ns = gf_deadline_after_ms(gf_mono_ns(), GF_SUPERVISOR_DRAIN_MS_MAX);
}

/* Somebody wants the shim to end: it does when the container has. */
static void read_signal(struct gf_supervisor *supervisor) {
    struct signalfd_siginfo info;
    if (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        supervisor->stopped = true;
        stop(supervisor, supervisor->spec->grace_ms);
    }
}

/* ---- the loop ---- */

static bool ended(const struct gf_supervisor *supervisor) {
    const struct gf_container *container = supervisor->container;
    return supervisor->status_known && container->ready_fd < 0 && container->stdout_fd < 0 &&
           container->stderr_fd < 0;
}

static int64_t earliest(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int poll_timeout_ms(const struct gf_supervisor *supervisor) {
    const int64_t deadline =
        earliest(earliest(supervisor->time_limit_ns, supervisor->kill_ns),
                 earliest(earliest(supervisor->drain_ns, gf_pump_deadline(supervisor->pump)),
                          gf_sessions_deadline(supervisor->sessions)));
    if (deadline == GF_NEVER) {
        return -1;
    }
    const int64_t left_ms = (deadline - gf_mono_ns() + GF_NS_PER_MS - 1) / GF_NS_PER_MS;
    return left_ms < 0 ? 0 : (int)earliest(left_ms, INT_MAX);
}

static void fill_slots(const struct gf_supervisor *supervisor, struct pollfd *fds) {
    const struct gf_container *container = supervisor->container;
    fds[SLOT_STDOUT] = (struct pollfd){.fd = container->stdout_fd, .events = POLLIN};
    fds[SLOT_STDERR] = (struct pollfd){.fd = container->stderr_fd, .events = POLLIN};
    fds[SLOT_READY] = (struct pollfd){.fd = container->ready_fd, .events = POLLIN};
    fds[SLOT_STATUS] = (struct pollfd){.fd = container->status_fd, .events = POLLIN};
    fds[SLOT_PROCESS] = (struct pollfd){.fd = container->pidfd, .events = POLLIN};
    fds[SLOT_SIGNAL] = (struct pollfd){.fd = supervisor->signal_fd, .events = POLLIN};
}

/* The order matters: the start is told before the end. */
static void handle_slots(struct gf_supervisor *supervisor, const struct pollfd *fds) {
    struct gf_container *container = supervisor->container;
    if (fds[SLOT_READY].revents != 0) {
        read_ready(supervisor);
    }
    if (fds[SLOT_STDOUT].revents != 0) {
        gf_pump_move(supervisor->pump, &container->stdout_fd, GF_LOG_STREAM_STDOUT);
    }
    if (fds[SLOT_STDERR].revents != 0) {
        gf_pump_move(supervisor->pump, &container->stderr_fd, GF_LOG_STREAM_STDERR);
    }
    if (fds[SLOT_STATUS].revents != 0) {
        read_status(supervisor);
    }
    if (fds[SLOT_PROCESS].revents != 0) {
        gf_supervisor_reap(supervisor);
    }
    if (fds[SLOT_SIGNAL].revents != 0) {
        read_signal(supervisor);
    }
}

static void describe_exit(struct gf_supervisor *supervisor, struct gf_shim_exit *out_exit) {
    const struct gf_init_status *status = &supervisor->status;
    const struct gf_pump *pump = supervisor->pump;
    struct gf_cgroup_usage usage;
    struct gf_shim_exit result = {
        .image_digest = supervisor->spec->image_digest,
        .failure = supervisor->failure.sentence,
        .exit_code = status->signaled ? 128 + status->value : status->value,
        .exit_signal = status->signaled ? status->value : 0,
        .timed_out = supervisor->timed_out,
        .stopped = supervisor->stopped,
        .start_time = supervisor->start_time,
        .end_time = gf_wall_ns(),
        .log_bytes = pump->bytes,
        .log_truncated = pump->truncated,
        .missing_protections = supervisor->missing_protections,
    };
    if (supervisor->failure.exit_code != 0) {
        result.exit_code = supervisor->failure.exit_code;
        result.exit_signal = 0;
    }
    gf_cgroup_read_usage(supervisor->cgroup, &usage);
    result.cpu_time_ns = usage.cpu_time_ns > 0 ? usage.cpu_time_ns : status->cpu_time_ns;
    result.peak_memory_bytes = usage.peak_memory_bytes;
    result.peak_pid_count = usage.peak_pid_count;
    result.disk_bytes = gf_disk_used(supervisor->root_fd);
    gf_close(&supervisor->root_fd); /* it keeps what is mounted there */
    /* A command that goes on without the process that was killed has not run out of memory. */
    result.out_of_memory = usage.oom_killed && result.exit_code != 0;
    *out_exit = result;
}

void gf_supervisor_run(struct gf_supervisor *supervisor, struct gf_shim_exit *out_exit) {
    struct pollfd fds[SLOTS_MAX];
    while (!ended(supervisor)) {
        fill_slots(supervisor, fds);
        const size_t count =
            SLOT_CONTROL + gf_control_poll_fds(supervisor->control, &fds[SLOT_CONTROL]);
        const size_t session_count = gf_sessions_poll_fds(supervisor->sessions, &fds[count]);
        const bool found = poll(fds, count + session_count, poll_timeout_ms(supervisor)) > 0;
        if (found) {
            handle_slots(supervisor, fds);
        }
        /* Sessions before control, by which new ones come that have no slots yet. */
        gf_sessions_handle(supervisor->sessions, found ? &fds[count] : NULL);
        if (found) {
            gf_control_handle(supervisor->control, &fds[SLOT_CONTROL]);
        }
        check_deadlines(supervisor);
    }
    gf_pump_finish(supervisor->pump);
    describe_exit(supervisor, out_exit);
}
