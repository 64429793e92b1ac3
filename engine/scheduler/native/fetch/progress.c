#include "engine/scheduler/native/fetch/progress.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum {
    TICK_MS = 200
};

void gf_progress_start(struct gf_progress *progress, int fd) {
    *progress = (struct gf_progress){
        .fd = fd, .on = true, .next_mono_ns = gf_mono_ns() + GF_NS_PER_SEC, .step = "image"};
}

void gf_progress_step(struct gf_progress *progress, int64_t total_bytes, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(progress->step, sizeof(progress->step), fmt, args);
    va_end(args);
    progress->bytes = 0;
    progress->total_bytes = total_bytes;
}

void gf_progress_add(struct gf_progress *progress, int64_t bytes) {
    if (progress == NULL || (!progress->on && progress->on_tick == NULL)) {
        return;
    }
    progress->bytes += bytes;
    const int64_t now_ns = gf_mono_ns();
    if (progress->on_tick != NULL && now_ns >= progress->next_tick_mono_ns) {
        progress->next_tick_mono_ns = now_ns + TICK_MS * GF_NS_PER_MS;
        progress->on_tick(progress->ctx);
    }
    if (!progress->on || now_ns < progress->next_mono_ns) {
        return;
    }
    progress->next_mono_ns = now_ns + GF_NS_PER_SEC;
    char total[32] = "";
    if (progress->total_bytes > 0) {
        (void)snprintf(total, sizeof(total), " of %lld", (long long)(progress->total_bytes >> 20));
    }
    /* A line that cannot be written is not worth failing for. */
    (void)dprintf(progress->fd, "gofer-fetch: %s: %lld%s MiB\n", progress->step,
                  (long long)(progress->bytes >> 20), total);
}

void gf_progress_note(const struct gf_progress *progress, const char *fmt, ...) {
    char text[GF_PROGRESS_STEP_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (progress->on) {
        (void)dprintf(progress->fd, "gofer-fetch: %s\n", text);
    }
}
