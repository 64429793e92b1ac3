/*
 * Tokens as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_TOKEN_H_
#define GOFER_API_CODEC_MODEL_TOKEN_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/token.pb-c.h"

/* What is known of a token at the time `now` of the wall clock: it may have expired. */
Gofer__V1__Token *gf_token_to_message(const struct gf_token *token, int64_t now,
                                      struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_TOKEN_H_ */
