/*
 * A file is opened before it is looked at, so that what is told of it (its size, its entity tag) is
 * of what is sent. Opening never waits: what is no plain file, as a fifo, is opened without
 * blocking and found out by fstat.
 */
#include "api/gateway/files.h"

#include "api/gateway/path.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    HASH_CHARS_MIN = 8,
    HASH_CHARS_MAX = 64,
    OPEN_TRIES_MAX = 8,
    NAME_BYTES_MAX = GF_GATEWAY__PATH_BYTES_MAX + 16, /* with "index.html" or ".gz" behind */
};

static const char *const immutable = "public, max-age=31536000, immutable";
static const char *const revalidated = "no-cache";

/* ---- Types ---- */

struct type {
    const char *ending;
    const char *name;
    bool is_text; /* worth compressing */
};

static const struct type types[] = {
    {".html", "text/html; charset=utf-8", true},
    {".js", "text/javascript; charset=utf-8", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".css", "text/css; charset=utf-8", true},
    {".json", "application/json", true},
    {".map", "application/json", true},
    {".webmanifest", "application/manifest+json", true},
    {".svg", "image/svg+xml", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".md", "text/markdown; charset=utf-8", true},
    {".xml", "application/xml", true},
    {".wasm", "application/wasm", true},
    {".png", "image/png", false},
    {".jpg", "image/jpeg", false},
    {".jpeg", "image/jpeg", false},
    {".gif", "image/gif", false},
    {".webp", "image/webp", false},
    {".avif", "image/avif", false},
    {".ico", "image/vnd.microsoft.icon", false},
    {".woff2", "font/woff2", false},
    {".woff", "font/woff", false},
    {".pdf", "application/pdf", false},
};

static const struct type *type_of(struct gf_str name) {
    static const struct type other = {"", "application/octet-stream", false};
    for (size_t i = 0; i < GF_ARRAY_COUNT(types); i++) {
        if (gf_str_has_suffix(name, gf_str_from(types[i].ending))) {
            return &types[i];
        }
    }
    return &other;
}

const char *gf_gateway__content_type(struct gf_str name) {
    return type_of(name)->name;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool gf_gateway__is_hashed(struct gf_str name) {
    size_t end = name.len;
    while (end > 0 && name.ptr[end - 1] != '.') {
        end--;
    }
    if (end == 0) {
        return false;
    }
    end--; /* the dot of the ending */
    size_t start = end;
    bool has_digit = false;
    while (start > 0 && (is_digit(name.ptr[start - 1]) || is_letter(name.ptr[start - 1]))) {
        has_digit = has_digit || is_digit(name.ptr[start - 1]);
        start--;
    }
    bool is_parted = start > 0 && (name.ptr[start - 1] == '-' || name.ptr[start - 1] == '.');
    size_t chars = end - start;
    return is_parted && has_digit && chars >= HASH_CHARS_MIN && chars <= HASH_CHARS_MAX;
}

/* ---- Opening ---- */

enum gf_code gf_gateway__files_open(const char *dir, int *out_fd, struct gf_error *err) {
    struct gf_error why;
    if (gf_file_open(AT_FDCWD, dir, O_PATH | O_DIRECTORY, 0, out_fd, &why) != GF_OK) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "directory of static files: %s", why.message);
    }
    return GF_OK;
}

/* As the system call; -1 with errno. */
static int open_beneath(int dir_fd, const char *path) {
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;
    int tries = 0;
    do {
        /* EAGAIN: something was renamed while the path was resolved. */
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < OPEN_TRIES_MAX);
    return (int)fd;
}

static enum gf_code fail_open(int errnum, struct gf_error *err) {
    switch (errnum) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return gf_fail_errno(err, GF_UNAVAILABLE, errnum, "a file cannot be opened now");
    default:
        /* Links, ways out, what may not be read: who asks need not know that it is there. */
        return gf_fail(err, GF_NOT_FOUND, "there is nothing at this path");
    }
}

static enum gf_code open_named(int dir_fd, const char *path, int *out_fd, struct stat *out_stat,
                               struct gf_error *err) {
    int fd = open_beneath(dir_fd, path);
    if (fd < 0) {
        return fail_open(errno, err);
    }
    if (fstat(fd, out_stat) != 0 || !(S_ISREG(out_stat->st_mode) || S_ISDIR(out_stat->st_mode))) {
        (void)close(fd);
        return fail_open(ENOENT, err);
    }
    *out_fd = fd;
    return GF_OK;
}

static enum gf_code open_regular(int dir_fd, const char *path, int *out_fd, struct stat *out_stat,
                                 struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat found;
    enum gf_code code = open_named(dir_fd, path, &fd, &found, err);
    if (code != GF_OK) {
        return code;
    }
    if (!S_ISREG(found.st_mode)) {
        return fail_open(ENOENT, err);
    }
    *out_fd = gf_take_fd(&fd);
    *out_stat = found;
    return GF_OK;
}

/* Opens what a path means: a file, the index of a directory. name becomes that of the file. */
static enum gf_code open_meant(int dir_fd, struct gf_strbuf *name, int *out_fd,
                               struct stat *out_stat, struct gf_error *err) {
    bool is_index = name->len == 0 || name->ptr[name->len - 1] == '/';
    if (is_index) {
        gf_strbuf_append_cstr(name, "index.html");
        return open_regular(dir_fd, name->ptr, out_fd, out_stat, err);
    }
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat found;
    enum gf_code code = open_named(dir_fd, name->ptr, &fd, &found, err);
    if (code != GF_OK) {
        return code;
    }
    if (S_ISDIR(found.st_mode)) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "this is a directory: a slash is missing");
    }
    *out_fd = gf_take_fd(&fd);
    *out_stat = found;
    return GF_OK;
}

/* ---- Finding ---- */

static void describe(struct gf_gateway__file *file, int fd, const struct stat *found) {
    file->fd = fd;
    file->size = (uint64_t)found->st_size;
    file->mtime_seconds = found->st_mtim.tv_sec;
    (void)snprintf(file->etag, sizeof(file->etag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%08lx\"",
                   (uint64_t)found->st_ino, (uint64_t)found->st_size,
                   (uint64_t)found->st_mtim.tv_sec, (unsigned long)found->st_mtim.tv_nsec);
}

static bool is_older(const struct stat *a, const struct stat *b) {
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* Takes the compressed file beside it in its place, where there is one. */
static void prefer_gzip(int dir_fd, struct gf_strbuf *name, const struct stat *plain,
                        struct gf_gateway__file *file) {
    struct stat found;
    int fd = -1;
    gf_strbuf_append_cstr(name, ".gz");
    if (open_regular(dir_fd, name->ptr, &fd, &found, NULL) != GF_OK) {
        return;
    }
    if (is_older(&found, plain)) {
        gf_close(&fd);
        return;
    }
    gf_close(&file->fd);
    describe(file, fd, &found);
    file->is_gzip = true;
}

enum gf_code gf_gateway__file_find(int dir_fd, struct gf_str path, bool is_gzip_taken,
                                   struct gf_gateway__file *out_file, struct gf_error *err) {
    char memory[NAME_BYTES_MAX];
    struct gf_strbuf name;
    gf_strbuf_init_in(&name, memory, sizeof(memory));
    gf_strbuf_append(&name, path);
    struct stat found;
    int fd = -1;
    enum gf_code code = open_meant(dir_fd, &name, &fd, &found, err);
    if (code == GF_NOT_FOUND && (path.len == 0 || memchr(path.ptr, '.', path.len) == NULL)) {
        gf_strbuf_reset(&name);
        code = open_meant(dir_fd, &name, &fd, &found, err);
    }
    if (code != GF_OK) {
        return code;
    }
    const struct gf_str file_name = gf_strbuf_view(&name);
    const struct type *type = type_of(file_name);
    *out_file = (struct gf_gateway__file){
        .type = type->name,
        .varies = type->is_text,
        .cache_control = gf_gateway__is_hashed(file_name) ? immutable : revalidated,
    };
    describe(out_file, fd, &found);
    if (type->is_text && is_gzip_taken) {
        prefer_gzip(dir_fd, &name, &found, out_file);
    }
    return GF_OK;
}
