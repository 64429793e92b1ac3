#include "cli/interrupt.h"

#include "base/alloc.h"
#include "base/sync.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Ends the waiting thread; nobody else sends it. */
enum {
    STOP_SIGNAL = SIGUSR2,
    EXIT_INTERRUPTED = 130,
};

struct gf_interrupt {
    pthread_t thread;
    sigset_t before;
    void (*fn)(void *ctx);
    void *ctx;
    atomic_bool seen;
};

static void waited_set(sigset_t *out_set) {
    sigemptyset(out_set);
    sigaddset(out_set, SIGINT);
    sigaddset(out_set, SIGTERM);
    sigaddset(out_set, STOP_SIGNAL);
}

static void *wait_for_signals(void *ctx) {
    struct gf_interrupt *interrupt = ctx;
    sigset_t set;
    waited_set(&set);
    for (;;) {
        int number = 0;
        if (sigwait(&set, &number) != 0 || number == STOP_SIGNAL) {
            return NULL;
        }
        if (atomic_exchange(&interrupt->seen, true)) {
            _exit(EXIT_INTERRUPTED);
        }
        interrupt->fn(interrupt->ctx);
    }
}

struct gf_interrupt *gf_interrupt_start(void (*fn)(void *ctx), void *ctx) {
    struct gf_interrupt *interrupt = GF_NEW(struct gf_interrupt);
    interrupt->fn = fn;
    interrupt->ctx = ctx;
    atomic_init(&interrupt->seen, false);
    sigset_t set;
    waited_set(&set);
    /* Blocked in all threads that start from here on, so that only the one that waits gets them. */
    (void)pthread_sigmask(SIG_BLOCK, &set, &interrupt->before);
    gf_thread_start(&interrupt->thread, "interrupt", wait_for_signals, interrupt);
    return interrupt;
}

bool gf_interrupt_seen(const struct gf_interrupt *interrupt) {
    return atomic_load(&interrupt->seen);
}

void gf_interrupt_stop(struct gf_interrupt *interrupt) {
    if (interrupt == NULL) {
        return;
    }
    (void)pthread_kill(interrupt->thread, STOP_SIGNAL);
    gf_thread_join(interrupt->thread);
    (void)pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
    free(interrupt);
}
