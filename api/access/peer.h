/*
 * Where a call comes from, as far as limits care. For api/access and api/external. Thread: any.
 */
#ifndef GOFER_API_ACCESS_PEER_H_
#define GOFER_API_ACCESS_PEER_H_

#include "base/str.h"

#include <stdbool.h>

enum {
    GF_PEER_KEY_BYTES_MAX = 64,
};

struct gf_peer {
    /* What is counted together: an address of IPv4, a network of 64 bits of IPv6, all of the unix
     * sockets; else the text, cut. */
    char key[GF_PEER_KEY_BYTES_MAX];
    size_t key_len;
    bool local; /* this machine: loopback, or a unix socket */
};

/* Of gf_rpc_call_peer. Any text. */
void gf_peer_parse(const char *text, struct gf_peer *out_peer);

static inline struct gf_str gf_peer_key(const struct gf_peer *peer) {
    return (struct gf_str){peer->key, peer->key_len};
}

#endif /* GOFER_API_ACCESS_PEER_H_ */
