#include "base/macros.h"
#include "engine/scheduler/native/fetch/registry/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <criterion/criterion.h>

static enum gf_address_kind kind_of(const char *text) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return gf_address_kind_of((const struct sockaddr *)&ipv4);
    }
    cr_assert_eq(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1, "%s", text);
    return gf_address_kind_of((const struct sockaddr *)&ipv6);
}

Test(address, this_machine_and_its_neighbours_are_known) {
    static const char *const loopback[] = {"127.0.0.1", "127.9.9.9", "0.0.0.0",
                                           "::1",       "::",        "::ffff:127.0.0.1"};
    static const char *const link_local[] = {"169.254.169.254", "::ffff:169.254.1.1", "fe80::1",
                                             "fd00:ec2::254"};
    static const char *const ordinary[] = {"192.0.2.1", "10.0.0.1", "2001:db8::1", "169.253.0.1",
                                           "fd00::1"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(loopback); i++) {
        cr_assert_eq(kind_of(loopback[i]), GF_ADDRESS_LOOPBACK, "%s", loopback[i]);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(link_local); i++) {
        cr_assert_eq(kind_of(link_local[i]), GF_ADDRESS_LINK_LOCAL, "%s", link_local[i]);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(ordinary); i++) {
        cr_assert_eq(kind_of(ordinary[i]), GF_ADDRESS_ORDINARY, "%s", ordinary[i]);
    }
    const struct sockaddr unknown = {.sa_family = AF_UNIX};
    cr_assert_eq(gf_address_kind_of(&unknown), GF_ADDRESS_LINK_LOCAL);
}

Test(address, hosts_are_read_as_the_resolver_reads_them) {
    static const char *const loopback[] = {
        "localhost",  "LOCALHOST",  "a.localhost", "127.0.0.1",          "127.1",
        "2130706433", "0x7f000001", "[::1]",       "[::ffff:127.0.0.1]", "0"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(loopback); i++) {
        cr_assert_eq(gf_address_kind_of_host(loopback[i]), GF_ADDRESS_LOOPBACK, "%s", loopback[i]);
    }
    cr_assert_eq(gf_address_kind_of_host("169.254.169.254"), GF_ADDRESS_LINK_LOCAL);
    cr_assert_eq(gf_address_kind_of_host("[fe80::1]"), GF_ADDRESS_LINK_LOCAL);
    cr_assert_eq(gf_address_kind_of_host("2852039166"), GF_ADDRESS_LINK_LOCAL);
    cr_assert_eq(gf_address_kind_of_host("registry.example"), GF_ADDRESS_ORDINARY);
    cr_assert_eq(gf_address_kind_of_host("notlocalhost"), GF_ADDRESS_ORDINARY);
    cr_assert_eq(gf_address_kind_of_host(""), GF_ADDRESS_ORDINARY);
}
