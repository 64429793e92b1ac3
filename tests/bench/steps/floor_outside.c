/*
 * The outside of a container of the floor: namespaces, control groups, and its end.
 */
#include "base/alloc.h"
#include "tests/bench/steps/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    REMOVE_TRIES = 1000,
    REMOVE_PAUSE_US = 100,
};

void floor_fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(1);
}

void floor_must(int result, const char *what) {
    if (result < 0) {
        floor_fail(what);
    }
}

static void write_file(const char *path, const char *text) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    floor_must(fd, path);
    floor_must((int)write(fd, text, strlen(text)), path);
    close(fd);
}

/* ---- made ahead ---- */

static int make_network(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    floor_must(own, "own network namespace");
    floor_must(unshare(CLONE_NEWNET), "network namespace");
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    floor_must(fd, "socket");
    floor_must(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
    close(fd);
    const int made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    floor_must(made, "network namespace");
    floor_must(setns(own, CLONE_NEWNET), "own network namespace");
    close(own);
    return made;
}

static int make_user(void) {
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    char path[64];
    char map[64];
    const pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    floor_must(pid, "user namespace");
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    snprintf(map, sizeof(map), "0 %d %d", FLOOR_USER_FIRST, FLOOR_USER_COUNT);
    snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
    write_file(path, map);
    snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
    write_file(path, map);
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    floor_must(fd, path);
    (void)kill(pid, SIGKILL);
    floor_must(waitpid(pid, NULL, 0), "waitpid");
    return fd;
}

struct ready floor_make_ready(void) {
    return (struct ready){.network_fd = make_network(), .user_fd = make_user()};
}

/* ---- control groups ---- */

/* The group of the container that runs; the next one makes it anew. NULL where there is none. */
static char *group_path(const struct floor *floor, enum gf_cgroup_controller controller) {
    const struct gf_cgroup_host *host = &floor->cgroups;
    const char *parent = host->in_unified[controller] ? host->unified : host->split[controller];
    return parent == NULL ? NULL : gf_asprintf("%s/%s%s", parent, host->prefix, floor->name);
}

/* value NULL: only joins. */
static void limit(const struct floor *floor, enum gf_cgroup_controller controller,
                  const char *file_unified, const char *file_split, const char *value, pid_t pid) {
    GF_CLEANUP(gf_free_p) char *path = group_path(floor, controller);
    char text[16];
    if (path == NULL) {
        return;
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        floor_fail(path);
    }
    if (value != NULL) {
        GF_CLEANUP(gf_free_p)
        char *file = gf_asprintf("%s/%s", path,
                                 floor->cgroups.in_unified[controller] ? file_unified : file_split);
        write_file(file, value);
    }
    GF_CLEANUP(gf_free_p) char *procs = gf_asprintf("%s/cgroup.procs", path);
    snprintf(text, sizeof(text), "%d", (int)pid);
    write_file(procs, text);
}

static void apply_limits(const struct floor *floor, bool hardened, pid_t pid) {
    limit(floor, GF_CGROUP_MEMORY, "memory.max", "memory.limit_in_bytes", "67108864", pid);
    limit(floor, GF_CGROUP_PIDS, "pids.max", "pids.max", "64", pid);
    if (hardened) {
        limit(floor, GF_CGROUP_CPU, "", "", NULL, pid);
    }
}

/* The kernel takes its time with a group whose last process has just ended. */
static void remove_groups(const struct floor *floor) {
    for (int i = 0; i < GF_CGROUP_CONTROLLER_COUNT; i++) {
        GF_CLEANUP(gf_free_p) char *path = group_path(floor, (enum gf_cgroup_controller)i);
        for (int tries = 0; path != NULL && rmdir(path) != 0 && errno != ENOENT; tries++) {
            if (tries == REMOVE_TRIES || errno != EBUSY) {
                floor_fail(path);
            }
            (void)usleep(REMOVE_PAUSE_US);
        }
    }
}

/* ---- one container ---- */

static void close_ready(struct ready ready) {
    if (ready.network_fd >= 0) {
        close(ready.network_fd);
    }
    if (ready.user_fd >= 0) {
        close(ready.user_fd);
    }
}

void floor_run(const struct floor *floor, struct isolation isolation, struct ready ready) {
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 (isolation.network && ready.network_fd < 0 ? CLONE_NEWNET : 0),
        .exit_signal = SIGCHLD,
    };
    int go[2];
    int status = 0;
    floor_must(pipe2(go, O_CLOEXEC), "pipe");
    const pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    floor_must(pid, "clone3");
    if (pid == 0) {
        char byte = 0;
        close(go[1]);
        if (read(go[0], &byte, 1) != 1) {
            _exit(1);
        }
        floor_inside(floor, isolation, ready);
    }
    if (isolation.limits) {
        apply_limits(floor, isolation.hardened, pid);
    }
    floor_must((int)write(go[1], "g", 1), "go");
    close(go[0]);
    close(go[1]);
    floor_must(waitpid(pid, &status, 0), "waitpid");
    if (status != 0) {
        exit(1); /* the child has said why */
    }
    close_ready(ready);
    if (isolation.limits) {
        remove_groups(floor);
    }
}
