#include "engine/scheduler/native/shim/container.h"

#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/sandbox.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

void gf_container_init(struct gf_container *container) {
    *container = (struct gf_container){
        .user_namespace = GF_USER_NAMESPACE_NONE,
        .pidfd = -1,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
        .terminal_socket_fd = -1,
        .terminal_fd = -1,
        .ready_fd = -1,
        .status_fd = -1,
        .go_fd = -1,
    };
}

/* A pipe whose ends go to the two sides. */
static enum gf_code make_pipe(int *out_read_fd, int *out_write_fd, struct gf_error *err) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a pipe");
    }
    *out_read_fd = fds[0];
    *out_write_fd = fds[1];
    return GF_OK;
}

static enum gf_code make_terminal_socket(struct gf_container *container, struct gf_sandbox *sandbox,
                                         struct gf_error *err) {
    int fds[2];
    enum gf_code rc = gf_socket_pair(fds, err);
    if (rc == GF_OK) {
        container->terminal_socket_fd = fds[0];
        sandbox->terminal_socket_fd = fds[1];
        rc = gf_fd_set_nonblocking(fds[0], true, err);
    }
    return rc;
}

static enum gf_code make_streams(const struct gf_spec *spec, struct gf_container *container,
                                 struct gf_sandbox *sandbox, struct gf_error *err) {
    if (spec->terminal) {
        return make_terminal_socket(container, sandbox, err);
    }
    enum gf_code rc = make_pipe(&container->stdout_fd, &sandbox->stdout_fd, err);
    if (rc == GF_OK) {
        rc = make_pipe(&container->stderr_fd, &sandbox->stderr_fd, err);
    }
    if (rc == GF_OK && spec->open_stdin) {
        rc = make_pipe(&sandbox->stdin_fd, &container->stdin_fd, err);
        if (rc == GF_OK) {
            rc = gf_fd_set_nonblocking(container->stdin_fd, true, err);
        }
    }
    return rc;
}

static enum gf_code make_pipes(struct gf_container *container, struct gf_sandbox *sandbox,
                               struct gf_error *err) {
    enum gf_code rc = make_streams(sandbox->spec, container, sandbox, err);
    if (rc == GF_OK) {
        rc = make_pipe(&container->ready_fd, &sandbox->ready_fd, err);
    }
    if (rc == GF_OK) {
        rc = make_pipe(&container->status_fd, &sandbox->status_fd, err);
    }
    return rc == GF_OK ? make_pipe(&sandbox->go_fd, &container->go_fd, err) : rc;
}

static void close_shim_ends(struct gf_container *container) {
    gf_close(&container->stdin_fd);
    gf_close(&container->stdout_fd);
    gf_close(&container->stderr_fd);
    gf_close(&container->terminal_socket_fd);
    gf_close(&container->ready_fd);
    gf_close(&container->status_fd);
    gf_close(&container->go_fd);
}

static void close_sandbox_ends(struct gf_sandbox *sandbox) {
    gf_close(&sandbox->stdin_fd);
    gf_close(&sandbox->terminal_socket_fd);
    gf_close(&sandbox->stdout_fd);
    gf_close(&sandbox->stderr_fd);
    gf_close(&sandbox->ready_fd);
    gf_close(&sandbox->status_fd);
    gf_close(&sandbox->go_fd);
    gf_close(&sandbox->shim_pidfd);
}

/* A kernel or a host that does not let us have one is no reason to fail: see sandbox.c. */
static void make_user_namespace(const struct gf_spec *spec, struct gf_container *container) {
    if (spec->user_id_first != 0) {
        (void)!gf_user_namespace_make(spec->user_id_first, &container->user_namespace, NULL);
    }
}

static enum gf_code clone_sandbox(struct gf_container *container, struct gf_sandbox *sandbox,
                                  int cgroup_fd, struct gf_error *err) {
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    const long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the container's namespaces");
    }
    if (pid == 0) {
        /* With the shim's ends open here the death of the shim would go unseen. */
        close_shim_ends(container);
        gf_sandbox_run(sandbox);
    }
    container->pid = (pid_t)pid;
    container->pidfd = pidfd;
    return GF_OK;
}

enum gf_code gf_container_start(const struct gf_spec *spec, int cgroup_fd,
                                struct gf_container *container, struct gf_error *err) {
    struct gf_sandbox sandbox = {
        .spec = spec,
        .shim_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0),
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
        .terminal_socket_fd = -1,
        .ready_fd = -1,
        .status_fd = -1,
        .go_fd = -1,
    };
    enum gf_code rc = GF_OK;
    if (sandbox.shim_pidfd < 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot open a pidfd");
    }
    if (rc == GF_OK) {
        rc = make_pipes(container, &sandbox, err);
    }
    if (rc == GF_OK) {
        make_user_namespace(spec, container);
        sandbox.user_namespace = container->user_namespace;
        rc = clone_sandbox(container, &sandbox, cgroup_fd, err);
    }
    close_sandbox_ends(&sandbox);
    gf_user_namespace_reap(&container->user_namespace);
    if (rc != GF_OK) {
        close_shim_ends(container);
    }
    return rc;
}

void gf_container_take_terminal(struct gf_container *container, const struct gf_spec *spec) {
    int master_fd = -1;
    if (container->terminal_socket_fd < 0) {
        return;
    }
    if (gf_terminal_receive(container->terminal_socket_fd, &master_fd, &container->terminal_fd,
                            NULL) == GF_OK) {
        container->stdout_fd = master_fd;
        if (spec->open_stdin) {
            container->stdin_fd = fcntl(master_fd, F_DUPFD_CLOEXEC, 0); /* -1: no input */
        }
    }
    gf_close(&container->terminal_socket_fd);
}

/* One byte for each wait of the first process. Where that one has died, its exit tells. */
void gf_container_let_join(struct gf_container *container) {
    (void)!write(container->go_fd, "j", 1);
}

void gf_container_let_run(struct gf_container *container) {
    (void)!write(container->go_fd, "r", 1);
    gf_close(&container->go_fd);
}

void gf_container_signal(const struct gf_container *container, int number) {
    if (container->pidfd >= 0) {
        /* It fails where the process has ended: then there is nothing to end. */
        (void)syscall(SYS_pidfd_send_signal, container->pidfd, number, NULL, 0);
    }
}
