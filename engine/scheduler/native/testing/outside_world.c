#include "engine/scheduler/native/testing/outside_world.h"

#include "base/file.h"
#include "engine/scheduler/native/network/namespace.h"
#include "engine/scheduler/native/network/netlink.h"
#include "engine/scheduler/native/network/subnet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DNS_PORT = 53,
    DNS_HEADER_BYTES = 12,
    DNS_BYTES_MAX = 512,
    ASK_SECONDS_MAX = 20,
    PREFIX = 24,
};

static void must(enum gf_code rc, const struct gf_error *error) {
    if (rc != GF_OK) {
        fprintf(stderr, "outside world: %s\n", error->message);
        abort();
    }
}

static uint32_t address_of(const char *text) {
    uint32_t address = 0;
    gf_assert(gf_ipv4_parse(gf_str_from(text), &address));
    return address;
}

static int open_socket(int type, int port) {
    const int one = 1;
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    gf_assert(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    gf_assert(bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0);
    gf_assert(type != SOCK_STREAM || listen(fd, 16) == 0);
    return fd;
}

/* ---- the process outside ---- */

static void say_hello(int listening_fd) {
    struct sockaddr_in peer = {0};
    socklen_t size = sizeof(peer);
    char text[64];
    const int fd = accept(listening_fd, (struct sockaddr *)&peer, &size);
    if (fd >= 0) {
        char address[GF_IPV4_TEXT_BYTES_MAX];
        snprintf(text, sizeof(text), "hello %s\n",
                 gf_ipv4_format(ntohl(peer.sin_addr.s_addr), address));
        (void)!write(fd, text, strlen(text));
        (void)shutdown(fd, SHUT_WR);
        (void)close(fd);
    }
}

/* The question once more, with an answer for those that ask for an IPv4 address. */
static void answer_name(int fd) {
    static const unsigned char record[] = {
        0xc0, DNS_HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 2,
    };
    unsigned char bytes[DNS_BYTES_MAX + sizeof(record)];
    struct sockaddr_in peer = {0};
    socklen_t size = sizeof(peer);
    const ssize_t n = recvfrom(fd, bytes, DNS_BYTES_MAX, 0, (struct sockaddr *)&peer, &size);
    size_t len = n > 0 ? (size_t)n : 0;
    if (len < DNS_HEADER_BYTES + 5) {
        return;
    }
    const bool wants_address = bytes[len - 4] == 0 && bytes[len - 3] == 1;
    bytes[2] = 0x81; /* an answer */
    bytes[3] = 0x80;
    memset(bytes + 6, 0, 6);
    if (wants_address) {
        bytes[7] = 1;
        memcpy(bytes + len, record, sizeof(record));
        len += sizeof(record);
    }
    (void)!sendto(fd, bytes, len, 0, (struct sockaddr *)&peer, size);
}

GF_NORETURN static void run_outside(int ready_fd) {
    struct pollfd fds[] = {
        {.fd = open_socket(SOCK_STREAM, OUTSIDE_PORT), .events = POLLIN},
        {.fd = open_socket(SOCK_DGRAM, DNS_PORT), .events = POLLIN},
    };
    gf_assert(write(ready_fd, "r", 1) == 1);
    for (;;) {
        (void)poll(fds, GF_ARRAY_COUNT(fds), -1);
        if (fds[0].revents != 0) {
            say_hello(fds[0].fd);
        }
        if (fds[1].revents != 0) {
            answer_name(fds[1].fd);
        }
    }
}

/* ---- the two namespaces ---- */

static void give_address(const char *device, const char *address, int prefix) {
    struct gf_error error;
    struct gf_netlink netlink;
    int index = 0;
    must(gf_netlink_open(&netlink, &error), &error);
    must(gf_netlink_find(&netlink, device, &index, &error), &error);
    must(gf_netlink_add_address(&netlink, index, address_of(address), prefix, &error), &error);
    must(gf_netlink_raise(&netlink, index, &error), &error);
    gf_netlink_close(&netlink);
}

static void connect_namespaces(int outside_fd) {
    const struct gf_netlink_pair pair = {
        .name = "up0",
        .peer_name = "down0",
        .peer_mac = {{2, 0, 0, 0, 0, 2}},
        .peer_namespace_fd = outside_fd,
    };
    struct gf_error error;
    struct gf_netlink netlink;
    must(gf_netlink_open(&netlink, &error), &error);
    must(gf_netlink_make_pair(&netlink, &pair, &error), &error);
    give_address("up0", OUTSIDE_OUR_ADDRESS, PREFIX);
    must(gf_netlink_add_default_route(&netlink, address_of(OUTSIDE_ADDRESS), &error), &error);
    gf_netlink_close(&netlink);
}

static pid_t start_outside(int outside_fd) {
    struct gf_error error;
    int ready[2];
    char byte = 0;
    gf_assert(pipe(ready) == 0);
    const pid_t pid = fork();
    gf_assert(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(gf_namespace_enter(outside_fd, &error), &error);
        give_address("down0", OUTSIDE_ADDRESS, PREFIX);
        give_address("lo", OUTSIDE_METADATA, 32);
        run_outside(ready[1]);
    }
    (void)close(ready[1]);
    gf_assert(read(ready[0], &byte, 1) == 1);
    (void)close(ready[0]);
    return pid;
}

bool outside_world_open(struct outside_world *world) {
    struct gf_error error;
    GF_CLEANUP(gf_close_p) int here_fd = -1;
    GF_CLEANUP(gf_close_p) int outside_fd = -1;
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        return false;
    }
    must(gf_namespace_open_own(&here_fd, &error), &error);
    must(gf_namespace_make(&outside_fd, &error), &error);
    must(gf_namespace_enter(here_fd, &error), &error);
    give_address("lo", "127.0.0.1", 8);
    connect_namespaces(outside_fd);
    world->process = start_outside(outside_fd);
    world->listening_fd = open_socket(SOCK_STREAM, OUTSIDE_OUR_PORT);
    return true;
}

void outside_world_close(struct outside_world *world) {
    if (world->process > 0) {
        (void)kill(world->process, SIGKILL);
        (void)waitpid(world->process, NULL, 0);
        (void)close(world->listening_fd);
    }
}

char *outside_world_ask(const char *address, int port, char *out, size_t size) {
    const struct timeval wait = {.tv_sec = ASK_SECONDS_MAX};
    const struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(address_of(address)),
    };
    GF_CLEANUP(gf_close_p) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    out[0] = '\0';
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (connect(fd, (const struct sockaddr *)&peer, sizeof(peer)) == 0) {
        const ssize_t n = read(fd, out, size - 1);
        out[n > 0 ? n : 0] = '\0';
    }
    return out;
}
