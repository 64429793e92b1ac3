/*
 * An image of the store as an archive that gofer, docker, podman and skopeo read again.
 *
 * Layers are made anew from what is unpacked, not compressed, so that their digests, and with them
 * that of the image, differ from those that it came with; the files are the same. The same image
 * gives the same bytes. What the store does not keep is not in it: history, labels, volumes, ports,
 * health checks, device nodes.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_EXPORT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_EXPORT_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/store.h"

#include <stdbool.h>

/* All is borrowed for the call. */
struct gf_export {
    const struct gf_digest *digest; /* of the image, as the store has it */
    const char *const *names;       /* that the archive gives it */
    size_t name_count;
    bool is_docker; /* what docker save writes; else an OCI layout */
    int out_fd;
};

/*
 * Writes the archive. Codes: GF_NOT_FOUND (no such image), GF_DATA_LOSS (its record is damaged),
 * GF_UNAVAILABLE (out_fd cannot be written), those of base/file.h.
 */
enum gf_code gf_export_run(const struct gf_export *export, const struct gf_fetch_store *store,
                           struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_EXPORT_H_ */
