/*
 * Design: epoll's data points at the watch. The events of one epoll_wait are kept in the reactor
 * while they are worked off, and stopping a watch erases its event from what is left of them: so
 * the memory of a watch is never touched after it was stopped, and no generation numbers are
 * needed.
 *
 * Order of one round: what was posted, timers that are due, descriptors. Each part takes only what
 * was there when it began, so that none can starve the others.
 */
#include "base/reactor.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/file.h"
#include "base/list.h"
#include "base/sync.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    EVENTS_PER_ROUND = 64
};

struct post {
    struct gf_list_link link;
    void (*fn)(void *ctx);
    void *ctx;
};

struct gf_reactor {
    int epoll_fd;
    int wake_fd; /* an eventfd */
    pthread_t thread;
    bool joined; /* the owner's: set by gf_reactor_stop */

    /* On the reactor's thread. */
    struct gf_heap timers;
    struct epoll_event events[EVENTS_PER_ROUND];
    int event_count;
    int event_next;
    size_t watch_count;
    uint64_t round;

    /* Written on the reactor's thread, read by any. */
    struct gf_gauge watches;
    struct gf_gauge armed_timers;
    struct gf_histogram lag;
    struct gf_histogram busy;

    struct gf_latch ended; /* opens when the thread runs no callback any more */

    struct gf_mutex mutex; /* guards what follows */
    struct gf_list posts;
    size_t post_count; /* in the list */
    uint64_t posts_total;
    bool stopping; /* nothing more is accepted */
};

static _Thread_local const struct gf_reactor *reactor_of_thread;

bool gf_reactor_on_thread(const struct gf_reactor *reactor) {
    return reactor_of_thread == reactor;
}

uint64_t gf_reactor_round(const struct gf_reactor *reactor) {
    gf_assert(gf_reactor_on_thread(reactor));
    return reactor->round;
}

/* Rule 3 of the header: on the thread, or nobody else is left to be in the way. */
static bool may_touch(struct gf_reactor *reactor) {
    return gf_reactor_on_thread(reactor) || gf_latch_is_open(&reactor->ended);
}

static void wake(struct gf_reactor *reactor) {
    const uint64_t one = 1;
    const ssize_t written = write(reactor->wake_fd, &one, sizeof(one));
    (void)written; /* EAGAIN: the counter is full, so the reactor is awake anyway. */
}

/*
 * Runs all that had been posted when it began. True when the reactor is to stop after it: nothing
 * was accepted since then, so nothing is left.
 */
static bool run_posts(struct gf_reactor *reactor) {
    struct gf_list posts;
    gf_list_init(&posts);
    gf_mutex_lock(&reactor->mutex);
    gf_list_append_all(&posts, &reactor->posts);
    reactor->post_count = 0;
    const bool stopping = reactor->stopping;
    gf_mutex_unlock(&reactor->mutex);

    struct gf_list_link *link = NULL;
    while ((link = gf_list_pop_front(&posts)) != NULL) {
        struct post *post = GF_CONTAINER_OF(link, struct post, link);
        void (*fn)(void *ctx) = post->fn;
        void *ctx = post->ctx;
        free(post);
        fn(ctx);
    }
    return stopping;
}

static void run_timers(struct gf_reactor *reactor) {
    if (reactor->timers.count == 0) {
        return;
    }
    const int64_t now_ns = gf_mono_ns();
    size_t left = reactor->timers.count;
    struct gf_heap_node *node = NULL;
    while (left-- > 0 && (node = gf_heap_peek(&reactor->timers)) != NULL && node->key <= now_ns) {
        struct gf_timer *timer = GF_CONTAINER_OF(node, struct gf_timer, node);
        gf_histogram_add(&reactor->lag, now_ns - node->key);
        gf_timer_stop(timer);
        timer->fn(timer, timer->ctx);
    }
}

static void run_events(struct gf_reactor *reactor) {
    while (reactor->event_next < reactor->event_count) {
        const struct epoll_event event = reactor->events[reactor->event_next++];
        struct gf_watch *watch = event.data.ptr;
        if (watch != NULL) {
            watch->fn(watch, event.events, watch->ctx);
        }
    }
    reactor->event_next = 0;
    reactor->event_count = 0;
}

/* Sleeps until something is to be done. */
static void wait_for_events(struct gf_reactor *reactor) {
    const struct gf_heap_node *first = gf_heap_peek(&reactor->timers);
    struct timespec timeout = {0};
    if (first != NULL) {
        const int64_t now_ns = gf_mono_ns();
        const int64_t left_ns = first->key <= now_ns ? 0 : first->key - now_ns;
        timeout = (struct timespec){
            .tv_sec = left_ns / GF_NS_PER_SEC,
            .tv_nsec = left_ns % GF_NS_PER_SEC,
        };
    }
    const int count = epoll_pwait2(reactor->epoll_fd, reactor->events, EVENTS_PER_ROUND,
                                   first == NULL ? NULL : &timeout, NULL);
    gf_assert(count >= 0 || errno == EINTR);
    reactor->event_count = count < 0 ? 0 : count;
    for (int i = 0; i < reactor->event_count; i++) {
        if (reactor->events[i].data.ptr == reactor) {
            uint64_t wakes = 0;
            const ssize_t got = read(reactor->wake_fd, &wakes, sizeof(wakes));
            (void)got; /* What was posted is found in the list, whatever the counter says. */
            reactor->events[i].data.ptr = NULL;
        }
    }
}

static void *run(void *ctx) {
    struct gf_reactor *reactor = ctx;
    reactor_of_thread = reactor;
    int64_t begin_ns = gf_mono_ns();
    while (!run_posts(reactor)) {
        run_timers(reactor);
        run_events(reactor);
        gf_gauge_set(&reactor->watches, (int64_t)reactor->watch_count);
        gf_gauge_set(&reactor->armed_timers, (int64_t)reactor->timers.count);
        gf_histogram_add(&reactor->busy, gf_mono_ns() - begin_ns);
        wait_for_events(reactor);
        begin_ns = gf_mono_ns();
        reactor->round++;
    }
    reactor->event_count = 0;
    reactor_of_thread = NULL;
    gf_latch_open(&reactor->ended);
    return NULL;
}

enum gf_code gf_reactor_create(const char *name, struct gf_reactor **out_reactor,
                               struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    GF_CLEANUP(gf_close_p) int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct gf_reactor *reactor = GF_NEW(struct gf_reactor);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = reactor};
    if (epoll_fd < 0 || wake_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
        free(reactor);
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "reactor '%s'", name);
    }
    reactor->epoll_fd = gf_take_fd(&epoll_fd);
    reactor->wake_fd = gf_take_fd(&wake_fd);
    gf_heap_init(&reactor->timers);
    gf_latch_init(&reactor->ended);
    gf_mutex_init(&reactor->mutex, GF_RANK_REACTOR);
    gf_list_init(&reactor->posts);
    gf_thread_start(&reactor->thread, name, run, reactor);
    *out_reactor = reactor;
    return GF_OK;
}

void gf_reactor_stop(struct gf_reactor *reactor) {
    gf_assert(!gf_reactor_on_thread(reactor));
    gf_mutex_lock(&reactor->mutex);
    reactor->stopping = true;
    gf_mutex_unlock(&reactor->mutex);
    if (!reactor->joined) {
        wake(reactor);
        gf_thread_join(reactor->thread);
        reactor->joined = true;
    }
}

void gf_reactor_destroy(struct gf_reactor *reactor) {
    if (reactor == NULL) {
        return;
    }
    gf_reactor_stop(reactor);
    gf_assert(reactor->watch_count == 0);
    gf_assert(reactor->timers.count == 0);
    gf_heap_fini(&reactor->timers);
    gf_latch_fini(&reactor->ended);
    gf_mutex_fini(&reactor->mutex);
    gf_close(&reactor->wake_fd);
    gf_close(&reactor->epoll_fd);
    free(reactor);
}

bool gf_reactor_post(struct gf_reactor *reactor, void (*fn)(void *ctx), void *ctx) {
    struct post *post = GF_NEW(struct post);
    post->fn = fn;
    post->ctx = ctx;
    gf_mutex_lock(&reactor->mutex);
    const bool accepted = !reactor->stopping;
    const bool first = gf_list_empty(&reactor->posts);
    if (accepted) {
        gf_list_push_back(&reactor->posts, &post->link);
        reactor->post_count++;
        reactor->posts_total++;
    }
    gf_mutex_unlock(&reactor->mutex);
    if (!accepted) {
        free(post);
    } else if (first) {
        wake(reactor); /* Later posts find it awake already. */
    }
    return accepted;
}

struct call {
    void (*fn)(void *ctx);
    void *ctx;
    struct gf_latch done;
};

static void run_call(void *ctx) {
    struct call *call = ctx;
    call->fn(call->ctx);
    gf_latch_open(&call->done);
}

void gf_reactor_call(struct gf_reactor *reactor, void (*fn)(void *ctx), void *ctx) {
    if (gf_reactor_on_thread(reactor)) {
        fn(ctx);
        return;
    }
    struct call call = {.fn = fn, .ctx = ctx};
    gf_latch_init(&call.done);
    if (gf_reactor_post(reactor, run_call, &call)) {
        gf_latch_wait(&call.done);
    } else {
        gf_latch_wait(&reactor->ended);
        fn(ctx);
    }
    gf_latch_fini(&call.done);
}

enum gf_code gf_watch_start(struct gf_reactor *reactor, struct gf_watch *watch, int fd,
                            uint32_t events, gf_watch_fn *fn, void *ctx, struct gf_error *err) {
    gf_assert(may_touch(reactor));
    gf_assert(!gf_watch_active(watch));
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        const enum gf_code code = errno == EPERM ? GF_INVALID_ARGUMENT : gf_code_from_errno(errno);
        return gf_fail_errno(err, code, errno, "watch of descriptor %d", fd);
    }
    *watch = (struct gf_watch){.reactor = reactor, .fn = fn, .ctx = ctx, .fd = fd};
    reactor->watch_count++;
    return GF_OK;
}

void gf_watch_modify(struct gf_watch *watch, uint32_t events) {
    gf_assert(gf_watch_active(watch));
    gf_assert(may_touch(watch->reactor));
    struct epoll_event event = {.events = events, .data.ptr = watch};
    gf_assert(epoll_ctl(watch->reactor->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0);
}

void gf_watch_stop(struct gf_watch *watch) {
    struct gf_reactor *reactor = watch->reactor;
    if (reactor == NULL) {
        return;
    }
    gf_assert(may_touch(reactor));
    /* Fails only for a descriptor that was closed too early, which would be missed otherwise. */
    gf_assert(epoll_ctl(reactor->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL) == 0);
    for (int i = reactor->event_next; i < reactor->event_count; i++) {
        if (reactor->events[i].data.ptr == watch) {
            reactor->events[i].data.ptr = NULL;
        }
    }
    watch->reactor = NULL;
    reactor->watch_count--;
}

void gf_timer_start(struct gf_reactor *reactor, struct gf_timer *timer, int64_t deadline_mono_ns,
                    gf_timer_fn *fn, void *ctx) {
    gf_assert(may_touch(reactor));
    gf_timer_stop(timer);
    timer->reactor = reactor;
    timer->fn = fn;
    timer->ctx = ctx;
    gf_heap_push(&reactor->timers, &timer->node, deadline_mono_ns);
}

void gf_timer_stop(struct gf_timer *timer) {
    if (timer->reactor == NULL) {
        return;
    }
    gf_assert(may_touch(timer->reactor));
    gf_heap_remove(&timer->reactor->timers, &timer->node);
    timer->reactor = NULL;
}

void gf_reactor_stats(struct gf_reactor *reactor, struct gf_reactor_stats *out) {
    gf_mutex_lock(&reactor->mutex);
    out->posts = reactor->post_count;
    out->posts_total = reactor->posts_total;
    gf_mutex_unlock(&reactor->mutex);
    out->watches = (size_t)gf_gauge_read(&reactor->watches);
    out->timers = (size_t)gf_gauge_read(&reactor->armed_timers);
    gf_histogram_read(&reactor->lag, &out->lag);
    gf_histogram_read(&reactor->busy, &out->busy);
}
