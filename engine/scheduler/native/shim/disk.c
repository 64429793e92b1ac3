/*
 * DESIGN
 * The template is an empty ext4 of the right size, made once by the server: a hundred kilobytes in
 * a sparse file. Copying those takes a tenth of a millisecond.
 *
 * The file is locked before the loop device gets it. The device keeps the open file, and the lock
 * with it, until the last mount has gone: who wants to mount the file again waits for the lock, so
 * that two mounts of one file system cannot be.
 *
 * There is no journal and there are no barriers: after a power cut nobody reads it.
 */
#include "engine/scheduler/native/shim/disk.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 4096,
    LOOP_TRIES_MAX = 64, /* others take devices too */
    LOOP_PATH_BYTES_MAX = 32,
    LOCK_PAUSE_MS = 2,
    MOUNT_PATH_BYTES_MAX = 64,
};

/* ---- the file ---- */

/* Copies what is not a hole. */
static enum gf_code copy_sparse(int from_fd, int to_fd, struct gf_error *err) {
    struct stat status;
    if (fstat(from_fd, &status) != 0 || ftruncate(to_fd, status.st_size) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "cannot make the disk");
    }
    off_t at = 0;
    while ((at = lseek(from_fd, at, SEEK_DATA)) >= 0) {
        const off_t end = lseek(from_fd, at, SEEK_HOLE);
        if (end < 0 || lseek(to_fd, at, SEEK_SET) < 0 || lseek(from_fd, at, SEEK_SET) < 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot copy the disk's template");
        }
        while (at < end) {
            char block[BLOCK_BYTES];
            const size_t size = end - at < BLOCK_BYTES ? (size_t)(end - at) : BLOCK_BYTES;
            enum gf_code rc = gf_pread_exact(from_fd, block, size, at, err);
            if (rc == GF_OK) {
                rc = gf_write_all(to_fd, block, size, err);
            }
            if (rc != GF_OK) {
                return gf_wrap(err, "disk");
            }
            at += (off_t)size;
        }
    }
    return GF_OK;
}

static enum gf_code open_file(const char *template_path, int upper_fd, int *out_fd,
                              struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int from_fd = -1;
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_file_open(upper_fd, GF_DISK_FILE, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, err);
    if (rc == GF_ALREADY_EXISTS) {
        return gf_file_open(upper_fd, GF_DISK_FILE, O_RDWR, 0, out_fd, err);
    }
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, template_path, O_RDONLY, 0, &from_fd, err);
    }
    if (rc == GF_OK) {
        rc = copy_sparse(from_fd, fd, err);
    }
    if (rc == GF_OK) {
        *out_fd = gf_take_fd(&fd);
    }
    return rc;
}

static enum gf_code lock_file(int fd, struct gf_error *err) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), GF_DISK_FREE_MS_MAX);
    for (;;) {
        enum gf_code rc = gf_file_lock(fd, err);
        if (rc != GF_FAILED_PRECONDITION || gf_mono_ns() >= deadline) {
            return rc;
        }
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
}

/* ---- the device ---- */

static enum gf_code no_device(const char *what, struct gf_error *err) {
    return gf_fail_errno(err, GF_FAILED_PRECONDITION, errno,
                         "cannot get a loop device for the container's disk (%s)", what);
}

/* One that is free, with the file behind it; it is free again when its last user has gone. */
static enum gf_code attach(int file_fd, char out_path[LOOP_PATH_BYTES_MAX], int *out_fd,
                           struct gf_error *err) {
    const struct loop_config config = {
        .fd = (uint32_t)file_fd,
        .block_size = BLOCK_BYTES,
        .info = {.lo_flags = LO_FLAGS_AUTOCLEAR},
    };
    GF_CLEANUP(gf_close_p) int control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control_fd < 0) {
        return no_device("loop-control", err);
    }
    for (int i = 0; i < LOOP_TRIES_MAX; i++) {
        const int number = ioctl(control_fd, LOOP_CTL_GET_FREE);
        if (number < 0) {
            return no_device("loop-control", err);
        }
        snprintf(out_path, LOOP_PATH_BYTES_MAX, "/dev/loop%d", number);
        GF_CLEANUP(gf_close_p) int fd = open(out_path, O_RDWR | O_CLOEXEC);
        if (fd < 0) {
            return no_device(out_path, err);
        }
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
            *out_fd = gf_take_fd(&fd);
            return GF_OK;
        }
        if (errno != EBUSY) {
            return no_device(out_path, err);
        }
    }
    errno = EBUSY;
    return no_device(out_path, err);
}

/* ---- the mount ---- */

enum gf_code gf_disk_mount(const char *template_path, int upper_fd, int *out_root_fd,
                           struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int file_fd = -1;
    GF_CLEANUP(gf_close_p) int device_fd = -1;
    char device[LOOP_PATH_BYTES_MAX];
    char point[MOUNT_PATH_BYTES_MAX];
    enum gf_code rc = open_file(template_path, upper_fd, &file_fd, err);
    if (rc == GF_OK) {
        rc = lock_file(file_fd, err);
    }
    if (rc == GF_OK) {
        rc = attach(file_fd, device, &device_fd, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (mkdirat(upper_fd, GF_DISK_MOUNT, 0700) != 0 && errno != EEXIST) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the disk's directory");
    }
    snprintf(point, sizeof(point), "/proc/self/fd/%d/" GF_DISK_MOUNT, upper_fd);
    if (mount(device, point, "ext4", MS_NODEV | MS_NOSUID, "noinit_itable,nobarrier") != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount the container's disk");
    }
    return gf_file_open(upper_fd, GF_DISK_MOUNT, O_PATH | O_DIRECTORY, 0, out_root_fd, err);
}

int64_t gf_disk_used(int root_fd) {
    struct statfs status;
    if (root_fd < 0 || fstatfs(root_fd, &status) != 0 || status.f_bfree > status.f_blocks) {
        return 0;
    }
    return (int64_t)(status.f_blocks - status.f_bfree) * (int64_t)status.f_bsize;
}
