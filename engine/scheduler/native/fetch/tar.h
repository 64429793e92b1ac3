/*
 * The entries of a tar file, read from a blob. Names and link targets are bytes: what the tar file
 * says, whatever the locale is.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_TAR_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_TAR_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/blob.h"

#include <stdint.h>

#include <archive_entry.h>

struct gf_tar;

/* Owned by the caller; blob is borrowed until the tar is closed. Reads nothing yet. */
struct gf_tar *gf_tar_open(struct gf_blob *blob) GF_MUST_USE;
/* Accepts NULL. */
void gf_tar_close(struct gf_tar *tar);
void gf_tar_close_p(struct gf_tar **tar);

/*
 * The next entry, borrowed until the next call; NULL at the end. Codes: GF_INVALID_ARGUMENT
 * (ARCHIVE_INVALID: no tar file, damaged, cut), and those of gf_blob_read.
 */
enum gf_code gf_tar_next(struct gf_tar *tar, struct archive_entry **out_entry,
                         struct gf_error *err) GF_MUST_USE;

/*
 * Writes the data of the entry that was read last, of `size` bytes, to fd from its offset 0; holes
 * stay holes. Codes: those of gf_tar_next, GF_RESOURCE_EXHAUSTED (no space), GF_UNAVAILABLE.
 */
enum gf_code gf_tar_copy_data(struct gf_tar *tar, int64_t size, int fd,
                              struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_TAR_H_ */
