/*
 * DESIGN. Threads of the RPC library are there before anybody wants to be told of a signal, so a
 * signal cannot be kept from them by a mask and waited for: it is handled wherever it arrives. The
 * handler does no more than write a byte to a pipe; what is to be done is done by the thread that
 * reads it, which may take locks.
 */
#include "cli/interrupt.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/sync.h"
#include "cli/raw_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    EXIT_INTERRUPTED = 130,
    BYTE_SIGNAL = 'i',
    BYTE_STOP = 's',
};

struct gf_interrupt {
    pthread_t thread;
    int ends[2];
    struct sigaction before_int;
    struct sigaction before_term;
    struct sigaction before_hup;
    void (*fn)(void *ctx);
    void *ctx;
    atomic_bool seen;
};

/* What the handler knows: it is given nothing but the number of the signal. */
static atomic_int handler_fd = -1;
static atomic_bool handler_called;
static atomic_bool handler_takes_all;

static void write_byte(int fd, char byte) {
    ssize_t written = 0;
    do {
        written = write(fd, &byte, 1);
    } while (written < 0 && errno == EINTR);
}

static void on_signal(int number) {
    (void)number;
    if (atomic_exchange(&handler_called, true) && !atomic_load(&handler_takes_all)) {
        gf_raw_terminal_restore();
        _exit(EXIT_INTERRUPTED);
    }
    int before = errno;
    write_byte(atomic_load(&handler_fd), BYTE_SIGNAL);
    errno = before;
}

static void *wait_for_signals(void *ctx) {
    struct gf_interrupt *interrupt = ctx;
    for (;;) {
        char byte = BYTE_STOP;
        ssize_t size = read(interrupt->ends[0], &byte, 1);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size != 1 || byte == BYTE_STOP) {
            return NULL;
        }
        atomic_store(&interrupt->seen, true);
        interrupt->fn(interrupt->ctx);
    }
}

static struct gf_interrupt *start(void (*fn)(void *ctx), void *ctx, bool takes_all) {
    gf_assert(atomic_load(&handler_fd) == -1);
    struct gf_interrupt *interrupt = GF_NEW(struct gf_interrupt);
    interrupt->fn = fn;
    interrupt->ctx = ctx;
    atomic_init(&interrupt->seen, false);
    int made = pipe2(interrupt->ends, O_CLOEXEC);
    gf_assert(made == 0);
    atomic_store(&handler_called, false);
    atomic_store(&handler_takes_all, takes_all);
    atomic_store(&handler_fd, interrupt->ends[1]);
    gf_thread_start(&interrupt->thread, "interrupt", wait_for_signals, interrupt);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigaction(SIGINT, &action, &interrupt->before_int);
    (void)sigaction(SIGTERM, &action, &interrupt->before_term);
    (void)sigaction(SIGHUP, NULL, &interrupt->before_hup);
    if (takes_all && interrupt->before_hup.sa_handler != SIG_IGN) { /* as nohup makes it */
        (void)sigaction(SIGHUP, &action, NULL);
    }
    return interrupt;
}

struct gf_interrupt *gf_interrupt_start(void (*fn)(void *ctx), void *ctx) {
    return start(fn, ctx, false);
}

struct gf_interrupt *gf_interrupt_start_all(void (*fn)(void *ctx), void *ctx) {
    return start(fn, ctx, true);
}

bool gf_interrupt_seen(const struct gf_interrupt *interrupt) {
    return atomic_load(&interrupt->seen);
}

void gf_interrupt_stop(struct gf_interrupt *interrupt) {
    if (interrupt == NULL) {
        return;
    }
    (void)sigaction(SIGINT, &interrupt->before_int, NULL);
    (void)sigaction(SIGTERM, &interrupt->before_term, NULL);
    (void)sigaction(SIGHUP, &interrupt->before_hup, NULL);
    write_byte(interrupt->ends[1], BYTE_STOP);
    gf_thread_join(interrupt->thread);
    atomic_store(&handler_fd, -1);
    gf_close(&interrupt->ends[0]);
    gf_close(&interrupt->ends[1]);
    free(interrupt);
}
