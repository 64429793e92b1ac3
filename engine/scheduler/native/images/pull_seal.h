/*
 * The request of a pull as a memory file: what the settings say about the registry of an image, put
 * into the form that gofer-fetch reads (pull_request.h).
 *
 * Thread: any that may block: it reads password files.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_SEAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_SEAL_H_

#include "engine/scheduler/native/images/settings.h"

/*
 * A sealed memory file with the request, positioned at its start. `user` (may be empty) takes the
 * place of what the settings have for the registry, not for its mirrors. Codes: GF_INVALID_ARGUMENT
 * (a digest alone: nobody can be asked for it), GF_FAILED_PRECONDITION (a password file that cannot
 * be read, is too large, or may be read by others), those of base/file.h.
 */
enum gf_code gf_pull_seal(const struct gf_image_settings *settings, struct gf_str reference,
                          struct gf_str user, struct gf_str password, int64_t timeout_ms,
                          int *out_fd, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_SEAL_H_ */
