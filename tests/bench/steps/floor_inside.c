/*
 * The inside of a container of the floor, in the order that the kernel wants.
 *
 * Hardened, it has what gofer's containers have: a user namespace, entered last, with the layer as
 * an idmapped mount and the upper directory owned by the namespace's root; a cgroup namespace; a
 * /dev of its own with terminals, shared memory and message queues; /sys; masked and read-only
 * paths; resource limits; a session key ring; no capabilities but a short list, and no way to gain
 * any; no descriptors of others; a process 1 that reaps; the filter of system calls.
 */
#include "base/alloc.h"
#include "engine/scheduler/native/shim/filter/filter.h"
#include "tests/bench/steps/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CAPABILITIES_MAX = 64,
    TTY_GROUP = 5,
};

#define BIT(number) (1U << (number))
#define CAPABILITIES                                                                               \
    (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_KILL) |  \
     BIT(CAP_SETGID) | BIT(CAP_SETUID))

static const struct {
    const char *name;
    unsigned minor;
} DEVICES[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static const char *const LINKS[][2] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static const char *const MASKED_FILES[] = {
    "proc/kcore",      "proc/keys",          "proc/timer_list",
    "proc/interrupts", "proc/latency_stats", "proc/sched_debug",
};

static const char *const MASKED_DIRS[] = {
    "proc/acpi", "proc/asound", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap",
};

static const char *const READ_ONLY[] = {
    "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    floor_must(fd, "socket");
    floor_must(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
    close(fd);
}

/* ---- the root ---- */

static void mount_layer(const char *layer, int user_fd) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
        .userns_fd = (uint64_t)user_fd,
    };
    const int fd = open_tree(AT_FDCWD, layer, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    floor_must(fd, "open_tree");
    floor_must(mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)), "idmap");
    floor_must(mkdir("lower", 0755), "lower");
    floor_must(move_mount(fd, "", AT_FDCWD, "lower", MOVE_MOUNT_F_EMPTY_PATH), "lower");
    close(fd);
}

static void make_directory(const char *name, bool hardened) {
    floor_must(mkdir(name, 0755), name);
    if (hardened) {
        floor_must(chown(name, FLOOR_USER_FIRST, FLOOR_USER_FIRST), name);
    }
}

static void make_root(const struct floor *floor, bool hardened, int user_fd) {
    GF_CLEANUP(gf_free_p)
    char *options =
        gf_asprintf("lowerdir=%s,upperdir=upper,workdir=work", hardened ? "lower" : floor->layer);
    floor_must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    floor_must(mount("tmpfs", floor->stage, "tmpfs", 0, "size=64m"), "tmpfs");
    floor_must(chdir(floor->stage), "stage");
    make_directory("upper", hardened);
    make_directory("work", hardened);
    make_directory("root", false);
    if (hardened) {
        mount_layer(floor->layer, user_fd);
    }
    floor_must(mount("overlay", "root", "overlay", hardened ? MS_NODEV | MS_NOSUID : 0, options),
               "overlay");
    floor_must(chdir("root"), "root");
    floor_must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
}

static void enter_root(void) {
    floor_must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
    floor_must(umount2(".", MNT_DETACH), "old root");
    floor_must(chdir("/"), "/");
}

static void bind_devices(void) {
    floor_must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "size=64k,mode=755"), "dev");
    for (size_t i = 0; i < GF_ARRAY_COUNT(DEVICES); i++) {
        char host[32];
        char target[32];
        snprintf(host, sizeof(host), "/dev/%s", DEVICES[i].name);
        snprintf(target, sizeof(target), "dev/%s", DEVICES[i].name);
        const int fd = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
        floor_must(fd, target);
        close(fd);
        floor_must(mount(host, target, NULL, MS_BIND, NULL), target);
    }
}

/* ---- the file systems of the kernel, hardened ---- */

static void mount_dev(void) {
    const unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    char options[96];
    snprintf(options, sizeof(options), "mode=0755,size=64k,uid=%d,gid=%d", FLOOR_USER_FIRST,
             FLOOR_USER_FIRST);
    floor_must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, options), "dev");
    floor_must(chdir("dev"), "dev");
    umask(0);
    for (size_t i = 0; i < GF_ARRAY_COUNT(DEVICES); i++) {
        floor_must(mknod(DEVICES[i].name, S_IFCHR | 0666, makedev(1, DEVICES[i].minor)),
                   DEVICES[i].name);
    }
    floor_must(mknod("tty", S_IFCHR | 0666, makedev(5, 0)), "tty");
    umask(022);
    for (size_t i = 0; i < GF_ARRAY_COUNT(LINKS); i++) {
        floor_must(symlink(LINKS[i][1], LINKS[i][0]), LINKS[i][0]);
    }
    make_directory("pts", false);
    make_directory("shm", false);
    make_directory("mqueue", false);
    snprintf(options, sizeof(options), "newinstance,ptmxmode=0666,mode=0620,gid=%d",
             FLOOR_USER_FIRST + TTY_GROUP);
    floor_must(mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC, options), "pts");
    floor_must(mount("tmpfs", "shm", "tmpfs", closed, "mode=1777,size=64m"), "shm");
    floor_must(mount("mqueue", "mqueue", "mqueue", closed, NULL), "mqueue");
    floor_must(chdir(".."), "root");
}

/* Paths that this kernel does not have need no mask. */
static void mask_paths(void) {
    const unsigned long closed = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    const char *empty = NULL;
    for (size_t i = 0; i < GF_ARRAY_COUNT(MASKED_FILES); i++) {
        if (mount("dev/null", MASKED_FILES[i], NULL, MS_BIND, NULL) != 0 && errno != ENOENT) {
            floor_fail(MASKED_FILES[i]);
        }
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(MASKED_DIRS); i++) {
        const int result = empty != NULL
                               ? mount(empty, MASKED_DIRS[i], NULL, MS_BIND, NULL)
                               : mount("tmpfs", MASKED_DIRS[i], "tmpfs", closed, "mode=0555");
        if (result != 0 && errno != ENOENT) {
            floor_fail(MASKED_DIRS[i]);
        }
        empty = result == 0 && empty == NULL ? MASKED_DIRS[i] : empty;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(READ_ONLY); i++) {
        if (mount(READ_ONLY[i], READ_ONLY[i], NULL, MS_BIND, NULL) != 0) {
            floor_must(errno == ENOENT ? 0 : -1, READ_ONLY[i]);
            continue;
        }
        floor_must(mount(NULL, READ_ONLY[i], NULL, MS_BIND | MS_REMOUNT | closed, NULL),
                   READ_ONLY[i]);
    }
}

/* ---- rights ---- */

static void limit_resources(void) {
    static const int RESOURCES[] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_MEMLOCK};
    static const rlim_t VALUES[] = {1, 65536, 8 << 20};
    for (size_t i = 0; i < GF_ARRAY_COUNT(RESOURCES); i++) {
        struct rlimit limit;
        floor_must(getrlimit((__rlimit_resource_t)RESOURCES[i], &limit), "limit");
        limit.rlim_max = limit.rlim_max < VALUES[i] ? limit.rlim_max : VALUES[i];
        limit.rlim_cur = limit.rlim_max;
        floor_must(setrlimit((__rlimit_resource_t)RESOURCES[i], &limit), "limit");
    }
}

static void drop_rights(int user_fd) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct data[2] = {
        {.effective = CAPABILITIES, .permitted = CAPABILITIES}, {0}};
    limit_resources();
    floor_must(setns(user_fd, CLONE_NEWUSER), "user namespace");
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    floor_must(setgroups(0, NULL), "groups");
    floor_must(setresgid(0, 0, 0), "group");
    for (int i = 0; i < CAPABILITIES_MAX; i++) {
        if ((i >= 32 || (CAPABILITIES & BIT(i)) == 0) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
            break; /* behind the last one of this kernel */
        }
    }
    floor_must(setresuid(0, 0, 0), "user");
    floor_must((int)syscall(SYS_capset, &header, data), "capabilities");
    floor_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    floor_must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "death signal");
    floor_must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable");
}

GF_NORETURN static void execute(void) {
    static char *const argv[] = {"true", NULL};
    static char *const envp[] = {"PATH=/bin", NULL};
    execve("/bin/true", argv, envp);
    floor_fail("execve");
}

/* A process 1 that reaps, beside the program. */
GF_NORETURN static void execute_below_init(void) {
    struct gf_error error;
    int status = 0;
    const pid_t pid = fork();
    floor_must(pid, "fork");
    if (pid == 0) {
        if (gf_filter_load(&error) != GF_OK) {
            floor_fail("filter");
        }
        execute();
    }
    while (waitpid(-1, &status, 0) != pid) {
    }
    _exit(status == 0 ? 0 : 1);
}

GF_NORETURN void floor_inside(const struct floor *floor, struct isolation isolation,
                              struct ready ready) {
    if (ready.network_fd >= 0) {
        floor_must(setns(ready.network_fd, CLONE_NEWNET), "network namespace");
    } else if (isolation.network) {
        raise_loopback();
    }
    if (isolation.hardened) {
        floor_must(unshare(CLONE_NEWCGROUP), "cgroup namespace");
    }
    make_root(floor, isolation.hardened, ready.user_fd);
    if (!isolation.hardened) {
        bind_devices();
        enter_root();
        floor_must(sethostname("floor", 5), "host name");
        execute();
    }
    mount_dev();
    floor_must(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL),
               "sys");
    enter_root();
    mask_paths();
    floor_must(sethostname("floor", 5), "host name");
    floor_must(setsid(), "session");
    drop_rights(ready.user_fd);
    floor_must((int)syscall(SYS_close_range, 3, ~0U, 0), "descriptors");
    execute_below_init();
}
