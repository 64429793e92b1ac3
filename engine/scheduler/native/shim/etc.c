#include "engine/scheduler/native/shim/etc.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HOSTS_BYTES_MAX = 512
};

static int open_etc(void) {
    if (mkdir("/etc", 0755) != 0 && errno != EEXIST) {
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

static enum gf_code write_file(int etc_fd, const char *name, struct gf_str text,
                               struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = open_file(etc_fd, name);
    if (fd < 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot write /etc/%s", name);
    }
    return gf_write_all(fd, text.ptr, text.len, err);
}

enum gf_code gf_etc_write(const struct gf_spec *spec, struct gf_error *err) {
    const char *hostname = spec->hostname;
    GF_CLEANUP(gf_close_p) int etc_fd = open_etc();
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
    enum gf_code rc = write_file(etc_fd, "hosts", gf_strbuf_view(&text), err);
    if (rc == GF_OK) {
        gf_strbuf_reset(&text);
        gf_strbuf_printf(&text, "%s\n", hostname);
        rc = write_file(etc_fd, "hostname", gf_strbuf_view(&text), err);
    }
    if (rc == GF_OK) {
        rc = write_file(etc_fd, "resolv.conf", gf_str_from(spec->resolv), err);
    }
    gf_strbuf_fini(&text);
    return rc;
}
