/*
 * What a directory takes.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DISK_USAGE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DISK_USAGE_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>

/*
 * The sizes of all regular files below the directory `name` of dir_fd, each file once, however many
 * names it has. No symbolic link is followed. Codes: those of base/file.h, GF_OUT_OF_RANGE (deeper
 * than GF_TREE_DEPTH_MAX).
 */
enum gf_code gf_fetch_disk_usage(int dir_fd, const char *name, int64_t *out_bytes,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DISK_USAGE_H_ */
