/*
 * DESIGN
 * Only a process can make a user namespace, and it is in it afterwards; only somebody outside may
 * give it ids. So there is a process for the moment in between. It shares our memory and our
 * descriptors, which makes it as cheap as a thread, and does nothing at all.
 *
 * It is not made by the container's first process, which would have to be outside for its mounts
 * and inside for the ids, and not by the server, where it would have to be thought of for every
 * container that is not started in the end.
 */
#include "engine/scheduler/native/shim/user_namespace.h"

#include "base/file.h"
#include "base/str.h"
#include "engine/scheduler/native/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HOLDER_STACK_BYTES = 16384,
    PATH_BYTES_MAX = 64,
};

static int hold(void *ctx) {
    const pid_t *parent = ctx;
    /* Should the shim be killed right now, this must not stay for good. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != *parent) {
        return 1;
    }
    for (;;) {
        (void)pause();
    }
}

static enum gf_code write_map(pid_t holder, const char *name, int64_t first, struct gf_error *err) {
    char path[PATH_BYTES_MAX];
    char text[PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)holder, name);
    const int len = snprintf(text, sizeof(text), "0 %lld %d", (long long)first, GF_SHIM_USER_IDS);
    GF_CLEANUP(gf_close_p) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)len) != len) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot write the %s of a user namespace",
                             name);
    }
    return GF_OK;
}

static enum gf_code open_namespace(pid_t holder, int *out_fd, struct gf_error *err) {
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)holder);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot open a user namespace");
    }
    *out_fd = fd;
    return GF_OK;
}

enum gf_code gf_user_namespace_make(int64_t first, struct gf_user_namespace *out_namespace,
                                    struct gf_error *err) {
    static char stack[HOLDER_STACK_BYTES] __attribute__((aligned(16)));
    static pid_t parent;
    struct gf_user_namespace made = {.fd = -1, .first = (uid_t)first};
    parent = getpid();
    made.holder = clone(hold, stack + sizeof(stack),
                        CLONE_NEWUSER | CLONE_VM | CLONE_FILES | SIGCHLD, &parent);
    if (made.holder < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a user namespace");
    }
    enum gf_code rc = write_map(made.holder, "uid_map", first, err);
    if (rc == GF_OK) {
        rc = write_map(made.holder, "gid_map", first, err);
    }
    if (rc == GF_OK) {
        rc = open_namespace(made.holder, &made.fd, err);
    }
    (void)kill(made.holder, SIGKILL);
    if (rc != GF_OK) {
        gf_user_namespace_reap(&made);
        return rc;
    }
    *out_namespace = made;
    return GF_OK;
}

void gf_user_namespace_reap(struct gf_user_namespace *user_namespace) {
    while (user_namespace->holder > 0 && waitpid(user_namespace->holder, NULL, __WALL) < 0 &&
           errno == EINTR) {
    }
    user_namespace->holder = 0;
}

void gf_user_namespace_drop(struct gf_user_namespace *user_namespace) {
    gf_close(&user_namespace->fd);
    user_namespace->first = 0;
}

enum gf_code gf_user_namespace_enter(const struct gf_user_namespace *user_namespace,
                                     struct gf_error *err) {
    if (user_namespace->fd < 0) {
        return GF_OK;
    }
    /* The groups of the host's root have no place in it. */
    if (setns(user_namespace->fd, CLONE_NEWUSER) != 0 || setgroups(0, NULL) != 0 ||
        setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot enter the user namespace");
    }
    return GF_OK;
}
