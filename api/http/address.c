#include "api/http/server_internal.h"
#include "base/alloc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IPV6_NET_BYTES = 8,
};

void gf_http__address_unmap(union gf_http__address *address) {
    if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->ipv6.sin6_addr)) {
        return;
    }
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = address->ipv6.sin6_port};
    memcpy(&ipv4.sin_addr, &address->ipv6.sin6_addr.s6_addr[12], sizeof(ipv4.sin_addr));
    address->ipv4 = ipv4;
}

bool gf_http__address_is_loopback(const union gf_http__address *address) {
    if (address->any.sa_family == AF_INET) {
        return ntohl(address->ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->ipv6.sin6_addr);
}

bool gf_http__address_is_wildcard(const union gf_http__address *address) {
    if (address->any.sa_family == AF_INET) {
        return address->ipv4.sin_addr.s_addr == htonl(INADDR_ANY);
    }
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->ipv6.sin6_addr);
}

void gf_http__address_format(const union gf_http__address *address,
                             char out[GF_HTTP__PEER_BYTES_MAX]) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &address->ipv4.sin_addr, text, sizeof(text));
        (void)snprintf(out, GF_HTTP__PEER_BYTES_MAX, "ipv4:%s:%u", text,
                       (unsigned)ntohs(address->ipv4.sin_port));
    } else if (address->any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address->ipv6.sin6_addr, text, sizeof(text));
        (void)snprintf(out, GF_HTTP__PEER_BYTES_MAX, "ipv6:[%s]:%u", text,
                       (unsigned)ntohs(address->ipv6.sin6_port));
    } else {
        (void)snprintf(out, GF_HTTP__PEER_BYTES_MAX, "unix:");
    }
}

void gf_http__address_key(const union gf_http__address *address,
                          unsigned char out[GF_HTTP__ADDRESS_BYTES]) {
    memset(out, 0, GF_HTTP__ADDRESS_BYTES);
    if (address->any.sa_family == AF_INET) {
        memcpy(out + GF_HTTP__ADDRESS_BYTES - sizeof(address->ipv4.sin_addr),
               &address->ipv4.sin_addr, sizeof(address->ipv4.sin_addr));
    } else {
        memcpy(out, &address->ipv6.sin6_addr, IPV6_NET_BYTES);
    }
}

struct address_count {
    size_t count;
};

static struct gf_str key_view(const unsigned char *key) {
    return (struct gf_str){(const char *)key, GF_HTTP__ADDRESS_BYTES};
}

bool gf_http__address_take(struct gf_http_server *server, const unsigned char *key) {
    struct address_count *count = gf_map_get(&server->addresses, key_view(key));
    if (count == NULL) {
        count = GF_NEW(struct address_count);
        (void)gf_map_put(&server->addresses, key_view(key), count);
    }
    if (count->count >= server->options.address_connections_max) {
        return false;
    }
    count->count++;
    return true;
}

void gf_http__address_release(struct gf_http_server *server, const unsigned char *address) {
    struct address_count *count = gf_map_get(&server->addresses, key_view(address));
    gf_assert(count != NULL && count->count > 0);
    if (--count->count == 0) {
        (void)gf_map_remove(&server->addresses, key_view(address));
        free(count);
    }
}
