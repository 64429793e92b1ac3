/*
 * /run/gofer in a container: the document that its run works on, and the listener for tasks.
 *
 * gf_rundir_mount runs in the container's first process, after gf_rootfs_enter: the paths are those
 * of the container.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RUNDIR_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RUNDIR_H_

#include "base/error.h"
#include "base/macros.h"

#include <sys/types.h>

#define GF_SHIM_RUN_DIR "/run/gofer"
#define GF_SHIM_INPUT_PATH GF_SHIM_RUN_DIR "/input"
#define GF_SHIM_TASK_API_DIR GF_SHIM_RUN_DIR "/api"

/* Descriptors, borrowed; -1: the container does not get this. */
struct gf_rundir {
    int input_fd;    /* a file with the document, at most GF_SPEC_INPUT_BYTES_MAX */
    int task_api_fd; /* from gf_task_api_open */
    uid_t owner;     /* of directories that are made: the container's root, on the host */
};

/*
 * Makes GF_SHIM_RUN_DIR with what there is: everybody in the container may read it and nobody can
 * change it. Does nothing where the container gets nothing.
 */
enum gf_code gf_rundir_mount(const struct gf_rundir *rundir, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RUNDIR_H_ */
