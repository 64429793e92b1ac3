/*
 * Directories reached from a root directory without ever leaving it: no symbolic link is followed,
 * no mount is crossed, whatever the tree below the root holds (openat2).
 *
 * Paths are those of path.h: relative, without "." and "..". "" is the root itself.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_BENEATH_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_BENEATH_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/*
 * Opens a directory. Codes: GF_NOT_FOUND, GF_INVALID_ARGUMENT (ARCHIVE_INVALID: a part of the path
 * is a symbolic link or no directory).
 */
enum gf_code gf_beneath_open_dir(int root_fd, struct gf_str path, int *out_fd,
                                 struct gf_error *err) GF_MUST_USE;

/* The same; directories that are missing are made, as root's and with mode 0755. */
enum gf_code gf_beneath_make_dir(int root_fd, struct gf_str path, int *out_fd,
                                 struct gf_error *err) GF_MUST_USE;

/*
 * Opens a regular file to read it. Symbolic links are followed here, but not out of the root; a
 * named pipe does not block. Codes: GF_NOT_FOUND, GF_INVALID_ARGUMENT (ARCHIVE_INVALID: no regular
 * file, or it leads out of the root).
 */
enum gf_code gf_beneath_open_file(int root_fd, const char *path, int *out_fd,
                                  struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_BENEATH_H_ */
