#include "api/access/peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    HOST_BYTES_MAX = 64, /* of an address with brackets, zone and final NUL */
    NETWORK_BYTES = 8,
};

static void set_key(struct gf_peer *peer, struct gf_str key) {
    peer->key_len = key.len < sizeof(peer->key) ? key.len : sizeof(peer->key);
    memcpy(peer->key, key.ptr, peer->key_len);
}

/* The host of "HOST:PORT", with %5B and the like decoded; false where it is too long. */
static bool copy_host(struct gf_str text, char out[HOST_BYTES_MAX]) {
    size_t end = text.len;
    while (end > 0 && text.ptr[end - 1] != ':') {
        end--;
    }
    end -= end > 0 ? 1 : 0;
    size_t count = 0;
    for (size_t i = 0; i < end; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < end && gf_hex_digit(text.ptr[i + 1]) >= 0 &&
            gf_hex_digit(text.ptr[i + 2]) >= 0) {
            c = (char)(gf_hex_digit(text.ptr[i + 1]) * 16 + gf_hex_digit(text.ptr[i + 2]));
            i += 2;
        }
        if (c == '[' || c == ']') {
            continue;
        }
        if (c == '%') {
            break; /* A zone: which interface of ours. */
        }
        if (count + 1 >= HOST_BYTES_MAX) {
            return false;
        }
        out[count++] = c;
    }
    out[count] = '\0';
    return true;
}

static bool parse_ipv4(const char *host, struct gf_peer *peer) {
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) != 1) {
        return false;
    }
    const uint32_t number = ntohl(address.s_addr);
    peer->local = number >> 24 == 127;
    char text[INET_ADDRSTRLEN];
    (void)inet_ntop(AF_INET, &address, text, sizeof(text)); /* There is room for every address. */
    set_key(peer, gf_str_from(text));
    return true;
}

static bool parse_ipv6(const char *host, struct gf_peer *peer) {
    struct in6_addr address;
    if (inet_pton(AF_INET6, host, &address) != 1) {
        return false;
    }
    char text[INET6_ADDRSTRLEN];
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        (void)inet_ntop(AF_INET, &address.s6_addr[12], text, sizeof(text));
        return parse_ipv4(text, peer);
    }
    peer->local = IN6_IS_ADDR_LOOPBACK(&address) != 0;
    memset(&address.s6_addr[NETWORK_BYTES], 0, sizeof(address.s6_addr) - NETWORK_BYTES);
    (void)inet_ntop(AF_INET6, &address, text, sizeof(text));
    char key[INET6_ADDRSTRLEN + 4];
    (void)snprintf(key, sizeof(key), "%s/64", text);
    set_key(peer, gf_str_from(key));
    return true;
}

void gf_peer_parse(const char *text, struct gf_peer *out_peer) {
    *out_peer = (struct gf_peer){.key_len = 0};
    const struct gf_str all = gf_str_from(text);
    struct gf_str scheme;
    struct gf_str rest;
    (void)gf_str_cut(all, ':', &scheme, &rest);
    if (gf_str_eq(scheme, GF_STR("unix"))) {
        out_peer->local = true;
        set_key(out_peer, scheme);
        return;
    }
    char host[HOST_BYTES_MAX];
    const bool known = copy_host(rest, host) &&
                       ((gf_str_eq(scheme, GF_STR("ipv4")) && parse_ipv4(host, out_peer)) ||
                        (gf_str_eq(scheme, GF_STR("ipv6")) && parse_ipv6(host, out_peer)));
    if (!known) {
        set_key(out_peer, all);
    }
}
