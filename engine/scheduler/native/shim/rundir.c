/*
 * DESIGN
 * The document comes in a sealed memory file and goes into a file system of its own in memory, so
 * that no path of the host is behind it, and an image without a /run is as good as any. A plain
 * file in the root would do for those who run as somebody; but root in the container could change
 * it, and the next thing that reads it would be misled. So the file system is read-only once it is
 * filled, and nobody in the container has the right to make it writable again. It is also where the
 * listener for tasks is mounted: a link in the image cannot lead either of them elsewhere.
 */
#include "engine/scheduler/native/shim/rundir.h"

#include "base/file.h"
#include "engine/scheduler/native/shim/kernelfs.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/task_api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPTIONS_BYTES_MAX = 64,
    SPARE_BYTES = 64 << 10, /* for rounding to pages; a size of 0 would be no limit */
};

static const unsigned long CLOSED = MS_NOSUID | MS_NODEV | MS_NOEXEC;

static enum gf_code copy(int input_fd, off_t size, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    off_t offset = 0; /* the descriptor's own position is shared with others */
    enum gf_code rc =
        gf_file_open(AT_FDCWD, GF_SHIM_INPUT_PATH, O_WRONLY | O_CREAT | O_EXCL, 0444, &fd, err);
    while (rc == GF_OK && offset < size) {
        const ssize_t n = sendfile(fd, input_fd, &offset, (size_t)(size - offset));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            rc = gf_fail_errno(err, GF_INTERNAL, n == 0 ? EIO : errno, "cannot copy the input");
        }
    }
    return rc;
}

static enum gf_code input_size(int input_fd, off_t *out_size, struct gf_error *err) {
    struct stat status;
    if (fstat(input_fd, &status) != 0 || status.st_size > GF_SPEC_INPUT_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "input: no file of up to %d bytes",
                       GF_SPEC_INPUT_BYTES_MAX);
    }
    *out_size = status.st_size;
    return GF_OK;
}

static enum gf_code mount_tmpfs(off_t size, uid_t owner, struct gf_error *err) {
    char options[OPTIONS_BYTES_MAX];
    enum gf_code rc = gf_kernelfs_make_mount_point("/run", owner, err);
    if (rc == GF_OK) {
        rc = gf_kernelfs_make_mount_point(GF_SHIM_RUN_DIR, owner, err);
    }
    snprintf(options, sizeof(options), "mode=0755,size=%lld", (long long)size + SPARE_BYTES);
    if (rc == GF_OK && mount("tmpfs", GF_SHIM_RUN_DIR, "tmpfs", CLOSED, options) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount " GF_SHIM_RUN_DIR);
    }
    return rc;
}

static enum gf_code fill(const struct gf_rundir *rundir, off_t size, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    if (rundir->input_fd >= 0) {
        rc = copy(rundir->input_fd, size, err);
    }
    if (rc == GF_OK && rundir->task_api_fd >= 0) {
        rc = gf_kernelfs_make_mount_point(GF_SHIM_TASK_API_DIR, rundir->owner, err);
        if (rc == GF_OK) {
            rc = gf_task_api_mount(rundir->task_api_fd, GF_SHIM_TASK_API_DIR, err);
        }
    }
    return rc;
}

enum gf_code gf_rundir_mount(const struct gf_rundir *rundir, struct gf_error *err) {
    off_t size = 0;
    enum gf_code rc = GF_OK;
    if (rundir->input_fd < 0 && rundir->task_api_fd < 0) {
        return GF_OK;
    }
    if (rundir->input_fd >= 0) {
        rc = input_size(rundir->input_fd, &size, err);
    }
    if (rc == GF_OK) {
        rc = mount_tmpfs(size, rundir->owner, err);
    }
    if (rc == GF_OK) {
        rc = fill(rundir, size, err);
    }
    if (rc == GF_OK &&
        mount(NULL, GF_SHIM_RUN_DIR, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | CLOSED, NULL) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make " GF_SHIM_RUN_DIR " read-only");
    }
    return rc;
}
