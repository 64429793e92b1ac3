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

struct gf_image_export;

/*
 * Starts an export; the archive gives the image the names that it has. Owned by the caller, and to
 * be closed before the store. Codes: those of gf_image_store_acquire and of gf_proc_spawn.
 */
enum gf_code gf_image_export_open(struct gf_image_store *store, struct gf_str reference,
                                  bool is_docker, struct gf_image_export **out,
                                  struct gf_error *err) GF_MUST_USE;

/* Kills what still runs. Accepts NULL. */
void gf_image_export_close(struct gf_image_export *self);

/* The image, borrowed until close. */
const struct gf_image *gf_image_export_image(const struct gf_image_export *self);

/*
 * Reads up to `size` bytes; *out_size is 0 when the archive is complete. Blocks until there are
 * some. Code: GF_INTERNAL (the export has failed).
 */
enum gf_code gf_image_export_read(struct gf_image_export *self, void *bytes, size_t size,
                                  size_t *out_size, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_EXPORT_H_ */
