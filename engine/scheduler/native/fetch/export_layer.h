/*
 * A layer of the store made a tar file again: the reverse of layer.h. The same directory gives the
 * same bytes: entries come in the order of their names, and nothing of the moment goes in.
 *
 * What overlayfs reads becomes what images have: a character device 0/0 is ".wh.NAME", the
 * attribute trusted.overlay.opaque ".wh..wh..opq". Owners, modes, times, hard links and the
 * attributes security.capability and user.* are kept. Sockets and devices, which no layer of the
 * store has, are left out.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_EXPORT_LAYER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_EXPORT_LAYER_H_

#include "base/error.h"
#include "base/macros.h"

#include <stddef.h>

/* Takes the next bytes of the tar file. */
typedef enum gf_code gf_export_sink_fn(void *ctx, const void *bytes, size_t size,
                                       struct gf_error *err);

/* Codes: those of the sink, and of base/file.h. */
enum gf_code gf_export_layer(int root_fd, gf_export_sink_fn *sink, void *ctx,
                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_EXPORT_LAYER_H_ */
