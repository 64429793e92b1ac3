/*
 * The last steps of bringing images in, which imports and pulls have in common: unpacking a layer
 * and checking it, and putting a record in its place.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_INSTALL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_INSTALL_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/progress.h"
#include "engine/scheduler/native/fetch/store.h"
#include "engine/scheduler/native/images/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes a directory in the work directory and opens it. */
enum gf_code gf_install_work_dir(const struct gf_fetch_store *store, const char *name, mode_t mode,
                                 int *out_fd, struct gf_error *err) GF_MUST_USE;

/* A layer to unpack. Borrowed. */
struct gf_install_layer {
    int blob_fd;                    /* at the start of the blob */
    const struct gf_digest *digest; /* of the blob; not set: nobody says */
    const struct gf_digest *diff_id;
    const struct gf_fetch_limits *limits;
    struct gf_progress *progress;
};

/*
 * Unpacks into the work directory, under the digits of the diff id, and checks both digests. Codes:
 * GF_INVALID_ARGUMENT (DIGEST_MISMATCH; ARCHIVE_INVALID, where the blob is the one that was meant),
 * GF_RESOURCE_EXHAUSTED.
 */
enum gf_code gf_install_unpack(const struct gf_fetch_store *store,
                               const struct gf_install_layer *layer, struct gf_layer_usage *usage,
                               struct gf_error *err) GF_MUST_USE;

/*
 * Puts the record of an image in its place, whose layers are in theirs. Sets its time and size, and
 * takes those layers out of it (in arena) that overlayfs must not see.
 */
enum gf_code gf_install_record(const struct gf_fetch_store *store, int64_t now_wall_ns,
                               struct gf_arena *arena, struct gf_image_record *record,
                               bool *out_is_new, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_INSTALL_H_ */
