/*
 * DESIGN: the way of the first process, each step where it is for a reason
 *
 *  1. Root file system, then the host's is let go of; from here on no path can lead to the host.
 *  2. /proc and /dev, the host name, the files of /etc, the run's document, the listener for
 *     tasks.
 *  3. Waits for the shim, which makes the v1 control groups and the network in the meantime.
 *  4. Joins the network namespace; then /sys, which shows it, and the masks, of which some are
 *     there. Makes the control group namespace, whose root is the group that it is in now.
 *  5. The standard streams, and every other descriptor is closed, before the first path of somebody
 *     else's choice is followed: a leaked directory of the host would lead out of the container.
 *  6. Limits; the user namespace is entered, last of all: what was made before belongs to the
 *     host's and stays out of the reach of the container's root.
 *  7. With the rights of the container's root the user is looked up in the image, and the working
 *     directory is made.
 *  8. Rights are dropped. The terminal is made, where the command gets one. Waits for the shim once
 * more: the command may run when the start record is written.
 *  9. The working directory is entered; the filter of system calls is loaded; process 1 forks the
 *     command.
 *
 * A protection that the kernel does not give is noted and told with the start, or is a failure
 * where the server requires it.
 *
 * When the shim dies this process dies too (the death signal). For the time before that is set, the
 * pipes to the shim tell.
 */
#include "engine/scheduler/native/shim/sandbox.h"

#include "base/file.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/become.h"
#include "engine/scheduler/native/shim/etc.h"
#include "engine/scheduler/native/shim/init.h"
#include "engine/scheduler/native/shim/kernelfs.h"
#include "engine/scheduler/native/shim/network.h"
#include "engine/scheduler/native/shim/rootfs.h"
#include "engine/scheduler/native/shim/rundir.h"
#include "engine/scheduler/native/shim/task_api.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Where the descriptors of process 1 end up, right behind the standard streams. The last three are
 * closed before the command is started.
 */
enum {
    READY_FD = 3,
    STATUS_FD = 4,
    COMMAND_FDS_END = 5,
    GO_FD = 5,
    TERMINAL_SOCKET_FD = 6,
    USER_NAMESPACE_FD = 7,
    KEPT_FDS_END = 8,
};

/* ---- the world ---- */

static enum gf_code make_world(struct gf_sandbox *sandbox, struct gf_error *err) {
    const struct gf_spec *spec = sandbox->spec;
    GF_CLEANUP(gf_close_p) int task_api_fd = -1;
    enum gf_code rc =
        spec->task_api[0] == '\0' ? GF_OK : gf_task_api_open(spec->task_api, &task_api_fd, err);
    if (rc == GF_OK) {
        rc = gf_rootfs_enter(spec, &sandbox->user_namespace, err);
    }
    const uid_t owner = sandbox->user_namespace.first;
    if (rc == GF_OK) {
        rc = gf_kernelfs_mount_proc(owner, err);
    }
    if (rc == GF_OK) {
        rc = gf_kernelfs_mount_dev(owner, err);
    }
    if (rc == GF_OK && sethostname(spec->hostname, strlen(spec->hostname)) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot set the host name");
    }
    if (rc == GF_OK) {
        rc = gf_etc_write(spec, owner, err);
    }
    if (rc == GF_OK) {
        const struct gf_rundir rundir = {
            .input_fd = spec->has_input ? GF_SHIM_FD_INPUT : -1,
            .task_api_fd = task_api_fd,
            .owner = owner,
        };
        rc = gf_rundir_mount(&rundir, err);
    }
    return rc;
}

static enum gf_code wait_for_shim(int go_fd, struct gf_error *err) {
    char go = 0;
    ssize_t n = 0;
    do {
        n = read(go_fd, &go, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1 ? GF_OK : gf_fail(err, GF_CANCELLED, "the shim has ended");
}

static enum gf_code join_outside(const struct gf_sandbox *sandbox, struct gf_error *err) {
    enum gf_code rc = wait_for_shim(sandbox->go_fd, err);
    if (rc == GF_OK && sandbox->spec->has_network) {
        rc = gf_network_enter(GF_SHIM_FD_NETWORK, err);
    } else if (rc == GF_OK && !sandbox->spec->network_host) {
        rc = gf_network_join(sandbox->shim_pidfd, err);
    }
    /* A kernel may be built without control groups. */
    if (rc == GF_OK && unshare(CLONE_NEWCGROUP) != 0 && errno != EINVAL) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a control group namespace");
    }
    if (rc == GF_OK) {
        rc = gf_kernelfs_mount_sys(sandbox->user_namespace.first, err);
    }
    return rc == GF_OK ? gf_kernelfs_mask(err) : rc;
}

/* ---- descriptors ---- */

static enum gf_code give_streams(const struct gf_sandbox *sandbox, struct gf_error *err) {
    const struct gf_become_streams streams = {
        .stdin_fd = sandbox->stdin_fd,
        .stdout_fd = sandbox->stdout_fd,
        .stderr_fd = sandbox->stderr_fd,
    };
    return gf_become_give_streams(&streams, &sandbox->user_namespace, err);
}

static int or_null(int fd, int null_fd) {
    return fd >= 0 ? fd : null_fd;
}

/* Brings the streams and the pipes to their places and closes all else. */
static enum gf_code settle_descriptors(struct gf_sandbox *sandbox, struct gf_error *err) {
    const int user_namespace_fd = sandbox->user_namespace.fd;
    GF_CLEANUP(gf_close_p) int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    enum gf_code rc = give_streams(sandbox, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* What is not there is /dev/null: its number must not be somebody else's. */
    if (null_fd < 0 || dup2(or_null(sandbox->stdin_fd, null_fd), STDIN_FILENO) < 0 ||
        dup2(or_null(sandbox->stdout_fd, null_fd), STDOUT_FILENO) < 0 ||
        dup2(or_null(sandbox->stderr_fd, null_fd), STDERR_FILENO) < 0 ||
        dup3(sandbox->ready_fd, READY_FD, O_CLOEXEC) < 0 ||
        dup3(sandbox->status_fd, STATUS_FD, O_CLOEXEC) < 0 ||
        dup3(sandbox->go_fd, GO_FD, O_CLOEXEC) < 0 ||
        dup3(or_null(sandbox->terminal_socket_fd, null_fd), TERMINAL_SOCKET_FD, O_CLOEXEC) < 0 ||
        dup3(or_null(user_namespace_fd, null_fd), USER_NAMESPACE_FD, O_CLOEXEC) < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot set the standard streams");
    }
    if (syscall(SYS_close_range, KEPT_FDS_END, ~0U, 0) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot close descriptors");
    }
    null_fd = -1;
    if (user_namespace_fd >= 0) {
        sandbox->user_namespace.fd = USER_NAMESPACE_FD;
    }
    return rc;
}

/* ---- the user ---- */

/* The parent cannot be asked from another pid namespace, but its end of a pipe can. */
static enum gf_code check_shim_lives(int ready_fd, struct gf_error *err) {
    struct pollfd poll_fd = {.fd = ready_fd, .events = 0};
    if (poll(&poll_fd, 1, 0) > 0) {
        return gf_fail(err, GF_CANCELLED, "the shim has ended");
    }
    return GF_OK;
}

/*
 * The terminal belongs to who makes it, so that the user was taken before. Input that nobody may
 * give stays empty.
 */
static enum gf_code make_terminal(const struct gf_spec *spec, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int master_fd = -1;
    GF_CLEANUP(gf_close_p) int slave_fd = -1;
    if (!spec->terminal) {
        return GF_OK;
    }
    enum gf_code rc = gf_terminal_open(&master_fd, &slave_fd, err);
    if (rc == GF_OK && ((spec->open_stdin && dup2(slave_fd, STDIN_FILENO) < 0) ||
                        dup2(slave_fd, STDOUT_FILENO) < 0 || dup2(slave_fd, STDERR_FILENO) < 0)) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot set the standard streams");
    }
    return rc == GF_OK ? gf_terminal_send(TERMINAL_SOCKET_FD, master_fd, slave_fd, err) : rc;
}

/* All of the way from here on is that of every process in the container; see become.h. */
static enum gf_code become_user(const struct gf_become *become, const struct gf_spec *spec,
                                struct gf_user *out_user, struct gf_error *err) {
    enum gf_code rc = gf_become_user(become, out_user, err);
    if (rc == GF_OK) {
        rc = make_terminal(spec, err);
    }
    if (rc == GF_OK) {
        rc = wait_for_shim(GO_FD, err);
    }
    if (rc == GF_OK) {
        rc = check_shim_lives(READY_FD, err);
    }
    if (rc == GF_OK && syscall(SYS_close_range, COMMAND_FDS_END, ~0U, 0) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot close descriptors");
    }
    return rc == GF_OK ? gf_become_enter_workdir(spec->workdir, err) : rc;
}

/* ---- all of it ---- */

static enum gf_code enter_world(struct gf_sandbox *sandbox, struct gf_error *err) {
    enum gf_code rc = make_world(sandbox, err);
    if (rc == GF_OK) {
        rc = join_outside(sandbox, err);
    }
    return rc == GF_OK ? settle_descriptors(sandbox, err) : rc;
}

GF_NORETURN static void fail(int ready_fd, struct gf_error *error) {
    /* What is wrong with the task or its image speaks for itself; the rest needs to say where. */
    if (error->code == GF_INTERNAL) {
        (void)gf_wrap(error, "the container could not be set up");
    }
    gf_init_fail(ready_fd, GF_SHIM_EXIT_SETUP_FAILED, error->message);
}

GF_NORETURN void gf_sandbox_run(struct gf_sandbox *sandbox) {
    const struct gf_spec *spec = sandbox->spec;
    uint32_t missing = (uint32_t)spec->missing_protections;
    struct gf_error error;
    struct gf_user user;

    enum gf_code rc = enter_world(sandbox, &error);
    if (rc != GF_OK) {
        fail(sandbox->ready_fd, &error);
    }
    const struct gf_become become = {
        .user = spec->user,
        .workdir_to_make = spec->workdir,
        .user_namespace = &sandbox->user_namespace,
        .required_protections = (uint32_t)spec->required_protections,
    };
    rc = become_user(&become, spec, &user, &error);
    if (rc == GF_OK) {
        rc = gf_become_confined(&become, &missing, &error);
    }
    if (rc != GF_OK) {
        fail(READY_FD, &error);
    }
    const struct gf_init_command command = {
        .args = &spec->args,
        .env = gf_become_environment(&spec->env, &user),
        .missing_protections = missing,
        .idle = spec->idle,
        .terminal = spec->terminal,
    };
    gf_init_run(&command, READY_FD, STATUS_FD);
}
