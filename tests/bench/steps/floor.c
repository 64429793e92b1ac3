/*
 * The floor: isolated containers started one after another by the kernel alone, without an engine,
 * a supervisor, a log or a record. What an engine needs beyond this is its own.
 *
 * Usage: floor [COUNT]
 *
 * Runs `true` in COUNT containers (40), each with mount, pid, ipc, uts and network namespaces, an
 * overlay root on a tmpfs, /proc, four devices, pivot_root, and memory and pids limits where the
 * host offers them: the isolation of gofer's own containers without its hardening. A second line
 * shows the same without a network namespace and limits. Needs root.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/testing/busybox_layer.h"

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
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    COUNT_DEFAULT = 40,
    COUNT_MAX = 100000,
    WARM_UP = 3,
};

static const char *const DEVICES[] = {"null", "zero", "urandom", "tty"};

struct floor {
    char *dir;
    char *layer;
    char *stage;
    struct gf_cgroup_host cgroups;
};

/* What the containers of one measurement have besides the rest. */
struct isolation {
    bool network;
    bool limits;
};

GF_NORETURN static void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static void must(int result, const char *what) {
    if (result < 0) {
        fail(what);
    }
}

static void must_ok(enum gf_code rc, const struct gf_error *error) {
    if (rc != GF_OK) {
        fprintf(stderr, "floor: %s\n", error->message);
        exit(1);
    }
}

/* ---- inside ---- */

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(fd, "socket");
    must(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
    close(fd);
}

static void make_root(const struct floor *floor) {
    GF_CLEANUP(gf_free_p)
    char *options = gf_asprintf("lowerdir=%s,upperdir=upper,workdir=work", floor->layer);
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    must(mount("tmpfs", floor->stage, "tmpfs", 0, "size=64m"), "tmpfs");
    must(chdir(floor->stage), "stage");
    must(mkdir("upper", 0755), "upper");
    must(mkdir("work", 0755), "work");
    must(mkdir("root", 0755), "root");
    must(mount("overlay", "root", "overlay", 0, options), "overlay");
    must(chdir("root"), "root");
    must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
    must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "size=64k,mode=755"), "dev");
    for (size_t i = 0; i < GF_ARRAY_COUNT(DEVICES); i++) {
        char host[32];
        char target[32];
        snprintf(host, sizeof(host), "/dev/%s", DEVICES[i]);
        snprintf(target, sizeof(target), "dev/%s", DEVICES[i]);
        const int fd = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
        must(fd, target);
        close(fd);
        must(mount(host, target, NULL, MS_BIND, NULL), target);
    }
    must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "old root");
    must(chdir("/"), "/");
}

GF_NORETURN static void run_child(const struct floor *floor, struct isolation isolation,
                                  const int go[2]) {
    static char *const argv[] = {"true", NULL};
    static char *const envp[] = {"PATH=/bin", NULL};
    char byte = 0;
    close(go[1]);
    if (read(go[0], &byte, 1) != 1) {
        _exit(1);
    }
    if (isolation.network) {
        raise_loopback();
    }
    make_root(floor);
    must(sethostname("floor", 5), "host name");
    execve("/bin/true", argv, envp);
    fail("execve");
}

/* ---- outside ---- */

static void write_file(const char *dir, const char *file, const char *text) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", dir, file);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd, path);
    must((int)write(fd, text, strlen(text)), path);
    close(fd);
}

/* The group of the containers; every one makes it anew. NULL where there is none. */
static char *group_path(const struct floor *floor, enum gf_cgroup_controller controller) {
    const struct gf_cgroup_host *host = &floor->cgroups;
    const char *parent = host->in_unified[controller] ? host->unified : host->split[controller];
    return parent == NULL ? NULL : gf_asprintf("%s/%sfloor", parent, host->prefix);
}

static void limit(const struct floor *floor, enum gf_cgroup_controller controller,
                  const char *file_unified, const char *file_split, const char *value, pid_t pid) {
    GF_CLEANUP(gf_free_p) char *path = group_path(floor, controller);
    char text[16];
    if (path == NULL) {
        return;
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        fail(path);
    }
    snprintf(text, sizeof(text), "%d", (int)pid);
    write_file(path, floor->cgroups.in_unified[controller] ? file_unified : file_split, value);
    write_file(path, "cgroup.procs", text);
}

static void apply_limits(const struct floor *floor, pid_t pid) {
    limit(floor, GF_CGROUP_MEMORY, "memory.max", "memory.limit_in_bytes", "67108864", pid);
    limit(floor, GF_CGROUP_PIDS, "pids.max", "pids.max", "64", pid);
}

static void remove_groups(const struct floor *floor) {
    struct gf_error error;
    must_ok(gf_cgroup_host_clear(&floor->cgroups, "floor", &error), &error);
}

static void run_container(const struct floor *floor, struct isolation isolation) {
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 (isolation.network ? CLONE_NEWNET : 0),
        .exit_signal = SIGCHLD,
    };
    int go[2];
    int status = 0;
    must(pipe2(go, O_CLOEXEC), "pipe");
    const pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    must(pid, "clone3");
    if (pid == 0) {
        run_child(floor, isolation, go);
    }
    if (isolation.limits) {
        apply_limits(floor, pid);
    }
    must((int)write(go[1], "g", 1), "go");
    close(go[0]);
    close(go[1]);
    must(waitpid(pid, &status, 0), "waitpid");
    if (status != 0) {
        exit(1); /* the child has said why */
    }
    if (isolation.limits) {
        remove_groups(floor);
    }
}

static void measure(const struct floor *floor, struct isolation isolation, int64_t count,
                    const char *name) {
    for (int i = 0; i < WARM_UP; i++) {
        run_container(floor, isolation);
    }
    const int64_t start = gf_mono_ns();
    for (int64_t i = 0; i < count; i++) {
        run_container(floor, isolation);
    }
    const double ms = (double)(gf_mono_ns() - start) / (double)GF_NS_PER_MS;
    printf("floor: %.1f ms for %d containers one after another, %s\n", ms, (int)count, name);
}

static void open_floor(struct floor *floor) {
    const char *parent = getenv("TMPDIR");
    struct gf_error error;
    *floor = (struct floor){
        .dir = gf_asprintf("%s/gofer-floor-XXXXXX", parent == NULL ? "/tmp" : parent)};
    if (mkdtemp(floor->dir) == NULL) {
        fail(floor->dir);
    }
    floor->layer = gf_asprintf("%s/layer", floor->dir);
    floor->stage = gf_asprintf("%s/stage", floor->dir);
    must(mkdir(floor->layer, 0755), floor->layer);
    must(mkdir(floor->stage, 0755), floor->stage);
    testing_make_busybox_layer(floor->layer);
    GF_CLEANUP(gf_free_p) char *instance = gf_asprintf("floor-%d", (int)getpid());
    must_ok(gf_cgroup_host_open(instance, &floor->cgroups, &error), &error);
}

static void close_floor(struct floor *floor) {
    struct gf_error error;
    must_ok(gf_tree_remove(AT_FDCWD, floor->dir, &error), &error);
    gf_cgroup_host_fini(&floor->cgroups);
    free(floor->dir);
    free(floor->layer);
    free(floor->stage);
}

int main(int argc, char **argv) {
    struct floor floor;
    int64_t count = COUNT_DEFAULT;
    if (argc > 2 || (argc == 2 && (!gf_parse_i64(gf_str_from(argv[1]), &count) || count < 1 ||
                                   count > COUNT_MAX))) {
        fprintf(stderr, "usage: floor [COUNT]\n");
        return 2;
    }
    if (geteuid() != 0) {
        fprintf(stderr, "floor: needs root\n");
        return 1;
    }
    open_floor(&floor);
    measure(&floor, (struct isolation){.network = true, .limits = true}, count,
            "with a network namespace and limits");
    measure(&floor, (struct isolation){0}, count, "without");
    close_floor(&floor);
    return 0;
}
