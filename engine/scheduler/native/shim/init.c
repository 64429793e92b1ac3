/*
 * DESIGN
 * The kernel gives process 1 of a pid namespace two duties: it inherits orphans, and signals
 * without a handler do not reach it. A command that is not written for that would leave zombies
 * behind and ignore SIGTERM, so a small process of ours stands in.
 *
 * All signals are blocked and taken with sigwaitinfo: SIGCHLD means reaping, any other one is
 * passed on. The status goes out as soon as the command has ended, before this process has: taking
 * the namespaces down takes the kernel longer than anybody should wait for the news.
 */
#include "engine/scheduler/native/shim/init.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char DEFAULT_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

GF_NORETURN void gf_init_fail(int ready_fd, int exit_code, const char *sentence) {
    struct gf_init_failure failure = {.exit_code = exit_code};
    snprintf(failure.sentence, sizeof(failure.sentence), "%s", sentence);
    /* Where the shim is gone there is nobody to tell. */
    (void)!write(ready_fd, &failure, sizeof(failure));
    _exit(exit_code);
}

/* ---- the command ---- */

static struct gf_str find_path(const struct gf_field_list *env) {
    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->items[i], "PATH=", 5) == 0) {
            return gf_str_from(env->items[i] + 5);
        }
    }
    return gf_str_from(DEFAULT_PATH);
}

static void execute_file(const char *path, const struct gf_init_command *command) {
    (void)execve(path, (char *const *)command->args->items, (char *const *)command->env->items);
}

/*
 * Tries the command in every directory of the PATH. Returns the errno that tells most: what was
 * found and could not be executed counts more than what was not found.
 */
static int execute_in_path(const char *name, const struct gf_init_command *command) {
    struct gf_str path = find_path(command->env);
    int result = ENOENT;
    while (path.len > 0) {
        struct gf_str dir;
        char file[PATH_MAX];
        (void)gf_str_cut(path, ':', &dir, &path);
        const int len = snprintf(file, sizeof(file), "%" GF_STR_FMT "%s%s", GF_STR_ARG(dir),
                                 dir.len == 0 ? "" : "/", name);
        if (len < 0 || (size_t)len >= sizeof(file)) {
            continue;
        }
        execute_file(file, command);
        if (errno != ENOENT && errno != ENOTDIR) {
            result = errno;
        }
    }
    return result;
}

/*
 * A program expects the signals of a fresh login: none blocked, none ignored. The shim was born
 * with them and has ignored these since.
 */
static void reset_signals(void) {
    sigset_t none;
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

GF_NORETURN void gf_init_execute(const struct gf_init_command *command, int ready_fd) {
    const char *name = command->args->items[0];
    char sentence[GF_INIT_FAILURE_BYTES_MAX];
    int error = 0;
    reset_signals();
    const struct gf_init_failure start = {
        .wall_ns = gf_wall_ns(),
        .pid = getpid(),
        .exit_code = GF_INIT_EXECUTES,
        .missing_protections = command->missing_protections,
    };
    (void)!write(ready_fd, &start, sizeof(start));
    if (strchr(name, '/') != NULL) {
        execute_file(name, command);
        error = errno;
    } else {
        error = execute_in_path(name, command);
    }
    if (error == ENOENT || error == ENOTDIR) {
        snprintf(sentence, sizeof(sentence), "command '%.300s' not found in the image", name);
        gf_init_fail(ready_fd, GF_SHIM_EXIT_NOT_FOUND, sentence);
    }
    snprintf(sentence, sizeof(sentence), "command '%.300s' cannot be executed: %s", name,
             strerror(error));
    gf_init_fail(ready_fd, GF_SHIM_EXIT_NOT_EXECUTABLE, sentence);
}

/* ---- process 1 ---- */

static int64_t children_cpu_time_ns(void) {
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

GF_NORETURN static void finish(const siginfo_t *ended, int status_fd) {
    const struct gf_init_status status = {
        .signaled = ended->si_code != CLD_EXITED,
        .value = ended->si_status,
        .cpu_time_ns = children_cpu_time_ns(),
    };
    (void)!write(status_fd, &status, sizeof(status)); /* without it the shim takes our own end */
    _exit(0);
}

/* Reaps all that has ended; does not return when the command has. */
static void reap(pid_t command_pid, int status_fd) {
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG) != 0 || ended.si_pid == 0) {
            return;
        }
        if (ended.si_pid == command_pid) {
            finish(&ended, status_fd);
        }
    }
}

GF_NORETURN static void supervise(pid_t command_pid, int status_fd) {
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        siginfo_t received;
        if (sigwaitinfo(&all, &received) < 0) {
            continue;
        }
        if (received.si_signo == SIGCHLD) {
            reap(command_pid, status_fd);
        } else if (command_pid != 0) {
            (void)kill(command_pid, received.si_signo);
        } else if (received.si_signo == SIGTERM) {
            _exit(0);
        }
    }
}

/* The container runs as soon as it is there. */
GF_NORETURN static void idle(const struct gf_init_command *command, int ready_fd, int status_fd) {
    const struct gf_init_failure start = {
        .wall_ns = gf_wall_ns(),
        .exit_code = GF_INIT_EXECUTES,
        .missing_protections = command->missing_protections,
    };
    (void)!write(ready_fd, &start, sizeof(start));
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        (void)close(fd);
    }
    (void)close(ready_fd);
    supervise(0, status_fd);
}

GF_NORETURN void gf_init_run(const struct gf_init_command *command, int ready_fd, int status_fd) {
    sigset_t all;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);

    /* Before there is anybody who could read it; the command gets its own when it is executed. */
    (void)prctl(PR_SET_NAME, "gofer-init");
    if (command->idle) {
        idle(command, ready_fd, status_fd);
    }
    /* We are held until the command runs, and lend it our memory: cheaper than a copy of it. */
    const pid_t pid = vfork();
    if (pid < 0) {
        char sentence[GF_INIT_FAILURE_BYTES_MAX];
        snprintf(sentence, sizeof(sentence), "cannot start a process: %s", strerror(errno));
        gf_init_fail(ready_fd, GF_SHIM_EXIT_SETUP_FAILED, sentence);
    }
    if (pid == 0) {
        /*
         * Signals to the command's group must not reach process 1. A session of its own would do
         * too, but costs a scheduling group; the shim's has no terminal to lose.
         */
        if (!command->terminal) {
            (void)setpgid(0, 0);
        } else if (setsid() >= 0) {
            (void)!gf_terminal_control(STDOUT_FILENO, NULL); /* without it there is no Ctrl-C */
        }
        gf_init_execute(command, ready_fd);
    }
    gf_field_list_wipe(command->env); /* the command has its own */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        (void)close(fd); /* else the shim would never see the end of the output */
    }
    (void)close(ready_fd);
    supervise(pid, status_fd);
}
