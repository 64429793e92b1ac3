/* Processes, signals, tracing, namespaces, limits. */
#include "tests/security/escape/escape.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATH_BYTES_MAX = 300,
    PROCESSES_MAX = 3, /* process 1, ours, and that of the check */
};

/* ---- processes ---- */

static enum outcome try_host_processes(void) {
    DIR *dir = opendir("/proc");
    int count = 0;
    if (dir == NULL) {
        return UNTRIED;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += isdigit((unsigned char)entry->d_name[0]) != 0;
    }
    note("%d processes are to be seen", count);
    return count == PROCESSES_MAX ? HELD : count > PROCESSES_MAX ? GOT_THROUGH : UNTRIED;
}

static enum outcome try_kill_host(void) {
    return refused(kill((pid_t)host.pid, 0), ESRCH, 0);
}

/* It is allowed, and without effect, as for everybody in a pid namespace. */
static enum outcome try_kill_init(void) {
    static const int SIGNALS[] = {SIGKILL, SIGSTOP};
    for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(SIGNALS[0]); i++) {
        if (kill(1, SIGNALS[i]) != 0 && errno != EPERM) {
            return UNTRIED;
        }
    }
    char state[512] = {0};
    const int fd = open("/proc/1/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, state, sizeof(state) - 1) <= 0) {
        return UNTRIED;
    }
    const char *behind = strrchr(state, ')');
    return behind != NULL && (behind[2] == 'S' || behind[2] == 'R') ? HELD : GOT_THROUGH;
}

static enum outcome try_init_files(void) {
    static const char *const NAMES[] = {"root/", "cwd/",      "exe",         "environ", "mem",
                                        "fd",    "map_files", "ns/user",     "ns/mnt",  "stack",
                                        "auxv",  "syscall",   "personality", "io"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        char path[PATH_BYTES_MAX];
        snprintf(path, sizeof(path), "/proc/1/%s", NAMES[i]);
        const enum outcome outcome = reads_as_empty(path);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return HELD;
}

/* CVE-2019-5736: the program of the shim, by way of the process that runs it. */
static enum outcome try_init_program(void) {
    char target[PATH_BYTES_MAX];
    if (readlink("/proc/1/exe", target, sizeof(target)) >= 0) {
        return GOT_THROUGH;
    }
    return refused_open("/proc/1/exe", O_WRONLY, EACCES, EPERM, ENOENT, 0);
}

static enum outcome try_ptrace(void) {
    if (ptrace(PTRACE_ATTACH, 1, NULL, NULL) == 0) {
        return GOT_THROUGH;
    }
    return refused(ptrace(PTRACE_SEIZE, 1, NULL, NULL), EPERM, 0);
}

static enum outcome try_foreign_memory(void) {
    char byte = 0;
    char target[PATH_BYTES_MAX];
    struct iovec local = {.iov_base = &byte, .iov_len = 1};
    struct iovec remote = {.iov_base = target, .iov_len = 1};
    return refused(process_vm_readv(1, &local, 1, &remote, 1, 0), EPERM, 0);
}

static enum outcome try_foreign_descriptor(void) {
    const int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    if (fd < 0) {
        return UNTRIED;
    }
    return refused(syscall(SYS_pidfd_getfd, fd, 0, 0), EPERM, 0);
}

/* ---- namespaces ---- */

static const int NAMESPACES[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
                                 CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP, 0x80 /* time */};

static enum outcome try_unshare(void) {
    for (size_t i = 0; i < sizeof(NAMESPACES) / sizeof(NAMESPACES[0]); i++) {
        const enum outcome outcome = refused(unshare(NAMESPACES[i]), EPERM, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return HELD;
}

static enum outcome try_clone(void) {
    for (size_t i = 0; i < 7; i++) {
        const long pid = syscall(SYS_clone, NAMESPACES[i] | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            _exit(0);
        }
        const enum outcome outcome = refused(pid, EPERM, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return HELD;
}

static enum outcome try_clone3(void) {
    unsigned long long args[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    const long pid = syscall(SYS_clone3, args, sizeof(args));
    if (pid == 0) {
        _exit(0);
    }
    return refused(pid, ENOSYS, 0);
}

static enum outcome try_setns(void) {
    static const char *const NAMES[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        char path[PATH_BYTES_MAX];
        snprintf(path, sizeof(path), "/proc/self/ns/%s", NAMES[i]);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return UNTRIED;
        }
        const enum outcome outcome = refused(setns(fd, 0), EPERM, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    const int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
    return pidfd < 0 ? UNTRIED : refused(setns(pidfd, CLONE_NEWNS), EPERM, 0);
}

/* ---- rights ---- */

static enum outcome try_foreign_user(void) {
    return refused(setresuid(70000, 70000, 70000), EINVAL, EPERM, 0);
}

static enum outcome try_set_user_id(void) {
    char *const args[] = {"escape", "user", NULL};
    char answer[16] = {0};
    int pipes[2];
    if (is_root()) {
        return NOT_HERE;
    }
    if (pipe(pipes) != 0) {
        return UNTRIED;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(pipes[1], STDOUT_FILENO);
        execv("/bin/escape_setuid", args);
        _exit(1);
    }
    struct stat status;
    if (pid < 0 || stat("/bin/escape_setuid", &status) != 0 || (status.st_mode & S_ISUID) == 0 ||
        read(pipes[0], answer, sizeof(answer) - 1) <= 0) {
        return UNTRIED;
    }
    note("it ran as user %s", answer);
    return strtoul(answer, NULL, 10) == geteuid() ? HELD : GOT_THROUGH;
}

static bool status_has(const char *line) {
    static char text[8192];
    const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n < 0 ? 0 : n] = '\0';
    return strstr(text, line) != NULL;
}

/* chown, dac_override, fowner, fsetid, kill, setgid, setuid */
static enum outcome try_capabilities(void) {
    if (!status_has("CapBnd:\t00000000000000fb\n") ||
        !status_has(is_root() ? "CapEff:\t00000000000000fb\n" : "CapEff:\t0000000000000000\n") ||
        !status_has("CapInh:\t0000000000000000\n") || !status_has("CapAmb:\t0000000000000000\n")) {
        note("there are others");
        return GOT_THROUGH;
    }
    const struct {
        unsigned version;
        int pid;
    } header = {0x20080522, 0};
    const unsigned all[6] = {~0U, ~0U, ~0U, ~0U, ~0U, ~0U};
    return refused(syscall(SYS_capset, &header, all), EPERM, 0);
}

static enum outcome try_new_privileges(void) {
    if (!status_has("NoNewPrivs:\t1\n") || !status_has("Seccomp:\t2\n")) {
        return GOT_THROUGH;
    }
    return refused(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL, 0);
}

static enum outcome try_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return UNTRIED;
    }
    limit.rlim_max++;
    return refused(setrlimit(RLIMIT_NOFILE, &limit), EPERM, 0);
}

static enum outcome try_core(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0) {
        return UNTRIED;
    }
    /* One byte: the kernel gives no core then, not even to a program of the host's. */
    return limit.rlim_max <= 1 ? HELD : GOT_THROUGH;
}

static enum outcome try_oom_score(void) {
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return UNTRIED;
    }
    return refused(write(fd, "-1000", 5), EACCES, EPERM, 0);
}

static enum outcome try_priority(void) {
    const struct sched_param first = {.sched_priority = 1};
    if (setpriority(PRIO_PROCESS, 0, -20) == 0) {
        return GOT_THROUGH;
    }
    return refused(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first), EPERM, 0);
}

const struct check PROCESS_CHECKS[] = {
    {"processes of the host", try_host_processes},
    {"signal to a process of the host", try_kill_host},
    {"signals to process 1", try_kill_init},
    {"files of process 1", try_init_files},
    {"program of process 1", try_init_program},
    {"ptrace of process 1", try_ptrace},
    {"memory of process 1", try_foreign_memory},
    {"descriptor of process 1", try_foreign_descriptor},
    {"unshare", try_unshare},
    {"clone with namespaces", try_clone},
    {"clone3", try_clone3},
    {"setns", try_setns},
    {"user outside of the range", try_foreign_user},
    {"set-user-id program", try_set_user_id},
    {"more capabilities", try_capabilities},
    {"new privileges", try_new_privileges},
    {"higher limit", try_limit},
    {"core", try_core},
    {"lower out-of-memory score", try_oom_score},
    {"higher priority", try_priority},
    {NULL, NULL},
};
