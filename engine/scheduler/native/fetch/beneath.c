#include "engine/scheduler/native/fetch/beneath.h"

#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/images/text.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int root_fd, const char *path, int flags, uint64_t resolve) {
    const struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV | resolve,
    };
    long fd = 0;
    /* EAGAIN: something was renamed meanwhile and the kernel could not be sure. */
    do {
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return (int)fd;
}

static int open_dir(int root_fd, struct gf_str path) {
    char text[GF_FETCH_PATH_CHARS_MAX + 1];
    gf_assert(path.len < sizeof(text));
    if (path.len > 0) {
        memcpy(text, path.ptr, path.len);
    }
    text[path.len] = '\0';
    return open_beneath(root_fd, path.len > 0 ? text : ".", O_RDONLY | O_DIRECTORY,
                        RESOLVE_NO_SYMLINKS);
}

static enum gf_code fail_open(struct gf_str path, struct gf_error *err) {
    if (errno == ELOOP || errno == ENOTDIR) {
        return gf_fail_archive(err, "'%s' leads through a symbolic link or a file",
                               gf_show(path).text);
    }
    return gf_fail_system(err, "cannot open the directory '%s'", gf_show(path).text);
}

enum gf_code gf_beneath_open_dir(int root_fd, struct gf_str path, int *out_fd,
                                 struct gf_error *err) {
    const int fd = open_dir(root_fd, path);
    if (fd < 0) {
        return fail_open(path, err);
    }
    *out_fd = fd;
    return GF_OK;
}

/* Makes one directory in the directory that is open, and steps into it. */
static enum gf_code step_into(int *dir_fd, struct gf_str part, struct gf_error *err) {
    char name[GF_FETCH_PATH_PART_CHARS_MAX + 1];
    gf_assert(part.len > 0 && part.len < sizeof(name));
    memcpy(name, part.ptr, part.len);
    name[part.len] = '\0';
    if (mkdirat(*dir_fd, name, 0755) != 0 && errno != EEXIST) {
        return gf_fail_system(err, "cannot make the directory '%s'", gf_show(part).text);
    }
    const int fd = open_dir(*dir_fd, part);
    if (fd < 0) {
        return fail_open(part, err);
    }
    gf_close(dir_fd);
    *dir_fd = fd;
    return GF_OK;
}

enum gf_code gf_beneath_make_dir(int root_fd, struct gf_str path, int *out_fd,
                                 struct gf_error *err) {
    int fd = open_dir(root_fd, path);
    if (fd >= 0) {
        *out_fd = fd;
        return GF_OK;
    }
    if (errno != ENOENT) {
        return fail_open(path, err);
    }
    GF_CLEANUP(gf_close_p) int dir_fd = open_dir(root_fd, (struct gf_str){NULL, 0});
    if (dir_fd < 0) {
        return fail_open(path, err);
    }
    bool more = true;
    while (more) {
        struct gf_str part;
        more = gf_str_cut(path, '/', &part, &path);
        const enum gf_code rc = step_into(&dir_fd, part, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out_fd = gf_take_fd(&dir_fd);
    return GF_OK;
}

enum gf_code gf_beneath_open_file(int root_fd, const char *path, int *out_fd,
                                  struct gf_error *err) {
    GF_CLEANUP(gf_close_p)
    int fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 && (errno == EXDEV || errno == ELOOP || errno == ENOTDIR || errno == ENXIO)) {
        return gf_fail_archive(err, "'%s' leads out of the directory, or is no file",
                               gf_show_cstr(path).text);
    }
    if (fd < 0) {
        return gf_fail_system(err, "cannot open '%s'", gf_show_cstr(path).text);
    }
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return gf_fail_system(err, "cannot look at '%s'", gf_show_cstr(path).text);
    }
    if (!S_ISREG(status.st_mode)) {
        return gf_fail_archive(err, "'%s' is no regular file", gf_show_cstr(path).text);
    }
    *out_fd = gf_take_fd(&fd);
    return GF_OK;
}
