/*
 * A blob that is read: hashed as it is, decompressed (gzip, zstd or not at all, by its first
 * bytes), and hashed again as its content, in one pass. For a layer the first hash is the digest of
 * the manifest's descriptor, the second the diff id of the configuration.
 *
 * A blob whose digests nobody needs is read without hashing.
 *
 * What has been read is not to be trusted before gf_blob_finish has given the digests and they have
 * been compared.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_BLOB_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_BLOB_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/progress.h"
#include "engine/scheduler/native/images/digest.h"

#include <stddef.h>
#include <stdint.h>

struct gf_blob;

enum gf_blob_mode {
    GF_BLOB_HASHED,
    GF_BLOB_PLAIN, /* gf_blob_finish must not be called */
};

/*
 * Starts to read fd at its position. Owned by the caller; fd is borrowed until the blob is closed.
 * content_bytes_max: more content than that is GF_RESOURCE_EXHAUSTED. progress may be NULL, else it
 * is borrowed too. Code: GF_INVALID_ARGUMENT (ARCHIVE_INVALID: empty or damaged at once).
 */
enum gf_code gf_blob_open(int fd, enum gf_blob_mode mode, int64_t content_bytes_max,
                          struct gf_progress *progress, struct gf_blob **out,
                          struct gf_error *err) GF_MUST_USE;
/* Accepts NULL. */
void gf_blob_close(struct gf_blob *blob);
void gf_blob_close_p(struct gf_blob **blob);

/*
 * The next bytes of the content, borrowed until the next call; *out_size is 0 at the end. Codes:
 * GF_INVALID_ARGUMENT (ARCHIVE_INVALID: what was compressed is damaged), GF_RESOURCE_EXHAUSTED.
 */
enum gf_code gf_blob_read(struct gf_blob *blob, const void **out_bytes, size_t *out_size,
                          struct gf_error *err) GF_MUST_USE;

/* Reads the content to its end, and all that the file has behind it, and gives both digests. */
enum gf_code gf_blob_finish(struct gf_blob *blob, struct gf_digest *out_blob_digest,
                            struct gf_digest *out_content_digest, struct gf_error *err) GF_MUST_USE;

/*
 * The same for a blob whose content cannot be read: its own digest tells whether the file is
 * damaged or was made wrong.
 */
enum gf_code gf_blob_finish_raw(struct gf_blob *blob, struct gf_digest *out_blob_digest,
                                struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_BLOB_H_ */
