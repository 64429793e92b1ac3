/* System calls, sockets, keys, and what else of the kernel is not kept apart by namespaces. */
#include "tests/security/escape/escape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FAMILY_ALG = 38,
    FAMILY_VSOCK = 40,
    FAMILY_XDP = 44,
    NETLINK_NETFILTER_NUMBER = 12,
    SESSION_KEYRING = -3,
    USER_KEYRING = -4,
    X32_BIT = 0x40000000,
};

/* ---- calls that are refused ---- */

static enum outcome try_keyctl(void) {
    const enum outcome outcome =
        refused(syscall(SYS_keyctl, 0, SESSION_KEYRING, 1, 0, 0), EPERM, 0);
    return outcome == HELD ? refused(syscall(SYS_keyctl, 0, USER_KEYRING, 1, 0, 0), EPERM, 0)
                           : outcome;
}

static enum outcome try_add_key(void) {
    return refused(syscall(SYS_add_key, "user", "escape", "x", 1, USER_KEYRING), EPERM, 0);
}

static enum outcome try_request_key(void) {
    return refused(syscall(SYS_request_key, "user", "escape", NULL, 0), EPERM, 0);
}

static enum outcome try_bpf(void) {
    unsigned attributes[16] = {1, 4, 4, 1};
    return refused(syscall(SYS_bpf, 0, attributes, sizeof(attributes)), EPERM, 0);
}

static enum outcome try_perf(void) {
    unsigned attributes[32] = {1, 112};
    return refused(syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0), EPERM, 0);
}

static enum outcome try_userfaultfd(void) {
    return refused(syscall(SYS_userfaultfd, 1), EPERM, 0);
}

static enum outcome try_io_uring(void) {
    unsigned parameters[64] = {0};
    return refused(syscall(425, 4, parameters), ENOSYS, 0);
}

static enum outcome try_modules(void) {
    const enum outcome outcome = refused(syscall(SYS_init_module, "", 0, ""), EPERM, 0);
    return outcome == HELD ? refused(syscall(SYS_delete_module, "escape", 0), EPERM, 0) : outcome;
}

static enum outcome try_kexec(void) {
    return refused(syscall(SYS_kexec_load, 0, 0, 0, 0), EPERM, 0);
}

static enum outcome try_reboot(void) {
    return refused(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM, 0);
}

static enum outcome try_swap(void) {
    return refused(syscall(SYS_swapon, "/tmp", 0), EPERM, 0);
}

static enum outcome try_accounting(void) {
    return refused(syscall(SYS_acct, "/tmp/acct"), EPERM, 0);
}

static enum outcome try_clock(void) {
    const struct timeval now = {.tv_sec = 1};
    const struct timespec one = {.tv_sec = 1};
    const enum outcome outcome = refused(settimeofday(&now, NULL), EPERM, 0);
    return outcome == HELD ? refused(syscall(SYS_clock_settime, 0, &one), EPERM, 0) : outcome;
}

static enum outcome try_host_name(void) {
    return refused(sethostname("escaped", 7), EPERM, 0);
}

static enum outcome try_kernel_log(void) {
    static char text[4096];
    return refused(syscall(SYS_syslog, 3, text, sizeof(text)), EPERM, 0);
}

static enum outcome try_quota(void) {
    return refused(syscall(SYS_quotactl, 0x80000700, "/", 0, NULL), EPERM, 0);
}

static enum outcome try_personality(void) {
    return refused(personality(ADDR_NO_RANDOMIZE), EPERM, 0);
}

#ifdef __x86_64__
static enum outcome try_ports(void) {
    const enum outcome outcome = refused(syscall(SYS_iopl, 3), EPERM, 0);
    return outcome == HELD ? refused(syscall(SYS_ioperm, 0x80, 1, 1), EPERM, 0) : outcome;
}

/* The entry of 32-bit programs: getpid there. */
static enum outcome try_other_entry(void) {
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        long result = 0;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
        _exit(result > 0 ? 0 : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return UNTRIED;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        return HELD;
    }
    /* A kernel without that entry. */
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? HELD : GOT_THROUGH;
}

static enum outcome try_x32(void) {
    return refused(syscall(X32_BIT + SYS_getpid), ENOSYS, 0);
}
#endif

/* ---- terminals ---- */

/* Characters into a terminal: those of the container are all that there is. */
static enum outcome try_typing(void) {
    int unlocked = 0;
    int number = 0;
    const int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) != 0 ||
        ioctl(master, TIOCGPTN, &number) != 0) {
        note("no terminal can be made: %s", strerror(errno));
        return UNTRIED;
    }
    const int slave = ioctl(master, 0x5441 /* TIOCGPTPEER */, O_RDWR | O_NOCTTY);
    if (slave < 0 || setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) != 0) {
        note("no terminal to type into: %s", strerror(errno));
        return UNTRIED;
    }
    return refused(ioctl(slave, TIOCSTI, "x"), EPERM, 0);
}

/* ---- sockets ---- */

static enum outcome try_packet_socket(void) {
    return refused(socket(AF_PACKET, SOCK_RAW, 0x300), EAFNOSUPPORT, 0);
}

static enum outcome try_raw_socket(void) {
    const enum outcome outcome = refused(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM, 0);
    return outcome == HELD
               ? refused(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPERM, EAFNOSUPPORT, 0)
               : outcome;
}

static enum outcome try_vsock(void) {
    return refused(socket(FAMILY_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT, 0);
}

static enum outcome try_crypto_socket(void) {
    return refused(socket(FAMILY_ALG, SOCK_SEQPACKET, 0), EAFNOSUPPORT, 0);
}

static enum outcome try_rare_sockets(void) {
    for (int family = 0; family < 64; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) {
            continue;
        }
        const enum outcome outcome = refused(socket(family, SOCK_DGRAM, 0), EAFNOSUPPORT, 0);
        if (outcome != HELD) {
            return outcome;
        }
    }
    return refused(socket(FAMILY_XDP, SOCK_RAW, 0), EAFNOSUPPORT, 0);
}

static enum outcome try_netfilter(void) {
    return refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER_NUMBER), EPROTONOSUPPORT, 0);
}

static enum outcome try_abstract_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t len = strlen(host.abstract);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!host.own_network) {
        return NOT_HERE;
    }
    memcpy(address.sun_path + 1, host.abstract, len);
    return refused(connect(fd, (const struct sockaddr *)&address,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)),
                   ECONNREFUSED, 0);
}

static enum outcome try_loopback(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)host.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!host.own_network) {
        return NOT_HERE;
    }
    return refused(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ECONNREFUSED,
                   0);
}

/* ---- memory and messages of the host ---- */

static enum outcome try_shared_memory(void) {
    return refused(shmget(host.key, 1, 0), ENOENT, 0);
}

static enum outcome try_message_queue(void) {
    return refused(mq_open("/gofer-escape", O_RDONLY), ENOENT, 0);
}

const struct check KERNEL_CHECKS[] = {
    {"keyctl", try_keyctl},
    {"add_key", try_add_key},
    {"request_key", try_request_key},
    {"bpf", try_bpf},
    {"perf_event_open", try_perf},
    {"userfaultfd", try_userfaultfd},
    {"io_uring", try_io_uring},
    {"modules", try_modules},
    {"kexec", try_kexec},
    {"reboot", try_reboot},
    {"swap", try_swap},
    {"accounting", try_accounting},
    {"clock", try_clock},
    {"host name", try_host_name},
    {"log of the kernel", try_kernel_log},
    {"quota", try_quota},
    {"personality", try_personality},
#ifdef __x86_64__
    {"ports of devices", try_ports},
    {"32-bit calls", try_other_entry},
    {"x32 calls", try_x32},
#endif
    {"typing into a terminal", try_typing},
    {"packet socket", try_packet_socket},
    {"raw socket", try_raw_socket},
    {"vsock", try_vsock},
    {"crypto socket", try_crypto_socket},
    {"rare sockets", try_rare_sockets},
    {"netfilter", try_netfilter},
    {"abstract socket of the host", try_abstract_socket},
    {"loopback of the host", try_loopback},
    {"shared memory of the host", try_shared_memory},
    {"message queue of the host", try_message_queue},
    {NULL, NULL},
};
