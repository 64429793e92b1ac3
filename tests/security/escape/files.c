/* Files of the host, mounts, devices, /proc and /sys, descriptors. */
#include "tests/security/escape/escape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    PATH_BYTES_MAX = 4096
};

/* ---- files of the host ---- */

static enum outcome try_host_file(void) {
    static const char *const ROOTS[] = {"", "/proc/self/root", "/proc/self/cwd/../../..",
                                        "/../../../.."};
    char path[PATH_BYTES_MAX];
    for (size_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", ROOTS[i], host.file);
        if (access(path, F_OK) == 0) {
            note("%s is there", path);
            return GOT_THROUGH;
        }
    }
    return HELD;
}

static enum outcome try_way_up(void) {
    struct stat root;
    struct stat top;
    if (stat("/", &root) != 0 || chdir("/") != 0) {
        return UNTRIED;
    }
    for (int i = 0; i < 64; i++) {
        if (chdir("..") != 0) {
            return UNTRIED;
        }
    }
    if (stat(".", &top) != 0) {
        return UNTRIED;
    }
    return top.st_ino == root.st_ino && top.st_dev == root.st_dev ? HELD : GOT_THROUGH;
}

/* A directory held open across a change of the root leads out of it. */
static enum outcome try_chroot(void) {
    return refused(chroot("/tmp"), EPERM, 0);
}

static enum outcome try_handle(void) {
    struct {
        struct file_handle handle;
        unsigned char bytes[8];
    } root = {.handle = {.handle_bytes = 8, .handle_type = 1}};
    const int inode = 2; /* the root of most file systems */
    memcpy(root.handle.f_handle, &inode, sizeof(inode));
    const int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return refused(open_by_handle_at(fd, &root.handle, O_RDONLY), EPERM, 0);
}

/* ---- mounts ---- */

static enum outcome try_mount(void) {
    return refused(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM, 0);
}

static enum outcome try_bind(void) {
    return refused(mount("/", "/tmp", NULL, MS_BIND | MS_REC, NULL), EPERM, 0);
}

static enum outcome try_remount(void) {
    return refused(mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT, NULL), EPERM, 0);
}

static enum outcome try_unmask(void) {
    return refused(umount2("/proc/keys", MNT_DETACH), EPERM, 0);
}

static enum outcome try_mount_proc(void) {
    return refused(mount("proc", "/tmp", "proc", 0, NULL), EPERM, 0);
}

static enum outcome try_mount_cgroup(void) {
    if (mount("none", "/tmp", "cgroup2", 0, NULL) == 0) {
        return GOT_THROUGH;
    }
    return refused(mount("none", "/tmp", "cgroup", 0, "memory"), EPERM, 0);
}

static enum outcome try_mount_device(void) {
    return refused(mount("/devices/disk", "/tmp", "ext4", 0, NULL), EPERM, 0);
}

static enum outcome try_pivot(void) {
    return refused(syscall(SYS_pivot_root, "/", "/tmp"), EPERM, 0);
}

static enum outcome try_fsopen(void) {
    return refused(syscall(SYS_fsopen, "tmpfs", 0), EPERM, 0);
}

static enum outcome try_open_tree(void) {
    return refused(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE), EPERM, 0);
}

static enum outcome try_move_mount(void) {
    return refused(syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0), EPERM, 0);
}

static enum outcome try_mount_setattr(void) {
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
    return refused(
        syscall(SYS_mount_setattr, AT_FDCWD, "/proc/sys", 0, &attributes, sizeof(attributes)),
        EPERM, 0);
}

/* ---- devices ---- */

static enum outcome try_block_device(void) {
    return refused(mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)), EPERM, 0);
}

static enum outcome try_memory_device(void) {
    return refused(mknod("/dev/mem", S_IFCHR | 0600, makedev(1, 1)), EPERM, EACCES, 0);
}

/* The test has put these into the image. */
static enum outcome try_device_of_image(void) {
    const enum outcome outcome = refused_open("/devices/disk", O_RDONLY, EACCES, 0);
    return outcome == HELD ? refused_open("/devices/mem", O_RDONLY, EACCES, 0) : outcome;
}

static enum outcome try_host_devices(void) {
    static const char *const PATHS[] = {
        "/dev/mem",          "/dev/kmem",        "/dev/kmsg",  "/dev/port",   "/dev/vda",
        "/dev/sda",          "/dev/kvm",         "/dev/fuse",  "/dev/loop0",  "/dev/net/tun",
        "/dev/loop-control", "/dev/userfaultfd", "/dev/vsock", "/dev/console"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        const enum outcome outcome = refused_open(PATHS[i], O_RDONLY | O_NONBLOCK, ENOENT, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return HELD;
}

/* ---- /proc and /sys ---- */

static enum outcome try_kernel_settings(void) {
    static const char *const PATHS[] = {
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/shmmax",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/fs/file-max",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/irq/default_smp_affinity",
    };
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        const enum outcome outcome = refused_open(PATHS[i], O_WRONLY, EROFS, EACCES, ENOENT, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    /* Kernels differ in which of the above they have; these are always there. */
    const enum outcome outcome =
        refused_open("/proc/sys/kernel/core_pattern", O_WRONLY, EROFS, EACCES, 0);
    return outcome == HELD ? refused_open("/proc/sys/kernel/hostname", O_WRONLY, EROFS, EACCES, 0)
                           : outcome;
}

static enum outcome try_kernel_secrets(void) {
    static const char *const PATHS[] = {
        "/proc/kcore",       "/proc/keys",          "/proc/timer_list", "/proc/sched_debug",
        "/proc/interrupts",  "/proc/latency_stats", "/proc/kmsg",       "/proc/kpagecount",
        "/proc/vmallocinfo", "/proc/slabinfo"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        const enum outcome outcome = reads_as_empty(PATHS[i]);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return HELD;
}

static enum outcome try_hidden_directories(void) {
    static const char *const PATHS[] = {"/proc/acpi",
                                        "/proc/asound",
                                        "/proc/scsi",
                                        "/sys/firmware",
                                        "/sys/devices/virtual/powercap",
                                        "/sys/kernel/debug",
                                        "/sys/kernel/tracing",
                                        "/sys/kernel/security",
                                        "/sys/fs/bpf",
                                        "/sys/fs/cgroup",
                                        "/sys/fs/pstore"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        const enum outcome outcome = lists_as_empty(PATHS[i]);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return HELD;
}

static enum outcome try_kernel_addresses(void) {
    char line[64] = {0};
    const int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == EACCES || errno == EPERM ? HELD : UNTRIED;
    }
    if (read(fd, line, 16) != 16) {
        return HELD;
    }
    return strspn(line, "0") == 16 ? HELD : GOT_THROUGH;
}

static enum outcome try_sys(void) {
    static const char *const PATHS[] = {"/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run",
                                        "/sys/kernel/kexec_crash_size", "/sys/power/state",
                                        "/sys/kernel/uevent_seqnum"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        const enum outcome outcome = refused_open(PATHS[i], O_WRONLY, EROFS, EACCES, ENOENT, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return refused(mkdir("/sys/escape", 0755), EROFS, EACCES, EPERM, 0);
}

static enum outcome try_input_document(void) {
    if (access("/run/gofer/input", R_OK) != 0) {
        return UNTRIED;
    }
    if (unlink("/run/gofer/input") == 0) {
        return GOT_THROUGH;
    }
    return refused_open("/run/gofer/input", O_WRONLY | O_TRUNC, EROFS, EACCES, 0);
}

/* ---- descriptors ---- */

static enum outcome try_descriptors(void) {
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) {
        return UNTRIED;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[PATH_BYTES_MAX];
        char target[PATH_BYTES_MAX] = {0};
        snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        if (entry->d_name[0] == '.' || readlink(path, target, sizeof(target) - 1) < 0) {
            continue;
        }
        if (strncmp(target, "pipe:", 5) != 0 && strcmp(target, "/dev/null") != 0 &&
            strncmp(target, "/proc/", 6) != 0) {
            note("%s is %s", path, target);
            return GOT_THROUGH;
        }
    }
    return HELD;
}

/* CVE-2024-21626: the working directory, or a descriptor, is one of the host. */
static enum outcome try_working_directory(void) {
    char path[PATH_BYTES_MAX];
    if (getcwd(path, sizeof(path)) == NULL || path[0] != '/') {
        return GOT_THROUGH;
    }
    for (int fd = 0; fd < 64; fd++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (chdir(path) == 0) {
            note("%s is a directory", path);
            return GOT_THROUGH;
        }
    }
    return HELD;
}

static enum outcome try_output(void) {
    /* It must be open to everybody inside by its name, and be no more than a pipe. */
    struct stat status;
    const int fd = open("/dev/stdout", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        note("/dev/stdout cannot be opened: %s", strerror(errno));
        return UNTRIED;
    }
    return S_ISFIFO(status.st_mode) ? HELD : GOT_THROUGH;
}

/* ---- ids ---- */

static enum outcome try_foreign_owner(void) {
    const int fd = open("/tmp/owned", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return UNTRIED;
    }
    return refused(fchown(fd, 70000, 70000), EINVAL, EPERM, 0);
}

static enum outcome try_trusted_attribute(void) {
    return refused(setxattr("/tmp", "trusted.overlay.opaque", "y", 1, 0), EPERM, 0);
}

/* A file with capabilities of the host's root. */
static enum outcome try_file_capability(void) {
    static const unsigned char ALL[20] = {1, 0, 0, 2, 255, 255, 255, 255, 255, 255, 255, 255};
    const int fd = open("/tmp/capable", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    if (fd < 0) {
        return UNTRIED;
    }
    return refused(fsetxattr(fd, "security.capability", ALL, sizeof(ALL), 0), EPERM, 0);
}

const struct check FILE_CHECKS[] = {
    {"file of the host", try_host_file},
    {"way up from the root", try_way_up},
    {"chroot", try_chroot},
    {"open_by_handle_at", try_handle},
    {"mount of a tmpfs", try_mount},
    {"bind mount", try_bind},
    {"remount of /proc/sys", try_remount},
    {"unmount of a mask", try_unmask},
    {"mount of /proc", try_mount_proc},
    {"mount of control groups", try_mount_cgroup},
    {"mount of a device", try_mount_device},
    {"pivot_root", try_pivot},
    {"fsopen", try_fsopen},
    {"open_tree", try_open_tree},
    {"move_mount", try_move_mount},
    {"mount_setattr", try_mount_setattr},
    {"block device made", try_block_device},
    {"memory device made", try_memory_device},
    {"device of the image", try_device_of_image},
    {"devices of the host", try_host_devices},
    {"settings of the kernel", try_kernel_settings},
    {"secrets of the kernel", try_kernel_secrets},
    {"directories of the kernel", try_hidden_directories},
    {"addresses of the kernel", try_kernel_addresses},
    {"writing to /sys", try_sys},
    {"change of the input document", try_input_document},
    {"leaked descriptors", try_descriptors},
    {"leaked working directory", try_working_directory},
    {"output by its name", try_output},
    {"owner outside of the range", try_foreign_owner},
    {"trusted attribute", try_trusted_attribute},
    {"capability of a file", try_file_capability},
    {NULL, NULL},
};
