/*
 * DESIGN
 * An image is not trusted: its /proc, /dev or /sys may be missing, a file, or a symbolic link. All
 * mounts come after the change of root, so that a link cannot lead to the host; and a mount point
 * that is no directory is replaced by one (in the container's upper directory), so that a link
 * cannot lead a mask to the wrong place either. Paths below a mount made here are the kernel's or
 * our own.
 */
#include "engine/scheduler/native/shim/kernelfs.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    OPTIONS_BYTES_MAX = 96,
    TTY_GROUP = 5, /* by custom: who may write to the terminals of others */
};

/* Files that tell about the host or its keys: they read as empty. */
static const char *const MASKED_FILES[] = {
    "/proc/kcore",      "/proc/keys",          "/proc/timer_list",
    "/proc/interrupts", "/proc/latency_stats", "/proc/sched_debug",
};

/* Directories of the same kind: they are empty. */
static const char *const MASKED_DIRS[] = {
    "/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
};

/* What a container may read but never change. */
static const char *const READ_ONLY_PATHS[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

struct device {
    const char *path;
    unsigned major;
    unsigned minor;
};

static const struct device DEVICES[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

struct link {
    const char *path;
    const char *target;
};

static const struct link LINKS[] = {
    {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/ptmx", "pts/ptmx"},
};

enum gf_code gf_kernelfs_make_mount_point(const char *path, uid_t owner, struct gf_error *err) {
    struct stat status;
    if (lstat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            return GF_OK;
        }
        if (unlink(path) != 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot replace %s of the image", path);
        }
    }
    if (mkdir(path, 0755) != 0 || (owner != 0 && lchown(path, owner, owner) != 0)) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make %s", path);
    }
    return GF_OK;
}

static enum gf_code mount_on(const char *type, const char *path, unsigned long flags,
                             const char *options, struct gf_error *err) {
    if (mount(type, path, type, flags, options) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount %s", path);
    }
    return GF_OK;
}

enum gf_code gf_kernelfs_mount_proc(uid_t owner, struct gf_error *err) {
    enum gf_code rc = gf_kernelfs_make_mount_point("/proc", owner, err);
    return rc == GF_OK ? mount_on("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, err)
                       : rc;
}

enum gf_code gf_kernelfs_mount_sys(uid_t owner, struct gf_error *err) {
    enum gf_code rc = gf_kernelfs_make_mount_point("/sys", owner, err);
    return rc == GF_OK
               ? mount_on("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL, err)
               : rc;
}

/* ---- /dev ---- */

static enum gf_code fill_dev(uid_t owner, struct gf_error *err) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(DEVICES); i++) {
        const struct device *device = &DEVICES[i];
        if (mknod(device->path, S_IFCHR | 0666, makedev(device->major, device->minor)) != 0 ||
            (owner != 0 && lchown(device->path, owner, owner) != 0)) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make %s", device->path);
        }
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(LINKS); i++) {
        if (symlink(LINKS[i].target, LINKS[i].path) != 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make %s", LINKS[i].path);
        }
    }
    if (mkdir("/dev/pts", 0755) != 0 || mkdir("/dev/shm", 0755) != 0 ||
        mkdir("/dev/mqueue", 0755) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the directories of /dev");
    }
    return GF_OK;
}

/* A tmpfs whose root belongs to the owner. */
static enum gf_code mount_tmpfs(const char *path, unsigned long flags, const char *options,
                                uid_t owner, struct gf_error *err) {
    char text[OPTIONS_BYTES_MAX];
    snprintf(text, sizeof(text), "%s,uid=%u,gid=%u", options, owner, owner);
    return mount_on("tmpfs", path, flags, text, err);
}

static enum gf_code mount_pts(uid_t owner, struct gf_error *err) {
    char text[OPTIONS_BYTES_MAX];
    snprintf(text, sizeof(text), "newinstance,ptmxmode=0666,mode=0620,gid=%u", owner + TTY_GROUP);
    return mount_on("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, text, err);
}

enum gf_code gf_kernelfs_mount_dev(uid_t owner, struct gf_error *err) {
    const unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    enum gf_code rc = gf_kernelfs_make_mount_point("/dev", owner, err);
    if (rc == GF_OK) {
        rc = mount_tmpfs("/dev", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k", owner, err);
    }
    if (rc == GF_OK) {
        const mode_t mask_before = umask(0); /* the modes above are meant as they stand */
        rc = fill_dev(owner, err);
        umask(mask_before);
    }
    if (rc == GF_OK) {
        rc = mount_pts(owner, err);
    }
    if (rc == GF_OK) {
        rc = mount_tmpfs("/dev/shm", closed, "mode=1777,size=64m", owner, err);
    }
    /* A kernel may be built without message queues. */
    if (rc == GF_OK && mount("mqueue", "/dev/mqueue", "mqueue", closed, NULL) != 0 &&
        errno != ENODEV) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount /dev/mqueue");
    }
    return rc;
}

/* ---- masks ---- */

/* A kernel may lack any of these paths: then there is nothing to hide. */
static bool absent(const char *path) {
    struct stat status;
    return lstat(path, &status) != 0 && errno == ENOENT;
}

static enum gf_code mask_failed(const char *path, struct gf_error *err) {
    return gf_fail_errno(err, GF_INTERNAL, errno, "cannot mask %s", path);
}

/* The first directory gets an empty read-only file system; the others show the same one. */
static enum gf_code mask_dirs(struct gf_error *err) {
    const unsigned long closed = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    const char *first = NULL;
    for (size_t i = 0; i < GF_ARRAY_COUNT(MASKED_DIRS); i++) {
        const char *path = MASKED_DIRS[i];
        if (absent(path)) {
            continue;
        }
        if (first == NULL) {
            first = path;
            if (mount("tmpfs", path, "tmpfs", closed, "mode=0555,size=4k,nr_inodes=2") != 0) {
                return mask_failed(path, err);
            }
        } else if (mount(first, path, NULL, MS_BIND, NULL) != 0) {
            return mask_failed(path, err);
        }
    }
    return GF_OK;
}

static enum gf_code make_read_only(const char *path, struct gf_error *err) {
    const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount(path, path, NULL, MS_BIND, NULL) != 0) {
        return errno == ENOENT ? GF_OK : mask_failed(path, err);
    }
    return mount(NULL, path, NULL, flags, NULL) != 0 ? mask_failed(path, err) : GF_OK;
}

enum gf_code gf_kernelfs_mask(struct gf_error *err) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(MASKED_FILES); i++) {
        if (mount("/dev/null", MASKED_FILES[i], NULL, MS_BIND, NULL) != 0 && errno != ENOENT) {
            return mask_failed(MASKED_FILES[i], err);
        }
    }
    enum gf_code rc = mask_dirs(err);
    for (size_t i = 0; i < GF_ARRAY_COUNT(READ_ONLY_PATHS) && rc == GF_OK; i++) {
        rc = make_read_only(READ_ONLY_PATHS[i], err);
    }
    return rc;
}
