#include "api/server/address.h"

#include "base/str.h"

#include <arpa/inet.h>

enum {
    HOST_BYTES_MAX = 253,
};

const char *gf_address_unix_path(const char *address) {
    const struct gf_str prefix = GF_STR("unix:");
    return gf_str_has_prefix(gf_str_from(address), prefix) ? address + prefix.len : NULL;
}

bool gf_address_is_local(const char *address) {
    char text[HOST_BYTES_MAX + 1];
    if (gf_address_unix_path(address) != NULL) {
        return true;
    }
    const char *colon = strrchr(address, ':');
    struct gf_str host = {address, colon == NULL ? strlen(address) : (size_t)(colon - address)};
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host = (struct gf_str){host.ptr + 1, host.len - 2};
    }
    if (host.len == 0 || host.len > HOST_BYTES_MAX) {
        return false;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    if (inet_pton(AF_INET6, text, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
    }
    return gf_str_eq_nocase(host, GF_STR("localhost"));
}
