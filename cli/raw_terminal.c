/*
 * DESIGN. What a handler of a signal needs is in static storage and complete before the terminal is
 * changed. A handler restores the terminal and has the signal do what it would have done. SIGINT
 * and SIGTERM are not among them: whoever follows a stream has them end it (interrupt.h), which
 * restores by the way of the program, or by gf_raw_terminal_restore the second time.
 */
#include "cli/raw_terminal.h"

#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

static const int ending_signals[] = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS};

static struct {
    atomic_bool active;
    int fd;
    struct termios before;
    struct sigaction actions[GF_ARRAY_COUNT(ending_signals)];
    bool at_exit;
} raw;

void gf_raw_terminal_restore(void) {
    if (atomic_exchange(&raw.active, false)) {
        const int before = errno;
        (void)tcsetattr(raw.fd, TCSADRAIN, &raw.before);
        errno = before;
    }
}

static void on_signal(int number) {
    gf_raw_terminal_restore();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

enum gf_code gf_raw_terminal_start(int fd, struct gf_error *err) {
    gf_assert(!atomic_load(&raw.active));
    if (tcgetattr(fd, &raw.before) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "the terminal");
    }
    raw.fd = fd;
    if (!raw.at_exit) {
        raw.at_exit = atexit(gf_raw_terminal_restore) == 0;
    }
    const struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ending_signals); i++) {
        (void)sigaction(ending_signals[i], &action, &raw.actions[i]);
    }
    struct termios settings = raw.before;
    cfmakeraw(&settings);
    atomic_store(&raw.active, true);
    if (tcsetattr(fd, TCSADRAIN, &settings) != 0) {
        const int number = errno;
        gf_raw_terminal_stop();
        return gf_fail_errno(err, gf_code_from_errno(number), number, "the terminal");
    }
    return GF_OK;
}

void gf_raw_terminal_stop(void) {
    if (!atomic_load(&raw.active)) {
        return;
    }
    gf_raw_terminal_restore();
    for (size_t i = 0; i < GF_ARRAY_COUNT(ending_signals); i++) {
        (void)sigaction(ending_signals[i], &raw.actions[i], NULL);
    }
}

bool gf_terminal_read_size(int fd, int32_t *out_columns, int32_t *out_rows) {
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return false;
    }
    *out_columns = size.ws_col;
    *out_rows = size.ws_row;
    return true;
}
