/*
 * DESIGN
 * A process is born into the pid namespace that its parent has chosen for its children. So the shim
 * joins the container's for the moment of the birth and then chooses its own again: there is
 * nothing else that it starts. The v2 control group is given at birth; into those of v1 it puts the
 * process while that one waits.
 *
 * The process leads a session, and everything that it starts is in that, unless it leaves it
 * deliberately. Who is in it is found by the container's control group, which bounds the search.
 */
#include "engine/scheduler/native/shim/exec.h"

#include "base/file.h"
#include "base/socket.h"
#include "base/str.h"
#include "engine/scheduler/native/shim/enter.h"
#include "engine/scheduler/native/shim/proc_stat.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void gf_exec_init(struct gf_exec *exec) {
    *exec = (struct gf_exec){
        .pidfd = -1,
        .ready_fd = -1,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
        .terminal_socket_fd = -1,
        .terminal_fd = -1,
    };
}

void gf_exec_close(struct gf_exec *exec) {
    gf_close(&exec->pidfd);
    gf_close(&exec->ready_fd);
    gf_close(&exec->stdin_fd);
    gf_close(&exec->stdout_fd);
    gf_close(&exec->stderr_fd);
    gf_close(&exec->terminal_socket_fd);
    gf_close(&exec->terminal_fd);
}

/* ---- birth ---- */

/* The child's ends; -1 when closed. */
struct ends {
    int go_fds[2];
    struct gf_enter enter;
};

static enum gf_code make_pipe(int *out_read_fd, int *out_write_fd, struct gf_error *err) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "cannot make a pipe");
    }
    *out_read_fd = fds[0];
    *out_write_fd = fds[1];
    return GF_OK;
}

static enum gf_code make_streams(struct gf_exec *exec, struct gf_enter *enter,
                                 struct gf_error *err) {
    enum gf_code rc = make_pipe(&enter->stdin_fd, &exec->stdin_fd, err);
    if (rc == GF_OK) {
        rc = make_pipe(&exec->stdout_fd, &enter->stdout_fd, err);
    }
    if (rc == GF_OK) {
        rc = make_pipe(&exec->stderr_fd, &enter->stderr_fd, err);
    }
    const int ours[] = {exec->stdin_fd, exec->stdout_fd, exec->stderr_fd};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ours) && rc == GF_OK; i++) {
        rc = gf_fd_set_nonblocking(ours[i], true, err);
    }
    return rc;
}

static enum gf_code make_socket(struct gf_exec *exec, struct gf_enter *enter,
                                struct gf_error *err) {
    int fds[2];
    enum gf_code rc = gf_socket_pair(fds, err);
    if (rc == GF_OK) {
        exec->terminal_socket_fd = fds[0];
        enter->terminal_socket_fd = fds[1];
        rc = gf_fd_set_nonblocking(fds[0], true, err);
    }
    return rc;
}

static enum gf_code make_ends(struct gf_exec *exec, struct ends *ends, bool terminal,
                              struct gf_error *err) {
    struct gf_enter *enter = &ends->enter;
    enum gf_code rc = make_pipe(&exec->ready_fd, &enter->ready_fd, err);
    if (rc == GF_OK) {
        rc = make_pipe(&ends->go_fds[0], &ends->go_fds[1], err);
    }
    if (rc == GF_OK) {
        enter->go_fd = ends->go_fds[0];
        rc = terminal ? make_socket(exec, enter, err) : make_streams(exec, enter, err);
    }
    return rc;
}

static void close_ends(struct ends *ends) {
    gf_close(&ends->go_fds[0]);
    gf_close(&ends->go_fds[1]);
    gf_close(&ends->enter.ready_fd);
    gf_close(&ends->enter.stdin_fd);
    gf_close(&ends->enter.stdout_fd);
    gf_close(&ends->enter.stderr_fd);
    gf_close(&ends->enter.terminal_socket_fd);
}

static enum gf_code clone_into(int cgroup_fd, struct gf_exec *exec, const struct ends *ends,
                               struct gf_error *err) {
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    const long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0) {
        /* ENOMEM is what a pid namespace says whose process 1 has ended. */
        return gf_fail_errno(err, errno == ENOMEM ? GF_UNAVAILABLE : GF_RESOURCE_EXHAUSTED, errno,
                             "cannot start a process in the container");
    }
    if (pid == 0) {
        gf_enter_run(&ends->enter);
    }
    exec->pid = (pid_t)pid;
    exec->pidfd = pidfd;
    return GF_OK;
}

/* The same from within the container's pid namespace. */
static enum gf_code give_birth(const struct gf_exec_place *place, struct gf_exec *exec,
                               const struct ends *ends, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int own_fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own_fd < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot open the pid namespace");
    }
    if (setns(place->container->pidfd, CLONE_NEWPID) != 0) {
        return gf_fail_errno(err, GF_UNAVAILABLE, errno, "cannot enter the container");
    }
    enum gf_code rc = clone_into(place->cgroup->unified_fd, exec, ends, err);
    if (setns(own_fd, CLONE_NEWPID) != 0 && rc == GF_OK) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot leave the container");
    }
    return rc;
}

enum gf_code gf_exec_start(const struct gf_exec_place *place, const struct gf_exec_spec *spec,
                           struct gf_exec *exec, struct gf_error *err) {
    struct ends ends = {
        .go_fds = {-1, -1},
        .enter =
            {
                .container = place->spec,
                .spec = spec,
                .user_namespace = &place->container->user_namespace,
                .command_pid = place->command_pid,
                .container_pidfd = place->container->pidfd,
                .go_fd = -1,
                .ready_fd = -1,
                .stdin_fd = -1,
                .stdout_fd = -1,
                .stderr_fd = -1,
                .terminal_socket_fd = -1,
            },
    };
    enum gf_code rc = make_ends(exec, &ends, spec->terminal, err);
    if (rc == GF_OK) {
        rc = give_birth(place, exec, &ends, err);
    }
    if (rc == GF_OK) {
        rc = gf_cgroup_join_split(place->cgroup, exec->pid, err);
    }
    if (rc == GF_OK) {
        (void)!write(ends.go_fds[1], "g", 1); /* where it has died, its end tells */
    }
    close_ends(&ends);
    if (rc != GF_OK) {
        int status = 0;
        if (exec->pid != 0) {
            gf_exec_signal(exec, SIGKILL);
            (void)gf_exec_reap(exec, false, &status);
        }
        gf_exec_close(exec);
    }
    return rc;
}

void gf_exec_take_terminal(struct gf_exec *exec) {
    int master_fd = -1;
    if (gf_terminal_receive(exec->terminal_socket_fd, &master_fd, &exec->terminal_fd, NULL) ==
        GF_OK) {
        exec->stdin_fd = fcntl(master_fd, F_DUPFD_CLOEXEC, 0); /* -1: no input */
        exec->stdout_fd = master_fd;
    }
    gf_close(&exec->terminal_socket_fd);
}

/* ---- end ---- */

void gf_exec_signal(const struct gf_exec *exec, int number) {
    if (exec->pid != 0) {
        (void)syscall(SYS_pidfd_send_signal, exec->pidfd, number, NULL, 0);
    }
}

/* Kills the process where it is of the session; it is held first, so that it is no other. */
static void kill_in_session(pid_t pid, pid_t session) {
    GF_CLEANUP(gf_close_p) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0 && gf_proc_stat_session(pid) == session) {
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    }
}

static void kill_in_group(pid_t pid, void *ctx) {
    kill_in_session(pid, *(const pid_t *)ctx);
}

void gf_exec_kill(const struct gf_exec *exec, const struct gf_cgroup *cgroup) {
    if (exec->pid != 0) {
        pid_t session = exec->pid; /* not free for others before it is waited for */
        gf_exec_signal(exec, SIGKILL);
        gf_cgroup_each_process(cgroup, kill_in_group, &session);
    }
}

bool gf_exec_reap(struct gf_exec *exec, bool now, int *out_status) {
    pid_t pid = 0;
    do {
        pid = waitpid(exec->pid, out_status, __WALL | (now ? WNOHANG : 0));
    } while (pid < 0 && errno == EINTR);
    if (pid == 0) {
        return false;
    }
    exec->pid = 0;
    gf_close(&exec->pidfd);
    return true;
}
