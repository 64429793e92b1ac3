/*
 * A copy of settings that lives as long as its owner wants. Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SETTINGS_COPY_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SETTINGS_COPY_H_

#include "base/arena.h"
#include "engine/scheduler/native/images/settings.h"

enum {
    GF_IMAGE_SETTINGS_ARENA_BYTES_MAX = 16 << 20
};

/* The settings in the arena, with every default filled in. NULL: every default. */
struct gf_image_settings gf_image_settings_copy(const struct gf_image_settings *settings,
                                                struct gf_arena *arena);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_SETTINGS_COPY_H_ */
