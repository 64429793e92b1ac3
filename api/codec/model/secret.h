/*
 * Secrets as messages: what is known of them, never a value. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_SECRET_H_
#define GOFER_API_CODEC_MODEL_SECRET_H_

#include "base/arena.h"
#include "engine/secrets/secret.h"
#include "gofer/v1/secret.pb-c.h"

/* With the versions, newest first; version_count 0 leaves them out, as lists do. */
Gofer__V1__Secret *gf_secret_to_message(const struct gf_secret *secret,
                                        const struct gf_secret_version *versions,
                                        size_t version_count, struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_SECRET_H_ */
