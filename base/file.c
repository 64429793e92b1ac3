#include "base/file.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_BYTES = 16 * 1024,
    REPLACE_ATTEMPTS_MAX = 100,
    FILE_NAME_BYTES_MAX = 256, /* with the final NUL: NAME_MAX of Linux */
};

void gf_close(int *fd) {
    if (*fd < 0) {
        return;
    }
    const int errno_before = errno;
    (void)close(*fd); /* Linux has released the number even when it reports an error. */
    *fd = -1;
    errno = errno_before;
}

void gf_close_p(int *fd) {
    gf_close(fd);
}

void gf_closedir_p(DIR **dir) {
    if (*dir == NULL) {
        return;
    }
    const int errno_before = errno;
    (void)closedir(*dir);
    *dir = NULL;
    errno = errno_before;
}

enum gf_code gf_code_from_errno(int errnum) {
    switch (errnum) {
    case ENOENT:
        return GF_NOT_FOUND;
    case EEXIST:
        return GF_ALREADY_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return GF_PERMISSION_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
        return GF_RESOURCE_EXHAUSTED;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case ELOOP:
    case EXDEV:
    case EBUSY:
        return GF_FAILED_PRECONDITION;
    case ENAMETOOLONG:
    case EINVAL:
        return GF_INVALID_ARGUMENT;
    case EAGAIN:
    case EIO:
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
    case ETIMEDOUT:
        return GF_UNAVAILABLE;
    default:
        return GF_INTERNAL;
    }
}

/* Waits until a descriptor that does not block can be written or read. */
static void wait_for(int fd, short events) {
    struct pollfd entry = {.fd = fd, .events = events};
    (void)poll(&entry, 1, -1); /* Interrupted or not: the caller tries again. */
}

enum gf_code gf_write_all(int fd, const void *bytes, size_t size, struct gf_error *err) {
    const char *at = bytes;
    size_t left = size;
    while (left > 0) {
        const ssize_t written = write(fd, at, left);
        if (written >= 0) {
            at += written;
            left -= (size_t)written;
        } else if (errno == EAGAIN) {
            wait_for(fd, POLLOUT);
        } else if (errno != EINTR) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "write of %zu bytes", size);
        }
    }
    return GF_OK;
}

enum gf_code gf_read_all(int fd, struct gf_strbuf *out, struct gf_error *err) {
    const size_t len_before = out->len;
    char bytes[READ_BYTES];
    for (;;) {
        const ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got == 0) {
            return GF_OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            wait_for(fd, POLLIN);
            continue;
        }
        if (got < 0) {
            gf_strbuf_truncate(out, len_before);
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "read");
        }
        if ((size_t)got > out->limit - out->len) {
            gf_strbuf_truncate(out, len_before);
            return gf_fail(err, GF_OUT_OF_RANGE, "more than %zu bytes", out->limit - len_before);
        }
        gf_strbuf_append_bytes(out, bytes, (size_t)got);
    }
}

enum gf_code gf_pread_exact(int fd, void *bytes, size_t size, int64_t offset,
                            struct gf_error *err) {
    char *at = bytes;
    size_t left = size;
    while (left > 0) {
        const ssize_t got = pread(fd, at, left, (off_t)offset + (off_t)(size - left));
        if (got > 0) {
            at += got;
            left -= (size_t)got;
        } else if (got == 0) {
            return gf_fail(err, GF_OUT_OF_RANGE, "end of file at byte %lld, expected %zu more",
                           (long long)offset + (long long)(size - left), left);
        } else if (errno != EINTR) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "read at byte %lld",
                                 (long long)offset);
        }
    }
    return GF_OK;
}

static int open_retrying(int dir_fd, const char *path, int flags, mode_t mode) {
    int fd = -1;
    do {
        fd = openat(dir_fd, path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

enum gf_code gf_file_open(int dir_fd, const char *path, int flags, mode_t mode, int *out_fd,
                          struct gf_error *err) {
    const int fd = open_retrying(dir_fd, path, flags, mode);
    if (fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "file '%s'", path);
    }
    *out_fd = fd;
    return GF_OK;
}

enum gf_code gf_file_read(int dir_fd, const char *path, struct gf_strbuf *out,
                          struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(dir_fd, path, O_RDONLY, 0, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_read_all(fd, out, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "file '%s'", path);
    }
    return rc;
}

enum gf_code gf_file_sync_data(int fd, struct gf_error *err) {
    if (fdatasync(fd) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "fdatasync");
    }
    return GF_OK;
}

enum gf_code gf_file_sync_all(int fd, struct gf_error *err) {
    if (fsync(fd) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "fsync");
    }
    return GF_OK;
}

/* Opens the directory that holds path; *out_name is the last part of path. */
static enum gf_code open_parent(int dir_fd, const char *path, const char **out_name, int *out_fd,
                                struct gf_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (*name == '\0') {
        return gf_fail(err, GF_INVALID_ARGUMENT, "path '%s' names no file", path);
    }
    *out_name = name;
    if (slash == NULL) {
        return gf_file_open(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, out_fd, err);
    }
    struct gf_strbuf parent;
    gf_strbuf_init(&parent, strlen(path));
    const size_t parent_len = slash == path ? 1 : (size_t)(slash - path);
    gf_strbuf_append_bytes(&parent, path, parent_len);
    const enum gf_code rc =
        gf_file_open(dir_fd, parent.ptr, O_RDONLY | O_DIRECTORY, 0, out_fd, err);
    gf_strbuf_fini(&parent);
    return rc;
}

/* Makes a new file beside `name`. The time in its name keeps it from what a crash left. */
static enum gf_code open_temporary(int parent_fd, const char *name,
                                   char out_name[FILE_NAME_BYTES_MAX], int *out_fd,
                                   struct gf_error *err) {
    const int64_t number = gf_mono_ns();
    for (int attempt = 0; attempt < REPLACE_ATTEMPTS_MAX; attempt++) {
        const int len = snprintf(out_name, FILE_NAME_BYTES_MAX, ".%s.tmp.%ld.%llx", name,
                                 (long)getpid(), (unsigned long long)number + (unsigned)attempt);
        if (len < 0 || len >= FILE_NAME_BYTES_MAX) {
            return gf_fail(err, GF_INVALID_ARGUMENT, "name '%s' is too long to replace", name);
        }
        const int fd = open_retrying(parent_fd, out_name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd >= 0) {
            *out_fd = fd;
            return GF_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return gf_fail_errno(err, gf_code_from_errno(errno), errno, "temporary file for '%s'", name);
}

static enum gf_code fill_temporary(int fd, struct gf_str bytes, mode_t mode, enum gf_file_sync sync,
                                   struct gf_error *err) {
    enum gf_code rc = gf_write_all(fd, bytes.ptr, bytes.len, err);
    if (rc == GF_OK && fchmod(fd, mode) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "mode %o", (unsigned int)mode);
    }
    if (rc == GF_OK && sync != GF_FILE_SYNC_NONE) {
        rc = gf_file_sync_data(fd, err);
    }
    return rc;
}

enum gf_code gf_file_replace(int dir_fd, const char *path, struct gf_str bytes, mode_t mode,
                             enum gf_file_sync sync, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int parent_fd = -1;
    GF_CLEANUP(gf_close_p) int fd = -1;
    const char *name = NULL;
    char temporary[FILE_NAME_BYTES_MAX];
    enum gf_code rc = open_parent(dir_fd, path, &name, &parent_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = open_temporary(parent_fd, name, temporary, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = fill_temporary(fd, bytes, mode, sync, err);
    if (rc == GF_OK && renameat(parent_fd, temporary, parent_fd, name) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "rename");
    }
    if (rc != GF_OK) {
        (void)unlinkat(parent_fd, temporary, 0);
    } else if (sync == GF_FILE_SYNC_FULL) {
        rc = gf_file_sync_all(parent_fd, err);
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "file '%s'", path);
    }
    return rc;
}

enum gf_code gf_file_lock(int fd, struct gf_error *err) {
    int result = 0;
    do {
        result = flock(fd, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return GF_OK;
    }
    if (errno == EWOULDBLOCK) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "file is locked by another process");
    }
    return gf_fail_errno(err, gf_code_from_errno(errno), errno, "lock");
}

enum gf_code gf_memfd_sealed(const char *name, struct gf_str bytes, bool executable, int *out_fd,
                             struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "memory file '%s'", name);
    }
    enum gf_code rc = gf_write_all(fd, bytes.ptr, bytes.len, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "memory file '%s'", name);
        return rc;
    }
    const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (fchmod(fd, executable ? 0500 : 0400) != 0 || fcntl(fd, F_ADD_SEALS, seals) != 0 ||
        lseek(fd, 0, SEEK_SET) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "memory file '%s'", name);
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}

/* Sets or clears one flag of those that `get` reads and `set` writes. */
static enum gf_code change_flag(int fd, int get, int set, int flag, bool on, struct gf_error *err) {
    const int flags = fcntl(fd, get);
    if (flags < 0 || fcntl(fd, set, on ? flags | flag : flags & ~flag) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "flags of descriptor %d", fd);
    }
    return GF_OK;
}

enum gf_code gf_fd_set_nonblocking(int fd, bool nonblocking, struct gf_error *err) {
    return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblocking, err);
}

enum gf_code gf_fd_set_cloexec(int fd, bool cloexec, struct gf_error *err) {
    return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, cloexec, err);
}
