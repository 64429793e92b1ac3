/*
 * An OCI image layout as one tar file: what a client sends to a server that cannot see its
 * directory.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PACK_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PACK_H_

#include "base/error.h"
#include "base/macros.h"

/*
 * Writes the layout in dir_fd to out_fd: oci-layout, index.json, and the blobs in the order of
 * their digests; owners, times and modes are the same for all. The same layout gives the same
 * bytes. Files that are none of these are left out; symbolic links are followed as long as they
 * stay in the directory. Both descriptors are borrowed. Codes: GF_INVALID_ARGUMENT
 * (ARCHIVE_INVALID: no OCI layout), GF_UNAVAILABLE (out_fd cannot be written), those of
 * base/file.h.
 */
enum gf_code gf_pack(int dir_fd, int out_fd, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PACK_H_ */
