#include "base/clock.h"
#include "base/file.h"
#include "base/reactor.h"
#include "base/sync.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <criterion/criterion.h>

enum {
    EVENTS_MAX = 100
};

/* All that the tests share with the reactor's thread; written there only, read after it has
 * stopped. */
struct world {
    struct gf_reactor *reactor;
    struct gf_watch watches[3];
    struct gf_timer timers[3];
    int fds[3]; /* eventfds */
    int order[EVENTS_MAX];
    int count;
    struct gf_latch done;
};

static struct world world;

static void start(void) {
    cr_assert_eq(gf_reactor_create("test", &world.reactor, NULL), GF_OK);
    for (int i = 0; i < 3; i++) {
        world.fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        cr_assert_geq(world.fds[i], 0);
    }
    gf_latch_init(&world.done);
}

static void stop(void) {
    if (world.reactor != NULL) {
        gf_reactor_stop(world.reactor);
        for (int i = 0; i < 3; i++) {
            gf_watch_stop(&world.watches[i]);
            gf_timer_stop(&world.timers[i]);
        }
        gf_reactor_destroy(world.reactor);
    }
    for (int i = 0; i < 3; i++) {
        gf_close(&world.fds[i]);
    }
}

TestSuite(reactor, .init = start, .fini = stop, .timeout = 30);

static void signal_fd(int index) {
    cr_assert_eq(eventfd_write(world.fds[index], 1), 0);
}

static void record(int number) {
    cr_assert(gf_reactor_on_thread(world.reactor));
    if (world.count < EVENTS_MAX) {
        world.order[world.count++] = number;
    }
}

static void on_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    (void)events;
    (void)ctx;
    eventfd_t value = 0;
    cr_assert_eq(eventfd_read(watch->fd, &value), 0);
    record((int)(watch - world.watches));
    gf_latch_open(&world.done);
}

static void watch(int index, uint32_t events, gf_watch_fn *fn) {
    cr_assert_eq(gf_watch_start(world.reactor, &world.watches[index], world.fds[index], events, fn,
                                NULL, NULL),
                 GF_OK);
}

static void watch_first(void *ctx) {
    (void)ctx;
    watch(0, EPOLLIN, on_event);
}

Test(reactor, callback_runs_when_a_descriptor_is_ready) {
    gf_reactor_call(world.reactor, watch_first, NULL);
    signal_fd(0);
    gf_latch_wait(&world.done);
    gf_reactor_stop(world.reactor);
    cr_assert_eq(world.count, 1);
}

static void stop_all_then_done(struct gf_watch *watch, uint32_t events, void *ctx) {
    (void)events;
    (void)ctx;
    record((int)(watch - world.watches));
    /* Two of three have an event of the same round pending; none of them may come through. */
    for (int i = 0; i < 3; i++) {
        gf_watch_stop(&world.watches[i]);
        memset(&world.watches[i], 0x55, sizeof(world.watches[i]));
        world.watches[i].reactor = NULL;
    }
    gf_latch_open(&world.done);
}

static void watch_three_ready(void *ctx) {
    (void)ctx;
    for (int i = 0; i < 3; i++) {
        watch(i, EPOLLIN, stop_all_then_done);
        signal_fd(i);
    }
}

Test(reactor, callback_may_stop_watches_whose_events_are_pending) {
    gf_reactor_call(world.reactor, watch_three_ready, NULL);
    gf_latch_wait(&world.done);
    gf_reactor_stop(world.reactor);
    cr_assert_eq(world.count, 1);
}

static void replace_by_second(struct gf_watch *watch, uint32_t events, void *ctx) {
    (void)events;
    (void)ctx;
    record(0);
    gf_watch_stop(watch);
    /* The same memory watches another descriptor, from inside its own callback. */
    cr_assert_eq(gf_watch_start(world.reactor, watch, world.fds[1], EPOLLIN, on_event, NULL, NULL),
                 GF_OK);
    signal_fd(1);
}

static void watch_to_replace(void *ctx) {
    (void)ctx;
    watch(0, EPOLLIN, replace_by_second);
}

Test(reactor, watch_may_be_started_again_in_its_own_callback) {
    gf_reactor_call(world.reactor, watch_to_replace, NULL);
    signal_fd(0);
    gf_latch_wait(&world.done);
    gf_reactor_stop(world.reactor);
    cr_assert_eq(world.count, 2);
}

static void on_write_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    (void)ctx;
    cr_assert_eq(events, (uint32_t)EPOLLOUT);
    record(7);
    gf_watch_modify(watch, 0); /* level-triggered: it would come again and again */
    gf_latch_open(&world.done);
}

static void watch_for_reading_then_writing(void *ctx) {
    (void)ctx;
    watch(0, EPOLLIN, on_write_event);
    gf_watch_modify(&world.watches[0], EPOLLOUT);
}

static void do_nothing(void *ctx) {
    (void)ctx;
}

Test(reactor, modify_changes_what_is_watched) {
    gf_reactor_call(world.reactor, watch_for_reading_then_writing, NULL);
    gf_latch_wait(&world.done);
    for (int i = 0; i < 10; i++) {
        gf_reactor_call(world.reactor, do_nothing, NULL);
    }
    gf_reactor_stop(world.reactor);
    cr_assert_eq(world.count, 1);
}

Test(reactor, plain_files_cannot_be_watched) {
    GF_CLEANUP(gf_close_p) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct gf_error err;
    struct gf_watch file_watch = {0};
    gf_reactor_stop(world.reactor); /* From then on the owner may touch it. */
    cr_assert_eq(gf_watch_start(world.reactor, &file_watch, fd, EPOLLIN, on_event, NULL, &err),
                 GF_INVALID_ARGUMENT);
    cr_assert_not(gf_watch_active(&file_watch));
}

static void on_timer(struct gf_timer *timer, void *ctx) {
    (void)ctx;
    cr_assert_not(gf_timer_active(timer));
    record((int)(timer - world.timers));
    if (timer == &world.timers[2]) {
        gf_latch_open(&world.done);
    }
}

static void start_three_timers(void *ctx) {
    (void)ctx;
    const int64_t now_ns = gf_mono_ns();
    gf_timer_start(world.reactor, &world.timers[2], now_ns + 9 * GF_NS_PER_MS, on_timer, NULL);
    gf_timer_start(world.reactor, &world.timers[1], now_ns + 3 * GF_NS_PER_MS, on_timer, NULL);
    gf_timer_start(world.reactor, &world.timers[0], now_ns + 3600 * GF_NS_PER_SEC, on_timer, NULL);
    gf_timer_start(world.reactor, &world.timers[0], now_ns - 5, on_timer, NULL);
}

Test(reactor, timers_run_in_the_order_of_their_deadlines) {
    const int64_t before_ns = gf_mono_ns();
    gf_reactor_call(world.reactor, start_three_timers, NULL);
    gf_latch_wait(&world.done);
    cr_assert_geq(gf_mono_ns(), before_ns + 9 * GF_NS_PER_MS);
    gf_reactor_stop(world.reactor);
    cr_assert_eq(world.count, 3);
    cr_assert_arr_eq(world.order, ((int[]){0, 1, 2}), 3 * sizeof(int));
}

static void stop_the_others(struct gf_timer *timer, void *ctx) {
    (void)ctx;
    record((int)(timer - world.timers));
    gf_timer_stop(&world.timers[1]);
    gf_timer_stop(&world.timers[1]);
    if (world.count == 1) {
        gf_timer_start(world.reactor, timer, gf_mono_ns(), stop_the_others, NULL);
    } else {
        gf_latch_open(&world.done);
    }
}

static void start_two_due_timers(void *ctx) {
    (void)ctx;
    gf_timer_start(world.reactor, &world.timers[0], 0, stop_the_others, NULL);
    gf_timer_start(world.reactor, &world.timers[1], 0, on_timer, NULL);
}

Test(reactor, timer_callback_may_stop_others_and_start_itself) {
    gf_reactor_call(world.reactor, start_two_due_timers, NULL);
    gf_latch_wait(&world.done);
    gf_reactor_stop(world.reactor);
    cr_assert_eq(world.count, 2);
    cr_assert_eq(world.order[1], 0);
}

static void spin(struct gf_timer *timer, void *ctx) {
    (void)ctx;
    gf_timer_start(world.reactor, timer, 0, spin, NULL);
}

static void start_spinning(void *ctx) {
    (void)ctx;
    gf_timer_start(world.reactor, &world.timers[0], 0, spin, NULL);
    watch(0, EPOLLIN, on_event);
}

Test(reactor, timer_that_is_always_due_does_not_starve_the_rest) {
    gf_reactor_call(world.reactor, start_spinning, NULL);
    signal_fd(0);
    gf_latch_wait(&world.done);
    gf_reactor_call(world.reactor, do_nothing, NULL);
}

struct number {
    int number;
};

static void record_number(void *ctx) {
    record(((const struct number *)ctx)->number);
}

static void post_more(void *ctx) {
    record(((const struct number *)ctx)->number);
    static struct number last = {99};
    cr_assert(gf_reactor_post(world.reactor, record_number, &last));
}

Test(reactor, posts_run_in_order_and_all_of_them_before_the_stop) {
    struct number numbers[] = {{0}, {1}, {2}};
    cr_assert(gf_reactor_post(world.reactor, record_number, &numbers[0]));
    cr_assert(gf_reactor_post(world.reactor, record_number, &numbers[1]));
    gf_reactor_call(world.reactor, post_more, &numbers[2]);
    gf_reactor_stop(world.reactor);
    cr_assert_geq(world.count, 3);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(world.order[i], i);
    }
    cr_assert_not(gf_reactor_post(world.reactor, record_number, &numbers[0]));
}

static void set_flag(void *ctx) {
    *(bool *)ctx = true;
}

static void call_inside(void *ctx) {
    gf_reactor_call(world.reactor, set_flag, ctx);
}

Test(reactor, call_works_from_everywhere) {
    bool inside = false;
    bool after = false;
    gf_reactor_call(world.reactor, call_inside, &inside);
    cr_assert(inside);
    gf_reactor_stop(world.reactor);
    gf_reactor_stop(world.reactor);
    gf_reactor_call(world.reactor, set_flag, &after);
    cr_assert(after);
}

Test(reactor, watch_from_another_thread_aborts, .signal = SIGABRT) {
    gf_ignore(gf_watch_start(world.reactor, &world.watches[0], world.fds[0], EPOLLIN, on_event,
                             NULL, NULL));
}

Test(reactor, destroy_with_an_active_watch_aborts, .signal = SIGABRT) {
    gf_reactor_call(world.reactor, watch_first, NULL);
    gf_reactor_destroy(world.reactor);
}

static void end_late(struct gf_timer *timer, GF_UNUSED void *ctx) {
    gf_timer_start(world.reactor, timer, GF_NEVER, end_late, NULL);
    gf_latch_open(&world.done);
}

static void start_late(GF_UNUSED void *ctx) {
    gf_timer_start(world.reactor, &world.timers[0], gf_mono_ns() - GF_NS_PER_SEC, end_late, NULL);
    cr_assert_eq(
        gf_watch_start(world.reactor, &world.watches[0], world.fds[0], EPOLLIN, NULL, NULL, NULL),
        GF_OK);
}

static void nothing(GF_UNUSED void *ctx) {
}

Test(reactor, stats_tell_how_late_timers_are) {
    struct gf_reactor_stats stats;
    gf_reactor_call(world.reactor, start_late, NULL);
    gf_latch_wait(&world.done);
    gf_reactor_call(world.reactor, nothing, NULL); /* a later round than that of the timer */
    gf_reactor_stats(world.reactor, &stats);
    cr_assert_eq(stats.posts, 0u);
    cr_assert_eq(stats.posts_total, 2u);
    cr_assert_eq(stats.watches, 1u);
    cr_assert_eq(stats.timers, 1u);
    cr_assert_eq(stats.lag.count, 1u);
    cr_assert_geq(stats.lag.sum_ns, (uint64_t)GF_NS_PER_SEC);
    cr_assert_gt(stats.busy.count, 0u);
}
