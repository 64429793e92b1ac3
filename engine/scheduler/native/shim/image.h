/*
 * The program gofer-shim, as it stands in the server's own file.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_IMAGE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_IMAGE_H_

#include "base/str.h"

/* The bytes of the executable. Static storage. */
struct gf_str gf_shim_image(void);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_IMAGE_H_ */
