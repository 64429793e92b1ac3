/*
 * Design: a listener of gRPC ends for good when accept4 fails, unless with EAGAIN or EINTR. A
 * stranger who opens as many connections as the process may have descriptors (EMFILE) would shut
 * out everybody until a restart; and gRPC has no limit of connections that would come before that.
 * So this program has an accept4 of its own, which the linker takes before that of libc, for gRPC
 * whether it is linked statically or not.
 *
 * There is no count of connections: a new descriptor is the lowest that is free, so that its number
 * says how many there are at least. What is refused so leaves the rest for files, containers and
 * the store; and what other machines are refused leaves a rest for this one, for its admin and for
 * tasks.
 */
#include "api/rpc/accept_internal.h"
#include "api/rpc/server.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WARN_EVERY_NS (10 * GF_NS_PER_SEC)

/* The name that the linker sees. The type of libc's header is one that only its own can have. */
int gf_rpc__accept4(int listening_fd, void *address, void *address_size, int flags) //
    __asm__("accept4");

struct gf_rpc__accept_counts gf_rpc__accept_counts;

static atomic_bool guarded;
static _Atomic int64_t others;
static _Atomic int64_t refused_count; /* since the last warning */
static _Atomic int64_t next_warning_ns;

void gf_rpc__accept_guard(void) {
    atomic_store(&guarded, true);
}

_Atomic int64_t *gf_rpc_other_descriptors(void) {
    return &others;
}

size_t gf_rpc_descriptors_max(void) {
    struct rlimit limit;
    const bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return known ? (size_t)(limit.rlim_cur / 4 * 3) : SIZE_MAX;
}

static bool is_of_this_machine(const struct sockaddr *address) {
    static const unsigned char loopback_net = 127;
    struct sockaddr_in6 ipv6;
    struct sockaddr_in ipv4;
    switch (address->sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        memcpy(&ipv4, address, sizeof(ipv4));
        return ntohl(ipv4.sin_addr.s_addr) >> 24 == loopback_net;
    case AF_INET6:
        memcpy(&ipv6, address, sizeof(ipv6));
        return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) != 0 ||
               (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr) != 0 &&
                ipv6.sin6_addr.s6_addr[12] == loopback_net);
    default:
        return false;
    }
}

bool gf_rpc__accept_has_room(int fd, const struct sockaddr *address) {
    const int64_t other = atomic_load_explicit(&others, memory_order_relaxed);
    const size_t all = gf_rpc_descriptors_max();
    size_t most = GF_RPC_CONNECTIONS_MAX + (size_t)other;
    most = most < all ? most : all;
    return (size_t)fd < (is_of_this_machine(address) ? most : most / 4 * 3);
}

static void note_refused(void) {
    const int64_t now_ns = gf_mono_ns();
    int64_t next_ns = atomic_load(&next_warning_ns);
    (void)atomic_fetch_add(&refused_count, 1);
    gf_counter_add(&gf_rpc__accept_counts.refused, 1);
    if (now_ns >= next_ns &&
        atomic_compare_exchange_strong(&next_warning_ns, &next_ns, now_ns + WARN_EVERY_NS)) {
        gf_log_warn("connections_refused", GF_KV_I64("count", atomic_exchange(&refused_count, 0)));
    }
}

static int take(int listening_fd, void *address, void *address_size, int flags) {
    return (int)syscall(SYS_accept4, listening_fd, address, address_size, flags);
}

int gf_rpc__accept4(int listening_fd, void *address, void *address_size, int flags) {
    /* Others of this program do not ask from where a connection comes. */
    if (address == NULL || !atomic_load_explicit(&guarded, memory_order_relaxed)) {
        return take(listening_fd, address, address_size, flags);
    }
    for (;;) {
        const int fd = take(listening_fd, address, address_size, flags);
        if (fd >= 0 && gf_rpc__accept_has_room(fd, address)) {
            gf_counter_add(&gf_rpc__accept_counts.taken, 1);
            return fd;
        }
        if (fd >= 0) {
            (void)close(fd);
            note_refused();
            continue;
        }
        switch (errno) {
        case EBADF:
        case EFAULT:
        case EINVAL:
        case ENOTSOCK:
        case EAGAIN:
        case EINTR:
            return -1;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            /* The next one that comes wakes the listener, which then takes those before it. */
            note_refused();
            errno = EAGAIN;
            return -1;
        default:
            continue; /* a matter of this one connection, as ECONNABORTED */
        }
    }
}
