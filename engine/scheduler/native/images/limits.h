/*
 * Limits on images, shared by gofer-fetch, which enforces them on what it imports, and by the image
 * store, which enforces them on what it reads back. Those of single archives are in
 * engine/scheduler/native/fetch/limits.h.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_LIMITS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_LIMITS_H_

enum {
    /* Layers of one image; Docker allows as many. */
    GF_IMAGE_LAYERS_MAX = 128,
    /* Words of an entrypoint or a command. */
    GF_IMAGE_ARGS_MAX = 1024,
    GF_IMAGE_ENV_MAX = 1024,
    /* One word, one variable with its name, a user, a directory: what execve takes as one string.
     */
    GF_IMAGE_STRING_BYTES_MAX = 128 * 1024,
    /* A whole record; with it, entrypoint, command and environment together. */
    GF_IMAGE_RECORD_BYTES_MAX = 1024 * 1024,
    /* Memory that a record takes when it is read. */
    GF_IMAGE_RECORD_ARENA_BYTES_MAX = 4 * 1024 * 1024,
    /* Images (with their names) that one archive may hold. */
    GF_IMAGE_ARCHIVE_NAMES_MAX = 256,
    /* What gofer-fetch prints: that many names of 255 characters, with their digests. */
    GF_IMAGE_REPORT_BYTES_MAX = 256 * 1024,
    /* Images, and names, in the store. */
    GF_IMAGES_MAX = 65536,
};

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_LIMITS_H_ */
