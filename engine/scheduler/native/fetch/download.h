/*
 * Blobs on their way into the store: files in downloads/, named by their digests, that stay when a
 * pull is broken off, so that the next one goes on where it was.
 *
 * A blob is fetched by one program at a time, which holds the lock of its file; what is in it is
 * trusted by nobody before its digest has been checked. Leftovers are removed when they are old, or
 * too many.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DOWNLOAD_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DOWNLOAD_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/store.h"

#include <stdbool.h>
#include <stdint.h>

#define GF_DOWNLOAD_AGE_NS_MAX (INT64_C(24) * 3600 * 1000000000)
#define GF_DOWNLOAD_LEFTOVER_BYTES_MAX (INT64_C(16) << 30)

/*
 * Opens the file of a blob and takes its lock; makes it where there is none. *out_fd is to be read
 * from; -1: another program is at work on it. The caller closes it, which gives the lock back.
 */
enum gf_code gf_download_open(const struct gf_fetch_store *store, const struct gf_digest *digest,
                              int *out_fd, struct gf_error *err) GF_MUST_USE;

/* A descriptor to write to the same file, without the lock. */
enum gf_code gf_download_open_writer(const struct gf_fetch_store *store,
                                     const struct gf_digest *digest, int *out_fd,
                                     struct gf_error *err) GF_MUST_USE;

/* Removes the file, by whoever holds its lock. */
void gf_download_remove(const struct gf_fetch_store *store, const struct gf_digest *digest);

/* Removes the file of a blob that nobody needs any more, unless somebody works on it. */
void gf_download_discard(const struct gf_fetch_store *store, const struct gf_digest *digest);

/*
 * Removes what nobody works on and is older than GF_DOWNLOAD_AGE_NS_MAX, and of the rest the oldest
 * as long as they take more than GF_DOWNLOAD_LEFTOVER_BYTES_MAX.
 */
void gf_download_sweep(const struct gf_fetch_store *store, int64_t now_wall_ns,
                       int64_t leftover_bytes_max);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_DOWNLOAD_H_ */
