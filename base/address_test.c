#include "base/address.h"
#include "base/alloc.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct gf_address parsed(const char *text) {
    struct gf_address address;
    struct gf_error err;
    cr_assert_eq(gf_address_parse(text, &address, &err), GF_OK, "%s", err.message);
    return address;
}

static void assert_host_port(const char *text, const char *host, int port) {
    const struct gf_address address = parsed(text);
    cr_assert(gf_str_eq(address.host, gf_str_from(host)), "%s", text);
    cr_assert_eq(address.port, port, "%s", text);
    cr_assert_eq(address.path.len, 0);
}

Test(address, parse_takes_host_and_port) {
    assert_host_port("127.0.0.1:8080", "127.0.0.1", 8080);
    assert_host_port("localhost:0", "localhost", 0);
    assert_host_port("example.org:65535", "example.org", 65535);
}

Test(address, parse_takes_ipv6_in_brackets) {
    assert_host_port("[::1]:443", "::1", 443);
}

Test(address, parse_takes_absolute_unix_paths) {
    const struct gf_address address = parsed("unix:/run/gofer.sock");
    cr_assert(gf_str_eq(address.path, GF_STR("/run/gofer.sock")));
}

Test(address, parse_refuses_what_is_no_address_and_names_it) {
    const char *const bad[] = {
        "",         "localhost", ":8080",          "localhost:", "localhost:65536", "host:-1",
        "host:80x", "host:+80",  "::1:80",         "[::1]",      "[::1]80",         "[]:80",
        "unix:",    "unix:a/b",  "unix:@abstract", "http://h:1", "dns:///h:1",      "a/b:1",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        struct gf_address address;
        struct gf_error err;
        cr_expect_eq(gf_address_parse(bad[i], &address, &err), GF_INVALID_ARGUMENT, "%s", bad[i]);
        cr_expect_not_null(strstr(err.message, bad[i]), "%s", err.message);
    }
}

Test(address, parse_limits_unix_paths_to_what_the_kernel_takes) {
    char text[GF_ADDRESS_PATH_BYTES_MAX + 7] = "unix:/";
    const size_t used = strlen(text);
    memset(text + used, 'a', sizeof(text) - used);
    text[5 + GF_ADDRESS_PATH_BYTES_MAX] = '\0';
    (void)parsed(text);
    text[5 + GF_ADDRESS_PATH_BYTES_MAX] = 'a';
    text[6 + GF_ADDRESS_PATH_BYTES_MAX] = '\0';
    struct gf_address address;
    cr_assert_eq(gf_address_parse(text, &address, NULL), GF_INVALID_ARGUMENT);
}

/* A listening socket on a free port of 127.0.0.1. */
static int listen_tcp(int *out_port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

Test(address, diagnose_tells_a_port_in_use) {
    int port = 0;
    GF_CLEANUP(gf_close_p) int fd = listen_tcp(&port);
    char text[32];
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", port);
    struct gf_error err;
    cr_assert_eq(gf_address_diagnose(text, &err), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, "in use"), "%s", err.message);
    gf_close(&fd);
    cr_assert_eq(gf_address_diagnose(text, &err), GF_OK);
}

Test(address, diagnose_tells_an_address_of_another_machine) {
    struct gf_error err;
    cr_assert_eq(gf_address_diagnose("192.0.2.1:0", &err), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, "192.0.2.1:0"), "%s", err.message);
}

static int listen_unix(const char *path) {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

Test(address, check_path_refuses_a_live_socket_and_takes_a_stale_one) {
    char folder[] = "/tmp/gofer-address-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    struct gf_error err;
    cr_assert_eq(gf_address_check_path(path, &err), GF_OK);
    GF_CLEANUP(gf_close_p) int fd = listen_unix(path);
    cr_assert_eq(gf_address_check_path(path, &err), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, path), "%s", err.message);
    gf_close(&fd);
    cr_assert_eq(gf_address_check_path(path, &err), GF_OK);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(folder), 0);
}

Test(address, check_path_refuses_what_is_no_socket) {
    char path[] = "/tmp/gofer-address-XXXXXX";
    GF_CLEANUP(gf_close_p) int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    struct gf_error err;
    cr_assert_eq(gf_address_check_path(path, &err), GF_FAILED_PRECONDITION);
    cr_assert_not_null(strstr(err.message, "no socket"), "%s", err.message);
    cr_assert_eq(access(path, F_OK), 0, "the file must stay");
    cr_assert_eq(unlink(path), 0);
}
