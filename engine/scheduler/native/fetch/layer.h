/*
 * A layer of an image: a tar file of changes, unpacked into a directory that overlayfs takes as a
 * lower layer.
 *
 * What becomes of an entry:
 *   - regular files, directories, symbolic links, hard links and named pipes are made, with owner,
 *     mode (set-user-id bits too), modification time and the extended attributes
 *     security.capability and user.* (but user.overlay.*); other attributes are left out,
 *   - ".wh.NAME" hides NAME of the layers below: a character device 0/0 of that name,
 *   - ".wh..wh..opq" hides all that the layers below have in its directory: the attribute
 *     trusted.overlay.opaque; both only where this layer does not have the name itself, whatever
 * the order of the entries; other ".wh..wh.*" are left out,
 *   - device nodes are left out,
 *   - an entry replaces an earlier one of the same name; a directory stays and takes the new
 *     owner, mode and time,
 *   - directories that have no entry of their own are root's, mode 0755.
 * Refused: names that are absolute, hold ".." or lead through a symbolic link or a file of this
 * layer; hard links to anything that is not a file of this layer.
 *
 * Needs root's rights (owners, devices, trusted attributes). The directory must be nobody else's
 * while it is being filled. The process's umask must be 022.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LAYER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LAYER_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/blob.h"
#include "engine/scheduler/native/fetch/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* What has been unpacked so far, over all layers of an import. A value; starts zeroed. */
struct gf_layer_usage {
    int64_t bytes; /* of regular files, holes included */
    int64_t files; /* entries */
    int64_t devices_skipped;
};

/*
 * Fills the empty directory root_fd with the content of blob, up to the end of the tar file. The
 * caller calls gf_blob_finish and compares the digests. On failure the directory holds a part.
 * Codes: GF_INVALID_ARGUMENT (ARCHIVE_INVALID; the message names the entry), GF_RESOURCE_EXHAUSTED
 * (a limit, no space), GF_PERMISSION_DENIED.
 */
enum gf_code gf_layer_unpack(struct gf_blob *blob, int root_fd,
                             const struct gf_fetch_limits *limits, struct gf_layer_usage *usage,
                             struct gf_error *err) GF_MUST_USE;

/* Whether an unpacked layer hides all layers below it (".wh..wh..opq" at its root). */
bool gf_layer_is_opaque(int root_fd);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_LAYER_H_ */
