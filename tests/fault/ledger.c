#include "tests/fault/ledger.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void ledger_write(int fd, const struct ledger_record *record) {
    if (syscall(SYS_write, fd, record, sizeof(*record)) != (long)sizeof(*record)) {
        _exit(99);
    }
}

/* False when there will be no more. */
static bool read_one(struct ledger *ledger, int fd, int64_t timeout_ms) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    if (timeout_ms <= 0 || poll(&poller, 1, (int)timeout_ms) <= 0) {
        return false;
    }
    struct ledger_record record;
    if (read(fd, &record, sizeof(record)) != (ssize_t)sizeof(record)) {
        return false;
    }
    gf_vec_push(ledger, record);
    return true;
}

int ledger_read(struct ledger *ledger, int fd, pid_t writer, int64_t timeout_ms,
                bool *out_timed_out) {
    const int64_t deadline_ns = gf_mono_ns() + timeout_ms * GF_NS_PER_MS;
    while (read_one(ledger, fd, (deadline_ns - gf_mono_ns()) / GF_NS_PER_MS)) {
    }
    *out_timed_out = gf_mono_ns() >= deadline_ns - GF_NS_PER_MS;
    if (*out_timed_out) {
        (void)kill(writer, SIGKILL);
    }
    (void)close(fd);
    int status = 0;
    while (waitpid(writer, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

const struct ledger_record *ledger_find(const struct ledger *ledger, enum ledger_kind kind) {
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->items[i].kind == kind) {
            return &ledger->items[i];
        }
    }
    return NULL;
}

const struct ledger_record *ledger_find_step(const struct ledger *ledger, enum ledger_kind kind,
                                             int step) {
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->items[i].kind == kind && ledger->items[i].step == step) {
            return &ledger->items[i];
        }
    }
    return NULL;
}
