/*
 * Sequences and windows of one direction of a connection: numbers of deliveries, and how many of
 * them are not acknowledged yet.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_API_EXTENSION_WINDOW_H_
#define GOFER_API_EXTENSION_WINDOW_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct gf_window {
    int64_t last;    /* number of the last delivery; 0 = there was none */
    int64_t pending; /* not acknowledged yet */
    int64_t limit;   /* of pending */
};

/*
 * A delivery has come with this number. Codes: GF_INVALID_ARGUMENT (not the next number),
 * GF_RESOURCE_EXHAUSTED (more than the window allows).
 */
static inline enum gf_code gf_window_receive(struct gf_window *window, int64_t sequence,
                                             struct gf_error *err) {
    if (sequence != window->last + 1) {
        return gf_fail_field(err, "sequence", "is %lld, expected %lld", (long long)sequence,
                             (long long)window->last + 1);
    }
    if (window->pending >= window->limit) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "WINDOW",
                              "more than %lld deliveries are not acknowledged yet",
                              (long long)window->limit);
    }
    window->last++;
    window->pending++;
    return GF_OK;
}

/* Whether one more may be sent. */
static inline bool gf_window_has_room(const struct gf_window *window) {
    return window->pending < window->limit;
}

/* The number of the next delivery that is sent now. There is room. */
static inline int64_t gf_window_send(struct gf_window *window) {
    gf_assert(gf_window_has_room(window));
    window->pending++;
    return ++window->last;
}

/* One was acknowledged. */
static inline void gf_window_acknowledge(struct gf_window *window) {
    gf_assert(window->pending > 0);
    window->pending--;
}

#endif /* GOFER_API_EXTENSION_WINDOW_H_ */
