/*
 * The file system that a container with a disk limit writes to: an ext4 in a sparse file, by a loop
 * device. A container that fills it gets ENOSPC, whatever there is left on the disk of the host.
 *
 * The file lies in the container's upper directory on the host and goes with it; the mount is in
 * the container's mount namespace alone and goes with that, and the loop device with the mount. So
 * nothing is left when a shim is killed.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_DISK_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_DISK_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stdint.h>

#define GF_DISK_FILE "disk"   /* in the upper directory: the sparse file */
#define GF_DISK_MOUNT "mount" /* in the upper directory: where it is mounted */

enum {
    GF_DISK_FREE_MS_MAX = 5000, /* how long the end of its last mount is waited for */
};

/*
 * Mounts the disk in the directory behind upper_fd, and gives a descriptor of its root. A file that
 * is there already (the disk of a container before) is mounted as it is; else it is a copy of the
 * template. Codes: GF_FAILED_PRECONDITION (no loop device can be had; the file is still mounted
 * elsewhere), those of base/file.h.
 */
enum gf_code gf_disk_mount(const char *template_path, int upper_fd, int *out_root_fd,
                           struct gf_error *err) GF_MUST_USE;

/*
 * How much is written on the file system behind the descriptor, which may be the root of a
 * container: its overlay tells of the file system of its upper directory. 0 where it is not known.
 */
int64_t gf_disk_used(int root_fd);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_DISK_H_ */
