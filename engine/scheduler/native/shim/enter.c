/*
 * DESIGN: each step where it is for a reason
 *
 *  1. All descriptors but the few that are needed are closed before anything of the container can
 *     be met, and the process is not dumpable, as the shim is not: nobody in the container can look
 *     into it on the way.
 *  2. Waits until it is in the control groups of the container: the root of the control group
 *     namespace that is joined next is there.
 *  3. All namespaces but that of the user. Paths are the container's from here on.
 *  4. The environment of the container's program, which only the host's root may read surely.
 *  5. A session of its own, by which the shim finds what is to be killed.
 *  6. Becomes the user as the first process did (become.h). The terminal comes behind that: it
 *     belongs to who makes it. So does the choice of the environment: a program can write what it
 *     likes where its own was, and what it says to load must not run as somebody else.
 *  7. The standard streams, the working directory, the program.
 */
#include "engine/scheduler/native/shim/enter.h"

#include "base/file.h"
#include "base/str.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/become.h"
#include "engine/scheduler/native/shim/init.h"
#include "engine/scheduler/native/shim/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    READY_FD = 3,
    KEPT_FDS_MAX = 8,
    PROC_PATH_BYTES_MAX = 48,
    STATUS_BYTES_MAX = 16384,
};

/* What the container's program has for those who come. */
struct program {
    struct gf_strbuf environment; /* as it is now: one text behind the other */
    int64_t uid;                  /* as the host sees it; -1: unknown */
};

/* ---- descriptors ---- */

static int compare_fds(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/* Closes all descriptors but the standard streams and those that the way in needs. */
static enum gf_code close_others(const struct gf_enter *enter, struct gf_error *err) {
    int kept[KEPT_FDS_MAX] = {enter->container_pidfd,    enter->go_fd,
                              enter->ready_fd,           enter->stdin_fd,
                              enter->stdout_fd,          enter->stderr_fd,
                              enter->terminal_socket_fd, enter->user_namespace->fd};
    unsigned next = STDERR_FILENO + 1;
    qsort(kept, KEPT_FDS_MAX, sizeof(kept[0]), compare_fds);
    for (size_t i = 0; i < KEPT_FDS_MAX; i++) {
        if (kept[i] < (int)next) {
            continue;
        }
        if ((unsigned)kept[i] > next &&
            syscall(SYS_close_range, next, (unsigned)kept[i] - 1, 0) != 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot close descriptors");
        }
        next = (unsigned)kept[i] + 1;
    }
    if (syscall(SYS_close_range, next, ~0U, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot close descriptors");
    }
    return GF_OK;
}

static enum gf_code settle_descriptors(const struct gf_enter *enter, int terminal_fd,
                                       struct gf_error *err) {
    const bool terminal = terminal_fd >= 0;
    if (dup2(terminal ? terminal_fd : enter->stdin_fd, STDIN_FILENO) < 0 ||
        dup2(terminal ? terminal_fd : enter->stdout_fd, STDOUT_FILENO) < 0 ||
        dup2(terminal ? terminal_fd : enter->stderr_fd, STDERR_FILENO) < 0 ||
        (enter->ready_fd != READY_FD && dup3(enter->ready_fd, READY_FD, O_CLOEXEC) < 0)) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot set the standard streams");
    }
    if (syscall(SYS_close_range, READY_FD + 1, ~0U, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot close descriptors");
    }
    return GF_OK;
}

/* ---- the container ---- */

static enum gf_code wait_for_shim(int go_fd, struct gf_error *err) {
    char go = 0;
    ssize_t n = 0;
    do {
        n = read(go_fd, &go, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1 ? GF_OK : gf_fail(err, GF_CANCELLED, "the shim has ended");
}

static enum gf_code join(int pidfd, struct gf_error *err) {
    const int namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
    /* A kernel may be built without control groups. */
    if (setns(pidfd, namespaces | CLONE_NEWCGROUP) != 0 &&
        (errno != EINVAL || setns(pidfd, namespaces) != 0)) {
        return gf_fail_errno(err, errno == ESRCH ? GF_UNAVAILABLE : GF_INTERNAL, errno,
                             "cannot enter the container");
    }
    if (chdir("/") != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot enter the container's root");
    }
    return GF_OK;
}

/* ---- the environment ---- */

static struct gf_str key_of(const char *variable) {
    const char *end = strchr(variable, '=');
    return (struct gf_str){variable, end == NULL ? strlen(variable) : (size_t)(end - variable)};
}

static bool sets(const struct gf_field_list *env, struct gf_str key) {
    for (size_t i = 0; i < env->count; i++) {
        if (gf_str_eq(key_of(env->items[i]), key)) {
            return true;
        }
    }
    return false;
}

/* The real user id of a process. The name before it is written without line ends. */
static int64_t read_uid(pid_t pid) {
    char path[PROC_PATH_BYTES_MAX];
    struct gf_strbuf status;
    int64_t uid = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    gf_strbuf_init(&status, STATUS_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, path, &status, NULL) == GF_OK) {
        static const char head[] = "\nUid:\t";
        const char *line = strstr(status.ptr, head);
        struct gf_str number;
        struct gf_str rest;
        if (line != NULL) {
            (void)gf_str_cut(gf_str_from(line + sizeof(head) - 1), '\t', &number, &rest);
            uid = gf_parse_i64(number, &uid) ? uid : -1;
        }
    }
    gf_strbuf_fini(&status);
    return uid;
}

/* The id is looked at last: who is root by then has not been anybody else before. */
static enum gf_code read_program(pid_t pid, struct program *out, struct gf_error *err) {
    char path[PROC_PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    gf_strbuf_init(&out->environment, GF_SPEC_BYTES_MAX);
    out->uid = -1;
    if (pid <= 0) {
        return GF_OK;
    }
    enum gf_code rc = gf_file_read(AT_FDCWD, path, &out->environment, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "environment of the container's program");
    }
    out->uid = read_uid(pid);
    return GF_OK;
}

/* Whether the program may say what somebody else loads: it is the same user, or root. */
static bool is_trusted(const struct gf_enter *enter, const struct program *program,
                       const struct gf_user *user) {
    const int64_t root = enter->user_namespace->first;
    return program->uid == root || program->uid == root + user->uid;
}

/* What the asker sets counts, and a user of its own has a home of its own. */
static bool is_taken_over(const struct gf_enter *enter, const char *variable) {
    const struct gf_str key = key_of(variable);
    const bool other_user = enter->spec->user[0] != '\0';
    return !sets(&enter->spec->env, key) && !(other_user && gf_str_eq(key, GF_STR("HOME")));
}

/*
 * What the one who comes gets; both `program` and the list live to the end of this process.
 * Variables beyond GF_SPEC_VARIABLES_MAX are left out: the container's program made them up.
 */
static void make_environment(const struct gf_enter *enter, const struct program *program,
                             const struct gf_user *user, struct gf_field_list *out_env) {
    static const char *items[GF_SPEC_VARIABLES_MAX + 1];
    const struct gf_field_list *extra = &enter->spec->env;
    const struct gf_strbuf *own = &program->environment;
    const size_t own_len = is_trusted(enter, program, user) ? own->len : 0;
    size_t count = 0;
    for (; count < extra->count; count++) {
        items[count] = extra->items[count];
    }
    /* A container without a program has an environment for those who come. */
    const struct gf_field_list *idle = &enter->container->env;
    for (size_t i = 0;
         enter->container->idle && i < idle->count && count + 2 < GF_SPEC_VARIABLES_MAX; i++) {
        if (is_taken_over(enter, idle->items[i])) {
            items[count++] = idle->items[i];
        }
    }
    for (size_t at = 0; at < own_len && count + 2 < GF_SPEC_VARIABLES_MAX;) {
        const char *variable = own->ptr + at;
        at += strlen(variable) + 1;
        if (is_taken_over(enter, variable)) {
            items[count++] = variable;
        }
    }
    *out_env = (struct gf_field_list){.items = items, .count = count};
    /* A program at a terminal looks for its name, which the main one may have had no use for. */
    if (enter->terminal_socket_fd >= 0 && count < GF_SPEC_VARIABLES_MAX &&
        !sets(out_env, GF_STR("TERM"))) {
        items[out_env->count++] = "TERM=xterm";
    }
}

/* ---- all of it ---- */

static enum gf_code make_terminal(const struct gf_enter *enter, int *out_slave_fd,
                                  struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int master_fd = -1;
    if (enter->terminal_socket_fd < 0) {
        return GF_OK;
    }
    enum gf_code rc = gf_terminal_open(&master_fd, out_slave_fd, err);
    if (rc == GF_OK) {
        gf_terminal_resize(master_fd, enter->spec->columns, enter->spec->rows);
        rc = gf_terminal_control(*out_slave_fd, err);
    }
    return rc == GF_OK ? gf_terminal_send(enter->terminal_socket_fd, master_fd, *out_slave_fd, err)
                       : rc;
}

/* The exec's own, else the container's. */
static const char *choose(const char *own, const char *otherwise) {
    return own[0] != '\0' ? own : otherwise;
}

static enum gf_code go_in(const struct gf_enter *enter, struct program *out_program,
                          struct gf_error *err) {
    const struct gf_become_streams streams = {
        .stdin_fd = enter->stdin_fd,
        .stdout_fd = enter->stdout_fd,
        .stderr_fd = enter->stderr_fd,
    };
    enum gf_code rc = close_others(enter, err);
    if (rc == GF_OK) {
        rc = wait_for_shim(enter->go_fd, err);
    }
    if (rc == GF_OK) {
        rc = join(enter->container_pidfd, err);
    }
    if (rc == GF_OK) {
        rc = read_program(enter->command_pid, out_program, err);
    }
    if (rc == GF_OK && setsid() < 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a session");
    }
    return rc == GF_OK ? gf_become_give_streams(&streams, enter->user_namespace, err) : rc;
}

static enum gf_code become_user(const struct gf_enter *enter, const struct gf_become *become,
                                struct gf_user *out_user, struct gf_error *err) {
    int slave_fd = -1;
    enum gf_code rc = gf_become_user(become, out_user, err);
    if (rc == GF_OK) {
        rc = make_terminal(enter, &slave_fd, err);
    }
    return rc == GF_OK ? settle_descriptors(enter, slave_fd, err) : rc;
}

/* What is wrong with the request: the user, the working directory. The rest is ours to explain. */
static bool is_askers_fault(enum gf_code code) {
    return code == GF_NOT_FOUND || code == GF_INVALID_ARGUMENT || code == GF_FAILED_PRECONDITION ||
           code == GF_OUT_OF_RANGE;
}

GF_NORETURN static void fail(int ready_fd, struct gf_error *error) {
    if (is_askers_fault(error->code)) {
        gf_init_fail(ready_fd, GF_SHIM_EXIT_NOT_EXECUTABLE, error->message);
    }
    (void)gf_wrap(error, "the program could not be started");
    gf_init_fail(ready_fd, GF_SHIM_EXIT_SETUP_FAILED, error->message);
}

GF_NORETURN void gf_enter_run(const struct gf_enter *enter) {
    const struct gf_become become = {
        .user = choose(enter->spec->user, enter->container->user),
        .workdir_to_make = "",
        .user_namespace = enter->user_namespace,
        .required_protections = (uint32_t)enter->container->required_protections,
    };
    uint32_t missing = 0; /* what is, the container has told */
    struct gf_error error;
    struct program program;
    struct gf_field_list env;
    struct gf_user user;

    enum gf_code rc = go_in(enter, &program, &error);
    if (rc == GF_OK) {
        rc = become_user(enter, &become, &user, &error);
    }
    if (rc != GF_OK) {
        fail(enter->ready_fd, &error);
    }
    rc = gf_become_enter_workdir(choose(enter->spec->workdir, enter->container->workdir), &error);
    if (rc == GF_OK) {
        rc = gf_become_confined(&become, &missing, &error);
    }
    if (rc != GF_OK) {
        fail(READY_FD, &error);
    }
    make_environment(enter, &program, &user, &env);
    const struct gf_init_command command = {
        .args = &enter->spec->args,
        .env = gf_become_environment(&env, &user),
    };
    gf_init_execute(&command, READY_FD);
}
