/*
 * DESIGN
 * The host's paths are gone when the container's are there, and a path of the host must not meet an
 * image's symbolic links before that. So the mount is copied without a place while the host can be
 * seen, and given its place when it cannot. Nobody needs the right to write for connecting to a
 * socket on a read-only mount but that to the socket itself, which its mode gives.
 *
 * The kernel's header alone, because those of the C libraries differ in what they know of this.
 */
#include "engine/scheduler/native/shim/task_api.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

enum gf_code gf_task_api_open(const char *path, int *out_fd, struct gf_error *err) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        .propagation = MS_PRIVATE, /* what the host mounts below it stays outside */
    };
    GF_CLEANUP(gf_close_p)
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0 ||
        syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "listener for tasks in '%s'", path);
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

enum gf_code gf_task_api_mount(int fd, const char *path, struct gf_error *err) {
    if (syscall(SYS_move_mount, fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount %s", path);
    }
    return GF_OK;
}
