#include "engine/scheduler/native/network/namespace.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    SETTING_PATH_BYTES_MAX = 128
};

enum gf_code gf_namespace_open_own(int *out_fd, struct gf_error *err) {
    return gf_file_open(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0, out_fd, err);
}

enum gf_code gf_namespace_enter(int fd, struct gf_error *err) {
    if (setns(fd, CLONE_NEWNET) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot enter a network namespace");
    }
    return GF_OK;
}

enum gf_code gf_namespace_set(const char *setting, const char *value, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    char path[SETTING_PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "/proc/sys/net/%s", setting);
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_WRONLY, 0, &fd, err);
    return rc == GF_OK ? gf_write_all(fd, value, strlen(value), err) : rc;
}

static enum gf_code raise_loopback(struct gf_error *err) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    GF_CLEANUP(gf_close_p) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot bring the loopback up");
    }
    return GF_OK;
}

enum gf_code gf_namespace_make(int *out_fd, struct gf_error *err) {
    if (unshare(CLONE_NEWNET) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a network namespace");
    }
    enum gf_code rc = raise_loopback(err);
    if (rc != GF_OK) {
        return rc;
    }
    /* A kernel may be without one of these; then what it would allow stays forbidden. */
    (void)!gf_namespace_set("ipv4/ip_unprivileged_port_start", "0", NULL);
    (void)!gf_namespace_set("ipv4/ping_group_range", "0 2147483647", NULL);
    (void)!gf_namespace_set("ipv6/conf/default/disable_ipv6", "1", NULL);
    return gf_namespace_open_own(out_fd, err);
}
