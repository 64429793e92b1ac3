#include "engine/scheduler/native/fetch/registry/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static enum gf_address_kind kind_of_ipv4(uint32_t address) {
    const uint32_t first = address >> 24;
    if (first == 127 || first == 0) {
        return GF_ADDRESS_LOOPBACK;
    }
    return address >> 16 == 0xa9fe ? GF_ADDRESS_LINK_LOCAL : GF_ADDRESS_ORDINARY;
}

static enum gf_address_kind kind_of_ipv6(const struct in6_addr *address) {
    static const struct in6_addr metadata = {
        {{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}}};
    if (IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_V4COMPAT(address)) {
        uint32_t last = 0;
        memcpy(&last, address->s6_addr + 12, sizeof(last));
        return kind_of_ipv4(ntohl(last));
    }
    if (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address)) {
        return GF_ADDRESS_LOOPBACK;
    }
    const bool is_metadata = memcmp(address, &metadata, sizeof(metadata)) == 0;
    return IN6_IS_ADDR_LINKLOCAL(address) || is_metadata ? GF_ADDRESS_LINK_LOCAL
                                                         : GF_ADDRESS_ORDINARY;
}

enum gf_address_kind gf_address_kind_of(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        return kind_of_ipv4(ntohl(ipv4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        return kind_of_ipv6(&ipv6.sin6_addr);
    }
    return GF_ADDRESS_LINK_LOCAL;
}

enum gf_address_kind gf_address_kind_of_host(const char *host) {
    struct gf_str text = gf_str_from(host);
    char plain[INET6_ADDRSTRLEN];
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (gf_str_eq_nocase(text, GF_STR("localhost")) ||
        (text.len > 10 &&
         gf_str_eq_nocase((struct gf_str){text.ptr + text.len - 10, 10}, GF_STR(".localhost")))) {
        return GF_ADDRESS_LOOPBACK;
    }
    if (text.len > 2 && text.ptr[0] == '[') {
        text = (struct gf_str){text.ptr + 1, text.len - 2};
    }
    if (text.len >= sizeof(plain)) {
        return GF_ADDRESS_ORDINARY;
    }
    (void)snprintf(plain, sizeof(plain), "%" GF_STR_FMT, GF_STR_ARG(text));
    /* Also the old forms "127.1" and "2130706433", which the resolver takes. */
    if (inet_aton(plain, &ipv4.sin_addr) != 0) {
        return kind_of_ipv4(ntohl(ipv4.sin_addr.s_addr));
    }
    if (inet_pton(AF_INET6, plain, &ipv6.sin6_addr) == 1) {
        return kind_of_ipv6(&ipv6.sin6_addr);
    }
    return GF_ADDRESS_ORDINARY;
}
