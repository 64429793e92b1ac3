/*
 * A reactor: one thread with epoll that watches descriptors, keeps timers and runs what is posted
 * to it. This is the place that watches the sockets of shims, pidfds and inotify for the server.
 *
 * All callbacks run on the reactor's thread, one at a time; they must not block. Watches and timers
 * live in the caller's memory (as members of what they belong to), so that starting one cannot fail
 * for want of memory, and after it has been removed its memory may be reused at once: a callback
 * may remove and free any watch or timer, its own and those whose events are pending too.
 *
 * Rules:
 * 1. A zeroed watch or timer is idle. Removing an idle one does nothing.
 * 2. The caller owns the descriptor: remove the watch first, then close it.
 * 3. Watches and timers are started and removed on the reactor's thread only (asserted). Other
 * threads get there by gf_reactor_post or gf_reactor_call.
 * 4. Stop in two phases: gf_reactor_stop ends the thread; then the owners release what they watched
 *    (rule 3 is lifted once the thread has ended); then gf_reactor_destroy.
 */
#ifndef GOFER_BASE_REACTOR_H_
#define GOFER_BASE_REACTOR_H_

#include "base/error.h"
#include "base/heap.h"
#include "base/histogram.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct gf_reactor;
struct gf_watch;
struct gf_timer;

/* `events` are those of epoll: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP. */
typedef void gf_watch_fn(struct gf_watch *watch, uint32_t events, void *ctx);
typedef void gf_timer_fn(struct gf_timer *timer, void *ctx);

/* The fields are private to reactor.c, but for fd, which may be read. */
struct gf_watch {
    struct gf_reactor *reactor; /* NULL when idle */
    gf_watch_fn *fn;
    void *ctx;
    int fd;
};

struct gf_timer {
    struct gf_heap_node node;
    struct gf_reactor *reactor; /* NULL when idle */
    gf_timer_fn *fn;
    void *ctx;
};

/* Starts the thread; name as for gf_thread_start. Code: GF_RESOURCE_EXHAUSTED (no descriptors). */
enum gf_code gf_reactor_create(const char *name, struct gf_reactor **out_reactor,
                               struct gf_error *err) GF_MUST_USE;

/*
 * Ends the thread after all that was posted before has run, and joins it. What is posted later
 * never runs. Idempotent. Thread: any but the reactor's.
 */
void gf_reactor_stop(struct gf_reactor *reactor);

/* Stops and frees. No watch or timer may be active. Accepts NULL. */
void gf_reactor_destroy(struct gf_reactor *reactor);

/* True on the reactor's thread. */
bool gf_reactor_on_thread(const struct gf_reactor *reactor);

/*
 * The number of the round, which counts from 0. The events that watches are told in a round were
 * all there when it began; so what one callback has done may have overtaken those behind it.
 * Thread: the reactor's.
 */
uint64_t gf_reactor_round(const struct gf_reactor *reactor);

/*
 * Runs fn(ctx) on the reactor's thread, after all that this thread posted before. False when the
 * reactor has been stopped: then fn never runs. Thread: any.
 */
bool gf_reactor_post(struct gf_reactor *reactor, void (*fn)(void *ctx), void *ctx);

/*
 * As gf_reactor_post, and returns when fn has run; on the reactor's thread it runs at once. After
 * the thread has ended fn runs on the caller's. For set-up, tear-down and tests.
 */
void gf_reactor_call(struct gf_reactor *reactor, void (*fn)(void *ctx), void *ctx);

/*
 * Starts to watch fd for `events`, level-triggered. `watch` is idle; one descriptor has at most one
 * watch. Code: GF_INVALID_ARGUMENT (a descriptor that cannot be watched, such as a plain file).
 */
enum gf_code gf_watch_start(struct gf_reactor *reactor, struct gf_watch *watch, int fd,
                            uint32_t events, gf_watch_fn *fn, void *ctx,
                            struct gf_error *err) GF_MUST_USE;

/* Changes the events of an active watch; 0 leaves EPOLLHUP and EPOLLERR. */
void gf_watch_modify(struct gf_watch *watch, uint32_t events);

/* After this the callback does not run again. */
void gf_watch_stop(struct gf_watch *watch);

static inline bool gf_watch_active(const struct gf_watch *watch) {
    return watch->reactor != NULL;
}

/*
 * Runs fn once at or after deadline_mono_ns. A timer that is active is moved. The timer is idle
 * when its callback runs and may be started again there. Timers with one deadline run in the order
 * of their start.
 */
void gf_timer_start(struct gf_reactor *reactor, struct gf_timer *timer, int64_t deadline_mono_ns,
                    gf_timer_fn *fn, void *ctx);

/* After this the callback does not run. */
void gf_timer_stop(struct gf_timer *timer);

static inline bool gf_timer_active(const struct gf_timer *timer) {
    return timer->reactor != NULL;
}

/* What there is, as of the last round, and was since the start. */
struct gf_reactor_stats {
    size_t posts;   /* that wait, now */
    size_t watches; /* that are active */
    size_t timers;  /* likewise */
    uint64_t posts_total;
    struct gf_histogram_snapshot lag; /* of timers that ran: how late each was */
    struct gf_histogram_snapshot
        busy; /* of each round, without its wait: who is late waits for it */
};
/* Thread: any. */
void gf_reactor_stats(struct gf_reactor *reactor, struct gf_reactor_stats *out);

#endif /* GOFER_BASE_REACTOR_H_ */
