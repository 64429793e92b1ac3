/*
 * Files and descriptors: whole files, atomic replacement, locks, sealed memory.
 *
 * Paths are NUL-terminated and relative to `dir_fd`, or to the working directory with AT_FDCWD.
 * Every descriptor made here is closed on exec. EINTR is retried everywhere.
 *
 * Errors of the system become codes by gf_code_from_errno:
 *     GF_NOT_FOUND            ENOENT
 *     GF_ALREADY_EXISTS       EEXIST
 *     GF_PERMISSION_DENIED    EACCES, EPERM, EROFS
 *     GF_RESOURCE_EXHAUSTED   ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EFBIG
 *     GF_FAILED_PRECONDITION  ENOTDIR, EISDIR, ENOTEMPTY, ELOOP, EXDEV, EBUSY
 *     GF_INVALID_ARGUMENT     EINVAL, ENAMETOOLONG
 *     GF_UNAVAILABLE          EAGAIN, EIO, EPIPE, ECONNRESET, ECONNREFUSED, ENOTCONN, ETIMEDOUT
 *     GF_INTERNAL             all others
 *
 * Also part of the shim: no threads, nothing but POSIX and Linux system calls.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_FILE_H_
#define GOFER_BASE_FILE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* For locals. They accept -1 and NULL, and keep errno. */
void gf_close_p(int *fd);      /* GF_CLEANUP(gf_close_p) int fd = -1; */
void gf_closedir_p(DIR **dir); /* GF_CLEANUP(gf_closedir_p) DIR *dir = NULL; */

/* Closes *fd when it is not -1 and sets it to -1. Keeps errno. */
void gf_close(int *fd);

/* Hands a descriptor over: yields its number and leaves -1 behind. */
static inline int gf_take_fd(int *fd) {
    const int taken = *fd;
    *fd = -1;
    return taken;
}

/* The code that fits an errno (see above). */
enum gf_code gf_code_from_errno(int errnum);

/* Writes all bytes, however many calls it takes. A descriptor that would block is waited for. */
enum gf_code gf_write_all(int fd, const void *bytes, size_t size, struct gf_error *err) GF_MUST_USE;

/* Appends all that can be read up to the end of file. Code: GF_OUT_OF_RANGE (out's limit). */
enum gf_code gf_read_all(int fd, struct gf_strbuf *out, struct gf_error *err) GF_MUST_USE;

/* Reads exactly size bytes at offset. Code: GF_OUT_OF_RANGE (the file ends before). */
enum gf_code gf_pread_exact(int fd, void *bytes, size_t size, int64_t offset,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Opens with openat; O_CLOEXEC is added. `mode` counts with O_CREAT only. Interrupted opens are
 * repeated. The message names the path.
 */
enum gf_code gf_file_open(int dir_fd, const char *path, int flags, mode_t mode, int *out_fd,
                          struct gf_error *err) GF_MUST_USE;

/* Appends a whole file to out. Code: GF_OUT_OF_RANGE (larger than out's limit), GF_NOT_FOUND. */
enum gf_code gf_file_read(int dir_fd, const char *path, struct gf_strbuf *out,
                          struct gf_error *err) GF_MUST_USE;

/* How much a replacement survives. */
enum gf_file_sync {
    GF_FILE_SYNC_NONE, /* a crash of the process */
    GF_FILE_SYNC_DATA, /* fdatasync before the rename: a power cut leaves the old or the new file */
    GF_FILE_SYNC_FULL, /* also syncs the directory: a power cut later leaves the new file */
};

/*
 * Puts the bytes in the place of `path`, atomically: a reader sees the old file or the new one. The
 * temporary file stands beside it as ".<name>.tmp.<pid>.<number>" and is removed on failure. The
 * new file has exactly `mode`, whatever the umask is.
 */
enum gf_code gf_file_replace(int dir_fd, const char *path, struct gf_str bytes, mode_t mode,
                             enum gf_file_sync sync, struct gf_error *err) GF_MUST_USE;

/*
 * Takes an exclusive lock on an open file (flock: it belongs to the open file description and goes
 * when all its descriptors are closed, also by the death of the process). Does not wait.
 * Code: GF_FAILED_PRECONDITION (somebody else holds it).
 */
enum gf_code gf_file_lock(int fd, struct gf_error *err) GF_MUST_USE;

/* fdatasync, fsync with errors as codes. */
enum gf_code gf_file_sync_data(int fd, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_file_sync_all(int fd, struct gf_error *err) GF_MUST_USE;

/*
 * A memory file that holds the bytes, positioned at its start and sealed against every change.
 * `executable`: it will be run (gf_proc_spec.program_fd). `name` is seen in /proc only.
 */
enum gf_code gf_memfd_sealed(const char *name, struct gf_str bytes, bool executable, int *out_fd,
                             struct gf_error *err) GF_MUST_USE;

/* Sets or clears O_NONBLOCK, FD_CLOEXEC. */
enum gf_code gf_fd_set_nonblocking(int fd, bool nonblocking, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_fd_set_cloexec(int fd, bool cloexec, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_BASE_FILE_H_ */
