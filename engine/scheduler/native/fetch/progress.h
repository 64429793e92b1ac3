/*
 * A line on standard error now and then, when an import takes long: nothing in the first second,
 * then one line a second.
 *
 *     gofer-fetch: layer 2 of 5: 120 of 256 MiB
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PROGRESS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PROGRESS_H_

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_PROGRESS_STEP_BYTES_MAX = 96
};

/* A value. Zeroed: quiet. */
struct gf_progress {
    int fd; /* borrowed; where lines go */
    bool on;
    int64_t next_mono_ns; /* when the next line may come */
    int64_t bytes;        /* of the current step */
    int64_t total_bytes;  /* of the current step; 0: nobody knows */
    char step[GF_PROGRESS_STEP_BYTES_MAX];
    /* Called now and then while bytes are added, whether it is on or not; or NULL. */
    void (*on_tick)(void *ctx);
    void *ctx;
    int64_t next_tick_mono_ns;
};

void gf_progress_start(struct gf_progress *progress, int fd);

/*
 * What is being done from now on; the bytes count from 0, up to total_bytes where it is not 0. The
 * text is cut where it is too long.
 */
void gf_progress_step(struct gf_progress *progress, int64_t total_bytes, const char *fmt, ...)
    GF_PRINTF(3, 4);

/* So many bytes more of the current step. Cheap. Accepts NULL. */
void gf_progress_add(struct gf_progress *progress, int64_t bytes);

/* Says something at once. */
void gf_progress_note(const struct gf_progress *progress, const char *fmt, ...) GF_PRINTF(2, 3);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PROGRESS_H_ */
