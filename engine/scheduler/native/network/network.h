/*
 * The networks of containers: namespaces made ahead, because making one is the most expensive
 * single step of a container.
 *
 * One thread makes them, in the network namespace that the creator was in, and keeps some ready:
 * of the kind with a loopback alone from the start, of those behind the bridge from the first that
 * is wanted on (or from the start, where that is what tasks get). Each is used once, by one
 * container, and ends with it. The bridge is made when it is first needed, so that a machine whose
 * tasks need none is left as it is; one that is there is taken up at once, as containers of the
 * server before may be behind it.
 *
 * A namespace is handed out as a descriptor, which the receiver closes when the container has it.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NETWORK_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NETWORK_H_

#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"
#include "engine/scheduler/native/network/resolv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GF_NETWORK_BRIDGE_NAME_DEFAULT "gofer0"
#define GF_NETWORK_BRIDGE_SUBNET_DEFAULT "10.213.0.0/16"

enum {
    GF_NETWORK_READY_DEFAULT = 8,
    GF_NETWORK_READY_MAX = 256,
    GF_NETWORK_WAIT_MS = 30000, /* how long a container may wait for an address */
    GF_NETWORK_NOTE_BYTES_MAX = 384,
};

struct gf_network;

/* All is borrowed until gf_network_create returns. */
struct gf_network_opts {
    const char *bridge_name;        /* NULL = the default; see gf_bridge_check_name */
    const char *bridge_subnet;      /* NULL = the default; see gf_subnet_parse */
    const char *const *dns_servers; /* IPv4 addresses; none = those of this machine */
    size_t dns_server_count;        /* at most GF_RESOLV_SERVERS_MAX */
    int32_t ready_count;            /* of each kind; 0 = the default, below 0 = none */
    bool bridge_at_start;           /* else when it is first wanted */
};

/*
 * Starts the thread. Codes: GF_INVALID_ARGUMENT (a name, a subnet, a server), GF_INTERNAL.
 */
enum gf_code gf_network_create(const struct gf_network_opts *opts, struct gf_network **out_network,
                               struct gf_error *err) GF_MUST_USE;

/*
 * Ends the thread: who waits for a namespace gets GF_UNAVAILABLE before this returns, and so does
 * everybody who asks from then on. Thread: any but the network's, one at a time. May be called
 * twice.
 */
void gf_network_stop(struct gf_network *network);

/* Stops it and lets go of the namespaces that are ready. The bridge stays. Accepts NULL. */
void gf_network_destroy(struct gf_network *network);

/*
 * A namespace with nothing but a loopback, if one is ready; -1 where none is: then the caller's
 * shim makes its own, which takes no longer than waiting. Thread: any.
 */
int gf_network_take_private(struct gf_network *network);

/* A namespace behind the bridge. */
struct gf_network_lease {
    int fd;                                /* owned by the receiver */
    char resolv[GF_RESOLV_TEXT_BYTES_MAX]; /* the text of resolv.conf; "" = no name servers */
};

/*
 * Asks for a namespace behind the bridge. `fn` is called once, with a lease, or NULL and why not:
 * GF_FAILED_PRECONDITION (no bridge can be had: a sentence), GF_RESOURCE_EXHAUSTED (no address has
 * become free within GF_NETWORK_WAIT_MS), GF_UNAVAILABLE (stopped). It runs on the network's
 * thread or, where there is nothing to wait for, on the caller's before this returns; it must not
 * block, nor call this module. Thread: any.
 */
typedef void gf_network_lease_fn(const struct gf_network_lease *lease, const struct gf_error *error,
                                 void *ctx);
void gf_network_request_bridged(struct gf_network *network, gf_network_lease_fn *fn, void *ctx);

/* The text of resolv.conf for containers on the machine's own network. Thread: any. */
void gf_network_host_resolv(const struct gf_network *network,
                            char out_text[GF_RESOLV_TEXT_BYTES_MAX]);

/* What a person wants to know of it. */
struct gf_network_report {
    bool bridge_open;      /* it is there and in use */
    bool bridge_available; /* it is there, or could be made: tried in a namespace of its own */
    char why_not[GF_NETWORK_NOTE_BYTES_MAX]; /* a sentence; "" = available */
    /* Sentences about what may keep it from working, or else be surprising; "" = nothing. */
    char firewall[GF_NETWORK_NOTE_BYTES_MAX];
    char forwarding[GF_NETWORK_NOTE_BYTES_MAX];
    char name_servers[GF_NETWORK_NOTE_BYTES_MAX];
    int32_t addresses_used; /* of the bridge; those of namespaces that are ready count */
    int32_t addresses;      /* that containers can have */
};

/* Finds out. Takes some tens of milliseconds. Thread: any but the network's. */
void gf_network_get_report(struct gf_network *network, struct gf_network_report *out_report);

/* What there is now, and was since the start. */
struct gf_network_stats {
    int32_t ready_private, ready_private_limit; /* made ahead */
    int32_t ready_bridged, ready_bridged_limit; /* likewise; none before the first is wanted */
    size_t waiting;                             /* for a namespace behind the bridge */
    int32_t addresses_used; /* of the bridge; those of namespaces that are ready count */
    int32_t addresses_limit;
    uint64_t failures_total;           /* namespaces that could not be made */
    struct gf_histogram_snapshot make; /* of those that were */
};
/* Waits for nothing. Thread: any. */
void gf_network_stats(struct gf_network *network, struct gf_network_stats *out);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NETWORK_H_ */
