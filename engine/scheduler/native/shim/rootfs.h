/*
 * The container's root file system: the image's layers, read-only, and over them one directory that
 * takes what the container writes (overlayfs).
 *
 * Runs in the container's first process, in its own mount namespace.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ROOTFS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ROOTFS_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/user_namespace.h"

/*
 * Makes the root file system, makes it the root of this mount namespace and lets go of the host's:
 * from then on no path leads to the host. The working directory is "/" afterwards.
 *
 * In a user namespace the layers' files belong to the container's ids, and the upper directory to
 * its root. Where the kernel or the file system of a layer cannot show files that way, the
 * namespace is dropped: the container goes without one.
 */
enum gf_code gf_rootfs_enter(const struct gf_spec *spec, struct gf_user_namespace *user_namespace,
                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ROOTFS_H_ */
