/* How connections are taken. For api/rpc alone, and its tests. */
#ifndef GOFER_API_RPC_ACCEPT_INTERNAL_H_
#define GOFER_API_RPC_ACCEPT_INTERNAL_H_

#include "base/counter.h"

#include <stdbool.h>
#include <sys/socket.h>

/*
 * From here on gRPC's listeners take a connection only while this process has fewer than
 * GF_RPC_CONNECTIONS_MAX descriptors, without gf_rpc_other_descriptors, and fewer than three
 * quarters of those that it may have (RLIMIT_NOFILE, as it is then); of these, other machines have
 * three quarters. Others are closed at once. No failure to take one ends a listener. Thread: any.
 */
void gf_rpc__accept_guard(void);

/* How many were taken, and how many were refused or could not be taken. Thread: any. */
struct gf_rpc__accept_counts {
    struct gf_counter taken;
    struct gf_counter refused;
};
extern struct gf_rpc__accept_counts gf_rpc__accept_counts;

/* Whether a connection from there that has got this descriptor is kept. Thread: any. */
bool gf_rpc__accept_has_room(int fd, const struct sockaddr *address);

#endif /* GOFER_API_RPC_ACCEPT_INTERNAL_H_ */
