/*
 * DESIGN
 * The shim is part of the server's file rather than a file beside it, so that a server always
 * starts the shim that it was built with, whatever has been installed meanwhile.
 */
#include "engine/scheduler/native/shim/image.h"

/* In the generated image_bytes.s. */
extern const char gofer_shim_start[];
extern const char gofer_shim_end[];

struct gf_str gf_shim_image(void) {
    return (struct gf_str){gofer_shim_start, (size_t)(gofer_shim_end - gofer_shim_start)};
}
