/*
 * The bridge: a device of this machine with a port for each container, and the addresses that
 * containers have.
 *
 * Who has which address is said by the names of the ports: "gofer0-17" belongs to host 17 of the
 * subnet. The kernel removes a port when its container's namespace ends, and refuses a name that
 * is there; so what is in use is known after a restart of the server, and two servers can share a
 * bridge. Ports are isolated: what one sends never leaves by another.
 *
 * Device and packet filter stay when the server ends: containers outlive it.
 *
 * Thread: one at a time, always of the network namespace in which it was opened.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_BRIDGE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_BRIDGE_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/network/netlink.h"
#include "engine/scheduler/native/network/resolv.h"
#include "engine/scheduler/native/network/subnet.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_BRIDGE_NAME_BYTES_MAX = 9, /* leaves room for "-65534" */
};

/* A value in the caller's memory; private to bridge.c. */
struct gf_bridge {
    char name[GF_BRIDGE_NAME_BYTES_MAX + 1];
    struct gf_subnet subnet;
    struct gf_resolv resolv; /* that the packet filter knows */
    struct gf_netlink netlink;
    int index;
    int watch_fd;     /* readable when a port has gone */
    uint64_t *in_use; /* a bit for each host */
    uint32_t next;    /* where the search for a free host goes on */
    uint32_t used;    /* bits that are set */
    bool turned_on;   /* this server made the machine forward packets */
};

/* Whether the text can be the name of a bridge: letters, digits, '_' and '-', at first a letter. */
enum gf_code gf_bridge_check_name(const char *name, struct gf_error *err) GF_MUST_USE;

/*
 * Makes the device where it is missing, loads the packet filter, turns forwarding on
 * (net.ipv4.ip_forward) and finds the addresses that are in use. Codes: GF_FAILED_PRECONDITION
 * (another network of this machine has these addresses; the kernel or nft lack something), those
 * of netlink.h and of base/file.h.
 */
enum gf_code gf_bridge_open(struct gf_bridge *bridge, const char *name,
                            const struct gf_subnet *subnet, const struct gf_resolv *resolv,
                            struct gf_error *err) GF_MUST_USE;

/* Leaves device and filter. Accepts a zeroed one. */
void gf_bridge_close(struct gf_bridge *bridge);

/*
 * Loads the filter again where the name servers are others than before, or where somebody has
 * removed it. Code beside those of filter.h: GF_NOT_FOUND (the device is gone; open it anew).
 */
enum gf_code gf_bridge_keep(struct gf_bridge *bridge, const struct gf_resolv *resolv,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Connects the namespace behind the descriptor, which `inside` speaks for, by a device "eth0" with
 * an address and a default route. Code: GF_RESOURCE_EXHAUSTED (no address is free).
 */
enum gf_code gf_bridge_connect(struct gf_bridge *bridge, int namespace_fd,
                               struct gf_netlink *inside, struct gf_error *err) GF_MUST_USE;

/* Takes back the addresses of ports that have gone. Does not block. */
void gf_bridge_collect(struct gf_bridge *bridge);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_BRIDGE_H_ */
