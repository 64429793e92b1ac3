/*
 * Which name servers a container asks: those of the configuration, else those of this machine.
 *
 * The machine's are read from /etc/resolv.conf. One that listens on a loopback address cannot be
 * reached from a container's network; where there are no others, those that systemd-resolved asks
 * itself are taken from its own file. Search domains and options stay behind: a name means the
 * same in every container.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_RESOLV_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_RESOLV_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/network/subnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_RESOLV_SERVERS_MAX = 3, /* resolvers look at no more */
    GF_RESOLV_FILE_BYTES_MAX = 65536,
    GF_RESOLV_TEXT_BYTES_MAX =
        GF_RESOLV_SERVERS_MAX * (sizeof("nameserver \n") + GF_IPV4_TEXT_BYTES_MAX),
};

/* IPv4 addresses; a value without further memory. */
struct gf_resolv {
    uint32_t servers[GF_RESOLV_SERVERS_MAX];
    size_t count;
};

/*
 * Appends the servers of a text in the format of resolv.conf, up to the limit; loopback addresses
 * only where `loopback` says so. Lines that say anything else or are malformed are passed over, and
 * so are IPv6 addresses: containers have IPv4. Never fails.
 */
void gf_resolv_parse(struct gf_str text, bool loopback, struct gf_resolv *resolv);

/* From a list of addresses. Code: GF_INVALID_ARGUMENT (no IPv4 address, loopback, too many). */
enum gf_code gf_resolv_from_list(const char *const *servers, size_t count,
                                 struct gf_resolv *out_resolv, struct gf_error *err) GF_MUST_USE;

/*
 * Those of this machine, from its files; none where there are none. `loopback`: for containers on
 * the machine's own network, which reach what listens there.
 */
void gf_resolv_read_host(bool loopback, struct gf_resolv *out_resolv);

/* The text of a resolv.conf, "" for none. Gives `out`. */
char *gf_resolv_format(const struct gf_resolv *resolv, char out[GF_RESOLV_TEXT_BYTES_MAX]);

bool gf_resolv_equal(const struct gf_resolv *a, const struct gf_resolv *b);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_RESOLV_H_ */
