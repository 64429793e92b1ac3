#include "api/access/peer.h"

#include <criterion/criterion.h>

static void expect_peer(const char *text, const char *key, bool local) {
    struct gf_peer peer;
    gf_peer_parse(text, &peer);
    cr_expect(gf_str_eq(gf_peer_key(&peer), gf_str_from(key)), "%s: %.*s, expected %s", text,
              (int)peer.key_len, peer.key, key);
    cr_expect_eq(peer.local, local, "%s", text);
}

Test(access_peer, ipv4_is_counted_by_its_address) {
    expect_peer("ipv4:192.0.2.7:51234", "192.0.2.7", false);
    expect_peer("ipv4:127.0.0.1:1", "127.0.0.1", true);
    expect_peer("ipv4:127.9.9.9:1", "127.9.9.9", true);
    expect_peer("ipv4:128.0.0.1:1", "128.0.0.1", false);
}

Test(access_peer, ipv6_is_counted_by_its_network) {
    expect_peer("ipv6:[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64", false);
    expect_peer("ipv6:%5B2001:db8:1:2:ffff::1%5D:80", "2001:db8:1:2::/64", false);
    expect_peer("ipv6:%5b::1%5d:80", "::/64", true);
    expect_peer("ipv6:[::1]:80", "::/64", true);
    expect_peer("ipv6:[fe80::1%25eth0]:80", "fe80::/64", false);
    expect_peer("ipv6:[::2]:80", "::/64", false);
}

Test(access_peer, mapped_ipv4_is_ipv4) {
    expect_peer("ipv6:[::ffff:192.0.2.7]:80", "192.0.2.7", false);
    expect_peer("ipv6:[::ffff:127.0.0.1]:80", "127.0.0.1", true);
}

Test(access_peer, unix_sockets_are_this_machine) {
    expect_peer("unix:", "unix", true);
    expect_peer("unix:/run/gofer.sock", "unix", true);
}

Test(access_peer, anything_else_is_a_stranger) {
    expect_peer("", "", false);
    expect_peer("unknown", "unknown", false);
    expect_peer("ipv4:", "ipv4:", false);
    expect_peer("ipv4:localhost:80", "ipv4:localhost:80", false);
    expect_peer("ipv4:127.0.0.1.evil.example:80", "ipv4:127.0.0.1.evil.example:80", false);
    expect_peer("unixx:/x", "unixx:/x", false);
    expect_peer("ipv6:%5", "ipv6:%5", false);
    char text[500];
    memset(text, '1', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "ipv4:", 5);
    struct gf_peer peer;
    gf_peer_parse(text, &peer);
    cr_expect_eq(peer.key_len, GF_PEER_KEY_BYTES_MAX);
    cr_expect_not(peer.local);
}
