#include "engine/scheduler/native/network/subnet.h"

#include <stdio.h>

enum {
    OCTETS = 4,
    OCTET_MAX = 255,
    ADDRESS_BITS = 32,
    LOOPBACK = 127,
    MULTICAST_FIRST = 224,
};

/* 169.254.0.0/16 */
#define LINK_LOCAL UINT32_C(0xa9fe)

bool gf_ipv4_parse(struct gf_str text, uint32_t *out_address) {
    uint32_t address = 0;
    for (int i = 0; i < OCTETS; i++) {
        struct gf_str part;
        int64_t value = 0;
        const bool more = gf_str_cut(text, '.', &part, &text);
        if (more != (i < OCTETS - 1) || part.len == 0 || part.len > 3 || part.ptr[0] < '0' ||
            part.ptr[0] > '9' || (part.len > 1 && part.ptr[0] == '0') ||
            !gf_parse_i64(part, &value) || value > OCTET_MAX) {
            return false;
        }
        address = address << 8 | (uint32_t)value;
    }
    *out_address = address;
    return true;
}

char *gf_ipv4_format(uint32_t address, char out[GF_IPV4_TEXT_BYTES_MAX]) {
    snprintf(out, GF_IPV4_TEXT_BYTES_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & OCTET_MAX,
             address >> 8 & OCTET_MAX, address & OCTET_MAX);
    return out;
}

bool gf_ipv4_is_loopback(uint32_t address) {
    return address >> 24 == LOOPBACK;
}

static uint32_t mask_of(int prefix) {
    return prefix == 0 ? 0 : UINT32_MAX << (ADDRESS_BITS - prefix);
}

enum gf_code gf_subnet_parse(struct gf_str text, struct gf_subnet *out_subnet,
                             struct gf_error *err) {
    struct gf_str address_text;
    struct gf_str prefix_text;
    struct gf_subnet subnet;
    int64_t prefix = 0;
    if (!gf_str_cut(text, '/', &address_text, &prefix_text) ||
        !gf_ipv4_parse(address_text, &subnet.network) || !gf_parse_i64(prefix_text, &prefix) ||
        prefix < GF_SUBNET_PREFIX_MIN || prefix > GF_SUBNET_PREFIX_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "subnet '%" GF_STR_FMT "' must be an IPv4 network like 10.213.0.0/16, "
                       "from a /%d to a /%d",
                       GF_STR_ARG(text), GF_SUBNET_PREFIX_MIN, GF_SUBNET_PREFIX_MAX);
    }
    subnet.prefix = (int)prefix;
    const uint32_t first = subnet.network >> 24;
    if (first == 0 || first == LOOPBACK || first >= MULTICAST_FIRST ||
        subnet.network >> 16 == LINK_LOCAL || (subnet.network & ~mask_of(subnet.prefix)) != 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "subnet '%" GF_STR_FMT "' must be a network of hosts, and its address the "
                       "first of it",
                       GF_STR_ARG(text));
    }
    *out_subnet = subnet;
    return GF_OK;
}

uint32_t gf_subnet_last_host(const struct gf_subnet *subnet) {
    return ~mask_of(subnet->prefix) - 1;
}

uint32_t gf_subnet_address(const struct gf_subnet *subnet, uint32_t host) {
    return subnet->network + host;
}

bool gf_subnet_overlaps(const struct gf_subnet *subnet, uint32_t address, int prefix) {
    const uint32_t mask = mask_of(prefix < subnet->prefix ? prefix : subnet->prefix);
    return (subnet->network & mask) == (address & mask);
}
