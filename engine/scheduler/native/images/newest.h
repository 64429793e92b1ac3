/*
 * What a range of versions means among the names that the store has. Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_NEWEST_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_NEWEST_H_

#include "engine/scheduler/native/images/image_store.h"

/*
 * The name of the newest image of the reference's range, "app:1.4.2". Codes: GF_NOT_FOUND (none is
 * in it), GF_INVALID_ARGUMENT (no range).
 */
enum gf_code gf_image_newest(const struct gf_image_catalog *catalog,
                             const struct gf_reference *reference, struct gf_reference *out,
                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_NEWEST_H_ */
