/*
 * The addresses of a bridge: the first of its subnet is the bridge's own, the last is left alone,
 * and each in between may be a container's. IPv4, in host byte order.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_SUBNET_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_SUBNET_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_SUBNET_PREFIX_MIN = 16,
    GF_SUBNET_PREFIX_MAX = 28,
    GF_IPV4_TEXT_BYTES_MAX = 16, /* "255.255.255.255" with its NUL */
};

struct gf_subnet {
    uint32_t network;
    int prefix;
};

/* "10.213.0.0/16". Code: GF_INVALID_ARGUMENT (which also says what is expected). */
enum gf_code gf_subnet_parse(struct gf_str text, struct gf_subnet *out_subnet,
                             struct gf_error *err) GF_MUST_USE;

/* Hosts are numbered within the subnet: the bridge is 1, containers are 2 to this. */
enum {
    GF_SUBNET_BRIDGE_HOST = 1,
    GF_SUBNET_FIRST_HOST = 2
};
uint32_t gf_subnet_last_host(const struct gf_subnet *subnet);
uint32_t gf_subnet_address(const struct gf_subnet *subnet, uint32_t host);

/* Whether they have an address in common. */
bool gf_subnet_overlaps(const struct gf_subnet *subnet, uint32_t address, int prefix);

/* Dotted text; parsing accepts exactly four decimal numbers without leading zeros. */
char *gf_ipv4_format(uint32_t address, char out[GF_IPV4_TEXT_BYTES_MAX]);
bool gf_ipv4_parse(struct gf_str text, uint32_t *out_address);
bool gf_ipv4_is_loopback(uint32_t address);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_SUBNET_H_ */
