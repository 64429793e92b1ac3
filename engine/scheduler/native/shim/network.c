#include "engine/scheduler/native/shim/network.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static enum gf_code raise_loopback(struct gf_error *err) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    GF_CLEANUP(gf_close_p) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot bring the loopback up");
    }
    return GF_OK;
}

/* Where it cannot be written, what it would allow stays forbidden. */
static void set(const char *path, const char *value) {
    GF_CLEANUP(gf_close_p) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, value, strlen(value));
    }
}

/*
 * Every user of the container may listen on every port of the container's own network, and send
 * pings in it: no capability is needed for that, so none is given.
 */
static void open_to_all(void) {
    set("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    set("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
}

enum gf_code gf_network_make(struct gf_error *err) {
    if (unshare(CLONE_NEWNET) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make a network namespace");
    }
    enum gf_code rc = raise_loopback(err);
    if (rc == GF_OK) {
        open_to_all();
    }
    return rc;
}

enum gf_code gf_network_enter(int fd, struct gf_error *err) {
    if (setns(fd, CLONE_NEWNET) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot enter the network namespace");
    }
    return GF_OK;
}

enum gf_code gf_network_join(int pidfd, struct gf_error *err) {
    if (setns(pidfd, CLONE_NEWNET) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot join the network namespace");
    }
    return GF_OK;
}
