/*
 * Preferences of the service as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_PREFERENCES_H_
#define GOFER_API_CODEC_MODEL_PREFERENCES_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/system.pb-c.h"

Gofer__V1__SystemPreferences *gf_preferences_to_message(const struct gf_preferences *preferences,
                                                        struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_PREFERENCES_H_ */
