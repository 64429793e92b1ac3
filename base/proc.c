/*
 * Design: posix_spawn of glibc is a vfork inside, which costs the same however big this process is.
 *
 * The descriptors of the child are laid out by its file actions, in this order: the mapped ones,
 * then /dev/null on the free standard streams, then the program's own file, then everything else is
 * closed. A mapped source that lies where something is going to be put is first copied above all
 * that, so that no action can destroy the source of a later one.
 */
#include "base/proc.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STANDARD_STREAMS = 3,
    OUTPUT_READ_BYTES = 16 * 1024,
};

/* What the making of a child needs, and what must be undone after it. */
struct plan {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int sources[GF_PROC_FDS_MAX]; /* copies of mapped descriptors, owned; -1 where none was needed
                                   */
    int program_source;           /* the same for the program's file */
    int program_slot;             /* its number in the child */
    int cwd_fd;
    char program_path[32];
};

static void plan_fini(struct plan *plan) {
    (void)posix_spawn_file_actions_destroy(&plan->actions);
    (void)posix_spawnattr_destroy(&plan->attributes);
    for (size_t i = 0; i < GF_PROC_FDS_MAX; i++) {
        gf_close(&plan->sources[i]);
    }
    gf_close(&plan->program_source);
    gf_close(&plan->cwd_fd);
}

/* These fail for want of memory only. */
static void must(int result) {
    if (result != 0) {
        gf_oom();
    }
}

static void plan_init(struct plan *plan) {
    must(posix_spawn_file_actions_init(&plan->actions));
    must(posix_spawnattr_init(&plan->attributes));
    for (size_t i = 0; i < GF_PROC_FDS_MAX; i++) {
        plan->sources[i] = -1;
    }
    plan->program_source = -1;
    plan->cwd_fd = -1;
}

static void plan_attributes(struct plan *plan, enum gf_proc_group group) {
    sigset_t none;
    sigset_t all;
    must(sigemptyset(&none));
    /*
     * Not by sigfillset: it leaves out the two signals that glibc keeps for itself, and those that
     * are left out here glibc sets to be ignored in the child, which would inherit that for good.
     */
    memset(&all, 0xff, sizeof(all));
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    switch (group) {
    case GF_PROC_GROUP_OWN:
        flags |= POSIX_SPAWN_SETPGROUP;
        must(posix_spawnattr_setpgroup(&plan->attributes, 0));
        break;
    case GF_PROC_GROUP_SESSION:
        flags |= POSIX_SPAWN_SETSID;
        break;
    case GF_PROC_GROUP_PARENT:
        break;
    }
    must(posix_spawnattr_setsigmask(&plan->attributes, &none));
    must(posix_spawnattr_setsigdefault(&plan->attributes, &all));
    must(posix_spawnattr_setflags(&plan->attributes, flags));
}

/* A descriptor above `slot_max` that is the same file: `fd` itself, or a copy in *out_copy. */
static enum gf_code lift(int fd, int slot_max, int *out_copy, int *out_fd, struct gf_error *err) {
    if (fd > slot_max) {
        *out_fd = fd;
        return GF_OK;
    }
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, slot_max + 1);
    if (copy < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "descriptor %d", fd);
    }
    *out_copy = copy;
    *out_fd = copy;
    return GF_OK;
}

static enum gf_code plan_mapped(struct plan *plan, const struct gf_proc_spec *spec, int slot_max,
                                bool used[GF_PROC_FD_NUMBER_MAX + 1], struct gf_error *err) {
    for (size_t i = 0; i < spec->fd_count; i++) {
        int from = -1;
        const enum gf_code rc = lift(spec->fds[i].from, slot_max, &plan->sources[i], &from, err);
        if (rc != GF_OK) {
            return rc;
        }
        gf_assert(!used[spec->fds[i].to]);
        used[spec->fds[i].to] = true;
        must(posix_spawn_file_actions_adddup2(&plan->actions, from, spec->fds[i].to));
    }
    return GF_OK;
}

static enum gf_code plan_descriptors(struct plan *plan, const struct gf_proc_spec *spec,
                                     struct gf_error *err) {
    int mapped_max = STANDARD_STREAMS - 1;
    gf_assert(spec->fd_count <= GF_PROC_FDS_MAX);
    for (size_t i = 0; i < spec->fd_count; i++) {
        gf_assert(spec->fds[i].to >= 0 && spec->fds[i].to <= GF_PROC_FD_NUMBER_MAX);
        mapped_max = spec->fds[i].to > mapped_max ? spec->fds[i].to : mapped_max;
    }
    plan->program_slot = spec->program == NULL ? mapped_max + 1 : -1;
    const int slot_max = spec->program == NULL ? plan->program_slot : mapped_max;

    if (plan->cwd_fd >= 0) {
        must(posix_spawn_file_actions_addfchdir_np(&plan->actions, plan->cwd_fd));
    }
    bool used[GF_PROC_FD_NUMBER_MAX + 1] = {false};
    enum gf_code rc = plan_mapped(plan, spec, slot_max, used, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (int fd = 0; fd <= mapped_max; fd++) {
        if (!used[fd] && fd < STANDARD_STREAMS) {
            must(posix_spawn_file_actions_addopen(&plan->actions, fd, "/dev/null", O_RDWR, 0));
        } else if (!used[fd]) {
            must(posix_spawn_file_actions_addclose(&plan->actions, fd));
        }
    }
    if (spec->program == NULL) {
        int from = -1;
        rc = lift(spec->program_fd, slot_max, &plan->program_source, &from, err);
        if (rc != GF_OK) {
            return rc;
        }
        must(posix_spawn_file_actions_adddup2(&plan->actions, from, plan->program_slot));
    }
    must(posix_spawn_file_actions_addclosefrom_np(&plan->actions, slot_max + 1));
    return GF_OK;
}

/* The working directory is opened here, so that its errors are told apart from the program's. */
static enum gf_code plan_cwd(struct plan *plan, const char *cwd, struct gf_error *err) {
    if (cwd == NULL) {
        return GF_OK;
    }
    plan->cwd_fd = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (plan->cwd_fd < 0) {
        return gf_fail_errno(err, GF_INVALID_ARGUMENT, errno, "working directory '%s'", cwd);
    }
    return GF_OK;
}

static enum gf_code fail_spawn(const struct gf_proc_spec *spec, int errnum, struct gf_error *err) {
    enum gf_code code = gf_code_from_errno(errnum);
    if (errnum == EAGAIN) {
        code = GF_RESOURCE_EXHAUSTED;
    } else if (errnum == ENOEXEC) {
        code = GF_PERMISSION_DENIED;
    }
    return gf_fail_errno(err, code, errnum, "program '%s'",
                         spec->program == NULL ? spec->argv[0] : spec->program);
}

/* Starts the process and opens its pidfd: nobody else reaps it, so its pid is not used again. */
static enum gf_code start(const struct gf_proc_spec *spec, const struct plan *plan,
                          struct gf_proc *out_proc, struct gf_error *err) {
    static const char *const empty[] = {NULL};
    const char *const *envp = spec->envp == NULL ? empty : spec->envp;
    const char *path = spec->program == NULL ? plan->program_path : spec->program;
    struct gf_proc proc = {.leads_group = spec->group != GF_PROC_GROUP_PARENT, .pidfd = -1};
    const int result = posix_spawn(&proc.pid, path, &plan->actions, &plan->attributes,
                                   (char *const *)spec->argv, (char *const *)envp);
    if (result != 0) {
        return fail_spawn(spec, result, err);
    }
    proc.pidfd = pidfd_open(proc.pid, 0);
    if (proc.pidfd < 0) {
        const int errnum = errno;
        (void)kill(proc.leads_group ? -proc.pid : proc.pid, SIGKILL);
        (void)waitpid(proc.pid, NULL, 0);
        return fail_spawn(spec, errnum, err);
    }
    *out_proc = proc;
    return GF_OK;
}

enum gf_code gf_proc_spawn(const struct gf_proc_spec *spec, struct gf_proc *out_proc,
                           struct gf_error *err) {
    gf_assert(spec->argv != NULL && spec->argv[0] != NULL);
    gf_assert(spec->program == NULL || strchr(spec->program, '/') != NULL);
    struct plan plan;
    plan_init(&plan);
    plan_attributes(&plan, spec->group);
    enum gf_code rc = plan_cwd(&plan, spec->cwd, err);
    if (rc == GF_OK) {
        rc = plan_descriptors(&plan, spec, err);
    }
    if (rc == GF_OK) {
        (void)snprintf(plan.program_path, sizeof(plan.program_path), "/proc/self/fd/%d",
                       plan.program_slot);
        rc = start(spec, &plan, out_proc, err);
    }
    plan_fini(&plan);
    return rc;
}

/* How long poll may wait, in its own unit: rounded up, so that it does not spin at the end. */
static int poll_timeout_ms(int64_t deadline_mono_ns) {
    if (deadline_mono_ns == GF_NEVER) {
        return -1;
    }
    const int64_t now_ns = gf_mono_ns();
    if (deadline_mono_ns <= now_ns) {
        return 0;
    }
    const int64_t left_ms = (deadline_mono_ns - now_ns + GF_NS_PER_MS - 1) / GF_NS_PER_MS;
    return left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

/* Waits for events of any entry. False when the deadline has passed without one. */
static bool poll_until(struct pollfd *entries, nfds_t count, int64_t deadline_mono_ns) {
    for (;;) {
        const int timeout_ms = poll_timeout_ms(deadline_mono_ns);
        const int ready = poll(entries, count, timeout_ms);
        gf_assert(ready >= 0 || errno == EINTR);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 && (timeout_ms == 0 || poll_timeout_ms(deadline_mono_ns) == 0)) {
            return false;
        }
    }
}

/* Reaps a process that has ended, or waits for its end. */
static struct gf_proc_exit reap(struct gf_proc *proc) {
    siginfo_t info = {0};
    int result = 0;
    do {
        result = waitid(P_PIDFD, (id_t)proc->pidfd, &info, WEXITED);
    } while (result != 0 && errno == EINTR);
    gf_assert(result == 0); /* ECHILD: somebody else reaped it, or SIGCHLD is ignored. */
    gf_close(&proc->pidfd);
    proc->pid = 0;
    return (struct gf_proc_exit){
        .signaled = info.si_code != CLD_EXITED,
        .status = info.si_status,
    };
}

enum gf_code gf_proc_wait(struct gf_proc *proc, int64_t deadline_mono_ns,
                          struct gf_proc_exit *out_exit, struct gf_error *err) {
    gf_assert(proc->pid > 0);
    struct pollfd entry = {.fd = proc->pidfd, .events = POLLIN};
    if (!poll_until(&entry, 1, deadline_mono_ns)) {
        return gf_fail(err, GF_DEADLINE_EXCEEDED, "process %ld still runs", (long)proc->pid);
    }
    *out_exit = reap(proc);
    return GF_OK;
}

void gf_proc_signal(const struct gf_proc *proc, int signal_number) {
    gf_assert(proc->pid > 0);
    /* Not reaped yet, so both the pid and the group are still its own. */
    (void)kill(proc->leads_group ? -proc->pid : proc->pid, signal_number);
}

void gf_proc_kill(struct gf_proc *proc) {
    if (proc->pid <= 0) {
        return;
    }
    gf_proc_signal(proc, SIGKILL);
    (void)reap(proc);
}

/* Appends what can be read without waiting. *out_open is false at the end of the stream. */
static enum gf_code read_output(int fd, struct gf_strbuf *out, bool *out_open,
                                struct gf_error *err) {
    char bytes[OUTPUT_READ_BYTES];
    for (;;) {
        const ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got > 0 && (size_t)got > out->limit - out->len) {
            return gf_fail(err, GF_OUT_OF_RANGE, "more than %zu bytes of output", out->limit);
        }
        if (got > 0) {
            gf_strbuf_append_bytes(out, bytes, (size_t)got);
        } else if (got == 0) {
            *out_open = false;
            return GF_OK;
        } else if (errno == EAGAIN) {
            return GF_OK;
        } else if (errno != EINTR) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "read of output");
        }
    }
}

/*
 * Reads the output until the process has ended. What its children still write afterwards is not
 * waited for: one of them may run forever.
 */
static enum gf_code collect(const struct gf_proc *proc, int output_fd, int64_t deadline_mono_ns,
                            struct gf_strbuf *out, struct gf_error *err) {
    bool open = true;
    struct pollfd entries[] = {
        {.fd = proc->pidfd, .events = POLLIN},
        {.fd = output_fd, .events = POLLIN},
    };
    while (entries[0].revents == 0) {
        if (!poll_until(entries, open ? 2 : 1, deadline_mono_ns)) {
            return gf_fail(err, GF_DEADLINE_EXCEEDED, "process did not end in time");
        }
        const enum gf_code rc = open ? read_output(output_fd, out, &open, err) : GF_OK;
        if (rc != GF_OK) {
            return rc;
        }
    }
    return GF_OK;
}

enum gf_code gf_proc_run(const struct gf_proc_spec *spec, int64_t deadline_mono_ns,
                         struct gf_strbuf *out_stdout, struct gf_proc_exit *out_exit,
                         struct gf_error *err) {
    gf_assert(spec->fd_count < GF_PROC_FDS_MAX);
    GF_CLEANUP(gf_close_p) int read_fd = -1;
    GF_CLEANUP(gf_close_p) int write_fd = -1;
    int fds[2] = {-1, -1};
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "pipe");
    }
    read_fd = fds[0];
    write_fd = fds[1];
    enum gf_code rc = gf_fd_set_nonblocking(read_fd, true, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_proc_fd mapped[GF_PROC_FDS_MAX];
    for (size_t i = 0; i < spec->fd_count; i++) {
        mapped[i] = spec->fds[i];
    }
    mapped[spec->fd_count] = (struct gf_proc_fd){.from = write_fd, .to = STDOUT_FILENO};
    struct gf_proc_spec with_output = *spec;
    with_output.fds = mapped;
    with_output.fd_count++;

    struct gf_proc proc = {0};
    rc = gf_proc_spawn(&with_output, &proc, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_close(&write_fd);
    const size_t len_before = out_stdout->len;
    rc = collect(&proc, read_fd, deadline_mono_ns, out_stdout, err);
    /* The group may outlive its leader; until that is reaped the group's number is surely its own.
     */
    gf_proc_signal(&proc, SIGKILL);
    const struct gf_proc_exit status = reap(&proc);
    if (rc != GF_OK) {
        gf_strbuf_truncate(out_stdout, len_before);
        (void)gf_wrap(err, "program '%s'", spec->argv[0]);
        return rc;
    }
    *out_exit = status;
    return GF_OK;
}

char *gf_proc_exit_format(struct gf_proc_exit status, char out[GF_PROC_EXIT_BYTES_MAX]) {
    const char *name = status.signaled ? sigabbrev_np(status.status) : NULL;
    if (!status.signaled) {
        (void)snprintf(out, GF_PROC_EXIT_BYTES_MAX, "exit code %d", status.status);
    } else if (name != NULL) {
        (void)snprintf(out, GF_PROC_EXIT_BYTES_MAX, "killed by SIG%s", name);
    } else {
        (void)snprintf(out, GF_PROC_EXIT_BYTES_MAX, "killed by signal %d", status.status);
    }
    return out;
}
