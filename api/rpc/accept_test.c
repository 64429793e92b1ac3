/* More connections than there may be: the listener goes on. */
#include "api/rpc/accept_internal.h"
#include "api/rpc/testdata/echo_service.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    /* This process is client and server: each connection has two, until the server takes no more;
     * a third of what it takes is left for the client. */
    DESCRIPTORS = 400,
    FLOOD = 200,
};

static void limit_descriptors(void) {
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = DESCRIPTORS;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int connect_to(uint16_t port) {
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static uint16_t port_of(const char *target) {
    uint64_t port = 0;
    cr_assert(gf_parse_u64(gf_str_from(strrchr(target, ':') + 1), &port));
    return (uint16_t)port;
}

/* A server speaks first, and closes what it does not take. */
static bool is_served(int fd) {
    char byte = '\0';
    return recv(fd, &byte, 1, 0) == 1;
}

static void assert_serves(const char *target) {
    GF_CLEANUP(gf_rpc_channel_destroy_p) struct gf_rpc_channel *channel = NULL;
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 30000, .wait_for_ready = true};
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    cr_assert_eq(gf_rpc_channel_create(target, NULL, &channel, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_rpc_unary(channel, &gf_echo_methods[GF_ECHO_UNARY], &opts, &request.base,
                              &arena, &response, &err),
                 GF_OK, "%s", err.message);
    gf_arena_fini(&arena);
}

Test(rpc_accept, a_flood_of_connections_is_cut_and_leaves_the_listener) {
    limit_descriptors();
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    int fds[FLOOD];
    size_t served = 0;
    for (size_t i = 0; i < FLOOD; i++) {
        fds[i] = connect_to(port_of(env.target));
    }
    for (size_t i = 0; i < FLOOD; i++) {
        served += is_served(fds[i]) ? 1 : 0;
    }
    cr_assert_gt(served, 50);
    cr_assert_lt(served, FLOOD);
    /* There is room for files. */
    GF_CLEANUP(gf_close_p) int spare = dup(fds[0]);
    cr_assert_geq(spare, 0);
    for (size_t i = 0; i < FLOOD; i++) {
        gf_close(&fds[i]);
    }
    assert_serves(env.target);
    gf_echo_env_stop(&env);
}

/* gRPC ends a listener for every error but EAGAIN and EINTR. */
Test(rpc_accept, no_descriptor_left_is_no_error_of_the_listener) {
    gf_rpc__accept_guard();
    limit_descriptors();
    GF_CLEANUP(gf_close_p)
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    cr_assert_eq(bind(listening, (const struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listening, 1), 0);
    cr_assert_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    GF_CLEANUP(gf_close_p) int client = connect_to(ntohs(address.sin_port));
    cr_assert_geq(client, 0);
    int fds[DESCRIPTORS];
    size_t count = 0;
    while ((fds[count] = dup(listening)) >= 0) {
        count++;
    }
    cr_assert_eq(errno, EMFILE);
    cr_assert_eq(accept4(listening, (struct sockaddr *)&address, &size, SOCK_CLOEXEC), -1);
    cr_assert_eq(errno, EAGAIN);
    for (size_t i = 0; i < count; i++) {
        gf_close(&fds[i]);
    }
    GF_CLEANUP(gf_close_p)
    int taken = accept4(listening, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
    cr_assert_geq(taken, 0);
}

Test(rpc_accept, who_asks_for_no_address_is_left_alone) {
    gf_rpc__accept_guard();
    GF_CLEANUP(gf_close_p)
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    errno = 0;
    cr_assert_eq(accept4(listening, NULL, NULL, SOCK_CLOEXEC), -1);
    cr_assert_eq(errno, EINVAL);
}

static bool has_room(int fd, const char *host) {
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, host, &ipv4.sin_addr) == 1) {
        memcpy(&address, &ipv4, sizeof(ipv4));
    } else if (inet_pton(AF_INET6, host, &ipv6.sin6_addr) == 1) {
        memcpy(&address, &ipv6, sizeof(ipv6));
    }
    return gf_rpc__accept_has_room(fd, (const struct sockaddr *)&address);
}

Test(rpc_accept, other_machines_leave_room_for_this_one) {
    limit_descriptors();
    cr_assert(has_room(224, "192.0.2.1"));
    static const char *const others[] = {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        cr_assert_not(has_room(225, others[i]), "%s", others[i]);
    }
    static const char *const own[] = {"unix", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(own); i++) {
        cr_assert(has_room(299, own[i]), "%s", own[i]);
        cr_assert_not(has_room(300, own[i]), "%s", own[i]);
    }
}

Test(rpc_accept, connections_of_others_take_no_room) {
    if (gf_rpc_descriptors_max() < GF_RPC_CONNECTIONS_MAX + 20) {
        cr_skip("too few descriptors may be open here");
    }
    cr_assert(has_room(GF_RPC_CONNECTIONS_MAX - 1, "127.0.0.1"));
    cr_assert_not(has_room(GF_RPC_CONNECTIONS_MAX, "127.0.0.1"));
    (void)atomic_fetch_add(gf_rpc_other_descriptors(), 10);
    cr_assert(has_room(GF_RPC_CONNECTIONS_MAX + 9, "127.0.0.1"));
    cr_assert_not(has_room(GF_RPC_CONNECTIONS_MAX + 10, "127.0.0.1"));
    limit_descriptors();
    cr_assert_not(has_room(300, "127.0.0.1"));
}
