/*
 * The few requests to the kernel's rtnetlink that containers' networks need.
 *
 * Requests go one at a time, each is acknowledged, and an answer is waited for up to
 * GF_NETLINK_WAIT_MS. A socket speaks for the network namespace in which it was opened, whatever
 * the thread does later. Addresses are IPv4 in host byte order.
 *
 * Codes of all requests, beside those named: GF_NOT_FOUND (no such device), GF_ALREADY_EXISTS,
 * GF_PERMISSION_DENIED, GF_FAILED_PRECONDITION (the kernel lacks what is asked for),
 * GF_DEADLINE_EXCEEDED, GF_INTERNAL. Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NETLINK_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NETLINK_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_NETLINK_WAIT_MS = 10000,
    GF_NETLINK_NAME_BYTES_MAX = 15, /* of a device: the kernel's limit */
    GF_NETLINK_MAC_BYTES = 6,
};

/* A value in the caller's memory; fd -1: closed. */
struct gf_netlink {
    int fd;
    uint32_t sequence;
};

struct gf_mac {
    uint8_t bytes[GF_NETLINK_MAC_BYTES];
};

/* Opens a socket in the network namespace of the calling thread. */
enum gf_code gf_netlink_open(struct gf_netlink *netlink, struct gf_error *err) GF_MUST_USE;
void gf_netlink_close(struct gf_netlink *netlink);

/* The index of the device. Code: GF_NOT_FOUND. */
enum gf_code gf_netlink_find(struct gf_netlink *netlink, const char *name, int *out_index,
                             struct gf_error *err) GF_MUST_USE;

enum gf_code gf_netlink_make_bridge(struct gf_netlink *netlink, const char *name,
                                    const struct gf_mac *mac, struct gf_error *err) GF_MUST_USE;

/* A pair of devices: one is here, its peer in another namespace. Borrowed for the call. */
struct gf_netlink_pair {
    const char *name;
    int bridge_index; /* the device here is a port of it; 0: of none */
    const char *peer_name;
    struct gf_mac peer_mac;
    int peer_namespace_fd;
};

/* Makes a pair of veth devices, both down. Code: GF_ALREADY_EXISTS (the name here). */
enum gf_code gf_netlink_make_pair(struct gf_netlink *netlink, const struct gf_netlink_pair *pair,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Closes a port of a bridge to all other isolated ports, and has the bridge know behind it the one
 * address `mac` and never learn another.
 */
enum gf_code gf_netlink_isolate(struct gf_netlink *netlink, int port_index,
                                const struct gf_mac *mac, struct gf_error *err) GF_MUST_USE;

/* Brings a device up. */
enum gf_code gf_netlink_raise(struct gf_netlink *netlink, int index,
                              struct gf_error *err) GF_MUST_USE;

enum gf_code gf_netlink_add_address(struct gf_netlink *netlink, int index, uint32_t address,
                                    int prefix, struct gf_error *err) GF_MUST_USE;

enum gf_code gf_netlink_add_default_route(struct gf_netlink *netlink, uint32_t gateway,
                                          struct gf_error *err) GF_MUST_USE;

/* Removes a device, and its peer with it. */
enum gf_code gf_netlink_remove(struct gf_netlink *netlink, int index,
                               struct gf_error *err) GF_MUST_USE;

/* Calls fn for every device; fn makes no request of this socket. */
enum gf_code gf_netlink_list(struct gf_netlink *netlink,
                             void (*fn)(const char *name, int index, void *ctx), void *ctx,
                             struct gf_error *err) GF_MUST_USE;

/* Calls fn for every IPv4 address of every device. */
enum gf_code gf_netlink_list_addresses(struct gf_netlink *netlink,
                                       void (*fn)(int index, uint32_t address, int prefix,
                                                  void *ctx),
                                       void *ctx, struct gf_error *err) GF_MUST_USE;

/*
 * A socket that tells of devices that go: it becomes readable. gf_netlink_next_gone reads without
 * blocking: true with the name of one; false when there is none for now. `out_lost`: some were
 * missed, so that only a list tells.
 */
enum gf_code gf_netlink_watch(int *out_fd, struct gf_error *err) GF_MUST_USE;
bool gf_netlink_next_gone(int fd, char out_name[GF_NETLINK_NAME_BYTES_MAX + 1], bool *out_lost);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NETLINK_H_ */
