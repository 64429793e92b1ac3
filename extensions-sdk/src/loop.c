/*
 * The loop of main: what was received, signals, `wake`, and the times of the session.
 *
 * The time of `wake` is a timer of the kernel on the clock of the machine, which also fires when
 * that clock is set; all other times are on the monotonic clock and bound the wait.
 */
#include "base/clock.h"
#include "extensions-sdk/src/deliveries.h"
#include "extensions-sdk/src/health.h"
#include "extensions-sdk/src/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
    RECEIVED_AT_ONCE_MAX = 256, /* then signals and `wake` have their turn */
};

void gf_sdk_wake_main(struct gofer_extension *extension) {
    const uint64_t one = 1;
    (void)!write(extension->event_fd, &one, sizeof(one)); /* full means that it is awake */
}

void gofer_extension_wake(struct gofer_extension *extension) {
    atomic_store(&extension->wake_asked, true);
    gf_sdk_wake_main(extension);
}

void gofer_extension_wake_at(struct gofer_extension *extension, int64_t time_ns) {
    const int64_t when = time_ns <= 0 ? 1 : time_ns; /* 0 would take the timer away */
    struct itimerspec spec = {0};
    if (time_ns != GOFER_NEVER) {
        spec.it_value.tv_sec = (time_t)(when / GF_NS_PER_SEC);
        spec.it_value.tv_nsec = (long)(when % GF_NS_PER_SEC);
    }
    /* A clock that is set back would otherwise let the program sleep until it is late again. */
    (void)timerfd_settime(extension->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec,
                          NULL);
}

void gofer_extension_stop(struct gofer_extension *extension) {
    atomic_store(&extension->stop_asked, true);
    gf_sdk_wake_main(extension);
}

void gofer_extension_fail(struct gofer_extension *extension, const char *format, ...) {
    struct gf_strbuf text;
    va_list args;
    gf_strbuf_init(&text, GF_SDK_DESCRIPTION_BYTES_MAX);
    va_start(args, format);
    gf_strbuf_vprintf(&text, format, args);
    va_end(args);
    gf_sdk_say(extension, GOFER_ERROR, "the extension gives up: %s", text.ptr);
    gf_strbuf_fini(&text);
    atomic_store(&extension->fail_asked, true);
    gofer_extension_stop(extension);
}

int64_t gofer_now_ns(void) {
    return gf_wall_ns();
}

/* ---- One turn ---- */

static void clear(int fd) {
    uint64_t count = 0;
    /* EAGAIN: somebody was faster; ECANCELED: the clock was set. */
    (void)!read(fd, &count, sizeof(count));
}

static void take_signals(struct gofer_extension *extension) {
    struct signalfd_siginfo signal;
    while (read(extension->signal_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        if (extension->ending) {
            gf_sdk_end_now(extension, extension->exit_code);
        } else {
            gf_sdk_say(extension, GOFER_INFO, "a signal asks to end");
            gf_sdk_drain_end(extension, GOFER_STOP_MS_MAX, GOFER_EXIT_OK, "a signal");
        }
    }
}

static void take_received(struct gofer_extension *extension) {
    for (size_t i = 0; i < RECEIVED_AT_ONCE_MAX && !extension->ended; i++) {
        struct gf_sdk_received *received = gf_sdk_link_take(extension->link);
        if (received == NULL) {
            return;
        }
        if (received->message != NULL) {
            gf_sdk_session_take(extension, received->message);
        } else {
            gf_sdk_session_ended(extension, &received->error);
        }
        gf_sdk_received_destroy(received);
    }
    gf_sdk_wake_main(extension); /* there may be more */
}

static void take_asked(struct gofer_extension *extension) {
    if (atomic_load(&extension->stop_asked) && !extension->ending) {
        gf_sdk_drain_end(extension, GOFER_STOP_MS_MAX,
                         atomic_load(&extension->fail_asked) ? GOFER_EXIT_FAILED : GOFER_EXIT_OK,
                         "the extension ends itself");
    }
    if (extension->is_configured && extension->drain == GF_SDK_WORKING &&
        atomic_exchange(&extension->wake_asked, false) && extension->definition.wake != NULL) {
        extension->definition.wake(extension, extension->definition.ctx);
    }
}

/* Gives up what has taken too long, and begins what is due. */
static void take_time(struct gofer_extension *extension, int64_t now) {
    if (extension->phase == GF_SDK_APART && now >= extension->connect_mono_ns) {
        gf_sdk_session_connect(extension);
    } else if (now >= extension->phase_mono_ns) {
        extension->phase_mono_ns = GF_NEVER;
        if (extension->phase == GF_SDK_CLOSING) {
            gf_sdk_end_now(extension, extension->exit_code);
        } else {
            gf_sdk_link_cancel(extension->link);
        }
    }
    gf_sdk_drain_advance(extension);
}

/* Until when there is nothing to do, on the monotonic clock. */
static int64_t next_time(struct gofer_extension *extension, int64_t health_mono_ns) {
    int64_t next =
        health_mono_ns < extension->phase_mono_ns ? health_mono_ns : extension->phase_mono_ns;
    if (extension->phase == GF_SDK_APART && extension->connect_mono_ns < next) {
        next = extension->connect_mono_ns;
    }
    if (extension->ending && extension->phase != GF_SDK_CLOSING && extension->end_mono_ns < next) {
        next = extension->end_mono_ns;
    }
    return next;
}

static void wait_until(struct gofer_extension *extension, int64_t mono_ns) {
    struct pollfd fds[] = {
        {.fd = extension->event_fd, .events = POLLIN},
        {.fd = extension->signal_fd, .events = POLLIN},
        {.fd = extension->timer_fd, .events = POLLIN},
    };
    const int64_t left = mono_ns == GF_NEVER ? 0 : mono_ns - gf_mono_ns();
    const struct timespec timeout = {
        .tv_sec = left < 0 ? 0 : (time_t)(left / GF_NS_PER_SEC),
        .tv_nsec = left < 0 ? 0 : (long)(left % GF_NS_PER_SEC),
    };
    if (ppoll(fds, GF_ARRAY_COUNT(fds), mono_ns == GF_NEVER ? NULL : &timeout, NULL) <= 0) {
        return;
    }
    if (fds[0].revents != 0) {
        clear(extension->event_fd);
    }
    if (fds[1].revents != 0) {
        take_signals(extension);
    }
    if (fds[2].revents != 0) {
        clear(extension->timer_fd);
        atomic_store(&extension->wake_asked, true);
    }
}

void gf_sdk_loop(struct gofer_extension *extension) {
    while (!extension->ended) {
        take_received(extension);
        take_asked(extension);
        if (extension->ended) {
            break;
        }
        const int64_t now = gf_mono_ns();
        take_time(extension, now);
        const int64_t health = gf_sdk_health_advance(extension->health, now);
        if (!extension->ended) {
            wait_until(extension, next_time(extension, health));
        }
    }
}
