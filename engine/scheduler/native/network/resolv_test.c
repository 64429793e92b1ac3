#include "engine/scheduler/native/network/resolv.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_error error;
static char text[GF_RESOLV_TEXT_BYTES_MAX];

static char *parse(const char *file, bool loopback) {
    struct gf_resolv resolv = {.count = 0};
    gf_resolv_parse(gf_str_from(file), loopback, &resolv);
    return gf_resolv_format(&resolv, text);
}

Test(resolv, servers_are_taken_and_all_else_is_left) {
    cr_assert(eq(str,
                 parse("# a comment\nsearch example.com\n  nameserver\t192.0.2.1  # local\r\n"
                       "nameserver fe80::1%eth0\noptions edns0\nnameserver 192.0.2.2",
                       false),
                 "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"));
}

Test(resolv, loopback_counts_only_where_it_can_be_reached) {
    const char *const file = "nameserver 127.0.0.53\nnameserver 0.0.0.0\n";
    cr_assert(eq(str, parse(file, false), ""));
    cr_assert(eq(str, parse(file, true), "nameserver 127.0.0.53\n"));
}

Test(resolv, no_more_than_resolvers_look_at) {
    (void)parse("nameserver 255.255.255.251\nnameserver 255.255.255.252\n"
                "nameserver 255.255.255.253\nnameserver 255.255.255.254\n",
                false);
    cr_assert(eq(sz, strlen(text), 3 * strlen("nameserver 255.255.255.251\n")));
}

Test(resolv, malformed_lines_are_passed_over) {
    cr_assert(eq(str,
                 parse("nameserver\nnameserver 1.2.3\nnameserver 1.2.3.4.5\nnameservers 1.2.3.4\n"
                       "nameserver 01.2.3.4\nnameserver -1.2.3.4\nnameserver 1.2.3.999\n\n\n",
                       false),
                 ""));
}

Test(resolv, configured_servers_are_checked) {
    const char *const right[] = {"192.0.2.1", "192.0.2.2"};
    const char *const loopback[] = {"127.0.0.1"};
    const char *const name[] = {"ns.example.com"};
    const char *const many[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    struct gf_resolv resolv;
    cr_assert(gf_resolv_from_list(right, 2, &resolv, &error) == GF_OK);
    cr_assert(eq(sz, resolv.count, 2));
    cr_assert(gf_resolv_from_list(loopback, 1, &resolv, &error) == GF_INVALID_ARGUMENT);
    cr_assert(gf_resolv_from_list(name, 1, &resolv, &error) == GF_INVALID_ARGUMENT);
    cr_assert(gf_resolv_from_list(many, 4, &resolv, &error) == GF_INVALID_ARGUMENT);
}
