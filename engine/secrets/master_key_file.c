/* Files of master keys: who may read them, and making one. */
#include "base/alloc.h"
#include "base/file.h"
#include "engine/secrets/master_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum {
    /* What nobody but the owner may do. */
    FILE_MODE_REFUSED = 077,
    /* For a credential: reading by the group is how the mask of an access list shows. */
    CREDENTIAL_MODE_REFUSED = 037,
    SOURCE_BYTES_MAX = 160, /* of a path in an error */
    TEMPORARY_BYTES_MAX = 4096 + 32,
};

static enum gf_code check_file(const struct stat *status, mode_t mode_refused, const char *path,
                               struct gf_error *err) {
    if (!S_ISREG(status->st_mode)) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "master key file '%s' is no plain file: give the file itself", path);
    }
    if (status->st_uid != geteuid() && status->st_uid != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "master key file '%s' belongs to user %u: let it belong to the user %u that "
                       "the service runs as, with 'chown'",
                       path, (unsigned)status->st_uid, (unsigned)geteuid());
    }
    if ((status->st_mode & mode_refused) != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "master key file '%s' is open to others (mode %04o): close it with 'chmod "
                       "600', and make a new key if others may have read it",
                       path, (unsigned)(status->st_mode & 07777));
    }
    if (status->st_size > GF_MASTER_KEY_FILE_BYTES_MAX) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "master key file '%s' has %lld bytes, more than the %d that master keys may "
                       "have: is it the right one?",
                       path, (long long)status->st_size, GF_MASTER_KEY_FILE_BYTES_MAX);
    }
    return GF_OK;
}

/* Appends what the file has, up to the limit of out and one byte more, which overflows it. */
static enum gf_code read_guarded(int fd, const char *path, struct gf_secret_buffer *out,
                                 struct gf_error *err) {
    for (;;) {
        const size_t room = out->limit - out->len;
        char *bytes = gf_secret_buffer_extend(out, room);
        if (bytes == NULL || room == 0) {
            return gf_fail(err, GF_FAILED_PRECONDITION,
                           "master key file '%s' has more than the %d bytes that master keys may "
                           "have: is it the right one?",
                           path, GF_MASTER_KEY_FILE_BYTES_MAX);
        }
        const ssize_t got = read(fd, bytes, room);
        const int errnum = errno;
        gf_secret_buffer_truncate(out, out->len - room + (got > 0 ? (size_t)got : 0));
        if (got == 0) {
            return GF_OK;
        }
        if (got < 0 && errnum != EINTR) {
            return gf_fail_errno(err, gf_code_from_errno(errnum), errnum, "master key file '%s'",
                                 path);
        }
    }
}

static enum gf_code add_file(struct gf_master_keys *keys, int dir_fd, const char *path,
                             mode_t mode_refused, struct gf_error *err) {
    /* O_NONBLOCK: a pipe under this name must not hold the service up. */
    GF_CLEANUP(gf_close_p)
    int fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "master key file '%s' is a symbolic link: give the file itself", path);
    }
    if (fd < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "master key file '%s'", path);
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "master key file '%s'", path);
    }
    enum gf_code rc = check_file(&status, mode_refused, path, err);
    if (rc != GF_OK) {
        return rc;
    }
    char source[SOURCE_BYTES_MAX];
    (void)snprintf(source, sizeof(source), "master key file '%.*s'", SOURCE_BYTES_MAX - 20, path);
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer text;
    gf_secret_buffer_init(&text, GF_MASTER_KEY_FILE_BYTES_MAX + 1);
    rc = read_guarded(fd, path, &text, err);
    if (rc == GF_OK) {
        rc = gf_master_keys_add_text(keys, gf_secret_buffer_view(&text), source, err);
    }
    return rc;
}

enum gf_code gf_master_keys_add_file(struct gf_master_keys *keys, int dir_fd, const char *path,
                                     struct gf_error *err) {
    return add_file(keys, dir_fd, path, FILE_MODE_REFUSED, err);
}

enum gf_code gf_master_keys_add_credential(struct gf_master_keys *keys, const char *directory,
                                           const char *name, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    const enum gf_code rc = gf_file_open(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (rc != GF_OK) {
        (void)gf_wrap(err, "directory of credentials");
        return rc;
    }
    return add_file(keys, fd, name, CREDENTIAL_MODE_REFUSED, err);
}

/* ---- Making ---- */

static enum gf_code fill(int fd, struct gf_error *err) {
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer text;
    gf_secret_buffer_init(&text, GF_MASTER_KEY_FILE_BYTES_MAX);
    gf_master_key_generate(&text);
    gf_secret_buffer_append(&text, GF_STR("\n"));
    /* The umask must not matter. */
    if (fchmod(fd, 0600) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "mode 0600");
    }
    enum gf_code rc = gf_write_all(fd, text.ptr, text.len, err);
    if (rc == GF_OK) {
        rc = gf_file_sync_all(fd, err);
    }
    return rc;
}

static enum gf_code sync_parent(int dir_fd, const char *path, struct gf_error *err) {
    const char *slash = strrchr(path, '/');
    char *parent = slash == NULL   ? gf_strdup(".")
                   : slash == path ? gf_strdup("/")
                                   : gf_str_dup((struct gf_str){path, (size_t)(slash - path)});
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(dir_fd, parent, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (rc == GF_OK) {
        rc = gf_file_sync_all(fd, err);
    }
    free(parent);
    return rc;
}

enum gf_code gf_master_key_make_file(int dir_fd, const char *path, struct gf_error *err) {
    char temporary[TEMPORARY_BYTES_MAX];
    const int len =
        snprintf(temporary, sizeof(temporary), "%s.tmp.%08x", path, randombytes_random());
    if (len < 0 || len >= TEMPORARY_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the path of the master key file is too long");
    }
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_file_open(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = fill(fd, err);
    /* A link, unlike a rename, does not replace what is there. */
    if (rc == GF_OK && linkat(dir_fd, temporary, dir_fd, path, 0) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "link");
    }
    (void)unlinkat(dir_fd, temporary, 0);
    if (rc == GF_OK) {
        rc = sync_parent(dir_fd, path, err);
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "master key file '%s'", path);
    }
    return rc;
}
