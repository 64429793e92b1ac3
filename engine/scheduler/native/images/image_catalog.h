/*
 * Catalogs of the image store: how one is read from the disk and looked up. What others see of it
 * is in image_store.h; this header is for the image store itself.
 *
 * Thread: any; a catalog never changes once it is loaded.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_CATALOG_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_CATALOG_H_

#include "engine/scheduler/native/images/image_store.h"

/*
 * Reads the store in root_fd, whose absolute path is dir. Images that `old` (may be NULL) has are
 * taken from there: what is in its place never changes. Owned by the caller. Codes:
 * GF_FAILED_PRECONDITION (another format), GF_RESOURCE_EXHAUSTED (more than GF_IMAGES_MAX), those
 * of base/file.h.
 */
enum gf_code gf_image_catalog_load(int root_fd, const char *dir, struct gf_image_catalog *old,
                                   struct gf_image_catalog **out, struct gf_error *err) GF_MUST_USE;

/*
 * The image of a reference, a new reference to it. Codes: GF_NOT_FOUND, GF_DATA_LOSS (damaged; the
 * message says how). The messages do not name the image.
 */
enum gf_code gf_image_catalog_get(const struct gf_image_catalog *catalog,
                                  const struct gf_reference *reference, struct gf_image **out,
                                  struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_IMAGE_CATALOG_H_ */
