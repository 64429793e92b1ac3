/*
 * The reactor with posts from several threads while descriptors and timers come and go. Runs under
 * the thread sanitizer too, so it has a main of its own.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/reactor.h"
#include "base/sync.h"

#include <sys/epoll.h>
#include <unistd.h>

enum {
    POSTERS = 3,
    POSTS_PER_THREAD = 3000,
};

/* On the reactor's thread, but for the latch. */
struct shared {
    struct gf_reactor *reactor;
    int posted; /* plain on purpose: that one thread runs all callbacks is what is tested */
    int pipes_left;
    int timers_left;
    struct gf_latch quiet;
};

/* A pipe that is watched, read once, and freed by its own callback. */
struct pipe_watch {
    struct gf_watch watch;
    struct shared *shared;
    int write_fd;
};

struct short_timer {
    struct gf_timer timer;
    struct shared *shared;
};

static void check_quiet(struct shared *shared) {
    if (shared->posted == POSTERS * POSTS_PER_THREAD && shared->pipes_left == 0 &&
        shared->timers_left == 0) {
        gf_latch_open(&shared->quiet);
    }
}

static void on_pipe(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct pipe_watch *pipe = ctx;
    struct shared *shared = pipe->shared;
    char byte = 0;
    gf_assert((events & EPOLLIN) != 0);
    gf_assert(read(watch->fd, &byte, 1) == 1);
    int read_fd = watch->fd;
    gf_watch_stop(watch);
    gf_close(&read_fd);
    gf_close(&pipe->write_fd);
    free(pipe);
    shared->pipes_left--;
    check_quiet(shared);
}

static void on_timer(struct gf_timer *timer, void *ctx) {
    struct short_timer *short_timer = ctx;
    struct shared *shared = short_timer->shared;
    gf_assert(!gf_timer_active(timer));
    free(short_timer);
    shared->timers_left--;
    check_quiet(shared);
}

static void start_pipe(struct shared *shared) {
    struct pipe_watch *pipe_watch = GF_NEW(struct pipe_watch);
    int fds[2];
    gf_assert(pipe2(fds, O_CLOEXEC) == 0);
    pipe_watch->shared = shared;
    pipe_watch->write_fd = fds[1];
    shared->pipes_left++;
    gf_assert(gf_watch_start(shared->reactor, &pipe_watch->watch, fds[0], EPOLLIN, on_pipe,
                             pipe_watch, NULL) == GF_OK);
    gf_assert(write(fds[1], "x", 1) == 1);
}

static void start_timer(struct shared *shared) {
    struct short_timer *short_timer = GF_NEW(struct short_timer);
    short_timer->shared = shared;
    shared->timers_left++;
    gf_timer_start(shared->reactor, &short_timer->timer, gf_mono_ns() + 10 * GF_NS_PER_US, on_timer,
                   short_timer);
}

static void on_post(void *ctx) {
    struct shared *shared = ctx;
    shared->posted++;
    if (shared->posted % 10 == 0) {
        start_pipe(shared);
    } else if (shared->posted % 10 == 5) {
        start_timer(shared);
    }
    check_quiet(shared);
}

static void *post_many(void *ctx) {
    struct shared *shared = ctx;
    for (int i = 0; i < POSTS_PER_THREAD; i++) {
        if (i % 100 == 0) {
            gf_reactor_call(shared->reactor, on_post, shared);
        } else {
            gf_assert(gf_reactor_post(shared->reactor, on_post, shared));
        }
    }
    return NULL;
}

int main(void) {
    struct shared shared = {0};
    gf_latch_init(&shared.quiet);
    gf_assert(gf_reactor_create("reactor", &shared.reactor, NULL) == GF_OK);
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        gf_thread_start(&threads[i], "poster", post_many, &shared);
    }
    for (int i = 0; i < POSTERS; i++) {
        gf_thread_join(threads[i]);
    }
    gf_latch_wait(&shared.quiet);
    gf_reactor_destroy(shared.reactor);
    gf_assert(shared.posted == POSTERS * POSTS_PER_THREAD);
    gf_latch_fini(&shared.quiet);
    return 0;
}
