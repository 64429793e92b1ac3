/*
 * Directories: making a path of them, and removing a whole tree without being led astray.
 *
 * Codes are as in base/file.h. Also part of the shim. Thread: any.
 */
#ifndef GOFER_BASE_TREE_H_
#define GOFER_BASE_TREE_H_

#include "base/error.h"
#include "base/macros.h"

#include <sys/types.h>

/* Removing a tree keeps a descriptor open for each level on the way, up to so many. */
enum {
    GF_TREE_DEPTH_MAX = 256
};

/*
 * Makes the directory and all that are missing above it, each with `mode`. One that is there
 * already is fine, whatever its mode. Code: GF_FAILED_PRECONDITION (something on the path is no
 * directory).
 */
enum gf_code gf_tree_make(int dir_fd, const char *path, mode_t mode,
                          struct gf_error *err) GF_MUST_USE;

/*
 * Removes `path`: a file, a symbolic link (itself, never its target) or a directory with all that
 * is in it. Nothing outside of it is touched, even when others rename things inside meanwhile:
 * every step goes through the descriptor of the directory above and follows no link. It does not
 * cross into another file system: something mounted inside is an error, and what it holds stays. A
 * path that does not exist is GF_OK. On failure, a part may already be gone. What lies deeper than
 * GF_TREE_DEPTH_MAX levels is moved up within the tree on the way. Codes: GF_OUT_OF_RANGE (more
 * than a million directories at that level), GF_FAILED_PRECONDITION (a mount inside).
 */
enum gf_code gf_tree_remove(int dir_fd, const char *path, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_BASE_TREE_H_ */
