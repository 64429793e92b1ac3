/*
 * An import: all images of a source into a store, or nothing.
 *
 * Layers are unpacked in the store's work directory, each diff id once and only where the store
 * lacks it, and compared with their digests. When all layers of all images are there they are
 * brought to the disk and moved to their places; records and names follow. Whatever fails before
 * changes nothing that anybody can see; layers that were moved before a crash are found by the next
 * import.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_IMPORT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_IMPORT_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/progress.h"
#include "engine/scheduler/native/fetch/store.h"
#include "engine/scheduler/native/images/record.h"

#include <stdbool.h>

/* All is borrowed for the call. */
struct gf_import {
    int source_fd; /* a directory, or a tar file at its start */
    bool is_directory;
    const char *name; /* the only image gets this name instead of the archive's; or NULL */
    const struct gf_fetch_limits *limits;
    int64_t now_wall_ns; /* when the images come into the store */
    struct gf_progress *progress;
};

/*
 * Imports into a store in which gf_fetch_store_begin was called. *out is in arena.
 * Codes: GF_INVALID_ARGUMENT (reasons ARCHIVE_INVALID, DIGEST_MISMATCH, PLATFORM_MISSING; a bad or
 * missing name), GF_RESOURCE_EXHAUSTED (IMAGE_TOO_LARGE; no space), those of base/file.h.
 */
enum gf_code gf_import_run(const struct gf_import *import, const struct gf_fetch_store *store,
                           struct gf_arena *arena, struct gf_image_report *out,
                           struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_IMPORT_H_ */
