/*
 * Exports: an image of the store as a tar file, made by a gofer-fetch (fetch/export.h) and read
 * piece by piece. The image is held meanwhile.
 *
 * Thread: any that may block; one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_EXPORT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_EXPORT_H_

#include "engine/scheduler/native/images/image_store.h"

#include <stdbool.h>

enum {
    /* How long a read waits; short, so that hung exports leave a pool to others. */
    GF_IMAGE_EXPORT_WAIT_MS = 100,
    /* How long gofer-fetch may give nothing although somebody reads: its disk does not answer. */
    GF_IMAGE_EXPORT_STALL_MS = 2 * 60 * 1000,
};

struct gf_image_export;

/*
 * Starts an export; the archive gives the image the names that it has. An export that gives nothing
 * for stall_ms fails (GF_IMAGE_EXPORT_STALL_MS but in tests). Owned by the caller, and to be closed
 * before the store. Codes: those of gf_image_store_acquire and of gf_proc_spawn.
 */
enum gf_code gf_image_export_open(struct gf_image_store *store, struct gf_str reference,
                                  bool is_docker, int64_t stall_ms, struct gf_image_export **out,
                                  struct gf_error *err) GF_MUST_USE;

/* Kills what still runs. Accepts NULL. */
void gf_image_export_close(struct gf_image_export *self);

/* The image, borrowed until close. */
const struct gf_image *gf_image_export_image(const struct gf_image_export *self);

/*
 * Reads up to `size` bytes; waits for them for GF_IMAGE_EXPORT_WAIT_MS at most and gives what has
 * come by then: *out_size may be 0, and the caller asks again until *out_complete, with which no
 * bytes come. The time in which nobody asks is not held against gofer-fetch. Codes: GF_INTERNAL
 * (the export has failed), GF_DEADLINE_EXCEEDED (it has stalled), GF_CANCELLED (the store is being
 * stopped).
 */
enum gf_code gf_image_export_read(struct gf_image_export *self, void *bytes, size_t size,
                                  size_t *out_size, bool *out_complete,
                                  struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_EXPORT_H_ */
