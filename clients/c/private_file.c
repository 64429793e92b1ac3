/*
 * DESIGN. What is checked is the file that was opened, not its name, so that nothing can be put in
 * its place in between. Bytes go from the file into the arena and nowhere else: a growing buffer
 * would leave copies behind that nobody can wipe.
 */
#include "clients/c/private_file.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MODE_OF_OTHERS = S_IRWXG | S_IRWXO,
    MODE_BITS = 07777,
};

static enum gf_code check_private(int fd, const char *path, struct gf_error *err) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "%s", path);
    }
    if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode)) {
        return GF_OK;
    }
    if (!S_ISREG(status.st_mode)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: no file that can be read: is it a directory?",
                       path);
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, GF_REASON_FILE_NOT_PRIVATE,
                              "%s belongs to somebody else, and is not used", path);
    }
    if ((status.st_mode & MODE_OF_OTHERS) != 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, GF_REASON_FILE_NOT_PRIVATE,
                              "%s is open to others (mode %04o), and is not used: chmod 600 %s",
                              path, (unsigned)(status.st_mode & MODE_BITS), path);
    }
    return GF_OK;
}

/* Reads up to the end; one byte more than size_max tells that there is too much. */
static enum gf_code read_into(int fd, const char *path, size_t size_max, struct gf_arena *arena,
                              struct gf_str *out_text, struct gf_error *err) {
    char *bytes = gf_arena_alloc(arena, size_max + 1);
    size_t size = 0;
    while (size <= size_max) {
        const ssize_t got = read(fd, bytes + size, size_max + 1 - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "%s", path);
        }
        if (got == 0) {
            *out_text = (struct gf_str){bytes, size};
            return GF_OK;
        }
        size += (size_t)got;
    }
    return gf_fail(err, GF_INVALID_ARGUMENT, "%s: larger than %zu bytes", path, size_max);
}

enum gf_code gf_private_file_read(const char *path, size_t size_max, struct gf_arena *arena,
                                  struct gf_str *out_text, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0, &fd, err);
    if (rc == GF_OK) {
        rc = check_private(fd, path, err);
    }
    return rc == GF_OK ? read_into(fd, path, size_max, arena, out_text, err) : rc;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum gf_code gf_token_parse_text(struct gf_str text, const char *source, struct gf_arena *arena,
                                 const char **out_token, struct gf_error *err) {
    while (text.len > 0 && is_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    if (text.len == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: there is no token in it", source);
    }
    if (text.len > GF_TOKEN_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: a token has at most %d characters", source,
                       GF_TOKEN_BYTES_MAX);
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~') {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "%s: no token: it has a character at position %zu that no token has",
                           source, i);
        }
    }
    *out_token = gf_arena_str(arena, text).ptr;
    return GF_OK;
}

enum gf_code gf_token_file_read(const char *path, struct gf_arena *arena, const char **out_token,
                                struct gf_error *err) {
    struct gf_str text;
    enum gf_code rc = gf_private_file_read(path, (size_t)2 * GF_TOKEN_BYTES_MAX, arena, &text, err);
    return rc == GF_OK ? gf_token_parse_text(text, path, arena, out_token, err) : rc;
}
