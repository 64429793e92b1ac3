/*
 * Where a registry may send gofer-fetch: a stranger's redirect must not reach what only this
 * machine can reach.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_ADDRESS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_ADDRESS_H_

#include "base/macros.h"

#include <sys/socket.h>

enum gf_address_kind {
    GF_ADDRESS_ORDINARY,
    GF_ADDRESS_LOOPBACK,   /* this machine itself; 0.0.0.0 and :: too */
    GF_ADDRESS_LINK_LOCAL, /* 169.254.0.0/16, fe80::/10, fd00:ec2::254: cloud metadata and the like
                            */
};

/* Of a socket address; one of a family that is not known is LINK_LOCAL, which nobody may reach. */
enum gf_address_kind gf_address_kind_of(const struct sockaddr *address);

/* The same for a host as addresses name it, "127.0.0.1", "[::1]", "localhost"; names that must be
 * resolved are ORDINARY. */
enum gf_address_kind gf_address_kind_of_host(const char *host);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REGISTRY_ADDRESS_H_ */
