/*
 * What a container behind the bridge may reach: one nftables table, "inet gofer_" and the name of
 * the bridge, loaded by Debian's nft(8). Loading it again replaces it whole.
 *
 *   - out, with the address of this machine (masquerade), to everywhere but: this machine itself,
 *     link-local addresses (clouds keep credentials at 169.254.169.254) and the other addresses
 *     that clouds use for that, other containers, multicast and broadcast. What is refused is
 * refused at once, not swallowed;
 *   - the name servers of containers may be asked (port 53) wherever they are;
 *   - nothing comes in from outside; this machine may speak to its containers;
 *   - no IPv6.
 *
 * A table of nftables can refuse a packet but not save one from another firewall: one that drops
 * what is forwarded (as Docker's does) has to be told of the bridge.
 *
 * Thread: any; in the network namespace of the calling thread.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_FILTER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_FILTER_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/network/resolv.h"
#include "engine/scheduler/native/network/subnet.h"

#include <stdbool.h>

enum {
    GF_FILTER_SCRIPT_BYTES_MAX = 16384,
    GF_FILTER_RUN_MS_MAX = 20000, /* how long nft may take */
};

struct gf_filter {
    const char *bridge;
    struct gf_subnet subnet;
    struct gf_resolv resolv;
};

/* Appends the script for nft. */
void gf_filter_write(const struct gf_filter *filter, struct gf_strbuf *out);

/* Loads it. Codes: GF_FAILED_PRECONDITION (no nft, or the kernel refuses), GF_DEADLINE_EXCEEDED. */
enum gf_code gf_filter_load(const struct gf_filter *filter, struct gf_error *err) GF_MUST_USE;

/* Whether the table is there: who loads rules of his own may have removed it with all others. Asks
 * the kernel, in microseconds; true where that does not tell. */
bool gf_filter_is_loaded(const char *bridge);

/* Whether another firewall drops forwarded packets by default, as far as nft can see. */
bool gf_filter_forwarding_is_dropped(void);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_FILTER_H_ */
