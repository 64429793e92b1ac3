/*
 * What a container sees of the kernel: /proc, /dev and /sys, with what would tell about the host or
 * change it masked or read-only.
 *
 * Runs in the container's first process, after gf_rootfs_enter: the paths are those of the
 * container.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_KERNELFS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_KERNELFS_H_

#include "base/error.h"
#include "base/macros.h"

#include <sys/types.h>

/*
 * Makes sure that `path`, whose parent is the root or has been through this, is a directory and no
 * link to one: what is there instead is removed. What is made belongs to `owner`, the container's
 * root as the host sees it (0 without a user namespace); so it is below.
 */
enum gf_code gf_kernelfs_make_mount_point(const char *path, uid_t owner,
                                          struct gf_error *err) GF_MUST_USE;

/* /proc and /dev, in the container's own pid and ipc namespaces. */
enum gf_code gf_kernelfs_mount_proc(uid_t owner, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_kernelfs_mount_dev(uid_t owner, struct gf_error *err) GF_MUST_USE;

/* /sys, read-only. It shows the network namespace that the process is in: join that before. */
enum gf_code gf_kernelfs_mount_sys(uid_t owner, struct gf_error *err) GF_MUST_USE;

/* Masks paths below /proc and /sys; after all three. */
enum gf_code gf_kernelfs_mask(struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_KERNELFS_H_ */
