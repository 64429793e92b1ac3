#include "engine/scheduler/native/shim/etc.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HOSTS_BYTES_MAX = 512
};

static int open_etc(uid_t owner) {
    const bool made = mkdir("/etc", 0755) == 0;
    if ((!made && errno != EEXIST) || (made && lchown("/etc", owner, owner) != 0)) {
        return -1;
    }
    return open("/etc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/*
 * Opens the file for writing, empty. What cannot be opened like a plain file (a link, a pipe
 * without a reader, a device) is removed first; the layers below do not notice.
 */
static int open_file(int etc_fd, const char *name) {
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    struct stat status;
    int fd = openat(etc_fd, name, flags | O_TRUNC, 0644);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        return fd;
    }
    gf_close(&fd);
    (void)unlinkat(etc_fd, name, 0);
    return openat(etc_fd, name, flags | O_EXCL, 0644);
}

static enum gf_code write_file(int etc_fd, const char *name, uid_t owner, struct gf_str text,
                               struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = open_file(etc_fd, name);
    if (fd < 0 || (owner != 0 && fchown(fd, owner, owner) != 0)) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot write /etc/%s", name);
    }
    return gf_write_all(fd, text.ptr, text.len, err);
}

enum gf_code gf_etc_write(const struct gf_spec *spec, uid_t owner, struct gf_error *err) {
    const char *hostname = spec->hostname;
    GF_CLEANUP(gf_close_p) int etc_fd = open_etc(owner);
    if (etc_fd < 0) {
        return GF_OK;
    }
    struct gf_strbuf text;
    gf_strbuf_init(&text, HOSTS_BYTES_MAX);
    gf_strbuf_printf(&text,
                     "127.0.0.1\tlocalhost\n"
                     "::1\tlocalhost ip6-localhost ip6-loopback\n"
                     "127.0.1.1\t%s\n",
                     hostname);
    enum gf_code rc = write_file(etc_fd, "hosts", owner, gf_strbuf_view(&text), err);
    if (rc == GF_OK) {
        gf_strbuf_reset(&text);
        gf_strbuf_printf(&text, "%s\n", hostname);
        rc = write_file(etc_fd, "hostname", owner, gf_strbuf_view(&text), err);
    }
    if (rc == GF_OK) {
        rc = write_file(etc_fd, "resolv.conf", owner, gf_str_from(spec->resolv), err);
    }
    gf_strbuf_fini(&text);
    return rc;
}
