/*
 * The document that a run works on, as its containers find it.
 *
 * Runs in the container's first process, after gf_rootfs_enter: the paths are those of the
 * container.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_INPUT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_INPUT_H_

#include "base/error.h"
#include "base/macros.h"

#define GF_SHIM_INPUT_DIR "/run/gofer"
#define GF_SHIM_INPUT_PATH GF_SHIM_INPUT_DIR "/input"

/*
 * Makes GF_SHIM_INPUT_PATH with what is in input_fd, at most GF_SPEC_INPUT_BYTES_MAX: everybody in
 * the container may read it and nobody can change it.
 */
enum gf_code gf_input_mount(int input_fd, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_INPUT_H_ */
