/*
 * The listener for tasks in a container: a directory of the host with the socket in it. The whole
 * directory is mounted, so that the socket of a server that was started again is there, too.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_TASK_API_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_TASK_API_H_

#include "base/error.h"
#include "base/macros.h"

/*
 * A copy of the mount of a directory, read-only and closed for devices and programs, that is
 * attached nowhere yet. Runs while the host's paths are still there. Owned by the caller: out_fd.
 */
enum gf_code gf_task_api_open(const char *path, int *out_fd, struct gf_error *err) GF_MUST_USE;

/* Attaches it at a directory of the container, once. */
enum gf_code gf_task_api_mount(int fd, const char *path, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_TASK_API_H_ */
