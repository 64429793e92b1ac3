/* resolv.conf and subnets: what is read and written again must be the same, and bounds hold. */
#include "engine/scheduler/native/network/resolv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_resolv(struct gf_str text, bool loopback) {
    struct gf_resolv resolv = {.count = 0};
    struct gf_resolv again = {.count = 0};
    char formatted[GF_RESOLV_TEXT_BYTES_MAX];
    gf_resolv_parse(text, loopback, &resolv);
    gf_assert(resolv.count <= GF_RESOLV_SERVERS_MAX);
    gf_resolv_parse(gf_str_from(gf_resolv_format(&resolv, formatted)), loopback, &again);
    gf_assert(gf_resolv_equal(&resolv, &again));
    for (size_t i = 0; i < resolv.count; i++) {
        gf_assert(loopback || !gf_ipv4_is_loopback(resolv.servers[i]));
    }
}

static void run_subnet(struct gf_str text) {
    struct gf_subnet subnet;
    if (gf_subnet_parse(text, &subnet, NULL) == GF_OK) {
        const uint32_t last = gf_subnet_address(&subnet, gf_subnet_last_host(&subnet));
        gf_assert(last > subnet.network);
        gf_assert(gf_subnet_overlaps(&subnet, last, 32));
        gf_assert(!gf_subnet_overlaps(&subnet, last + 2, 32));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str text = {(const char *)data, size};
    run_resolv(text, true);
    run_resolv(text, false);
    run_subnet(text);
    return 0;
}
