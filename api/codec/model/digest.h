/*
 * Digests of content: BLAKE2b-256. Needs gf_model_codec_init. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_DIGEST_H_
#define GOFER_API_CODEC_MODEL_DIGEST_H_

#include "base/arena.h"
#include "base/str.h"

/* The digest of the bytes as 64 hexadecimal digits in lower case, in the arena, with a NUL. */
struct gf_str gf_digest_text(struct gf_str bytes, struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_DIGEST_H_ */
