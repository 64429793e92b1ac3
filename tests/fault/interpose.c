/*
 * Design: an executable's own definition of a symbol of libc is what every library of the process
 * is bound to, so neither SQLite nor gofer needs to know. The real thing is the system call, or
 * glibc's second name for its allocator.
 */
#include "tests/fault/interpose.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 0
#else
#define OWN_ALLOCATOR 1
#endif

enum {
    PATH_BYTES = 512
};

static struct {
    struct fault_plan plan;
    atomic_bool armed;
    atomic_bool struck;
    atomic_llong counts[FAULT_KINDS];
} fault;

void fault_arm(const struct fault_plan *plan) {
    fault.plan = *plan;
    fault.struck = false;
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        fault.counts[i] = 0;
    }
    fault.armed = true;
}

void fault_disarm(void) {
    fault.armed = false;
}

int64_t fault_count(enum fault_kind kind) {
    return fault.counts[kind];
}

bool fault_has_allocations(void) {
    return OWN_ALLOCATOR != 0;
}

/* Counts an operation; true when it is to fail. */
static bool strikes(enum fault_kind kind, const char *path) {
    const int64_t number = atomic_fetch_add(&fault.counts[kind], 1) + 1;
    if (kind != fault.plan.kind || number < fault.plan.nth ||
        (number > fault.plan.nth && !fault.plan.forever)) {
        return false;
    }
    if (!atomic_exchange(&fault.struck, true) && fault.plan.on_strike != NULL) {
        fault.plan.on_strike(path);
    }
    return true;
}

/* Whether the file is below the plan's directory; gives its path. */
static bool concerns(int fd, char path[PATH_BYTES]) {
    if (!fault.armed) {
        return false;
    }
    char link[64];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, PATH_BYTES - 1);
    if (length < 0) {
        return false;
    }
    path[length] = '\0';
    return strncmp(path, fault.plan.dir, strlen(fault.plan.dir)) == 0;
}

/* A disk that is full and one that is broken, in turn. */
static int write_errno(void) {
    return fault.plan.nth % 2 == 0 ? ENOSPC : EIO;
}

/* ---- What libc would do ---- */

ssize_t write(int fd, const void *bytes, size_t size) {
    char path[PATH_BYTES];
    if (concerns(fd, path) && strikes(FAULT_WRITE, path)) {
        (void)syscall(SYS_write, fd, bytes, size / 2);
        errno = write_errno();
        return -1;
    }
    return syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
    char path[PATH_BYTES];
    if (concerns(fd, path) && strikes(FAULT_WRITE, path)) {
        (void)syscall(SYS_pwrite64, fd, bytes, size / 2, offset);
        errno = write_errno();
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return pwrite64(fd, bytes, size, offset);
}

int ftruncate64(int fd, off64_t size) {
    char path[PATH_BYTES];
    if (concerns(fd, path) && strikes(FAULT_WRITE, path)) {
        errno = write_errno();
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

static int sync_file(int fd, long number) {
    char path[PATH_BYTES];
    if (!concerns(fd, path)) {
        return (int)syscall(number, fd);
    }
    if (strikes(FAULT_SYNC, path)) {
        errno = EIO;
        return -1;
    }
    return 0;
}

int fsync(int fd) {
    return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return sync_file(fd, SYS_fdatasync);
}

#if OWN_ALLOCATOR

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);

static bool allocation_fails(void) {
    if (!fault.armed || !strikes(FAULT_ALLOCATION, "")) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return allocation_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size) {
    return allocation_fails() ? NULL : __libc_realloc(ptr, size);
}

#endif
