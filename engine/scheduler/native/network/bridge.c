#include "engine/scheduler/native/network/bridge.h"

#include "base/alloc.h"
#include "base/file.h"
#include "engine/scheduler/native/network/filter.h"
#include "engine/scheduler/native/network/namespace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD_BITS = 64,
    SETTING_BYTES_MAX = 64,
};

enum gf_code gf_bridge_check_name(const char *name, struct gf_error *err) {
    const size_t len = strlen(name);
    bool fits = len > 0 && len <= GF_BRIDGE_NAME_BYTES_MAX;
    for (size_t i = 0; i < len && fits; i++) {
        const char c = name[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        fits = letter || (i > 0 && ((c >= '0' && c <= '9') || c == '_' || c == '-'));
    }
    if (!fits) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "bridge name '%.32s' must be 1 to %d letters, digits, '_' and '-', a letter "
                       "first",
                       name, GF_BRIDGE_NAME_BYTES_MAX);
    }
    return GF_OK;
}

/* ---- addresses ---- */

/* An address of its own for each device, derived from its IPv4 address; the first byte says that
 * it was given locally. */
static struct gf_mac mac_of(uint32_t address) {
    return (struct gf_mac){{0x02, 0x67, (uint8_t)(address >> 24), (uint8_t)(address >> 16),
                            (uint8_t)(address >> 8), (uint8_t)address}};
}

static bool is_used(const struct gf_bridge *bridge, uint32_t host) {
    return (bridge->in_use[host / WORD_BITS] >> (host % WORD_BITS) & 1) != 0;
}

static void mark(struct gf_bridge *bridge, uint32_t host, bool used) {
    const uint64_t bit = UINT64_C(1) << (host % WORD_BITS);
    if (is_used(bridge, host) != used) {
        bridge->in_use[host / WORD_BITS] ^= bit;
        bridge->used += used ? 1 : UINT32_MAX; /* one more, or one less */
    }
}

/* The host of a port of this bridge; 0 for other devices. */
static uint32_t host_of(const struct gf_bridge *bridge, const char *port) {
    const size_t len = strlen(bridge->name);
    int64_t host = 0;
    if (strncmp(port, bridge->name, len) != 0 || port[len] != '-' ||
        !gf_parse_i64(gf_str_from(port + len + 1), &host) || host < GF_SUBNET_FIRST_HOST ||
        host > gf_subnet_last_host(&bridge->subnet)) {
        return 0;
    }
    return (uint32_t)host;
}

static void note_port(const char *name, int index, void *ctx) {
    struct gf_bridge *bridge = ctx;
    const uint32_t host = host_of(bridge, name);
    (void)index;
    if (host != 0) {
        mark(bridge, host, true);
    }
}

static enum gf_code find_used(struct gf_bridge *bridge, struct gf_error *err) {
    const size_t words = gf_subnet_last_host(&bridge->subnet) / WORD_BITS + 1;
    memset(bridge->in_use, 0, words * sizeof(bridge->in_use[0]));
    bridge->used = 0;
    return gf_netlink_list(&bridge->netlink, note_port, bridge, err);
}

void gf_bridge_collect(struct gf_bridge *bridge) {
    char name[GF_NETLINK_NAME_BYTES_MAX + 1];
    bool lost = false;
    while (gf_netlink_next_gone(bridge->watch_fd, name, &lost)) {
        const uint32_t host = host_of(bridge, name);
        if (host != 0) {
            mark(bridge, host, false);
        }
    }
    if (lost) {
        (void)!find_used(bridge, NULL); /* what it does not find stays in use */
    }
}

/* ---- opening ---- */

struct address_check {
    const struct gf_bridge *bridge;
    bool there;        /* the bridge has its address */
    bool another;      /* the bridge has another one */
    uint32_t conflict; /* what another device has of the subnet; 0 = nothing */
};

static void check_address(int index, uint32_t address, int prefix, void *ctx) {
    struct address_check *check = ctx;
    const struct gf_subnet *subnet = &check->bridge->subnet;
    if (index == check->bridge->index) {
        const bool ours =
            address == gf_subnet_address(subnet, GF_SUBNET_BRIDGE_HOST) && prefix == subnet->prefix;
        check->there |= ours;
        check->another |= !ours;
    } else if (gf_subnet_overlaps(subnet, address, prefix)) {
        check->conflict = address;
    }
}

static enum gf_code address_bridge(struct gf_bridge *bridge, struct gf_error *err) {
    struct address_check check = {.bridge = bridge};
    char text[GF_IPV4_TEXT_BYTES_MAX];
    enum gf_code rc = gf_netlink_list_addresses(&bridge->netlink, check_address, &check, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (check.conflict != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "this machine has an address in the subnet of the bridge already (%s): "
                       "choose another scheduler.bridge_subnet",
                       gf_ipv4_format(check.conflict, text));
    }
    if (check.another) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the bridge '%s' is there with another subnet: remove it, or choose "
                       "another scheduler.bridge_name",
                       bridge->name);
    }
    return check.there
               ? GF_OK
               : gf_netlink_add_address(&bridge->netlink, bridge->index,
                                        gf_subnet_address(&bridge->subnet, GF_SUBNET_BRIDGE_HOST),
                                        bridge->subnet.prefix, err);
}

static void disable_ipv6(const char *device) {
    char setting[SETTING_BYTES_MAX];
    snprintf(setting, sizeof(setting), "ipv6/conf/%s/disable_ipv6", device);
    (void)!gf_namespace_set(setting, "1", NULL); /* a kernel without IPv6 has none to disable */
}

static enum gf_code make_device(struct gf_bridge *bridge, struct gf_error *err) {
    const struct gf_mac mac = mac_of(gf_subnet_address(&bridge->subnet, GF_SUBNET_BRIDGE_HOST));
    enum gf_code rc = gf_netlink_make_bridge(&bridge->netlink, bridge->name, &mac, err);
    if (rc == GF_OK || rc == GF_ALREADY_EXISTS) {
        rc = gf_netlink_find(&bridge->netlink, bridge->name, &bridge->index, err);
    }
    if (rc == GF_OK) {
        disable_ipv6(bridge->name);
        rc = address_bridge(bridge, err);
    }
    return rc == GF_OK ? gf_netlink_raise(&bridge->netlink, bridge->index, err) : rc;
}

static enum gf_code forward_packets(struct gf_bridge *bridge, struct gf_error *err) {
    struct gf_strbuf now;
    gf_strbuf_init(&now, SETTING_BYTES_MAX);
    enum gf_code rc = gf_file_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", &now, err);
    const bool off = rc == GF_OK && gf_str_has_prefix(gf_strbuf_view(&now), GF_STR("0"));
    gf_strbuf_fini(&now);
    if (off) {
        rc = gf_namespace_set("ipv4/ip_forward", "1", err);
        bridge->turned_on = rc == GF_OK;
    }
    return rc == GF_OK ? rc : gf_wrap(err, "forwarding of packets");
}

static enum gf_code load_filter(struct gf_bridge *bridge, const struct gf_resolv *resolv,
                                struct gf_error *err) {
    const struct gf_filter filter = {
        .bridge = bridge->name, .subnet = bridge->subnet, .resolv = *resolv};
    enum gf_code rc = gf_filter_load(&filter, err);
    if (rc == GF_OK) {
        bridge->resolv = *resolv;
    }
    return rc;
}

/* The filter comes before anything can be forwarded, and the watch before the list. */
static enum gf_code open_all(struct gf_bridge *bridge, const struct gf_resolv *resolv,
                             struct gf_error *err) {
    enum gf_code rc = gf_netlink_open(&bridge->netlink, err);
    if (rc == GF_OK) {
        rc = load_filter(bridge, resolv, err);
    }
    if (rc == GF_OK) {
        rc = make_device(bridge, err);
    }
    if (rc == GF_OK) {
        rc = forward_packets(bridge, err);
    }
    if (rc == GF_OK) {
        rc = gf_netlink_watch(&bridge->watch_fd, err);
    }
    return rc == GF_OK ? find_used(bridge, err) : rc;
}

enum gf_code gf_bridge_open(struct gf_bridge *bridge, const char *name,
                            const struct gf_subnet *subnet, const struct gf_resolv *resolv,
                            struct gf_error *err) {
    gf_assert(strlen(name) <= GF_BRIDGE_NAME_BYTES_MAX);
    const size_t words = gf_subnet_last_host(subnet) / WORD_BITS + 1;
    *bridge = (struct gf_bridge){
        .subnet = *subnet,
        .netlink = {.fd = -1},
        .watch_fd = -1,
        .in_use = gf_calloc(words, sizeof(uint64_t)),
        .next = GF_SUBNET_FIRST_HOST,
    };
    snprintf(bridge->name, sizeof(bridge->name), "%s", name);
    enum gf_code rc = open_all(bridge, resolv, err);
    if (rc != GF_OK) {
        gf_bridge_close(bridge);
        return gf_wrap(err, "bridge '%s'", name);
    }
    return GF_OK;
}

void gf_bridge_close(struct gf_bridge *bridge) {
    if (bridge->in_use != NULL) {
        gf_netlink_close(&bridge->netlink);
        gf_close(&bridge->watch_fd);
        free(bridge->in_use);
        bridge->in_use = NULL;
    }
}

enum gf_code gf_bridge_keep(struct gf_bridge *bridge, const struct gf_resolv *resolv,
                            struct gf_error *err) {
    int index = 0;
    enum gf_code rc = gf_netlink_find(&bridge->netlink, bridge->name, &index, err);
    if (rc == GF_OK && index != bridge->index) {
        rc = gf_fail(err, GF_NOT_FOUND, "the bridge '%s' is another one now", bridge->name);
    }
    if (rc != GF_OK ||
        (gf_resolv_equal(&bridge->resolv, resolv) && gf_filter_is_loaded(bridge->name))) {
        return rc;
    }
    return load_filter(bridge, resolv, err);
}

/* ---- connecting ---- */

/* The next host that nobody has, as far as is known; 0: all are in use. */
static uint32_t next_free(struct gf_bridge *bridge) {
    const uint32_t last = gf_subnet_last_host(&bridge->subnet);
    for (uint32_t tried = GF_SUBNET_FIRST_HOST; tried <= last; tried++) {
        const uint32_t host = bridge->next;
        bridge->next = host == last ? GF_SUBNET_FIRST_HOST : host + 1;
        if (!is_used(bridge, host)) {
            return host;
        }
    }
    return 0;
}

/* Makes the pair on a host that is free; another server's ports are found by trying. */
static enum gf_code make_port(struct gf_bridge *bridge, int namespace_fd,
                              char out_name[GF_NETLINK_NAME_BYTES_MAX + 1], uint32_t *out_host,
                              struct gf_error *err) {
    for (;;) {
        const uint32_t host = next_free(bridge);
        if (host == 0) {
            char text[GF_IPV4_TEXT_BYTES_MAX];
            return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                           "all %" PRIu32 " addresses of %s/%d are in use by containers "
                           "(scheduler.bridge_subnet)",
                           bridge->used, gf_ipv4_format(bridge->subnet.network, text),
                           bridge->subnet.prefix);
        }
        snprintf(out_name, GF_NETLINK_NAME_BYTES_MAX + 1, "%s-%" PRIu16, bridge->name,
                 (uint16_t)host); /* a /16 has no more */
        const struct gf_netlink_pair pair = {
            .name = out_name,
            .bridge_index = bridge->index,
            .peer_name = "eth0",
            .peer_mac = mac_of(gf_subnet_address(&bridge->subnet, host)),
            .peer_namespace_fd = namespace_fd,
        };
        const enum gf_code rc = gf_netlink_make_pair(&bridge->netlink, &pair, err);
        if (rc == GF_OK || rc == GF_ALREADY_EXISTS) {
            mark(bridge, host, true);
        }
        if (rc != GF_ALREADY_EXISTS) {
            *out_host = host;
            return rc;
        }
    }
}

static enum gf_code open_port(struct gf_bridge *bridge, const char *name, uint32_t host,
                              struct gf_error *err) {
    const struct gf_mac mac = mac_of(gf_subnet_address(&bridge->subnet, host));
    int index = 0;
    disable_ipv6(name);
    enum gf_code rc = gf_netlink_find(&bridge->netlink, name, &index, err);
    if (rc == GF_OK) {
        rc = gf_netlink_isolate(&bridge->netlink, index, &mac, err);
    }
    return rc == GF_OK ? gf_netlink_raise(&bridge->netlink, index, err) : rc;
}

static enum gf_code set_up_inside(const struct gf_bridge *bridge, struct gf_netlink *inside,
                                  uint32_t host, struct gf_error *err) {
    int index = 0;
    enum gf_code rc = gf_netlink_find(inside, "eth0", &index, err);
    if (rc == GF_OK) {
        rc = gf_netlink_add_address(inside, index, gf_subnet_address(&bridge->subnet, host),
                                    bridge->subnet.prefix, err);
    }
    if (rc == GF_OK) {
        rc = gf_netlink_raise(inside, index, err);
    }
    if (rc == GF_OK) {
        const uint32_t gateway = gf_subnet_address(&bridge->subnet, GF_SUBNET_BRIDGE_HOST);
        rc = gf_netlink_add_default_route(inside, gateway, err);
    }
    return rc;
}

enum gf_code gf_bridge_connect(struct gf_bridge *bridge, int namespace_fd,
                               struct gf_netlink *inside, struct gf_error *err) {
    char name[GF_NETLINK_NAME_BYTES_MAX + 1];
    uint32_t host = 0;
    enum gf_code rc = make_port(bridge, namespace_fd, name, &host, err);
    if (rc == GF_OK) {
        rc = open_port(bridge, name, host, err);
    }
    /* A port that is not finished goes with the namespace, which the caller closes. */
    return rc == GF_OK ? set_up_inside(bridge, inside, host, err) : rc;
}
