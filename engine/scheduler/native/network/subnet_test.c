#include "engine/scheduler/native/network/subnet.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;

static struct gf_subnet parse(const char *text) {
    struct gf_subnet subnet = {0};
    cr_assert(gf_subnet_parse(gf_str_from(text), &subnet, &error) == GF_OK, "%s", error.message);
    return subnet;
}

Test(subnet, networks_from_16_to_28_are_read) {
    char text[GF_IPV4_TEXT_BYTES_MAX];
    const struct gf_subnet large = parse("10.213.0.0/16");
    cr_assert(eq(str, gf_ipv4_format(large.network, text), "10.213.0.0"));
    cr_assert(eq(u32, gf_subnet_last_host(&large), 65534));
    const struct gf_subnet small = parse("192.168.7.240/28");
    cr_assert(eq(u32, gf_subnet_last_host(&small), 14));
    cr_assert(eq(str, gf_ipv4_format(gf_subnet_address(&small, 2), text), "192.168.7.242"));
}

Test(subnet, what_is_no_network_of_hosts_is_refused) {
    const char *const wrong[] = {
        "",
        "10.213.0.0",
        "10.213.0.0/",
        "10.213.0.0/15",
        "10.213.0.0/29",
        "10.0.0/16",
        "10.213.0.1/16",
        "127.0.0.0/16",
        "0.0.0.0/16",
        "169.254.0.0/16",
        "::1/16",
        "10.213.0.0/16x",
        "224.0.0.0/16",
        "010.1.0.0/16",
        "10.256.0.0/16",
        "+1.2.0.0/16",
        "10.213.0.0.0/16",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        struct gf_subnet subnet;
        cr_assert(gf_subnet_parse(gf_str_from(wrong[i]), &subnet, &error) == GF_INVALID_ARGUMENT,
                  "%s", wrong[i]);
    }
}

Test(subnet, overlap_is_that_of_the_wider_one) {
    const struct gf_subnet subnet = parse("10.213.0.0/24");
    uint32_t address = 0;
    cr_assert(gf_ipv4_parse(GF_STR("10.213.7.9"), &address));
    cr_assert(not(gf_subnet_overlaps(&subnet, address, 24)));
    cr_assert(gf_subnet_overlaps(&subnet, address, 16));
    cr_assert(gf_subnet_overlaps(&subnet, address, 0));
    cr_assert(gf_ipv4_parse(GF_STR("10.213.0.9"), &address));
    cr_assert(gf_subnet_overlaps(&subnet, address, 32));
}
